/* A model file -> struct arch: chooses the reader and checks what holds for every family. Any thread. */
#include "arch_config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum quire_status arch_check_heads(const struct arch *arch, const char *path, struct quire_error *error)
{
    uint32_t heads = arch->attention.query_heads, kv_heads = arch->attention.kv_heads, dim = arch->attention.head_dim;

    if (heads % kv_heads != 0)
        return quire_fail(error, QUIRE_BAD_FILE, "%s: %u query heads are not a multiple of %u key and value heads",
                          path, heads, kv_heads);
    if ((uint64_t)heads * dim > ARCH_WIDTH_MAX)
        return quire_fail(error, QUIRE_BAD_FILE, "%s: %u heads of %u dimensions are wider than %u", path, heads, dim,
                          ARCH_WIDTH_MAX);
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status check(const struct arch *arch, const char *path, struct quire_error *error)
{
    if (arch->position.kind == POSITION_ROPE && arch->position.rope.dims % 2 != 0)
        return quire_fail(error, QUIRE_BAD_FILE, "%s: heads of %u rotary dimensions are not even", path,
                          arch->position.rope.dims);
    if (!(arch->norm.epsilon > 0 && arch->norm.epsilon < 1))
        return quire_fail(error, QUIRE_BAD_FILE, "%s: the norm's epsilon is %g, not between 0 and 1", path,
                          (double)arch->norm.epsilon);
    if (!(arch->attention.scale > 0 && isfinite(arch->attention.scale)))
        return quire_fail(error, QUIRE_BAD_FILE, "%s: the attention scale is %g", path, (double)arch->attention.scale);
    return QUIRE_OK;
}

enum quire_status arch_from_file(const struct model_file *file, uint32_t model_len_max, struct arch *arch,
                                 struct quire_error *error)
{
    struct arch filled = {.embedding_scale = 1, .logit_scale = 1};
    enum quire_status status;

    if (model_len_max > ARCH_POSITIONS_MAX)
        return quire_fail(error, QUIRE_INVALID, "a model length of %u tokens is above %u", model_len_max,
                          ARCH_POSITIONS_MAX);
    switch (file->format) {
    case MODEL_DIRECTORY:
        status = arch_from_json(file, model_len_max, &filled, error);
        break;
    case MODEL_GGUF:
        status = arch_from_gguf(file, model_len_max, &filled, error);
        break;
    default:
        return quire_fail(error, QUIRE_INVALID, "%s: a lone safetensors file has no config.json; give its directory",
                          file->path);
    }
    if (status == QUIRE_OK)
        status = check(&filled, file->path, error);
    if (status == QUIRE_OK)
        *arch = filled;
    else
        arch_deinit(&filled);
    return status;
}

void arch_deinit(struct arch *arch)
{
    free(arch->position.rope.inverse_frequency);
    memset(arch, 0, sizeof *arch);
}
