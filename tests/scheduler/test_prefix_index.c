/* The prefix tree: found by content, never by hash alone. And the hash itself. */
#include "prefix_index.h"
#include "siphash.h"
#include "step.h"

#include <criterion/criterion.h>
#include <string.h>

static const unsigned char key[PREFIX_KEY_BYTES] = {9, 8, 7};
static const unsigned char fingerprint[16] = {4};
static const uint64_t no_salt[2], salts[2][2] = {{1, 0}, {0, 1}};

static const uint32_t *tokens_of(uint32_t number)
{
    static uint32_t tokens[KV_BLOCK_TOKENS];

    for (uint32_t i = 0; i < KV_BLOCK_TOKENS; i++)
        tokens[i] = number * 31 + i;
    return tokens;
}

/* Expected: OpenSSL 3, `openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16 SIPHASH` of the
 * bytes 0, 1, 2, ... */
Test(siphash, agrees_with_openssl)
{
    const struct {
        size_t bytes;
        unsigned char mac[16];
    } rows[] = {
        {0, {0xA3, 0x81, 0x7F, 0x04, 0xBA, 0x25, 0xA8, 0xE6, 0x6D, 0xF6, 0x72, 0x14, 0xC7, 0x55, 0x02, 0x93}},
        {1, {0xDA, 0x87, 0xC1, 0xD8, 0x6B, 0x99, 0xAF, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9B, 0x22, 0xFC, 0x45}},
        {15, {0x54, 0x93, 0xE9, 0x99, 0x33, 0xB0, 0xA8, 0x11, 0x7E, 0x08, 0xEC, 0x0F, 0x97, 0xCF, 0xC3, 0xD9}},
        {16, {0x6E, 0xE2, 0xA4, 0xCA, 0x67, 0xB0, 0x54, 0xBB, 0xFD, 0x33, 0x15, 0xBF, 0x85, 0x23, 0x05, 0x77}},
        {63, {0x51, 0x50, 0xD1, 0x77, 0x2F, 0x50, 0x83, 0x4A, 0x50, 0x3E, 0x06, 0x9A, 0x97, 0x3F, 0xBD, 0x7C}},
        {80, {0xD2, 0xC7, 0x6A, 0xE1, 0x7A, 0x43, 0x70, 0xF8, 0x58, 0xFB, 0xA4, 0x79, 0x5A, 0x0D, 0xF8, 0x22}},
    };
    unsigned char sip_key[16], data[80];

    for (unsigned char i = 0; i < 16; i++)
        sip_key[i] = i;
    for (unsigned char i = 0; i < 80; i++)
        data[i] = i;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        uint64_t out[2];

        siphash128(sip_key, data, rows[r].bytes, out);
        for (size_t i = 0; i < 16; i++)
            cr_expect_eq((unsigned char)(out[i / 8] >> 8 * (i % 8)), rows[r].mac[i],
                         "%zu bytes, byte %zu", rows[r].bytes, i);
    }
}

Test(prefix_index, finds_a_chain_by_content)
{
    struct prefix_index index;
    struct prefix_link root, first, second, self;

    cr_assert_eq(prefix_index_init(&index, 8, key, 128, NULL), QUIRE_OK);
    root = prefix_index_root(&index, fingerprint, no_salt);
    cr_expect_eq(prefix_index_find(&index, &root, tokens_of(1), &self), STEP_NO_BLOCK);
    first = prefix_index_add(&index, &root, tokens_of(1), 5);
    second = prefix_index_add(&index, &first, tokens_of(2), 3);
    cr_expect_eq(prefix_index_find(&index, &root, tokens_of(1), &self), 5);
    cr_expect_eq(self.serial, first.serial);
    cr_expect_eq(prefix_index_find(&index, &first, tokens_of(2), &self), 3);
    cr_expect_eq(self.serial, second.serial);
    cr_expect_eq(prefix_index_find(&index, &root, tokens_of(2), &self), STEP_NO_BLOCK, "the same tokens elsewhere");
    prefix_index_deinit(&index);
}

Test(prefix_index, salt_and_fingerprint_separate)
{
    static const unsigned char other_model[16] = {5};
    struct prefix_index index;
    struct prefix_link self, roots[4];

    cr_assert_eq(prefix_index_init(&index, 8, key, 128, NULL), QUIRE_OK);
    roots[0] = prefix_index_root(&index, fingerprint, no_salt);
    roots[1] = prefix_index_root(&index, fingerprint, salts[0]);
    roots[2] = prefix_index_root(&index, other_model, no_salt);
    roots[3] = prefix_index_root(&index, fingerprint, salts[1]);
    prefix_index_add(&index, &roots[0], tokens_of(1), 0);
    for (size_t i = 1; i < 4; i++)
        cr_expect_eq(prefix_index_find(&index, &roots[i], tokens_of(1), &self), STEP_NO_BLOCK, "root %zu", i);
    cr_expect_eq(prefix_index_find(&index, &roots[0], tokens_of(1), &self), 0);
    prefix_index_deinit(&index);
}

/* With one bit of hash nearly everything collides, roots of several salts included. */
Test(prefix_index, hash_of_one_bit_confuses_nothing)
{
    struct prefix_index index;
    struct prefix_link roots[2], self, child;

    cr_assert_eq(prefix_index_init(&index, 64, key, 1, NULL), QUIRE_OK);
    roots[0] = prefix_index_root(&index, fingerprint, salts[0]);
    roots[1] = prefix_index_root(&index, fingerprint, salts[1]);
    for (uint32_t i = 0; i < 32; i++) {
        child = prefix_index_add(&index, &roots[0], tokens_of(i), i);
        prefix_index_add(&index, &child, tokens_of(100), 32 + i); /* the same tokens under 32 parents */
    }
    for (uint32_t i = 0; i < 32; i++) {
        cr_expect_eq(prefix_index_find(&index, &roots[0], tokens_of(i), &child), i);
        cr_expect_eq(prefix_index_find(&index, &child, tokens_of(100), &self), 32 + i);
        cr_expect_eq(prefix_index_find(&index, &roots[1], tokens_of(i), &self), STEP_NO_BLOCK);
    }
    prefix_index_deinit(&index);
}

Test(prefix_index, child_of_an_evicted_parent_is_not_found_under_its_successor)
{
    struct prefix_index index;
    struct prefix_link root, parent, again, self;

    cr_assert_eq(prefix_index_init(&index, 4, key, 128, NULL), QUIRE_OK);
    root = prefix_index_root(&index, fingerprint, no_salt);
    parent = prefix_index_add(&index, &root, tokens_of(1), 0);
    prefix_index_add(&index, &parent, tokens_of(2), 1);
    prefix_index_remove(&index, 0);
    cr_expect_not(prefix_index_has(&index, 0));
    again = prefix_index_add(&index, &root, tokens_of(1), 0);
    cr_expect_neq(again.serial, parent.serial);
    cr_expect_eq(prefix_index_find(&index, &again, tokens_of(2), &self), STEP_NO_BLOCK);
    prefix_index_remove(&index, 1);
    prefix_index_remove(&index, 0);
    cr_expect_eq(prefix_index_find(&index, &root, tokens_of(1), &self), STEP_NO_BLOCK);
    prefix_index_deinit(&index);
}
