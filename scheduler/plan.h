/* Fills the plan of one step: who runs, with how many tokens, and who has to give up blocks. */
#ifndef QUIRE_PLAN_H
#define QUIRE_PLAN_H

#include "scheduler_state.h"

/* What a plan must be able to hold. QUIRE_LIMIT where it would not fit one buffer. */
QUIRE_NODISCARD enum quire_status plan_capacity(const struct scheduler *scheduler,
                                              const struct scheduler_tuning *tuning,
                                                struct step_capacity *out, struct quire_error *error);

/* Decodes first, so that no long prompt delays them; then chunks of prompts in order of admission; then admissions. The
 * plan is empty only when nothing runs or waits. */
void plan_build(struct scheduler *scheduler);

/* Rows that the plan has left. */
uint32_t plan_tokens_left(const struct scheduler *scheduler);

enum plan_verdict {
    PLAN_DONE,
    PLAN_NO_BLOCKS, /* not one token's blocks are available */
    PLAN_FULL,      /* the plan has no room left for this sequence */
};
/* Gives `sequence` a segment, as long as budget and blocks allow. */
enum plan_verdict plan_segment(struct scheduler *scheduler, struct sequence *sequence);

#endif
