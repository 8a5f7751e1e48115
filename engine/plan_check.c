/* Validation of a step_plan, in the order of its arrays. Step thread; allocates nothing. */
#include "plan_check.h"

#include <math.h>

#define REJECT(...) return quire_fail(error, QUIRE_INVALID, "step plan: " __VA_ARGS__)

/* `[start, start + count)` lies within `[0, end)`; no wrap. */
static bool range_fits(uint32_t start, uint32_t count, uint32_t end)
{
    return start <= end && count <= end - start;
}

static bool capacity_fits(const struct step_capacity *count, const struct step_capacity *capacity)
{
    return count->tokens <= capacity->tokens && count->segments <= capacity->segments &&
           count->block_ids <= capacity->block_ids && count->copies <= capacity->copies &&
           count->samples <= capacity->samples && count->biases <= capacity->biases &&
           count->history <= capacity->history;
}

static enum quire_status check_header(const struct engine_limits *limits, const struct step_plan *plan,
                                      const struct step_result *result, struct quire_error *error)
{
    struct step_plan expected;
    struct step_result expected_result;
    size_t plan_bytes = step_plan_layout(&plan->capacity, &expected);
    size_t result_bytes = step_result_layout(result->output_max, &expected_result);

    if (plan_bytes > UINT32_MAX || plan->bytes != plan_bytes || plan->at.tokens != expected.at.tokens ||
        plan->at.segments != expected.at.segments || plan->at.block_ids != expected.at.block_ids ||
        plan->at.copies != expected.at.copies || plan->at.samples != expected.at.samples ||
        plan->at.biases != expected.at.biases || plan->at.history != expected.at.history)
        REJECT("the header does not describe the layout of its capacity");
    if (!capacity_fits(&plan->count, &plan->capacity))
        REJECT("a count exceeds its capacity");
    if (plan->count.tokens == 0 || plan->count.tokens > limits->step_tokens_max)
        REJECT("%u tokens, allowed are 1 to %u", plan->count.tokens, limits->step_tokens_max);
    if (plan->count.segments > limits->sequence_max)
        REJECT("%u segments, allowed are %u", plan->count.segments, limits->sequence_max);
    if (result_bytes > UINT32_MAX || result->bytes != result_bytes ||
        result->outputs_at != expected_result.outputs_at || result->tops_at != expected_result.tops_at)
        REJECT("the result's header does not describe the layout of its outputs");
    if (result->output_max < plan->count.samples)
        REJECT("%u samples, the result holds %u", plan->count.samples, result->output_max);
    return QUIRE_OK;
}

static enum quire_status check_ids(const struct engine_limits *limits, const uint32_t *ids, uint32_t count,
                                   const char *array, struct quire_error *error)
{
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] >= limits->vocab_size)
            REJECT("%s[%u] is token %u of a vocabulary of %u", array, i, ids[i], limits->vocab_size);
    return QUIRE_OK;
}

static enum quire_status check_copies(const struct engine_limits *limits, const struct step_plan *plan,
                                      struct quire_error *error)
{
    const struct step_copy *copies = step_copies_const(plan);

    for (uint32_t i = 0; i < plan->count.copies; i++) {
        const struct step_copy *copy = &copies[i];

        if (copy->group >= limits->group_count)
            REJECT("copy %u names group %u of %u", i, copy->group, limits->group_count);
        if (copy->from >= limits->group[copy->group].block_count || copy->to >= limits->group[copy->group].block_count)
            REJECT("copy %u leads from block %u to %u of %u", i, copy->from, copy->to,
                   limits->group[copy->group].block_count);
        for (uint32_t j = 0; j < plan->count.copies; j++)
            if (copies[j].group == copy->group && (copies[j].from == copy->to || (j < i && copies[j].to == copy->to)))
                REJECT("block %u is the target of copy %u and takes part in copy %u", copy->to, i, j);
    }
    return QUIRE_OK;
}

/* The table must name every block that the segment's rows write or can see. */
static enum quire_status check_table(const struct engine_limits *limits, const struct step_plan *plan, uint32_t index,
                                     uint32_t group, struct quire_error *error)
{
    const struct step_segment *segment = &step_segments_const(plan)[index];
    const struct engine_group_limits *group_limits = &limits->group[group];
    uint32_t start = segment->table_start[group], blocks = segment->table_blocks[group];
    uint32_t end_block = (segment->position + segment->token_count - 1) / KV_BLOCK_TOKENS + 1;
    uint32_t window = group_limits->window_tokens;
    uint32_t first_visible = window == 0 || segment->position < window ? 0 : segment->position - window + 1;

    if (!range_fits(start, blocks, plan->count.block_ids) || blocks < end_block)
        REJECT("segment %u: block table [%u, %u + %u) of %u entries does not cover position %u", index, start, start,
               blocks, plan->count.block_ids, segment->position + segment->token_count - 1);
    for (uint32_t i = first_visible / KV_BLOCK_TOKENS; i < end_block; i++) {
        uint32_t block = step_block_ids_const(plan)[start + i];
        if (block >= group_limits->block_count)
            REJECT("segment %u: entry %u of its table is block %u of %u", index, i, block, group_limits->block_count);
    }
    return QUIRE_OK;
}

