/* The program: its commands, and for `serve` the order of start and stop. HTTP comes first, so that /health can say that the model
 * is loading; then a thread loads the model while this one waits for signals; at the end the reverse. The only file that knows
 * server, scheduler and engine.
 *
 * Threads here: main (waits for signals), the loader (ends when the model is there). */
#include "bench_http.h"
#include "bench_text.h"
#include "cli.h"
#include "ending.h"
#include "engine.h"
#include "http.h"
#include "log.h"
#include "machine.h"
#include "model_template.h"
#include "prompt_bound.h"
#include "wake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_LOOK_MS 20
#define INSIST_NS UINT64_C(100000000)
#define DRAIN_SEND_MS 5000 /* so long finished answers may take to reach their clients */

#define DEMO_MODEL_NAME "quire-demo"
#define URL_BYTES 300
#define HTTP_THREADS 2u /* long work is done by the text worker and the step thread */

struct server { /* all that `serve` has */
    const struct config *config;
    struct engine_options engine_options;
    struct service service;
    struct served_model model;
    struct http_server *http;
    struct tokenizer *tokenizer;
    struct engine *engine;
    struct scheduler *scheduler;
    struct model_templates templates;
    _Atomic uint64_t engine_ns; /* spent inside engine_step */
    int loaded; /* eventfd, written when the loader is done */
    _Atomic bool drained; /* the scheduler has finished all that it accepted */
    enum quire_status load_status;
    struct quire_error load_error;
};

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static struct engine_options engine_options_of(const struct config *config)
{
    struct machine machine = machine_probe("");

    return (struct engine_options){
        .model_path = config->model,
        .kernels = config->kernels,
        .thread_count = config->threads > 0 ? config->threads : machine.threads,
        .model_len_max = config->max_model_len,
        .step_tokens_max = config->max_num_batched_tokens,
        .sequence_max = config->max_num_seqs,
        .memory_budget_bytes =
            config->memory_budget > 0 ? config->memory_budget : machine_memory_budget(machine.available_bytes),
        .kv_cache_bytes = config->kv_cache_memory,
    };
}

/* A line at each tenth of the way. */
static void load_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    unsigned *tenths = context;
    unsigned now = total_bytes == 0 ? 10 : (unsigned)((double)done_bytes / (double)total_bytes * 10);

    if (now == *tenths)
        return;
    *tenths = now;
    log_event(LOG_INFO, "loading", "percent=%u mebibytes=%.1f", now * 10, (double)total_bytes / 1048576.0);
}

static enum quire_status step_run(void *context, const struct step_plan *plan, struct step_result *result,
                                  struct quire_error *error)
{
    struct server *server = context;
    uint64_t start_ns = waker_now_ns();
    enum quire_status status = engine_step(server->engine, plan, result, error);

    atomic_fetch_add_explicit(&server->engine_ns, waker_now_ns() - start_ns, memory_order_relaxed);
    return status;
}

static void progress_run(void *context)
{
    http_wake(context);
}

static void url_write(const struct server *server, char *url, size_t bytes)
{
    const char *host = server->config->host;
    bool v6 = strchr(host, ':') != NULL;

    snprintf(url, bytes, "http://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", http_port(server->http));
}

static enum quire_status scheduler_load(struct server *server)
{
    const struct engine_limits *limits = engine_limits(server->engine);
    const struct scheduler_options options = {
        .limits = limits,
        .engine = {.context = server, .step = step_run},
        .tokenizer = server->tokenizer,
        .running_max = limits->sequence_max,
        .step_tokens_max = limits->step_tokens_max,
        .queue_max = server->config->max_queue,
        .prefix_cache = server->config->enable_prefix_caching,
        .progress = progress_run,
        .progress_context = server->http,
    };
    enum quire_status status = scheduler_create(&options, &server->scheduler, &server->load_error);

    return status == QUIRE_OK ? scheduler_start(server->scheduler, &server->load_error) : status;
}

static void *loader_run(void *context)
{
    struct server *server = context;
    unsigned tenths = 0;
    uint64_t one = 1;

    server->engine_options.progress = load_progress;
    server->engine_options.progress_context = &tenths;
    server->load_status = tokenizer_open(server->config->model, &server->tokenizer, &server->load_error);
    if (server->load_status == QUIRE_OK)
        server->load_status = model_templates_load(server->config->chat_template, server->tokenizer, &server->templates,
                                                   &server->load_error);
    if (server->load_status == QUIRE_OK)
        server->load_status = engine_open(&server->engine_options, &server->engine, &server->load_error);
    if (server->load_status == QUIRE_OK)
        server->load_status = scheduler_load(server);
    (void)!write(server->loaded, &one, sizeof one);
    return NULL;
}

/* ---- serve ------------------------------------------------------------------------------------------------------- */

