/* See loader_model.h. Writes both containers from their specifications, sharing nothing with the code under test. */
#include "loader_model.h"

#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum role { EMBEDDING, FINAL_NORM, HEAD, ATTENTION_NORM, QUERY, KEY, VALUE, OUT, FFN_NORM, GATE, UP, DOWN, ROLE_COUNT };

static const struct {
    const char *hf, *gguf; /* %u: the layer */
} names[ROLE_COUNT] = {
    [EMBEDDING] = {"model.embed_tokens", "token_embd"},
    [FINAL_NORM] = {"model.norm", "output_norm"},
    [HEAD] = {"lm_head", "output"},
    [ATTENTION_NORM] = {"model.layers.%u.input_layernorm", "blk.%u.attn_norm"},
    [QUERY] = {"model.layers.%u.self_attn.q_proj", "blk.%u.attn_q"},
    [KEY] = {"model.layers.%u.self_attn.k_proj", "blk.%u.attn_k"},
    [VALUE] = {"model.layers.%u.self_attn.v_proj", "blk.%u.attn_v"},
    [OUT] = {"model.layers.%u.self_attn.o_proj", "blk.%u.attn_output"},
    [FFN_NORM] = {"model.layers.%u.post_attention_layernorm", "blk.%u.ffn_norm"},
    [GATE] = {"model.layers.%u.mlp.gate_proj", "blk.%u.ffn_gate"},
    [UP] = {"model.layers.%u.mlp.up_proj", "blk.%u.ffn_up"},
    [DOWN] = {"model.layers.%u.mlp.down_proj", "blk.%u.ffn_down"},
};

