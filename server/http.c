/* HTTP on libmicrohttpd: a pool of threads with an epoll each; a connection whose answer takes time is suspended and
 * costs nothing until the waker resumes it. microhttpd calls connection_notify when a TCP connection begins and ends,
 * and per request access_handler: once for the header, then for pieces of the body, then until there is a response.
 *
 * Threads: microhttpd's; one of them owns a connection for its whole life. The text worker runs handlers of long
 * bodies, and writes long answers, while their connection sleeps. The waker looks at sleeping connections under its
 * lock. */
#include "http_private.h"

#include "auth.h"
#include "http_framing.h"
#include "listen.h"
#include "log.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_BODY_BYTES 16384u      /* longer ones go to the text worker */
#define IDLE_WRITE_TIMEOUT_S 120u   /* a client that takes nothing for so long is gone */
#define SECOND_NS 1000000000u

/* ---- the waker's view -------------------------------------------------------------------------------------------- */

static bool connection_has_news(struct waiter *waiter)
{
    const struct http_connection *connection = (struct http_connection *)waiter;
    const struct http_exchange *exchange = connection->current;

    switch (atomic_load(&exchange->state)) {
    case EXCHANGE_PREPARING:
    case EXCHANGE_COMPOSING:
        return false;
    case EXCHANGE_WAITING:
        return atomic_load(&waiter->gone) || generation_finished(exchange->exchange.generation);
    case EXCHANGE_STREAMING:
        return atomic_load(&waiter->gone) || generation_has_news(exchange->exchange.generation);
    default:
        return true;
    }
}

static void connection_suspend(struct waiter *waiter)
{
    struct http_connection *connection = (struct http_connection *)waiter;
    enum exchange_state state = atomic_load(&connection->current->state);

    MHD_suspend_connection(connection->mhd);
    /* Under the lock, so that http_close misses no job. */
    if (state == EXCHANGE_PREPARING || state == EXCHANGE_COMPOSING)
        text_worker_submit(connection->server->worker, &connection->current->job);
}

static void connection_resume(struct waiter *waiter)
{
    MHD_resume_connection(((struct http_connection *)waiter)->mhd);
}

/* The client let its time pass. microhttpd has nothing to send to a connection whose request is not complete, so the
 * answer can be put on the wire here; a kept connection that is merely idle is closed without a word. */
static void connection_expire(struct waiter *waiter)
{
    if (!atomic_load(&((struct http_connection *)waiter)->served))
        raw_answer(waiter->descriptor, "408 Request Timeout", "the request took too long to arrive", "request_timeout");
    shutdown(waiter->descriptor, SHUT_RDWR);
}

static const struct waker_callbacks connection_callbacks = {connection_has_news, connection_suspend, connection_resume,
                                                            connection_expire};

void deadline_set(struct http_connection *connection, uint64_t seconds)
{
    waker_set_deadline(connection->server->waker, &connection->waiter,
                       seconds == 0 ? 0 : waker_now_ns() + seconds * SECOND_NS);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void connection_notify(void *context, struct MHD_Connection *mhd, void **socket_context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    struct http_connection *connection;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

        connection = info != NULL ? calloc(1, sizeof *connection) : NULL;
        if (connection == NULL)
            return; /* access_handler closes it */
        connection->server = server;
        connection->mhd = mhd;
        if (waker_add(server->waker, &connection->waiter, info->connect_fd) != QUIRE_OK) {
            free(connection);
            return;
        }
        deadline_set(connection, server->options.client_timeout_s);
        *socket_context = connection;
    } else if (*socket_context != NULL) {
        connection = *socket_context;
        waker_remove(server->waker, &connection->waiter);
        free(connection);
        *socket_context = NULL;
    }
}

static void exchange_completed(void *context, struct MHD_Connection *mhd, void **request_context,
                               enum MHD_RequestTerminationCode code)
{
    struct http_exchange *exchange = *request_context;
    struct http_connection *connection;

    (void)context, (void)mhd;
    if (exchange == NULL)
        return;
    connection = exchange->connection;
    log_event(exchange->exchange.generation != NULL ? LOG_INFO : LOG_DEBUG, "request_done",
              "id=%s path=%s status=%u complete=%s ms=%.1f",
              exchange->exchange.generation != NULL ? exchange->exchange.generation->id : "-",
              exchange->exchange.route != NULL ? exchange->exchange.route->path : "-", exchange->exchange.reply.status,
              code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "yes" : "no",
              (double)(waker_now_ns() - exchange->start_ns) / 1e6);
    if (exchange->counted)
        atomic_fetch_sub(&connection->server->answering, 1);
    generation_destroy(exchange->exchange.generation);
    atomic_fetch_sub(&connection->server->reply_bytes_held, exchange->reply_bytes);
    body_release(exchange);
    json_out_deinit(&exchange->exchange.reply.body);
    json_out_deinit(&exchange->stream);
    free(exchange->exchange.path_rest);
    free(exchange);
    *request_context = NULL;
    connection->current = NULL;
    atomic_store(&connection->served, true);
    deadline_set(connection, connection->server->options.client_timeout_s); /* for the next request */
}

