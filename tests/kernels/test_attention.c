/* Paged attention: against a naive float64 attention, every row of the table against scalar bit by bit, and the same
 * bits however the rows are cut into chunks, tiles and threads. */
#include "support.h"

#include "attention.h"

#include <math.h>

struct shape {
    uint32_t query_heads, kv_heads, head_dim, window;
    float softcap;
};

static const struct shape shapes[] = {
    {4, 4, 64, 0, 0.0f},    {8, 2, 16, 0, 0.0f},  {6, 2, 8, 0, 0.0f},     {14, 2, 64, 100, 0.0f},
    {3, 1, 80, 0, 20.0f},   {2, 2, 40, 7, 0.0f},  {13, 1, 33, 300, 5.0f}, {5, 5, 1, 0, 0.0f},
    {2, 1, 300, 513, 0.0f}, {4, 1, 128, 1, 0.0f},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])
#define TOKENS 600u /* three pieces, the last not full */

/* One sequence: queries, keys and values of all its tokens, and pages in a scattered order. */
struct sequence {
    struct shape shape;
    uint32_t tokens, blocks;
    float *query, *key, *value; /* [tokens][heads][head_dim] */
    uint32_t *table;
    struct kv_view view;
};

static struct sequence sequence_random(struct shape shape, uint32_t tokens, uint64_t seed)
{
    struct sequence s = {.shape = shape, .tokens = tokens, .blocks = (tokens + 15) / 16};
    size_t head_floats = (size_t)shape.kv_heads * 16 * shape.head_dim;
    size_t block_bytes = (2 * head_floats * sizeof(float) + 64 + 4095) / 4096 * 4096;
    size_t kv_count = (size_t)tokens * shape.kv_heads * shape.head_dim;
    size_t query_count = (size_t)tokens * shape.query_heads * shape.head_dim;

    s.query = must_allocate(query_count * sizeof(float));
    s.key = must_allocate(kv_count * sizeof(float));
    s.value = must_allocate(kv_count * sizeof(float));
    s.table = must_allocate(s.blocks * sizeof(uint32_t));
    random_fill(seed, s.query, query_count, 2.0f);
    random_fill(seed + 1, s.key, kv_count, 2.0f);
    random_fill(seed + 2, s.value, kv_count, 1.0f);
    s.view = (struct kv_view){must_allocate(block_bytes * s.blocks), block_bytes, 64, 64 + head_floats * sizeof(float),
                              shape.kv_heads, shape.head_dim};
    memset(s.view.pool, 0xff, block_bytes * s.blocks); /* not a number wherever nothing was stored */
    for (uint32_t b = 0; b < s.blocks; b++)
        s.table[b] = s.blocks - 1 - b;
    return s;
}

static void sequence_store(const struct sequence *s, uint32_t first, uint32_t end)
{
    size_t width = (size_t)s->shape.kv_heads * s->shape.head_dim;
    for (uint32_t t = first; t < end; t++)
        kv_view_store(&s->view, s->table[t / 16], t % 16, s->key + t * width, s->value + t * width);
}

static void sequence_free(struct sequence *s)
{
    free(s->query);
    free(s->key);
    free(s->value);
    free(s->table);
    free(s->view.pool);
}

static void attend(struct worker_pool *pool, const struct kernels *kernels, const struct sequence *s,
                   const struct attention_segment *segments, uint32_t segment_count, uint32_t query_tile, float *out)
{
    size_t width = (size_t)s->shape.query_heads * s->shape.head_dim;
    uint32_t rows = 0;
    struct attention_call call = {
        .view = &s->view, .segments = segments, .segment_count = segment_count, .query_heads = s->shape.query_heads,
        .query = s->query, .query_stride = width, .out = out, .out_stride = width, .window = s->shape.window,
        .scale = 1.0f / sqrtf((float)s->shape.head_dim), .softcap = s->shape.softcap, .query_tile = query_tile,
    };

    for (uint32_t i = 0; i < segment_count; i++)
        rows += segments[i].row_count;
    call.scratch = must_allocate(attention_scratch_bytes(worker_pool_count(pool), rows, s->shape.query_heads,
                                                         s->shape.kv_heads, s->shape.head_dim));
    /* What an earlier step left: a result must not show it. */
    memset(call.scratch, 0x41, attention_scratch_bytes(worker_pool_count(pool), rows, s->shape.query_heads,
                                                       s->shape.kv_heads, s->shape.head_dim));
    attention_paged(pool, kernels, &call);
    free(call.scratch);
}

