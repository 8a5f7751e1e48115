/* The engine's threads. worker_pool_run publishes a task and an item count in one atomic word, the ticket; whoever
 * is awake, the caller included, takes items from it one at a time. A worker that wakes late finds nothing left and
 * goes back to wait, and the caller waits only for items that were taken: so more threads than cores cost little.
 *
 * Ticket: high half the generation (one per run), low half the items not yet taken. The fields of a run change only
 * while that count is 0, and an item is taken by compare-and-swap on the whole word: it fails if a worker read
 * fields of a run that is over.
 *
 * Threads: run, create and destroy on one thread, the owner. */
#include "worker_pool.h"

#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPIN_ROUNDS 4000u /* pauses before a sleep: tens of microseconds, as the serial parts between two runs */

struct worker {
    struct worker_pool *pool;
    pthread_t thread;
    uint32_t index;
};

struct worker_pool {
    uint32_t worker_count;
    uint32_t spin_rounds; /* 0 where there are more workers than cores */
    _Alignas(64) _Atomic uint64_t ticket;
    _Atomic uint32_t item_count;
    void (*_Atomic task)(void *context, uint32_t item, uint32_t worker);
    void *_Atomic context;
    _Alignas(64) _Atomic uint32_t unfinished; /* items of this run; the owner sleeps on it */
    _Atomic bool owner_sleeps;
    _Alignas(64) _Atomic uint32_t generation; /* workers sleep on it; changes after the ticket */
    _Atomic uint32_t sleeper_count;
    _Atomic bool stopping;
    struct worker workers[]; /* [worker_count]; the first has no thread of its own */
};

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void spin_pause(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Takes and does items until none is left. */
static void worker_take_items(struct worker_pool *pool, uint32_t worker)
{
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);

    while ((uint32_t)ticket != 0) {
        void (*task)(void *, uint32_t, uint32_t) = atomic_load_explicit(&pool->task, memory_order_relaxed);
        void *context = atomic_load_explicit(&pool->context, memory_order_relaxed);
        uint32_t item_count = atomic_load_explicit(&pool->item_count, memory_order_relaxed);
        if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket - 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        task(context, item_count - (uint32_t)ticket, worker);
        if (atomic_fetch_sub_explicit(&pool->unfinished, 1, memory_order_seq_cst) == 1 &&
            atomic_load_explicit(&pool->owner_sleeps, memory_order_seq_cst))
            futex_wake(&pool->unfinished, 1);
        ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    }
}

/* Waits until the generation is no longer `seen`: first awake, then asleep. */
static void worker_await_run(struct worker_pool *pool, uint32_t seen)
{
    for (uint32_t round = 0; round < pool->spin_rounds; round++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen)
            return;
        spin_pause();
    }
    atomic_fetch_add_explicit(&pool->sleeper_count, 1, memory_order_seq_cst);
    while (atomic_load_explicit(&pool->generation, memory_order_seq_cst) == seen)
        futex_wait(&pool->generation, seen);
    atomic_fetch_sub_explicit(&pool->sleeper_count, 1, memory_order_seq_cst);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct worker_pool *pool = worker->pool;
    uint32_t seen = 0;

    for (;;) {
        worker_await_run(pool, seen);
        seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (atomic_load_explicit(&pool->stopping, memory_order_acquire))
            return NULL;
        worker_take_items(pool, worker->index);
    }
}

static void owner_await_items(struct worker_pool *pool)
{
    uint32_t left;

    for (uint32_t round = 0; round < pool->spin_rounds; round++) {
        if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0)
            return;
        spin_pause();
    }
    atomic_store_explicit(&pool->owner_sleeps, true, memory_order_seq_cst);
    while ((left = atomic_load_explicit(&pool->unfinished, memory_order_seq_cst)) != 0)
        futex_wait(&pool->unfinished, left);
    atomic_store_explicit(&pool->owner_sleeps, false, memory_order_relaxed);
}

void worker_pool_run(struct worker_pool *pool, uint32_t item_count,
                     void (*task)(void *context, uint32_t item, uint32_t worker), void *context)
{
    uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;

    if (item_count <= 1 || pool->worker_count == 1) {
        for (uint32_t item = 0; item < item_count; item++)
            task(context, item, 0);
        return;
    }
    atomic_store_explicit(&pool->task, task, memory_order_relaxed);
    atomic_store_explicit(&pool->context, context, memory_order_relaxed);
    atomic_store_explicit(&pool->item_count, item_count, memory_order_relaxed);
    atomic_store_explicit(&pool->unfinished, item_count, memory_order_relaxed);
    atomic_store_explicit(&pool->ticket, (uint64_t)generation << 32 | item_count, memory_order_release);
    atomic_store_explicit(&pool->generation, generation, memory_order_seq_cst);
    if (atomic_load_explicit(&pool->sleeper_count, memory_order_seq_cst) != 0)
        futex_wake(&pool->generation, item_count < pool->worker_count ? item_count - 1 : pool->worker_count - 1);
    worker_take_items(pool, 0);
    owner_await_items(pool);
}

/* Starts the threads of all workers but the owner; returns how many there are. */
static uint32_t workers_start(struct worker_pool *pool)
{
    uint32_t index = 1;

    for (; index < pool->worker_count; index++) {
        struct worker *worker = &pool->workers[index];
        worker->pool = pool;
        worker->index = index;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            break;
    }
    return index;
}

static void workers_stop(struct worker_pool *pool, uint32_t started)
{
    atomic_store_explicit(&pool->stopping, true, memory_order_release);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_seq_cst);
    futex_wake(&pool->generation, started);
    for (uint32_t index = 1; index < started; index++)
        pthread_join(pool->workers[index].thread, NULL);
}

enum quire_status worker_pool_create(uint32_t worker_count, struct worker_pool **out, struct quire_error *error)
{
    size_t bytes = sizeof(struct worker_pool) + worker_count * sizeof(struct worker);
    struct worker_pool *pool;
    cpu_set_t cores;
    uint32_t started;

    assert(worker_count >= 1);
    pool = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (pool == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for %u workers", worker_count);
    memset(pool, 0, bytes);
    pool->worker_count = worker_count;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0 || (uint32_t)CPU_COUNT(&cores) >= worker_count)
        pool->spin_rounds = SPIN_ROUNDS;
    started = workers_start(pool);
    if (started != worker_count) {
        workers_stop(pool, started);
        free(pool);
        return quire_fail(error, QUIRE_NO_MEMORY, "the system refused thread %u of %u", started + 1, worker_count);
    }
    *out = pool;
    return QUIRE_OK;
}

void worker_pool_destroy(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    workers_stop(pool, pool->worker_count);
    free(pool);
}

uint32_t worker_pool_count(const struct worker_pool *pool)
{
    return pool->worker_count;
}
