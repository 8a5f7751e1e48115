/* Operations on text that both filters and string methods offer; all keep the provenance of every byte.
 * Thread: its run's. Owner: the run. */
#include "builtin.h"
#include "unicode.h"

#include <string.h>

/* ---- strip ------------------------------------------------------------------------------------------------------- */

static bool in_set(struct jrun *run, const struct jstring *set, uint32_t code, const char *bytes, size_t count)
{
    jrun_charge(run, 1);
    if (set == NULL)
        return jchar_has(code, JCHAR_SPACE);
    jrun_charge_bytes(run, set->count);
    return memmem(set->bytes, set->count, bytes, count) != NULL;
}

const struct jstring *jstrip(struct jrun *run, const struct jstring *string, struct jvalue chars, bool left, bool right)
{
    const struct jstring *set = NULL;
    size_t from = 0, to = string->count, edge;

    if (jgiven(chars) && chars.kind != J_NONE)
        set = jstring_of(run, chars, "the argument of strip");
    while (left && from < to) {
        uint32_t code = jchar_at(string->bytes, from, &edge);
        if (!in_set(run, set, code, string->bytes + from, edge - from))
            break;
        from = edge;
    }
    while (right && to > from) {
        uint32_t code = jchar_before(string->bytes, to, &edge);
        if (!in_set(run, set, code, string->bytes + edge, to - edge))
            break;
        to = edge;
    }
    return jstring_part(run, string, from, to);
}

/* ---- case -------------------------------------------------------------------------------------------------------- */

/* Whether a sigma at `at` is the last letter of its word, which begins at `from` or later, and so becomes the other
 * small sigma (Unicode 3.13). */
static bool is_final_sigma(const struct jstring *string, size_t from, size_t at, size_t next)
{
    uint32_t code = 0;

    while (at > from) {
        code = jchar_before(string->bytes, at, &at);
        if (!jchar_has(code, JCHAR_IGNORABLE))
            break;
        code = 0;
    }
    if (code == 0 || !jchar_is_cased(code))
        return false;
    while (next < string->count) {
        code = jchar_at(string->bytes, next, &next);
        if (!jchar_has(code, JCHAR_IGNORABLE))
            return !jchar_is_cased(code);
    }
    return true;
}

/* What begins a word for the title filter: a run of these characters and space. */
static bool is_word_border(uint32_t code)
{
    return (code < 0x80 && code != 0 && strchr("-({[<", (int)code) != NULL) || jchar_has(code, JCHAR_SPACE);
}

const struct jstring *jconvert_case(struct jrun *run, const struct jstring *string, enum jtext_case to)
{
    struct jbuilder out;
    bool first = true, after_cased = false;
    size_t next, word = 0;

    jrun_charge_bytes(run, string->count * 4);
    jbuilder_init(&out, run);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next), converted[3];
        bool trusted = jstring_trusted_at(string, at);
        enum jcase way = to == JTEXT_UPPER ? JCASE_UPPER : to == JTEXT_FOLD ? JCASE_FOLD : JCASE_LOWER;
        size_t count;

        if (to == JTEXT_TITLE)
            way = after_cased ? JCASE_LOWER : JCASE_TITLE;
        else if (to == JTEXT_CAPITALIZE)
            way = first ? JCASE_TITLE : JCASE_LOWER;
        else if (to == JTEXT_WORDS)
            way = first ? JCASE_UPPER : JCASE_LOWER;
        else if (to == JTEXT_SWAP)
            way = jchar_has(code, JCHAR_UPPER) ? JCASE_LOWER : jchar_has(code, JCHAR_LOWER) ? JCASE_UPPER : JCASE_TITLE;
        if (to == JTEXT_WORDS && first)
            word = next; /* the filter cuts the first letter off before it makes the rest small */
        if (way == JCASE_LOWER && code == 0x3a3 && is_final_sigma(string, word, at, next)) {
            converted[0] = 0x3c2;
            count = 1;
        } else {
            count = jchar_convert(code, way, converted);
        }
        for (size_t i = 0; i < count; i++)
            jbuilder_add_char(&out, converted[i], trusted);
        first = to == JTEXT_WORDS && is_word_border(code);
        after_cased = jchar_is_cased(code);
    }
    return jbuilder_string(&out);
}

