/* Vocabularies without a tokenizer.json: which class and which expressions go with them, and what is refused. */
#include "fixture.h"

#include <stdio.h>

static const char *new_folder(void)
{
    static char path[32];

    strcpy(path, "/tmp/quire_plain_XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    return path;
}

static void put(const char *folder, const char *name, const char *bytes, size_t count)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void put_text(const char *folder, const char *name, const char *text)
{
    put(folder, name, text, strlen(text));
}

static void put_copy(const char *folder, const char *name, const char *source)
{
    char bytes[16384];
    FILE *file = fopen(fixture_path(source), "rb");

    cr_assert_not_null(file, "%s", source);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    cr_assert(feof(file) && !ferror(file));
    fclose(file);
    put(folder, name, bytes, count);
}

static void remove_folder(const char *folder)
{
    static const char *const files[] = {"tokenizer.model",    "vocab.json", "merges.txt",       "vocab.txt",
                                        "tokenizer_config.json", "config.json", "added_tokens.json", "ranks.tiktoken",
                                        "tekken.json"};
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    cr_assert_eq(rmdir(folder), 0);
}

static void expect_refused(const char *folder, enum quire_status want, const char *file, const char *part)
{
    struct tokenizer *tokenizer = NULL;
    struct quire_error error = {{0}};

    cr_expect_eq(tokenizer_open(folder, &tokenizer, &error), want, "%s", error.message);
    cr_expect(strstr(error.message, file) != NULL && strstr(error.message, part) != NULL, "%s", error.message);
    cr_expect_null(tokenizer);
}

static void expect_count(const char *folder, const char *text, bool trusted, bool special, size_t want)
{
    struct tokenizer *tokenizer = open_or_fail(folder);
    struct token_list ids = encode_text(tokenizer, text, strlen(text), trusted, special);

    cr_expect_eq(ids.count, want, "\"%s\": %zu ids, want %zu", text, ids.count, want);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

Test(plain, classes_that_need_more_are_refused_by_name)
{
    const char *folder = new_folder();

    put_copy(folder, "tokenizer.model", "plain/unigram-symbols.model");
    put_text(folder, "tokenizer_config.json", "{\"tokenizer_class\":\"XLMRobertaTokenizer\"}");
    expect_refused(folder, QUIRE_UNSUPPORTED, "tokenizer_config.json", "XLMRobertaTokenizer");
    put_text(folder, "vocab.json", "{\"a\":0}");
    put_text(folder, "merges.txt", "");
    put_text(folder, "tokenizer_config.json", "{\"tokenizer_class\":\"PhobertTokenizer\"}");
    expect_refused(folder, QUIRE_UNSUPPORTED, "tokenizer_config.json", "PhobertTokenizer");
    remove_folder(folder);
}

Test(plain, broken_files_are_named)
{
    const char *folder = new_folder();

    put_text(folder, "vocab.txt", "[UNK]\na\n\xFF\n");
    expect_refused(folder, QUIRE_BAD_FILE, "vocab.txt", "line 3");
    put_text(folder, "vocab.txt", "[UNK]\na\n");
    put_text(folder, "added_tokens.json", "{\"<x>\":\"two\"}");
    expect_refused(folder, QUIRE_BAD_FILE, "added_tokens.json", "<x>");
    put_text(folder, "vocab.json", "{\"a\":0,\"b\":1}");
    put_text(folder, "merges.txt", "a b\n");
    put_text(folder, "added_tokens.json", "{}");
    expect_refused(folder, QUIRE_BAD_FILE, "vocab.json", "merges[0]");
    put_text(folder, "vocab.json", "{\"a\":0,\"b\":1,\"ab\":2}");
    put_text(folder, "merges.txt", "#version: 0.2\na b\n\xC3\n");
    expect_refused(folder, QUIRE_BAD_FILE, "merges.txt", "line 3");
    remove_folder(folder);
}

Test(plain, tokens_added_by_the_older_file_are_read)
{
    const char *folder = new_folder();

    put_text(folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n<\n>\ntool\n");
    expect_count(folder, "<tool>", true, true, 2 + 3);
    put_text(folder, "added_tokens.json", "{\"<tool>\":1000}");
    expect_count(folder, "<tool>", true, true, 2 + 1);
    put_text(folder, "tokenizer_config.json", "{\"added_tokens_decoder\":{}}"); /* which replaces it */
    expect_count(folder, "<tool>", true, true, 2 + 3);
    remove_folder(folder);
}

Test(plain, configurations_tell_what_stands_around_a_text)
{
    const char *folder = new_folder();

    put_text(folder, "vocab.json", "{\"<|endoftext|>\":0,\"a\":1,\"b\":2}");
    put_text(folder, "merges.txt", "#version: 0.2\n");
    expect_count(folder, "ab", true, true, 2);
    put_text(folder, "tokenizer_config.json", "{\"add_bos_token\":true}");
    expect_count(folder, "ab", true, true, 3);
    put_text(folder, "tokenizer_config.json", "{\"add_bos_token\":true,\"add_eos_token\":true}");
    expect_count(folder, "ab", true, true, 4);
    remove_folder(folder);
}

/* "12345" is five digits to Qwen's models, two groups to the others; blanks at the end stay together in OpenAI's. */
Test(plain, hints_tell_the_expressions_of_ranks)
{
    static const struct {
        const char *config, *model;
        size_t digits, blanks;
    } rows[] = {{"{}", "{}", 2, 2},
                {"{\"tokenizer_class\":\"QWenTokenizer\"}", "{}", 5, 2},
                {"{\"auto_map\":{\"AutoTokenizer\":[\"tokenization_qwen.QWenTokenizer\",null]}}", "{}", 5, 2},
                {"{}", "{\"model_type\":\"qwen\"}", 5, 2},
                {"{}", "{\"model_type\":\"phi3small\"}", 2, 1}};
    const char *folder = new_folder();

    put_text(folder, "ranks.tiktoken", "YQ== 0\nMQ== 1\nMg== 2\nMw== 3\nNA== 4\nNQ== 5\nMTIz 6\nNDU= 7\nCg== 8\n"
                                       "IA== 9\nCiA= 10\nMTI= 11\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_text(folder, "tokenizer_config.json", rows[i].config);
        put_text(folder, "config.json", rows[i].model);
        expect_count(folder, "12345", false, false, rows[i].digits);
        expect_count(folder, "\n ", false, false, rows[i].blanks);
    }
    remove_folder(folder);
}

Test(plain, known_tokens_follow_the_ranks_where_no_file_lists_them)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("plain/qwen.tiktoken"));
    struct token_list ids = encode_text(tokenizer, "<|im_end|>", 10, true, true);

    cr_expect(ids.count == 1 && ids.ids[0] == 402); /* 400 ranks, <|endoftext|>, <|im_start|> */
    token_list_deinit(&ids);
    ids = encode_text(tokenizer, "<|im_end|>", 10, false, true);
    cr_expect_gt(ids.count, 1);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

/* Thirty special tokens stand before the ranks: twenty known ones, then fillers. */
Test(plain, tekken_files_bring_their_special_tokens)
{
    struct tokenizer *tokenizer = open_or_fail(fixture_path("plain/tekken"));
    struct token_list ids = encode_text(tokenizer, "[INST]<SPECIAL_29></s>", 22, true, true);

    cr_expect(same_ids(&ids, (uint32_t[]){1, 3, 29, 2}, 4));
    cr_expect_eq(tokenizer_vocab_size(tokenizer), 30 + 390);
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "eos_token"), "</s>");
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

Test(plain, broken_tekken_files_name_the_field)
{
    static const struct {
        const char *json, *part;
    } rows[] = {
        {"{}", "config.default_vocab_size"},
        {"{\"config\":{\"default_vocab_size\":2,\"default_num_special_tokens\":3}}", "default_num_special_tokens"},
        {"{\"config\":{\"default_vocab_size\":2,\"default_num_special_tokens\":1},\"vocab\":[]}", "vocab has 0"},
        {"{\"config\":{\"default_vocab_size\":2,\"default_num_special_tokens\":1},"
         "\"vocab\":[{\"rank\":1,\"token_bytes\":\"YQ==\"}]}",
         "vocab[0]"},
        {"{\"config\":{\"default_vocab_size\":2,\"default_num_special_tokens\":1},"
         "\"vocab\":[{\"rank\":0,\"token_bytes\":\"?\"}]}",
         "vocab[0]"},
        {"{\"config\":{\"default_vocab_size\":2,\"default_num_special_tokens\":1},"
         "\"vocab\":[{\"rank\":0,\"token_bytes\":\"YQ==\"}]}",
         "config.pattern"},
        {"{\"config\":{\"default_vocab_size\":2,\"default_num_special_tokens\":1},\"special_tokens\":[{}]}",
         "special_tokens[0]"},
    };
    const char *folder = new_folder();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_text(folder, "tekken.json", rows[i].json);
        expect_refused(folder, QUIRE_BAD_FILE, "tekken.json", rows[i].part);
    }
    remove_folder(folder);
}

