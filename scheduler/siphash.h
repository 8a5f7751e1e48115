/* SipHash-2-4 with 128 bits of output. */
#ifndef QUIRE_SIPHASH_H
#define QUIRE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit variant of the authors' reference.
 * out[0] is the first eight bytes, read as little-endian. */
void siphash128(const unsigned char key[16], const void *data, size_t bytes, uint64_t out[2]);

#endif
