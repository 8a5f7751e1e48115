/* A deterministic simulation of the scheduler: the real one, with an engine (fake_engine.h) and a clock that are not.
 * One seed is one history of arrivals, cancels, forks and shortages; every answer must be the one that the request
 * would get alone.
 *   simulate [--steps N]     histories until N steps are done (default 300000)
 *   simulate --seed S        the one history that failed
 * Has its own main, because it runs under every sanitizer. */
#include "allocations.h"
#include "alone.h"
#include "fake_foundation.h"
#include "invariants.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS_MAX 160u
#define PROMPT_MAX 120u
#define OUTPUT_MAX 60u
#define CHOICES_MAX 6u
#define GROUP_MAX 4u
#define DRAIN_STEPS_MAX 60000u

struct guest { /* one request and what it should answer */
    struct request *request;
    struct alone_answer answer[CHOICES_MAX];
    uint32_t seen[CHOICES_MAX];      /* entries compared so far */
    uint64_t safe_seen[CHOICES_MAX];
    bool cancelled, failed, checked, cached_checked, scores_checked;
    uint32_t salt;
};

struct history {
    uint64_t seed, random, now_ns;
    struct engine_limits limits;
    struct tokenizer tokenizer;
    struct scheduler_options options;
    struct scheduler_tuning tuning;
    struct fake_engine engine;
    struct scheduler *scheduler;
    struct guest guests[REQUESTS_MAX];
    uint32_t guest_count, open_first;
    uint32_t prefix[4][PROMPT_MAX]; /* what prompts begin with */
    uint32_t steps;
    bool long_answers; /* they outgrow the cache together: preemptions */
    double arrival_rate, cancel_rate, failure_rate, penalty_rate, choices_rate;
};

static struct { /* what all histories together must have shown */
    uint64_t steps, histories, forks, copies, preemptions, hits, cancels, failures, refusals,
        stops, lengths, scored, together, crowded, groups;
} shown;

static char banner[96]; /* for the signal handler */

static void die(const struct history *h, const char *format, ...)
{
    va_list arguments;

    printf("seed %llu step %u: ", (unsigned long long)h->seed, h->steps);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nreplay: simulate --seed %llu\n", (unsigned long long)h->seed);
    fflush(stdout);
    _exit(1);
}

#define CHECK(condition, ...)           \
    do {                                \
        if (!(condition))               \
            die(h, __VA_ARGS__);        \
    } while (0)

static void on_abort(int signal_number)
{
    (void)signal_number;
    if (write(STDOUT_FILENO, banner, strlen(banner)) < 0)
        _exit(2);
    _exit(1);
}

/* ---- chance ------------------------------------------------------------------------------------------------------ */

static uint32_t below(struct history *h, uint32_t bound)
{
    h->random += 0x9e3779b97f4a7c15u;
    return (uint32_t)(fake_hash(h->random, h->seed) >> 33) % bound;
}

static bool chance(struct history *h, double probability)
{
    return below(h, 1u << 24) < probability * (1u << 24);
}

static uint32_t between(struct history *h, uint32_t low, uint32_t high)
{
    return low + below(h, high - low + 1);
}

static uint64_t clock_ns(void *context)
{
    struct history *h = context;

    return h->now_ns += 1000;
}

/* ---- a history's world ------------------------------------------------------------------------------------------- */

static void make_limits(struct history *h)
{
    struct engine_limits *limits = &h->limits;
    uint32_t longest;

    *limits = (struct engine_limits){
        .vocab_size = between(h, 12, 60),
        .model_len_max = between(h, 40, PROMPT_MAX + OUTPUT_MAX),
        .step_tokens_max = chance(h, 0.5) ? between(h, 6, 24) : between(h, 24, 160),
        .sequence_max = between(h, 1, 14),
        .group_count = chance(h, 0.2) ? 2 : 1,
    };
    longest = kv_blocks_for(limits->model_len_max); /* so few blocks force preemptions */
    bool only_one = chance(h, 0.3);                 /* choice fits */
    for (uint32_t g = 0; g < limits->group_count; g++) {
        limits->group[g].window_tokens = chance(h, 0.3) ? between(h, 2, 70) : 0;
        limits->group[g].block_count = chance(h, 0.8) ? between(h, longest, 2 * longest) : between(h, 3, 90);
        if (only_one)
            limits->group[g].block_count = longest;
    }
    memset(limits->fingerprint, (int)below(h, 256), sizeof limits->fingerprint);
    h->tokenizer.eos_count = below(h, 3);
    for (uint32_t i = 0; i < h->tokenizer.eos_count; i++)
        h->tokenizer.eos[i] = between(h, 0, limits->vocab_size + 2); /* one may lie outside */
}

