/* One step's plan (plan.h). Thread: step. */
#include "plan.h"

#include "admit.h"

#include <assert.h>
#include <string.h>

#define HISTORY_TOKENS_MAX (UINT32_C(1) << 20) /* 4 MiB: the ids that penalties look at, of all sequences of a step */
#define BIASES_MAX (UINT32_C(1) << 16)
#define STEP_TOKENS_MAX (UINT32_C(1) << 24) /* far beyond use; keeps sums of counts within 32 bits */

enum quire_status plan_capacity(const struct scheduler *scheduler, const struct scheduler_tuning *tuning,
                                struct step_capacity *out, struct quire_error *error)
{
    const struct engine_limits *limits = &scheduler->limits;
    uint64_t tables = (uint64_t)scheduler->running_max * limits->group_count;
    uint64_t table_blocks = tables * kv_blocks_for(limits->model_len_max);
    uint32_t biases_least = REQUEST_BIASES_MAX + REQUEST_STOP_IDS_MAX + scheduler->eos_count;
    uint32_t history_least = limits->model_len_max;
    uint32_t history_max = tuning->history_max != 0 ? tuning->history_max : HISTORY_TOKENS_MAX;
    uint32_t biases_max = tuning->biases_max != 0 ? tuning->biases_max : BIASES_MAX;

    *out = (struct step_capacity){
        .tokens = scheduler->step_tokens_max,
        .segments = scheduler->running_max,
        .block_ids = (uint32_t)table_blocks,
        .copies = scheduler->running_max * limits->group_count,
        /* A row is scored at most once, and each choice draws at most once: this never runs out. */
        .samples = scheduler->step_tokens_max + scheduler->running_max,
        .biases = biases_max > biases_least ? biases_max : biases_least,
        .history = history_max > history_least ? history_max : history_least,
    };
    if (scheduler->step_tokens_max > STEP_TOKENS_MAX || step_result_layout(out->samples, NULL) > UINT32_MAX)
        return quire_fail(error, QUIRE_LIMIT, "the results of %u tokens do not fit one step; lower "
                          "--max-num-batched-tokens", scheduler->step_tokens_max);
    if (table_blocks > UINT32_MAX || step_plan_layout(out, NULL) > UINT32_MAX)
        return quire_fail(error, QUIRE_LIMIT,
                          "block tables of %u sequences of %u tokens do not fit a step's plan; lower --max-num-seqs or "
                          "--max-model-len", scheduler->running_max, limits->model_len_max);
    return QUIRE_OK;
}

uint32_t plan_tokens_left(const struct scheduler *scheduler)
{
    return scheduler->plan->capacity.tokens - scheduler->plan->count.tokens;
}

/* ---- history and biases, which a step has only so much of -------------------------------------------------------- */

static bool penalised(const struct request_spec *spec)
{
    return spec->presence_penalty != 0.0f || spec->frequency_penalty != 0.0f || spec->repetition_penalty != 1.0f;
}

static struct plan_claim claim_of(const struct scheduler *scheduler, const struct sequence *sequence)
{
    const struct request_spec *spec = &sequence->request->spec;
    struct plan_claim claim = {.biases = spec->bias_count};

    if (penalised(spec))
        claim.history = sequence_known(sequence);
    if (sequence->output_count < spec->token_min)
        claim.biases += spec->stop_id_count + (spec->ignore_eos ? 0 : scheduler->eos_count);
    return claim;
}

/* What those take who have been passed over more often and have no segment yet. */
static struct plan_claim claims_before(const struct scheduler *scheduler, const struct sequence *sequence)
{
    struct plan_claim sum = {0};

    for (uint32_t i = 0; i < scheduler->running.count && scheduler->somebody_passed_over; i++) {
        const struct sequence *other = scheduler->running.at[i];

        if (other->segment_tokens == 0 && other->passed_over > sequence->passed_over) {
            struct plan_claim claim = claim_of(scheduler, other);

            sum.history += claim.history;
            sum.biases += claim.biases;
        }
    }
    return sum;
}

/* Whether the step can hold the history and the biases. Who is passed over for that comes before the others in the next
 * step, so that everybody's turn comes. */
static bool claim_fits(struct scheduler *scheduler, struct sequence *sequence)
{
    const struct step_capacity *capacity = &scheduler->plan->capacity, *count = &scheduler->plan->count;
    struct plan_claim claim = claim_of(scheduler, sequence), before = claims_before(scheduler, sequence);

    if ((claim.history > 0 && count->history + before.history + claim.history > capacity->history) ||
        (claim.biases > 0 && count->biases + before.biases + claim.biases > capacity->biases)) {
        sequence->passed_over++;
        return false;
    }
    sequence->passed_over = 0;
    return true;
}

/* ---- one segment ------------------------------------------------------------------------------------------------- */

