/* See safetensors.h. Any thread; owner: whoever opened the file. */
#include "safetensors.h"

#include "file_open.h"
#include "quote.h"

#include <assert.h>
#include <endian.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES_MAX 100000000u

struct safetensors {
    char *path;
    json_t *header; /* owns the names */
    struct safetensors_tensor *tensors;
    size_t count;
};

static const struct {
    const char *name;
    uint32_t bits;
} dtypes[] = {
    {"F32", 32},     {"F16", 16},     {"BF16", 16},    {"F64", 64},     {"I64", 64},     {"I32", 32},     {"I16", 16},
    {"I8", 8},       {"U64", 64},     {"U32", 32},     {"U16", 16},     {"U8", 8},       {"BOOL", 8},     {"C64", 64},
    {"F8_E5M2", 8},  {"F8_E4M3", 8},  {"F8_E8M0", 8},  {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6},
    {"F6_E3M2", 6},  {"F4", 4},
};

#define BAD(path, error, format, ...) quire_fail(error, QUIRE_BAD_FILE, "%s: " format, path, __VA_ARGS__)

/* Reads the header's text into *text (malloc'ed) and gives the data's place. */
QUIRE_NODISCARD static enum quire_status read_header(const char *path, char **text, size_t *header_bytes,
                                                     uint64_t *data_bytes, struct quire_error *error)
{
    int descriptor = -1;
    uint64_t file_bytes = 0, length = 0;
    enum quire_status status = file_open(path, &descriptor, &file_bytes, error);

    if (status != QUIRE_OK)
        return status;
    if (file_bytes < 8)
        status =
            BAD(path, error, "has %llu bytes, fewer than the 8 of the header's length", (unsigned long long)file_bytes);
    else
        status = file_read_exact(descriptor, path, 0, &length, 8, error);
    length = le64toh(length);
    if (status == QUIRE_OK && length > HEADER_BYTES_MAX)
        status = BAD(path, error, "the header's length is %llu, above the limit of %u", (unsigned long long)length,
                     HEADER_BYTES_MAX);
    if (status == QUIRE_OK && length > file_bytes - 8)
        status = BAD(path, error, "the header needs %llu bytes but the file ends at byte %llu",
                     (unsigned long long)length, (unsigned long long)file_bytes);
    if (status == QUIRE_OK && (*text = malloc((size_t)length + 1)) == NULL)
        status = quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory for a header of %llu bytes", path,
                            (unsigned long long)length);
    if (status == QUIRE_OK)
        status = file_read_exact(descriptor, path, 8, *text, (size_t)length, error);
    if (status == QUIRE_OK && (length == 0 || (*text)[0] != '{'))
        status = BAD(path, error, "%s", "the header does not start with '{'");
    close(descriptor);
    *header_bytes = (size_t)length;
    *data_bytes = file_bytes - 8 - length;
    return status;
}

QUIRE_NODISCARD static enum quire_status check_metadata(const char *path, json_t *metadata, struct quire_error *error)
{
    const char *key;
    json_t *value;
    struct quote quote;

    if (!json_is_object(metadata))
        return BAD(path, error, "%s", "__metadata__ is not an object");
    json_object_foreach(metadata, key, value)
        if (!json_is_string(value))
            return BAD(path, error, "__metadata__ \"%s\" is not a string", quote_name(&quote, key, strlen(key)));
    return QUIRE_OK;
}

/* Fills dimensions; *bits becomes the size that they and the dtype ask for. */
QUIRE_NODISCARD static enum quire_status read_shape(const char *path, const char *name, json_t *shape, uint64_t *bits,
                                                    struct safetensors_tensor *tensor, struct quire_error *error)
{
    size_t count = json_array_size(shape);

    if (!json_is_array(shape))
        return BAD(path, error, "tensor \"%s\" has no list as its shape", name);
    if (count > SAFETENSORS_DIMENSIONS_MAX)
        return quire_fail(error, QUIRE_UNSUPPORTED, "%s: tensor \"%s\" has %zu dimensions; at most %u are read", path,
                          name, count, SAFETENSORS_DIMENSIONS_MAX);
    tensor->dimension_count = (uint32_t)count;
    for (size_t i = 0; i < SAFETENSORS_DIMENSIONS_MAX; i++)
        tensor->dimensions[i] = 1;
    for (size_t i = 0; i < count; i++) {
        json_t *dimension = json_array_get(shape, i);

        if (!json_is_integer(dimension) || json_integer_value(dimension) < 0)
            return BAD(path, error, "dimension %zu of tensor \"%s\" is not a count", i, name);
        tensor->dimensions[i] = (uint64_t)json_integer_value(dimension);
        if (__builtin_mul_overflow(*bits, tensor->dimensions[i], bits))
            return BAD(path, error, "the size of tensor \"%s\" overflows at dimension %zu of %llu", name, i,
                       (unsigned long long)tensor->dimensions[i]);
    }
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status read_tensor(const char *path, const char *key, json_t *info,
                                                     uint64_t data_bytes, struct safetensors_tensor *tensor,
                                                     struct quire_error *error)
{
    json_t *offsets = json_object_get(info, "data_offsets");
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    struct quote quote, other;
    const char *name = quote_name(&quote, key, strlen(key));
    const char *field;
    json_t *value;
    json_int_t begin, end;
    uint64_t bits = 0;

