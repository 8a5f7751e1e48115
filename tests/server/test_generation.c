/* server/generation.c on the real scheduler and a made-up engine: what a stream and a whole answer say when all goes
 * well, when the engine fails, and when the request is aborted. Uses stories260K's tokenizer, in which id 3 + b is the
 * byte b. */
#include "generation.h"
#include "step.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct tokenizer *tokenizer;
static struct scheduler *scheduler;
static struct engine_limits limits;
static struct served_model model;
static struct service service = {.model_name = "m", .version = "0"};
static uint64_t steps_until_failure;

/* Draws the letters of the alphabet by position; fails when told to. */
static enum quire_status fake_step(void *context, const struct step_plan *plan, struct step_result *result,
                                   struct quire_error *error)
{
    (void)context;
    if (steps_until_failure-- == 0)
        return quire_fail(error, QUIRE_IO, "the engine is on fire");
    result->output_count = plan->count.samples;
    for (uint32_t i = 0; i < plan->count.samples; i++) {
        const struct step_sample *sample = &step_samples_const(plan)[i];
        uint32_t id = sample->kind == STEP_SCORE ? sample->target : 3u + 'a' + sample->position % 26;
        step_outputs(result)[i] = (struct step_output){.token = {id, -0.25f}, .rank = 1, .top_count = 0};
    }
    return QUIRE_OK;
}

static void setup(void)
{
    const char *shared = getenv("QUIRE_SHARED");
    struct quire_error error = {0};
    char path[1024];

    snprintf(path, sizeof path, "%s/data/models/stories260K-hf", shared != NULL ? shared : ".");
    if (tokenizer_open(path, &tokenizer, &error) != QUIRE_OK) {
        fprintf(stderr, "skipped: no stories260K (%s)\n", error.message);
        return;
    }
    limits = (struct engine_limits){.vocab_size = 512, .model_len_max = 64, .step_tokens_max = 64, .sequence_max = 8,
                                    .group_count = 1, .group = {{.block_count = 64, .block_bytes = 64}}};
    limits.sampling.temperature = limits.sampling.top_p = limits.sampling.min_p = NAN;
    limits.sampling.repetition_penalty = NAN;
    steps_until_failure = UINT64_MAX;
    const struct scheduler_options options = {.limits = &limits, .engine = {.step = fake_step}, .tokenizer = tokenizer,
                                              .running_max = 8, .step_tokens_max = 64, .queue_max = 2};
    cr_assert_eq(scheduler_create(&options, &scheduler, &error), QUIRE_OK, "%s", error.message);
    model = (struct served_model){.scheduler = scheduler, .tokenizer = tokenizer, .limits = &limits};
}

static void teardown(void)
{
    if (tokenizer == NULL)
        return;
    while (scheduler_step(scheduler)) {
    }
    cr_expect_eq(scheduler_stats(scheduler).blocks_used, 0);
    scheduler_stop(scheduler, false);
    scheduler_destroy(scheduler);
    tokenizer_close(tokenizer);
}

TestSuite(generation, .init = setup, .fini = teardown);

/* A started generation for the prompt "x" and these fields; NULL with `error` filled. */
static struct generation *start(enum endpoint endpoint, const char *body, struct api_error *error)
{
    struct request_fields fields;
    struct generation *generation;
    struct text_run run = {"x", 1, true};
    struct quire_error cause;

    cr_assert(request_fields_parse(body, strlen(body), endpoint, &fields, error), "%s", error->message);
    generation = generation_create(&service, &model, endpoint, &fields, 1, error);
    cr_assert_not_null(generation, "%s", error->message);
    cr_assert_eq(tokenizer_encode(tokenizer, &run, 1, true, &generation->prompts[0].ids, &cause), QUIRE_OK);
    if (!generation_start(generation, &fields, error)) {
        generation_destroy(generation);
        generation = NULL;
    }
    request_fields_deinit(&fields);
    return generation;
}

static void expect_in(const struct json_out *out, const char *part)
{
    cr_expect_not_null(memmem(out->text.bytes, out->text.count, part, strlen(part)), "%s is not in %.*s", part,
                       (int)out->text.count, out->text.bytes);
}

#define REQUIRE_TOKENIZER()                                   \
    if (tokenizer == NULL)                                    \
    cr_skip_test("no stories260K: set QUIRE_SHARED")

