/* What `quire inspect` prints. */
#include "engine.h"

#include "loader_model.h"
#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *inspect(const char *path, enum quire_status expected, struct quire_error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    cr_assert(out != NULL);
    cr_expect_eq(engine_inspect(path, out, error), expected, "%s: %s", path, error->message);
    fclose(out);
    return text;
}

static void expect_lines(const char *path, const char *const *lines, size_t count)
{
    struct quire_error error = {""};
    char *text = inspect(path, QUIRE_OK, &error);

    for (size_t i = 0; i < count; i++)
        cr_expect(strstr(text, lines[i]) != NULL, "%s: no \"%s\" in\n%s", path, lines[i], text);
    free(text);
}

Test(loader_inspect, a_directory_shows_description_tokenizer_and_tensors)
{
    static const char *const lines[] = {
        "format                 Hugging Face directory, 1 safetensors file\n",
        "tensors                47, 260032 parameters, 1015.75 KiB\n", /* the model card's 260K */
        "architecture           llama\n", "layers                 5\n", "context                512\n",
        "heads                  8 query, 4 key and value, 8 dimensions each\n", "tied embeddings        yes\n",
        "tokenizer              tokenizer.json, BPE, 512 tokens",
        "  model.layers.4.mlp.down_proj.weight              F32     [64, 172]  43.00 KiB\n",
    };

    if (shared_is_there())
        expect_lines(shared_path("models/stories260K-hf"), lines, sizeof lines / sizeof lines[0]);
}

Test(loader_inspect, a_gguf_file_shows_its_metadata_too)
{
    static const char *const lines[] = {
        "format                 GGUF version 3\n",
        "tokenizer              llama, 512 tokens\n",
        "  llama.block_count  ",
        "  tokenizer.ggml.tokens                      512 of type string\n",
        "  blk.0.attn_q.weight                              Q8_0    [64, 64]  4.25 KiB\n",
    };

    if (shared_is_there())
        expect_lines(shared_path("models/stories260K-Q8_0.gguf"), lines, sizeof lines / sizeof lines[0]);
}

Test(loader_inspect, files_without_description_or_weights_are_shown)
{
    static const char *const lone[] = {"no configuration, 1 safetensors file", "model.embed_tokens.weight"};
    static const char *const vocabulary[] = {"tensors                0,", "cannot be served",
                                             "\"token_embd.weight\" is missing",
                                             "tokenizer              llama, split as default, 32000 tokens"};
    static const char *const foreign[] = {"the architecture \"falcon\" is not supported",
                                          "tokenizer              gpt2"};

    if (!shared_is_there())
        return;
    expect_lines(shared_path("models/stories260K-hf/model.safetensors"), lone, 2);
    expect_lines(shared_path("tokenizers/ggml-vocab-llama-spm.gguf"), vocabulary, 4);
    expect_lines(shared_path("tokenizers/ggml-vocab-falcon.gguf"), foreign, 2);
}

Test(loader_inspect, a_broken_model_is_shown_and_refused)
{
    static const struct synthetic shape = {.hidden = 32,
                                           .layers = 1,
                                           .query_heads = 2,
                                           .kv_heads = 1,
                                           .head_dim = 16,
                                           .inner = 32,
                                           .vocab = 8,
                                           .tied = true,
                                           .type = ROW_F32,
                                           .up_type = ROW_F32};
    char path[SCRATCH_PATH_BYTES];
    struct quire_error error = {""};
    json_t *config;

    synthetic_write_directory(&shape, "model");
    config = read_json(scratch_path("model/config.json", path));
    json_object_set_new(config, "vocab_size", json_integer(9));
    json_dump_file(config, path, 0);
    free(inspect(scratch_path("model", path), QUIRE_BAD_FILE, &error));
    cr_expect(strstr(error.message, "\"model.embed_tokens.weight\" has the shape [8, 32]") != NULL, "%s",
              error.message);
    json_decref(config);
    free(inspect(scratch_path("absent", path), QUIRE_NOT_FOUND, &error));
}

/* Control characters from a file must not reach the terminal. */
Test(loader_inspect, names_are_printed_without_control_characters)
{
    static const char header[] = "{\"a\\u001b[2Jb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}x";
    char bytes[8 + sizeof header - 1], path[SCRATCH_PATH_BYTES];
    uint64_t length = sizeof header - 2;
    struct quire_error error = {""};
    char *text;

    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, sizeof header - 1);
    scratch_write("escape.safetensors", bytes, sizeof bytes);
    text = inspect(scratch_path("escape.safetensors", path), QUIRE_OK, &error);
    cr_expect(strstr(text, "a?[2Jb") != NULL && strchr(text, '\x1b') == NULL, "%s", text);
    free(text);
}
