/* The engine: opens a model, tells its limits, turns a step_plan into tokens. Included by server/main.c and by tests. */
#ifndef QUIRE_ENGINE_H
#define QUIRE_ENGINE_H

#include "engine_limits.h"
#include "step.h"

#include <stdio.h>

struct engine;

struct engine_options {
    const char *model_path;        /* a directory or a .gguf file */
    const char *kernels;           /* NULL: the best that the processor has; else a row's name, e.g. "avx2" */
    uint32_t thread_count;         /* >= 1; the caller of engine_step is worker 0 */
    uint32_t model_len_max;        /* tokens of one sequence; 0: the model's own */
    uint32_t step_tokens_max;      /* rows of one step; 0: 512 */
    uint32_t sequence_max;         /* sequences of one step; 0: 256 */
    size_t memory_budget_bytes;    /* weights + KV pool + activations; 0: no bound */
    size_t kv_cache_bytes;         /* 0: what the budget leaves, at most what sequence_max full sequences need */
    /* Called while weights are read, at most some 50 times; may be NULL. */
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_context;
};

/* Reads and packs the weights, reserves all memory, starts the workers. Errors are one sentence that names the file, the
 * tensor or the field, and the numbers. QUIRE_BAD_FILE, QUIRE_UNSUPPORTED, QUIRE_NO_MEMORY, QUIRE_IO, QUIRE_NOT_FOUND. */
QUIRE_NODISCARD enum quire_status engine_open(const struct engine_options *options, struct engine **out,
                                              struct quire_error *error);
void engine_close(struct engine *engine); /* NULL is allowed */

const struct engine_limits *engine_limits(const struct engine *engine);

/* Computes one step. The plan is validated (a plan that breaks step.h's rules is QUIRE_INVALID and changes nothing); after
 * that it cannot fail. Allocates nothing. One thread at a time. */
QUIRE_NODISCARD enum quire_status engine_step(struct engine *engine, const struct step_plan *plan,
                                              struct step_result *result, struct quire_error *error);

/* `quire inspect`: prints what a directory, .gguf or .safetensors file holds, without packing weights. */
QUIRE_NODISCARD enum quire_status engine_inspect(const char *path, FILE *out, struct quire_error *error);

/* `quire bench`: measures the model and, in the same run, the machine's ceilings. */
QUIRE_NODISCARD enum quire_status engine_bench(const struct engine_options *options, bool json, FILE *out,
                                               struct quire_error *error);

#endif
