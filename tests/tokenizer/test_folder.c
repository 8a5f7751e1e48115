/* What a model folder says beside the vocabulary: special tokens, ends of a generation, chat templates. */
#include "fixture.h"

static const char minimal[] =
    "{\"added_tokens\":[{\"id\":4,\"content\":\"<e>\",\"special\":true},{\"id\":5,\"content\":\"<w>\",\"special\":"
    "false}],"
    "\"decoder\":{\"type\":\"Fuse\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"<s>\":3},"
    "\"merges\":[\"a b\"]}}";

/* A new folder with tokenizer.json; static memory. */
static const char *new_folder(const char *tokenizer_json)
{
    static char path[64];

    strcpy(path, "/tmp/quire_tokenizer_XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    write_file(path, "tokenizer.json", tokenizer_json);
    return path;
}

static void remove_folder(const char *path)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", path);
    cr_assert_eq(system(command), 0);
}

Test(folder, special_tokens_come_as_string_or_object)
{
    const char *folder = new_folder(minimal);

    write_file(folder, "tokenizer_config.json",
               "{\"model_max_length\":1000000000000000019884624838656,\"bos_token\":\"<s>\","
               "\"eos_token\":{\"content\":\"<e>\",\"lstrip\":false},\"pad_token\":null,\"image_token\":\"<w>\","
               "\"additional_special_tokens\":[\"ab\",{\"content\":\"not there\"},7]}");
    write_file(folder, "special_tokens_map.json", "{\"eos_token\":\"<e>\",\"unk_token\":\"<u>\"}");
    struct tokenizer *tokenizer = open_or_fail(folder);
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "bos_token"), "<s>");
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "eos_token"), "<e>");
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "unk_token"), "<u>");
    cr_expect_str_eq(tokenizer_special_text(tokenizer, "image_token"), "<w>");
    cr_expect_null(tokenizer_special_text(tokenizer, "pad_token"));
    cr_expect_eq(tokenizer_bos(tokenizer), 3);
    cr_expect_eq(tokenizer_vocab_size(tokenizer), 6);
    cr_expect(tokenizer_is_special(tokenizer, 2)); /* listed */
    cr_expect(tokenizer_is_special(tokenizer, 3)); /* named, though the vocabulary has it as a plain piece */
    struct token_list ids = encode_text(tokenizer, "ab<s>", 5, true, false);
    cr_expect(same_ids(&ids, (uint32_t[]){2, 3}, 2));
    token_list_deinit(&ids);
    ids = encode_text(tokenizer, "ab", 2, true, true); /* nothing says that a BOS is added */
    cr_expect(same_ids(&ids, (uint32_t[]){2}, 1));
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
    remove_folder(folder);
}

/* Turns cannot be forged by tokens that tokenizer.json does not call special. */
Test(folder, tokens_with_a_role_are_the_templates_alone)
{
    static const char words[] = "<e><w><f><v>|[|u|]<tu|>";
    const char *folder =
        new_folder("{\"added_tokens\":[{\"id\":3,\"content\":\"<e>\"},{\"id\":4,\"content\":\"<w>\"},"
                   "{\"id\":5,\"content\":\"<f>\"},{\"id\":6,\"content\":\"<v>\"},{\"id\":7,\"content\":\"|\"},"
                   "{\"id\":8,\"content\":\"[|u|]\"},{\"id\":9,\"content\":\"<tu|>\"}],"
                   "\"decoder\":{\"type\":\"Fuse\"},"
                   "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"w\":1,\"v\":2},\"merges\":[]}}");

    write_file(folder, "tokenizer_config.json",
               "{\"eos_token\":\"<e>\",\"pad_token\":\"|\",\"additional_special_tokens\":[\"<w>\"],"
               "\"added_tokens_decoder\":{\"3\":{\"content\":\"<e>\",\"special\":false}}}");
    write_file(folder, "generation_config.json", "{\"eos_token_id\":[5]}");
    struct tokenizer *tokenizer = open_or_fail(folder);
    struct token_list ids = encode_text(tokenizer, words, sizeof words - 1, true, false);
    cr_expect(same_ids(&ids, (uint32_t[]){3, 4, 5, 6, 7, 8, 9}, 7));
    token_list_deinit(&ids);
    ids = encode_text(tokenizer, words, sizeof words - 1, false, false);
    cr_expect(same_ids(&ids, (uint32_t[]){1, 6, 7, 7, 7, 7}, 6)); /* "<v>" has no role nor looks like it; bars */
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
    remove_folder(folder);
}

