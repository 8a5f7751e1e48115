/* Sampling. Any worker with a scratch of its own.
 *
 * Candidates are three parallel arrays: id (ascending), distance below the maximum divided by the temperature, and
 * weight exp(-distance). min_p is a bound on the weight. top_k and top_p both ask for the shortest prefix of the
 * candidates, most probable first and lowest id first among equals, that reaches a total: of heads for top_k, of
 * weight for top_p. A radix select over the distances' bits finds where that prefix ends, without sorting and in
 * linear time whatever the logits are. */
#include "sample.h"

#include "random.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct candidates {
    uint32_t *ids;
    float *distances, *weights;
    uint32_t count;
    double *histogram;
};

void sample_scratch_layout(struct sample_scratch *scratch, struct arena *arena, uint32_t vocab_size)
{
    scratch->logits = arena_take(arena, vocab_size, sizeof(float));
    scratch->weights = arena_take(arena, vocab_size, sizeof(float));
    scratch->ids = arena_take(arena, vocab_size, sizeof(uint32_t));
    scratch->seen = arena_take(arena, vocab_size, sizeof(uint32_t));
    scratch->histogram = arena_take(arena, SAMPLE_BUCKETS, sizeof(double));
}

uint32_t sample_argmax(const struct kernels *kernels, const float *logits, uint32_t vocab_size)
{
    float maximum = kernels->maximum(logits, vocab_size);

    for (uint32_t i = 0; i < vocab_size; i++)
        if (logits[i] == maximum)
            return i;
    return 0;
}

/* vLLM's definitions: repetition divides positive and multiplies negative logits of every token seen in prompt or
 * output; frequency and presence subtract for tokens of the output. `seen` counts a token's appearances in the
 * output and marks those of the prompt, and is cleared where it is used. */
static void apply_penalties(float *logits, uint32_t *seen, const struct step_sample *sample, const uint32_t *history)
{
    const uint32_t in_prompt = UINT32_C(1) << 31;
    uint32_t count = sample->history_prompt + sample->history_output;

    for (uint32_t i = 0; i < sample->history_prompt; i++)
        seen[history[i]] |= in_prompt;
    for (uint32_t i = sample->history_prompt; i < count; i++)
        seen[history[i]]++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = history[i], output_count = seen[id] & ~in_prompt;
        float logit = logits[id];

        if (seen[id] == 0)
            continue; /* an earlier appearance has been through this */
        seen[id] = 0;
        logit = logit > 0 ? logit / sample->repetition_penalty : logit * sample->repetition_penalty;
        logit -= sample->frequency_penalty * (float)output_count;
        logit -= output_count > 0 ? sample->presence_penalty : 0.0f;
        logits[id] = fminf(logit, FLT_MAX);
    }
}

static void apply_biases(float *logits, const struct step_bias *biases, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        logits[biases[i].id] = fminf(logits[biases[i].id] + biases[i].value, FLT_MAX);
}

/* Distances are not negative, so their bits sort as they do. */
static uint32_t distance_key(float distance)
{
    uint32_t bits;

    memcpy(&bits, &distance, sizeof bits);
    return bits;
}

/* Cuts the candidates to the shortest prefix, by distance and then id, whose total reaches `target` > 0. */
static void keep_prefix(struct candidates *c, bool by_weight, double target)
{
    static const uint32_t digit_bits[] = {11, 10, 10}; /* the sign bit is never set */
    uint32_t shift = 31, prefix = 0, kept = 0;

    for (uint32_t level = 0; level < 3; level++) {
        uint32_t buckets = UINT32_C(1) << digit_bits[level], digit = 0, last_used = 0;

        memset(c->histogram, 0, buckets * sizeof *c->histogram);
        for (uint32_t i = 0; i < c->count; i++) {
            uint32_t key = distance_key(c->distances[i]);
            if (key >> shift == prefix)
                c->histogram[key >> (shift - digit_bits[level]) & (buckets - 1)] +=
                    by_weight ? (double)c->weights[i] : 1.0;
        }
        for (digit = 0; digit < buckets; digit++) {
            if (c->histogram[digit] > 0)
                last_used = digit;
            if (c->histogram[digit] >= target)
                break;
            target -= c->histogram[digit];
        }
        if (digit == buckets) { /* the target is the whole, and rounding left a little of it */
            digit = last_used;
            target += c->histogram[digit];
        }
        shift -= digit_bits[level];
        prefix = prefix << digit_bits[level] | digit;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t key = distance_key(c->distances[i]);

        if (key > prefix || (key == prefix && target <= 0))
            continue;
        if (key == prefix)
            target -= by_weight ? (double)c->weights[i] : 1.0;
        c->ids[kept] = c->ids[i];
        c->distances[kept] = c->distances[i];
        c->weights[kept] = c->weights[i];
        kept++;
    }
    c->count = kept;
}

static double weight_total(const struct candidates *c)
{
    double total = 0;

    for (uint32_t i = 0; i < c->count; i++)
        total += (double)c->weights[i];
    return total;
}

/* Inverse of the cumulative distribution in the order of ids. */
static uint32_t draw(const struct candidates *c, double unit)
{
    double left = unit * weight_total(c);

    for (uint32_t i = 0; i + 1 < c->count; i++) {
        left -= (double)c->weights[i];
        if (left < 0)
            return c->ids[i];
    }
    return c->ids[c->count - 1];
}

/* Fills the candidates with every token of some weight that min_p lets pass; the maximum always does. */
static void candidates_fill(struct candidates *c, const struct kernels *kernels, float *logits, uint32_t vocab_size,
                            float maximum, float temperature, float min_p)
{
    for (uint32_t i = 0; i < vocab_size; i++)
        logits[i] = (logits[i] - maximum) / temperature;
    kernels->exp_rows(logits, 0.0f, c->weights, vocab_size);
    c->count = 0;
    for (uint32_t i = 0; i < vocab_size; i++) {
        float weight = c->weights[i];

        if (weight > 0 && (weight >= min_p || logits[i] == 0)) {
            c->ids[c->count] = i;
            c->distances[c->count] = 0.0f - logits[i];
            c->weights[c->count] = weight;
            c->count++;
        }
    }
}

uint32_t sample_draw(const struct kernels *kernels, const struct step_plan *plan, const struct step_sample *sample,
                     const float *logits, uint32_t vocab_size, struct sample_scratch *scratch)
{
    struct candidates c = {scratch->ids, scratch->logits, scratch->weights, 0, scratch->histogram};
    float maximum;

    memcpy(scratch->logits, logits, vocab_size * sizeof *logits);
    apply_penalties(scratch->logits, scratch->seen, sample, step_history_const(plan) + sample->history_start);
    apply_biases(scratch->logits, step_biases_const(plan) + sample->bias_start, sample->bias_count);
    maximum = kernels->maximum(scratch->logits, vocab_size);
    if (sample->temperature == 0 || maximum == -INFINITY)
        return sample_argmax(kernels, scratch->logits, vocab_size);

    candidates_fill(&c, kernels, scratch->logits, vocab_size, maximum, sample->temperature, sample->min_p);
    if (sample->top_k != 0 && sample->top_k < c.count)
        keep_prefix(&c, false, sample->top_k);
    if (sample->top_p < 1)
        keep_prefix(&c, true, fmax((double)sample->top_p * weight_total(&c), DBL_MIN));
    return draw(&c, random_unit(sample->seed, sample->choice, sample->position));
}
