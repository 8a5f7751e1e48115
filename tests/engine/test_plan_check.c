/* Every rule of step.h broken once: each table row changes a sound plan in one place and must be refused. */
#include "plan_check.h"
#include "plan_make.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct plan_maker maker;
static struct engine_limits limits;

/* Two segments (rows 0-19 from position 0, row 20 at position 40), a copy, a score, a draw with history and a bias. */
static void make_sound_plan(void)
{
    const uint32_t ids[20] = {1, 2, 3}, first_table[] = {4, 5}, second_table[] = {0, 1, 2}, history[] = {7, 8, 9};
    struct step_capacity capacity = {.tokens = 32, .segments = 4, .block_ids = 16, .copies = 4, .samples = 4,
                                     .biases = 4, .history = 8};
    struct step_sample *sample;

    limits = (struct engine_limits){.vocab_size = 100, .model_len_max = 64, .step_tokens_max = 30, .sequence_max = 3,
                                    .group_count = 1, .group = {{.block_count = 10}}};
    cr_assert_eq(plan_maker_init(&maker, &capacity, NULL), QUIRE_OK);
    plan_add_segment(maker.plan, 0, ids, 20, first_table, 2);
    plan_add_segment(maker.plan, 40, ids, 1, second_table, 3);
    plan_add_copy(maker.plan, 6, 7);
    plan_add_copy(maker.plan, 6, 8);
    plan_add_score(maker.plan, 3, 99);
    sample = plan_add_greedy(maker.plan, 20);
    sample->temperature = 0.5f;
    plan_add_history(maker.plan, sample, history, 2, history + 2, 1);
    plan_add_bias(maker.plan, sample, 3, -INFINITY);
}

static void drop_plan(void)
{
    plan_maker_deinit(&maker);
}

TestSuite(plan_check, .init = make_sound_plan, .fini = drop_plan);

static enum quire_status check(void)
{
    struct quire_error error = {""};
    enum quire_status status = plan_check(&limits, maker.plan, maker.result, &error);

    cr_assert_eq(status == QUIRE_OK, error.message[0] == '\0', "a refusal comes with a sentence: '%s'", error.message);
    return status;
}

Test(plan_check, sound_plan_passes)
{
    cr_assert_eq(check(), QUIRE_OK);
}

Test(plan_check, block_out_of_window_may_be_missing)
{
    step_block_ids(maker.plan)[2] = STEP_NO_BLOCK; /* positions 0-15 of the segment at position 40 */
    cr_assert_eq(check(), QUIRE_INVALID);
    limits.group[0].window_tokens = 25; /* position 40 sees 16 ... 40 */
    cr_assert_eq(check(), QUIRE_OK);
    limits.group[0].window_tokens = 26;
    cr_assert_eq(check(), QUIRE_INVALID);
}

