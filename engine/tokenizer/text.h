/* Growth of the public lists of tokenizer.h, for the files of this folder. */
#ifndef QUIRE_TEXT_H
#define QUIRE_TEXT_H

#include "tokenizer.h"

/* Makes room for `more` further bytes behind count. */
QUIRE_NODISCARD enum quire_status text_reserve(struct text *text, size_t more);
QUIRE_NODISCARD enum quire_status text_append_byte(struct text *text, char byte, size_t times);
QUIRE_NODISCARD enum quire_status text_append_char(struct text *text, uint32_t codepoint);
QUIRE_NODISCARD enum quire_status token_list_reserve(struct token_list *list, size_t more);
QUIRE_NODISCARD enum quire_status token_list_append(struct token_list *list, uint32_t id);

/* The bound for what the steps of a tokenizer file make of `count` bytes: honest ones stay far below it, while a chain
 * of replacements in a broken file would double a text without end. */
size_t text_bound(size_t count);

/* What is known of a byte of a text on its way through the normalizers. */
enum text_mark {
    MARK_TRUSTED = 1, /* may spell a reserved token */
    MARK_ORIGIN = 2,  /* comes from the first character of the input */
};

/* Whether bytes[0, count) begin with `beginning`. */
bool text_begins(const char *bytes, size_t count, const struct text *beginning);
bool text_is_same(const struct text *one, const struct text *other);

/* Reallocates *items, `size` bytes each, to hold at least `needed`; doubles, checks for overflow. */
QUIRE_NODISCARD enum quire_status array_grow(void **items, size_t *count_max, size_t needed, size_t size);

#endif
