/* The contract of tokenizer_encode: what it appends, what it refuses, how long it takes. */
#include "fixture.h"

#include <time.h>

Test(encode, invalid_utf8_names_the_byte)
{
    static const struct {
        const char *text;
        size_t bytes, at;
    } rows[] = {{"abc\xFF", 4, 3},         {"\xC3", 1, 0},     {"a\xE4\xBD", 3, 1},
                {"\xED\xA0\x80", 3, 0},    {"\xC0\xAF", 2, 0}, {"ok \xF4\x90\x80\x80", 7, 3},
                {"\xE4\xBD\xA0\x80", 4, 3}};
    struct tokenizer *tokenizer = open_or_fail(fixture_path("gpt2"));

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text_run run = {rows[i].text, rows[i].bytes, false};
        struct token_list ids = {0};
        struct quire_error error = {{0}};
        char want[32];
        snprintf(want, sizeof want, "byte %zu", rows[i].at);
        cr_expect_eq(tokenizer_encode(tokenizer, &run, 1, true, &ids, &error), QUIRE_INVALID);
        cr_expect(strstr(error.message, want) != NULL, "%s, want %s", error.message, want);
        cr_expect_eq(ids.count, 0);
        token_list_deinit(&ids);
    }
    tokenizer_close(tokenizer);
}

Test(encode, appends_and_leaves_the_list_on_failure)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("llama2"));
    struct text_run good = {"a", 1, false}, broken = {"\xFF", 1, false};
    struct token_list ids = {0};
    struct quire_error error;

    cr_assert(tokenizer_encode(tokenizer, &good, 1, true, &ids, &error) == QUIRE_OK);
    size_t count = ids.count;
    cr_expect(count > 1 && ids.ids[0] == 1);
    cr_expect(tokenizer_encode(tokenizer, &broken, 1, true, &ids, &error) == QUIRE_INVALID);
    cr_expect_eq(ids.count, count);
    cr_assert(tokenizer_encode(tokenizer, &good, 1, true, &ids, &error) == QUIRE_OK);
    cr_expect_eq(ids.count, 2 * count);
    cr_expect(memcmp(ids.ids, ids.ids + count, count * sizeof *ids.ids) == 0);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

Test(encode, no_runs_give_only_the_special_tokens)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("llama2"));
    struct token_list ids = encode_runs(tokenizer, NULL, 0, true);

    cr_expect(ids.count == 1 && ids.ids[0] == 1);
    token_list_deinit(&ids);
    ids = encode_runs(tokenizer, NULL, 0, false);
    cr_expect_eq(ids.count, 0);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

Test(encode, nul_bytes_are_text)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("gpt2"));
    struct token_list ids = encode_text(tokenizer, "a\0b", 3, false, false);
    struct text back = decode_ids(tokenizer, ids.ids, ids.count, false, false);

    cr_expect(text_is(&back, "a\0b", 3));
    text_deinit(&back);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A megabyte without a break, of each kind that is hard on some step: a merge, an expression, a normal form, Viterbi.
 */
Test(encode, a_megabyte_of_one_letter_is_not_quadratic)
{
    static const char *const names[] = {"gpt2",  "llama3",    "qwen",    "llama2", "mistral",
                                        "added", "wordpiece", "unigram", "splits"};
    static const char *const units[] = {"a", " ", "\n", "\xCC\x81\xCC\xA3", "1", "<", "\xE4\xBD\xA0", "a "};
    struct text text = {0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tokenizer *tokenizer = open_or_fail(fixture_path(names[i]));
        for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
            size_t bytes = k == 0 ? 1000000 : 100000;
            text.count = 0;
            while (text.count < bytes)
                cr_assert(text_append(&text, units[k], strlen(units[k])) == QUIRE_OK);
            double start = seconds();
            struct token_list ids = encode_text(tokenizer, text.bytes, text.count, false, true);
            double took = seconds() - start;
            cr_expect(took < 20, "%s: unit %zu took %.1f s", names[i], k, took); /* quadratic would take hours */
            if (took > 1)
                cr_log_warn("%s: unit %zu took %.1f s", names[i], k, took);
            token_list_deinit(&ids);
        }
        tokenizer_close(tokenizer);
    }
    text_deinit(&text);
}
