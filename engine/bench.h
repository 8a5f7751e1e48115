/* What `quire bench` measures. Private to bench.c, which measures, and bench_report.c, which prints. */
#ifndef QUIRE_BENCH_H
#define QUIRE_BENCH_H

#include "engine.h"

#define BENCH_ROWS_MAX 16u

enum bench_phase { BENCH_PREFILL, BENCH_DECODE };

struct bench_range {
    double median, min, max;
};

struct bench_row {
    enum bench_phase phase;
    uint32_t batch;          /* sequences */
    uint32_t context_tokens; /* prefill: tokens of each sequence; decode: positions before each new token */
    struct bench_range tokens_per_s;
    /* What the model must read and compute at least; a multiply-add counts two. */
    double bytes_per_token, operations_per_token;
};

struct bench_report {
    const struct engine_limits *limits;
    uint32_t thread_count;
    double read_bytes_per_s, multiply_add_per_s, sgemm_per_s; /* ceilings, best of the readings before and after */
    double startup_s;          /* from engine_open to the first token */
    size_t budget_bytes;       /* 0: none */
    size_t peak_bytes;         /* resident, loading included, the ceilings' buffers not */
    uint32_t row_count;
    struct bench_row rows[BENCH_ROWS_MAX];
};

/* Opens the model, measures and writes the report, as text or JSON. Each reading lasts at least `reading_seconds`;
 * engine_bench takes enough for stable medians, tests take few. */
QUIRE_NODISCARD enum quire_status bench_run(const struct engine_options *options, double reading_seconds, bool json,
                                            FILE *out, struct quire_error *error);

QUIRE_NODISCARD enum quire_status bench_report_text(const struct bench_report *report, FILE *out,
                                                    struct quire_error *error);
QUIRE_NODISCARD enum quire_status bench_report_json(const struct bench_report *report, FILE *out,
                                                    struct quire_error *error);

#endif
