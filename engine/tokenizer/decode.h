/* Decoders: from the spellings of tokens to text. They work on the list of all tokens; most chains can be cut into
 * groups that do not know of each other, which lets text be given out as it comes (see decode.c). */
#ifndef QUIRE_DECODE_H
#define QUIRE_DECODE_H

#include "decode_list.h"
#include "vocabulary.h"

/* The bytes of every id: form i is bytes[at[i], at[i + 1]). */
struct token_forms {
    struct text bytes;
    size_t *at; /* NULL: not made, because it is no other than the form in the middle of a text */
};

struct decoder {
    struct decode_step *steps;
    size_t count, count_max;
    bool whole_runs; /* one bad byte spoils its run of byte tokens (Hugging Face), not only itself (SentencePiece) */
    /* Made ready by decoder_prepare: */
    struct token_forms forms[2][2]; /* of a token: [begins the text][ends the text] */
    bool at_once;        /* no text is certain before the last token */
    bool bytes;          /* all tokens are pieces of one byte string (byte-level), not only the byte tokens */
    bool dedups;         /* a token like the one before it does not count (CTC) */
    bool ends_differ;    /* the last token has a form of its own */
    size_t fuse;         /* the step that makes one text of all strings; `count` without */
    size_t fallback;     /* the step that makes bytes of byte tokens; `fuse` without */
    struct text strip;   /* a character, dropped up to `left` times at the text's start, `right` times at its end */
    size_t left, right;
    bool strip_again;    /* once from each token while nothing else has come (SentencePiece) */
    struct text unknown; /* what unknown_id is shown as, where not by its spelling */
    uint32_t unknown_id;
};

void decoder_deinit(struct decoder *decoder);
/* Appends a zeroed step of `kind` for the caller to fill; NULL without memory. */
struct decode_step *decoder_add(struct decoder *decoder, enum decode_kind kind);
/* Works out the forms and sets PIECE_BYTE; the vocabulary is complete. */
QUIRE_NODISCARD enum quire_status decoder_prepare(struct decoder *decoder, struct vocabulary *vocabulary);

/* Runs steps [start, end) over the strings of *list; *spare is scratch. */
QUIRE_NODISCARD enum quire_status decoder_run(const struct decoder *decoder, size_t start, size_t end,
                                              struct matcher *matcher, struct decode_scope scope,
                                              struct string_list *list, struct string_list *spare);

#endif
