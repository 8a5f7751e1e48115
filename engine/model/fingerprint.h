/* A fast hash of much data, as a sum over pieces so that they may come in any order. Tells files apart; no defence
 * against someone who wants two files to collide. */
#ifndef QUIRE_FINGERPRINT_H
#define QUIRE_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct fingerprint {
    uint64_t lane[2];
};

/* Adds a piece; `place` says where it belongs (pieces with different places do not commute). */
void fingerprint_add(struct fingerprint *sum, uint64_t place, const void *data, size_t bytes);

#endif
