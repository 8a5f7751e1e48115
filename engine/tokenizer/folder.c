/* A model folder, or a file that holds a tokenizer, to a tokenizer. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"
#include "plain_files.h"

#include <dirent.h>
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

/* ---- tokenizer.json ---------------------------------------------------------------------------------------------- */

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

/* ---- other files ------------------------------------------------------------------------------------------------- */

static enum quire_status load_class(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    const char *file;
    enum quire_status status = folder_class_load(tokenizer, folder, &file, error);

    return status == QUIRE_OK ? complete(tokenizer, folder, file, error) : status;
}

static enum quire_status load_tekken(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    enum quire_status status = tekken_file_load(tokenizer, folder, error);

    return status == QUIRE_OK ? complete(tokenizer, folder, "tekken.json", error) : status;
}

/* A SentencePiece model begins with field 1, a message; base64 never holds that byte. */
static enum quire_status plain_file_load(struct tokenizer *tokenizer, const char *path, const char *folder,
                                         const struct text *bytes, struct quire_error *error)
{
    return bytes->count > 0 && bytes->bytes[0] == '\n'
               ? sentencepiece_file_load(tokenizer, path, folder, bytes, error)
               : rank_file_load(tokenizer, path, folder, bytes, error);
}

/* The name of a file in `folder` that ends in ".tiktoken", for the caller to free; NULL without. */
static char *rank_file_name(const char *folder)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    char *name = NULL;

    while (listing != NULL && name == NULL && (entry = readdir(listing)) != NULL) {
        const char *ending = strrchr(entry->d_name, '.');
        if (ending != NULL && strcmp(ending, ".tiktoken") == 0)
            name = strdup(entry->d_name);
    }
    if (listing != NULL)
        closedir(listing);
    return name;
}

static enum quire_status load_plain(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    char *ranks = rank_file_name(folder), *path = NULL;
    const char *const files[] = {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tiktoken.model", ranks};
    enum quire_status status = QUIRE_NOT_FOUND;
    struct text bytes = {0};
    size_t i;

    for (i = 0; i < sizeof files / sizeof files[0] && files[i] != NULL && status == QUIRE_NOT_FOUND; i++)
        status = folder_text_load(folder, files[i], &bytes, error);
    if (status == QUIRE_OK && asprintf(&path, "%s/%s", folder, files[i - 1]) < 0) {
        path = NULL;
        status = QUIRE_NO_MEMORY;
    }
    if (status == QUIRE_OK)
        status = plain_file_load(tokenizer, path, folder, &bytes, error);
    if (status == QUIRE_OK)
        status = complete(tokenizer, folder, files[i - 1], error);
    text_deinit(&bytes);
    free(path);
    free(ranks);
    return status;
}

/* ---- which one --------------------------------------------------------------------------------------------------- */

enum quire_status tokenizer_load_folder(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    static enum quire_status (*const loads[])(struct tokenizer *, const char *,
                                              struct quire_error *) = {load_json, load_class, load_plain, load_tekken};
    enum quire_status status = QUIRE_NOT_FOUND;

    for (size_t i = 0; i < sizeof loads / sizeof loads[0] && status == QUIRE_NOT_FOUND; i++)
        status = loads[i](tokenizer, folder, error);
    return status != QUIRE_NOT_FOUND
               ? status
               : quire_fail(error, status,
                            "%s has no tokenizer.json, no vocab.json with merges.txt, no vocab.txt and no "
                            "tokenizer.model",
                            folder);
}

enum quire_status tokenizer_load_file(struct tokenizer *tokenizer, const char *path, struct quire_error *error)
{
    struct text bytes = {0};
    enum quire_status status = path_text_load(path, &bytes, error);

    if (status == QUIRE_OK)
        status = plain_file_load(tokenizer, path, NULL, &bytes, error);
    const char *eos = status == QUIRE_OK ? name_list_get(&tokenizer->specials, "eos_token") : NULL;
    uint32_t id = eos == NULL ? TOKEN_NONE : vocabulary_find(&tokenizer->vocabulary, eos, strlen(eos));
    if (id != TOKEN_NONE) /* a spelling may hold NUL, and is not found again then */
        status = token_list_append(&tokenizer->eos, id);
    text_deinit(&bytes);
    return status == QUIRE_OK ? tokenizer_complete(tokenizer, error) : status;
}
