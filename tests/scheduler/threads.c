/* Many threads at the scheduler's doors: submitters, readers, cancellers, askers for figures, while the step thread
 * runs. Has its own main, because Criterion does not start under ThreadSanitizer. Exit status 0: all answers were
 * right. */
#include "fake_engine.h"
#include "fake_foundation.h"
#include "fake_tokenizer.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 10u
#define REQUESTS_EACH 60u
#define CHOICES 3u

static _Atomic uint32_t progress_count, finished_count, cancelled_count, busy_count;
static struct scheduler *scheduler;

/* Draws from the row's token, the choice and the position: a client can tell without asking anybody. */
static uint32_t next_token(uint64_t seed, uint32_t choice, uint32_t position, uint32_t token)
{
    return (uint32_t)(fake_hash(fake_hash(seed, choice), (uint64_t)position << 32 | token) % 1000);
}

static enum quire_status engine_step(void *context, const struct step_plan *plan, struct step_result *result,
                                     struct quire_error *error)
{
    (void)context, (void)error;
    usleep(20);
    result->output_count = plan->count.samples;
    for (uint32_t i = 0; i < plan->count.samples; i++) {
        const struct step_sample *sample = &step_samples_const(plan)[i];
        uint32_t token = step_tokens_const(plan)[sample->row];

        step_outputs(result)[i] = (struct step_output){
            .token = {.id = next_token(sample->seed, sample->choice, sample->position, token), .logprob = -1.0f},
            .rank = 1,
        };
    }
    return QUIRE_OK;
}

static void on_progress(void *context)
{
    (void)context;
    progress_count++;
}

static struct request *make_request(uint64_t seed)
{
    static const struct request_bytes stops[] = {{"caab", 4}, {"bb", 2}};
    uint32_t prompt[40];
    struct request_spec spec = {
        .id = "thread", .prompt = prompt, .prompt_tokens = 1 + (uint32_t)(seed % 40),
        .choice_count = 1 + (uint32_t)(seed % CHOICES),
        .token_max = 1 + (uint32_t)(fake_hash(seed, 1) % 50), .seed = seed, .temperature = 1.0f, .top_p = 1.0f,
        .repetition_penalty = 1.0f, .stops = stops, .stop_count = seed % 4 == 0 ? 2 : 0,
    };
    struct request *request;

    for (uint32_t i = 0; i < spec.prompt_tokens; i++)
        prompt[i] = i < 20 ? i : (uint32_t)(fake_hash(seed, i) % 1000);
    if (request_create(&spec, &request, NULL) != QUIRE_OK)
        abort();
    return request;
}

/* Reads a log as request.h tells readers to, and compares what is new. */
static bool read_log(const struct request *request, uint32_t choice, uint32_t *seen, uint32_t *last)
{
    const struct token_log *log = &request->logs[choice];
    uint32_t finish = atomic_load_explicit(&log->finish, memory_order_acquire);
    uint32_t count = atomic_load_explicit(&log->count, memory_order_acquire);

    for (; *seen < count; (*seen)++) {
        uint32_t position = request->spec.prompt_tokens + *seen;
        uint32_t wanted = next_token(request->spec.seed, choice, position, *last);

        *last = log->entries[*seen].id;
        if (*last != wanted) {
            printf("token %u of choice %u is %u, not %u\n", *seen, choice, *last, wanted);
            abort();
        }
    }
    if (finish == FINISH_LENGTH && count != request->spec.token_max)
        abort();
    if (finish == FINISH_STOP && request->spec.stop_count > 0 && log->text_final_bytes > log->text_safe_bytes)
        abort();
    return finish != FINISH_NONE;
}

