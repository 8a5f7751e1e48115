/* The step loop (include/scheduler.h): what happens in one step is scheduler_step, and the rest of this file is how the
 * loop comes into being, sleeps, wakes and ends.
 *
 * The step thread owns all that is in struct scheduler but for four doors: the submission queue, the cancel flag, the
 * stop mode, and the published figures. After scheduler_create nothing here allocates.
 *   admit.c   may a request come in at all, and who of the waiting comes in now
 *   plan.c    who runs in this step with how many tokens; who must give up blocks
 *   answer.c  what comes of the engine's outputs: logs, forks, ends
 *   sequence.c, kv_blocks.c, prefix_index.c   tokens, tables, blocks, and which block holds which prefix */
#include "answer.h"
#include "admit.h"
#include "log.h"
#include "plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- one step ---------------------------------------------------------------------------------------------------- */

/* New requests join the end of those that wait. */
static void take_submissions(struct scheduler *scheduler)
{
    struct request *request = submit_queue_take(&scheduler->submissions);

    if (request != NULL)
        *scheduler->waiting_end = request;
    for (; request != NULL; request = request->next) {
        scheduler->waiting_end = &request->next;
        scheduler->waiting_count++;
        /* Cancelled before it was pushed: the wish may have been looked for, in vain, already. */
        if (atomic_load_explicit(&request->cancelled, memory_order_relaxed))
            atomic_store_explicit(&scheduler->cancel_wanted, true, memory_order_relaxed);
    }
}

static bool is_cancelled(const struct request *request, bool all)
{
    return all || atomic_load_explicit(&request->cancelled, memory_order_relaxed);
}

static void cancel_running(struct scheduler *scheduler, struct sequence_list *list, bool all)
{
    for (uint32_t i = list->count; i-- > 0;) {
        if (is_cancelled(list->at[i]->request, all))
            answer_finish(scheduler, list->at[i], FINISH_CANCELLED);
    }
}

/* Ends what clients no longer want, or `all`, in whatever state it is. */
static void take_cancels(struct scheduler *scheduler, bool all)
{
    if (!atomic_exchange_explicit(&scheduler->cancel_wanted, false, memory_order_acquire) && !all)
        return;
    for (void **link = &scheduler->waiting_first; *link != NULL;) {
        struct request *request = *link;

        if (is_cancelled(request, all))
            answer_refuse(scheduler, admit_unlink(scheduler, link), FINISH_CANCELLED);
        else
            link = &request->next;
    }
    cancel_running(scheduler, &scheduler->running, all);
    cancel_running(scheduler, &scheduler->preempted, all);
}

/* Lets the engine compute the plan and hands out what comes of it. */
static void run_plan(struct scheduler *scheduler)
{
    struct scheduler_stats *stats = &scheduler->stats;
    const struct scheduler_engine *engine = &scheduler->options.engine;
    struct quire_error error = {{0}};
    enum quire_status status;

    stats->step_count++;
    if (scheduler->planned_count > stats->step_segments_max)
        stats->step_segments_max = scheduler->planned_count;
    status = engine->step(engine->context, scheduler->plan, scheduler->result, &error);
    if (status == QUIRE_OK) {
        answer_step(scheduler);
    } else {
        log_event(LOG_ERROR, "step_failed", "step=%llu sequences=%u error=\"%s\"",
                  (unsigned long long)scheduler->plan->step_index, scheduler->planned_count, error.message);
        answer_failure(scheduler, &error);
    }
}

static void publish_stats(struct scheduler *scheduler)
{
    struct scheduler_stats *stats = &scheduler->stats;

    stats->running = scheduler->running.count;
    stats->waiting = scheduler->waiting_count + scheduler->preempted.count;
    stats->blocks_total = stats->blocks_used = stats->blocks_cached = 0;
    for (uint32_t g = 0; g < scheduler->cache.group_count; g++) {
        const struct kv_blocks *blocks = &scheduler->cache.group[g].blocks;

        stats->blocks_total += blocks->block_count;
        stats->blocks_cached += blocks->cached_count;
        stats->blocks_used += blocks->block_count - blocks->cached_count - blocks->free_count;
    }
    pthread_mutex_lock(&scheduler->stats_lock);
    scheduler->published = *stats;
    pthread_mutex_unlock(&scheduler->stats_lock);
}

