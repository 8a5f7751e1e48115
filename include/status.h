/* Status codes and the sentence that goes with them. Every room includes this and nothing depends on more.
 *
 * A fallible function returns enum quire_status and, where the context is known, fills a struct quire_error with one
 * sentence for a person. On failure its other outputs are untouched. */
#ifndef QUIRE_STATUS_H
#define QUIRE_STATUS_H

#include <stdarg.h>
#include <stdio.h>

#define QUIRE_NODISCARD __attribute__((warn_unused_result))
#define QUIRE_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

enum quire_status {
    QUIRE_OK = 0,
    QUIRE_INVALID,     /* a value from a client or a command line is wrong */
    QUIRE_NOT_FOUND,   /* no such file, model or field */
    QUIRE_TOO_LONG,    /* more tokens than the context or the cache can ever hold */
    QUIRE_BUSY,        /* the queue is full: try again later */
    QUIRE_DRAINING,    /* the server is shutting down */
    QUIRE_NO_BLOCKS,   /* the KV pool has no free block now: preempt and retry */
    QUIRE_NO_MEMORY,   /* an allocation or the memory budget failed */
    QUIRE_IO,          /* the operating system refused a read or a write */
    QUIRE_BAD_FILE,    /* a file's content is broken */
    QUIRE_UNSUPPORTED, /* well formed, but this build does not know it */
    QUIRE_LIMIT,       /* a bound on steps, size or depth was reached */
    QUIRE_CANCELLED,   /* the caller asked to stop */
};

#define QUIRE_ERROR_BYTES 512u

struct quire_error {
    char message[QUIRE_ERROR_BYTES]; /* one sentence, no final newline; empty after QUIRE_OK */
};

/* Fills `error` (may be NULL) with a formatted sentence and returns `status`, so that `return quire_fail(...)` reads. */
QUIRE_PRINTF(3, 4)
static inline enum quire_status quire_fail(struct quire_error *error, enum quire_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}

#endif
