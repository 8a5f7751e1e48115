/* Reads by a few threads with pread, for systems without io_uring. See file_read.h.
 * Two lists of slots, wanted and ended, under one lock; a slot is in one of them or with one thread. */
#include "file_read.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 4u

struct ring { /* of slot indices; room for all slots */
    uint32_t *items;
    uint32_t first, count;
};

struct threads_state {
    struct file_slot *slots;
    uint32_t slot_count;
    pthread_mutex_t lock;
    pthread_cond_t wanted_more, ended_more;
    struct ring wanted, ended;
    bool closing;
    pthread_t threads[THREADS_MAX];
    uint32_t thread_count;
};

static void ring_put(struct ring *ring, uint32_t capacity, uint32_t item)
{
    ring->items[(ring->first + ring->count) % capacity] = item;
    ring->count++;
}

static uint32_t ring_take(struct ring *ring, uint32_t capacity)
{
    uint32_t item = ring->items[ring->first];

    ring->first = (ring->first + 1) % capacity;
    ring->count--;
    return item;
}

static void read_slot(struct file_slot *slot)
{
    while (slot->done < slot->bytes && slot->failure == 0) {
        ssize_t count = pread(slot->descriptor, slot->buffer + slot->done, slot->bytes - slot->done,
                              (off_t)(slot->offset + slot->done));

        if (count > 0)
            slot->done += (size_t)count;
        else if (count == 0)
            slot->failure = ENODATA;
        else if (errno != EINTR)
            slot->failure = errno;
    }
}

static void *thread_main(void *opaque)
{
    struct threads_state *state = opaque;

    pthread_mutex_lock(&state->lock);
    for (;;) {
        while (state->wanted.count == 0 && !state->closing)
            pthread_cond_wait(&state->wanted_more, &state->lock);
        if (state->closing)
            break;
        uint32_t slot = ring_take(&state->wanted, state->slot_count);

        pthread_mutex_unlock(&state->lock);
        read_slot(&state->slots[slot]);
        pthread_mutex_lock(&state->lock);
        ring_put(&state->ended, state->slot_count, slot);
        pthread_cond_signal(&state->ended_more);
    }
    pthread_mutex_unlock(&state->lock);
    return NULL;
}

static void threads_close(void *opaque)
{
    struct threads_state *state = opaque;

    pthread_mutex_lock(&state->lock);
    state->closing = true;
    pthread_cond_broadcast(&state->wanted_more);
    pthread_mutex_unlock(&state->lock);
    for (uint32_t i = 0; i < state->thread_count; i++)
        pthread_join(state->threads[i], NULL);
    pthread_cond_destroy(&state->wanted_more);
    pthread_cond_destroy(&state->ended_more);
    pthread_mutex_destroy(&state->lock);
    free(state->wanted.items);
    free(state->ended.items);
    free(state);
}

static void *threads_open(struct file_slot *slots, uint32_t slot_count)
{
    struct threads_state *state = calloc(1, sizeof *state);

    if (state == NULL)
        return NULL;
    state->slots = slots;
    state->slot_count = slot_count;
    pthread_mutex_init(&state->lock, NULL);
    pthread_cond_init(&state->wanted_more, NULL);
    pthread_cond_init(&state->ended_more, NULL);
    state->wanted.items = calloc(slot_count, sizeof(uint32_t));
    state->ended.items = calloc(slot_count, sizeof(uint32_t));
    if (state->wanted.items != NULL && state->ended.items != NULL)
        while (state->thread_count < THREADS_MAX && state->thread_count < slot_count &&
               pthread_create(&state->threads[state->thread_count], NULL, thread_main, state) == 0)
            state->thread_count++;
    if (state->thread_count == 0) {
        threads_close(state);
        errno = ENOMEM;
        return NULL;
    }
    return state;
}

static void threads_start(void *opaque, uint32_t slot)
{
    struct threads_state *state = opaque;

    pthread_mutex_lock(&state->lock);
    ring_put(&state->wanted, state->slot_count, slot);
    pthread_cond_signal(&state->wanted_more);
    pthread_mutex_unlock(&state->lock);
}

static uint32_t threads_wait(void *opaque, bool block)
{
    struct threads_state *state = opaque;
    uint32_t slot = FILE_READ_NONE;

    pthread_mutex_lock(&state->lock);
    while (block && state->ended.count == 0)
        pthread_cond_wait(&state->ended_more, &state->lock);
    if (state->ended.count > 0)
        slot = ring_take(&state->ended, state->slot_count);
    pthread_mutex_unlock(&state->lock);
    return slot;
}

const struct file_backend file_backend_threads = {"threads", threads_open, threads_close, threads_start, threads_wait};
