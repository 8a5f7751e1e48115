/* The rows that select.c overlays. One per instruction-set library. */
#ifndef QUIRE_KERNEL_TABLES_H
#define QUIRE_KERNEL_TABLES_H

#include "kernels.h"

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512, kernels_openblas;

/* The open OpenBLAS: one thread per call. Called before the first product. */
void openblas_prepare(void);

#endif