/* ---- responses --------------------------------------------------------------------------------------------------- */

static enum MHD_Result reply_send(struct http_exchange *exchange)
{
    struct reply *reply = &exchange->exchange.reply;
    struct MHD_Response *response;
    enum MHD_Result result;
    char digits[16];

    if (reply->body.failed)
        return MHD_NO;
    response = MHD_create_response_from_buffer(reply->body.text.count, reply->body.text.bytes, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            reply->content_type != NULL ? reply->content_type : "application/json");
    if (reply->retry_after_s > 0) {
        snprintf(digits, sizeof digits, "%u", reply->retry_after_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, digits);
    }
    if (reply->allow != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    if (reply->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (reply->close)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    atomic_store(&exchange->state, EXCHANGE_ANSWERED);
    result = MHD_queue_response(exchange->connection->mhd, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* Leaves the exchange to the text worker; connection_suspend submits it. */
static enum MHD_Result job_start(struct http_exchange *exchange, enum exchange_state state)
{
    atomic_store(&exchange->state, state);
    exchange->job.run = exchange_job_run;
    return waker_sleep(exchange->connection->server->waker, &exchange->connection->waiter, 0) ? MHD_YES : MHD_NO;
}

/* Waits for a whole answer: asleep until the generation is finished or the client has gone. */
static enum MHD_Result answer_wait(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    atomic_store(&exchange->state, EXCHANGE_WAITING);
    if (waker_sleep(connection->server->waker, &connection->waiter, 0))
        return MHD_YES;
    if (atomic_load(&connection->waiter.gone) || !generation_finished(exchange->exchange.generation))
        return MHD_NO; /* nobody is there, or the server closes */
    if (generation_reply_is_long(exchange->exchange.generation))
        return job_start(exchange, EXCHANGE_COMPOSING);
    exchange_compose(exchange);
    return reply_send(exchange);
}

/* The handler has run, or the waiting has ended. */
static enum MHD_Result exchange_continue(struct http_exchange *exchange)
{
    if (atomic_load(&exchange->state) == EXCHANGE_COMPOSED || exchange->exchange.generation == NULL)
        return exchange->exchange.reply.status != 0 ? reply_send(exchange) : MHD_NO; /* none: the client has gone */
    if (exchange->exchange.generation->stream)
        return sse_respond(exchange) ? MHD_YES : MHD_NO;
    return answer_wait(exchange);
}

/* The request is complete. */
static enum MHD_Result exchange_start(struct http_exchange *exchange)
{
    deadline_set(exchange->connection, 0);
    exchange->counted = true;
    atomic_fetch_add(&exchange->connection->server->answering, 1);
    if (exchange->exchange.reply.status != 0)
        return reply_send(exchange);
    if (exchange->exchange.body.failed)
        return MHD_NO;
    if (exchange->exchange.body.text.count > LONG_BODY_BYTES)
        return job_start(exchange, EXCHANGE_PREPARING);
    exchange_prepare(exchange);
    atomic_store(&exchange->state, EXCHANGE_PREPARED);
    return exchange_continue(exchange);
}

/* ---- headers ----------------------------------------------------------------------------------------------------- */

static enum MHD_Result header_look(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_facts *facts = context;

    (void)kind;
    if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
        facts->hosts++;
    else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
        facts->transfer_encoding = value;
    else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_TYPE) == 0)
        facts->content_type = value;
    else if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0)
        facts->authorization = value;
    else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        facts->lengths++;
        facts->content_length = value;
    }
    return MHD_YES;
}

/* Decides from the header alone: finds the route, or what is wrong. */
static bool header_check(struct http_exchange *exchange, const struct header_facts *facts, const char *method,
                         const char *path, struct api_error *error)
{
    const struct http_options *options = &exchange->connection->server->options;
    const struct route *route;
    const char *rest = NULL;

    route = router_find(method, path, &rest, &exchange->exchange.reply.allow, error);
    if (options->api_key != NULL && (route == NULL || !route->open) &&
        !auth_accepts(options->api_key, facts->authorization)) {
        exchange->exchange.reply.allow = NULL;
        return api_fail(error, ERROR_INVALID_KEY, NULL, "%s", facts->authorization == NULL
                        ? "an API key is needed: Authorization: Bearer KEY" : "the API key is wrong");
    }
    if (route == NULL)
        return false;
    if (strcmp(route->method, "POST") == 0 && !media_type_check(facts->content_type, error))
        return false;
    exchange->exchange.route = route;
    if (rest != NULL && (exchange->exchange.path_rest = strdup(rest)) == NULL)
        return api_fail(error, ERROR_MEMORY, NULL, "no memory for the path");
    return true;
}

