/* The block pool: states, references, and who is evicted first. */
#include "kv_blocks.h"
#include "step.h"

#include <criterion/criterion.h>

static const unsigned char key[PREFIX_KEY_BYTES] = {1, 2, 3};
static struct prefix_index index_of_four;
static struct kv_blocks blocks;
static struct prefix_link root;
static const uint64_t no_salt[2];

static void open_pool(void)
{
    cr_assert_eq(prefix_index_init(&index_of_four, 4, key, 128, NULL), QUIRE_OK);
    cr_assert_eq(kv_blocks_init(&blocks, 4, &index_of_four, NULL), QUIRE_OK);
    root = prefix_index_root(&index_of_four, key, no_salt);
}

static void close_pool(void)
{
    kv_blocks_deinit(&blocks);
    prefix_index_deinit(&index_of_four);
}

TestSuite(kv_blocks, .init = open_pool, .fini = close_pool);

/* Registers `block` as the child of `parent` with 16 times `token`. */
static struct prefix_link registered(uint32_t block, struct prefix_link parent, uint32_t token)
{
    uint32_t tokens[KV_BLOCK_TOKENS];

    for (uint32_t i = 0; i < KV_BLOCK_TOKENS; i++)
        tokens[i] = token;
    return prefix_index_add(&index_of_four, &parent, tokens, block);
}

Test(kv_blocks, takes_each_block_once)
{
    bool seen[4] = {false};

    for (uint32_t i = 0; i < 4; i++) {
        uint32_t block = kv_blocks_take(&blocks);

        cr_assert_lt(block, 4);
        cr_expect_not(seen[block]);
        seen[block] = true;
    }
    cr_expect_eq(kv_blocks_available(&blocks), 0);
}

Test(kv_blocks, block_without_meaning_becomes_free_with_its_last_holder)
{
    uint32_t block = kv_blocks_take(&blocks);

    kv_blocks_ref(&blocks, block);
    kv_blocks_unref(&blocks, block);
    cr_expect_eq(blocks.free_count, 3);
    kv_blocks_unref(&blocks, block);
    cr_expect_eq(blocks.free_count, 4);
    cr_expect_eq(blocks.cached_count, 0);
}

Test(kv_blocks, indexed_block_stays_cached_and_can_be_taken_up_again)
{
    uint32_t block = kv_blocks_take(&blocks);

    registered(block, root, 7);
    kv_blocks_unref(&blocks, block);
    cr_expect_eq(blocks.cached_count, 1);
    cr_expect_eq(kv_blocks_available(&blocks), 4);
    kv_blocks_ref(&blocks, block);
    cr_expect_eq(blocks.cached_count, 0);
    cr_expect_eq(blocks.references[block], 1);
}

Test(kv_blocks, eviction_takes_what_was_let_go_longest_ago_and_the_index_forgets_it)
{
    uint32_t id[4];

    for (uint32_t i = 0; i < 4; i++) {
        id[i] = kv_blocks_take(&blocks);
        registered(id[i], root, i);
    }
    kv_blocks_unref(&blocks, id[2]);
    kv_blocks_unref(&blocks, id[0]);
    kv_blocks_unref(&blocks, id[3]);
    kv_blocks_ref(&blocks, id[2]); /* used again, and let go later than the others */
    kv_blocks_unref(&blocks, id[2]);

    cr_expect_eq(kv_blocks_take(&blocks), id[0]);
    cr_expect_not(prefix_index_has(&index_of_four, id[0]));
    cr_expect_eq(kv_blocks_take(&blocks), id[3]);
    cr_expect_eq(kv_blocks_take(&blocks), id[2]);
    cr_expect(prefix_index_has(&index_of_four, id[1]));
}

Test(kv_blocks, free_block_is_preferred_to_a_cached_one)
{
    uint32_t first = kv_blocks_take(&blocks);

    registered(first, root, 1);
    kv_blocks_unref(&blocks, first);
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_neq(kv_blocks_take(&blocks), first);
    cr_expect_eq(kv_blocks_take(&blocks), first);
}

Test(kv_blocks, first_visible_block_follows_the_window)
{
    struct kv_group whole = {.window_tokens = 0}, window = {.window_tokens = 20};

    cr_expect_eq(kv_group_first_visible(&whole, 1000), 0);
    /* A query at 34 sees 15 .. 34: block 0 still holds 15. At 35 it sees 16 .. 35. */
    cr_expect_eq(kv_group_first_visible(&window, 34), 0);
    cr_expect_eq(kv_group_first_visible(&window, 35), 1);
    cr_expect_eq(kv_blocks_for(0), 0);
    cr_expect_eq(kv_blocks_for(16), 1);
    cr_expect_eq(kv_blocks_for(17), 2);
}
