/* Which tensor goes where. The same walk over the model measures, checks and places, so that these cannot disagree.
 * Private to weights_plan.c and weights_load.c. */
#ifndef QUIRE_WEIGHTS_PLAN_H
#define QUIRE_WEIGHTS_PLAN_H

#include "model_file.h"
#include "weight_names.h"
#include "weights.h"

/* One tensor of the file and its place in memory: rows of a matrix, or a vector of f32. */
struct weight_part {
    const struct model_tensor *tensor;
    const struct matrix *matrix; /* NULL: a vector */
    float *vector;               /* [rows][columns], decoded to f32 */
    uint32_t first;              /* first output of the matrix */
    uint32_t rows, columns;      /* outputs and inputs */
    bool transposed;             /* stored [columns][rows] */
    /* Not 0: within every head of head_rows rows (of values, in a vector) the first rope_rows come interleaved (pairs
     * 2i, 2i + 1) and go to halves (i, i + rope_rows / 2). */
    uint32_t head_rows, rope_rows;
};

struct weight_parts {
    struct weight_part *items;
    size_t count, count_max;
};

/* Bytes that the mapping takes. With `base` NULL nothing is placed; else `out` is filled with places from `base` on,
 * and `parts` (released with free(parts->items)) lists every tensor once and points into `out`. Missing, surplus,
 * misshapen and mistyped tensors are QUIRE_BAD_FILE or QUIRE_UNSUPPORTED. */
QUIRE_NODISCARD enum quire_status weights_plan(const struct model_file *file, const struct arch *arch, char *base,
                                               size_t *bytes, struct weights *out, struct weight_parts *parts,
                                               struct quire_error *error);

#endif
