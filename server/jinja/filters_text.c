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
    const struct jstring *end = jgiven(call->args[3]) ? jstring_of(run, call->args[3], "end")
                                                      : jstring_new(run, "...", 3, true);
    const struct jstring *string;
    struct jbuilder out;
    size_t cut, space;

    if (length < (int64_t)end->chars || leeway < 0)
        jraise(run, "expected length >= %zu and leeway >= 0", end->chars);
    if (jlength(run, value) <= length + leeway)
        return value;
    string = jstring_of(run, value, "the value of truncate");
    cut = jstring_offset(string, (size_t)(length - (int64_t)end->chars));
    space = jstring_rfind(run, string, jstring_new(run, " ", 1, true), 0, cut);
    if (!jflag(run, call->args[2], false) && space != SIZE_MAX)
        cut = space;
    jbuilder_init(&out, run);
    jbuilder_add_part(&out, string, 0, cut);
    jbuilder_add_string(&out, end);
    return jstr(jbuilder_string(&out));
}

static struct jvalue filter_wordcount(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jto_string(run, call->args[0]);
    int64_t words = 0;
    bool inside = false;
    size_t next;

    jrun_charge_bytes(run, string->count);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        bool word = code == '_' || jchar_is_alnum(code);
        words += word && !inside;
        inside = word;
    }
    return jint(words);
}

/* ---- wordwrap, by the rules of Python's textwrap ----------------------------------------------------------------- */

static bool is_wrap_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_word_at(const struct jstring *line, size_t at, bool letter)
{
    size_t next;
    uint32_t code = at < line->count ? jchar_at(line->bytes, at, &next) : ' ';

    return code == '_' || jchar_has(code, JCHAR_ALPHA) || (!letter && jchar_is_alnum(code));
}

/* Whether a line may break after the hyphen at `at`: between words of two characters or more that end in letters. */
static bool breaks_at_hyphen(const struct jstring *line, size_t start, size_t at)
{
    size_t last, before, next = at + 1;

    if (at < start + 2)
        return false;
    jchar_before(line->bytes, at, &last);
    if (last <= start || !is_word_at(line, last, true))
        return false;
    jchar_before(line->bytes, last, &before);
    if (!is_word_at(line, before, false) || !is_word_at(line, next, false))
        return false;
    for (jchar_at(line->bytes, next, &next); is_word_at(line, next, false); jchar_at(line->bytes, next, &next)) {
        if (is_word_at(line, next, true))
            return true;
    }
    return false;
}

/* The end of a dash of several hyphens between words at `at`, or `at` where there is none. */
static size_t dash_end(const struct jstring *line, size_t at)
{
    size_t end = at, before;
    uint32_t code;

    if (at == 0)
        return at;
    code = jchar_before(line->bytes, at, &before);
    while (end < line->count && line->bytes[end] == '-')
        end++;
    if (end < at + 2 || !is_word_at(line, end, false) ||
        !(is_word_at(line, before, false) || (code < 0x80 && strchr("!\"'&.,?", (int)code) != NULL && code != 0)))
        return at;
    return end;
}

/* Where the chunk that begins at `at` ends: a run of space, a dash, or a word or a part of one up to a hyphen. */
static size_t chunk_end(const struct jstring *line, size_t at, bool hyphens)
{
    size_t start = at;
    bool space = is_wrap_space(line->bytes[at]);

    if (hyphens && dash_end(line, at) > at)
        return dash_end(line, at);
    while (at < line->count && is_wrap_space(line->bytes[at]) == space) {
        if (hyphens && at > start && line->bytes[at] == '-' && line->bytes[at - 1] != '-' && dash_end(line, at) > at)
            break;
        at++;
        if (hyphens && !space && line->bytes[at - 1] == '-' && breaks_at_hyphen(line, start, at - 1))
            break;
    }
    return at;
}

/* Where a word from `at` to `end` that fits on no line is broken, with room for so many characters: after a hyphen, if
 * it can. */
static size_t break_word(struct jrun *run, const struct jstring *line, size_t at, size_t end, size_t room, bool hyphens)
{
    const struct jstring *word = jstring_part(run, line, at, end);
    size_t limit = jstring_offset(word, room);

    for (size_t i = hyphens ? limit : 0; i > 1; i--) {
        if (word->bytes[i - 1] != '-')
            continue;
        for (size_t k = 0; k + 1 < i; k++) {
            if (word->bytes[k] != '-')
                return at + i;
        }
        break;
    }
    return at + limit;
}

static void wrap_line(struct jrun *run, const struct jstring *line, size_t width, bool break_long, bool hyphens,
                      struct jlist *out)
{
    size_t from = 0, to, end, used;
    bool keep_space;

    while (from < line->count) {
        keep_space = false;
        /* Space is dropped at the beginning of all but the first line. */
        if (out->count > 0 && is_wrap_space(line->bytes[from])) {
            from = chunk_end(line, from, hyphens);
            continue;
        }
        for (to = from, used = 0; to < line->count; to = end) {
            size_t chars;
            end = chunk_end(line, to, hyphens);
            chars = jstring_part(run, line, to, end)->chars;
            if (used + chars > width) {
                keep_space = chars > width && break_long && used == width;
                if (chars > width && break_long)
                    end = break_word(run, line, to, end, width - used, hyphens);
                if (chars > width && (break_long || used == 0))
                    to = end;
                break;
            }
            used += chars;
        }
        end = to;
        while (end > from && is_wrap_space(line->bytes[end - 1]) && !keep_space)
            end--;
        if (end > from)
            jlist_append(run, out, jstr(jstring_part(run, line, from, end)));
        from = to;
    }
}

static struct jvalue filter_wordwrap(struct jrun *run, const struct jcall *call)
{
    const struct jstring *string = jstring_of(run, call->args[0], "the value of wordwrap");
    int64_t width = jgiven(call->args[1]) ? jint_of(run, call->args[1], "width") : 79;
    struct jlist *lines = jsplit_lines(run, string, false);
    const struct jstring *between = jstring_new(run, "\n", 1, true);
    struct jbuilder out;

    if (jgiven(call->args[3]) && call->args[3].kind != J_NONE)
        between = jstring_of(run, call->args[3], "wrapstring");
    if (width <= 0 && lines->count > 0)
        jraise(run, "invalid width %lld (must be > 0)", (long long)width);
    jbuilder_init(&out, run);
    for (size_t i = 0; i < lines->count; i++) {
        struct jlist *parts = jlist_new(run, 0);
        wrap_line(run, lines->items[i].as.string, (size_t)width, jflag(run, call->args[2], true),
                  jflag(run, call->args[4], true), parts);
        for (size_t k = 0; k < parts->count; k++) {
            if (k > 0)
                jbuilder_add_string(&out, between);
            jbuilder_add_string(&out, parts->items[k].as.string);
        }
        if (i + 1 < lines->count)
            jbuilder_add_string(&out, between);
    }
    return jstr(jbuilder_string(&out));
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
    for (; pairs->next(run, pairs, &pair); first = false) {
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
    {"wordwrap", filter_wordwrap, "s width break_long_words wrapstring break_on_hyphens", 1, 0},
    {"format", filter_format, NULL, 1, 0},
    {"urlencode", filter_urlencode, "value", 1, 0},
    {0},
};