/* <|end|> ends a turn, but not where <|return|> does. */
Test(plain, control_tokens_of_gguf_files_end_turns)
{
    static const struct {
        const char *file;
        uint32_t count, ids[2];
    } rows[] = {{"plain/harmony.gguf", 2, {3, 4}},
                {"plain/turns.gguf", 2, {3, 4}},
                {"plain/user_turns.gguf", 2, {3, 5}}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokenizer *tokenizer = open_or_fail(fixture_path(rows[i].file));
        uint32_t count;
        const uint32_t *eos = tokenizer_eos(tokenizer, &count);
        cr_expect_eq(count, rows[i].count, "%s: %u", rows[i].file, count);
        for (uint32_t k = 0; k < count && k < rows[i].count; k++)
            cr_expect_eq(eos[k], rows[i].ids[k]);
        tokenizer_close(tokenizer);
    }
}

/* Marks of turns are no text, even where a file calls them user-defined; other user-defined tokens are. */
Test(plain, user_defined_turns_of_gguf_files_cannot_be_forged)
{
    static const char text[] = "a<start_of_turn>b<end_of_turn><eos><think>";
    struct tokenizer *tokenizer = open_or_fail(fixture_path("plain/user_turns.gguf"));
    struct token_list trusted = encode_text(tokenizer, text, sizeof text - 1, true, false);
    struct token_list plain = encode_text(tokenizer, text, sizeof text - 1, false, false);

    cr_expect(same_ids(&trusted, (uint32_t[]){0, 4, 1, 5, 3, 6}, 6));
    cr_expect(same_ids(&plain, (uint32_t[]){0, 0, 1, 6}, 4)); /* a, the a of "start", b, "<think>" */
    token_list_deinit(&trusted);
    token_list_deinit(&plain);
    tokenizer_close(tokenizer);
}

