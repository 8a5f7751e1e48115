/* What a model is, as data (DESIGN.md, section 4). arch_config.c fills this from config.json or GGUF metadata and
 * rejects what it does not know, by name; after that no code sees a model's name. Later families add fields, not
 * functions. */
#ifndef QUIRE_ARCH_H
#define QUIRE_ARCH_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>

enum norm_kind { NORM_RMS, NORM_LAYER };
enum position_kind { POSITION_NONE, POSITION_ROPE, POSITION_LEARNED };
enum activation { ACTIVATION_SILU, ACTIVATION_GELU_TANH, ACTIVATION_GELU_ERF, ACTIVATION_RELU };
enum rope_pairing { ROPE_HALVES, ROPE_INTERLEAVED }; /* of the file; folded to halves at load */

struct arch_rope {
    uint32_t dims;            /* rotated dimensions of a head, even, <= head_dim */
    enum rope_pairing pairing;
    float attention_factor;   /* multiplies cos and sin (yarn, longrope); 1 */
    float *inverse_frequency; /* [dims / 2], all scaling folded in; owned by the arch */
};

struct arch {
    char family[32];          /* "llama": for people and logs, never tested */
    uint32_t layer_count, hidden, vocab_size;
    uint32_t position_max;    /* the model's own context length */
    struct {
        enum norm_kind kind;
        float epsilon;
        bool bias;
    } norm;
    struct {
        enum position_kind kind;
        struct arch_rope rope;    /* POSITION_ROPE */
        uint32_t learned_count;   /* POSITION_LEARNED: rows of the table */
    } position;
    struct {
        uint32_t query_heads, kv_heads, head_dim;
        float scale;              /* 1 / sqrt(head_dim) unless the model says otherwise */
        float softcap;            /* 0: none */
        uint32_t window_tokens;   /* 0: none */
        uint32_t window_first_layer; /* layers from here on use the window (Qwen2's max_window_layers); else 0 */
        bool qkv_bias, out_bias;
        bool qk_norm;             /* RMS norm of each query and key head before rope (Qwen3) */
    } attention;
    struct {
        enum activation activation;
        uint32_t inner;
        bool gated, bias;
    } ffn;
    bool tied_embeddings;
    float embedding_scale, logit_scale; /* 1 */
};

void arch_deinit(struct arch *arch);

#endif
