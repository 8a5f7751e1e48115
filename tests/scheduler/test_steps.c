/* Who runs in a step: order, budget, sharing, forks, pressure. */
#include "stage.h"

static struct stage stage;

static void open_stage(void)
{
    stage = stage_default();
}

static void close_stage(void)
{
    stage_close(&stage);
}

TestSuite(steps, .init = open_stage, .fini = close_stage);

Test(steps, decodes_never_wait_behind_a_long_prompt)
{
    struct request_spec quick = stage_spec(0, 4, 40), slow = stage_spec(50, 200, 4);
    struct request *first, *second;

    stage.options.step_tokens_max = 16;
    stage_open(&stage);
    first = stage_submit(&stage, &quick);
    stage_steps(&stage, 1);
    second = stage_submit(&stage, &slow);
    for (uint32_t i = 2; second->logs[0].count == 0; i++) {
        uint64_t before = stage.rows;

        stage_steps(&stage, 1);
        cr_expect_eq(first->logs[0].count, i, "a step without its token");
        cr_expect_leq(stage.rows - before, 16, "a step over its budget");
    }
    cr_expect_eq(first->logs[0].count, 1 + 14, "200 tokens in chunks of 15");
    stage_drain(&stage);
    stage_expect_alone(&stage, first);
    stage_expect_alone(&stage, second);
    request_unref(first);
    request_unref(second);
}

Test(steps, sequences_share_a_step)
{
    struct request *requests[8];

    stage_open(&stage);
    for (uint32_t i = 0; i < 8; i++) {
        struct request_spec spec = stage_spec(10 * i, 5 + i, 20);

        requests[i] = stage_submit(&stage, &spec);
    }
    stage_drain(&stage);
    cr_expect_eq(scheduler_stats(stage.scheduler).step_segments_max, 8);
    for (uint32_t i = 0; i < 8; i++) {
        stage_expect_alone(&stage, requests[i]);
        request_unref(requests[i]);
    }
}

Test(steps, prompt_of_several_choices_is_computed_once)
{
    struct request_spec spec = stage_spec(0, 40, 10);
    struct request *request;

    stage_open(&stage);
    spec.choice_count = 5, spec.temperature = 1.0f, spec.seed = 3;
    request = stage_submit(&stage, &spec);
    stage_steps(&stage, 2);
    /* 2 full blocks shared, the third copied by all but the last to write. */
    cr_expect_eq(scheduler_stats(stage.scheduler).blocks_used, 2 + 5);
    stage_drain(&stage);
    cr_expect_eq(stage.rows, 40 + 5 * 9);
    cr_expect_eq(scheduler_stats(stage.scheduler).forks, 4);
    cr_expect_eq(scheduler_stats(stage.scheduler).block_copies, 4);
    stage_expect_alone(&stage, request);
    request_unref(request);
}

Test(steps, known_prefix_is_not_computed_again)
{
    struct request_spec spec = stage_spec(0, 70, 10);
    struct request *first, *second;

    stage_open(&stage);
    first = stage_submit(&stage, &spec);
    stage_drain(&stage);
    stage.rows = 0;
    second = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(first->cached_tokens, 0);
    cr_expect_eq(second->cached_tokens, 64);
    cr_expect_eq(stage.rows, 70 - 64 + 9);
    cr_expect_eq(scheduler_stats(stage.scheduler).prefix_queries_tokens, 140);
    cr_expect_eq(scheduler_stats(stage.scheduler).prefix_hits_tokens, 64);
    stage_expect_alone(&stage, second);
    request_unref(first);
    request_unref(second);
}

Test(steps, last_prompt_token_is_always_computed)
{
    struct request_spec spec = stage_spec(0, 64, 1);

    stage_open(&stage);
    for (uint32_t i = 0; i < 2; i++) {
        struct request *request = stage_submit(&stage, &spec);

        stage_drain(&stage);
        cr_expect_eq(request->cached_tokens, i == 0 ? 0 : 48);
        request_unref(request);
    }
    cr_expect_eq(scheduler_stats(stage.scheduler).blocks_cached, 4, "what was computed twice is kept once");
}

