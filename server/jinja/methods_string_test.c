/* Methods of strings that look: for a part, or at what all characters are.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

/* ---- looking for a part ------------------------------------------------------------------------------------------ */

struct window {
    size_t from, to; /* bytes */
    bool valid;      /* false where Python's start is after the end */
};

static struct window window_of(struct jrun *run, const struct jstring *string, struct jvalue start, struct jvalue stop)
{
    int64_t length = (int64_t)string->chars, from = 0, to = length;

    if (jgiven(start) && start.kind != J_NONE)
        from = jint_of(run, start, "start");
    if (jgiven(stop) && stop.kind != J_NONE)
        to = jint_of(run, stop, "end");
    from = from < 0 ? (from + length < 0 ? 0 : from + length) : from;
    to = to > length ? length : to < 0 ? (to + length < 0 ? 0 : to + length) : to;
    return (struct window){.from = jstring_offset(run, string, (size_t)from),
                           .to = jstring_offset(run, string, (size_t)to),
                           .valid = from <= to};
}

/* Option: 1 from the right, 2 raising where it is not found. */
static struct jvalue string_find(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string, *part = jstring_of(run, call->args[0], "the argument");
    struct window window = window_of(run, string, call->args[1], call->args[2]);
    size_t found = SIZE_MAX;

    if (window.valid)
        found = (call->builtin->option & 1 ? jstring_rfind : jstring_find)(run, string, part, window.from, window.to);
    if (found != SIZE_MAX)
        return jint((int64_t)jstring_part(run, string, 0, found)->chars);
    if (call->builtin->option & 2)
        jraise(run, "substring not found");
    return jint(-1);
}

static struct jvalue string_count(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string, *part = jstring_of(run, call->args[0], "the argument");
    struct window window = window_of(run, string, call->args[1], call->args[2]);
    int64_t count = 0;

    if (!window.valid)
        return jint(0);
    if (part->count == 0)
        return jint((int64_t)jstring_part(run, string, window.from, window.to)->chars + 1);
    while ((window.from = jstring_find(run, string, part, window.from, window.to)) != SIZE_MAX) {
        count++;
        window.from += part->count;
    }
    return jint(count);
}

static bool has_affix(struct jrun *run, const struct jstring *string, const struct jstring *affix, struct window window,
                      bool suffix)
{
    if (!window.valid || affix->count > window.to - window.from)
        return false;
    if (suffix)
        window.from = window.to - affix->count;
    return jstring_find(run, string, affix, window.from, window.from + affix->count) != SIZE_MAX;
}

/* Option: 1 for endswith. */
static struct jvalue string_starts(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    struct window window = window_of(run, string, call->args[1], call->args[2]);
    bool suffix = call->builtin->option != 0, found = false;

    if (!jvalue_is_tuple(call->args[0]))
        return jbool(has_affix(run, string, jstring_of(run, call->args[0], "the first argument"), window, suffix));
    for (size_t i = 0; i < call->args[0].as.list->count && !found; i++)
        found = has_affix(run, string, jstring_of(run, call->args[0].as.list->items[i], "an affix"), window, suffix);
    return jbool(found);
}

/* ---- what all characters are ------------------------------------------------------------------------------------- */

/* Option: the property; all characters have it, and there is one (or need not be, where Python says so). */
static struct jvalue string_all(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    enum jproperty property = (enum jproperty)call->builtin->option;
    size_t next;

    jrun_charge_bytes(run, string->count * 8);
    for (size_t at = 0; at < string->count; at = next) {
        if (!jchar_has(jchar_at(string->bytes, at, &next), property))
            return jbool(false);
    }
    return jbool(string->count > 0 || property == JCHAR_PRINTABLE);
}

static struct jvalue string_isalnum(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    size_t next;

    jrun_charge_bytes(run, string->count * 8);
    for (size_t at = 0; at < string->count; at = next) {
        if (!jchar_is_alnum(jchar_at(string->bytes, at, &next)))
            return jbool(false);
    }
    return jbool(string->count > 0);
}

static struct jvalue string_isascii(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;

    jrun_charge_bytes(run, string->count);
    for (size_t at = 0; at < string->count; at++) {
        if ((unsigned char)string->bytes[at] >= 0x80)
            return jbool(false);
    }
    return jbool(true);
}

static struct jvalue string_isidentifier(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    size_t next;

    jrun_charge_bytes(run, string->count * 8);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        if (code != '_' && !jchar_has(code, JCHAR_ALPHA) && (at == 0 || !jchar_is_alnum(code)))
            return jbool(false);
    }
    return jbool(string->count > 0);
}

bool jall_case(struct jrun *run, const struct jstring *string, bool upper)
{
    bool cased = false;
    size_t next;

    jrun_charge_bytes(run, string->count * 8);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        if (jchar_has(code, upper ? JCHAR_LOWER : JCHAR_UPPER) || jchar_has(code, JCHAR_TITLE))
            return false;
        cased = cased || jchar_has(code, upper ? JCHAR_UPPER : JCHAR_LOWER);
    }
    return cased;
}

/* Option: 1 for isupper. */
static struct jvalue string_iscase(struct jrun *run, const struct jcall *call)
{
    return jbool(jall_case(run, call->self.as.string, call->builtin->option != 0));
}

static struct jvalue string_istitle(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    bool inside = false, cased = false;
    size_t next;

    jrun_charge_bytes(run, string->count * 8);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        bool first = jchar_has(code, JCHAR_UPPER) || jchar_has(code, JCHAR_TITLE), small = jchar_has(code, JCHAR_LOWER);
        if ((first && inside) || (small && !inside))
            return jbool(false);
        inside = first || small;
        cased = cased || inside;
    }
    return jbool(cased);
}

const struct jbuiltin jmethods_string_test[] = {
    {"startswith", string_starts, "/prefix start end", 1, 0},
    {"endswith", string_starts, "/suffix start end", 1, 1},
    {"find", string_find, "/sub start end", 1, 0},
    {"rfind", string_find, "/sub start end", 1, 1},
    {"index", string_find, "/sub start end", 1, 2},
    {"rindex", string_find, "/sub start end", 1, 3},
    {"count", string_count, "/sub start end", 1, 0},
    {"isalpha", string_all, "/", 0, JCHAR_ALPHA},
    {"isdecimal", string_all, "/", 0, JCHAR_DECIMAL},
    {"isdigit", string_all, "/", 0, JCHAR_DIGIT},
    {"isnumeric", string_all, "/", 0, JCHAR_NUMERIC},
    {"isspace", string_all, "/", 0, JCHAR_SPACE},
    {"isprintable", string_all, "/", 0, JCHAR_PRINTABLE},
    {"isalnum", string_isalnum, "/", 0, 0},
    {"isascii", string_isascii, "/", 0, 0},
    {"isidentifier", string_isidentifier, "/", 0, 0},
    {"islower", string_iscase, "/", 0, 0},
    {"isupper", string_iscase, "/", 0, 1},
    {"istitle", string_istitle, "/", 0, 0},
    {0},
};
