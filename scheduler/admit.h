/* Which requests may come in at all, and which waiting ones come in now. */
#ifndef QUIRE_ADMIT_H
#define QUIRE_ADMIT_H

#include "scheduler_state.h"

/* Any thread: whether the request could run if it were alone, and names only tokens that exist. QUIRE_INVALID,
 * QUIRE_TOO_LONG with the numbers. */
QUIRE_NODISCARD enum quire_status admit_check(const struct scheduler *scheduler, const struct request *request,
                                              struct quire_error *error);

/* Adds waiting sequences to the plan, preempted ones first, while rows, sequences and blocks suffice. */
void admit_waiting(struct scheduler *scheduler);

/* Takes a request out of the waiting ones; `link` is the place that points at it. */
struct request *admit_unlink(struct scheduler *scheduler, void **link);

#endif
