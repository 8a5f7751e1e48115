/* References, the free stack and the list of cached blocks (kv_blocks.h). Thread: step. */
#include "kv_blocks.h"

#include "step.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum quire_status kv_blocks_init(struct kv_blocks *blocks, uint32_t block_count, struct prefix_index *index,
                                 struct quire_error *error)
{
    *blocks = (struct kv_blocks){.block_count = block_count, .free_count = block_count, .index = index};
    blocks->oldest = blocks->newest = STEP_NO_BLOCK;
    blocks->references = calloc(block_count, sizeof *blocks->references);
    blocks->free = calloc(block_count, sizeof *blocks->free);
    blocks->cached = calloc(block_count, sizeof *blocks->cached);
    if (blocks->references == NULL || blocks->free == NULL || blocks->cached == NULL) {
        kv_blocks_deinit(blocks);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the table of %u blocks", block_count);
    }
    for (uint32_t i = 0; i < block_count; i++)
        blocks->free[i] = block_count - 1 - i; /* the lowest id on top */
    return QUIRE_OK;
}

void kv_blocks_deinit(struct kv_blocks *blocks)
{
    free(blocks->references);
    free(blocks->free);
    free(blocks->cached);
    *blocks = (struct kv_blocks){0};
}

uint32_t kv_blocks_available(const struct kv_blocks *blocks)
{
    return blocks->free_count + blocks->cached_count;
}

/* The place that points at `block` from its older (newer) side, so that linking needs no special case at the ends. */
static uint32_t *newer_of(struct kv_blocks *blocks, uint32_t block)
{
    return block == STEP_NO_BLOCK ? &blocks->oldest : &blocks->cached[block].newer;
}

static uint32_t *older_of(struct kv_blocks *blocks, uint32_t block)
{
    return block == STEP_NO_BLOCK ? &blocks->newest : &blocks->cached[block].older;
}

static void cached_append(struct kv_blocks *blocks, uint32_t block)
{
    blocks->cached[block] = (struct kv_neighbours){.older = blocks->newest, .newer = STEP_NO_BLOCK};
    *newer_of(blocks, blocks->newest) = block;
    blocks->newest = block;
    blocks->cached_count++;
}

static void cached_remove(struct kv_blocks *blocks, uint32_t block)
{
    struct kv_neighbours *at = &blocks->cached[block];

    *newer_of(blocks, at->older) = at->newer;
    *older_of(blocks, at->newer) = at->older;
    blocks->cached_count--;
}

uint32_t kv_blocks_take(struct kv_blocks *blocks)
{
    uint32_t block;

    if (blocks->free_count > 0) {
        block = blocks->free[--blocks->free_count];
    } else {
        assert(blocks->cached_count > 0);
        block = blocks->oldest;
        cached_remove(blocks, block);
        prefix_index_remove(blocks->index, block);
    }
    assert(blocks->references[block] == 0);
    blocks->references[block] = 1;
    return block;
}

void kv_blocks_ref(struct kv_blocks *blocks, uint32_t block)
{
    if (blocks->references[block] == 0) {
        assert(blocks->index != NULL && prefix_index_has(blocks->index, block));
        cached_remove(blocks, block);
    }
    blocks->references[block]++;
}

void kv_blocks_unref(struct kv_blocks *blocks, uint32_t block)
{
    assert(blocks->references[block] > 0);
    if (--blocks->references[block] > 0)
        return;
    if (blocks->index != NULL && prefix_index_has(blocks->index, block))
        cached_append(blocks, block);
    else
        blocks->free[blocks->free_count++] = block;
}

enum quire_status kv_cache_init(struct kv_cache *cache, const struct engine_limits *limits, bool shares_prefixes,
                                const unsigned char key[PREFIX_KEY_BYTES], uint32_t hash_bits,
                                struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;

    *cache = (struct kv_cache){.group_count = limits->group_count, .shares_prefixes = shares_prefixes};
    memcpy(cache->fingerprint, limits->fingerprint, sizeof cache->fingerprint);
    for (uint32_t g = 0; g < limits->group_count && status == QUIRE_OK; g++) {
        const struct engine_group_limits *from = &limits->group[g];
        struct kv_group *group = &cache->group[g];

        group->window_tokens = from->window_tokens;
        if (shares_prefixes)
            status = prefix_index_init(&group->index, from->block_count, key, hash_bits, error);
        if (status == QUIRE_OK)
            status = kv_blocks_init(&group->blocks, from->block_count, shares_prefixes ? &group->index : NULL, error);
    }
    if (status != QUIRE_OK)
        kv_cache_deinit(cache);
    return status;
}

void kv_cache_deinit(struct kv_cache *cache)
{
    for (uint32_t g = 0; g < cache->group_count; g++) {
        kv_blocks_deinit(&cache->group[g].blocks);
        prefix_index_deinit(&cache->group[g].index);
    }
    cache->group_count = 0;
}
