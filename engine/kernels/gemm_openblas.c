/* Matrix products by OpenBLAS: a numeric class of its own. Panels are unpacked to f32 a block at a time and
 * multiplied in row tiles of one fixed height, filled up with zeros, with one thread per call, so that a row's bits
 * do not depend on how many rows there are. The portable float path where no kernel of ours fits the processor, and
 * the yardstick of `quire bench`. The only file that includes cblas.h. Any thread. */
#include "number.h"
#include "openblas.h"
#include "tables.h"

#include <cblas.h>

#include <string.h>

/* OpenBLAS cuts a tile of rows for its inner kernels, which may order a row's sums differently by its place: its
 * Haswell kernels do so in tiles of 6, 12, 16 and more rows, 0.3.21. In tiles of 8 a row had the same bits at every
 * place with the kernels of every processor type that was tried; tests/kernels/meson.build runs some of them. */
#define ROW_TILE 8u
#define BLOCK_INPUTS 128u /* a multiple of every group */

void openblas_prepare(void)
{
    openblas_set_num_threads(1);
}

void openblas_sgemm(uint32_t rows, uint32_t outputs, uint32_t inputs, const float *x, const float *w, size_t w_stride,
                    float beta, float *y, size_t y_stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)outputs, (blasint)inputs, 1.0f, x,
                (blasint)inputs, w, (blasint)w_stride, beta, y, (blasint)y_stride);
}

/* One panel's inputs [input, input + inputs) as [inputs][32] f32. */
static void panel_unpack(const struct matrix *matrix, uint32_t panel, uint32_t input, uint32_t inputs, float *out)
{
    const char *at = (const char *)matrix->panels +
                     panel * matrix_panel_bytes(matrix->format, matrix->inputs, matrix->group_inputs) +
                     matrix_panel_bytes(matrix->format, input, matrix->group_inputs);

    switch (matrix->format) {
    case MATRIX_F32:
        memcpy(out, at, inputs * PANEL_OUTPUTS * sizeof(float));
        break;
    case MATRIX_F16:
        row_decode(ROW_F16, at, inputs * PANEL_OUTPUTS, out);
        break;
    case MATRIX_BF16: {
        const uint16_t *pairs = (const uint16_t *)(const void *)at;
        for (uint32_t i = 0; i < inputs; i++, pairs += PANEL_OUTPUTS, out += PANEL_OUTPUTS)
            for (uint32_t o = 0; o < PANEL_OUTPUTS; o++)
                out[o] = bf16_to_f32(pairs[o % 16 * 2 + o / 16]);
        break;
    }
    default:
        for (uint32_t group = 0; group < inputs / matrix->group_inputs; group++) {
            const float *scale = (const float *)(const void *)at;
            const int8_t *quant = (const int8_t *)(scale + PANEL_OUTPUTS);
            for (uint32_t i = 0; i < matrix->group_inputs * PANEL_OUTPUTS; i++)
                *out++ = scale[i % PANEL_OUTPUTS] * (float)quant[i];
            at = (const char *)quant + matrix->group_inputs * PANEL_OUTPUTS;
        }
    }
}

static void panel_multiply(const struct gemm_call *call, uint32_t panel)
{
    const struct matrix *matrix = call->matrix;
    uint32_t output = panel * PANEL_OUTPUTS;
    uint32_t width = matrix->outputs - output < PANEL_OUTPUTS ? matrix->outputs - output : PANEL_OUTPUTS;
    float weights[BLOCK_INPUTS * PANEL_OUTPUTS], x[ROW_TILE * BLOCK_INPUTS], y[ROW_TILE * PANEL_OUTPUTS];

    for (uint32_t input = 0; input < matrix->inputs; input += BLOCK_INPUTS) {
        uint32_t inputs = matrix->inputs - input < BLOCK_INPUTS ? matrix->inputs - input : BLOCK_INPUTS;
        bool last = input + inputs == matrix->inputs;
        panel_unpack(matrix, panel, input, inputs, weights);
        for (uint32_t row = 0; row < call->row_count; row += ROW_TILE) {
            uint32_t rows = call->row_count - row < ROW_TILE ? call->row_count - row : ROW_TILE;
            memset(x, 0, sizeof x);
            memset(y, 0, sizeof y);
            for (uint32_t r = 0; r < rows; r++) {
                memcpy(x + r * inputs, call->x + (row + r) * call->x_stride + input, inputs * sizeof(float));
                if (input != 0)
                    memcpy(y + r * PANEL_OUTPUTS, call->y + (row + r) * call->y_stride + output, width * sizeof(float));
            }
            openblas_sgemm(ROW_TILE, PANEL_OUTPUTS, inputs, x, weights, PANEL_OUTPUTS, 1.0f, y, PANEL_OUTPUTS);
            for (uint32_t r = 0; r < rows; r++)
                for (uint32_t o = 0; o < width; o++)
                    call->y[(row + r) * call->y_stride + output + o] =
                        y[r * PANEL_OUTPUTS + o] + (last && matrix->bias != NULL ? matrix->bias[output + o] : 0.0f);
        }
    }
}

static void gemm_openblas(const struct gemm_call *call)
{
    for (uint32_t panel = call->panel_first; panel < call->panel_end; panel++)
        panel_multiply(call, panel);
}

const struct kernels kernels_openblas = {
    .name = "openblas",
    .gemm = {gemm_openblas, gemm_openblas, gemm_openblas, gemm_openblas},
};