/* The definition: an integer from -127 to 127. Biases are column UINT32_MAX. */
static float definition(enum role role, uint32_t layer, uint32_t row, uint32_t column)
{
    uint32_t mixed = ((uint32_t)role * 40503u + layer * 9176u + row * 2654435761u) ^ (column * 2246822519u);

    mixed ^= mixed >> 15;
    mixed *= 2654435769u;
    return (float)((int32_t)((mixed >> 16) % 255u) - 127);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct tensor {
    char name[80];
    enum role role;
    uint32_t layer, rows, columns; /* columns 0: a vector of `rows` values */
    bool bias;
    enum row_type type;
    uint64_t offset;               /* in the data */
};

struct tensors {
    struct tensor *items;
    uint32_t count;
    uint64_t bytes;
};

static size_t type_bytes(enum row_type type)
{
    return type == ROW_F32 ? 4 : 2;
}

static void add(struct tensors *tensors, enum role role, uint32_t layer, uint32_t rows, uint32_t columns, bool bias,
                enum row_type type)
{
    tensors->items = realloc(tensors->items, (tensors->count + 1) * sizeof tensors->items[0]);
    cr_assert(tensors->items != NULL);
    tensors->items[tensors->count++] = (struct tensor){.role = role, .layer = layer, .rows = rows, .columns = columns,
                                                       .bias = bias, .type = type};
}

static struct tensors list(const struct synthetic *m, bool gguf)
{
    struct tensors tensors = {0};
    uint32_t query_rows = m->query_heads * m->head_dim, key_rows = m->kv_heads * m->head_dim;

    add(&tensors, EMBEDDING, 0, m->vocab, m->hidden, false, m->type);
    for (uint32_t i = 0; i < m->layers; i++) {
        add(&tensors, ATTENTION_NORM, i, m->hidden, 0, false, ROW_F32);
        add(&tensors, QUERY, i, query_rows, m->hidden, false, m->type);
        add(&tensors, KEY, i, key_rows, m->hidden, false, m->type);
        add(&tensors, VALUE, i, key_rows, m->hidden, false, m->type);
        for (enum role role = QUERY; m->qkv_bias && role <= VALUE; role++)
            add(&tensors, role, i, role == QUERY ? query_rows : key_rows, 0, true, ROW_F32);
        add(&tensors, OUT, i, m->hidden, query_rows, false, m->type);
        if (m->qkv_bias && !gguf) /* config.json's attention_bias means all four */
            add(&tensors, OUT, i, m->hidden, 0, true, ROW_F32);
        add(&tensors, FFN_NORM, i, m->hidden, 0, false, ROW_F32);
        add(&tensors, GATE, i, m->inner, m->hidden, false, m->type);
        add(&tensors, UP, i, m->inner, m->hidden, false, m->up_type);
        add(&tensors, DOWN, i, m->hidden, m->inner, false, m->type);
    }
    add(&tensors, FINAL_NORM, 0, m->hidden, 0, false, ROW_F32);
    if (!m->tied)
        add(&tensors, HEAD, 0, m->vocab, m->hidden, false, m->type);
    for (uint32_t i = 0; i < tensors.count; i++) {
        struct tensor *tensor = &tensors.items[i];
        char stem[64];

        snprintf(stem, sizeof stem, gguf ? names[tensor->role].gguf : names[tensor->role].hf, tensor->layer);
        snprintf(tensor->name, sizeof tensor->name, "%s.%s", stem, tensor->bias ? "bias" : "weight");
        tensor->offset = tensors.bytes;
        tensors.bytes +=
            (uint64_t)tensor->rows * (tensor->columns != 0 ? tensor->columns : 1) * type_bytes(tensor->type);
        if (gguf)
            tensors.bytes = (tensors.bytes + 31) / 32 * 32;
    }
    return tensors;
}

static void put_value(char *at, enum row_type type, float value)
{
    _Float16 half = (_Float16)value;
    uint32_t bits;

    memcpy(&bits, &value, 4);
    bits >>= 16; /* exact: eight significant bits */
    memcpy(at, type == ROW_F32 ? (void *)&value : type == ROW_F16 ? (void *)&half : (void *)&bits, type_bytes(type));
}

/* Interleaved files hold rows 2 i and 2 i + 1 of a head where halves have i and i + half. */
static uint32_t logical_row(const struct synthetic *m, const struct tensor *tensor, uint32_t row, bool gguf)
{
    uint32_t within = row % m->head_dim;

    if (!gguf || (tensor->role != QUERY && tensor->role != KEY))
        return row;
    return row - within + within / 2 + (within % 2) * (m->head_dim / 2);
}

static void put_data(const struct synthetic *m, const struct tensors *tensors, bool gguf, char *data)
{
    for (uint32_t i = 0; i < tensors->count; i++) {
        const struct tensor *tensor = &tensors->items[i];
        uint32_t columns = tensor->columns != 0 ? tensor->columns : 1;
        char *at = data + tensor->offset;

        for (uint32_t row = 0; row < tensor->rows; row++)
            for (uint32_t column = 0; column < columns; column++, at += type_bytes(tensor->type))
                put_value(at, tensor->type, definition(tensor->role, tensor->layer, logical_row(m, tensor, row, gguf),
                                                       tensor->bias ? UINT32_MAX : column));
    }
}

void synthetic_write_directory(const struct synthetic *m, const char *name)
{
    static const char *const types[] = {[ROW_F32] = "F32", [ROW_F16] = "F16", [ROW_BF16] = "BF16"};
    struct tensors tensors = list(m, false);
    json_t *header = json_object();
    json_t *config = json_pack("{ss, si, si, si, si, si, si, si, sf, sb, sb, si}", "model_type", "llama", "hidden_size",
                               m->hidden, "num_hidden_layers", m->layers, "num_attention_heads", m->query_heads,
                               "num_key_value_heads", m->kv_heads, "head_dim", m->head_dim, "intermediate_size",
                               m->inner, "vocab_size", m->vocab, "rms_norm_eps", 1e-5, "tie_word_embeddings", m->tied,
                               "attention_bias", m->qkv_bias, "max_position_embeddings", 64);
    char path[SCRATCH_PATH_BYTES];
    uint64_t length;
    char *text, *bytes;

    scratch_model(name, config);
    for (uint32_t i = 0; i < tensors.count; i++) {
        const struct tensor *t = &tensors.items[i];
        uint64_t end = i + 1 < tensors.count ? tensors.items[i + 1].offset : tensors.bytes;
        json_t *shape = t->columns != 0 ? json_pack("[i,i]", t->rows, t->columns) : json_pack("[i]", t->rows);

        json_object_set_new(header, t->name, json_pack("{ss, so, s[I,I]}", "dtype", types[t->type], "shape", shape,
                                                       "data_offsets", (json_int_t)t->offset, (json_int_t)end));
    }
    text = json_dumps(header, JSON_COMPACT);
    length = strlen(text);
    bytes = malloc(8 + length + tensors.bytes);
    cr_assert(bytes != NULL);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, text, length);
    put_data(m, &tensors, false, bytes + 8 + length);
    snprintf(path, sizeof path, "%s/model.safetensors", name);
    scratch_write(path, bytes, 8 + length + tensors.bytes);
    free(bytes);
    free(text);
    free(tensors.items);
    json_decref(header);
    json_decref(config);
}

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

static char *put_key(char *at, const char *key, uint32_t type, const void *value, size_t count)
{
    return put(put(put_string(at, key), &type, 4), value, count);
}