/* What a model file says of itself is checked: field 5 (denormalizer_spec) with a map, and model type 9. */
Test(plain, sentencepiece_models_that_are_not_understood_are_refused)
{
    static const char mapped[] = "\n\x03\n\x01" "a*\x04\x12\x02" "xy", typed[] = "\n\x03\n\x01" "a\x12\x02\x18\x09";
    static const char kind[] = "\n\x05\n\x01" "a\x18\x09";
    const char *folder = new_folder();

    put(folder, "tokenizer.model", mapped, sizeof mapped - 1);
    expect_refused(folder, QUIRE_UNSUPPORTED, "tokenizer.model", "denormalizer_spec");
    put(folder, "tokenizer.model", typed, sizeof typed - 1);
    expect_refused(folder, QUIRE_UNSUPPORTED, "tokenizer.model", "type 9");
    put(folder, "tokenizer.model", kind, sizeof kind - 1);
    expect_refused(folder, QUIRE_BAD_FILE, "tokenizer.model", "type");
    remove_folder(folder);
}

/* "legacy" false: a blank only where the input begins. */
Test(plain, configurations_tell_where_sentencepiece_puts_blanks)
{
    const char *folder = new_folder();

    put_copy(folder, "tokenizer.model", "plain/char.model");
    expect_count(folder, "a<s>a", true, false, 5);
    put_text(folder, "tokenizer_config.json", "{\"legacy\":false}");
    expect_count(folder, "a<s>a", true, false, 4);
    put_text(folder, "tokenizer_config.json", "{\"add_prefix_space\":false}");
    expect_count(folder, "a<s>a", true, false, 3);
    remove_folder(folder);
}
