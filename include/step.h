/* step_plan -> step_result: the only data between scheduler and engine.
 *
 * Both are one flat buffer each without pointers (offsets from the buffer's start), so that a plan can be logged, replayed
 * and one day broadcast. The scheduler owns both buffers, lays them out once for fixed capacities and fills them anew for each
 * step; the engine only reads the plan and only writes the result.
 *
 * There is no prefill and no decode: a segment is a run of consecutive known tokens of one sequence whose keys and
 * values are not yet in the cache; the engine computes them all and gives an output for each row that asks for one. */
#ifndef QUIRE_STEP_H
#define QUIRE_STEP_H

#include "status.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEP_NO_BLOCK UINT32_MAX  /* table entry of a block that slid out of the window */
#define STEP_NO_SLOT UINT32_MAX

enum step_segment_kind { STEP_DECODER, STEP_ENCODER, STEP_PREFIX };

/* Segments follow one another in the order of their rows and cover all rows of the plan. */
struct step_segment {
    uint32_t kind;
    uint32_t token_start, token_count;      /* rows [start, start + count) of the plan's tokens; count >= 1 */
    uint32_t position;                      /* of the first row; the others follow */
    uint32_t table_start[STEP_GROUPS_MAX];  /* into block_ids: entry i holds positions [16 i, 16 i + 16) */
    uint32_t table_blocks[STEP_GROUPS_MAX]; /* covers position + token_count - 1; 0 for an unused group */
    uint32_t state_slot;                    /* recurrent models; STEP_NO_SLOT */
    uint32_t adapter;                       /* 0: none */
};

/* Copies whole blocks before anything else is computed (copy-on-write). Source and target never overlap in one step. */
struct step_copy {
    uint32_t group, from, to;
};

enum step_sample_kind {
    STEP_SAMPLE, /* draw the next token after `row` */
    STEP_SCORE,  /* report the log-probability of `target` after `row`; nothing is drawn */
};

/* One output wanted. Several may name one row (n > 1 after a shared prompt). */
struct step_sample {
    uint32_t kind;
    uint32_t row;       /* index into the plan's tokens */
    uint32_t target;    /* STEP_SCORE: the token to score, else STEP_NO_TOKEN */
    uint32_t top_count; /* alternatives to report, <= STEP_TOP_MAX */
    /* Random numbers are a pure function of (seed, choice, position of the drawn token). */
    uint64_t seed;
    uint32_t choice;
    uint32_t position;
    /* temperature 0 is greedy (ties: lowest id). Order: penalties, bias, temperature, min_p, top_k, top_p. */
    float temperature, top_p, min_p;
    uint32_t top_k; /* 0: off */
    /* Penalties (vLLM's definitions): repetition over prompt and output, presence and frequency over output only. */
    float presence_penalty, frequency_penalty, repetition_penalty;
    uint32_t history_start;  /* into history: prompt ids, then output ids; both counts 0 unless a penalty is on */
    uint32_t history_prompt, history_output;
    uint32_t bias_start, bias_count; /* into biases; -INFINITY forbids a token (min_tokens, ignore_eos) */
    uint32_t mask;                   /* constrained decoding; 0: none */
};

/* What one step can hold: fixed at start. */
struct step_capacity {
    uint32_t tokens, segments, block_ids, copies, samples, biases, history;
};

struct step_plan {
    uint64_t step_index;
    uint32_t bytes; /* of the whole buffer */
    struct step_capacity capacity;
    struct step_capacity count; /* in use */
    struct step_capacity at;    /* byte offset of each array */
};

struct step_result {
    uint32_t bytes;
    uint32_t output_max, output_count;
    uint32_t outputs_at, tops_at; /* byte offsets */
};

/* ---- layout ------------------------------------------------------------------------------------------------------ */

#define STEP_ARRAY(type, name)                                                        \
    static inline type *step_##name(struct step_plan *plan)                           \
    {                                                                                 \
        return (type *)(void *)((char *)plan + plan->at.name);                        \
    }                                                                                 \
    static inline const type *step_##name##_const(const struct step_plan *plan)       \
    {                                                                                 \
        return (const type *)(const void *)((const char *)plan + plan->at.name);      \
    }
STEP_ARRAY(uint32_t, tokens)
STEP_ARRAY(struct step_segment, segments)
STEP_ARRAY(uint32_t, block_ids)
STEP_ARRAY(struct step_copy, copies)
STEP_ARRAY(struct step_sample, samples)
STEP_ARRAY(struct step_bias, biases)
STEP_ARRAY(uint32_t, history)
#undef STEP_ARRAY

static inline struct step_output *step_outputs(struct step_result *result)
{
    return (struct step_output *)(void *)((char *)result + result->outputs_at);
}

/* The alternatives of output `index`: STEP_TOP_MAX places, of which outputs[index].top_count are filled. */
static inline struct step_token *step_tops(struct step_result *result, uint32_t index)
{
    return (struct step_token *)(void *)((char *)result + result->tops_at) + (size_t)index * STEP_TOP_MAX;
}

static inline size_t step_align(size_t bytes)
{
    return (bytes + 63u) & ~(size_t)63u;
}

/* Bytes of a plan for `capacity`; with `plan` not NULL also writes its header (counts 0). */
static inline size_t step_plan_layout(const struct step_capacity *capacity, struct step_plan *plan)
{
    struct step_capacity at;
    size_t end = step_align(sizeof(struct step_plan));

    at.tokens = (uint32_t)end,    end = step_align(end + (size_t)capacity->tokens * sizeof(uint32_t));
    at.segments = (uint32_t)end,  end = step_align(end + (size_t)capacity->segments * sizeof(struct step_segment));
    at.block_ids = (uint32_t)end, end = step_align(end + (size_t)capacity->block_ids * sizeof(uint32_t));
    at.copies = (uint32_t)end,    end = step_align(end + (size_t)capacity->copies * sizeof(struct step_copy));
    at.samples = (uint32_t)end,   end = step_align(end + (size_t)capacity->samples * sizeof(struct step_sample));
    at.biases = (uint32_t)end,    end = step_align(end + (size_t)capacity->biases * sizeof(struct step_bias));
    at.history = (uint32_t)end,   end = step_align(end + (size_t)capacity->history * sizeof(uint32_t));
    if (plan != NULL)
        *plan = (struct step_plan){.bytes = (uint32_t)end, .capacity = *capacity, .at = at};
    return end;
}

/* Bytes of a result for `output_max` outputs; with `result` not NULL also writes its header. */
static inline size_t step_result_layout(uint32_t output_max, struct step_result *result)
{
    size_t outputs_at = step_align(sizeof(struct step_result));
    size_t tops_at = step_align(outputs_at + (size_t)output_max * sizeof(struct step_output));
    size_t end = step_align(tops_at + (size_t)output_max * STEP_TOP_MAX * sizeof(struct step_token));

    if (result != NULL)
        *result = (struct step_result){.bytes = (uint32_t)end,
                                       .output_max = output_max,
                                       .outputs_at = (uint32_t)outputs_at,
                                       .tops_at = (uint32_t)tops_at};
    return end;
}

#endif
