/* Packs weight rows into panels, and reads packed rows back. Runs while a model loads, on any thread; only the
 * look-up of embedding rows (matrix_row) is on the step's path. Block types follow the GGUF specification
 * (ggml-org/ggml, docs/gguf.md; the blocks of Q8_0, Q4_0 and Q6_K). Portable C: no -m flags here. */
#include "matrix.h"

#include "number.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define TILE_INPUTS 256u /* inputs that are packed at once: a multiple of every block */
#define TILE_STRIDE (TILE_INPUTS + 32u) /* rows of a tile a power of two apart would evict one another */

struct row_type_info {
    uint32_t block_inputs, block_bytes, group_inputs;
    enum matrix_format format;
};

static const struct row_type_info types[ROW_TYPE_COUNT] = {
    [ROW_F32] = {1, 4, 0, MATRIX_F32},
    [ROW_F16] = {1, 2, 0, MATRIX_F16},
    [ROW_BF16] = {1, 2, 0, MATRIX_BF16},
    [ROW_Q8_0] = {32, 2 + 32, 32, MATRIX_I8},
    [ROW_Q4_0] = {32, 2 + 16, 32, MATRIX_I8},
    [ROW_Q6_K] = {256, 128 + 64 + 16 + 2, 16, MATRIX_I8},
};

size_t matrix_panel_bytes(enum matrix_format format, uint32_t inputs, uint32_t group_inputs)
{
    size_t weights = (size_t)inputs * PANEL_OUTPUTS;

    switch (format) {
    case MATRIX_F32:
        return weights * 4;
    case MATRIX_I8:
        return weights + inputs / group_inputs * (PANEL_OUTPUTS * sizeof(float));
    default:
        return weights * 2;
    }
}

size_t row_bytes(enum row_type type, uint32_t inputs)
{
    return inputs % types[type].block_inputs != 0
               ? 0
               : (size_t)(inputs / types[type].block_inputs) * types[type].block_bytes;
}

enum matrix_format row_matrix_format(enum row_type type, uint32_t *group_inputs)
{
    *group_inputs = types[type].group_inputs;
    return types[type].format;
}

/* ---- block types: scales and quants ------------------------------------------------------------------------------ */

/* Decodes the block at `block` to `quant` [block_inputs] and `scale` [block_inputs / group_inputs]. */
static void block_decode(enum row_type type, const unsigned char *block, int8_t *quant, float *scale)
{
    switch (type) {
    case ROW_Q8_0: /* f16 d; int8 q[32]: d q */
        scale[0] = f16_to_f32(load_u16(block));
        memcpy(quant, block + 2, 32);
        break;
    case ROW_Q4_0: /* f16 d; 16 bytes: low nibbles are values 0 to 15, high nibbles 16 to 31: d (q - 8) */
        scale[0] = f16_to_f32(load_u16(block));
        for (uint32_t i = 0; i < 16; i++) {
            quant[i] = (int8_t)((block[2 + i] & 15) - 8);
            quant[16 + i] = (int8_t)((block[2 + i] >> 4) - 8);
        }
        break;
    default: { /* ROW_Q6_K: low 4 bits [128], high 2 bits [64], int8 scales [16], f16 d: d scale (q - 32) */
        const unsigned char *low = block, *high = block + 128;
        const int8_t *scales = (const int8_t *)(block + 192);
        float d = f16_to_f32(load_u16(block + 208));
        for (uint32_t i = 0; i < 16; i++)
            scale[i] = d * (float)scales[i];
        for (uint32_t half = 0; half < 2; half++, low += 64, high += 32, quant += 128)
            for (uint32_t i = 0; i < 32; i++) {
                quant[i] = (int8_t)(((low[i] & 15) | (high[i] & 3) << 4) - 32);
                quant[i + 32] = (int8_t)(((low[i + 32] & 15) | (high[i] >> 2 & 3) << 4) - 32);
                quant[i + 64] = (int8_t)((low[i] >> 4 | (high[i] >> 4 & 3) << 4) - 32);
                quant[i + 96] = (int8_t)((low[i + 32] >> 4 | (high[i] >> 6) << 4) - 32);
            }
    }
    }
}

