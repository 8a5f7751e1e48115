/* Opens GGUF files and answers questions about them. Any thread; owner: whoever opened the file.
 *
 * The header's length is not written anywhere, so it is found by parsing: a first piece of the file is read and parsed;
 * where the parse runs off the piece but not off the file, a piece at least twice as long is parsed anew. The work is
 * at most twice that of knowing the length, and the parser stays simple. */
#include "gguf.h"

#include "file_open.h"
#include "gguf_parse.h"
#include "quote.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PIECE_BYTES ((size_t)1 << 20)

/* ---- opening ----------------------------------------------------------------------------------------------------- */

QUIRE_NODISCARD static enum quire_status read_header(struct gguf *gguf, int descriptor, struct quire_error *error)
{
    size_t count = 0;
    uint64_t wanted = FIRST_PIECE_BYTES;
    enum quire_status status;

    do {
        uint64_t goal = wanted > 2 * (uint64_t)count ? wanted : 2 * (uint64_t)count;
        size_t more = (size_t)(goal < gguf->file_bytes ? goal : gguf->file_bytes);
        unsigned char *header = realloc(gguf->header, more + 1);

        if (header == NULL)
            return quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory for a header of %zu bytes", gguf->path, more);
        gguf->header = header;
        status = file_read_exact(descriptor, gguf->path, count, header + count, more - count, error);
        if (status != QUIRE_OK)
            return status;
        count = more;
        gguf_parse_clear(gguf);
        status = gguf_parse(gguf, header, count, &wanted, error);
    } while (status != QUIRE_OK && wanted != 0 && wanted <= GGUF_HEADER_BYTES_MAX);
    return status;
}

enum quire_status gguf_open(const char *path, struct gguf **out, struct quire_error *error)
{
    struct gguf *gguf = calloc(1, sizeof *gguf);
    enum quire_status status = QUIRE_OK;
    int descriptor = -1;

    if (gguf == NULL || (gguf->path = strdup(path)) == NULL)
        status = quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory", path);
    if (status == QUIRE_OK)
        status = file_open(path, &descriptor, &gguf->file_bytes, error);
    if (status == QUIRE_OK)
        status = read_header(gguf, descriptor, error);
    if (descriptor >= 0)
        close(descriptor);
    if (status == QUIRE_OK)
        *out = gguf;
    else
        gguf_close(gguf);
    return status;
}

