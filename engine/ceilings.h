/* What this machine can do at most, measured for `quire bench`: the yardsticks that the engine's rates are put against.
 * Each takes about `seconds` (in several readings, of which the best counts) and runs on all workers of the pool. */
#ifndef QUIRE_CEILINGS_H
#define QUIRE_CEILINGS_H

#include "kernels/kernels.h"
#include "worker_pool.h"

/* Bytes per second of reading a buffer of `buffer_bytes` once per pass. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status ceiling_read(struct worker_pool *pool, size_t buffer_bytes, double seconds,
                                               double *bytes_per_second, struct quire_error *error);

/* f32 multiply-adds in registers, in operations per second (a fused multiply-add counts two). */
double ceiling_multiply_add(struct worker_pool *pool, const struct kernels *kernels, double seconds);

/* OpenBLAS sgemm, rows x inputs x outputs, outputs split over the workers, one OpenBLAS thread each.
 * QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status ceiling_sgemm(struct worker_pool *pool, uint32_t rows, uint32_t inputs,
                                                uint32_t outputs, double seconds, double *operations_per_second,
                                                struct quire_error *error);

#endif
