/* The output head in tiles. Step thread; panels, rows and samples are shared over the workers. */
#include "output.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void collect_wanted(struct output *output, uint32_t *wanted_count);
static void collect_samples(struct output *output, uint32_t wanted_count);
static void norm_wanted(void *context, uint32_t item, uint32_t worker);
static void clean_row(void *context, uint32_t item, uint32_t worker);
static void fill_output(void *context, uint32_t item, uint32_t worker);

void output_run(struct output *output, const struct step_plan *plan, struct step_result *result)
{
    struct forward *forward = output->forward;
    const struct program *program = forward->program;
    size_t hidden = program->arch->hidden;
    uint32_t wanted_count;

    output->plan = plan;
    output->result = result;
    result->output_count = plan->count.samples;
    collect_wanted(output, &wanted_count);
    collect_samples(output, wanted_count);
    worker_pool_run(forward->pool, wanted_count, norm_wanted, output);

    for (uint32_t first = 0; first < wanted_count; first += OUTPUT_TILE_ROWS) {
        uint32_t left = wanted_count - first;
        const struct output_tile *tile = &output->tiles[first / OUTPUT_TILE_ROWS];

        output->tile_first = first;
        output->tile_rows = left < OUTPUT_TILE_ROWS ? left : OUTPUT_TILE_ROWS;
        gemm(forward->pool, program->kernels, &program->weights->head, forward->normed + first * hidden, hidden,
             output->logits, output->logit_stride, output->tile_rows);
        worker_pool_run(forward->pool, output->tile_rows, clean_row, output);
        output->sample_first = tile->sample_first;
        worker_pool_run(forward->pool, tile->sample_end - tile->sample_first, fill_output, output);
    }
}

/* Several samples may name one row: it is computed once. */
static void collect_wanted(struct output *output, uint32_t *wanted_count)
{
    uint32_t rows = output->plan->count.tokens, count = 0;

    memset(output->wanted_index, 0, rows * sizeof *output->wanted_index);
    for (uint32_t i = 0; i < output->plan->count.samples; i++)
        output->wanted_index[step_samples_const(output->plan)[i].row] = 1;
    for (uint32_t row = 0; row < rows; row++) {
        if (output->wanted_index[row] != 0) {
            output->wanted_rows[count] = row;
            output->wanted_index[row] = count++;
        }
    }
    *wanted_count = count;
}

/* Which samples each tile is for. */
static void collect_samples(struct output *output, uint32_t wanted_count)
{
    for (uint32_t t = 0; t * OUTPUT_TILE_ROWS < wanted_count; t++)
        output->tiles[t] = (struct output_tile){.sample_first = UINT32_MAX};
    for (uint32_t i = 0; i < output->plan->count.samples; i++) {
        uint32_t row = step_samples_const(output->plan)[i].row;
        struct output_tile *tile = &output->tiles[output->wanted_index[row] / OUTPUT_TILE_ROWS];

        if (tile->sample_first > i)
            tile->sample_first = i;
        tile->sample_end = i + 1;
    }
}

/* The normed wanted rows lie one after another, in the buffer that sublayers have done with. */
static void norm_wanted(void *context, uint32_t item, uint32_t worker)
{
    const struct output *output = context;
    const struct forward *forward = output->forward;
    const struct norm *norm = &forward->program->final_norm;

    (void)worker;
    norm->apply(norm, forward->program->kernels, forward->x + (size_t)output->wanted_rows[item] * norm->count,
                forward->normed + (size_t)item * norm->count);
}

/* Scales a row's logits, takes what is not a number out of them, and measures them. */
static void clean_row(void *context, uint32_t item, uint32_t worker)
{
    const struct output *output = context;
    const struct kernels *kernels = output->forward->program->kernels;
    const struct arch *arch = output->forward->program->arch;
    float *logits = output->logits + item * output->logit_stride;
    struct logit_stats *stats = &output->stats[item];

    (void)worker;
    if (arch->logit_scale != 1.0f)
        for (uint32_t i = 0; i < arch->vocab_size; i++)
            logits[i] *= arch->logit_scale;
    for (uint32_t i = 0; i < arch->vocab_size; i++) {
        float logit = logits[i] < FLT_MAX ? logits[i] : FLT_MAX; /* NaN becomes FLT_MAX too ... */
        logits[i] = logits[i] == logits[i] ? logit : -INFINITY;  /* ... but not for long */
    }
    stats->maximum = kernels->maximum(logits, arch->vocab_size);
    stats->log_sum = stats->maximum == -INFINITY
                         ? 0
                         : log((double)kernels->exp_sum(logits, stats->maximum, arch->vocab_size));
}

