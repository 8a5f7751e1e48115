/* Errors as OpenAI's object: {"error":{"message","type","param","code"}}. One table maps each kind to its HTTP status, type
 * and code, and a second one the other rooms' quire_status to a kind. */
#ifndef QUIRE_API_ERROR_H
#define QUIRE_API_ERROR_H

#include "reply_json.h"
#include "status.h"

enum error_kind {
    ERROR_NONE = 0,
    ERROR_BAD_REQUEST, /* the HTTP message itself is wrong */
    ERROR_INVALID_JSON,
    ERROR_INVALID_VALUE,
    ERROR_INVALID_TYPE,
    ERROR_MISSING,
    ERROR_UNSUPPORTED, /* a field that this build does not know */
    ERROR_INVALID_SCHEMA,
    ERROR_CONTEXT_LENGTH,
    ERROR_INVALID_KEY,
    ERROR_MODEL_NOT_FOUND,
    ERROR_NOT_FOUND,
    ERROR_METHOD,
    ERROR_TOO_LARGE,
    ERROR_MEDIA_TYPE,
    ERROR_NOT_IMPLEMENTED,
    ERROR_VERSION,
    ERROR_BUSY,
    ERROR_DRAINING,
    ERROR_LOADING,
    ERROR_MEMORY,
    ERROR_INTERNAL,
    ERROR_KIND_COUNT
};

struct api_error {
    enum error_kind kind;
    char param[96]; /* the field; empty: null */
    char message[QUIRE_ERROR_BYTES];
};

/* Fills `error` and returns false, so that a parser's `return api_fail(...)` reads. `param` may be NULL. */
QUIRE_PRINTF(4, 5)
bool api_fail(struct api_error *error, enum error_kind kind, const char *param, const char *format, ...);
/* The same from another room's status and sentence. */
bool api_fail_status(struct api_error *error, enum quire_status status, const char *param, const struct quire_error *cause);

unsigned error_http_status(enum error_kind kind);
/* Seconds for Retry-After; 0: no such header. */
unsigned error_retry_after_s(enum error_kind kind);
void error_write(struct json_out *out, const struct api_error *error); /* the whole object */

#endif
