/* Into which words text is cut, by each kind of tokenizer.ggml.pre, against Hugging Face's tokenizers with the same
 * expressions (fixtures/words.json, made by make_plain_fixtures.py). */
#include "fixture.h"

#include "pre_patterns.h"

#include <jansson.h>

/* What the row makes of one text: normalised, then cut; the byte alphabet, its last step, is left out. */
static void check_text(struct tokenizer *tokenizer, struct matcher *matcher, const char *name, const json_t *text,
                       const json_t *want)
{
    struct splitter_list steps = tokenizer->splitters;
    struct marked_text marked = {0}, spare = {0};
    struct split_scratch scratch = {0};

    steps.count--;
    cr_assert(marked_text_append(&marked, json_string_value(text), json_string_length(text), 0) == QUIRE_OK);
    cr_assert(normalise(&tokenizer->normalisers, matcher, &marked, &spare) == QUIRE_OK);
    cr_assert(split_words(&steps, matcher, marked.text.bytes, marked.text.count, 0, &scratch) == QUIRE_OK);
    cr_expect(scratch.now.count == json_array_size(want), "%s: \"%s\": %zu words, want %zu", name,
              json_string_value(text), scratch.now.count, json_array_size(want));
    for (size_t i = 0; i < scratch.now.count && i < json_array_size(want); i++) {
        const char *word = scratch.now.text.bytes + scratch.now.words[i].start;
        size_t count = scratch.now.words[i].end - scratch.now.words[i].start;
        const json_t *wanted = json_array_get(want, i);
        cr_expect(count == json_string_length(wanted) && memcmp(word, json_string_value(wanted), count) == 0,
                  "%s: word %zu is \"%.*s\", want \"%s\"", name, i, (int)count, word, json_string_value(wanted));
    }
    split_scratch_deinit(&scratch);
    marked_text_deinit(&marked);
    marked_text_deinit(&spare);
}

static void check_name(const char *name, const json_t *texts, const json_t *words)
{
    struct quire_error error = {{0}};
    struct matcher *matcher = NULL;
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    const struct pre_row *row = pre_find(name);

    cr_assert_not_null(row, "%s", name);
    cr_assert(tokenizer != NULL && matcher_create(&matcher) == QUIRE_OK);
    cr_assert(pre_apply(row, tokenizer, &error) == QUIRE_OK, "%s: %s", name, error.message);
    for (size_t i = 0; i < json_array_size(texts); i++)
        check_text(tokenizer, matcher, name, json_array_get(texts, i), json_array_get(words, i));
    matcher_destroy(matcher);
    tokenizer_close(tokenizer);
}

Test(words, every_kind_cuts_as_its_models_do)
{
    json_t *root = json_load_file(fixture_path("words.json"), 0, NULL);
    const json_t *cases = json_object_get(root, "cases"), *one, *name;
    size_t i, k, count = 0;

    json_array_foreach (cases, i, one) {
        json_array_foreach (json_object_get(one, "names"), k, name) {
            check_name(json_string_value(name), json_object_get(root, "texts"), json_object_get(one, "words"));
            count++;
        }
    }
    cr_expect_geq(count, 60);
    json_decref(root);
}

Test(words, names_are_whole_words)
{
    cr_expect_null(pre_find("llama"));
    cr_expect_null(pre_find("gpt-2 phi-2"));
    cr_expect_null(pre_find(""));
    cr_expect_null(pre_find("deepseek"));
    cr_expect_not_null(pre_find("deepseek-llm"));
    cr_expect_not_null(pre_find("default"));
}