Test(steps, generated_tokens_are_a_prefix_too)
{
    struct request_spec spec = stage_spec(0, 20, 30), next = stage_spec(0, 60, 4);
    struct request *first, *second;
    uint32_t prompt[60];

    stage_open(&stage);
    first = stage_submit(&stage, &spec);
    stage_drain(&stage);
    memcpy(prompt, next.prompt, sizeof prompt);
    for (uint32_t i = 0; i < 30; i++)
        prompt[20 + i] = first->logs[0].entries[i].id;
    next.prompt = prompt;
    second = stage_submit(&stage, &next);
    stage_drain(&stage);
    cr_expect_eq(second->cached_tokens, 48, "49 of the first one's 50 tokens were computed");
    stage_expect_alone(&stage, second);
    request_unref(first);
    request_unref(second);
}

Test(steps, requests_that_come_together_compute_their_prefix_once)
{
    struct request *requests[6];

    stage.options.step_tokens_max = 16;
    stage_open(&stage);
    for (uint32_t i = 0; i < 6; i++) {
        struct request_spec spec = stage_spec(0, 100, 3);

        requests[i] = stage_submit(&stage, &spec);
    }
    stage_drain(&stage);
    cr_expect_eq(stage.rows, 96 + 6 * (4 + 2));
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_eq(requests[i]->cached_tokens, i == 0 ? 0 : 96);
        stage_expect_alone(&stage, requests[i]);
        request_unref(requests[i]);
    }
}

Test(steps, waiter_inherits_when_the_first_is_cancelled)
{
    struct request_spec spec = stage_spec(0, 100, 3);
    struct request *first, *second;

    stage.options.step_tokens_max = 16;
    stage_open(&stage);
    first = stage_submit(&stage, &spec);
    second = stage_submit(&stage, &spec);
    stage_steps(&stage, 3);
    scheduler_cancel(stage.scheduler, first);
    stage_drain(&stage);
    cr_expect_eq(first->logs[0].finish, FINISH_CANCELLED);
    cr_expect_eq(second->cached_tokens, 48);
    cr_expect_eq(stage.rows, 100 + 2);
    stage_expect_alone(&stage, second);
    request_unref(first);
    request_unref(second);
}

/* Neither the content nor the time of an answer tells one tenant of another's prompt. */
Test(steps, salts_share_nothing_and_wait_for_nobody)
{
    struct request_spec spec = stage_spec(0, 40, 5);
    struct request *mine, *theirs;

    stage_open(&stage);
    stage.options.step_tokens_max = 64;
    spec.cache_salt = (struct request_bytes){.bytes = "mine", .count = 4};
    mine = stage_submit(&stage, &spec);
    spec.cache_salt = (struct request_bytes){.bytes = "theirs", .count = 6};
    theirs = stage_submit(&stage, &spec);
    stage_steps(&stage, 1);
    cr_expect_eq(scheduler_stats(stage.scheduler).running, 2, "the second one waits for the first one's prefix");
    stage_drain(&stage);
    cr_expect_eq(theirs->cached_tokens, 0);
    request_unref(mine);
    request_unref(theirs);
}

Test(steps, cache_switched_off_shares_nothing)
{
    struct request_spec spec = stage_spec(0, 40, 5);

    stage.options.prefix_cache = false;
    stage_open(&stage);
    for (uint32_t i = 0; i < 2; i++) {
        struct request *request = stage_submit(&stage, &spec);

        stage_drain(&stage);
        cr_expect_eq(request->cached_tokens, 0);
        stage_expect_alone(&stage, request);
        request_unref(request);
    }
    cr_expect_eq(stage.rows, 2 * (40 + 4));
    cr_expect_eq(scheduler_stats(stage.scheduler).blocks_cached, 0);
}

Test(steps, preemption_changes_no_answer)
{
    struct request *requests[4];

    stage.limits.group[0].block_count = 9;
    stage_open(&stage);
    for (uint32_t i = 0; i < 4; i++) {
        struct request_spec spec = stage_spec(25 * i, 20, 60);

        spec.temperature = 1.0f, spec.seed = i;
        requests[i] = stage_submit(&stage, &spec);
    }
    stage_drain(&stage);
    cr_expect_gt(scheduler_stats(stage.scheduler).preemptions, 0);
    for (uint32_t i = 0; i < 4; i++) {
        stage_expect_alone(&stage, requests[i]);
        request_unref(requests[i]);
    }
}

