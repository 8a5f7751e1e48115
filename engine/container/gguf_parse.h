/* Private to gguf.c and gguf_parse.c: the parsed header and the parser. */
#ifndef QUIRE_GGUF_PARSE_H
#define QUIRE_GGUF_PARSE_H

#include "gguf.h"

#include <endian.h>
#include <string.h>

#define GGUF_HEADER_BYTES_MAX ((size_t)1 << 30)

struct gguf {
    char *path;
    uint64_t file_bytes;
    unsigned char *header;
    uint32_t version;
    struct gguf_value *values;
    uint32_t *value_order; /* indices sorted by key */
    size_t value_count;
    struct gguf_tensor *tensors;
    uint32_t *tensor_order; /* indices sorted by name */
    size_t tensor_count;
};

/* Bytes of an element of `type`; 0 for strings and arrays. */
uint32_t gguf_type_bytes(enum gguf_type type);

/* Parses the `count` first bytes of a file of `file_bytes`, which stay in use. Where they do not suffice, fails with
 * *wanted set to the least number of bytes that a second try needs, else *wanted is 0. What a failure leaves in `gguf`
 * is for gguf_parse_clear. */
QUIRE_NODISCARD enum quire_status gguf_parse(struct gguf *gguf, const unsigned char *bytes, size_t count,
                                             uint64_t *wanted, struct quire_error *error);
void gguf_parse_clear(struct gguf *gguf);

/* Byte order, shorter first. */
int gguf_string_compare(struct gguf_string a, struct gguf_string b);

/* Little-endian loads; the file gives no alignment. */
static inline uint64_t gguf_load(const unsigned char *at, uint32_t bytes)
{
    uint64_t value = 0;

    memcpy(&value, at, bytes);
    return le64toh(value);
}

static inline int64_t gguf_load_signed(const unsigned char *at, uint32_t bytes)
{
    uint32_t spare = 64 - 8 * bytes;

    return (int64_t)(gguf_load(at, bytes) << spare) >> spare;
}

#endif
