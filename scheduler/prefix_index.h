/* Which block holds the keys and values of which prefix. Step thread only.
 *
 * Full blocks form a tree: a block is known by its parent and its 16 tokens, and the root by the salt. The chained hash
 * (parent's hash, tokens) only finds candidates; whether one is meant is decided by comparing its tokens and its
 * parent, so by induction the whole prefix is compared and a collision costs time, never a wrong answer. */
#ifndef QUIRE_PREFIX_INDEX_H
#define QUIRE_PREFIX_INDEX_H

#include "request.h"

#define PREFIX_KEY_BYTES 16u

struct prefix_hash {
    uint64_t low, high;
};

/* A place in the tree. `serial` names the block's registration and is never used twice, so that a block that was
 * evicted and filled anew is another parent; 0 is a root. */
struct prefix_link {
    struct prefix_hash hash;
    uint64_t serial;
};

struct prefix_entry { /* of a block; serial 0: not registered */
    struct prefix_link parent, self;
    uint32_t tokens[KV_BLOCK_TOKENS];
    uint32_t next; /* block in the same bucket */
};

struct prefix_index {
    struct prefix_entry *entries; /* [block_count] */
    uint32_t *buckets;            /* [bucket_count], a power of two */
    uint32_t bucket_count;
    uint32_t hash_bits;
    uint64_t last_serial;
    unsigned char key[PREFIX_KEY_BYTES];
};

/* `key` should be unpredictable, so that nobody can craft collisions. `hash_bits` is 128 outside of tests. */
QUIRE_NODISCARD enum quire_status prefix_index_init(struct prefix_index *index, uint32_t block_count,
                                                    const unsigned char key[PREFIX_KEY_BYTES], uint32_t hash_bits,
                                                    struct quire_error *error);
void prefix_index_deinit(struct prefix_index *index);

/* The root of all prefixes under a model's fingerprint and the digest of a tenant's salt. */
struct prefix_link prefix_index_root(const struct prefix_index *index, const unsigned char fingerprint[16],
                                     const uint64_t salt[2]);

/* The block that continues `parent` with the 16 `tokens`, and its own place in `self`; STEP_NO_BLOCK where there is
 * none. */
uint32_t prefix_index_find(const struct prefix_index *index, const struct prefix_link *parent,
                           const uint32_t *tokens, struct prefix_link *self);

/* Registers `block`, which is not registered, where prefix_index_find found none. Gives its place. */
struct prefix_link prefix_index_add(struct prefix_index *index, const struct prefix_link *parent,
                                    const uint32_t *tokens, uint32_t block);
bool prefix_index_has(const struct prefix_index *index, uint32_t block);
void prefix_index_remove(struct prefix_index *index, uint32_t block); /* a registered block */

#endif
