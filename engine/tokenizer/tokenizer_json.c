/* tokenizer.json to a tokenizer. Thread: the loader's. Owner: tokenizer.
 * Format: tokenizer.json as Hugging Face's tokenizers write it, version 1.0. */
#include "json_source.h"

#include <stdlib.h>
#include <string.h>

/* ---- added tokens ------------------------------------------------------------------------------------------------ */

enum quire_status json_added_load(const struct json_source *source, const json_t *value, bool special, uint64_t *next,
                                  struct tokenizer *tokenizer)
{
    size_t count;
    const char *content = json_is_string(value) ? json_string_value(value) : json_text(value, "content", NULL);
    struct added_token token = {
        .single_word = json_bool(value, "single_word", false),
        .strip_left = json_bool(value, "lstrip", false),
        .strip_right = json_bool(value, "rstrip", false),
        .special = special || json_bool(value, "special", false),
    };

    token.normalized = json_bool(value, "normalized", !token.special);
    if (content == NULL)
        return json_bad(source, "an added token has no string \"content\"");
    count = json_string_length(json_is_string(value) ? value : json_object_get(value, "content"));
    token.id = vocabulary_find(&tokenizer->vocabulary, content, count);
    if (count == 0 || (token.id == TOKEN_NONE && next == NULL))
        return QUIRE_OK;
    if (token.id == TOKEN_NONE && *next >= VOCABULARY_IDS_MAX)
        return json_bad(source, "an added token's id is no number from 0 to %u", VOCABULARY_IDS_MAX - 1);
    if (token.id == TOKEN_NONE)
        token.id = (uint32_t)(*next)++;
    enum quire_status status = text_append(&token.content, content, count);
    if (status == QUIRE_OK)
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status;
}

/* The reference goes by the content: a token that the model has keeps its id there, others are numbered behind the
 * model's pieces. The file's own ids say the same, or the file is broken. */
static enum quire_status added_list_load(const struct json_source *source, const json_t *root,
                                         struct tokenizer *tokenizer)
{
    const json_t *list = json_object_get(root, "added_tokens"), *entry;
    const json_t *pieces = json_object_get(json_object_get(root, "model"), "vocab");
    uint64_t next = json_is_array(pieces) ? json_array_size(pieces) : json_object_size(pieces);
    enum quire_status status = QUIRE_OK;
    size_t i;

    json_array_foreach (list, i, entry) {
        uint64_t id;
        if (!json_whole(json_object_get(entry, "id"), VOCABULARY_IDS_MAX - 1, &id))
            return json_bad(source, "added_tokens[%zu].id is no number from 0 to %u", i, VOCABULARY_IDS_MAX - 1);
        if (status == QUIRE_OK)
            status = json_added_load(source, entry, false, &next, tokenizer);
    }
    return status;
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

/* Post-processors work on a list of parts, the text's ids at first. A part is a run of ids up to PART_END. */
#define PART_END      (TOKEN_NONE - 1)
#define FRAME_IDS_MAX 4096u

static size_t parts_count(const struct token_list *parts)
{
    size_t count = 0;

    for (size_t i = 0; i < parts->count; i++)
        count += parts->ids[i] == PART_END;
    return count;
}

/* Appends part `index`, without its end. */
static enum quire_status part_append(const struct token_list *parts, size_t index, struct token_list *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < parts->count && status == QUIRE_OK; i++) {
        if (parts->ids[i] == PART_END)
            index--;
        else if (index == 0)
            status = token_list_append(out, parts->ids[i]);
    }
    return status;
}

/* Each piece of the template becomes a part: one of those before, or, with `special`, a special token. */
static enum quire_status template_apply(const struct json_source *source, const struct tokenizer *tokenizer,
                                        const json_t *value, bool special, const struct token_list *parts,
                                        struct token_list *out)
{
    size_t given = parts_count(parts), i, k;
    const char *form = given == 2 ? "pair" : "single";
    const json_t *list = json_object_get(value, form), *tokens = json_object_get(value, "special_tokens"), *entry, *id;
    enum quire_status status = QUIRE_OK;

