/* Methods of strings that give strings or lists of them; all keep the provenance of every byte.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

/* Markup's methods give Markup. */
static struct jvalue like(struct jrun *run, const struct jcall *call, const struct jstring *result)
{
    return jstr(call->self.as.string->markup ? jstring_markup(run, result) : result);
}

static struct jvalue string_case(struct jrun *run, const struct jcall *call)
{
    return like(run, call, jconvert_case(run, call->self.as.string, (enum jtext_case)call->builtin->option));
}

/* Option: 1 left, 2 right, 3 both. */
static struct jvalue string_strip(struct jrun *run, const struct jcall *call)
{
    return jstr(jstrip(run, call->self.as.string, call->args[0], call->builtin->option & 1, call->builtin->option & 2));
}

static struct jvalue string_replace(struct jrun *run, const struct jcall *call)
{
    const struct jstring *old = jstring_of(run, call->args[0], "replace() argument 1");
    const struct jstring *new = jstring_of(run, call->args[1], "replace() argument 2");
    int64_t count = jgiven(call->args[2]) ? jint_of(run, call->args[2], "count") : -1;

    if (call->self.as.string->markup)
        new = jescape(run, jstr(new));
    return like(run, call, jreplace(run, call->self.as.string, old, new, count));
}

static struct jvalue string_join(struct jrun *run, const struct jcall *call)
{
    const struct jstring *separator = call->self.as.string;
    struct jiterator *items = jiterate(run, call->args[0]);
    struct jvalue item;
    struct jbuilder out;
    bool first = true;

    jbuilder_init(&out, run);
    for (; jnext(run, items, &item); first = false) {
        if (!first)
            jbuilder_add_string(&out, separator);
        if (separator->markup)
            item = jstr(jescape(run, item));
        if (item.kind != J_STRING)
            jraise(run, "sequence item: expected str instance, %s found", jtype_name(item));
        jbuilder_add_string(&out, item.as.string);
    }
    return like(run, call, jbuilder_string(&out));
}

/* ---- split ------------------------------------------------------------------------------------------------------- */

static void add_part(struct jrun *run, struct jlist *list, const struct jstring *string, size_t from, size_t to)
{
    jlist_append(run, list, jstr(jstring_part(run, string, from, to)));
}

static size_t skip(const struct jstring *string, size_t at, bool space)
{
    size_t next;

    while (at < string->count && jchar_has(jchar_at(string->bytes, at, &next), JCHAR_SPACE) == space)
        at = next;
    return at;
}

static size_t skip_back(const struct jstring *string, size_t at, bool space)
{
    size_t start;

    while (at > 0 && jchar_has(jchar_before(string->bytes, at, &start), JCHAR_SPACE) == space)
        at = start;
    return at;
}

static void split_space(struct jrun *run, const struct jstring *string, int64_t splits, struct jlist *parts)
{
    for (size_t at = skip(string, 0, true), end; at < string->count; at = skip(string, end, true), splits--) {
        end = splits == 0 ? string->count : skip(string, at, false);
        add_part(run, parts, string, at, end);
    }
}

static void rsplit_space(struct jrun *run, const struct jstring *string, int64_t splits, struct jlist *parts)
{
    size_t at = string->count, end;

    for (; (end = skip_back(string, at, true)) > 0; splits--) {
        at = splits == 0 ? 0 : skip_back(string, end, false);
        add_part(run, parts, string, at, end);
    }
}

static void split_by(struct jrun *run, const struct jstring *string, const struct jstring *separator, int64_t splits,
                     struct jlist *parts)
{
    size_t from = 0;

    for (; splits != 0; splits--) {
        size_t found = jstring_find(run, string, separator, from, string->count);
        if (found == SIZE_MAX)
            break;
        add_part(run, parts, string, from, found);
        from = found + separator->count;
    }
    add_part(run, parts, string, from, string->count);
}

static void rsplit_by(struct jrun *run, const struct jstring *string, const struct jstring *separator, int64_t splits,
                      struct jlist *parts)
{
    size_t to = string->count;

    for (; splits != 0; splits--) {
        size_t found = jstring_rfind(run, string, separator, 0, to);
        if (found == SIZE_MAX)
            break;
        add_part(run, parts, string, found + separator->count, to);
        to = found;
    }
    add_part(run, parts, string, 0, to);
}

