/* config.json -> struct arch. A family is a row of data; what the row does not know is refused by name. Any thread. */
#include "arch_config_json.h"

#include "../container/quote.h"

#include <math.h>
#include <string.h>

enum bias_rule { BIAS_NEVER, BIAS_ALWAYS, BIAS_FIELD /* attention_bias or mlp_bias says */ };
enum window_rule { WINDOW_NEVER, WINDOW_ALL_LAYERS, WINDOW_LAST_LAYERS };

/* Defaults are those of transformers' configuration classes; 0 means what the comment says. */
static const struct family {
    const char *model_type, *architecture;
    const char *hidden, *layers, *heads, *positions, *inner, *activation, *epsilon; /* field names */
    enum norm_kind norm;
    enum position_kind position;
    bool gated, qk_norm, tied;
    enum bias_rule qkv_bias, out_bias, ffn_bias;
    enum window_rule window;
    double epsilon_default;
    const char *activation_default;
    uint32_t positions_default;
    uint32_t kv_heads_default; /* 0: as many as query heads */
    uint32_t head_dim_default; /* 0: hidden / heads */
    uint32_t inner_default;    /* 0: 4 hidden; CONFIG_REQUIRED */
} families[] = {
#define LLAMA_FIELDS                                                                                                   \
    .hidden = "hidden_size", .layers = "num_hidden_layers", .heads = "num_attention_heads",                            \
    .positions = "max_position_embeddings", .inner = "intermediate_size", .activation = "hidden_act",                  \
    .epsilon = "rms_norm_eps", .norm = NORM_RMS, .position = POSITION_ROPE, .gated = true, .epsilon_default = 1e-6,    \
    .activation_default = "silu", .inner_default = CONFIG_REQUIRED
    {"llama", "LlamaForCausalLM", LLAMA_FIELDS, .qkv_bias = BIAS_FIELD, .out_bias = BIAS_FIELD, .ffn_bias = BIAS_FIELD,
     .positions_default = 2048},
    {"mistral", "MistralForCausalLM", LLAMA_FIELDS, .window = WINDOW_ALL_LAYERS, .positions_default = 131072,
     .kv_heads_default = 8},
    {"qwen2", "Qwen2ForCausalLM", LLAMA_FIELDS, .qkv_bias = BIAS_ALWAYS, .window = WINDOW_LAST_LAYERS,
     .positions_default = 32768, .kv_heads_default = 32},
    {"qwen3", "Qwen3ForCausalLM", LLAMA_FIELDS, .qk_norm = true, .qkv_bias = BIAS_FIELD, .out_bias = BIAS_FIELD,
     .window = WINDOW_LAST_LAYERS, .positions_default = 32768, .kv_heads_default = 32, .head_dim_default = 128},
#undef LLAMA_FIELDS
    {"gpt2", "GPT2LMHeadModel", .hidden = "n_embd", .layers = "n_layer", .heads = "n_head", .positions = "n_positions",
     .inner = "n_inner", .activation = "activation_function", .epsilon = "layer_norm_epsilon", .norm = NORM_LAYER,
     .position = POSITION_LEARNED, .tied = true, .qkv_bias = BIAS_ALWAYS, .out_bias = BIAS_ALWAYS,
     .ffn_bias = BIAS_ALWAYS, .epsilon_default = 1e-5, .activation_default = "gelu_new", .positions_default = 1024},
};

/* Fields of other models that change the mathematics, and the value at which they do not; absent, null and empty always
 * pass. */
static const struct {
    const char *key;
    double neutral;
} refused[] = {
    {"quantization_config", NAN},       {"attn_logit_softcapping", 0},   {"final_logit_softcapping", 0},
    {"logit_scale", 1},                 {"logits_scaling", 1},           {"embedding_multiplier", 1},
    {"residual_multiplier", 1},         {"attention_multiplier", NAN},   {"query_pre_attn_scalar", NAN},
    {"scale_emb", 1},                   {"scale_depth", NAN},            {"dim_model_base", NAN},
    {"num_local_experts", 0},           {"num_experts", 0},              {"n_routed_experts", 0},
    {"kv_lora_rank", 0},                {"q_lora_rank", 0},              {"alibi", 0},
    {"use_alibi", 0},                   {"clip_qkv", 0},                 {"attention_chunk_size", 0},
    {"no_rope_layers", NAN},            {"no_rope_layer_interval", 0},   {"use_qk_norm", 0},
    {"qk_layernorm", 0},                {"use_parallel_residual", 0},    {"parallel_attn", 0},
    {"add_cross_attention", 0},         {"is_encoder_decoder", 0},       {"scale_attn_by_inverse_layer_idx", 0},
    {"rotary_pct", 1},                  {"rope_interleaved", 0},         {"vision_config", NAN},
    {"text_config", NAN},               {"use_mrope", 0},                {"use_bidirectional_attention", 0},
};

