/* One HTTP request and its answer, as endpoints see it: without sockets and threads. http.c owns it. A handler fills
 * `reply`, or leaves a running `generation`, whose tokens http.c then streams or waits for. Handlers run on an HTTP
 * thread or, for long bodies, on the text worker; one at a time per exchange. */
#ifndef QUIRE_EXCHANGE_H
#define QUIRE_EXCHANGE_H

#include "api_error.h"
#include "reply_json.h"
#include "service.h"

struct generation;
struct exchange;

struct route {
    const char *method;
    const char *path;      /* ends in '/': also everything below it */
    bool open;             /* answered without the API key */
    void (*handler)(struct exchange *exchange);
};

struct reply {
    unsigned status;          /* 0: none yet */
    const char *content_type; /* NULL: application/json */
    const char *allow;        /* the header Allow of a 405 */
    unsigned retry_after_s;
    bool close; /* the connection ends after this */
    struct json_out body;
};

struct exchange {
    struct service *service;
    const struct route *route;
    char *path_rest; /* what follows a route's path that ends in '/'; owned; NULL for others */
    struct json_out body; /* http.c's: gone once the handler has run */
    struct reply reply;
    struct generation *generation; /* owned */
};

/* Ends the exchange with an error object. */
void exchange_fail(struct exchange *exchange, const struct api_error *error);
/* The model, or NULL after the reply was filled: still loading, or (for new work) shutting down. */
const struct served_model *exchange_model(struct exchange *exchange, bool new_work);

/* The route of a method and path. NULL with `error` filled: 404, or 405 with `*allow`. `*rest` leads into `path`. */
const struct route *router_find(const char *method, const char *path, const char **rest, const char **allow,
                                struct api_error *error);

/* Handlers. */
void api_health(struct exchange *exchange);
void api_metrics(struct exchange *exchange);
void api_version(struct exchange *exchange);
void api_models(struct exchange *exchange);
void api_model(struct exchange *exchange);
void api_completions(struct exchange *exchange);
void api_chat(struct exchange *exchange);
void api_tokenize(struct exchange *exchange);
void api_detokenize(struct exchange *exchange);

#endif
