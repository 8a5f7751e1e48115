/* How answers end: length, stops, cancels, errors, scores, the scheduler's own end. */
#include "stage.h"

#include <sys/mman.h>

static uint32_t unmapped; /* logs given back: the linker leads munmap through here */

int __real_munmap(void *memory, size_t bytes);
int __wrap_munmap(void *memory, size_t bytes);

int __wrap_munmap(void *memory, size_t bytes)
{
    unmapped++;
    return __real_munmap(memory, bytes);
}

static struct stage stage;

static void open_stage(void)
{
    stage = stage_default();
}

static void close_stage(void)
{
    stage_close(&stage);
}

TestSuite(endings, .init = open_stage, .fini = close_stage);

/* What the greedy request draws as its token `index`. */
static uint32_t drawn(const struct request_spec *spec, uint32_t index)
{
    static struct alone_answer answer;

    alone_run(&stage.limits, &stage.tokenizer, spec, 0, &answer);
    cr_assert_gt(answer.count, index);
    return answer.outputs[index].token.id;
}

Test(endings, eos_is_an_entry_and_named)
{
    struct request_spec spec = stage_spec(0, 10, 30);
    struct request *request;
    uint32_t eos = drawn(&spec, 5);

    stage.tokenizer = (struct tokenizer){.eos = {eos}, .eos_count = 1};
    stage_open(&stage);
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].finish, FINISH_STOP);
    cr_expect_leq(request->logs[0].count, 6);
    cr_expect_eq(request->logs[0].entries[request->logs[0].count - 1].id, eos);
    cr_expect_eq(request->logs[0].stop_token, eos);
    cr_expect_eq(request->logs[0].text_final_bytes, UINT64_MAX);
    request_unref(request);
}

Test(endings, ignored_eos_does_not_end_but_a_stop_id_does)
{
    struct request_spec spec = stage_spec(0, 10, 30);
    uint32_t eos = drawn(&spec, 2), stop = drawn(&spec, 9);
    struct request *request;

    cr_assert_neq(eos, stop);
    stage.tokenizer = (struct tokenizer){.eos = {eos}, .eos_count = 1};
    stage_open(&stage);
    spec.ignore_eos = true;
    spec.stop_ids = &stop, spec.stop_id_count = 1;
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].finish, FINISH_STOP);
    cr_expect_gt(request->logs[0].count, 3);
    cr_expect_eq(request->logs[0].stop_token, stop);
    request_unref(request);
}

Test(endings, nothing_ends_before_token_min)
{
    struct request_spec spec = stage_spec(0, 10, 30);
    struct request *request;
    uint32_t eos = drawn(&spec, 1);

    stage.tokenizer = (struct tokenizer){.eos = {eos}, .eos_count = 1};
    stage_open(&stage);
    spec.token_min = 12;
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_geq(request->logs[0].count, 12);
    for (uint32_t i = 0; i < 12; i++)
        cr_expect_neq(request->logs[0].entries[i].id, eos);
    stage_expect_alone(&stage, request);
    request_unref(request);
}

Test(endings, cancel_acts_within_a_step_in_every_state)
{
    struct request_spec spec = stage_spec(0, 150, 30), other = stage_spec(50, 20, 30);
    struct request *waiting, *prefilling, *decoding;

    stage.options.running_max = 2, stage.options.step_tokens_max = 20;
    stage_open(&stage);
    decoding = stage_submit(&stage, &other);
    stage_steps(&stage, 3);
    prefilling = stage_submit(&stage, &spec);
    spec = stage_spec(70, 20, 4);
    waiting = stage_submit(&stage, &spec);
    stage_steps(&stage, 2);
    cr_assert_eq(scheduler_stats(stage.scheduler).running, 2);
    cr_assert_eq(scheduler_stats(stage.scheduler).waiting, 1);
    cr_assert_eq(prefilling->logs[0].count, 0);

    uint32_t before = decoding->logs[0].count;
    struct request *all[] = {waiting, prefilling, decoding};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t progress = stage.progress_count;

        scheduler_cancel(stage.scheduler, all[i]);
        stage_steps(&stage, 1);
        cr_expect_eq(all[i]->logs[0].finish, FINISH_CANCELLED, "state %u", i);
        cr_expect_eq(all[i]->reference_count, 1);
        cr_expect_eq(stage.progress_count, progress + 1);
        request_unref(i == 2 ? NULL : all[i]);
    }
    cr_expect_eq(decoding->logs[0].count, before + 2, "it ran while the others were cancelled");
    request_unref(decoding);
    cr_expect_null(invariants_left_over(stage.scheduler));
}

