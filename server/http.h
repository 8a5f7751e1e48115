/* The HTTP server: sockets, threads and framing around the endpoints of exchange.h. Implemented on libmicrohttpd in http.c and
 * sse.c. */
#ifndef QUIRE_HTTP_H
#define QUIRE_HTTP_H

#include "service.h"
#include "status.h"

struct http_server;

struct http_options {
    const char *host; /* a name or address */
    uint32_t port;    /* 0: any free one */
    uint32_t thread_count, connection_max;
    uint32_t client_timeout_s;
    size_t body_bytes_max;
    const char *api_key; /* NULL: none is asked for */
    struct service *service;
};

/* Listens and answers from here on. QUIRE_IO, QUIRE_NO_MEMORY. The options' pointers outlive the server. */
QUIRE_NODISCARD enum quire_status http_open(const struct http_options *options, struct http_server **out,
                                            struct quire_error *error);
uint32_t http_port(const struct http_server *server);
/* The scheduler made progress. Never blocks; any thread. */
void http_wake(struct http_server *server);
/* Requests that have arrived and are not answered to the end. Any thread. */
uint32_t http_answering(const struct http_server *server);
/* Ends all connections; running generations are cancelled. NULL is allowed. */
void http_close(struct http_server *server);

#endif
