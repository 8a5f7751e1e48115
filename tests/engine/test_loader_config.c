/* config.json and GGUF metadata -> struct arch: what is read, and what is refused with which sentence. */
#include "model/arch.h"
#include "model/weights.h"

#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char llama[] =
    "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"vocab_size\":32,\"hidden_size\":64,"
    "\"intermediate_size\":96,\"num_hidden_layers\":4,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"rms_norm_"
    "eps\":1e-5,"
    "\"hidden_act\":\"silu\",\"max_position_embeddings\":128}";
static const char gpt2[] = "{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],\"vocab_size\":32,\"n_"
                           "embd\":48,\"n_layer\":2,\"n_head\":3,"
                           "\"n_positions\":72}";

/* `base` with the fields of `patch` put in; the field "-" lists names to remove. */
static enum quire_status describe(const char *base, const char *patch, uint32_t length, struct arch *arch,
                                  struct quire_error *error)
{
    json_error_t reason;
    json_t *config = json_loads(base, 0, &reason), *changes = json_loads(patch, 0, &reason), *name;
    char path[SCRATCH_PATH_BYTES];
    struct model_file *file = NULL;
    size_t index;
    enum quire_status status;

    cr_assert(config != NULL && changes != NULL, "%s: %s", patch, reason.text);
    json_array_foreach(json_object_get(changes, "-"), index, name)
        json_object_del(config, json_string_value(name));
    json_object_del(changes, "-");
    json_object_update(config, changes);
    scratch_model("model", config);
    cr_assert_eq(model_file_open(scratch_path("model", path), &file, error), QUIRE_OK, "%s", error->message);
    status = arch_from_file(file, length, arch, error);
    model_file_close(file);
    json_decref(config);
    json_decref(changes);
    return status;
}

static struct arch must_describe(const char *base, const char *patch)
{
    struct arch arch;
    struct quire_error error = {""};

    cr_assert_eq(describe(base, patch, 0, &arch, &error), QUIRE_OK, "%s: %s", patch, error.message);
    return arch;
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

struct refusal {
    const char *patch;
    enum quire_status status;
    const char *part; /* of the sentence */
};

static void check_refusals(const char *base, const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arch arch, before;
        struct quire_error error = {""};

        memset(&arch, 0x5a, sizeof arch);
        before = arch;
        cr_expect_eq(describe(base, rows[i].patch, 0, &arch, &error), rows[i].status, "%s: %s", rows[i].patch,
                     error.message);
        cr_expect(strstr(error.message, rows[i].part) != NULL, "%s: \"%s\" does not say \"%s\"", rows[i].patch,
                  error.message, rows[i].part);
        cr_expect(strstr(error.message, "model") != NULL, "%s: names no file", error.message);
        cr_expect(memcmp(&arch, &before, sizeof arch) == 0, "%s: a failure left something in arch", rows[i].patch);
    }
}

