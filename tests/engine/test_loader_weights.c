/* What weights_load puts into memory, against definitions and against the same model in other containers. */
#include "model/weights.h"

#include "loader_model.h"
#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loaded {
    struct model_file *file;
    struct arch arch;
    struct weights weights;
};

static enum quire_status load(const char *path, uint32_t workers, struct loaded *out, struct quire_error *error)
{
    struct worker_pool *pool = NULL;
    enum quire_status status = model_file_open(path, &out->file, error);

    cr_assert_eq(worker_pool_create(workers, &pool, error), QUIRE_OK);
    memset(&out->arch, 0, sizeof out->arch);
    if (status == QUIRE_OK)
        status = arch_from_file(out->file, 0, &out->arch, error);
    if (status == QUIRE_OK)
        status = weights_load(out->file, &out->arch, pool, NULL, NULL, &out->weights, error);
    worker_pool_destroy(pool);
    return status;
}

static void unload(struct loaded *loaded)
{
    weights_unload(&loaded->weights);
    arch_deinit(&loaded->arch);
    model_file_close(loaded->file);
}

static void must_load(const char *path, uint32_t workers, struct loaded *out)
{
    struct quire_error error = {""};

    cr_assert_eq(load(path, workers, out, &error), QUIRE_OK, "%s: %s", path, error.message);
}

/* ---- synthetic models: every weight is known --------------------------------------------------------------------- */

/* Sizes that share panels between queries, keys and values, and heads that fit no panel; matrices of several chunks. */
static const struct synthetic shapes[] = {
    {.hidden = 60,
     .layers = 2,
     .query_heads = 5,
     .kv_heads = 1,
     .head_dim = 10,
     .inner = 77,
     .vocab = 131,
     .tied = true,
     .qkv_bias = true,
     .type = ROW_F32,
     .up_type = ROW_F32},
    {.hidden = 96,
     .layers = 1,
     .query_heads = 4,
     .kv_heads = 2,
     .head_dim = 48,
     .inner = 100,
     .vocab = 64,
     .tied = false,
     .qkv_bias = true,
     .type = ROW_BF16,
     .up_type = ROW_BF16},
    {.hidden = 128,
     .layers = 3,
     .query_heads = 8,
     .kv_heads = 8,
     .head_dim = 16,
     .inner = 256,
     .vocab = 1000,
     .tied = true,
     .type = ROW_F16,
     .up_type = ROW_F32}, /* gate and up of different types */
    {.hidden = 1200,
     .layers = 1,
     .query_heads = 20,
     .kv_heads = 4,
     .head_dim = 64,
     .inner = 2500,
     .vocab = 9001,
     .tied = true,
     .type = ROW_F32,
     .up_type = ROW_F32},
};

Test(loader_weights, every_weight_of_both_containers_is_in_its_place)
{
    char path[SCRATCH_PATH_BYTES];
    struct loaded loaded;

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        synthetic_write_directory(&shapes[i], "directory");
        must_load(scratch_path("directory", path), 3, &loaded);
        synthetic_check(&shapes[i], &loaded.weights);
        unload(&loaded);

        synthetic_write_gguf(&shapes[i], "file.gguf");
        must_load(scratch_path("file.gguf", path), 2, &loaded);
        synthetic_check(&shapes[i], &loaded.weights);
        unload(&loaded);
    }
}

Test(loader_weights, fused_types_keep_the_exact_format)
{
    char path[SCRATCH_PATH_BYTES];
    struct loaded loaded;

    synthetic_write_directory(&shapes[2], "mixed");
    must_load(scratch_path("mixed", path), 1, &loaded);
    cr_expect_eq(loaded.weights.layers[0].ffn_in.format, MATRIX_F32); /* F16 and F32 */
    cr_expect_eq(loaded.weights.layers[0].qkv.format, MATRIX_F16);
    unload(&loaded);
}

static void expect_same_panels(const struct matrix *a, const struct matrix *b)
{
    size_t bytes = matrix_panel_count(a) * matrix_panel_bytes(a->format, a->inputs, a->group_inputs);

    cr_assert(a->format == b->format && a->outputs == b->outputs && a->inputs == b->inputs);
    cr_expect(memcmp(a->panels, b->panels, bytes) == 0, "panels of [%u][%u] differ", a->outputs, a->inputs);
}