    json_object_foreach(info, field, value)
        if (strcmp(field, "dtype") != 0 && strcmp(field, "shape") != 0 && strcmp(field, "data_offsets") != 0)
            return BAD(path, error, "tensor \"%s\" has the unknown field \"%s\"", name,
                       quote_name(&other, field, strlen(field)));
    if (dtype == NULL)
        return BAD(path, error, "tensor \"%s\" has no dtype", name);
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, dtype) == 0) {
            bits = dtypes[i].bits;
            tensor->dtype = dtypes[i].name;
        }
    if (bits == 0)
        return quire_fail(error, QUIRE_UNSUPPORTED, "%s: tensor \"%s\" has the unknown dtype \"%s\"", path, name,
                          quote_name(&other, dtype, strlen(dtype)));
    enum quire_status status = read_shape(path, name, json_object_get(info, "shape"), &bits, tensor, error);
    if (status != QUIRE_OK)
        return status;
    if (json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
        !json_is_integer(json_array_get(offsets, 1)))
        return BAD(path, error, "tensor \"%s\" has no two data_offsets", name);
    begin = json_integer_value(json_array_get(offsets, 0));
    end = json_integer_value(json_array_get(offsets, 1));
    if (begin < 0 || begin > end || (uint64_t)end > data_bytes)
        return BAD(path, error, "tensor \"%s\" lies at bytes %lld to %lld, not inside the %llu bytes of data", name,
                   (long long)begin, (long long)end, (unsigned long long)data_bytes);
    if (bits % 8 != 0 || bits / 8 != (uint64_t)(end - begin))
        return BAD(path, error,
                   "tensor \"%s\" of type %s needs %llu bits by its shape but its data_offsets give %lld bytes", name,
                   dtype, (unsigned long long)bits, (long long)(end - begin));
    tensor->name = key;
    tensor->offset = (uint64_t)begin;
    tensor->bytes = (uint64_t)(end - begin);
    return QUIRE_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct safetensors_tensor *left = a, *right = b;

    if (left->offset != right->offset)
        return left->offset < right->offset ? -1 : 1;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Sorts the tensors by place, checks that they tile the data, and makes their offsets absolute. */
QUIRE_NODISCARD static enum quire_status place_tensors(struct safetensors *file, uint64_t data_start,
                                                       uint64_t data_bytes, struct quire_error *error)
{
    uint64_t end = 0;
    struct quote quote;

    qsort(file->tensors, file->count, sizeof file->tensors[0], compare_places);
    for (size_t i = 0; i < file->count; i++) {
        struct safetensors_tensor *tensor = &file->tensors[i];

        if (tensor->offset != end)
            return BAD(file->path, error,
                       "tensor \"%s\" starts at byte %llu of the data, %s the end of the one before it at %llu",
                       quote_name(&quote, tensor->name, strlen(tensor->name)), (unsigned long long)tensor->offset,
                       tensor->offset < end ? "before" : "after", (unsigned long long)end);
        end += tensor->bytes;
        tensor->offset += data_start;
    }
    if (end != data_bytes)
        return BAD(file->path, error, "the tensors end at byte %llu of the data, which has %llu bytes",
                   (unsigned long long)end, (unsigned long long)data_bytes);
    return QUIRE_OK;
}

enum quire_status safetensors_open(const char *path, struct safetensors **out, struct quire_error *error)
{
    struct safetensors *file = calloc(1, sizeof *file);
    char *text = NULL;
    size_t header_bytes = 0;
    uint64_t data_bytes = 0;
    json_error_t reason;
    const char *key;
    json_t *value;
    enum quire_status status = QUIRE_OK;

    if (file == NULL || (file->path = strdup(path)) == NULL)
        status = quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory", path);
    if (status == QUIRE_OK)
        status = read_header(path, &text, &header_bytes, &data_bytes, error);
    if (status != QUIRE_OK)
        goto done;
    file->header = json_loadb(text, header_bytes, JSON_REJECT_DUPLICATES, &reason);
    if (file->header == NULL) {
        status = BAD(path, error, "the header at byte %d: %s", reason.position, reason.text);
        goto done;
    }
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof file->tensors[0]);
    if (file->tensors == NULL) {
        status =
            quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory for %zu tensors", path, json_object_size(file->header));
        goto done;
    }
    json_object_foreach(file->header, key, value) {
        if (strcmp(key, "__metadata__") == 0)
            status = check_metadata(path, value, error);
        else
            status = read_tensor(path, key, value, data_bytes, &file->tensors[file->count++], error);
        if (status != QUIRE_OK)
            goto done;
    }
    status = place_tensors(file, 8 + (uint64_t)header_bytes, data_bytes, error);
done:
    free(text);
    if (status == QUIRE_OK)
        *out = file;
    else
        safetensors_close(file);
    return status;
}

void safetensors_close(struct safetensors *file)
{
    if (file == NULL)
        return;
    json_decref(file->header);
    free(file->tensors);
    free(file->path);
    free(file);
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t index)
{
    assert(index < file->count);
    return &file->tensors[index];
}
