/* Matrix products: every row of the table against scalar bit by bit, scalar against float64, one row against many,
 * and the pool's split against none. */
#include "support.h"

#include "gemm.h"

#include <math.h>

struct shape {
    uint32_t inputs, outputs;
};
static const struct shape shapes[] = {{1, 1}, {2, 31}, {15, 32}, {16, 33}, {17, 64}, {100, 65}, {257, 100}, {600, 257}};
#define SHAPES (sizeof shapes / sizeof shapes[0])
static const struct shape group_shapes[] = {{32, 33}, {64, 1}, {256, 100}, {608, 65}};
#define GROUP_SHAPES (sizeof group_shapes / sizeof group_shapes[0])

/* A packed matrix of random weights, with bias where outputs are odd; values are what the format holds. */
static struct matrix matrix_random(enum matrix_format format, uint32_t group, struct shape shape, uint64_t seed)
{
    struct matrix matrix = {format, shape.outputs, shape.inputs, group, NULL, NULL};
    uint32_t width = matrix_panel_count(&matrix) * PANEL_OUTPUTS;
    size_t panel_bytes = matrix_panel_bytes(format, shape.inputs, group);

    matrix.panels = must_allocate(panel_bytes * matrix_panel_count(&matrix));
    memset(matrix.panels, 0xff, panel_bytes * matrix_panel_count(&matrix));
    if (format == MATRIX_I8) {
        for (uint32_t panel = 0; panel < matrix_panel_count(&matrix); panel++) {
            char *at = (char *)matrix.panels + panel * panel_bytes;
            for (uint32_t g = 0; g < shape.inputs / group; g++, at += 128 + 32 * group) {
                random_fill(seed++, (float *)(void *)at, 32, 0.01f);
                for (uint32_t i = 0; i < 32 * group; i++)
                    at[128 + i] = (char)random_u64(&seed);
            }
        }
    } else {
        float *weights = must_allocate((size_t)shape.inputs * shape.outputs * sizeof(float));
        random_fill(seed, weights, (size_t)shape.inputs * shape.outputs, 1.0f);
        matrix_pack(&matrix, 0, shape.outputs, weights, shape.inputs * sizeof(float), ROW_F32);
        free(weights);
    }
    if (shape.outputs % 2 == 1) {
        float *bias = must_allocate(width * sizeof(float));
        memset(bias, 0, width * sizeof(float));
        random_fill(seed + 1, bias, shape.outputs, 1.0f);
        matrix.bias = bias;
    }
    return matrix;
}

static void matrix_free(struct matrix *matrix)
{
    free(matrix->panels);
    free((void *)(uintptr_t)matrix->bias);
}

static void call_gemm(const struct kernels *kernels, const struct matrix *matrix, const float *x, size_t x_stride,
                      float *y, size_t y_stride, uint32_t rows)
{
    struct gemm_call call = {matrix, x, x_stride, y, y_stride, rows, 0, matrix_panel_count(matrix)};
    kernels->gemm[matrix->format](&call);
}

/* Runs `check` for every format and shape. */
static void each_matrix(void (*check)(const struct matrix *matrix))
{
    for (int format = 0; format < MATRIX_FORMAT_COUNT; format++)
        for (uint32_t s = 0; s < (format == MATRIX_I8 ? 2 * GROUP_SHAPES : SHAPES); s++) {
            struct matrix matrix =
                format == MATRIX_I8
                    ? matrix_random(MATRIX_I8, s % 2 == 0 ? 32 : 16, group_shapes[s / 2], 100 + s)
                    : matrix_random((enum matrix_format)format, 0, shapes[s], 200 + s);
            check(&matrix);
            matrix_free(&matrix);
        }
}

#define ROWS 40u
static const uint32_t row_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 25, 40};

