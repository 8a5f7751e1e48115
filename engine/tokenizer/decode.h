/* Decoders: what each token's spelling stands for, worked out once at load. */
#ifndef QUIRE_DECODE_H
#define QUIRE_DECODE_H

#include "pattern.h"
#include "vocabulary.h"

enum decode_kind {
    DECODE_REPLACE,       /* matches of `pattern` become `content` */
    DECODE_BYTE_FALLBACK, /* "<0xE2>" is that byte */
    DECODE_FUSE,          /* from here on there is one text */
    DECODE_STRIP,      /* up to left, right characters `content` at the ends of each token, or of the text once fused */
    DECODE_BYTE_LEVEL, /* characters of the byte alphabet are bytes */
    DECODE_METASPACE,  /* `content` is a blank; with `prefix` those of the first token go */
    DECODE_WORDPIECE, /* `content` ("##") joins to what stands before, else a blank; with `cleanup` English is tidied */
    DECODE_JOIN,      /* a blank before each token but the first */
};

struct decode_step {
    enum decode_kind kind;
    struct pattern *pattern;
    struct text content;
    size_t left, right;
    bool prefix, cleanup;
};

/* The bytes of every id: form i is bytes[at[i], at[i + 1]). */
struct token_forms {
    struct text bytes;
    size_t *at;
};

struct decoder {
    struct decode_step *steps;
    size_t count, count_max;
    /* Made ready by decoder_prepare: */
    struct token_forms forms, first_forms; /* first_forms only where a token differs at the start */
    bool bytes;          /* all tokens are pieces of one byte string (byte-level), not only the byte tokens */
    struct text strip;   /* one character, dropped where it begins the text */
    bool strip_again;    /* and once more while nothing else has come (SentencePiece) */
    struct text unknown; /* what unknown_id is shown as, where not by its spelling */
    uint32_t unknown_id;
};

void decoder_deinit(struct decoder *decoder);
/* Appends a zeroed step of `kind` for the caller to fill; NULL without memory. */
struct decode_step *decoder_add(struct decoder *decoder, enum decode_kind kind);
/* Works out the forms and sets PIECE_BYTE. QUIRE_UNSUPPORTED for a chain that cannot be decoded token by token. */
QUIRE_NODISCARD enum quire_status decoder_prepare(struct decoder *decoder, struct vocabulary *vocabulary,
                                                  struct quire_error *error);

#endif
