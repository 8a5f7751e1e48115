/* The word models: one word to ids. Each kind is one file; a tokenizer holds one. */
#ifndef QUIRE_MODEL_H
#define QUIRE_MODEL_H

#include "borders.h"
#include "vocabulary.h"

/* Working memory of one encode call, reused from word to word. Zero-initialise. */
struct model_scratch {
    void *symbols, *heap;
    size_t symbol_max, heap_max;
    struct text text;
    bool trusted; /* the text may spell reserved pieces, where the model takes them */
};
void model_scratch_deinit(struct model_scratch *scratch);

struct merge_table { /* open addressing, at most half full; key 0 is empty */
    struct merge {
        uint64_t pair; /* left id << 32 | right id, + 1 */
        uint32_t rank : 31, reserved : 1;
        uint32_t id;
    } *slots;
    size_t slot_count, count;
};

struct word_model {
    /* Appends the ids of one word (not empty, valid UTF-8). QUIRE_NO_MEMORY, QUIRE_INVALID (no unknown token). */
    enum quire_status (*encode)(const struct word_model *model, const char *word, size_t count,
                                struct model_scratch *scratch, struct token_list *out);
    const struct vocabulary *vocabulary;
    uint32_t unknown;   /* id, or TOKEN_NONE */
    bool unknown_fails; /* BPE: there is none and text that needs it is refused, not dropped */
    bool takes_reserved; /* trusted text may become reserved pieces, as in Hugging Face's tokenizers */
    struct text prefix; /* BPE, WordPiece: spelled before every piece but the first ("##") */
    /* BPE */
    struct merge_table merges;
    float *scores; /* owned; SentencePiece: merge whatever spells a piece, highest score first; NULL: by `merges` */
    uint32_t *char_ids; /* owned; ids of the first characters of Unicode, for speed */
    struct text suffix; /* of the last piece ("</w>") */
    bool fuse_unknown, whole_words, byte_fallback;
    struct borders borders; /* where long words are cut, for short heaps */
    uint32_t byte_ids[256]; /* also Unigram */
    /* WordPiece */
    size_t word_chars_max, piece_bytes_max; /* longer words are unknown; no piece is longer */
    /* Unigram */
    bool single; /* scores add up in single precision, as SentencePiece does it */
    struct unigram *unigram;
};
void word_model_deinit(struct word_model *model);

QUIRE_NODISCARD enum quire_status merge_table_add(struct merge_table *table, uint32_t left, uint32_t right,
                                                  uint32_t rank, uint32_t id);

/* Adds a merge by the spellings of its parts; QUIRE_NOT_FOUND where the model lacks one of them or their join.
 * *spare is scratch. */
QUIRE_NODISCARD enum quire_status merge_add(struct word_model *model, uint32_t rank, const char *left,
                                            size_t left_bytes, const char *right, size_t right_bytes,
                                            struct text *spare);
/* The same for "left right". That is ambiguous where pieces hold blanks: the first reading that fits counts. */
QUIRE_NODISCARD enum quire_status merge_add_line(struct word_model *model, uint32_t rank, const char *line,
                                                 size_t bytes, struct text *spare);

/* Complete a model and set its `encode`; after the vocabulary, flags included, and merges or scores are there. */
QUIRE_NODISCARD enum quire_status bpe_prepare(struct word_model *model);
void wordpiece_prepare(struct word_model *model);
void wordlevel_prepare(struct word_model *model);
/* `scores` has one entry per id; it is copied. `lowest` is the worst that a piece has. */
QUIRE_NODISCARD enum quire_status unigram_prepare(struct word_model *model, const double *scores, double lowest);
void unigram_destroy(struct unigram *unigram); /* NULL is allowed */

/* Ids of "<0x00>" ... "<0xFF>"; TOKEN_NONE where missing. */
void byte_ids_find(const struct vocabulary *vocabulary, uint32_t ids[256]);
/* Whether byte_fallback is on and every byte has an id. */
bool model_has_bytes(const struct word_model *model, const char *bytes, size_t count);

#endif
