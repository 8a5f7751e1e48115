/* Sampling against hand-computed values and against the definitions written down with a sort. */
#include "model/random.h"
#include "model/sample.h"
#include "naive_kernels.h"
#include "plan_make.h"

#include <criterion/criterion.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB_MAX = 4096 };

static struct plan_maker maker;
static struct arena arena;
static struct sample_scratch scratch;

static void set_up(void)
{
    struct step_capacity capacity = {.tokens = 1, .segments = 1, .block_ids = 1, .copies = 1, .samples = 8,
                                     .biases = 64, .history = 256};
    struct arena measuring = arena_measuring();

    sample_scratch_layout(&scratch, &measuring, VOCAB_MAX);
    cr_assert_eq(arena_init(&arena, measuring.used, NULL), QUIRE_OK);
    sample_scratch_layout(&scratch, &arena, VOCAB_MAX);
    cr_assert_eq(plan_maker_init(&maker, &capacity, NULL), QUIRE_OK);
}

static void tear_down(void)
{
    plan_maker_deinit(&maker);
    arena_deinit(&arena);
}

TestSuite(sample, .init = set_up, .fini = tear_down);

static uint32_t draw(const struct step_sample *sample, const float *logits, uint32_t vocab_size)
{
    return sample_draw(&naive_kernels, maker.plan, sample, logits, vocab_size, &scratch);
}

/* How often each of `vocab_size` tokens is drawn over positions 0 .. draws - 1. */
static void count_draws(struct step_sample *sample, const float *logits, uint32_t vocab_size, uint32_t draws,
                        uint32_t *counts)
{
    memset(counts, 0, vocab_size * sizeof *counts);
    for (sample->position = 0; sample->position < draws; sample->position++)
        counts[draw(sample, logits, vocab_size)]++;
}

Test(sample, temperature_zero_takes_lowest_id_of_the_best)
{
    const float logits[] = {1, 5, 2, 5, 5};

    cr_assert_eq(draw(plan_add_greedy(maker.plan, 0), logits, 5), 1);
}

Test(sample, everything_forbidden_gives_token_zero)
{
    const float logits[] = {-INFINITY, -INFINITY, -INFINITY};
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    cr_assert_eq(draw(sample, logits, 3), 0);
    sample->temperature = 1;
    cr_assert_eq(draw(sample, logits, 3), 0);
}

Test(sample, bias_moves_and_forbids)
{
    const float logits[] = {1, 5, 2, 4};
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    plan_add_bias(maker.plan, sample, 2, 2.5f);
    cr_assert_eq(draw(sample, logits, 4), 1);
    plan_add_bias(maker.plan, sample, 1, -INFINITY);
    cr_assert_eq(draw(sample, logits, 4), 2); /* 2 + 2.5 > 4 */
}

/* The greedy choice tells between penalised logits: token 0 holds the expected value of token 1 plus or minus a
 * little. */
static void expect_penalised(struct step_sample *sample, float logit, float expected)
{
    const float below[] = {expected - 0.01f, logit}, above[] = {expected + 0.01f, logit};

    cr_assert_eq(draw(sample, below, 2), 1, "the penalised %g is less than %g", (double)logit, (double)expected);
    cr_assert_eq(draw(sample, above, 2), 0, "the penalised %g is more than %g", (double)logit, (double)expected);
}

Test(sample, repetition_penalty_covers_prompt_and_output)
{
    const uint32_t one[] = {1}, ones[] = {1, 1, 1};
    struct step_sample *prompt = plan_add_greedy(maker.plan, 0), *output = plan_add_greedy(maker.plan, 0);

    prompt->repetition_penalty = output->repetition_penalty = 1.5f;
    plan_add_history(maker.plan, prompt, ones, 3, NULL, 0);
    plan_add_history(maker.plan, output, NULL, 0, one, 1);
    expect_penalised(prompt, 3, 2);   /* 3 / 1.5, once however often it appears */
    expect_penalised(prompt, -2, -3); /* -2 * 1.5 */
    expect_penalised(output, 3, 2);
}

Test(sample, presence_and_frequency_count_output_only)
{
    const uint32_t ones[] = {1, 1, 1};
    struct step_sample *prompt = plan_add_greedy(maker.plan, 0), *output = plan_add_greedy(maker.plan, 0);

    prompt->presence_penalty = output->presence_penalty = 0.5f;
    prompt->frequency_penalty = output->frequency_penalty = 0.25f;
    plan_add_history(maker.plan, prompt, ones, 3, NULL, 0);
    plan_add_history(maker.plan, output, ones, 1, ones, 3);
    expect_penalised(prompt, 3, 3);
    expect_penalised(output, 3, 1.75f); /* 3 - 0.5 - 3 * 0.25 */
}