Test(loader_config, broken_fields_are_refused_with_their_name_and_value)
{
    static const struct refusal rows[] = {
        {"{\"num_attention_heads\":0}", QUIRE_BAD_FILE, "num_attention_heads is 0, not 1"},
        {"{\"num_attention_heads\":-4}", QUIRE_BAD_FILE, "num_attention_heads is -4"},
        {"{\"num_attention_heads\":\"4\"}", QUIRE_BAD_FILE, "num_attention_heads is a string, not an integer"},
        {"{\"num_attention_heads\":4.0}", QUIRE_BAD_FILE, "num_attention_heads is a number, not an integer"},
        {"{\"num_attention_heads\":[4]}", QUIRE_BAD_FILE, "num_attention_heads is a list"},
        {"{\"num_attention_heads\":true}", QUIRE_BAD_FILE, "num_attention_heads is true"},
        {"{\"-\":[\"num_attention_heads\"]}", QUIRE_BAD_FILE, "num_attention_heads is missing"},
        {"{\"num_attention_heads\":null}", QUIRE_BAD_FILE, "num_attention_heads is missing"},
        {"{\"num_attention_heads\":5}", QUIRE_BAD_FILE,
         "hidden_size is 64, not a multiple of num_attention_heads, which is 5"},
        {"{\"num_key_value_heads\":0}", QUIRE_BAD_FILE, "num_key_value_heads is 0"},
        {"{\"num_key_value_heads\":3}", QUIRE_BAD_FILE, "4 query heads are not a multiple of 3"},
        {"{\"num_key_value_heads\":8}", QUIRE_BAD_FILE, "4 query heads are not a multiple of 8"},
        {"{\"num_hidden_layers\":0}", QUIRE_BAD_FILE, "num_hidden_layers is 0"},
        {"{\"num_hidden_layers\":4294967296}", QUIRE_BAD_FILE, "num_hidden_layers is 4294967296"},
        {"{\"hidden_size\":4611686018427387904}", QUIRE_BAD_FILE, "hidden_size is 4611686018427387904"},
        {"{\"intermediate_size\":0}", QUIRE_BAD_FILE, "intermediate_size is 0"},
        {"{\"vocab_size\":0}", QUIRE_BAD_FILE, "vocab_size is 0"},
        {"{\"vocab_size\":4294967295}", QUIRE_BAD_FILE, "vocab_size is 4294967295"},
        {"{\"max_position_embeddings\":0}", QUIRE_BAD_FILE, "max_position_embeddings is 0"},
        {"{\"head_dim\":0}", QUIRE_BAD_FILE, "head_dim is 0"},
        {"{\"head_dim\":15}", QUIRE_BAD_FILE, "15 rotary dimensions are not even"},
        {"{\"head_dim\":1000000,\"num_attention_heads\":64}", QUIRE_BAD_FILE, "64 heads of 1000000 dimensions"},
        {"{\"rms_norm_eps\":0}", QUIRE_BAD_FILE, "epsilon is 0"},
        {"{\"rms_norm_eps\":\"1e-5\"}", QUIRE_BAD_FILE, "rms_norm_eps is a string"},
        {"{\"tie_word_embeddings\":1}", QUIRE_BAD_FILE, "tie_word_embeddings is an integer, not true or false"},
        {"{\"hidden_act\":7}", QUIRE_BAD_FILE, "hidden_act is an integer, not a string"},
        {"{\"-\":[\"model_type\"]}", QUIRE_BAD_FILE, "model_type is missing"},
        {"{\"rope_theta\":0}", QUIRE_BAD_FILE, "rope_theta is 0"},
        {"{\"rope_theta\":\"1e4\"}", QUIRE_BAD_FILE, "rope_theta is a string"},
        {"{\"rope_scaling\":7}", QUIRE_BAD_FILE, "rope_scaling is an integer, not an object"},
        {"{\"rope_scaling\":{\"type\":\"linear\"}}", QUIRE_BAD_FILE, "rope_scaling.factor is missing"},
        {"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}}", QUIRE_BAD_FILE, "rope_scaling.factor is 0"},
        {"{\"rope_scaling\":{\"type\":\"linear\",\"factor\":\"2\"}}", QUIRE_BAD_FILE,
         "rope_scaling.factor is a string"},
        {"{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}}",
         QUIRE_BAD_FILE, "high_freq_factor is 4, not above low_freq_factor"},
        {"{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}}", QUIRE_BAD_FILE, "low_freq_factor is missing"},
        {"{\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1],\"long_factor\":[1]}}", QUIRE_BAD_FILE,
         "short_factor has 1 entries, not 8"},
        {"{\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,0],\"long_factor\":[]}}",
         QUIRE_BAD_FILE, "short_factor[7] is not a positive number"},
        {"{\"original_max_position_embeddings\":0.5,\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1,1,"
         "1,1,1,1,1,1],"
         "\"long_factor\":[1,1,1,1,1,1,1,1]}}",
         QUIRE_BAD_FILE, "no finite frequency"},
    };

    check_refusals(llama, rows, sizeof rows / sizeof rows[0]);
}

