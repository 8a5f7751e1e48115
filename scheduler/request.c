/* An immutable request and its append-only answer (include/request.h).
 *
 * A request is two pieces of memory, both made here: the head with copies of all that the client gave, from the heap;
 * and one anonymous mapping with all logs, whose pages cost nothing until a token is written to them. Neither grows
 * later. Threads: any; the references decide who frees. */
#include "request_private.h"

#include "siphash.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct request_memory {
    struct request request; /* first: a request is also a request_memory */
    void *answers;          /* the mapping with logs and scores */
    size_t answers_bytes;
    uint64_t salt[2];
    struct request_wait wait;
    uint16_t *failures[REQUEST_STOPS_MAX];
};

/* Hands out consecutive pieces of a buffer. With `base` NULL it only measures, so that one function serves both passes.
 * `overflow` sticks once a size does not fit size_t. */
struct carver {
    char *base;
    size_t bytes;
    bool overflow;
};

static void *carve(struct carver *carver, size_t count, size_t size)
{
    size_t bytes, start = carver->bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, (size_t)15, &bytes) ||
        __builtin_add_overflow(start, bytes & ~(size_t)15, &carver->bytes))
        carver->overflow = true;
    return carver->base == NULL || count == 0 ? NULL : carver->base + start;
}

static void *carve_copy(struct carver *carver, const void *from, size_t count, size_t size)
{
    void *to = carve(carver, count, size);

    if (to != NULL)
        memcpy(to, from, count * size);
    return to;
}

static void failure_fill(const char *bytes, size_t count, uint16_t *failure)
{
    size_t matched = 0;

    failure[0] = 0;
    for (size_t i = 1; i < count; i++) {
        while (matched > 0 && bytes[i] != bytes[matched])
            matched = failure[matched - 1];
        if (bytes[i] == bytes[matched])
            matched++;
        failure[i] = (uint16_t)matched;
    }
}

/* Copies what `from` points to; measures only while `memory` is NULL. */
static void carve_inputs(struct carver *carver, const struct request_spec *from, struct request_memory *memory)
{
    struct request_bytes *stops;
    struct request_spec spec = *from;

    spec.prompt = carve_copy(carver, from->prompt, from->prompt_tokens, sizeof *from->prompt);
    spec.biases = carve_copy(carver, from->biases, from->bias_count, sizeof *from->biases);
    spec.stop_ids = carve_copy(carver, from->stop_ids, from->stop_id_count, sizeof *from->stop_ids);
    spec.cache_salt = (struct request_bytes){0};
    spec.stops = stops = carve_copy(carver, from->stops, from->stop_count, sizeof *from->stops);
    for (uint32_t i = 0; i < from->stop_count; i++) {
        size_t count = from->stops[i].count;
        char *bytes = carve_copy(carver, from->stops[i].bytes, count, 1);
        uint16_t *failure = carve(carver, count, sizeof *failure);

        if (memory != NULL) {
            stops[i].bytes = bytes;
            memory->failures[i] = failure;
            failure_fill(bytes, count, failure);
        }
    }
    if (memory != NULL)
        memory->request.spec = spec;
}

/* Lays out the logs of all choices and the prompt's scores; measures only while `request` is NULL. */
static void carve_answers(struct carver *carver, const struct request_spec *spec, struct request *request)
{
    size_t tops_max;

    if (__builtin_mul_overflow((size_t)spec->token_max, (size_t)spec->top_count, &tops_max))
        carver->overflow = true;
    for (uint32_t i = 0; i < spec->choice_count; i++) {
        struct step_token *entries = carve(carver, spec->token_max, sizeof *entries);
        uint32_t *ranks = carve(carver, spec->logprobs ? spec->token_max : 0, sizeof *ranks);
        struct step_token *tops = carve(carver, tops_max, sizeof *tops);

        if (request != NULL) {
            struct token_log *log = &request->logs[i];

            log->entries = entries;
            log->ranks = ranks;
            log->tops = tops;
            log->text_final_bytes = UINT64_MAX;
            log->stop_token = STEP_NO_TOKEN;
            log->stop_index = UINT32_MAX;
        }
    }

    struct step_output *outputs = carve(carver, spec->prompt_scores ? spec->prompt_tokens : 0, sizeof *outputs);
    struct step_token *tops = carve(carver, spec->prompt_scores ? (size_t)spec->prompt_tokens * spec->top_count : 0,
                                    sizeof *tops);
    if (request != NULL) {
        request->prompt_outputs = outputs;
        request->prompt_tops = tops;
    }
}

static enum quire_status range_check(const char *name, uint32_t value, uint32_t low, uint32_t high,
                                     struct quire_error *error)
{
    if (value >= low && value <= high)
        return QUIRE_OK;
    return quire_fail(error, QUIRE_INVALID, "%s is %u, but must be between %u and %u", name, value, low, high);
}

static enum quire_status numbers_check(const struct request_spec *spec, struct quire_error *error)
{
    const struct {
        const char *name;
        float value, low, high;
    } rows[] = {
        {"temperature", spec->temperature, 0.0f, INFINITY},
        {"top_p", spec->top_p, 0.0f, 1.0f},
        {"min_p", spec->min_p, 0.0f, 1.0f},
        {"presence_penalty", spec->presence_penalty, -INFINITY, INFINITY},
        {"frequency_penalty", spec->frequency_penalty, -INFINITY, INFINITY},
        {"repetition_penalty", spec->repetition_penalty, 0.0f, INFINITY},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!isfinite(rows[i].value) || rows[i].value < rows[i].low || rows[i].value > rows[i].high)
            return quire_fail(error, QUIRE_INVALID, "%s is %g, which is out of range", rows[i].name,
                              (double)rows[i].value);
    }
    if (!(spec->repetition_penalty > 0.0f))
        return quire_fail(error, QUIRE_INVALID, "repetition_penalty is 0, but must be positive");
    for (uint32_t i = 0; i < spec->bias_count; i++) {
        if (isnan(spec->biases[i].value) || spec->biases[i].value == INFINITY)
            return quire_fail(error, QUIRE_INVALID, "the bias of token %u is not a number below infinity",
                              spec->biases[i].id);
    }
    return QUIRE_OK;
}

