/* What takes time in answering: handlers, and the writing of whole answers. Thread: the HTTP thread of the connection,
 * or the text worker while the connection sleeps. */
#include "http_private.h"

#include <stddef.h>

#define REPLY_LONG_BYTES 65536u
#define REPLIES_HELD_MAX 536870912u /* with more in memory that nobody takes, no further long answer is kept */

/* Counts the answer among those that wait for their clients; where too much does already, a refusal takes its place. */
static void reply_hold(struct http_exchange *exchange)
{
    _Atomic size_t *held = &exchange->connection->server->reply_bytes_held;
    struct reply *reply = &exchange->exchange.reply;
    struct api_error error;

    if (reply->body.text.count > REPLY_LONG_BYTES && atomic_load(held) > REPLIES_HELD_MAX) {
        json_out_deinit(&reply->body);
        api_fail(&error, ERROR_BUSY, NULL, "too many long answers are waiting for their clients to take them");
        exchange_fail(&exchange->exchange, &error);
    }
    exchange->reply_bytes = reply->body.text.count;
    atomic_fetch_add(held, exchange->reply_bytes);
}

void exchange_prepare(struct http_exchange *exchange)
{
    exchange->exchange.route->handler(&exchange->exchange);
    body_release(exchange);
    if (exchange->exchange.generation == NULL)
        reply_hold(exchange);
}

void exchange_compose(struct http_exchange *exchange)
{
    struct reply *reply = &exchange->exchange.reply;
    struct api_error error;

    reply->status = 200;
    if (!generation_write_reply(exchange->exchange.generation, &reply->body, &error))
        exchange_fail(&exchange->exchange, &error);
    reply_hold(exchange);
}

static void job_set_done(struct waiter *waiter)
{
    struct http_exchange *exchange = ((struct http_connection *)waiter)->current;

    atomic_store(&exchange->state,
                 atomic_load(&exchange->state) == EXCHANGE_PREPARING ? EXCHANGE_PREPARED : EXCHANGE_COMPOSED);
}

void exchange_job_run(struct text_job *job)
{
    struct http_exchange *exchange = (struct http_exchange *)((char *)job - offsetof(struct http_exchange, job));
    struct http_connection *connection = exchange->connection;
    struct waker *waker = connection->server->waker;

    if (atomic_load(&connection->waiter.gone))
        body_release(exchange); /* nobody is there: others wait */
    else if (atomic_load(&exchange->state) == EXCHANGE_PREPARING)
        exchange_prepare(exchange);
    else
        exchange_compose(exchange);
    waker_wake(waker, &connection->waiter, job_set_done); /* from here on the HTTP thread may free all this */
}
