/* Weights that do not fit their description: each is refused by name before anything is read, and a file that changes
 * while it is read is an error, not a crash. */
#include "model/weights.h"

#include "loader_model.h"
#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct synthetic shape = {.hidden = 64,
                                       .layers = 2,
                                       .query_heads = 4,
                                       .kv_heads = 2,
                                       .head_dim = 16,
                                       .inner = 96,
                                       .vocab = 40,
                                       .tied = false,
                                       .type = ROW_F32,
                                       .up_type = ROW_F32};

static enum quire_status measure(const char *path, struct quire_error *error)
{
    struct model_file *file = NULL;
    struct arch arch;
    size_t bytes;
    enum quire_status status = model_file_open(path, &file, error);

    if (status == QUIRE_OK)
        status = arch_from_file(file, 0, &arch, error);
    if (status == QUIRE_OK) {
        status = weights_measure(file, &arch, &bytes, error);
        arch_deinit(&arch);
    }
    model_file_close(file);
    return status;
}

/* The model with `patch` applied to its config.json. */
static void expect_config_refused(const char *patch, const char *part)
{
    char path[SCRATCH_PATH_BYTES], directory[SCRATCH_PATH_BYTES];
    struct quire_error error = {""};
    json_error_t reason;
    json_t *changes = json_loads(patch, 0, &reason), *config;

    synthetic_write_directory(&shape, "model");
    config = read_json(scratch_path("model/config.json", path));
    json_object_update(config, changes);
    json_dump_file(config, path, 0);
    cr_expect_eq(measure(scratch_path("model", directory), &error), QUIRE_BAD_FILE, "%s: %s", patch, error.message);
    cr_expect(strstr(error.message, part) != NULL, "%s: \"%s\" does not say \"%s\"", patch, error.message, part);
    cr_expect(strstr(error.message, directory) != NULL, "\"%s\" does not name the file", error.message);
    json_decref(changes);
    json_decref(config);
}

Test(loader_broken, tensors_that_do_not_fit_the_description_are_named)
{
    expect_config_refused("{\"num_hidden_layers\":3}", "\"model.layers.2.input_layernorm.weight\" is missing");
    expect_config_refused("{\"num_hidden_layers\":1}", "\"model.layers.1.input_layernorm.weight\" has no place");
    expect_config_refused("{\"vocab_size\":41}",
                          "\"model.embed_tokens.weight\" has the shape [40, 64] in 2 dimensions, not [41, 64]");
    expect_config_refused("{\"hidden_size\":128,\"head_dim\":16}",
                          "has the shape [40, 64] in 2 dimensions, not [40, 128]");
    expect_config_refused("{\"num_key_value_heads\":4}",
                          "self_attn.k_proj.weight\" has the shape [32, 64] in 2 dimensions, not [64, 64]");
    expect_config_refused("{\"head_dim\":32}",
                          "self_attn.q_proj.weight\" has the shape [64, 64] in 2 dimensions, not [128, 64]");
    expect_config_refused("{\"intermediate_size\":48}",
                          "mlp.gate_proj.weight\" has the shape [96, 64] in 2 dimensions, not [48, 64]");
    expect_config_refused("{\"attention_bias\":true}", "\"model.layers.0.self_attn.q_proj.bias\" is missing");
    expect_config_refused("{\"mlp_bias\":true}", "\"model.layers.0.mlp.gate_proj.bias\" is missing");
    expect_config_refused("{\"model_type\":\"gpt2\",\"n_embd\":64,\"n_layer\":2,\"n_head\":4}", "is missing");
}

/* Replaces `from` by `to`, of one length, in the header of the model's file. */
static void expect_header_refused(const char *from, const char *to, enum quire_status status, const char *part)
{
    char path[SCRATCH_PATH_BYTES];
    struct quire_error error = {""};
    size_t count;
    char *bytes, *at;

    synthetic_write_directory(&shape, "model");
    bytes = read_whole(scratch_path("model/model.safetensors", path), &count);
    at = memmem(bytes, count, from, strlen(from));
    cr_assert(at != NULL && strlen(from) == strlen(to), "%s", from);
    memcpy(at, to, strlen(to));
    scratch_write("model/model.safetensors", bytes, count);
    free(bytes);
    cr_expect_eq(measure(scratch_path("model", path), &error), status, "%s: %s", to, error.message);
    cr_expect(strstr(error.message, part) != NULL, "%s: \"%s\" does not say \"%s\"", to, error.message, part);
}