/* Option: 1 for rsplit. */
static struct jvalue string_split(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string, *separator = NULL;
    int64_t splits = jgiven(call->args[1]) ? jint_of(run, call->args[1], "maxsplit") : -1;
    struct jlist *parts = jlist_new(run, 0);
    bool right = call->builtin->option != 0;

    jrun_charge_bytes(run, string->count * 2);
    if (jgiven(call->args[0]) && call->args[0].kind != J_NONE)
        separator = jstring_of(run, call->args[0], "the separator of split");
    if (separator != NULL && separator->count == 0)
        jraise(run, "empty separator");
    if (separator == NULL)
        (right ? rsplit_space : split_space)(run, string, splits, parts);
    else
        (right ? rsplit_by : split_by)(run, string, separator, splits, parts);
    for (size_t i = 0; right && i < parts->count / 2; i++) { /* found from the end */
        struct jvalue swap = parts->items[i];
        parts->items[i] = parts->items[parts->count - 1 - i];
        parts->items[parts->count - 1 - i] = swap;
    }
    return jlist_value(parts, J_LIST);
}

static struct jvalue string_splitlines(struct jrun *run, const struct jcall *call)
{
    bool keep_ends = jgiven(call->args[0]) && jint_of(run, call->args[0], "keepends") != 0;

    return jlist_value(jsplit_lines(run, call->self.as.string, keep_ends), J_LIST);
}

/* Option: 1 for rpartition. */
static struct jvalue string_partition(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    const struct jstring *separator = jstring_of(run, call->args[0], "the separator of partition");
    bool right = call->builtin->option != 0;
    struct jlist *parts = jlist_new(run, 3);
    size_t found;

    if (separator->count == 0)
        jraise(run, "empty separator");
    found = (right ? jstring_rfind : jstring_find)(run, string, separator, 0, string->count);
    if (found != SIZE_MAX) {
        add_part(run, parts, string, 0, found);
        jlist_append(run, parts, like(run, call, separator));
        add_part(run, parts, string, found + separator->count, string->count);
    } else {
        size_t edge = right ? 0 : string->count;
        add_part(run, parts, string, 0, edge);
        add_part(run, parts, string, edge, edge);
        add_part(run, parts, string, edge, string->count);
    }
    return jlist_value(parts, J_TUPLE);
}

/* Option: 1 for removesuffix. */
static struct jvalue string_remove(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string, *affix = jstring_of(run, call->args[0], "the argument");
    size_t from = 0, to = string->count;

    if (affix->count > to)
        return jstr(string);
    jrun_charge_bytes(run, affix->count);
    if (call->builtin->option == 0 && memcmp(string->bytes, affix->bytes, affix->count) == 0)
        from = affix->count;
    if (call->builtin->option == 1 && memcmp(string->bytes + to - affix->count, affix->bytes, affix->count) == 0)
        to -= affix->count;
    return jstr(jstring_part(run, string, from, to));
}

/* ---- padding ----------------------------------------------------------------------------------------------------- */

/* Option: the share of the padding that goes to the left, as for jcenter. */
static struct jvalue string_pad(struct jrun *run, const struct jcall *call)
{
    const struct jstring *fill = jgiven(call->args[1]) ? jstring_of(run, call->args[1], "the fill character")
                                                       : jstring_new(run, " ", 1, true);

    if (call->self.as.string->markup)
        fill = jescape(run, jstr(fill));
    return like(run, call, jcenter(run, call->self.as.string, jint_of(run, call->args[0], "width"),
                                   call->builtin->option, fill));
}

static struct jvalue string_zfill(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    size_t sign = string->count > 0 && (string->bytes[0] == '-' || string->bytes[0] == '+');
    int64_t width = jint_of(run, call->args[0], "width");
    struct jbuilder out;

    if (width <= (int64_t)string->chars)
        return jstr(string);
    jbuilder_init(&out, run);
    jbuilder_add_part(&out, string, 0, sign);
    jbuilder_add_fill(&out, "0", 1, (size_t)width - string->chars, true);
    jbuilder_add_part(&out, string, sign, string->count);
    return like(run, call, jbuilder_string(&out));
}

static struct jvalue string_expandtabs(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    int64_t size = jgiven(call->args[0]) ? jint_of(run, call->args[0], "tabsize") : 8, column = 0;
    struct jbuilder out;
    size_t next;

    jbuilder_init(&out, run);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        if (code == '\t') {
            int64_t spaces = size > 0 ? size - column % size : 0;
            jbuilder_add_fill(&out, " ", 1, (size_t)spaces, jstring_trusted_at(string, at));
            column += spaces;
        } else {
            jbuilder_add_part(&out, string, at, next);
            column = code == '\n' || code == '\r' ? 0 : column + 1;
        }
    }
    return like(run, call, jbuilder_string(&out));
}

/* ---- format ------------------------------------------------------------------------------------------------------ */

static struct jvalue string_format(struct jrun *run, const struct jcall *call)
{
    return jformat_braces(run, call->self.as.string, call->args, call->count, call->keywords);
}

static struct jvalue string_format_map(struct jrun *run, const struct jcall *call)
{
    if (call->args[0].kind != J_DICT)
        jraise(run, "format_map() needs a mapping");
    return jformat_braces(run, call->self.as.string, NULL, 0, call->args[0].as.dict);
}

