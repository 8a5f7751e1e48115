/* Normalizers: text to text, keeping for every byte whether it is trusted and whether the input begins with it. */
#ifndef QUIRE_NORMALISE_H
#define QUIRE_NORMALISE_H

#include "pattern.h"

/* A text and, byte for byte, its marks (enum text_mark). A byte made from several has those that all of them have. */
struct marked_text {
    struct text text, marks;
};
void marked_text_deinit(struct marked_text *marked);
QUIRE_NODISCARD enum quire_status marked_text_append(struct marked_text *marked, const char *bytes, size_t count,
                                                     char mark);
QUIRE_NODISCARD enum quire_status marked_text_copy(struct marked_text *marked, const char *bytes, const char *marks,
                                                   size_t count);

/* The marks that bytes [start, end) have in common; all where there are none. */
char marks_all(const struct text *marks, size_t start, size_t end);

enum normalise_kind {
    NORMALISE_COMPOSE, /* NFC, NFD, NFKC, NFKD by flags */
    NORMALISE_REPLACE, /* every match of `pattern` by `content` */
    NORMALISE_PREPEND, /* `content` before a text that is not empty */
    NORMALISE_STRIP,   /* white space at the ends, by flags */
    NORMALISE_LOWERCASE,
    NORMALISE_STRIP_MARKS,   /* combining marks go */
    NORMALISE_STRIP_ACCENTS, /* BERT: nonspacing marks go */
    NORMALISE_CLEAN,         /* BERT: controls go, white space becomes a blank */
    NORMALISE_SPACE_HAN,     /* BERT: blanks around ideographs */
    NORMALISE_BYTES,         /* byte-level alphabet */
    NORMALISE_CHARSMAP,      /* SentencePiece's precompiled map in `content` */
    NORMALISE_SENTENCEPIECE, /* all that a SentencePiece model does to text, by `rules` */
    NORMALISE_NMT,           /* SentencePiece's clean-up: some controls go, odd spaces become blanks */
};

enum normalise_flag {
    NORMALISE_COMPOSED = 1,
    NORMALISE_COMPATIBLE = 2,
    NORMALISE_LEFT = 4,
    NORMALISE_RIGHT = 8
};

struct normaliser {
    enum normalise_kind kind;
    unsigned flags;
    struct pattern *pattern;
    struct text content;
    struct sentencepiece_text *rules; /* owned */
};

/* Steps in order. */
struct normaliser_list {
    struct normaliser *steps;
    size_t count, count_max;
};
void normaliser_list_deinit(struct normaliser_list *list);
/* Appends a zeroed step of `kind` for the caller to fill; NULL without memory. */
struct normaliser *normaliser_list_add(struct normaliser_list *list, enum normalise_kind kind);

/* Runs all steps over `in`; the result is in *in, *spare is scratch. QUIRE_NO_MEMORY, QUIRE_LIMIT. */
QUIRE_NODISCARD enum quire_status normalise(const struct normaliser_list *list, struct matcher *matcher,
                                            struct marked_text *in, struct marked_text *spare);

#endif