static enum quire_status check_segments(const struct engine_limits *limits, const struct step_plan *plan,
                                        struct quire_error *error)
{
    uint32_t row = 0;

    for (uint32_t i = 0; i < plan->count.segments; i++) {
        const struct step_segment *segment = &step_segments_const(plan)[i];

        if (segment->kind != STEP_DECODER || segment->adapter != 0)
            REJECT("segment %u has kind %u and adapter %u; this model is a decoder without adapters", i, segment->kind,
                   segment->adapter);
        if (segment->token_count == 0 || segment->token_start != row ||
            !range_fits(row, segment->token_count, plan->count.tokens))
            REJECT("segment %u holds rows [%u, %u + %u), expected to start at %u of %u", i, segment->token_start,
                   segment->token_start, segment->token_count, row, plan->count.tokens);
        if (!range_fits(segment->position, segment->token_count, limits->model_len_max))
            REJECT("segment %u: positions [%u, %u + %u) exceed %u", i, segment->position, segment->position,
                   segment->token_count, limits->model_len_max);
        for (uint32_t group = 0; group < limits->group_count; group++) {
            enum quire_status status = check_table(limits, plan, i, group, error);
            if (status != QUIRE_OK)
                return status;
        }
        row += segment->token_count;
    }
    if (row != plan->count.tokens)
        REJECT("segments hold %u of %u rows", row, plan->count.tokens);
    return QUIRE_OK;
}

static bool sample_numbers_sound(const struct step_sample *sample)
{
    bool penalised = sample->history_prompt != 0 || sample->history_output != 0;

    return sample->temperature >= 0 && isfinite(sample->temperature) && isfinite(sample->top_p) &&
           isfinite(sample->min_p) && isfinite(sample->presence_penalty) && isfinite(sample->frequency_penalty) &&
           isfinite(sample->repetition_penalty) && (!penalised || sample->repetition_penalty > 0);
}

static enum quire_status check_samples(const struct engine_limits *limits, const struct step_plan *plan,
                                       struct quire_error *error)
{
    for (uint32_t i = 0; i < plan->count.samples; i++) {
        const struct step_sample *sample = &step_samples_const(plan)[i];

        if (sample->row >= plan->count.tokens || sample->top_count > STEP_TOP_MAX || sample->mask != 0)
            REJECT("sample %u: row %u of %u, %u alternatives of %u, mask %u", i, sample->row, plan->count.tokens,
                   sample->top_count, STEP_TOP_MAX, sample->mask);
        if (sample->kind == STEP_SCORE) {
            if (sample->target >= limits->vocab_size)
                REJECT("sample %u scores token %u of %u", i, sample->target, limits->vocab_size);
            continue;
        }
        if (sample->kind != STEP_SAMPLE)
            REJECT("sample %u has kind %u", i, sample->kind);
        if (!sample_numbers_sound(sample))
            REJECT("sample %u: a sampling parameter is out of range", i);
        if (!range_fits(sample->bias_start, sample->bias_count, plan->count.biases))
            REJECT("sample %u: biases [%u, %u + %u) of %u", i, sample->bias_start, sample->bias_start,
                   sample->bias_count, plan->count.biases);
        if (!range_fits(sample->history_start, sample->history_prompt, plan->count.history) ||
            !range_fits(sample->history_start + sample->history_prompt, sample->history_output, plan->count.history))
            REJECT("sample %u: history of %u + %u ids at %u of %u", i, sample->history_prompt, sample->history_output,
                   sample->history_start, plan->count.history);
    }
    return QUIRE_OK;
}

static enum quire_status check_biases(const struct engine_limits *limits, const struct step_plan *plan,
                                      struct quire_error *error)
{
    for (uint32_t i = 0; i < plan->count.biases; i++) {
        const struct step_bias *bias = &step_biases_const(plan)[i];
        if (bias->id >= limits->vocab_size || isnan(bias->value) || (isinf(bias->value) && bias->value > 0))
            REJECT("bias %u: %g for token %u of %u", i, (double)bias->value, bias->id, limits->vocab_size);
    }
    return QUIRE_OK;
}

enum quire_status plan_check(const struct engine_limits *limits, const struct step_plan *plan,
                             const struct step_result *result, struct quire_error *error)
{
    enum quire_status status = check_header(limits, plan, result, error);

    if (status == QUIRE_OK)
        status = check_ids(limits, step_tokens_const(plan), plan->count.tokens, "tokens", error);
    if (status == QUIRE_OK)
        status = check_ids(limits, step_history_const(plan), plan->count.history, "history", error);
    if (status == QUIRE_OK)
        status = check_copies(limits, plan, error);
    if (status == QUIRE_OK)
        status = check_segments(limits, plan, error);
    if (status == QUIRE_OK)
        status = check_biases(limits, plan, error);
    if (status == QUIRE_OK)
        status = check_samples(limits, plan, error);
    return status;
}
