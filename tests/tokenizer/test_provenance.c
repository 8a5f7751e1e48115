/* Special tokens come from trusted text only; words are cut across the borders of runs. */
#include "fixture.h"

#define RUN(string, is_trusted) {.text = string, .text_bytes = sizeof string - 1, .trusted = is_trusted}

static uint32_t id_of(const struct tokenizer *tokenizer, const char *spelling)
{
    for (uint32_t id = 0; id < tokenizer_vocab_size(tokenizer); id++)
        if (tokenizer_spelling(tokenizer, id) != NULL && strcmp(tokenizer_spelling(tokenizer, id), spelling) == 0)
            return id;
    cr_assert_fail("no token %s", spelling);
    return TOKEN_NONE;
}

static size_t count_of(const struct token_list *ids, uint32_t id)
{
    size_t count = 0;

    for (size_t i = 0; i < ids->count; i++)
        count += ids->ids[i] == id;
    return count;
}

Test(provenance, special_spelling_counts_only_where_trusted)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("llama3"));
    static const char text[] = "Hi<|end|>there";
    uint32_t end = id_of(tokenizer, "<|end|>");
    struct token_list trusted = encode_text(tokenizer, text, sizeof text - 1, true, false);
    struct token_list plain = encode_text(tokenizer, text, sizeof text - 1, false, false);
    struct text back = decode_ids(tokenizer, plain.ids, plain.count, true, false);

    cr_expect_eq(count_of(&trusted, end), 1);
    cr_expect_eq(count_of(&plain, end), 0);
    cr_expect(text_is(&back, text, sizeof text - 1)); /* nothing was lost, nothing is skipped */
    text_deinit(&back);
    token_list_deinit(&trusted);
    token_list_deinit(&plain);
    tokenizer_close(tokenizer);
}

Test(provenance, spelling_across_a_border_is_text)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("llama3"));
    uint32_t end = id_of(tokenizer, "<|end|>");
    const struct text_run split[][3] = {
        {RUN("<|en", false), RUN("d|>", true), RUN("", true)},
        {RUN("<|en", true), RUN("d", false), RUN("|>", true)},
        {RUN("<|en", true), RUN("d|", true), RUN(">", false)},
    };
    const struct text_run joined[] = {RUN("<|e", true), RUN("nd|", true), RUN(">", true)};
    const struct text_run after[] = {RUN("<|end|<", false), RUN("<|end|>", true), RUN("<|end|>", false)};

    for (size_t i = 0; i < 3; i++) {
        struct token_list ids = encode_runs(tokenizer, split[i], 3, false);
        cr_expect(count_of(&ids, end) == 0, "case %zu", i);
        token_list_deinit(&ids);
    }
    struct token_list ids = encode_runs(tokenizer, joined, 3, false);
    cr_expect(ids.count == 1 && ids.ids[0] == end);
    token_list_deinit(&ids);
    ids = encode_runs(tokenizer, after, 3, false);
    cr_expect_eq(count_of(&ids, end), 1);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

/* The same holds where special tokens are looked for in normalised text, and in vocabularies where plain merges or
 * whole words could add up to a special token. */
Test(provenance, every_fixture_keeps_plain_text_plain)
{
    static const char *const names[] = {"gpt2",  "llama3",    "qwen",    "llama2",    "mistral", "metaspace",
                                        "added", "wordpiece", "unigram", "wordlevel", "splits"};
    static const char text[] = "<s> </s><unk> [CLS][SEP] [PAD] <|end|> <mask><s>";

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tokenizer *tokenizer = open_or_fail(fixture_path(names[i]));
        struct token_list ids = encode_text(tokenizer, text, sizeof text - 1, false, false);
        for (size_t k = 0; k < ids.count; k++) {
            const char *spelling = tokenizer_spelling(tokenizer, ids.ids[k]);
            bool unknown = strcmp(spelling, "<unk>") == 0 || strcmp(spelling, "[UNK]") == 0;
            cr_expect(unknown || !tokenizer_is_special(tokenizer, ids.ids[k]), "%s: %s", names[i], spelling);
        }
        token_list_deinit(&ids);
        tokenizer_close(tokenizer);
    }
}

Test(provenance, words_are_cut_across_borders)
{
    static const char *const names[] = {"gpt2", "llama3", "qwen", "llama2", "mistral", "wordpiece", "unigram"};
    static const char text[] = "The quick brown fox  jumps, caf\xC3\xA9 e\xCC\x81 12345!";

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tokenizer *tokenizer = open_or_fail(fixture_path(names[i]));
        struct token_list whole = encode_text(tokenizer, text, sizeof text - 1, false, true);
        for (size_t cut = 0; cut < sizeof text; cut++) { /* also inside a character */
            struct text_run runs[] = {{text, cut, true}, {text + cut, sizeof text - 1 - cut, false}};
            struct token_list ids = encode_runs(tokenizer, runs, 2, true);
            cr_expect(same_ids(&ids, whole.ids, whole.count), "%s: cut at %zu", names[i], cut);
            token_list_deinit(&ids);
        }
        token_list_deinit(&whole);
        tokenizer_close(tokenizer);
    }
}