Test(sample, repetition_comes_before_the_subtractions)
{
    const uint32_t one[] = {1};
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    sample->repetition_penalty = 2;
    sample->presence_penalty = 1.5f;
    plan_add_history(maker.plan, sample, NULL, 0, one, 1);
    expect_penalised(sample, 2, -0.5f); /* 2 / 2 - 1.5 */
}

Test(sample, frequencies_follow_the_softmax_of_the_scaled_logits)
{
    enum { DRAWS = 40000 };
    const float logits[] = {0, 1, 2, -1, 0.5f};
    uint32_t counts[5];
    double total = 0, chi_square = 0;
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    sample->temperature = 0.7f;
    sample->seed = 99;
    count_draws(sample, logits, 5, DRAWS, counts);
    for (uint32_t i = 0; i < 5; i++)
        total += exp((double)logits[i] / 0.7);
    for (uint32_t i = 0; i < 5; i++) {
        double expected = DRAWS * exp((double)logits[i] / 0.7) / total;
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    cr_assert_lt(chi_square, 18.47, "chi square %g; 4 degrees of freedom, p = 0.001 at 18.47", chi_square);
}

Test(sample, top_k_keeps_exactly_k_with_ties_lowest_id)
{
    const float logits[] = {1, 3, 2, 2, 2, 0};
    uint32_t counts[6];
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    sample->temperature = 1;
    sample->top_k = 3;
    count_draws(sample, logits, 6, 2000, counts);
    cr_assert(counts[1] > 0 && counts[2] > 0 && counts[3] > 0);
    cr_assert_eq(counts[0] + counts[4] + counts[5], 0);
}

Test(sample, top_p_keeps_the_token_that_crosses)
{
    /* 0.5, 0.3, 0.15, 0.05 */
    const float logits[] = {logf(0.15f), logf(0.5f), logf(0.05f), logf(0.3f)};
    uint32_t counts[4];
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    sample->temperature = 1;
    sample->top_p = 0.6f;
    count_draws(sample, logits, 4, 2000, counts);
    cr_assert(counts[1] > 0 && counts[3] > 0);
    cr_assert_eq(counts[0] + counts[2], 0);
    sample->top_p = 0;
    count_draws(sample, logits, 4, 200, counts);
    cr_assert_eq(counts[1], 200);
}

Test(sample, min_p_is_relative_to_the_best)
{
    const float logits[] = {logf(0.15f), logf(0.5f), logf(0.05f), logf(0.3f)};
    uint32_t counts[4];
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    sample->temperature = 1;
    sample->min_p = 0.2f; /* 0.2 * 0.5 = 0.1 */
    count_draws(sample, logits, 4, 2000, counts);
    cr_assert(counts[0] > 0 && counts[1] > 0 && counts[3] > 0);
    cr_assert_eq(counts[2], 0);
    sample->min_p = 7;
    count_draws(sample, logits, 4, 100, counts);
    cr_assert_eq(counts[1], 100);
}

Test(sample, extreme_temperatures_and_logits_stay_in_range)
{
    const float temperatures[] = {1e-38f, 1e-45f, 1e-3f, 1e30f, FLT_MAX};
    const float logits[] = {FLT_MAX, -FLT_MAX, 0, -INFINITY, FLT_MAX};
    uint32_t counts[5];
    struct step_sample *sample = plan_add_greedy(maker.plan, 0);

    for (uint32_t i = 0; i < 5; i++) {
        sample->temperature = temperatures[i];
        count_draws(sample, logits, 5, 50, counts);
        cr_assert_eq(counts[3], 0);
    }
    sample->temperature = 1e-45f;
    count_draws(sample, logits, 5, 50, counts);
    cr_assert_eq(counts[0] + counts[4], 50);
}

/* ---- the definitions once more, with a sort and in double precision ---------------------------------------------- */

struct entry {
    uint32_t id;
    double logit, weight;
    bool kept;
};

static int by_logit(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->logit != y->logit ? (x->logit < y->logit ? 1 : -1) : (x->id < y->id ? -1 : 1);
}

static int by_id(const void *a, const void *b)
{
    return ((const struct entry *)a)->id < ((const struct entry *)b)->id ? -1 : 1;
}

/* Marks what is kept, in order of ids. Returns the distance of the nearest decision from its bound, relative to the
 * whole. */
static double sorted_filter(struct entry *entries, uint32_t count, const struct step_sample *sample)
{
    double total = 0, running = 0, margin = 1;
    uint32_t left = 0;

    qsort(entries, count, sizeof *entries, by_logit);
    for (uint32_t i = 0; i < count; i++) {
        entries[i].weight = exp((entries[i].logit - entries[0].logit) / (double)sample->temperature);
        entries[i].kept = entries[i].weight >= (double)sample->min_p && (sample->top_k == 0 || i < sample->top_k);
        margin = fmin(margin, fabs(entries[i].weight - (double)sample->min_p));
        if (entries[i].kept)
            total += entries[i].weight, left = i + 1;
    }
    for (uint32_t i = 0; i < left && sample->top_p < 1; i++) {
        entries[i].kept = i == 0 || running < (double)sample->top_p * total;
        margin = i == 0 ? margin : fmin(margin, fabs(running - (double)sample->top_p * total) / total);
        running += entries[i].weight;
    }
    qsort(entries, count, sizeof *entries, by_id);
    return margin;
}

static void compare_with_sort(uint32_t vocab_size, struct step_sample *sample, bool ties, uint32_t *compared)
{
    static float logits[VOCAB_MAX];
    static struct entry entries[VOCAB_MAX];
    double total = 0, below = 0, unit = random_unit(sample->seed, sample->choice, sample->position);
    uint32_t token;

    for (uint32_t i = 0; i < vocab_size; i++) {
        double value = 12 * random_unit(sample->seed + 1, i, 0) - 6;
        logits[i] = ties ? (float)(floor(value * 2) / 2) : (float)value;
        entries[i] = (struct entry){.id = i, .logit = (double)logits[i]};
    }
    if (sorted_filter(entries, vocab_size, sample) < 1e-6)
        return; /* too close to a bound for f32 to be held to it */
    token = draw(sample, logits, vocab_size);
    cr_assert(entries[token].kept, "token %u should have been cut (k %u, p %g, min %g)", token, sample->top_k,
              (double)sample->top_p, (double)sample->min_p);
    for (uint32_t i = 0; i < vocab_size; i++)
        total += entries[i].kept ? entries[i].weight : 0;
    for (uint32_t i = 0; i < token; i++)
        below += entries[i].kept ? entries[i].weight : 0;
    cr_assert(unit * total >= below - 1e-5 * total && unit * total <= below + entries[token].weight + 1e-5 * total,
              "%g of the mass is not where token %u lies (k %u, p %g, min %g)", unit, token, sample->top_k,
              (double)sample->top_p, (double)sample->min_p);
    ++*compared;
}

Test(sample, selection_agrees_with_sorting)
{
    static const uint32_t vocab_sizes[] = {1, 2, 3, 17, 200, VOCAB_MAX};
    static const uint32_t top_ks[] = {0, 1, 2, 5, 40, 5000};
    static const float top_ps[] = {1, 0.95f, 0.5f, 0.01f}, min_ps[] = {0, 0.01f, 0.3f};
    uint32_t compared = 0;

    for (uint32_t i = 0; i < 6 * 6 * 4 * 3 * 4; i++) {
        struct step_sample sample = {.temperature = i % 2 ? 1.3f : 0.4f, .top_k = top_ks[i / 12 % 6],
                                     .top_p = top_ps[i / 3 % 4], .min_p = min_ps[i % 3], .seed = i, .choice = i % 5,
                                     .position = i, .repetition_penalty = 1};
        compare_with_sort(vocab_sizes[i / 72 % 6], &sample, i / 432 % 2, &compared);
    }
    cr_assert_gt(compared, 1200, "only %u cases were compared", compared);
}

Test(sample, draw_is_repeatable_and_leaves_no_trace)
{
    const float logits[] = {1, 2, 3, 4, 5, 4, 3, 2};
    const uint32_t history[] = {4, 4, 3, 6};
    struct step_sample *plain = plan_add_greedy(maker.plan, 0), *penalised = plan_add_greedy(maker.plan, 0);

    plain->temperature = penalised->temperature = 1;
    penalised->frequency_penalty = 4;
    plan_add_history(maker.plan, penalised, history, 2, history + 1, 3);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t first;

        plain->position = penalised->position = i;
        first = draw(plain, logits, 8);
        draw(penalised, logits, 8);
        cr_assert_eq(draw(plain, logits, 8), first);
    }
    for (uint32_t i = 0; i < 8; i++)
        cr_assert_eq(scratch.seen[i], 0);
}
