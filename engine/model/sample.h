/* Draws one token from a row of logits, exactly as step.h orders it: penalties, bias, temperature, min_p, top_k,
 * top_p. */
#ifndef QUIRE_SAMPLE_H
#define QUIRE_SAMPLE_H

#include "../arena.h"
#include "../kernels/kernels.h"
#include "step.h"

/* One worker's memory for drawing; nothing in it outlives a call. */
struct sample_scratch {
    float *logits;    /* [vocab] a copy that penalties, biases and temperature change */
    float *weights;   /* [vocab] */
    uint32_t *ids;    /* [vocab] candidates that are left, ascending */
    uint32_t *seen;   /* [vocab] all zero between calls */
    double *histogram; /* [SAMPLE_BUCKETS] */
};

#define SAMPLE_BUCKETS 2048u

void sample_scratch_layout(struct sample_scratch *scratch, struct arena *arena, uint32_t vocab_size);

/* `logits` [vocab_size] holds no NaN and no +INFINITY; it stays as it is. The result depends on nothing but the
 * sample, its history and biases, and the logits. Where everything is forbidden it is token 0. Cannot fail. */
uint32_t sample_draw(const struct kernels *kernels, const struct step_plan *plan, const struct step_sample *sample,
                     const float *logits, uint32_t vocab_size, struct sample_scratch *scratch);

/* The lowest id among those with the highest logit. */
uint32_t sample_argmax(const struct kernels *kernels, const float *logits, uint32_t vocab_size);

#endif
