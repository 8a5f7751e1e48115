/* A scheduler over the fake engine, set up in one line, for tests of single behaviours. */
#ifndef STAGE_H
#define STAGE_H

#include "alone.h"
#include "fake_foundation.h"
#include "invariants.h"

#include <criterion/criterion.h>
#include <string.h>

struct stage {
    struct engine_limits limits;
    struct scheduler_options options;
    struct scheduler_tuning tuning;
    struct tokenizer tokenizer;
    struct fake_engine engine;
    struct scheduler *scheduler;
    uint64_t rows;          /* tokens that the engine computed */
    uint32_t progress_count;
};

static inline enum quire_status stage_engine(void *context, const struct step_plan *plan, struct step_result *result,
                                             struct quire_error *error)
{
    struct stage *stage = context;

    stage->rows += plan->count.tokens;
    return fake_engine_step(&stage->engine, plan, result, error);
}

static inline void stage_progress(void *context)
{
    ((struct stage *)context)->progress_count++;
}

/* 100 tokens of vocabulary, a context of 256, 8 sequences, 64 rows a step; change it before stage_open. */
static inline struct stage stage_default(void)
{
    return (struct stage){
        .limits = {.vocab_size = 100, .model_len_max = 256, .step_tokens_max = 64, .sequence_max = 8, .group_count = 1,
                   .group = {{.block_count = 64}}},
        .options = {.running_max = 8, .step_tokens_max = 64, .queue_max = 16, .prefix_cache = true},
        .tuning = {.hash_bits = 128, .key = {1, 2, 3}},
    };
}

static inline void stage_open(struct stage *stage)
{
    struct quire_error error = {{0}};

    fake_engine_init(&stage->engine, &stage->limits);
    stage->options.limits = &stage->limits;
    stage->options.tokenizer = &stage->tokenizer;
    stage->options.engine = (struct scheduler_engine){.context = stage, .step = stage_engine};
    stage->options.progress = stage_progress;
    stage->options.progress_context = stage;
    cr_assert_eq(scheduler_create_tuned(&stage->options, &stage->tuning, &stage->scheduler, &error), QUIRE_OK, "%s", error.message);
    stage->engine.scheduler = stage->scheduler;
}

static inline void stage_close(struct stage *stage)
{
    cr_expect_str_eq(stage->engine.problem, "");
    scheduler_destroy(stage->scheduler);
    fake_engine_deinit(&stage->engine);
}

/* A greedy request for `token_max` tokens after `prompt_tokens` that count up from `first`. */
static inline struct request_spec stage_spec(uint32_t first, uint32_t prompt_tokens, uint32_t token_max)
{
    static uint32_t prompts[8][256];
    static uint32_t turn;
    uint32_t *prompt = prompts[turn++ % 8];

    for (uint32_t i = 0; i < prompt_tokens; i++)
        prompt[i] = (first + i) % 100;
    return (struct request_spec){.id = "t", .prompt = prompt, .prompt_tokens = prompt_tokens, .choice_count = 1,
                                 .token_max = token_max, .top_p = 1.0f, .repetition_penalty = 1.0f};
}

static inline struct request *stage_submit(struct stage *stage, const struct request_spec *spec)
{
    struct quire_error error = {{0}};
    struct request *request = NULL;

    cr_assert_eq(request_create(spec, &request, &error), QUIRE_OK, "%s", error.message);
    cr_assert_eq(scheduler_submit(stage->scheduler, request, &error), QUIRE_OK, "%s", error.message);
    return request;
}

static inline enum quire_status stage_refusal(struct stage *stage, const struct request_spec *spec,
                                              struct quire_error *error)
{
    struct request *request = NULL;

    cr_assert_eq(request_create(spec, &request, NULL), QUIRE_OK);
    enum quire_status status = scheduler_submit(stage->scheduler, request, error);
    cr_expect(status == QUIRE_OK || request->reference_count == 1);
    request_unref(request);
    return status;
}

static inline void stage_steps(struct stage *stage, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        scheduler_step(stage->scheduler);
        cr_assert_null(invariants_broken(stage->scheduler), "%s", invariants_broken(stage->scheduler));
    }
}

static inline void stage_drain(struct stage *stage)
{
    for (uint32_t i = 0; scheduler_step(stage->scheduler); i++)
        cr_assert_lt(i, 100000, "it never drains");
    cr_assert_null(invariants_left_over(stage->scheduler), "%s", invariants_left_over(stage->scheduler));
}

/* The answer of each choice is the one that the request gets alone. */
static inline void stage_expect_alone(const struct stage *stage, const struct request *request)
{
    static struct alone_answer answer;

    for (uint32_t c = 0; c < request->spec.choice_count; c++) {
        const struct token_log *log = &request->logs[c];

        alone_run(&stage->limits, &stage->tokenizer, &request->spec, c, &answer);
        cr_expect_eq(log->finish, answer.finish, "finish is %u", log->finish);
        cr_assert_eq(log->count, answer.count);
        for (uint32_t i = 0; i < log->count; i++)
            cr_expect_eq(log->entries[i].id, answer.outputs[i].token.id, "choice %u token %u", c, i);
    }
}

#endif
