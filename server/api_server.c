/* Endpoints about the server itself: /health, /version, /metrics, /v1/models. None waits for work. */
#include "exchange.h"
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

void api_health(struct exchange *exchange)
{
    if (atomic_load(&exchange->service->draining) || exchange_model(exchange, false) == NULL) {
        (void)exchange_model(exchange, true);
        return;
    }
    exchange->reply.status = 200;
    out_raw(&exchange->reply.body, "{\"status\":\"ok\"}");
}

void api_version(struct exchange *exchange)
{
    exchange->reply.status = 200;
    out_raw(&exchange->reply.body, "{\"version\":");
    out_text(&exchange->reply.body, exchange->service->version);
    out_raw(&exchange->reply.body, "}");
}

static void model_write(struct json_out *out, const struct service *service)
{
    const struct served_model *model = atomic_load(&service->model);

    out_raw(out, "{\"id\":");
    out_text(out, service->model_name);
    out_raw(out, ",\"object\":\"model\",\"created\":");
    out_uint(out, (uint64_t)service->created_s);
    out_raw(out, ",\"owned_by\":\"quire\"");
    if (model != NULL) {
        out_raw(out, ",\"max_model_len\":");
        out_uint(out, model->limits->model_len_max);
    }
    out_raw(out, "}");
}

void api_models(struct exchange *exchange)
{
    exchange->reply.status = 200;
    out_raw(&exchange->reply.body, "{\"object\":\"list\",\"data\":[");
    model_write(&exchange->reply.body, exchange->service);
    out_raw(&exchange->reply.body, "]}");
}

void api_model(struct exchange *exchange)
{
    if (strcmp(exchange->path_rest, exchange->service->model_name) != 0) {
        struct api_error error;
        api_fail(&error, ERROR_MODEL_NOT_FOUND, "model", "the model '%.200s' does not exist; this server serves '%.200s'",
                 exchange->path_rest, exchange->service->model_name);
        exchange_fail(exchange, &error);
        return;
    }
    exchange->reply.status = 200;
    model_write(&exchange->reply.body, exchange->service);
}

/* Figures of the scheduler: vLLM's names for what vLLM has, quire's own for the rest. */
static void scheduler_metrics_write(FILE *out, const char *labels, const struct served_model *model)
{
    const struct scheduler_stats stats = scheduler_stats(model->scheduler);
    const struct {
        const char *name, *type, *help;
        double value;
    } rows[] = {
        {"vllm:num_requests_running", "gauge", "Number of requests in model execution batches.", (double)stats.running},
        {"vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed.", (double)stats.waiting},
        {"vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.",
         stats.blocks_total == 0 ? 0.0 : (double)stats.blocks_used / (double)stats.blocks_total},
        {"vllm:prefix_cache_queries_total", "counter", "Prefix cache queries, in terms of number of queried tokens.",
         (double)stats.prefix_queries_tokens},
        {"vllm:prefix_cache_hits_total", "counter", "Prefix cache hits, in terms of number of cached tokens.",
         (double)stats.prefix_hits_tokens},
        {"vllm:num_preemptions_total", "counter", "Cumulative number of preemptions from the engine.",
         (double)stats.preemptions},
        {"vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed.", (double)stats.prompt_tokens},
        {"vllm:generation_tokens_total", "counter", "Number of generation tokens processed.",
         (double)stats.generation_tokens},
        {"quire:steps_total", "counter", "Steps computed.", (double)stats.step_count},
        {"quire:step_sequences_max", "gauge", "Most sequences that have shared one step.", (double)stats.step_segments_max},
        {"quire:forks_total", "counter", "Sequences forked from a shared prompt (n above 1).", (double)stats.forks},
        {"quire:block_copies_total", "counter", "Blocks copied on write.", (double)stats.block_copies},
        {"quire:kv_blocks", "gauge", "Blocks of the KV cache.", (double)stats.blocks_total},
        {"quire:kv_blocks_used", "gauge", "Blocks that sequences refer to.", (double)stats.blocks_used},
        {"quire:kv_blocks_cached", "gauge", "Free blocks that still hold a known prefix.", (double)stats.blocks_cached},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        metrics_write_value(out, rows[i].name, rows[i].type, rows[i].help, labels, rows[i].value);
}

void api_metrics(struct exchange *exchange)
{
    const struct served_model *model = atomic_load(&exchange->service->model);
    struct json_out labels = {0};
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);

    exchange->reply.status = 200;
    exchange->reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out_raw(&labels, "model_name="); /* Prometheus escapes label values as JSON does: \" \\ \n */
    out_text(&labels, exchange->service->model_name);
    out_raw_bytes(&labels, "", 1);
    exchange->reply.body.failed = out == NULL || labels.failed;
    if (!exchange->reply.body.failed) {
        metrics_write(out, labels.text.bytes);
        if (model != NULL)
            scheduler_metrics_write(out, labels.text.bytes, model);
    }
    if (out != NULL && fclose(out) == 0)
        out_raw_bytes(&exchange->reply.body, text, text_bytes);
    free(text);
    json_out_deinit(&labels);
}
