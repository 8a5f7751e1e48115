/* UTF-8 and the few character properties that tokenizers ask for. Pure functions: any thread. */
#ifndef QUIRE_UNICODE_H
#define QUIRE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BYTES_MAX 4u

/* Offset of the first byte that is not part of well-formed UTF-8 (RFC 3629); `count` when all is well. */
size_t utf8_valid_prefix(const char *bytes, size_t count);

/* State of a possibly unfinished character of `count` bytes, 1 to 4. */
enum utf8_form { UTF8_COMPLETE, UTF8_UNFINISHED, UTF8_BROKEN };
enum utf8_form utf8_form(const unsigned char *bytes, size_t count);

/* Bytes of the character that `lead` begins, in valid text. */
static inline size_t utf8_length(char lead)
{
    unsigned char byte = (unsigned char)lead;

    return byte < 0x80 ? 1u : byte < 0xE0 ? 2u : byte < 0xF0 ? 3u : 4u;
}

/* The character at *position of valid text; moves *position behind it. */
uint32_t utf8_next(const char *text, size_t *position);
/* The character that ends at *position (> 0) of valid text; moves *position to its start. */
uint32_t utf8_previous(const char *text, size_t *position);
/* Writes `codepoint` (a scalar value) to `out` and returns its 1 to 4 bytes. */
size_t utf8_encode(uint32_t codepoint, char out[UTF8_BYTES_MAX]);

/* Sets of characters, named as data so that a splitter can be a row of a table. Each is what the reference makes of the
 * name, which is not always the same version of Unicode (see unicode_tables.h). */
enum char_set {
    CHARS_SPACE,       /* White_Space */
    CHARS_HAN,         /* the CJK ideograph blocks that BERT isolates */
    CHARS_NUMBER,      /* Nd, Nl, No */
    CHARS_PUNCTUATION, /* P*, and all ASCII punctuation and symbols */
    CHARS_WORD,        /* UTS #18 word: alphabetic, marks, decimal digits, connectors, joiners */
    CHARS_CONTROL,     /* Cc, Cf, Co, but not tab, newline and carriage return */
    CHARS_MARK,        /* combining marks, as StripAccents has them */
    CHARS_ACCENT,      /* nonspacing marks, as BERT has them */
};
bool char_in(enum char_set set, uint32_t codepoint);

#define SCRIPT_ANY 0u
/* The number of the character's script, as UnicodeScripts cuts; Han, Hiragana and Katakana are one. */
unsigned char_script(uint32_t codepoint);

#define LOWER_MAX 2u
/* The small form of a character, 1 or 2 characters; returns their number. */
size_t char_lower(uint32_t codepoint, uint32_t out[LOWER_MAX]);

/* Canonical combining class (0: a starter). */
unsigned char_combining_class(uint32_t codepoint);
#define DECOMPOSED_MAX 32u /* the longest decomposition has 18 */
/* Full decomposition, canonical or compatible, not yet ordered; returns the number of characters. */
size_t char_decompose(uint32_t codepoint, bool compatible, uint32_t out[DECOMPOSED_MAX]);
/* Canonical composition of ordered decomposed characters, in place; returns their new number. */
size_t chars_compose(uint32_t *chars, size_t count);

/* Whether a grapheme ends between `left` and `right`; *state starts at 0 and is carried along. */
bool grapheme_breaks(uint32_t left, uint32_t right, int32_t *state);

#endif