static enum quire_status spec_check(const struct request_spec *spec, struct quire_error *error)
{
    const struct {
        const char *name;
        uint32_t value, low, high;
    } rows[] = {
        {"the number of prompt tokens", spec->prompt_tokens, 1, INT32_MAX},
        {"n", spec->choice_count, 1, REQUEST_CHOICES_MAX},
        {"max_tokens", spec->token_max, spec->prompt_scores ? 0 : 1, INT32_MAX},
        {"the number of top log-probabilities", spec->top_count, 0, STEP_TOP_MAX},
        {"the number of stop strings", spec->stop_count, 0, REQUEST_STOPS_MAX},
        {"the number of stop token ids", spec->stop_id_count, 0, REQUEST_STOP_IDS_MAX},
        {"the number of logit biases", spec->bias_count, 0, REQUEST_BIASES_MAX},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum quire_status status = range_check(rows[i].name, rows[i].value, rows[i].low, rows[i].high, error);

        if (status != QUIRE_OK)
            return status;
    }
    for (uint32_t i = 0; i < spec->stop_count; i++) {
        size_t count = spec->stops[i].count;

        if (count == 0 || count > REQUEST_STOP_BYTES_MAX)
            return quire_fail(error, QUIRE_INVALID, "stop string %u has %zu bytes, but must have between 1 and %u", i,
                              count, REQUEST_STOP_BYTES_MAX);
    }
    return numbers_check(spec, error);
}

/* Two salts are equal where their digests are. The key need not be secret: whoever could choose a salt that collides
 * with another tenant's would have to know that one, and could as well send it. */
static void salt_digest(struct request_bytes salt, uint64_t digest[2])
{
    static const unsigned char key[16] = "quire cache salt";

    siphash128(key, salt.bytes, salt.count, digest);
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

enum quire_status request_create(const struct request_spec *spec, struct request **out, struct quire_error *error)
{
    enum quire_status status = spec_check(spec, error);
    if (status != QUIRE_OK)
        return status;

    struct carver inputs = {0}, answers = {0};
    size_t logs_at = (sizeof(struct request_memory) + 15u) & ~(size_t)15u;

    carve(&inputs, logs_at, 1);
    carve(&inputs, spec->choice_count, sizeof(struct token_log));
    carve_inputs(&inputs, spec, NULL);
    carve(&answers, 1, 16); /* a mapping of zero bytes is an error */
    carve_answers(&answers, spec, NULL);
    if (inputs.overflow || answers.overflow)
        return quire_fail(error, QUIRE_NO_MEMORY, "the answers of %u choices of %u tokens do not fit the address space",
                          spec->choice_count, spec->token_max);

    struct request_memory *memory = calloc(1, inputs.bytes);
    if (memory == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for a request of %zu bytes", inputs.bytes);
    memory->answers_bytes = answers.bytes;
    memory->answers = mmap(NULL, answers.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                           -1, 0);
    if (memory->answers == MAP_FAILED) {
        free(memory);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for answers of %zu bytes", answers.bytes);
    }

    struct request *request = &memory->request;

    inputs = (struct carver){.base = (char *)memory};
    answers = (struct carver){.base = memory->answers};
    carve(&inputs, logs_at, 1);
    request->logs = carve(&inputs, spec->choice_count, sizeof(struct token_log));
    carve_inputs(&inputs, spec, memory);
    carve(&answers, 1, 16);
    carve_answers(&answers, spec, request);
    salt_digest(spec->cache_salt, memory->salt);
    snprintf(request->id, sizeof request->id, "%s", spec->id == NULL ? "" : spec->id);
    request->spec.id = request->id;
    request->arrival_ns = monotonic_ns();
    atomic_init(&request->reference_count, 1);
    *out = request;
    return QUIRE_OK;
}

struct request *request_ref(struct request *request)
{
    atomic_fetch_add_explicit(&request->reference_count, 1, memory_order_relaxed);
    return request;
}

void request_unref(struct request *request)
{
    if (request == NULL)
        return;

    uint32_t before = atomic_fetch_sub_explicit(&request->reference_count, 1, memory_order_acq_rel);

    assert(before > 0);
    if (before == 1) {
        struct request_memory *memory = (struct request_memory *)request;

        munmap(memory->answers, memory->answers_bytes);
        free(memory);
    }
}

bool request_finished(const struct request *request)
{
    for (uint32_t i = 0; i < request->spec.choice_count; i++) {
        if (atomic_load_explicit(&request->logs[i].finish, memory_order_acquire) == FINISH_NONE)
            return false;
    }
    return true;
}

const uint16_t *request_stop_failure(const struct request *request, uint32_t index)
{
    return ((const struct request_memory *)request)->failures[index];
}

const uint64_t *request_salt_digest(const struct request *request)
{
    return ((const struct request_memory *)request)->salt;
}

struct request_wait *request_wait(struct request *request)
{
    return &((struct request_memory *)request)->wait;
}
