/* Tokenizers from GGUF files: the vocabularies and the model of the shared test data. */
#include "fixture.h"

#include <jansson.h>

static struct text read_file(const char *path)
{
    struct text text = {0};
    char block[4096];
    size_t count;
    FILE *file = fopen(path, "rb");

    cr_assert_not_null(file, "%s", path);
    while ((count = fread(block, 1, sizeof block, file)) > 0)
        cr_assert(text_append(&text, block, count) == QUIRE_OK);
    cr_assert(text_append(&text, "", 1) == QUIRE_OK); /* a terminator for strtok and friends */
    text.count--;
    fclose(file);
    return text;
}

/* Every text of .inp gives its line of .out, without special tokens; special spellings in it are read as such. */
static void check_vocabulary(const char *gguf)
{
    static const char separator[] = "\n__ggml_vocab_test__\n";
    char name[512];
    int lines = 0;
    struct tokenizer *tokenizer = open_or_fail(gguf);

    snprintf(name, sizeof name, "%s.inp", gguf);
    struct text inputs = read_file(name);
    snprintf(name, sizeof name, "%s.out", gguf);
    struct text outputs = read_file(name);
    const char *want = outputs.bytes, *end;
    for (const char *input = inputs.bytes; (end = strstr(input, separator)) != NULL; input = end + sizeof separator - 1)
    {
        struct token_list ids = encode_text(tokenizer, input, (size_t)(end - input), true, false);
        for (size_t i = 0; i < ids.count; i++) {
            char *next;
            unsigned long id = strtoul(want, &next, 10);
            cr_expect(next <= want + strcspn(want, "\n") && id == ids.ids[i], "%s: line %d: ids[%zu] is %u, want %lu",
                      gguf, lines + 1, i, ids.ids[i], id);
            want = next;
        }
        cr_expect(strspn(want, " ") == strcspn(want, "\n"), "%s: line %d: too few ids", gguf, lines + 1);
        want += strcspn(want, "\n") + 1;
        token_list_deinit(&ids);
        lines++;
    }
    cr_expect(lines == 46, "%s: %d texts", gguf, lines);
    text_deinit(&inputs);
    text_deinit(&outputs);
    tokenizer_close(tokenizer);
}

Test(gguf, vocabularies_give_their_ids)
{
    static const char *const names[] = {"llama-spm", "phi-3", "gpt-2", "falcon", "deepseek-llm", "bert-bge"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "data/tokenizers/ggml-vocab-%s.gguf", names[i]);
        const char *path = shared_path(name);
        if (path != NULL)
            check_vocabulary(path);
    }
}

/* prompt_ids of the golden file come from llama2.c; all forms of the model must give them. */
Test(gguf, stories_prompts_equal_the_golden_ids_in_every_form)
{
    static const char *const forms[] = {"stories260K-F32.gguf", "stories260K-F16.gguf", "stories260K-Q8_0.gguf",
                                        "stories260K-hf"};
    const char *golden_path = shared_path("data/models/stories260K.golden.json");
    json_t *golden = golden_path == NULL ? NULL : json_load_file(golden_path, 0, NULL);
    const json_t *prompt;
    size_t i, k;

    if (golden == NULL)
        return;
    for (size_t form = 0; form < sizeof forms / sizeof forms[0]; form++) {
        char name[128];
        uint32_t count;
        snprintf(name, sizeof name, "data/models/%s", forms[form]);
        struct tokenizer *tokenizer = open_or_fail(shared_path(name));
        const json_t *list = json_object_get(golden, "cases");
        cr_assert_geq(json_array_size(list), 6);
        json_array_foreach (list, i, prompt) {
            const json_t *text = json_object_get(prompt, "prompt"), *want = json_object_get(prompt, "prompt_ids");
            struct token_list ids = encode_text(tokenizer, json_string_value(text), json_string_length(text), true,
                                                true);
            cr_expect(ids.count == json_array_size(want), "%s: prompt %zu", forms[form], i);
            for (k = 0; k < ids.count && k < json_array_size(want); k++)
                cr_expect(ids.ids[k] == json_integer_value(json_array_get(want, k)), "%s: prompt %zu, id %zu",
                          forms[form], i, k);
            token_list_deinit(&ids);
        }
        cr_expect_eq(tokenizer_vocab_size(tokenizer), 512);
        cr_expect_eq(tokenizer_bos(tokenizer), 1);
        const uint32_t *eos = tokenizer_eos(tokenizer, &count);
        bool folder = strstr(forms[form], "-hf") != NULL; /* its generation_config.json says [1, 2] */
        cr_expect(count == (folder ? 2 : 1) && eos[count - 1] == 2);
        cr_expect_str_eq(tokenizer_special_text(tokenizer, "bos_token"), "<s>");
        cr_expect(tokenizer_is_special(tokenizer, 1) && !tokenizer_is_special(tokenizer, 300));
        tokenizer_close(tokenizer);
    }
    json_decref(golden);
}

Test(gguf, chat_template_and_special_tokens_are_read)
{
    const char *path = shared_path("data/tokenizers/ggml-vocab-phi-3.gguf");
    uint32_t count;

    if (path == NULL)
        return;
    struct tokenizer *tokenizer = open_or_fail(path);
    cr_expect_not_null(strstr(tokenizer_chat_template(tokenizer, NULL), "<|assistant|>"));
    cr_expect_null(tokenizer_chat_template(tokenizer, "tool_use"));
    const uint32_t *eos = tokenizer_eos(tokenizer, &count);
    cr_assert_geq(count, 1);
    cr_expect_eq(eos[0], 32000);
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "eos_token"), "<|endoftext|>");
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "pad_token"), "<|endoftext|>");
    cr_expect_null(tokenizer_special_text(tokenizer, "mask_token"));
    tokenizer_close(tokenizer);
}

Test(gguf, broken_vocabularies_are_refused_with_the_field)
{
    static const struct {
        const char *file, *names;
    } rows[] = {{"tok_bos_oob", "bos_token_id"},
                {"tok_empty_piece", "tokens[3]"},
                {"tok_dup", "tokenizer.ggml"},
                {"tok_merge_oob", "tokenizer.ggml"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[128];
        struct tokenizer *tokenizer = NULL;
        struct quire_error error;
        snprintf(name, sizeof name, "data/hostile_models/gguf/%s.gguf", rows[i].file);
        const char *path = shared_path(name);
        if (path == NULL)
            return;
        cr_expect(tokenizer_open(path, &tokenizer, &error) == QUIRE_BAD_FILE, "%s", rows[i].file);
        cr_expect(strstr(error.message, rows[i].names) != NULL && strstr(error.message, rows[i].file) != NULL, "%s",
                  error.message);
    }
}
