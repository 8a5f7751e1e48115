/* Filters, tests, methods and global functions: tables of rows, and how they are called.
 * Thread: any; the tables are static. Owner: none. */
#ifndef JINJA_BUILTIN_H
#define JINJA_BUILTIN_H

#include "value.h"

enum jtext_case { JTEXT_UPPER, JTEXT_LOWER, JTEXT_TITLE, JTEXT_CAPITALIZE, JTEXT_SWAP, JTEXT_FOLD, JTEXT_WORDS };

#define JPARAMETERS_MAX 8u

/* A call with its arguments in the order of the row's parameters: J_MISSING where one was not given. Rows without
 * parameters get what was written. A filter's or test's value is its first argument, a method's object is `self`. */
struct jcall {
    const struct jbuiltin *builtin;
    struct jvalue self;
    const struct jvalue *args;
    size_t count;
    struct jdict *keywords; /* of rows without parameters; NULL for none */
};

struct jbuiltin {
    const char *name;
    struct jvalue (*call)(struct jrun *run, const struct jcall *call); /* NULL: exists, yet the sandbox forbids it */
    /* Names, separated by spaces. A leading '/' means that keywords are not accepted. NULL: any arguments. */
    const char *parameters;
    unsigned required; /* how many must be given */
    int option;        /* what tells rows with one function apart */
};

const struct jbuiltin *jfilter_find(const struct jstring *name);
const struct jbuiltin *jtest_find(const struct jstring *name);
const struct jbuiltin *jglobal_find(const struct jstring *name);
const struct jbuiltin *jmethod_find(struct jvalue object, const struct jstring *name);

/* Rows of tables, one for each file of functions; a row without name ends a table. */
extern const struct jbuiltin jfilters_text[], jfilters_number[], jfilters_sequence[], jfilters_select[];
extern const struct jbuiltin jfilters_order[], jfilters_markup[], jfilters_wrap[], jfilters_pretty[], jfilters_urlize[];
extern const struct jbuiltin jtests[], jglobals[], *const jglobal_dict; /* the row of dict(), which has a method */
extern const struct jbuiltin jmethods_string[], jmethods_string_test[], jmethods_list[], jmethods_tuple[];
extern const struct jbuiltin jmethods_dict[], jmethods_range[], jmethods_loop[], jmethods_cycler[];
extern const struct jbuiltin jmethods_int[], jmethods_float[], jmethods_dict_type[];

struct jvalue jbuiltin_call(struct jrun *run, const struct jbuiltin *builtin, struct jvalue self,
                            const struct jvalue *args, size_t count, struct jdict *keywords);
/* Calls a filter or test by a name that is known only now, as map and select do. */
struct jvalue jcall_named(struct jrun *run, bool filter, struct jvalue name, struct jvalue value,
                          const struct jvalue *args, size_t count, struct jdict *keywords);

static inline bool jgiven(struct jvalue argument)
{
    return argument.kind != J_MISSING;
}
/* An optional argument's truth; `otherwise` where it was not given. */
static inline bool jflag(struct jrun *run, struct jvalue argument, bool otherwise)
{
    return jgiven(argument) ? jtruthy(run, argument) : otherwise;
}

/* ---- shared by several tables ------------------------------------------------------------------------------------ */

const struct jstring *jstrip(struct jrun *run, const struct jstring *string, struct jvalue chars, bool left,
                             bool right);
const struct jstring *jconvert_case(struct jrun *run, const struct jstring *string, enum jtext_case to);
const struct jstring *jreplace(struct jrun *run, const struct jstring *string, const struct jstring *old,
                               const struct jstring *new, int64_t count);
const struct jstring *jescape(struct jrun *run, struct jvalue value); /* markupsafe.escape: Markup */
const struct jstring *jcenter(struct jrun *run, const struct jstring *string, int64_t width, int64_t left_share,
                              const struct jstring *fill);
bool jall_case(struct jrun *run, const struct jstring *string, bool upper); /* str.isupper, str.islower */
struct jlist *jsplit_lines(struct jrun *run, const struct jstring *string, bool keep_ends);
const struct jstring *jformat_percent(struct jrun *run, const struct jstring *format, struct jvalue arguments);
struct jvalue jformat_braces(struct jrun *run, const struct jstring *format, const struct jvalue *args, size_t count,
                             struct jdict *keywords);
const struct jstring *jformat_field(struct jrun *run, struct jvalue value, const struct jstring *spec);
const struct jstring *jto_json(struct jrun *run, struct jvalue value, struct jvalue indent, struct jvalue separators,
                               bool ascii, bool sort_keys);
/* An attribute or a dotted path of them; `otherwise` in place of what is undefined, unless it is missing itself.
 * filters_select.c */
struct jvalue jget_path(struct jrun *run, struct jvalue item, struct jvalue path, struct jvalue otherwise);
bool jparse_int(struct jrun *run, const struct jstring *text, int64_t base, int64_t *out); /* Python's int() */

/* ---- the interpreter: operators.c, call.c, eval.c ---------------------------------------------------------------- */

struct jvalue jbinary(struct jrun *run, int operator, struct jvalue left, struct jvalue right);
struct jvalue jnumber_attribute(struct jvalue number, const struct jstring *name); /* J_MISSING: none */
struct jvalue jslice(struct jrun *run, struct jvalue object, struct jvalue start, struct jvalue stop,
                     struct jvalue step);
struct jvalue jattribute(struct jrun *run, struct jvalue object, const struct jstring *name);
struct jvalue jitem(struct jrun *run, struct jvalue object, struct jvalue key);
struct jvalue jcall_value(struct jrun *run, struct jvalue callee, const struct jvalue *args, size_t count,
                          struct jdict *keywords);

#endif