void synthetic_write_gguf(const struct synthetic *m, const char *name)
{
    static const uint32_t types[] = {[ROW_F32] = 0, [ROW_F16] = 1, [ROW_BF16] = 30};
    struct tensors tensors = list(m, true);
    const struct {
        const char *key;
        uint32_t value;
    } numbers[] = {{"llama.block_count", m->layers},
                   {"llama.embedding_length", m->hidden},
                   {"llama.context_length", 64},
                   {"llama.feed_forward_length", m->inner},
                   {"llama.attention.head_count", m->query_heads},
                   {"llama.attention.head_count_kv", m->kv_heads},
                   {"llama.attention.key_length", m->head_dim},
                   {"llama.attention.value_length", m->head_dim}};
    uint32_t version = 3, string = 8, number = 4;
    uint64_t tensor_count = tensors.count, key_count = 2 + sizeof numbers / sizeof numbers[0];
    float epsilon = 1e-5f;
    char *bytes = calloc(1, 4096 + tensors.count * 160u + tensors.bytes), *at = bytes;

    cr_assert(bytes != NULL);
    at = put(put(put(put(at, "GGUF", 4), &version, 4), &tensor_count, 8), &key_count, 8);
    at = put_string(put(put_string(at, "general.architecture"), &string, 4), "llama");
    at = put_key(at, "llama.attention.layer_norm_rms_epsilon", 6, &epsilon, 4);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        at = put_key(at, numbers[i].key, number, &numbers[i].value, 4);
    for (uint32_t i = 0; i < tensors.count; i++) {
        const struct tensor *t = &tensors.items[i];
        uint32_t dimension_count = t->columns != 0 ? 2 : 1;
        uint64_t rows = t->rows, columns = t->columns;

        at = put(put_string(at, t->name), &dimension_count, 4);
        if (columns != 0)
            at = put(at, &columns, 8);
        at = put(put(put(at, &rows, 8), &types[t->type], 4), &t->offset, 8);
    }
    at = bytes + (size_t)(at - bytes + 31) / 32 * 32;
    put_data(m, &tensors, true, at);
    scratch_write(name, bytes, (size_t)(at - bytes) + tensors.bytes);
    free(bytes);
    free(tensors.items);
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

static void check_rows(const struct matrix *matrix, uint32_t first, enum role role, uint32_t layer, uint32_t rows,
                       bool bias)
{
    float *row = malloc(matrix->inputs * sizeof row[0]);

    cr_assert(row != NULL && first + rows <= matrix->outputs);
    for (uint32_t i = 0; i < rows; i++) {
        matrix_row(matrix, first + i, row);
        for (uint32_t j = 0; j < matrix->inputs; j++)
            cr_assert(row[j] == definition(role, layer, i, j), "role %d, layer %u, row %u, column %u: %g, not %g",
                      (int)role, layer, i, j, (double)row[j], (double)definition(role, layer, i, j));
        cr_assert(!bias || matrix->bias[first + i] == definition(role, layer, i, UINT32_MAX),
                  "bias %d, layer %u, row %u", (int)role, layer, i);
    }
    free(row);
}

static void check_norm(const struct norm_weights *norm, enum role role, uint32_t layer, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        cr_assert(norm->weight[i] == definition(role, layer, i, 0), "norm %d, layer %u, %u", (int)role, layer, i);
    cr_assert(norm->bias == NULL);
}

void synthetic_check(const struct synthetic *m, const struct weights *w)
{
    uint32_t query_rows = m->query_heads * m->head_dim, key_rows = m->kv_heads * m->head_dim;

    check_rows(&w->embedding, 0, EMBEDDING, 0, m->vocab, false);
    check_rows(&w->head, 0, m->tied ? EMBEDDING : HEAD, 0, m->vocab, false);
    cr_assert((w->head.panels == w->embedding.panels) == m->tied);
    check_norm(&w->final_norm, FINAL_NORM, 0, m->hidden);
    for (uint32_t i = 0; i < m->layers; i++) {
        const struct layer_weights *layer = &w->layers[i];

        cr_assert_eq(layer->qkv.outputs, query_rows + 2 * key_rows);
        check_norm(&layer->attention_norm, ATTENTION_NORM, i, m->hidden);
        check_rows(&layer->qkv, 0, QUERY, i, query_rows, m->qkv_bias);
        check_rows(&layer->qkv, query_rows, KEY, i, key_rows, m->qkv_bias);
        check_rows(&layer->qkv, query_rows + key_rows, VALUE, i, key_rows, m->qkv_bias);
        check_rows(&layer->out, 0, OUT, i, m->hidden, false);
        check_norm(&layer->ffn_norm, FFN_NORM, i, m->hidden);
        check_rows(&layer->ffn_in, 0, GATE, i, m->inner, false);
        check_rows(&layer->ffn_in, m->inner, UP, i, m->inner, false);
        check_rows(&layer->ffn_out, 0, DOWN, i, m->hidden, false);
    }
}
