/* Packing: block formats against the reference package's values, conversions against numpy's and torch's rounding,
 * and each layout against its description in matrix.h. */
#include "support.h"

#include <math.h>
#include <stdio.h>

#define FIXTURE_ROWS 2u
#define FIXTURE_INPUTS 512u
#define FIXTURE_FLOATS 2048u

/* quant_fixtures.bin, see make_quant_fixtures.py */
struct fixtures {
    struct {
        unsigned char rows[FIXTURE_ROWS * 544];
        size_t bytes;
        float values[FIXTURE_ROWS][FIXTURE_INPUTS];
    } type[3];
    float floats[FIXTURE_FLOATS];
    uint16_t f16[FIXTURE_FLOATS], bf16[FIXTURE_FLOATS];
};
static const enum row_type block_types[3] = {ROW_Q8_0, ROW_Q4_0, ROW_Q6_K};

static struct fixtures *fixtures_read(void)
{
    static struct fixtures f;
    const char *path = getenv("QUIRE_QUANT_FIXTURES");
    FILE *file = fopen(path == NULL ? "" : path, "rb");
    bool whole = true;

    cr_assert_not_null(file, "QUIRE_QUANT_FIXTURES should lead to quant_fixtures.bin");
    for (uint32_t t = 0; t < 3; t++) {
        f.type[t].bytes = row_bytes(block_types[t], FIXTURE_INPUTS);
        whole = whole && fread(f.type[t].rows, f.type[t].bytes, FIXTURE_ROWS, file) == FIXTURE_ROWS;
        whole = whole && fread(f.type[t].values, sizeof f.type[t].values, 1, file) == 1;
    }
    whole = whole && fread(f.floats, sizeof f.floats, 1, file) == 1 && fread(f.f16, sizeof f.f16, 1, file) == 1 &&
            fread(f.bf16, sizeof f.bf16, 1, file) == 1 && fgetc(file) == EOF;
    fclose(file);
    cr_assert(whole, "quant_fixtures.bin has another size");
    return &f;
}

static struct matrix matrix_new(enum matrix_format format, uint32_t outputs, uint32_t inputs, uint32_t group)
{
    struct matrix matrix = {format, outputs, inputs, group, NULL, NULL};
    size_t bytes = matrix_panel_bytes(format, inputs, group) * matrix_panel_count(&matrix);

    cr_assert_eq(matrix_panel_bytes(format, inputs, group) % 64, 0);
    matrix.panels = must_allocate(bytes);
    memset(matrix.panels, 0xee, bytes);
    return matrix;
}

Test(matrix, row_bytes_are_those_of_the_formats)
{
    cr_assert_eq(row_bytes(ROW_F32, 3), 12);
    cr_assert_eq(row_bytes(ROW_F16, 3), 6);
    cr_assert_eq(row_bytes(ROW_BF16, 3), 6);
    cr_assert_eq(row_bytes(ROW_Q8_0, 64), 68);
    cr_assert_eq(row_bytes(ROW_Q8_0, 33), 0);
    cr_assert_eq(row_bytes(ROW_Q4_0, 64), 36);
    cr_assert_eq(row_bytes(ROW_Q4_0, 16), 0);
    cr_assert_eq(row_bytes(ROW_Q6_K, 512), 420);
    cr_assert_eq(row_bytes(ROW_Q6_K, 128), 0);
    /* a width whose product does not fit 32 bits */
    cr_assert_eq(row_bytes(ROW_F32, 0x80000000u), (size_t)0x200000000);
    cr_assert_eq(matrix_panel_bytes(MATRIX_F32, 0x8000000u, 0), (size_t)0x400000000);
}

Test(matrix, blocks_decode_as_in_the_reference)
{
    struct fixtures *f = fixtures_read();
    float out[FIXTURE_INPUTS];

    for (uint32_t t = 0; t < 3; t++)
        for (uint32_t r = 0; r < FIXTURE_ROWS; r++) {
            row_decode(block_types[t], f->type[t].rows + r * f->type[t].bytes, FIXTURE_INPUTS, out);
            cr_assert_arr_eq(out, f->type[t].values[r], sizeof out, "type %u", t);
            row_decode(block_types[t], f->type[t].rows + r * f->type[t].bytes, 37, out); /* ends within a block */
            cr_assert_arr_eq(out, f->type[t].values[r], 37 * sizeof(float), "type %u", t);
        }
}

