/* The engine as a whole on the tiny models: memory, copies, windows, refusals, sampling among others. */
#include "bench.h"
#include "session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- allocations: the linker leads every call here (see meson.build) --------------------------------------------- */

static _Atomic uint64_t allocation_count;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);

void *__wrap_malloc(size_t bytes)
{
    allocation_count++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    allocation_count++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    allocation_count++;
    return __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    allocation_count++;
    return __real_aligned_alloc(alignment, bytes);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    allocation_count++;
    return __real_mmap(at, bytes, protection, flags, file, offset);
}

static struct session open_model(const char *name, uint32_t threads)
{
    struct session session;
    char path[1024];

    snprintf(path, sizeof path, "%s", fixture_path(name));
    session_open(&session, &(struct engine_options){.model_path = path, .thread_count = threads});
    return session;
}

static void make_ids(uint32_t *ids, uint32_t count, uint32_t seed)
{
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (i * 31 + seed * 17 + i / 3) % 50;
}

Test(engine, steps_allocate_nothing)
{
    struct session session = open_model("llama", 3);
    uint32_t ids[64];
    uint64_t before;

    make_ids(ids, 64, 1);
    cr_assert_gt(allocation_count, 0, "the counter does not count");
    before = allocation_count;
    for (uint32_t step = 0; step < 4; step++) {
        plan_clear(session.maker.plan);
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t row = session_add(&session, i, step * 16, ids + step * 16, 16);
            struct step_sample *sample = plan_add_greedy(session.maker.plan, row + 15);
            sample->temperature = 0.8f;
            sample->top_k = 10;
            sample->top_p = 0.9f;
            sample->top_count = 20;
            plan_add_score(session.maker.plan, row, 3);
        }
        session_step(&session);
    }
    cr_assert_eq(allocation_count, before, "%lu allocations", (unsigned long)(allocation_count - before));
    session_close(&session);
}

/* The next token's distribution after `ids` of sequence 0, computed at once. */
static struct step_output plain_output(struct session *session, const uint32_t *ids, uint32_t count)
{
    plan_clear(session->maker.plan);
    plan_add_greedy(session->maker.plan, session_add(session, 0, 0, ids, count) + count - 1);
    session_step(session);
    return step_outputs(session->maker.result)[0];
}

Test(engine, copied_blocks_continue_as_the_original)
{
    struct session session = open_model("llama", 2);
    uint32_t ids[40], prefix = 21;
    struct step_output expected, got;

    make_ids(ids, 40, 2);
    expected = plain_output(&session, ids, 40);
    plan_clear(session.maker.plan);
    session_add(&session, 1, 0, ids, prefix);
    session_step(&session);
    plan_clear(session.maker.plan); /* a fork: the full block is shared, the begun one copied */
    session.tables[2][0] = session.tables[1][0];
    plan_add_copy(session.maker.plan, session.tables[1][1], session.tables[2][1]);
    plan_add_greedy(session.maker.plan, session_add(&session, 2, prefix, ids + prefix, 40 - prefix) + 40 - prefix - 1);
    session_step(&session);
    got = step_outputs(session.maker.result)[0];
    cr_assert(memcmp(&expected, &got, sizeof got) == 0);
    session_close(&session);
}

Test(engine, blocks_out_of_the_window_are_not_needed)
{
    struct session session = open_model("mistral", 2); /* window 21 */
    uint32_t ids[100];
    struct step_output expected, got;

    cr_assert_eq(engine_limits(session.engine)->group[0].window_tokens, 21);
    make_ids(ids, 100, 3);
    expected = plain_output(&session, ids, 100);
    plan_clear(session.maker.plan);
    session_add(&session, 1, 0, ids, 90);
    session_step(&session);
    plan_clear(session.maker.plan);
    for (uint32_t i = 0; i < (90 - 20) / KV_BLOCK_TOKENS; i++) /* row 90 sees 70 and later */
        session.tables[1][i] = STEP_NO_BLOCK;
    plan_add_greedy(session.maker.plan, session_add(&session, 1, 90, ids + 90, 10) + 9);
    session_step(&session);
    got = step_outputs(session.maker.result)[0];
    cr_assert(memcmp(&expected, &got, sizeof got) == 0);
    session_close(&session);
}

Test(engine, window_of_some_layers_keeps_all_blocks)
{
    struct session session = open_model("qwen2-window", 1);

    cr_assert_eq(engine_limits(session.engine)->group[0].window_tokens, 0);
    session_close(&session);
}

