/* Text as SentencePiece's own normalizer leaves it. */
#ifndef QUIRE_SENTENCEPIECE_TEXT_H
#define QUIRE_SENTENCEPIECE_TEXT_H

#include "normalise.h"

/* What a model file says about text. */
struct sentencepiece_text {
    struct text charsmap; /* may be empty */
    bool prefixed;        /* a blank goes before the text (add_dummy_prefix) */
    bool first_only;      /* only where the input begins, not behind special tokens */
    bool suffixed;        /* that blank goes behind it (treat_whitespace_as_suffix) */
    bool collapses;       /* runs of blanks become one, those at the ends go (remove_extra_whitespaces) */
    bool plain_blanks;    /* blanks stay blanks, else they become U+2581 (escape_whitespaces) */
    struct text *symbols; /* user-defined ones, which are not mapped; in order */
    size_t symbol_count, symbol_max;
};
void sentencepiece_text_destroy(struct sentencepiece_text *rules); /* NULL is allowed */

/* Copies a user-defined symbol. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status sentencepiece_symbol_add(struct sentencepiece_text *rules, const char *bytes,
                                                           size_t count);
/* After all symbols are there. */
void sentencepiece_symbols_sort(struct sentencepiece_text *rules);

/* Appends `in`, normalised, to `out`. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status sentencepiece_normalise(const struct sentencepiece_text *rules,
                                                          const struct marked_text *in, struct marked_text *out);

#endif
