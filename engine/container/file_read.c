/* Reads through io_uring: one submission per slot, the rest of a short read is submitted again. See file_read.h. */
#include "file_read.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

struct uring_state {
    struct io_uring ring;
    struct file_slot *slots;
};

static void *uring_open(struct file_slot *slots, uint32_t slot_count)
{
    struct uring_state *state = calloc(1, sizeof *state);
    int code;

    if (state == NULL)
        return NULL;
    code = io_uring_queue_init(slot_count, &state->ring, 0);
    if (code < 0) {
        free(state);
        errno = -code;
        return NULL;
    }
    state->slots = slots;
    return state;
}

static void uring_close(void *opaque)
{
    struct uring_state *state = opaque;

    io_uring_queue_exit(&state->ring);
    free(state);
}

static void uring_start(void *opaque, uint32_t slot)
{
    struct uring_state *state = opaque;
    struct file_slot *target = &state->slots[slot];
    struct io_uring_sqe *entry = io_uring_get_sqe(&state->ring);
    size_t left = target->bytes - target->done;
    int code;

    assert(entry != NULL); /* the ring has an entry per slot */
    io_uring_prep_read(entry, target->descriptor, target->buffer + target->done,
                       left < (1u << 30) ? (unsigned)left : 1u << 30, target->offset + target->done);
    io_uring_sqe_set_data64(entry, slot);
    /* A read that the page cache can serve would be copied by this very thread; a kernel worker does it meanwhile. */
    io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
    do
        code = io_uring_submit(&state->ring);
    while (code == -EINTR || code == -EAGAIN || code == -EBUSY);
    assert(code == 1);
}

static uint32_t uring_wait(void *opaque, bool block)
{
    struct uring_state *state = opaque;

    for (;;) {
        struct io_uring_cqe *event;
        struct file_slot *slot;
        uint32_t index;
        int code = block ? io_uring_wait_cqe(&state->ring, &event) : io_uring_peek_cqe(&state->ring, &event);

        if (code == -EINTR)
            continue;
        if (code == -EAGAIN && !block)
            return FILE_READ_NONE;
        assert(code == 0);
        index = (uint32_t)io_uring_cqe_get_data64(event);
        code = event->res;
        io_uring_cqe_seen(&state->ring, event);
        slot = &state->slots[index];
        if (code > 0)
            slot->done += (size_t)code;
        else if (code != -EINTR && code != -EAGAIN)
            slot->failure = code == 0 ? ENODATA : -code;
        if (slot->failure != 0 || slot->done == slot->bytes)
            return index;
        uring_start(state, index);
    }
}

const struct file_backend file_backend_uring = {"io_uring", uring_open, uring_close, uring_start, uring_wait};
