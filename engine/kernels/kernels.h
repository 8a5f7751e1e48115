/* The kernel table: chosen once at start, before threads. Each instruction set is a library of its own, compiled
 * with its own -m flags and exporting one table; select.c overlays them (an empty slot inherits the slower row's).
 *
 * All rows below belong to one numeric class: lanes are outputs, inputs are added in order by fused multiply-add,
 * reductions use sixteen partial sums folded in one fixed tree (8, 4, 2, 1), and exp is one polynomial. So scalar,
 * AVX2 and AVX-512 agree bit for bit; tests compare them with memcmp. No kernel's result depends on how many rows a
 * call has. */
#ifndef QUIRE_KERNELS_H
#define QUIRE_KERNELS_H

#include "matrix.h"
#include "status.h"

#include <stdbool.h>

/* y[r][o] = bias[o] + sum_i x[r][i] * w[o][i], for rows r < row_count and the outputs of panels [panel_first,
 * panel_end). x rows are x_stride floats apart, y rows y_stride; y may be narrower than the padded panels (only real
 * outputs are written). y must not alias x. */
struct gemm_call {
    const struct matrix *matrix;
    const float *x;
    size_t x_stride;
    float *y;
    size_t y_stride;
    uint32_t row_count;
    uint32_t panel_first, panel_end;
};

/* One layer's view of the KV pool. A block holds all layers: layer l's keys at key_offset_bytes, values at
 * value_offset_bytes from the block's start, each for all KV heads in order:
 *   keys    [kv_heads][head_dim][16]   transposed, so that one vector holds a dimension of sixteen tokens
 *   values  [kv_heads][16][head_dim]                                                                      both f32 */
struct kv_view {
    char *pool;
    size_t block_bytes, key_offset_bytes, value_offset_bytes;
    uint32_t kv_heads, head_dim;
};

#define ATTENTION_PIECE_TOKENS 256u /* a piece covers fixed absolute positions [256 p, 256 p + 256) */

/* Partial attention of `query_count` query rows of one KV head's group over one piece: for each (query, head of the
 * group) the piece's score maximum, sum of exp(score - maximum) and unnormalised value sum. Pure: depends on nothing
 * but that query, the piece's keys and values, and the mask; the rows of one call do not influence each other.
 * Query q stands at position p = query_position + q and sees the positions t <= p with window == 0 or t > p - window. */
struct attention_piece_call {
    const struct kv_view *view;
    const uint32_t *table;     /* of the sequence; entry i holds positions [16 i, 16 i + 16) */
    uint32_t kv_head;
    uint32_t group_heads;      /* query heads per KV head */
    const float *query;        /* query row 0, head 0 of the group: [group_heads][head_dim] contiguous */
    size_t query_stride;       /* floats between query rows */
    uint32_t query_count;
    uint32_t query_position;   /* absolute position of query row 0 */
    uint32_t piece;            /* piece index */
    uint32_t window;           /* 0: unlimited */
    float scale, softcap;      /* softcap 0: none */
    /* out, for query q and head h at index q * group_heads + h; maximum -INFINITY and sum 0 where nothing is visible */
    float *maximum, *sum;
    float *accumulator;        /* [..][head_dim] */
};

struct kernels {
    const char *name; /* "scalar", "avx2", "avx512", "openblas" */
    void (*gemm[MATRIX_FORMAT_COUNT])(const struct gemm_call *call);
    void (*attention_piece)(const struct attention_piece_call *call);
    /* Norms of one row; weight or bias may be NULL. out may be x.  RMSNorm arXiv:1910.07467, LayerNorm
     * arXiv:1607.06450 */
    void (*rms_norm)(const float *x, const float *weight, float epsilon, float *out, uint32_t count);
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, float *out,
                       uint32_t count);
    /* Rotates pairs (i, i + half) for i < half, in place. cosine, sine: [half].  RoPE arXiv:2104.09864 */
    void (*rope)(float *x, const float *cosine, const float *sine, uint32_t half);
    void (*add)(float *x, const float *delta, uint32_t count);               /* x += delta */
    void (*silu_gate)(const float *gate, const float *up, float *out, uint32_t count);      /* out = silu(gate) * up */
    void (*gelu_tanh_gate)(const float *gate, const float *up, float *out, uint32_t count); /* up NULL: not gated */
    void (*gelu_erf_gate)(const float *gate, const float *up, float *out, uint32_t count);
    void (*relu_gate)(const float *gate, const float *up, float *out, uint32_t count);
    float (*maximum)(const float *x, uint32_t count);
    float (*exp_sum)(const float *x, float subtract, uint32_t count);        /* sum of exp(x - subtract) */
    void (*exp_rows)(const float *x, float subtract, float *out, uint32_t count); /* out = exp(x - subtract) */
    /* Merges the partials of consecutive pieces in order: (maximum, sum, accumulator) of `count` = queries * heads
     * each. */
    void (*attention_merge)(float *maximum, float *sum, float *accumulator, const float *piece_maximum,
                            const float *piece_sum, const float *piece_accumulator, uint32_t count, uint32_t head_dim);
    /* For ceilings.c: `rounds` of independent multiply-adds in registers; data: [32], read and overwritten. Returns the
     * floating-point operations done. */
    uint64_t (*burn)(uint32_t rounds, float *data);
};

/* `name` NULL: the best row that this processor has; where it has no fused multiply-add, OpenBLAS's products, a
 * numeric class of their own (per processor type). QUIRE_NOT_FOUND (lists the names), QUIRE_UNSUPPORTED (the
 * processor lacks it). */
QUIRE_NODISCARD enum quire_status kernels_select(const char *name, const struct kernels **out,
                                                 struct quire_error *error);

/* Stores one token's key and value row ([kv_heads][head_dim] each) into slot `position % 16` of its block. */
void kv_view_store(const struct kv_view *view, uint32_t block, uint32_t slot, const float *key, const float *value);

#endif
