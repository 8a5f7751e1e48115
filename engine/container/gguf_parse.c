/* The parser of the GGUF header: a function of (bytes, count). Any thread; owns nothing.
 *
 * Every length and count is held against what is left of the file before anything is allocated or walked for it, and
 * arrays grow with what was really parsed. */
#include "gguf_parse.h"

#include "quote.h"

#include <stdlib.h>

#define KEY_BYTES_MAX 65535u
#define TENSOR_NAME_BYTES_MAX 64u
#define ALIGNMENT_DEFAULT 32u
#define ALIGNMENT_MAX (1u << 20)
#define VALUE_BYTES_MIN 13u  /* key length, key of no bytes, type, u8 */
#define TENSOR_BYTES_MIN 32u /* name length, dimension count, one dimension, type, offset */

struct reader {
    const char *path;
    const unsigned char *bytes;
    size_t count;        /* bytes at hand */
    size_t at;           /* next byte */
    uint64_t file_bytes;
    uint64_t wanted;     /* not 0: the parse failed only because fewer bytes than this are at hand */
    struct quire_error *error;
};

/* ---- the reader -------------------------------------------------------------------------------------------------- */

#define FAIL(reader, status, format, ...)                                                                              \
    quire_fail((reader)->error, status, "%s: " format, (reader)->path, __VA_ARGS__)

