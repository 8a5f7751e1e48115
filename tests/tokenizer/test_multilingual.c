/* Real vocabularies of the shared test data against ids and texts that transformers gave for 83 texts in many scripts.
 */
#include "fixture.h"

#include <jansson.h>

static json_t *load_json(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);

    cr_assert_not_null(json, "%s: %s", path, error.text);
    return json;
}

/* The text of entry `id` among the inputs. */
static const json_t *input_of(const json_t *inputs, const char *id)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (inputs, i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "id")), id) == 0)
            return json_object_get(entry, "text");
    }
    return NULL;
}

static void check_entry(const struct tokenizer *tokenizer, const json_t *entry, const json_t *text, bool decodes)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    const json_t *want = json_object_get(entry, "input_ids");
    const json_t *decoded = json_object_get(entry, "decoded_skip_special");
    struct token_list ids = encode_text(tokenizer, json_string_value(text), json_string_length(text), true, true);
    struct text back = decode_ids(tokenizer, ids.ids, ids.count, true, true);

    cr_expect(ids.count == json_array_size(want), "%s: %zu ids, want %zu", id, ids.count, json_array_size(want));
    for (size_t i = 0; i < ids.count && i < json_array_size(want); i++)
        cr_expect(ids.ids[i] == json_integer_value(json_array_get(want, i)), "%s: ids[%zu] is %u", id, i, ids.ids[i]);
    if (decodes)
        cr_expect(text_is(&back, json_string_value(decoded), json_string_length(decoded)), "%s: \"%.*s\"", id,
                  (int)back.count, back.bytes);
    text_deinit(&back);
    token_list_deinit(&ids);
}

/* transformers tidies the decoded text of some tokenizers further; there only ids are compared. */
static void check(const char *model, const char *expected, bool decodes)
{
    char name[256];
    const json_t *entry;
    size_t i;

    snprintf(name, sizeof name, "data/tokenizer_json/%s", model);
    const char *path = shared_path(name);
    if (path == NULL)
        return;
    struct tokenizer *tokenizer = open_or_fail(path);
    json_t *inputs = load_json(shared_path("data/tokenizer_json/expected/multilingual/inputs.json"));
    snprintf(name, sizeof name, "data/tokenizer_json/expected/multilingual/%s_multilingual.json", expected);
    json_t *wanted = load_json(shared_path(name));
    const json_t *list = json_is_array(inputs) ? inputs : json_object_get(inputs, "inputs");
    cr_assert_eq(json_array_size(json_object_get(wanted, "entries")), 83);
    json_array_foreach (json_object_get(wanted, "entries"), i, entry) {
        const json_t *text = input_of(list, json_string_value(json_object_get(entry, "id")));
        cr_assert_not_null(text);
        check_entry(tokenizer, entry, text, decodes);
    }
    json_decref(inputs);
    json_decref(wanted);
    tokenizer_close(tokenizer);
}

Test(multilingual, gpt2_from_vocab_and_merges)
{
    check("gpt2", "gpt2", true);
}

Test(multilingual, qwen2_from_ranks)
{
    check("qwen2", "qwen2_5", true);
}

Test(multilingual, llama2)
{
    check("llama2", "tinyllama", true);
}

Test(multilingual, t5)
{
    check("t5-small", "t5_small", false);
}

Test(multilingual, bert)
{
    check("bert-base-uncased", "bge_small", false);
}

/* A SentencePiece model with a character map; ids and texts from the library `sentencepiece` 0.2. */
Test(multilingual, sentencepiece_model_with_a_character_map)
{
    static const struct {
        const char *text, *decoded;
        uint32_t ids[16], count;
    } rows[] = {
        {"\uFF71\uFF72\uFF73\u2460\u337F", "\u30A2\u30A4\u30A61\u682A\u5F0F\u4F1A\u793E", {6, 4588, 491, 39, 4579}, 5},
        {"  \u543E\u8F29\u306F\u3000\u732B\u3067\u3042\u308B\u3002 ",
         "\u543E\u8F29\u306F \u732B\u3067\u3042\u308B\u3002",
         {6, 3973, 6019, 9, 6, 6022, 24, 5},
         8},
        {"\uFB01ne \uFF76\uFF9E", "fine \u30AC", {6, 5642, 5463, 1129, 6, 878}, 6},
    };
    const char *path = shared_path("data/tokenizer_json/sentencepiece/test_ja_model.model");

    if (path == NULL)
        return;
    struct tokenizer *tokenizer = open_or_fail(path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct token_list ids = encode_text(tokenizer, rows[i].text, strlen(rows[i].text), false, false);
        struct text back = decode_ids(tokenizer, ids.ids, ids.count, false, true);
        cr_expect(same_ids(&ids, rows[i].ids, rows[i].count), "row %zu", i);
        cr_expect(text_is(&back, rows[i].decoded, strlen(rows[i].decoded)), "row %zu: %.*s", i, (int)back.count,
                  back.bytes);
        text_deinit(&back);
        token_list_deinit(&ids);
    }
    tokenizer_close(tokenizer);
}
