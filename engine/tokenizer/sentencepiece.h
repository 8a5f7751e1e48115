/* SentencePiece tokenizers, from whatever file described them. */
#ifndef QUIRE_SENTENCEPIECE_H
#define QUIRE_SENTENCEPIECE_H

#include "state.h"

enum sentencepiece_kind { /* as in the model file */
    SENTENCEPIECE_UNIGRAM = 1,
    SENTENCEPIECE_BPE, /* merged by score, or by the model's merges where there are no scores */
    SENTENCEPIECE_WORD,
    SENTENCEPIECE_CHAR
};

struct sentencepiece {
    enum sentencepiece_kind kind;
    bool prefixed;  /* a blank goes before the text (add_dummy_prefix) */
    bool collapses; /* runs of blanks become one, those at the ends go (remove_extra_whitespaces) */
    bool byte_fallback;
    /* As SentencePiece itself does it; NULL: as Hugging Face's tokenizers do. sentencepiece_apply takes it. */
    struct sentencepiece_text *native;
    const char *unknown; /* native: the text of the unknown token */
    const char *charsmap; /* not native; may be NULL */
    size_t charsmap_bytes;
    const double *scores; /* one per id of the vocabulary; NULL: none */
    double lowest;        /* the worst score of a normal piece */
};

/* Sets normalizers, decoder and model; after the vocabulary and its special tokens. QUIRE_NO_MEMORY, QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status sentencepiece_apply(struct tokenizer *tokenizer,
                                                      const struct sentencepiece *sentencepiece,
                                                      struct quire_error *error);

/* sentencepiece_words.c: the word model of SENTENCEPIECE_WORD and SENTENCEPIECE_CHAR. */
void sentencepiece_units_prepare(struct word_model *model, bool words);

#endif