Test(steps, choices_of_one_request_compete_without_deadlock)
{
    struct request_spec spec = stage_spec(0, 17, 48);
    struct request *request, *other;

    stage.limits.group[0].block_count = 13; /* exactly what the four need at worst */
    stage_open(&stage);
    spec.choice_count = 4, spec.temperature = 1.0f;
    request = stage_submit(&stage, &spec);
    spec = stage_spec(60, 30, 60);
    other = stage_submit(&stage, &spec);
    stage_drain(&stage);
    stage_expect_alone(&stage, request);
    stage_expect_alone(&stage, other);
    request_unref(request);
    request_unref(other);
}

Test(steps, blocks_out_of_the_window_are_let_go)
{
    struct request_spec spec = stage_spec(0, 50, 150);
    struct request *request;

    stage.limits.group[0].window_tokens = 32;
    stage.options.prefix_cache = false;
    stage_open(&stage);
    request = stage_submit(&stage, &spec);
    stage_steps(&stage, 100);
    cr_expect_leq(scheduler_stats(stage.scheduler).blocks_used, 3);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].count, 150);
    request_unref(request);
}

Test(steps, penalties_take_turns_when_a_step_cannot_hold_their_histories)
{
    const struct scheduler_tuning tuning = {.hash_bits = 128, .history_max = 1}; /* as much as one context */
    struct request *requests[4];
    uint32_t before[4], least = UINT32_MAX, most = 0;

    stage.limits.model_len_max = 64;
    stage_open(&stage);
    scheduler_destroy(stage.scheduler);
    cr_assert_eq(scheduler_create_tuned(&stage.options, &tuning, &stage.scheduler, NULL), QUIRE_OK);
    stage.engine.scheduler = stage.scheduler;
    for (uint32_t i = 0; i < 4; i++) {
        struct request_spec spec = stage_spec(10 * i, 30, 20);

        spec.repetition_penalty = 1.5f;
        requests[i] = stage_submit(&stage, &spec);
    }
    stage_steps(&stage, 5); /* all have begun; from here on one or two histories fit a step */
    for (uint32_t i = 0; i < 4; i++)
        before[i] = requests[i]->logs[0].count;
    stage_steps(&stage, 12);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t count = requests[i]->logs[0].count - before[i];

        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    cr_expect_geq(least, 3);
    cr_expect_leq(most - least, 1, "somebody gets more turns than others");
    stage_drain(&stage);
    for (uint32_t i = 0; i < 4; i++) {
        stage_expect_alone(&stage, requests[i]);
        request_unref(requests[i]);
    }
}

/* The younger one waits for its turn to have its history in the plan, which keeps the older one out, but then there is
 * no block for it: the plan must not stay empty. That it has waited long and that the blocks go elsewhere is brought
 * about by force. */
Test(steps, passed_over_without_blocks_keeps_nobody_out)
{
    struct request_spec spec = stage_spec(0, 40, 10), other = stage_spec(50, 30, 10);
    struct request *older, *younger;
    struct kv_blocks *blocks;
    uint32_t taken[8], taken_count = 0;

    stage.limits.model_len_max = 64;
    stage.limits.group[0].block_count = 8;
    stage.tuning.history_max = 1; /* room for 64 tokens of history: not for both */
    stage_open(&stage);
    blocks = &stage.scheduler->cache.group[0].blocks;
    spec.presence_penalty = other.presence_penalty = 1.0f;
    older = stage_submit(&stage, &spec);
    stage_steps(&stage, 1);
    younger = stage_submit(&stage, &other);
    stage_steps(&stage, 1);
    cr_assert_eq(scheduler_stats(stage.scheduler).running, 2);
    cr_assert_eq(younger->logs[0].count, 0);
    stage.scheduler->running.at[1]->passed_over = 5;
    while (kv_blocks_available(blocks) > 0)
        taken[taken_count++] = kv_blocks_take(blocks);
    cr_assert(scheduler_step(stage.scheduler));
    cr_expect_eq(older->logs[0].count, 3);
    while (taken_count > 0)
        kv_blocks_unref(blocks, taken[--taken_count]);
    stage_drain(&stage);
    stage_expect_alone(&stage, older);
    stage_expect_alone(&stage, younger);
    request_unref(older);
    request_unref(younger);
}