Test(engine, several_samples_of_one_row_differ_by_choice_alone)
{
    struct session session = open_model("llama", 2);
    uint32_t ids[8], different = 0;
    const struct step_output *outputs = step_outputs(session.maker.result);

    make_ids(ids, 8, 4);
    plan_clear(session.maker.plan);
    session_add(&session, 0, 0, ids, 8);
    for (uint32_t i = 0; i < 40; i++) {
        struct step_sample *sample = plan_add_greedy(session.maker.plan, 7);
        sample->temperature = 2;
        sample->seed = 5;
        sample->choice = i / 2;
        sample->position = 8;
        sample->top_count = 3;
    }
    session_step(&session);
    cr_assert_eq(session.maker.result->output_count, 40);
    for (uint32_t i = 0; i < 40; i += 2) {
        cr_assert_eq(outputs[i].token.id, outputs[i + 1].token.id);
        cr_assert(memcmp(step_tops(session.maker.result, 0), step_tops(session.maker.result, i), 3 * 8) == 0);
        different += outputs[i].token.id != outputs[0].token.id;
    }
    cr_assert_gt(different, 5, "choices repeat each other");
    session_close(&session);
}

Test(engine, outputs_tell_rank_and_alternatives_of_the_raw_distribution)
{
    struct session session = open_model("gpt2", 1);
    uint32_t ids[5];
    struct step_sample *sample;
    const struct step_output *outputs = step_outputs(session.maker.result);
    const struct step_token *tops;
    double mass = 0;

    make_ids(ids, 5, 5);
    plan_clear(session.maker.plan);
    session_add(&session, 0, 0, ids, 5);
    for (uint32_t id = 0; id < 83; id++) /* the whole vocabulary is scored */
        plan_add_score(session.maker.plan, 4, id);
    sample = plan_add_greedy(session.maker.plan, 4);
    sample->top_count = STEP_TOP_MAX;
    plan_add_bias(session.maker.plan, sample, 42, 1000); /* decides the draw, not the log-probability */
    session_step(&session);
    tops = step_tops(session.maker.result, 83);
    for (uint32_t id = 0; id < 83; id++) {
        uint32_t rank = 1;

        mass += exp((double)outputs[id].token.logprob);
        for (uint32_t other = 0; other < 83; other++)
            rank += outputs[other].token.logprob > outputs[id].token.logprob;
        cr_assert_eq(outputs[id].token.id, id);
        cr_assert_eq(outputs[id].rank, rank);
        if (rank <= STEP_TOP_MAX) {
            cr_assert_eq(tops[rank - 1].id, id);
            cr_assert_eq(tops[rank - 1].logprob, outputs[id].token.logprob);
        }
    }
    cr_assert_float_eq(mass, 1, 1e-5);
    cr_assert_eq(outputs[83].token.id, 42);
    cr_assert_eq(outputs[83].token.logprob, outputs[42].token.logprob);
    session_close(&session);
}

/* A plan of several tiles of the output head: samples in the order of their rows are looked at once, and in any other
 * order they give the same. */
Test(engine, order_of_samples_changes_no_output)
{
    enum { EACH = 50, ROWS = 2 * EACH };
    struct session session = open_model("llama", 2);
    const struct step_output *outputs = step_outputs(session.maker.result);
    struct step_output ordered[ROWS];
    uint32_t ids[EACH], looks = 0;

    make_ids(ids, EACH, 9);
    for (uint32_t turn = 0; turn < 2; turn++) {
        plan_clear(session.maker.plan);
        session_add(&session, 0, 0, ids, EACH);
        session_add(&session, 1, 0, ids, EACH);
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t row = turn == 0 ? i : (i * 37 + 5) % ROWS;
            plan_add_score(session.maker.plan, row, row % 83);
        }
        session_step(&session);
        for (uint32_t t = 0; turn == 0 && t < (ROWS + OUTPUT_TILE_ROWS - 1) / OUTPUT_TILE_ROWS; t++)
            looks += session.engine->output.tiles[t].sample_end - session.engine->output.tiles[t].sample_first;
        for (uint32_t i = 0; i < ROWS; i++) {
            if (turn == 0)
                ordered[i] = outputs[i];
            else
                cr_assert(memcmp(&ordered[(i * 37 + 5) % ROWS], &outputs[i], sizeof outputs[i]) == 0, "sample %u", i);
            cr_assert_lt(outputs[i].token.logprob, 0);
        }
    }
    cr_assert_eq(looks, ROWS);
    session_close(&session);
}

Test(engine, weights_that_are_not_numbers_cannot_crash_it)
{
    struct session session = open_model("llama", 2);
    float norm[28] = {NAN}; /* the weights themselves are read-only */
    uint32_t ids[8];
    struct step_sample *sample;
    const struct step_output *outputs = step_outputs(session.maker.result);

    make_ids(ids, 8, 6);
    session.engine->program.final_norm.weight = norm;
    plan_clear(session.maker.plan);
    session_add(&session, 0, 0, ids, 8);
    plan_add_greedy(session.maker.plan, 7);
    sample = plan_add_greedy(session.maker.plan, 7);
    sample->temperature = 1;
    sample->top_p = 0.5f;
    sample->top_k = 3;
    sample->top_count = 5;
    session_step(&session);
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_eq(outputs[i].token.id, 0);
        cr_assert_eq(outputs[i].token.logprob, -INFINITY);
    }
    session_close(&session);
}