static void make_world(struct history *h)
{
    static const uint32_t hash_bits[] = {128, 128, 1, 3, 8};
    struct quire_error error;

    make_limits(h);
    fake_engine_init(&h->engine, &h->limits);
    h->options = (struct scheduler_options){
        .limits = &h->limits,
        .engine = {.context = &h->engine, .step = fake_engine_step},
        .tokenizer = &h->tokenizer,
        .running_max = between(h, 1, 12),
        .step_tokens_max = between(h, 1, 200),
        .queue_max = between(h, 1, 40),
        .prefix_cache = chance(h, 0.8),
        .clock_ns = clock_ns,
        .clock_context = h,
    };
    h->tuning = (struct scheduler_tuning){
        .hash_bits = hash_bits[below(h, 5)],
        .history_max = chance(h, 0.7) ? 1 : 0, /* room for one sequence */
        .biases_max = chance(h, 0.7) ? 1 : 0,
    };
    h->arrival_rate = chance(h, 0.3) ? 0.6 : 0.15;
    h->cancel_rate = chance(h, 0.3) ? 0.0 : 0.03;
    h->failure_rate = chance(h, 0.2) ? 0.01 : 0.0;
    h->long_answers = chance(h, 0.5);
    h->choices_rate = chance(h, 0.3) ? 0.8 : 0.2; /* with few blocks a request's choices compete with each other */
    h->penalty_rate = chance(h, 0.4) ? 0.7 : 0.1;
    for (uint32_t p = 0; p < 4; p++) {
        for (uint32_t i = 0; i < PROMPT_MAX; i++)
            h->prefix[p][i] = p == 3 ? 1 : below(h, h->limits.vocab_size);
    }
    CHECK(scheduler_create_tuned(&h->options, &h->tuning, &h->scheduler, &error) == QUIRE_OK, "%s", error.message);
    h->engine.scheduler = h->scheduler;
}

/* ---- arrivals ---------------------------------------------------------------------------------------------------- */

/* What a random spec points to. */
struct wishes {
    uint32_t prompt[PROMPT_MAX];
    struct step_bias biases[4];
    uint32_t stop_ids[3];
    char stop_text[4][8];
    struct request_bytes stops[4];
    char salt[2];
};

/* A known beginning, or all of an earlier turn of talk, then something new. */
static uint32_t wish_prompt(struct history *h, uint32_t *prompt)
{
    uint32_t length_max = h->limits.model_len_max - 1 < PROMPT_MAX ? h->limits.model_len_max - 1 : PROMPT_MAX;
    uint32_t length = between(h, 1, h->long_answers ? 1 + length_max / 4 : length_max), shared = below(h, length + 1);

    if (length > 16 && chance(h, 0.3))
        length -= length % 16, shared = length; /* the last block is full, and likely known */
    memcpy(prompt, h->prefix[below(h, 4)], length * sizeof *prompt);
    if (h->guest_count > 0 && chance(h, 0.3)) {
        const struct guest *earlier = &h->guests[below(h, h->guest_count)];
        const struct request_spec *spec = &earlier->request->spec;

        for (uint32_t i = 0; i < length && i < spec->prompt_tokens + earlier->answer[0].count; i++)
            prompt[i] = i < spec->prompt_tokens ? spec->prompt[i]
                                                : earlier->answer[0].outputs[i - spec->prompt_tokens].token.id;
        shared = length - length / 8;
    }
    for (uint32_t i = shared; i < length; i++)
        prompt[i] = below(h, h->limits.vocab_size);
    return length;
}

