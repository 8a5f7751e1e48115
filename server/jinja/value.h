/* The values that templates compute with: Python's, as far as templates can see them.
 *
 * Values are immutable once built, except namespaces, cyclers, joiners, loops and iterators, which have state in the
 * reference too.
 * A string knows of every byte whether the template or the request wrote it.
 * Thread: its run's; strings and constants of a compiled template are shared read-only. Owner: the run's arena. */
#ifndef JINJA_VALUE_H
#define JINJA_VALUE_H

#include "run.h"

enum jkind {
    J_MISSING, /* no value: an argument that was not given, a variable not set yet */
    J_UNDEFINED,
    J_NONE,
    J_BOOL,
    J_INT,
    J_FLOAT,
    J_STRING,
    J_LIST,
    J_TUPLE,
    J_GROUP, /* a tuple (grouper, list) with names */
    J_DICT,
    J_RANGE,
    J_KEYS, /* dict views */
    J_VALUES,
    J_ITEMS,
    J_ITERATOR, /* a generator: pulled once, has no length */
    J_NAMESPACE,
    J_LOOP,
    J_MACRO,
    J_FUNCTION, /* a global, or a method bound to its object */
    J_SELF,  /* what `self` is: the template's blocks by name */
    J_BLOCK, /* one of them */
    J_CYCLER,
    J_JOINER,
};

struct jstring;
struct jvalue {
    enum jkind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        const struct jstring *string;
        struct jlist *list; /* also tuples, groups and cyclers' items */
        struct jdict *dict; /* also views and namespaces */
        const struct jrange *range;
        const struct jundefined *undefined;
        struct jiterator *iterator;
        struct jloop *loop;
        const struct jmacro *macro;
        const struct jfunction *function;
        const struct jnode *block;
        struct jcycler *cycler;
        struct jjoiner *joiner;
    } as;
};

/* ---- text with provenance: string.c ------------------------------------------------------------------------------ */

struct jstring {
    const char *bytes; /* valid UTF-8, not terminated */
    size_t count;      /* bytes */
    size_t chars;      /* code points */
    const size_t *flips; /* byte offsets in (0, count), ascending, where `trusted` turns into its opposite */
    size_t flip_count;
    struct jtail *tail; /* where more may follow the bytes and the flips, if nothing does yet; NULL */
    bool trusted;      /* of the first byte: the template wrote it */
    bool markup;       /* markupsafe's Markup: it escapes what is joined to it */
};

struct jbuilder {
    struct jrun *run;
    char *bytes;
    size_t count, count_max;
    size_t *flips;
    size_t flip_count, flip_max;
    bool first, last; /* whether the first and the last byte are trusted; undefined while count is 0 */
};

void jbuilder_init(struct jbuilder *builder, struct jrun *run);
void jbuilder_add(struct jbuilder *builder, const char *bytes, size_t count, bool trusted);
void jbuilder_add_text(struct jbuilder *builder, const char *text); /* trusted, terminated */
void jbuilder_add_char(struct jbuilder *builder, uint32_t code, bool trusted);
void jbuilder_add_fill(struct jbuilder *builder, const char *fill, size_t fill_bytes, size_t count, bool trusted);
void jbuilder_add_part(struct jbuilder *builder, const struct jstring *string, size_t from, size_t to); /* bytes */
void jbuilder_add_string(struct jbuilder *builder, const struct jstring *string);
const struct jstring *jbuilder_string(struct jbuilder *builder); /* the builder may not be used afterwards */

/* Both in one. Where `left` is long it is copied with room to spare, so that a text to which a template adds again and
 * again is not copied each time: the sum shares the bytes of `left`, which stays as it was. */
const struct jstring *jstring_append(struct jrun *run, const struct jstring *left, const struct jstring *right);
const struct jstring *jstring_new(struct jrun *run, const char *bytes, size_t count, bool trusted); /* keeps `bytes` */
const struct jstring *jstring_part(struct jrun *run, const struct jstring *string, size_t from, size_t to); /* bytes */
const struct jstring *jstring_plain(struct jrun *run, const struct jstring *string);  /* without the Markup mark */
const struct jstring *jstring_markup(struct jrun *run, const struct jstring *string); /* with it */
bool jstring_trusted_at(const struct jstring *string, size_t byte);
bool jstring_all_trusted(const struct jstring *string);
/* In bytes; count at the end. */
size_t jstring_offset(struct jrun *run, const struct jstring *string, size_t char_index);
bool jstring_equal(struct jrun *run, const struct jstring *a, const struct jstring *b);
bool jstring_is(const struct jstring *string, const char *text);
int jstring_compare(const struct jstring *a, const struct jstring *b); /* by code points */
/* First (last) byte offset of `needle` within [from, to) bytes, SIZE_MAX where it does not occur. */
size_t jstring_find(struct jrun *run, const struct jstring *string, const struct jstring *needle, size_t from,
                    size_t to);
