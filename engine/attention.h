/* Paged causal attention of a step, shared over the workers (arXiv:2309.06180, arXiv:2205.14135).
 *
 * A context is cut into pieces of ATTENTION_PIECE_TOKENS at absolute positions. The partial result of (query, head,
 * piece) is pure, and a query's partials merge in piece order. So the bits of a query's output depend only on its
 * own vector and the keys and values that it sees: not on chunking, batch-mates, tiles or threads. */
#ifndef QUIRE_ATTENTION_H
#define QUIRE_ATTENTION_H

#include "kernels/kernels.h"
#include "worker_pool.h"

/* Consecutive rows of one sequence. Their keys and values are already in the pages (kv_view_store). */
struct attention_segment {
    uint32_t row_start, row_count;
    uint32_t position;     /* absolute, of the first row; the others follow */
    const uint32_t *table; /* entry i holds positions [16 i, 16 i + 16); only visible positions are read */
};

struct attention_call {
    const struct kv_view *view;
    const struct attention_segment *segments;
    uint32_t segment_count;
    uint32_t query_heads;   /* a multiple of view->kv_heads; head h reads KV head h / (query_heads / kv_heads) */
    const float *query;     /* row r at query + r * query_stride: [query_heads][head_dim] */
    size_t query_stride;
    float *out;             /* row r at out + r * out_stride: [query_heads][head_dim]; must not alias query */
    size_t out_stride;
    uint32_t window;        /* a query sees itself and window - 1 positions before it; 0: all before it */
    float scale, softcap;   /* scale multiplies q.k; softcap 0: none, else s becomes softcap * tanh(s / softcap) */
    uint32_t query_tile;    /* queries of one work item; 0: chosen here. Never changes a bit; for tests */
    void *scratch;          /* attention_scratch_bytes, aligned to 64 bytes */
};

/* Scratch for any call with at most `rows_max` rows in all its segments, whatever its query_tile (<= 64). */
size_t attention_scratch_bytes(uint32_t worker_count, uint32_t rows_max, uint32_t query_heads, uint32_t kv_heads,
                               uint32_t head_dim);

/* Cannot fail; the plan was validated. Allocates nothing. */
void attention_paged(struct worker_pool *pool, const struct kernels *kernels, const struct attention_call *call);

#endif
