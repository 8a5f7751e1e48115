/* Checks the types of a tokenizer.json's fields before any is read, so that a broken one is named and not taken for
 * absent. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"

#include <string.h>

#define DEPTH_MAX  48 /* the deepest that loaders read; more is their error */
#define PATH_BYTES 200

enum field_kind { FIELD_BOOL, FIELD_TEXT, FIELD_NUMBER, FIELD_LIST, FIELD_OBJECT };

/* A name means the same wherever the format has it. null stands for absent, as in most files. */
static const struct {
    const char *name;
    enum field_kind kind;
} fields[] = {
    {"add_prefix_space", FIELD_BOOL},
    {"added_tokens", FIELD_LIST},
    {"behavior", FIELD_TEXT},
    {"byte_fallback", FIELD_BOOL},
    {"clean_text", FIELD_BOOL},
    {"cleanup", FIELD_BOOL},
    {"content", FIELD_TEXT},
    {"continuing_subword_prefix", FIELD_TEXT},
    {"decoder", FIELD_OBJECT},
    {"decoders", FIELD_LIST},
    {"delimiter", FIELD_TEXT},
    {"dropout", FIELD_NUMBER},
    {"end_of_word_suffix", FIELD_TEXT},
    {"fuse_unk", FIELD_BOOL},
    {"handle_chinese_chars", FIELD_BOOL},
    {"ignore_merges", FIELD_BOOL},
    {"individual_digits", FIELD_BOOL},
    {"invert", FIELD_BOOL},
    {"lowercase", FIELD_BOOL},
    {"lstrip", FIELD_BOOL},
    {"max_input_chars_per_word", FIELD_NUMBER},
    {"model", FIELD_OBJECT},
    {"normalized", FIELD_BOOL},
    {"normalizer", FIELD_OBJECT},
    {"normalizers", FIELD_LIST},
    {"pad_token", FIELD_TEXT},
    {"post_processor", FIELD_OBJECT},
    {"pre_tokenizer", FIELD_OBJECT},
    {"precompiled_charsmap", FIELD_TEXT},
    {"prefix", FIELD_TEXT},
    {"prepend", FIELD_TEXT},
    {"prepend_scheme", FIELD_TEXT},
    {"pretokenizers", FIELD_LIST},
    {"processors", FIELD_LIST},
    {"replacement", FIELD_TEXT},
    {"rstrip", FIELD_BOOL},
    {"single_word", FIELD_BOOL},
    {"special", FIELD_BOOL},
    {"split", FIELD_BOOL},
    {"strip_accents", FIELD_BOOL},
    {"strip_left", FIELD_BOOL},
    {"strip_right", FIELD_BOOL},
    {"suffix", FIELD_TEXT},
    {"type", FIELD_TEXT},
    {"unk_id", FIELD_NUMBER},
    {"unk_token", FIELD_TEXT},
    {"use_regex", FIELD_BOOL},
    {"word_delimiter_token", FIELD_TEXT},
};

static bool is_of_kind(const json_t *value, enum field_kind kind)
{
    switch (kind) {
    case FIELD_BOOL:
        return json_is_boolean(value);
    case FIELD_TEXT:
        return json_is_string(value);
    case FIELD_NUMBER:
        return json_is_number(value);
    case FIELD_LIST:
        return json_is_array(value);
    default:
        return json_is_object(value);
    }
}

static enum quire_status field_check(const struct json_source *source, const char *path, const char *name,
                                     const json_t *value)
{
    static const char *const wanted[] = {"true or false", "a string", "a number", "a list", "an object"};

    for (size_t i = 0; !json_is_null(value) && i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0 && !is_of_kind(value, fields[i].kind))
            return json_bad(source, "%s is not %s", path + 1, wanted[fields[i].kind]);
    return QUIRE_OK;
}

/* What a file names itself (pieces, special tokens), and what this server does not read. */
static bool is_skipped(const char *name)
{
    static const char *const names[] = {"vocab", "merges", "special_tokens", "truncation", "padding"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* `path` has `count` bytes and starts with a dot or a bracket; it is cut where it would grow too long. */
static enum quire_status types_walk(const struct json_source *source, const json_t *value, char path[PATH_BYTES],
                                    size_t count, int depth)
{
    enum quire_status status = QUIRE_OK;
    json_t *object = (json_t *)value; /* iterators want it so, but change nothing */
    const json_t *member;
    size_t i;

    if (depth == DEPTH_MAX)
        return QUIRE_OK;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        int more = is_skipped(name) ? -1 : snprintf(path + count, PATH_BYTES - count, ".%s", name);
        if (more < 0 || count + (size_t)more >= PATH_BYTES)
            continue;
        status = field_check(source, path, name, json_object_iter_value(at));
        if (status == QUIRE_OK)
            status = types_walk(source, json_object_iter_value(at), path, count + (size_t)more, depth + 1);
        if (status != QUIRE_OK)
            return status;
    }
    json_array_foreach (value, i, member) {
        int more = snprintf(path + count, PATH_BYTES - count, "[%zu]", i);
        if (more < 0 || count + (size_t)more >= PATH_BYTES)
            break;
        status = types_walk(source, member, path, count + (size_t)more, depth + 1);
        if (status != QUIRE_OK)
            return status;
    }
    return status;
}

enum quire_status json_types_check(const struct json_source *source, const json_t *root)
{
    char path[PATH_BYTES] = "";

    if (!json_is_object(json_object_get(root, "model")))
        return json_bad(source, "model is missing or no object");
    return types_walk(source, root, path, 0, 0);
}