static void follow(struct request *request, bool cancels)
{
    uint32_t seen[CHOICES] = {0}, last[CHOICES], polls = 0;
    bool finished;

    for (uint32_t c = 0; c < CHOICES; c++)
        last[c] = request->spec.prompt[request->spec.prompt_tokens - 1];
    do {
        finished = true;
        for (uint32_t c = 0; c < request->spec.choice_count; c++)
            finished = read_log(request, c, &seen[c], &last[c]) && finished;
        if (cancels && ++polls == 3)
            scheduler_cancel(scheduler, request);
        sched_yield();
    } while (!finished);
    finished_count++;
    cancelled_count += request->logs[0].finish == FINISH_CANCELLED;
}

static void *client(void *argument)
{
    uint64_t number = (uint64_t)(uintptr_t)argument;

    for (uint32_t i = 0; i < REQUESTS_EACH;) {
        struct request *request = make_request(number * 1000 + i);
        struct quire_error error;
        enum quire_status status = scheduler_submit(scheduler, request, &error);

        if (status == QUIRE_OK) {
            if (i % 7 != 3)
                follow(request, i % 5 == 0);
            i++; /* else: leaves without looking; the scheduler's reference keeps the request */
        } else {
            assert(status == QUIRE_BUSY);
            busy_count++;
            sched_yield();
        }
        request_unref(request);
        (void)scheduler_stats(scheduler);
    }
    return NULL;
}

static struct request *parting[8];

static void *late_client(void *argument)
{
    struct quire_error error;

    for (uint32_t i = 0; i < 8; i++) {
        parting[i] = make_request(100000 + i);
        if (scheduler_submit(scheduler, parting[i], &error) != QUIRE_OK) {
            request_unref(parting[i]);
            parting[i] = NULL;
        }
    }
    return argument;
}

static void open_scheduler(void)
{
    static struct tokenizer tokenizer = {.eos = {7}, .eos_count = 1};
    static const struct engine_limits limits = {
        .vocab_size = 1000, .model_len_max = 128, .step_tokens_max = 64, .sequence_max = 16, .group_count = 1,
        .group = {{.block_count = 40}},
    };
    struct scheduler_options options = {
        .limits = &limits, .engine = {.step = engine_step}, .tokenizer = &tokenizer, .running_max = 5,
        .step_tokens_max = 64, .queue_max = 2, .prefix_cache = true, .progress = on_progress,
    };
    struct quire_error error;

    if (scheduler_create(&options, &scheduler, &error) != QUIRE_OK || scheduler_start(scheduler, &error) != QUIRE_OK)
        abort();
}

/* Stops in the middle of submissions. With `drain` who was accepted gets a whole answer; without, an end. */
static void part(bool drain)
{
    pthread_t late;

    pthread_create(&late, NULL, late_client, NULL);
    while (drain ? scheduler_stats(scheduler).step_count == 0 : false)
        sched_yield();
    scheduler_stop(scheduler, drain);
    pthread_join(late, NULL);
    for (uint32_t i = 0; i < 8; i++) {
        if (parting[i] == NULL)
            continue;
        if (!request_finished(parting[i]) || (drain && parting[i]->logs[0].finish == FINISH_CANCELLED))
            abort();
        request_unref(parting[i]);
    }
    struct request *refused = make_request(1);
    if (scheduler_submit(scheduler, refused, NULL) != QUIRE_DRAINING)
        abort();
    request_unref(refused);
    scheduler_stop(scheduler, false); /* once more does no harm */
    scheduler_destroy(scheduler);
}

int main(void)
{
    pthread_t clients[CLIENTS];

    open_scheduler();
    for (uintptr_t i = 0; i < CLIENTS; i++)
        pthread_create(&clients[i], NULL, client, (void *)(i + 1));
    for (uint32_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    part(true);
    for (uint32_t i = 0; i < 20; i++) {
        open_scheduler();
        part(i % 2 == 0);
    }
    printf("%u followed to the end, %u cancelled, %u told to come again, %u wakes\n", finished_count, cancelled_count,
           busy_count, progress_count);
    return finished_count > 0 && cancelled_count > 0 && busy_count > 0 && progress_count > 0 ? 0 : 1;
}