static void wish_stops(struct history *h, struct request_spec *spec, struct wishes *wishes)
{
    spec->stop_count = chance(h, 0.3) ? between(h, 1, 4) : 0;
    for (uint32_t i = 0; i < spec->stop_count; i++) {
        size_t count = between(h, 1, 7);

        for (size_t b = 0; b < count; b++)
            wishes->stop_text[i][b] = (char)('a' + below(h, chance(h, 0.8) ? 2 : 3));
        wishes->stops[i] = (struct request_bytes){.bytes = wishes->stop_text[i], .count = count};
    }
    spec->stop_id_count = chance(h, 0.3) ? between(h, 1, 3) : 0;
    for (uint32_t i = 0; i < spec->stop_id_count; i++)
        wishes->stop_ids[i] = below(h, h->limits.vocab_size + 3);
    spec->bias_count = chance(h, 0.2) ? between(h, 1, 4) : 0;
    for (uint32_t i = 0; i < spec->bias_count; i++)
        wishes->biases[i] = (struct step_bias){.id = below(h, h->limits.vocab_size),
                                               .value = chance(h, 0.5) ? 1.5f : -__builtin_inff()};
}

static void wish(struct history *h, struct request_spec *spec, struct wishes *wishes)
{
    *spec = (struct request_spec){
        .id = "sim",
        .prompt = wishes->prompt,
        .prompt_tokens = wish_prompt(h, wishes->prompt),
        .choice_count = chance(h, h->choices_rate) ? between(h, 2, CHOICES_MAX) : 1,
        .seed = below(h, 5),
        .temperature = chance(h, 0.6) ? 0.7f : 0.0f,
        .top_p = 1.0f,
        .repetition_penalty = chance(h, h->penalty_rate) ? 1.2f : 1.0f,
        .presence_penalty = chance(h, h->penalty_rate) ? 0.5f : 0.0f,
        .top_k = below(h, 3),
        .logprobs = chance(h, 0.5),
        .top_count = chance(h, 0.3) ? below(h, ALONE_TOP_MAX + 1) : 0,
        .prompt_scores = chance(h, 0.1),
        .ignore_eos = chance(h, 0.3),
        .skip_special = chance(h, 0.5),
        .biases = wishes->biases,
        .stop_ids = wishes->stop_ids,
        .stops = wishes->stops,
    };
    spec->token_max = between(h, h->long_answers ? OUTPUT_MAX / 2 : 1, OUTPUT_MAX);
    if (spec->prompt_scores && chance(h, 0.5))
        spec->token_max = 0;
    if (!chance(h, 0.1) && spec->prompt_tokens + spec->token_max > h->limits.model_len_max)
        spec->token_max = h->limits.model_len_max - spec->prompt_tokens;
    spec->token_min = chance(h, 0.3) ? below(h, 20) : 0;
    wish_stops(h, spec, wishes);
    wishes->salt[0] = (char)('x' + below(h, 2));
    spec->cache_salt = (struct request_bytes){.bytes = wishes->salt, .count = below(h, 2)};
}

/* The refusals that a client must expect, from the definition. With windows a refusal is only bounded from one side. */
static bool must_fit(const struct history *h, const struct request_spec *spec)
{
    uint32_t sequences = h->options.running_max;
    uint32_t last = spec->prompt_tokens + (spec->token_max ? spec->token_max - 1 : 0);

    sequences = h->limits.sequence_max < sequences ? h->limits.sequence_max : sequences;
    sequences = h->limits.step_tokens_max < sequences ? h->limits.step_tokens_max : sequences;
    sequences = h->options.step_tokens_max < sequences ? h->options.step_tokens_max : sequences;
    if (spec->choice_count > sequences || spec->prompt_tokens + spec->token_max > h->limits.model_len_max)
        return false;
    for (uint32_t g = 0; g < h->limits.group_count; g++) {
        if ((last + 15) / 16 > h->limits.group[g].block_count) /* the other choices can wait */
            return false;
    }
    return true;
}

/* Whether all choices of an accepted request can have their blocks at once. */
static bool choices_fit(const struct history *h, const struct request_spec *spec)
{
    uint32_t last = spec->prompt_tokens + (spec->token_max ? spec->token_max - 1 : 0), full = spec->prompt_tokens / 16;

    return full + ((last + 15) / 16 - full) * spec->choice_count <= h->limits.group[0].block_count;
}

