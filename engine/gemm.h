/* Matrix products of a step, shared over the workers. */
#ifndef QUIRE_GEMM_H
#define QUIRE_GEMM_H

#include "kernels/kernels.h"
#include "worker_pool.h"

/* y[r][o] = bias[o] + sum_i x[r][i] * w[o][i] for all rows and all outputs. x rows are x_stride floats apart (>=
 * inputs), y rows y_stride (>= outputs); y must not alias x. Every weight is read once for all rows. The bits of a
 * row depend neither on the other rows nor on the number of workers. rows may be 0. Allocates nothing. */
void gemm(struct worker_pool *pool, const struct kernels *kernels, const struct matrix *matrix, const float *x,
          size_t x_stride, float *y, size_t y_stride, uint32_t rows);

#endif
