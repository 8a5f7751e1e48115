/* Opens a model and runs steps. engine_open and engine_close: main thread; engine_step: the step thread, which is
 * worker 0 of the engine's pool. All memory is reserved in engine_open, in this order: sizes are computed first and
 * put against the budget, then weights are read. */
#include "engine_private.h"

#include "generation_config.h"
#include "log.h"
#include "memory_plan.h"
#include "plan_check.h"

#include <stdlib.h>
#include <string.h>

#define STEP_TOKENS_DEFAULT 512u
#define SEQUENCE_DEFAULT 256u
#define STEP_TOKENS_LIMIT (1u << 20) /* counts of rows times a model's widths stay far from any overflow below */
#define NUMERIC_CLASS "f32-fma-1"    /* of our own kernels, whose rows agree bit for bit; new bits are a new class */

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static enum quire_status fill_limits(struct engine *engine, const struct engine_options *options,
                                     struct quire_error *error)
{
    const struct arch *arch = &engine->arch;
    struct engine_limits *limits = &engine->limits;
    uint32_t positions_max = arch->position.kind == POSITION_LEARNED ? arch->position.learned_count : UINT32_MAX / 2;

    limits->vocab_size = arch->vocab_size;
    limits->model_len_max = options->model_len_max != 0 ? options->model_len_max : arch->position_max;
    limits->step_tokens_max = options->step_tokens_max != 0 ? options->step_tokens_max : STEP_TOKENS_DEFAULT;
    limits->sequence_max = options->sequence_max != 0 ? options->sequence_max : SEQUENCE_DEFAULT;
    if (limits->model_len_max == 0 || limits->model_len_max > positions_max)
        return quire_fail(error, QUIRE_INVALID, "a model length of %u tokens was asked for, the model has %u positions",
                          limits->model_len_max, positions_max);
    if (limits->step_tokens_max > STEP_TOKENS_LIMIT || limits->sequence_max > STEP_TOKENS_LIMIT)
        return quire_fail(error, QUIRE_INVALID, "steps of %u tokens and %u sequences were asked for, allowed are %u",
                          limits->step_tokens_max, limits->sequence_max, STEP_TOKENS_LIMIT);
    if (limits->model_len_max > arch->position_max)
        log_event(LOG_WARNING, "model_length_beyond_training", "tokens=%u trained=%u", limits->model_len_max,
                  arch->position_max);
    limits->group_count = 1;
    limits->group[0].block_bytes = program_block_bytes(arch);
    /* Blocks may be given back only where no layer sees them any more. */
    limits->group[0].window_tokens = arch->attention.window_first_layer == 0 ? arch->attention.window_tokens : 0;
    snprintf(limits->architecture, sizeof limits->architecture, "%s", arch->family);
    snprintf(limits->kernels, sizeof limits->kernels, "%s", engine->kernels->name);
    return generation_config_read(options->model_path, limits, error);
}