/* The largest shape has chunks for every slot, so that the order of arrival and of packing differs from run to run. */
Test(loader_weights, any_backend_and_worker_count_gives_the_same_bytes)
{
    static const char *const backends[] = {"io_uring", "threads"};
    static const uint32_t workers[] = {1, 2, 4};
    struct loaded first, other;
    char path[SCRATCH_PATH_BYTES];

    synthetic_write_gguf(&shapes[3], "big.gguf");
    scratch_path("big.gguf", path);
    must_load(path, 1, &first);
    for (size_t b = 0; b < 2; b++)
        for (size_t w = 0; w < 3; w++) {
            struct quire_error error = {""};
            enum quire_status status;

            setenv("QUIRE_FILE_READ", backends[b], 1);
            status = load(path, workers[w], &other, &error);
            if (status == QUIRE_UNSUPPORTED && b == 0) { /* a sandbox without io_uring */
                fprintf(stderr, "skipped: %s\n", error.message);
                arch_deinit(&other.arch);
                model_file_close(other.file);
                continue;
            }
            cr_assert_eq(status, QUIRE_OK, "%s", error.message);
            cr_expect(memcmp(first.weights.fingerprint, other.weights.fingerprint, 16) == 0, "%s, %u workers",
                      backends[b], workers[w]);
            cr_assert_eq(first.weights.bytes, other.weights.bytes);
            expect_same_panels(&first.weights.embedding, &other.weights.embedding);
            expect_same_panels(&first.weights.layers[0].qkv, &other.weights.layers[0].qkv);
            expect_same_panels(&first.weights.layers[0].out, &other.weights.layers[0].out);
            expect_same_panels(&first.weights.layers[0].ffn_in, &other.weights.layers[0].ffn_in);
            expect_same_panels(&first.weights.layers[0].ffn_out, &other.weights.layers[0].ffn_out);
            unload(&other);
        }
    unsetenv("QUIRE_FILE_READ");
    unload(&first);
}

/* ---- fingerprints and progress ----------------------------------------------------------------------------------- */

Test(loader_weights, fingerprint_sees_one_bit_and_the_description)
{
    char path[SCRATCH_PATH_BYTES], file[SCRATCH_PATH_BYTES];
    struct loaded plain, changed;
    size_t count;
    char *bytes;
    json_t *config;

    synthetic_write_directory(&shapes[0], "print");
    must_load(scratch_path("print", path), 2, &plain);

    bytes = read_whole(scratch_path("print/model.safetensors", file), &count);
    bytes[count - 3] ^= 1;
    scratch_write("print/model.safetensors", bytes, count);
    must_load(path, 2, &changed);
    cr_expect(memcmp(plain.weights.fingerprint, changed.weights.fingerprint, 16) != 0);
    unload(&changed);
    bytes[count - 3] ^= 1;
    scratch_write("print/model.safetensors", bytes, count);
    must_load(path, 1, &changed);
    cr_expect(memcmp(plain.weights.fingerprint, changed.weights.fingerprint, 16) == 0);
    unload(&changed);

    config = read_json(scratch_path("print/config.json", file));
    json_object_set_new(config, "rope_theta", json_real(20000));
    json_dump_file(config, file, 0);
    must_load(path, 2, &changed);
    cr_expect(memcmp(plain.weights.fingerprint, changed.weights.fingerprint, 16) != 0);
    unload(&changed);
    unload(&plain);
    json_decref(config);
    free(bytes);
}

struct progress {
    uint32_t calls;
    uint64_t done, total;
};

static void note_progress(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;

    cr_expect(done > progress->done && done <= total);
    *progress = (struct progress){progress->calls + 1, done, total};
}

