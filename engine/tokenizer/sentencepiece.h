/* SentencePiece tokenizers, from whatever file described them. */
#ifndef QUIRE_SENTENCEPIECE_H
#define QUIRE_SENTENCEPIECE_H

#include "state.h"

struct sentencepiece {
    bool unigram;   /* else BPE, merged by score */
    bool prefixed;  /* a blank goes before the text (add_dummy_prefix) */
    bool collapses; /* runs of blanks become one, those at the ends go (remove_extra_whitespaces) */
    bool byte_fallback;
    /* As SentencePiece itself does it, where Hugging Face's tokenizers differ: the character map's longest match
     * counts, U+2581 at the end goes, the unknown token is shown as U+2047. */
    bool native;
    const char *charsmap; /* may be NULL */
    size_t charsmap_bytes;
    const double *scores; /* one per id of the vocabulary; NULL: BPE by the model's merges */
};

/* Sets normalizers, decoder and model; after the vocabulary and its special tokens. QUIRE_NO_MEMORY, QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status sentencepiece_apply(struct tokenizer *tokenizer,
                                                      const struct sentencepiece *sentencepiece,
                                                      struct quire_error *error);
/* U+2581 is a blank; a blank at the text's start goes, if `prefixed`. */
QUIRE_NODISCARD enum quire_status sentencepiece_decode(struct tokenizer *tokenizer, bool prefixed);

#endif