static const struct {
    const char *name;
    enum activation activation;
} activations[] = {
    {"silu", ACTIVATION_SILU},           {"swish", ACTIVATION_SILU},     {"gelu", ACTIVATION_GELU_ERF},
    {"gelu_new", ACTIVATION_GELU_TANH},  {"relu", ACTIVATION_RELU},      {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
    {"gelu_fast", ACTIVATION_GELU_TANH}, {"gelu_python", ACTIVATION_GELU_ERF},
};

static bool is_neutral(const json_t *value, double neutral)
{
    if (json_is_number(value))
        return json_number_value(value) == neutral;
    if (json_is_boolean(value))
        return (json_is_true(value) ? 1.0 : 0.0) == neutral;
    return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static void refuse_foreign_fields(struct config *config)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const json_t *value = json_object_get(config->json, refused[i].key);

        if (value != NULL && !is_neutral(value, refused[i].neutral))
            config_fail(config, QUIRE_UNSUPPORTED, "%s changes what the model computes and is not supported",
                        refused[i].key);
    }
}

static const struct family *find_family(struct config *config)
{
    const char *type = config_string(config, "model_type", "");
    const json_t *architectures = config_array(config, "architectures");
    const char *architecture = json_string_value(json_array_get(architectures, 0));
    struct quote quote;

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(families[i].model_type, type) != 0)
            continue;
        if (architecture != NULL && strcmp(families[i].architecture, architecture) != 0)
            config_fail(config, QUIRE_UNSUPPORTED, "the architecture \"%s\" is not supported for \"%s\", only %s",
                        quote_name(&quote, architecture, strlen(architecture)), type, families[i].architecture);
        return &families[i];
    }
    if (type[0] == '\0')
        config_fail(config, QUIRE_BAD_FILE, "%s", "model_type is missing");
    config_fail(config, QUIRE_UNSUPPORTED, "the model type \"%s\" is not supported",
                quote_name(&quote, type, strlen(type)));
    return NULL;
}

static bool read_bias(struct config *config, enum bias_rule rule, const char *key)
{
    return rule == BIAS_ALWAYS || (rule == BIAS_FIELD && config_bool(config, key, false));
}

static void read_attention(struct config *config, const struct family *family, struct arch *arch)
{
    uint32_t heads = config_u32(config, family->heads, CONFIG_REQUIRED, 1, ARCH_HEADS_MAX);
    /* an explicit null means as many as query heads, whatever the family's default */
    uint32_t kv_default = config_has(config, "num_key_value_heads") ? 0 : family->kv_heads_default;
    uint32_t dim_default = config_has(config, "head_dim") ? 0 : family->head_dim_default;

    arch->attention.query_heads = heads;
    arch->attention.kv_heads =
        config_u32(config, "num_key_value_heads", kv_default != 0 ? kv_default : heads, 1, ARCH_HEADS_MAX);
    if (config->status == QUIRE_OK && dim_default == 0 && config_u32(config, "head_dim", 0, 1, ARCH_WIDTH_MAX) == 0) {
        if (arch->hidden % heads != 0)
            config_fail(config, QUIRE_BAD_FILE, "%s is %u, not a multiple of %s, which is %u", family->hidden,
                        arch->hidden, family->heads, heads);
        dim_default = arch->hidden / heads;
    }
    arch->attention.head_dim = config_u32(config, "head_dim", dim_default, 1, ARCH_WIDTH_MAX);
    arch->attention.scale = config_bool(config, "scale_attn_weights", true) && arch->attention.head_dim != 0
                                ? (float)(1.0 / sqrt((double)arch->attention.head_dim))
                                : 1.0f;
    if (config->status == QUIRE_OK)
        config->status = arch_check_heads(arch, config->path, config->error);
    arch->attention.qkv_bias = read_bias(config, family->qkv_bias, "attention_bias");
    arch->attention.out_bias = read_bias(config, family->out_bias, "attention_bias");
    arch->attention.qk_norm = family->qk_norm;
}

