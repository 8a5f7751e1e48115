/* Broken tokenizer files: a status and a sentence that names file and field, never a crash (run under ASan and UBSan).
 */
#include "fixture.h"

#include <jansson.h>

static char folder[] = "/tmp/quire_tokenizer_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(hostile, .init = make_folder, .fini = remove_folder);

static enum quire_status try_open(struct quire_error *error)
{
    struct tokenizer *tokenizer = NULL;
    enum quire_status status = tokenizer_open(folder, &tokenizer, error);

    cr_expect((status == QUIRE_OK) == (tokenizer != NULL));
    tokenizer_close(tokenizer);
    return status;
}

#define BPE(rest) "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}" rest "}"

Test(hostile, errors_name_the_field)
{
    static const struct {
        const char *json, *names;
    } rows[] = {
        {"", "not valid JSON"},
        {"[]", "object"},
        {"{", "not valid JSON"},
        {"{}", "model"},
        {"{\"model\":{\"type\":\"Nonsense\"}}", "Nonsense"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}", "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1e12},\"merges\":[]}}", "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0.5},\"merges\":[]}}", "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"0\"},\"merges\":[]}}", "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}", "model.merges"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a c\"]}}", "merges[0]"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"aa\"]}}", "merges[0]"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", "merges[0]"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[7]}}", "merges[0]"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}}", "vocab[0]"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]],\"unk_id\":9}}", "unk_id"},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0},\"max_input_chars_per_word\":-1}}", "max_input_chars"},
        {"{\"model\":5}", "model"},
        {"{\"model\":{\"type\":5,\"vocab\":{\"a\":0},\"merges\":[]}}", "model.type"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"byte_fallback\":\"yes\"}}", "model.byte_fallback"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"ignore_merges\":1}}", "model.ignore_merges"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"fuse_unk\":[]}}", "model.fuse_unk"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":5}}", "model.unk_token"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"end_of_word_suffix\":{}}}", "model.end_of_word_suffix"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]],\"unk_id\":\"0\"}}", "model.unk_id"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0,1]]}}", "vocab[0]"},
        {BPE(",\"added_tokens\":5"), "added_tokens"},
        {BPE(",\"added_tokens\":[{\"id\":1,\"content\":\"b\",\"lstrip\":\"x\"}]"), "added_tokens[0].lstrip"},
        {BPE(",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Strip\",\"strip_left\":5}]}"),
         "normalizer.normalizers[0].strip_left"},
        {BPE(",\"pre_tokenizer\":{\"type\":\"Digits\",\"individual_digits\":1}"), "pre_tokenizer.individual_digits"},
        {BPE(",\"decoder\":{\"type\":\"WordPiece\",\"cleanup\":\"x\"}"), "decoder.cleanup"},
        {BPE(",\"added_tokens\":[{\"content\":\"x\"}]"), "added_tokens[0]"},
        {BPE(",\"added_tokens\":[{\"id\":1}]"), "content"},
        {BPE(",\"added_tokens\":[{\"id\":4294967295,\"content\":\"x\"}]"), "added_tokens[0]"},
        {BPE(",\"normalizer\":{\"type\":\"Sequence\"}"), "normalizers"},
        {BPE(",\"normalizer\":{\"type\":\"X\"}"), "\"X\""},
        {BPE(",\"normalizer\":7"), "normalizer"},
        {BPE(",\"normalizer\":{\"type\":\"Replace\",\"content\":\"\"}"), "pattern"},
        {BPE(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(\"},\"content\":\"\"}"), "compile"},
        {BPE(",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"????\"}"), "base64"},
        {BPE(",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////w==\"}"), "charsmap"},
        {BPE(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Sideways\"}"),
         "Sideways"},
        {BPE(",\"pre_tokenizer\":{\"type\":\"FixedLength\",\"length\":0}"), "length"},
        {BPE(",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"q\"}}]}"),
         "single[0]"},
        {BPE(",\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"c\",99],\"sep\":[\"s\",1]}"),
         "post_processor"},
        {BPE(",\"decoder\":{\"type\":\"Strip\",\"content\":\"\",\"start\":0,\"stop\":0}"), "Strip"},
        {BPE(",\"decoder\":{\"type\":\"Strip\",\"content\":\"a\",\"start\":-1,\"stop\":0}"), "start"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct quire_error error = {{0}};
        write_file(folder, "tokenizer.json", rows[i].json);
        cr_expect(try_open(&error) == QUIRE_BAD_FILE, "row %zu: %s", i, rows[i].json);
        cr_expect(strstr(error.message, rows[i].names) != NULL && strstr(error.message, "tokenizer.json") != NULL,
                  "row %zu: %s", i, error.message);
    }
}

