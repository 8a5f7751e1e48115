/* Counters and histograms. One table names them; values are atomics, so any thread may count and any thread may print.
 * A histogram's sum is a double kept as its bits and advanced by compare-and-swap. */
#include "metrics.h"

#include <stdatomic.h>
#include <string.h>

#define BUCKETS_MAX 24u

/* Bounds as vLLM has them (vllm/v1/metrics/loggers.py), for dashboards that name them. All are above zero. */
#define FIRST_TOKEN_BUCKETS                                                                                          \
    {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
#define INTER_TOKEN_BUCKETS {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
#define REQUEST_BUCKETS                                                                                              \
    {0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}
#define TOKEN_BUCKETS                                                                                                \
    {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000}

struct metric_row {
    const char *name, *help;
    const char *label;          /* besides the caller's; NULL: none */
    double bounds[BUCKETS_MAX]; /* ends with 0; none: a counter */
};

static const struct metric_row rows[METRIC_COUNT] = {
    [METRIC_REQUESTS_STOP] = {"vllm:request_success_total", "Count of successfully processed requests.",
                              "finished_reason=\"stop\"", {0}},
    [METRIC_REQUESTS_LENGTH] = {"vllm:request_success_total", NULL, "finished_reason=\"length\"", {0}},
    [METRIC_REQUESTS_ABORT] = {"vllm:request_success_total", NULL, "finished_reason=\"abort\"", {0}},
    [METRIC_TIME_TO_FIRST_TOKEN] = {"vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.",
                                    NULL, FIRST_TOKEN_BUCKETS},
    [METRIC_INTER_TOKEN_LATENCY] = {"vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.",
                                    NULL, INTER_TOKEN_BUCKETS},
    [METRIC_E2E_LATENCY] = {"vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", NULL,
                            REQUEST_BUCKETS},
    [METRIC_PROMPT_TOKENS_SEEN] = {"vllm:request_prompt_tokens", "Number of prefill tokens processed.", NULL,
                                   TOKEN_BUCKETS},
    [METRIC_OUTPUT_TOKENS_SEEN] = {"vllm:request_generation_tokens", "Number of generation tokens processed.", NULL,
                                   TOKEN_BUCKETS},
};

static struct {
    _Atomic uint64_t count;                /* a counter's value, or a histogram's observations beyond its last bound */
    _Atomic uint64_t buckets[BUCKETS_MAX]; /* observations in each bucket alone */
    _Atomic uint64_t sum_bits;             /* of a double */
} values[METRIC_COUNT];

static double bits_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void metrics_add(enum metric metric, uint64_t amount)
{
    atomic_fetch_add_explicit(&values[metric].count, amount, memory_order_relaxed);
}

void metrics_observe(enum metric metric, double value)
{
    const struct metric_row *row = &rows[metric];
    uint64_t bits = atomic_load_explicit(&values[metric].sum_bits, memory_order_relaxed);
    size_t i = 0;

    while (row->bounds[i] > 0 && !(value <= row->bounds[i]))
        i++;
    atomic_fetch_add_explicit(row->bounds[i] > 0 ? &values[metric].buckets[i] : &values[metric].count, 1,
                              memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&values[metric].sum_bits, &bits, double_bits(bits_double(bits) + value))) {
    }
}

static void head_write(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void histogram_write(FILE *out, enum metric metric, const char *labels)
{
    const struct metric_row *row = &rows[metric];
    uint64_t total = 0;

    head_write(out, row->name, "histogram", row->help);
    for (size_t i = 0; row->bounds[i] > 0; i++) {
        total += atomic_load_explicit(&values[metric].buckets[i], memory_order_relaxed);
        fprintf(out, "%s_bucket{%s,le=\"%.15g%s\"} %llu\n", row->name, labels, row->bounds[i],
                row->bounds[i] == (double)(int64_t)row->bounds[i] ? ".0" : "", (unsigned long long)total);
    }
    total += atomic_load_explicit(&values[metric].count, memory_order_relaxed);
    fprintf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n", row->name, labels, (unsigned long long)total);
    fprintf(out, "%s_sum{%s} %.17g\n", row->name, labels, bits_double(atomic_load(&values[metric].sum_bits)));
    fprintf(out, "%s_count{%s} %llu\n", row->name, labels, (unsigned long long)total);
}

void metrics_write(FILE *out, const char *labels)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &rows[i];

        if (row->bounds[0] > 0) {
            histogram_write(out, (enum metric)i, labels);
            continue;
        }
        if (row->help != NULL) /* the rows after it are the same metric under other labels */
            head_write(out, row->name, "counter", row->help);
        fprintf(out, "%s{%s,%s} %llu\n", row->name, labels, row->label, (unsigned long long)atomic_load(&values[i].count));
    }
}

void metrics_write_value(FILE *out, const char *name, const char *type, const char *help, const char *labels, double value)
{
    head_write(out, name, type, help);
    fprintf(out, "%s{%s} %.17g\n", name, labels, value);
}
