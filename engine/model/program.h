/* A model as a list of sublayers with resolved functions and weights: what forward.c runs. Compiled once from struct
 * arch and the weights; read-only afterwards. */
#ifndef QUIRE_PROGRAM_H
#define QUIRE_PROGRAM_H

#include "../arena.h"
#include "../kernels/kernels.h"
#include "arch.h"
#include "weights.h"

struct forward;

/* The normalisation of one row of `count` values. `apply` is NULL where there is none. out may be x. */
struct norm {
    void (*apply)(const struct norm *norm, const struct kernels *kernels, const float *x, float *out);
    const float *weight, *bias;
    float epsilon;
    uint32_t count;
};

struct attention_weights {
    const struct matrix *qkv, *out;
    struct norm query_norm, key_norm; /* of each head */
    const struct arch_rope *rope;     /* NULL: no rotation */
    struct kv_view view;              /* this layer's part of the KV blocks */
    uint32_t query_heads, window;
    float scale, softcap;
};

struct ffn_weights {
    const struct matrix *in, *out;
    void (*gate)(const float *gate, const float *up, float *out, uint32_t count);
    uint32_t inner;
    bool gated;
};

/* x += apply(norm_in(x)) */
struct sublayer {
    struct norm norm_in;
    /* delta [rows][hidden] from in [rows][hidden], for all rows of the step */
    void (*apply)(const struct sublayer *sublayer, struct forward *forward, const float *in, float *delta);
    union {
        struct attention_weights attention;
        struct ffn_weights ffn;
    };
};

struct program {
    const struct arch *arch;
    const struct weights *weights;
    const struct kernels *kernels;
    struct sublayer *sublayers;
    uint32_t sublayer_count;
    struct norm final_norm;
};

/* Bytes of one KV block: the keys and values of KV_BLOCK_TOKENS tokens in all layers, a multiple of 4096. SIZE_MAX
 * where that does not fit into size_t. */
size_t program_block_bytes(const struct arch *arch);

/* Takes the program's memory from `arena`. */
void program_layout(struct program *program, struct arena *arena, const struct arch *arch);

/* Fills a laid-out program. All pointers are kept; `kv_pool` is where block 0 starts. */
void program_compile(struct program *program, const struct arch *arch, const struct weights *weights,
                     const struct kernels *kernels, char *kv_pool);

#endif
