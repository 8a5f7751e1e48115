/* What the step thread owns. Only scheduler.c, admit.c, plan.c and answer.c, and the scheduler's tests, look inside. */
#ifndef QUIRE_SCHEDULER_STATE_H
#define QUIRE_SCHEDULER_STATE_H

#include "scheduler.h"
#include "sequence.h"
#include "submit_queue.h"

#include <pthread.h>

/* What only tests change. */
struct scheduler_tuning {
    uint32_t hash_bits;                  /* 128 */
    unsigned char key[PREFIX_KEY_BYTES]; /* random */
    uint32_t history_max, biases_max;    /* of one step; at least what one sequence needs is granted */
};

/* What a draw takes of a step's room. */
struct plan_claim {
    uint64_t history, biases;
};

enum scheduler_stop_mode { STOP_NOT, STOP_DRAIN, STOP_NOW };

struct scheduler {
    /* Fixed at creation. */
    struct scheduler_options options;
    struct engine_limits limits;
    const uint32_t *eos;
    uint32_t eos_count;
    uint32_t running_max, step_tokens_max; /* the options, cut to the engine's limits */

    /* Requests that wait for admission, first come first, linked by request->next. */
    struct submit_queue submissions;
    void *waiting_first, **waiting_end;
    uint32_t waiting_count;

    /* Sequences: each is in exactly one of idle, running and preempted. */
    struct sequence *sequences;
    uint32_t *tables;           /* of all sequences */
    struct sequence **pointers; /* the arrays of the following, in one piece of memory */
    struct sequence **idle;
    uint32_t idle_count, unborn_count; /* unborn: idle ones that running or preempted families will need */
    struct sequence_list running, preempted;
    uint64_t last_order;
    uint64_t admission_count; /* fresh and preempted ones that came to run */

    struct kv_cache cache;

    /* The step in progress. */
    struct step_plan *plan;
    struct step_result *result;
    struct sequence **planned; /* in the plan's order of segments */
    uint32_t planned_count;
    bool somebody_passed_over;        /* some running sequence's passed_over is not 0 */
    bool short_of_blocks;             /* somebody was preempted or got no block: nobody new is admitted */
    bool progressed;                  /* a log grew or finished */

    struct text piece; /* scratch: the text of one token; never grows in practice */

    /* Requests that are finished and that only the scheduler still held, linked by request->next. Giving tens of MiB of
     * logs back takes milliseconds, so that is left to the next thread that comes to a door, or to the step thread's
     * idle time. */
    _Atomic(struct request *) retired;

    /* The thread, and what others see of it. */
    pthread_t thread;
    bool started;
    int wake_fd;                       /* an eventfd that submissions, cancels and stop add to */
    _Atomic bool cancel_wanted;        /* some request was cancelled: look for it */
    _Atomic int stop_mode;             /* enum scheduler_stop_mode */
    pthread_mutex_t stop_lock;         /* held while joining */
    pthread_mutex_t stats_lock;        /* guards published */
    struct scheduler_stats stats, published;
};

/* scheduler_create with the knobs that tests turn. */
QUIRE_NODISCARD enum quire_status scheduler_create_tuned(const struct scheduler_options *options,
                                                         const struct scheduler_tuning *tuning, struct scheduler **out,
                                                         struct quire_error *error);

#endif
