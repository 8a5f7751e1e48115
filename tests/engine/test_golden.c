/* Every family against transformers (tests/fixtures/models, made by make_model_fixtures.py): log-probabilities
 * within 1e-4 at every position, and the same bits however the rows are cut into steps, whoever shares a step,
 * however many threads run and whichever kernels compute. */
#include "session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 320, TOP = 5 };
#define TOLERANCE 1e-4

struct scores { /* zeroed before use, so that memcmp compares bits */
    struct step_output outputs[TOKENS_MAX];
    struct step_token tops[TOKENS_MAX][TOP];
};

struct golden {
    const char *model;
    uint32_t tokens[TOKENS_MAX], count;
    const json_t *json; /* of the case */
};

/* Adds rows [from, to) of the golden sequence to the plan, and samples for all of them; the last position has no
 * next token and is drawn greedily. */
static void add_rows(struct session *session, const struct golden *golden, uint32_t from, uint32_t to)
{
    struct step_plan *plan = session->maker.plan;
    uint32_t row = session_add(session, 0, from, golden->tokens + from, to - from);

    for (uint32_t i = from; i < to; i++, row++) {
        bool last = i + 1 == golden->count;
        struct step_sample *sample =
            last ? plan_add_greedy(plan, row) : plan_add_score(plan, row, golden->tokens[i + 1]);
        sample->top_count = TOP;
    }
}

/* Takes the results of rows [from, to); theirs are the plan's first samples. */
static void keep_scores(struct session *session, uint32_t from, uint32_t to, struct scores *scores)
{
    struct step_result *result = session->maker.result;

    for (uint32_t i = from; i < to; i++) {
        scores->outputs[i] = step_outputs(result)[i - from];
        memcpy(scores->tops[i], step_tops(result, i - from), sizeof scores->tops[i]);
    }
}

static void open_golden(struct session *session, const struct golden *golden, const char *kernels, uint32_t threads)
{
    uint32_t model_len_max = (uint32_t)json_integer_value(json_object_get(golden->json, "model_len_max"));
    char path[1024];

    snprintf(path, sizeof path, "%s", fixture_path(golden->model));
    session_open(session, &(struct engine_options){.model_path = path,
                                                   .kernels = kernels,
                                                   .thread_count = threads,
                                                   .model_len_max = model_len_max});
}

/* The whole sequence in steps of `chunk` rows. */
static void score_in_chunks(const struct golden *golden, const char *kernels, uint32_t threads, uint32_t chunk,
                            struct scores *scores)
{
    struct session session;

    memset(scores, 0, sizeof *scores);
    open_golden(&session, golden, kernels, threads);
    for (uint32_t from = 0; from < golden->count; from += chunk) {
        uint32_t to = from + chunk < golden->count ? from + chunk : golden->count;

        plan_clear(session.maker.plan);
        add_rows(&session, golden, from, to);
        session_step(&session);
        keep_scores(&session, from, to, scores);
    }
    session_close(&session);
}

/* In pieces of changing size, each in a step with up to seven strangers that score and draw for themselves. */
static void score_among_strangers(const struct golden *golden, struct scores *scores)
{
    uint32_t position[SESSION_SEQUENCES] = {0}, random = 12345, ids[16];
    struct session session;

    memset(scores, 0, sizeof *scores);
    open_golden(&session, golden, NULL, 2);
    for (uint32_t from = 0, to; from < golden->count; from = to) {
        plan_clear(session.maker.plan);
        random = random * 1664525 + 1013904223;
        to = from + 1 + (random >> 16) % 40;
        to = to < golden->count ? to : golden->count;
        add_rows(&session, golden, from, to);
        for (uint32_t i = 1; i < SESSION_SEQUENCES && session.tables[i] != NULL; i++) {
            uint32_t count = 1 + (random >> (8 + i)) % 16, row;

            if (position[i] + count > golden->count)
                continue;
            for (uint32_t j = 0; j < count; j++)
                ids[j] = (random >> j) % 40;
            row = session_add(&session, i, position[i], ids, count);
            plan_add_greedy(session.maker.plan, row)->temperature = 1;
            position[i] += count;
        }
        session_step(&session);
        keep_scores(&session, from, to, scores);
    }
    session_close(&session);
}

static void expect_near(const struct golden *golden, uint32_t position, const char *what, float got, double expected)
{
    cr_assert(fabs((double)got - expected) <= TOLERANCE, "%s, position %u: %s is %f, transformers says %f",
              golden->model, position, what, (double)got, expected);
}

static void compare_with_reference(const struct golden *golden, const struct scores *scores)
{
    const json_t *logprobs = json_object_get(golden->json, "logprobs");
    const json_t *top_ids = json_object_get(golden->json, "top_ids");
    const json_t *top_logprobs = json_object_get(golden->json, "top_logprobs");

    for (uint32_t i = 0; i < golden->count; i++) {
        if (i + 1 < golden->count)
            expect_near(golden, i, "the next token's log-probability", scores->outputs[i].token.logprob,
                        json_real_value(json_array_get(logprobs, i)));
        cr_assert_eq(scores->outputs[i].top_count, TOP);
        for (uint32_t j = 0; j < TOP; j++) {
            const json_t *row = json_array_get(top_logprobs, i);
            double expected = json_real_value(json_array_get(row, j)), gap = 1;

            expect_near(golden, i, "an alternative's log-probability", scores->tops[i][j].logprob, expected);
            for (uint32_t k = 0; k < TOP; k++)
                gap = k == j ? gap : fmin(gap, fabs(expected - json_real_value(json_array_get(row, k))));
            if (gap > 2 * TOLERANCE && j + 1 < TOP) /* the sixth may be as near as it likes */
                cr_assert_eq(scores->tops[i][j].id, json_integer_value(json_array_get(json_array_get(top_ids, i), j)),
                             "%s, position %u: alternative %u", golden->model, i, j);
        }
    }
}

