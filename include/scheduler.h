/* The scheduler: who runs next, and which block holds what. One step thread owns all of it; the functions below may be called
 * from any thread. */
#ifndef QUIRE_SCHEDULER_H
#define QUIRE_SCHEDULER_H

#include "engine_limits.h"
#include "request.h"
#include "tokenizer.h"

struct scheduler;
struct step_plan; /* step.h, which the server never includes */
struct step_result;

/* The engine as the scheduler sees it: engine_step, or a fake one in tests. */
struct scheduler_engine {
    void *context;
    enum quire_status (*step)(void *context, const struct step_plan *plan, struct step_result *result,
                              struct quire_error *error);
};

struct scheduler_options {
    const struct engine_limits *limits;  /* outlives the scheduler */
    struct scheduler_engine engine;
    const struct tokenizer *tokenizer;   /* for stop strings and eos ids; NULL in tests that need neither */
    uint32_t running_max;                /* --max-num-seqs */
    uint32_t step_tokens_max;            /* --max-num-batched-tokens */
    uint32_t queue_max;                  /* requests waiting; one more is QUIRE_BUSY */
    bool prefix_cache;                   /* false switches sharing between requests off */
    uint64_t (*clock_ns)(void *context); /* NULL: CLOCK_MONOTONIC */
    void *clock_context;
    /* Called by the step thread after a step that appended to any log or finished a choice; must not block. */
    void (*progress)(void *context);
    void *progress_context;
};

struct scheduler_stats {
    uint32_t running, waiting;
    uint32_t blocks_total, blocks_used, blocks_cached; /* used: referenced by sequences; cached: free but indexed */
    uint64_t step_count, step_segments_max;            /* largest number of sequences that shared a step */
    uint64_t prefix_queries_tokens, prefix_hits_tokens;
    uint64_t preemptions, forks, block_copies;
    uint64_t prompt_tokens, generation_tokens;
};

/* Reserves everything; starts no thread. */
QUIRE_NODISCARD enum quire_status scheduler_create(const struct scheduler_options *options, struct scheduler **out,
                                                   struct quire_error *error);
void scheduler_destroy(struct scheduler *scheduler); /* after scheduler_stop; finishes what is left as cancelled */

QUIRE_NODISCARD enum quire_status scheduler_start(struct scheduler *scheduler, struct quire_error *error);
/* Ends the step thread after the current step. With `drain` it first lets every accepted request finish. From the call on
 * scheduler_submit answers QUIRE_DRAINING. */
void scheduler_stop(struct scheduler *scheduler, bool drain);

/* Takes a reference of its own. QUIRE_BUSY, QUIRE_DRAINING, QUIRE_TOO_LONG (can never fit; says the numbers). */
QUIRE_NODISCARD enum quire_status scheduler_submit(struct scheduler *scheduler, struct request *request,
                                                   struct quire_error *error);
/* The same for requests that belong together: all or none, next to each other in the queue. QUIRE_INVALID with both numbers
 * when there are more than queue_max, which can never wait together; QUIRE_BUSY when there is no room for all now. */
QUIRE_NODISCARD enum quire_status scheduler_submit_all(struct scheduler *scheduler, struct request *const *requests,
                                                       uint32_t count, struct quire_error *error);
void scheduler_cancel(struct scheduler *scheduler, struct request *request);

/* For tests and single-threaded use, instead of scheduler_start: one iteration of the loop; false when there was nothing to do. */
bool scheduler_step(struct scheduler *scheduler);

/* A consistent copy of the last step's figures. */
struct scheduler_stats scheduler_stats(struct scheduler *scheduler);

#endif
