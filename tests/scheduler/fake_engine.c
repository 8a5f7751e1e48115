/* The fake engine (fake_engine.h). */
#include "fake_engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void fake_engine_init(struct fake_engine *engine, const struct engine_limits *limits)
{
    *engine = (struct fake_engine){.limits = *limits};
    for (uint32_t g = 0; g < limits->group_count; g++) {
        size_t slots = (size_t)limits->group[g].block_count * KV_BLOCK_TOKENS;

        engine->slots[g] = calloc(slots, sizeof *engine->slots[g]);
        engine->written[g] = calloc(slots, sizeof *engine->written[g]);
    }
}

void fake_engine_deinit(struct fake_engine *engine)
{
    for (uint32_t g = 0; g < engine->limits.group_count; g++) {
        free(engine->slots[g]);
        free(engine->written[g]);
    }
}

QUIRE_PRINTF(2, 3) static void problem(struct fake_engine *engine, const char *format, ...)
{
    va_list arguments;

    if (engine->problem[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(engine->problem, sizeof engine->problem, format, arguments);
    va_end(arguments);
}

#define EXPECT(condition, ...)                \
    do {                                      \
        if (!(condition))                     \
            problem(engine, __VA_ARGS__);     \
    } while (0)

uint64_t fake_hash(uint64_t a, uint64_t b)
{
    uint64_t x = a * 0x9e3779b97f4a7c15u ^ (b + 0xd1b54a32d192ed03u);

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t fake_slot(uint32_t group, uint64_t before, uint32_t token, uint32_t position)
{
    return fake_hash(fake_hash(before, token), (uint64_t)group << 32 | position);
}

uint64_t fake_digest(uint64_t digest, uint64_t slot)
{
    return fake_hash(digest, slot);
}

static uint64_t hash_float(uint64_t hash, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return fake_hash(hash, bits);
}

/* A random number in [-16, 0) as a log-probability. */
static float logprob_of(uint64_t hash)
{
    return -(float)(hash % 4096 + 1) / 256.0f;
}

static bool forbidden(const struct step_sample *sample, const struct step_bias *biases, uint32_t id)
{
    for (uint32_t i = 0; i < sample->bias_count; i++) {
        if (biases[i].id == id && biases[i].value == -__builtin_inff())
            return true;
    }
    return false;
}

static uint32_t draw_id(const struct engine_limits *limits, const struct step_sample *sample, uint64_t digest,
                        const struct step_bias *biases, const uint32_t *history)
{
    const float numbers[] = {sample->temperature, sample->top_p, sample->min_p, sample->presence_penalty,
                             sample->frequency_penalty, sample->repetition_penalty};
    uint64_t hash = fake_hash(digest, sample->top_k);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        hash = hash_float(hash, numbers[i]);
    if (sample->temperature > 0.0f)
        hash = fake_hash(fake_hash(hash, sample->seed), (uint64_t)sample->choice << 32 | sample->position);
    for (uint32_t i = 0; i < sample->history_prompt + sample->history_output; i++)
        hash = fake_hash(hash, i < sample->history_prompt ? history[i] : ~(uint64_t)history[i]);
    for (uint32_t i = 0; i < sample->bias_count; i++) {
        if (biases[i].value != -__builtin_inff())
            hash = hash_float(fake_hash(hash, biases[i].id), biases[i].value);
    }

    uint32_t id = (uint32_t)(hash % limits->vocab_size);
    for (uint32_t i = 0; i < limits->vocab_size && forbidden(sample, biases, id); i++)
        id = (id + 1) % limits->vocab_size;
    return id;
}

void fake_draw(const struct engine_limits *limits, const struct step_sample *sample, uint64_t digest,
               const struct step_bias *biases, const uint32_t *history, struct step_output *output,
               struct step_token *tops)
{
    uint32_t id = sample->kind == STEP_SCORE ? sample->target : draw_id(limits, sample, digest, biases, history);

    *output = (struct step_output){
        .token = {.id = id, .logprob = logprob_of(fake_hash(digest, id))},
        .rank = 1 + (uint32_t)(fake_hash(digest, id) % limits->vocab_size),
        .top_count = sample->top_count,
    };
    for (uint32_t i = 0; i < sample->top_count; i++) {
        uint64_t hash = fake_hash(digest, 0x70 + i);

        tops[i] = (struct step_token){.id = (uint32_t)(hash % limits->vocab_size), .logprob = logprob_of(hash)};
    }
}

/* ---- the plan must be sound -------------------------------------------------------------------------------------- */

static void make_copies(struct fake_engine *engine, const struct step_plan *plan)
{
    const struct step_copy *copies = step_copies_const(plan);

    for (uint32_t i = 0; i < plan->count.copies; i++) {
        for (uint32_t j = 0; j < plan->count.copies; j++) {
            bool same = copies[i].group == copies[j].group;

            EXPECT(!same || copies[i].from != copies[j].to, "copy %u reads what copy %u writes", i, j);
            EXPECT(!same || i == j || copies[i].to != copies[j].to, "copies %u and %u write one block", i, j);
        }
    }
    for (uint32_t i = 0; i < plan->count.copies; i++) {
        uint64_t *slots = engine->slots[copies[i].group];

        memcpy(slots + (size_t)copies[i].to * KV_BLOCK_TOKENS, slots + (size_t)copies[i].from * KV_BLOCK_TOKENS,
               KV_BLOCK_TOKENS * sizeof *slots);
    }
}

/* The slot of a position as the segment's table has it; NULL where there is none. */
static uint64_t *slot_at(struct fake_engine *engine, const struct step_plan *plan, const struct step_segment *segment,
                         uint32_t g, uint32_t position)
{
    const uint32_t *table = step_block_ids_const(plan) + segment->table_start[g];
    uint32_t entry = position / KV_BLOCK_TOKENS;

    if (entry >= segment->table_blocks[g] || table[entry] >= engine->limits.group[g].block_count) {
        problem(engine, "position %u of group %u has no block", position, g);
        return NULL;
    }
    return &engine->slots[g][(size_t)table[entry] * KV_BLOCK_TOKENS + position % KV_BLOCK_TOKENS];
}

static void write_slot(struct fake_engine *engine, const struct step_plan *plan, const struct step_segment *segment,
                       uint32_t g, uint32_t position)
{
    uint32_t token = step_tokens_const(plan)[segment->token_start + position - segment->position];
    const uint64_t *before = position == 0 ? NULL : slot_at(engine, plan, segment, g, position - 1);
    uint64_t *slot = slot_at(engine, plan, segment, g, position);
    const struct kv_blocks *blocks = engine->scheduler == NULL ? NULL : &engine->scheduler->cache.group[g].blocks;

    if (slot == NULL || (position > 0 && before == NULL))
        return;

    size_t at = (size_t)(slot - engine->slots[g]);
    uint32_t block = (uint32_t)(at / KV_BLOCK_TOKENS);
    EXPECT(engine->written[g][at] != engine->step, "slot %zu is written twice in a step", at);
    EXPECT(blocks == NULL || blocks->references[block] == 1, "block %u is written but has %u references", block,
           blocks->references[block]);
    EXPECT(blocks == NULL || blocks->index == NULL || !prefix_index_has(blocks->index, block),
           "block %u is written but indexed", block);
    engine->written[g][at] = engine->step;
    *slot = fake_slot(g, before == NULL ? 0 : *before, token, position);
}

static void check_segment(struct fake_engine *engine, const struct step_plan *plan, const struct step_segment *segment,
                          uint32_t token_start)
{
    uint32_t end = segment->position + segment->token_count;

    EXPECT(segment->token_count >= 1 && segment->token_start == token_start, "segments do not follow each other");
    EXPECT(segment->token_start + segment->token_count <= plan->count.tokens, "a segment leaves the tokens");
    EXPECT(end <= engine->limits.model_len_max, "position %u is beyond the model's context", end);
    EXPECT(segment->state_slot == STEP_NO_SLOT && segment->kind == STEP_DECODER, "an odd segment");
    for (uint32_t g = 0; g < engine->limits.group_count; g++) {
        EXPECT(segment->table_blocks[g] == (end + KV_BLOCK_TOKENS - 1) / KV_BLOCK_TOKENS,
               "a table of %u blocks for %u tokens", segment->table_blocks[g], end);
        EXPECT(segment->table_start[g] + segment->table_blocks[g] <= plan->count.block_ids,
               "a table leaves the block ids");
    }
}

static uint64_t read_digest(struct fake_engine *engine, const struct step_plan *plan,
                            const struct step_segment *segment, uint32_t position)
{
    uint64_t digest = 0;

    for (uint32_t g = 0; g < engine->limits.group_count; g++) {
        uint32_t window = engine->limits.group[g].window_tokens;

        for (uint32_t i = window != 0 && position >= window ? position + 1 - window : 0; i <= position; i++) {
            const uint64_t *slot = slot_at(engine, plan, segment, g, i);

            digest = fake_digest(digest, slot == NULL ? 0 : *slot);
        }
    }
    return digest;
}

static void answer_sample(struct fake_engine *engine, const struct step_plan *plan, const struct step_sample *sample,
                          struct step_result *result)
{
    const struct step_segment *segments = step_segments_const(plan);
    uint32_t s = 0, index = result->output_count++;

    while (s + 1 < plan->count.segments && segments[s + 1].token_start <= sample->row)
        s++;

    uint32_t position = segments[s].position + (sample->row - segments[s].token_start);
    EXPECT(sample->row < plan->count.tokens, "row %u of %u", sample->row, plan->count.tokens);
    EXPECT(sample->position == position + 1, "a sample after row %u claims position %u", position, sample->position);
    EXPECT(sample->bias_start + sample->bias_count <= plan->count.biases, "biases out of range");
    EXPECT(sample->history_start + sample->history_prompt + sample->history_output <= plan->count.history,
           "history out of range");
    fake_draw(&engine->limits, sample, read_digest(engine, plan, &segments[s], position),
              step_biases_const(plan) + sample->bias_start, step_history_const(plan) + sample->history_start,
              &step_outputs(result)[index], step_tops(result, index));
}

static void check_counts(struct fake_engine *engine, const struct step_plan *plan)
{
    const struct step_capacity *count = &plan->count, *capacity = &plan->capacity;

    EXPECT(count->tokens <= capacity->tokens && count->segments <= capacity->segments &&
           count->copies <= capacity->copies && count->block_ids <= capacity->block_ids &&
           count->samples <= capacity->samples && count->biases <= capacity->biases &&
           count->history <= capacity->history, "the plan is too full");
    EXPECT(count->tokens <= engine->limits.step_tokens_max && count->segments <= engine->limits.sequence_max,
           "the step is too large");
    EXPECT(count->segments > 0, "an empty step");
}

enum quire_status fake_engine_step(void *context, const struct step_plan *plan, struct step_result *result,
                                   struct quire_error *error)
{
    struct fake_engine *engine = context;
    uint32_t token_start = 0;

    engine->step++;
    check_counts(engine, plan);
    if (engine->fail_next) {
        engine->fail_next = false;
        return quire_fail(error, QUIRE_INVALID, "the fake engine fails as it was told");
    }
    make_copies(engine, plan);
    result->output_count = 0;
    for (uint32_t s = 0; s < plan->count.segments && engine->problem[0] == '\0'; s++) {
        const struct step_segment *segment = &step_segments_const(plan)[s];

        check_segment(engine, plan, segment, token_start);
        token_start += segment->token_count;
        for (uint32_t i = 0; i < segment->token_count && engine->problem[0] == '\0'; i++) {
            for (uint32_t g = 0; g < engine->limits.group_count; g++)
                write_slot(engine, plan, segment, g, segment->position + i);
        }
    }
    for (uint32_t i = 0; i < plan->count.samples && engine->problem[0] == '\0'; i++)
        answer_sample(engine, plan, &step_samples_const(plan)[i], result);
    return engine->problem[0] == '\0' ? QUIRE_OK : quire_fail(error, QUIRE_INVALID, "%s", engine->problem);
}
