/* Norms, activations, exponentials and reductions: every row of the table against scalar bit by bit, scalar against
 * float64. */
#include "support.h"

#include <float.h>
#include <math.h>

static const uint32_t counts[] = {1, 2, 15, 16, 17, 31, 32, 33, 100, 257, 1000};
#define COUNTS (sizeof counts / sizeof counts[0])
#define COUNT_MAX 1000u
#define GUARD 16u

/* Inputs with the numbers that are easy to get wrong among them. */
static void fill_hard(float *x, uint32_t count, uint64_t seed)
{
    static const float hard[] = {0.0f,     -0.0f,   INFINITY,  -INFINITY, FLT_MIN,   -FLT_MIN, 1e-45f, -1e-45f, 1e-40f,
                                 FLT_MAX,  -FLT_MAX, 87.0f,    -87.0f,    88.72283f, 88.7229f, -87.3365f, -87.337f,
                                 89.0f,    -104.0f, 0.625f,    -0.625f,   0.6249f,   1.0f,     -1.0f,  13.0f,   -13.0f};

    random_fill(seed, x, count, 12.0f);
    for (uint32_t i = 0; i < count && i < sizeof hard / sizeof hard[0]; i++)
        x[(i * 7 + 3) % count] = hard[i];
}

struct rows_case {
    const char *name;
    void (*run)(const struct kernels *k, const float *a, const float *b, const float *c, uint32_t n, float *out);
    bool hard; /* also on infinities and subnormals */
};

#define CASE(name, expression)                                                                                  \
    static void run_##name(const struct kernels *k, const float *a, const float *b, const float *c, uint32_t n, \
                           float *out)                                                                          \
    {                                                                                                           \
        (void)a, (void)b, (void)c;                                                                              \
        expression;                                                                                             \
    }
CASE(rms_norm, k->rms_norm(a, b, 1e-5f, out, n))
CASE(rms_norm_plain, k->rms_norm(a, NULL, 1e-5f, out, n))
CASE(layer_norm, k->layer_norm(a, b, c, 1e-5f, out, n))
CASE(layer_norm_plain, k->layer_norm(a, NULL, NULL, 1e-5f, out, n))
CASE(rms_norm_in_place, memcpy(out, a, n * sizeof *a); k->rms_norm(out, b, 1e-5f, out, n))
CASE(rope, memcpy(out, a, n * sizeof *a); k->rope(out, b, c, n / 2))
CASE(add, memcpy(out, a, n * sizeof *a); k->add(out, b, n))
CASE(silu, k->silu_gate(a, b, out, n))
CASE(silu_plain, k->silu_gate(a, NULL, out, n))
CASE(gelu_tanh, k->gelu_tanh_gate(a, NULL, out, n))
CASE(gelu_tanh_gated, k->gelu_tanh_gate(a, b, out, n))
CASE(gelu_erf, k->gelu_erf_gate(a, NULL, out, n))
CASE(relu, k->relu_gate(a, NULL, out, n))
CASE(maximum, out[0] = k->maximum(a, n))
CASE(exp_sum, out[0] = k->exp_sum(a, 3.0f, n))
CASE(exp_rows, k->exp_rows(a, 0.0f, out, n))

#define ROW(name, hard) {#name, run_##name, hard}
static const struct rows_case cases[] = {
    ROW(rms_norm, false),          ROW(rms_norm_plain, false), ROW(layer_norm, false), ROW(layer_norm_plain, false),
    ROW(rms_norm_in_place, false), ROW(rope, false),           ROW(add, true),         ROW(silu, true),
    ROW(silu_plain, true),         ROW(gelu_tanh, true),       ROW(gelu_tanh_gated, true), ROW(gelu_erf, true),
    ROW(relu, true),               ROW(maximum, true),         ROW(exp_sum, true),     ROW(exp_rows, true),
};

Test(rows, every_row_gives_the_bits_of_scalar)
{
    const struct kernels *rows[3];
    uint32_t row_count = kernel_rows(rows);
    float a[COUNT_MAX], b[COUNT_MAX], c[COUNT_MAX], expected[COUNT_MAX + GUARD], actual[COUNT_MAX + GUARD];

    random_fill(2, b, COUNT_MAX, 2.0f);
    random_fill(3, c, COUNT_MAX, 2.0f);
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint32_t n = 0; n < COUNTS; n++)
            for (uint32_t row = 1; row < row_count; row++) {
                if (cases[i].hard)
                    fill_hard(a, counts[n], 1);
                else
                    random_fill(1, a, counts[n], 3.0f);
                memset(expected, 0x5a, sizeof expected);
                memset(actual, 0x5a, sizeof actual);
                cases[i].run(rows[0], a, b, c, counts[n], expected);
                cases[i].run(rows[row], a, b, c, counts[n], actual);
                cr_assert_arr_eq(expected, actual, sizeof expected, "%s of %u values differs in %s", cases[i].name,
                                 counts[n], rows[row]->name);
                for (uint32_t g = counts[n]; g < counts[n] + GUARD; g++)
                    cr_assert_eq(((unsigned char *)&actual[g])[3], 0x5a, "%s wrote behind %u values", cases[i].name,
                                 counts[n]);
            }
}

/* Units in the last place of f32 between `actual` and the exact value. */
static double ulps(float actual, double exact)
{
    int exponent;
    frexp(exact, &exponent);
    return fabs((double)actual - exact) / ldexp(1.0, exponent - 24 < -149 ? -149 : exponent - 24);
}

