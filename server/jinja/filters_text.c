/* Filters on text. Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

/* A filter that goes through one of str's methods on Markup gives Markup. */
static struct jvalue like(struct jrun *run, const struct jstring *from, const struct jstring *result)
{
    return jstr(from->markup ? jstring_markup(run, result) : result);
}

static struct jvalue filter_case(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jto_string(run, call->args[0]);
    const struct jstring *result = jconvert_case(run, string, (enum jtext_case)call->builtin->option);

    return call->builtin->option == JTEXT_WORDS ? jstr(result) : like(run, string, result);
}

static struct jvalue filter_trim(struct jrun *run, const struct jcall *call)
{
    return jstr(jstrip(run, jto_string(run, call->args[0]), call->args[1], true, true));
}

static struct jvalue filter_string(struct jrun *run, const struct jcall *call)
{
    return jstr(jto_string(run, call->args[0]));
}

static struct jvalue filter_replace(struct jrun *run, const struct jcall *call)
{
    int64_t count = jgiven(call->args[3]) && call->args[3].kind != J_NONE ? jint_of(run, call->args[3], "count") : -1;

    return jstr(jreplace(run, jstring_plain(run, jto_string(run, call->args[0])), jto_string(run, call->args[1]),
                         jto_string(run, call->args[2]), count));
}

static struct jvalue filter_center(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jto_string(run, call->args[0]);
    int64_t width = jgiven(call->args[1]) ? jint_of(run, call->args[1], "width") : 80;

    return like(run, string, jcenter(run, string, width, 1, jstring_new(run, " ", 1, true)));
}

static struct jvalue filter_indent(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jstring_of(run, call->args[0], "the value of indent"), *indention;
    bool first = jflag(run, call->args[2], false), blank = jflag(run, call->args[3], false);
    struct jbuilder out;
    struct jlist *lines;

    if (call->args[1].kind == J_STRING) {
        indention = call->args[1].as.string;
    } else {
        int64_t width = jgiven(call->args[1]) ? jint_of(run, call->args[1], "width") : 4;
        jbuilder_init(&out, run);
        jbuilder_add_fill(&out, " ", 1, width > 0 ? (size_t)width : 0, true);
        indention = jbuilder_string(&out);
    }
    jbuilder_init(&out, run);
    jbuilder_add_string(&out, string);
    jbuilder_add_text(&out, "\n"); /* so that a last line without newline counts, and an empty text has a line */
    lines = jsplit_lines(run, jbuilder_string(&out), false);
    jbuilder_init(&out, run);
    for (size_t i = 0; i < lines->count; i++) {
        const struct jstring *line = lines->items[i].as.string;
        if (i > 0)
            jbuilder_add_text(&out, "\n");
        if (i == 0 ? first : blank || line->count > 0)
            jbuilder_add_string(&out, indention);
        jbuilder_add_string(&out, line);
    }
    return like(run, string, jbuilder_string(&out));
}

static struct jvalue filter_truncate(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0];
    int64_t length = jgiven(call->args[1]) ? jint_of(run, call->args[1], "length") : 255;
    int64_t leeway = jgiven(call->args[4]) && call->args[4].kind != J_NONE ? jint_of(run, call->args[4], "leeway") : 5;
    struct jvalue end = jgiven(call->args[3]) ? call->args[3] : jstr(jstring_new(run, "...", 3, true));
    const struct jstring *string;
    struct jbuilder out;
    size_t cut, space;

    if (length < jlength(run, end) || leeway < 0)
        jraise(run, "expected length >= %lld and leeway >= 0", (long long)jlength(run, end));
    if (jlength(run, value) <= length + leeway)
        return value;
    string = jstring_of(run, value, "the value of truncate");
    cut = jstring_offset(run, string, (size_t)(length - jlength(run, end)));
    space = jstring_rfind(run, string, jstring_new(run, " ", 1, true), 0, cut);
    if (!jflag(run, call->args[2], false) && space != SIZE_MAX)
        cut = space;
    jbuilder_init(&out, run);
    jbuilder_add_part(&out, string, 0, cut);
    jbuilder_add_string(&out, jstring_of(run, end, "the end of truncate"));
    return jstr(jbuilder_string(&out));
}

