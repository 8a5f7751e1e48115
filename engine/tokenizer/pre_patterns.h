/* The split expressions that GGUF files name in tokenizer.ggml.pre. */
#ifndef QUIRE_PRE_PATTERNS_H
#define QUIRE_PRE_PATTERNS_H

#include "state.h"

#define PRE_EXPRESSIONS_MAX 6

struct pre_row {
    const char *names; /* separated by blanks */
    bool whole_words;  /* a word that is a piece is not cut (tokenizer.json's ignore_merges) */
    bool add_bos;      /* where the file does not say */
    bool compose;      /* NFC first */
    const char *mask;  /* a token that takes the white space before it; NULL: none */
    bool words;        /* cut at white space, which goes; pieces are spelled as they are */
    bool blanks;       /* pieces are spelled with U+2581 for a blank, not in the byte alphabet; a text is one word */
    const char *expressions[PRE_EXPRESSIONS_MAX + 1]; /* applied in order, each isolating its matches; NULL ends */
};

/* The row of `name`; NULL where it is not known. */
const struct pre_row *pre_find(const char *name);
/* Sets normalizer, expressions, byte alphabet and decoder. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status pre_apply(const struct pre_row *row, struct tokenizer *tokenizer,
                                            struct quire_error *error);

#endif
