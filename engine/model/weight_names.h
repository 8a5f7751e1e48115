/* What files call the weights. A naming is a table; which one a file follows shows in its tensors, not in its model's
 * name. */
#ifndef QUIRE_WEIGHT_NAMES_H
#define QUIRE_WEIGHT_NAMES_H

#include "model_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weight_role {
    WEIGHT_EMBEDDING,
    WEIGHT_POSITIONS,
    WEIGHT_FINAL_NORM,
    WEIGHT_HEAD,
    WEIGHT_ATTENTION_NORM,
    WEIGHT_QUERY,
    WEIGHT_KEY,
    WEIGHT_VALUE,
    WEIGHT_QKV,
    WEIGHT_QUERY_NORM,
    WEIGHT_KEY_NORM,
    WEIGHT_OUT,
    WEIGHT_FFN_NORM,
    WEIGHT_GATE,
    WEIGHT_UP,
    WEIGHT_DOWN,
    WEIGHT_ROLE_COUNT
};

struct weight_naming {
    /* Without ".weight" or ".bias"; '*' stands for the layer's number. NULL: no such weight in this naming. */
    const char *pattern[WEIGHT_ROLE_COUNT];
    /* Linear layers are stored [inputs][outputs] (GPT-2's Conv1D). */
    bool transposed;
    /* Tensors that carry no weights, as fnmatch patterns; the last is NULL. */
    const char *ignored[6];
};

/* Finds the naming whose embedding the file holds. NULL where none fits. */
const struct weight_naming *weight_naming_find(const struct model_file *file);

/* Writes the name of a role's tensor in `layer` (ignored where the pattern has no '*'). `ending` is ".weight" or
 * ".bias". False where the naming has no such weight. */
#define WEIGHT_NAME_BYTES 128u
bool weight_name(const struct weight_naming *naming, enum weight_role role, uint32_t layer, const char *ending,
                 char name[WEIGHT_NAME_BYTES]);

bool weight_is_ignored(const struct weight_naming *naming, const char *name);

#endif
