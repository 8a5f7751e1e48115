/* See weights_plan.h. Any thread. */
#include "weights_plan.h"

#include "../container/quote.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct plan {
    const struct model_file *file;
    const struct arch *arch;
    const struct weight_naming *naming;
    char *base;                /* NULL: only measure */
    size_t bytes;
    bool *used;                /* [tensor_count] */
    struct weight_parts parts;
    enum quire_status status;  /* the first failure sticks */
    struct quire_error *error;
};

#define FAIL(plan, code, format, ...)                                                                              \
    do {                                                                                                           \
        if ((plan)->status == QUIRE_OK)                                                                            \
            (plan)->status = quire_fail((plan)->error, code, "%s: " format, (plan)->file->path, __VA_ARGS__);      \
    } while (0)

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* Takes `count` times `item_bytes` at a multiple of 64; NULL while only measuring. */
static void *place(struct plan *plan, size_t count, size_t item_bytes)
{
    size_t start = (plan->bytes + 63) & ~(size_t)63;
    size_t bytes, end;

    if (__builtin_mul_overflow(count, item_bytes, &bytes) || __builtin_add_overflow(start, bytes, &end) ||
        end > SIZE_MAX / 2) {
        FAIL(plan, QUIRE_NO_MEMORY, "the weights need more memory than can be addressed (%zu times %zu bytes)", count,
             item_bytes);
        return NULL;
    }
    plan->bytes = end;
    return plan->base != NULL ? plan->base + start : NULL;
}

