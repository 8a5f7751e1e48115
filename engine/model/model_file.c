/* Opens a model's files and lists their tensors. Any thread; owner: whoever opened it. */
#include "model_file.h"

#include "../container/json_file.h"
#include "../container/quote.h"
#include "../container/safetensors.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_BYTES_MAX ((size_t)4 << 20)
#define INDEX_BYTES_MAX ((size_t)64 << 20)
#define SHARDS_MAX 4096u

/* The element types that weights can have, by either container's name. */
static const struct {
    const char *name;
    enum row_type type;
} weight_types[] = {
    {"F32", ROW_F32}, {"F16", ROW_F16}, {"BF16", ROW_BF16}, {"Q8_0", ROW_Q8_0}, {"Q4_0", ROW_Q4_0}, {"Q6_K", ROW_Q6_K},
};

static enum row_type weight_type(const char *name)
{
    for (size_t i = 0; i < sizeof weight_types / sizeof weight_types[0]; i++)
        if (strcmp(weight_types[i].name, name) == 0)
            return weight_types[i].type;
    return ROW_TYPE_COUNT;
}

static enum quire_status no_memory(const char *path, struct quire_error *error)
{
    return quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory for the list of tensors", path);
}

/* ---- the sorted list --------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct model_tensor *)a)->name, ((const struct model_tensor *)b)->name);
}

static void sort_tensors(struct model_file *file)
{
    qsort(file->tensors, file->tensor_count, sizeof file->tensors[0], compare_names);
    for (size_t i = 0; i < file->tensor_count; i++)
        file->tensor_bytes += file->tensors[i].bytes;
}

const struct model_tensor *model_file_find(const struct model_file *file, const char *name)
{
    struct model_tensor wanted = {.name = name};

    return bsearch(&wanted, file->tensors, file->tensor_count, sizeof file->tensors[0], compare_names);
}

static struct model_tensor from_safetensors(const struct safetensors_tensor *tensor, uint32_t file)
{
    struct model_tensor out = {.name = tensor->name, .type_name = tensor->dtype, .type = weight_type(tensor->dtype),
                               .dimension_count = tensor->dimension_count, .file = file, .offset = tensor->offset,
                               .bytes = tensor->bytes};

    memcpy(out.dimensions, tensor->dimensions, sizeof out.dimensions);
    return out;
}
static_assert(MODEL_DIMENSIONS_MAX == SAFETENSORS_DIMENSIONS_MAX, "dimensions are copied as a whole");

/* ---- GGUF -------------------------------------------------------------------------------------------------------- */

