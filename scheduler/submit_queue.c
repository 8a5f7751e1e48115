/* A stack that producers push on and the step thread takes whole, then turns round: the order of arrival without a
 * lock, and, since nothing is ever popped singly, without the ABA problem. Threads: see each function. */
#include "submit_queue.h"

#include <assert.h>

#define CLOSED ((uintptr_t)1)

void submit_queue_init(struct submit_queue *queue, uint32_t held_max)
{
    atomic_init(&queue->head, 0);
    atomic_init(&queue->held_count, 0);
    queue->held_max = held_max;
}

static void release(struct submit_queue *queue, uint32_t count)
{
    uint32_t held = atomic_fetch_sub_explicit(&queue->held_count, count, memory_order_relaxed);

    assert(held >= count);
    (void)held;
}

enum quire_status submit_queue_push(struct submit_queue *queue, struct request *const *requests, uint32_t count,
                                    struct quire_error *error)
{
    uint32_t held = atomic_load_explicit(&queue->held_count, memory_order_relaxed);
    uintptr_t head;

    do {
        if (count > queue->held_max || held > queue->held_max - count)
            return quire_fail(error, QUIRE_BUSY, "%u requests are waiting already and %u more came, but %u is the most "
                              "allowed", held, count, queue->held_max);
    } while (!atomic_compare_exchange_weak_explicit(&queue->held_count, &held, held + count, memory_order_relaxed,
                                                    memory_order_relaxed));

    for (uint32_t i = 1; i < count; i++)
        requests[i]->next = requests[i - 1];
    head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    do {
        if ((head & CLOSED) != 0) {
            release(queue, count);
            return quire_fail(error, QUIRE_DRAINING, "the server is shutting down");
        }
        requests[0]->next = (void *)head;
    } while (!atomic_compare_exchange_weak_explicit(&queue->head, &head, (uintptr_t)requests[count - 1],
                                                    memory_order_release, memory_order_relaxed));
    return QUIRE_OK;
}

struct request *submit_queue_take(struct submit_queue *queue)
{
    /* An idle look costs one load. Keeping only the closed bit takes the whole stack at once. */
    if ((atomic_load_explicit(&queue->head, memory_order_relaxed) & ~CLOSED) == 0)
        return NULL;

    uintptr_t head = atomic_fetch_and_explicit(&queue->head, CLOSED, memory_order_acquire);
    struct request *latest = (struct request *)(head & ~CLOSED), *first = NULL;

    while (latest != NULL) {
        struct request *before = latest->next;

        latest->next = first;
        first = latest;
        latest = before;
    }
    return first;
}

void submit_queue_release(struct submit_queue *queue)
{
    release(queue, 1);
}

void submit_queue_close(struct submit_queue *queue)
{
    atomic_fetch_or_explicit(&queue->head, CLOSED, memory_order_relaxed);
}