static float token_logprob(const struct logit_stats *stats, float logit)
{
    return logit == -INFINITY ? -INFINITY : (float)((double)logit - (double)stats->maximum - stats->log_sum);
}

static uint32_t token_rank(const float *logits, uint32_t vocab_size, uint32_t id)
{
    uint32_t rank = 1;

    for (uint32_t i = 0; i < vocab_size; i++)
        rank += logits[i] > logits[id];
    return rank;
}

/* The `count` most probable tokens, ties lowest id first, by insertion: few of a long row's tokens get past the
 * first test. */
static void fill_tops(const float *logits, uint32_t vocab_size, const struct logit_stats *stats, uint32_t count,
                      struct step_token *tops)
{
    uint32_t filled = 0;

    for (uint32_t id = 0; id < vocab_size; id++) {
        uint32_t at;

        if (filled == count && !(logits[id] > logits[tops[count - 1].id]))
            continue;
        if (filled < count)
            filled++;
        for (at = filled - 1; at > 0 && logits[id] > logits[tops[at - 1].id]; at--)
            tops[at] = tops[at - 1];
        tops[at] = (struct step_token){.id = id, .logprob = token_logprob(stats, logits[id])};
    }
}

/* The tile's sample `item`, if its row is in the tile. */
static void fill_output(void *context, uint32_t item, uint32_t worker)
{
    const struct output *output = context;
    uint32_t index = output->sample_first + item;
    const struct step_sample *sample = &step_samples_const(output->plan)[index];
    const struct program *program = output->forward->program;
    uint32_t vocab_size = program->arch->vocab_size;
    uint32_t tile_row = output->wanted_index[sample->row] - output->tile_first; /* wraps for rows of earlier tiles */
    uint32_t top_count = sample->top_count < vocab_size ? sample->top_count : vocab_size;
    const struct logit_stats *stats;
    const float *logits;
    uint32_t id;

    if (tile_row >= output->tile_rows)
        return;
    logits = output->logits + tile_row * output->logit_stride;
    stats = &output->stats[tile_row];
    id = sample->kind == STEP_SCORE ? sample->target
                                    : sample_draw(program->kernels, output->plan, sample, logits, vocab_size,
                                                  &output->scratch[worker]);
    step_outputs(output->result)[index] =
        (struct step_output){.token = {.id = id, .logprob = token_logprob(stats, logits[id])},
                             .rank = token_rank(logits, vocab_size, id),
                             .top_count = top_count};
    if (top_count != 0)
        fill_tops(logits, vocab_size, stats, top_count, step_tops(output->result, index));
}

void output_layout(struct output *output, struct arena *arena, const struct arch *arch, uint32_t rows_max,
                   uint32_t worker_count)
{
    output->logit_stride = ((size_t)arch->vocab_size + 15) & ~(size_t)15;
    output->wanted_rows = arena_take(arena, rows_max, sizeof *output->wanted_rows);
    output->wanted_index = arena_take(arena, rows_max, sizeof *output->wanted_index);
    output->tiles = arena_take(arena, (rows_max + OUTPUT_TILE_ROWS - 1) / OUTPUT_TILE_ROWS, sizeof *output->tiles);
    output->logits = arena_take(arena, output->logit_stride, OUTPUT_TILE_ROWS * sizeof(float));
    output->stats = arena_take(arena, OUTPUT_TILE_ROWS, sizeof *output->stats);
    output->scratch = arena_take(arena, worker_count, sizeof *output->scratch);
    for (uint32_t i = 0; i < worker_count; i++) {
        struct sample_scratch scratch;

        sample_scratch_layout(&scratch, arena, arch->vocab_size);
        if (output->scratch != NULL) /* measuring gives no memory */
            output->scratch[i] = scratch;
    }
}
