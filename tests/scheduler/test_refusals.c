/* What is never accepted: each refusal gives its status and its numbers, and holds nothing. */
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

TestSuite(refusals, .init = open_stage, .fini = close_stage);

static void expect_refusal(const struct request_spec *spec, enum quire_status wanted, const char *number,
                           const char *other)
{
    struct quire_error error = {{0}};

    cr_expect_eq(stage_refusal(&stage, spec, &error), wanted, "%s", error.message);
    cr_expect_not_null(strstr(error.message, number), "%s", error.message);
    cr_expect_not_null(strstr(error.message, other), "%s", error.message);
}

Test(refusals, longer_than_the_context_says_both_numbers)
{
    struct request_spec spec = stage_spec(0, 200, 57);

    stage_open(&stage);
    expect_refusal(&spec, QUIRE_TOO_LONG, "257", "256");
    spec.token_max = 56;
    cr_expect_eq(stage_refusal(&stage, &spec, NULL), QUIRE_OK);
    spec.token_max = INT32_MAX;
    expect_refusal(&spec, QUIRE_TOO_LONG, "2147483647", "256");
}

Test(refusals, choices_need_not_fit_together)
{
    struct request_spec spec = stage_spec(0, 32, 33); /* 4 blocks for one choice, 2 + 8 * 2 for all */
    struct request *request;

    stage.limits.group[0].block_count = 4;
    stage_open(&stage);
    spec.choice_count = 8, spec.temperature = 1.0f;
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_gt(scheduler_stats(stage.scheduler).preemptions, 0);
    stage_expect_alone(&stage, request);
    request_unref(request);
    spec.choice_count = 1, spec.token_max = 34;
    expect_refusal(&spec, QUIRE_TOO_LONG, "5 blocks", "has 4");
}

Test(refusals, last_token_drawn_needs_no_slot)
{
    struct request_spec spec = stage_spec(0, 16, 17);

    stage.limits.group[0].block_count = 2;
    stage_open(&stage);
    cr_expect_eq(stage_refusal(&stage, &spec, NULL), QUIRE_OK);
    stage_drain(&stage);
    spec.token_max = 18;
    expect_refusal(&spec, QUIRE_TOO_LONG, "3 blocks", "has 2");
}

Test(refusals, window_needs_only_its_own_blocks)
{
    struct request_spec spec = stage_spec(0, 100, 100);
    struct request *request;

    stage.limits.group[0] = (struct engine_group_limits){.block_count = 3, .window_tokens = 20};
    stage_open(&stage);
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].count, 100);
    request_unref(request);
}

Test(refusals, more_choices_than_sequences)
{
    struct request_spec spec = stage_spec(0, 4, 4);

    stage_open(&stage);
    spec.choice_count = 9;
    expect_refusal(&spec, QUIRE_INVALID, "9", "8");
}

Test(refusals, tokens_that_do_not_exist)
{
    struct step_bias bias = {.id = 100, .value = 1.0f};
    struct request_spec spec = stage_spec(0, 4, 4);
    uint32_t prompt[] = {1, 2, 100};

    stage_open(&stage);
    spec.biases = &bias, spec.bias_count = 1;
    expect_refusal(&spec, QUIRE_INVALID, "100", "logit_bias");
    spec = stage_spec(0, 3, 4);
    spec.prompt = prompt;
    expect_refusal(&spec, QUIRE_INVALID, "prompt token 2 is 100", "100 tokens");
}

Test(refusals, full_queue_is_busy)
{
    struct request_spec spec = stage_spec(0, 4, 4);

    stage.options.queue_max = 2;
    stage_open(&stage);
    cr_expect_eq(stage_refusal(&stage, &spec, NULL), QUIRE_OK);
    cr_expect_eq(stage_refusal(&stage, &spec, NULL), QUIRE_OK);
    expect_refusal(&spec, QUIRE_BUSY, "2", "waiting");
    stage_steps(&stage, 1); /* both run now */
    cr_expect_eq(stage_refusal(&stage, &spec, NULL), QUIRE_OK);
}

Test(refusals, several_prompts_come_in_together_or_not_at_all)
{
    struct request_spec spec = stage_spec(0, 4, 4), too_long = stage_spec(0, 200, 57);
    struct request *requests[4];
    struct quire_error error = {{0}};

    stage.options.queue_max = 3;
    stage_open(&stage);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(request_create(i == 3 ? &too_long : &spec, &requests[i], NULL), QUIRE_OK);
    cr_expect_eq(scheduler_submit_all(stage.scheduler, requests, 4, &error), QUIRE_INVALID, "never all at once");
    cr_expect_not_null(strstr(error.message, "4 prompts"), "%s", error.message);
    cr_expect_not_null(strstr(error.message, "at most 3"), "%s", error.message);
    cr_expect_eq(scheduler_submit_all(stage.scheduler, requests + 1, 3, &error), QUIRE_TOO_LONG);
    cr_expect_eq(stage.scheduler->submissions.held_count, 0);
    cr_expect_eq(scheduler_submit_all(stage.scheduler, requests, 2, &error), QUIRE_OK);
    cr_expect_eq(scheduler_submit_all(stage.scheduler, requests + 1, 2, &error), QUIRE_BUSY);
    cr_expect_not_null(strstr(error.message, "2 requests"), "%s", error.message);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(requests[i]->reference_count, i < 2 ? 2 : 1);
    stage_drain(&stage);
    stage_expect_alone(&stage, requests[0]);
    stage_expect_alone(&stage, requests[1]);
    cr_expect_eq(requests[2]->logs[0].finish, FINISH_NONE);
    for (size_t i = 0; i < 4; i++)
        request_unref(requests[i]);
}

Test(refusals, stopped_scheduler_is_draining)
{
    struct request_spec spec = stage_spec(0, 4, 4);

    stage_open(&stage);
    scheduler_stop(stage.scheduler, true);
    expect_refusal(&spec, QUIRE_DRAINING, "shutting", "down");
}

Test(refusals, senseless_options)
{
    struct scheduler *none = NULL;
    struct quire_error error = {{0}};
    struct scheduler_options options;

    stage_open(&stage);
    options = stage.options;
    options.running_max = 0;
    cr_expect_eq(scheduler_create(&options, &none, &error), QUIRE_INVALID);
    cr_expect_str_not_empty(error.message);
    options = stage.options;
    stage.limits.group[0].block_count = 0;
    cr_expect_eq(scheduler_create(&options, &none, &error), QUIRE_INVALID);
    stage.limits.group[0].block_count = 64;
    stage.limits.model_len_max = UINT32_MAX;
    stage.limits.sequence_max = options.running_max = options.step_tokens_max = stage.limits.step_tokens_max = 1u << 16;
    cr_expect_neq(scheduler_create(&options, &none, &error), QUIRE_OK, "a plan of 64 TiB");
    options.step_tokens_max = stage.limits.step_tokens_max = UINT32_MAX;
    cr_expect_eq(scheduler_create(&options, &none, &error), QUIRE_LIMIT);
    cr_expect_not_null(strstr(error.message, "--max-num-batched-tokens"));
    cr_expect_null(none);
    stage.limits.sequence_max = stage.limits.model_len_max = 8;
}
