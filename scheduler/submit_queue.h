/* The bounded way of requests from any thread to the step thread: many producers, one consumer, no lock. */
#ifndef QUIRE_SUBMIT_QUEUE_H
#define QUIRE_SUBMIT_QUEUE_H

#include "request.h"

struct submit_queue {
    _Atomic uintptr_t head;      /* the latest request, linked backwards by request->next; bit 0: closed */
    _Atomic uint32_t held_count; /* requests pushed and not yet released */
    uint32_t held_max;
};

void submit_queue_init(struct submit_queue *queue, uint32_t held_max);

/* Pushes `count` requests, at least one, next to each other. QUIRE_BUSY when more than `held_max` would be held,
 * QUIRE_DRAINING after submit_queue_close; then nothing was pushed. */
QUIRE_NODISCARD enum quire_status submit_queue_push(struct submit_queue *queue, struct request *const *requests,
                                                    uint32_t count, struct quire_error *error);

/* Step thread: all that was pushed, in the order of arrival, linked by request->next. They stay held, because a taken
 * request still waits somewhere, until submit_queue_release gives their places back. */
struct request *submit_queue_take(struct submit_queue *queue);
void submit_queue_release(struct submit_queue *queue);

/* Every later push is refused; what was pushed before can still be taken. */
void submit_queue_close(struct submit_queue *queue);

#endif
