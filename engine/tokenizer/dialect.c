/* Oniguruma's regular expressions, written anew for PCRE2. Thread: any. Owner: tokenizer.
 * The dialects differ in what \s, \w, \h and properties mean, in classes within classes ([a[b]], [a&&[^b]]) and in
 * "{n,m}+", which repeats the repetition and is not possessive. */
#include "dialect.h"

#include "unicode_newer.h"

#include <string.h>

#define CLASS_DEPTH_MAX 16
#define GROUP_DEPTH_MAX 200 /* PCRE2 stops at 250 */

/* White_Space; PCRE2's \s has U+180E besides. Word: UTS #18; PCRE2 10.42 lacks marks and connectors. */
#define SPACES "\\t-\\r\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define WORDS  "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" NEWER_W

/* Where words begin and end, and where they do not: PCRE2's \b goes by its own \w. */
#define EDGE   "(?:(?<=[" WORDS "])(?![" WORDS "])|(?<![" WORDS "])(?=[" WORDS "]))"
#define INSIDE "(?:(?<=[" WORDS "])(?=[" WORDS "])|(?<![" WORDS "])(?![" WORDS "]))"

static enum quire_status append(struct text *out, const char *string)
{
    return text_append(out, string, strlen(string));
}

/* Properties that mean more to Oniguruma: it knows newer characters, and a script's name is the script alone, where
 * PCRE2 adds its extensions. */
struct property {
    const char *name, *set;
};

#define CATEGORY(name) {#name, "\\p{" #name "}" NEWER_##name}
#define SCRIPT(name)   {#name, "\\p{sc:" #name "}"}
static const struct property properties[] = {
    CATEGORY(L),
    CATEGORY(N),
    CATEGORY(P),
    CATEGORY(S),
    CATEGORY(M),
    CATEGORY(Lu),
    CATEGORY(Ll),
    CATEGORY(Lm),
    CATEGORY(Lo),
    CATEGORY(Nd),
    {"Han", "\\p{sc:Han}" NEWER_Han},
    SCRIPT(Hiragana),
    SCRIPT(Katakana),
    SCRIPT(Hangul),
    SCRIPT(Latin),
    SCRIPT(Greek),
    SCRIPT(Cyrillic),
    SCRIPT(Arabic),
    SCRIPT(Hebrew),
    SCRIPT(Thai),
    SCRIPT(Lao),
    SCRIPT(Khmer),
    SCRIPT(Myanmar),
    SCRIPT(Tibetan),
    SCRIPT(Devanagari),
    SCRIPT(Bengali),
    {"Word", WORDS},
};

/* The property of an escape "p{L}" or "pL" at `escape`, and the bytes of the escape; NULL where it is none of these. */
static const struct property *property_of(const char *escape, size_t count, size_t *used)
{
    const char *name = escape + 1, *close = NULL;
    size_t bytes = 1;

    if ((escape[0] != 'p' && escape[0] != 'P') || count < 2)
        return NULL;
    if (escape[1] == '{') {
        close = memchr(escape, '}', count);
        if (close == NULL)
            return NULL;
        name = escape + 2;
        bytes = (size_t)(close - name);
    }
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        if (strlen(properties[i].name) == bytes && memcmp(properties[i].name, name, bytes) == 0) {
            *used = (size_t)(name - escape) + bytes + (close != NULL ? 1 : 0);
            return &properties[i];
        }
    }
    return NULL;
}