Test(loader_config, what_changes_the_mathematics_is_refused_by_name)
{
    static const struct refusal rows[] = {
        {"{\"model_type\":\"mamba\"}", QUIRE_UNSUPPORTED, "\"mamba\""},
        {"{\"architectures\":[\"LlamaForSequenceClassification\"]}", QUIRE_UNSUPPORTED,
         "LlamaForSequenceClassification"},
        {"{\"hidden_act\":\"quick_gelu\"}", QUIRE_UNSUPPORTED, "quick_gelu"},
        {"{\"quantization_config\":{\"quant_method\":\"gptq\"}}", QUIRE_UNSUPPORTED, "quantization_config"},
        {"{\"attn_logit_softcapping\":50.0}", QUIRE_UNSUPPORTED, "attn_logit_softcapping"},
        {"{\"num_local_experts\":8}", QUIRE_UNSUPPORTED, "num_local_experts"},
        {"{\"residual_multiplier\":0.22}", QUIRE_UNSUPPORTED, "residual_multiplier"},
        {"{\"partial_rotary_factor\":0.5}", QUIRE_UNSUPPORTED, "partial_rotary_factor"},
        {"{\"rope_scaling\":{\"type\":\"su\",\"factor\":2}}", QUIRE_UNSUPPORTED, "\"su\""},
        {"{\"rope_scaling\":{\"type\":\"mrope\",\"mrope_section\":[1,2]}}", QUIRE_UNSUPPORTED, "mrope"},
        {"{\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\"}}}", QUIRE_UNSUPPORTED,
         "rope_parameters.full_attention"},
    };
    static const struct refusal gpt2_rows[] = {
        {"{\"scale_attn_by_inverse_layer_idx\":true}", QUIRE_UNSUPPORTED, "scale_attn_by_inverse_layer_idx"},
        {"{\"add_cross_attention\":true}", QUIRE_UNSUPPORTED, "add_cross_attention"},
        {"{\"n_head\":5}", QUIRE_BAD_FILE, "n_embd is 48, not a multiple of n_head, which is 5"},
    };
    static const struct refusal qwen_rows[] = {
        {"{\"layer_types\":[\"full_attention\"]}", QUIRE_BAD_FILE, "layer_types has 1 entries for 4 layers"},
        {"{\"use_sliding_window\":true,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\","
         "\"full_attention\"]}",
         QUIRE_UNSUPPORTED, "layer_types[1] is full_attention after a sliding_attention"},
        {"{\"layer_types\":[\"linear_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]}",
         QUIRE_UNSUPPORTED, "layer_types[0]"},
    };
    char qwen[sizeof llama + 32];

    check_refusals(llama, rows, sizeof rows / sizeof rows[0]);
    check_refusals(gpt2, gpt2_rows, sizeof gpt2_rows / sizeof gpt2_rows[0]);
    snprintf(qwen, sizeof qwen, "{\"model_type\":\"qwen2\"%s", strchr(llama, ','));
    *strstr(qwen, "Llama") = 'Q', memcpy(strstr(qwen, "Qlama"), "Qwen2", 5);
    check_refusals(qwen, qwen_rows, sizeof qwen_rows / sizeof qwen_rows[0]);
}

/* Fields at which other models' features are off, and those that only describe training, are no reason to refuse. */
Test(loader_config, neutral_values_and_unknown_fields_pass)
{
    struct arch arch = must_describe(
        llama,
        "{\"quantization_config\":null,\"attn_logit_softcapping\":null,\"num_local_experts\":0,\"logit_scale\":1.0,"
        "\"use_qk_norm\":false,\"rope_scaling\":null,\"rope_parameters\":{},\"pretraining_tp\":1,\"use_cache\":true,"
        "\"torch_dtype\":\"bfloat16\",\"_name_or_path\":\"x\",\"initializer_range\":0.02,\"a_new_field\":[1,{\"b\":2}]"
        "}");

    cr_expect_eq(arch.position.rope.dims, 16);
    arch_deinit(&arch);
}

/* ---- what is read ------------------------------------------------------------------------------------------------ */

Test(loader_config, llama_fields_and_defaults)
{
    struct arch arch =
        must_describe(llama, "{\"-\":[\"num_key_value_heads\",\"rms_norm_eps\",\"max_position_embeddings\"]}");

    cr_expect_str_eq(arch.family, "llama");
    cr_expect(arch.layer_count == 4 && arch.hidden == 64 && arch.vocab_size == 32 && arch.position_max == 2048);
    cr_expect(arch.norm.kind == NORM_RMS && arch.norm.epsilon == 1e-6f && !arch.norm.bias);
    cr_expect(arch.attention.query_heads == 4 && arch.attention.kv_heads == 4 && arch.attention.head_dim == 16);
    cr_expect_eq(arch.attention.scale, 0.25f);
    cr_expect(!arch.attention.qkv_bias && !arch.attention.out_bias && !arch.attention.qk_norm &&
              arch.attention.window_tokens == 0);
    cr_expect(arch.ffn.activation == ACTIVATION_SILU && arch.ffn.inner == 96 && arch.ffn.gated && !arch.ffn.bias);
    cr_expect(!arch.tied_embeddings && arch.embedding_scale == 1 && arch.logit_scale == 1);
    cr_expect(arch.position.kind == POSITION_ROPE && arch.position.rope.pairing == ROPE_HALVES);
    arch_deinit(&arch);

    arch = must_describe(llama,
                         "{\"attention_bias\":true,\"mlp_bias\":true,\"tie_word_embeddings\":true,\"head_dim\":24}");
    cr_expect(arch.attention.qkv_bias && arch.attention.out_bias && arch.ffn.bias && arch.tied_embeddings);
    cr_expect_eq(arch.attention.head_dim, 24);
    arch_deinit(&arch);
}

