/* Compiles struct arch to sublayers. Main thread, at open. Nothing here asks for a model's name: families differ in
 * data. */
#include "program.h"

#include "forward.h"
#include "token.h"

#include <stdint.h>

#define BLOCK_ALIGN_BYTES 4096u /* one copy, one I/O */

static void apply_rms(const struct norm *norm, const struct kernels *kernels, const float *x, float *out)
{
    kernels->rms_norm(x, norm->weight, norm->epsilon, out, norm->count);
}

static void apply_layer(const struct norm *norm, const struct kernels *kernels, const float *x, float *out)
{
    kernels->layer_norm(x, norm->weight, norm->bias, norm->epsilon, out, norm->count);
}

static struct norm compile_norm(enum norm_kind kind, const struct norm_weights *weights, float epsilon, uint32_t count)
{
    return (struct norm){.apply = kind == NORM_RMS ? apply_rms : apply_layer,
                         .weight = weights->weight,
                         .bias = weights->bias,
                         .epsilon = epsilon,
                         .count = count};
}

/* Bytes of one layer's keys (or values) in a block. */
static size_t layer_key_bytes(const struct arch *arch)
{
    size_t bytes;

    if (__builtin_mul_overflow((size_t)arch->attention.kv_heads, arch->attention.head_dim, &bytes) ||
        __builtin_mul_overflow(bytes, KV_BLOCK_TOKENS * sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

size_t program_block_bytes(const struct arch *arch)
{
    size_t bytes;

    if (__builtin_mul_overflow(layer_key_bytes(arch), 2 * (size_t)arch->layer_count, &bytes) ||
        __builtin_add_overflow(bytes, BLOCK_ALIGN_BYTES - 1, &bytes))
        return SIZE_MAX;
    return bytes & ~(size_t)(BLOCK_ALIGN_BYTES - 1);
}

static struct sublayer compile_attention(const struct arch *arch, const struct layer_weights *weights, uint32_t layer,
                                         char *kv_pool)
{
    uint32_t head_dim = arch->attention.head_dim;
    bool windowed = layer >= arch->attention.window_first_layer;
    size_t key_bytes = layer_key_bytes(arch);
    struct sublayer sublayer = {
        .norm_in = compile_norm(arch->norm.kind, &weights->attention_norm, arch->norm.epsilon, arch->hidden),
        .apply = attention_apply,
        .attention = {.qkv = &weights->qkv,
                      .out = &weights->out,
                      .rope = arch->position.kind == POSITION_ROPE ? &arch->position.rope : NULL,
                      .view = {.pool = kv_pool,
                               .block_bytes = program_block_bytes(arch),
                               .key_offset_bytes = 2 * layer * key_bytes,
                               .value_offset_bytes = (2 * layer + 1) * key_bytes,
                               .kv_heads = arch->attention.kv_heads,
                               .head_dim = head_dim},
                      .query_heads = arch->attention.query_heads,
                      .window = windowed ? arch->attention.window_tokens : 0,
                      .scale = arch->attention.scale,
                      .softcap = arch->attention.softcap}};

    if (arch->attention.qk_norm) {
        sublayer.attention.query_norm = compile_norm(NORM_RMS, &weights->query_norm, arch->norm.epsilon, head_dim);
        sublayer.attention.key_norm = compile_norm(NORM_RMS, &weights->key_norm, arch->norm.epsilon, head_dim);
    }
    return sublayer;
}

static struct sublayer compile_ffn(const struct arch *arch, const struct layer_weights *weights,
                                   const struct kernels *kernels)
{
    struct sublayer sublayer = {
        .norm_in = compile_norm(arch->norm.kind, &weights->ffn_norm, arch->norm.epsilon, arch->hidden),
        .apply = ffn_apply,
        .ffn = {.in = &weights->ffn_in, .out = &weights->ffn_out, .inner = arch->ffn.inner, .gated = arch->ffn.gated}};

    switch (arch->ffn.activation) {
    case ACTIVATION_SILU:
        sublayer.ffn.gate = kernels->silu_gate;
        break;
    case ACTIVATION_GELU_TANH:
        sublayer.ffn.gate = kernels->gelu_tanh_gate;
        break;
    case ACTIVATION_GELU_ERF:
        sublayer.ffn.gate = kernels->gelu_erf_gate;
        break;
    case ACTIVATION_RELU:
        sublayer.ffn.gate = kernels->relu_gate;
        break;
    }
    return sublayer;
}

void program_layout(struct program *program, struct arena *arena, const struct arch *arch)
{
    program->sublayers = arena_take(arena, 2 * (size_t)arch->layer_count, sizeof *program->sublayers);
}

void program_compile(struct program *program, const struct arch *arch, const struct weights *weights,
                     const struct kernels *kernels, char *kv_pool)
{
    program->arch = arch;
    program->weights = weights;
    program->kernels = kernels;
    program->final_norm = compile_norm(arch->norm.kind, &weights->final_norm, arch->norm.epsilon, arch->hidden);
    program->sublayer_count = 0;
    for (uint32_t layer = 0; layer < arch->layer_count; layer++) {
        const struct layer_weights *layer_weights = &weights->layers[layer];
        program->sublayers[program->sublayer_count++] = compile_attention(arch, layer_weights, layer, kv_pool);
        program->sublayers[program->sublayer_count++] = compile_ffn(arch, layer_weights, kernels);
    }
}
