/* The attention sublayer: queries, keys and values of all rows, rotation, pages, attention over the pages, output.
 * Step thread; rows, heads and panels are shared over the workers. */
#include "forward.h"

/* Norm and rotation of `count` heads of one row, in place. */
static void turn_heads(const struct attention_weights *attention, const struct norm *norm,
                       const struct kernels *kernels, float *heads, uint32_t count, const float *cosine,
                       const float *sine)
{
    uint32_t head_dim = attention->view.head_dim;

    for (uint32_t head = 0; head < count; head++) {
        float *x = heads + (size_t)head * head_dim;

        if (norm->apply != NULL)
            norm->apply(norm, kernels, x, x);
        if (attention->rope != NULL)
            kernels->rope(x, cosine, sine, attention->rope->dims / 2);
    }
}

/* Keys and values go to the pages at once, and attention reads them from nowhere else. */
static void store_rows(const struct rows_call *call, uint32_t first, uint32_t end)
{
    const struct forward *forward = call->forward;
    const struct kernels *kernels = forward->program->kernels;
    const struct attention_weights *attention = &call->sublayer->attention;
    const struct kv_view *view = &attention->view;
    size_t half = attention->rope == NULL ? 0 : attention->rope->dims / 2;

    for (uint32_t row = first; row < end; row++) {
        const struct attention_segment *segment = &forward->segments[forward->row_segment[row]];
        uint32_t position = segment->position + (row - segment->row_start);
        const float *cosine = forward->cosine + row * half, *sine = forward->sine + row * half;
        float *query = forward->wide + row * forward->wide_stride;
        float *key = query + (size_t)attention->query_heads * view->head_dim;
        float *value = key + (size_t)view->kv_heads * view->head_dim;

        turn_heads(attention, &attention->query_norm, kernels, query, attention->query_heads, cosine, sine);
        turn_heads(attention, &attention->key_norm, kernels, key, view->kv_heads, cosine, sine);
        kv_view_store(view, segment->table[position / KV_BLOCK_TOKENS], position % KV_BLOCK_TOKENS, key, value);
    }
}

void attention_apply(const struct sublayer *sublayer, struct forward *forward, const float *in, float *delta)
{
    const struct attention_weights *attention = &sublayer->attention;
    const struct kernels *kernels = forward->program->kernels;
    size_t hidden = forward->program->arch->hidden;
    size_t attended_stride = (size_t)attention->query_heads * attention->view.head_dim;

    gemm(forward->pool, kernels, attention->qkv, in, hidden, forward->wide, forward->wide_stride, forward->row_count);
    forward_share_rows(&(struct rows_call){store_rows, forward, sublayer, NULL});
    attention_paged(forward->pool, kernels,
                    &(struct attention_call){.view = &attention->view,
                                             .segments = forward->segments,
                                             .segment_count = forward->plan->count.segments,
                                             .query_heads = attention->query_heads,
                                             .query = forward->wide,
                                             .query_stride = forward->wide_stride,
                                             .out = forward->attended,
                                             .out_stride = attended_stride,
                                             .window = attention->window,
                                             .scale = attention->scale,
                                             .softcap = attention->softcap,
                                             .scratch = forward->attention_scratch});
    gemm(forward->pool, kernels, attention->out, forward->attended, attended_stride, delta, hidden, forward->row_count);
}
