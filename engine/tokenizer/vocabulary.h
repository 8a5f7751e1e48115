/* Spellings and ids: a hash table over spellings, an array over ids. Filled at load, then immutable. */
#ifndef QUIRE_VOCABULARY_H
#define QUIRE_VOCABULARY_H

#include "text.h"

#define VOCABULARY_IDS_MAX (1u << 22) /* no model comes near; bounds what a broken file can make us allocate */

enum piece_flag {
    PIECE_SPECIAL = 1,  /* left out when decoding with skip_special */
    PIECE_RESERVED = 2, /* never made from plain text: only a trusted spelling, a template or a fallback gives it */
    PIECE_BYTE = 4,     /* stands for one byte of a character ("<0xE2>") */
    PIECE_ADDED = 8,    /* in a list of added tokens */
    PIECE_SKIPPED = 16, /* spelled like a special token: what skip_special leaves out */
};

struct vocabulary {
    struct text spellings; /* all spellings, each NUL terminated */
    struct piece {
        size_t at; /* in spellings */
        uint32_t bytes : 31, added : 1; /* `added`: the word model does not know it */
        uint32_t id;
    } *pieces;
    size_t piece_count, piece_max;
    uint32_t *by_id; /* index of the id's piece, or TOKEN_NONE for a hole; id_count entries */
    unsigned char *flags;
    uint32_t id_count; /* highest id + 1 */
    size_t id_max, flag_max;
    uint32_t *slots; /* index + 1 of a piece, 0 empty; open addressing */
    size_t slot_count;
};

void vocabulary_deinit(struct vocabulary *vocabulary);
/* Adds a spelling for `id` (< VOCABULARY_IDS_MAX). The first spelling of an id is the one it is decoded to, unless it
 * is that of an `added` token. A spelling that is already there keeps its first id. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status vocabulary_add(struct vocabulary *vocabulary, uint32_t id, const char *bytes,
                                                 size_t count, bool added);
/* From now on `id` is decoded to this spelling, which is not looked for. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status vocabulary_respell(struct vocabulary *vocabulary, uint32_t id, const char *bytes,
                                                     size_t count);
/* The id of a spelling, or TOKEN_NONE. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *bytes, size_t count);
/* The same among the pieces that the word model knows; without `reserved`, only what plain text may become. */
uint32_t vocabulary_find_piece(const struct vocabulary *vocabulary, const char *bytes, size_t count, bool reserved);
/* NULL for an id without. */
const struct piece *vocabulary_piece(const struct vocabulary *vocabulary, uint32_t id);
const char *vocabulary_spelling(const struct vocabulary *vocabulary, uint32_t id);

#endif