/* Rewrites the escape at `escape` (the character behind a backslash); returns the bytes that it consumed in *used. */
static enum quire_status translate_escape(const char *escape, size_t count, bool in_class, struct text *out,
                                          size_t *used)
{
    static const struct {
        char letter;
        const char *outside, *inside;
    } sets[] = {
        /* There is no way to say "not" inside a class: there PCRE2's own sets must do. */
        {'s', "[" SPACES "]", SPACES}, {'S', "[^" SPACES "]", NULL},      {'w', "[" WORDS "]", WORDS},
        {'W', "[^" WORDS "]", NULL},   {'h', "[0-9a-fA-F]", "0-9a-fA-F"}, {'H', "[^0-9a-fA-F]", NULL},
        {'b', EDGE, NULL},             {'B', INSIDE, NULL},
    };

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        const char *set = in_class ? sets[i].inside : sets[i].outside;
        if (escape[0] == sets[i].letter && set != NULL) {
            *used = 1;
            return append(out, set);
        }
    }
    if (escape[0] == 'u' && count > 4) { /* four digits */
        *used = 5;
        if (append(out, "\\x{") != QUIRE_OK || text_append(out, escape + 1, 4) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        return append(out, "}");
    }
    const struct property *property = property_of(escape, count, used);
    if (property != NULL && in_class && escape[0] == 'p')
        return append(out, property->set);
    if (property != NULL && !in_class) {
        if (append(out, escape[0] == 'P' ? "[^" : "[") != QUIRE_OK || append(out, property->set) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        return append(out, "]");
    }
    *used = 1;
    return text_append_byte(out, '\\', 1) != QUIRE_OK ? QUIRE_NO_MEMORY : text_append(out, escape, 1);
}

/* ---- classes -------------------------------------------------------------------------------------------------------
 */

struct reader {
    const char *text;
    size_t count, at;
};

static bool reads(struct reader *reader, const char *string)
{
    size_t bytes = strlen(string);

    if (reader->count - reader->at < bytes || memcmp(reader->text + reader->at, string, bytes) != 0)
        return false;
    reader->at += bytes;
    return true;
}

/* A class on its way: characters and sets, and the classes within it, as alternatives "|...". */
struct operand {
    struct text plain, nested;
};

/* Appends what matches one character of the operand, and empties it. */
static enum quire_status operand_flush(struct operand *operand, struct text *out)
{
    bool plain = operand->plain.count > 0, nested = operand->nested.count > 0;
    size_t skipped = plain ? 0 : 1; /* the first bar */
    enum quire_status status = nested ? append(out, "(?:") : QUIRE_OK;

    if (status == QUIRE_OK && (plain || !nested))
        status = append(out, "[");
    if (status == QUIRE_OK)
        status = text_append(out, operand->plain.bytes, operand->plain.count);
    if (status == QUIRE_OK && (plain || !nested))
        status = append(out, "]");
    if (status == QUIRE_OK && nested)
        status = text_append(out, operand->nested.bytes + skipped, operand->nested.count - skipped);
    operand->plain.count = operand->nested.count = 0;
    return status != QUIRE_OK || !nested ? status : append(out, ")");
}

static enum quire_status class_translate(struct reader *reader, struct text *out, int depth);

/* One item of a class: an escape, a POSIX name, a class or a character. */
static enum quire_status item_translate(struct reader *reader, struct operand *operand, int depth)
{
    const char *rest = reader->text + reader->at;
    size_t left = reader->count - reader->at, used;

    if (rest[0] == '\\' && left > 1) {
        enum quire_status status = translate_escape(rest + 1, left - 1, true, &operand->plain, &used);
        reader->at += used + 1;
        return status;
    }
    if (rest[0] == '[' && left > 1 && rest[1] == ':') {
        const char *close = memmem(rest, left, ":]", 2);
        used = close == NULL ? left : (size_t)(close - rest) + 2;
        reader->at += used;
        return text_append(&operand->plain, rest, used);
    }
    reader->at++;
    if (rest[0] != '[')
        return text_append(&operand->plain, rest, 1);
    return append(&operand->nested, "|") != QUIRE_OK ? QUIRE_NO_MEMORY
                                                     : class_translate(reader, &operand->nested, depth + 1);
}

/* Reads behind a "[" up to its "]" and appends an expression for one character. */
static enum quire_status class_translate(struct reader *reader, struct text *out, int depth)
{
    struct operand operand = {0};
    struct text body = {0}; /* a look-ahead for each operand before "&&" */
    bool negated = reads(reader, "^"), simple = true;
    enum quire_status status = depth > CLASS_DEPTH_MAX ? QUIRE_LIMIT : QUIRE_OK;

    for (size_t first = reader->at; status == QUIRE_OK && reader->at < reader->count;) {
        if (reader->at > first && reads(reader, "]"))
            break;
        if (reads(reader, "&&")) {
            simple = false;
            status = append(&body, "(?=");
            if (status == QUIRE_OK)
                status = operand_flush(&operand, &body);
            if (status == QUIRE_OK)
                status = append(&body, ")");
        } else {
            status = item_translate(reader, &operand, depth);
        }
        simple = simple && operand.nested.count == 0;
    }
    if (status == QUIRE_OK && simple) {
        status = append(out, negated ? "[^" : "[");
        if (status == QUIRE_OK)
            status = text_append(out, operand.plain.bytes, operand.plain.count);
        if (status == QUIRE_OK)
            status = append(out, "]");
    } else if (status == QUIRE_OK) {
        status = operand_flush(&operand, &body);
        if (status == QUIRE_OK)
            status = append(out, negated ? "(?:(?!" : "(?:");
        if (status == QUIRE_OK)
            status = text_append(out, body.bytes, body.count);
        if (status == QUIRE_OK)
            status = append(out, negated ? ")(?s:.))" : ")");
    }
    text_deinit(&operand.plain);
    text_deinit(&operand.nested);
    text_deinit(&body);
    return status;
}

/* ---- outside of classes --------------------------------------------------------------------------------------------
 */

static size_t digits_length(const char *text, size_t count)
{
    size_t i = 0;

    while (i < count && text[i] >= '0' && text[i] <= '9')
        i++;
    return i;
}

/* Bytes of an interval "{n}", "{n,}", "{,m}" or "{n,m}" at `text`; 0 where there is none. */
static size_t interval_length(const char *text, size_t count)
{
    size_t at = 1, digits;

    if (count < 3 || text[0] != '{')
        return 0;
    digits = digits_length(text + at, count - at);
    at += digits;
    if (at < count && text[at] == ',') {
        size_t more = digits_length(text + at + 1, count - at - 1);
        at += 1 + more;
        digits += more;
    }
    return digits > 0 && at < count && text[at] == '}' ? at + 1 : 0;
}

/* Appends the interval; a "+" behind it repeats the whole, so the atom that began at `atom` gets parentheses. */
static enum quire_status interval_translate(struct reader *reader, size_t bytes, size_t atom, struct text *out)
{
    const char *interval = reader->text + reader->at;
    bool open = interval[1] == ',', repeated;

    reader->at += bytes;
    repeated = reader->at < reader->count && reader->text[reader->at] == '+';
    if ((repeated && text_reserve(out, 3) != QUIRE_OK) || append(out, open ? "{0" : "{") != QUIRE_OK ||
        text_append(out, interval + 1, bytes - 1) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    if (!repeated)
        return QUIRE_OK;
    if (text_reserve(out, 3) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    memmove(out->bytes + atom + 3, out->bytes + atom, out->count - atom);
    memcpy(out->bytes + atom, "(?:", 3);
    out->count += 3;
    return append(out, ")");
}

enum quire_status dialect_translate(const char *expression, size_t count, struct text *out)
{
    struct reader reader = {.text = expression, .count = count};
    size_t atom = out->count, groups[GROUP_DEPTH_MAX], depth = 0, bytes;
    enum quire_status status = QUIRE_OK;

    while (status == QUIRE_OK && reader.at < count) {
        char c = expression[reader.at];
        size_t left = count - reader.at, start = out->count, used;
        if ((bytes = interval_length(expression + reader.at, left)) > 0) {
            status = interval_translate(&reader, bytes, atom, out);
            continue;
        }
        if (c == '\\' && left > 1) {
            status = translate_escape(expression + reader.at + 1, left - 1, false, out, &used);
            reader.at += used + 1;
            atom = start;
            continue;
        }
        reader.at++;
        if (c == '[') {
            status = class_translate(&reader, out, 0);
            atom = start;
            continue;
        }
        if (c == '(') {
            if (depth == GROUP_DEPTH_MAX)
                return QUIRE_LIMIT;
            groups[depth++] = start;
        }
        if (c == ')' && depth > 0)
            atom = groups[--depth];
        else if (strchr("*+?", c) == NULL && ((unsigned char)c & 0xC0u) != 0x80u)
            atom = start; /* not a quantifier, nor the inside of a character */
        status = text_append(out, &c, 1);
    }
    return status;
}
