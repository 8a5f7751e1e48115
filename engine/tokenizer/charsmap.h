/* SentencePiece's precompiled character map: a double-array trie from byte sequences to replacement strings. */
#ifndef QUIRE_CHARSMAP_H
#define QUIRE_CHARSMAP_H

#include "normalise.h"

/* Checks the layout of `map`: uint32 trie bytes (little endian), trie units, NUL-terminated strings. QUIRE_BAD_FILE. */
QUIRE_NODISCARD enum quire_status charsmap_check(const struct text *map, struct quire_error *error);
/* Appends the mapped `in` to `out`: with `longest` as SentencePiece does, else as Hugging Face's tokenizers.
 * QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status charsmap_run(const struct text *map, bool longest, const struct marked_text *in,
                                               struct marked_text *out);

#endif
