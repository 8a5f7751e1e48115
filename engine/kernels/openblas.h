/* The one door to OpenBLAS, for ceilings.c. */
#ifndef QUIRE_OPENBLAS_H
#define QUIRE_OPENBLAS_H

#include <stddef.h>
#include <stdint.h>

/* y[rows][outputs] = x[rows][inputs] * w[inputs][outputs] + beta * y; the strides are in floats. Call
 * openblas_prepare first: one thread per call. */
void openblas_sgemm(uint32_t rows, uint32_t outputs, uint32_t inputs, const float *x, const float *w, size_t w_stride,
                    float beta, float *y, size_t y_stride);

#endif
