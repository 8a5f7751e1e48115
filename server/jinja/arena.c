/* The memory of one run, in chunks; released all at once, counted against a bound.
 * Thread: its run's. Owner: template.c. */
#include "run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_MIN ((size_t)16 * 1024)
#define CHUNK_BYTES_MAX ((size_t)256 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct jchunk {
    struct jchunk *older;
    size_t used, size; /* of data */
    max_align_t data[];
};

static struct jchunk *chunk_add(struct jrun *run, size_t bytes)
{
    struct jarena *arena = &run->arena;
    size_t size = arena->held_bytes < CHUNK_BYTES_MIN   ? CHUNK_BYTES_MIN
                  : arena->held_bytes < CHUNK_BYTES_MAX ? arena->held_bytes
                                                        : CHUNK_BYTES_MAX;
    struct jchunk *chunk;

    if (bytes > size)
        size = bytes;
    if (size > arena->bytes_max || arena->held_bytes > arena->bytes_max - size)
        jfail(run, QUIRE_LIMIT, "more than %zu bytes of memory", arena->bytes_max);
    chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        jfail(run, QUIRE_NO_MEMORY, "no memory for %zu bytes", size);
    chunk->older = arena->newest;
    chunk->used = 0;
    chunk->size = size;
    arena->newest = chunk;
    arena->held_bytes += size;
    return chunk;
}

void *jalloc(struct jrun *run, size_t bytes)
{
    struct jchunk *chunk = run->arena.newest;
    void *block;

    if (bytes > SIZE_MAX - ALIGNMENT)
        jfail(run, QUIRE_LIMIT, "more than %zu bytes of memory", run->arena.bytes_max);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (chunk == NULL || chunk->size - chunk->used < bytes)
        chunk = chunk_add(run, bytes);
    block = (char *)chunk->data + chunk->used;
    chunk->used += bytes;
    return block;
}

void *jalloc_array(struct jrun *run, size_t count, size_t element_bytes)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, element_bytes, &bytes))
        jfail(run, QUIRE_LIMIT, "more than %zu bytes of memory", run->arena.bytes_max);
    return jalloc(run, bytes);
}

void *jalloc_grow(struct jrun *run, void *old, size_t old_bytes, size_t new_bytes)
{
    struct jchunk *chunk = run->arena.newest;
    size_t old_room = (old_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *block;

    assert(new_bytes >= old_bytes);
    if (old_bytes != 0 && (char *)old + old_room == (char *)chunk->data + chunk->used &&
        new_bytes - old_bytes <= chunk->size - chunk->used) {
        size_t new_room = (new_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (new_room - old_room <= chunk->size - chunk->used) {
            chunk->used += new_room - old_room;
            return old;
        }
    }
    block = jalloc(run, new_bytes);
    if (old_bytes != 0)
        memcpy(block, old, old_bytes);
    return block;
}

void jarena_release(struct jarena *arena)
{
    while (arena->newest != NULL) {
        struct jchunk *chunk = arena->newest;
        arena->newest = chunk->older;
        free(chunk);
    }
    arena->held_bytes = 0;
}
