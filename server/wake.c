/* The waker's thread and its lock. Who sleeps is suspended under the lock, who is woken is resumed under it, so no news
 * is lost between the look and the sleep. */
#include "wake.h"

#include "log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 500000000u
#define EVENTS_MAX 64
#define PROGRESS_KEY UINT64_MAX

struct waker {
    struct waker_callbacks callbacks;
    pthread_mutex_t lock;
    pthread_t thread;
    int epoll, progress;           /* progress: an eventfd */
    _Atomic bool progress_pending; /* saves the write while the thread has not looked yet */
    _Atomic bool closing;
    bool refuses;
    struct waiter *sleepers;
    uint32_t slot_count, serial;
    uint32_t *free_slots, free_count;
    struct waiter *slots[]; /* [slot_count]; NULL: free */
};

uint64_t waker_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void unlink_sleeper(struct waker *waker, struct waiter *waiter)
{
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        waker->sleepers = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    waiter->next = waiter->previous = NULL;
    waiter->asleep = false;
}

static void wake_locked(struct waker *waker, struct waiter *waiter)
{
    unlink_sleeper(waker, waiter);
    waker->callbacks.resume(waiter);
}

/* Sleepers with news, and those whose heartbeat is due. */
static void wake_all_with_news(struct waker *waker, uint64_t now_ns)
{
    struct waiter *next;

    for (struct waiter *waiter = waker->sleepers; waiter != NULL; waiter = next) {
        next = waiter->next;
        if ((waiter->heartbeat_ns != 0 && waiter->heartbeat_ns <= now_ns) || waker->callbacks.has_news(waiter))
            wake_locked(waker, waiter);
    }
}

static void expire_all(struct waker *waker, uint64_t now_ns)
{
    for (uint32_t i = 0; i < waker->slot_count; i++) {
        struct waiter *waiter = waker->slots[i];

        if (waiter == NULL || waiter->deadline_ns == 0 || waiter->deadline_ns > now_ns)
            continue;
        waiter->deadline_ns = 0;
        waker->callbacks.expire(waiter);
    }
}

static void client_gone(struct waker *waker, uint64_t key)
{
    struct waiter *waiter = waker->slots[(uint32_t)key];

    if (waiter == NULL || waiter->serial != (uint32_t)(key >> 32))
        return; /* the event is of a connection that has ended since */
    atomic_store(&waiter->gone, true);
    if (waiter->asleep && waker->callbacks.has_news(waiter))
        wake_locked(waker, waiter);
}

static void *waker_run(void *context)
{
    struct waker *waker = context;
    struct epoll_event events[EVENTS_MAX];
    uint64_t ticked_ns = waker_now_ns();

    while (!atomic_load(&waker->closing)) {
        int count = epoll_wait(waker->epoll, events, EVENTS_MAX, TICK_NS / 1000000);
        uint64_t now_ns = waker_now_ns();
        bool progressed = false;

        pthread_mutex_lock(&waker->lock);
        for (int i = 0; i < count; i++) {
            uint64_t ignored;
            if (events[i].data.u64 != PROGRESS_KEY)
                client_gone(waker, events[i].data.u64);
            else
                progressed = read(waker->progress, &ignored, sizeof ignored) > 0;
        }
        if (progressed)
            atomic_store(&waker->progress_pending, false); /* before the look: later news writes again */
        if (progressed || now_ns - ticked_ns >= TICK_NS)
            wake_all_with_news(waker, now_ns);
        if (now_ns - ticked_ns >= TICK_NS) {
            expire_all(waker, now_ns);
            ticked_ns = now_ns;
        }
        pthread_mutex_unlock(&waker->lock);
    }
    return NULL;
}

enum quire_status waker_open(uint32_t waiter_max, const struct waker_callbacks *callbacks, struct waker **out,
                             struct quire_error *error)
{
    struct waker *waker = calloc(1, sizeof *waker + waiter_max * sizeof waker->slots[0]);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = PROGRESS_KEY};
    int failure;

    if (waker == NULL || (waker->free_slots = calloc(waiter_max, sizeof *waker->free_slots)) == NULL) {
        free(waker);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for %u connections", waiter_max);
    }
    waker->callbacks = *callbacks;
    waker->slot_count = waker->free_count = waiter_max;
    for (uint32_t i = 0; i < waiter_max; i++)
        waker->free_slots[i] = waiter_max - 1 - i;
    waker->epoll = epoll_create1(EPOLL_CLOEXEC);
    waker->progress = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&waker->lock, NULL);
    if (waker->epoll < 0 || waker->progress < 0 ||
        epoll_ctl(waker->epoll, EPOLL_CTL_ADD, waker->progress, &event) != 0 ||
        (errno = pthread_create(&waker->thread, NULL, waker_run, waker)) != 0)
        goto failed;
    pthread_setname_np(waker->thread, "quire-wake");
    *out = waker;
    return QUIRE_OK;

