/* Where a long word may be cut without changing how its parts merge. */
#ifndef QUIRE_BORDERS_H
#define QUIRE_BORDERS_H

#include "vocabulary.h"

struct borders { /* zero-initialised: cuts nothing */
    uint64_t *pairs; /* a bit for each hash of two characters that some piece holds side by side */
    uint64_t *known; /* a bit for each character that is a piece */
};
void borders_deinit(struct borders *borders);

/* Reads all pieces of a vocabulary. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status borders_init(struct borders *borders, const struct vocabulary *vocabulary);

/* The end of the part that begins at `start` (< count) of a valid UTF-8 text: between two characters that are pieces
 * and that no piece holds side by side, so that no merge joins what is before with what is behind; or `count`. */
size_t borders_next(const struct borders *borders, const char *text, size_t count, size_t start);

#endif
