/* `quire inspect`: what a model file holds, without reading its weights. Any thread. */
#include "engine.h"

#include "container/json_file.h"
#include "container/quote.h"
#include "model/arch.h"
#include "model/model_file.h"
#include "model/weights.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKENIZER_BYTES_MAX ((size_t)64 << 20)
#define LABEL "%-22s "

/* ---- small printers ---------------------------------------------------------------------------------------------- */

static void print_bytes(FILE *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    size_t unit = 0;

    for (; amount >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        amount /= 1024;
    fprintf(out, unit == 0 ? "%.0f %s" : "%.2f %s", amount, units[unit]);
}

static void print_yes(FILE *out, const char *label, bool yes)
{
    if (yes)
        fprintf(out, LABEL "yes\n", label);
}

static uint64_t value_count(const struct model_tensor *tensor)
{
    uint64_t count = 1;

    for (uint32_t i = 0; i < tensor->dimension_count; i++)
        count *= tensor->dimensions[i]; /* below the file's size, or 0 */
    return count;
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static void print_format(FILE *out, const struct model_file *file)
{
    uint64_t parameters = 0;

    for (size_t i = 0; i < file->tensor_count; i++)
        parameters += value_count(&file->tensors[i]);
    fprintf(out, LABEL "%s\n", "model", file->path);
    if (file->format == MODEL_GGUF)
        fprintf(out, LABEL "GGUF version %u\n", "format", gguf_version(file->gguf));
    else
        fprintf(out, LABEL "%s, %u safetensors file%s\n", "format",
                file->format == MODEL_DIRECTORY ? "Hugging Face directory" : "no configuration", file->path_count,
                file->path_count == 1 ? "" : "s");
    fprintf(out, LABEL "%zu, %llu parameters, ", "tensors", file->tensor_count, (unsigned long long)parameters);
    print_bytes(out, file->tensor_bytes);
    fputc('\n', out);
}

static void print_positions(FILE *out, const struct arch *arch)
{
    static const char *const kinds[] = {[POSITION_NONE] = "none",
                                        [POSITION_ROPE] = "rotary",
                                        [POSITION_LEARNED] = "learned"};
    const struct arch_rope *rope = &arch->position.rope;

    fprintf(out, LABEL "%u\n", "context", arch->position_max);
    fprintf(out, LABEL "%s", "positions", kinds[arch->position.kind]);
    if (arch->position.kind == POSITION_ROPE)
        fprintf(out, ", %u of %u dimensions, inverse frequencies %g to %g, attention factor %g", rope->dims,
                arch->attention.head_dim, (double)rope->inverse_frequency[0],
                (double)rope->inverse_frequency[rope->dims / 2 - 1], (double)rope->attention_factor);
    fputc('\n', out);
}

static void print_arch(FILE *out, const struct arch *arch)
{
    static const char *const activations[] = {[ACTIVATION_SILU] = "silu", [ACTIVATION_GELU_TANH] = "gelu (tanh)",
                                              [ACTIVATION_GELU_ERF] = "gelu (erf)", [ACTIVATION_RELU] = "relu"};

    fprintf(out, LABEL "%s\n", "architecture", arch->family);
    fprintf(out, LABEL "%u\n", "layers", arch->layer_count);
    fprintf(out, LABEL "%u\n", "hidden", arch->hidden);
    fprintf(out, LABEL "%u\n", "vocabulary", arch->vocab_size);
    print_positions(out, arch);
    fprintf(out, LABEL "%u query, %u key and value, %u dimensions each\n", "heads", arch->attention.query_heads,
            arch->attention.kv_heads, arch->attention.head_dim);
    if (arch->attention.window_tokens != 0)
        fprintf(out, LABEL "%u tokens from layer %u on\n", "window", arch->attention.window_tokens,
                arch->attention.window_first_layer);
    print_yes(out, "query and key norm", arch->attention.qk_norm);
    print_yes(out, "qkv bias", arch->attention.qkv_bias);
    fprintf(out, LABEL "%u, %s%s\n", "feed-forward", arch->ffn.inner, activations[arch->ffn.activation],
            arch->ffn.gated ? ", gated" : "");
    fprintf(out, LABEL "%s, epsilon %g\n", "norm", arch->norm.kind == NORM_RMS ? "RMS" : "layer",
            (double)arch->norm.epsilon);
    print_yes(out, "tied embeddings", arch->tied_embeddings);
}

/* The description if this build can run the model; else why not. */
QUIRE_NODISCARD static enum quire_status print_model(FILE *out, const struct model_file *file,
                                                     struct quire_error *reason)
{
    struct arch arch;
    size_t bytes;
    enum quire_status status;

    if (file->format == MODEL_SAFETENSORS)
        return QUIRE_OK;
    status = arch_from_file(file, 0, &arch, reason);
    if (status == QUIRE_OK) {
        print_arch(out, &arch);
        status = weights_measure(file, &arch, &bytes, reason);
        arch_deinit(&arch);
    }
    if (status != QUIRE_OK) {
        fprintf(out, LABEL "%s\n", "cannot be served", reason->message);
        return status;
    }
    fprintf(out, LABEL, "memory for weights");
    print_bytes(out, bytes);
    fputc('\n', out);
    return QUIRE_OK;
}

static void print_gguf_tokenizer(FILE *out, const struct gguf *gguf)
{
    struct gguf_string model, pre;
    const struct gguf_value *tokens = gguf_find(gguf, "tokenizer.ggml.tokens");
    struct quote quote;

    if (gguf_get_string(gguf, "tokenizer.ggml.model", &model, NULL) != QUIRE_OK) {
        fprintf(out, LABEL "none\n", "tokenizer");
        return;
    }
    fprintf(out, LABEL "%s", "tokenizer", quote_name(&quote, model.text, model.bytes));
    if (gguf_get_string(gguf, "tokenizer.ggml.pre", &pre, NULL) == QUIRE_OK)
        fprintf(out, ", split as %s", quote_name(&quote, pre.text, pre.bytes));
    fprintf(out, ", %llu tokens\n", (unsigned long long)(tokens != NULL ? tokens->count : 0));
}

static void print_directory_tokenizer(FILE *out, const char *directory)
{
    char *path;
    json_t *tokenizer = NULL;
    const char *type;
    const json_t *model;
    struct quote quote;
    struct quire_error reason;

    if (asprintf(&path, "%s/tokenizer.json", directory) < 0)
        return;
    enum quire_status status = json_file_load(path, TOKENIZER_BYTES_MAX, 0, &tokenizer, &reason);
    free(path);
    if (status == QUIRE_NOT_FOUND) {
        fprintf(out, LABEL "no tokenizer.json\n", "tokenizer");
        return;
    }
    if (status != QUIRE_OK) {
        fprintf(out, LABEL "%s\n", "tokenizer", reason.message);
        return;
    }
    model = json_object_get(tokenizer, "model");
    type = json_string_value(json_object_get(model, "type"));
    type = type != NULL ? type : "of unknown type";
    fprintf(out, LABEL "tokenizer.json, %s, %zu tokens, %zu merges, %zu added\n", "tokenizer",
            quote_name(&quote, type, strlen(type)), json_object_size(json_object_get(model, "vocab")) +
            json_array_size(json_object_get(model, "vocab")), json_array_size(json_object_get(model, "merges")),
            json_array_size(json_object_get(tokenizer, "added_tokens")));
    json_decref(tokenizer);
}

static void print_metadata(FILE *out, const struct gguf *gguf)
{
    struct quote quote;

    fprintf(out, "\nmetadata\n");
    for (size_t i = 0; i < gguf_value_count(gguf); i++) {
        const struct gguf_value *value = gguf_value_at(gguf, i);

        fprintf(out, "  %-42s ", quote_name(&quote, value->key.text, value->key.bytes));
        if (value->type == GGUF_ARRAY) {
            fprintf(out, "%llu of type %s\n", (unsigned long long)value->count, gguf_type_name(value->element_type));
        } else if (value->type == GGUF_STRING) {
            struct gguf_cursor cursor = gguf_strings_begin(value);
            struct gguf_string text = {"", 0};

            (void)gguf_strings_next(&cursor, &text);
            fprintf(out, "%s\n", quote_name(&quote, text.text, text.bytes));
        } else {
            fprintf(out, "%.10g\n", gguf_number(value, 0));
        }
    }
}

static void print_tensors(FILE *out, const struct model_file *file)
{
    struct quote quote;

    fprintf(out, "\ntensors\n");
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct model_tensor *tensor = &file->tensors[i];

        fprintf(out, "  %-48s %-7s [", quote_name(&quote, tensor->name, strlen(tensor->name)), tensor->type_name);
        for (uint32_t j = 0; j < tensor->dimension_count; j++)
            fprintf(out, "%s%llu", j == 0 ? "" : ", ", (unsigned long long)tensor->dimensions[j]);
        fprintf(out, "]  ");
        print_bytes(out, tensor->bytes);
        fputc('\n', out);
    }
}

enum quire_status engine_inspect(const char *path, FILE *out, struct quire_error *error)
{
    struct model_file *file = NULL;
    struct quire_error reason;
    enum quire_status status = model_file_open(path, &file, error);

    if (status != QUIRE_OK)
        return status;
    print_format(out, file);
    status = print_model(out, file, &reason);
    if (file->format == MODEL_GGUF)
        print_gguf_tokenizer(out, file->gguf);
    if (file->format == MODEL_DIRECTORY)
        print_directory_tokenizer(out, file->path);
    if (file->format == MODEL_GGUF)
        print_metadata(out, file->gguf);
    if (file->tensor_count > 0)
        print_tensors(out, file);
    model_file_close(file);
    /* A model that we do not know, or a file without weights, is a fine thing to look at; a broken one is not. */
    if (status != QUIRE_OK && status != QUIRE_UNSUPPORTED && status != QUIRE_NOT_FOUND)
        return quire_fail(error, status, "%s", reason.message);
    if (fflush(out) != 0 || ferror(out))
        return quire_fail(error, QUIRE_IO, "cannot write what %s holds", path);
    return QUIRE_OK;
}