static void plan_rows(struct scheduler *scheduler, const struct sequence *sequence, uint32_t count)
{
    struct step_plan *plan = scheduler->plan;
    struct step_segment *segment = &step_segments(plan)[plan->count.segments++];

    *segment = (struct step_segment){
        .kind = STEP_DECODER,
        .token_start = plan->count.tokens,
        .token_count = count,
        .position = sequence->computed,
        .state_slot = STEP_NO_SLOT,
    };
    sequence_tokens(sequence, sequence->computed, count, step_tokens(plan) + plan->count.tokens);
    plan->count.tokens += count;
    for (uint32_t g = 0; g < scheduler->cache.group_count; g++) {
        segment->table_start[g] = plan->count.block_ids;
        segment->table_blocks[g] = sequence->block_count;
        memcpy(step_block_ids(plan) + plan->count.block_ids, sequence->table[g],
               sequence->block_count * sizeof(uint32_t));
        plan->count.block_ids += sequence->block_count;
    }
}

static struct step_sample *plan_sample(struct step_plan *plan, const struct step_sample *sample)
{
    assert(plan->count.samples < plan->capacity.samples);
    step_samples(plan)[plan->count.samples] = *sample;
    return &step_samples(plan)[plan->count.samples++];
}

/* Scores of the prompt tokens that follow rows of this segment. */
static void plan_scores(struct scheduler *scheduler, struct sequence *sequence, uint32_t first_row)
{
    const struct request_spec *spec = &sequence->request->spec;
    uint32_t end = sequence->computed + sequence->segment_tokens;
    uint32_t at = sequence->computed > sequence->scored ? sequence->computed : sequence->scored;

    for (; spec->prompt_scores && at < end && at + 1 < spec->prompt_tokens; at++) {
        plan_sample(scheduler->plan, &(struct step_sample){
            .kind = STEP_SCORE,
            .row = first_row + (at - sequence->computed),
            .target = spec->prompt[at + 1],
            .top_count = spec->top_count,
            .position = at + 1,
            .top_p = 1.0f,
            .repetition_penalty = 1.0f,
        });
        sequence->score_count++;
    }
}

static void plan_history(struct step_plan *plan, const struct sequence *sequence, struct step_sample *sample)
{
    sample->history_start = plan->count.history;
    if (!penalised(&sequence->request->spec))
        return;
    sample->history_prompt = sequence->request->spec.prompt_tokens;
    sample->history_output = sequence->output_count;
    sequence_tokens(sequence, 0, sequence_known(sequence), step_history(plan) + plan->count.history);
    plan->count.history += sequence_known(sequence);
}

static void plan_forbid(const struct scheduler *scheduler, const uint32_t *ids, uint32_t count)
{
    struct step_plan *plan = scheduler->plan;

    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] < scheduler->limits.vocab_size) /* others are never drawn */
            step_biases(plan)[plan->count.biases++] = (struct step_bias){.id = ids[i], .value = -__builtin_inff()};
    }
}

/* The client's biases, and until token_min is reached no token that would end the answer. */
static void plan_biases(struct scheduler *scheduler, const struct sequence *sequence, struct step_sample *sample)
{
    const struct request_spec *spec = &sequence->request->spec;
    struct step_plan *plan = scheduler->plan;

    sample->bias_start = plan->count.biases;
    if (spec->bias_count > 0)
        memcpy(step_biases(plan) + plan->count.biases, spec->biases, spec->bias_count * sizeof *spec->biases);
    plan->count.biases += spec->bias_count;
    if (sequence->output_count < spec->token_min) {
        plan_forbid(scheduler, spec->stop_ids, spec->stop_id_count);
        if (!spec->ignore_eos)
            plan_forbid(scheduler, scheduler->eos, scheduler->eos_count);
    }
    sample->bias_count = plan->count.biases - sample->bias_start;
}

/* Draws after `row` the next token of the choice, and of those that are about to fork off. */
static void plan_draws(struct scheduler *scheduler, struct sequence *sequence, uint32_t row)
{
    const struct request_spec *spec = &sequence->request->spec;
    struct step_sample sample = {
        .kind = STEP_SAMPLE,
        .row = row,
        .target = STEP_NO_TOKEN,
        .top_count = spec->top_count,
        .seed = spec->seed,
        .position = sequence_known(sequence),
        .temperature = spec->temperature,
        .top_p = spec->top_p,
        .min_p = spec->min_p,
        .top_k = spec->top_k,
        .presence_penalty = spec->presence_penalty,
        .frequency_penalty = spec->frequency_penalty,
        .repetition_penalty = spec->repetition_penalty,
    };

    plan_history(scheduler->plan, sequence, &sample);
    plan_biases(scheduler, sequence, &sample);
    sequence->sample_count = 1 + sequence->unborn;
    for (uint32_t i = 0; i < sequence->sample_count; i++)
        plan_sample(scheduler->plan, &sample)->choice = sequence->choice + i;
}

enum plan_verdict plan_segment(struct scheduler *scheduler, struct sequence *sequence)
{
    struct step_plan *plan = scheduler->plan;
    uint32_t missing = sequence_missing(sequence), room = sequence_room(sequence, &scheduler->cache);
    uint32_t count = missing, first_row = plan->count.tokens;

