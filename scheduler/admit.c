/* Admission (admit.h). Thread: step, but for admit_check. */
#include "admit.h"

#include "plan.h"

#include <assert.h>
#include <string.h>

/* ---- can it ever run? -------------------------------------------------------------------------------------------- */

static enum quire_status ids_check(const struct scheduler *scheduler, const struct request_spec *spec,
                                   struct quire_error *error)
{
    uint32_t vocab_size = scheduler->limits.vocab_size;

    for (uint32_t i = 0; i < spec->prompt_tokens; i++) {
        if (spec->prompt[i] >= vocab_size)
            return quire_fail(error, QUIRE_INVALID, "prompt token %u is %u, but the model has %u tokens", i,
                              spec->prompt[i], vocab_size);
    }
    for (uint32_t i = 0; i < spec->bias_count; i++) {
        if (spec->biases[i].id >= vocab_size)
            return quire_fail(error, QUIRE_INVALID, "logit_bias names token %u, but the model has %u tokens",
                              spec->biases[i].id, vocab_size);
    }
    if (spec->top_count > vocab_size)
        return quire_fail(error, QUIRE_INVALID, "%u alternatives are wanted, but the model has %u tokens",
                          spec->top_count, vocab_size);
    return QUIRE_OK;
}

/* Blocks that one choice needs at worst. The last token drawn is never computed. Several choices need not fit together:
 * they share what the prompt fills, and the later ones are preempted while an earlier one needs the room. */
static uint64_t blocks_at_worst(const struct scheduler *scheduler, const struct request_spec *spec, uint32_t g)
{
    uint32_t window = scheduler->limits.group[g].window_tokens;
    uint32_t tokens = spec->prompt_tokens + (spec->token_max > 0 ? spec->token_max - 1 : 0);
    uint32_t whole = kv_blocks_for(tokens);
    uint64_t in_window = ((uint64_t)window + KV_BLOCK_TOKENS - 2) / KV_BLOCK_TOKENS + 1;

    return window != 0 && in_window < whole ? in_window : whole;
}

enum quire_status admit_check(const struct scheduler *scheduler, const struct request *request,
                              struct quire_error *error)
{
    const struct request_spec *spec = &request->spec;
    uint64_t length = (uint64_t)spec->prompt_tokens + spec->token_max;

    if (spec->choice_count > scheduler->running_max)
        return quire_fail(error, QUIRE_INVALID, "n is %u, but this server runs at most %u sequences at once",
                          spec->choice_count, scheduler->running_max);
    if (length > scheduler->limits.model_len_max)
        return quire_fail(error, QUIRE_TOO_LONG,
                          "the prompt has %u tokens and max_tokens is %u, together %llu, but the model's context is %u "
                          "tokens",
                          spec->prompt_tokens, spec->token_max, (unsigned long long)length,
                          scheduler->limits.model_len_max);
    for (uint32_t g = 0; g < scheduler->limits.group_count; g++) {
        uint64_t worst = blocks_at_worst(scheduler, spec, g);
        uint32_t block_count = scheduler->limits.group[g].block_count;

        if (worst > block_count)
            return quire_fail(error, QUIRE_TOO_LONG,
                              "%u prompt tokens and max_tokens %u need up to %llu blocks of %u tokens, but the cache "
                              "has %u", spec->prompt_tokens, spec->token_max, (unsigned long long)worst,
                              KV_BLOCK_TOKENS, block_count);
    }
    if (request_watches_text(request) && scheduler->options.tokenizer == NULL)
        return quire_fail(error, QUIRE_UNSUPPORTED, "stop strings need a tokenizer, but the model has none");
    return ids_check(scheduler, spec, error);
}

/* ---- can it run now? --------------------------------------------------------------------------------------------- */

enum admit_verdict {
    ADMITTED,
    ADMIT_RIDES,   /* somebody is just computing its next block: it waits for that */
    ADMIT_NO_ROOM, /* and whoever is behind waits too */
};

/* True when a running sequence is about to compute the block that follows the hit. Waiting for it costs nothing, since
 * both would go through the same budget, and shares the block. If that sequence goes away, the waiter is admitted in
 * the next step and inherits what is there. It is asked again and again, but seldom: as long as a long prompt is being
 * computed it takes all rows of each step, and then nobody is asked. */
static bool rides(const struct scheduler *scheduler, const struct sequence *sequence, uint32_t hit_blocks)
{
    const struct request_spec *mine = &sequence->request->spec;
    uint32_t tokens = (hit_blocks + 1) * KV_BLOCK_TOKENS;

    if (!scheduler->cache.shares_prefixes || mine->prompt_scores || tokens >= mine->prompt_tokens)
        return false;
    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        const struct sequence *other = scheduler->running.at[i];
        const struct request_spec *theirs = &other->request->spec;

        if (other->computed < tokens && theirs->prompt_tokens >= tokens &&
            memcmp(&other->root, &sequence->root, sizeof other->root) == 0 &&
            memcmp(theirs->prompt, mine->prompt, tokens * sizeof *mine->prompt) == 0)
            return true;
    }
    return false;
}

/* Blocks of group `g` beyond what the running ones still need for their known tokens and one more each to grow into. */
static int64_t spare_blocks(const struct scheduler *scheduler, uint32_t g)
{
    const struct kv_cache *cache = &scheduler->cache;
    int64_t spare = kv_blocks_available(&cache->group[g].blocks);

    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        const struct sequence *other = scheduler->running.at[i];

        spare -= (int64_t)sequence_blocks_missing(other, cache, g, other->block_count, scheduler->step_tokens_max) + 1;
    }
    return spare;
}