Test(loader_config, gpt2_fields_and_defaults)
{
    struct arch arch = must_describe(gpt2, "{\"n_inner\":null}");

    cr_expect(arch.norm.kind == NORM_LAYER && arch.norm.bias && arch.norm.epsilon == 1e-5f);
    cr_expect(arch.position.kind == POSITION_LEARNED && arch.position.learned_count == 72 && arch.position_max == 72);
    cr_expect(arch.attention.query_heads == 3 && arch.attention.kv_heads == 3 && arch.attention.head_dim == 16);
    cr_expect(arch.attention.qkv_bias && arch.attention.out_bias && arch.ffn.bias && arch.tied_embeddings);
    cr_expect(arch.ffn.activation == ACTIVATION_GELU_TANH && arch.ffn.inner == 192 && !arch.ffn.gated);
    arch_deinit(&arch);

    arch = must_describe(gpt2, "{\"activation_function\":\"gelu\",\"n_inner\":100,\"scale_attn_weights\":false}");
    cr_expect(arch.ffn.activation == ACTIVATION_GELU_ERF && arch.ffn.inner == 100 && arch.attention.scale == 1);
    arch_deinit(&arch);
}

Test(loader_config, windows_of_mistral_and_qwen)
{
    static const struct {
        const char *patch;
        uint32_t window, first;
    } rows[] = {
        {"{\"model_type\":\"mistral\",\"architectures\":[\"MistralForCausalLM\"],\"sliding_window\":32}", 32, 0},
        {"{\"model_type\":\"mistral\",\"architectures\":[\"MistralForCausalLM\"],\"sliding_window\":null}", 0, 0},
        {"{\"model_type\":\"mistral\",\"architectures\":[\"MistralForCausalLM\"]}", 4096,
         0}, /* transformers' default */
        {"{\"model_type\":\"qwen2\",\"architectures\":null,\"sliding_window\":32}", 0, 0},
        {"{\"model_type\":\"qwen2\",\"architectures\":null,\"sliding_window\":32,\"use_sliding_window\":true,"
         "\"max_window_layers\":3}",
         32, 3},
        {"{\"model_type\":\"qwen2\",\"architectures\":null,\"sliding_window\":32,\"use_sliding_window\":true}", 0,
         0}, /* 28 layers */
        {"{\"model_type\":\"qwen2\",\"architectures\":null,\"sliding_window\":32,\"use_sliding_window\":true,"
         "\"max_window_layers\":0}",
         32, 0},
        {"{\"model_type\":\"qwen3\",\"architectures\":null,\"sliding_window\":48,\"use_sliding_window\":true,\"layer_"
         "types\":"
         "[\"full_attention\",\"full_attention\",\"sliding_attention\",\"sliding_attention\"]}",
         48, 2},
        {"{\"model_type\":\"qwen3\",\"architectures\":null,\"sliding_window\":null,\"layer_types\":"
         "[\"full_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]}",
         0, 0},
        {"{\"sliding_window\":32}", 0, 0}, /* LLaMA does not look at it */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arch arch = must_describe(llama, rows[i].patch);

        cr_expect(arch.attention.window_tokens == rows[i].window && arch.attention.window_first_layer == rows[i].first,
                  "%s: %u from %u", rows[i].patch, arch.attention.window_tokens, arch.attention.window_first_layer);
        arch_deinit(&arch);
    }
}

Test(loader_config, qwen_biases_and_norms)
{
    struct arch arch = must_describe(llama, "{\"model_type\":\"qwen2\",\"architectures\":null}");

    cr_expect(arch.attention.qkv_bias && !arch.attention.out_bias && !arch.attention.qk_norm &&
              arch.attention.head_dim == 16);
    arch_deinit(&arch);
    arch = must_describe(llama, "{\"model_type\":\"qwen3\",\"architectures\":null}");
    cr_expect(!arch.attention.qkv_bias && arch.attention.qk_norm && arch.attention.head_dim == 128);
    arch_deinit(&arch);
}

/* ---- GGUF metadata ----------------------------------------------------------------------------------------------- */