static struct jvalue string_translate(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = call->self.as.string;
    struct jbuilder out;
    size_t next;

    jbuilder_init(&out, run);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        struct jvalue to = jitem(run, call->args[0], jint(code));
        if (to.kind == J_STRING)
            jbuilder_add_string(&out, to.as.string);
        else if (to.kind == J_INT && to.as.integer >= 0 && to.as.integer < 0x110000)
            jbuilder_add_char(&out, (uint32_t)to.as.integer, false); /* who wrote a number is not known */
        else if (to.kind == J_UNDEFINED)
            jbuilder_add_part(&out, string, at, next);
        else if (to.kind != J_NONE)
            jraise(run, "character mapping must return integer, None or str");
    }
    return like(run, call, jbuilder_string(&out));
}

static struct jvalue char_code(struct jrun *run, const struct jstring *string, size_t at, size_t *next)
{
    (void)run;
    return jint(jchar_at(string->bytes, at, next));
}

/* The table for translate: of a mapping, or of characters, what they become, and what is left out. */
static struct jvalue string_maketrans(struct jrun *run, const struct jcall *call)
{
    struct jdict *table = jdict_new(run, 0);
    struct jvalue from = call->args[0];
    size_t at = 0, to_at = 0;

    if (!jgiven(call->args[1])) {
        if (from.kind != J_DICT)
            jraise(run, "if you give only one argument to maketrans it must be a dict");
        for (size_t i = 0; i < from.as.dict->count; i++) {
            const struct jentry *entry = &from.as.dict->entries[i];
            if (entry->key.kind == J_STRING && entry->key.as.string->chars != 1)
                jraise(run, "string keys in translate table must be of length 1");
            if (entry->key.kind != J_STRING && !jvalue_is_integral(entry->key))
                jraise(run, "keys in translate table must be strings or integers");
            jdict_set(run, table,
                      entry->key.kind == J_STRING ? char_code(run, entry->key.as.string, 0, &at) : entry->key,
                      entry->value);
        }
        return jdict_value(table, J_DICT);
    }
    const struct jstring *chars = jstring_of(run, from, "maketrans() argument 1");
    const struct jstring *targets = jstring_of(run, call->args[1], "maketrans() argument 2");
    if (chars->chars != targets->chars)
        jraise(run, "the first two maketrans arguments must have equal length");
    while (at < chars->count) {
        struct jvalue key = char_code(run, chars, at, &at);
        jdict_set(run, table, key, char_code(run, targets, to_at, &to_at));
    }
    if (jgiven(call->args[2])) {
        const struct jstring *without = jstring_of(run, call->args[2], "maketrans() argument 3");
        for (at = 0; at < without->count;)
            jdict_set(run, table, char_code(run, without, at, &at), jnone());
    }
    return jdict_value(table, J_DICT);
}

static struct jvalue string_encode(struct jrun *run, const struct jcall *call)
{
    (void)call;
    jfail(run, QUIRE_UNSUPPORTED, "bytes in a chat template");
}

const struct jbuiltin jmethods_string[] = {
    {"strip", string_strip, "/chars", 0, 3},
    {"lstrip", string_strip, "/chars", 0, 1},
    {"rstrip", string_strip, "/chars", 0, 2},
    {"split", string_split, "sep maxsplit", 0, 0},
    {"rsplit", string_split, "sep maxsplit", 0, 1},
    {"splitlines", string_splitlines, "keepends", 0, 0},
    {"partition", string_partition, "/sep", 1, 0},
    {"rpartition", string_partition, "/sep", 1, 1},
    {"removeprefix", string_remove, "/prefix", 1, 0},
    {"removesuffix", string_remove, "/suffix", 1, 1},
    {"replace", string_replace, "/old new count", 2, 0},
    {"join", string_join, "/iterable", 1, 0},
    {"format", string_format, NULL, 0, 0},
    {"format_map", string_format_map, "/mapping", 1, 0},
    {"translate", string_translate, "/table", 1, 0},
    {"maketrans", string_maketrans, "/x y z", 1, 0},
    {"encode", string_encode, "encoding errors", 0, 0},
    {"upper", string_case, "/", 0, JTEXT_UPPER},
    {"lower", string_case, "/", 0, JTEXT_LOWER},
    {"title", string_case, "/", 0, JTEXT_TITLE},
    {"capitalize", string_case, "/", 0, JTEXT_CAPITALIZE},
    {"swapcase", string_case, "/", 0, JTEXT_SWAP},
    {"casefold", string_case, "/", 0, JTEXT_FOLD},
    {"center", string_pad, "/width fillchar", 1, 1},
    {"ljust", string_pad, "/width fillchar", 1, 0},
    {"rjust", string_pad, "/width fillchar", 1, 2},
    {"zfill", string_zfill, "/width", 1, 0},
    {"expandtabs", string_expandtabs, "tabsize", 0, 0},
    {0},
};