/* A refusal is right, says why, and holds nothing. */
static void check_refusal(const struct history *h, const struct guest *guests, uint32_t count, enum quire_status status,
                          const char *message)
{
    bool needed = count > h->options.queue_max;

    if (status == QUIRE_BUSY)
        needed = h->scheduler->submissions.held_count + count > h->options.queue_max;
    for (uint32_t i = 0; i < count; i++) {
        needed |= status != QUIRE_BUSY && !must_fit(h, &guests[i].request->spec);
        CHECK(guests[i].request->reference_count == 1, "a refused request is still held");
    }
    CHECK(needed && message[0] != '\0', "refused without need: %s", message);
}

/* One request, or several that belong together. */
static void arrive(struct history *h)
{
    struct guest *guests = &h->guests[h->guest_count];
    uint32_t count = chance(h, 0.1) && h->guest_count + GROUP_MAX <= REQUESTS_MAX ? between(h, 2, GROUP_MAX) : 1;
    struct request *requests[GROUP_MAX];
    struct quire_error error = {{0}};
    enum quire_status status;

    for (uint32_t i = 0; i < count; i++) {
        struct request_spec spec;
        struct wishes wishes;

        wish(h, &spec, &wishes);
        guests[i].salt = (uint32_t)spec.cache_salt.count * (uint32_t)wishes.salt[0];
        CHECK(request_create(&spec, &requests[i], &error) == QUIRE_OK, "%s", error.message);
        guests[i].request = requests[i];
    }
    status = count == 1 ? scheduler_submit(h->scheduler, requests[0], &error)
                        : scheduler_submit_all(h->scheduler, requests, count, &error);
    if (status != QUIRE_OK) {
        check_refusal(h, guests, count, status, error.message);
        for (uint32_t i = 0; i < count; i++)
            request_unref(requests[i]);
        shown.refusals++;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct request_spec *spec = &requests[i]->spec;

        for (uint32_t c = 0; c < spec->choice_count; c++)
            alone_run(&h->limits, &h->tokenizer, spec, c, &guests[i].answer[c]);
        shown.crowded += !choices_fit(h, spec);
    }
    h->guest_count += count;
    shown.groups += count > 1;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* No more may come from the cache than what an earlier request under the same salt had in common with this one. */
static void check_cached(const struct history *h, const struct guest *guest)
{
    const struct request_spec *mine = &guest->request->spec;
    uint32_t cached = guest->request->cached_tokens, best = 0;

    CHECK(cached % 16 == 0 && cached < mine->prompt_tokens, "%u of %u tokens cached", cached, mine->prompt_tokens);
    CHECK(cached == 0 || (h->options.prefix_cache && !mine->prompt_scores), "tokens came from a cache that is off");
    for (const struct guest *other = h->guests; other < guest; other++) {
        const struct request_spec *theirs = &other->request->spec;

        for (uint32_t c = 0; c < theirs->choice_count && other->salt == guest->salt; c++) {
            const struct step_output *outputs = other->answer[c].outputs;
            uint32_t i = 0;

            while (i < mine->prompt_tokens && i < theirs->prompt_tokens + other->answer[c].count &&
                   mine->prompt[i] ==
                       (i < theirs->prompt_tokens ? theirs->prompt[i] : outputs[i - theirs->prompt_tokens].token.id))
                i++;
            best = i > best ? i : best;
        }
    }
    CHECK(cached <= best, "%u tokens came from the cache, but nobody computed more than %u of them", cached, best);
}

static void check_entries(const struct history *h, struct guest *guest, uint32_t c)
{
    const struct token_log *log = &guest->request->logs[c];
    const struct alone_answer *answer = &guest->answer[c];
    const struct request_spec *spec = &guest->request->spec;

    CHECK(log->count <= answer->count, "choice %u has %u tokens, alone %u", c, log->count, answer->count);
    for (uint32_t *i = &guest->seen[c]; *i < log->count; (*i)++) {
        const struct step_output *wanted = &answer->outputs[*i];

        CHECK(log->entries[*i].id == wanted->token.id && log->entries[*i].logprob == wanted->token.logprob,
              "request %td choice %u token %u is %u, alone %u", guest - h->guests, c, *i,
              log->entries[*i].id, wanted->token.id);
        CHECK((log->ranks != NULL) == spec->logprobs &&
              (log->ranks == NULL || log->ranks[*i] == wanted->rank), "a rank");
        CHECK(spec->top_count == 0 || memcmp(log->tops + (size_t)*i * spec->top_count, answer->tops[*i],
                                             spec->top_count * sizeof *log->tops) == 0, "the alternatives");
    }
    if (spec->stop_count > 0) {
        CHECK(log->text_safe_bytes >= guest->safe_seen[c] && log->text_safe_bytes <= answer->text_bytes,
              "%llu bytes are called safe, but the text ends at %llu", (unsigned long long)log->text_safe_bytes,
              (unsigned long long)answer->text_bytes);
        guest->safe_seen[c] = log->text_safe_bytes;
    }
}

static void check_finish(struct history *h, struct guest *guest, uint32_t c)
{
    const struct token_log *log = &guest->request->logs[c];
    const struct alone_answer *answer = &guest->answer[c];

    if (log->finish == FINISH_CANCELLED) {
        CHECK(guest->cancelled, "cancelled without a wish");
        shown.cancels++;
    } else if (log->finish == FINISH_ERROR) {
        CHECK(guest->request->failure.message[0] != '\0', "an error without a word");
        shown.failures++;
    } else if (log->finish != FINISH_NONE) {
        CHECK(log->finish == answer->finish && log->count == answer->count,
              "finish %u after %u tokens, alone %d after %u", log->finish, log->count, (int)answer->finish,
              answer->count);
        CHECK(log->stop_token == answer->stop_token && log->stop_index == answer->stop_index &&
              log->text_final_bytes == answer->text_final_bytes, "the stop is another than alone");
        CHECK(guest->request->spec.stop_count == 0 || log->text_safe_bytes == answer->text_bytes,
              "%llu bytes are safe at the end, of %llu", (unsigned long long)log->text_safe_bytes,
              (unsigned long long)answer->text_bytes);
        shown.stops += log->finish == FINISH_STOP;
        shown.lengths += log->finish == FINISH_LENGTH;
    }
}

/* Scores are compared once the first token is there, and then spoilt: a reader may have them, so nobody writes them
 * again. */
static void check_scores(const struct history *h, struct guest *guest)
{
    static struct step_output outputs[PROMPT_MAX];
    static struct step_token tops[PROMPT_MAX * ALONE_TOP_MAX];
    const struct request *request = guest->request;
    const struct request_spec *spec = &request->spec;
    bool due = request->logs[0].count > 0 || request->logs[0].finish == FINISH_LENGTH;

    if (!spec->prompt_scores || !due)
        return;
    for (uint32_t i = 1; i < spec->prompt_tokens && guest->scores_checked; i++)
        CHECK(request->prompt_outputs[i].rank == 0, "prompt token %u was scored again", i);
    if (guest->scores_checked)
        return;
    alone_scores(&h->limits, spec, outputs, tops);
    for (uint32_t i = 1; i < spec->prompt_tokens; i++) {
        CHECK(memcmp(&request->prompt_outputs[i], &outputs[i], sizeof outputs[i]) == 0,
              "the score of prompt token %u", i);
        CHECK(spec->top_count == 0 || memcmp(request->prompt_tops + (size_t)i * spec->top_count,
                                             tops + (size_t)i * spec->top_count, spec->top_count * sizeof *tops) == 0,
              "the alternatives of prompt token %u", i);
        request->prompt_outputs[i].rank = 0;
    }
    guest->scores_checked = true;
    shown.scored++;
}

static void check_guests(struct history *h)
{
    for (uint32_t i = h->open_first; i < h->guest_count; i++) {
        struct guest *guest = &h->guests[i];

        if (guest->checked)
            continue;
        for (uint32_t c = 0; c < guest->request->spec.choice_count; c++)
            check_entries(h, guest, c);
        check_scores(h, guest);
        if (!guest->cached_checked && guest->request->cached_tokens > 0) {
            check_cached(h, guest);
            guest->cached_checked = true;
        }
        if (request_finished(guest->request)) {
            for (uint32_t c = 0; c < guest->request->spec.choice_count; c++)
                check_finish(h, guest, c);
            CHECK(guest->request->reference_count == 1, "a finished request is still held");
            guest->checked = true;
        } else {
            CHECK(guest->request->reference_count == 2, "a running request is not held");
            CHECK(!guest->cancelled, "a cancelled request still runs after a step");
        }
    }
    while (h->open_first < h->guest_count && h->guests[h->open_first].checked)
        h->open_first++;
}

/* ---- a history --------------------------------------------------------------------------------------------------- */

static void one_step(struct history *h)
{
    const char *broken;

    h->engine.fail_next = chance(h, h->failure_rate);
    h->now_ns += 1000000;
    stepping = true;
    bool busy = scheduler_step(h->scheduler);
    stepping = false;
    CHECK(step_allocations == 0, "a step asked for memory");
    h->engine.fail_next = false;
    h->steps++;
    CHECK(h->engine.problem[0] == '\0', "%s", h->engine.problem);
    broken = invariants_broken(h->scheduler);
    CHECK(broken == NULL, "%s", broken);
    check_guests(h);
    CHECK(busy || h->open_first == h->guest_count, "the scheduler rests while somebody waits");
}

static void live(struct history *h)
{
    uint32_t arrival_steps = between(h, 50, 600);

    for (uint32_t i = 0; i < arrival_steps; i++) {
        while (h->guest_count < REQUESTS_MAX && chance(h, h->arrival_rate))
            arrive(h);
        if (h->open_first < h->guest_count && chance(h, h->cancel_rate)) {
            struct guest *guest = &h->guests[between(h, h->open_first, h->guest_count - 1)];

            guest->cancelled = true;
            scheduler_cancel(h->scheduler, guest->request);
        }
        one_step(h);
    }
    for (uint32_t i = 0; h->open_first < h->guest_count; i++) {
        CHECK(i < DRAIN_STEPS_MAX, "it never drains");
        one_step(h);
    }
}

static void leave(struct history *h)
{
    const char *left = invariants_left_over(h->scheduler);
    struct scheduler_stats stats = scheduler_stats(h->scheduler);

    CHECK(left == NULL, "%s", left);
    CHECK(!scheduler_step(h->scheduler), "a drained scheduler finds something to do");
    CHECK(stats.blocks_used == 0 && stats.running == 0 && stats.waiting == 0, "the figures say that somebody is left");
    shown.histories++;
    shown.steps += h->steps;
    shown.forks += stats.forks;
    shown.copies += stats.block_copies;
    shown.preemptions += stats.preemptions;
    shown.hits += stats.prefix_hits_tokens;
    shown.together = stats.step_segments_max > shown.together ? stats.step_segments_max : shown.together;
    scheduler_destroy(h->scheduler);
    fake_engine_deinit(&h->engine);
    for (uint32_t i = 0; i < h->guest_count; i++)
        request_unref(h->guests[i].request);
}

static void simulate(uint64_t seed)
{
    struct history *h = calloc(1, sizeof *h);

    h->seed = seed;
    snprintf(banner, sizeof banner, "seed %llu: aborted\nreplay: simulate --seed %llu\n", (unsigned long long)seed,
             (unsigned long long)seed);
    make_world(h);
    live(h);
    leave(h);
    free(h);
}

static int report(void)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"steps", shown.steps}, {"histories", shown.histories}, {"forks", shown.forks}, {"block copies", shown.copies},
        {"preemptions", shown.preemptions}, {"tokens from the cache", shown.hits}, {"choices cancelled", shown.cancels},
        {"choices failed", shown.failures}, {"refusals", shown.refusals}, {"choices stopped", shown.stops},
        {"choices at full length", shown.lengths}, {"prompts scored", shown.scored},
        {"sequences in one step", shown.together}, {"requests whose choices do not fit together", shown.crowded},
        {"groups of requests", shown.groups},
        {"first tokens", fake_metric_counts[METRIC_TIME_TO_FIRST_TOKEN]},
        {"requests counted", fake_metric_counts[METRIC_E2E_LATENCY]},
    };
    int missing = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        printf("%10llu %s\n", (unsigned long long)rows[i].count, rows[i].name);
        missing += rows[i].count == 0;
    }
    if (missing > 0)
        printf("the histories did not show everything that they should\n");
    return missing > 0;
}

int main(int argc, char **argv)
{
    uint64_t steps = 300000;

    signal(SIGABRT, on_abort);
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        simulate(strtoull(argv[2], NULL, 10));
        report();
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--steps") == 0)
        steps = strtoull(argv[2], NULL, 10);
    for (uint64_t seed = 1; shown.steps < steps; seed++)
        simulate(seed);
    return report();
}
