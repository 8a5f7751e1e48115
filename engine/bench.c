/* `quire bench`: prefill and decode rates, and beside them what the machine can do at most, measured in the same
 * run, because neighbours on shared hardware change both. Main thread. */
#include "bench.h"

#include "ceilings.h"
#include "engine_private.h"
#include "plan_make.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PREFILL_TOKENS 512u
#define DECODE_CONTEXT 511u
#define TABLE_BLOCKS (DECODE_CONTEXT / KV_BLOCK_TOKENS + 1)
#define BATCH_MAX 32u
#define READINGS 5u
#define READING_SECONDS 0.4
#define PREFILL_READINGS 3u
#define READ_BYTES_LEAST ((size_t)1 << 20)
#define READ_BYTES_MOST ((size_t)1 << 30) /* beyond every cache; more would only take memory */

static const uint32_t prefill_batches[] = {1, 8, 32};
static const uint32_t decode_batches[] = {1, 4, 8, 16, 32};

struct bench {
    struct engine *engine;
    struct plan_maker maker;
    uint32_t ids[PREFILL_TOKENS];
    uint32_t tables[BATCH_MAX][TABLE_BLOCKS];
    double reading_seconds;
    struct bench_report report;
};

static double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct bench_range range_of(double *readings, uint32_t count)
{
    qsort(readings, count, sizeof *readings, compare_doubles);
    return (struct bench_range){.median = readings[count / 2], .min = readings[0], .max = readings[count - 1]};
}

static size_t resident_bytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t peak_resident_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

/* ---- what a token costs at least --------------------------------------------------------------------------------- */

static size_t matrix_bytes(const struct matrix *matrix)
{
    return matrix_panel_count(matrix) * matrix_panel_bytes(matrix->format, matrix->inputs, matrix->group_inputs);
}

static double matrix_operations(const struct matrix *matrix)
{
    return 2.0 * matrix->outputs * matrix->inputs;
}

/* Bytes and operations of a step of `batch` sequences with `rows` rows each, the first at `position`; per row. The
 * head serves one row of each sequence. */