/* Layers [0, first) attend to everything, the rest to a window; other patterns are refused. */
static void read_layer_types(struct config *config, const json_t *types, uint32_t layers, uint32_t *first)
{
    if (json_array_size(types) != layers)
        config_fail(config, QUIRE_BAD_FILE, "layer_types has %zu entries for %u layers", json_array_size(types),
                    layers);
    *first = layers;
    for (uint32_t i = 0; config->status == QUIRE_OK && i < layers; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        bool window = type != NULL && strcmp(type, "sliding_attention") == 0;

        if (!window && (type == NULL || strcmp(type, "full_attention") != 0))
            config_fail(config, QUIRE_UNSUPPORTED, "layer_types[%u] is neither full_attention nor sliding_attention",
                        i);
        if (!window && *first < i)
            config_fail(config, QUIRE_UNSUPPORTED, "layer_types[%u] is full_attention after a sliding_attention", i);
        if (window && *first == layers)
            *first = i;
    }
}

static void read_window(struct config *config, const struct family *family, struct arch *arch)
{
    uint32_t otherwise = config_has(config, "sliding_window") ? 0 : 4096; /* null: none */
    uint32_t first = 0;
    uint32_t window;
    const json_t *types = family->window == WINDOW_LAST_LAYERS ? config_array(config, "layer_types") : NULL;

    if (family->window == WINDOW_NEVER)
        return;
    if (family->window == WINDOW_LAST_LAYERS) {
        if (types != NULL)
            read_layer_types(config, types, arch->layer_count, &first);
        else
            first = config_u32(config, "max_window_layers", 28, 0, UINT32_MAX - 1);
        if (!config_bool(config, "use_sliding_window", false)) {
            if (types != NULL && first < arch->layer_count)
                config_fail(config, QUIRE_BAD_FILE,
                            "layer_types[%u] is sliding_attention but use_sliding_window is not set", first);
            return;
        }
    }
    window = config_u32(config, "sliding_window", otherwise, 1, UINT32_MAX - 1);
    if (first < arch->layer_count) {
        arch->attention.window_tokens = window;
        arch->attention.window_first_layer = window != 0 ? first : 0;
    }
}

static void read_ffn(struct config *config, const struct family *family, struct arch *arch)
{
    const char *name = config_string(config, family->activation, family->activation_default);
    uint32_t otherwise = family->inner_default == 0 ? 4 * arch->hidden : family->inner_default;
    bool known = false;
    struct quote quote;

    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++)
        if (strcmp(activations[i].name, name) == 0) {
            arch->ffn.activation = activations[i].activation;
            known = true;
        }
    if (!known)
        config_fail(config, QUIRE_UNSUPPORTED, "the activation \"%s\" is not supported",
                    quote_name(&quote, name, strlen(name)));
    arch->ffn.inner = config_u32(config, family->inner, otherwise, 1, ARCH_WIDTH_MAX);
    arch->ffn.gated = family->gated;
    arch->ffn.bias = read_bias(config, family->ffn_bias, "mlp_bias");
}

enum quire_status arch_from_json(const struct model_file *file, uint32_t model_len_max, struct arch *arch,
                                 struct quire_error *error)
{
    struct config config = {file->config, file->config_path, "", QUIRE_OK, error};
    const struct family *family = find_family(&config);

    refuse_foreign_fields(&config);
    if (config.status != QUIRE_OK)
        return config.status;
    snprintf(arch->family, sizeof arch->family, "%s", family->model_type);
    arch->layer_count = config_u32(&config, family->layers, CONFIG_REQUIRED, 1, ARCH_LAYERS_MAX);
    arch->hidden = config_u32(&config, family->hidden, CONFIG_REQUIRED, 1, ARCH_WIDTH_MAX);
    arch->vocab_size = config_u32(&config, "vocab_size", CONFIG_REQUIRED, 1, ARCH_VOCAB_MAX);
    arch->position_max = config_u32(&config, family->positions, family->positions_default, 1, ARCH_POSITIONS_MAX);
    arch->norm.kind = family->norm;
    arch->norm.epsilon = (float)config_number(&config, family->epsilon, family->epsilon_default);
    arch->norm.bias = family->norm == NORM_LAYER;
    arch->tied_embeddings = config_bool(&config, "tie_word_embeddings", family->tied);
    if (config.status == QUIRE_OK)
        read_attention(&config, family, arch);
    if (config.status == QUIRE_OK)
        read_window(&config, family, arch);
    if (config.status == QUIRE_OK)
        read_ffn(&config, family, arch);
    arch->position.kind = family->position;
    if (config.status == QUIRE_OK && family->position == POSITION_ROPE)
        arch_read_rope(&config, model_len_max, arch);
    if (family->position == POSITION_LEARNED)
        arch->position.learned_count = arch->position_max;
    return config.status;
}
