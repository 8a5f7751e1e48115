/* tokenizer.json to a tokenizer. Thread: the loader's. Owner: tokenizer.
 * Format: tokenizer.json as Hugging Face's tokenizers write it, version 1.0. */
#include "json_source.h"

#include <stdlib.h>
#include <string.h>

/* ---- added tokens ------------------------------------------------------------------------------------------------ */

static enum quire_status added_load(const struct json_source *source, const json_t *value, uint64_t id,
                                    struct tokenizer *tokenizer)
{
    size_t count;
    const char *content = json_text(value, "content", &count);
    struct added_token token = {
        .single_word = json_bool(value, "single_word", false),
        .strip_left = json_bool(value, "lstrip", false),
        .strip_right = json_bool(value, "rstrip", false),
        .special = json_bool(value, "special", false),
        .normalized = json_bool(value, "normalized", !json_bool(value, "special", false)),
    };

    if (content == NULL || id >= VOCABULARY_IDS_MAX)
        return json_bad(source, "an added token has no \"content\", or its id is no number from 0 to %u",
                        VOCABULARY_IDS_MAX - 1);
    token.id = (uint32_t)id;
    enum quire_status status = text_append(&token.content, content, count);
    if (status == QUIRE_OK)
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status;
}

static enum quire_status added_list_load(const struct json_source *source, const json_t *root,
                                         struct tokenizer *tokenizer)
{
    const json_t *list = json_object_get(root, "added_tokens"), *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        uint64_t id = UINT64_MAX;
        if (!json_whole(json_object_get(entry, "id"), VOCABULARY_IDS_MAX - 1, &id))
            return json_bad(source, "added_tokens[%zu].id is no number from 0 to %u", i, VOCABULARY_IDS_MAX - 1);
        enum quire_status status = added_load(source, entry, id, tokenizer);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* tokenizer_config.json's {"id": token}: adds what tokenizer.json lacks, changes nothing that it has. */
enum quire_status json_added_decoder_load(const struct json_source *source, json_t *config, struct tokenizer *tokenizer)
{
    json_t *object = json_object_get(config, "added_tokens_decoder");

    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const json_t *value = json_object_iter_value(at);
        size_t count = 0;
        const char *content = json_text(value, "content", &count);
        char *end;
        uint64_t id = strtoull(json_object_iter_key(at), &end, 10);
        uint32_t known = content == NULL ? TOKEN_NONE : vocabulary_find(&tokenizer->vocabulary, content, count);
        if (*end != '\0')
            id = UINT64_MAX;
        if (known != TOKEN_NONE && (known != id || (tokenizer->vocabulary.flags[known] & PIECE_ADDED) != 0))
            continue;
        enum quire_status status = added_load(source, value, id, tokenizer);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* ---- post-processor ---------------------------------------------------------------------------------------------- */

static enum quire_status id_append(const struct json_source *source, const struct tokenizer *tokenizer,
                                   const json_t *value, struct token_list *out)
{
    uint64_t id;

    if (!json_whole(value, tokenizer->vocabulary.id_count - 1, &id))
        return json_bad(source, "post_processor names an id that is not below the vocabulary's %u",
                        tokenizer->vocabulary.id_count);
    return token_list_append(out, (uint32_t)id);
}

/* "single": special tokens before and behind the one sequence. */
static enum quire_status load_template(const struct json_source *source, const struct tokenizer *tokenizer,
                                       const json_t *value, struct token_list *before, struct token_list *after)
{
    const json_t *list = json_object_get(value, "single"), *entry, *id;
    struct token_list *side = before;
    size_t i, k;

    if (!json_is_array(list))
        return json_bad(source, "post_processor: TemplateProcessing has no list \"single\"");
    json_array_foreach (list, i, entry) {
        const char *name = json_text(json_object_get(entry, "SpecialToken"), "id", NULL);
        if (name == NULL && json_object_get(entry, "Sequence") != NULL && side == before) {
            side = after;
            continue;
        }
        const json_t *ids = name == NULL ? NULL
                                         : json_object_get(
                                               json_object_get(json_object_get(value, "special_tokens"), name), "ids");
        if (!json_is_array(ids))
            return json_bad(source, "post_processor: single[%zu] is neither the sequence nor a known special token", i);
        json_array_foreach (ids, k, id) {
            enum quire_status status = id_append(source, tokenizer, id, side);
            if (status != QUIRE_OK)
                return status;
        }
    }
    return QUIRE_OK;
}

/* BertProcessing, RobertaProcessing: "cls" and "sep" are ["[CLS]", 101]. */
static enum quire_status load_class(const struct json_source *source, const struct tokenizer *tokenizer,
                                    const json_t *value, struct token_list *before, struct token_list *after)
{
    enum quire_status status = id_append(source, tokenizer, json_array_get(json_object_get(value, "cls"), 1), before);

    if (status != QUIRE_OK)
        return status;
    return id_append(source, tokenizer, json_array_get(json_object_get(value, "sep"), 1), after);
}

/* Puts what one processor adds around what those before it added. */
static enum quire_status around_wrap(struct tokenizer *tokenizer, struct token_list *before, struct token_list *after)
{
    for (size_t i = 0; i < tokenizer->before.count; i++)
        if (token_list_append(before, tokenizer->before.ids[i]) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    struct token_list inner = tokenizer->before;
    tokenizer->before = *before;
    *before = inner;
    for (size_t i = 0; i < after->count; i++)
        if (token_list_append(&tokenizer->after, after->ids[i]) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

#define PROCESSOR_DEPTH_MAX 16

static enum quire_status processor_load(const struct json_source *source, const json_t *value,
                                        struct tokenizer *tokenizer, int depth)
{
    const char *type = json_text(value, "type", NULL);
    struct token_list before = {0}, after = {0};
    enum quire_status status = QUIRE_OK;
    const json_t *member;
    size_t i;

    if (value == NULL || json_is_null(value) || (type != NULL && strcmp(type, "ByteLevel") == 0))
        return QUIRE_OK; /* ByteLevel only trims offsets */
    if (type != NULL && strcmp(type, "Sequence") == 0 && depth < PROCESSOR_DEPTH_MAX) {
        json_array_foreach (json_object_get(value, "processors"), i, member) {
            status = processor_load(source, member, tokenizer, depth + 1);
            if (status != QUIRE_OK)
                break;
        }
        return status;
    }
    if (type != NULL && strcmp(type, "TemplateProcessing") == 0)
        status = load_template(source, tokenizer, value, &before, &after);
    else if (type != NULL && (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0))
        status = load_class(source, tokenizer, value, &before, &after);
    else
        status = json_bad(source, "post_processor: type \"%s\" is not known", type == NULL ? "" : type);
    if (status == QUIRE_OK)
        status = around_wrap(tokenizer, &before, &after);
    token_list_deinit(&before);
    token_list_deinit(&after);
    return status;
}

enum quire_status json_tokenizer_load(const struct json_source *source, const json_t *root, struct tokenizer *tokenizer)
{
    enum quire_status status = json_vocabulary_load(source, json_object_get(root, "model"), &tokenizer->vocabulary);

    if (status == QUIRE_OK)
        status = added_list_load(source, root, tokenizer);
    if (status == QUIRE_OK)
        status = json_normalisers_load(source, json_object_get(root, "normalizer"), &tokenizer->normalisers);
    if (status == QUIRE_OK)
        status = json_splitters_load(source, json_object_get(root, "pre_tokenizer"), &tokenizer->splitters);
    if (status == QUIRE_OK)
        status = json_decoder_load(source, json_object_get(root, "decoder"), &tokenizer->decoder);
    return status == QUIRE_OK ? processor_load(source, json_object_get(root, "post_processor"), tokenizer, 0) : status;
}