    if (count > plan_tokens_left(scheduler))
        count = plan_tokens_left(scheduler);
    if (count == 0 || plan->count.segments == plan->capacity.segments)
        return PLAN_FULL;
    if (room == 0)
        return PLAN_NO_BLOCKS;
    if (count > room)
        count = room;

    bool draws = count == missing && sequence->request->spec.token_max > 0;
    if (draws && !claim_fits(scheduler, sequence))
        return PLAN_FULL;

    sequence_reserve(sequence, &scheduler->cache, count, plan);
    sequence->segment_tokens = count;
    sequence->sample_start = plan->count.samples;
    sequence->score_count = sequence->sample_count = 0;
    plan_rows(scheduler, sequence, count);
    plan_scores(scheduler, sequence, first_row);
    if (draws)
        plan_draws(scheduler, sequence, first_row + count - 1);
    scheduler->planned[scheduler->planned_count++] = sequence;
    return PLAN_DONE;
}

/* ---- who runs ---------------------------------------------------------------------------------------------------- */

/* Takes all blocks of a running sequence away. It keeps its known tokens and computes them again later: the same bits,
 * so nobody can tell. */
static void preempt(struct scheduler *scheduler, struct sequence *sequence)
{
    assert(sequence->segment_tokens == 0);
    sequence_list_remove(sequence);
    sequence_drop(sequence, &scheduler->cache);
    sequence->passed_over = 0;
    sequence_list_insert(&scheduler->preempted, sequence);
    scheduler->short_of_blocks = true;
    scheduler->stats.preemptions++;
}

/* The latest running sequence after `index` that is not in the plan. */
static struct sequence *victim_after(const struct scheduler *scheduler, uint32_t index)
{
    for (uint32_t i = scheduler->running.count; i-- > index + 1;) {
        if (scheduler->running.at[i]->segment_tokens == 0)
            return scheduler->running.at[i];
    }
    return NULL;
}

/* Sequences that lack one token. The list is in order of admission and victims come from its end, so that nobody who is
 * in the plan already is ever preempted, and the oldest always goes on. */
static void plan_decodes(struct scheduler *scheduler)
{
    struct sequence_list *running = &scheduler->running;

    for (uint32_t i = 0; i < running->count; i++) {
        struct sequence *sequence = running->at[i];

        if (sequence_missing(sequence) != 1)
            continue;
        while (plan_segment(scheduler, sequence) == PLAN_NO_BLOCKS) {
            struct sequence *latest = running->at[running->count - 1];

            preempt(scheduler, latest);
            if (latest == sequence)
                return;
        }
    }
}

/* Sequences that lack more. One that gets no block although all later ones that can give theirs did so waits for
 * decodes in this plan to finish: they do, since nobody is admitted meanwhile. */
static void plan_prefills(struct scheduler *scheduler)
{
    struct sequence_list *running = &scheduler->running;

    for (uint32_t i = 0; i < running->count && plan_tokens_left(scheduler) > 0; i++) {
        struct sequence *sequence = running->at[i];

        if (sequence_missing(sequence) == 1)
            continue;
        while (plan_segment(scheduler, sequence) == PLAN_NO_BLOCKS) {
            struct sequence *victim = victim_after(scheduler, i);

            scheduler->short_of_blocks = true;
            if (victim == NULL)
                break;
            preempt(scheduler, victim);
        }
    }
}

static void plan_running(struct scheduler *scheduler)
{
    plan_decodes(scheduler);
    plan_prefills(scheduler);
}

static void plan_begin(struct scheduler *scheduler)
{
    struct step_plan *plan = scheduler->plan;

    plan->step_index++;
    memset(&plan->count, 0, sizeof plan->count);
    scheduler->planned_count = 0;
    scheduler->short_of_blocks = false;
    scheduler->somebody_passed_over = false;
    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        scheduler->running.at[i]->segment_tokens = 0;
        scheduler->somebody_passed_over |= scheduler->running.at[i]->passed_over > 0;
    }
}

void plan_build(struct scheduler *scheduler)
{
    plan_begin(scheduler);
    plan_running(scheduler);
    if (scheduler->planned_count == 0) { /* those for whom others were passed over got no blocks: this time nobody waits */
        scheduler->somebody_passed_over = false;
        plan_running(scheduler);
    }
    if (!scheduler->short_of_blocks)
        admit_waiting(scheduler);
    scheduler->stats.block_copies += scheduler->plan->count.copies;

    /* In an empty plan the oldest has room for its history and biases, since plan_capacity grants what one sequence needs,
     * and it can take the blocks of all others, and one alone fits: scheduler_submit saw to it. So the second pass plans
     * somebody if anybody runs. With nobody running the first that waits is admitted, by the same reasons. */
    assert(scheduler->planned_count > 0 || (scheduler->running.count == 0 && scheduler->preempted.count == 0 &&
                                            scheduler->waiting_count == 0));
}
