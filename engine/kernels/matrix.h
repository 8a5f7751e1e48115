/* A weight matrix, packed for the kernels. One layout serves one row and many rows, so that their sums agree.
 *
 * Outputs are grouped in panels of 32. A panel is one contiguous run, inputs in order:
 *   MATRIX_F32   [inputs][32] f32
 *   MATRIX_F16   [inputs][32] f16
 *   MATRIX_BF16  [inputs][16] pairs: output j in the low half of dword j, output j + 16 in the high half (widening is
 *                one shift or one mask)
 *   MATRIX_I8    for each group of `group_inputs` inputs: 32 f32 scales, then [group_inputs][32] int8;
 *                weight = scale * quant, exact in f32 for Q8_0 and Q4_0
 * The last panel is padded with zero outputs. Panels start at multiples of 64 bytes. */
#ifndef QUIRE_MATRIX_H
#define QUIRE_MATRIX_H

#include <stddef.h>
#include <stdint.h>

#define PANEL_OUTPUTS 32u

enum matrix_format { MATRIX_F32, MATRIX_F16, MATRIX_BF16, MATRIX_I8, MATRIX_FORMAT_COUNT };

struct matrix {
    enum matrix_format format;
    uint32_t outputs, inputs;
    uint32_t group_inputs; /* MATRIX_I8: 16 or 32 (divides inputs), else 0 */
    void *panels;
    const float *bias;     /* [panel count * 32], zero padded, or NULL */
};

static inline uint32_t matrix_panel_count(const struct matrix *matrix)
{
    return (matrix->outputs + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS;
}

/* Bytes of one panel, a multiple of 64. */
size_t matrix_panel_bytes(enum matrix_format format, uint32_t inputs, uint32_t group_inputs);

/* Types of the rows that a file holds. Block types are those of the GGUF specification. */
enum row_type { ROW_F32, ROW_F16, ROW_BF16, ROW_Q8_0, ROW_Q4_0, ROW_Q6_K, ROW_TYPE_COUNT };

/* Bytes of a row of `inputs` values; 0 where `inputs` is not a multiple of the type's block. */
size_t row_bytes(enum row_type type, uint32_t inputs);
/* The format that keeps a row type's values: F32, F16, BF16 as they are; Q8_0 and Q4_0 as MATRIX_I8 in groups of 32,
 * Q6_K in groups of 16. */
enum matrix_format row_matrix_format(enum row_type type, uint32_t *group_inputs);

/* Packs `count` rows, each one output, as outputs [first, first + count). Any thread; two threads must not pack into
 * one panel at once unless `first` and `count` are multiples of PANEL_OUTPUTS. Float types convert to any float
 * format (round to nearest even); block types need MATRIX_I8 with their own group, or MATRIX_F32 or MATRIX_BF16 or
 * MATRIX_F16. */
void matrix_pack(const struct matrix *matrix, uint32_t first, uint32_t count, const void *rows, size_t row_stride_bytes,
                 enum row_type type);
/* The same from a matrix stored [inputs][outputs] (GPT-2's Conv1D), float types only; `rows` leads to the first
 * input's row of `count` values. */
void matrix_pack_transposed(const struct matrix *matrix, uint32_t first, uint32_t count, const void *rows,
                            size_t row_stride_bytes, enum row_type type);

/* Unpacks one output's weights to out[inputs]: the embedding look-up of tied weights. Exact. */
void matrix_row(const struct matrix *matrix, uint32_t output, float *out);
/* Decodes `count` values of a file's row to f32. */
void row_decode(enum row_type type, const void *row, uint32_t count, float *out);

#endif