/* Overwrites the 4-byte value of `key` in a copy of the real model's file. */
static enum quire_status describe_patched(const char *key, const void *value, struct arch *arch,
                                          struct quire_error *error)
{
    size_t count;
    char *bytes = read_whole(shared_path("models/stories260K-F32.gguf"), &count);
    char *at = memmem(bytes, count, key, strlen(key));
    char path[SCRATCH_PATH_BYTES];
    struct model_file *file = NULL;
    enum quire_status status;

    cr_assert(at != NULL, "%s", key);
    memcpy(at + strlen(key) + 4, value, 4);
    scratch_write("patched.gguf", bytes, count);
    free(bytes);
    cr_assert_eq(model_file_open(scratch_path("patched.gguf", path), &file, error), QUIRE_OK, "%s", error->message);
    status = arch_from_file(file, 0, arch, error);
    model_file_close(file);
    return status;
}

Test(loader_config, gguf_hyper_parameters_are_held_to_the_same_bounds)
{
    static const struct {
        const char *key;
        uint32_t value;
        const char *part;
    } rows[] = {
        {"llama.attention.head_count", 0, "llama.attention.head_count is 0, not 1"},
        {"llama.attention.head_count", 7, "64 is not a multiple of 7 heads"},
        {"llama.attention.head_count_kv", 0, "llama.attention.head_count_kv is 0"},
        {"llama.attention.head_count_kv", 3, "8 query heads are not a multiple of 3"},
        {"llama.embedding_length", 0, "llama.embedding_length is 0"},
        {"llama.block_count", 0, "llama.block_count is 0"},
        {"llama.block_count", UINT32_MAX, "llama.block_count is 4294967295"},
        {"llama.context_length", 0, "llama.context_length is 0"},
        {"llama.feed_forward_length", 0, "llama.feed_forward_length is 0"},
        {"llama.rope.dimension_count", 7, "7 rotary dimensions are not even"},
        {"llama.rope.dimension_count", 10, "llama.rope.dimension_count is 10, not 2 to 8"},
        {"llama.rope.freq_base", 0, "llama.rope.freq_base is 0"},
        {"llama.rope.freq_base", 0x7fc00000, "llama.rope.freq_base is nan"},
    };

    if (!shared_is_there())
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arch arch;
        struct quire_error error = {""};

        cr_expect_eq(describe_patched(rows[i].key, &rows[i].value, &arch, &error), QUIRE_BAD_FILE, "%s: %s",
                     rows[i].key, error.message);
        cr_expect(strstr(error.message, rows[i].part) != NULL, "%s: %s", rows[i].key, error.message);
    }
}

Test(loader_config, gguf_metadata_of_a_real_model)
{
    struct arch arch;
    struct quire_error error = {""};
    const float base = 10000;

    if (!shared_is_there())
        return;
    cr_assert_eq(describe_patched("llama.rope.freq_base", &base, &arch, &error), QUIRE_OK, "%s", error.message);
    cr_expect(arch.layer_count == 5 && arch.hidden == 64 && arch.vocab_size == 512 && arch.position_max == 512);
    cr_expect(arch.attention.query_heads == 8 && arch.attention.kv_heads == 4 && arch.attention.head_dim == 8);
    cr_expect(arch.ffn.inner == 172 && arch.tied_embeddings && arch.position.rope.pairing == ROPE_INTERLEAVED);
    cr_expect_eq(arch.position.rope.inverse_frequency[1], 0.1f); /* 10000 ^ (-2 / 8) */
    arch_deinit(&arch);
}

struct metadata {
    const char *key, *text; /* a string, or */
    float number;           /* a float where text is NULL */
};

static char *put(char *at, const void *bytes, size_t count)
{
    memcpy(at, bytes, count);
    return at + count;
}

static char *put_string(char *at, const char *text)
{
    uint64_t length = strlen(text);

    return put(put(at, &length, 8), text, length);
}

static char *put_metadata(char *at, const struct metadata *value)
{
    const uint32_t string = 8, float32 = 6;

    at = put(put_string(at, value->key), value->text != NULL ? &string : &float32, 4);
    return value->text != NULL ? put_string(at, value->text) : put(at, &value->number, 4);
}

