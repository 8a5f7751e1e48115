/* Random tokenizer.json files of every part that the format has: ids and text against Hugging Face's tokenizers
 * (fixtures/random.json, made by compare_random.py); and what the configurations beside one change, against
 * AutoTokenizer of transformers (fixtures/auto.json, made by compare_auto.py). Row kinds: e, s: a text and its ids,
 * without and with special tokens; d, k: ids and their text, k without special tokens. */
#include "fixture.h"

#include <jansson.h>

static struct token_list ids_read(const char *listed)
{
    struct token_list ids = {0};
    size_t count = strlen(listed);
    char *end;

    ids.ids = calloc(count + 1, sizeof *ids.ids);
    cr_assert_not_null(ids.ids);
    for (const char *at = listed; *at != '\0'; at = end)
        ids.ids[ids.count++] = (uint32_t)strtoul(at, &end, 10);
    return ids;
}

static void check_text(const struct tokenizer *tokenizer, long long seed, bool skip, const char *listed,
                       const json_t *want)
{
    struct token_list ids = ids_read(listed);

    for (int streamed = 0; streamed < 2; streamed++) {
        struct text text = decode_ids(tokenizer, ids.ids, ids.count, skip, streamed != 0);
        cr_expect(text_is(&text, json_string_value(want), json_string_length(want)),
                  "seed %lld: ids %s: \"%.*s\", want \"%s\"", seed, listed, (int)text.count,
                  text.bytes == NULL ? "" : text.bytes, json_string_value(want));
        text_deinit(&text);
    }
    token_list_deinit(&ids);
}

static void check_ids(const struct tokenizer *tokenizer, long long seed, bool special, const json_t *text,
                      const char *want)
{
    struct text_run run = {json_string_value(text), json_string_length(text), true};
    struct token_list ids = {0};
    struct quire_error error;
    enum quire_status status = tokenizer_encode(tokenizer, &run, 1, special, &ids, &error);

    if (strcmp(want, "error") == 0) {
        cr_expect(status != QUIRE_OK, "seed %lld: \"%s\" has ids, want none", seed, run.text);
    } else {
        struct token_list listed = ids_read(want);
        cr_expect(status == QUIRE_OK && same_ids(&ids, listed.ids, listed.count), "seed %lld: \"%s\": want %s", seed,
                  run.text, want);
        token_list_deinit(&listed);
    }
    token_list_deinit(&ids);
}

/* `files`: contents by name. */
static struct tokenizer *open_files(json_t *files)
{
    char folder[] = "/tmp/quire_tokenizer_XXXXXX", path[128];
    const char *name;
    json_t *file;

    cr_assert_not_null(mkdtemp(folder));
    json_object_foreach (files, name, file) {
        char *content = json_dumps(file, JSON_COMPACT);
        cr_assert_not_null(content);
        write_file(folder, name, content);
        free(content);
    }
    struct tokenizer *tokenizer = open_or_fail(folder);
    json_object_foreach (files, name, file) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        cr_assert_eq(unlink(path), 0);
    }
    cr_assert_eq(rmdir(folder), 0);
    return tokenizer;
}

static void check_cases(const char *fixture, size_t files_min, size_t rows_min)
{
    json_error_t error;
    json_t *cases = json_load_file(fixture_path(fixture), JSON_ALLOW_NUL, &error);
    const json_t *entry, *row;
    size_t i, k, rows = 0;

    cr_assert_not_null(cases, "%s: %s", error.source, error.text);
    cr_assert_geq(json_array_size(cases), files_min);
    json_array_foreach (cases, i, entry) {
        struct tokenizer *tokenizer = open_files(json_object_get(entry, "files"));
        long long seed = json_integer_value(json_object_get(entry, "seed"));
        json_array_foreach (json_object_get(entry, "rows"), k, row) {
            char kind = json_string_value(json_array_get(row, 0))[0];
            const json_t *given = json_array_get(row, 1), *want = json_array_get(row, 2);
            if (kind == 'd' || kind == 'k')
                check_text(tokenizer, seed, kind == 'k', json_string_value(given), want);
            else
                check_ids(tokenizer, seed, kind == 's', given, json_string_value(want));
            rows++;
        }
        tokenizer_close(tokenizer);
    }
    cr_expect_gt(rows, rows_min);
    json_decref(cases);
}

Test(random, every_file_agrees)
{
    check_cases("random.json", 60, 1000);
}

Test(random, every_configuration_agrees)
{
    check_cases("auto.json", 30, 500);
}
