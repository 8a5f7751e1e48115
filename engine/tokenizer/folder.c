/* A model folder, or a file that holds a tokenizer, to a tokenizer. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"
#include "plain_files.h"
#include "pre_patterns.h"

#include <stdlib.h>
#include <string.h>

static enum quire_status complete(struct tokenizer *tokenizer, const char *folder, const char *file,
                                  struct quire_error *error)
{
    struct quire_error reason = {{0}};
    enum quire_status status = tokenizer_complete(tokenizer, &reason);

    return status == QUIRE_OK || reason.message[0] == '\0'
               ? status
               : quire_fail(error, status, "%s/%s: %s", folder, file, reason.message);
}

/* ---- tokenizer.json ------------------------------------------------------------------------------------------------
 */

static enum quire_status load_json(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    struct json_source source = {folder, "tokenizer.json", error};
    json_t *root;
    enum quire_status status = folder_json_load(folder, source.file, true, &root, error);

    if (status != QUIRE_OK)
        return status;
    status = json_tokenizer_load(&source, root, tokenizer);
    if (status == QUIRE_OK)
        status = specials_load(tokenizer, folder, error);
    if (status == QUIRE_OK)
        status = json_model_load(&source, json_object_get(root, "model"), &tokenizer->model);
    json_decref(root);
    return status == QUIRE_OK ? complete(tokenizer, folder, source.file, error) : status;
}

/* ---- vocab.json and merges.txt --------------------------------------------------------------------------------------
 */

/* The lines of merges.txt, but not its "#version" and empty ones. NULL without memory. */
static json_t *merge_lines(const struct text *text)
{
    json_t *list = json_array();

    for (size_t at = 0; list != NULL && at < text->count;) {
        const char *line = text->bytes + at, *end = memchr(line, '\n', text->count - at);
        size_t count = end == NULL ? text->count - at : (size_t)(end - line);
        bool version = at == 0 && count > 8 && memcmp(line, "#version", 8) == 0;
        at += count + 1;
        if (count > 0 && line[count - 1] == '\r')
            count--;
        if (count > 0 && !version && json_array_append_new(list, json_stringn(line, count)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* GPT-2's own end of text, for folders that name no special tokens. */
static enum quire_status gpt2_specials(struct tokenizer *tokenizer)
{
    static const char *const names[] = {"bos_token", "eos_token", "unk_token"};
    static const char end[] = "<|endoftext|>";

    if (vocabulary_find(&tokenizer->vocabulary, end, sizeof end - 1) == TOKEN_NONE)
        return QUIRE_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (name_list_set(&tokenizer->specials, names[i], end, sizeof end - 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

/* Which expressions go with the files: the class that the configuration names tells. */
static enum quire_status gpt2_expressions(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    json_t *config;
    enum quire_status status = folder_json_load(folder, "tokenizer_config.json", false, &config, error);
    const char *class = json_text(config, "tokenizer_class", NULL);

    if (status == QUIRE_OK)
        status = pre_apply(pre_find(class != NULL && strncmp(class, "Qwen2", 5) == 0 ? "qwen2" : "gpt-2"), tokenizer,
                           error);
    json_decref(config);
    return status;
}

static enum quire_status load_gpt2(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    struct json_source source = {folder, "vocab.json with merges.txt", error};
    struct text text = {0};
    json_t *vocabulary = NULL, *model = NULL;
    enum quire_status status = folder_json_load(folder, "vocab.json", true, &vocabulary, error);

    if (status == QUIRE_OK)
        status = folder_text_load(folder, "merges.txt", &text, error);
    if (status == QUIRE_OK) {
        json_t *merges = merge_lines(&text);
        model = merges == NULL ? NULL
                               : json_pack("{s:s,s:O,s:o}", "type", "BPE", "vocab", vocabulary, "merges", merges);
        status = model == NULL ? json_no_memory(&source) : json_vocabulary_load(&source, model, &tokenizer->vocabulary);
    }
    if (status == QUIRE_OK)
        status = gpt2_specials(tokenizer);
    if (status == QUIRE_OK)
        status = specials_load(tokenizer, folder, error);
    if (status == QUIRE_OK)
        status = gpt2_expressions(tokenizer, folder, error);
    if (status == QUIRE_OK)
        status = json_model_load(&source, model, &tokenizer->model);
    text_deinit(&text);
    json_decref(vocabulary);
    json_decref(model);
    return status == QUIRE_OK ? complete(tokenizer, folder, source.file, error) : status;
}

/* ---- SentencePiece models and tiktoken ranks ------------------------------------------------------------------------
 */

enum quire_status plain_file_load(struct tokenizer *tokenizer, const char *path, const struct text *bytes,
                                  struct quire_error *error)
{
    /* A SentencePiece model begins with field 1, a message; base64 never holds that byte. */
    bool message = bytes->count > 0 && bytes->bytes[0] == '\n';

    return message ? sentencepiece_file_load(tokenizer, path, bytes, error)
                   : rank_file_load(tokenizer, path, bytes, error);
}

static enum quire_status load_plain(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    static const char *const files[] = {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tiktoken.model",
                                        "qwen.tiktoken"};
    enum quire_status status = QUIRE_NOT_FOUND;
    struct text bytes = {0};
    char *path = NULL;
    size_t i;

    for (i = 0; i < sizeof files / sizeof files[0] && status == QUIRE_NOT_FOUND; i++)
        status = folder_text_load(folder, files[i], &bytes, error);
    if (status == QUIRE_OK && asprintf(&path, "%s/%s", folder, files[i - 1]) < 0) {
        path = NULL;
        status = QUIRE_NO_MEMORY;
    }
    if (status == QUIRE_OK)
        status = plain_file_load(tokenizer, path, &bytes, error);
    if (status == QUIRE_OK)
        status = specials_load(tokenizer, folder, error);
    if (status == QUIRE_OK)
        status = complete(tokenizer, folder, files[i - 1], error);
    text_deinit(&bytes);
    free(path);
    return status;
}

/* ---- which one
 * ------------------------------------------------------------------------------------------------------- */

enum quire_status tokenizer_load_folder(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    static enum quire_status (*const loads[])(struct tokenizer *, const char *,
                                              struct quire_error *) = {load_json, load_gpt2, load_plain};
    enum quire_status status = QUIRE_NOT_FOUND;

    for (size_t i = 0; i < sizeof loads / sizeof loads[0] && status == QUIRE_NOT_FOUND; i++)
        status = loads[i](tokenizer, folder, error);
    return status != QUIRE_NOT_FOUND
               ? status
               : quire_fail(error, status,
                            "%s has neither tokenizer.json nor vocab.json with merges.txt nor tokenizer.model", folder);
}

enum quire_status tokenizer_load_file(struct tokenizer *tokenizer, const char *path, struct quire_error *error)
{
    struct text bytes = {0};
    enum quire_status status = path_text_load(path, &bytes, error);

    if (status == QUIRE_OK)
        status = plain_file_load(tokenizer, path, &bytes, error);
    const char *eos = status == QUIRE_OK ? name_list_get(&tokenizer->specials, "eos_token") : NULL;
    uint32_t id = eos == NULL ? TOKEN_NONE : vocabulary_find(&tokenizer->vocabulary, eos, strlen(eos));
    if (id != TOKEN_NONE) /* a spelling may hold NUL, and is not found again then */
        status = token_list_append(&tokenizer->eos, id);
    text_deinit(&bytes);
    return status == QUIRE_OK ? tokenizer_complete(tokenizer, error) : status;
}