Test(hostile, nesting_is_bounded)
{
    struct text json = {0};
    struct quire_error error;

    for (int round = 0; round < 3; round++) {
        static const char *const fields[][2] = {{"normalizer", "normalizers"},
                                                {"pre_tokenizer", "pretokenizers"},
                                                {"decoder", "decoders"}};
        char open[64];
        json.count = 0;
        int bytes = snprintf(open, sizeof open, "{\"%s\":", fields[round][0]);
        cr_assert(text_append(&json, open, (size_t)bytes) == QUIRE_OK);
        bytes = snprintf(open, sizeof open, "{\"type\":\"Sequence\",\"%s\":[", fields[round][1]);
        for (int i = 0; i < 900; i++)
            cr_assert(text_append(&json, open, (size_t)bytes) == QUIRE_OK);
        for (int i = 0; i < 900; i++)
            cr_assert(text_append(&json, "]}", 2) == QUIRE_OK);
        static const char rest[] = ",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}";
        cr_assert(text_append(&json, rest, sizeof rest) == QUIRE_OK);
        write_file(folder, "tokenizer.json", json.bytes);
        cr_expect_eq(try_open(&error), QUIRE_BAD_FILE);
    }
    text_deinit(&json);
}

/* Every value of small real files replaced, one at a time, by values of other types and extremes: any answer, no crash;
 * a tokenizer that opens also encodes and decodes. */
static void visit(json_t *root, json_t *value, int depth);

static void try_value(json_t *root)
{
    struct tokenizer *tokenizer = NULL;
    struct quire_error error;
    static const char text[] = "Hello  w\xC3\xB6rld <s><|end|> 123";
    char *json = json_dumps(root, JSON_COMPACT);

    write_file(folder, "tokenizer.json", json);
    free(json);
    if (tokenizer_open(folder, &tokenizer, &error) != QUIRE_OK) {
        cr_assert(error.message[0] != '\0');
        return;
    }
    struct text_run run = {text, sizeof text - 1, true};
    struct token_list ids = {0};
    struct text out = {0};
    if (tokenizer_encode(tokenizer, &run, 1, true, &ids, &error) == QUIRE_OK)
        cr_assert(tokenizer_decode(tokenizer, ids.ids, ids.count, false, &out) == QUIRE_OK);
    token_list_deinit(&ids);
    text_deinit(&out);
    tokenizer_close(tokenizer);
}

static json_t *extreme(int i)
{
    switch (i) {
    case 0:
        return json_null();
    case 1:
        return json_integer(-1);
    case 2:
        return json_integer(4000000);
    case 3:
        return json_string("");
    case 4:
        return json_string("Sequence");
    case 5:
        return json_array();
    case 6:
        return json_object();
    default:
        return json_true();
    }
}

static void visit(json_t *root, json_t *value, int depth)
{
    const char *key;
    json_t *member;
    void *next;
    size_t i;

    if (depth > 6)
        return;
    json_object_foreach_safe(value, next, key, member)
    {
        json_incref(member);
        for (int k = 0; k < 8; k++) {
            json_object_set_new(value, key, extreme(k));
            try_value(root);
        }
        json_object_set_new(value, key, member);
        if (strcmp(key, "vocab") != 0 && strcmp(key, "merges") != 0)
            visit(root, member, depth + 1);
    }
    json_array_foreach (value, i, member) {
        if (i == 2)
            break;
        json_incref(member);
        for (int k = 0; k < 8; k++) {
            json_array_set_new(value, i, extreme(k));
            try_value(root);
        }
        json_array_set_new(value, i, member);
        visit(root, member, depth + 1);
    }
}