static void check_against_scalar(const struct matrix *matrix)
{
    const struct kernels *table[3];
    uint32_t table_rows = kernel_rows(table);
    size_t x_stride = matrix->inputs + 3, y_stride = matrix->outputs + 5;
    float *x = must_allocate(ROWS * x_stride * sizeof(float));
    float *expected = must_allocate(ROWS * y_stride * sizeof(float));
    float *actual = must_allocate(ROWS * y_stride * sizeof(float));

    random_fill(1, x, ROWS * x_stride, 1.0f);
    for (uint32_t t = 1; t < table_rows; t++)
        for (uint32_t i = 0; i < sizeof row_counts / sizeof row_counts[0]; i++) {
            memset(expected, 0x5a, ROWS * y_stride * sizeof(float));
            memset(actual, 0x5a, ROWS * y_stride * sizeof(float));
            call_gemm(table[0], matrix, x, x_stride, expected, y_stride, row_counts[i]);
            call_gemm(table[t], matrix, x, x_stride, actual, y_stride, row_counts[i]);
            cr_assert_arr_eq(expected, actual, ROWS * y_stride * sizeof(float),
                             "%s: format %d, %u x %u, %u rows: not the bits of scalar, or written beyond y",
                             table[t]->name, (int)matrix->format, matrix->outputs, matrix->inputs, row_counts[i]);
        }
    free(x);
    free(expected);
    free(actual);
}

Test(gemm, every_row_gives_the_bits_of_scalar)
{
    each_matrix(check_against_scalar);
}

static void check_alone(const struct kernels *kernels, const struct matrix *matrix)
{
    size_t x_stride = matrix->inputs, y_stride = matrix->outputs;
    float *x = must_allocate(ROWS * x_stride * sizeof(float));
    float *alone = must_allocate(ROWS * y_stride * sizeof(float));
    float *together = must_allocate(ROWS * y_stride * sizeof(float));

    random_fill(2, x, ROWS * x_stride, 1.0f);
    for (uint32_t r = 0; r < ROWS; r++)
        call_gemm(kernels, matrix, x + r * x_stride, x_stride, alone + r * y_stride, y_stride, 1);
    for (uint32_t rows = 1; rows <= ROWS; rows++) {
        memset(together, 0, ROWS * y_stride * sizeof(float));
        call_gemm(kernels, matrix, x, x_stride, together, y_stride, rows);
        cr_assert_arr_eq(alone, together, rows * y_stride * sizeof(float),
                         "%s: format %d, %u x %u: a row among %u has not the bits that it has alone", kernels->name,
                         (int)matrix->format, matrix->outputs, matrix->inputs, rows);
    }
    free(x);
    free(alone);
    free(together);
}

static void check_rows_alone(const struct matrix *matrix)
{
    const struct kernels *table[3];
    uint32_t table_rows = kernel_rows(table);

    for (uint32_t t = table_rows > 1 ? 1 : 0; t < table_rows; t++)
        check_alone(table[t], matrix);
}

Test(gemm, each_row_has_the_bits_that_it_has_alone)
{
    each_matrix(check_rows_alone);
}

static void check_openblas_alone(const struct matrix *matrix)
{
    const struct kernels *kernels;
    struct quire_error error;

    cr_assert_eq(kernels_select("openblas", &kernels, &error), QUIRE_OK, "%s", error.message);
    check_alone(kernels, matrix);
}

/* Also run with OPENBLAS_CORETYPE set, for the kernels of other processors. */
Test(gemm, openblas_gives_each_row_the_bits_that_it_has_alone)
{
    const char *type = getenv("OPENBLAS_CORETYPE");

    if (type != NULL && strcmp(type, "Haswell") == 0 && !__builtin_cpu_supports("avx2"))
        cr_skip_test("this processor cannot run OpenBLAS's Haswell kernels");
    each_matrix(check_openblas_alone);
}

static void check_against_double(const struct matrix *matrix)
{
    const struct kernels *table[4];
    struct quire_error error;
    float *weights = must_allocate(matrix->inputs * sizeof(float));
    float *x = must_allocate(7 * matrix->inputs * sizeof(float));
    float *y = must_allocate(2 * 7 * matrix->outputs * sizeof(float));

    kernel_rows(table);
    cr_assert_eq(kernels_select("openblas", &table[1], &error), QUIRE_OK);
    random_fill(3, x, 7 * matrix->inputs, 1.0f);
    for (uint32_t t = 0; t < 2; t++)
        call_gemm(table[t], matrix, x, matrix->inputs, y + t * 7 * matrix->outputs, matrix->outputs, 7);
    for (uint32_t o = 0; o < matrix->outputs; o++) {
        matrix_row(matrix, o, weights);
        for (uint32_t r = 0; r < 7; r++) {
            double sum = 0.0, magnitude = 0.0;
            for (uint32_t i = 0; i < matrix->inputs; i++) {
                sum += (double)x[r * matrix->inputs + i] * (double)weights[i];
                magnitude += fabs((double)x[r * matrix->inputs + i] * (double)weights[i]);
            }
            if (matrix->bias != NULL)
                sum += (double)matrix->bias[o], magnitude += fabs((double)matrix->bias[o]);
            /* a chain of n roundings is off by at most n 2^-24 of the sum of magnitudes (Higham, section 3.1) */
            for (uint32_t t = 0; t < 2; t++)
                cr_assert_leq(fabs((double)y[(t * 7 + r) * matrix->outputs + o] - sum),
                              (matrix->inputs + 2) * 0x1p-24 * magnitude, "%s: format %d, %u x %u, row %u, output %u",
                              table[t]->name, (int)matrix->format, matrix->outputs, matrix->inputs, r, o);
        }
    }
    free(weights);
    free(x);
    free(y);
}

