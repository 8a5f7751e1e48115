/* Splits a step's attention into work items. A tile is a few consecutive queries of one segment; an item is a tile
 * and a KV head. Most items walk their pieces in order on one worker. An item that holds more than its share of the
 * step's pieces (one long context among short ones) would leave the other workers idle: its pieces are computed side
 * by side, a wave of slots at a time, and then merged in the same order, so that the bits agree. Runs on the step
 * thread. */
#include "attention.h"

#include <assert.h>
#include <math.h>

#define SLOT_ROWS 64u      /* (query, head) rows of an item, unless one group is larger */
#define WAVE_PER_WORKER 8u
#define TASK_WORK 32768u   /* least multiply-adds of a task of short items: less is not worth waking a worker */
#define LONG_PER_WORKER 4u /* a long item holds more than 1 / (4 workers) of all pieces, so there are fewer of them */

struct attention_tile {
    const struct attention_segment *segment;
    uint32_t query, query_count; /* of the segment's rows */
    uint32_t piece_first, piece_end;
};

struct attention_slot { /* where the partial result of one piece goes while an item's pieces are spread */
    uint32_t item, piece;
};

struct attention_run {
    const struct attention_call *call;
    const struct kernels *kernels;
    uint32_t group_heads, slot_rows;
    size_t partial_floats;
    struct attention_tile *tiles; /* the short ones from the front, the long ones from the back */
    uint32_t short_count, long_first, tile_end;
    uint64_t short_work;          /* multiply-adds of all short items, about */
    uint32_t short_items_per_task;
    struct attention_slot *slots;
    uint32_t slot_count;
    uint32_t item_first; /* of the wave */
    float *worker_partials, *slot_partials, *long_partials;
};

/* A partial result: maxima, sums, then accumulators of up to slot_rows rows. */
static size_t partial_floats(uint32_t slot_rows, uint32_t head_dim)
{
    return ((size_t)slot_rows * (2 + (size_t)head_dim) + 15) / 16 * 16;
}

static uint32_t slot_rows_of(uint32_t group_heads)
{
    return group_heads > SLOT_ROWS ? group_heads : SLOT_ROWS;
}

static size_t align64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t attention_scratch_bytes(uint32_t worker_count, uint32_t rows_max, uint32_t query_heads, uint32_t kv_heads,
                               uint32_t head_dim)
{
    size_t partials = (size_t)worker_count * (2 + WAVE_PER_WORKER + LONG_PER_WORKER);

    return align64(rows_max * sizeof(struct attention_tile)) +
           align64((size_t)worker_count * WAVE_PER_WORKER * sizeof(struct attention_slot)) +
           partials * partial_floats(slot_rows_of(query_heads / kv_heads), head_dim) * sizeof(float);
}

static void run_lay_out(struct attention_run *run, uint32_t worker_count, uint32_t rows)
{
    char *at = run->call->scratch;

    run->tiles = (struct attention_tile *)(void *)at;
    at += align64(rows * sizeof(struct attention_tile));
    run->slots = (struct attention_slot *)(void *)at;
    at += align64((size_t)worker_count * WAVE_PER_WORKER * sizeof(struct attention_slot));
    run->worker_partials = (float *)(void *)at;
    run->slot_partials = run->worker_partials + 2 * worker_count * run->partial_floats;
    run->long_partials = run->slot_partials + WAVE_PER_WORKER * worker_count * run->partial_floats;
}

static struct attention_tile tile_of(const struct attention_call *call, const struct attention_segment *segment,
                                     uint32_t query, uint32_t query_tile)
{
    uint32_t left = segment->row_count - query;
    uint32_t count = left < query_tile ? left : query_tile;
    uint32_t first = segment->position + query, last = first + count - 1;
    uint32_t visible = call->window != 0 && first + 1 > call->window ? first + 1 - call->window : 0;

    return (struct attention_tile){segment, query, count, visible / ATTENTION_PIECE_TOKENS,
                                   last / ATTENTION_PIECE_TOKENS + 1};
}

