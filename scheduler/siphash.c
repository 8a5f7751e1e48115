/* SipHash-2-4-128 (siphash.h). Pure; any thread. */
#include "siphash.h"

#include <string.h>

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void rounds(uint64_t v[4], int count)
{
    while (count-- > 0) {
        v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
        v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
    }
}

static uint64_t word(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static void absorb(uint64_t v[4], uint64_t value)
{
    v[3] ^= value;
    rounds(v, 2);
    v[0] ^= value;
}

void siphash128(const unsigned char key[16], const void *data, size_t bytes, uint64_t out[2])
{
    const unsigned char *at = data;
    unsigned char last[8] = {0};
    uint64_t k0 = word(key), k1 = word(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xeeu, k0 ^ 0x6c7967656e657261u,
                     k1 ^ 0x7465646279746573u};
    size_t left = bytes;

    for (; left >= 8; left -= 8, at += 8)
        absorb(v, word(at));
    if (left > 0)
        memcpy(last, at, left);
    last[7] = (unsigned char)bytes;
    absorb(v, word(last));

    v[2] ^= 0xee;
    rounds(v, 4);
    out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    rounds(v, 4);
    out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}
