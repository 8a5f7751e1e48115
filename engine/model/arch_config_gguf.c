/* GGUF metadata -> struct arch. A family is a row of data; a key of its namespace that is not in the table below is
 * refused by name, because it may change the mathematics. Keys: ggml/docs/gguf.md and llama.cpp's
 * gguf-py/gguf/constants.py. Any thread. */
#include "arch_config.h"

#include "../container/file_open.h"
#include "../container/quote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct family {
    const char *name;
    enum norm_kind norm;
    const char *epsilon;
    enum position_kind position;
    enum rope_pairing pairing;
    enum activation activation;
    bool gated, window;
} families[] = {
    {"llama", NORM_RMS, "attention.layer_norm_rms_epsilon", POSITION_ROPE, ROPE_INTERLEAVED, ACTIVATION_SILU, true,
     true},
    {"qwen2", NORM_RMS, "attention.layer_norm_rms_epsilon", POSITION_ROPE, ROPE_HALVES, ACTIVATION_SILU, true, false},
    {"qwen3", NORM_RMS, "attention.layer_norm_rms_epsilon", POSITION_ROPE, ROPE_HALVES, ACTIVATION_SILU, true, false},
    {"gpt2", NORM_LAYER, "attention.layer_norm_epsilon", POSITION_LEARNED, ROPE_HALVES, ACTIVATION_GELU_TANH, false,
     false},
};

enum key_rule { KEY_READ, KEY_IGNORED, KEY_ZERO /* must be 0 or false */ };

/* Below "<architecture>."; anything else there is refused. */
static const struct {
    const char *name;
    enum key_rule rule;
} known_keys[] = {
    {"context_length", KEY_READ},
    {"embedding_length", KEY_READ},
    {"block_count", KEY_READ},
    {"feed_forward_length", KEY_READ},
    {"vocab_size", KEY_READ},
    {"attention.head_count", KEY_READ},
    {"attention.head_count_kv", KEY_READ},
    {"attention.key_length", KEY_READ},
    {"attention.value_length", KEY_READ},
    {"attention.layer_norm_epsilon", KEY_READ},
    {"attention.layer_norm_rms_epsilon", KEY_READ},
    {"attention.sliding_window", KEY_READ},
    {"rope.dimension_count", KEY_READ},
    {"rope.freq_base", KEY_READ},
    {"rope.scale_linear", KEY_READ},
    {"rope.scaling.type", KEY_READ},
    {"rope.scaling.factor", KEY_READ},
    {"rope.scaling.original_context_length", KEY_READ},
    {"rope.scaling.attn_factor", KEY_READ},
    {"rope.scaling.yarn_beta_fast", KEY_READ},
    {"rope.scaling.yarn_beta_slow", KEY_READ},
    {"rope.scaling.finetuned", KEY_IGNORED},
    {"tensor_data_layout", KEY_IGNORED},
    {"expert_count", KEY_ZERO},
    {"expert_used_count", KEY_ZERO},
    {"attention.max_alibi_bias", KEY_ZERO},
    {"attention.clamp_kqv", KEY_ZERO},
    {"use_parallel_residual", KEY_ZERO},
    {"attn_logit_softcapping", KEY_ZERO},
    {"final_logit_softcapping", KEY_ZERO},
};

/* ---- typed access whose first failure sticks --------------------------------------------------------------------- */

struct reader {
    const struct gguf *gguf;
    const char *path;
    char prefix[40]; /* "llama." */
    enum quire_status status;
    struct quire_error *error;
};

#define FAIL(reader, code, format, ...)                                                                            \
    do {                                                                                                           \
        if ((reader)->status == QUIRE_OK)                                                                          \
            (reader)->status = quire_fail((reader)->error, code, "%s: " format, (reader)->path, __VA_ARGS__);      \
    } while (0)

static const char *full_key(const struct reader *reader, const char *name, char key[128])
{
    snprintf(key, 128, "%s%s", reader->prefix, name);
    return key;
}

static bool has(const struct reader *reader, const char *name)
{
    char key[128];

    return gguf_find(reader->gguf, full_key(reader, name, key)) != NULL;
}