static void expect_same(const struct golden *golden, const struct scores *a, const struct scores *b, const char *what)
{
    for (uint32_t i = 0; i < golden->count; i++)
        cr_assert(memcmp(&a->outputs[i], &b->outputs[i], sizeof a->outputs[i]) == 0 &&
                      memcmp(a->tops[i], b->tops[i], sizeof a->tops[i]) == 0,
                  "%s, position %u: %s changed the bits (%.9g, %.9g)", golden->model, i, what,
                  (double)a->outputs[i].token.logprob, (double)b->outputs[i].token.logprob);
}

static void check_case(const char *model, const json_t *json)
{
    static struct golden golden;
    static struct scores reference, other;
    const struct kernels *kernels;
    static const char *const names[] = {"scalar", "avx2", "avx512"};

    golden = (struct golden){.model = model, .json = json};
    golden.count = load_ids(json_object_get(json, "tokens"), golden.tokens, TOKENS_MAX);
    score_in_chunks(&golden, NULL, 1, TOKENS_MAX, &reference);
    compare_with_reference(&golden, &reference);

    score_in_chunks(&golden, NULL, 1, 7, &other);
    expect_same(&golden, &reference, &other, "prefill in chunks of 7");
    score_in_chunks(&golden, NULL, 1, 1, &other);
    expect_same(&golden, &reference, &other, "decoding token by token");
    score_among_strangers(&golden, &other);
    expect_same(&golden, &reference, &other, "company");
    score_in_chunks(&golden, NULL, 2, 64, &other);
    expect_same(&golden, &reference, &other, "a second thread");
    score_in_chunks(&golden, NULL, 4, TOKENS_MAX, &other);
    expect_same(&golden, &reference, &other, "four threads");
    for (uint32_t i = 0; i < 3; i++) {
        if (kernels_select(names[i], &kernels, NULL) != QUIRE_OK)
            continue; /* this processor lacks them */
        score_in_chunks(&golden, names[i], 2, 50, &other);
        expect_same(&golden, &reference, &other, names[i]);
    }

    /* Other sums, so other bits, but always the same. */
    score_in_chunks(&golden, "openblas", 1, TOKENS_MAX, &reference);
    compare_with_reference(&golden, &reference);
    score_in_chunks(&golden, "openblas", 2, 7, &other);
    expect_same(&golden, &reference, &other, "prefill in chunks of 7 with OpenBLAS");
    score_in_chunks(&golden, "openblas", 2, 1, &other);
    expect_same(&golden, &reference, &other, "decoding token by token with OpenBLAS");
}

static void check_model(const char *model, const char *golden)
{
    char name[256];
    json_t *cases;

    snprintf(name, sizeof name, "%s.golden.json", golden);
    cases = load_json(fixture_path(name));
    cr_assert_gt(json_array_size(cases), 0);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(model, json_array_get(cases, i));
    json_decref(cases);
}

#define GOLDEN(test_name, model, reference)                  \
    Test(golden, test_name, .timeout = 120)                 \
    {                                                       \
        check_model(model, reference);                      \
    }
GOLDEN(llama, "llama", "llama")
GOLDEN(llama_biased_and_tied, "llama-biased", "llama-biased")
GOLDEN(llama_bf16, "llama-mha-bf16", "llama-mha-bf16")
GOLDEN(llama_f16, "llama-f16", "llama-f16")
GOLDEN(llama_rope_parameters, "llama-mqa-parameters", "llama-mqa-parameters")
GOLDEN(llama_gguf, "llama-gguf.gguf", "llama")
GOLDEN(llama_bf16_gguf, "llama-bf16-gguf.gguf", "llama-mha-bf16")
GOLDEN(llama_quantized, "llama-quantized.gguf", "llama-quantized")
GOLDEN(rope_linear, "rope-linear", "rope-linear")
GOLDEN(rope_dynamic, "rope-dynamic", "rope-dynamic")
GOLDEN(rope_yarn, "rope-yarn", "rope-yarn")
GOLDEN(rope_longrope, "rope-longrope", "rope-longrope")
GOLDEN(rope_llama3, "rope-llama3", "rope-llama3")
GOLDEN(rope_llama3_gguf, "rope-llama3-gguf.gguf", "rope-llama3")
GOLDEN(mistral_window, "mistral", "mistral")
GOLDEN(qwen2_sharded, "qwen2", "qwen2")
GOLDEN(qwen2_window_of_some_layers, "qwen2-window", "qwen2-window")
GOLDEN(qwen2_gguf, "qwen2-gguf.gguf", "qwen2")
GOLDEN(qwen3, "qwen3", "qwen3")
GOLDEN(gpt2, "gpt2", "gpt2")
GOLDEN(gpt2_gguf, "gpt2-gguf.gguf", "gpt2")