/* Blocks for all of its known tokens must be spare: otherwise it would soon be preempted again. With nobody running any
 * room will do. */
static bool has_room(const struct scheduler *scheduler, const struct sequence *sequence, uint32_t hit_blocks,
                     struct request_wait *wait)
{
    const struct kv_cache *cache = &scheduler->cache;

    for (uint32_t g = 0; g < cache->group_count && scheduler->running.count > 0; g++) {
        uint64_t wanted = sequence_blocks_missing(sequence, cache, g, hit_blocks, scheduler->step_tokens_max) +
                          (uint64_t)sequence_prefix_cached(sequence, cache, g, hit_blocks);

        if ((int64_t)wanted > spare_blocks(scheduler, g)) {
            *wait = (struct request_wait){
                .admission_count = scheduler->admission_count, .wanted_blocks = wanted, .group = g};
            return false;
        }
    }
    return true;
}

/* True while what it last lacked is still not there. It is looked at anew when somebody else is admitted, who may
 * compute what it can share; where an answer happens to continue as its prompt does, it comes in somewhat later than it
 * could. */
static bool still_lacks_room(const struct scheduler *scheduler, const struct request_wait *wait)
{
    return wait->wanted_blocks > 0 && wait->admission_count == scheduler->admission_count &&
           scheduler->running.count > 0 && (int64_t)wait->wanted_blocks > spare_blocks(scheduler, wait->group);
}

static enum admit_verdict admit_one(struct scheduler *scheduler, struct sequence *sequence, struct request_wait *wait)
{
    uint32_t hit_blocks = sequence_find_prefix(sequence, &scheduler->cache);

    *wait = (struct request_wait){0};
    if (rides(scheduler, sequence, hit_blocks))
        return ADMIT_RIDES;
    if (!has_room(scheduler, sequence, hit_blocks, wait))
        return ADMIT_NO_ROOM;
    sequence_take_prefix(sequence, &scheduler->cache, hit_blocks);
    return ADMITTED;
}

/* From here on it runs, with a segment in this very plan where that has room for it. */
static void run(struct scheduler *scheduler, struct sequence *sequence)
{
    scheduler->admission_count++;
    sequence_list_insert(&scheduler->running, sequence);
    (void)plan_segment(scheduler, sequence);
}

/* False when those behind have to wait. */
static bool admit_preempted(struct scheduler *scheduler)
{
    for (uint32_t i = 0; i < scheduler->preempted.count;) {
        struct sequence *sequence = scheduler->preempted.at[i];

        if (plan_tokens_left(scheduler) == 0 || still_lacks_room(scheduler, &sequence->wait))
            return false;
        switch (admit_one(scheduler, sequence, &sequence->wait)) {
        case ADMITTED:
            sequence_list_remove(sequence);
            run(scheduler, sequence);
            break;
        case ADMIT_RIDES:
            i++;
            break;
        case ADMIT_NO_ROOM:
            return false;
        }
    }
    return true;
}

struct request *admit_unlink(struct scheduler *scheduler, void **link)
{
    struct request *request = *link;

    *link = request->next;
    if (scheduler->waiting_end == &request->next)
        scheduler->waiting_end = link;
    request->next = NULL;
    scheduler->waiting_count--;
    submit_queue_release(&scheduler->submissions);
    return request;
}

static void admit_fresh(struct scheduler *scheduler, struct sequence *sequence)
{
    const struct request_spec *spec = &sequence->request->spec;

    scheduler->idle_count--;
    scheduler->unborn_count += sequence->unborn;
    sequence->order = ++scheduler->last_order;
    scheduler->stats.prompt_tokens += spec->prompt_tokens;
    if (scheduler->cache.shares_prefixes && !spec->prompt_scores) {
        scheduler->stats.prefix_queries_tokens += spec->prompt_tokens;
        scheduler->stats.prefix_hits_tokens += sequence->computed;
    }
    atomic_store_explicit(&sequence->request->cached_tokens, sequence->computed, memory_order_relaxed);
    run(scheduler, sequence);
}

void admit_waiting(struct scheduler *scheduler)
{
    void **link = &scheduler->waiting_first;
    uint32_t riders_left = scheduler->running_max; /* bounds the walk along a queue of requests that are all alike */

    if (!admit_preempted(scheduler))
        return;
    while (*link != NULL && plan_tokens_left(scheduler) > 0 && riders_left > 0) {
        struct request *request = *link;

        /* All choices get their places now, so that a fork never lacks one. */
        if (scheduler->idle_count - scheduler->unborn_count < request->spec.choice_count ||
            still_lacks_room(scheduler, request_wait(request)))
            return;

        struct sequence *sequence = scheduler->idle[scheduler->idle_count - 1];
        sequence_begin(sequence, &scheduler->cache, scheduler->options.tokenizer, request);
        switch (admit_one(scheduler, sequence, request_wait(request))) {
        case ADMITTED:
            (void)admit_unlink(scheduler, link);
            admit_fresh(scheduler, sequence);
            break;
        case ADMIT_RIDES:
            link = &request->next;
            riders_left--;
            break;
        case ADMIT_NO_ROOM:
            return;
        }
    }
}
