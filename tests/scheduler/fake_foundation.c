/* Stands in for server/log.c and server/metrics.c: counts what the scheduler reports. */
#include "fake_foundation.h"

#include "log.h"

_Atomic uint64_t fake_metric_counts[METRIC_COUNT];

void metrics_add(enum metric metric, uint64_t amount)
{
    fake_metric_counts[metric] += amount;
}

void metrics_observe(enum metric metric, double value)
{
    if (value >= 0.0)
        fake_metric_counts[metric]++;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    (void)level, (void)event, (void)format;
}
