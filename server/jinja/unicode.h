/* What Python's str methods know about characters. Thread: any. Owner: static tables. */
#ifndef JINJA_UNICODE_H
#define JINJA_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jproperty {
    JCHAR_ALPHA,
    JCHAR_UPPER,
    JCHAR_LOWER,
    JCHAR_TITLE,
    JCHAR_DECIMAL,
    JCHAR_DIGIT,
    JCHAR_NUMERIC,
    JCHAR_SPACE,
    JCHAR_PRINTABLE,
    JCHAR_IGNORABLE, /* for case */
    JCHAR_UNTITLED,  /* has a capital, yet begins a title as it is */
};

bool jchar_has(uint32_t code, enum jproperty property);

static inline bool jchar_is_cased(uint32_t code)
{
    return jchar_has(code, JCHAR_UPPER) || jchar_has(code, JCHAR_LOWER) || jchar_has(code, JCHAR_TITLE);
}
static inline bool jchar_is_alnum(uint32_t code)
{
    return jchar_has(code, JCHAR_ALPHA) || jchar_has(code, JCHAR_NUMERIC);
}

enum jcase { JCASE_UPPER, JCASE_LOWER, JCASE_TITLE, JCASE_FOLD };
/* Writes the one to three characters that `code` becomes; gives their number. */
size_t jchar_convert(uint32_t code, enum jcase to, uint32_t out[3]);

/* The value of a decimal digit of any script, or -1. */
int jchar_digit(uint32_t code);

#endif
