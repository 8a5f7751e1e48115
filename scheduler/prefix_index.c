/* The prefix tree as one hash table with an entry per block (prefix_index.h). Thread: step. */
#include "prefix_index.h"

#include "siphash.h"
#include "step.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum quire_status prefix_index_init(struct prefix_index *index, uint32_t block_count,
                                    const unsigned char key[PREFIX_KEY_BYTES], uint32_t hash_bits,
                                    struct quire_error *error)
{
    uint32_t bucket_count = 16;

    while (bucket_count < block_count && bucket_count < UINT32_C(1) << 31)
        bucket_count *= 2;
    assert(hash_bits == 128 || (hash_bits > 0 && hash_bits < 64));
    *index = (struct prefix_index){.bucket_count = bucket_count, .hash_bits = hash_bits};
    memcpy(index->key, key, PREFIX_KEY_BYTES);
    index->entries = calloc(block_count, sizeof *index->entries);
    index->buckets = malloc(bucket_count * sizeof *index->buckets);
    if (index->entries == NULL || index->buckets == NULL) {
        prefix_index_deinit(index);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the prefix index of %u blocks", block_count);
    }
    memset(index->buckets, 0xff, bucket_count * sizeof *index->buckets); /* STEP_NO_BLOCK everywhere */
    return QUIRE_OK;
}

void prefix_index_deinit(struct prefix_index *index)
{
    free(index->entries);
    free(index->buckets);
    *index = (struct prefix_index){0};
}

static bool hash_equal(struct prefix_hash a, struct prefix_hash b)
{
    return a.low == b.low && a.high == b.high;
}

/* A root's digest is an identity and keeps its full width. */
struct prefix_link prefix_index_root(const struct prefix_index *index, const unsigned char fingerprint[16],
                                     const uint64_t salt[2])
{
    uint64_t digest[4];

    memcpy(digest, fingerprint, 16);
    memcpy(digest + 2, salt, 16);
    siphash128(index->key, digest, sizeof digest, digest);
    return (struct prefix_link){.hash = {digest[0], digest[1]}};
}

static struct prefix_hash child_hash(const struct prefix_index *index, const struct prefix_link *parent,
                                     const uint32_t *tokens)
{
    unsigned char data[sizeof parent->hash + KV_BLOCK_TOKENS * sizeof *tokens];
    uint64_t digest[2];

    memcpy(data, &parent->hash, sizeof parent->hash);
    memcpy(data + sizeof parent->hash, tokens, KV_BLOCK_TOKENS * sizeof *tokens);
    siphash128(index->key, data, sizeof data, digest);
    if (index->hash_bits < 128) /* tests: many tokens, few hashes */
        return (struct prefix_hash){.low = digest[0] & ((UINT64_C(1) << index->hash_bits) - 1)};
    return (struct prefix_hash){digest[0], digest[1]};
}

static uint32_t *bucket_of(const struct prefix_index *index, struct prefix_hash hash)
{
    return &index->buckets[hash.low & (index->bucket_count - 1)];
}

uint32_t prefix_index_find(const struct prefix_index *index, const struct prefix_link *parent, const uint32_t *tokens,
                           struct prefix_link *self)
{
    struct prefix_hash hash = child_hash(index, parent, tokens);

    for (uint32_t block = *bucket_of(index, hash); block != STEP_NO_BLOCK; block = index->entries[block].next) {
        const struct prefix_entry *entry = &index->entries[block];

        if (hash_equal(entry->self.hash, hash) && entry->parent.serial == parent->serial &&
            hash_equal(entry->parent.hash, parent->hash) && memcmp(entry->tokens, tokens, sizeof entry->tokens) == 0) {
            *self = entry->self;
            return block;
        }
    }
    return STEP_NO_BLOCK;
}

struct prefix_link prefix_index_add(struct prefix_index *index, const struct prefix_link *parent,
                                    const uint32_t *tokens, uint32_t block)
{
    struct prefix_entry *entry = &index->entries[block];
    uint32_t *bucket;

    assert(entry->self.serial == 0);
    entry->parent = *parent;
    entry->self = (struct prefix_link){.hash = child_hash(index, parent, tokens), .serial = ++index->last_serial};
    memcpy(entry->tokens, tokens, sizeof entry->tokens);
    bucket = bucket_of(index, entry->self.hash);
    entry->next = *bucket;
    *bucket = block;
    return entry->self;
}

bool prefix_index_has(const struct prefix_index *index, uint32_t block)
{
    return index->entries[block].self.serial != 0;
}

void prefix_index_remove(struct prefix_index *index, uint32_t block)
{
    struct prefix_entry *entry = &index->entries[block];
    uint32_t *link = bucket_of(index, entry->self.hash);

    assert(entry->self.serial != 0);
    while (*link != block)
        link = &index->entries[*link].next;
    *link = entry->next;
    entry->self.serial = 0;
}
