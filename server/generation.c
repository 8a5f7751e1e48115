/* The life of one completion or chat request. Created and started by a handler; written by the thread that answers;
 * asked for news by the waker while that thread sleeps. */
#include "generation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define STREAM_FILL_BYTES 262144u  /* so much at once from one stream, and nobody waits long for the HTTP thread */
#define STREAM_EVENT_TOKENS 256u   /* so many in one event */

static const struct {
    const char *id_prefix, *object, *chunk_object, *prompt_param;
} names[] = {
    [ENDPOINT_COMPLETIONS] = {"cmpl-", "text_completion", "text_completion", "prompt"},
    [ENDPOINT_CHAT] = {"chatcmpl-", "chat.completion", "chat.completion.chunk", "messages"},
};

static void id_draw(struct generation *generation)
{
    unsigned char random[12];
    int at = snprintf(generation->id, sizeof generation->id, "%s", names[generation->endpoint].id_prefix);

    while (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
    }
    for (size_t i = 0; i < sizeof random; i++, at += 2)
        snprintf(generation->id + at, sizeof generation->id - (size_t)at, "%02x", random[i]);
}

static bool stream_options_parse(const struct request_fields *fields, struct generation *generation,
                                 struct api_error *error)
{
    const json_t *options = fields->value[FIELD_STREAM_OPTIONS];
    const char *name;
    json_t *value;

    if (options == NULL)
        return true;
    if (!generation->stream)
        return api_fail(error, ERROR_INVALID_VALUE, "stream_options", "stream_options needs stream: true");
    json_object_foreach ((json_t *)(uintptr_t)options, name, value) {
        if (strcmp(name, "include_usage") != 0 && strcmp(name, "include_obfuscation") != 0)
            return api_fail(error, ERROR_UNSUPPORTED, "stream_options", "stream_options.%.60s is not supported", name);
        if (!json_is_boolean(value))
            return api_fail(error, ERROR_INVALID_TYPE, "stream_options", "stream_options.%.60s must be true or false", name);
        if (strcmp(name, "include_usage") == 0)
            generation->include_usage = json_is_true(value);
    }
    return true;
}

/* What every event and the whole answer begin with, up to the choices. */
static void head_write(const struct generation *generation, const char *object, struct json_out *out)
{
    out_raw(out, "{\"id\":");
    out_text(out, generation->id);
    out_raw(out, ",\"object\":");
    out_text(out, object);
    out_raw(out, ",\"created\":");
    out_uint(out, (uint64_t)time(NULL));
    out_raw(out, ",\"model\":");
    out_text(out, generation->service->model_name);
    out_raw(out, ",\"choices\":[");
}

struct generation *generation_create(struct service *service, const struct served_model *model, enum endpoint endpoint,
                                     const struct request_fields *fields, uint32_t prompt_count, struct api_error *error)
{
    struct generation *generation = calloc(1, sizeof *generation);

    if (generation == NULL || (generation->prompts = calloc(prompt_count, sizeof *generation->prompts)) == NULL) {
        free(generation);
        api_fail(error, ERROR_MEMORY, NULL, "no memory for %u prompts", prompt_count);
        return NULL;
    }
    generation->service = service;
    generation->model = model;
    generation->endpoint = endpoint;
    generation->prompt_count = prompt_count;
    generation->stream = fields->flag[FIELD_STREAM];
    generation->echo = fields->flag[FIELD_ECHO];
    generation->return_token_ids = fields->flag[FIELD_RETURN_TOKEN_IDS];
    id_draw(generation);
    if (!stream_options_parse(fields, generation, error)) {
        generation_destroy(generation);
        return NULL;
    }
    out_raw(&generation->head, "data: ");
    head_write(generation, names[endpoint].chunk_object, &generation->head);
    return generation;
}

