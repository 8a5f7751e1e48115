/* The blocks of one cache group: who holds them, which are free. Step thread only.
 *
 * A block is in one of three states: used (references > 0), free, or cached: nobody holds it, but the prefix index
 * still knows what is in it, so it can be taken up again until somebody needs room. Always used + free + cached =
 * block_count. */
#ifndef QUIRE_KV_BLOCKS_H
#define QUIRE_KV_BLOCKS_H

#include "engine_limits.h"
#include "prefix_index.h"

struct kv_neighbours { /* in the list of cached blocks */
    uint32_t older, newer;
};

struct kv_blocks {
    uint32_t block_count, free_count, cached_count;
    uint32_t *references;            /* [block_count] */
    uint32_t *free;                  /* stack of free_count ids */
    struct kv_neighbours *cached;    /* [block_count] */
    uint32_t oldest, newest;         /* cached blocks by the time they were let go */
    struct prefix_index *index;      /* NULL: nothing is ever cached */
};

QUIRE_NODISCARD enum quire_status kv_blocks_init(struct kv_blocks *blocks, uint32_t block_count,
                                                 struct prefix_index *index,
                                                 struct quire_error *error);
void kv_blocks_deinit(struct kv_blocks *blocks);

/* Blocks that kv_blocks_take can give. */
uint32_t kv_blocks_available(const struct kv_blocks *blocks);

/* A block with one reference and no meaning: a free one, else the cached one that was let go longest ago, which the
 * index then forgets. At least one must be available. */
uint32_t kv_blocks_take(struct kv_blocks *blocks);

/* One more holder, of a used or a cached block. */
void kv_blocks_ref(struct kv_blocks *blocks, uint32_t block);

/* One holder less. The last one leaves the block cached if the index knows it, else free. Let go of children before
 * their parents: then they are evicted first, and what remains of a prefix can still be found. */
void kv_blocks_unref(struct kv_blocks *blocks, uint32_t block);

/* All groups of a model. The tables of a sequence have the same number of entries in each. */
struct kv_group {
    struct kv_blocks blocks;
    struct prefix_index index;
    uint32_t window_tokens; /* 0: every position stays visible */
};

struct kv_cache {
    uint32_t group_count;
    bool shares_prefixes;
    struct kv_group group[STEP_GROUPS_MAX];
    unsigned char fingerprint[16];
};

QUIRE_NODISCARD enum quire_status kv_cache_init(struct kv_cache *cache, const struct engine_limits *limits,
                                                bool shares_prefixes, const unsigned char key[PREFIX_KEY_BYTES],
                                                uint32_t hash_bits, struct quire_error *error);
void kv_cache_deinit(struct kv_cache *cache);

/* Blocks that hold `tokens` tokens. */
static inline uint32_t kv_blocks_for(uint32_t tokens)
{
    return tokens / KV_BLOCK_TOKENS + (tokens % KV_BLOCK_TOKENS != 0);
}

/* The first block that a query at `position`, or any later one, can see. */
static inline uint32_t kv_group_first_visible(const struct kv_group *group, uint32_t position)
{
    bool whole = group->window_tokens == 0 || position < group->window_tokens;

    return whole ? 0 : (position + 1 - group->window_tokens) / KV_BLOCK_TOKENS;
}

#endif