static void model_publish(struct server *server)
{
    server->model = (struct served_model){
        .scheduler = server->scheduler,
        .tokenizer = server->tokenizer,
        .limits = engine_limits(server->engine),
        .chat_template = &server->templates.chat,
        .chat_tools_template = model_templates_tools(&server->templates),
        .special_tokens_in_content = server->config->special_tokens_in_content,
        .token_bytes_max = prompt_bound_probe(server->tokenizer),
    };
    atomic_store_explicit(&server->service.model, &server->model, memory_order_release);
}

static void model_announce(const struct server *server)
{
    char url[URL_BYTES];

    url_write(server, url, sizeof url);
    start_report_write(stdout, server->service.model_name, url, server->model.limits,
                       server->engine_options.memory_budget_bytes, server->engine_options.thread_count);
    log_event(LOG_INFO, "ready", "model=\"%s\" url=%s", server->service.model_name, url);
}

/* Waits up to DRAIN_LOOK_MS. True when somebody asks again, and not only twice at once, as who signals a process and then
 * its whole group does. */
static bool ending_insisted(uint64_t first_ns)
{
    return ending_wait(DRAIN_LOOK_MS) && waker_now_ns() - first_ns >= INSIST_NS;
}

static void *drainer_run(void *context)
{
    struct server *server = context;

    scheduler_stop(server->scheduler, true);
    atomic_store(&server->drained, true);
    return NULL;
}

/* Lets what runs finish, and then gives clients a moment to take what is finished: one that reads slowly holds nothing up. A
 * second signal, a tenth of a second later or more, ends the process at once, whatever its threads are doing. */
static void drain(struct server *server)
{
    struct scheduler_stats stats;
    pthread_t drainer;
    bool forced = false;
    int failure;

    uint64_t first_ns = waker_now_ns();

    atomic_store(&server->service.draining, true);
    log_event(LOG_INFO, "draining", "requests=%u", http_answering(server->http));
    failure = pthread_create(&drainer, NULL, drainer_run, server);
    if (failure != 0)
        drainer_run(server);
    while (!forced && !atomic_load(&server->drained))
        forced = ending_insisted(first_ns);
    for (int waited_ms = 0; !forced && waited_ms < DRAIN_SEND_MS && http_answering(server->http) > 0;
         waited_ms += DRAIN_LOOK_MS)
        forced = ending_insisted(first_ns);
    stats = scheduler_stats(server->scheduler);
    log_event(forced || (stats.blocks_used == 0 && stats.running == 0) ? LOG_INFO : LOG_ERROR, "stopped",
              "forced=%s blocks_used=%u running=%u waiting=%u generated_tokens=%llu", forced ? "yes" : "no",
              stats.blocks_used, stats.running, stats.waiting, (unsigned long long)stats.generation_tokens);
    if (forced) {
        log_close();
        _exit(EXIT_FAILURE); /* what was accepted has not been finished */
    }
    if (failure == 0)
        pthread_join(drainer, NULL);
    ending_release(); /* the rest takes no time; should it ever, the next signal ends it */
}

static enum quire_status serve_until_signal(struct server *server, struct quire_error *error)
{
    struct pollfd ready[] = {{.fd = ending_descriptor(), .events = POLLIN}, {.fd = server->loaded, .events = POLLIN}};
    pthread_t loader;
    int failure = pthread_create(&loader, NULL, loader_run, server);

    if (failure != 0)
        return quire_fail(error, QUIRE_IO, "cannot start the loader: %s", strerror(failure));
    ending_unblock();
    while (poll(ready, 2, -1) < 0 && errno == EINTR) {
    }
    if (ready[1].revents == 0) { /* told to end before the model was there: nothing is worth waiting for */
        log_close();
        _exit(0);
    }
    pthread_join(loader, NULL);
    if (server->load_status != QUIRE_OK) {
        *error = server->load_error;
        return server->load_status;
    }
    model_publish(server);
    model_announce(server);
    while (!ending_wait(-1)) {
    }
    drain(server);
    return QUIRE_OK;
}

static void server_deinit(struct server *server)
{
    http_close(server->http);
    if (server->scheduler != NULL) {
        scheduler_stop(server->scheduler, false);
        scheduler_destroy(server->scheduler);
    }
    engine_close(server->engine);
    model_templates_deinit(&server->templates);
    tokenizer_close(server->tokenizer);
    if (server->loaded >= 0)
        close(server->loaded);
}

/* Each connection needs a descriptor. */
static void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The model's name in the API. To be freed. */
static char *name_choose(const struct config *config, bool demo)
{
    if (config->served_model_name != NULL)
        return strdup(config->served_model_name);
    return demo ? strdup(DEMO_MODEL_NAME) : model_name_of(config->model);
}

