/* The table of errors. Pure; any thread. */
#include "api_error.h"

#include <assert.h>

#define INVALID "invalid_request_error"

static const struct {
    unsigned http_status, retry_after_s;
    const char *type, *code;
} table[ERROR_KIND_COUNT] = {
    [ERROR_BAD_REQUEST] = {400, 0, INVALID, "bad_request"},
    [ERROR_INVALID_JSON] = {400, 0, INVALID, "invalid_json"},
    [ERROR_INVALID_VALUE] = {400, 0, INVALID, "invalid_value"},
    [ERROR_INVALID_TYPE] = {400, 0, INVALID, "invalid_type"},
    [ERROR_MISSING] = {400, 0, INVALID, "missing_required_parameter"},
    [ERROR_UNSUPPORTED] = {400, 0, INVALID, "unsupported_parameter"},
    [ERROR_INVALID_SCHEMA] = {400, 0, INVALID, "invalid_schema"},
    [ERROR_CONTEXT_LENGTH] = {400, 0, INVALID, "context_length_exceeded"},
    [ERROR_INVALID_KEY] = {401, 0, INVALID, "invalid_api_key"},
    [ERROR_MODEL_NOT_FOUND] = {404, 0, INVALID, "model_not_found"},
    [ERROR_NOT_FOUND] = {404, 0, INVALID, "not_found"},
    [ERROR_METHOD] = {405, 0, INVALID, "method_not_allowed"},
    [ERROR_TOO_LARGE] = {413, 0, INVALID, "request_too_large"},
    [ERROR_MEDIA_TYPE] = {415, 0, INVALID, "unsupported_media_type"},
    [ERROR_NOT_IMPLEMENTED] = {501, 0, INVALID, "not_implemented"},
    [ERROR_VERSION] = {505, 0, INVALID, "http_version_not_supported"},
    [ERROR_BUSY] = {429, 1, "rate_limit_error", "rate_limit_exceeded"},
    [ERROR_DRAINING] = {503, 5, "server_error", "server_shutting_down"},
    [ERROR_LOADING] = {503, 1, "server_error", "model_loading"},
    [ERROR_MEMORY] = {503, 1, "server_error", "out_of_memory"},
    [ERROR_INTERNAL] = {500, 0, "server_error", "internal_error"},
};

static const enum error_kind of_status[] = {
    [QUIRE_INVALID] = ERROR_INVALID_VALUE, [QUIRE_NOT_FOUND] = ERROR_NOT_FOUND,
    [QUIRE_TOO_LONG] = ERROR_CONTEXT_LENGTH, [QUIRE_BUSY] = ERROR_BUSY,
    [QUIRE_DRAINING] = ERROR_DRAINING,     [QUIRE_NO_BLOCKS] = ERROR_BUSY,
    [QUIRE_NO_MEMORY] = ERROR_MEMORY,      [QUIRE_IO] = ERROR_INTERNAL,
    [QUIRE_BAD_FILE] = ERROR_INTERNAL,     [QUIRE_UNSUPPORTED] = ERROR_INVALID_VALUE,
    [QUIRE_LIMIT] = ERROR_INVALID_VALUE,   [QUIRE_CANCELLED] = ERROR_INTERNAL,
};

bool api_fail(struct api_error *error, enum error_kind kind, const char *param, const char *format, ...)
{
    va_list arguments;

    error->kind = kind;
    snprintf(error->param, sizeof error->param, "%s", param != NULL ? param : "");
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool api_fail_status(struct api_error *error, enum quire_status status, const char *param, const struct quire_error *cause)
{
    assert(status > QUIRE_OK && (size_t)status < sizeof of_status / sizeof of_status[0]);
    return api_fail(error, of_status[status], param, "%s", cause->message);
}

unsigned error_http_status(enum error_kind kind)
{
    assert(kind > ERROR_NONE && kind < ERROR_KIND_COUNT);
    return table[kind].http_status;
}

unsigned error_retry_after_s(enum error_kind kind)
{
    return table[kind].retry_after_s;
}

void error_write(struct json_out *out, const struct api_error *error)
{
    out_raw(out, "{\"error\":{\"message\":");
    out_text(out, error->message);
    out_raw(out, ",\"type\":");
    out_text(out, table[error->kind].type);
    out_raw(out, ",\"param\":");
    out_text(out, error->param[0] != '\0' ? error->param : NULL);
    out_raw(out, ",\"code\":");
    out_text(out, table[error->kind].code);
    out_raw(out, "}}");
}