failed:
    failure = errno;
    if (waker->epoll >= 0)
        close(waker->epoll);
    if (waker->progress >= 0)
        close(waker->progress);
    pthread_mutex_destroy(&waker->lock);
    free(waker->free_slots);
    free(waker);
    return quire_fail(error, QUIRE_IO, "cannot watch connections: %s", strerror(failure));
}

void waker_refuse(struct waker *waker)
{
    pthread_mutex_lock(&waker->lock);
    waker->refuses = true;
    pthread_mutex_unlock(&waker->lock);
}

void waker_release(struct waker *waker)
{
    pthread_mutex_lock(&waker->lock);
    while (waker->sleepers != NULL)
        wake_locked(waker, waker->sleepers);
    pthread_mutex_unlock(&waker->lock);
}

bool waker_refuses(struct waker *waker)
{
    bool refuses;

    pthread_mutex_lock(&waker->lock);
    refuses = waker->refuses;
    pthread_mutex_unlock(&waker->lock);
    return refuses;
}

void waker_close(struct waker *waker)
{
    if (waker == NULL)
        return;
    atomic_store(&waker->closing, true);
    atomic_store(&waker->progress_pending, false);
    waker_progress(waker);
    pthread_join(waker->thread, NULL);
    assert(waker->sleepers == NULL);
    close(waker->epoll);
    close(waker->progress);
    pthread_mutex_destroy(&waker->lock);
    free(waker->free_slots);
    free(waker);
}

enum quire_status waker_add(struct waker *waker, struct waiter *waiter, int descriptor)
{
    /* Edge-triggered: a client that has gone is told once. */
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET};
    enum quire_status status = QUIRE_OK;

    *waiter = (struct waiter){.descriptor = descriptor};
    pthread_mutex_lock(&waker->lock);
    if (waker->free_count == 0) {
        status = QUIRE_BUSY;
    } else {
        waiter->slot = waker->free_slots[--waker->free_count];
        waiter->serial = ++waker->serial & INT32_MAX; /* keeps keys apart from PROGRESS_KEY */
        waker->slots[waiter->slot] = waiter;
        event.data.u64 = (uint64_t)waiter->serial << 32 | waiter->slot;
        if (epoll_ctl(waker->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
            log_event(LOG_WARNING, "client_not_watched", "error=\"%s\"", strerror(errno));
    }
    pthread_mutex_unlock(&waker->lock);
    return status;
}

void waker_remove(struct waker *waker, struct waiter *waiter)
{
    pthread_mutex_lock(&waker->lock);
    assert(waker->slots[waiter->slot] == waiter && !waiter->asleep);
    epoll_ctl(waker->epoll, EPOLL_CTL_DEL, waiter->descriptor, NULL);
    waker->slots[waiter->slot] = NULL;
    waker->free_slots[waker->free_count++] = waiter->slot;
    pthread_mutex_unlock(&waker->lock);
}

void waker_set_deadline(struct waker *waker, struct waiter *waiter, uint64_t deadline_ns)
{
    pthread_mutex_lock(&waker->lock);
    waiter->deadline_ns = deadline_ns;
    pthread_mutex_unlock(&waker->lock);
}

bool waker_sleep(struct waker *waker, struct waiter *waiter, uint64_t heartbeat_ns)
{
    bool sleeps;

    pthread_mutex_lock(&waker->lock);
    sleeps = !waker->refuses && !waker->callbacks.has_news(waiter);
    if (sleeps) {
        waiter->heartbeat_ns = heartbeat_ns;
        waiter->asleep = true;
        waiter->previous = NULL;
        waiter->next = waker->sleepers;
        if (waiter->next != NULL)
            waiter->next->previous = waiter;
        waker->sleepers = waiter;
        waker->callbacks.suspend(waiter);
    }
    pthread_mutex_unlock(&waker->lock);
    return sleeps;
}

void waker_wake(struct waker *waker, struct waiter *waiter, void (*change)(struct waiter *waiter))
{
    pthread_mutex_lock(&waker->lock);
    change(waiter);
    if (waiter->asleep && waker->callbacks.has_news(waiter))
        wake_locked(waker, waiter);
    pthread_mutex_unlock(&waker->lock);
}

void waker_progress(struct waker *waker)
{
    uint64_t one = 1;

    if (atomic_exchange(&waker->progress_pending, true))
        return;
    while (write(waker->progress, &one, sizeof one) < 0 && errno == EINTR) {
    }
}