static struct worker_pool *pool_of(uint32_t workers)
{
    struct worker_pool *pool;
    struct quire_error error;
    cr_assert_eq(worker_pool_create(workers, &pool, &error), QUIRE_OK, "%s", error.message);
    return pool;
}

static const struct kernels *best_kernels(void)
{
    const struct kernels *kernels;
    struct quire_error error;
    cr_assert_eq(kernels_select(NULL, &kernels, &error), QUIRE_OK);
    return kernels;
}

/* The definition, in float64. */
static void attend_exactly(const struct sequence *s, uint32_t token, uint32_t head, double *out)
{
    const struct shape *shape = &s->shape;
    uint32_t kv_head = head / (shape->query_heads / shape->kv_heads);
    uint32_t first = shape->window != 0 && token + 1 > shape->window ? token + 1 - shape->window : 0;
    const float *query = s->query + ((size_t)token * shape->query_heads + head) * shape->head_dim;
    double score[TOKENS], best = -INFINITY, sum = 0.0;

    for (uint32_t t = first; t <= token; t++) {
        const float *key = s->key + ((size_t)t * shape->kv_heads + kv_head) * shape->head_dim;
        double dot = 0.0;
        for (uint32_t d = 0; d < shape->head_dim; d++)
            dot += (double)query[d] * (double)key[d];
        dot /= sqrt(shape->head_dim);
        if (shape->softcap != 0.0f)
            dot = (double)shape->softcap * tanh(dot / (double)shape->softcap);
        score[t] = dot;
        best = fmax(best, dot);
    }
    for (uint32_t t = first; t <= token; t++)
        sum += score[t] = exp(score[t] - best);
    for (uint32_t d = 0; d < shape->head_dim; d++) {
        out[d] = 0.0;
        for (uint32_t t = first; t <= token; t++)
            out[d] += score[t] / sum * (double)s->value[((size_t)t * shape->kv_heads + kv_head) * shape->head_dim + d];
    }
}

Test(attention, agrees_with_float64)
{
    struct worker_pool *pool = pool_of(2);

    for (uint32_t i = 0; i < SHAPES; i++) {
        struct sequence s = sequence_random(shapes[i], TOKENS, 10 * i);
        struct attention_segment whole = {0, TOKENS, 0, s.table};
        size_t width = (size_t)s.shape.query_heads * s.shape.head_dim;
        float *out = must_allocate(TOKENS * width * sizeof(float));
        double expected[300];

        sequence_store(&s, 0, TOKENS);
        attend(pool, best_kernels(), &s, &whole, 1, 0, out);
        for (uint32_t token = 0; token < TOKENS; token += token < 40 ? 1 : 37)
            for (uint32_t head = 0; head < s.shape.query_heads; head++) {
                attend_exactly(&s, token, head, expected);
                for (uint32_t d = 0; d < s.shape.head_dim; d++) {
                    double actual = (double)out[token * width + head * s.shape.head_dim + d];
                    cr_assert_leq(fabs(actual - expected[d]), 5e-6, 
                                  "shape %u token %u head %u dim %u: %g, should be %g", i, token, head, d, actual,
                                  expected[d]);
                }
            }
        free(out);
        sequence_free(&s);
    }
    worker_pool_destroy(pool);
}

/* A query that is not a number touches no other row, and its own result does not depend on what lay in the scratch.
 * Once as one of many short items, once alone in waves. */
