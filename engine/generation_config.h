/* generation_config.json: the sampling defaults that a model's makers recommend. */
#ifndef QUIRE_GENERATION_CONFIG_H
#define QUIRE_GENERATION_CONFIG_H

#include "engine_limits.h"
#include "status.h"

/* Sets limits->sampling from the file beside the model in `model_path`; unset (NAN or 0) where `model_path` is no
 * directory, holds no such file, or the file leaves a field out or null. QUIRE_BAD_FILE names the field. */
QUIRE_NODISCARD enum quire_status generation_config_read(const char *model_path, struct engine_limits *limits,
                                                         struct quire_error *error);

#endif