/* The vocabulary is cut to a few pieces, so that the many files stay small. */
static void mutate(const char *name)
{
    char file[64];
    json_t *vocabulary;

    snprintf(file, sizeof file, "%s/tokenizer.json", name);
    json_t *root = json_load_file(fixture_path(file), 0, NULL);
    cr_assert_not_null(root);
    vocabulary = json_object_get(json_object_get(root, "model"), "vocab");
    json_array_clear(json_object_get(json_object_get(root, "model"), "merges"));
    while (json_is_array(vocabulary) && json_array_size(vocabulary) > 20)
        json_array_remove(vocabulary, json_array_size(vocabulary) - 1);
    const char *key;
    json_t *id;
    void *next;
    json_object_foreach_safe(vocabulary, next, key, id)
    {
        if (json_integer_value(id) > 20)
            json_object_del(vocabulary, key);
    }
    visit(root, root, 0);
    json_decref(root);
}

Test(hostile, mutated_files_never_crash)
{
    static const char *const names[] = {"llama3", "wordpiece", "unigram", "splits", "metaspace"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        mutate(names[i]);
}

Test(hostile, beside_files_are_checked)
{
    static const struct {
        const char *file, *json, *names;
    } rows[] = {
        {"tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"y\"}}}", "added token"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\":{\"99999999999\":{\"content\":\"y\"}}}", "added token"},
        {"tokenizer_config.json", "{\"chat_template\":7}", "chat_template"},
        {"tokenizer_config.json", "{\"chat_template\":[{\"name\":\"x\"}]}", "chat_template[0]"},
        {"tokenizer_config.json", "nonsense", "tokenizer_config.json"},
        {"generation_config.json", "{\"eos_token_id\":\"x\"}", "eos_token_id"},
        {"generation_config.json", "{\"eos_token_id\":[1,-2]}", "eos_token_id"},
        {"config.json", "{\"eos_token_id\":1e300}", "eos_token_id"},
    };

    write_file(folder, "tokenizer.json", BPE(""));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct quire_error error = {{0}};
        write_file(folder, rows[i].file, rows[i].json);
        cr_expect(try_open(&error) == QUIRE_BAD_FILE, "row %zu", i);
        cr_expect(strstr(error.message, rows[i].file) != NULL && strstr(error.message, rows[i].names) != NULL,
                  "row %zu: %s", i, error.message);
        write_file(folder, rows[i].file, "{}");
    }
}

/* An expression that backtracks without end gives an error in bounded time. */
Test(hostile, expressions_are_bounded)
{
    struct tokenizer *tokenizer;
    struct quire_error error;
    struct token_list ids = {0};
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    struct text_run run = {text, sizeof text - 1, false};

    write_file(folder, "tokenizer.json",
               BPE(",\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"(a+a+)+["
                   "bc]\"}}"));
    tokenizer = open_or_fail(folder);
    cr_expect_eq(tokenizer_encode(tokenizer, &run, 1, false, &ids, &error), QUIRE_LIMIT);
    cr_expect(error.message[0] != '\0');
    token_list_deinit(&ids);
    tokenizer_close(tokenizer);
}

/* Found by fuzzing: a chain of steps that each double the text. Loading, encoding or decoding fails, before it takes
 * gigabytes; what takes too many steps fails too. */
Test(hostile, chains_are_bounded)
{
#define REPLACE "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}"
    static const struct {
        const char *field, *list, *step;
        bool loads;
    } rows[] = {
        {"normalizer", "normalizers", REPLACE, true},
        {"normalizer", "normalizers", "{\"type\":\"ByteLevel\"}", true},
        {"pre_tokenizer", "pretokenizers", "{\"type\":\"ByteLevel\",\"use_regex\":false}", true},
        {"decoder", "decoders", REPLACE, false},
    };
#undef REPLACE
    struct text_run run = {"a\xC3\xA9 a", 5, false};
    char json[8192];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tokenizer *tokenizer = NULL;
        struct token_list ids = {0};
        struct quire_error error = {{0}};
        char *end = json;
        end += sprintf(end, BPE(",\"%s\":{\"type\":\"Sequence\",\"%s\":["), rows[i].field, rows[i].list) - 1;
        for (unsigned k = 0; k < 40; k++)
            end += sprintf(end, "%s%s", k > 0 ? "," : "", rows[i].step);
        strcpy(end, "]}}");
        write_file(folder, "tokenizer.json", json);
        enum quire_status status = tokenizer_open(folder, &tokenizer, &error);
        cr_expect_eq(status == QUIRE_OK, rows[i].loads, "row %zu: %s", i, error.message);
        if (status == QUIRE_OK)
            status = tokenizer_encode(tokenizer, &run, 1, false, &ids, &error);
        cr_expect_eq(status, QUIRE_NO_MEMORY, "row %zu", i);
        cr_expect(error.message[0] != '\0');
        cr_expect(rows[i].loads || (strstr(error.message, folder) && strstr(error.message, "decoder")));
        token_list_deinit(&ids);
        tokenizer_close(tokenizer);
    }
}

