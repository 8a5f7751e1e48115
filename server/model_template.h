/* The chat template that a model is served with. */
#ifndef QUIRE_MODEL_TEMPLATE_H
#define QUIRE_MODEL_TEMPLATE_H

#include "jinja/jinja.h"

/* Compiles the file at `path`, or where that is NULL the model's own template. `*out` stays NULL where there is none, and where
 * the model's own cannot be compiled: that is logged, since such a model still completes. A file must exist and compile:
 * QUIRE_IO, or as jinja_compile. */
QUIRE_NODISCARD enum quire_status model_template_load(const char *path, const struct tokenizer *tokenizer,
                                                      struct jinja_template **out, struct quire_error *error);

/* Compiles a file. Errors name it. */
QUIRE_NODISCARD enum quire_status template_file_compile(const char *path, struct jinja_template **out,
                                                        struct quire_error *error);

#endif
