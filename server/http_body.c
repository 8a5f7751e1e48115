/* The body of a request while it arrives: collected within its bounds, or refused and dropped. Thread: the HTTP thread
 * of the connection; body_release also on the text worker. */
#include "http_private.h"

#include <sys/socket.h>

#define BODIES_HELD_MAX 8u /* times the longest body: what all bodies together may take */

void body_release(struct http_exchange *exchange)
{
    atomic_fetch_sub(&exchange->connection->server->body_bytes_held, exchange->held_bytes);
    exchange->held_bytes = 0;
    json_out_deinit(&exchange->exchange.body);
}

/* Past microhttpd, which answers complete requests only. */
void raw_answer(int descriptor, const char *status, const char *message, const char *code)
{
    char body[256], answer[512];
    int body_bytes, bytes;

    body_bytes = snprintf(body, sizeof body,
                          "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,"
                          "\"code\":\"%s\"}}", message, code);
    bytes = snprintf(answer, sizeof answer,
                     "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%s", status, body_bytes, body);
    (void)!send(descriptor, answer, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Decides the reply in the middle of a body, whose rest is then dropped. */
static void body_refuse(struct http_exchange *exchange, const struct api_error *error)
{
    exchange->exchange.reply.close = true;
    exchange_fail(&exchange->exchange, error);
    exchange->discard = true;
    body_release(exchange);
}

/* A body that does not end: the answer cannot wait for it. The connection lives on for a moment in which what comes is
 * read, or the reset of an early close would take the answer with it. */
static void body_cut(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    exchange->cut = true;
    atomic_store(&connection->served, true); /* no second answer when the time is over */
    raw_answer(connection->waiter.descriptor, "413 Content Too Large", "the body is far longer than this server takes",
               "request_too_large");
    shutdown(connection->waiter.descriptor, SHUT_WR);
    deadline_set(connection, 1);
}

void body_collect(struct http_exchange *exchange, const char *bytes, size_t count)
{
    struct http_server *server = exchange->connection->server;
    size_t limit = server->options.body_bytes_max;
    struct api_error error;

    exchange->received_bytes += count;
    if (exchange->received_bytes / 2 > limit && !exchange->cut)
        body_cut(exchange);
    if (exchange->discard)
        return;
    if (exchange->received_bytes > limit) {
        api_fail(&error, ERROR_TOO_LARGE, NULL, "the body is longer than %zu bytes", limit);
        body_refuse(exchange, &error);
        return;
    }
    exchange->held_bytes += count;
    if (atomic_fetch_add(&server->body_bytes_held, count) + count > BODIES_HELD_MAX * limit) {
        api_fail(&error, ERROR_BUSY, NULL, "too many long requests at once");
        body_refuse(exchange, &error);
        return;
    }
    out_raw_bytes(&exchange->exchange.body, bytes, count);
}