static uint32_t read_u32(struct reader *reader, const char *name, uint32_t otherwise, uint32_t min, uint32_t max)
{
    char key[128];
    uint32_t value = otherwise;

    if (reader->status != QUIRE_OK || (!has(reader, name) && otherwise != UINT32_MAX))
        return otherwise;
    reader->status = gguf_get_u32(reader->gguf, full_key(reader, name, key), &value, reader->error);
    if (reader->status == QUIRE_OK && (value < min || value > max))
        FAIL(reader, QUIRE_BAD_FILE, "%s is %u, not %u to %u", key, value, min, max);
    return value;
}

static double read_number(struct reader *reader, const char *name, double otherwise, double min, double max)
{
    char key[128];
    double value = otherwise;

    if (reader->status != QUIRE_OK || !has(reader, name))
        return otherwise;
    reader->status = gguf_get_f64(reader->gguf, full_key(reader, name, key), &value, reader->error);
    if (reader->status == QUIRE_OK && !(value >= min && value <= max))
        FAIL(reader, QUIRE_BAD_FILE, "%s is %g, not between %g and %g", key, value, min, max);
    return value;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static const struct family *find_family(struct reader *reader)
{
    struct gguf_string name = {"", 0};
    struct quote quote;
    uint32_t splits = 0;

    reader->status = gguf_get_string(reader->gguf, "general.architecture", &name, reader->error);
    if (reader->status == QUIRE_OK && gguf_find(reader->gguf, "split.count") != NULL) {
        reader->status = gguf_get_u32(reader->gguf, "split.count", &splits, reader->error);
        if (splits > 1)
            FAIL(reader, QUIRE_UNSUPPORTED, "one of %u parts of a split GGUF file; merge them first", splits);
    }
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (gguf_string_equals(name, families[i].name)) {
            snprintf(reader->prefix, sizeof reader->prefix, "%s.", families[i].name);
            return &families[i];
        }
    FAIL(reader, QUIRE_UNSUPPORTED, "the architecture \"%s\" is not supported",
         quote_name(&quote, name.text, name.bytes));
    return NULL;
}

static bool is_zero(const struct gguf_value *value)
{
    return value->type != GGUF_ARRAY && value->type != GGUF_STRING && gguf_number(value, 0) == 0;
}

static void refuse_unknown_keys(struct reader *reader)
{
    size_t prefix = strlen(reader->prefix);
    struct quote quote;

    for (size_t i = 0; i < gguf_value_count(reader->gguf); i++) {
        const struct gguf_value *value = gguf_value_at(reader->gguf, i);
        bool known = value->key.bytes < prefix || memcmp(value->key.text, reader->prefix, prefix) != 0;

        for (size_t j = 0; !known && j < sizeof known_keys / sizeof known_keys[0]; j++) {
            struct gguf_string name = {value->key.text + prefix, value->key.bytes - prefix};

            known = gguf_string_equals(name, known_keys[j].name) && (known_keys[j].rule != KEY_ZERO || is_zero(value));
        }
        if (!known)
            FAIL(reader, QUIRE_UNSUPPORTED,
                 "the metadata key \"%s\" may change what the model computes and is not supported",
                 quote_name(&quote, value->key.text, value->key.bytes));
    }
}

/* ---- rope -------------------------------------------------------------------------------------------------------- */

static enum rope_scaling read_scaling(struct reader *reader)
{
    struct gguf_string name = {"", 0};
    char key[128];
    struct quote quote;

    if (!has(reader, "rope.scaling.type"))
        return has(reader, "rope.scale_linear") || has(reader, "rope.scaling.factor") ? ROPE_LINEAR : ROPE_DEFAULT;
    if (reader->status == QUIRE_OK)
        reader->status =
            gguf_get_string(reader->gguf, full_key(reader, "rope.scaling.type", key), &name, reader->error);
    if (gguf_string_equals(name, "none") || name.bytes == 0)
        return ROPE_DEFAULT;
    if (gguf_string_equals(name, "linear"))
        return ROPE_LINEAR;
    if (gguf_string_equals(name, "yarn"))
        return ROPE_YARN;
    FAIL(reader, QUIRE_UNSUPPORTED, "the rope scaling \"%s\" is not supported",
         quote_name(&quote, name.text, name.bytes));
    return ROPE_DEFAULT;
}

/* LLaMA 3's ramp comes as a tensor of one divisor per pair. */
static void divide_by_tensor(struct reader *reader, const struct model_file *file, struct arch_rope *rope)
{
    const struct model_tensor *tensor = model_file_find(file, "rope_freqs.weight");
    uint32_t count = rope->dims / 2;
    int descriptor = -1;
    uint64_t file_bytes;
    float *divisor;

    if (tensor == NULL || reader->status != QUIRE_OK)
        return;
    if (tensor->type != ROW_F32 || tensor->dimension_count != 1 || tensor->dimensions[0] != count) {
        FAIL(reader, QUIRE_BAD_FILE, "tensor \"rope_freqs.weight\" has %llu values of type %s, not %u of type F32",
             (unsigned long long)tensor->dimensions[0], tensor->type_name, count);
        return;
    }
    divisor = malloc((size_t)tensor->bytes);
    if (divisor == NULL)
        FAIL(reader, QUIRE_NO_MEMORY, "no memory for %u rotary frequencies", count);
    if (reader->status == QUIRE_OK)
        reader->status = file_open(reader->path, &descriptor, &file_bytes, reader->error);
    if (reader->status == QUIRE_OK) {
        reader->status =
            file_read_exact(descriptor, reader->path, tensor->offset, divisor, (size_t)tensor->bytes, reader->error);
        close(descriptor);
    }
    for (uint32_t i = 0; reader->status == QUIRE_OK && i < count; i++) {
        if (!(divisor[i] > 0 && isfinite(divisor[i])))
            FAIL(reader, QUIRE_BAD_FILE, "tensor \"rope_freqs.weight\" holds %g at %u", (double)divisor[i], i);
        rope->inverse_frequency[i] /= divisor[i];
    }
    free(divisor);
}

static void read_rope(struct reader *reader, const struct model_file *file, const struct family *family,
                      uint32_t model_len_max, struct arch *arch)
{
    uint32_t dim = arch->attention.head_dim;
    struct rope_spec spec = {.scaling = read_scaling(reader), .head_dim = dim, .position_max = arch->position_max,
                             .length = model_len_max != 0 ? model_len_max : arch->position_max, .truncate = true,
                             .mscale = NAN, .mscale_all_dim = NAN};
    double attention_factor;

    spec.dims = read_u32(reader, "rope.dimension_count", dim, 2, dim);
    spec.base = read_number(reader, "rope.freq_base", 10000, 1.001, 1e18);
    spec.factor =
        read_number(reader, "rope.scaling.factor", read_number(reader, "rope.scale_linear", 1, 0, 1e9), 0, 1e9);
    spec.factor = spec.factor == 0 ? 1 : spec.factor; /* llama.cpp's reading of 0 */
    spec.original_position_max =
        read_number(reader, "rope.scaling.original_context_length", NAN, 1, ARCH_POSITIONS_MAX);
    spec.beta_fast = read_number(reader, "rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6);
    spec.beta_slow = read_number(reader, "rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6);
    attention_factor = read_number(reader, "rope.scaling.attn_factor", 1, 1e-3, 1e3);
    spec.attention_factor = attention_factor * (spec.factor > 1 ? 1 + 0.1 * log(spec.factor) : 1);
    if (reader->status == QUIRE_OK && spec.dims % 2 != 0)
        FAIL(reader, QUIRE_BAD_FILE, "%u rotary dimensions are not even", spec.dims);
    arch->position.rope.pairing = family->pairing;
    if (reader->status == QUIRE_OK)
        reader->status = rope_compute(&spec, reader->path, &arch->position.rope, &arch->position_max, reader->error);
    divide_by_tensor(reader, file, &arch->position.rope);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void read_attention(struct reader *reader, const struct model_file *file, struct arch *arch)
{
    uint32_t heads = read_u32(reader, "attention.head_count", UINT32_MAX, 1, ARCH_HEADS_MAX);
    uint32_t dim = 0, value_dim;

    arch->attention.query_heads = heads;
    arch->attention.kv_heads = read_u32(reader, "attention.head_count_kv", heads, 1, ARCH_HEADS_MAX);
    if (reader->status == QUIRE_OK && !has(reader, "attention.key_length")) {
        if (arch->hidden % heads != 0)
            FAIL(reader, QUIRE_BAD_FILE, "the embedding length %u is not a multiple of %u heads", arch->hidden, heads);
        dim = arch->hidden / heads;
    }
    dim = read_u32(reader, "attention.key_length", dim, 1, ARCH_WIDTH_MAX);
    value_dim = read_u32(reader, "attention.value_length", dim, 1, ARCH_WIDTH_MAX);
    if (reader->status == QUIRE_OK && value_dim != dim)
        FAIL(reader, QUIRE_UNSUPPORTED, "keys of %u and values of %u dimensions are not supported", dim, value_dim);
    arch->attention.head_dim = dim;
    arch->attention.scale = dim != 0 ? (float)(1.0 / sqrt((double)dim)) : 0;
    if (reader->status == QUIRE_OK)
        reader->status = arch_check_heads(arch, reader->path, reader->error);
    arch->attention.qkv_bias = model_file_find(file, "blk.0.attn_q.bias") != NULL ||
                               model_file_find(file, "blk.0.attn_qkv.bias") != NULL;
    arch->attention.out_bias = model_file_find(file, "blk.0.attn_output.bias") != NULL;
    arch->attention.qk_norm = model_file_find(file, "blk.0.attn_q_norm.weight") != NULL;
}

/* Converters write Qwen's window though the models do not use it; one that could matter is refused there. */
static void read_window(struct reader *reader, const struct family *family, struct arch *arch)
{
    uint32_t window = read_u32(reader, "attention.sliding_window", 0, 0, UINT32_MAX - 1);

    if (window == 0 || (!family->window && window >= arch->position_max)) /* --max-model-len may exceed position_max */
        return;
    if (!family->window)
        FAIL(reader, QUIRE_UNSUPPORTED, "%sattention.sliding_window %u is not supported, only in llama", reader->prefix,
             window);
    arch->attention.window_tokens = window;
}

static uint32_t read_vocab_size(struct reader *reader, const struct model_file *file)
{
    const struct model_tensor *embedding = model_file_find(file, "token_embd.weight");

    if (embedding == NULL) {
        FAIL(reader, QUIRE_NOT_FOUND, "%s", "the tensor \"token_embd.weight\" is missing");
        return 0;
    }
    if (embedding->dimension_count != 2 || embedding->dimensions[0] > ARCH_VOCAB_MAX)
        FAIL(reader, QUIRE_BAD_FILE,
             "tensor \"token_embd.weight\" has %u dimensions and %llu rows, not 2 and at most %u",
             embedding->dimension_count, (unsigned long long)embedding->dimensions[0], ARCH_VOCAB_MAX);
    return (uint32_t)embedding->dimensions[0];
}

enum quire_status arch_from_gguf(const struct model_file *file, uint32_t model_len_max, struct arch *arch,
                                 struct quire_error *error)
{
    struct reader reader = {.gguf = file->gguf, .path = file->path, .status = QUIRE_OK, .error = error};
    const struct family *family = find_family(&reader);

    if (reader.status == QUIRE_OK)
        refuse_unknown_keys(&reader);
    if (reader.status != QUIRE_OK)
        return reader.status;
    snprintf(arch->family, sizeof arch->family, "%s", family->name);
    arch->layer_count = read_u32(&reader, "block_count", UINT32_MAX, 1, ARCH_LAYERS_MAX);
    arch->hidden = read_u32(&reader, "embedding_length", UINT32_MAX, 1, ARCH_WIDTH_MAX);
    arch->position_max = read_u32(&reader, "context_length", UINT32_MAX, 1, ARCH_POSITIONS_MAX);
    arch->ffn.inner = read_u32(&reader, "feed_forward_length", UINT32_MAX, 1, ARCH_WIDTH_MAX);
    arch->ffn.activation = family->activation;
    arch->ffn.gated = family->gated;
    arch->ffn.bias = model_file_find(file, "blk.0.ffn_up.bias") != NULL;
    arch->norm.kind = family->norm;
    arch->norm.bias = family->norm == NORM_LAYER;
    if (reader.status == QUIRE_OK)
        read_attention(&reader, file, arch);
    if (reader.status == QUIRE_OK)
        read_window(&reader, family, arch);
    if (reader.status == QUIRE_OK && !has(&reader, family->epsilon))
        FAIL(&reader, QUIRE_NOT_FOUND, "the metadata key \"%s%s\" is missing", reader.prefix, family->epsilon);
    arch->norm.epsilon = (float)read_number(&reader, family->epsilon, 0, 0, 1);
    arch->vocab_size = read_vocab_size(&reader, file);
    arch->tied_embeddings = model_file_find(file, "output.weight") == NULL;
    arch->position.kind = family->position;
    if (family->position == POSITION_LEARNED)
        arch->position.learned_count = arch->position_max;
    else if (reader.status == QUIRE_OK)
        read_rope(&reader, file, family, model_len_max, arch);
    return reader.status;
}
