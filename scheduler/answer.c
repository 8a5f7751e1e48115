/* From the engine's outputs to the clients' logs (answer.h). Thread: step. */
#include "answer.h"

#include "metrics.h"

#include <assert.h>
#include <string.h>
#include <time.h>

uint64_t scheduler_now_ns(const struct scheduler *scheduler)
{
    struct timespec now;

    if (scheduler->options.clock_ns != NULL)
        return scheduler->options.clock_ns(scheduler->options.clock_context);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) * 1e-9 : 0.0;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* Gives a reference back, but leaves it to others to free (scheduler_state.h). */
static void let_go(struct scheduler *scheduler, struct request *request)
{
    struct request *latest = atomic_load_explicit(&scheduler->retired, memory_order_relaxed);

    if (atomic_load_explicit(&request->reference_count, memory_order_relaxed) > 1) {
        request_unref(request);
        return;
    }
    do
        request->next = latest;
    while (!atomic_compare_exchange_weak_explicit(&scheduler->retired, &latest, request, memory_order_release,
                                                  memory_order_relaxed));
}

/* The last choice has finished: counts the request, and lets go of it. */
static void request_done(struct scheduler *scheduler, struct request *request)
{
    static const int counter_of[] = {
        [FINISH_NONE] = -1,
        [FINISH_STOP] = METRIC_REQUESTS_STOP,
        [FINISH_LENGTH] = METRIC_REQUESTS_LENGTH,
        [FINISH_CANCELLED] = METRIC_REQUESTS_ABORT,
        [FINISH_ERROR] = -1,
    };
    uint32_t finish = atomic_load_explicit(&request->logs[0].finish, memory_order_relaxed);
    uint64_t output_tokens = 0;

    for (uint32_t i = 0; i < request->spec.choice_count; i++)
        output_tokens += atomic_load_explicit(&request->logs[i].count, memory_order_relaxed);
    if (counter_of[finish] >= 0)
        metrics_add((enum metric)counter_of[finish], 1);
    metrics_observe(METRIC_E2E_LATENCY, seconds_between(request->arrival_ns, scheduler_now_ns(scheduler)));
    metrics_observe(METRIC_PROMPT_TOKENS_SEEN, request->spec.prompt_tokens);
    metrics_observe(METRIC_OUTPUT_TOKENS_SEEN, (double)output_tokens);
    let_go(scheduler, request);
}

/* After this store a reader may see all that was written before it. */
static void log_finish(struct scheduler *scheduler, struct token_log *log, enum finish_reason reason)
{
    assert(atomic_load_explicit(&log->finish, memory_order_relaxed) == FINISH_NONE);
    atomic_store_explicit(&log->finish, (uint32_t)reason, memory_order_release);
    scheduler->progressed = true;
}

void answer_finish(struct scheduler *scheduler, struct sequence *sequence, enum finish_reason reason)
{
    struct request *request = sequence->request;
    uint32_t first = sequence->choice, count = 1 + sequence->unborn;

    sequence_drop(sequence, &scheduler->cache);
    sequence_list_remove(sequence);
    detokenizer_deinit(&sequence->detokenizer);
    sequence->segment_tokens = 0; /* it has no part in the step any more */
    scheduler->unborn_count -= sequence->unborn;
    scheduler->idle[scheduler->idle_count++] = sequence;
    for (uint32_t i = first; i < first + count; i++)
        log_finish(scheduler, &request->logs[i], reason);
    if (request_finished(request))
        request_done(scheduler, request);
}

void answer_refuse(struct scheduler *scheduler, struct request *request, enum finish_reason reason)
{
    for (uint32_t i = 0; i < request->spec.choice_count; i++)
        log_finish(scheduler, &request->logs[i], reason);
    request_done(scheduler, request);
}

static void finish_all_of(struct scheduler *scheduler, struct sequence_list *list, const struct request *request)
{
    for (uint32_t i = list->count; i-- > 0;) {
        if (list->at[i]->request == request)
            answer_finish(scheduler, list->at[i], FINISH_ERROR);
    }
}

static void fail_request(struct scheduler *scheduler, struct request *request, const char *message)
{
    request_ref(request);
    snprintf(request->failure.message, sizeof request->failure.message, "%s", message);
    finish_all_of(scheduler, &scheduler->running, request);
    finish_all_of(scheduler, &scheduler->preempted, request);
    let_go(scheduler, request);
}