static void add_part(struct plan *plan, struct weight_part part)
{
    struct weight_parts *parts = &plan->parts;

    if (plan->base == NULL || plan->status != QUIRE_OK)
        return;
    assert(parts->count < parts->count_max); /* every tensor is used at most once */
    parts->items[parts->count++] = part;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* The tensor of a role, marked as used; NULL after a failure. */
static const struct model_tensor *find(struct plan *plan, enum weight_role role, uint32_t layer, const char *ending)
{
    char name[WEIGHT_NAME_BYTES] = "?";
    const struct model_tensor *tensor = NULL;

    if (plan->status != QUIRE_OK)
        return NULL;
    if (weight_name(plan->naming, role, layer, ending, name))
        tensor = model_file_find(plan->file, name);
    if (tensor == NULL) {
        FAIL(plan, QUIRE_BAD_FILE, "the tensor \"%s\" is missing", name);
        return NULL;
    }
    if (tensor->type == ROW_TYPE_COUNT) {
        FAIL(plan, QUIRE_UNSUPPORTED, "tensor \"%s\" has the type %s, which is not supported", name, tensor->type_name);
        return NULL;
    }
    assert(!plan->used[tensor - plan->file->tensors]);
    plan->used[tensor - plan->file->tensors] = true;
    return tensor;
}

static bool holds(const struct plan *plan, enum weight_role role, uint32_t layer)
{
    char name[WEIGHT_NAME_BYTES];

    return weight_name(plan->naming, role, layer, ".weight", name) && model_file_find(plan->file, name) != NULL;
}

static void check_shape(struct plan *plan, const struct model_tensor *tensor, uint32_t dimension_count, uint64_t slow,
                        uint64_t fast)
{
    uint64_t first = tensor->dimensions[0], second = dimension_count == 2 ? tensor->dimensions[1] : fast;

    if (tensor->dimension_count == dimension_count && first == slow && second == fast)
        return;
    if (dimension_count == 1)
        FAIL(plan, QUIRE_BAD_FILE, "tensor \"%s\" has the shape [%llu, %llu] in %u dimensions, not [%llu]",
             tensor->name, (unsigned long long)first, (unsigned long long)tensor->dimensions[1],
             tensor->dimension_count, (unsigned long long)slow);
    else
        FAIL(plan, QUIRE_BAD_FILE, "tensor \"%s\" has the shape [%llu, %llu] in %u dimensions, not [%llu, %llu]",
             tensor->name, (unsigned long long)first, (unsigned long long)second, tensor->dimension_count,
             (unsigned long long)slow, (unsigned long long)fast);
}

/* ---- vectors ----------------------------------------------------------------------------------------------------- */

/* Interleaved rotary rows: only those of queries and keys, and only where the file has them so. */
static void fold_pairing(const struct plan *plan, enum weight_role role, struct weight_part *part)
{
    bool turns = role == WEIGHT_QUERY || role == WEIGHT_KEY || role == WEIGHT_QUERY_NORM || role == WEIGHT_KEY_NORM;

    if (plan->arch->position.kind == POSITION_ROPE && plan->arch->position.rope.pairing == ROPE_INTERLEAVED && turns) {
        part->head_rows = plan->arch->attention.head_dim;
        part->rope_rows = plan->arch->position.rope.dims;
    }
}

/* A tensor of `count` values decoded to `to`, which has room for them. */
static void plan_vector(struct plan *plan, enum weight_role role, uint32_t layer, const char *ending, uint32_t count,
                        float *to)
{
    const struct model_tensor *tensor = find(plan, role, layer, ending);
    struct weight_part part = {.tensor = tensor, .vector = to, .rows = 1, .columns = count};

    if (tensor == NULL)
        return;
    check_shape(plan, tensor, 1, count, 1);
    fold_pairing(plan, role, &part);
    if (part.head_rows != 0 && tensor->type > ROW_BF16)
        FAIL(plan, QUIRE_UNSUPPORTED, "tensor \"%s\" of type %s cannot be put into rotary order", tensor->name,
             tensor->type_name);
    add_part(plan, part);
}

static void plan_norm(struct plan *plan, enum weight_role role, uint32_t layer, uint32_t count, bool bias,
                      struct norm_weights *out)
{
    float *weight = place(plan, count, sizeof(float));
    float *shift = bias ? place(plan, count, sizeof(float)) : NULL;

    plan_vector(plan, role, layer, ".weight", count, weight);
    if (bias)
        plan_vector(plan, role, layer, ".bias", count, shift);
    *out = (struct norm_weights){weight, shift};
}

/* ---- matrices ---------------------------------------------------------------------------------------------------- */

#define FUSED_MAX 3u

struct fused { /* matrices that become one: their outputs follow each other */
    uint32_t count;
    enum weight_role role[FUSED_MAX];
    uint32_t rows[FUSED_MAX];
};

/* The format that keeps all parts' values: their own if they share one, else f32. */
static void choose_format(const struct model_tensor *const *tensors, uint32_t count, struct matrix *matrix)
{
    matrix->format = row_matrix_format(tensors[0]->type, &matrix->group_inputs);
    for (uint32_t i = 1; i < count; i++) {
        uint32_t group_inputs = 0;

        if (row_matrix_format(tensors[i]->type, &group_inputs) == matrix->format &&
            group_inputs == matrix->group_inputs)
            continue;
        matrix->format = MATRIX_F32;
        matrix->group_inputs = 0;
        return;
    }
}

static void plan_matrix(struct plan *plan, const struct fused *fused, uint32_t layer, uint32_t inputs, bool bias,
                        bool linear, struct matrix *out)
{
    const struct model_tensor *tensors[FUSED_MAX] = {NULL};
    bool transposed = linear && plan->naming->transposed;
    struct matrix matrix = {.inputs = inputs};
    float *shift = NULL;
    uint32_t first = 0;

    for (uint32_t i = 0; i < fused->count; i++) {
        tensors[i] = find(plan, fused->role[i], layer, ".weight");
        if (tensors[i] == NULL)
            return;
        check_shape(plan, tensors[i], 2, transposed ? inputs : fused->rows[i], transposed ? fused->rows[i] : inputs);
        if (transposed && tensors[i]->type > ROW_BF16)
            FAIL(plan, QUIRE_UNSUPPORTED, "tensor \"%s\" of type %s cannot be transposed", tensors[i]->name,
                 tensors[i]->type_name);
        matrix.outputs += fused->rows[i];
    }
    if (plan->status != QUIRE_OK)
        return;
    choose_format(tensors, fused->count, &matrix);
    matrix.panels =
        place(plan, matrix_panel_count(&matrix), matrix_panel_bytes(matrix.format, inputs, matrix.group_inputs));
    if (bias)
        matrix.bias = shift = place(plan, matrix_panel_count(&matrix), PANEL_OUTPUTS * sizeof(float));
    *out = matrix;
    for (uint32_t i = 0; i < fused->count; first += fused->rows[i++]) {
        struct weight_part part = {.tensor = tensors[i], .matrix = out, .first = first, .rows = fused->rows[i],
                                   .columns = inputs, .transposed = transposed};

        fold_pairing(plan, fused->role[i], &part);
        add_part(plan, part);
        if (bias)
            plan_vector(plan, fused->role[i], layer, ".bias", fused->rows[i], shift != NULL ? shift + first : NULL);
    }
}

static void plan_single(struct plan *plan, enum weight_role role, uint32_t layer, uint32_t outputs, uint32_t inputs,
                        bool bias, struct matrix *out)
{
    struct fused single = {1, {role}, {outputs}};
    bool linear = role != WEIGHT_EMBEDDING && role != WEIGHT_HEAD;

    plan_matrix(plan, &single, layer, inputs, bias, linear, out);
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

static void plan_qkv(struct plan *plan, uint32_t layer, struct matrix *out)
{
    const struct arch *arch = plan->arch;
    uint32_t query_rows = arch->attention.query_heads * arch->attention.head_dim;
    uint32_t key_rows = arch->attention.kv_heads * arch->attention.head_dim;
    struct fused parts = {3, {WEIGHT_QUERY, WEIGHT_KEY, WEIGHT_VALUE}, {query_rows, key_rows, key_rows}};

    if (holds(plan, WEIGHT_QKV, layer)) {
        if (arch->position.kind == POSITION_ROPE && arch->position.rope.pairing == ROPE_INTERLEAVED)
            FAIL(plan, QUIRE_UNSUPPORTED,
                 "layer %u has one tensor for queries, keys and values in interleaved rotary order", layer);
        parts = (struct fused){1, {WEIGHT_QKV}, {query_rows + 2 * key_rows}};
    }
    plan_matrix(plan, &parts, layer, arch->hidden, arch->attention.qkv_bias, true, out);
}

static void plan_layer(struct plan *plan, uint32_t index, struct layer_weights *layer)
{
    const struct arch *arch = plan->arch;
    uint32_t hidden = arch->hidden, inner = arch->ffn.inner, head_dim = arch->attention.head_dim;
    struct fused gated = {2, {WEIGHT_GATE, WEIGHT_UP}, {inner, inner}}, plain = {1, {WEIGHT_UP}, {inner}};

    plan_norm(plan, WEIGHT_ATTENTION_NORM, index, hidden, arch->norm.bias, &layer->attention_norm);
    plan_qkv(plan, index, &layer->qkv);
    if (arch->attention.qk_norm) {
        plan_norm(plan, WEIGHT_QUERY_NORM, index, head_dim, false, &layer->query_norm);
        plan_norm(plan, WEIGHT_KEY_NORM, index, head_dim, false, &layer->key_norm);
    }
    plan_single(plan, WEIGHT_OUT, index, hidden, arch->attention.query_heads * head_dim, arch->attention.out_bias,
                &layer->out);
    plan_norm(plan, WEIGHT_FFN_NORM, index, hidden, arch->norm.bias, &layer->ffn_norm);
    plan_matrix(plan, arch->ffn.gated ? &gated : &plain, index, hidden, arch->ffn.bias, true, &layer->ffn_in);
    plan_single(plan, WEIGHT_DOWN, index, hidden, inner, arch->ffn.bias, &layer->ffn_out);
}

static void plan_positions(struct plan *plan, struct weights *out)
{
    uint32_t count = plan->arch->position.learned_count, hidden = plan->arch->hidden;
    const struct model_tensor *tensor = find(plan, WEIGHT_POSITIONS, 0, ".weight");
    float *table = place(plan, count, (size_t)hidden * sizeof(float));

    if (tensor == NULL)
        return;
    check_shape(plan, tensor, 2, count, hidden);
    add_part(plan, (struct weight_part){.tensor = tensor, .vector = table, .rows = count, .columns = hidden});
    out->position_table = table;
}

static void plan_model(struct plan *plan, struct weights *out)
{
    const struct arch *arch = plan->arch;
    struct layer_weights scratch;
    struct layer_weights *layers = place(plan, arch->layer_count, sizeof layers[0]);

    plan_single(plan, WEIGHT_EMBEDDING, 0, arch->vocab_size, arch->hidden, false, &out->embedding);
    if (arch->position.kind == POSITION_LEARNED)
        plan_positions(plan, out);
    for (uint32_t i = 0; i < arch->layer_count && plan->status == QUIRE_OK; i++) {
        struct layer_weights *layer = layers != NULL ? &layers[i] : &scratch;

        memset(layer, 0, sizeof *layer);
        plan_layer(plan, i, layer);
    }
    plan_norm(plan, WEIGHT_FINAL_NORM, 0, arch->hidden, arch->norm.bias, &out->final_norm);
    if (arch->tied_embeddings)
        out->head = out->embedding;
    else
        plan_single(plan, WEIGHT_HEAD, 0, arch->vocab_size, arch->hidden, false, &out->head);
    out->layers = layers;
}

/* A tensor that nothing asked for means that the description and the file disagree. A tied head may be there twice. */
static void check_surplus(struct plan *plan)
{
    char head[WEIGHT_NAME_BYTES] = "";
    struct quote quote;

    if (plan->arch->tied_embeddings)
        (void)weight_name(plan->naming, WEIGHT_HEAD, 0, ".weight", head);
    for (size_t i = 0; i < plan->file->tensor_count && plan->status == QUIRE_OK; i++) {
        const char *name = plan->file->tensors[i].name;

        if (!plan->used[i] && strcmp(name, head) != 0 && !weight_is_ignored(plan->naming, name))
            FAIL(plan, QUIRE_BAD_FILE, "the tensor \"%s\" has no place in this model",
                 quote_name(&quote, name, strlen(name)));
    }
}

enum quire_status weights_plan(const struct model_file *file, const struct arch *arch, char *base, size_t *bytes,
                               struct weights *out, struct weight_parts *parts, struct quire_error *error)
{
    struct plan plan = {.file = file, .arch = arch, .naming = weight_naming_find(file), .base = base, .error = error};
    struct weights measured = {0};

    if (plan.naming == NULL)
        return quire_fail(error, QUIRE_BAD_FILE,
                          "%s: holds no embedding under a name that is known, like "
                          "\"model.embed_tokens.weight\", \"transformer.wte.weight\" or \"token_embd.weight\"",
                          file->path);
    plan.used = calloc(file->tensor_count + 1, sizeof plan.used[0]);
    plan.parts.count_max = file->tensor_count;
    plan.parts.items = base != NULL ? calloc(file->tensor_count + 1, sizeof plan.parts.items[0]) : NULL;
    if (plan.used == NULL || (base != NULL && plan.parts.items == NULL)) {
        FAIL(&plan, QUIRE_NO_MEMORY, "no memory for %zu tensors", file->tensor_count);
    } else {
        if (base != NULL)
            *out = (struct weights){0};
        plan_model(&plan, base != NULL ? out : &measured); /* parts point into *out */
        check_surplus(&plan);
    }
    free(plan.used);
    if (plan.status != QUIRE_OK) {
        free(plan.parts.items);
        return plan.status;
    }
    *bytes = plan.bytes;
    if (base != NULL)
        *parts = plan.parts;
    return QUIRE_OK;
}