QUIRE_NODISCARD static enum quire_status list_gguf(struct model_file *file, struct quire_error *error)
{
    size_t count = gguf_tensor_count(file->gguf), name_bytes = 1;
    char *name;

    for (size_t i = 0; i < count; i++)
        name_bytes += gguf_tensor_at(file->gguf, i)->name.bytes + 1;
    file->tensors = calloc(count + 1, sizeof file->tensors[0]);
    file->names = name = malloc(name_bytes);
    if (file->tensors == NULL || name == NULL)
        return no_memory(file->path, error);
    for (; file->tensor_count < count; file->tensor_count++) {
        const struct gguf_tensor *from = gguf_tensor_at(file->gguf, file->tensor_count);
        struct model_tensor *tensor = &file->tensors[file->tensor_count];

        memcpy(name, from->name.text, from->name.bytes);
        name[from->name.bytes] = '\0';
        *tensor = (struct model_tensor){.name = name, .type_name = gguf_tensor_type(from->type)->name,
                                        .dimension_count = from->dimension_count, .offset = from->offset,
                                        .bytes = from->bytes};
        tensor->type = weight_type(tensor->type_name);
        for (uint32_t i = 0; i < MODEL_DIMENSIONS_MAX; i++)
            tensor->dimensions[i] = i < from->dimension_count ? from->dimensions[from->dimension_count - 1 - i] : 1;
        name += from->name.bytes + 1;
    }
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status open_gguf(struct model_file *file, struct quire_error *error)
{
    enum quire_status status = gguf_open(file->path, &file->gguf, error);

    if (status != QUIRE_OK)
        return status;
    file->format = MODEL_GGUF;
    file->paths = calloc(1, sizeof file->paths[0]);
    if (file->paths == NULL || (file->paths[0] = strdup(file->path)) == NULL)
        return no_memory(file->path, error);
    file->path_count = 1;
    return list_gguf(file, error);
}

/* ---- safetensors ------------------------------------------------------------------------------------------------- */

QUIRE_NODISCARD static enum quire_status open_shards(struct model_file *file, struct quire_error *error)
{
    file->shards = calloc(file->path_count, sizeof file->shards[0]);
    if (file->shards == NULL)
        return no_memory(file->path, error);
    for (uint32_t i = 0; i < file->path_count; i++) {
        enum quire_status status = safetensors_open(file->paths[i], &file->shards[i], error);

        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* All tensors of the one file. Takes `path`. */
QUIRE_NODISCARD static enum quire_status open_single(struct model_file *file, char *path, struct quire_error *error)
{
    size_t count;
    enum quire_status status;

    file->paths = calloc(1, sizeof file->paths[0]);
    if (file->paths == NULL) {
        free(path);
        return no_memory(file->path, error);
    }
    file->paths[0] = path;
    file->path_count = 1;
    status = open_shards(file, error);
    if (status != QUIRE_OK)
        return status;
    count = safetensors_count(file->shards[0]);
    file->tensors = calloc(count + 1, sizeof file->tensors[0]);
    if (file->tensors == NULL)
        return no_memory(file->path, error);
    for (; file->tensor_count < count; file->tensor_count++)
        file->tensors[file->tensor_count] = from_safetensors(safetensors_at(file->shards[0], file->tensor_count), 0);
    return QUIRE_OK;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The distinct files that the index names, sorted. A name with a slash could lead out of the directory. */
QUIRE_NODISCARD static enum quire_status list_shards(struct model_file *file, const char *index_path,
                                                     json_t *weight_map, struct quire_error *error)
{
    const char *name;
    json_t *shard;
    struct quote quote;
    json_t *distinct = json_object();
    enum quire_status status = distinct == NULL ? no_memory(file->path, error) : QUIRE_OK;

    json_object_foreach(weight_map, name, shard) {
        const char *text = json_string_value(shard);

        if (status != QUIRE_OK)
            break;
        if (text == NULL || text[0] == '\0' || text[0] == '.' || strchr(text, '/') != NULL)
            status = quire_fail(error, QUIRE_BAD_FILE, "%s: the file of tensor \"%s\" is no plain file name",
                                index_path, quote_name(&quote, name, strlen(name)));
        else if (json_object_set(distinct, text, shard) != 0)
            status = no_memory(file->path, error);
    }
    size_t count = json_object_size(distinct);
    if (status == QUIRE_OK && (count == 0 || count > SHARDS_MAX))
        status = quire_fail(error, QUIRE_BAD_FILE, "%s: names %zu files, not 1 to %u", index_path, count, SHARDS_MAX);
    if (status == QUIRE_OK && (file->paths = calloc(count, sizeof file->paths[0])) == NULL)
        status = no_memory(file->path, error);
    if (status == QUIRE_OK) {
        json_object_foreach(distinct, name, shard) {
            if (asprintf(&file->paths[file->path_count], "%s/%s", file->path, name) < 0) {
                status = no_memory(file->path, error);
                break;
            }
            file->path_count++;
        }
        qsort(file->paths, file->path_count, sizeof file->paths[0], compare_paths);
    }
    json_decref(distinct);
    return status;
}

/* The tensors that weight_map names, each from its own shard. */
QUIRE_NODISCARD static enum quire_status list_mapped(struct model_file *file, const char *index_path,
                                                     json_t *weight_map, struct quire_error *error)
{
    size_t wanted = json_object_size(weight_map);
    size_t prefix = strlen(file->path) + 1;
    const char *name;
    json_t *shard;
    struct quote quote;

    file->tensors = calloc(wanted + 1, sizeof file->tensors[0]);
    if (file->tensors == NULL)
        return no_memory(file->path, error);
    for (uint32_t i = 0; i < file->path_count; i++)
        for (size_t j = 0; j < safetensors_count(file->shards[i]); j++) {
            const struct safetensors_tensor *tensor = safetensors_at(file->shards[i], j);
            const char *home = json_string_value(json_object_get(weight_map, tensor->name));

            if (home != NULL && strcmp(home, file->paths[i] + prefix) == 0)
                file->tensors[file->tensor_count++] = from_safetensors(tensor, i);
        }
    if (file->tensor_count == wanted)
        return QUIRE_OK;
    qsort(file->tensors, file->tensor_count, sizeof file->tensors[0], compare_names);
    json_object_foreach(weight_map, name, shard)
        if (model_file_find(file, name) == NULL)
            return quire_fail(error, QUIRE_BAD_FILE, "%s: tensor \"%s\" is not in %s", index_path,
                              quote_name(&quote, name, strlen(name)), json_string_value(shard));
    return QUIRE_OK;
}

/* Takes `index_path`. */
QUIRE_NODISCARD static enum quire_status open_index(struct model_file *file, char *index_path,
                                                    struct quire_error *error)
{
    json_t *index = NULL, *weight_map;
    enum quire_status status = json_file_load(index_path, INDEX_BYTES_MAX, 0, &index, error);

    if (status == QUIRE_OK) {
        weight_map = json_object_get(index, "weight_map");
        if (!json_is_object(weight_map))
            status = quire_fail(error, QUIRE_BAD_FILE, "%s: has no object \"weight_map\"", index_path);
        if (status == QUIRE_OK)
            status = list_shards(file, index_path, weight_map, error);
        if (status == QUIRE_OK)
            status = open_shards(file, error);
        if (status == QUIRE_OK)
            status = list_mapped(file, index_path, weight_map, error);
    }
    json_decref(index);
    free(index_path);
    return status;
}

QUIRE_NODISCARD static enum quire_status open_directory(struct model_file *file, struct quire_error *error)
{
    char *single = NULL, *index = NULL;
    struct stat info;
    enum quire_status status;

    file->format = MODEL_DIRECTORY;
    if (asprintf(&file->config_path, "%s/config.json", file->path) < 0) {
        file->config_path = NULL;
        return no_memory(file->path, error);
    }
    status = json_file_load(file->config_path, CONFIG_BYTES_MAX, 0, &file->config, error);
    if (status != QUIRE_OK)
        return status;
    if (asprintf(&single, "%s/model.safetensors", file->path) < 0)
        return no_memory(file->path, error);
    if (stat(single, &info) == 0)
        return open_single(file, single, error);
    free(single);
    if (asprintf(&index, "%s/model.safetensors.index.json", file->path) < 0)
        return no_memory(file->path, error);
    if (stat(index, &info) == 0)
        return open_index(file, index, error);
    free(index);
    return quire_fail(error, QUIRE_NOT_FOUND, "%s: holds neither model.safetensors nor model.safetensors.index.json",
                      file->path);
}

/* ---- any --------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t text_bytes = strlen(text), end_bytes = strlen(end);

    return text_bytes >= end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

enum quire_status model_file_open(const char *path, struct model_file **out, struct quire_error *error)
{
    struct model_file *file = calloc(1, sizeof *file);
    struct stat info;
    enum quire_status status;
    char *single;

    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        return no_memory(path, error);
    }
    for (size_t bytes = strlen(file->path); bytes > 1 && file->path[bytes - 1] == '/'; bytes--)
        file->path[bytes - 1] = '\0';
    if (stat(path, &info) != 0) {
        status = quire_fail(error, errno == ENOENT || errno == ENOTDIR ? QUIRE_NOT_FOUND : QUIRE_IO, "%s: %s", path,
                            strerror(errno));
    } else if (S_ISDIR(info.st_mode)) {
        status = open_directory(file, error);
    } else if (ends_with(path, ".safetensors")) {
        file->format = MODEL_SAFETENSORS;
        single = strdup(path);
        status = single == NULL ? no_memory(path, error) : open_single(file, single, error);
    } else {
        status = open_gguf(file, error); /* whatever its name: the magic number decides */
    }
    if (status != QUIRE_OK) {
        model_file_close(file);
        return status;
    }
    sort_tensors(file);
    *out = file;
    return QUIRE_OK;
}

void model_file_close(struct model_file *file)
{
    if (file == NULL)
        return;
    for (uint32_t i = 0; i < file->path_count; i++) {
        if (file->shards != NULL)
            safetensors_close(file->shards[i]);
        free(file->paths[i]);
    }
    gguf_close(file->gguf);
    json_decref(file->config);
    free(file->shards);
    free(file->paths);
    free(file->tensors);
    free(file->names);
    free(file->config_path);
    free(file->path);
    free(file);
}
