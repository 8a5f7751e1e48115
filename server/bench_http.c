/* A small HTTP client that drains many streams at once, and the report of what it saw. Main thread; the server under test
 * runs in the same process on threads of its own, so client and server share the processors. */
#include "bench_http.h"

#include "wake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUNS 5u
#define STREAMS_MAX 32u

static int stream_open(const struct bench_http_source *source, uint32_t serial)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)source->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char body[256], request[512];
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int body_bytes = snprintf(body, sizeof body,
                              "{\"model\":\"%s\",\"prompt\":[%u,1,2,3],\"max_tokens\":%u,\"stream\":true,\"temperature\":0,"
                              "\"ignore_eos\":true}", source->model_name, serial % 7, source->token_max);
    int request_bytes = snprintf(request, sizeof request,
                                 "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", body_bytes, body);

    if (descriptor >= 0 && (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
                            send(descriptor, request, (size_t)request_bytes, MSG_NOSIGNAL) != request_bytes)) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

/* Reads until the server ends all streams. Each must end with [DONE]. */
static enum quire_status streams_drain(struct pollfd *streams, uint32_t count, struct quire_error *error)
{
    static char buffer[65536];
    char ends[STREAMS_MAX][32] = {{0}};
    uint32_t open = count;

    while (open > 0) {
        if (poll(streams, count, 60000) <= 0)
            return quire_fail(error, QUIRE_IO, "the server did not answer within a minute");
        for (uint32_t i = 0; i < count; i++) {
            if (streams[i].fd < 0 || streams[i].revents == 0)
                continue;
            ssize_t got = recv(streams[i].fd, buffer, sizeof buffer, 0);
            if (got > 0) { /* keeps the last bytes */
                size_t keep = sizeof ends[i] - 1, kept = (size_t)got < keep ? (size_t)got : keep;
                memmove(ends[i], ends[i] + kept, keep - kept);
                memcpy(ends[i] + keep - kept, buffer + got - kept, kept);
                continue;
            }
            if (got < 0 || memmem(ends[i], sizeof ends[i], "[DONE]", 6) == NULL)
                return quire_fail(error, QUIRE_IO, "the server broke off a stream");
            close(streams[i].fd);
            streams[i].fd = -1;
            open--;
        }
    }
    return QUIRE_OK;
}

static enum quire_status run_once(const struct bench_http_source *source, uint32_t count, struct bench_http_row *row,
                                  struct quire_error *error)
{
    struct pollfd streams[STREAMS_MAX];
    uint64_t start_ns = waker_now_ns(), engine_start_ns = atomic_load(source->engine_ns);
    uint64_t tokens = (uint64_t)count * source->token_max;
    enum quire_status status = QUIRE_OK;
    double passed_us, engine_us;

    for (uint32_t i = 0; i < count; i++) {
        streams[i] = (struct pollfd){.fd = stream_open(source, i), .events = POLLIN};
        if (streams[i].fd < 0)
            status = quire_fail(error, QUIRE_IO, "no connection to the server: %s", strerror(errno));
    }
    if (status == QUIRE_OK)
        status = streams_drain(streams, count, error);
    passed_us = (double)(waker_now_ns() - start_ns) / 1e3;
    engine_us = (double)(atomic_load(source->engine_ns) - engine_start_ns) / 1e3;
    for (uint32_t i = 0; i < count; i++)
        if (streams[i].fd >= 0)
            close(streams[i].fd);
    *row = (struct bench_http_row){.streams = count,
                                   .tokens_per_s = (double)tokens / passed_us * 1e6,
                                   .engine_us = engine_us / (double)tokens,
                                   .overhead_us = (passed_us - engine_us) / (double)tokens};
    return status;
}

static int by_overhead(const void *a, const void *b)
{
    double left = ((const struct bench_http_row *)a)->overhead_us, right = ((const struct bench_http_row *)b)->overhead_us;

    return (left > right) - (left < right);
}

enum quire_status bench_http_measure(const struct bench_http_source *source, struct bench_http_row rows[BENCH_HTTP_ROWS],
                                     struct quire_error *error)
{
    static const uint32_t counts[BENCH_HTTP_ROWS] = {1, 8, STREAMS_MAX};
    struct bench_http_row runs[RUNS];
    enum quire_status status = run_once(source, 1, runs, error); /* warms up */

    for (uint32_t i = 0; i < BENCH_HTTP_ROWS && status == QUIRE_OK; i++) {
        for (uint32_t run = 0; run < RUNS && status == QUIRE_OK; run++)
            status = run_once(source, counts[i], &runs[run], error);
        qsort(runs, RUNS, sizeof runs[0], by_overhead);
        rows[i] = runs[RUNS / 2];
    }
    return status;
}

/* ---- report ------------------------------------------------------------------------------------------------------ */

static void report_text(const struct bench_http_row *rows, uint32_t row_count, const char *reason)
{
    if (row_count == 0)
        printf("\nHTTP       not measured: %s\n", reason);
    else
        printf("\nHTTP     streams  tokens/s   engine us/token  above it us/token\n");
    for (uint32_t i = 0; i < row_count; i++)
        printf("         %7u  %8.1f  %16.1f  %17.1f\n", rows[i].streams, rows[i].tokens_per_s, rows[i].engine_us,
               rows[i].overhead_us);
}

static bool report_json(const char *engine_report, const struct bench_http_row *rows, uint32_t row_count,
                        const char *reason)
{
    json_t *root = json_loads(engine_report, 0, NULL), *list = json_array();
    bool complete = root != NULL && list != NULL && json_object_set_new(root, "http", list) == 0;

    if (row_count == 0 && complete)
        complete = json_object_set_new(root, "http_error", json_string(reason)) == 0;

    for (uint32_t i = 0; i < row_count && complete; i++)
        complete = json_array_append_new(list, json_pack("{s:i, s:f, s:f, s:f}", "streams", (int)rows[i].streams,
                                                         "tokens_per_s", rows[i].tokens_per_s, "engine_us_per_token",
                                                         rows[i].engine_us, "overhead_us_per_token",
                                                         rows[i].overhead_us)) == 0;
    if (complete)
        complete = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 && putchar('\n') != EOF;
    json_decref(root);
    return complete;
}

enum quire_status bench_http_report(const char *engine_report, const struct bench_http_row *rows, uint32_t row_count,
                                    const char *reason, bool json, struct quire_error *error)
{
    bool complete = true;

    if (json) {
        complete = report_json(engine_report, rows, row_count, reason);
    } else {
        fputs(engine_report, stdout);
        report_text(rows, row_count, reason);
    }
    if (!complete || fflush(stdout) != 0)
        return quire_fail(error, QUIRE_IO, "the benchmark's report could not be written");
    return QUIRE_OK;
}
