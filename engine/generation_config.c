/* Reads generation_config.json. Main thread, at open. Like vLLM, `do_sample` is not looked at. */
#include "generation_config.h"

#include "container/json_file.h"

#include <linux/limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

struct field {
    const char *name;
    double least, most;
    float *target;
};

static enum quire_status read_number(const char *path, const json_t *root, const struct field *field,
                                     struct quire_error *error)
{
    const json_t *value = json_object_get(root, field->name);
    double number = json_number_value(value);

    *field->target = NAN;
    if (value == NULL || json_is_null(value))
        return QUIRE_OK;
    if (!json_is_number(value) || !(number >= field->least && number <= field->most))
        return quire_fail(error, QUIRE_BAD_FILE, "%s: %s must be a number from %g to %g", path, field->name,
                          field->least, field->most);
    *field->target = (float)number;
    return QUIRE_OK;
}

enum quire_status generation_config_read(const char *model_path, struct engine_limits *limits,
                                         struct quire_error *error)
{
    float top_k = NAN;
    const struct field fields[] = {{"temperature", 0, 100, &limits->sampling.temperature},
                                   {"top_p", 0, 1, &limits->sampling.top_p},
                                   {"min_p", 0, 1, &limits->sampling.min_p},
                                   {"repetition_penalty", 1e-3, 100, &limits->sampling.repetition_penalty},
                                   {"top_k", -1, 1e6, &top_k}};
    enum quire_status status = QUIRE_OK;
    char path[PATH_MAX];
    json_t *root = NULL;

    if ((size_t)snprintf(path, sizeof path, "%s/generation_config.json", model_path) >= sizeof path)
        return quire_fail(error, QUIRE_INVALID, "the model's path is longer than %d bytes", PATH_MAX);
    if (access(path, F_OK) == 0) {
        status = json_file_load(path, FILE_BYTES_MAX, 0, &root, error);
        if (status != QUIRE_OK)
            return status;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && status == QUIRE_OK; i++)
        status = read_number(path, root, &fields[i], error);
    limits->sampling.top_k = top_k >= 1 ? (uint32_t)top_k : 0;
    json_decref(root);
    return status;
}
