/* Builds step plans by hand: for engine_bench and for tests. The scheduler builds its own. */
#ifndef QUIRE_PLAN_MAKE_H
#define QUIRE_PLAN_MAKE_H

#include "step.h"

struct plan_maker {
    struct step_plan *plan;
    struct step_result *result; /* holds capacity.samples outputs */
};

/* QUIRE_NO_MEMORY, QUIRE_INVALID (a capacity beyond 4 GiB). */
QUIRE_NODISCARD enum quire_status plan_maker_init(struct plan_maker *maker, const struct step_capacity *capacity,
                                                  struct quire_error *error);
void plan_maker_deinit(struct plan_maker *maker);

/* The functions below assert that the capacity suffices. */
void plan_clear(struct step_plan *plan);
/* A decoder segment of one group; returns its first row. */
uint32_t plan_add_segment(struct step_plan *plan, uint32_t position, const uint32_t *ids, uint32_t id_count,
                          const uint32_t *blocks, uint32_t block_count);
/* Greedy without alternatives at `row`; change it through the returned pointer. */
struct step_sample *plan_add_greedy(struct step_plan *plan, uint32_t row);
struct step_sample *plan_add_score(struct step_plan *plan, uint32_t row, uint32_t target);
void plan_add_copy(struct step_plan *plan, uint32_t from, uint32_t to);
void plan_add_bias(struct step_plan *plan, struct step_sample *sample, uint32_t id, float value);
/* The penalties' history of `sample`. */
void plan_add_history(struct step_plan *plan, struct step_sample *sample, const uint32_t *prompt, uint32_t prompt_count,
                      const uint32_t *output, uint32_t output_count);

#endif
