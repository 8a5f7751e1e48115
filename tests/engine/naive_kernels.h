/* The few kernels that sampling needs, in their plainest form. */
#ifndef NAIVE_KERNELS_H
#define NAIVE_KERNELS_H

#include "kernels/kernels.h"

#include <math.h>

static float naive_maximum(const float *x, uint32_t count)
{
    float maximum = -INFINITY;
    for (uint32_t i = 0; i < count; i++)
        maximum = x[i] > maximum ? x[i] : maximum;
    return maximum;
}

static void naive_exp_rows(const float *x, float subtract, float *out, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = (float)exp((double)x[i] - (double)subtract);
}

static const struct kernels naive_kernels = {.name = "naive", .maximum = naive_maximum, .exp_rows = naive_exp_rows};

#endif
