/* An engine without a model, that notices every mistake of the scheduler.
 *
 * A slot of a block holds a hash of the slot before it, read through the block table, and of its token. A draw hashes
 * all slots that its row can see, again through the table, with all of its sampling parameters. So a stale or aliased
 * block, a copy that was forgotten or a wrong table changes what is drawn. What a run alone draws is computed by
 * fake_alone from the tokens only. */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include "scheduler_state.h"

struct fake_engine {
    struct engine_limits limits;
    uint64_t *slots[STEP_GROUPS_MAX];   /* [block_count * 16] */
    uint32_t *written[STEP_GROUPS_MAX]; /* the step in which a slot was last written */
    uint32_t step;
    const struct scheduler *scheduler;  /* to look at reference counts; may be NULL */
    bool fail_next;                     /* answer the next step with an error */
    char problem[256];                  /* what was wrong with a plan; empty: nothing */
};

void fake_engine_init(struct fake_engine *engine, const struct engine_limits *limits);
void fake_engine_deinit(struct fake_engine *engine);
enum quire_status fake_engine_step(void *context, const struct step_plan *plan, struct step_result *result,
                                   struct quire_error *error);

/* The hash chain of a token sequence as one group's slots should hold it. `tokens` grows; call for each position in
 * turn. */
uint64_t fake_slot(uint32_t group, uint64_t before, uint32_t token, uint32_t position);
/* The digest of slots first .. last. */
uint64_t fake_digest(uint64_t digest, uint64_t slot);
uint64_t fake_hash(uint64_t a, uint64_t b);

/* What is drawn from a digest: `biases` and `history` are the sample's own. */
void fake_draw(const struct engine_limits *limits, const struct step_sample *sample, uint64_t digest,
               const struct step_bias *biases, const uint32_t *history, struct step_output *output,
               struct step_token *tops);

#endif
