/* Plans by hand. Any thread; the caller owns the buffers. */
#include "plan_make.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum quire_status plan_maker_init(struct plan_maker *maker, const struct step_capacity *capacity,
                                  struct quire_error *error)
{
    size_t plan_bytes = step_plan_layout(capacity, NULL), result_bytes = step_result_layout(capacity->samples, NULL);

    if (plan_bytes > UINT32_MAX || result_bytes > UINT32_MAX)
        return quire_fail(error, QUIRE_INVALID, "a step plan of %zu bytes is too large", plan_bytes);
    maker->plan = aligned_alloc(64, plan_bytes);
    maker->result = aligned_alloc(64, result_bytes);
    if (maker->plan == NULL || maker->result == NULL) {
        plan_maker_deinit(maker);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for a step plan of %zu bytes", plan_bytes + result_bytes);
    }
    memset(maker->plan, 0, plan_bytes);
    memset(maker->result, 0, result_bytes);
    step_plan_layout(capacity, maker->plan);
    step_result_layout(capacity->samples, maker->result);
    return QUIRE_OK;
}

void plan_maker_deinit(struct plan_maker *maker)
{
    free(maker->plan);
    free(maker->result);
    *maker = (struct plan_maker){0};
}

void plan_clear(struct step_plan *plan)
{
    plan->count = (struct step_capacity){0};
}

static void append_ids(uint32_t *array, uint32_t *count, uint32_t capacity, const uint32_t *ids, uint32_t id_count)
{
    assert(id_count <= capacity - *count);
    if (id_count != 0)
        memcpy(array + *count, ids, id_count * sizeof *ids);
    *count += id_count;
}

uint32_t plan_add_segment(struct step_plan *plan, uint32_t position, const uint32_t *ids, uint32_t id_count,
                          const uint32_t *blocks, uint32_t block_count)
{
    struct step_segment segment = {.kind = STEP_DECODER,
                                   .token_start = plan->count.tokens,
                                   .token_count = id_count,
                                   .position = position,
                                   .table_start = {plan->count.block_ids},
                                   .table_blocks = {block_count},
                                   .state_slot = STEP_NO_SLOT};

    assert(plan->count.segments < plan->capacity.segments);
    append_ids(step_tokens(plan), &plan->count.tokens, plan->capacity.tokens, ids, id_count);
    append_ids(step_block_ids(plan), &plan->count.block_ids, plan->capacity.block_ids, blocks, block_count);
    step_segments(plan)[plan->count.segments++] = segment;
    return segment.token_start;
}

static struct step_sample *add_sample(struct step_plan *plan, const struct step_sample *sample)
{
    assert(plan->count.samples < plan->capacity.samples);
    step_samples(plan)[plan->count.samples] = *sample;
    return &step_samples(plan)[plan->count.samples++];
}

struct step_sample *plan_add_greedy(struct step_plan *plan, uint32_t row)
{
    return add_sample(plan, &(struct step_sample){.kind = STEP_SAMPLE,
                                                  .row = row,
                                                  .target = STEP_NO_TOKEN,
                                                  .top_p = 1,
                                                  .repetition_penalty = 1});
}

struct step_sample *plan_add_score(struct step_plan *plan, uint32_t row, uint32_t target)
{
    return add_sample(plan, &(struct step_sample){.kind = STEP_SCORE, .row = row, .target = target});
}

void plan_add_copy(struct step_plan *plan, uint32_t from, uint32_t to)
{
    assert(plan->count.copies < plan->capacity.copies);
    step_copies(plan)[plan->count.copies++] = (struct step_copy){.group = 0, .from = from, .to = to};
}

void plan_add_bias(struct step_plan *plan, struct step_sample *sample, uint32_t id, float value)
{
    assert(plan->count.biases < plan->capacity.biases);
    if (sample->bias_count == 0)
        sample->bias_start = plan->count.biases;
    assert(sample->bias_start + sample->bias_count == plan->count.biases);
    sample->bias_count++;
    step_biases(plan)[plan->count.biases++] = (struct step_bias){.id = id, .value = value};
}

void plan_add_history(struct step_plan *plan, struct step_sample *sample, const uint32_t *prompt, uint32_t prompt_count,
                      const uint32_t *output, uint32_t output_count)
{
    sample->history_start = plan->count.history;
    sample->history_prompt = prompt_count;
    sample->history_output = output_count;
    append_ids(step_history(plan), &plan->count.history, plan->capacity.history, prompt, prompt_count);
    append_ids(step_history(plan), &plan->count.history, plan->capacity.history, output, output_count);
}
