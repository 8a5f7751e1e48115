/* Stress of the worker pool with a main of its own, for ThreadSanitizer (Criterion does not start under it). Tasks
 * write and read plain memory, so that a missing happens-before between owner and workers is reported. Exit status
 * 0: all sums right. */
#include "worker_pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define ITEMS_MAX 300u

struct table {
    uint32_t in[ITEMS_MAX], out[ITEMS_MAX]; /* plain on purpose */
};

static void task_add(void *context, uint32_t item, uint32_t worker)
{
    struct table *table = context;
    (void)worker;
    table->out[item] = table->in[item] + item;
}

static void task_double(void *context, uint32_t item, uint32_t worker)
{
    struct table *table = context;
    (void)worker;
    table->out[item] = table->in[item] * 2;
}

static int stress(uint32_t workers, uint32_t runs)
{
    static struct table table;
    struct worker_pool *pool;
    struct quire_error error;

    if (worker_pool_create(workers, &pool, &error) != QUIRE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (uint32_t run = 0; run < runs; run++) {
        uint32_t items = 1 + run * 7 % ITEMS_MAX;
        for (uint32_t i = 0; i < items; i++)
            table.in[i] = run ^ i;
        worker_pool_run(pool, items, run % 2 == 0 ? task_add : task_double, &table);
        for (uint32_t i = 0; i < items; i++)
            if (table.out[i] != (run % 2 == 0 ? (run ^ i) + i : (run ^ i) * 2)) {
                fprintf(stderr, "%" PRIu32 " workers, run %" PRIu32 ", item %" PRIu32 " is wrong\n", workers, run, i);
                return 1;
            }
        if (run % 64 == 0)
            usleep(300); /* lets the workers fall asleep now and then */
    }
    worker_pool_destroy(pool);
    return 0;
}

int main(void)
{
    static const uint32_t workers[] = {1, 2, 3, 8};

    for (uint32_t i = 0; i < 4; i++)
        if (stress(workers[i], 2000) != 0)
            return 1;
    for (uint32_t i = 0; i < 50; i++) /* start and stop, with and without a run */
        if (stress(4, i % 3) != 0)
            return 1;
    return 0;
}