Test(loader_weights, progress_ends_at_the_total_and_measure_is_what_load_takes)
{
    char path[SCRATCH_PATH_BYTES];
    struct worker_pool *pool;
    struct quire_error error = {""};
    struct progress progress = {0};
    struct loaded loaded = {0};
    size_t bytes;

    synthetic_write_directory(&shapes[3], "progress");
    cr_assert_eq(worker_pool_create(2, &pool, &error), QUIRE_OK);
    cr_assert_eq(model_file_open(scratch_path("progress", path), &loaded.file, &error), QUIRE_OK, "%s", error.message);
    cr_assert_eq(arch_from_file(loaded.file, 0, &loaded.arch, &error), QUIRE_OK, "%s", error.message);
    cr_assert_eq(weights_measure(loaded.file, &loaded.arch, &bytes, &error), QUIRE_OK);
    cr_assert_eq(weights_load(loaded.file, &loaded.arch, pool, note_progress, &progress, &loaded.weights, &error),
                 QUIRE_OK);
    cr_expect_eq(loaded.weights.bytes, bytes);
    cr_expect(progress.calls >= 2 && progress.calls <= 51, "%u calls", progress.calls);
    cr_expect_eq(progress.done, progress.total);
    worker_pool_destroy(pool);
    unload(&loaded);
}

/* ---- real and random models in two containers -------------------------------------------------------------------- */

static void compare_matrices(const char *name, const struct matrix *a, const struct matrix *b, float tolerance)
{
    float *left = malloc(a->inputs * sizeof left[0]), *right = malloc(a->inputs * sizeof right[0]);

    cr_assert(left != NULL && right != NULL);
    cr_assert(a->outputs == b->outputs && a->inputs == b->inputs && (a->bias == NULL) == (b->bias == NULL), "%s", name);
    for (uint32_t i = 0; i < a->outputs; i++) {
        float largest = 0;

        matrix_row(a, i, left);
        matrix_row(b, i, right);
        for (uint32_t j = 0; j < a->inputs; j++)
            largest = fmaxf(largest, fabsf(left[j]));
        for (uint32_t j = 0; j < a->inputs; j++)
            cr_assert(fabsf(left[j] - right[j]) <= tolerance * largest, "%s [%u][%u]: %g and %g", name, i, j,
                      (double)left[j], (double)right[j]);
        cr_assert(a->bias == NULL || a->bias[i] == b->bias[i], "%s: bias %u", name, i);
    }
    free(left);
    free(right);
}

static void compare_norms(const char *name, const struct norm_weights *a, const struct norm_weights *b, uint32_t count)
{
    cr_assert((a->weight == NULL) == (b->weight == NULL) && (a->bias == NULL) == (b->bias == NULL), "%s", name);
    for (uint32_t i = 0; a->weight != NULL && i < count; i++)
        cr_assert(a->weight[i] == b->weight[i] && (a->bias == NULL || a->bias[i] == b->bias[i]), "%s: %u", name, i);
}

static void compare(const char *left_path, const char *right_path, float tolerance)
{
    char paths[2][SCRATCH_PATH_BYTES];
    struct loaded a, b;

    snprintf(paths[0], sizeof paths[0], "%s", left_path);
    snprintf(paths[1], sizeof paths[1], "%s", right_path);
    must_load(paths[0], 2, &a);
    must_load(paths[1], 2, &b);
    cr_assert_eq(a.arch.layer_count, b.arch.layer_count);
    compare_matrices("embedding", &a.weights.embedding, &b.weights.embedding, tolerance);
    compare_matrices("head", &a.weights.head, &b.weights.head, tolerance);
    compare_norms("final norm", &a.weights.final_norm, &b.weights.final_norm, a.arch.hidden);
    for (uint32_t i = 0; i < a.arch.layer_count; i++) {
        const struct layer_weights *x = &a.weights.layers[i], *y = &b.weights.layers[i];

        compare_matrices("qkv", &x->qkv, &y->qkv, tolerance);
        compare_matrices("out", &x->out, &y->out, tolerance);
        compare_matrices("ffn_in", &x->ffn_in, &y->ffn_in, tolerance);
        compare_matrices("ffn_out", &x->ffn_out, &y->ffn_out, tolerance);
        compare_norms("attention norm", &x->attention_norm, &y->attention_norm, a.arch.hidden);
        compare_norms("ffn norm", &x->ffn_norm, &y->ffn_norm, a.arch.hidden);
    }
    cr_assert((a.weights.position_table == NULL) == (b.weights.position_table == NULL));
    for (uint32_t i = 0; a.weights.position_table != NULL && i < a.arch.position.learned_count * a.arch.hidden; i++)
        cr_assert(a.weights.position_table[i] == b.weights.position_table[i], "position %u", i);
    if (a.arch.position.kind == POSITION_ROPE)
        for (uint32_t i = 0; i < a.arch.position.rope.dims / 2; i++)
            cr_assert(fabsf(a.arch.position.rope.inverse_frequency[i] / b.arch.position.rope.inverse_frequency[i] - 1) <
                          1e-6f,
                      "frequency %u", i);
    unload(&a);
    unload(&b);
}