Test(attention, row_without_any_score_is_zero)
{
    struct worker_pool *pool = pool_of(2);

    for (uint32_t i = 0; i < SHAPES; i++) {
        struct sequence s = sequence_random(shapes[i], TOKENS, 10 * i + 7);
        struct attention_segment whole = {0, TOKENS, 0, s.table}, last = {TOKENS - 1, 1, TOKENS - 1, s.table};
        size_t width = (size_t)s.shape.query_heads * s.shape.head_dim;
        float *expected = must_allocate(TOKENS * width * sizeof(float));
        float *actual = must_allocate(TOKENS * width * sizeof(float));

        sequence_store(&s, 0, TOKENS);
        attend(pool, best_kernels(), &s, &whole, 1, 0, expected);
        for (size_t at = 0; at < width; at++)
            s.query[(TOKENS - 1) * width + at] = NAN;
        attend(pool, best_kernels(), &s, &whole, 1, 0, actual);
        cr_assert_arr_eq(expected, actual, (TOKENS - 1) * width * sizeof(float), "shape %u", i);
        for (size_t at = 0; at < width; at++)
            cr_assert_eq(actual[(TOKENS - 1) * width + at], 0.0f, "shape %u", i);
        memset(actual + (TOKENS - 1) * width, 0x41, width * sizeof(float));
        attend(pool, best_kernels(), &s, &last, 1, 0, actual);
        for (size_t at = 0; at < width; at++)
            cr_assert_eq(actual[(TOKENS - 1) * width + at], 0.0f, "shape %u, alone", i);
        free(expected);
        free(actual);
        sequence_free(&s);
    }
    worker_pool_destroy(pool);
}

Test(attention, every_row_gives_the_bits_of_scalar)
{
    const struct kernels *table[3];
    uint32_t table_rows = kernel_rows(table);
    struct worker_pool *pool = pool_of(2);

    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t tokens = 290; /* scalar is slow */
        struct sequence s = sequence_random(shapes[i], tokens, 10 * i + 3);
        struct attention_segment whole = {0, tokens, 0, s.table};
        size_t bytes = (size_t)tokens * s.shape.query_heads * s.shape.head_dim * sizeof(float);
        float *expected = must_allocate(bytes), *actual = must_allocate(bytes);

        sequence_store(&s, 0, tokens);
        attend(pool, table[0], &s, &whole, 1, 0, expected);
        for (uint32_t t = 1; t < table_rows; t++) {
            memset(actual, 0, bytes);
            attend(pool, table[t], &s, &whole, 1, 0, actual);
            cr_assert_arr_eq(expected, actual, bytes, "%s, shape %u", table[t]->name, i);
        }
        free(expected);
        free(actual);
        sequence_free(&s);
    }
    worker_pool_destroy(pool);
}

/* Stores and attends `chunk` tokens at a time; blocks that left the window are overwritten with garbage and taken
 * from the table, as the scheduler does. */
static void attend_in_chunks(struct worker_pool *pool, struct sequence *s, uint32_t chunk, uint32_t query_tile,
                             float *out)
{
    memset(s->view.pool, 0xff, s->view.block_bytes * s->blocks);
    for (uint32_t b = 0; b < s->blocks; b++)
        s->table[b] = s->blocks - 1 - b;
    for (uint32_t at = 0; at < s->tokens; at += chunk) {
        uint32_t count = s->tokens - at < chunk ? s->tokens - at : chunk;
        struct attention_segment segment = {at, count, at, s->table};
        for (uint32_t b = 0; s->shape.window != 0 && (b + 1) * 16 + s->shape.window <= at + 1; b++)
            s->table[b] = UINT32_MAX;
        sequence_store(s, at, at + count);
        attend(pool, best_kernels(), s, &segment, 1, query_tile, out);
    }
}

Test(attention, chunks_tiles_and_threads_change_no_bit)
{
    static const struct {
        uint32_t workers, chunk, query_tile;
    } ways[] = {{1, 7, 0}, {1, 1, 0}, {2, TOKENS, 0}, {4, TOKENS, 3}, {2, 7, 1}, {4, 1, 0}, {2, 100, 5}, {4, 599, 64}};
    struct worker_pool *pools[5] = {NULL, pool_of(1), pool_of(2), NULL, pool_of(4)};

    for (uint32_t i = 0; i < SHAPES; i++) {
        struct sequence s = sequence_random(shapes[i], TOKENS, 10 * i + 5);
        size_t bytes = (size_t)TOKENS * s.shape.query_heads * s.shape.head_dim * sizeof(float);
        float *expected = must_allocate(bytes), *actual = must_allocate(bytes);

        attend_in_chunks(pools[1], &s, TOKENS, 0, expected);
        for (size_t j = 0; j < bytes / sizeof(float); j++)
            cr_assert(isfinite(expected[j]));
        for (uint32_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            memset(actual, 0, bytes);
            attend_in_chunks(pools[ways[w].workers], &s, ways[w].chunk, ways[w].query_tile, actual);
            cr_assert_arr_eq(expected, actual, bytes, "shape %u: %u workers, chunks of %u, tiles of %u", i,
                             ways[w].workers, ways[w].chunk, ways[w].query_tile);
        }
        free(expected);
        free(actual);
        sequence_free(&s);
    }
    for (uint32_t w = 0; w < 5; w++)
        worker_pool_destroy(pools[w]);
}