size_t jstring_rfind(struct jrun *run, const struct jstring *string, const struct jstring *needle, size_t from,
                     size_t to);

/* The character at bytes[at], which must be on a boundary of valid UTF-8; `*next` is the one after it. */
static inline uint32_t jchar_at(const char *bytes, size_t at, size_t *next)
{
    const unsigned char *b = (const unsigned char *)bytes + at;

    if (b[0] < 0x80) {
        *next = at + 1;
        return b[0];
    }
    if (b[0] < 0xe0) {
        *next = at + 2;
        return (uint32_t)(b[0] & 0x1f) << 6 | (b[1] & 0x3f);
    }
    if (b[0] < 0xf0) {
        *next = at + 3;
        return (uint32_t)(b[0] & 0x0f) << 12 | (uint32_t)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);
    }
    *next = at + 4;
    return (uint32_t)(b[0] & 0x07) << 18 | (uint32_t)(b[1] & 0x3f) << 12 | (uint32_t)(b[2] & 0x3f) << 6 | (b[3] & 0x3f);
}
/* What a digit or letter stands for in bases up to 36; 99 for any other byte. */
static inline int jdigit_value(char byte)
{
    int c = (unsigned char)byte | 32;

    return byte >= '0' && byte <= '9' ? byte - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* The character before bytes[at]; `*start` is where it begins. `at` > 0. */
uint32_t jchar_before(const char *bytes, size_t at, size_t *start);
size_t jchar_encode(uint32_t code, char out[4]);
/* Offset of the first byte that is not valid UTF-8, or `count`. */
size_t jutf8_check(const char *bytes, size_t count);

/* ---- containers: container.c ------------------------------------------------------------------------------------- */

struct jlist {
    struct jvalue *items;
    size_t count, count_max;
    size_t *used; /* of the sum of two lists: how many items stand in the room that it shares with longer sums; NULL */
};

struct jentry {
    struct jvalue key, value;
    uint64_t hash;
};

struct jdict { /* in order of insertion */
    struct jentry *entries;
    size_t count, count_max;
    uint32_t *index; /* entry number + 1 by hash; NULL while small */
    size_t index_size;
};

struct jrange {
    int64_t start, stop, step, count;
};

struct jundefined {
    const struct jstring *name; /* of the variable, attribute or key; NULL where it was no string */
    const char *owner;          /* type of the object that lacks it, NULL for a variable, "parameter" for one */
    const char *hint;           /* the whole sentence instead */
};

struct jloop {
    struct jiterator *source;
    struct jvalue previous, current, next; /* J_MISSING where there is none; `next` where it was looked at */
    int64_t index0, depth0;
    int64_t length; /* -1: not known yet */
    struct jvalue changed; /* the arguments of the latest call of changed() */
    const struct jnode *node;
    struct jframe *frame; /* in which the loop stands */
};

struct jmacro {
    const struct jnode *node; /* the macro or the call block */
    struct jframe *frame;     /* in which it was defined */
};

struct jfunction {
    const struct jbuiltin *builtin;
    struct jvalue self; /* J_MISSING for a global */
};

struct jcycler {
    struct jlist *items;
    size_t at;
};

struct jjoiner {
    struct jvalue separator;
    bool used;
};

/* A generator, or the walk over a container. `next` gives false at the end, and from then on. */
struct jiterator {
    bool (*next)(struct jrun *run, struct jiterator *self, struct jvalue *out);
    struct jvalue source;
    struct jiterator *inner; /* that this one draws from; NULL before it draws from `source` first */
    size_t at, size;
    void *state;
};

struct jlist *jlist_new(struct jrun *run, size_t room);
void jlist_append(struct jrun *run, struct jlist *list, struct jvalue item);
struct jdict *jdict_new(struct jrun *run, size_t room);
void jdict_set(struct jrun *run, struct jdict *dict, struct jvalue key, struct jvalue value);
/* NULL where there is no such key. Unhashable keys raise. */
const struct jvalue *jdict_get(struct jrun *run, const struct jdict *dict, struct jvalue key);
const struct jvalue *jdict_get_string(struct jrun *run, const struct jdict *dict, const struct jstring *key);
/* Numbers of the entries in the order of their keys. */
size_t *jdict_sorted(struct jrun *run, const struct jdict *dict,
                     bool (*less)(struct jrun *run, struct jvalue a, struct jvalue b));
bool jvalue_hashable(struct jrun *run, struct jvalue value);

static inline bool jnext(struct jrun *run, struct jiterator *iterator, struct jvalue *out)
{
    bool any;

    jrun_charge(run, 1);
    jrun_enter(run); /* generators may draw from generators */
    any = iterator->next(run, iterator, out);
    jrun_leave(run);
    return any;
}
/* Raises "'int' object is not iterable" and the like. */
struct jiterator *jiterate(struct jrun *run, struct jvalue value);
bool jvalue_iterable(struct jvalue value);
/* The next item of what a generator draws from, which is looked at only now: an error comes when it is drawn, as in the
 * reference. */
bool jiterator_draw(struct jrun *run, struct jiterator *self, struct jvalue *out);
struct jlist *jlist_from(struct jrun *run, struct jvalue iterable); /* a list of its own */
struct jiterator *jiterator_new(struct jrun *run, bool (*next)(struct jrun *, struct jiterator *, struct jvalue *));

/* ---- values in general: value.c ---------------------------------------------------------------------------------- */

static inline struct jvalue jnone(void)
{
    return (struct jvalue){.kind = J_NONE};
}
static inline struct jvalue jmissing(void)
{
    return (struct jvalue){.kind = J_MISSING};
}
static inline struct jvalue jbool(bool boolean)
{
    return (struct jvalue){.kind = J_BOOL, .as.boolean = boolean};
}
static inline struct jvalue jint(int64_t integer)
{
    return (struct jvalue){.kind = J_INT, .as.integer = integer};
}
static inline struct jvalue jfloat(double real)
{
    return (struct jvalue){.kind = J_FLOAT, .as.real = real};
}
static inline struct jvalue jstr(const struct jstring *string)
{
    return (struct jvalue){.kind = J_STRING, .as.string = string};
}
static inline struct jvalue jlist_value(struct jlist *list, enum jkind kind)
{
    return (struct jvalue){.kind = kind, .as.list = list};
}
static inline struct jvalue jdict_value(struct jdict *dict, enum jkind kind)
{
    return (struct jvalue){.kind = kind, .as.dict = dict};
}
static inline struct jvalue jiterator_value(struct jiterator *iterator)
{
    return (struct jvalue){.kind = J_ITERATOR, .as.iterator = iterator};
}
static inline bool jvalue_is_tuple(struct jvalue value)
{
    return value.kind == J_TUPLE || value.kind == J_GROUP;
}
static inline bool jvalue_is_sequence(struct jvalue value) /* has `list` */
{
    return value.kind == J_LIST || jvalue_is_tuple(value);
}
static inline bool jvalue_is_number(struct jvalue value)
{
    return value.kind == J_INT || value.kind == J_FLOAT || value.kind == J_BOOL;
}
static inline bool jvalue_is_integral(struct jvalue value)
{
    return value.kind == J_INT || value.kind == J_BOOL;
}

struct jvalue jundefined_name(struct jrun *run, const struct jstring *name);
struct jvalue jundefined_parameter(struct jrun *run, const struct jstring *name); /* of a macro, not given */
struct jvalue jundefined_hint(struct jrun *run, const char *hint);
struct jvalue jundefined_member(struct jrun *run, struct jvalue owner, struct jvalue name);
_Noreturn void jundefined_raise(struct jrun *run, struct jvalue undefined);

const char *jtype_name(struct jvalue value); /* as Python's type().__name__ */
bool jtruthy(struct jrun *run, struct jvalue value);
bool jequal(struct jrun *run, struct jvalue a, struct jvalue b);
/* <0, 0, >0 for values that Python can order; 2 for a NaN; raises otherwise, naming `operator`. */
int jcompare(struct jrun *run, struct jvalue a, struct jvalue b, const char *operator);
bool jcontains(struct jrun *run, struct jvalue container, struct jvalue item);
int64_t jlength(struct jrun *run, struct jvalue value); /* raises where Python has no len() */
bool jvalue_has_length(struct jvalue value);
int64_t jint_of(struct jrun *run, struct jvalue value, const char *what); /* an index; bools count */
double jdouble_of(struct jvalue value);                                  /* of a number */
const struct jstring *jstring_of(struct jrun *run, struct jvalue value, const char *what); /* raises unless a string */

/* ---- Python's texts of values: python_text.c --------------------------------------------------------------------- */

const struct jstring *jto_string(struct jrun *run, struct jvalue value); /* str(): strings come back as they are */
void jadd_str(struct jbuilder *out, struct jvalue value);
void jadd_repr(struct jbuilder *out, struct jvalue value);
void jadd_ascii(struct jbuilder *out, struct jvalue value); /* the same with escapes for all but ASCII */
void jadd_json_string(struct jbuilder *out, const struct jstring *string, bool ascii);
size_t jfloat_repr(double real, char out[40]);

#endif
