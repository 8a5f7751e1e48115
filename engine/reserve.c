/* See reserve.h. A thread of its own, because zeroing tens of GB takes seconds, and a server should answer before that.
 * Owner: engine.c. */
#include "reserve.h"

#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* The kernel holds the address space's lock for one call, and another thread may wait for that one in munmap: some
 * 2 ms. */
#define PIECE_BYTES ((size_t)4 << 20)
#define MIB(bytes) ((double)(bytes) / (1 << 20))

/* Does not change what is in the pages, whoever writes to them meanwhile. 0 or an errno; EINVAL from an old kernel. */
static int populate(char *pages, size_t bytes)
{
    return madvise(pages, bytes, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
}

/* For old kernels. Only for pages that nobody uses yet: it writes to them. */
static void touch(char *pages, size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t at = 0; at < bytes; at += page_bytes)
        *(volatile char *)(pages + at) = 0;
}

enum quire_status reserve_now(void *pages, size_t bytes, struct quire_error *error)
{
    int failure = populate(pages, bytes);

    if (failure == EINVAL)
        touch(pages, bytes);
    else if (failure != 0)
        return quire_fail(error, QUIRE_NO_MEMORY, "the system refused %.1f MiB: %s", MIB(bytes), strerror(failure));
    return QUIRE_OK;
}

static void *reserve_thread(void *argument)
{
    struct reserve *reserve = argument;

    for (size_t at = 0; at < reserve->bytes && !atomic_load_explicit(&reserve->stop, memory_order_relaxed);) {
        size_t left = reserve->bytes - at, piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        int failure = populate(reserve->pages + at, piece);

        if (failure != 0 && failure != EINTR && failure != EAGAIN) {
            log_event(LOG_WARNING, "kv_cache_not_reserved", "reserved_mib=%.1f wanted_mib=%.1f error=\"%s\"", MIB(at),
                      MIB(reserve->bytes), strerror(failure));
            break;
        }
        if (failure == 0)
            at += piece;
    }
    return NULL;
}

void reserve_start(struct reserve *reserve, void *pages, size_t bytes)
{
    size_t piece = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
    int failure;

    *reserve = (struct reserve){.pages = pages, .bytes = bytes};
    if (populate(pages, piece) == EINVAL) { /* an old kernel: all of it, before somebody uses it */
        touch(pages, bytes);
        return;
    }
    failure = pthread_create(&reserve->thread, NULL, reserve_thread, reserve);
    reserve->started = failure == 0;
    if (failure != 0)
        log_event(LOG_WARNING, "kv_cache_not_reserved", "reserved_mib=0 wanted_mib=%.1f error=\"%s\"", MIB(bytes),
                  strerror(failure));
    else
        pthread_setname_np(reserve->thread, "quire-reserve");
}

void reserve_wait(struct reserve *reserve)
{
    if (reserve->started)
        pthread_join(reserve->thread, NULL);
    reserve->started = false;
}

void reserve_stop(struct reserve *reserve)
{
    atomic_store_explicit(&reserve->stop, true, memory_order_relaxed);
    reserve_wait(reserve);
}
