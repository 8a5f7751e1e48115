/* Ids and texts against Hugging Face's tokenizers, for a small tokenizer of every kind and of the libraries of
 * other formats (fixtures/, made by make_fixtures.py and make_plain_fixtures.py). */
#include "fixture.h"

#include <jansson.h>

static json_t *load_cases(const char *name)
{
    json_error_t error;
    json_t *cases = json_load_file(fixture_path(name), 0, &error);

    cr_assert_not_null(cases, "%s: %s", error.source, error.text);
    return cases;
}

static void check_ids(const struct tokenizer *tokenizer, const char *name, const json_t *row, const char *field,
                      bool special, bool trusted)
{
    const json_t *text = json_object_get(row, "text"), *want = json_object_get(row, field);
    struct token_list ids = encode_text(tokenizer, json_string_value(text), json_string_length(text), trusted, special);

    cr_expect(ids.count == json_array_size(want), "%s: \"%s\": %zu %s, want %zu", name, json_string_value(text),
              ids.count, field, json_array_size(want));
    for (size_t i = 0; i < ids.count && i < json_array_size(want); i++)
        cr_expect(ids.ids[i] == json_integer_value(json_array_get(want, i)), "%s: \"%s\": %s[%zu] is %u, want %lld",
                  name, json_string_value(text), field, i, ids.ids[i], json_integer_value(json_array_get(want, i)));
    token_list_deinit(&ids);
}

static void check_text(const struct tokenizer *tokenizer, const char *name, const json_t *row, const char *field,
                       bool skip)
{
    const json_t *listed = json_object_get(row, "ids"), *want = json_object_get(row, field);
    size_t count = json_array_size(listed);
    uint32_t *ids = calloc(count + 1, sizeof *ids);

    cr_assert_not_null(ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = (uint32_t)json_integer_value(json_array_get(listed, i));
    for (int streamed = 0; streamed < 2 && json_is_string(want); streamed++) {
        struct text text = decode_ids(tokenizer, ids, count, skip, streamed != 0);
        cr_expect(text_is(&text, json_string_value(want), json_string_length(want)), "%s: %s: \"%.*s\", want \"%s\"",
                  name, field, (int)text.count, text.bytes == NULL ? "" : text.bytes, json_string_value(want));
        text_deinit(&text);
    }
    free(ids);
}

static void check_cases(const char *file, size_t at_least)
{
    json_t *cases = load_cases(file);
    const json_t *fixture, *row;
    size_t i, k;

    cr_assert_geq(json_array_size(cases), at_least);
    json_array_foreach (cases, i, fixture) {
        const char *name = json_string_value(json_object_get(fixture, "fixture"));
        struct tokenizer *tokenizer = open_or_fail(fixture_path(name));
        cr_assert_geq(json_array_size(json_object_get(fixture, "rows")), 30);
        json_array_foreach (json_object_get(fixture, "rows"), k, row) {
            check_ids(tokenizer, name, row, "ids", false, !json_is_true(json_object_get(fixture, "untrusted")));
            if (json_object_get(row, "special") != NULL)
                check_ids(tokenizer, name, row, "special", true, true);
            check_text(tokenizer, name, row, "decoded", false);
            check_text(tokenizer, name, row, "skipped", true);
        }
        tokenizer_close(tokenizer);
    }
    json_decref(cases);
}

Test(reference, every_tokenizer_json_agrees)
{
    check_cases("cases.json", 13);
}

/* SentencePiece models, ranks, GGUF files and folders with a class (make_plain_fixtures.py). */
Test(reference, every_other_vocabulary_agrees)
{
    check_cases("plain.json", 24);
}
