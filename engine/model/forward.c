/* The forward pass. Step thread, which is worker 0; rows and matrix panels are shared over the workers.
 *
 * A step holds rows of many sequences. Every matrix product takes all of them at once, so that each weight is read
 * once per step; attention takes them by segment. Nothing that is computed for a row depends on which rows it shares
 * the step with. */
#include "forward.h"

#include "position.h"

#include <string.h>

static void copy_blocks(struct forward *forward);
static void place_rows(struct forward *forward);
static void embed_rows(const struct rows_call *call, uint32_t first, uint32_t end);
static void norm_rows(const struct rows_call *call, uint32_t first, uint32_t end);
static void add_rows(const struct rows_call *call, uint32_t first, uint32_t end);

void forward_run(struct forward *forward, const struct step_plan *plan)
{
    const struct program *program = forward->program;

    forward->plan = plan;
    forward->row_count = plan->count.tokens;
    copy_blocks(forward);
    place_rows(forward);
    forward_share_rows(&(struct rows_call){embed_rows, forward, NULL, NULL});

    for (uint32_t i = 0; i < program->sublayer_count; i++) {
        const struct sublayer *sublayer = &program->sublayers[i];

        forward_share_rows(&(struct rows_call){norm_rows, forward, sublayer, &sublayer->norm_in});
        sublayer->apply(sublayer, forward, forward->normed, forward->delta);
        forward_share_rows(&(struct rows_call){add_rows, forward, sublayer, NULL});
    }
}

/* ---- sharing of rows --------------------------------------------------------------------------------------------- */

enum { ROWS_PER_ITEM = 4 };

static void rows_item(void *context, uint32_t item, uint32_t worker)
{
    const struct rows_call *call = context;
    uint32_t first = item * ROWS_PER_ITEM, left = call->forward->row_count - first;

    (void)worker;
    call->rows_task(call, first, first + (left < ROWS_PER_ITEM ? left : ROWS_PER_ITEM));
}

void forward_share_rows(struct rows_call *call)
{
    uint32_t row_count = call->forward->row_count;

    if (row_count <= ROWS_PER_ITEM)
        call->rows_task(call, 0, row_count);
    else
        worker_pool_run(call->forward->pool, (row_count + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM, rows_item, call);
}

/* ---- before the first sublayer ----------------------------------------------------------------------------------- */

static void copy_block(void *context, uint32_t item, uint32_t worker)
{
    const struct forward *forward = context;
    const struct kv_view *view = &forward->program->sublayers[0].attention.view;
    const struct step_copy *copy = &step_copies_const(forward->plan)[item];

    (void)worker;
    memcpy(view->pool + copy->to * view->block_bytes, view->pool + copy->from * view->block_bytes, view->block_bytes);
}

static void copy_blocks(struct forward *forward)
{
    if (forward->plan->count.copies != 0)
        worker_pool_run(forward->pool, forward->plan->count.copies, copy_block, forward);
}

/* Segments in the form that attention takes, and each row's segment. */
static void place_rows(struct forward *forward)
{
    const struct step_plan *plan = forward->plan;

    for (uint32_t i = 0; i < plan->count.segments; i++) {
        const struct step_segment *segment = &step_segments_const(plan)[i];

        forward->segments[i] =
            (struct attention_segment){.row_start = segment->token_start,
                                       .row_count = segment->token_count,
                                       .position = segment->position,
                                       .table = step_block_ids_const(plan) + segment->table_start[0]};
        for (uint32_t j = 0; j < segment->token_count; j++)
            forward->row_segment[segment->token_start + j] = i;
    }
}

static void embed_rows(const struct rows_call *call, uint32_t first, uint32_t end)
{
    const struct forward *forward = call->forward;
    const struct program *program = forward->program;
    const struct arch *arch = program->arch;
    const float *table = program->weights->position_table;
    uint32_t half = arch->position.kind == POSITION_ROPE ? arch->position.rope.dims / 2 : 0;

    for (uint32_t row = first; row < end; row++) {
        const struct attention_segment *segment = &forward->segments[forward->row_segment[row]];
        uint32_t position = segment->position + (row - segment->row_start);
        float *x = forward->x + (size_t)row * arch->hidden;

        matrix_row(&program->weights->embedding, step_tokens_const(forward->plan)[row], x);
        if (arch->embedding_scale != 1.0f)
            for (uint32_t i = 0; i < arch->hidden; i++)
                x[i] *= arch->embedding_scale;
        if (arch->position.kind == POSITION_LEARNED)
            program->kernels->add(x, table + (size_t)position * arch->hidden, arch->hidden);
        if (half != 0)
            position_rotation(&arch->position.rope, position, forward->cosine + (size_t)row * half,
                              forward->sine + (size_t)row * half);
    }
}

/* ---- around each sublayer ---------------------------------------------------------------------------------------- */

static void norm_rows(const struct rows_call *call, uint32_t first, uint32_t end)
{
    const struct forward *forward = call->forward;

    for (uint32_t row = first; row < end; row++) {
        size_t at = (size_t)row * call->norm->count;
        call->norm->apply(call->norm, forward->program->kernels, forward->x + at, forward->normed + at);
    }
}

static void add_rows(const struct rows_call *call, uint32_t first, uint32_t end)
{
    const struct forward *forward = call->forward;
    uint32_t hidden = forward->program->arch->hidden;

    for (uint32_t row = first; row < end; row++) {
        size_t at = (size_t)row * hidden;
        forward->program->kernels->add(forward->x + at, forward->delta + at, hidden);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

void forward_layout(struct forward *forward, struct arena *arena, const struct arch *arch, uint32_t rows_max,
                    uint32_t sequence_max, uint32_t worker_count)
{
    uint32_t query_heads = arch->attention.query_heads, kv_heads = arch->attention.kv_heads;
    uint32_t head_dim = arch->attention.head_dim;
    size_t qkv = (query_heads + 2 * (size_t)kv_heads) * head_dim;
    size_t inner = (arch->ffn.gated ? 2 : 1) * (size_t)arch->ffn.inner;
    size_t half = arch->position.kind == POSITION_ROPE ? arch->position.rope.dims / 2 : 0;
    size_t row_floats = sizeof(float) * rows_max;

    forward->wide_stride = (size_max(qkv, inner) + 15) & ~(size_t)15;
    forward->segments = arena_take(arena, sequence_max, sizeof *forward->segments);
    forward->row_segment = arena_take(arena, rows_max, sizeof *forward->row_segment);
    forward->cosine = arena_take(arena, half, row_floats);
    forward->sine = arena_take(arena, half, row_floats);
    forward->x = arena_take(arena, arch->hidden, row_floats);
    forward->normed = arena_take(arena, arch->hidden, row_floats);
    forward->delta = arena_take(arena, arch->hidden, row_floats);
    forward->wide = arena_take(arena, forward->wide_stride, row_floats);
    forward->attended = arena_take(arena, (size_t)query_heads * head_dim, row_floats);
    forward->attention_scratch = arena_take(
        arena, attention_scratch_bytes(worker_count, rows_max, query_heads, kv_heads, head_dim), 1);
}
