/* What is wrong with a request's header before anybody asks what it wants. */
#ifndef QUIRE_HTTP_FRAMING_H
#define QUIRE_HTTP_FRAMING_H

#include "api_error.h"

#include <stdbool.h>

struct header_facts {
    unsigned hosts, lengths; /* how many such headers there are */
    const char *transfer_encoding, *content_length, *content_type, *authorization; /* the last of each; NULL: none */
};

/* The message's framing (RFC 9112). False with `error` filled: nothing that follows on this connection can be trusted.
 * */
bool framing_check(const struct header_facts *facts, const char *version, struct api_error *error);
/* Whether a body's Content-Type (may be NULL) is JSON. */
bool media_type_check(const char *type, struct api_error *error);

#endif
