/* Makes the system keep its word: memory that was only mapped gets its pages now, while it can still be refused. */
#ifndef QUIRE_RESERVE_H
#define QUIRE_RESERVE_H

#include "status.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Gives fresh pages, which nobody uses yet, their memory. QUIRE_NO_MEMORY. */
QUIRE_NODISCARD enum quire_status reserve_now(void *pages, size_t bytes, struct quire_error *error);

/* The same in the background; all zero: not started. */
struct reserve {
    char *pages;
    size_t bytes;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
};

/* Starts with fresh pages, which may be used from now on: what is written to them stays. What cannot be had is logged
 * as a warning, and comes when it is first used, or not. `reserve` must stay where it is. */
void reserve_start(struct reserve *reserve, void *pages, size_t bytes);
void reserve_wait(struct reserve *reserve); /* until all is done; before something is measured */
void reserve_stop(struct reserve *reserve); /* as soon as can be; before the pages are unmapped */

#endif
