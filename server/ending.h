/* SIGTERM and SIGINT as something that can be waited for. */
#ifndef QUIRE_ENDING_H
#define QUIRE_ENDING_H

#include <signal.h>
#include <stdbool.h>

/* Both signals are noted from now on, and blocked in this thread and in those that it starts, until ending_unblock. False:
 * they cannot be, and errno says why. */
bool ending_prepare(void);

/* Lets the signals reach the calling thread: main's, so that no other is ever interrupted. */
void ending_unblock(void);

/* A descriptor that is readable while a signal has not been taken by ending_wait. */
int ending_descriptor(void);

/* Waits up to `timeout_ms` (-1: for ever) and takes one signal. True when there was one. */
bool ending_wait(int timeout_ms);

/* From now on the signals end the process at once, as in any program. */
void ending_release(void);

#endif
