/* What stands beside the vocabulary in a model folder: names of special tokens, ids that end a generation, chat
 * templates. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- named texts ------------------------------------------------------------------------------------------------- */

void name_list_deinit(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        text_deinit(&list->names[i].name);
        text_deinit(&list->names[i].text);
    }
    free(list->names);
    *list = (struct name_list){0};
}

static struct name *name_find(const struct name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i].name.bytes, name) == 0)
            return &list->names[i];
    return NULL;
}

enum quire_status name_list_set(struct name_list *list, const char *name, const char *text, size_t count)
{
    struct name *found = name_find(list, name);

    if (found == NULL) {
        void *names = list->names;
        if (array_grow(&names, &list->count_max, list->count + 1, sizeof *list->names) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        list->names = names;
        struct name made = {0};
        if (text_append(&made.name, name, strlen(name) + 1) != QUIRE_OK ||
            text_append_byte(&made.text, '\0', 1) != QUIRE_OK)
        {
            text_deinit(&made.name);
            return QUIRE_NO_MEMORY;
        }
        found = &list->names[list->count++];
        *found = made;
    }
    found->text.count = 0;
    if (text_append(&found->text, text, count) != QUIRE_OK || text_append_byte(&found->text, '\0', 1) != QUIRE_OK) {
        return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

const char *name_list_get(const struct name_list *list, const char *name)
{
    const struct name *found = name_find(list, name);

    return found == NULL ? NULL : found->text.bytes;
}

/* ---- special tokens ---------------------------------------------------------------------------------------------- */

/* A token is given as its text or as an object with "content". */
static const char *token_text(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : json_text(value, "content", NULL);
}

/* Every "..._token" of the object becomes a named special. */
static enum quire_status names_load(struct tokenizer *tokenizer, json_t *object)
{
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at), *text = token_text(json_object_iter_value(at));
        size_t bytes = strlen(name);
        if (text == NULL || bytes < 7 || strcmp(name + bytes - 6, "_token") != 0)
            continue;
        if (name_list_set(&tokenizer->specials, name, text, strlen(text)) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

static bool is_named(const struct tokenizer *tokenizer, const char *text)
{
    for (size_t i = 0; text != NULL && i < tokenizer->specials.count; i++)
        if (strcmp(tokenizer->specials.names[i].text.bytes, text) == 0)
            return true;
    return false;
}

struct numbered_token {
    uint64_t id;
    const json_t *value;
};

static int compare_ids(const void *left, const void *right)
{
    uint64_t a = ((const struct numbered_token *)left)->id, b = ((const struct numbered_token *)right)->id;

    return a < b ? -1 : a > b;
}

/* "added_tokens_decoder", {"id": token}, in the order of the ids: new tokens, and flags in place of tokenizer.json's.
 * */
static enum quire_status decoder_add_tokens(const struct json_source *source, json_t *config,
                                            struct tokenizer *tokenizer)
{
    json_t *object = json_object_get(config, "added_tokens_decoder");
    size_t count = 0;
    struct numbered_token *tokens = calloc(json_object_size(object) + 1, sizeof *tokens);
    enum quire_status status = tokens == NULL ? QUIRE_NO_MEMORY : QUIRE_OK;

    void *at = status == QUIRE_OK ? json_object_iter(object) : NULL;
    for (; at != NULL; at = json_object_iter_next(object, at)) {
        char *end;
        uint64_t id = strtoull(json_object_iter_key(at), &end, 10);
        tokens[count++] = (struct numbered_token){*end == '\0' ? id : UINT64_MAX, json_object_iter_value(at)};
    }
    if (count > 0)
        qsort(tokens, count, sizeof *tokens, compare_ids);
    for (size_t i = 0; i < count && status == QUIRE_OK; i++)
        status = json_added_load(source, tokens[i].value, is_named(tokenizer, token_text(tokens[i].value)),
                                 &tokens[i].id, tokenizer);
    free(tokens);
    return status;
}

static bool is_added(const struct tokenizer *tokenizer, const char *text)
{
    uint32_t id = vocabulary_find(&tokenizer->vocabulary, text, strlen(text));

    return id != TOKEN_NONE && (tokenizer->vocabulary.flags[id] & PIECE_ADDED) != 0;
}

/* Keeps an added token from the text of requests; a single character stays text. */
static void reserve(struct tokenizer *tokenizer, uint32_t id)
{
    const struct piece *piece = vocabulary_piece(&tokenizer->vocabulary, id);

    if (piece != NULL && piece->bytes > 1 && (tokenizer->vocabulary.flags[id] & PIECE_ADDED) != 0)
        tokenizer->vocabulary.flags[id] |= PIECE_RESERVED;
}

/* A named token is special. One that tokenizer.json lists keeps its other flags, and all of them where the
 * configuration has a list of its own (which has been read). */
static enum quire_status named_add(const struct json_source *source, const json_t *config, const struct name *name,
                                   struct tokenizer *tokenizer)
{
    const json_t *own = json_object_get(config, name->name.bytes);
    const char *text = name->text.bytes;

    if (is_added(tokenizer, text)) {
        if (json_object_get(config, "added_tokens_decoder") == NULL)
            tokenizer_make_special(tokenizer, vocabulary_find(&tokenizer->vocabulary, text, strlen(text)));
        return QUIRE_OK;
    }
    json_t *plain = json_is_object(own) ? NULL : json_string(text);
    enum quire_status status = json_added_load(source, json_is_object(own) ? own : plain, true, NULL, tokenizer);
    json_decref(plain);
    return status;
}

/* The named tokens, and those that a configuration lists without a name. Those that the vocabulary lacks do not count:
 * the model has nothing for them. */
static enum quire_status specials_add(const struct json_source *source, struct tokenizer *tokenizer,
                                      const json_t *config)
{
    const json_t *list = json_object_get(config, "extra_special_tokens"), *entry;
    enum quire_status status = QUIRE_OK;
    size_t i;

    if (!json_is_array(list))
        list = json_object_get(config, "additional_special_tokens");
    for (i = 0; i < tokenizer->specials.count && status == QUIRE_OK; i++)
        status = named_add(source, config, &tokenizer->specials.names[i], tokenizer);
    json_array_foreach (list, i, entry) {
        const char *text = token_text(entry);
        if (text != NULL && is_added(tokenizer, text))
            reserve(tokenizer, vocabulary_find(&tokenizer->vocabulary, text, strlen(text)));
        else if (text != NULL && status == QUIRE_OK)
            status = json_added_load(source, entry, true, NULL, tokenizer);
    }
    return status;
}

/* A token that has a role, or ends a generation, is the template's alone, whatever its flags say. */
static void roles_reserve(struct tokenizer *tokenizer)
{
    for (size_t i = 0; i < tokenizer->specials.count; i++) {
        const struct text *text = &tokenizer->specials.names[i].text;
        reserve(tokenizer, vocabulary_find(&tokenizer->vocabulary, text->bytes, strlen(text->bytes)));
    }
    for (size_t i = 0; i < tokenizer->eos.count; i++)
        reserve(tokenizer, tokenizer->eos.ids[i]);
}

/* The id of a named special; TOKEN_NONE without. */
static uint32_t name_id(const struct tokenizer *tokenizer, const char *name)
{
    const char *text = name_list_get(&tokenizer->specials, name);

    return text == NULL ? TOKEN_NONE : vocabulary_find(&tokenizer->vocabulary, text, strlen(text));
}

/* add_bos_token and add_eos_token count where there is no tokenizer.json, which has a post-processor (transformers 5).
 * */
static enum quire_status around_load(struct tokenizer *tokenizer, const json_t *config)
{
    uint32_t bos = name_id(tokenizer, "bos_token"), eos = name_id(tokenizer, "eos_token");

    if (tokenizer->has_processor || (json_object_get(config, "add_bos_token") == NULL &&
                                     json_object_get(config, "add_eos_token") == NULL))
        return QUIRE_OK;
    return tokenizer_set_frame(tokenizer, json_bool(config, "add_bos_token", false) ? bos : TOKEN_NONE,
                               json_bool(config, "add_eos_token", false) ? eos : TOKEN_NONE);
}

/* ---- ids that end a generation ----------------------------------------------------------------------------------- */

static enum quire_status eos_add(struct tokenizer *tokenizer, uint32_t id)
{
    for (size_t i = 0; i < tokenizer->eos.count; i++)
        if (tokenizer->eos.ids[i] == id)
            return QUIRE_OK;
    return id == TOKEN_NONE ? QUIRE_OK : token_list_append(&tokenizer->eos, id);
}

static enum quire_status eos_append(const struct json_source *source, struct tokenizer *tokenizer, const json_t *value)
{
    uint64_t id;

    if (!json_whole(value, VOCABULARY_IDS_MAX - 1, &id))
        return json_bad(source, "eos_token_id is neither a token's id nor a list of ids");
    return eos_add(tokenizer, (uint32_t)id);
}

static enum quire_status eos_load(const struct json_source *source, struct tokenizer *tokenizer, const json_t *config)
{
    const json_t *value = json_object_get(config, "eos_token_id"), *entry;
    size_t i;

    if (value == NULL || json_is_null(value))
        return QUIRE_OK;
    if (!json_is_array(value))
        return eos_append(source, tokenizer, value);
    json_array_foreach (value, i, entry) {
        enum quire_status status = eos_append(source, tokenizer, entry);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* What generation_config.json says, or without it config.json; and the tokenizer's own eos_token in any case: chat
 * models often come with the generation_config.json of the base model, which does not know the end of a turn. */
static enum quire_status endings_load(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    static const char *const files[] = {"generation_config.json", "config.json"};
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < sizeof files / sizeof files[0] && status == QUIRE_OK && tokenizer->eos.count == 0; i++) {
        struct json_source source = {folder, files[i], error};
        json_t *config;
        uint64_t bos;
        status = folder_json_load(folder, files[i], false, &config, error);
        if (status == QUIRE_OK)
            status = eos_load(&source, tokenizer, config);
        if (tokenizer->bos == TOKEN_NONE &&
            json_whole(json_object_get(config, "bos_token_id"), tokenizer->vocabulary.id_count - 1, &bos))
            tokenizer->bos = (uint32_t)bos;
        json_decref(config);
    }
    return status == QUIRE_OK ? eos_add(tokenizer, name_id(tokenizer, "eos_token")) : status;
}

/* ---- chat templates ---------------------------------------------------------------------------------------------- */

#define DEFAULT_TEMPLATE "default"

/* A string, or a list of {"name", "template"}. */
static enum quire_status templates_load(const struct json_source *source, const json_t *config, struct name_list *out)
{
    const json_t *value = json_object_get(config, "chat_template"), *entry;
    size_t i;

    if (json_is_string(value))
        return name_list_set(out, DEFAULT_TEMPLATE, json_string_value(value), json_string_length(value));
    if (value != NULL && !json_is_null(value) && !json_is_array(value))
        return json_bad(source, "chat_template is neither a string nor a list");
    json_array_foreach (value, i, entry) {
        size_t count;
        const char *name = json_text(entry, "name", NULL), *text = json_text(entry, "template", &count);
        if (name == NULL || text == NULL)
            return json_bad(source, "chat_template[%zu] has no \"name\" or no \"template\"", i);
        if (name_list_set(out, name, text, count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

static enum quire_status template_file_load(struct name_list *out, const char *folder, const char *file,
                                            const char *name, struct quire_error *error)
{
    struct text text = {0};
    enum quire_status status = folder_text_load(folder, file, &text, error);

    if (status == QUIRE_NOT_FOUND)
        status = QUIRE_OK;
    else if (status == QUIRE_OK)
        status = name_list_set(out, name, text.bytes == NULL ? "" : text.bytes, text.count);
    text_deinit(&text);
    return status;
}

/* additional_chat_templates/NAME.jinja */
static enum quire_status more_templates_load(struct name_list *out, const char *folder, struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;
    char *path = NULL;
    const struct dirent *entry;

    if (asprintf(&path, "%s/additional_chat_templates", folder) < 0)
        return QUIRE_NO_MEMORY;
    DIR *listing = opendir(path);
    while (status == QUIRE_OK && listing != NULL && (entry = readdir(listing)) != NULL) {
        size_t bytes = strlen(entry->d_name);
        char name[256];
        if (bytes < 7 || bytes - 6 >= sizeof name || strcmp(entry->d_name + bytes - 6, ".jinja") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(bytes - 6), entry->d_name);
        status = template_file_load(out, path, entry->d_name, name, error);
    }
    if (listing != NULL)
        closedir(listing);
    free(path);
    return status;
}

/* Files beside the configuration win over it. */
static enum quire_status all_templates_load(struct tokenizer *tokenizer, const char *folder, const json_t *config,
                                            struct quire_error *error)
{
    struct json_source source = {folder, "tokenizer_config.json", error};
    struct json_source legacy_source = {folder, "chat_template.json", error};
    json_t *legacy = NULL;
    enum quire_status status = templates_load(&source, config, &tokenizer->templates);

    if (status == QUIRE_OK)
        status = folder_json_load(folder, "chat_template.json", false, &legacy, error);
    if (status == QUIRE_OK)
        status = templates_load(&legacy_source, legacy, &tokenizer->templates);
    json_decref(legacy);
    if (status == QUIRE_OK)
        status = template_file_load(&tokenizer->templates, folder, "chat_template.jinja", DEFAULT_TEMPLATE, error);
    return status == QUIRE_OK ? more_templates_load(&tokenizer->templates, folder, error) : status;
}

/* tokenizer_config.json, with special_tokens_map.json over it where it does not list the added tokens itself: so does
 * transformers. NULL where there is neither. */
static enum quire_status config_load(const char *folder, json_t **out, struct quire_error *error)
{
    json_t *config = NULL, *map = NULL;
    enum quire_status status = folder_json_load(folder, "tokenizer_config.json", false, &config, error);

    if (status == QUIRE_OK)
        status = folder_json_load(folder, "special_tokens_map.json", false, &map, error);
    if (status == QUIRE_OK && config == NULL) {
        config = map;
        map = NULL;
    } else if (status == QUIRE_OK && map != NULL && json_object_get(config, "added_tokens_decoder") == NULL &&
               json_object_update(config, map) != 0) {
        status = QUIRE_NO_MEMORY;
    }
    json_decref(map);
    if (status == QUIRE_OK)
        *out = config;
    else
        json_decref(config);
    return status;
}

enum quire_status specials_load(struct tokenizer *tokenizer, const char *folder, struct quire_error *error)
{
    struct json_source source = {folder, "tokenizer_config.json", error};
    json_t *config = NULL;
    enum quire_status status = config_load(folder, &config, error);

    if (status == QUIRE_OK)
        status = names_load(tokenizer, config);
    if (status == QUIRE_OK)
        status = names_load(tokenizer, json_object_get(config, "extra_special_tokens"));
    if (status == QUIRE_OK)
        status = decoder_add_tokens(&source, config, tokenizer);
    if (status == QUIRE_OK)
        status = specials_add(&source, tokenizer, config);
    if (status == QUIRE_OK)
        status = around_load(tokenizer, config);
    if (status == QUIRE_OK) {
        tokenizer->bos = name_id(tokenizer, "bos_token");
        status = endings_load(tokenizer, folder, error);
        roles_reserve(tokenizer);
    }
    if (status == QUIRE_OK)
        status = all_templates_load(tokenizer, folder, config, error);
    json_decref(config);
    return status;
}
