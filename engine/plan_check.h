/* Whether a step_plan keeps step.h's rules, so that engine_step cannot fail or touch foreign memory after it. */
#ifndef QUIRE_PLAN_CHECK_H
#define QUIRE_PLAN_CHECK_H

#include "engine_limits.h"
#include "step.h"

/* Checks every index, count, table and number of `plan`, and that `result` has room for its outputs. Segments must
 * follow one another in the order of their rows and cover all rows. QUIRE_INVALID with a sentence that says what is
 * wrong. */
QUIRE_NODISCARD enum quire_status plan_check(const struct engine_limits *limits, const struct step_plan *plan,
                                             const struct step_result *result, struct quire_error *error);

#endif
