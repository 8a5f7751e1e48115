/* The table of endpoints. Pure; any thread. */
#include "exchange.h"

#include <string.h>

static const struct route routes[] = {
    {"GET", "/health", true, api_health},
    {"GET", "/metrics", false, api_metrics},
    {"GET", "/version", false, api_version},
    {"GET", "/v1/models", false, api_models},
    {"GET", "/v1/models/", false, api_model},
    {"POST", "/v1/completions", false, api_completions},
    {"POST", "/v1/chat/completions", false, api_chat},
    {"POST", "/tokenize", false, api_tokenize},
    {"POST", "/detokenize", false, api_detokenize},
};

/* Whether a path climbs with "..": no endpoint means that. */
static bool path_climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return true;
    return false;
}

const struct route *router_find(const char *method, const char *path, const char **rest, const char **allow,
                                struct api_error *error)
{
    *allow = NULL;
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && !path_climbs(path); i++) {
        size_t count = strlen(routes[i].path);
        bool below = routes[i].path[count - 1] == '/';

        if (below ? strncmp(path, routes[i].path, count) != 0 || path[count] == '\0' : strcmp(path, routes[i].path) != 0)
            continue;
        if (strcmp(method, routes[i].method) == 0) {
            *rest = below ? path + count : NULL;
            return &routes[i];
        }
        *allow = routes[i].method;
    }
    if (*allow != NULL)
        api_fail(error, ERROR_METHOD, NULL, "%.100s answers %s only", path, *allow);
    else
        api_fail(error, ERROR_NOT_FOUND, NULL, "there is no %.10s %.200s here", method, path);
    return NULL;
}

void exchange_fail(struct exchange *exchange, const struct api_error *error)
{
    struct reply *reply = &exchange->reply;

    reply->status = error_http_status(error->kind);
    reply->retry_after_s = error_retry_after_s(error->kind);
    reply->close = reply->close || error->kind == ERROR_DRAINING;
    json_out_clear(&reply->body);
    error_write(&reply->body, error);
}

const struct served_model *exchange_model(struct exchange *exchange, bool new_work)
{
    const struct served_model *model = atomic_load_explicit(&exchange->service->model, memory_order_acquire);
    struct api_error error;

    if (new_work && atomic_load(&exchange->service->draining))
        api_fail(&error, ERROR_DRAINING, NULL, "the server is shutting down");
    else if (model == NULL)
        api_fail(&error, ERROR_LOADING, NULL, "the model is still loading");
    else
        return model;
    exchange_fail(exchange, &error);
    return NULL;
}
