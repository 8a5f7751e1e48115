/* One pass of a step's rows through the model: tokens in, hidden states out. output.h turns those into tokens. */
#ifndef QUIRE_FORWARD_H
#define QUIRE_FORWARD_H

#include "../arena.h"
#include "../attention.h"
#include "../gemm.h"
#include "../worker_pool.h"
#include "program.h"
#include "step.h"

/* What a step's rows pass through. All arrays are cut once, for rows_max rows. */
struct forward {
    const struct program *program;
    struct worker_pool *pool;

    /* of the current step */
    const struct step_plan *plan;
    uint32_t row_count;
    struct attention_segment *segments; /* [sequence_max] */
    uint32_t *row_segment;              /* [rows] index into segments */
    float *cosine, *sine;               /* [rows][rope dims / 2] */

    float *x;                /* [rows][hidden] the residual stream */
    float *normed, *delta;   /* [rows][hidden] a sublayer's input and output */
    float *wide;             /* [rows][wide_stride] queries, keys and values; or the ffn's inner values */
    size_t wide_stride;
    float *attended;         /* [rows][query heads * head_dim] */
    void *attention_scratch;
};

/* Cuts the arrays for steps of at most `rows_max` rows and `sequence_max` segments. */
void forward_layout(struct forward *forward, struct arena *arena, const struct arch *arch, uint32_t rows_max,
                    uint32_t sequence_max, uint32_t worker_count);

/* Copies blocks, then runs all rows; the residual stream is left in forward->x and the keys and values in the pages.
 * The plan was validated (plan_check.h). Cannot fail; allocates nothing. No row's bits depend on the other rows. */
void forward_run(struct forward *forward, const struct step_plan *plan);

/* ---- what sublayers are made of: attention_layer.c, ffn_layer.c -------------------------------------------------- */

void attention_apply(const struct sublayer *sublayer, struct forward *forward, const float *in, float *delta);
void ffn_apply(const struct sublayer *sublayer, struct forward *forward, const float *in, float *delta);

/* Calls `rows_task` with consecutive ranges [first, end) that together are [0, forward->row_count), shared over the
 * workers; a few rows are done by the caller alone, because waking the others would take longer. */
struct rows_call {
    void (*rows_task)(const struct rows_call *call, uint32_t first, uint32_t end);
    struct forward *forward;
    const struct sublayer *sublayer; /* or NULL */
    const struct norm *norm;         /* or NULL */
};
void forward_share_rows(struct rows_call *call);

#endif
