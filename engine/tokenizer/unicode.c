/* UTF-8 and character properties. Thread: any; no state. Owner: tokenizer.
 * Sets are tables of the references' own answers; normal forms and case come from utf8proc. */
#include "unicode.h"

#include "unicode_scripts.h"
#include "unicode_tables.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

enum utf8_form utf8_form(const unsigned char *bytes, size_t count)
{
    unsigned char lead = bytes[0];
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte: no overlong forms, surrogates, > U+10FFFF */
    size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;

    if (length == 0 || count > length)
        return UTF8_BROKEN;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i < count; i++) {
        if (bytes[i] < low || bytes[i] > high)
            return UTF8_BROKEN;
        low = 0x80;
        high = 0xBF;
    }
    return count == length ? UTF8_COMPLETE : UTF8_UNFINISHED;
}

size_t utf8_valid_prefix(const char *bytes, size_t count)
{
    const unsigned char *text = (const unsigned char *)bytes;
    size_t i = 0;

    while (i < count) {
        if (text[i] < 0x80) {
            i++;
            continue;
        }
        size_t length = utf8_length(bytes[i]);
        if (length > count - i || utf8_form(text + i, length) != UTF8_COMPLETE)
            return i;
        i += length;
    }
    return count;
}

uint32_t utf8_next(const char *text, size_t *position)
{
    const unsigned char *byte = (const unsigned char *)text + *position;
    size_t length = utf8_length(text[*position]);

    *position += length;
    switch (length) {
    case 1:
        return byte[0];
    case 2:
        return (byte[0] & 0x1Fu) << 6 | (byte[1] & 0x3Fu);
    case 3:
        return (byte[0] & 0x0Fu) << 12 | (byte[1] & 0x3Fu) << 6 | (byte[2] & 0x3Fu);
    default:
        return (byte[0] & 0x07u) << 18 | (byte[1] & 0x3Fu) << 12 | (byte[2] & 0x3Fu) << 6 | (byte[3] & 0x3Fu);
    }
}

uint32_t utf8_previous(const char *text, size_t *position)
{
    size_t start = *position - 1;

    while (start > 0 && ((unsigned char)text[start] & 0xC0u) == 0x80u)
        start--;
    *position = start;
    size_t end = start;
    return utf8_next(text, &end);
}

size_t utf8_encode(uint32_t codepoint, char out[UTF8_BYTES_MAX])
{
    if (codepoint < 0x80) {
        out[0] = (char)codepoint;
        return 1;
    }
    if (codepoint < 0x800) {
        out[0] = (char)(0xC0u | codepoint >> 6);
        out[1] = (char)(0x80u | (codepoint & 0x3Fu));
        return 2;
    }
    if (codepoint < 0x10000) {
        out[0] = (char)(0xE0u | codepoint >> 12);
        out[1] = (char)(0x80u | (codepoint >> 6 & 0x3Fu));
        out[2] = (char)(0x80u | (codepoint & 0x3Fu));
        return 3;
    }
    out[0] = (char)(0xF0u | codepoint >> 18);
    out[1] = (char)(0x80u | (codepoint >> 12 & 0x3Fu));
    out[2] = (char)(0x80u | (codepoint >> 6 & 0x3Fu));
    out[3] = (char)(0x80u | (codepoint & 0x3Fu));
    return 4;
}

static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool is_han(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The range that holds `c`; NULL without. */
static const struct char_range *range_find(const struct char_range *ranges, size_t count, uint32_t c)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ranges[low].first <= c ? &ranges[low] : NULL;
}

/* Most text is ASCII, where the sets are plain. */
static bool ascii_in(enum char_set set, uint32_t c)
{
    bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

    switch (set) {
    case CHARS_NUMBER:
        return digit;
    case CHARS_PUNCTUATION:
        return c > ' ' && c < 0x7F && !digit && !letter;
    case CHARS_WORD:
        return digit || letter || c == '_';
    case CHARS_CONTROL:
        return (c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0) || c == 0x7F;
    default:
        return false;
    }
}