void generation_destroy(struct generation *generation)
{
    if (generation == NULL)
        return;
    for (uint32_t i = 0; i < generation->choice_count; i++)
        choice_deinit(&generation->choices[i]);
    for (uint32_t i = 0; i < generation->prompt_count; i++) {
        struct generation_prompt *prompt = &generation->prompts[i];

        if (prompt->request != NULL && !request_finished(prompt->request))
            scheduler_cancel(generation->model->scheduler, prompt->request);
        request_unref(prompt->request);
        token_list_deinit(&prompt->ids);
        text_deinit(&prompt->text);
    }
    json_out_deinit(&generation->head);
    free(generation->choices);
    free(generation->prompts);
    free(generation);
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

/* max_tokens of one prompt: what was asked, or what is usual, or what the context and the bound on the answer leave. */
static bool token_max_fill(const struct generation *generation, const struct request_fields *fields,
                           const struct generation_prompt *prompt, struct request_spec *spec, struct api_error *error)
{
    uint32_t context = generation->model->limits->model_len_max;
    const char *param = names[generation->endpoint].prompt_param;
    enum field field = request_has(fields, FIELD_MAX_COMPLETION_TOKENS) ? FIELD_MAX_COMPLETION_TOKENS : FIELD_MAX_TOKENS;
    const char *field_name = field == FIELD_MAX_TOKENS ? "max_tokens" : "max_completion_tokens";
    uint32_t left, asked;

    if (prompt->ids.count == 0)
        return api_fail(error, ERROR_INVALID_VALUE, param, "%s has no tokens", param);
    if (prompt->ids.count > context || (prompt->ids.count == context && !(generation->echo && spec->prompt_scores)))
        return api_fail(error, ERROR_CONTEXT_LENGTH, param,
                        "the prompt has %zu tokens, but this model's context is %u tokens and the answer needs room",
                        prompt->ids.count, context);
    left = context - (uint32_t)prompt->ids.count;
    asked = request_uint(fields, field, generation->endpoint == ENDPOINT_CHAT || left < 16 ? left : 16);
    if (!request_has(fields, field)) {
        uint32_t most = answer_tokens_max(generation, spec, prompt->text.count);
        asked = asked < most ? asked : most;
    }
    if (asked == 0 && request_has(fields, field) && !generation->echo)
        return api_fail(error, ERROR_INVALID_VALUE, field_name, "%s must be at least 1%s", field_name,
                        generation->endpoint == ENDPOINT_COMPLETIONS ? " (0 only with echo)" : "");
    if (asked > left)
        return api_fail(error, ERROR_CONTEXT_LENGTH, field_name,
                        "the prompt has %zu tokens and %s is %u, but this model's context is %u tokens", prompt->ids.count,
                        field_name, asked, context);
    if (spec->token_min > asked)
        return api_fail(error, ERROR_INVALID_VALUE, "min_tokens", "min_tokens is %u, but at most %u tokens may be written",
                        spec->token_min, asked);
    spec->token_max = asked;
    return true;
}

static bool requests_create(struct generation *generation, const struct request_fields *fields, struct request_spec *spec,
                            struct api_error *error)
{
    const char *param = names[generation->endpoint].prompt_param;
    struct quire_error cause;

    for (uint32_t i = 0; i < generation->prompt_count; i++) {
        struct generation_prompt *prompt = &generation->prompts[i];
        enum quire_status status;

        spec->prompt = prompt->ids.ids;
        spec->prompt_tokens = (uint32_t)prompt->ids.count;
        if (!token_max_fill(generation, fields, prompt, spec, error) ||
            !answer_reserve(generation, spec, prompt->text.count, error))
            return false;
        status = request_create(spec, &prompt->request, &cause);
        if (status != QUIRE_OK)
            return api_fail_status(error, status, status == QUIRE_INVALID ? param : NULL, &cause);
        token_list_deinit(&prompt->ids); /* the request has its own copy */
    }
    return true;
}

static bool choices_create(struct generation *generation, uint32_t n, struct api_error *error)
{
    uint32_t count = generation->prompt_count * n;

    generation->choices = calloc(count, sizeof *generation->choices);
    if (generation->choices == NULL)
        return api_fail(error, ERROR_MEMORY, NULL, "no memory for %u choices", count);
    generation->choice_count = count;
    for (uint32_t i = 0; i < count; i++)
        choice_init(&generation->choices[i], generation->prompts[i / n].request, i % n, i, generation->model->tokenizer);
    return true;
}

/* All requests go to the scheduler, or none. */
static bool requests_submit(struct generation *generation, struct api_error *error)
{
    struct request *requests[REQUEST_PROMPTS_MAX];
    struct quire_error cause;
    enum quire_status status;
    bool prompts_are_wrong;

    for (uint32_t i = 0; i < generation->prompt_count; i++)
        requests[i] = generation->prompts[i].request;
    status = scheduler_submit_all(generation->model->scheduler, requests, generation->prompt_count, &cause);
    if (status == QUIRE_OK)
        return true;
    for (uint32_t i = 0; i < generation->prompt_count; i++) { /* never the scheduler's: nothing to cancel */
        request_unref(requests[i]);
        generation->prompts[i].request = NULL;
    }
    prompts_are_wrong = status == QUIRE_TOO_LONG || status == QUIRE_INVALID;
    return api_fail_status(error, status, prompts_are_wrong ? names[generation->endpoint].prompt_param : NULL, &cause);
}

bool generation_start(struct generation *generation, const struct request_fields *fields, struct api_error *error)
{
    const struct engine_limits *limits = generation->model->limits;
    struct request_spec spec;
    struct spec_memory memory = {0};
    bool fine = request_spec_fill(fields, generation->endpoint, limits, &spec, &memory, error);

    if (fine && spec.choice_count > limits->sequence_max)
        fine = api_fail(error, ERROR_INVALID_VALUE, "n", "n is %u, but this server runs at most %u sequences at once",
                        spec.choice_count, limits->sequence_max);
    if (fine) {
        spec.id = generation->id;
        generation->logprobs = spec.logprobs;
        /* max_tokens 0 asks for the prompt alone; the scheduler knows that as scoring. */
        spec.prompt_scores = generation->echo && (spec.logprobs || request_uint(fields, FIELD_MAX_TOKENS, 1) == 0);
        fine = requests_create(generation, fields, &spec, error) && choices_create(generation, spec.choice_count, error);
    }
    spec_memory_deinit(&memory);
    return fine && requests_submit(generation, error);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

bool generation_finished(const struct generation *generation)
{
    for (uint32_t i = 0; i < generation->prompt_count; i++)
        if (!request_finished(generation->prompts[i].request))
            return false;
    return true;
}

bool generation_has_news(const struct generation *generation)
{
    for (uint32_t i = 0; i < generation->choice_count; i++)
        if (!generation->choices[i].finished && choice_has_news(&generation->choices[i]))
            return true;
    return false;
}

/* The error of a choice that ended without an answer. */
static bool choice_failed(const struct choice *choice, struct api_error *error)
{
    uint32_t finish = atomic_load_explicit(&choice->log->finish, memory_order_acquire);

    if (finish == FINISH_ERROR)
        api_fail(error, ERROR_INTERNAL, NULL, "%s", choice->request->failure.message);
    else if (finish == FINISH_CANCELLED)
        api_fail(error, ERROR_DRAINING, NULL, "the request was aborted");
    return finish == FINISH_ERROR || finish == FINISH_CANCELLED;
}

/* Reads what is new of a choice, up to `token_max` tokens: first those of an echoed prompt, then its own. */
static bool choice_read(const struct generation *generation, struct choice *choice, uint32_t token_max,
                        struct choice_news *news)
{
    const struct text *echo = &generation->prompts[choice->index / choice->request->spec.choice_count].text;
    uint32_t prompt_tokens = choice->request->spec.prompt_tokens;

    choice->view_count = 0;
    if (generation->echo && !choice->started)
        choice->characters = utf8_length(echo->bytes, echo->count);
    if (generation->echo && generation->logprobs && choice->echo_count < prompt_tokens) {
        if (!choice_view_prompt(choice, echo, token_max))
            return false;
        if (choice->echo_count < prompt_tokens) {
            *news = (struct choice_news){.token_start = choice->read_count};
            return true;
        }
    }
    return choice_advance(choice, generation->logprobs, token_max, news);
}

static void stream_tail_write(const struct generation *generation, struct json_out *out)
{
    out_raw(out, generation->include_usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

/* Chat streams name the role first. */
static void role_event_write(const struct generation *generation, const struct choice *choice, struct json_out *out)
{
    out_raw_bytes(out, generation->head.text.bytes, generation->head.text.count);
    out_raw(out, "{\"index\":");
    out_uint(out, choice->index);
    out_raw(out, ",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}");
    stream_tail_write(generation, out);
}

static bool choice_stream(struct generation *generation, struct choice *choice, struct json_out *out)
{
    struct choice_news news;
    struct api_error error;

    if (generation->endpoint == ENDPOINT_CHAT && !choice->role_sent) {
        role_event_write(generation, choice, out);
        choice->role_sent = true;
    }
    if (!choice_has_news(choice))
        return true;
    if (choice_failed(choice, &error)) {
        out_raw(out, "data: ");
        error_write(out, &error);
        out_raw(out, "\n\n");
        choice->finished = true;
        return true;
    }
    if (!choice_read(generation, choice, STREAM_EVENT_TOKENS, &news))
        return false;
    if (news.finish == FINISH_ERROR || news.finish == FINISH_CANCELLED)
        return choice_stream(generation, choice, out); /* it failed just now */
    if (news.text_bytes == 0 && news.finish == FINISH_NONE && choice->view_count == 0 &&
        !(generation->return_token_ids && news.token_count > 0))
        return true; /* all new text is held back */
    out_raw_bytes(out, generation->head.text.bytes, generation->head.text.count);
    choice_write(generation, choice, &news, out);
    stream_tail_write(generation, out);
    choice_take(choice, &news);
    choice->started = true;
    choice->finished = news.finish != FINISH_NONE;
    return true;
}

bool generation_write_stream(struct generation *generation, struct json_out *out)
{
    uint32_t looked = 0;
    bool finished = true;

    if (generation->ended)
        return true;
    for (; looked < generation->choice_count && out->text.count < STREAM_FILL_BYTES; looked++) {
        struct choice *choice = &generation->choices[(generation->next_choice + looked) % generation->choice_count];
        if (!choice->finished && !choice_stream(generation, choice, out))
            return false;
        finished = finished && choice->finished;
    }
    generation->next_choice = (generation->next_choice + looked) % generation->choice_count;
    if (finished && looked == generation->choice_count) {
        if (generation->include_usage) {
            out_raw_bytes(out, generation->head.text.bytes, generation->head.text.count);
            out_raw(out, "],\"usage\":");
            usage_write(generation, out);
            out_raw(out, "}\n\n");
        }
        out_raw(out, "data: [DONE]\n\n");
        generation->ended = true;
    }
    return !out->failed && !generation->head.failed;
}

bool generation_write_reply(struct generation *generation, struct json_out *out, struct api_error *error)
{
    head_write(generation, names[generation->endpoint].object, out);
    for (uint32_t i = 0; i < generation->choice_count; i++) {
        struct choice *choice = &generation->choices[i];
        struct choice_news news;

        if (choice_failed(choice, error))
            return false;
        if (!choice_read(generation, choice, UINT32_MAX, &news))
            return api_fail(error, ERROR_MEMORY, NULL, "no memory for the answer");
        out_raw(out, i > 0 ? "," : "");
        choice_write(generation, choice, &news, out);
        choice_forget_views(choice); /* or those of all choices would add up */
    }
    out_raw(out, "],\"usage\":");
    usage_write(generation, out);
    out_raw(out, "}");
    if (out->failed)
        return api_fail(error, ERROR_MEMORY, NULL, "no memory for the answer");
    return true;
}
