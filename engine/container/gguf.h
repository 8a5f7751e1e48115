/* The GGUF container, versions 2 and 3: metadata and the places of tensors. Knows nothing of models.
 * Specification: ggml/docs/gguf.md. All numbers little-endian.
 *
 * gguf_open reads the header region only and keeps it; strings and arrays point into it until gguf_close. Everything
 * was checked against the file's size on opening, so the functions below cannot run off the end. Immutable after that,
 * so any thread may ask. */
#ifndef QUIRE_GGUF_H
#define QUIRE_GGUF_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GGUF_DIMENSIONS_MAX 4u

enum gguf_type {
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY,
    GGUF_U64, GGUF_I64, GGUF_F64, GGUF_TYPE_COUNT
};

/* Not NUL terminated; may hold any byte (keys and tensor names hold no NUL). */
struct gguf_string {
    const char *text;
    size_t bytes;
};

struct gguf_value {
    struct gguf_string key;
    enum gguf_type type;         /* GGUF_ARRAY for arrays */
    enum gguf_type element_type; /* of the array, never GGUF_ARRAY; equals `type` for a single value */
    uint64_t count;              /* of elements; 1 for a single value */
    const unsigned char *data;   /* the first element as it lies in the file */
};

struct gguf_tensor {
    struct gguf_string name;
    uint32_t type;               /* see gguf_tensor_type */
    uint32_t dimension_count;    /* 1 .. GGUF_DIMENSIONS_MAX */
    uint64_t dimensions[GGUF_DIMENSIONS_MAX]; /* fastest first, all >= 1; 1 beyond dimension_count */
    uint64_t offset, bytes;      /* in the file; inside it, and no two tensors overlap */
};

/* A tensor element type; `name` as the specification spells it. */
struct gguf_tensor_type {
    const char *name;
    uint32_t block_values, block_bytes;
};

struct gguf;

/* Errors: one sentence that names the file and the numbers. QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_BAD_FILE,
 * QUIRE_UNSUPPORTED (another version, big-endian), QUIRE_LIMIT (a header above 1 GiB), QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status gguf_open(const char *path, struct gguf **out, struct quire_error *error);
void gguf_close(struct gguf *gguf); /* NULL is allowed */

const char *gguf_path(const struct gguf *gguf);
uint32_t gguf_version(const struct gguf *gguf);

size_t gguf_value_count(const struct gguf *gguf);
const struct gguf_value *gguf_value_at(const struct gguf *gguf, size_t index); /* in the file's order */
const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key);  /* NULL where absent */

/* A single value by key. QUIRE_NOT_FOUND where the key is absent; QUIRE_BAD_FILE where the type is another. Any integer
 * type serves for u32 if the value fits, any float or integer type for f64. Errors name file and key. */
QUIRE_NODISCARD enum quire_status gguf_get_u32(const struct gguf *gguf, const char *key, uint32_t *out,
                                               struct quire_error *error);
QUIRE_NODISCARD enum quire_status gguf_get_f64(const struct gguf *gguf, const char *key, double *out,
                                               struct quire_error *error);
QUIRE_NODISCARD enum quire_status gguf_get_bool(const struct gguf *gguf, const char *key, bool *out,
                                                struct quire_error *error);
QUIRE_NODISCARD enum quire_status gguf_get_string(const struct gguf *gguf, const char *key, struct gguf_string *out,
                                                  struct quire_error *error);
/* An array of strings. */
QUIRE_NODISCARD enum quire_status gguf_get_strings(const struct gguf *gguf, const char *key,
                                                   const struct gguf_value **out, struct quire_error *error);
/* An array of numbers: integers or floats. */
QUIRE_NODISCARD enum quire_status gguf_get_numbers(const struct gguf *gguf, const char *key,
                                                   const struct gguf_value **out, struct quire_error *error);

/* Element `index` (< count) of a numeric or bool value. Integers beyond 2^53 round. */
double gguf_number(const struct gguf_value *value, uint64_t index);
/* Walks the strings of a value of element type GGUF_STRING, in order. */
struct gguf_cursor {
    const unsigned char *at;
    uint64_t left;
};
struct gguf_cursor gguf_strings_begin(const struct gguf_value *value);
bool gguf_strings_next(struct gguf_cursor *cursor, struct gguf_string *out); /* false at the end */

bool gguf_string_equals(struct gguf_string string, const char *text);
const char *gguf_type_name(enum gguf_type type);

size_t gguf_tensor_count(const struct gguf *gguf);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *gguf, size_t index); /* in the file's order */
/* Never NULL for the type of a tensor of an opened file. */
const struct gguf_tensor_type *gguf_tensor_type(uint32_t type);

#endif
