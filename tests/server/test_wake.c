/* server/wake.c and text_worker.c: no news is lost, nobody sleeps for ever. */
#include "text_worker.h"
#include "wake.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct sleeper {
    struct waiter waiter; /* first */
    _Atomic uint32_t news, seen;
    _Atomic bool expired;
    sem_t resumed;
    int sockets[2];
};

static bool has_news(struct waiter *waiter)
{
    struct sleeper *sleeper = (struct sleeper *)waiter;
    return atomic_load(&sleeper->news) != atomic_load(&sleeper->seen) || atomic_load(&waiter->gone);
}

static void suspend(struct waiter *waiter)
{
    (void)waiter;
}

static void resume(struct waiter *waiter)
{
    sem_post(&((struct sleeper *)waiter)->resumed);
}

static void expire(struct waiter *waiter)
{
    atomic_store(&((struct sleeper *)waiter)->expired, true);
}

static const struct waker_callbacks callbacks = {has_news, suspend, resume, expire};

static struct waker *open_waker(void)
{
    struct waker *waker;

    cr_assert_eq(waker_open(64, &callbacks, &waker, NULL), QUIRE_OK);
    return waker;
}

static void add(struct waker *waker, struct sleeper *sleeper)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sleeper->sockets), 0);
    sem_init(&sleeper->resumed, 0, 0);
    cr_assert_eq(waker_add(waker, &sleeper->waiter, sleeper->sockets[0]), QUIRE_OK);
}

static void drop(struct waker *waker, struct sleeper *sleeper)
{
    waker_remove(waker, &sleeper->waiter);
    close(sleeper->sockets[0]);
    if (sleeper->sockets[1] >= 0)
        close(sleeper->sockets[1]);
}

/* False after two seconds. */
static bool wait_resumed(struct sleeper *sleeper)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 2;
    return sem_timedwait(&sleeper->resumed, &end) == 0;
}

Test(wake, progress_wakes_those_with_news_only)
{
    struct waker *waker = open_waker();
    static struct sleeper a, b;

    add(waker, &a), add(waker, &b);
    cr_expect(waker_sleep(waker, &a.waiter, 0));
    cr_expect(waker_sleep(waker, &b.waiter, 0));
    atomic_store(&a.news, 1);
    waker_progress(waker);
    cr_expect(wait_resumed(&a));
    cr_expect_neq(sem_trywait(&b.resumed), 0);
    cr_expect_not(waker_sleep(waker, &a.waiter, 0), "there is news: no sleep");
    waker_refuse(waker);
    waker_release(waker);
    cr_expect(wait_resumed(&b));
    drop(waker, &a), drop(waker, &b);
    waker_close(waker);
}

Test(wake, client_that_leaves_wakes_its_connection)
{
    struct waker *waker = open_waker();
    static struct sleeper a, b;

    add(waker, &a), add(waker, &b);
    cr_expect(waker_sleep(waker, &a.waiter, 0));
    cr_expect(waker_sleep(waker, &b.waiter, 0));
    close(a.sockets[1]);
    a.sockets[1] = -1;
    cr_expect(wait_resumed(&a));
    cr_expect(atomic_load(&a.waiter.gone));
    cr_expect_not(atomic_load(&b.waiter.gone));
    waker_refuse(waker);
    waker_release(waker);
    drop(waker, &a), drop(waker, &b);
    waker_close(waker);
}

Test(wake, heartbeat_and_deadline_come_by_themselves)
{
    struct waker *waker = open_waker();
    static struct sleeper a, b;

    add(waker, &a), add(waker, &b);
    cr_expect(waker_sleep(waker, &a.waiter, waker_now_ns() + 1000000));
    waker_set_deadline(waker, &b.waiter, waker_now_ns() + 1000000);
    cr_expect(wait_resumed(&a));
    for (int i = 0; i < 2000 && !atomic_load(&b.expired); i++)
        usleep(1000);
    cr_expect(atomic_load(&b.expired));
    drop(waker, &a), drop(waker, &b);
    waker_close(waker);
}

Test(wake, slots_are_given_back)
{
    struct waker *waker;
    struct sleeper a = {0}, b = {0};

    cr_assert_eq(waker_open(1, &callbacks, &waker, NULL), QUIRE_OK);
    for (int i = 0; i < 100; i++) {
        add(waker, &a);
        cr_expect_eq(waker_add(waker, &b.waiter, a.sockets[1]), QUIRE_BUSY);
        drop(waker, &a);
    }
    waker_close(waker);
}