Test(matrix, blocks_keep_their_values_when_packed)
{
    struct fixtures *f = fixtures_read();
    float out[FIXTURE_INPUTS];

    for (uint32_t t = 0; t < 3; t++) {
        uint32_t group;
        enum matrix_format format = row_matrix_format(block_types[t], &group);
        struct matrix matrix = matrix_new(format, 40, FIXTURE_INPUTS, group);
        for (uint32_t o = 0; o < 40; o += 2)
            matrix_pack(&matrix, o, 2, f->type[t].rows, f->type[t].bytes, block_types[t]);
        for (uint32_t o = 0; o < 40; o++) {
            matrix_row(&matrix, o, out);
            cr_assert_arr_eq(out, f->type[t].values[o % 2], sizeof out, "type %u, output %u", t, o);
        }
        free(matrix.panels);
        /* the same values as f32 */
        matrix = matrix_new(MATRIX_F32, 2, FIXTURE_INPUTS, 0);
        matrix_pack(&matrix, 0, 2, f->type[t].rows, f->type[t].bytes, block_types[t]);
        matrix_row(&matrix, 1, out);
        cr_assert_arr_eq(out, f->type[t].values[1], sizeof out);
        free(matrix.panels);
    }
}

/* Conversions: packs the fixture's floats as one row and looks at the panel's bits. */
static void check_narrowing(enum matrix_format format, const uint16_t *expected)
{
    struct fixtures *f = fixtures_read();
    struct matrix matrix = matrix_new(format, 1, FIXTURE_FLOATS, 0);
    const uint16_t *panel = matrix.panels;

    matrix_pack(&matrix, 0, 1, f->floats, sizeof f->floats, ROW_F32);
    for (uint32_t i = 0; i < FIXTURE_FLOATS; i++) {
        cr_assert_eq(panel[i * 32], expected[i], "%.9g becomes %04x, should be %04x", (double)f->floats[i],
                     panel[i * 32], expected[i]);
        for (uint32_t lane = 1; lane < 32; lane++)
            cr_assert_eq(panel[i * 32 + lane], 0, "padding is not zero");
    }
    free(matrix.panels);
}

Test(matrix, f32_narrows_to_the_nearest_even)
{
    struct fixtures *f = fixtures_read();

    check_narrowing(MATRIX_F16, f->f16);
    check_narrowing(MATRIX_BF16, f->bf16);
}

Test(matrix, every_f16_widens_by_its_definition)
{
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint16_t half = (uint16_t)bits;
        uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
        double sign = bits & 0x8000 ? -1.0 : 1.0, expected;
        float actual;
        row_decode(ROW_F16, &half, 1, &actual);
        if (exponent == 31 && fraction != 0) {
            cr_assert(isnan(actual));
            continue;
        }
        expected = exponent == 31  ? INFINITY
                   : exponent == 0 ? ldexp(fraction, -24)
                                   : ldexp(1024 + fraction, (int)exponent - 25);
        cr_assert_eq((double)actual, sign * expected, "%04x", bits);
        cr_assert_eq(signbit(actual) != 0, bits >= 0x8000);
    }
}

Test(matrix, not_a_number_stays_so)
{
    float nan = NAN, out[1];

    for (int format = MATRIX_F16; format <= MATRIX_BF16; format++) {
        struct matrix matrix = matrix_new((enum matrix_format)format, 1, 1, 0);
        uint32_t quiet_low = 0x7f800001; /* its payload would vanish in 16 bits */
        matrix_pack(&matrix, 0, 1, &nan, 4, ROW_F32);
        matrix_row(&matrix, 0, out);
        cr_assert(isnan(out[0]));
        matrix_pack(&matrix, 0, 1, &quiet_low, 4, ROW_F32);
        matrix_row(&matrix, 0, out);
        cr_assert(isnan(out[0]));
        free(matrix.panels);
    }
}

/* The value of (output, input) in a panel, read by the words of matrix.h. */
static float described(const struct matrix *matrix, uint32_t output, uint32_t input)
{
    const char *panel = (const char *)matrix->panels +
                        output / 32 * matrix_panel_bytes(matrix->format, matrix->inputs, matrix->group_inputs);
    uint32_t o = output % 32, dword;
    uint16_t half;
    float value;

    switch (matrix->format) {
    case MATRIX_F32:
        return ((const float *)(const void *)panel)[input * 32 + o];
    case MATRIX_F16:
        memcpy(&half, panel + (input * 32 + o) * 2, 2);
        row_decode(ROW_F16, &half, 1, &value);
        return value;
    default: /* BF16: output j in the low half of dword j, output j + 16 in the high half */
        memcpy(&dword, panel + (input * 16 + o % 16) * 4, 4);
        dword = o < 16 ? dword << 16 : dword & 0xffff0000u;
        memcpy(&value, &dword, 4);
        return value;
    }
}

