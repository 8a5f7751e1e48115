/* A fixed set of threads that run one function at a time over an index range. The caller of worker_pool_run is
 * worker 0. Which worker takes which index never changes a result. */
#ifndef QUIRE_WORKER_POOL_H
#define QUIRE_WORKER_POOL_H

#include "status.h"

#include <stdint.h>

struct worker_pool;

QUIRE_NODISCARD enum quire_status worker_pool_create(uint32_t worker_count, struct worker_pool **out,
                                                     struct quire_error *error);
void worker_pool_destroy(struct worker_pool *pool); /* NULL is allowed */
uint32_t worker_pool_count(const struct worker_pool *pool);

/* Calls task(context, item, worker) once for each item in [0, item_count), shared dynamically, and returns when all
 * are done. Workers spin for a bounded time and then sleep. One caller at a time. Allocates nothing. */
void worker_pool_run(struct worker_pool *pool, uint32_t item_count,
                     void (*task)(void *context, uint32_t item, uint32_t worker), void *context);

#endif
