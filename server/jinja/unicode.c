/* Look-ups in the tables that make_unicode.py reads out of Python. Thread: any. Owner: static tables. */
#include "unicode.h"

struct case_run {
    uint32_t first, last, step;
    int32_t delta;
};
struct case_several {
    uint32_t code, to[3];
};

#include "unicode_tables.inc"

#define BORDERS(name) {name##_borders, sizeof name##_borders / sizeof *name##_borders}
static const struct {
    const uint32_t *borders;
    size_t count;
} properties[] = {
    [JCHAR_ALPHA] = BORDERS(alpha),         [JCHAR_UPPER] = BORDERS(upper),       [JCHAR_LOWER] = BORDERS(lower),
    [JCHAR_TITLE] = BORDERS(title),         [JCHAR_DECIMAL] = BORDERS(decimal),   [JCHAR_DIGIT] = BORDERS(digit),
    [JCHAR_NUMERIC] = BORDERS(numeric),     [JCHAR_SPACE] = BORDERS(space),
    [JCHAR_PRINTABLE] = BORDERS(printable), [JCHAR_IGNORABLE] = BORDERS(ignorable),
    [JCHAR_UNTITLED] = BORDERS(untitled),
};

#define COUNT(array) (sizeof array / sizeof *array)
#define CASES(name) {name##_runs, COUNT(name##_runs), name##_several, COUNT(name##_several)}
static const struct {
    const struct case_run *runs;
    size_t run_count;
    const struct case_several *several;
    size_t several_count;
} cases[] = {[JCASE_UPPER] = CASES(to_upper), [JCASE_LOWER] = CASES(to_lower), [JCASE_TITLE] = CASES(to_title)};

/* How many borders are not after `code`. */
static size_t border_count(const uint32_t *borders, size_t count, uint32_t code)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (borders[middle] <= code)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* The most usual questions about the most usual characters, without a search. */
static bool ascii_has(uint32_t code, enum jproperty property, bool *known)
{
    bool lower = code >= 'a' && code <= 'z', upper = code >= 'A' && code <= 'Z';

    *known = true;
    switch (property) {
    case JCHAR_ALPHA:
        return lower || upper;
    case JCHAR_UPPER:
        return upper;
    case JCHAR_LOWER:
        return lower;
    case JCHAR_TITLE:
        return false;
    case JCHAR_DECIMAL:
    case JCHAR_DIGIT:
    case JCHAR_NUMERIC:
        return code >= '0' && code <= '9';
    case JCHAR_SPACE:
        return code == ' ' || (code >= '\t' && code <= '\r') || (code >= 0x1c && code <= 0x1f);
    case JCHAR_PRINTABLE:
        return code >= ' ' && code < 0x7f;
    default:
        *known = false;
        return false;
    }
}

bool jchar_has(uint32_t code, enum jproperty property)
{
    if (code < 0x80) {
        bool known, has = ascii_has(code, property, &known);
        if (known)
            return has;
    }
    return border_count(properties[property].borders, properties[property].count, code) & 1;
}

static size_t convert(uint32_t code, enum jcase to, uint32_t out[3])
{
    const struct case_several *several = cases[to].several;
    const struct case_run *runs = cases[to].runs;

    for (size_t low = 0, high = cases[to].several_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (several[middle].code == code) {
            size_t count = 0;
            for (; count < 3 && several[middle].to[count] != 0; count++)
                out[count] = several[middle].to[count];
            return count;
        }
        if (several[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    out[0] = code;
    for (size_t low = 0, high = cases[to].run_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (code > runs[middle].last) {
            low = middle + 1;
        } else if (code < runs[middle].first) {
            high = middle;
        } else {
            if ((code - runs[middle].first) % runs[middle].step == 0)
                out[0] = (uint32_t)((int32_t)code + runs[middle].delta);
            break;
        }
    }
    return 1;
}

/* Case folding: mostly the small letters of the capitals. Cherokee folds to capitals, the letters i of Turkish keep
 * their dot or the lack of one, and the capital sharp s goes with the small one. */
static size_t fold(uint32_t code, uint32_t out[3])
{
    bool cherokee = (code >= 0x13a0 && code <= 0x13fd) || (code >= 0xab70 && code <= 0xabbf);
    bool turkish = code == 0x130 || code == 0x131;
    size_t count = convert(code == 0x1e9e ? 0xdf : code, turkish ? JCASE_LOWER : JCASE_UPPER, out);

    for (size_t i = 0; !cherokee && !turkish && i < count; i++) {
        uint32_t small[3];
        convert(out[i], JCASE_LOWER, small);
        out[i] = small[0];
    }
    return count;
}

size_t jchar_convert(uint32_t code, enum jcase to, uint32_t out[3])
{
    size_t count;

    if (code < 0x80) {
        out[0] = to == JCASE_LOWER || to == JCASE_FOLD ? (code >= 'A' && code <= 'Z' ? code + 32 : code)
                                   : (code >= 'a' && code <= 'z' ? code - 32 : code);
        return 1;
    }
    if (to == JCASE_FOLD)
        return fold(code, out);
    count = convert(code, to, out);
    /* The table for titles holds only what differs from capitals. */
    if (to == JCASE_TITLE && count == 1 && out[0] == code && !jchar_has(code, JCHAR_UNTITLED))
        count = convert(code, JCASE_UPPER, out);
    return count;
}

int jchar_digit(uint32_t code)
{
    size_t borders = border_count(properties[JCHAR_DECIMAL].borders, properties[JCHAR_DECIMAL].count, code);

    /* Decimal digits stand in runs of ten, zero first. */
    return borders & 1 ? (int)((code - properties[JCHAR_DECIMAL].borders[borders - 1]) % 10) : -1;
}