/* ---- replace, split, pad ----------------------------------------------------------------------------------------- */

const struct jstring *jreplace(struct jrun *run, const struct jstring *string, const struct jstring *old,
                               const struct jstring *new, int64_t count)
{
    struct jbuilder out;
    size_t at = 0, next;

    jrun_charge_bytes(run, string->count);
    jbuilder_init(&out, run);
    for (; count != 0; count--) {
        size_t found = jstring_find(run, string, old, at, string->count);
        if (found == SIZE_MAX)
            break;
        jbuilder_add_part(&out, string, at, found);
        jbuilder_add_string(&out, new);
        at = found + old->count;
        if (old->count == 0) { /* between all characters */
            if (at == string->count)
                break;
            jchar_at(string->bytes, at, &next);
            jbuilder_add_part(&out, string, at, next);
            at = next;
        }
    }
    jbuilder_add_part(&out, string, at, string->count);
    return jbuilder_string(&out);
}

static bool ends_line(uint32_t code)
{
    return (code >= '\n' && code <= '\r') || (code >= 0x1c && code <= 0x1e) || code == 0x85 || code == 0x2028 ||
           code == 0x2029;
}

struct jlist *jsplit_lines(struct jrun *run, const struct jstring *string, bool keep_ends)
{
    struct jlist *lines = jlist_new(run, 0);
    size_t from = 0, next;

    jrun_charge_bytes(run, string->count * 2);
    for (size_t at = 0; at < string->count; at = next) {
        uint32_t code = jchar_at(string->bytes, at, &next);
        if (!ends_line(code))
            continue;
        if (code == '\r' && next < string->count && string->bytes[next] == '\n')
            next++;
        jlist_append(run, lines, jstr(jstring_part(run, string, from, keep_ends ? next : at)));
        from = next;
    }
    if (from < string->count)
        jlist_append(run, lines, jstr(jstring_part(run, string, from, string->count)));
    return lines;
}

/* `left_share` of the padding goes to the left: 0 none, 1 half (as str.center does it), 2 all. */
const struct jstring *jcenter(struct jrun *run, const struct jstring *string, int64_t width, int64_t left_share,
                              const struct jstring *fill)
{
    int64_t pad, left;
    struct jbuilder out;

    if (fill->chars != 1)
        jraise(run, "the fill character must be exactly one character long");
    if (width <= (int64_t)string->chars)
        return string;
    pad = width - (int64_t)string->chars;
    left = left_share == 0 ? 0 : left_share == 2 ? pad : pad / 2 + (pad & width & 1);
    jbuilder_init(&out, run);
    jbuilder_add_fill(&out, fill->bytes, fill->count, (size_t)left, fill->trusted);
    jbuilder_add_string(&out, string);
    jbuilder_add_fill(&out, fill->bytes, fill->count, (size_t)(pad - left), fill->trusted);
    return jbuilder_string(&out);
}

/* ---- Markup ------------------------------------------------------------------------------------------------------ */

const struct jstring *jescape(struct jrun *run, struct jvalue value)
{
    static const struct {
        char byte;
        const char *text;
    } entities[] = {{'&', "&amp;"}, {'>', "&gt;"}, {'<', "&lt;"}, {'\'', "&#39;"}, {'"', "&#34;"}};
    const struct jstring *string = jto_string(run, value);
    struct jbuilder out;
    size_t plain = 0;

    if (string->markup)
        return string;
    jrun_charge_bytes(run, string->count * 2);
    jbuilder_init(&out, run);
    for (size_t at = 0; at < string->count; at++) {
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
            if (string->bytes[at] != entities[i].byte)
                continue;
            jbuilder_add_part(&out, string, plain, at);
            jbuilder_add(&out, entities[i].text, strlen(entities[i].text), jstring_trusted_at(string, at));
            plain = at + 1;
        }
    }
    jbuilder_add_part(&out, string, plain, string->count);
    return jstring_markup(run, jbuilder_string(&out));
}