void gguf_close(struct gguf *gguf)
{
    if (gguf == NULL)
        return;
    gguf_parse_clear(gguf);
    free(gguf->header);
    free(gguf->path);
    free(gguf);
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

const char *gguf_path(const struct gguf *gguf)
{
    return gguf->path;
}

uint32_t gguf_version(const struct gguf *gguf)
{
    return gguf->version;
}

size_t gguf_value_count(const struct gguf *gguf)
{
    return gguf->value_count;
}

const struct gguf_value *gguf_value_at(const struct gguf *gguf, size_t index)
{
    assert(index < gguf->value_count);
    return &gguf->values[index];
}

const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key)
{
    struct gguf_string wanted = {key, strlen(key)};
    size_t low = 0, high = gguf->value_order != NULL ? gguf->value_count : 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct gguf_value *value = &gguf->values[gguf->value_order[middle]];
        int order = gguf_string_compare(wanted, value->key);

        if (order == 0)
            return value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t gguf_tensor_count(const struct gguf *gguf)
{
    return gguf->tensor_count;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *gguf, size_t index)
{
    assert(index < gguf->tensor_count);
    return &gguf->tensors[index];
}

bool gguf_string_equals(struct gguf_string string, const char *text)
{
    return string.bytes == strlen(text) && memcmp(string.text, text, string.bytes) == 0;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool is_integer(enum gguf_type type)
{
    return type != GGUF_F32 && type != GGUF_F64 && type != GGUF_BOOL && type != GGUF_STRING && type != GGUF_ARRAY;
}

static bool is_signed(enum gguf_type type)
{
    return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64;
}

double gguf_number(const struct gguf_value *value, uint64_t index)
{
    uint32_t bytes = gguf_type_bytes(value->element_type);
    const unsigned char *at = value->data + index * bytes;
    uint64_t bits;
    float single;
    double number;

    assert(index < value->count && bytes != 0);
    bits = gguf_load(at, bytes);
    if (value->element_type == GGUF_F32) {
        uint32_t half = (uint32_t)bits;
        memcpy(&single, &half, sizeof single);
        return (double)single;
    }
    if (value->element_type == GGUF_F64) {
        memcpy(&number, &bits, sizeof number);
        return number;
    }
    return is_signed(value->element_type) ? (double)gguf_load_signed(at, bytes) : (double)bits;
}

struct gguf_cursor gguf_strings_begin(const struct gguf_value *value)
{
    assert(value->element_type == GGUF_STRING);
    return (struct gguf_cursor){value->data, value->count};
}

bool gguf_strings_next(struct gguf_cursor *cursor, struct gguf_string *out)
{
    if (cursor->left == 0)
        return false;
    out->bytes = (size_t)gguf_load(cursor->at, 8);
    out->text = (const char *)cursor->at + 8;
    cursor->at += 8 + out->bytes;
    cursor->left--;
    return true;
}

QUIRE_NODISCARD static enum quire_status find(const struct gguf *gguf, const char *key, const struct gguf_value **out,
                                              struct quire_error *error)
{
    *out = gguf_find(gguf, key);
    if (*out == NULL)
        return quire_fail(error, QUIRE_NOT_FOUND, "%s: the metadata key \"%s\" is missing", gguf->path, key);
    return QUIRE_OK;
}

static enum quire_status mistyped(const struct gguf *gguf, const struct gguf_value *value, const char *wanted,
                                  struct quire_error *error)
{
    struct quote quote;
    bool array = value->type == GGUF_ARRAY;

    return quire_fail(error, QUIRE_BAD_FILE, "%s: the metadata key \"%s\" is %s%s, not %s", gguf->path,
                      quote_name(&quote, value->key.text, value->key.bytes), array ? "an array of " : "of type ",
                      gguf_type_name(value->element_type), wanted);
}

enum quire_status gguf_get_u32(const struct gguf *gguf, const char *key, uint32_t *out, struct quire_error *error)
{
    const struct gguf_value *value;
    enum quire_status status = find(gguf, key, &value, error);
    double number;

    if (status != QUIRE_OK)
        return status;
    if (!is_integer(value->type))
        return mistyped(gguf, value, "an integer", error);
    number = gguf_number(value, 0);
    if (number < 0 || number > (double)UINT32_MAX)
        return quire_fail(error, QUIRE_BAD_FILE, "%s: the metadata key \"%s\" is %.0f, not 0 to %u", gguf->path, key,
                          number, UINT32_MAX);
    *out = (uint32_t)number;
    return QUIRE_OK;
}

enum quire_status gguf_get_f64(const struct gguf *gguf, const char *key, double *out, struct quire_error *error)
{
    const struct gguf_value *value;
    enum quire_status status = find(gguf, key, &value, error);

    if (status != QUIRE_OK)
        return status;
    if (value->type == GGUF_ARRAY || value->type == GGUF_STRING || value->type == GGUF_BOOL)
        return mistyped(gguf, value, "a number", error);
    *out = gguf_number(value, 0);
    return QUIRE_OK;
}

enum quire_status gguf_get_bool(const struct gguf *gguf, const char *key, bool *out, struct quire_error *error)
{
    const struct gguf_value *value;
    enum quire_status status = find(gguf, key, &value, error);

    if (status != QUIRE_OK)
        return status;
    if (value->type != GGUF_BOOL)
        return mistyped(gguf, value, "a bool", error);
    *out = value->data[0] != 0;
    return QUIRE_OK;
}

enum quire_status gguf_get_string(const struct gguf *gguf, const char *key, struct gguf_string *out,
                                  struct quire_error *error)
{
    const struct gguf_value *value;
    enum quire_status status = find(gguf, key, &value, error);
    struct gguf_cursor cursor;

    if (status != QUIRE_OK)
        return status;
    if (value->type != GGUF_STRING)
        return mistyped(gguf, value, "a string", error);
    cursor = gguf_strings_begin(value);
    (void)gguf_strings_next(&cursor, out);
    return QUIRE_OK;
}

enum quire_status gguf_get_strings(const struct gguf *gguf, const char *key, const struct gguf_value **out,
                                   struct quire_error *error)
{
    const struct gguf_value *value;
    enum quire_status status = find(gguf, key, &value, error);

    if (status != QUIRE_OK)
        return status;
    if (value->type != GGUF_ARRAY || value->element_type != GGUF_STRING)
        return mistyped(gguf, value, "an array of strings", error);
    *out = value;
    return QUIRE_OK;
}

enum quire_status gguf_get_numbers(const struct gguf *gguf, const char *key, const struct gguf_value **out,
                                   struct quire_error *error)
{
    const struct gguf_value *value;
    enum quire_status status = find(gguf, key, &value, error);

    if (status != QUIRE_OK)
        return status;
    if (value->type != GGUF_ARRAY || value->element_type == GGUF_STRING || value->element_type == GGUF_BOOL)
        return mistyped(gguf, value, "an array of numbers", error);
    *out = value;
    return QUIRE_OK;
}
