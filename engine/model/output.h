/* From hidden states to outputs: final norm, output head and what each sample asks for. */
#ifndef QUIRE_OUTPUT_H
#define QUIRE_OUTPUT_H

#include "forward.h"
#include "sample.h"

#define OUTPUT_TILE_ROWS 32u /* the head is read once per tile; that many rows already make it arithmetic-bound */

/* The softmax of one row of logits, as far as log-probabilities need it. */
struct logit_stats {
    float maximum;  /* -INFINITY where every token is impossible */
    double log_sum; /* log of the sum of exp(logit - maximum) */
};

/* The samples from the first to the last one that names a row of a tile. Where samples come in the order of their rows,
 * as the scheduler plans them, those are all of the tile, and no others. */
struct output_tile {
    uint32_t sample_first, sample_end;
};

struct output {
    struct forward *forward;
    uint32_t *wanted_rows;    /* [rows_max] rows that any sample names, ascending */
    uint32_t *wanted_index;   /* [rows_max] of a row: its place in wanted_rows */
    struct output_tile *tiles; /* [rows_max / OUTPUT_TILE_ROWS, rounded up] */
    float *logits;            /* [OUTPUT_TILE_ROWS][logit_stride] */
    size_t logit_stride;
    struct logit_stats *stats;      /* [OUTPUT_TILE_ROWS] */
    struct sample_scratch *scratch; /* [worker_count] */

    /* of the current step */
    const struct step_plan *plan;
    struct step_result *result;
    uint32_t tile_first, tile_rows; /* wanted rows [tile_first, tile_first + tile_rows) are in `logits` */
    uint32_t sample_first;          /* of the tile */
};

void output_layout(struct output *output, struct arena *arena, const struct arch *arch, uint32_t rows_max,
                   uint32_t worker_count);

/* Fills `result` for a step that forward_run has just computed. Only wanted rows see norm and head, a tile at a
 * time, and a tile is reduced to its outputs at once, so that rows x vocabulary never exist. NaN logits count as
 * -INFINITY. Cannot fail; allocates nothing. */
void output_run(struct output *output, const struct step_plan *plan, struct step_result *result);

#endif