/* FNV-1a over bytes, into the two halves of the fingerprint with a different start each. */
static void fingerprint_mix(unsigned char fingerprint[16], const void *bytes, size_t count)
{
    uint64_t half[2];

    memcpy(half, fingerprint, sizeof half);
    for (size_t i = 0; i < count; i++)
        for (uint32_t h = 0; h < 2; h++)
            half[h] = (half[h] ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    memcpy(fingerprint, half, sizeof half);
}

/* Of everything that decides the bits of keys and values: contents, numeric class, and what the configuration adds. */
static void fill_fingerprint(struct engine *engine)
{
    const struct arch *arch = &engine->arch;
    unsigned char *fingerprint = engine->limits.fingerprint;
    const char *class = strcmp(engine->kernels->name, "openblas") == 0 ? engine->kernels->name : NUMERIC_CLASS;

    memcpy(fingerprint, engine->weights.fingerprint, sizeof engine->limits.fingerprint);
    fingerprint_mix(fingerprint, class, strlen(class));
    fingerprint_mix(fingerprint, &arch->norm.epsilon, sizeof arch->norm.epsilon);
    fingerprint_mix(fingerprint, &arch->attention.scale, sizeof arch->attention.scale);
    fingerprint_mix(fingerprint, &arch->attention.window_tokens, sizeof arch->attention.window_tokens);
    if (arch->position.kind == POSITION_ROPE) {
        const struct arch_rope *rope = &arch->position.rope;
        fingerprint_mix(fingerprint, &rope->attention_factor, sizeof rope->attention_factor);
        fingerprint_mix(fingerprint, rope->inverse_frequency, rope->dims / 2 * sizeof *rope->inverse_frequency);
    }
}

static const char *weight_type(const struct weights *weights)
{
    static const char *const names[MATRIX_FORMAT_COUNT] = {
        [MATRIX_F32] = "f32", [MATRIX_F16] = "f16", [MATRIX_BF16] = "bf16", [MATRIX_I8] = "q8"};

    return names[weights->layers[0].ffn_in.format];
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

/* Everything that comes from the arena, in one place: run once to measure and once to cut. */
static void cut_arena(struct engine *engine, struct arena *arena, uint32_t worker_count)
{
    const struct engine_limits *limits = &engine->limits;

    program_layout(&engine->program, arena, &engine->arch);
    forward_layout(&engine->forward, arena, &engine->arch, limits->step_tokens_max, limits->sequence_max, worker_count);
    output_layout(&engine->output, arena, &engine->arch, limits->step_tokens_max, worker_count);
}

/* Computes what everything will take, and how many KV blocks the budget allows. */
static enum quire_status plan_memory(struct engine *engine, const struct engine_options *options,
                                     const struct model_file *file, struct quire_error *error)
{
    struct engine_limits *limits = &engine->limits;
    struct arena measuring = arena_measuring();
    enum quire_status status = weights_measure(file, &engine->arch, &limits->weight_bytes, error);

    if (status != QUIRE_OK)
        return status;
    cut_arena(engine, &measuring, options->thread_count);
    if (measuring.overflowed || limits->group[0].block_bytes == SIZE_MAX)
        return quire_fail(error, QUIRE_NO_MEMORY, "%s: the model's sizes exceed the address space",
                          options->model_path);
    limits->activation_bytes = measuring.used;
    status = memory_plan_blocks(&(struct memory_request){.budget_bytes = options->memory_budget_bytes,
                                                         .kv_cache_bytes = options->kv_cache_bytes,
                                                         .weight_bytes = limits->weight_bytes,
                                                         .activation_bytes = limits->activation_bytes,
                                                         .block_bytes = limits->group[0].block_bytes,
                                                         .model_len_max = limits->model_len_max,
                                                         .sequence_max = limits->sequence_max},
                                &limits->group[0].block_count, error);
    limits->kv_bytes = limits->group[0].block_count * limits->group[0].block_bytes;
    return status;
}

static enum quire_status reserve_memory(struct engine *engine, struct quire_error *error)
{
    struct engine_limits *limits = &engine->limits;
    enum quire_status status = arena_init(&engine->arena, limits->activation_bytes, error);

    if (status != QUIRE_OK)
        return status;
    cut_arena(engine, &engine->arena, worker_pool_count(engine->pool));
    engine->kv_pool = pages_map(limits->kv_bytes);
    if (engine->kv_pool == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "the system refused %zu bytes for the KV cache", limits->kv_bytes);
    return QUIRE_OK;
}

static enum quire_status open_model(struct engine *engine, const struct engine_options *options,
                                    const struct model_file *file, struct quire_error *error)
{
    enum quire_status status = arch_from_file(file, options->model_len_max, &engine->arch, error);

    if (status == QUIRE_OK)
        status = fill_limits(engine, options, error);
    if (status == QUIRE_OK)
        status = plan_memory(engine, options, file, error);
    if (status == QUIRE_OK)
        status = worker_pool_create(options->thread_count, &engine->pool, error);
    if (status == QUIRE_OK)
        status = reserve_memory(engine, error);
    if (status == QUIRE_OK)
        status = weights_load(file, &engine->arch, engine->pool, options->progress, options->progress_context,
                              &engine->weights, error);
    if (status != QUIRE_OK)
        return status;

    program_compile(&engine->program, &engine->arch, &engine->weights, engine->kernels, engine->kv_pool);
    engine->forward.program = &engine->program;
    engine->forward.pool = engine->pool;
    engine->output.forward = &engine->forward;
    snprintf(engine->limits.weight_type, sizeof engine->limits.weight_type, "%s", weight_type(&engine->weights));
    fill_fingerprint(engine);
    if (options->memory_budget_bytes != 0 || options->kv_cache_bytes != 0) /* without a bound nothing is promised */
        reserve_start(&engine->reserve, engine->kv_pool, engine->limits.kv_bytes);
    return QUIRE_OK;
}

enum quire_status engine_open(const struct engine_options *options, struct engine **out, struct quire_error *error)
{
    struct engine *engine = calloc(1, sizeof *engine);
    struct model_file *file = NULL;
    enum quire_status status;

    if (engine == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the engine");
    status = kernels_select(options->kernels, &engine->kernels, error);
    if (status == QUIRE_OK)
        status = model_file_open(options->model_path, &file, error);
    if (status == QUIRE_OK)
        status = open_model(engine, options, file, error);
    model_file_close(file);
    if (status != QUIRE_OK) {
        engine_close(engine);
        return status;
    }
    *out = engine;
    return QUIRE_OK;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL)
        return;
    reserve_stop(&engine->reserve);
    worker_pool_destroy(engine->pool);
    if (engine->weights.mapping != NULL)
        weights_unload(&engine->weights);
    pages_unmap(engine->kv_pool, engine->limits.kv_bytes);
    arena_deinit(&engine->arena);
    arch_deinit(&engine->arch);
    free(engine);
}

const struct engine_limits *engine_limits(const struct engine *engine)
{
    return &engine->limits;
}

/* ---- step -------------------------------------------------------------------------------------------------------- */

enum quire_status engine_step(struct engine *engine, const struct step_plan *plan, struct step_result *result,
                              struct quire_error *error)
{
    enum quire_status status = plan_check(&engine->limits, plan, result, error);

    if (status != QUIRE_OK)
        return status;
    forward_run(&engine->forward, plan);
    output_run(&engine->output, plan, result);
    return QUIRE_OK;
}
