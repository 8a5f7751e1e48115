/* The objects inside an answer: choices with their log-probabilities, and the usage. Runs on the thread that answers.
 * */
#include "generation.h"

#include <string.h>

/* What stands around a choice's text. */
static const struct {
    const char *before, *after;
} frames[2][2] = {
    /* whole, streamed */
    {{"\"text\":\"", "\""}, {"\"text\":\"", "\""}},
    {{"\"message\":{\"role\":\"assistant\",\"content\":\"", "\",\"refusal\":null}"}, {"\"delta\":{\"content\":\"", "\"}"}},
};

static const char *const finish_names[] = {
    [FINISH_NONE] = NULL,      [FINISH_STOP] = "stop",  [FINISH_LENGTH] = "length",
    [FINISH_CANCELLED] = "abort", [FINISH_ERROR] = "error",
};

/* The text of one token on its own; bytes that are no character become U+FFFD in strings. */
static void token_text_append(const struct generation *generation, uint32_t id, struct text *text)
{
    size_t before = text->count;

    if (tokenizer_token_bytes(generation->model->tokenizer, id, text) != QUIRE_OK)
        text->count = before;
}

static void token_text(const struct generation *generation, uint32_t id, struct text *text)
{
    text->count = 0;
    token_text_append(generation, id, text);
}

static void token_string_write(struct json_out *out, const struct text *text)
{
    out_string(out, text->count > 0 ? text->bytes : "", text->count);
}

/* {"token":logprob,...} of the alternatives and, where it is not among them, of the token itself. Two tokens may read
 * the same; only the more probable one is then listed, for a JSON object has no equal keys. `texts` is scratch memory.
 * */
static void top_object_write(const struct generation *generation, const struct token_view *view, struct text *texts,
                             struct json_out *out)
{
    size_t ends[STEP_TOP_MAX + 2] = {0}; /* the texts lie side by side: number i from ends[i] to ends[i + 1] */
    bool listed = false, first = true;

    texts->count = 0;
    out_raw(out, "{");
    for (uint32_t i = 0; i <= view->top_count && i <= STEP_TOP_MAX; i++) {
        struct step_token token = i < view->top_count ? view->tops[i] : view->token;
        size_t count;
        bool twice = false;

        listed = listed || (i < view->top_count && token.id == view->token.id);
        if (i == view->top_count && listed)
            break;
        token_text_append(generation, token.id, texts);
        ends[i + 1] = texts->count;
        count = ends[i + 1] - ends[i];
        for (uint32_t k = 0; k < i && !twice; k++)
            twice = ends[k + 1] - ends[k] == count &&
                    (count == 0 || memcmp(texts->bytes + ends[k], texts->bytes + ends[i], count) == 0);
        if (twice)
            continue;
        if (!first)
            out_raw(out, ",");
        first = false;
        out_string(out, count > 0 ? texts->bytes + ends[i] : "", count);
        out_raw(out, ":");
        out_float(out, token.logprob);
    }
    out_raw(out, "}");
}

/* Completions: four arrays side by side. */
static void logprobs_arrays_write(const struct generation *generation, const struct choice *choice, struct json_out *out)
{
    struct text text = {0};

    out_raw(out, "{\"tokens\":[");
    for (size_t i = 0; i < choice->view_count; i++) {
        out_raw(out, i > 0 ? "," : "");
        token_text(generation, choice->views[i].token.id, &text);
        token_string_write(out, &text);
    }
    out_raw(out, "],\"token_logprobs\":[");
    for (size_t i = 0; i < choice->view_count; i++) {
        out_raw(out, i > 0 ? "," : "");
        if (choice->views[i].scored)
            out_float(out, choice->views[i].token.logprob);
        else
            out_raw(out, "null");
    }
    out_raw(out, "],\"top_logprobs\":[");
    for (size_t i = 0; i < choice->view_count; i++) {
        out_raw(out, i > 0 ? "," : "");
        if (choice->views[i].scored)
            top_object_write(generation, &choice->views[i], &text, out);
        else
            out_raw(out, "null");
    }
    out_raw(out, "],\"text_offset\":[");
    for (size_t i = 0; i < choice->view_count; i++) {
        out_raw(out, i > 0 ? "," : "");
        out_uint(out, choice->views[i].text_offset);
    }
    out_raw(out, "]}");
    text_deinit(&text);
}