Test(folder, added_tokens_of_the_configuration_count)
{
    const char *folder = new_folder(minimal);

    write_file(folder, "tokenizer_config.json",
               "{\"added_tokens_decoder\":{\"7\":{\"content\":\"<x>\",\"special\":true},\"4\":{\"content\":\"<e>\"}}}");
    struct tokenizer *tokenizer = open_or_fail(folder);
    struct token_list ids = encode_text(tokenizer, "a<x>b<e>", 8, true, false);
    cr_expect(same_ids(&ids, (uint32_t[]){0, 7, 1, 4}, 4));
    cr_expect(tokenizer_is_special(tokenizer, 7));
    cr_expect_eq(tokenizer_vocab_size(tokenizer), 8);
    cr_expect_null(tokenizer_spelling(tokenizer, 6)); /* a hole */
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
    remove_folder(folder);
}

/* As AutoTokenizer of transformers 5.23 has it, which drops both where there is a tokenizer.json. */
Test(folder, add_bos_and_eos_leave_the_post_processor_of_tokenizer_json)
{
    const char *folder = new_folder(minimal);

    write_file(folder, "tokenizer_config.json",
               "{\"bos_token\":\"<s>\",\"eos_token\":\"<e>\",\"add_bos_token\":true,\"add_eos_token\":true}");
    struct tokenizer *tokenizer = open_or_fail(folder);
    struct token_list ids = encode_text(tokenizer, "ab", 2, true, true);
    cr_expect(same_ids(&ids, (uint32_t[]){2}, 1));
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
    remove_folder(folder);
}

/* special_tokens_map.json counts only where the configuration does not list the added tokens itself (transformers
 * 5.23). */
Test(folder, the_map_wins_over_a_configuration_without_added_tokens)
{
    const char *folder = new_folder(minimal);

    write_file(folder, "special_tokens_map.json", "{\"bos_token\":\"ab\"}");
    for (int listed = 0; listed < 2; listed++) {
        write_file(folder, "tokenizer_config.json",
                   listed ? "{\"bos_token\":\"<s>\","
                            "\"added_tokens_decoder\":{\"5\":{\"content\":\"<w>\",\"rstrip\":true}}}"
                          : "{\"bos_token\":\"<s>\"}");
        struct tokenizer *tokenizer = open_or_fail(folder);
        cr_expect_str_eq(tokenizer_special_text(tokenizer, "bos_token"), listed ? "<s>" : "ab");
        struct token_list ids = encode_text(tokenizer, "a<w> b", 6, true, false);
        cr_expect(same_ids(&ids, (uint32_t[]){0, 5, 1}, 3)); /* the blank has no token, with rstrip or without */
        token_list_deinit(&ids);
        tokenizer_close(tokenizer);
    }
    remove_folder(folder);
}

/* A vocabulary of characters has NUL too, as key and in merges. */
Test(folder, a_piece_may_be_nul)
{
    const char *folder = new_folder("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"\\u0000\":1,\"a\\u0000\":2,"
                                    "\"\\\\u0000\":3},\"merges\":[[\"a\",\"\\u0000\"]]},"
                                    "\"decoder\":{\"type\":\"Fuse\"}}");
    struct tokenizer *tokenizer = open_or_fail(folder);
    struct token_list ids = encode_text(tokenizer, "\0a\0", 3, true, false);
    struct text text = decode_ids(tokenizer, ids.ids, ids.count, false, true);

    cr_expect(same_ids(&ids, (uint32_t[]){1, 2}, 2));
    cr_expect(text_is(&text, "\0a\0", 3));
    cr_expect_str_eq(tokenizer_spelling(tokenizer, 3), "\\u0000");
    text_deinit(&text);
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
    remove_folder(folder);
}