/* Sets the field and expects a refusal, then puts it back and expects the plan to pass again. */
#define EXPECT_REFUSED(place, value)                                                  \
    do {                                                                              \
        __typeof__(place) before = (place);                                           \
        (place) = (value);                                                            \
        cr_expect_eq(check(), QUIRE_INVALID, "%s = %s passed", #place, #value);       \
        (place) = before;                                                             \
        cr_assert_eq(check(), QUIRE_OK);                                              \
    } while (0)

Test(plan_check, header_is_held)
{
    struct step_plan *plan = maker.plan;

    EXPECT_REFUSED(plan->bytes, plan->bytes + 64);
    EXPECT_REFUSED(plan->at.tokens, plan->at.tokens + 4);
    EXPECT_REFUSED(plan->at.segments, 0);
    EXPECT_REFUSED(plan->at.block_ids, UINT32_MAX);
    EXPECT_REFUSED(plan->at.copies, plan->at.samples);
    EXPECT_REFUSED(plan->at.samples, 8);
    EXPECT_REFUSED(plan->at.biases, 8);
    EXPECT_REFUSED(plan->at.history, plan->bytes);
    EXPECT_REFUSED(plan->capacity.tokens, UINT32_MAX);
    EXPECT_REFUSED(plan->capacity.history, UINT32_MAX);
    EXPECT_REFUSED(plan->count.tokens, 0);
    EXPECT_REFUSED(plan->count.tokens, 33);
    EXPECT_REFUSED(plan->count.tokens, 20);
    EXPECT_REFUSED(plan->count.segments, 5);
    EXPECT_REFUSED(plan->count.segments, 1);
    EXPECT_REFUSED(plan->count.block_ids, 17);
    EXPECT_REFUSED(plan->count.block_ids, 4);
    EXPECT_REFUSED(plan->count.samples, 5);
    EXPECT_REFUSED(plan->count.biases, 0);
    EXPECT_REFUSED(plan->count.history, 2);
    EXPECT_REFUSED(limits.step_tokens_max, 20);
    EXPECT_REFUSED(limits.sequence_max, 1);
    EXPECT_REFUSED(maker.result->output_max, 1);
    EXPECT_REFUSED(maker.result->tops_at, 0);
    EXPECT_REFUSED(maker.result->outputs_at, 4);
    EXPECT_REFUSED(maker.result->bytes, 64);
}

Test(plan_check, ids_are_held)
{
    EXPECT_REFUSED(step_tokens(maker.plan)[20], 100);
    EXPECT_REFUSED(step_tokens(maker.plan)[0], UINT32_MAX);
    EXPECT_REFUSED(step_history(maker.plan)[2], 100);
    EXPECT_REFUSED(step_biases(maker.plan)[0].id, 100);
    EXPECT_REFUSED(step_biases(maker.plan)[0].value, NAN);
    EXPECT_REFUSED(step_biases(maker.plan)[0].value, INFINITY);
}

Test(plan_check, copies_are_held)
{
    struct step_copy *copies = step_copies(maker.plan);

    EXPECT_REFUSED(copies[0].group, 1);
    EXPECT_REFUSED(copies[0].from, 10);
    EXPECT_REFUSED(copies[1].to, 10);
    EXPECT_REFUSED(copies[1].to, STEP_NO_BLOCK);
    EXPECT_REFUSED(copies[0].to, 6);
    EXPECT_REFUSED(copies[1].to, 7);
    EXPECT_REFUSED(copies[1].from, 7);
}

Test(plan_check, segments_are_held)
{
    struct step_segment *segments = step_segments(maker.plan);

    EXPECT_REFUSED(segments[0].kind, STEP_ENCODER);
    EXPECT_REFUSED(segments[1].kind, 9);
    EXPECT_REFUSED(segments[1].adapter, 1);
    EXPECT_REFUSED(segments[0].token_count, 0);
    EXPECT_REFUSED(segments[0].token_count, 19);
    EXPECT_REFUSED(segments[0].token_count, UINT32_MAX);
    EXPECT_REFUSED(segments[0].token_start, 1);
    EXPECT_REFUSED(segments[1].token_start, 0);
    EXPECT_REFUSED(segments[1].token_count, 2);
    EXPECT_REFUSED(segments[1].position, 64);
    EXPECT_REFUSED(segments[1].position, UINT32_MAX);
    EXPECT_REFUSED(segments[1].position, 48);
    EXPECT_REFUSED(segments[0].position, 13);
    EXPECT_REFUSED(segments[1].table_blocks[0], 2);
    EXPECT_REFUSED(segments[1].table_start[0], 3);
    EXPECT_REFUSED(segments[1].table_start[0], UINT32_MAX);
    EXPECT_REFUSED(segments[1].table_blocks[0], UINT32_MAX);
    EXPECT_REFUSED(step_block_ids(maker.plan)[0], 10);
    EXPECT_REFUSED(step_block_ids(maker.plan)[4], 10);
    EXPECT_REFUSED(step_block_ids(maker.plan)[4], STEP_NO_BLOCK);
}

Test(plan_check, samples_are_held)
{
    struct step_sample *score = &step_samples(maker.plan)[0], *draw = &step_samples(maker.plan)[1];

    EXPECT_REFUSED(score->kind, 2);
    EXPECT_REFUSED(score->row, 21);
    EXPECT_REFUSED(score->target, 100);
    EXPECT_REFUSED(score->target, STEP_NO_TOKEN);
    EXPECT_REFUSED(score->top_count, STEP_TOP_MAX + 1);
    EXPECT_REFUSED(score->mask, 1);
    EXPECT_REFUSED(draw->temperature, -1);
    EXPECT_REFUSED(draw->temperature, NAN);
    EXPECT_REFUSED(draw->top_p, NAN);
    EXPECT_REFUSED(draw->min_p, INFINITY);
    EXPECT_REFUSED(draw->presence_penalty, NAN);
    EXPECT_REFUSED(draw->frequency_penalty, -INFINITY);
    EXPECT_REFUSED(draw->repetition_penalty, 0);
    EXPECT_REFUSED(draw->repetition_penalty, NAN);
    EXPECT_REFUSED(draw->history_start, 1);
    EXPECT_REFUSED(draw->history_start, UINT32_MAX);
    EXPECT_REFUSED(draw->history_prompt, 3);
    EXPECT_REFUSED(draw->history_prompt, UINT32_MAX);
    EXPECT_REFUSED(draw->history_output, UINT32_MAX);
    EXPECT_REFUSED(draw->bias_start, 1);
    EXPECT_REFUSED(draw->bias_count, UINT32_MAX);
}