/* A step as the scheduler makes it: one long decode, short decodes and a chunk, all in one call. */
Test(attention, batch_mates_change_no_bit)
{
    struct worker_pool *pools[] = {pool_of(1), pool_of(2), pool_of(4)};
    struct shape shape = {4, 2, 32, 0, 0.0f};
    struct sequence s = sequence_random(shape, TOKENS, 77);
    size_t width = 4 * 32, bytes = TOKENS * width * sizeof(float);
    float *expected = must_allocate(bytes), *actual = must_allocate(bytes);
    struct attention_segment whole = {0, TOKENS, 0, s.table};
    /* rows are the tokens' own, so each segment attends the same sequence at its own position */
    struct attention_segment mixed[] = {
        {3, 1, 3, s.table},        {599, 1, 599, s.table}, {10, 1, 10, s.table},
        {100, 50, 100, s.table}, {30, 1, 30, s.table},
    };

    sequence_store(&s, 0, TOKENS);
    attend(pools[0], best_kernels(), &s, &whole, 1, 0, expected);
    for (uint32_t p = 0; p < 3; p++) {
        memset(actual, 0, bytes);
        attend(pools[p], best_kernels(), &s, mixed, 5, 0, actual);
        for (uint32_t i = 0; i < 5; i++)
            cr_assert_arr_eq(expected + mixed[i].row_start * width, actual + mixed[i].row_start * width,
                             mixed[i].row_count * width * sizeof(float), "segment %u, pool %u", i, p);
        worker_pool_destroy(pools[p]);
    }
    free(expected);
    free(actual);
    sequence_free(&s);
}

Test(attention, merging_with_an_empty_piece_keeps_every_bit)
{
    const struct kernels *table[3];
    uint32_t table_rows = kernel_rows(table);

    for (uint32_t t = 0; t < table_rows; t++) {
        float maximum[2] = {3.0f, -INFINITY}, sum[2] = {1.5f, 0.0f}, accumulator[2][20], expected[20];
        float piece_maximum[2] = {-INFINITY, 3.0f}, piece_sum[2] = {0.0f, 1.5f}, piece_accumulator[2][20];
        for (uint32_t d = 0; d < 20; d++) {
            expected[d] = d % 3 == 0 ? -0.0f : (float)d;
            accumulator[0][d] = piece_accumulator[1][d] = expected[d];
            accumulator[1][d] = piece_accumulator[0][d] = 0.0f;
        }
        table[t]->attention_merge(maximum, sum, accumulator[0], piece_maximum, piece_sum, piece_accumulator[0], 2, 20);
        for (uint32_t i = 0; i < 2; i++) {
            cr_assert_eq(maximum[i], 3.0f);
            cr_assert_eq(sum[i], 1.5f);
            cr_assert_arr_eq(accumulator[i], expected, sizeof expected, "%s, side %u", table[t]->name, i);
        }
    }
}

Test(attention, merging_agrees_with_float64)
{
    const struct kernels *table[3];
    uint32_t table_rows = kernel_rows(table);

    for (uint32_t t = 0; t < table_rows; t++) {
        float maximum = 1.25f, sum = 2.5f, accumulator[3] = {1.0f, -2.0f, 0.5f};
        float piece_maximum = 3.0f, piece_sum = 1.75f, piece_accumulator[3] = {-4.0f, 0.25f, 1.0f};
        double factor = exp(1.25 - 3.0);
        table[t]->attention_merge(&maximum, &sum, accumulator, &piece_maximum, &piece_sum, piece_accumulator, 1, 3);
        cr_assert_eq(maximum, 3.0f);
        cr_assert_float_eq((double)sum, 2.5 * factor + 1.75, 1e-6);
        cr_assert_float_eq((double)accumulator[0], 1.0 * factor - 4.0, 1e-6);
        cr_assert_float_eq((double)accumulator[1], -2.0 * factor + 0.25, 1e-6);
        cr_assert_float_eq((double)accumulator[2], 0.5 * factor + 1.0, 1e-6);
    }
}
