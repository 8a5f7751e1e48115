/* JSON files of a model folder. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"

#include "file_open.h"
#include "json_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256u << 20) /* the largest vocabularies in use take 40 MB */

enum quire_status path_text_load(const char *path, struct text *out, struct quire_error *error)
{
    uint64_t bytes;
    int descriptor;
    enum quire_status status = file_open(path, &descriptor, &bytes, error);

    if (status != QUIRE_OK)
        return status;
    if (bytes > FILE_BYTES_MAX)
        status = quire_fail(error, QUIRE_BAD_FILE, "%s has %llu bytes, more than any tokenizer needs", path,
                            (unsigned long long)bytes);
    else
        status = text_reserve(out, (size_t)bytes);
    if (status == QUIRE_OK && bytes > 0)
        status = file_read_exact(descriptor, path, 0, out->bytes + out->count, (size_t)bytes, error);
    if (status == QUIRE_OK)
        out->count += (size_t)bytes;
    close(descriptor);
    return status;
}

enum quire_status folder_text_load(const char *folder, const char *name, struct text *out, struct quire_error *error)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return QUIRE_NO_MEMORY;
    enum quire_status status = path_text_load(path, out, error);
    free(path);
    return status;
}

enum quire_status folder_json_load(const char *folder, const char *name, bool required, json_t **out,
                                   struct quire_error *error)
{
    char *path = NULL;

    *out = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return QUIRE_NO_MEMORY;
    enum quire_status status =
        json_file_load(path, FILE_BYTES_MAX, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, out, error);
    free(path);
    return status == QUIRE_NOT_FOUND && !required ? QUIRE_OK : status;
}

enum quire_status json_bad(const struct json_source *source, const char *format, ...)
{
    char sentence[QUIRE_ERROR_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return quire_fail(source->error, QUIRE_BAD_FILE, "%s/%s: %s", source->folder, source->file, sentence);
}

bool json_bool(const json_t *object, const char *name, bool otherwise)
{
    const json_t *value = json_object_get(object, name);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

bool json_whole(const json_t *value, uint64_t max, uint64_t *out)
{
    double number = json_is_real(value) ? json_real_value(value) : -1.0;

    if (!(number >= 0.0 && number <= (double)max) || number != (double)(uint64_t)number)
        return false;
    *out = (uint64_t)number;
    return true;
}

const char *json_text(const json_t *object, const char *name, size_t *count)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value))
        return NULL;
    if (count != NULL)
        *count = json_string_length(value);
    return json_string_value(value);
}

bool json_is_kind(const json_t *object, const char *type, const char *field)
{
    const char *name = json_text(object, "type", NULL);

    return name != NULL ? strcmp(name, type) == 0 : field != NULL && json_object_get(object, field) != NULL;
}

enum quire_status json_no_memory(const struct json_source *source)
{
    return quire_fail(source->error, QUIRE_NO_MEMORY, "no memory left while reading %s/%s", source->folder,
                      source->file);
}

static const char *type_of(const json_t *object)
{
    const char *name = json_text(object, "type", NULL);

    return name != NULL ? name : "an object without \"type\"";
}

enum quire_status json_pattern_load(const struct json_source *source, const json_t *object, struct pattern **out)
{
    const json_t *value = json_object_get(object, "pattern");
    struct quire_error reason;
    size_t count;
    const char *text = json_text(value, "Regex", &count);

    if (text != NULL) {
        enum quire_status status = pattern_compile(text, count, out, &reason);
        return status == QUIRE_OK ? status : json_bad(source, "%s", reason.message);
    }
    text = json_is_string(value) ? json_string_value(value) : json_text(value, "String", NULL);
    count = json_is_string(value) ? json_string_length(value) : json_string_length(json_object_get(value, "String"));
    if (text == NULL)
        return json_bad(source, "%s has no \"pattern\" with a \"String\" or \"Regex\"", type_of(object));
    return pattern_literal(text, count, out) == QUIRE_OK ? QUIRE_OK : json_no_memory(source);
}

enum quire_status json_content_load(const struct json_source *source, const json_t *object, const char *name,
                                    const char *otherwise, struct text *out)
{
    size_t count = 0;
    const char *text = json_text(object, name, &count);

    if (text == NULL && otherwise == NULL)
        return json_bad(source, "%s has no string \"%s\"", type_of(object), name);
    if (text == NULL)
        text = otherwise, count = strlen(otherwise);
    return text_append(out, text, count) == QUIRE_OK ? QUIRE_OK : json_no_memory(source);
}

#define SEQUENCE_DEPTH_MAX   16
#define SEQUENCE_MEMBERS_MAX 1000 /* each may walk all of a text */

static enum quire_status sequence_walk(const struct json_source *source, const json_t *value, const char *members,
                                       json_step_load *load, void *out, int depth)
{
    const char *type = json_text(value, "type", NULL);
    const json_t *list = json_object_get(value, members), *member;
    enum quire_status status = QUIRE_OK;
    size_t i;

    if (type == NULL || strcmp(type, "Sequence") != 0)
        return load(source, value, out);
    if (depth == SEQUENCE_DEPTH_MAX || !json_is_array(list))
        return json_bad(source, "a Sequence has no list \"%s\", or too many are nested", members);
    if (json_array_size(list) > SEQUENCE_MEMBERS_MAX)
        return json_bad(source, "a Sequence has more than %d \"%s\"", SEQUENCE_MEMBERS_MAX, members);
    json_array_foreach (list, i, member) {
        status = sequence_walk(source, member, members, load, out, depth + 1);
        if (status != QUIRE_OK)
            break;
    }
    return status;
}

enum quire_status json_sequence_load(const struct json_source *source, const json_t *value, const char *members,
                                     json_step_load *load, void *out)
{
    return sequence_walk(source, value, members, load, out, 0);
}