static enum quire_status serve(struct config *config, struct quire_error *error)
{
    struct server server = {.config = config, .loaded = -1};
    struct http_options http = {
        .host = config->host,
        .port = config->port,
        .thread_count = HTTP_THREADS,
        .connection_max = config->max_connections,
        .client_timeout_s = config->client_timeout_s,
        .body_bytes_max = config->max_body_size,
        .api_key = config->api_key,
        .service = &server.service,
    };
    enum quire_status status = QUIRE_OK;
    bool demo = config->model == NULL;
    char url[URL_BYTES], *name;

    if (demo)
        status = demo_model_find(&config->model, error);
    if (status != QUIRE_OK)
        return status;
    signal(SIGPIPE, SIG_IGN);
    if (!ending_prepare())
        return quire_fail(error, QUIRE_IO, "cannot wait for signals: %s", strerror(errno));
    log_open((enum log_level)config->log_level, config->log_json);
    descriptors_raise();
    server.loaded = eventfd(0, EFD_CLOEXEC);
    name = name_choose(config, demo);
    server.service.model_name = name;
    server.service.version = QUIRE_VERSION;
    server.service.created_s = (int64_t)time(NULL);
    server.engine_options = engine_options_of(config);
    if (server.loaded < 0 || name == NULL)
        status = quire_fail(error, QUIRE_IO, "cannot start: %s", strerror(errno));
    if (status == QUIRE_OK)
        status = http_open(&http, &server.http, error);
    if (status == QUIRE_OK) {
        url_write(&server, url, sizeof url);
        log_event(LOG_INFO, "listening", "url=%s", url);
    }
    if (status == QUIRE_OK)
        status = serve_until_signal(&server, error);
    server_deinit(&server);
    free(name);
    log_close();
    return status;
}

/* ---- the other commands ------------------------------------------------------------------------------------------ */

/* Serves the model to a client in this process. */
static enum quire_status bench_served(struct config *config, struct bench_http_row rows[BENCH_HTTP_ROWS],
                                      struct quire_error *error)
{
    struct server server = {.config = config, .loaded = eventfd(0, EFD_CLOEXEC)};
    const struct http_options http = {.host = "127.0.0.1", .thread_count = HTTP_THREADS, .connection_max = 64,
                                      .client_timeout_s = 60, .body_bytes_max = 65536, .service = &server.service};
    struct bench_http_source source = {.model_name = "bench", .token_max = 128, .engine_ns = &server.engine_ns};
    enum quire_status status = http_open(&http, &server.http, error);

    server.service.model_name = source.model_name;
    server.service.version = QUIRE_VERSION;
    server.engine_options = engine_options_of(config);
    if (status == QUIRE_OK) {
        loader_run(&server);
        *error = server.load_error;
        status = server.load_status;
    }
    if (status == QUIRE_OK) {
        model_publish(&server);
        source.port = http_port(server.http);
        status = bench_http_measure(&source, rows, error);
    }
    server_deinit(&server);
    return status;
}

static enum quire_status bench(struct config *config, struct quire_error *error)
{
    struct engine_options options = engine_options_of(config);
    struct bench_http_row rows[BENCH_HTTP_ROWS];
    struct quire_error reason = {{0}};
    enum quire_status status, served;
    char *report = NULL;
    size_t bytes;
    FILE *out = open_memstream(&report, &bytes);

    if (out == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the report");
    status = engine_bench(&options, config->json, out, error);
    fclose(out);
    if (status == QUIRE_OK) {
        log_open(LOG_ERROR, false);
        served = bench_served(config, rows, &reason); /* a model without a tokenizer can still be measured without HTTP */
        log_close();
        status = bench_http_report(report, rows, served == QUIRE_OK ? BENCH_HTTP_ROWS : 0, reason.message, config->json, error);
    }
    free(report);
    return status;
}

static enum quire_status inspect(struct config *config, struct quire_error *error)
{
    return engine_inspect(config->model, stdout, error);
}

int main(int argument_count, char **arguments)
{
    static const struct command commands[] = {
        {"serve", "[MODEL]", "Serves a model over HTTP; without MODEL the demo model", COMMAND_SERVE, false, serve},
        {"bench", "MODEL", "Measures a model and the machine", COMMAND_BENCH, true, bench},
        {"bench tokenize", "MODEL", "Measures its tokenizer and chat template", COMMAND_BENCH_TOKENIZE, true,
         command_bench_tokenize},
        {"tokenize", "MODEL", "Standard input to token ids", COMMAND_TOKENIZE, true, command_tokenize},
        {"inspect", "MODEL", "Shows what a model file holds", COMMAND_INSPECT, true, inspect},
        {"template", "FILE", "Renders a chat template with the JSON variables of standard input", COMMAND_TEMPLATE, true,
         command_template},
        {"help", "[COMMAND]", "Shows this", 0, false, NULL},
        {"version", "", "Shows the version", 0, false, NULL},
        {NULL, NULL, NULL, 0, false, NULL},
    };

    return cli_run(commands, argument_count, arguments);
}