bool char_in(enum char_set set, uint32_t c)
{
    static const struct {
        const struct char_range *ranges;
        size_t count;
    } tables[] = {
        [CHARS_NUMBER] = {number_ranges, COUNT(number_ranges)},
        [CHARS_PUNCTUATION] = {punctuation_ranges, COUNT(punctuation_ranges)},
        [CHARS_WORD] = {word_ranges, COUNT(word_ranges)},
        [CHARS_CONTROL] = {control_ranges, COUNT(control_ranges)},
        [CHARS_MARK] = {mark_ranges, COUNT(mark_ranges)},
        [CHARS_ACCENT] = {accent_ranges, COUNT(accent_ranges)},
    };

    if (set == CHARS_SPACE)
        return is_space(c);
    if (set == CHARS_HAN)
        return is_han(c);
    return c < 0x80 ? ascii_in(set, c) : range_find(tables[set].ranges, tables[set].count, c) != NULL;
}

size_t char_lower(uint32_t c, uint32_t out[LOWER_MAX])
{
    if (c == 0x130) { /* the only capital whose small form is two characters */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    for (size_t i = 0; out[0] == c && c >= lower_pairs[0].first && i < COUNT(lower_pairs); i++)
        if (lower_pairs[i].first == c)
            out[0] = lower_pairs[i].last;
    return 1;
}

unsigned char_script(uint32_t c)
{
    size_t low = 0, high = COUNT(script_starts);

    while (high - low > 1) { /* the last start at or before c */
        size_t middle = (low + high) / 2;
        if (script_starts[middle] >> 8 <= c)
            low = middle;
        else
            high = middle;
    }
    return script_starts[low] & 0xFFu;
}

/* Marks that are newer than the reference's normal forms: it neither moves nor composes them. */
static bool is_newer_mark(uint32_t c)
{
    return c >= newer_mark_ranges[0].first && range_find(newer_mark_ranges, COUNT(newer_mark_ranges), c) != NULL;
}

unsigned char_combining_class(uint32_t c)
{
    unsigned class = (unsigned)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;

    return class != 0 && is_newer_mark(c) ? 0 : class;
}

/* A row of compatible_rows for `c`: its characters. */
static size_t decompose_newer(uint32_t c, uint32_t out[DECOMPOSED_MAX])
{
    size_t low = 0, high = COUNT(compatible_rows), count = 0;

    if (c < compatible_rows[0][0])
        return 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compatible_rows[middle][0] < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == COUNT(compatible_rows) || compatible_rows[low][0] != c)
        return 0;
    for (; count < 3 && compatible_rows[low][count + 1] != 0; count++)
        out[count] = compatible_rows[low][count + 1];
    return count;
}

size_t char_decompose(uint32_t c, bool compatible, uint32_t out[DECOMPOSED_MAX])
{
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    int boundary = 0;
    size_t newer = decompose_newer(c, out);

    if (newer > 0 && (compatible || out[0] == c))
        return newer;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)c, (utf8proc_int32_t *)out, DECOMPOSED_MAX,
                                                     options, &boundary);

    assert(count >= 0 && count <= (utf8proc_ssize_t)DECOMPOSED_MAX); /* scalar values only, and 18 is the longest */
    return (size_t)count;
}

size_t chars_compose(uint32_t *chars, size_t count)
{
    size_t made = 0;

    for (size_t start = 0, end; start < count; start = end) { /* nothing composes across a newer mark */
        for (end = start + 1; end < count && !is_newer_mark(chars[end]);)
            end++;
        utf8proc_ssize_t left = utf8proc_normalize_utf32((utf8proc_int32_t *)chars + start,
                                                         (utf8proc_ssize_t)(end - start),
                                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        assert(left >= 0); /* its only error is a bad option */
        memmove(chars + made, chars + start, (size_t)left * sizeof *chars);
        made += (size_t)left;
    }
    return made;
}

bool grapheme_breaks(uint32_t left, uint32_t right, int32_t *state)
{
    return utf8proc_grapheme_break_stateful((utf8proc_int32_t)left, (utf8proc_int32_t)right, state);
}