/* Lists the tiles and tells the short from the long. */
static void run_list_tiles(struct attention_run *run, uint32_t worker_count, uint32_t rows, uint32_t query_tile)
{
    const struct attention_call *call = run->call;
    uint64_t pieces = 0, share;

    for (uint32_t s = 0; s < call->segment_count; s++)
        for (uint32_t query = 0; query < call->segments[s].row_count; query += query_tile) {
            struct attention_tile tile = tile_of(call, &call->segments[s], query, query_tile);
            pieces += tile.piece_end - tile.piece_first;
        }
    share = pieces * call->view->kv_heads / (LONG_PER_WORKER * worker_count);
    run->short_count = 0;
    run->long_first = run->tile_end = rows;
    for (uint32_t s = 0; s < call->segment_count; s++)
        for (uint32_t query = 0; query < call->segments[s].row_count; query += query_tile) {
            struct attention_tile tile = tile_of(call, &call->segments[s], query, query_tile);
            uint32_t count = tile.piece_end - tile.piece_first;
            bool is_long = worker_count > 1 && count > 1 && count > share;
            if (!is_long)
                run->short_work += (uint64_t)count * ATTENTION_PIECE_TOKENS * tile.query_count * call->query_heads *
                                   call->view->head_dim;
            run->tiles[is_long ? --run->long_first : run->short_count++] = tile;
        }
}

/* ---- one item ---------------------------------------------------------------------------------------------------- */

static void partial_clear(const struct attention_run *run, float *partial)
{
    for (uint32_t r = 0; r < run->slot_rows; r++)
        partial[r] = -INFINITY;
}

static void partial_compute(const struct attention_run *run, const struct attention_tile *tile, uint32_t kv_head,
                            uint32_t piece, float *partial)
{
    const struct attention_call *call = run->call;
    size_t row = tile->segment->row_start + tile->query;
    struct attention_piece_call piece_call = {
        .view = call->view,
        .table = tile->segment->table,
        .kv_head = kv_head,
        .group_heads = run->group_heads,
        .query = call->query + row * call->query_stride + (size_t)kv_head * run->group_heads * call->view->head_dim,
        .query_stride = call->query_stride,
        .query_count = tile->query_count,
        .query_position = tile->segment->position + tile->query,
        .piece = piece,
        .window = call->window,
        .scale = call->scale,
        .softcap = call->softcap,
        .maximum = partial,
        .sum = partial + run->slot_rows,
        .accumulator = partial + 2 * run->slot_rows,
    };

    run->kernels->attention_piece(&piece_call);
}

static void partial_merge(const struct attention_run *run, const struct attention_tile *tile, float *into,
                          const float *from)
{
    uint32_t rows = run->slot_rows;

    run->kernels->attention_merge(into, into + rows, into + 2 * rows, from, from + rows, from + 2 * rows,
                                  tile->query_count * run->group_heads, run->call->view->head_dim);
}

/* Divides by the sums and writes the rows out. Each query sees at least itself, so no sum is 0. Where none of its
 * scores is a number no piece was merged and the rest of `partial` is what an earlier item left: then the row is zero. */
static void partial_finish(const struct attention_run *run, const struct attention_tile *tile, uint32_t kv_head,
                           const float *partial)
{
    const struct attention_call *call = run->call;
    uint32_t head_dim = call->view->head_dim;
    const float *maximum = partial, *sum = partial + run->slot_rows, *accumulator = partial + 2 * run->slot_rows;

    for (uint32_t query = 0; query < tile->query_count; query++) {
        size_t row = tile->segment->row_start + tile->query + query;
        float *out = call->out + row * call->out_stride + (size_t)kv_head * run->group_heads * head_dim;
        for (uint32_t head = 0; head < run->group_heads; head++, maximum++, sum++) {
            bool empty = *maximum == -INFINITY;
            for (uint32_t d = 0; d < head_dim; d++, accumulator++)
                *out++ = empty ? 0.0f : *accumulator / *sum;
        }
    }
}

static void short_item(const struct attention_run *run, uint32_t item, uint32_t worker)
{
    uint32_t kv_heads = run->call->view->kv_heads, kv_head = item % kv_heads;
    const struct attention_tile *tile = &run->tiles[item / kv_heads];
    float *whole = run->worker_partials + 2 * worker * run->partial_floats;
    float *piece_partial = whole + run->partial_floats;

    partial_clear(run, whole);
    for (uint32_t piece = tile->piece_first; piece < tile->piece_end; piece++) {
        partial_compute(run, tile, kv_head, piece, piece_partial);
        partial_merge(run, tile, whole, piece_partial);
    }
    partial_finish(run, tile, kv_head, whole);
}

