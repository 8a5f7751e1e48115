/* What comes of a step: tokens go to the logs, choices fork off, stop and finish. */
#ifndef QUIRE_ANSWER_H
#define QUIRE_ANSWER_H

#include "scheduler_state.h"

/* Applies the result of the plan that the engine just computed. */
void answer_step(struct scheduler *scheduler);

/* The engine could not compute the plan: ends every request that had a part in it. */
void answer_failure(struct scheduler *scheduler, const struct quire_error *error);

/* Ends the choices of a running or preempted sequence, which becomes idle. The request may be gone afterwards. */
void answer_finish(struct scheduler *scheduler, struct sequence *sequence, enum finish_reason reason);

/* Ends all choices of a request that never became a sequence, or is no longer waiting. It may be gone afterwards. */
void answer_refuse(struct scheduler *scheduler, struct request *request, enum finish_reason reason);

uint64_t scheduler_now_ns(const struct scheduler *scheduler);

#endif