Test(engine, broken_plan_is_refused_and_changes_nothing)
{
    struct session session = open_model("llama", 1);
    struct quire_error error = {""};
    uint32_t ids[4];

    make_ids(ids, 4, 7);
    plan_clear(session.maker.plan);
    plan_add_greedy(session.maker.plan, session_add(&session, 0, 0, ids, 4));
    step_tokens(session.maker.plan)[2] = 83;
    session.maker.result->output_count = 77;
    cr_assert_eq(engine_step(session.engine, session.maker.plan, session.maker.result, &error), QUIRE_INVALID);
    cr_assert(strstr(error.message, "83") != NULL, "%s", error.message);
    cr_assert_eq(session.maker.result->output_count, 77);
    session_close(&session);
}

static void expect_refused(const char *model, struct engine_options options, enum quire_status status, const char *part)
{
    struct engine *engine = NULL;
    struct quire_error error = {""};
    char path[1024];

    snprintf(path, sizeof path, "%s", fixture_path(model));
    options.model_path = path;
    options.thread_count = 1;
    cr_assert_eq(engine_open(&options, &engine, &error), status, "%s", error.message);
    cr_assert(engine == NULL);
    cr_assert(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

Test(engine, open_refuses_what_cannot_be)
{
    expect_refused("nowhere", (struct engine_options){0}, QUIRE_NOT_FOUND, "nowhere");
    expect_refused("llama", (struct engine_options){.kernels = "abacus"}, QUIRE_NOT_FOUND, "abacus");
    expect_refused("gpt2", (struct engine_options){.model_len_max = 73}, QUIRE_INVALID, "72");
    expect_refused("llama", (struct engine_options){.memory_budget_bytes = 4096}, QUIRE_NO_MEMORY, "budget");
    expect_refused("llama", (struct engine_options){.kv_cache_bytes = 8192}, QUIRE_NO_MEMORY, "--max-model-len 16");
}

Test(engine, limits_say_what_was_reserved)
{
    struct session session = open_model("llama-mha-bf16", 1);
    const struct engine_limits *limits = engine_limits(session.engine);

    cr_assert_eq(limits->vocab_size, 83);
    cr_assert_eq(limits->model_len_max, 64);
    cr_assert_eq(limits->step_tokens_max, 512);
    cr_assert_eq(limits->group_count, 1);
    cr_assert_eq(limits->group[0].block_count, SESSION_SEQUENCES * 64 / 16);
    /* 2 layers, keys and values, 4 heads of 10 dimensions, 16 tokens, 4 bytes: 10240, in pages of 4096 */
    cr_assert_eq(limits->group[0].block_bytes, 12288);
    cr_assert_eq(limits->kv_bytes, 12288u * 32);
    cr_assert_str_eq(limits->weight_type, "bf16");
    cr_assert_str_eq(limits->architecture, "llama");
    session_close(&session);
}

Test(engine, fingerprint_tells_models_lengths_and_classes_apart)
{
    unsigned char prints[4][16];
    const char *const names[] = {"llama", "llama", "mistral", "rope-dynamic"};
    struct session session;
    char path[1024];

    for (uint32_t i = 0; i < 4; i++) {
        session = open_model(names[i], 1);
        memcpy(prints[i], engine_limits(session.engine)->fingerprint, 16);
        session_close(&session);
    }
    cr_assert(memcmp(prints[0], prints[1], 16) == 0);
    cr_assert(memcmp(prints[0], prints[2], 16) != 0);
    snprintf(path, sizeof path, "%s", fixture_path("rope-dynamic")); /* its frequencies depend on the length */
    session_open(&session, &(struct engine_options){.model_path = path, .thread_count = 1, .model_len_max = 80});
    cr_assert(memcmp(prints[3], engine_limits(session.engine)->fingerprint, 16) != 0);
    session_close(&session);
    snprintf(path, sizeof path, "%s", fixture_path("llama")); /* other sums than our own kernels' */
    session_open(&session, &(struct engine_options){.model_path = path, .thread_count = 1, .kernels = "openblas"});
    cr_assert(memcmp(prints[0], engine_limits(session.engine)->fingerprint, 16) != 0);
    session_close(&session);
}

Test(engine, bench_reports_every_row)
{
    FILE *out = tmpfile();
    struct quire_error error = {""};
    json_error_t json_error;
    json_t *root;
    char path[1024];

    snprintf(path, sizeof path, "%s", fixture_path("llama"));
    cr_assert_eq(bench_run(&(struct engine_options){.model_path = path, .thread_count = 1}, 0.005, true, out, &error),
                 QUIRE_OK, "%s", error.message);
    rewind(out);
    root = json_loadf(out, 0, &json_error);
    cr_assert(root != NULL, "%s", json_error.text);
    cr_assert_eq(json_array_size(json_object_get(root, "rows")), 8);
    for (size_t i = 0; i < 8; i++) {
        const json_t *row = json_array_get(json_object_get(root, "rows"), i);
        cr_assert_gt(json_real_value(json_object_get(json_object_get(row, "tokens_per_s"), "median")), 0);
        cr_assert_gt(json_real_value(json_object_get(row, "arithmetic_fraction")), 0);
    }
    json_decref(root);
    fclose(out);
}