/* Small whole numbers are exact in all types. */
static float number(uint32_t output, uint32_t input)
{
    return (float)((output * 31 + input * 7) % 255) - 127.0f;
}

static void make_row(enum row_type type, uint32_t output, uint32_t inputs, void *row)
{
    for (uint32_t i = 0; i < inputs; i++) {
        float value = number(output, i);
        uint32_t bits;
        _Float16 half = (_Float16)value;
        memcpy(&bits, &value, 4);
        bits >>= 16;
        if (type == ROW_F32)
            memcpy((char *)row + 4 * i, &value, 4);
        else
            memcpy((char *)row + 2 * i, type == ROW_F16 ? (void *)&half : (void *)&bits, 2);
    }
}

Test(matrix, float_types_pack_into_all_float_formats_in_any_cut)
{
    static const uint32_t cuts[][4] = {{77, 0, 0, 0}, {32, 32, 13, 0}, {5, 40, 1, 31}, {64, 13, 0, 0}, {33, 31, 13, 0}};
    enum { OUTPUTS = 77, INPUTS = 301 };
    static unsigned char rows[OUTPUTS][INPUTS * 4 + 8]; /* with a stride wider than the row */

    for (int type = ROW_F32; type <= ROW_BF16; type++)
        for (int format = MATRIX_F32; format <= MATRIX_BF16; format++)
            for (uint32_t cut = 0; cut < 5; cut++) {
                struct matrix matrix = matrix_new((enum matrix_format)format, OUTPUTS, INPUTS, 0);
                float out[INPUTS];
                uint32_t first = 0;
                for (uint32_t o = 0; o < OUTPUTS; o++)
                    make_row((enum row_type)type, o, INPUTS, rows[o]);
                for (uint32_t c = 0; c < 4; first += cuts[cut][c++])
                    if (first < OUTPUTS)
                        matrix_pack(&matrix, first, cuts[cut][c], rows[first], sizeof rows[0], (enum row_type)type);
                cr_assert_eq(first, OUTPUTS);
                for (uint32_t o = 0; o < 96; o++) {
                    if (o < OUTPUTS)
                        matrix_row(&matrix, o, out);
                    for (uint32_t i = 0; i < INPUTS; i++) {
                        float expected = o < OUTPUTS ? number(o, i) : 0.0f;
                        cr_assert_eq(described(&matrix, o, i), expected, "type %d format %d cut %u output %u input %u",
                                     type, format, cut, o, i);
                        cr_assert(o >= OUTPUTS || out[i] == expected);
                    }
                }
                free(matrix.panels);
            }
}

Test(matrix, transposed_rows_pack_the_same)
{
    enum { OUTPUTS = 70, INPUTS = 290 };
    static unsigned char rows[INPUTS][OUTPUTS * 4], part[INPUTS][OUTPUTS * 4];
    static const uint32_t cuts[] = {0, 3, 50, OUTPUTS};

    for (int type = ROW_F32; type <= ROW_BF16; type++)
        for (int format = MATRIX_F32; format <= MATRIX_BF16; format++) {
            struct matrix matrix = matrix_new((enum matrix_format)format, OUTPUTS, INPUTS, 0);
            size_t width = type == ROW_F32 ? 4 : 2;
            for (uint32_t o = 0; o < OUTPUTS; o++) {
                unsigned char row[INPUTS * 4];
                make_row((enum row_type)type, o, INPUTS, row);
                for (uint32_t i = 0; i < INPUTS; i++)
                    memcpy(rows[i] + o * width, row + i * width, width);
            }
            for (uint32_t c = 0; c + 1 < 4; c++) {
                for (uint32_t i = 0; i < INPUTS; i++)
                    memcpy(part[i], rows[i] + cuts[c] * width, (cuts[c + 1] - cuts[c]) * width);
                matrix_pack_transposed(&matrix, cuts[c], cuts[c + 1] - cuts[c], part, sizeof part[0],
                                       (enum row_type)type);
            }
            for (uint32_t o = 0; o < 96; o++)
                for (uint32_t i = 0; i < INPUTS; i++)
                    cr_assert_eq(described(&matrix, o, i), o < OUTPUTS ? number(o, i) : 0.0f,
                                 "type %d format %d output %u input %u", type, format, o, i);
            free(matrix.panels);
        }
}
