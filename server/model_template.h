/* The chat templates that a model is served with. */
#ifndef QUIRE_MODEL_TEMPLATE_H
#define QUIRE_MODEL_TEMPLATE_H

#include "jinja/jinja.h"
#include "service.h"

struct model_templates {
    struct chat_template chat;
    struct chat_template tools; /* the one named "tool_use", for requests with tools; unset: `chat` serves those too */
};

/* Compiles the file at `path` for all requests, or where that is NULL the model's own templates. One of the model's own
 * that cannot be compiled is logged and noted in `problem`, since such a model still completes. A file must exist and
 * compile: QUIRE_IO, or as jinja_compile. `out` is zero before. */
QUIRE_NODISCARD enum quire_status model_templates_load(const char *path, const struct tokenizer *tokenizer,
                                                       struct model_templates *out, struct quire_error *error);
void model_templates_deinit(struct model_templates *templates);
/* The template for requests with tools. */
const struct chat_template *model_templates_tools(const struct model_templates *templates);

/* Compiles a file. Errors name it. */
QUIRE_NODISCARD enum quire_status template_file_compile(const char *path, struct jinja_template **out,
                                                        struct quire_error *error);

#endif
