/* What the HTTP server's own files share: http.c has the library and its threads, http_body.c what arrives, http_work.c
 * what takes time, sse.c what is streamed. */
#ifndef QUIRE_HTTP_PRIVATE_H
#define QUIRE_HTTP_PRIVATE_H

#include "exchange.h"
#include "generation.h"
#include "http.h"
#include "text_worker.h"
#include "wake.h"

struct MHD_Connection;
struct MHD_Daemon;

enum exchange_state {
    EXCHANGE_RECEIVING, /* the body is on its way */
    EXCHANGE_PREPARING, /* the text worker has it */
    EXCHANGE_PREPARED,  /* the handler has run */
    EXCHANGE_WAITING,   /* for the generation to finish */
    EXCHANGE_COMPOSING, /* the text worker writes the whole answer */
    EXCHANGE_COMPOSED,
    EXCHANGE_STREAMING,
    EXCHANGE_ANSWERED,  /* a response is queued */
};

struct http_exchange {
    struct exchange exchange;
    struct http_connection *connection;
    _Atomic enum exchange_state state; /* the text worker takes it from -ING to -ED, an HTTP thread else */
    bool discard;                      /* the reply is decided: the body is read and dropped */
    bool cut;                          /* ... and was sent past microhttpd, for the body does not end */
    bool counted;                      /* in server->answering */
    size_t received_bytes;
    size_t reply_bytes; /* in server->reply_bytes_held */
    size_t held_bytes; /* of the body, in server->body_bytes_held */
    struct text_job job;
    struct json_out stream; /* bytes for the client, from `stream_at` not yet taken */
    size_t stream_at;
    uint64_t heartbeat_ns; /* when the client gets a sign of life */
    uint64_t start_ns;
};

struct http_connection { /* one per TCP connection, as long as it lives */
    struct waiter waiter; /* first: a waiter is a connection */
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_exchange *current; /* NULL between requests */
    _Atomic bool served;           /* has answered a request before; the waker looks */
};

struct http_server {
    struct http_options options;
    struct MHD_Daemon *daemon;
    struct waker *waker;
    struct text_worker *worker;
    uint32_t port;
    _Atomic uint32_t answering;     /* requests between their last byte and that of their answer */
    _Atomic size_t reply_bytes_held; /* of all whole answers that are not sent to the end */
    _Atomic size_t body_bytes_held; /* of all requests that are being received or parsed */
};

/* The connection ends after so many seconds; 0: never. */
void deadline_set(struct http_connection *connection, uint64_t seconds);

/* Takes the next bytes of the body. May decide the reply; then what still comes is dropped. */
void body_collect(struct http_exchange *exchange, const char *bytes, size_t count);
void body_release(struct http_exchange *exchange);
/* An error object straight to the socket, past microhttpd, which answers complete requests only. */
void raw_answer(int descriptor, const char *status, const char *message, const char *code);

/* Runs the handler: it fills the reply, or leaves a generation. */
void exchange_prepare(struct http_exchange *exchange);
/* Writes the whole answer of a finished generation. */
void exchange_compose(struct http_exchange *exchange);
/* Either, on the text worker; wakes the connection then. */
void exchange_job_run(struct text_job *job);

/* Queues the response that streams the exchange's generation. False: the connection is to be closed. */
bool sse_respond(struct http_exchange *exchange);

#endif