/* Inserts metadata before that of the real model's file, and a filler so that the tensors stay aligned. */
static enum quire_status describe_with(const struct metadata *values, size_t value_count, struct arch *arch,
                                       struct quire_error *error)
{
    static const char spaces[] = "                                ";
    size_t count;
    char *bytes = read_whole(shared_path("models/stories260K-F32.gguf"), &count);
    char *grown = malloc(count + 4096), *at = put(grown, bytes, 24);
    char path[SCRATCH_PATH_BYTES];
    struct model_file *file = NULL;
    enum quire_status status;
    uint64_t total;

    cr_assert(grown != NULL);
    memcpy(&total, bytes + 16, 8);
    total += value_count + 1;
    memcpy(grown + 16, &total, 8);
    for (size_t i = 0; i < value_count; i++)
        at = put_metadata(at, &values[i]);
    struct metadata filler = {"filler", spaces, 0};
    filler.text += ((size_t)(at - grown) - 24 + 8 + strlen(filler.key) + 4 + 8) % 32;
    at = put(put_metadata(at, &filler), bytes + 24, count - 24);
    scratch_write("grown.gguf", grown, (size_t)(at - grown));
    cr_assert_eq(model_file_open(scratch_path("grown.gguf", path), &file, error), QUIRE_OK, "%s", error->message);
    status = arch_from_file(file, 0, arch, error);
    model_file_close(file);
    free(bytes);
    free(grown);
    return status;
}

/* The same scaling in both containers; the directory's is held to transformers in test_loader_rope.c. */
static void compare_scaling(const struct metadata *values, size_t count, const char *patch)
{
    struct arch gguf, json;
    struct quire_error error = {""};

    cr_assert_eq(describe_with(values, count, &gguf, &error), QUIRE_OK, "%s", error.message);
    json = must_describe(llama, patch);
    cr_assert_eq(gguf.position.rope.dims, json.position.rope.dims);
    for (uint32_t i = 0; i < json.position.rope.dims / 2; i++)
        cr_expect(fabsf(gguf.position.rope.inverse_frequency[i] / json.position.rope.inverse_frequency[i] - 1) < 1e-6f,
                  "%s: pair %u: %g and %g", patch, i, (double)gguf.position.rope.inverse_frequency[i],
                  (double)json.position.rope.inverse_frequency[i]);
    cr_expect(fabsf(gguf.position.rope.attention_factor / json.position.rope.attention_factor - 1) < 1e-6f, "%s",
              patch);
    arch_deinit(&gguf);
    arch_deinit(&json);
}

Test(loader_config, gguf_scalings_equal_those_of_directories)
{
    const struct metadata linear[] = {{"llama.rope.scaling.type", "linear", 0}, {"llama.rope.scaling.factor", NULL, 4}};
    const struct metadata old_linear[] = {{"llama.rope.scale_linear", NULL, 4}};
    const struct metadata yarn[] = {{"llama.rope.scaling.type", "yarn", 0},
                                    {"llama.rope.scaling.factor", NULL, 8},
                                    {"llama.rope.scaling.yarn_beta_fast", NULL, 4}};
    const char *linear_patch = "{\"head_dim\":8,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}}";

    if (!shared_is_there())
        return;
    compare_scaling(linear, 2, linear_patch);
    compare_scaling(old_linear, 1, linear_patch);
    compare_scaling(yarn, 3,
                    "{\"head_dim\":8,\"max_position_embeddings\":512,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":8,"
                    "\"beta_fast\":4}}");
}

Test(loader_config, gguf_keys_that_are_not_known_are_refused_by_name)
{
    static const struct {
        struct metadata value;
        const char *part;
    } rows[] = {
        {{"llama.attention.temperature_scale", NULL, 2}, "llama.attention.temperature_scale"},
        {{"llama.expert_count", NULL, 8}, "llama.expert_count"},
        {{"llama.final_logit_softcapping", NULL, 30}, "llama.final_logit_softcapping"},
        {{"llama.rope.scaling.type", "longrope", 0}, "longrope"},
        {{"split.count", NULL, 2}, "split.count"},
    };
    struct arch arch;
    struct quire_error error = {""};
    const struct metadata neutral[] = {{"llama.expert_count", NULL, 0}, {"another.expert_count", NULL, 8}};

    if (!shared_is_there())
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect(describe_with(&rows[i].value, 1, &arch, &error) != QUIRE_OK, "%s", rows[i].part);
        cr_expect(strstr(error.message, rows[i].part) != NULL, "%s: %s", rows[i].part, error.message);
    }
    cr_assert_eq(describe_with(neutral, 2, &arch, &error), QUIRE_OK, "%s", error.message);
    arch_deinit(&arch);
}
