/* JSON files of a model folder. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"

#include "file_open.h"

#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256u << 20) /* the largest vocabularies in use take 40 MB */

enum quire_status folder_text_load(const char *folder, const char *name, struct text *out, struct quire_error *error)
{
    uint64_t bytes;
    int descriptor;
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return QUIRE_NO_MEMORY;
    enum quire_status status = file_open(path, &descriptor, &bytes, error);
    if (status != QUIRE_OK)
        goto done;
    if (bytes > FILE_BYTES_MAX)
        status = quire_fail(error, QUIRE_BAD_FILE, "%s has %llu bytes, more than any tokenizer needs", path,
                            (unsigned long long)bytes);
    else
        status = text_reserve(out, (size_t)bytes);
    if (status == QUIRE_OK)
        status = file_read_exact(descriptor, path, 0, out->bytes + out->count, (size_t)bytes, error);
    if (status == QUIRE_OK)
        out->count += (size_t)bytes;
    close(descriptor);
done:
    free(path);
    return status;
}

enum quire_status folder_json_load(const char *folder, const char *name, bool required, json_t **out,
                                 struct quire_error *error)
{
    struct text text = {0};
    json_error_t reason;

    *out = NULL;
    enum quire_status status = folder_text_load(folder, name, &text, error);
    if (status == QUIRE_NOT_FOUND && !required) {
        status = QUIRE_OK;
    } else if (status == QUIRE_OK) {
        json_t *root = json_loadb(text.bytes == NULL ? "" : text.bytes, text.count, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &reason);
        if (root == NULL) {
            status = quire_fail(error, QUIRE_BAD_FILE, "%s/%s is not valid JSON: line %d: %s", folder, name, reason.line,
                                reason.text);
        } else if (!json_is_object(root)) {
            json_decref(root);
            status = quire_fail(error, QUIRE_BAD_FILE, "%s/%s does not hold a JSON object", folder, name);
        } else {
            *out = root;
        }
    }
    text_deinit(&text);
    return status;
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
