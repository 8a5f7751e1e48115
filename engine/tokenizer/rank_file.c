/* tiktoken's rank files: a line "base64(bytes) rank" per token. Thread: the loader's. Owner: tokenizer.
 * The rank is the id, and the adjacent pair whose join has the lowest rank is merged first. The file does not say how
 * text is cut before, nor which special tokens there are. The first row counts whose hint the file's name,
 * tokenizer_class, auto_map or model_type holds; without any, the one with the file's number of ranks; else LLaMA 3's.
 */
#include "base64.h"
#include "json_source.h"
#include "plain_files.h"
#include "pre_patterns.h"

#include "byte_alphabet.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct rank_row {
    const char *hints; /* in small letters, separated by blanks */
    uint32_t count;    /* of ranks; 0: tells nothing */
    const char *pre;   /* pre_patterns.c */
    const char *before; /* special tokens before a text */
    /* Where no configuration lists tokens: those behind the ranks, the first one the BOS if `before` names it. */
    const char *specials;
    const char *eos;
};

#define LLAMA3_SPECIALS                                                                                            \
    "<|begin_of_text|> <|end_of_text|> <|reserved_special_token_0|> <|reserved_special_token_1|> "                 \
    "<|reserved_special_token_2|> <|reserved_special_token_3|> <|start_header_id|> <|end_header_id|> "             \
    "<|reserved_special_token_4|> <|eot_id|>"

static const struct rank_row rows[] = {
    {"qwen hunyuan hytokenizer hy.tiktoken", 151643, "qwen2", "", "<|endoftext|> <|im_start|> <|im_end|>",
     "<|endoftext|>"},
    {"arcade100k stablelm", 0, "arcade100k", "", "", NULL},
    {"kimi moonshot", 163584, "kimi-k2", "", "", NULL},
    {"chatglm glm4 glm-4", 151329, "glm4", "[gMASK] <sop>", "", NULL},
    {"llama4 llama-4", 200000, "gpt-4o", "<|begin_of_text|>", "", NULL},
    {"o200k gpt-oss gpt_oss gpt-4o", 199998, "gpt-4o", "", "", NULL},
    {"r50k p50k gpt2", 50256, "gpt-2", "", "<|endoftext|>", "<|endoftext|>"},
    {"cl100k phi3small phi-3-small phi3-small", 100256, "cl100k", "", "", NULL},
    {"llama", 128000, "llama-bpe", "<|begin_of_text|>", LLAMA3_SPECIALS, "<|end_of_text|>"},
};

enum quire_status rank_piece_add(struct tokenizer *tokenizer, uint32_t id, const char *base64, size_t count,
                                 struct text *bytes, struct text *spelling)
{
    bytes->count = spelling->count = 0;
    enum quire_status status = base64_decode(base64, count, bytes);
    if (status != QUIRE_OK || bytes->count == 0)
        return status != QUIRE_OK ? status : QUIRE_BAD_FILE;
    for (size_t i = 0; i < bytes->count && status == QUIRE_OK; i++)
        status = text_append_char(spelling, byte_to_char((unsigned char)bytes->bytes[i]));
    if (status != QUIRE_OK)
        return status;
    return vocabulary_add(&tokenizer->vocabulary, id, spelling->bytes, spelling->count, false);
}

/* One line's token. */
static enum quire_status line_load(struct tokenizer *tokenizer, const char *line, size_t count, struct text *bytes,
                                   struct text *spelling)
{
    const char *blank = memchr(line, ' ', count);
    uint64_t rank = 0;

    if (blank == NULL || blank + 1 == line + count)
        return QUIRE_BAD_FILE;
    for (const char *digit = blank + 1; digit < line + count; digit++) {
        if (*digit < '0' || *digit > '9' || rank >= VOCABULARY_IDS_MAX)
            return QUIRE_BAD_FILE;
        rank = rank * 10 + (uint64_t)(*digit - '0');
    }
    if (rank >= VOCABULARY_IDS_MAX)
        return QUIRE_BAD_FILE;
    return rank_piece_add(tokenizer, (uint32_t)rank, line, (size_t)(blank - line), bytes, spelling);
}

static enum quire_status lines_load(struct tokenizer *tokenizer, const char *path, const struct text *bytes,
                                    struct quire_error *error)
{
    struct text token = {0}, spelling = {0};
    enum quire_status status = QUIRE_OK;
    size_t line = 0;

    for (size_t at = 0; at < bytes->count && status == QUIRE_OK; line++) {
        const char *start = bytes->bytes + at, *end = memchr(start, '\n', bytes->count - at);
        size_t count = end == NULL ? bytes->count - at : (size_t)(end - start);
        at += count + 1;
        if (count > 0 && start[count - 1] == '\r')
            count--;
        if (count > 0)
            status = line_load(tokenizer, start, count, &token, &spelling);
    }
    text_deinit(&token);
    text_deinit(&spelling);
    if (status == QUIRE_BAD_FILE || (status == QUIRE_OK && tokenizer->vocabulary.id_count == 0))
        return quire_fail(error, QUIRE_BAD_FILE, "%s: line %zu is not a token in base64 and its rank", path, line);
    return status;
}

/* ---- which row --------------------------------------------------------------------------------------------------- */

/* The next word of a list separated by blanks; false at its end. */
static bool list_next(const char **list, const char **word, size_t *bytes)
{
    *list += strspn(*list, " ");
    *word = *list;
    *bytes = strcspn(*list, " ");
    *list += *bytes;
    return *bytes > 0;
}