static void compare_fixtures(const char *left, const char *right)
{
    char paths[2][SCRATCH_PATH_BYTES], name[64];

    snprintf(name, sizeof name, "models/%s", left);
    snprintf(paths[0], sizeof paths[0], "%s", fixture_path(name));
    snprintf(name, sizeof name, "models/%s", right);
    snprintf(paths[1], sizeof paths[1], "%s", fixture_path(name));
    compare(paths[0], paths[1], 0);
}

/* The gguf package wrote these from the same weights (make_model_fixtures.py): transposed, permuted, sharded, with
 * factors. */
Test(loader_weights, fixtures_agree_between_containers)
{
    compare_fixtures("llama", "llama-gguf.gguf");
    compare_fixtures("gpt2", "gpt2-gguf.gguf");
    compare_fixtures("qwen2", "qwen2-gguf.gguf");
    compare_fixtures("llama-mha-bf16", "llama-bf16-gguf.gguf");
    compare_fixtures("rope-llama3", "rope-llama3-gguf.gguf");
}

Test(loader_weights, stories_agree_between_containers_and_types)
{
    char directory[SCRATCH_PATH_BYTES];

    if (!shared_is_there())
        return;
    snprintf(directory, sizeof directory, "%s", shared_path("models/stories260K-hf"));
    compare(directory, shared_path("models/stories260K-F32.gguf"), 0);
    compare(directory, shared_path("models/stories260K-F16.gguf"), 0x1p-11f); /* half a unit in the last place */
    /* half a step of the row's largest, and the rounding of the step to f16 */
    compare(directory, shared_path("models/stories260K-Q8_0.gguf"), 0.5f / 127 + 0x1p-11f);
}

/* GPT-2's projections against the bytes of the file, read here from the format's definition. */
Test(loader_weights, transposed_and_fused_projection_equals_the_file)
{
    struct loaded loaded;
    size_t count;
    char *bytes = read_whole(fixture_path("models/gpt2/model.safetensors"), &count);
    uint64_t header;
    json_error_t reason;
    json_t *tensors, *info;
    const char *data;
    float row[64];

    memcpy(&header, bytes, 8);
    tensors = json_loadb(bytes + 8, header, 0, &reason);
    cr_assert(tensors != NULL);
    must_load(fixture_path("models/gpt2"), 2, &loaded);
    for (uint32_t layer = 0; layer < loaded.arch.layer_count; layer++) {
        char name[64];
        const struct matrix *qkv = &loaded.weights.layers[layer].qkv;

        snprintf(name, sizeof name, "h.%u.attn.c_attn.weight", layer);
        info = json_object_get(tensors, name);
        data = bytes + 8 + header + json_integer_value(json_array_get(json_object_get(info, "data_offsets"), 0));
        cr_assert_eq(qkv->inputs, 30);
        cr_assert_eq(qkv->outputs, 90);
        for (uint32_t output = 0; output < 90; output++) {
            matrix_row(qkv, output, row);
            for (uint32_t input = 0; input < 30; input++)
                cr_assert(memcmp(&row[input], data + (input * 90 + output) * sizeof(float), sizeof(float)) == 0,
                          "layer %u [%u][%u]", layer, output, input);
        }
    }
    unload(&loaded);
    json_decref(tensors);
    free(bytes);
}
