/* One thread, one queue. The queue is bounded by the number of connections, each of which has at most one job. */
#include "text_worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct text_worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct text_job *first, **last;
    bool closing;
};

static void *worker_run(void *context)
{
    struct text_worker *worker = context;

    pthread_mutex_lock(&worker->lock);
    for (;;) {
        struct text_job *job = worker->first;

        if (job != NULL) {
            worker->first = job->next;
            if (worker->first == NULL)
                worker->last = &worker->first;
            pthread_mutex_unlock(&worker->lock);
            job->run(job);
            pthread_mutex_lock(&worker->lock);
        } else if (worker->closing) {
            break;
        } else {
            pthread_cond_wait(&worker->filled, &worker->lock);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

enum quire_status text_worker_open(struct text_worker **out, struct quire_error *error)
{
    struct text_worker *worker = calloc(1, sizeof *worker);
    int failure;

    if (worker == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the text worker");
    worker->last = &worker->first;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->filled, NULL);
    failure = pthread_create(&worker->thread, NULL, worker_run, worker);
    if (failure != 0) {
        pthread_cond_destroy(&worker->filled);
        pthread_mutex_destroy(&worker->lock);
        free(worker);
        return quire_fail(error, QUIRE_IO, "cannot start the text worker: %s", strerror(failure));
    }
    pthread_setname_np(worker->thread, "quire-text");
    *out = worker;
    return QUIRE_OK;
}

void text_worker_submit(struct text_worker *worker, struct text_job *job)
{
    pthread_mutex_lock(&worker->lock);
    job->next = NULL;
    *worker->last = job;
    worker->last = &job->next;
    pthread_cond_signal(&worker->filled);
    pthread_mutex_unlock(&worker->lock);
}

void text_worker_close(struct text_worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->closing = true;
    pthread_cond_signal(&worker->filled);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->filled);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
