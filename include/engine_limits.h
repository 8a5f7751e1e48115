/* What an opened model offers: the numbers that scheduler and server need, and nothing of how the engine works. */
#ifndef QUIRE_ENGINE_LIMITS_H
#define QUIRE_ENGINE_LIMITS_H

#include "token.h"

#include <stddef.h>
#include <stdint.h>

struct engine_group_limits {
    uint32_t block_count;   /* ids 0 .. block_count - 1 */
    uint32_t window_tokens; /* 0: every position stays visible; else a position sees itself and window_tokens - 1 before it */
    size_t block_bytes;
};

struct engine_limits {
    uint32_t vocab_size;      /* width of the output; drawn ids are below it */
    uint32_t model_len_max;   /* most tokens of one sequence, prompt and output */
    uint32_t step_tokens_max; /* most rows of one step */
    uint32_t sequence_max;    /* most segments of one step */
    uint32_t group_count;     /* cache groups in use, <= STEP_GROUPS_MAX */
    struct engine_group_limits group[STEP_GROUPS_MAX];
    size_t weight_bytes, kv_bytes, activation_bytes; /* what was reserved */
    unsigned char fingerprint[16]; /* of the weights and the numeric class: salt of every prefix hash */
    char architecture[32];         /* "llama", "qwen2", ... for people */
    char kernels[32];              /* the row chosen, e.g. "avx512" */
    char weight_type[16];          /* "bf16", "f32", "q8" ... of the largest matrices */
    /* generation_config.json's defaults for requests that leave them out; NAN or 0 where unset */
    struct {
        float temperature, top_p, min_p, repetition_penalty; /* NAN: unset */
        uint32_t top_k;                                      /* 0: unset */
    } sampling;
};

#endif
