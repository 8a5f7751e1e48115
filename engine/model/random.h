/* Counter-based random numbers: a pure function of key and counter, without state (Philox4x32-10 of Salmon, Moraes,
 * Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011). */
#ifndef QUIRE_RANDOM_H
#define QUIRE_RANDOM_H

#include <stdint.h>

struct philox_block {
    uint32_t word[4];
};

struct philox_block philox4x32(struct philox_block counter, uint32_t key0, uint32_t key1);

/* In [0, 1), 53 bits: what decides the token at `position` of choice `choice` of a request with `seed`. */
double random_unit(uint64_t seed, uint32_t choice, uint32_t position);

#endif
