/* Checks of a request's header that need no socket. Pure; any thread. */
#include "http_framing.h"

#include <string.h>
#include <strings.h>

bool framing_check(const struct header_facts *facts, const char *version, struct api_error *error)
{
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return api_fail(error, ERROR_VERSION, NULL, "this server speaks HTTP/1.1, not %.20s", version);
    if (facts->hosts > 1 || (facts->hosts == 0 && strcmp(version, "HTTP/1.1") == 0))
        return api_fail(error, ERROR_BAD_REQUEST, NULL, "a request has one Host header, not %u", facts->hosts);
    if (facts->transfer_encoding != NULL && strcasecmp(facts->transfer_encoding, "chunked") != 0)
        return api_fail(error, ERROR_NOT_IMPLEMENTED, NULL, "the transfer encoding '%.60s' is not known here",
                        facts->transfer_encoding);
    if (facts->lengths > 1 || (facts->lengths > 0 && facts->transfer_encoding != NULL))
        return api_fail(error, ERROR_BAD_REQUEST, NULL, "the request states its length more than once");
    for (const char *digit = facts->content_length; digit != NULL && *digit != '\0'; digit++)
        if (*digit < '0' || *digit > '9')
            return api_fail(error, ERROR_BAD_REQUEST, NULL, "Content-Length is '%.40s', which is no number",
                            facts->content_length);
    return true;
}

bool media_type_check(const char *type, struct api_error *error)
{
    static const char json[] = "application/json";

    if (type == NULL || (strncasecmp(type, json, sizeof json - 1) == 0 && strchr("; \t", type[sizeof json - 1]) != NULL))
        return true;
    return api_fail(error, ERROR_MEDIA_TYPE, NULL, "the body must be application/json, not '%.60s'", type);
}