Test(rows, exp_is_within_two_ulps)
{
    const struct kernels *rows[3];
    double worst = 0.0;

    kernel_rows(rows);
    for (float x = -87.33f; x < 88.7228f; x += 0.000733f) {
        float y;
        double error;
        rows[0]->exp_rows(&x, 0.0f, &y, 1);
        error = ulps(y, exp((double)x));
        if (error > worst)
            worst = error;
        cr_assert_leq(error, 2.0, "exp(%.9g) = %.9g is %.2f ulp off", (double)x, (double)y, error);
    }
    cr_log_info("worst error of exp: %.3f ulp", worst);
}

Test(rows, exp_keeps_its_ends)
{
    static const float in[] = {0.0f, -0.0f, -INFINITY, INFINITY, -1000.0f, 1000.0f, 88.722839f,
                               FLT_MAX, -FLT_MAX, -87.3366f, NAN};
    static const float out[] = {1.0f, 1.0f, 0.0f, INFINITY, 0.0f, INFINITY, INFINITY, INFINITY, 0.0f, 0.0f};
    const struct kernels *rows[3];
    uint32_t row_count = kernel_rows(rows);
    float y[11];

    for (uint32_t row = 0; row < row_count; row++) {
        rows[row]->exp_rows(in, 0.0f, y, 11);
        for (uint32_t i = 0; i < 10; i++)
            cr_assert_eq(y[i], out[i], "%s: exp(%g) = %g", rows[row]->name, (double)in[i], (double)y[i]);
        cr_assert(isnan(y[10]));
    }
}

typedef double exact_function(double x);

static double exact_silu(double x)
{
    return x / (1.0 + exp(-x));
}

static double exact_gelu_tanh(double x)
{
    return 0.5 * x * (1.0 + tanh(sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double exact_gelu_erf(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

static void check_activation(void (*gate)(const float *, const float *, float *, uint32_t), exact_function *exact,
                             const char *name)
{
    /* 2^-20 of the larger of value and 2^-10 of the argument: the tails are below what a sum of such values can
     * show. */
    for (float x = -30.0f; x < 30.0f; x += 0.00117f) {
        float y;
        double expected = exact((double)x), bound;
        gate(&x, NULL, &y, 1);
        bound = 0x1p-20 * fmax(fabs(expected), 0x1p-10 * fabs((double)x));
        cr_assert_leq(fabs((double)y - expected), bound, "%s(%.9g) = %.9g, should be %.9g", name, (double)x, (double)y,
                      expected);
    }
}

Test(rows, activations_agree_with_float64)
{
    const struct kernels *rows[3];

    kernel_rows(rows);
    check_activation(rows[0]->silu_gate, exact_silu, "silu");
    check_activation(rows[0]->gelu_tanh_gate, exact_gelu_tanh, "gelu_tanh");
    check_activation(rows[0]->gelu_erf_gate, exact_gelu_erf, "gelu_erf");
}

Test(rows, norms_agree_with_float64)
{
    const struct kernels *rows[3];
    float x[COUNT_MAX], weight[COUNT_MAX], bias[COUNT_MAX], rms[COUNT_MAX], layer[COUNT_MAX];

    kernel_rows(rows);
    random_fill(4, weight, COUNT_MAX, 1.0f);
    random_fill(5, bias, COUNT_MAX, 1.0f);
    for (uint32_t n = 0; n < COUNTS; n++) {
        uint32_t count = counts[n];
        double sum = 0.0, squares = 0.0, variance = 0.0;
        random_fill(6, x, count, 5.0f);
        for (uint32_t i = 0; i < count; i++)
            sum += (double)(x[i] += 1.0f), squares += (double)x[i] * (double)x[i];
        for (uint32_t i = 0; i < count; i++)
            variance += ((double)x[i] - sum / count) * ((double)x[i] - sum / count);
        rows[0]->rms_norm(x, weight, 1e-5f, rms, count);
        rows[0]->layer_norm(x, weight, bias, 1e-5f, layer, count);
        for (uint32_t i = 0; i < count; i++) {
            double a = (double)x[i] / sqrt(squares / count + 1e-5) * (double)weight[i];
            double b = ((double)x[i] - sum / count) / sqrt(variance / count + 1e-5);
            b = b * (double)weight[i] + (double)bias[i];
            cr_assert_float_eq((double)rms[i], a, 2e-6, "rms_norm of %u", count);
            cr_assert_float_eq((double)layer[i], b, 5e-6, "layer_norm of %u", count);
        }
    }
}

Test(rows, rope_turns_pairs)
{
    const struct kernels *rows[3];
    float x[20], cosine[10], sine[10], y[20];

    kernel_rows(rows);
    random_fill(7, x, 20, 2.0f);
    for (uint32_t i = 0; i < 10; i++) {
        cosine[i] = (float)cos(0.3 * i);
        sine[i] = (float)sin(0.3 * i);
    }
    memcpy(y, x, sizeof x);
    rows[0]->rope(y, cosine, sine, 10);
    for (uint32_t i = 0; i < 10; i++) {
        double a = (double)x[i], b = (double)x[i + 10], c = cos(0.3 * i), s = sin(0.3 * i);
        cr_assert_float_eq((double)y[i], a * c - b * s, 1e-6);
        cr_assert_float_eq((double)y[i + 10], b * c + a * s, 1e-6);
    }
}

Test(rows, reductions_agree_with_float64)
{
    const struct kernels *rows[3];
    float x[COUNT_MAX];

    kernel_rows(rows);
    for (uint32_t n = 0; n < COUNTS; n++) {
        double sum = 0.0, best = -INFINITY;
        random_fill(8 + n, x, counts[n], 4.0f);
        for (uint32_t i = 0; i < counts[n]; i++)
            sum += exp((double)x[i] - 1.5), best = fmax(best, (double)x[i]);
        cr_assert_eq((double)rows[0]->maximum(x, counts[n]), best);
        cr_assert_float_eq((double)rows[0]->exp_sum(x, 1.5f, counts[n]) / sum, 1.0, 1e-6);
    }
}