static void *produce(void *context)
{
    struct sleeper *sleepers = ((void **)context)[0];
    struct waker *waker = ((void **)context)[1];

    for (uint32_t round = 1; round <= 5000; round++) {
        for (int i = 0; i < 16; i++)
            atomic_store(&sleepers[i].news, round);
        waker_progress(waker);
        if (round % 8 == 0)
            sched_yield();
    }
    return NULL;
}

static void *consume(void *context)
{
    struct sleeper *sleeper = ((void **)context)[0];
    struct waker *waker = ((void **)context)[1];

    while (atomic_load(&sleeper->seen) != 5000) {
        atomic_store(&sleeper->seen, atomic_load(&sleeper->news));
        if (atomic_load(&sleeper->seen) != 5000 && waker_sleep(waker, &sleeper->waiter, 0) && !wait_resumed(sleeper))
            return sleeper; /* slept through its news */
    }
    return NULL;
}

Test(wake, no_news_is_lost_between_look_and_sleep)
{
    static struct sleeper sleepers[16];
    struct waker *waker = open_waker();
    void *contexts[17][2] = {{0}};
    pthread_t threads[17];

    for (int i = 0; i < 16; i++) {
        add(waker, &sleepers[i]);
        contexts[i][0] = &sleepers[i], contexts[i][1] = waker;
        pthread_create(&threads[i], NULL, consume, contexts[i]);
    }
    contexts[16][0] = sleepers, contexts[16][1] = waker;
    pthread_create(&threads[16], NULL, produce, contexts[16]);
    for (int i = 0; i < 17; i++) {
        void *stuck;
        pthread_join(threads[i], &stuck);
        cr_expect_null(stuck, "sleeper %d", i);
    }
    for (int i = 0; i < 16; i++)
        drop(waker, &sleepers[i]);
    waker_close(waker);
}

struct counted_job {
    struct text_job job; /* first */
    int number;
};

static int order[200];
static int order_count;

static void note(struct text_job *job)
{
    order[order_count++] = ((struct counted_job *)job)->number;
}

Test(text_worker, runs_all_in_order_before_it_closes)
{
    static struct counted_job jobs[200];
    struct text_worker *worker;

    cr_assert_eq(text_worker_open(&worker, NULL), QUIRE_OK);
    for (int i = 0; i < 200; i++) {
        jobs[i] = (struct counted_job){.job.run = note, .number = i};
        text_worker_submit(worker, &jobs[i].job);
    }
    text_worker_close(worker);
    cr_assert_eq(order_count, 200);
    for (int i = 0; i < 200; i++)
        cr_expect_eq(order[i], i);
}

/* An owner that is freed by whoever it wakes, as a connection is: what wakes it must have let go by then (a sanitizer
 * sees it). */
struct owner {
    struct sleeper sleeper; /* first */
    struct waker *waker;
};

static void tell_news(struct waiter *waiter)
{
    atomic_store(&((struct sleeper *)waiter)->news, 1);
}

static void *work_and_wake(void *context)
{
    struct owner *owner = context;

    waker_wake(owner->waker, &owner->sleeper.waiter, tell_news);
    return NULL;
}

static void *make_progress(void *context)
{
    struct owner *stop = context;

    while (atomic_load(&stop->sleeper.news) == 0)
        waker_progress(stop->waker);
    return NULL;
}

Test(wake, who_wakes_does_not_touch_its_sleeper_afterwards)
{
    struct waker *waker = open_waker();
    struct owner stop = {.waker = waker};
    pthread_t noise, worker;

    pthread_create(&noise, NULL, make_progress, &stop);
    for (int i = 0; i < 2000; i++) {
        struct owner *owner = calloc(1, sizeof *owner);

        owner->waker = waker;
        add(waker, &owner->sleeper);
        cr_assert(waker_sleep(waker, &owner->sleeper.waiter, 0));
        pthread_create(&worker, NULL, work_and_wake, owner);
        cr_assert(wait_resumed(&owner->sleeper));
        drop(waker, &owner->sleeper);
        free(owner);
        pthread_join(worker, NULL);
    }
    atomic_store(&stop.sleeper.news, 1);
    pthread_join(noise, NULL);
    waker_close(waker);
}