static struct jvalue filter_wordcount(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jto_string(run, call->args[0]);
    int64_t words = 0;
    bool inside = false;
    size_t next;

    jrun_charge_bytes(run, string->count * 8);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        bool word = code == '_' || jchar_is_alnum(code);
        words += word && !inside;
        inside = word;
    }
    return jint(words);
}

static struct jvalue filter_format(struct jrun *run, const struct jcall *call)
{
    const struct jstring *format = jto_string(run, call->args[0]);
    struct jlist *arguments = jlist_new(run, call->count);

    if (call->count > 1 && call->keywords != NULL)
        jraise(run, "can't handle positional and keyword arguments at the same time");
    if (call->keywords != NULL)
        return jstr(jformat_percent(run, format, jdict_value(call->keywords, J_DICT)));
    for (size_t i = 1; i < call->count; i++)
        jlist_append(run, arguments, call->args[i]);
    return jstr(jformat_percent(run, format, jlist_value(arguments, J_TUPLE)));
}

static struct jvalue filter_tojson(struct jrun *run, const struct jcall *call)
{
    struct jvalue indent = jgiven(call->args[2]) ? call->args[2] : jnone();
    struct jvalue separators = jgiven(call->args[3]) ? call->args[3] : jnone();

    return jstr(jto_json(run, call->args[0], indent, separators, jflag(run, call->args[1], false),
                         jflag(run, call->args[4], false)));
}

/* Percent-encodes as urllib's quote does; in queries "/" too, and space becomes "+". */
static void add_quoted(struct jbuilder *out, const struct jstring *string, bool query)
{
    for (size_t at = 0; at < string->count; at++) {
        unsigned char byte = (unsigned char)string->bytes[at];
        bool trusted = jstring_trusted_at(string, at);
        char text[4];
        if ((byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z') ||
            (byte != 0 && strchr(query ? "_.-~" : "_.-~/", byte) != NULL)) {
            jbuilder_add(out, (const char *)&byte, 1, trusted);
        } else if (query && byte == ' ') {
            jbuilder_add(out, "+", 1, trusted);
        } else {
            snprintf(text, sizeof text, "%%%02X", byte);
            jbuilder_add(out, text, 3, trusted);
        }
    }
}

static struct jvalue filter_urlencode(struct jrun *run, const struct jcall *call)
{
    struct jvalue value = call->args[0], pair;
    struct jiterator *pairs;
    struct jbuilder out;
    bool first = true;

    jbuilder_init(&out, run);
    if (value.kind == J_STRING || !jvalue_iterable(value)) {
        add_quoted(&out, jto_string(run, value), false);
        return jstr(jbuilder_string(&out));
    }
    pairs = jiterate(run, value.kind == J_DICT ? jdict_value(value.as.dict, J_ITEMS) : value);
    for (; jnext(run, pairs, &pair); first = false) {
        struct jlist *parts = jlist_from(run, pair);
        if (parts->count != 2)
            jraise(run, "expected pairs of key and value");
        if (!first)
            jbuilder_add_text(&out, "&");
        add_quoted(&out, jto_string(run, parts->items[0]), true);
        jbuilder_add_text(&out, "=");
        add_quoted(&out, jto_string(run, parts->items[1]), true);
    }
    return jstr(jbuilder_string(&out));
}

const struct jbuiltin jfilters_text[] = {
    {"trim", filter_trim, "value chars", 1, 0},
    {"tojson", filter_tojson, "x ensure_ascii indent separators sort_keys", 1, 0},
    {"string", filter_string, "/s", 1, 0},
    {"upper", filter_case, "s", 1, JTEXT_UPPER},
    {"lower", filter_case, "s", 1, JTEXT_LOWER},
    {"capitalize", filter_case, "s", 1, JTEXT_CAPITALIZE},
    {"title", filter_case, "s", 1, JTEXT_WORDS},
    {"replace", filter_replace, "s old new count", 3, 0},
    {"center", filter_center, "value width", 1, 0},
    {"indent", filter_indent, "s width first blank", 1, 0},
    {"truncate", filter_truncate, "s length killwords end leeway", 1, 0},
    {"wordcount", filter_wordcount, "s", 1, 0},
    {"format", filter_format, NULL, 1, 0},
    {"urlencode", filter_urlencode, "value", 1, 0},
    {0},
};
