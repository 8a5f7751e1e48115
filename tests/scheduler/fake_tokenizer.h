/* A tokenizer whose tokens spell short strings over a small alphabet, so that stop strings often span tokens. */
#ifndef FAKE_TOKENIZER_H
#define FAKE_TOKENIZER_H

#include "tokenizer.h"

#define FAKE_SPECIAL 7u /* ids below are special tokens */

struct tokenizer {
    uint32_t eos[4], eos_count;
};

/* The text of a token, and its tail that only becomes certain with the next one (as an unfinished character does). */
const char *fake_piece(uint32_t id, bool skip_special, const char **tail);

#endif