static void expect_eos(const char *folder, const uint32_t *want, uint32_t want_count)
{
    uint32_t count;
    struct tokenizer *tokenizer = open_or_fail(folder);
    const uint32_t *eos = tokenizer_eos(tokenizer, &count);

    cr_assert_not_null(eos);
    cr_expect_eq(count, want_count);
    for (uint32_t i = 0; i < count && i < want_count; i++)
        cr_expect_eq(eos[i], want[i]);
    tokenizer_close(tokenizer);
}

Test(folder, what_ends_a_generation_comes_from_three_files)
{
    const char *folder = new_folder(minimal);

    expect_eos(folder, NULL, 0);
    write_file(folder, "tokenizer_config.json", "{\"eos_token\":\"<e>\"}");
    expect_eos(folder, (uint32_t[]){4}, 1);
    write_file(folder, "config.json", "{\"eos_token_id\":2,\"bos_token_id\":0}");
    expect_eos(folder, (uint32_t[]){2, 4}, 2);
    write_file(folder, "generation_config.json", "{\"eos_token_id\":[5,1,5]}");
    expect_eos(folder, (uint32_t[]){5, 1, 4}, 3);
    write_file(folder, "generation_config.json", "{\"eos_token_id\":3}");
    expect_eos(folder, (uint32_t[]){3, 4}, 2);
    write_file(folder, "generation_config.json", "{\"temperature\":0.5}");
    expect_eos(folder, (uint32_t[]){2, 4}, 2);
    struct tokenizer *tokenizer = open_or_fail(folder);
    cr_expect_eq(tokenizer_bos(tokenizer), 0);
    tokenizer_close(tokenizer);
    remove_folder(folder);
}

static void expect_template(const char *folder, const char *name, const char *want)
{
    struct tokenizer *tokenizer = open_or_fail(folder);
    const char *text = tokenizer_chat_template(tokenizer, name);

    if (want == NULL)
        cr_expect_null(text);
    else
        cr_expect(text != NULL && strcmp(text, want) == 0, "%s, want %s", text, want);
    tokenizer_close(tokenizer);
}

Test(folder, chat_templates_come_from_the_file_beside_or_the_configuration)
{
    const char *folder = new_folder(minimal);

    expect_template(folder, NULL, NULL);
    write_file(folder, "tokenizer_config.json", "{\"chat_template\":\"{{ one }}\"}");
    expect_template(folder, NULL, "{{ one }}");
    write_file(
        folder, "tokenizer_config.json",
        "{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"T\"},{\"name\":\"default\",\"template\":\"D\"}]}");
    expect_template(folder, NULL, "D");
    expect_template(folder, "tool_use", "T");
    expect_template(folder, "rag", NULL);
    write_file(folder, "chat_template.jinja", "J\n");
    expect_template(folder, NULL, "J\n");
    expect_template(folder, "tool_use", "T");
    remove_folder(folder);
}

Test(folder, missing_files_are_not_found)
{
    struct tokenizer *tokenizer = NULL;
    struct quire_error error;
    char empty[] = "/tmp/quire_tokenizer_XXXXXX";

    cr_assert_not_null(mkdtemp(empty));
    cr_expect_eq(tokenizer_open("/nonexistent/model", &tokenizer, &error), QUIRE_NOT_FOUND);
    cr_expect_not_null(strstr(error.message, "/nonexistent/model"));
    cr_expect_eq(tokenizer_open(empty, &tokenizer, &error), QUIRE_NOT_FOUND);
    cr_expect_not_null(strstr(error.message, "tokenizer.json"));
    cr_expect_null(tokenizer);
    cr_assert_eq(rmdir(empty), 0);
}