/* A text passes each member of a Sequence: a file may not hold so many that it takes minutes. */
Test(hostile, sequences_are_short)
{
    static const char step[] = "{\"type\":\"Lowercase\"}";
    static char json[1002 * sizeof step + 200];
    struct quire_error error;
    char *end;

    for (int more = 0; more < 2; more++) {
        end = json + sprintf(json, BPE(",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[")) - 1;
        for (int i = 0; i < 1000 + more; i++)
            end += sprintf(end, "%s%s", i > 0 ? "," : "", step);
        strcpy(end, "]}}");
        write_file(folder, "tokenizer.json", json);
        cr_expect_eq(try_open(&error), more ? QUIRE_BAD_FILE : QUIRE_OK);
    }
    cr_expect(strstr(error.message, folder) != NULL && strstr(error.message, "normalizers") != NULL);
}

Test(hostile, decoders_search_within_bounds)
{
    struct quire_error error = {{0}};

    write_file(folder, "tokenizer.json",
               "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":0,"
               "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\":1}},\"decoder\":{\"type\":\"Replace\","
               "\"pattern\":{\"Regex\":\"(a+)+$\"},\"content\":\"b\"}}");
    cr_expect_eq(try_open(&error), QUIRE_BAD_FILE);
    cr_expect(strstr(error.message, "decoder") != NULL && strstr(error.message, folder) != NULL, "%s", error.message);
}

/* Found by fuzzing: a second ByteFallback met single bytes of characters as if they were text. The expected text is of
 * Hugging Face's tokenizers. */
Test(hostile, bytes_of_characters_are_no_text)
{
    static const uint32_t ids[] = {0, 1, 2, 0};
    struct text text = {0};

    write_file(folder, "tokenizer.json",
               "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"<0xC3>\":0,\"<0xA9>\":1,\"a\":2}},"
               "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},"
               "{\"type\":\"ByteFallback\"},{\"type\":\"Replace\","
               "\"pattern\":{\"Regex\":\"[^b]\"},\"content\":\"x\"},{\"type\":\"Fuse\"}]}}");
    struct tokenizer *tokenizer = open_or_fail(folder);
    cr_assert_eq(tokenizer_decode(tokenizer, ids, 4, false, &text), QUIRE_OK);
    cr_expect(text.count == 3 && memcmp(text.bytes, "xxx", 3) == 0, "%.*s", (int)text.count, text.bytes);
    text_deinit(&text);
    tokenizer_close(tokenizer);
}

/* A hundred bytes that asked for four million special tokens took seconds and most of a gigabyte. */
Test(hostile, special_tokens_are_counted)
{
    struct quire_error error = {{0}};

    write_file(folder, "tekken.json",
               "{\"config\":{\"pattern\":\"a\",\"default_vocab_size\":4194303,\"default_num_special_tokens\":4194302},"
               "\"vocab\":[{\"rank\":0,\"token_bytes\":\"YQ==\"}]}");
    cr_expect_eq(try_open(&error), QUIRE_BAD_FILE);
    cr_expect(strstr(error.message, "default_num_special_tokens") != NULL, "%s", error.message);
}