Test(endings, engine_failure_ends_its_requests_and_the_next_ones_live)
{
    struct request_spec spec = stage_spec(0, 20, 10);
    struct request *failed, *fine;

    stage_open(&stage);
    spec.choice_count = 3;
    failed = stage_submit(&stage, &spec);
    stage_steps(&stage, 2);
    stage.engine.fail_next = true;
    stage_steps(&stage, 1);
    for (uint32_t c = 0; c < 3; c++) {
        cr_expect_eq(failed->logs[c].finish, FINISH_ERROR);
        cr_expect_eq(failed->logs[c].count, 2);
    }
    cr_expect_str_not_empty(failed->failure.message);
    cr_expect_eq(failed->reference_count, 1);
    fine = stage_submit(&stage, &spec);
    stage_drain(&stage);
    stage_expect_alone(&stage, fine);
    request_unref(failed);
    request_unref(fine);
}

Test(endings, prompt_is_scored_without_drawing)
{
    struct request_spec spec = stage_spec(0, 100, 0);
    static struct step_output wanted[100];
    static struct step_token wanted_tops[200];

    stage.options.step_tokens_max = 7;
    stage_open(&stage);
    spec.prompt_scores = true, spec.top_count = 2, spec.choice_count = 2;
    alone_scores(&stage.limits, &spec, wanted, wanted_tops);
    for (uint32_t round = 0; round < 2; round++) { /* the second one must not skip what the first one cached */
        struct request *request = stage_submit(&stage, &spec);

        stage_drain(&stage);
        cr_expect_eq(request->logs[0].finish, FINISH_LENGTH);
        cr_expect_eq(request->logs[1].finish, FINISH_LENGTH);
        cr_expect_eq(request->logs[0].count, 0);
        cr_expect_eq(request->cached_tokens, 0);
        cr_expect_arr_eq(request->prompt_outputs + 1, wanted + 1, 99 * sizeof wanted[0]);
        cr_expect_arr_eq(request->prompt_tops + 2, wanted_tops + 2, 99 * 2 * sizeof wanted_tops[0]);
        request_unref(request);
    }
}

Test(endings, one_token_prompt_is_scored_at_once)
{
    struct request_spec spec = stage_spec(0, 1, 0);
    struct request *request;

    stage_open(&stage);
    spec.prompt_scores = true;
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].finish, FINISH_LENGTH);
    request_unref(request);
}

Test(endings, stop_string_across_tokens_ends_the_text_before_it)
{
    /* Tokens spell a, b, ab, ba, c, aab, "", bca, cc by id modulo 9: whatever is drawn soon holds one of these. */
    const struct request_bytes stops[] = {{"ab", 2}, {"cb", 2}, {"ca", 2}, {"bb", 2}};
    struct request_spec spec = stage_spec(0, 10, 30);
    struct alone_answer answer;
    struct request *request;

    stage_open(&stage);
    spec.stops = stops, spec.stop_count = 4;
    alone_run(&stage.limits, &stage.tokenizer, &spec, 0, &answer);
    cr_assert_eq(answer.finish, FINISH_STOP);
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].finish, FINISH_STOP);
    cr_expect_eq(request->logs[0].count, answer.count);
    cr_expect_eq(request->logs[0].text_final_bytes, answer.text_final_bytes);
    cr_expect_eq(request->logs[0].text_safe_bytes, answer.text_final_bytes);
    cr_expect_eq(request->logs[0].stop_index, answer.stop_index);
    cr_expect_eq(request->logs[0].stop_token, STEP_NO_TOKEN);
    request_unref(request);
}

