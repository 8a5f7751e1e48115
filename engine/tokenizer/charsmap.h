/* SentencePiece's precompiled character map: a double-array trie from byte sequences to replacement strings. */
#ifndef QUIRE_CHARSMAP_H
#define QUIRE_CHARSMAP_H

#include "normalise.h"

/* Checks the layout of `map`: uint32 trie bytes (little endian), trie units, NUL-terminated strings. QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status charsmap_check(const struct text *map, struct quire_error *error);
/* Appends the mapped `in` to `out`, as Hugging Face's tokenizers do. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status charsmap_run(const struct text *map, const struct marked_text *in,
                                               struct marked_text *out);
/* The replacement of the longest prefix of key[0, count) that has one, and that prefix's length; NULL without. */
const char *charsmap_longest(const struct text *map, const char *key, size_t count, size_t *length);

#endif
