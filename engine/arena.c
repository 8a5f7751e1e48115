/* The engine's memory: plain mappings, cut once at open. Owner: whoever opens; used before any worker runs. */
#include "arena.h"

#include "reserve.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#define ARENA_ALIGN 64u

void *pages_map(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (pages == MAP_FAILED)
        return NULL;
    madvise(pages, bytes, MADV_HUGEPAGE); /* a wish: small pages are only slower */
    return pages;
}

void pages_unmap(void *pages, size_t bytes)
{
    if (pages != NULL)
        munmap(pages, bytes);
}

enum quire_status arena_init(struct arena *arena, size_t bytes, struct quire_error *error)
{
    void *base = bytes == 0 ? NULL : pages_map(bytes);

    if (bytes != 0 && base == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "the system refused %zu bytes for activations", bytes);
    if (bytes != 0 && reserve_now(base, bytes, error) != QUIRE_OK) {
        pages_unmap(base, bytes);
        return QUIRE_NO_MEMORY;
    }
    *arena = (struct arena){.base = base, .bytes = bytes};
    return QUIRE_OK;
}

void arena_deinit(struct arena *arena)
{
    pages_unmap(arena->base, arena->bytes);
    *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t count, size_t item_bytes)
{
    size_t bytes, end;
    void *taken = arena->base == NULL ? NULL : arena->base + arena->used;

    if (__builtin_mul_overflow(count, item_bytes, &bytes) || __builtin_add_overflow(bytes, ARENA_ALIGN - 1, &bytes) ||
        __builtin_add_overflow(arena->used, bytes & ~(size_t)(ARENA_ALIGN - 1), &end)) {
        assert(arena->base == NULL); /* measuring comes first and stops the open */
        arena->overflowed = true;
        return NULL;
    }
    assert(arena->base == NULL || end <= arena->bytes);
    arena->used = end;
    return taken;
}