static void fill_costs(const struct engine *engine, struct bench_row *row, uint32_t rows, uint32_t position)
{
    const struct arch *arch = &engine->arch;
    const struct weights *weights = &engine->weights;
    double all_rows = (double)row->batch * rows, seen = position + (rows + 1) / 2.0; /* positions per row, on average */
    double cache_floats = 2.0 * arch->layer_count * arch->attention.kv_heads * arch->attention.head_dim;
    double bytes = (double)matrix_bytes(&weights->head), operations = 0;

    for (uint32_t i = 0; i < arch->layer_count; i++) {
        const struct layer_weights *layer = &weights->layers[i];
        bytes += (double)(matrix_bytes(&layer->qkv) + matrix_bytes(&layer->out) + matrix_bytes(&layer->ffn_in) +
                          matrix_bytes(&layer->ffn_out));
        operations += matrix_operations(&layer->qkv) + matrix_operations(&layer->out) +
                      matrix_operations(&layer->ffn_in) + matrix_operations(&layer->ffn_out);
    }
    bytes += row->batch * (position + rows) * cache_floats * sizeof(float);
    operations += matrix_operations(&weights->head) / rows;
    operations += 4.0 * seen * arch->layer_count * arch->attention.query_heads * arch->attention.head_dim;
    row->bytes_per_token = bytes / all_rows;
    row->operations_per_token = operations;
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Gives each of `batch` sequences blocks of its own; returns how many tokens each can have, 0 where the batch does
 * not fit. */
static uint32_t share_blocks(struct bench *bench, uint32_t batch)
{
    const struct engine_limits *limits = engine_limits(bench->engine);
    uint32_t blocks = smaller(limits->group[0].block_count / batch, TABLE_BLOCKS);

    if (batch > limits->sequence_max || batch > limits->step_tokens_max)
        return 0;
    for (uint32_t i = 0; i < batch; i++)
        for (uint32_t j = 0; j < blocks; j++)
            bench->tables[i][j] = i * blocks + j;
    return smaller(blocks * KV_BLOCK_TOKENS, limits->model_len_max);
}

/* Runs `batch` sequences over positions [from, to) in as few steps as the limits allow; the last row of each draws a
 * token. */
static enum quire_status run_rows(struct bench *bench, uint32_t batch, uint32_t from, uint32_t to,
                                  struct quire_error *error)
{
    struct step_plan *plan = bench->maker.plan;
    uint32_t share = engine_limits(bench->engine)->step_tokens_max / batch;
    enum quire_status status = QUIRE_OK;

    for (uint32_t at = from; at < to && status == QUIRE_OK;) {
        uint32_t count = smaller(to - at, share);

        plan_clear(plan);
        for (uint32_t i = 0; i < batch; i++) {
            uint32_t row = plan_add_segment(plan, at, bench->ids + at % PREFILL_TOKENS, count, bench->tables[i],
                                            (at + count - 1) / KV_BLOCK_TOKENS + 1);
            if (at + count == to)
                plan_add_greedy(plan, row + count - 1);
        }
        at += count;
        status = engine_step(bench->engine, plan, bench->maker.result, error);
    }
    return status;
}

/* PREFILL_TOKENS in all, shared by the sequences. */
static enum quire_status measure_prefill(struct bench *bench, uint32_t batch, struct quire_error *error)
{
    struct bench_row row = {.phase = BENCH_PREFILL, .batch = batch};
    double readings[PREFILL_READINGS];

    row.context_tokens = smaller(PREFILL_TOKENS / batch, share_blocks(bench, batch));
    if (row.context_tokens == 0)
        return QUIRE_OK;
    for (uint32_t i = 0; i < PREFILL_READINGS; i++) {
        double start = now_s();
        enum quire_status status = run_rows(bench, batch, 0, row.context_tokens, error);

        if (status != QUIRE_OK)
            return status;
        readings[i] = batch * row.context_tokens / (now_s() - start);
    }
    row.tokens_per_s = range_of(readings, PREFILL_READINGS);
    fill_costs(bench->engine, &row, row.context_tokens, 0);
    bench->report.rows[bench->report.row_count++] = row;
    return QUIRE_OK;
}

/* Gives sequences 1 .. batch - 1 the context of sequence 0. */
static enum quire_status copy_context(struct bench *bench, uint32_t batch, uint32_t blocks, struct quire_error *error)
{
    struct step_plan *plan = bench->maker.plan;

    plan_clear(plan);
    plan_add_segment(plan, 0, bench->ids, 1, bench->tables[0], 1); /* a step needs a row; this one repeats itself */
    for (uint32_t i = 1; i < batch; i++)
        for (uint32_t j = 0; j < blocks; j++)
            plan_add_copy(plan, bench->tables[0][j], bench->tables[i][j]);
    return engine_step(bench->engine, plan, bench->maker.result, error);
}

/* Decodes the token after the context over and over: the same work each time. */
static enum quire_status measure_decode(struct bench *bench, uint32_t batch, struct quire_error *error)
{
    struct bench_row row = {.phase = BENCH_DECODE, .batch = batch};
    uint32_t room = share_blocks(bench, batch), context;
    double readings[READINGS];
    enum quire_status status;

    if (room < 2)
        return QUIRE_OK;
    row.context_tokens = context = smaller(DECODE_CONTEXT, room - 1);
    status = run_rows(bench, 1, 0, context, error);
    if (status == QUIRE_OK)
        status = copy_context(bench, batch, context / KV_BLOCK_TOKENS + 1, error);
    for (uint32_t i = 0; i < READINGS && status == QUIRE_OK; i++) {
        double start = now_s(), elapsed = 0;
        uint32_t steps = 0;

        while (status == QUIRE_OK && elapsed < bench->reading_seconds) {
            status = run_rows(bench, batch, context, context + 1, error);
            elapsed = now_s() - start;
            steps++;
        }
        readings[i] = batch * steps / elapsed;
    }
    if (status != QUIRE_OK)
        return status;
    row.tokens_per_s = range_of(readings, READINGS);
    fill_costs(bench->engine, &row, 1, context);
    bench->report.rows[bench->report.row_count++] = row;
    return QUIRE_OK;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The best of what was seen so far. */
static enum quire_status measure_ceilings(struct bench *bench, struct quire_error *error)
{
    struct engine *engine = bench->engine;
    const struct matrix *typical = &engine->weights.layers[0].ffn_in;
    size_t read_bytes = engine->limits.weight_bytes;
    double rate = 0, seconds = 2 * bench->reading_seconds;
    enum quire_status status;

    read_bytes = read_bytes < READ_BYTES_LEAST ? READ_BYTES_LEAST : read_bytes;
    read_bytes = read_bytes > READ_BYTES_MOST ? READ_BYTES_MOST : read_bytes;
    status = ceiling_read(engine->pool, read_bytes, seconds, &rate, error);
    if (status != QUIRE_OK)
        return status;
    bench->report.read_bytes_per_s = larger(bench->report.read_bytes_per_s, rate);
    rate = ceiling_multiply_add(engine->pool, engine->kernels, seconds / 4);
    bench->report.multiply_add_per_s = larger(bench->report.multiply_add_per_s, rate);
    status = ceiling_sgemm(engine->pool, PREFILL_TOKENS, typical->inputs, typical->outputs, seconds, &rate, error);
    if (status == QUIRE_OK)
        bench->report.sgemm_per_s = larger(bench->report.sgemm_per_s, rate);
    return status;
}

static enum quire_status measure_all(struct bench *bench, struct quire_error *error)
{
    enum quire_status status = measure_ceilings(bench, error);

    for (uint32_t i = 0; i < sizeof prefill_batches / sizeof *prefill_batches && status == QUIRE_OK; i++)
        status = measure_prefill(bench, prefill_batches[i], error);
    for (uint32_t i = 0; i < sizeof decode_batches / sizeof *decode_batches && status == QUIRE_OK; i++)
        status = measure_decode(bench, decode_batches[i], error);
    if (resident_bytes() > bench->report.peak_bytes)
        bench->report.peak_bytes = resident_bytes();
    if (status == QUIRE_OK)
        status = measure_ceilings(bench, error);
    return status;
}

/* Opens the engine and draws a first token. */
static enum quire_status start_up(struct bench *bench, const struct engine_options *options, struct quire_error *error)
{
    const struct step_capacity capacity = {.tokens = PREFILL_TOKENS,
                                           .segments = BATCH_MAX,
                                           .block_ids = BATCH_MAX * TABLE_BLOCKS,
                                           .copies = BATCH_MAX * TABLE_BLOCKS,
                                           .samples = BATCH_MAX};
    double start = now_s();
    enum quire_status status = engine_open(options, &bench->engine, error);

    if (status == QUIRE_OK)
        status = plan_maker_init(&bench->maker, &capacity, error);
    if (status != QUIRE_OK)
        return status;
    for (uint32_t i = 0; i < PREFILL_TOKENS; i++)
        bench->ids[i] = (i * 7919 + 11) % bench->engine->limits.vocab_size;
    share_blocks(bench, 1);
    status = run_rows(bench, 1, 0, 1, error);
    bench->report.startup_s = now_s() - start;
    reserve_wait(&bench->engine->reserve); /* nothing else runs while it measures */
    bench->report.peak_bytes = peak_resident_bytes();
    bench->report.limits = &bench->engine->limits;
    bench->report.thread_count = options->thread_count;
    bench->report.budget_bytes = options->memory_budget_bytes;
    return status;
}

enum quire_status bench_run(const struct engine_options *options, double reading_seconds, bool json, FILE *out,
                            struct quire_error *error)
{
    struct bench *bench = calloc(1, sizeof *bench);
    enum quire_status status;

    if (bench == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the benchmark");
    bench->reading_seconds = reading_seconds;
    status = start_up(bench, options, error);
    if (status == QUIRE_OK)
        status = measure_all(bench, error);
    if (status == QUIRE_OK)
        status = json ? bench_report_json(&bench->report, out, error) : bench_report_text(&bench->report, out, error);
    plan_maker_deinit(&bench->maker);
    engine_close(bench->engine);
    free(bench);
    return status;
}

enum quire_status engine_bench(const struct engine_options *options, bool json, FILE *out, struct quire_error *error)
{
    return bench_run(options, READING_SECONDS, json, out, error);
}