static enum MHD_Result exchange_begin(struct http_connection *connection, const char *method, const char *path,
                                      const char *version, void **request_context)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    struct header_facts facts = {0};
    struct api_error error;
    size_t limit = connection->server->options.body_bytes_max;
    bool framed, fits;

    if (exchange == NULL)
        return MHD_NO;
    exchange->connection = connection;
    exchange->exchange.service = connection->server->options.service;
    exchange->start_ns = waker_now_ns();
    connection->current = exchange;
    *request_context = exchange;
    deadline_set(connection, 10ull * connection->server->options.client_timeout_s);

    MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, header_look, &facts);
    framed = framing_check(&facts, version, &error);
    fits = facts.content_length == NULL || strtoull(facts.content_length, NULL, 10) <= limit;
    if (framed && header_check(exchange, &facts, method, path, &error)) {
        if (fits)
            return MHD_YES;
        api_fail(&error, ERROR_TOO_LARGE, NULL, "the body has %.20s bytes, but at most %zu are taken", facts.content_length,
                 limit);
    }
    exchange->exchange.reply.close = !framed || !fits;
    exchange_fail(&exchange->exchange, &error);
    exchange->discard = true;
    if (!exchange->exchange.reply.close)
        return MHD_YES; /* a short body is read to its end, so that the connection can go on */
    deadline_set(connection, 0);
    return reply_send(exchange);
}

static enum MHD_Result access_handler(void *context, struct MHD_Connection *mhd, const char *path, const char *method,
                                      const char *version, const char *upload, size_t *upload_bytes,
                                      void **request_context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *connection = info != NULL ? info->socket_context : NULL;
    struct http_exchange *exchange;

    (void)context;
    if (connection == NULL)
        return MHD_NO;
    if (*request_context == NULL)
        return exchange_begin(connection, method, path, version, request_context);
    exchange = *request_context;
    if (*upload_bytes > 0) {
        body_collect(exchange, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    return atomic_load(&exchange->state) == EXCHANGE_RECEIVING ? exchange_start(exchange) : exchange_continue(exchange);
}

/* ---- server ------------------------------------------------------------------------------------------------------ */

static void library_log(void *context, const char *format, va_list arguments)
{
    char line[300];

    (void)context;
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    log_event(LOG_DEBUG, "microhttpd", "text=\"%s\"", line);
}

enum quire_status http_open(const struct http_options *options, struct http_server **out, struct quire_error *error)
{
    struct http_server *server = calloc(1, sizeof *server);
    enum quire_status status;
    int descriptor = -1;

    if (server == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the HTTP server");
    server->options = *options;
    status = waker_open(options->connection_max, &connection_callbacks, &server->waker, error);
    if (status == QUIRE_OK)
        status = text_worker_open(&server->worker, error);
    if (status == QUIRE_OK)
        status = listen_open(options->host, options->port, &descriptor, &server->port, error);
    if (status != QUIRE_OK)
        goto failed;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, access_handler, server,
        MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL, MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_THREAD_POOL_SIZE,
        options->thread_count, MHD_OPTION_CONNECTION_LIMIT, options->connection_max, MHD_OPTION_CONNECTION_TIMEOUT,
        IDLE_WRITE_TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, server,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, server, MHD_OPTION_END);
    if (server->daemon == NULL) {
        status = quire_fail(error, QUIRE_IO, "the HTTP server does not start on %s port %u", options->host, server->port);
        close(descriptor);
        goto failed;
    }
    *out = server;
    return QUIRE_OK;

failed:
    text_worker_close(server->worker);
    waker_close(server->waker);
    free(server);
    return status;
}

uint32_t http_port(const struct http_server *server)
{
    return server->port;
}

uint32_t http_answering(const struct http_server *server)
{
    return atomic_load(&server->answering);
}

void http_wake(struct http_server *server)
{
    waker_progress(server->waker);
}

void http_close(struct http_server *server)
{
    if (server == NULL)
        return;
    MHD_socket listening = MHD_quiesce_daemon(server->daemon);
    waker_refuse(server->waker);
    text_worker_close(server->worker); /* its jobs hold sleeping connections */
    waker_release(server->waker);      /* microhttpd does not stop with suspended connections */
    MHD_stop_daemon(server->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    waker_close(server->waker);
    free(server);
}