bool scheduler_step(struct scheduler *scheduler)
{
    scheduler->progressed = false;
    take_submissions(scheduler);
    take_cancels(scheduler, false);
    plan_build(scheduler);

    bool busy = scheduler->planned_count > 0 || scheduler->progressed;
    if (scheduler->planned_count > 0)
        run_plan(scheduler);
    if (busy)
        publish_stats(scheduler);
    if (scheduler->progressed && scheduler->options.progress != NULL)
        scheduler->options.progress(scheduler->options.progress_context);
    return busy;
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void wake(struct scheduler *scheduler)
{
    const uint64_t one = 1;

    while (write(scheduler->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* Waits for a wake that came after the last sleep; one that came while a step ran ends the wait at once. */
static void sleep_until_woken(struct scheduler *scheduler)
{
    uint64_t count;

    while (read(scheduler->wake_fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

/* Any thread. */
static void free_retired(struct scheduler *scheduler)
{
    struct request *request = atomic_exchange_explicit(&scheduler->retired, NULL, memory_order_acquire);

    while (request != NULL) {
        struct request *before = request->next;

        request_unref(request);
        request = before;
    }
}

/* Ends everything as cancelled. */
static void abandon(struct scheduler *scheduler)
{
    take_submissions(scheduler);
    take_cancels(scheduler, true);
    publish_stats(scheduler);
}

static void *step_thread(void *argument)
{
    struct scheduler *scheduler = argument;

    for (;;) {
        int mode = atomic_load_explicit(&scheduler->stop_mode, memory_order_acquire);

        if (mode == STOP_NOW)
            break;
        if (scheduler_step(scheduler))
            continue;
        if (mode == STOP_DRAIN) /* the queue was closed before the mode was set, so this step has seen all there was */
            break;
        free_retired(scheduler);
        sleep_until_woken(scheduler);
    }
    scheduler->progressed = false;
    abandon(scheduler);
    if (scheduler->progressed && scheduler->options.progress != NULL)
        scheduler->options.progress(scheduler->options.progress_context);
    return NULL;
}

enum quire_status scheduler_start(struct scheduler *scheduler, struct quire_error *error)
{
    int failure = pthread_create(&scheduler->thread, NULL, step_thread, scheduler);

    if (failure != 0)
        return quire_fail(error, QUIRE_NO_MEMORY, "the step thread does not start: %s", strerror(failure));
    pthread_setname_np(scheduler->thread, "quire-step");
    scheduler->started = true;
    return QUIRE_OK;
}

void scheduler_stop(struct scheduler *scheduler, bool drain)
{
    int not = STOP_NOT;

    submit_queue_close(&scheduler->submissions);
    if (drain) /* no way back from a harder stop */
        atomic_compare_exchange_strong_explicit(&scheduler->stop_mode, &not, STOP_DRAIN, memory_order_release,
                                                memory_order_relaxed);
    else
        atomic_store_explicit(&scheduler->stop_mode, STOP_NOW, memory_order_release);
    wake(scheduler);

    pthread_mutex_lock(&scheduler->stop_lock);
    if (scheduler->started)
        pthread_join(scheduler->thread, NULL);
    scheduler->started = false;
    pthread_mutex_unlock(&scheduler->stop_lock);
}

/* ---- doors for other threads ------------------------------------------------------------------------------------- */

enum quire_status scheduler_submit_all(struct scheduler *scheduler, struct request *const *requests, uint32_t count,
                                       struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;

    free_retired(scheduler);
    if (count > scheduler->options.queue_max)
        return quire_fail(error, QUIRE_INVALID, "%u prompts were sent at once, but at most %u can wait", count,
                          scheduler->options.queue_max);
    for (uint32_t i = 0; i < count && status == QUIRE_OK; i++)
        status = admit_check(scheduler, requests[i], error);
    if (status != QUIRE_OK || count == 0)
        return status;

    for (uint32_t i = 0; i < count; i++)
        request_ref(requests[i]); /* the step thread's, from the push on */
    status = submit_queue_push(&scheduler->submissions, requests, count, error);
    if (status == QUIRE_OK)
        wake(scheduler);
    for (uint32_t i = 0; i < count && status != QUIRE_OK; i++)
        request_unref(requests[i]);
    return status;
}

enum quire_status scheduler_submit(struct scheduler *scheduler, struct request *request, struct quire_error *error)
{
    return scheduler_submit_all(scheduler, &request, 1, error);
}

void scheduler_cancel(struct scheduler *scheduler, struct request *request)
{
    free_retired(scheduler);
    atomic_store_explicit(&request->cancelled, true, memory_order_relaxed);
    atomic_store_explicit(&scheduler->cancel_wanted, true, memory_order_release);
    wake(scheduler);
}

struct scheduler_stats scheduler_stats(struct scheduler *scheduler)
{
    struct scheduler_stats stats;

    pthread_mutex_lock(&scheduler->stats_lock);
    stats = scheduler->published;
    pthread_mutex_unlock(&scheduler->stats_lock);
    return stats;
}

/* ---- creation ---------------------------------------------------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static enum quire_status options_check(const struct scheduler_options *options, struct quire_error *error)
{
    const struct engine_limits *limits = options->limits;

    if (options->running_max == 0 || options->step_tokens_max == 0 || options->queue_max == 0)
        return quire_fail(error, QUIRE_INVALID, "sequences, tokens of a step and queued requests must be at least 1 "
                          "each, but are %u, %u and %u", options->running_max, options->step_tokens_max,
                          options->queue_max);
    if (limits->group_count == 0 || limits->group_count > STEP_GROUPS_MAX || limits->model_len_max == 0 ||
        limits->step_tokens_max == 0 || limits->sequence_max == 0)
        return quire_fail(error, QUIRE_INVALID, "the engine's limits are empty");
    for (uint32_t g = 0; g < limits->group_count; g++) {
        if (limits->group[g].block_count == 0)
            return quire_fail(error, QUIRE_INVALID, "cache group %u has no blocks", g);
    }
    return QUIRE_OK;
}

static enum quire_status create_sequences(struct scheduler *scheduler, struct quire_error *error)
{
    uint32_t count = scheduler->running_max, group_count = scheduler->limits.group_count;
    size_t table_blocks = kv_blocks_for(scheduler->limits.model_len_max);

    scheduler->sequences = calloc(count, sizeof *scheduler->sequences);
    scheduler->tables = calloc((size_t)count * group_count, table_blocks * sizeof *scheduler->tables);
    scheduler->pointers = calloc(count, 4 * sizeof *scheduler->pointers);
    if (scheduler->sequences == NULL || scheduler->tables == NULL || scheduler->pointers == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for %u sequences of %u tokens", count,
                          scheduler->limits.model_len_max);
    scheduler->idle = scheduler->pointers;
    scheduler->running.at = scheduler->pointers + count;
    scheduler->preempted.at = scheduler->pointers + 2 * (size_t)count;
    scheduler->planned = scheduler->pointers + 3 * (size_t)count;
    for (uint32_t i = 0; i < count; i++) {
        struct sequence *sequence = &scheduler->sequences[i];

        for (uint32_t g = 0; g < group_count; g++)
            sequence->table[g] = scheduler->tables + ((size_t)i * group_count + g) * table_blocks;
        scheduler->idle[count - 1 - i] = sequence;
    }
    scheduler->idle_count = count;
    return QUIRE_OK;
}

static enum quire_status create_step(struct scheduler *scheduler, const struct scheduler_tuning *tuning,
                                     struct quire_error *error)
{
    struct step_capacity capacity;
    enum quire_status status = plan_capacity(scheduler, tuning, &capacity, error);
    if (status != QUIRE_OK)
        return status;

    scheduler->plan = calloc(1, step_plan_layout(&capacity, NULL));
    scheduler->result = calloc(1, step_result_layout(capacity.samples, NULL));
    if (scheduler->plan == NULL || scheduler->result == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for a step's plan and result");
    step_plan_layout(&capacity, scheduler->plan);
    step_result_layout(capacity.samples, scheduler->result);
    return QUIRE_OK;
}

/* Room for the text of any one token, so that the step thread need not ask for it. */
static enum quire_status create_piece(struct scheduler *scheduler, struct quire_error *error)
{
    static const char zeros[64 * 1024];

    if (scheduler->options.tokenizer != NULL && text_append(&scheduler->piece, zeros, sizeof zeros) != QUIRE_OK)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for a token's text");
    return QUIRE_OK;
}

enum quire_status scheduler_create_tuned(const struct scheduler_options *options, const struct scheduler_tuning *tuning,
                                         struct scheduler **out, struct quire_error *error)
{
    enum quire_status status = options_check(options, error);
    if (status != QUIRE_OK)
        return status;

    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    if (scheduler == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the scheduler");
    scheduler->options = *options;
    scheduler->limits = *options->limits;
    scheduler->step_tokens_max = least(options->step_tokens_max, options->limits->step_tokens_max);
    /* No more sequences than rows: then every running answer gets its token in every step. */
    scheduler->running_max = least(options->running_max, options->limits->sequence_max);
    scheduler->running_max = least(scheduler->running_max, scheduler->step_tokens_max);
    if (options->tokenizer != NULL)
        scheduler->eos = tokenizer_eos(options->tokenizer, &scheduler->eos_count);
    scheduler->waiting_end = &scheduler->waiting_first;
    submit_queue_init(&scheduler->submissions, options->queue_max);
    pthread_mutex_init(&scheduler->stop_lock, NULL);
    pthread_mutex_init(&scheduler->stats_lock, NULL);

    scheduler->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (scheduler->wake_fd < 0)
        status = quire_fail(error, QUIRE_IO, "no eventfd: %s", strerror(errno));
    if (status == QUIRE_OK)
        status = create_step(scheduler, tuning, error); /* first: it refuses what is absurdly large */
    if (status == QUIRE_OK)
        status = create_sequences(scheduler, error);
    if (status == QUIRE_OK)
        status = create_piece(scheduler, error);
    if (status == QUIRE_OK)
        status = kv_cache_init(&scheduler->cache, &scheduler->limits, options->prefix_cache, tuning->key,
                               tuning->hash_bits, error);
    if (status != QUIRE_OK) {
        scheduler_destroy(scheduler);
        return status;
    }
    publish_stats(scheduler);
    *out = scheduler;
    return QUIRE_OK;
}

enum quire_status scheduler_create(const struct scheduler_options *options, struct scheduler **out,
                                   struct quire_error *error)
{
    struct scheduler_tuning tuning = {.hash_bits = 128};

    if (getrandom(tuning.key, sizeof tuning.key, 0) != (ssize_t)sizeof tuning.key)
        return quire_fail(error, QUIRE_IO, "no random bytes: %s", strerror(errno));
    return scheduler_create_tuned(options, &tuning, out, error);
}

void scheduler_destroy(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    assert(!scheduler->started);
    submit_queue_close(&scheduler->submissions);
    abandon(scheduler);
    free_retired(scheduler);
    kv_cache_deinit(&scheduler->cache);
    if (scheduler->options.tokenizer != NULL)
        text_deinit(&scheduler->piece);
    free(scheduler->plan);
    free(scheduler->result);
    free(scheduler->pointers);
    free(scheduler->tables);
    free(scheduler->sequences);
    if (scheduler->wake_fd >= 0)
        close(scheduler->wake_fd);
    pthread_mutex_destroy(&scheduler->stop_lock);
    pthread_mutex_destroy(&scheduler->stats_lock);
    free(scheduler);
}