static void short_task(void *context, uint32_t task, uint32_t worker)
{
    const struct attention_run *run = context;
    uint32_t items = run->short_count * run->call->view->kv_heads, item = task * run->short_items_per_task;
    uint32_t end = items - item < run->short_items_per_task ? items : item + run->short_items_per_task;

    for (; item < end; item++)
        short_item(run, item, worker);
}

static void run_short_items(struct attention_run *run, struct worker_pool *pool)
{
    uint32_t items = run->short_count * run->call->view->kv_heads;
    uint64_t tasks = run->short_work / TASK_WORK + 1;

    if (items == 0)
        return;
    run->short_items_per_task = tasks >= items ? 1 : (uint32_t)((items + tasks - 1) / tasks);
    worker_pool_run(pool, (items + run->short_items_per_task - 1) / run->short_items_per_task, short_task, run);
}

/* ---- long items, in waves ---------------------------------------------------------------------------------------- */

static void wave_compute(void *context, uint32_t slot, uint32_t worker)
{
    const struct attention_run *run = context;
    uint32_t kv_heads = run->call->view->kv_heads, item = run->slots[slot].item;

    (void)worker;
    partial_compute(run, &run->tiles[run->long_first + item / kv_heads], item % kv_heads, run->slots[slot].piece,
                    run->slot_partials + slot * run->partial_floats);
}

static void wave_merge(void *context, uint32_t index, uint32_t worker)
{
    const struct attention_run *run = context;
    uint32_t kv_heads = run->call->view->kv_heads, item = run->item_first + index;
    const struct attention_tile *tile = &run->tiles[run->long_first + item / kv_heads];
    float *whole = run->long_partials + item * run->partial_floats;

    (void)worker;
    for (uint32_t slot = 0; slot < run->slot_count; slot++) {
        if (run->slots[slot].item != item)
            continue;
        if (run->slots[slot].piece == tile->piece_first)
            partial_clear(run, whole);
        partial_merge(run, tile, whole, run->slot_partials + slot * run->partial_floats);
        if (run->slots[slot].piece + 1 == tile->piece_end)
            partial_finish(run, tile, item % kv_heads, whole);
    }
}

static void run_long_items(struct attention_run *run, struct worker_pool *pool)
{
    uint32_t kv_heads = run->call->view->kv_heads;
    uint32_t item_count = (run->tile_end - run->long_first) * kv_heads;
    uint32_t wave = WAVE_PER_WORKER * worker_pool_count(pool);
    uint32_t item = 0, piece = item_count != 0 ? run->tiles[run->long_first].piece_first : 0;

    assert(item_count <= LONG_PER_WORKER * worker_pool_count(pool));
    while (item < item_count) {
        run->item_first = item;
        run->slot_count = 0;
        while (item < item_count && run->slot_count < wave) {
            run->slots[run->slot_count++] = (struct attention_slot){item, piece};
            if (++piece == run->tiles[run->long_first + item / kv_heads].piece_end && ++item < item_count)
                piece = run->tiles[run->long_first + item / kv_heads].piece_first;
        }
        worker_pool_run(pool, run->slot_count, wave_compute, run);
        worker_pool_run(pool, run->slots[run->slot_count - 1].item - run->item_first + 1, wave_merge, run);
    }
}

void attention_paged(struct worker_pool *pool, const struct kernels *kernels, const struct attention_call *call)
{
    uint32_t group_heads = call->query_heads / call->view->kv_heads;
    struct attention_run run = {
        .call = call,
        .kernels = kernels,
        .group_heads = group_heads,
        .slot_rows = slot_rows_of(group_heads),
    };
    uint32_t tile_max = run.slot_rows / group_heads, rows = 0;

    for (uint32_t s = 0; s < call->segment_count; s++)
        rows += call->segments[s].row_count;
    run.partial_floats = partial_floats(run.slot_rows, call->view->head_dim);
    run_lay_out(&run, worker_pool_count(pool), rows);
    run_list_tiles(&run, worker_pool_count(pool), rows,
                   call->query_tile != 0 && call->query_tile < tile_max ? call->query_tile : tile_max);
    run_short_items(&run, pool);
    run_long_items(&run, pool);
}