Test(generation, stream_tells_each_step_once)
{
    REQUIRE_TOKENIZER();
    struct api_error error;
    struct generation *generation = start(ENDPOINT_CHAT, "{\"max_tokens\":3,\"stream\":true}", &error);
    struct json_out out = {0};
    int rounds = 0;

    cr_assert(generation_write_stream(generation, &out)); /* the role, before any token */
    expect_in(&out, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
    while (!generation->ended && rounds++ < 20) {
        json_out_clear(&out);
        cr_expect_not(generation_has_news(generation));
        scheduler_step(scheduler);
        if (!generation_has_news(generation))
            continue;
        cr_assert(generation_write_stream(generation, &out));
        if (out.text.count > 0) /* a byte token may be held back */
            cr_assert_eq(strncmp(out.text.bytes, "data: {\"id\":\"chatcmpl-", 22), 0);
    }
    expect_in(&out, "\"finish_reason\":\"length\"");
    cr_assert_gt(out.text.count, 14);
    cr_expect_eq(memcmp(out.text.bytes + out.text.count - 14, "data: [DONE]\n\n", 14), 0);
    json_out_deinit(&out);
    generation_destroy(generation);
}

Test(generation, engine_failure_is_an_error_event_and_a_500)
{
    REQUIRE_TOKENIZER();
    for (int streamed = 0; streamed < 2; streamed++) {
        struct api_error error;
        struct generation *generation = start(
            ENDPOINT_COMPLETIONS, streamed ? "{\"max_tokens\":9,\"stream\":true}" : "{\"max_tokens\":9}", &error);
        struct json_out out = {0};

        steps_until_failure = 2;
        while (scheduler_step(scheduler)) {
        }
        steps_until_failure = UINT64_MAX;
        cr_assert(generation_finished(generation));
        if (streamed) {
            cr_assert(generation_write_stream(generation, &out));
            expect_in(&out, "data: {\"error\":{\"message\":\"the engine is on fire\"");
            expect_in(&out, "data: [DONE]\n\n");
            cr_expect(generation->ended);
        } else {
            cr_expect_not(generation_write_reply(generation, &out, &error));
            cr_expect_eq(error_http_status(error.kind), 500);
            cr_expect_str_eq(error.message, "the engine is on fire");
        }
        json_out_deinit(&out);
        generation_destroy(generation);
    }
}

Test(generation, destroying_cancels_what_runs)
{
    REQUIRE_TOKENIZER();
    struct api_error error;
    struct generation *generation = start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":50,\"n\":4,\"ignore_eos\":true}", &error);

    for (int i = 0; i < 5; i++)
        cr_assert(scheduler_step(scheduler));
    cr_expect_gt(scheduler_stats(scheduler).blocks_used, 0);
    generation_destroy(generation);
    scheduler_step(scheduler); /* within one step */
    cr_expect_eq(scheduler_stats(scheduler).running, 0);
    cr_expect_eq(scheduler_stats(scheduler).blocks_used, 0);
}

Test(generation, abort_by_another_is_told)
{
    REQUIRE_TOKENIZER();
    struct api_error error;
    struct generation *generation = start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":50}", &error);
    struct json_out out = {0};

    scheduler_step(scheduler);
    scheduler_cancel(scheduler, generation->prompts[0].request);
    while (scheduler_step(scheduler)) {
    }
    cr_expect_not(generation_write_reply(generation, &out, &error));
    cr_expect_eq(error.kind, ERROR_DRAINING);
    json_out_deinit(&out);
    generation_destroy(generation);
}

Test(generation, full_queue_leaves_nothing_behind)
{
    REQUIRE_TOKENIZER();
    struct api_error error;
    struct generation *first = start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":2}", &error);
    struct generation *second = start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":2}", &error);

    cr_assert_not_null(first);
    cr_assert_not_null(second);
    cr_expect_null(start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":2}", &error));
    cr_expect_eq(error.kind, ERROR_BUSY);
    generation_destroy(first);
    generation_destroy(second);
}

Test(generation, too_many_choices_and_too_long_are_refused_with_their_field)
{
    REQUIRE_TOKENIZER();
    struct api_error error;

    cr_expect_null(start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":2,\"n\":9}", &error));
    cr_expect_str_eq(error.param, "n");
    cr_expect_null(start(ENDPOINT_COMPLETIONS, "{\"max_tokens\":64}", &error));
    cr_expect_eq(error.kind, ERROR_CONTEXT_LENGTH);
    cr_expect_str_eq(error.param, "max_tokens");
}

Test(generation, answers_beyond_the_bound_are_refused_and_defaults_stay_below_it)
{
    REQUIRE_TOKENIZER();
    static const struct {
        enum endpoint endpoint;
        const char *body, *param; /* NULL: fits */
    } rows[] = {
        {ENDPOINT_CHAT, "{\"n\":4}", NULL},
        {ENDPOINT_CHAT, "{\"logprobs\":true,\"top_logprobs\":20}", NULL},
        {ENDPOINT_CHAT, "{\"logprobs\":true,\"top_logprobs\":20,\"n\":8}", NULL},
        {ENDPOINT_CHAT, "{\"logprobs\":true,\"top_logprobs\":20,\"max_tokens\":131000}", "top_logprobs"},
        {ENDPOINT_CHAT, "{\"logprobs\":true,\"n\":8,\"max_tokens\":131000}", "n"},
        {ENDPOINT_CHAT, "{\"max_tokens\":131000,\"n\":8,\"stream\":true,\"logprobs\":true}", "n"},
        {ENDPOINT_COMPLETIONS, "{\"max_tokens\":131000,\"n\":8}", NULL},
        {ENDPOINT_COMPLETIONS, "{\"max_tokens\":131000,\"logprobs\":20}", "logprobs"},
    };

    struct engine_limits long_limits = limits; /* the scheduler keeps its own: it refuses what passes the bound */

    long_limits.model_len_max = 131072;
    model.limits = &long_limits;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct api_error error = {0};
        struct generation *generation = start(rows[i].endpoint, rows[i].body, &error);

        cr_expect_null(generation, "%s", rows[i].body);
        cr_expect_eq(error.kind, rows[i].param == NULL ? ERROR_CONTEXT_LENGTH : ERROR_INVALID_VALUE, "%s: %s",
                     rows[i].body, error.message);
        if (rows[i].param != NULL)
            cr_expect_str_eq(error.param, rows[i].param);
    }
}
