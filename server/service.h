/* What all endpoints share: the model once it is loaded, and whether the server is shutting down. */
#ifndef QUIRE_SERVICE_H
#define QUIRE_SERVICE_H

#include "engine_limits.h"
#include "scheduler.h"
#include "status.h"
#include "tokenizer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct jinja_template;

struct chat_template {
    struct jinja_template *program; /* NULL: there is none, or none that can be used */
    struct quire_error problem;     /* why it cannot be used; empty where there is none */
    bool developer_known;           /* it tells the role "developer" from others */
};

struct served_model { /* immutable; everything in it outlives the HTTP server */
    struct scheduler *scheduler;
    const struct tokenizer *tokenizer;
    const struct engine_limits *limits;
    const struct chat_template *chat_template;       /* without a program chat is a 400 */
    const struct chat_template *chat_tools_template; /* for requests with tools; may be the same */
    bool special_tokens_in_content;
    uint32_t token_bytes_max; /* of prompt_bound_probe */
};

struct service {
    const char *model_name, *version;
    int64_t created_s;                           /* seconds since 1970, for /v1/models */
    _Atomic(const struct served_model *) model;  /* NULL while it loads */
    _Atomic bool draining;                       /* new work is refused */
};

#endif