void answer_failure(struct scheduler *scheduler, const struct quire_error *error)
{
    for (uint32_t i = 0; i < scheduler->planned_count; i++) {
        if (scheduler->planned[i]->segment_tokens != 0)
            fail_request(scheduler, scheduler->planned[i]->request, error->message);
    }
}

/* ---- one token --------------------------------------------------------------------------------------------------- */

static bool contains(const uint32_t *ids, uint32_t count, uint32_t id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

static bool ends_answer(const struct scheduler *scheduler, const struct request_spec *spec, uint32_t id)
{
    return contains(spec->stop_ids, spec->stop_id_count, id) ||
           (!spec->ignore_eos && contains(scheduler->eos, scheduler->eos_count, id));
}

enum text_verdict { TEXT_GOES_ON, TEXT_STOPPED, TEXT_FAILED };

/* Follows the text by the token `id`, or with STEP_NO_TOKEN to its end, and tells readers how much of it is safe. */
static enum text_verdict follow_text(struct scheduler *scheduler, struct sequence *sequence, uint32_t id)
{
    struct request *request = sequence->request;
    struct token_log *log = &request->logs[sequence->choice];
    struct text *piece = &scheduler->piece;
    bool at_end = id == STEP_NO_TOKEN, armed = sequence->output_count > request->spec.token_min;
    uint64_t safe_bytes;
    size_t certain;
    enum quire_status status;
    bool stopped;

    piece->count = 0;
    status = at_end ? detokenizer_finish(&sequence->detokenizer, piece)
                    : detokenizer_feed(&sequence->detokenizer, id, piece);
    certain = piece->count;
    if (status == QUIRE_OK && !at_end)
        status = detokenizer_foresee(&sequence->detokenizer, piece);
    if (status != QUIRE_OK)
        return TEXT_FAILED;
    if (!armed)
        sequence->stops.passed_bytes = sequence->stops.text_bytes + piece->count;
    stopped = stop_match_feed(&sequence->stops, request, piece->bytes, certain, &log->stop_index, &log->text_final_bytes);
    if (!stopped && piece->count > certain) { /* a stop string here ends the answer, so that nothing can undo the text */
        struct stop_match ahead = sequence->stops;
        stopped = stop_match_feed(&ahead, request, piece->bytes + certain, piece->count - certain, &log->stop_index,
                                  &log->text_final_bytes);
    }
    if (stopped)
        safe_bytes = log->text_final_bytes;
    else if (at_end)
        safe_bytes = sequence->stops.text_bytes;
    else
        safe_bytes = stop_match_safe_bytes(&sequence->stops, request);
    atomic_store_explicit(&log->text_safe_bytes, safe_bytes, memory_order_release);
    return stopped ? TEXT_STOPPED : TEXT_GOES_ON;
}

static void observe_token(const struct sequence *sequence, uint64_t now_ns)
{
    if (sequence->output_count > 0)
        metrics_observe(METRIC_INTER_TOKEN_LATENCY, seconds_between(sequence->token_ns, now_ns));
    else if (sequence->choice == 0)
        metrics_observe(METRIC_TIME_TO_FIRST_TOKEN, seconds_between(sequence->request->arrival_ns, now_ns));
}

static void write_entry(const struct scheduler *scheduler, const struct sequence *sequence, uint32_t output_index)
{
    const struct request_spec *spec = &sequence->request->spec;
    const struct step_output *output = &step_outputs(scheduler->result)[output_index];
    struct token_log *log = &sequence->request->logs[sequence->choice];
    uint32_t at = sequence->output_count;

    log->entries[at] = output->token;
    if (log->ranks != NULL)
        log->ranks[at] = output->rank;
    if (log->tops != NULL)
        memcpy(log->tops + (size_t)at * spec->top_count, step_tops(scheduler->result, output_index),
               spec->top_count * sizeof *log->tops);
}

/* Appends the token that was drawn. The order of the stores is what request.h promises to readers: entry and safe
 * bytes, then the count, then the finish. */
static void append_token(struct scheduler *scheduler, struct sequence *sequence, uint32_t output_index, uint64_t now_ns)
{
    struct request *request = sequence->request;
    const struct request_spec *spec = &request->spec;
    struct token_log *log = &request->logs[sequence->choice];
    uint32_t id = step_outputs(scheduler->result)[output_index].token.id;
    bool ends = sequence->output_count >= spec->token_min && ends_answer(scheduler, spec, id);
    enum text_verdict text = TEXT_GOES_ON;
    enum finish_reason reason = FINISH_NONE;

    observe_token(sequence, now_ns);
    write_entry(scheduler, sequence, output_index);
    sequence->output_count++;
    sequence->token_ns = now_ns;
    scheduler->stats.generation_tokens++;
    scheduler->progressed = true;

    if (ends) {
        log->stop_token = id;
        reason = FINISH_STOP;
    } else if (sequence->output_count == spec->token_max) {
        reason = FINISH_LENGTH;
    }
    if (request_watches_text(request)) {
        if (!ends) /* the token that ends is no text */
            text = follow_text(scheduler, sequence, id);
        if (text == TEXT_GOES_ON && reason != FINISH_NONE)
            text = follow_text(scheduler, sequence, STEP_NO_TOKEN);
    }
    atomic_store_explicit(&log->count, sequence->output_count, memory_order_release);

    if (text == TEXT_FAILED)
        fail_request(scheduler, request, "no memory for the text of one token");
    else if (text == TEXT_STOPPED)
        answer_finish(scheduler, sequence, FINISH_STOP);
    else if (reason != FINISH_NONE)
        answer_finish(scheduler, sequence, reason);
}

/* ---- one sequence ------------------------------------------------------------------------------------------------ */

static void write_scores(struct scheduler *scheduler, struct sequence *sequence, uint32_t position)
{
    struct request *request = sequence->request;
    uint32_t top_count = request->spec.top_count;
    uint32_t row = position > sequence->scored ? position : sequence->scored;

    for (uint32_t i = 0; i < sequence->score_count; i++) {
        uint32_t scored_token = row + i + 1, output_index = sequence->sample_start + i;

        request->prompt_outputs[scored_token] = step_outputs(scheduler->result)[output_index];
        if (top_count > 0)
            memcpy(request->prompt_tops + (size_t)scored_token * top_count, step_tops(scheduler->result, output_index),
                   top_count * sizeof *request->prompt_tops);
    }
    sequence->scored += sequence->score_count;
}

/* The prompt is computed and every choice has its first token: from here on each goes its own way. */
static void fork_choices(struct scheduler *scheduler, struct sequence *parent, struct sequence **family)
{
    uint32_t count = parent->unborn;

    family[0] = parent;
    parent->unborn = 0;
    for (uint32_t i = 1; i <= count; i++) {
        family[i] = scheduler->idle[--scheduler->idle_count];
        sequence_fork(parent, family[i], &scheduler->cache, parent->choice + i);
        sequence_list_insert(&scheduler->running, family[i]);
    }
    scheduler->unborn_count -= count;
    scheduler->stats.forks += count;
}

static void answer_sequence(struct scheduler *scheduler, struct sequence *sequence, uint64_t now_ns)
{
    struct sequence *family[REQUEST_CHOICES_MAX];
    uint32_t position = sequence->computed, draws = sequence->sample_count;
    uint32_t first_draw = sequence->sample_start + sequence->score_count;

    write_scores(scheduler, sequence, position);
    sequence_advance(sequence, &scheduler->cache, sequence->segment_tokens);
    sequence->segment_tokens = 0;
    if (draws > 0) {
        fork_choices(scheduler, sequence, family);
        for (uint32_t i = 0; i < draws; i++) {
            if (family[i]->list != NULL) /* a failure ends the whole family */
                append_token(scheduler, family[i], first_draw + i, now_ns);
        }
    } else if (sequence_missing(sequence) == 0) { /* only scored */
        answer_finish(scheduler, sequence, FINISH_LENGTH);
    }
}

void answer_step(struct scheduler *scheduler)
{
    uint64_t now_ns = scheduler_now_ns(scheduler);

    for (uint32_t i = 0; i < scheduler->planned_count; i++) {
        if (scheduler->planned[i]->segment_tokens != 0)
            answer_sequence(scheduler, scheduler->planned[i], now_ns);
    }
}
