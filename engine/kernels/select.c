/* Chooses the kernel row at start: overlays the rows that the processor supports, from the slowest up to the one
 * asked for. Called by the main thread (and tests) before any worker exists; the overlaid tables live as long as the
 * process. */
#include "kernels.h"
#include "tables.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <string.h>

struct kernel_row {
    const struct kernels *table;
    bool (*supported)(void);
};

static bool supported_always(void)
{
    return true;
}

#ifdef __x86_64__
/* The builtins look at CPUID and at what the operating system saves on a switch (XGETBV). */
static bool supported_avx2(void)
{
    unsigned a, b, c = 0, d; /* clang's builtin does not know "f16c" */

    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid(1, &a, &b, &c, &d) &&
           (c & bit_F16C) != 0;
}

static bool supported_avx512(void)
{
    return supported_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/* From the slowest to the fastest; one numeric class. */
static const struct kernel_row rows[] = {
    {&kernels_scalar, supported_always},
#ifdef __x86_64__
    {&kernels_avx2, supported_avx2},
    {&kernels_avx512, supported_avx512},
#endif
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static struct kernels overlaid[ROW_COUNT + 1]; /* the last: OpenBLAS over the best row */

#define INHERIT(slot)                 \
    do {                              \
        if (upper->slot != NULL)      \
            table->slot = upper->slot; \
    } while (0)

static void overlay(struct kernels *table, const struct kernels *upper)
{
    for (uint32_t format = 0; format < MATRIX_FORMAT_COUNT; format++)
        INHERIT(gemm[format]);
    INHERIT(name);
    INHERIT(attention_piece);
    INHERIT(rms_norm);
    INHERIT(layer_norm);
    INHERIT(rope);
    INHERIT(add);
    INHERIT(silu_gate);
    INHERIT(gelu_tanh_gate);
    INHERIT(gelu_erf_gate);
    INHERIT(relu_gate);
    INHERIT(maximum);
    INHERIT(exp_sum);
    INHERIT(exp_rows);
    INHERIT(attention_merge);
    INHERIT(burn);
}

enum quire_status kernels_select(const char *name, const struct kernels **out, struct quire_error *error)
{
    struct kernels table = {0};
    uint32_t best = 0;

    for (uint32_t row = 0; row < ROW_COUNT; row++) {
        bool asked = name != NULL && strcmp(name, rows[row].table->name) == 0;
        if (!rows[row].supported()) {
            if (asked)
                return quire_fail(error, QUIRE_UNSUPPORTED, "this processor does not support the kernels \"%s\"", name);
            continue;
        }
        overlay(&table, rows[row].table);
        overlaid[row] = table;
        best = row;
        if (asked) {
            *out = &overlaid[row];
            return QUIRE_OK;
        }
    }
    if (name != NULL && strcmp(name, kernels_openblas.name) != 0)
        return quire_fail(error, QUIRE_NOT_FOUND, "no kernels named \"%s\"; known: scalar, avx2, avx512, openblas",
                          name);
    if (name == NULL && best != 0) {
        *out = &overlaid[best];
        return QUIRE_OK;
    }
    openblas_prepare();
    overlay(&table, &kernels_openblas);
    overlaid[ROW_COUNT] = table;
    *out = &overlaid[ROW_COUNT];
    return QUIRE_OK;
}
