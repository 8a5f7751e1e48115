/* An opened model: a directory of safetensors files, one such file, or a GGUF file, as one sorted list of tensors.
 * Private to engine/model; weights.h has the functions that open and close it. Immutable after opening. */
#ifndef QUIRE_MODEL_FILE_H
#define QUIRE_MODEL_FILE_H

#include "../container/gguf.h"
#include "weights.h"

#include <jansson.h>

#define MODEL_DIMENSIONS_MAX 8u

enum model_format { MODEL_DIRECTORY, MODEL_SAFETENSORS, MODEL_GGUF };

struct model_tensor {
    const char *name;                /* NUL terminated */
    const char *type_name;           /* as the file spells it */
    enum row_type type;              /* ROW_TYPE_COUNT: one that weights cannot have */
    uint32_t dimension_count;
    uint64_t dimensions[MODEL_DIMENSIONS_MAX]; /* slowest first, whatever the container's order; 1 beyond the count */
    uint32_t file;                   /* index into paths */
    uint64_t offset, bytes;
};

struct model_file {
    enum model_format format;
    char *path;                      /* as given, without trailing slashes */
    char **paths;                    /* of the files that hold tensors */
    uint32_t path_count;
    struct model_tensor *tensors;    /* sorted by name */
    size_t tensor_count;
    uint64_t tensor_bytes;           /* of all tensors */
    /* MODEL_DIRECTORY */
    char *config_path;
    json_t *config;                  /* config.json */
    struct safetensors **shards;     /* [path_count]; own the tensors' names */
    /* MODEL_GGUF */
    struct gguf *gguf;
    char *names;                     /* the tensors' names, NUL terminated */
};

const struct model_tensor *model_file_find(const struct model_file *file, const char *name); /* NULL where absent */

#endif
