/* The signals that ask to end are counted in an eventfd that gives them out one by one. A handler, and no signalfd, because
 * libraries start threads before main that do not block the signals (OpenBLAS does).
 * Threads: the handler runs on main, or on such a library's thread. Owner: the process. */
#include "ending.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int endings = -1;

static void ending_note(int signal_number)
{
    uint64_t one = 1;
    int saved = errno;

    (void)signal_number;
    (void)!write(endings, &one, sizeof one);
    errno = saved;
}

static sigset_t ending_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

bool ending_prepare(void)
{
    struct sigaction action = {.sa_handler = ending_note, .sa_flags = SA_RESTART};
    sigset_t set = ending_signals();

    endings = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
    if (endings < 0)
        return false;
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return true;
}

void ending_unblock(void)
{
    sigset_t set = ending_signals();

    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int ending_descriptor(void)
{
    return endings;
}

bool ending_wait(int timeout_ms)
{
    struct pollfd ready = {.fd = endings, .events = POLLIN};
    uint64_t one;

    return poll(&ready, 1, timeout_ms) > 0 && read(endings, &one, sizeof one) == (ssize_t)sizeof one;
}

void ending_release(void)
{
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
}
