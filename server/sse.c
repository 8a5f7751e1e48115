/* Server-sent events: microhttpd asks for bytes, and gets what the generation has; when it has nothing the connection
 * sleeps until the waker knows better. Runs on the HTTP thread of its connection. A reader that returned 0 without
 * having suspended would be asked again at once, forever. */
#include "http_private.h"

#include <microhttpd.h>
#include <string.h>

#define HEARTBEAT_NS 10000000000u

/* Fills exchange->stream with what is new. False: the stream cannot go on. */
static bool stream_fill(struct http_exchange *exchange, uint64_t now_ns)
{
    json_out_clear(&exchange->stream);
    exchange->stream_at = 0;
    if (!generation_write_stream(exchange->exchange.generation, &exchange->stream))
        return false;
    if (exchange->stream.text.count == 0 && now_ns >= exchange->heartbeat_ns)
        out_raw(&exchange->stream, ": still working\n\n"); /* a comment: proxies and clients see life */
    if (exchange->stream.text.count > 0)
        exchange->heartbeat_ns = now_ns + HEARTBEAT_NS;
    return !exchange->stream.failed;
}

static ssize_t stream_read(void *context, uint64_t position, char *buffer, size_t buffer_bytes)
{
    struct http_exchange *exchange = context;
    struct http_connection *connection = exchange->connection;
    size_t count;

    (void)position;
    while (exchange->stream_at == exchange->stream.text.count) {
        if (exchange->exchange.generation->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (atomic_load(&connection->waiter.gone) || !stream_fill(exchange, waker_now_ns()))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (exchange->stream.text.count > 0)
            break;
        if (waker_sleep(connection->server->waker, &connection->waiter, exchange->heartbeat_ns))
            return 0;
        if (waker_refuses(connection->server->waker))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    count = exchange->stream.text.count - exchange->stream_at;
    if (count > buffer_bytes)
        count = buffer_bytes;
    memcpy(buffer, exchange->stream.text.bytes + exchange->stream_at, count);
    exchange->stream_at += count;
    return (ssize_t)count;
}

bool sse_respond(struct http_exchange *exchange)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, stream_read, exchange, NULL);
    enum MHD_Result result;

    if (response == NULL)
        return false;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    exchange->heartbeat_ns = waker_now_ns() + HEARTBEAT_NS;
    atomic_store(&exchange->state, EXCHANGE_STREAMING);
    exchange->exchange.reply.status = MHD_HTTP_OK;
    result = MHD_queue_response(exchange->connection->mhd, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result == MHD_YES;
}