Test(loader_broken, renamed_mistyped_and_reshaped_tensors_are_named)
{
    expect_header_refused("layers.1.mlp.up_proj", "layers.1.mlp.xp_proj", QUIRE_BAD_FILE,
                          "\"model.layers.1.mlp.up_proj.weight\" is missing");
    expect_header_refused("model.embed_tokens", "model.embed_tokenz", QUIRE_BAD_FILE,
                          "no embedding under a name that is known");
    expect_header_refused("\"lm_head.weight\":{\"dtype\":\"F32\"", "\"lm_head.weight\":{\"dtype\":\"I32\"",
                          QUIRE_UNSUPPORTED, "tensor \"lm_head.weight\" has the type I32");
    expect_header_refused("[64,96]", "[96,64]", QUIRE_BAD_FILE,
                          "mlp.down_proj.weight\" has the shape [96, 64] in 2 dimensions, not [64, 96]");
    expect_header_refused("\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[40,64]",
                          "\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[2560] ", QUIRE_BAD_FILE,
                          "\"lm_head.weight\" has the shape [2560, 1] in 1 dimensions, not [40, 64]");
}

Test(loader_broken, a_tied_head_may_be_there_twice)
{
    char path[SCRATCH_PATH_BYTES];
    struct quire_error error = {""};
    json_t *config;

    synthetic_write_directory(&shape, "model");
    config = read_json(scratch_path("model/config.json", path));
    json_object_set_new(config, "tie_word_embeddings", json_true());
    json_dump_file(config, path, 0);
    cr_expect_eq(measure(scratch_path("model", path), &error), QUIRE_OK, "%s", error.message);
    json_decref(config);
}

/* Cut between opening and loading: the promised bytes are not there when they are read. */
static void shrink_under(const char *backend)
{
    static const struct synthetic large = {.hidden = 256,
                                           .layers = 2,
                                           .query_heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 64,
                                           .inner = 1024,
                                           .vocab = 9000,
                                           .tied = true,
                                           .type = ROW_F32,
                                           .up_type = ROW_F32};
    char path[SCRATCH_PATH_BYTES];
    struct quire_error error = {""};
    struct model_file *file;
    struct worker_pool *pool;
    struct arch arch;
    struct weights weights;

    synthetic_write_gguf(&large, "shrinking.gguf");
    setenv("QUIRE_FILE_READ", backend, 1);
    cr_assert_eq(worker_pool_create(2, &pool, &error), QUIRE_OK);
    cr_assert_eq(model_file_open(scratch_path("shrinking.gguf", path), &file, &error), QUIRE_OK);
    cr_assert_eq(arch_from_file(file, 0, &arch, &error), QUIRE_OK);
    cr_assert(truncate(path, 6000000) == 0);
    enum quire_status status = weights_load(file, &arch, pool, NULL, NULL, &weights, &error);
    cr_expect(status == QUIRE_IO || status == QUIRE_UNSUPPORTED, "%s: %s", backend, error.message);
    cr_expect(status == QUIRE_UNSUPPORTED || strstr(error.message, "became shorter while it was read, at byte") != NULL,
              "%s", error.message);
    cr_assert(unlink(path) == 0);
    cr_expect_eq(weights_load(file, &arch, pool, NULL, NULL, &weights, &error), QUIRE_NOT_FOUND);
    cr_expect(strstr(error.message, path) != NULL, "%s", error.message);
    worker_pool_destroy(pool);
    arch_deinit(&arch);
    model_file_close(file);
    unsetenv("QUIRE_FILE_READ");
}

Test(loader_broken, a_file_that_shrinks_while_it_loads_is_an_error)
{
    shrink_under("io_uring");
    shrink_under("threads");
}
