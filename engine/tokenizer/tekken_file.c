/* Mistral's tekken.json: ranks as in tiktoken's files, with the expression that cuts text and the special tokens, which
 * come first: the id of a rank is the rank plus their number. Thread: the loader's. Owner: tokenizer.
 * Only as many of the ranks are used as "default_vocab_size" leaves room for. */
#include "json_source.h"
#include "plain_files.h"

#include <stdlib.h>
#include <string.h>

#define SPECIALS_MAX 65536u /* models have 1000; each is made, though the file need not list it */

/* Files before version 7 do not list them; behind them follow fillers. */
static const char *const default_specials[] = {
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]",
    "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"};

/* Special token `id`: the file's, one of the defaults, or a filler written to `room`. NULL where the file's is none. */
static const char *special_text(const json_t *list, size_t id, char room[32])
{
    size_t known = list != NULL ? json_array_size(list) : sizeof default_specials / sizeof default_specials[0];

    if (id < known)
        return list != NULL ? json_text(json_array_get(list, id), "token_str", NULL) : default_specials[id];
    snprintf(room, 32, "<SPECIAL_%zu>", id);
    return room;
}

static enum quire_status specials_add(const struct json_source *source, const json_t *root, uint64_t count,
                                      struct tokenizer *tokenizer)
{
    const json_t *list = json_object_get(root, "special_tokens");
    enum quire_status status = QUIRE_OK;
    char room[32];

    for (uint32_t id = 0; id < count && status == QUIRE_OK; id++) {
        const char *text = special_text(json_is_array(list) ? list : NULL, id, room);
        struct added_token token = {.id = id, .special = true};
        if (text == NULL || text[0] == '\0')
            return json_bad(source, "special_tokens[%u] has no \"token_str\"", id);
        status = text_append(&token.content, text, strlen(text));
        if (status == QUIRE_OK)
            status = tokenizer_add(tokenizer, &token);
        text_deinit(&token.content);
    }
    return status;
}

static enum quire_status ranks_add(const struct json_source *source, const json_t *root, uint64_t first, uint64_t count,
                                   struct tokenizer *tokenizer)
{
    const json_t *list = json_object_get(root, "vocab");
    struct text bytes = {0}, spelling = {0};
    enum quire_status status = QUIRE_OK;

    if (json_array_size(list) < count)
        return json_bad(source, "vocab has %zu entries, but default_vocab_size asks for %llu", json_array_size(list),
                        (unsigned long long)count);
    for (uint32_t i = 0; i < count && status == QUIRE_OK; i++) {
        const json_t *entry = json_array_get(list, i);
        size_t base64_bytes = 0;
        const char *base64 = json_text(entry, "token_bytes", &base64_bytes);
        uint64_t rank;
        if (base64 == NULL || !json_whole(json_object_get(entry, "rank"), i, &rank) || rank != i)
            status = QUIRE_BAD_FILE;
        else
            status = rank_piece_add(tokenizer, (uint32_t)first + i, base64, base64_bytes, &bytes, &spelling);
        if (status == QUIRE_BAD_FILE)
            status = json_bad(source, "vocab[%u] is not the token of this rank, in base64", i);
    }
    text_deinit(&bytes);
    text_deinit(&spelling);
    return status;
}

/* The expression, then the byte alphabet. */
static enum quire_status text_steps_add(const struct json_source *source, const json_t *config,
                                        struct tokenizer *tokenizer)
{
    const json_t *pattern = json_object_get(config, "pattern");
    json_t *steps, *bytes;

    if (!json_is_string(pattern))
        return json_bad(source, "config.pattern is no string");
    steps = json_pack("{s:s,s:[{s:s,s:{s:O},s:s},{s:s,s:b,s:b}]}", "type", "Sequence", "pretokenizers", "type", "Split",
                      "pattern", "Regex", pattern, "behavior", "Isolated", "type", "ByteLevel", "add_prefix_space", 0,
                      "use_regex", 0);
    bytes = json_pack("{s:s}", "type", "ByteLevel");
    enum quire_status status = steps == NULL || bytes == NULL
                                   ? json_no_memory(source)
                                   : json_splitters_load(source, steps, &tokenizer->splitters);
    if (status == QUIRE_OK)
        status = json_decoder_load(source, bytes, &tokenizer->decoder);
    json_decref(steps);
    json_decref(bytes);
    return status;
}

static enum quire_status names_set(struct tokenizer *tokenizer)
{
    static const char *const names[][2] = {
        {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == QUIRE_OK; i++)
        if (vocabulary_find(&tokenizer->vocabulary, names[i][1], strlen(names[i][1])) != TOKEN_NONE)
            status = name_list_set(&tokenizer->specials, names[i][0], names[i][1], strlen(names[i][1]));
    return status == QUIRE_OK
               ? tokenizer_set_frame(tokenizer, vocabulary_find(&tokenizer->vocabulary, "<s>", 3), TOKEN_NONE)
               : status;
}

static enum quire_status root_load(const struct json_source *source, const json_t *root, struct tokenizer *tokenizer)
{
    const json_t *config = json_object_get(root, "config");
    uint64_t size, special_count;

    if (!json_whole(json_object_get(config, "default_vocab_size"), VOCABULARY_IDS_MAX, &size) ||
        !json_whole(json_object_get(config, "default_num_special_tokens"), size, &special_count) ||
        special_count > SPECIALS_MAX)
        return json_bad(source, "config.default_vocab_size or .default_num_special_tokens is missing or too large");
    enum quire_status status = specials_add(source, root, special_count, tokenizer);
    if (status == QUIRE_OK)
        status = ranks_add(source, root, special_count, size - special_count, tokenizer);
    if (status == QUIRE_OK)
        status = text_steps_add(source, config, tokenizer);
    if (status == QUIRE_OK)
        status = names_set(tokenizer);
    if (status == QUIRE_OK)
        status = specials_load(tokenizer, source->folder, source->error);
    return status == QUIRE_OK ? rank_model_prepare(tokenizer) : status;
}

enum quire_status tekken_file_load(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    struct json_source source = {folder, "tekken.json", error};
    json_t *root;
    enum quire_status status = folder_json_load(folder, source.file, true, &root, error);

    if (status == QUIRE_OK)
        status = root_load(&source, root, tokenizer);
    json_decref(root);
    return status;
}
