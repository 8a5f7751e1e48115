/* See session.h. */
#include "session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Block j of sequence i is found by stepping through all blocks with a stride that has no factor in common with
 * their number. */
static uint32_t scattered_block(uint32_t index, uint32_t block_count)
{
    static const uint32_t strides[] = {37, 41, 43, 47};
    uint32_t stride = 1;

    for (uint32_t i = 0; i < 4; i++)
        if (block_count % strides[i] != 0)
            stride = strides[i];
    return (uint32_t)(((uint64_t)index * stride + 5) % block_count);
}

void session_open(struct session *session, const struct engine_options *options)
{
    struct quire_error error = {""};
    const struct engine_limits *limits;
    struct step_capacity capacity;
    struct engine_options wanted = *options;
    float *pool;

    *session = (struct session){0};
    if (wanted.sequence_max == 0)
        wanted.sequence_max = SESSION_SEQUENCES;
    cr_assert_eq(engine_open(&wanted, &session->engine, &error), QUIRE_OK, "%s", error.message);
    limits = engine_limits(session->engine);
    pool = (float *)(void *)session->engine->kv_pool;
    for (size_t i = 0; i < limits->kv_bytes / sizeof(float); i++)
        pool[i] = NAN;
    session->table_blocks = (limits->model_len_max + KV_BLOCK_TOKENS - 1) / KV_BLOCK_TOKENS;
    for (uint32_t i = 0; i < SESSION_SEQUENCES; i++) {
        if ((i + 1) * session->table_blocks > limits->group[0].block_count)
            break;
        session->tables[i] = calloc(session->table_blocks, sizeof(uint32_t));
        for (uint32_t j = 0; j < session->table_blocks; j++)
            session->tables[i][j] = scattered_block(i * session->table_blocks + j, limits->group[0].block_count);
    }
    capacity = (struct step_capacity){.tokens = limits->step_tokens_max,
                                      .segments = limits->sequence_max,
                                      .block_ids = limits->sequence_max * session->table_blocks,
                                      .copies = 64,
                                      .samples = limits->step_tokens_max,
                                      .biases = 64,
                                      .history = 1024};
    cr_assert_eq(plan_maker_init(&session->maker, &capacity, &error), QUIRE_OK, "%s", error.message);
}

void session_close(struct session *session)
{
    plan_maker_deinit(&session->maker);
    for (uint32_t i = 0; i < SESSION_SEQUENCES; i++)
        free(session->tables[i]);
    engine_close(session->engine);
}

void session_step(struct session *session)
{
    struct quire_error error = {""};

    cr_assert_eq(engine_step(session->engine, session->maker.plan, session->maker.result, &error), QUIRE_OK, "%s",
                 error.message);
}

uint32_t session_add(struct session *session, uint32_t sequence, uint32_t position, const uint32_t *ids, uint32_t count)
{
    return plan_add_segment(session->maker.plan, position, ids, count, session->tables[sequence],
                            (position + count - 1) / KV_BLOCK_TOKENS + 1);
}

const char *fixture_path(const char *name)
{
    static char path[1024];
    const char *folder = getenv("QUIRE_FIXTURES");

    snprintf(path, sizeof path, "%s/models/%s", folder != NULL ? folder : "tests/fixtures", name);
    return path;
}

const char *shared_model_path(const char *name)
{
    static char path[1024];
    const char *folder = getenv("QUIRE_SHARED");

    snprintf(path, sizeof path, "%s/data/models/%s", folder != NULL ? folder : "../shared", name);
    return access(path, R_OK) == 0 ? path : "";
}

json_t *load_json(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);

    cr_assert(root != NULL, "%s: %s", path, error.text);
    return root;
}

uint32_t load_ids(const json_t *array, uint32_t *ids, uint32_t count_max)
{
    uint32_t count = (uint32_t)json_array_size(array);

    cr_assert_leq(count, count_max);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    return count;
}