/* Steps over `bytes` bytes of `what` and points to them. */
QUIRE_NODISCARD static enum quire_status take(struct reader *reader, uint64_t bytes, const char *what,
                                              const unsigned char **out)
{
    if (bytes > reader->file_bytes - reader->at)
        return FAIL(reader, QUIRE_BAD_FILE, "%s at byte %zu needs %llu bytes but the file ends at byte %llu", what,
                    reader->at, (unsigned long long)bytes, (unsigned long long)reader->file_bytes);
    if (bytes > reader->count - reader->at) {
        reader->wanted = reader->at + bytes;
        return FAIL(reader, QUIRE_LIMIT, "the header needs more than %zu bytes, the most that is read",
                    GGUF_HEADER_BYTES_MAX);
    }
    *out = reader->bytes + reader->at;
    reader->at += (size_t)bytes;
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status take_u32(struct reader *reader, const char *what, uint32_t *out)
{
    const unsigned char *at = NULL;
    enum quire_status status = take(reader, 4, what, &at);

    if (status == QUIRE_OK)
        *out = (uint32_t)gguf_load(at, 4);
    return status;
}

QUIRE_NODISCARD static enum quire_status take_u64(struct reader *reader, const char *what, uint64_t *out)
{
    const unsigned char *at = NULL;
    enum quire_status status = take(reader, 8, what, &at);

    if (status == QUIRE_OK)
        *out = gguf_load(at, 8);
    return status;
}

QUIRE_NODISCARD static enum quire_status take_string(struct reader *reader, const char *what, struct gguf_string *out)
{
    uint64_t bytes;
    const unsigned char *at = NULL;
    enum quire_status status = take_u64(reader, what, &bytes);

    if (status == QUIRE_OK)
        status = take(reader, bytes, what, &at);
    if (status == QUIRE_OK)
        *out = (struct gguf_string){(const char *)at, (size_t)bytes};
    return status;
}

/* A key or a tensor's name: 1 .. bytes_max bytes, none of them NUL. */
QUIRE_NODISCARD static enum quire_status take_name(struct reader *reader, const char *what, size_t bytes_max,
                                                   struct gguf_string *out)
{
    size_t start = reader->at;
    enum quire_status status = take_string(reader, what, out);

    if (status != QUIRE_OK)
        return status;
    if (out->bytes == 0 || out->bytes > bytes_max)
        return FAIL(reader, QUIRE_BAD_FILE, "%s at byte %zu has %zu bytes, not 1 to %zu", what, start, out->bytes,
                    bytes_max);
    if (memchr(out->text, 0, out->bytes) != NULL)
        return FAIL(reader, QUIRE_BAD_FILE, "%s at byte %zu contains a NUL", what, start);
    return QUIRE_OK;
}

/* ---- metadata ---------------------------------------------------------------------------------------------------- */

QUIRE_NODISCARD static enum quire_status take_elements(struct reader *reader, struct gguf_value *value,
                                                       const char *what)
{
    uint32_t bytes = gguf_type_bytes(value->element_type);
    struct gguf_string skipped;
    enum quire_status status = QUIRE_OK;
    struct quote quote;

    /* The smallest element has one byte and a string eight, so this bounds the count before the multiplication. */
    if (value->count > (reader->file_bytes - reader->at) / (bytes != 0 ? bytes : 8))
        return FAIL(reader, QUIRE_BAD_FILE, "%s holds %llu elements of type %s, more than the file's %llu bytes can",
                    what, (unsigned long long)value->count, gguf_type_name(value->element_type),
                    (unsigned long long)reader->file_bytes);
    if (bytes != 0) {
        status = take(reader, value->count * bytes, what, &value->data);
    } else {
        value->data = reader->bytes + reader->at;
        for (uint64_t i = 0; i < value->count && status == QUIRE_OK; i++)
            status = take_string(reader, what, &skipped);
    }
    if (status == QUIRE_OK && value->element_type == GGUF_BOOL)
        for (uint64_t i = 0; i < value->count; i++)
            if (value->data[i] > 1)
                return FAIL(reader, QUIRE_BAD_FILE, "the bool \"%s\" has the value %u",
                            quote_name(&quote, value->key.text, value->key.bytes), value->data[i]);
    return status;
}

QUIRE_NODISCARD static enum quire_status take_value(struct reader *reader, struct gguf_value *value)
{
    uint32_t type;
    struct quote quote;
    char what[160];
    enum quire_status status = take_name(reader, "a metadata key", KEY_BYTES_MAX, &value->key);

    if (status != QUIRE_OK)
        return status;
    snprintf(what, sizeof what, "the value of \"%s\"", quote_name(&quote, value->key.text, value->key.bytes));
    status = take_u32(reader, what, &type);
    if (status == QUIRE_OK && type >= GGUF_TYPE_COUNT)
        status = FAIL(reader, QUIRE_BAD_FILE, "%s has the unknown type %u", what, type);
    if (status != QUIRE_OK)
        return status;
    value->type = value->element_type = (enum gguf_type)type;
    value->count = 1;
    if (value->type == GGUF_ARRAY) {
        status = take_u32(reader, what, &type);
        if (status == QUIRE_OK && (type >= GGUF_TYPE_COUNT || type == GGUF_ARRAY))
            status = type == GGUF_ARRAY
                         ? FAIL(reader, QUIRE_UNSUPPORTED, "%s is an array of arrays", what)
                         : FAIL(reader, QUIRE_BAD_FILE, "%s is an array of the unknown type %u", what, type);
        if (status == QUIRE_OK)
            status = take_u64(reader, what, &value->count);
        if (status != QUIRE_OK)
            return status;
        value->element_type = (enum gguf_type)type;
    }
    return take_elements(reader, value, what);
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* Fills type, dimensions and bytes; `tensor->offset` is still relative to the data. */
QUIRE_NODISCARD static enum quire_status take_tensor(struct reader *reader, struct gguf_tensor *tensor,
                                                     uint32_t alignment)
{
    enum quire_status status = take_name(reader, "a tensor's name", TENSOR_NAME_BYTES_MAX, &tensor->name);
    const struct gguf_tensor_type *type;
    struct quote quote;
    const char *name;
    uint64_t bytes;

    if (status != QUIRE_OK)
        return status;
    name = quote_name(&quote, tensor->name.text, tensor->name.bytes);
    status = take_u32(reader, "a tensor's dimension count", &tensor->dimension_count);
    if (status == QUIRE_OK && (tensor->dimension_count == 0 || tensor->dimension_count > GGUF_DIMENSIONS_MAX))
        status = FAIL(reader, QUIRE_BAD_FILE, "tensor \"%s\" has %u dimensions, not 1 to %u", name,
                      tensor->dimension_count, GGUF_DIMENSIONS_MAX);
    for (uint32_t i = 0; i < GGUF_DIMENSIONS_MAX; i++)
        tensor->dimensions[i] = 1;
    for (uint32_t i = 0; status == QUIRE_OK && i < tensor->dimension_count; i++)
        status = take_u64(reader, "a tensor's dimension", &tensor->dimensions[i]);
    if (status == QUIRE_OK)
        status = take_u32(reader, "a tensor's type", &tensor->type);
    if (status == QUIRE_OK)
        status = take_u64(reader, "a tensor's offset", &tensor->offset);
    if (status != QUIRE_OK)
        return status;

    type = gguf_tensor_type(tensor->type);
    if (type == NULL)
        return FAIL(reader, QUIRE_BAD_FILE, "tensor \"%s\" has the unknown type %u", name, tensor->type);
    if (tensor->dimensions[0] == 0 || tensor->dimensions[0] % type->block_values != 0)
        return FAIL(reader, QUIRE_BAD_FILE, "tensor \"%s\" has rows of %llu values, not a multiple of %s's block of %u",
                    name, (unsigned long long)tensor->dimensions[0], type->name, type->block_values);
    if (__builtin_mul_overflow(tensor->dimensions[0] / type->block_values, type->block_bytes, &bytes))
        bytes = UINT64_MAX;
    for (uint32_t i = 1; i < tensor->dimension_count; i++) {
        if (tensor->dimensions[i] == 0)
            return FAIL(reader, QUIRE_BAD_FILE, "dimension %u of tensor \"%s\" is 0", i, name);
        if (__builtin_mul_overflow(bytes, tensor->dimensions[i], &bytes))
            bytes = UINT64_MAX;
    }
    if (bytes > reader->file_bytes)
        return FAIL(reader, QUIRE_BAD_FILE,
                    "tensor \"%s\" [%llu, %llu, %llu, %llu] of type %s is larger than the file's %llu bytes", name,
                    (unsigned long long)tensor->dimensions[0], (unsigned long long)tensor->dimensions[1],
                    (unsigned long long)tensor->dimensions[2], (unsigned long long)tensor->dimensions[3], type->name,
                    (unsigned long long)reader->file_bytes);
    if (tensor->offset % alignment != 0)
        return FAIL(reader, QUIRE_BAD_FILE, "tensor \"%s\" starts at offset %llu, not a multiple of %u", name,
                    (unsigned long long)tensor->offset, alignment);
    tensor->bytes = bytes;
    return QUIRE_OK;
}

/* ---- order and uniqueness ---------------------------------------------------------------------------------------- */

int gguf_string_compare(struct gguf_string a, struct gguf_string b)
{
    size_t shorter = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = memcmp(a.text, b.text, shorter);

    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int compare_values(const void *a, const void *b, void *gguf)
{
    const struct gguf_value *values = ((const struct gguf *)gguf)->values;

    return gguf_string_compare(values[*(const uint32_t *)a].key, values[*(const uint32_t *)b].key);
}

static int compare_tensors(const void *a, const void *b, void *gguf)
{
    const struct gguf_tensor *tensors = ((const struct gguf *)gguf)->tensors;

    return gguf_string_compare(tensors[*(const uint32_t *)a].name, tensors[*(const uint32_t *)b].name);
}

static int compare_offsets(const void *a, const void *b, void *gguf)
{
    const struct gguf_tensor *tensors = ((const struct gguf *)gguf)->tensors;
    uint64_t left = tensors[*(const uint32_t *)a].offset, right = tensors[*(const uint32_t *)b].offset;

    return (left > right) - (left < right);
}

/* Gives *order the indices of `count` items sorted by `compare`, and *twin the place of the second of two equal ones,
 * else 0. */
QUIRE_NODISCARD static enum quire_status sort(struct reader *reader, struct gguf *gguf, size_t count,
                                              int (*compare)(const void *, const void *, void *), uint32_t **order,
                                              size_t *twin)
{
    uint32_t *sorted = realloc(*order, (count + 1) * sizeof sorted[0]);

    if (sorted == NULL)
        return FAIL(reader, QUIRE_NO_MEMORY, "no memory to sort %zu names", count);
    *order = sorted;
    *twin = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (uint32_t)i;
    qsort_r(sorted, count, sizeof sorted[0], compare, gguf);
    for (size_t i = 1; i < count && *twin == 0; i++)
        if (compare(&sorted[i - 1], &sorted[i], gguf) == 0)
            *twin = i;
    return QUIRE_OK;
}

/* Doubles an array; `room` counts its items. */
static bool grow(void **items, size_t *room, size_t item_bytes)
{
    size_t more = *room == 0 ? 64 : 2 * *room;
    void *moved = reallocarray(*items, more, item_bytes);

    if (moved == NULL)
        return false;
    *items = moved;
    *room = more;
    return true;
}

/* ---- the whole header -------------------------------------------------------------------------------------------- */

QUIRE_NODISCARD static enum quire_status take_counts(struct reader *reader, struct gguf *gguf, uint64_t *tensor_count,
                                                     uint64_t *value_count)
{
    const unsigned char *magic = NULL;
    enum quire_status status = take(reader, 4, "the magic number", &magic);

    if (status == QUIRE_OK && memcmp(magic, "GGUF", 4) != 0)
        status = FAIL(reader, QUIRE_BAD_FILE, "%s", "not a GGUF file: it does not start with \"GGUF\"");
    if (status == QUIRE_OK)
        status = take_u32(reader, "the version", &gguf->version);
    if (status == QUIRE_OK && gguf->version != 2 && gguf->version != 3)
        status = (gguf->version & 0xffff) == 0 && gguf->version != 0
                     ? FAIL(reader, QUIRE_UNSUPPORTED, "%s", "this GGUF file is big-endian")
                     : FAIL(reader, QUIRE_UNSUPPORTED, "GGUF version %u; versions 2 and 3 are known", gguf->version);
    if (status == QUIRE_OK)
        status = take_u64(reader, "the tensor count", tensor_count);
    if (status == QUIRE_OK)
        status = take_u64(reader, "the metadata count", value_count);
    if (status != QUIRE_OK)
        return status;
    if (*tensor_count > reader->file_bytes / TENSOR_BYTES_MIN || *tensor_count > UINT32_MAX)
        return FAIL(reader, QUIRE_BAD_FILE, "%llu tensors are declared, more than a file of %llu bytes can hold",
                    (unsigned long long)*tensor_count, (unsigned long long)reader->file_bytes);
    if (*value_count > reader->file_bytes / VALUE_BYTES_MIN || *value_count > UINT32_MAX)
        return FAIL(reader, QUIRE_BAD_FILE,
                    "%llu metadata values are declared, more than a file of %llu bytes can hold",
                    (unsigned long long)*value_count, (unsigned long long)reader->file_bytes);
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status take_values(struct reader *reader, struct gguf *gguf, uint64_t count)
{
    enum quire_status status = QUIRE_OK;
    struct quote quote;
    size_t twin;

    for (size_t room = 0; gguf->value_count < count && status == QUIRE_OK; gguf->value_count++) {
        if (gguf->value_count == room && !grow((void **)&gguf->values, &room, sizeof gguf->values[0]))
            return FAIL(reader, QUIRE_NO_MEMORY, "no memory for %zu metadata values", room);
        status = take_value(reader, &gguf->values[gguf->value_count]);
    }
    if (status == QUIRE_OK)
        status = sort(reader, gguf, gguf->value_count, compare_values, &gguf->value_order, &twin);
    if (status == QUIRE_OK && twin != 0) {
        struct gguf_string key = gguf->values[gguf->value_order[twin]].key;
        return FAIL(reader, QUIRE_BAD_FILE, "the metadata key \"%s\" appears twice",
                    quote_name(&quote, key.text, key.bytes));
    }
    return status;
}

QUIRE_NODISCARD static enum quire_status find_alignment(const struct reader *reader, const struct gguf *gguf,
                                                        uint32_t *out)
{
    *out = ALIGNMENT_DEFAULT;
    enum quire_status status = gguf_get_u32(gguf, "general.alignment", out, reader->error);

    if (status != QUIRE_OK && status != QUIRE_NOT_FOUND)
        return status;
    if (*out == 0 || *out > ALIGNMENT_MAX || (*out & (*out - 1)) != 0)
        return FAIL(reader, QUIRE_BAD_FILE, "general.alignment is %u, not a power of two up to %u", *out,
                    ALIGNMENT_MAX);
    return QUIRE_OK;
}

/* Makes offsets absolute and checks that every tensor lies inside the file and apart from all others. */
QUIRE_NODISCARD static enum quire_status place_tensors(struct reader *reader, struct gguf *gguf, uint32_t alignment)
{
    uint64_t data_start = ((uint64_t)reader->at + alignment - 1) & ~(uint64_t)(alignment - 1);
    struct quote quote, other;
    enum quire_status status;
    size_t twin;

    for (size_t i = 0; i < gguf->tensor_count; i++) {
        struct gguf_tensor *tensor = &gguf->tensors[i];
        uint64_t room = reader->file_bytes > data_start ? reader->file_bytes - data_start : 0;

        if (tensor->offset > room || tensor->bytes > room - tensor->offset)
            return FAIL(reader, QUIRE_BAD_FILE,
                        "tensor \"%s\" has %llu bytes at offset %llu but the file holds %llu bytes of data",
                        quote_name(&quote, tensor->name.text, tensor->name.bytes), (unsigned long long)tensor->bytes,
                        (unsigned long long)tensor->offset, (unsigned long long)room);
        tensor->offset += data_start;
    }
    status = sort(reader, gguf, gguf->tensor_count, compare_offsets, &gguf->tensor_order, &twin);
    for (size_t i = 1; status == QUIRE_OK && i < gguf->tensor_count; i++) {
        const struct gguf_tensor *before = &gguf->tensors[gguf->tensor_order[i - 1]];
        const struct gguf_tensor *tensor = &gguf->tensors[gguf->tensor_order[i]];

        if (i == twin || before->offset + before->bytes > tensor->offset)
            return FAIL(reader, QUIRE_BAD_FILE, "tensors \"%s\" and \"%s\" overlap at byte %llu",
                        quote_name(&quote, before->name.text, before->name.bytes),
                        quote_name(&other, tensor->name.text, tensor->name.bytes), (unsigned long long)tensor->offset);
    }
    return status;
}

QUIRE_NODISCARD static enum quire_status take_tensors(struct reader *reader, struct gguf *gguf, uint64_t count)
{
    uint32_t alignment;
    struct quote quote;
    size_t twin;
    enum quire_status status = find_alignment(reader, gguf, &alignment);

    if (status != QUIRE_OK)
        return status;
    for (size_t room = 0; gguf->tensor_count < count && status == QUIRE_OK; gguf->tensor_count++) {
        if (gguf->tensor_count == room && !grow((void **)&gguf->tensors, &room, sizeof gguf->tensors[0]))
            return FAIL(reader, QUIRE_NO_MEMORY, "no memory for %zu tensors", room);
        status = take_tensor(reader, &gguf->tensors[gguf->tensor_count], alignment);
    }
    if (status == QUIRE_OK)
        status = place_tensors(reader, gguf, alignment);
    if (status == QUIRE_OK)
        status = sort(reader, gguf, gguf->tensor_count, compare_tensors, &gguf->tensor_order, &twin);
    if (status == QUIRE_OK && twin != 0) {
        struct gguf_string name = gguf->tensors[gguf->tensor_order[twin]].name;
        return FAIL(reader, QUIRE_BAD_FILE, "the tensor \"%s\" appears twice",
                    quote_name(&quote, name.text, name.bytes));
    }
    return status;
}

void gguf_parse_clear(struct gguf *gguf)
{
    free(gguf->values);
    free(gguf->value_order);
    free(gguf->tensors);
    free(gguf->tensor_order);
    gguf->values = NULL;
    gguf->tensors = NULL;
    gguf->value_order = gguf->tensor_order = NULL;
    gguf->value_count = gguf->tensor_count = 0;
}

enum quire_status gguf_parse(struct gguf *gguf, const unsigned char *bytes, size_t count, uint64_t *wanted,
                             struct quire_error *error)
{
    struct reader reader = {gguf->path, bytes, count, 0, gguf->file_bytes, 0, error};
    uint64_t tensor_count, value_count;
    enum quire_status status = take_counts(&reader, gguf, &tensor_count, &value_count);

    if (status == QUIRE_OK)
        status = take_values(&reader, gguf, value_count);
    if (status == QUIRE_OK)
        status = take_tensors(&reader, gguf, tensor_count);
    *wanted = reader.wanted;
    return status;
}
