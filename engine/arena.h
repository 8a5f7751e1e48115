/* One mapping from which everything with the engine's lifetime is cut at open: activations, scratch, tables. Nothing
 * is given back before arena_deinit. The same layout function runs twice: over an arena that only measures, then
 * over the real one. */
#ifndef QUIRE_ARENA_H
#define QUIRE_ARENA_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>

struct arena {
    char *base;       /* NULL while measuring */
    size_t bytes;     /* of the mapping; SIZE_MAX while measuring */
    size_t used;      /* multiple of 64 */
    bool overflowed;  /* a product or the sum did not fit into size_t */
};

static inline struct arena arena_measuring(void)
{
    return (struct arena){.bytes = (size_t)-1};
}

/* Maps `bytes` of zeros, all of whose pages are there. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status arena_init(struct arena *arena, size_t bytes, struct quire_error *error);
void arena_deinit(struct arena *arena);

/* `count` items of `item_bytes`, zeroed, aligned to 64 bytes. NULL while measuring; taking more than was measured is a
 * programmer's error and asserts. */
void *arena_take(struct arena *arena, size_t count, size_t item_bytes);

/* Anonymous zeroed memory in huge pages where the system has them; pages cost memory when first touched. NULL when
 * refused. */
void *pages_map(size_t bytes);
void pages_unmap(void *pages, size_t bytes);

#endif