static enum quire_status hint_append(struct text *hints, const char *text)
{
    enum quire_status status = text_append(hints, " ", 1);

    for (; status == QUIRE_OK && text != NULL && *text != '\0'; text++)
        status = text_append_byte(hints, (char)tolower((unsigned char)*text), 1);
    return status;
}

/* What the names around the file say, in small letters. */
static enum quire_status hints_collect(const char *path, const json_t *config, const json_t *model, struct text *hints)
{
    const json_t *map = json_object_get(json_object_get(config, "auto_map"), "AutoTokenizer");
    const char *name = strrchr(path, '/');
    const char *const texts[] = {name == NULL ? path : name + 1, json_text(config, "tokenizer_class", NULL),
                                 json_string_value(json_is_array(map) ? json_array_get(map, 0) : map),
                                 json_text(model, "model_type", NULL)};
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && status == QUIRE_OK; i++)
        status = hint_append(hints, texts[i]);
    return status;
}

static const struct rank_row *row_of(const struct text *hints, uint32_t count)
{
    size_t row_count = sizeof rows / sizeof rows[0], bytes;
    const char *word;

    for (size_t i = 0; i < row_count; i++)
        for (const char *list = rows[i].hints; list_next(&list, &word, &bytes);)
            if (memmem(hints->bytes, hints->count, word, bytes) != NULL)
                return &rows[i];
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].count == count)
            return &rows[i];
    return &rows[row_count - 1];
}

/* ---- special tokens ---------------------------------------------------------------------------------------------- */

static enum quire_status defaults_add(struct tokenizer *tokenizer, const struct rank_row *row)
{
    uint32_t id = tokenizer->vocabulary.id_count;
    enum quire_status status = QUIRE_OK;
    const char *word;
    size_t bytes;

    for (const char *list = row->specials; status == QUIRE_OK && list_next(&list, &word, &bytes); id++) {
        struct added_token token = {.id = id, .special = true};
        status = text_append(&token.content, word, bytes);
        if (status == QUIRE_OK)
            status = tokenizer_add(tokenizer, &token);
        text_deinit(&token.content);
    }
    if (status == QUIRE_OK && row->specials[0] != '\0')
        status = name_list_set(&tokenizer->specials, "eos_token", row->eos, strlen(row->eos));
    if (status == QUIRE_OK && row->specials[0] != '\0' && row->before[0] != '\0')
        status = name_list_set(&tokenizer->specials, "bos_token", row->before, strlen(row->before));
    return status;
}

/* Behind the ranks: the tokens that the configuration lists, or those that are known to follow, and what stands before
 * a text. */
static enum quire_status specials_apply(struct tokenizer *tokenizer, const struct rank_row *row, const char *folder,
                                        const json_t *config, struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;
    const char *word;
    size_t bytes;

    if (json_object_get(config, "added_tokens_decoder") == NULL)
        status = defaults_add(tokenizer, row);
    tokenizer->frames[1].count = 0;
    if (folder != NULL && status == QUIRE_OK)
        status = specials_load(tokenizer, folder, error);
    if (status != QUIRE_OK || json_is_boolean(json_object_get(config, "add_bos_token")))
        return status;
    tokenizer->frames[1].count = 0;
    for (const char *list = row->before; status == QUIRE_OK && list_next(&list, &word, &bytes);) {
        uint32_t id = vocabulary_find(&tokenizer->vocabulary, word, bytes);
        status = id == TOKEN_NONE ? QUIRE_OK : token_list_append(&tokenizer->frames[1], id);
    }
    return status == QUIRE_OK ? token_list_append(&tokenizer->frames[1], TOKEN_NONE) : status;
}

enum quire_status rank_model_prepare(struct tokenizer *tokenizer)
{
    struct word_model *model = &tokenizer->model;
    uint32_t count = tokenizer->vocabulary.id_count;

    model->scores = malloc(count * sizeof *model->scores);
    if (model->scores == NULL)
        return QUIRE_NO_MEMORY;
    for (uint32_t id = 0; id < count; id++)
        model->scores[id] = -(float)id; /* exact: ids are below 2^24 */
    model->whole_words = true;
    return bpe_prepare(model);
}

enum quire_status rank_file_load(struct tokenizer *tokenizer, const char *path, const char *folder,
                                 const struct text *bytes, struct quire_error *error)
{
    json_t *config = NULL, *model = NULL;
    struct text hints = {0};
    enum quire_status status = lines_load(tokenizer, path, bytes, error);
    uint32_t count = tokenizer->vocabulary.id_count;

    if (status == QUIRE_OK && folder != NULL)
        status = folder_json_load(folder, "tokenizer_config.json", false, &config, error);
    if (status == QUIRE_OK && folder != NULL)
        status = folder_json_load(folder, "config.json", false, &model, error);
    if (status == QUIRE_OK)
        status = hints_collect(path, config, model, &hints);
    if (status == QUIRE_OK) {
        const struct rank_row *row = row_of(&hints, count);
        status = specials_apply(tokenizer, row, folder, config, error);
        if (status == QUIRE_OK)
            status = pre_apply(pre_find(row->pre), tokenizer, error);
        if (status == QUIRE_OK)
            status = rank_model_prepare(tokenizer);
    }
    text_deinit(&hints);
    json_decref(config);
    json_decref(model);
    return status;
}