/* With token_min 5 the sixth token is the first whose text can end the answer, as in vLLM. */
Test(endings, stop_string_in_the_text_of_the_first_tokens_is_passed_by)
{
    const struct request_bytes stops[] = {{"a", 1}, {"b", 1}, {"c", 1}}; /* whatever has text holds one */
    struct request_spec spec = stage_spec(0, 10, 30);
    struct alone_answer plain;
    struct request *request;
    uint32_t wanted = 0;

    stage_open(&stage);
    alone_run(&stage.limits, &stage.tokenizer, &spec, 0, &plain);
    for (uint32_t i = 5; i < 30 && wanted == 0; i++) {
        const char *before, *tail;

        fake_piece(plain.outputs[i - 1].token.id, false, &before);
        if (*fake_piece(plain.outputs[i].token.id, false, &tail) != '\0' || *before != '\0')
            wanted = i + 1;
    }
    spec.stops = stops, spec.stop_count = 3, spec.token_min = 5;
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(request->logs[0].finish, FINISH_STOP);
    cr_expect_eq(request->logs[0].count, wanted);
    stage_expect_alone(&stage, request);
    request_unref(request);
}

Test(endings, metrics_count_each_request_once)
{
    struct request_spec spec = stage_spec(0, 10, 5);
    struct request *request, *cancelled;

    stage_open(&stage);
    memset(fake_metric_counts, 0, sizeof fake_metric_counts);
    spec.choice_count = 3;
    request = stage_submit(&stage, &spec);
    stage_drain(&stage);
    cr_expect_eq(fake_metric_counts[METRIC_REQUESTS_LENGTH], 1);
    cr_expect_eq(fake_metric_counts[METRIC_TIME_TO_FIRST_TOKEN], 1);
    cr_expect_eq(fake_metric_counts[METRIC_INTER_TOKEN_LATENCY], 3 * 4);
    cr_expect_eq(fake_metric_counts[METRIC_E2E_LATENCY], 1);
    cr_expect_eq(fake_metric_counts[METRIC_PROMPT_TOKENS_SEEN], 1);
    cr_expect_eq(fake_metric_counts[METRIC_OUTPUT_TOKENS_SEEN], 1);
    cr_expect_eq(scheduler_stats(stage.scheduler).prompt_tokens, 10);
    cr_expect_eq(scheduler_stats(stage.scheduler).generation_tokens, 15);
    cancelled = stage_submit(&stage, &spec);
    scheduler_cancel(stage.scheduler, cancelled);
    stage_steps(&stage, 1);
    cr_expect_eq(fake_metric_counts[METRIC_REQUESTS_ABORT], 1);
    cr_expect_eq(fake_metric_counts[METRIC_REQUESTS_LENGTH], 1);
    request_unref(request);
    request_unref(cancelled);
}

/* When the clients have gone the logs are the scheduler's to free, but not the step thread's: it may take
 * milliseconds. */
Test(endings, step_thread_does_not_free_what_others_left_to_it)
{
    struct request_spec spec = stage_spec(0, 10, 5);
    struct request *gone[4], *next;

    stage_open(&stage);
    for (uint32_t i = 0; i < 4; i++)
        gone[i] = stage_submit(&stage, &spec);
    stage_steps(&stage, 1);
    scheduler_cancel(stage.scheduler, gone[0]);
    unmapped = 0;
    for (uint32_t i = 0; i < 4; i++)
        request_unref(gone[i]);
    stage_steps(&stage, 1);
    stage.engine.fail_next = true;
    stage_drain(&stage);
    cr_expect_eq(unmapped, 0, "a step gave memory back");
    next = stage_submit(&stage, &spec);
    cr_expect_eq(unmapped, 4, "the next to come did not");
    stage_drain(&stage);
    request_unref(next);
    cr_expect_eq(unmapped, 5);
}

Test(endings, destroy_cancels_what_is_left)
{
    struct request_spec spec = stage_spec(0, 10, 50);
    struct request *running, *queued;

    stage_open(&stage);
    running = stage_submit(&stage, &spec);
    stage_steps(&stage, 2);
    queued = stage_submit(&stage, &spec);
    scheduler_stop(stage.scheduler, false);
    scheduler_destroy(stage.scheduler);
    stage.scheduler = NULL;
    cr_expect_eq(running->logs[0].finish, FINISH_CANCELLED);
    cr_expect_eq(running->logs[0].count, 2);
    cr_expect_eq(queued->logs[0].finish, FINISH_CANCELLED);
    cr_expect_eq(running->reference_count + queued->reference_count, 2);
    request_unref(running);
    request_unref(queued);
}
