/* Wakes sleeping connections: when the scheduler made progress (once per step), when their client has gone, when it is
 * time for a sign of life, and ends connections whose client is too slow to send its request.
 *
 * A suspended connection is deaf: microhttpd does not notice that its client left. So one thread keeps every
 * connection's socket in an epoll of its own for EPOLLRDHUP, beside an eventfd that the scheduler's progress callback
 * writes. EPOLLRDHUP also tells of a client that closed only its sending half (shutdown(SHUT_WR)) and still reads: the
 * two cannot be told apart before something is written, and work for nobody is worse, so that client counts as gone
 * too. */
#ifndef QUIRE_WAKE_H
#define QUIRE_WAKE_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>

struct waker;

/* One connection. Embedded in its owner; all fields belong to the waker between waker_add and waker_remove, except that
 * the owner may read `gone`. */
struct waiter {
    int descriptor;
    uint32_t slot, serial;
    uint64_t deadline_ns;  /* the client must have sent its request by then; 0: no deadline */
    uint64_t heartbeat_ns; /* a sleeper wakes then in any case; 0: no heartbeat */
    _Atomic bool gone;     /* the client has closed the connection */
    bool asleep;
    struct waiter *next, *previous; /* of the sleepers */
};

struct waker_callbacks {
    /* All are called under the waker's lock and must not call it. */
    bool (*has_news)(struct waiter *waiter); /* whether a sleeper has something to do */
    void (*suspend)(struct waiter *waiter);
    void (*resume)(struct waiter *waiter);
    void (*expire)(struct waiter *waiter); /* the deadline passed: the connection is to end */
};

QUIRE_NODISCARD enum quire_status waker_open(uint32_t waiter_max, const struct waker_callbacks *callbacks,
                                             struct waker **out, struct quire_error *error);
/* From here on nobody falls asleep. */
void waker_refuse(struct waker *waker);
/* Wakes all sleepers, after waker_refuse. */
void waker_release(struct waker *waker);
bool waker_refuses(struct waker *waker);
void waker_close(struct waker *waker); /* NULL is allowed; nobody sleeps and all are removed */

QUIRE_NODISCARD enum quire_status waker_add(struct waker *waker, struct waiter *waiter, int descriptor);
void waker_remove(struct waker *waker, struct waiter *waiter);
void waker_set_deadline(struct waker *waker, struct waiter *waiter, uint64_t deadline_ns);

/* Suspends the waiter unless it has news; false: it has, or the waker refuses. `heartbeat_ns` may be 0. */
bool waker_sleep(struct waker *waker, struct waiter *waiter, uint64_t heartbeat_ns);
/* Another thread has done a sleeper's work: `change` says so in the owner's state and the sleeper is woken, both in one
 * hold of the lock, because whoever sees the change may resume the owner and free it. The caller must not touch the
 * waiter afterwards. */
void waker_wake(struct waker *waker, struct waiter *waiter, void (*change)(struct waiter *waiter));
/* Something happened to many: each sleeper with news is woken, by the waker's thread. Cheap, never blocks. */
void waker_progress(struct waker *waker);

uint64_t waker_now_ns(void); /* CLOCK_MONOTONIC */

#endif
