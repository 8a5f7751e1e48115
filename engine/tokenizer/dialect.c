/* Oniguruma's regular expressions, written anew for PCRE2. Thread: any. Owner: tokenizer.
 * The dialects differ in what \s, \w, \h and properties mean, in classes within classes ([a[b]], [a&&[^b]]), in
 * "{n,m}+", which repeats the repetition and is not possessive, and in the flag m. */
#include "dialect.h"

#include "dialect_sets.h"

#include <string.h>

#define CLASS_DEPTH_MAX 16
#define GROUP_DEPTH_MAX 200 /* PCRE2 stops at 250 */

static enum quire_status append(struct text *out, const char *string)
{
    return text_append(out, string, strlen(string));
}

/* A set and whether all but it is meant. */
struct set_use {
    const char *set;
    bool negated;
};

/* Appends a class of the set. */
static enum quire_status set_append(const struct set_use *use, struct text *out)
{
    if (append(out, use->negated ? "[^" : "[") != QUIRE_OK || append(out, use->set) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return append(out, "]");
}

/* The set of an escape "p{L}", "p{^L}" or "P{L}" at `escape`, and the bytes of the escape; false where it is none that
 * needs to be spelled out. */
static bool property_find(const char *escape, size_t count, struct set_use *out, size_t *used)
{
    const char *close = count > 1 && escape[1] == '{' ? memchr(escape, '}', count) : NULL;
    size_t inverse = close != NULL && escape[2] == '^' ? 1 : 0;

    if (close == NULL || (escape[0] != 'p' && escape[0] != 'P'))
        return false;
    const char *name = escape + 2 + inverse;
    const struct dialect_set *set = dialect_set_find(name, (size_t)(close - name), false);
    if (set == NULL)
        return false;
    *used = (size_t)(close - escape) + 1;
    *out = (struct set_use){set->set, set->negated ^ (inverse != 0) ^ (escape[0] == 'P')};
    return true;
}

/* The set of an escape (at the character behind the backslash) that stands for one: \w, \W, \p{...}. */
static bool escape_set_find(const char *escape, size_t count, bool in_class, struct set_use *out, size_t *used)
{
    char small = (char)(escape[0] | 0x20);
    const char *set = dialect_escape_set(small, in_class);

    if (set == NULL)
        return property_find(escape, count, out, used);
    *used = 1;
    *out = (struct set_use){set, escape[0] != small};
    return true;
}

/* \b and \B: where words begin and end, and where they do not. PCRE2's go by its own \w. */
static enum quire_status edge_append(bool inside, struct text *out)
{
    const char *word = dialect_escape_set('w', false);
    const char *const parts[] = {"(?:(?<=[", word, inside ? "])(?=[" : "])(?![",  word, "])|(?<![",
                                 word,       inside ? "])(?![" : "])(?=[", word, "]))"};
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == QUIRE_OK; i++)
        status = append(out, parts[i]);
    return status;
}

/* Rewrites an escape that is no set; returns the bytes that it consumed in *used. */
static enum quire_status translate_escape(const char *escape, size_t count, bool in_class, struct text *out,
                                          size_t *used)
{
    static const char letters[] = "tnrbfaexucCMRNKkgpPXGAZzBdDsSwWhHyY"; /* others stand for themselves */
    char letter = escape[0];
    bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');

    *used = 1;
    if (letter == 'u' && count > 4) { /* four digits */
        *used = 5;
        if (append(out, "\\x{") != QUIRE_OK || text_append(out, escape + 1, 4) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        return append(out, "}");
    }
    if (letter == 'v')
        return append(out, "\\x0b");
    if (letter == 'O' && !in_class)
        return append(out, "(?s:.)");
    if ((letter == 'b' || letter == 'B') && !in_class)
        return edge_append(letter == 'B', out);
    if (!is_letter || strchr(letters, letter) != NULL)
        return append(out, "\\") != QUIRE_OK ? QUIRE_NO_MEMORY : text_append(out, escape, 1);
    return text_append(out, escape, 1);
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

/* A set within a class; one of all but its characters needs a class of its own. */
static enum quire_status operand_add(struct operand *operand, const struct set_use *use)
{
    if (!use->negated)
        return append(&operand->plain, use->set);
    return append(&operand->nested, "|") != QUIRE_OK ? QUIRE_NO_MEMORY : set_append(use, &operand->nested);
}

/* "[:alpha:]" or "[:^alpha:]" at `rest`. */
static bool posix_find(const char *rest, size_t left, struct set_use *out, size_t *used)
{
    const char *close = left > 2 && rest[1] == ':' ? memmem(rest + 2, left - 2, ":]", 2) : NULL;
    size_t inverse = close != NULL && rest[2] == '^' ? 1 : 0;

    if (close == NULL)
        return false;
    const char *name = rest + 2 + inverse;
    const struct dialect_set *set = dialect_set_find(name, (size_t)(close - name), true);
    if (set == NULL)
        return false;
    *used = (size_t)(close - rest) + 2;
    *out = (struct set_use){set->set, set->negated ^ (inverse != 0)};
    return true;
}

/* One item of a class: an escape, a POSIX name, a class or a character. */
static enum quire_status item_translate(struct reader *reader, struct operand *operand, int depth)
{
    const char *rest = reader->text + reader->at;
    size_t left = reader->count - reader->at, used;
    struct set_use use;

    if (rest[0] == '\\' && left > 1) {
        bool is_set = escape_set_find(rest + 1, left - 1, true, &use, &used);
        enum quire_status status = is_set ? operand_add(operand, &use)
                                          : translate_escape(rest + 1, left - 1, true, &operand->plain, &used);
        reader->at += used + 1;
        return status;
    }
    if (rest[0] == '[' && posix_find(rest, left, &use, &used)) {
        reader->at += used;
        return operand_add(operand, &use);
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

/* Flags behind "(?": Oniguruma's m lets the dot match newlines, which is PCRE2's s. */
static enum quire_status flags_translate(struct reader *reader, struct text *out)
{
    enum quire_status status = append(out, "?");

    for (reader->at++; status == QUIRE_OK && reader->at < reader->count; reader->at++) {
        char c = reader->text[reader->at];
        if (strchr("imx-", c) == NULL || c == '\0')
            break;
        status = text_append_byte(out, c == 'm' ? 's' : c, 1);
    }
    return status;
}

enum quire_status dialect_translate(const char *expression, size_t count, struct text *out)
{
    struct reader reader = {.text = expression, .count = count};
    size_t atom = out->count, groups[GROUP_DEPTH_MAX], depth = 0, bytes;
    enum quire_status status = QUIRE_OK;

    while (status == QUIRE_OK && reader.at < count) {
        char c = expression[reader.at];
        size_t left = count - reader.at, start = out->count, used;
        struct set_use use;
        if ((bytes = interval_length(expression + reader.at, left)) > 0) {
            status = interval_translate(&reader, bytes, atom, out);
            continue;
        }
        if (c == '\\' && left > 1) {
            bool is_set = escape_set_find(expression + reader.at + 1, left - 1, false, &use, &used);
            status = is_set ? set_append(&use, out)
                            : translate_escape(expression + reader.at + 1, left - 1, false, out, &used);
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
        if (status == QUIRE_OK && c == '(' && reader.at < count && expression[reader.at] == '?')
            status = flags_translate(&reader, out);
    }
    return status;
}
