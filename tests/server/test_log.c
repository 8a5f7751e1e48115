/* server/log.c and metrics.c: lines and samples as they come out. */
#include "log.h"
#include "metrics.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved_stderr;
static char path[] = "/tmp/quire-log-test-XXXXXX";

static void capture(void)
{
    int file = mkstemp(path);

    cr_assert_geq(file, 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    close(file);
}

/* What was written to standard error since capture(). To be freed. */
static char *captured(void)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 4 << 20);

    dup2(saved_stderr, STDERR_FILENO);
    cr_assert_not_null(file);
    cr_assert_lt(fread(text, 1, (4 << 20) - 1, file), (4 << 20) - 1);
    fclose(file);
    unlink(path);
    return text;
}

Test(log, plain_lines_have_time_level_event_and_pairs)
{
    capture();
    log_open(LOG_INFO, false);
    log_event(LOG_WARNING, "queue_full", "waiting=%d id=%s", 7, "x");
    log_event(LOG_DEBUG, "unseen", "a=1");
    log_event(LOG_INFO, "forged", "text=\"%s\"", "a\nb\x1b[0m");
    log_close();
    char *text = captured();
    char *second = strchr(text, '\n');
    cr_expect_not_null(strstr(text, "Z warning queue_full waiting=7 id=x\n"), "%s", text);
    cr_expect_null(strstr(text, "unseen"));
    cr_assert_not_null(second);
    cr_expect_eq(strchr(second + 1, '\n') - second, (ptrdiff_t)strlen(second) - 1, "a client's line end makes no line: %s", text);
    cr_expect_null(strchr(text, 0x1b));
    free(text);
}

Test(log, json_lines_are_json_whatever_the_values)
{
    capture();
    log_open(LOG_DEBUG, true);
    log_event(LOG_INFO, "e", "a=1 b=\"two words\" c=\"\" d= loose \"quo\"ted\" e=x\\y f=\"open");
    log_event(LOG_ERROR, "plain", "%s", "");
    log_close();
    char *text = captured(), *rest = text, *line;
    int count = 0;
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        json_error_t error;
        json_t *root = json_loads(line, 0, &error);
        cr_assert_not_null(root, "%s: %s", error.text, line);
        if (count++ == 0) {
            cr_expect_str_eq(json_string_value(json_object_get(root, "level")), "info");
            cr_expect_str_eq(json_string_value(json_object_get(root, "a")), "1");
            cr_expect_str_eq(json_string_value(json_object_get(root, "b")), "two words");
        }
        json_decref(root);
    }
    cr_expect_eq(count, 2);
    free(text);
}

static void *write_lines(void *number)
{
    for (int i = 0; i < 2000; i++)
        log_event(LOG_INFO, "line", "thread=%ld line=%d", (long)(intptr_t)number, i);
    return NULL;
}

Test(log, lines_of_many_threads_are_whole_and_dropped_ones_are_counted)
{
    pthread_t threads[4];
    char *text, *rest, *line;
    long whole = 0, dropped = 0;
    int last[4] = {-1, -1, -1, -1};

    capture();
    log_open(LOG_INFO, false);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_lines, (void *)(intptr_t)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_close();
    text = rest = captured();
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        long thread, number, count;
        if (sscanf(line, "%*s info line thread=%ld line=%ld", &thread, &number) == 2) {
            whole++;
            cr_assert_gt(number, last[thread], "%s", line);
            last[thread] = (int)number;
        } else if (sscanf(line, "%*s warning log_lines_dropped count=%ld", &count) == 1) {
            dropped += count;
        } else {
            cr_assert_fail("not a whole line: %s", line);
        }
    }
    cr_expect_eq(whole + dropped, 8000, "%ld whole, %ld dropped", whole, dropped);
    free(text);
}

static char *metrics_text(void)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    metrics_write(out, "model_name=\"m\"");
    fclose(out);
    return text;
}

static void expect_sample(const char *text, const char *sample)
{
    char line[256];

    snprintf(line, sizeof line, "\n%s\n", sample);
    cr_expect_not_null(strstr(text, line), "%s is not in\n%s", sample, text);
}

Test(metrics, buckets_are_cumulative_and_bounds_belong_to_them)
{
    char *text;

    metrics_observe(METRIC_INTER_TOKEN_LATENCY, 0.01); /* a bound is part of its bucket */
    metrics_observe(METRIC_INTER_TOKEN_LATENCY, 0.02);
    metrics_observe(METRIC_INTER_TOKEN_LATENCY, 81);
    metrics_add(METRIC_REQUESTS_STOP, 2);
    metrics_add(METRIC_REQUESTS_STOP, 1);
    text = metrics_text();
    expect_sample(text, "vllm:inter_token_latency_seconds_bucket{model_name=\"m\",le=\"0.01\"} 1");
    expect_sample(text, "vllm:inter_token_latency_seconds_bucket{model_name=\"m\",le=\"0.025\"} 2");
    expect_sample(text, "vllm:inter_token_latency_seconds_bucket{model_name=\"m\",le=\"80.0\"} 2");
    expect_sample(text, "vllm:inter_token_latency_seconds_bucket{model_name=\"m\",le=\"+Inf\"} 3");
    expect_sample(text, "vllm:inter_token_latency_seconds_count{model_name=\"m\"} 3");
    expect_sample(text, "vllm:request_success_total{model_name=\"m\",finished_reason=\"stop\"} 3");
    expect_sample(text, "vllm:request_success_total{model_name=\"m\",finished_reason=\"length\"} 0");
    free(text);
}

static void *observe(void *unused)
{
    for (int i = 0; i < 20000; i++)
        metrics_observe(METRIC_E2E_LATENCY, 0.5);
    return unused;
}

Test(metrics, concurrent_observations_add_up)
{
    pthread_t threads[4];
    char *text;

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, observe, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    text = metrics_text();
    expect_sample(text, "vllm:e2e_request_latency_seconds_sum{model_name=\"m\"} 40000");
    expect_sample(text, "vllm:e2e_request_latency_seconds_bucket{model_name=\"m\",le=\"0.5\"} 80000");
    expect_sample(text, "vllm:e2e_request_latency_seconds_bucket{model_name=\"m\",le=\"0.3\"} 0");
    free(text);
}