/* ---- rows to f32 ------------------------------------------------------------------------------------------------- */

static void block_row_decode(enum row_type type, const unsigned char *row, uint32_t count, float *out)
{
    uint32_t block_inputs = types[type].block_inputs, group = types[type].group_inputs;
    int8_t quant[256];
    float scale[16];

    for (uint32_t done = 0; done < count; done += block_inputs, row += types[type].block_bytes) {
        block_decode(type, row, quant, scale);
        for (uint32_t i = 0; i < block_inputs && done + i < count; i++)
            out[done + i] = scale[i / group] * (float)quant[i];
    }
}

void row_decode(enum row_type type, const void *row, uint32_t count, float *out)
{
    const unsigned char *bytes = row;

    switch (type) {
    case ROW_F32:
        memcpy(out, row, count * sizeof(float));
        break;
    case ROW_F16:
        for (uint32_t i = 0; i < count; i++)
            out[i] = f16_to_f32(load_u16(bytes + 2 * i));
        break;
    case ROW_BF16:
        for (uint32_t i = 0; i < count; i++)
            out[i] = bf16_to_f32(load_u16(bytes + 2 * i));
        break;
    default:
        block_row_decode(type, bytes, count, out);
    }
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

/* One panel's next inputs, one row per lane of the panel, before they are transposed into it. */
struct tile {
    uint32_t lanes; /* bit l: lane l is packed by this call (the others hold another call's outputs) */
    union {
        uint32_t word[PANEL_OUTPUTS][TILE_STRIDE];
        uint16_t half[PANEL_OUTPUTS][TILE_STRIDE];
        int8_t quant[PANEL_OUTPUTS][TILE_STRIDE];
    };
    float scale[PANEL_OUTPUTS][TILE_INPUTS / 16];
};

static char *panel_at(const struct matrix *matrix, uint32_t panel)
{
    return (char *)matrix->panels + panel * matrix_panel_bytes(matrix->format, matrix->inputs, matrix->group_inputs);
}

/* Where an output's weight stands among the 32 of an input. */
static uint32_t lane_of(enum matrix_format format, uint32_t output)
{
    uint32_t lane = output % PANEL_OUTPUTS;
    return format == MATRIX_BF16 ? lane % 16 * 2 + lane / 16 : lane;
}

/* Transposes the packed lanes into to[inputs][32]; whole panels in the order of their memory. */
#define TRANSPOSE(type, to, from, lanes, inputs)                              \
    do {                                                                      \
        type *restrict target = (type *)(void *)(to);                         \
        if ((lanes) == UINT32_MAX) {                                          \
            for (uint32_t i = 0; i < (inputs); i++)                           \
                for (uint32_t lane = 0; lane < PANEL_OUTPUTS; lane++)         \
                    target[i * PANEL_OUTPUTS + lane] = (from)[lane][i];       \
        } else {                                                              \
            for (uint32_t lane = 0; lane < PANEL_OUTPUTS; lane++)             \
                for (uint32_t i = 0; (lanes) >> lane & 1 && i < (inputs); i++) \
                    target[i * PANEL_OUTPUTS + lane] = (from)[lane][i];       \
        }                                                                     \
    } while (0)

static void tile_pack(const struct matrix *matrix, const struct tile *tile, char *panel, uint32_t input,
                      uint32_t inputs)
{
    char *to = panel + matrix_panel_bytes(matrix->format, input, matrix->group_inputs);
    uint32_t group = matrix->group_inputs;

    switch (matrix->format) {
    case MATRIX_F32:
        TRANSPOSE(uint32_t, to, tile->word, tile->lanes, inputs);
        break;
    case MATRIX_I8:
        for (uint32_t g = 0; g < inputs / group; g++) {
            for (uint32_t lane = 0; lane < PANEL_OUTPUTS; lane++)
                if (tile->lanes >> lane & 1)
                    ((float *)(void *)to)[lane] = tile->scale[lane][g];
            to += PANEL_OUTPUTS * sizeof(float);
            const int8_t(*quant)[TILE_STRIDE] = (const int8_t(*)[TILE_STRIDE])(tile->quant[0] + g * group);
            TRANSPOSE(int8_t, to, quant, tile->lanes, group);
            to += group * PANEL_OUTPUTS;
        }
        break;
    default:
        TRANSPOSE(uint16_t, to, tile->half, tile->lanes, inputs);
    }
}

/* Stores `count` values of a row as the matrix's float format. */
static void tile_fill(struct tile *tile, enum matrix_format format, uint32_t lane, enum row_type type, const void *from,
                      uint32_t count)
{
    float values[TILE_INPUTS];

    if (format == MATRIX_F32) {
        row_decode(type, from, count, (float *)(void *)tile->word[lane]);
        return;
    }
    if (format == types[type].format) {
        memcpy(tile->half[lane], from, count * sizeof(uint16_t));
        return;
    }
    row_decode(type, from, count, values);
    for (uint32_t i = 0; i < count; i++)
        tile->half[lane][i] = format == MATRIX_F16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
}

static void tile_fill_quants(struct tile *tile, uint32_t lane, enum row_type type, const unsigned char *from,
                             uint32_t count)
{
    const struct row_type_info *info = &types[type];

    for (uint32_t i = 0; i < count; i += info->block_inputs, from += info->block_bytes)
        block_decode(type, from, tile->quant[lane] + i, tile->scale[lane] + i / info->group_inputs);
}

/* The lanes of one panel that outputs [first, end) fill. Whoever packs the last output also packs the padding, as
 * zeros. */
static uint32_t panel_lanes(const struct matrix *matrix, uint32_t panel, uint32_t first, uint32_t end)
{
    uint32_t start = panel * PANEL_OUTPUTS, lanes = 0;

    if (end == matrix->outputs)
        end = matrix_panel_count(matrix) * PANEL_OUTPUTS;
    for (uint32_t output = start; output < start + PANEL_OUTPUTS; output++)
        if (first <= output && output < end)
            lanes |= 1u << lane_of(matrix->format, output);
    return lanes;
}

void matrix_pack(const struct matrix *matrix, uint32_t first, uint32_t count, const void *rows, size_t row_stride_bytes,
                 enum row_type type)
{
    uint32_t end = first + count;
    struct tile tile;

    assert(end <= matrix->outputs && (matrix->inputs == 0 || row_bytes(type, matrix->inputs) != 0));
    assert(matrix->format != MATRIX_I8 || types[type].group_inputs == matrix->group_inputs);
    if (count == 0)
        return;
    memset(&tile, 0, sizeof tile);
    for (uint32_t panel = first / PANEL_OUTPUTS; panel * PANEL_OUTPUTS < end; panel++) {
        uint32_t from = panel * PANEL_OUTPUTS > first ? panel * PANEL_OUTPUTS : first;
        uint32_t to = (panel + 1) * PANEL_OUTPUTS < end ? (panel + 1) * PANEL_OUTPUTS : end;
        tile.lanes = panel_lanes(matrix, panel, first, end);
        if (to == matrix->outputs) /* lanes of the padding hold an earlier panel's rows */
            memset(&tile.word, 0, sizeof tile.word), memset(tile.scale, 0, sizeof tile.scale);
        for (uint32_t input = 0; input < matrix->inputs; input += TILE_INPUTS) {
            uint32_t inputs = matrix->inputs - input < TILE_INPUTS ? matrix->inputs - input : TILE_INPUTS;
            for (uint32_t output = from; output < to; output++) {
                const unsigned char *row = (const unsigned char *)rows + (output - first) * row_stride_bytes +
                                           row_bytes(type, input);
                uint32_t lane = lane_of(matrix->format, output);
                if (matrix->format == MATRIX_I8)
                    tile_fill_quants(&tile, lane, type, row, inputs);
                else
                    tile_fill(&tile, matrix->format, lane, type, row, inputs);
            }
            tile_pack(matrix, &tile, panel_at(matrix, panel), input, inputs);
        }
    }
}

void matrix_pack_transposed(const struct matrix *matrix, uint32_t first, uint32_t count, const void *rows,
                            size_t row_stride_bytes, enum row_type type)
{
    uint32_t end = first + count, width = matrix->format == MATRIX_F32 ? 4 : 2;
    struct tile row;

    assert(end <= matrix->outputs && types[type].group_inputs == 0 && matrix->format != MATRIX_I8);
    memset(&row, 0, sizeof row);
    for (uint32_t panel = first / PANEL_OUTPUTS; count != 0 && panel * PANEL_OUTPUTS < end; panel++) {
        uint32_t from = panel * PANEL_OUTPUTS > first ? panel * PANEL_OUTPUTS : first;
        uint32_t to = (panel + 1) * PANEL_OUTPUTS < end ? (panel + 1) * PANEL_OUTPUTS : end;
        char *at = panel_at(matrix, panel);
        if (to == matrix->outputs && to % PANEL_OUTPUTS != 0) { /* the padding */
            row.lanes = panel_lanes(matrix, panel, to, to);
            for (uint32_t input = 0; input < matrix->inputs; input += TILE_INPUTS) {
                uint32_t inputs = matrix->inputs - input < TILE_INPUTS ? matrix->inputs - input : TILE_INPUTS;
                memset(&row.word, 0, sizeof row.word);
                tile_pack(matrix, &row, at, input, inputs);
            }
        }
        for (uint32_t input = 0; input < matrix->inputs; input++, at += PANEL_OUTPUTS * width) {
            const char *values = (const char *)rows + input * row_stride_bytes + row_bytes(type, from - first);
            tile_fill(&row, matrix->format, 0, type, values, to - from);
            for (uint32_t output = from; output < to; output++) {
                uint32_t lane = lane_of(matrix->format, output);
                if (width == 4)
                    ((uint32_t *)(void *)at)[lane] = row.word[0][output - from];
                else
                    ((uint16_t *)(void *)at)[lane] = row.half[0][output - from];
            }
        }
    }
}

void matrix_row(const struct matrix *matrix, uint32_t output, float *out)
{
    const char *panel = panel_at(matrix, output / PANEL_OUTPUTS);
    uint32_t lane = lane_of(matrix->format, output), group = matrix->group_inputs;

    assert(output < matrix->outputs);
    switch (matrix->format) {
    case MATRIX_F32:
        for (uint32_t i = 0; i < matrix->inputs; i++)
            out[i] = ((const float *)(const void *)panel)[i * PANEL_OUTPUTS + lane];
        break;
    case MATRIX_F16:
        for (uint32_t i = 0; i < matrix->inputs; i++)
            out[i] = f16_to_f32(((const uint16_t *)(const void *)panel)[i * PANEL_OUTPUTS + lane]);
        break;
    case MATRIX_BF16:
        for (uint32_t i = 0; i < matrix->inputs; i++)
            out[i] = bf16_to_f32(((const uint16_t *)(const void *)panel)[i * PANEL_OUTPUTS + lane]);
        break;
    default:
        for (uint32_t i = 0; i < matrix->inputs; i++) {
            const char *at = panel + matrix_panel_bytes(MATRIX_I8, i / group * group, group);
            float scale = ((const float *)(const void *)at)[lane];
            int8_t quant = ((const int8_t *)at)[PANEL_OUTPUTS * sizeof(float) + i % group * PANEL_OUTPUTS + lane];
            out[i] = scale * (float)quant;
        }
    }
}
