/* Counters and histograms in Prometheus' text format. Implemented in server/metrics.c, where one table gives each its name,
 * help and buckets (vLLM's). Any thread; each call is a few relaxed atomic operations. */
#ifndef QUIRE_METRICS_H
#define QUIRE_METRICS_H

#include "status.h"

#include <stdint.h>

enum metric {
    METRIC_REQUESTS_STOP,      /* vllm:request_success_total{finished_reason="stop"} */
    METRIC_REQUESTS_LENGTH,    /*                           {finished_reason="length"} */
    METRIC_REQUESTS_ABORT,     /*                           {finished_reason="abort"} */
    METRIC_TIME_TO_FIRST_TOKEN, /* histogram, seconds */
    METRIC_INTER_TOKEN_LATENCY, /* histogram, seconds */
    METRIC_E2E_LATENCY,         /* histogram, seconds */
    METRIC_PROMPT_TOKENS_SEEN,  /* histogram vllm:request_prompt_tokens */
    METRIC_OUTPUT_TOKENS_SEEN,  /* histogram vllm:request_generation_tokens */
    METRIC_COUNT
};

void metrics_add(enum metric metric, uint64_t amount);     /* counters */
void metrics_observe(enum metric metric, double value);    /* histograms */

/* Writes all of the above as Prometheus text. `labels` goes into every pair of braces, such as model_name="x". */
void metrics_write(FILE *out, const char *labels);

/* One value with its HELP and TYPE lines; for figures that others keep. `type` is "gauge" or "counter". */
void metrics_write_value(FILE *out, const char *name, const char *type, const char *help, const char *labels, double value);

#endif
