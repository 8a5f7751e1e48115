/* Structured log lines: time, level, event, key=value. Implemented in server/log.c.
 * Lines go through a bounded ring to a writer thread, so that no caller waits for a slow terminal; when the ring is full
 * lines are counted and dropped, and the count is reported. Never log prompt text above LOG_DEBUG. */
#ifndef QUIRE_LOG_H
#define QUIRE_LOG_H

#include "status.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Starts the writer thread. Before log_open and after log_close lines are written at once, by the caller. */
void log_open(enum log_level level, bool json);
void log_close(void);

/* `event` is a short snake_case name; the formatted rest is `key=value` pairs separated by spaces (may be ""). */
QUIRE_PRINTF(3, 4) void log_event(enum log_level level, const char *event, const char *format, ...);

#endif
