/* The safetensors container: one file's tensors and their places. Knows nothing of models.
 * Format: an unsigned 64-bit little-endian header length, a JSON header, then data; every byte of the data belongs to
 * exactly one tensor. Held to the rules of the reference (header of at most 100,000,000 bytes that starts with '{', no
 * duplicate names, string metadata only). Immutable after opening: any thread. */
#ifndef QUIRE_SAFETENSORS_H
#define QUIRE_SAFETENSORS_H

#include "status.h"

#include <stddef.h>
#include <stdint.h>

#define SAFETENSORS_DIMENSIONS_MAX 8u

struct safetensors_tensor {
    const char *name;  /* NUL terminated, valid UTF-8 without NUL inside */
    const char *dtype; /* as the file spells it: "F32", "BF16", ... one that the format knows */
    uint32_t dimension_count;
    uint64_t dimensions[SAFETENSORS_DIMENSIONS_MAX]; /* slowest first; 1 beyond dimension_count */
    uint64_t offset, bytes;                          /* in the file */
};

struct safetensors;

/* QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_BAD_FILE, QUIRE_LIMIT, QUIRE_UNSUPPORTED (unknown dtype), QUIRE_NO_MEMORY; errors
 * name the file, the tensor and the numbers. */
QUIRE_NODISCARD enum quire_status safetensors_open(const char *path, struct safetensors **out,
                                                   struct quire_error *error);
void safetensors_close(struct safetensors *file); /* NULL is allowed */

size_t safetensors_count(const struct safetensors *file);
/* In the order of their data. */
const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t index);

#endif