Test(gemm, scalar_and_openblas_agree_with_float64)
{
    each_matrix(check_against_double);
}

Test(gemm, keeps_subnormals_and_infinities)
{
    const struct kernels *table[3];
    uint32_t table_rows = kernel_rows(table);
    struct matrix matrix = matrix_random(MATRIX_F32, 0, (struct shape){2, 32}, 9);
    float *panel = matrix.panels, x[2] = {1.0f, 1.0f}, y[32];

    memset(panel, 0, 64 * sizeof(float));
    panel[0] = 1e-45f;
    panel[32] = 1e-45f;
    panel[1] = INFINITY;
    panel[2] = 3e38f;
    panel[34] = 3e38f;
    panel[3] = INFINITY;
    panel[35] = -INFINITY;
    for (uint32_t t = 0; t < table_rows; t++) {
        call_gemm(table[t], &matrix, x, 2, y, 32, 1);
        cr_assert_eq(y[0], 2 * 1e-45f, "%s flushed a subnormal", table[t]->name);
        cr_assert_eq(y[1], INFINITY);
        cr_assert_eq(y[2], INFINITY);
        cr_assert(isnan(y[3]));
    }
    matrix_free(&matrix);
}

Test(gemm, split_over_workers_changes_no_bit)
{
    static const uint32_t workers[] = {1, 2, 4}, rows[] = {1, 3, 16, 97, 200};
    const struct kernels *kernels;
    struct quire_error error;
    struct matrix matrix = matrix_random(MATRIX_BF16, 0, (struct shape){300, 613}, 11);
    float *x = must_allocate(200 * 300 * sizeof(float)), *y = must_allocate(200 * 613 * sizeof(float));
    float *expected = must_allocate(200 * 613 * sizeof(float));

    cr_assert_eq(kernels_select(NULL, &kernels, &error), QUIRE_OK);
    random_fill(12, x, 200 * 300, 1.0f);
    call_gemm(kernels, &matrix, x, 300, expected, 613, 200);
    for (uint32_t w = 0; w < 3; w++) {
        struct worker_pool *pool;
        cr_assert_eq(worker_pool_create(workers[w], &pool, &error), QUIRE_OK);
        for (uint32_t i = 0; i < 5; i++) {
            memset(y, 0, 200 * 613 * sizeof(float));
            gemm(pool, kernels, &matrix, x, 300, y, 613, rows[i]);
            cr_assert_arr_eq(expected, y, rows[i] * 613 * sizeof(float), "%u workers, %u rows", workers[w], rows[i]);
        }
        gemm(pool, kernels, &matrix, x, 300, y, 613, 0);
        worker_pool_destroy(pool);
    }
    matrix_free(&matrix);
    free(x);
    free(y);
    free(expected);
}

Test(select, names_are_known_or_refused)
{
    const struct kernels *kernels = NULL;
    struct quire_error error;

    cr_assert_eq(kernels_select("sse9", &kernels, &error), QUIRE_NOT_FOUND);
    cr_assert_null(kernels, "output touched on failure");
    cr_assert_not_null(strstr(error.message, "scalar, avx2, avx512, openblas"));
    cr_assert_eq(kernels_select("scalar", &kernels, &error), QUIRE_OK);
    cr_assert_str_eq(kernels->name, "scalar");
    cr_assert_eq(kernels_select("openblas", &kernels, &error), QUIRE_OK);
    cr_assert_str_eq(kernels->name, "openblas");
    cr_assert_not_null(kernels->attention_piece);
    cr_assert_eq(kernels_select(NULL, &kernels, &error), QUIRE_OK);
    for (int format = 0; format < MATRIX_FORMAT_COUNT; format++)
        cr_assert_not_null(kernels->gemm[format]);
}
