/* Prints what bench.c measured, for people and as JSON. */
#include "bench.h"

#include <jansson.h>

static const char *const phase_names[] = {[BENCH_PREFILL] = "prefill", [BENCH_DECODE] = "decode"};

static double gibibytes(size_t bytes)
{
    return (double)bytes / (double)(1u << 30);
}

static enum quire_status finish(FILE *out, struct quire_error *error)
{
    if (fflush(out) != 0 || ferror(out))
        return quire_fail(error, QUIRE_IO, "the benchmark's report could not be written");
    return QUIRE_OK;
}

static void print_row(const struct bench_report *report, const struct bench_row *row, FILE *out)
{
    double rate = row->tokens_per_s.median;
    double bytes_per_s = rate * row->bytes_per_token, operations_per_s = rate * row->operations_per_token;
    char range[48];

    snprintf(range, sizeof range, "(%.1f .. %.1f)", row->tokens_per_s.min, row->tokens_per_s.max);
    fprintf(out, "%-7s  %5u  %7u  %9.1f  %-20s  %6.1f  %6.0f%%  %8.1f  %5.0f%%  %7.0f%%\n", phase_names[row->phase],
            row->batch, row->context_tokens, rate, range, bytes_per_s * 1e-9,
            100 * bytes_per_s / report->read_bytes_per_s, operations_per_s * 1e-9,
            100 * operations_per_s / report->multiply_add_per_s, 100 * operations_per_s / report->sgemm_per_s);
}

enum quire_status bench_report_text(const struct bench_report *report, FILE *out, struct quire_error *error)
{
    const struct engine_limits *limits = report->limits;

    fprintf(out, "model      %s, %s weights\n", limits->architecture, limits->weight_type);
    fprintf(out, "machine    %s kernels, %u threads; ", limits->kernels, report->thread_count);
    fprintf(out, "reads %.1f GB/s, f32 multiply-add %.1f GFLOP/s, OpenBLAS sgemm %.1f GFLOP/s\n",
            report->read_bytes_per_s * 1e-9, report->multiply_add_per_s * 1e-9, report->sgemm_per_s * 1e-9);
    fprintf(out, "start-up   %.2f s to the first token\n", report->startup_s);
    fprintf(out, "memory     weights %.2f GiB, activations %.2f GiB, KV cache %.2f GiB; resident at most %.2f GiB",
            gibibytes(limits->weight_bytes), gibibytes(limits->activation_bytes), gibibytes(limits->kv_bytes),
            gibibytes(report->peak_bytes));
    if (report->budget_bytes != 0)
        fprintf(out, " of a budget of %.2f GiB", gibibytes(report->budget_bytes));
    fputs("\n\nphase    batch  context   tokens/s  (min .. max)            GB/s  of read   GFLOP/s  of f32  of sgemm\n",
          out);
    for (uint32_t i = 0; i < report->row_count; i++)
        print_row(report, &report->rows[i], out);
    return finish(out, error);
}

static json_t *row_json(const struct bench_report *report, const struct bench_row *row)
{
    double rate = row->tokens_per_s.median;

    return json_pack("{s:s, s:i, s:i, s:{s:f, s:f, s:f}, s:f, s:f, s:f}", "phase", phase_names[row->phase], "batch",
                     (int)row->batch, "context_tokens", (int)row->context_tokens, "tokens_per_s", "median", rate, "min",
                     row->tokens_per_s.min, "max", row->tokens_per_s.max, "bandwidth_fraction",
                     rate * row->bytes_per_token / report->read_bytes_per_s, "arithmetic_fraction",
                     rate * row->operations_per_token / report->multiply_add_per_s, "sgemm_fraction",
                     rate * row->operations_per_token / report->sgemm_per_s);
}

enum quire_status bench_report_json(const struct bench_report *report, FILE *out, struct quire_error *error)
{
    const struct engine_limits *limits = report->limits;
    json_t *rows = json_array();
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:i, s:{s:f, s:f, s:f}, s:f, s:{s:I, s:I, s:I, s:I, s:I}, s:O?}", "architecture",
        limits->architecture, "weight_type", limits->weight_type, "kernels", limits->kernels, "threads",
        (int)report->thread_count, "ceilings", "read_bytes_per_s", report->read_bytes_per_s, "multiply_add_per_s",
        report->multiply_add_per_s, "sgemm_per_s", report->sgemm_per_s, "startup_s", report->startup_s, "memory",
        "weight_bytes", (json_int_t)limits->weight_bytes, "activation_bytes", (json_int_t)limits->activation_bytes,
        "kv_bytes", (json_int_t)limits->kv_bytes, "budget_bytes", (json_int_t)report->budget_bytes, "peak_bytes",
        (json_int_t)report->peak_bytes, "rows", rows);
    bool complete = root != NULL && rows != NULL;

    for (uint32_t i = 0; i < report->row_count && complete; i++)
        complete = json_array_append_new(rows, row_json(report, &report->rows[i])) == 0;
    if (complete) {
        complete = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0;
        fputc('\n', out);
    }
    json_decref(rows);
    json_decref(root);
    if (!complete)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the benchmark's report");
    return finish(out, error);
}