/* "token","logprob","bytes" without the braces. */
static void token_members_write(const struct generation *generation, struct step_token token, struct text *text,
                                struct json_out *out)
{
    token_text(generation, token.id, text);
    out_raw(out, "\"token\":");
    token_string_write(out, text);
    out_raw(out, ",\"logprob\":");
    out_float(out, token.logprob);
    out_raw(out, ",\"bytes\":[");
    for (size_t i = 0; i < text->count; i++) {
        out_raw(out, i > 0 ? "," : "");
        out_uint(out, (unsigned char)text->bytes[i]);
    }
    out_raw(out, "]");
}

/* Chat: one object per token. */
static void logprobs_content_write(const struct generation *generation, const struct choice *choice, struct json_out *out)
{
    struct text text = {0};

    out_raw(out, "{\"content\":[");
    for (size_t i = 0; i < choice->view_count; i++) {
        const struct token_view *view = &choice->views[i];

        out_raw(out, i > 0 ? ",{" : "{");
        token_members_write(generation, view->token, &text, out);
        out_raw(out, ",\"top_logprobs\":[");
        for (uint32_t k = 0; k < view->top_count; k++) {
            out_raw(out, k > 0 ? ",{" : "{");
            token_members_write(generation, view->tops[k], &text, out);
            out_raw(out, "}");
        }
        out_raw(out, "]}");
    }
    out_raw(out, "],\"refusal\":null}");
    text_deinit(&text);
}

static void finish_write(const struct choice *choice, enum finish_reason finish, struct json_out *out)
{
    const struct token_log *log = choice->log;
    const struct request_spec *spec = &choice->request->spec;

    out_raw(out, ",\"finish_reason\":");
    out_text(out, finish_names[finish]);
    out_raw(out, ",\"stop_reason\":");
    if (finish == FINISH_STOP && log->stop_index < spec->stop_count) {
        out_string(out, spec->stops[log->stop_index].bytes, spec->stops[log->stop_index].count);
        return;
    }
    for (uint32_t i = 0; finish == FINISH_STOP && i < spec->stop_id_count; i++)
        if (spec->stop_ids[i] == log->stop_token) {
            out_uint(out, log->stop_token);
            return;
        }
    out_raw(out, "null");
}

static void ids_write(const struct generation *generation, const struct choice *choice, const struct choice_news *news,
                      struct json_out *out)
{
    const struct request_spec *spec = &choice->request->spec;

    if (!generation->return_token_ids)
        return;
    out_raw(out, ",\"token_ids\":[");
    for (uint32_t i = 0; i < news->token_count; i++) {
        out_raw(out, i > 0 ? "," : "");
        out_uint(out, choice->log->entries[news->token_start + i].id);
    }
    out_raw(out, "]");
    if (!choice->started) {
        out_raw(out, ",\"prompt_token_ids\":");
        out_ids(out, spec->prompt, spec->prompt_tokens);
    }
}

void choice_write(const struct generation *generation, struct choice *choice, const struct choice_news *news,
                  struct json_out *out)
{
    bool chat = generation->endpoint == ENDPOINT_CHAT;
    const struct text *echo = &generation->prompts[choice->index / choice->request->spec.choice_count].text;

    out_raw(out, "{\"index\":");
    out_uint(out, choice->index);
    out_raw(out, ",");
    out_raw(out, frames[chat][generation->stream].before);
    if (generation->echo && !choice->started)
        out_escaped(out, echo->bytes, echo->count);
    out_escaped(out, choice->text.bytes, news->text_bytes);
    out_raw(out, frames[chat][generation->stream].after);
    out_raw(out, ",\"logprobs\":");
    if (!generation->logprobs)
        out_raw(out, "null");
    else if (chat)
        logprobs_content_write(generation, choice, out);
    else
        logprobs_arrays_write(generation, choice, out);
    finish_write(choice, news->finish, out);
    ids_write(generation, choice, news, out);
    out_raw(out, "}");
}

void usage_write(const struct generation *generation, struct json_out *out)
{
    uint64_t prompt = 0, completion = 0, cached = 0;

    for (uint32_t i = 0; i < generation->prompt_count; i++) {
        prompt += generation->prompts[i].request->spec.prompt_tokens;
        cached += atomic_load(&generation->prompts[i].request->cached_tokens);
    }
    for (uint32_t i = 0; i < generation->choice_count; i++)
        completion += generation->choices[i].read_count;
    out_raw(out, "{\"prompt_tokens\":");
    out_uint(out, prompt);
    out_raw(out, ",\"completion_tokens\":");
    out_uint(out, completion);
    out_raw(out, ",\"total_tokens\":");
    out_uint(out, prompt + completion);
    out_raw(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    out_uint(out, cached);
    out_raw(out, "}}");
}
