/* The worker pool: each item once, on a worker that exists, whatever the counts. pool_threads.c is the stress under
 * TSan. */
#include "support.h"

#include "worker_pool.h"

#include <stdatomic.h>
#include <unistd.h>

#define ITEMS_MAX 5000u

struct seen {
    _Atomic uint32_t times[ITEMS_MAX];
    _Atomic uint32_t worker_max;
};

static void see(void *context, uint32_t item, uint32_t worker)
{
    struct seen *seen = context;
    uint32_t most = atomic_load(&seen->worker_max);

    atomic_fetch_add(&seen->times[item], 1);
    while (worker > most && !atomic_compare_exchange_weak(&seen->worker_max, &most, worker))
        ;
}

Test(worker_pool, runs_each_item_once)
{
    static const uint32_t workers[] = {1, 2, 3, 16}, items[] = {0, 1, 2, 3, 15, 100, ITEMS_MAX};
    static struct seen seen;
    struct quire_error error;

    for (uint32_t w = 0; w < 4; w++) {
        struct worker_pool *pool;
        cr_assert_eq(worker_pool_create(workers[w], &pool, &error), QUIRE_OK, "%s", error.message);
        cr_assert_eq(worker_pool_count(pool), workers[w]);
        for (uint32_t round = 0; round < 50; round++)
            for (uint32_t i = 0; i < 7; i++) {
                memset(&seen, 0, sizeof seen);
                worker_pool_run(pool, items[i], see, &seen);
                for (uint32_t item = 0; item < ITEMS_MAX; item++)
                    cr_assert_eq(seen.times[item], item < items[i] ? 1 : 0, "%u workers, item %u of %u",
                                 workers[w], item, items[i]);
                cr_assert_lt(seen.worker_max, workers[w]);
            }
        worker_pool_destroy(pool);
    }
    worker_pool_destroy(NULL);
}

Test(worker_pool, wakes_workers_that_sleep)
{
    static struct seen seen;
    struct worker_pool *pool;
    struct quire_error error;

    cr_assert_eq(worker_pool_create(3, &pool, &error), QUIRE_OK);
    for (uint32_t round = 0; round < 20; round++) {
        memset(&seen, 0, sizeof seen);
        usleep(5000); /* far longer than a worker spins */
        worker_pool_run(pool, 64, see, &seen);
        for (uint32_t item = 0; item < 64; item++)
            cr_assert_eq(seen.times[item], 1);
    }
    worker_pool_destroy(pool);
}

static void wait_for_others(void *context, uint32_t item, uint32_t worker)
{
    _Atomic uint32_t *arrived = context;

    (void)item, (void)worker;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 4)
        usleep(100);
}

/* Each item ends only when four have begun: done only if four workers really run at once. */
Test(worker_pool, runs_items_at_the_same_time, .timeout = 20)
{
    _Atomic uint32_t arrived = 0;
    struct worker_pool *pool;
    struct quire_error error;

    cr_assert_eq(worker_pool_create(4, &pool, &error), QUIRE_OK);
    usleep(5000);
    worker_pool_run(pool, 4, wait_for_others, &arrived);
    cr_assert_eq(arrived, 4);
    worker_pool_destroy(pool);
}
