/* Tokens as results and as constraints: the few types that requests, limits and steps have in common. The server sees
 * these through request.h; it never includes step.h. */
#ifndef QUIRE_TOKEN_H
#define QUIRE_TOKEN_H

#include <stdint.h>

#define KV_BLOCK_TOKENS 16u       /* one AVX-512 register of f32 scores */
#define STEP_GROUPS_MAX 3u        /* cache groups of a model: full, window, cross */
#define STEP_TOP_MAX 20u          /* most alternatives an output can report */
#define STEP_NO_TOKEN UINT32_MAX

struct step_token {
    uint32_t id;
    float logprob; /* natural log, of the model's own distribution: before penalties, bias and temperature */
};

struct step_output { /* one per step_sample, in order */
    struct step_token token; /* drawn (STEP_SAMPLE) or the target (STEP_SCORE) */
    uint32_t rank;           /* 1 + number of tokens more probable */
    uint32_t top_count;      /* written to tops[index * STEP_TOP_MAX ...], most probable first, ties lowest id */
};

struct step_bias {
    uint32_t id;
    float value;
};

#endif
