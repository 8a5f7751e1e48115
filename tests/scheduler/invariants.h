/* What must hold between any two steps. */
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include "scheduler_state.h"

/* NULL, or a sentence that says what is broken. Reference counts equal table entries; used + free + cached = total;
 * every cached block is indexed and every free one is not; sequences, unborn choices and places in the queue are all
 * accounted for. */
const char *invariants_broken(const struct scheduler *scheduler);

/* NULL, or what is left over after everybody has gone. */
const char *invariants_left_over(const struct scheduler *scheduler);

#endif
