/* server/prompt_bound.c: the bound is kept by real tokenizers on their own test texts and on random ones, and those
 * that drop text have none. */
#include "prompt_bound.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* What the tokenizers do is known from their descriptions: BERT's make one [UNK] of a long word, T5's collapses white
 * space. */
static const struct {
    const char *path;
    bool bounded;
} rows[] = {
    {"models/stories260K-hf", true},
    {"tokenizers/ggml-vocab-falcon.gguf", true},
    {"tokenizers/ggml-vocab-gpt-2.gguf", true},
    {"tokenizers/ggml-vocab-llama-spm.gguf", true},
    {"tokenizers/ggml-vocab-bert-bge.gguf", false},
    {"tokenizer_json/qwen2", true},
    {"tokenizer_json/phi-3", true},
    {"tokenizer_json/bert-base-uncased", false},
    {"tokenizer_json/t5-small", false},
};

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Random words of all sorts of characters, with long runs among them. */
static void text_draw(struct text *text, uint32_t *state)
{
    static const char *const pieces[] = {"the", " ", "    ", "\n", "\n\n", "0", "==", "\t", "e\xcc\x81", "\xc3\xa9",
                                         "-", "\xe4\xb8\xad", "\xf0\x9f\x99\x82", "ing", "\xe2\x80\xa6",
                                         "\xef\xac\x81", "A"};

    text->count = 0;
    while (text->count < 4000) {
        const char *piece = pieces[random_next(state) % (sizeof pieces / sizeof pieces[0])];
        uint32_t times = random_next(state) % 16 == 0 ? 200 : 1;

        for (uint32_t i = 0; i < times; i++)
            cr_assert_eq(text_append(text, piece, strlen(piece)), QUIRE_OK);
    }
}

Test(prompt_bound, is_kept_by_real_tokenizers)
{
    const char *shared = getenv("QUIRE_SHARED");
    uint32_t state = 7, seen = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokenizer *tokenizer;
        struct quire_error error = {0};
        struct text text = {0};
        char path[1024];
        uint32_t most;

        snprintf(path, sizeof path, "%s/data/%s", shared != NULL ? shared : ".", rows[i].path);
        if (tokenizer_open(path, &tokenizer, &error) != QUIRE_OK) {
            fprintf(stderr, "left out: %s\n", error.message);
            continue;
        }
        seen++;
        most = prompt_bound_probe(tokenizer);
        cr_expect_eq(most > 0, rows[i].bounded, "%s: %u", rows[i].path, most);
        for (int round = 0; round < 20 && most > 0; round++) {
            struct token_list ids = {0};

            text_draw(&text, &state);
            const struct text_run run = {text.bytes, text.count, round % 2 == 0};
            cr_assert_eq(tokenizer_encode(tokenizer, &run, 1, false, &ids, &error), QUIRE_OK, "%s", error.message);
            cr_expect_geq(ids.count * most, text.count, "%s", rows[i].path);
            token_list_deinit(&ids);
        }
        text_deinit(&text);
        tokenizer_close(tokenizer);
    }
    if (seen == 0)
        cr_skip_test("no tokenizers: set QUIRE_SHARED");
}

Test(prompt_bound, refuses_from_the_first_token_too_many)
{
    const struct engine_limits limits = {.model_len_max = 100};
    struct served_model model = {.limits = &limits, .token_bytes_max = 8};
    struct api_error error;

    cr_expect(prompt_bound_check(&model, 807, "prompt", &error));
    cr_expect_not(prompt_bound_check(&model, 808, "prompt", &error));
    cr_expect_eq(error.kind, ERROR_CONTEXT_LENGTH);
    cr_expect_str_eq(error.param, "prompt");
    cr_expect_str_eq(error.message,
                     "the prompt has 808 bytes, at least 101 tokens, but this model's context is 100 tokens");
    model.token_bytes_max = 0;
    cr_expect(prompt_bound_check(&model, SIZE_MAX, "prompt", &error));
}
