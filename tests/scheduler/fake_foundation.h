/* How often each metric was observed, or by how much it was raised. */
#ifndef FAKE_FOUNDATION_H
#define FAKE_FOUNDATION_H

#include "metrics.h"

extern _Atomic uint64_t fake_metric_counts[METRIC_COUNT];

#endif