    if (!json_is_array(list) || given == 0 || given > 2)
        return json_bad(source, "post_processor: TemplateProcessing has no \"%s\", or too many parts are there", form);
    json_array_foreach (list, i, entry) {
        const char *name = json_text(json_object_get(entry, "SpecialToken"), "id", NULL);
        const char *sequence = json_text(json_object_get(entry, "Sequence"), "id", NULL);
        const json_t *ids = name == NULL ? NULL : json_object_get(json_object_get(tokens, name), "ids");
        size_t index = sequence != NULL && strcmp(sequence, "B") == 0 ? 1 : 0;
        if (sequence != NULL ? index >= given : !json_is_array(ids))
            return json_bad(source, "post_processor: %s[%zu] is neither a part nor a known special token", form, i);
        if (sequence == NULL && !special)
            continue;
        if (sequence != NULL)
            status = part_append(parts, index, out);
        json_array_foreach (ids, k, id) {
            if (status == QUIRE_OK)
                status = id_append(source, tokenizer, id, out);
        }
        if (status == QUIRE_OK)
            status = token_list_append(out, PART_END);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* BertProcessing, RobertaProcessing: "cls" and "sep" are ["[CLS]", 101]. The first part gets both, the others the
 * separator behind, RoBERTa's (which has offset options) in front as well. */
static enum quire_status class_apply(const struct json_source *source, const struct tokenizer *tokenizer,
                                     const json_t *value, bool special, const struct token_list *parts,
                                     struct token_list *out)
{
    const json_t *cls = json_array_get(json_object_get(value, "cls"), 1);
    const json_t *sep = json_array_get(json_object_get(value, "sep"), 1);
    bool roberta = json_object_get(value, "trim_offsets") != NULL && json_object_get(value, "add_prefix_space") != NULL;
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0, count = parts_count(parts); i < count && status == QUIRE_OK; i++) {
        if (special && (i == 0 || roberta))
            status = id_append(source, tokenizer, i == 0 ? cls : sep, out);
        if (status == QUIRE_OK)
            status = part_append(parts, i, out);
        if (status == QUIRE_OK && special)
            status = id_append(source, tokenizer, sep, out);
        if (status == QUIRE_OK)
            status = token_list_append(out, PART_END);
    }
    return status;
}

struct frame_maker {
    const struct tokenizer *tokenizer;
    bool special;
    struct token_list parts;
};

/* The reference goes by the fields, for older files name no type. */
static enum quire_status processor_apply(const struct json_source *source, const json_t *value, void *out)
{
    struct frame_maker *maker = out;
    struct token_list made = {0};
    const char *type = json_text(value, "type", NULL);
    enum quire_status status;

    if (type != NULL && strcmp(type, "ByteLevel") == 0)
        return QUIRE_OK; /* only trims offsets */
    if (json_object_get(value, "sep") != NULL && json_object_get(value, "cls") != NULL)
        status = class_apply(source, maker->tokenizer, value, maker->special, &maker->parts, &made);
    else if (json_is_kind(value, "TemplateProcessing", "single"))
        status = template_apply(source, maker->tokenizer, value, maker->special, &maker->parts, &made);
    else
        status = json_bad(source, "post_processor: type \"%s\" is not known", type == NULL ? "" : type);
    if (status == QUIRE_OK && made.count > FRAME_IDS_MAX)
        status = json_bad(source, "post_processor adds more than %u tokens", FRAME_IDS_MAX);
    struct token_list spare = maker->parts;
    maker->parts = made;
    token_list_deinit(&spare);
    return status;
}

static enum quire_status frame_load(const struct json_source *source, const json_t *value, bool special,
                                    struct tokenizer *tokenizer)
{
    struct frame_maker maker = {.tokenizer = tokenizer, .special = special};
    struct token_list *frame = &tokenizer->frames[special];
    enum quire_status status = token_list_append(&maker.parts, TOKEN_NONE);

    if (status == QUIRE_OK)
        status = token_list_append(&maker.parts, PART_END);
    if (status == QUIRE_OK && value != NULL && !json_is_null(value))
        status = json_sequence_load(source, value, "processors", processor_apply, &maker);
    frame->count = 0;
    for (size_t i = 0; i < maker.parts.count && status == QUIRE_OK; i++)
        if (maker.parts.ids[i] != PART_END)
            status = token_list_append(frame, maker.parts.ids[i]);
    token_list_deinit(&maker.parts);
    return status;
}

enum quire_status json_tokenizer_load(const struct json_source *source, const json_t *root, struct tokenizer *tokenizer)
{
    enum quire_status status = json_types_check(source, root);

    if (status == QUIRE_OK)
        status = json_vocabulary_load(source, json_object_get(root, "model"), &tokenizer->vocabulary);
    if (status == QUIRE_OK)
        status = added_list_load(source, root, tokenizer);
    if (status == QUIRE_OK)
        status = json_normalisers_load(source, json_object_get(root, "normalizer"), &tokenizer->normalisers);
    if (status == QUIRE_OK)
        status = json_splitters_load(source, json_object_get(root, "pre_tokenizer"), &tokenizer->splitters);
    if (status == QUIRE_OK)
        status = json_decoder_load(source, json_object_get(root, "decoder"), &tokenizer->decoder);
    tokenizer->has_processor = true;
    for (int special = 0; special < 2 && status == QUIRE_OK; special++)
        status = frame_load(source, json_object_get(root, "post_processor"), special != 0, tokenizer);
    return status;
}
