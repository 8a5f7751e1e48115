/* From token log to text. One choice belongs to the thread that answers its exchange; choice_has_news may be asked by
 * the waker while that thread sleeps. */
#include "choice.h"

#include "reply_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void choice_init(struct choice *choice, const struct request *request, uint32_t log_index, uint32_t index,
                 const struct tokenizer *tokenizer)
{
    *choice = (struct choice){.request = request, .log = &request->logs[log_index], .index = index};
    detokenizer_init(&choice->detokenizer, tokenizer, request->spec.skip_special);
    choice->detokenizer.at_start = false; /* an answer continues its prompt: its first space is kept */
}

void choice_deinit(struct choice *choice)
{
    text_deinit(&choice->text);
    detokenizer_deinit(&choice->detokenizer);
    detokenizer_deinit(&choice->echo_detokenizer);
    free(choice->views);
    *choice = (struct choice){0};
}

void choice_forget_views(struct choice *choice)
{
    free(choice->views);
    choice->views = NULL;
    choice->view_count = choice->view_max = 0;
}

bool choice_has_news(const struct choice *choice)
{
    return atomic_load_explicit(&choice->log->finish, memory_order_acquire) != choice->seen_finish ||
           atomic_load_explicit(&choice->log->count, memory_order_acquire) != choice->seen_count;
}

/* Whether an id may turn out to be the one that ends this answer. */
static bool may_end(const struct choice *choice, uint32_t id)
{
    const struct request_spec *spec = &choice->request->spec;
    uint32_t count;
    const uint32_t *eos = tokenizer_eos(choice->detokenizer.tokenizer, &count);

    for (uint32_t i = 0; i < count && !spec->ignore_eos; i++)
        if (eos[i] == id)
            return true;
    for (uint32_t i = 0; i < spec->stop_id_count; i++)
        if (spec->stop_ids[i] == id)
            return true;
    return false;
}

static struct token_view *view_add(struct choice *choice)
{
    if (choice->view_count == choice->view_max) {
        size_t wanted = choice->view_max * 2 + 16;
        struct token_view *views = reallocarray(choice->views, wanted, sizeof *views);
        if (views == NULL)
            return NULL;
        choice->views = views;
        choice->view_max = wanted;
    }
    return &choice->views[choice->view_count++];
}

/* Characters of all text so far, with those that are decoded but held back. False: no memory. */
static bool characters_count(const struct choice *choice, size_t *count)
{
    struct text held = {0};
    bool fine = detokenizer_foresee(&choice->detokenizer, &held) == QUIRE_OK;

    *count = choice->characters + utf8_length(held.bytes, held.count);
    text_deinit(&held);
    return fine;
}

static bool view_output(struct choice *choice, uint32_t entry)
{
    uint32_t top_count = choice->request->spec.top_count;
    struct token_view *view = view_add(choice);
    size_t offset;

    if (view == NULL || !characters_count(choice, &offset))
        return false;
    *view = (struct token_view){.token = choice->log->entries[entry], .scored = true, .text_offset = offset};
    if (top_count > 0) {
        view->tops = choice->log->tops + (size_t)entry * top_count;
        view->top_count = top_count;
    }
    return true;
}

/* How much of the decoded text may be given out: positions are bytes from the answer's start. */
static size_t text_allowed(const struct choice *choice, enum finish_reason finish)
{
    uint64_t decoded = choice->taken_bytes + choice->text.count, limit = decoded;
    size_t count;

    if (finish != FINISH_NONE)
        limit = choice->log->text_final_bytes;
    else if (choice->request->spec.stop_count > 0)
        limit = atomic_load_explicit(&choice->log->text_safe_bytes, memory_order_acquire);
    if (limit >= decoded)
        return choice->text.count;
    count = limit > choice->taken_bytes ? (size_t)(limit - choice->taken_bytes) : 0;
    return utf8_complete_prefix(choice->text.bytes, count); /* the bound may lie inside a character */
}

/* Decodes one more token, or with TOKEN_NONE what was held back at the end. */
static bool text_add(struct choice *choice, uint32_t id)
{
    size_t before = choice->text.count;
    enum quire_status status = id == TOKEN_NONE ? detokenizer_finish(&choice->detokenizer, &choice->text)
                                                : detokenizer_feed(&choice->detokenizer, id, &choice->text);

    if (status != QUIRE_OK)
        return false;
    if (choice->text.count > before)
        choice->characters += utf8_length(choice->text.bytes + before, choice->text.count - before);
    return true;
}

bool choice_advance(struct choice *choice, bool views, uint32_t token_max, struct choice_news *news)
{
    const struct token_log *log = choice->log;
    enum finish_reason finish = (enum finish_reason)atomic_load_explicit(&log->finish, memory_order_acquire);
    uint32_t count = atomic_load_explicit(&log->count, memory_order_acquire), text_end;
    bool limited = count - choice->read_count > token_max;

    if (limited) { /* as if the log ended here, but that more is known to follow */
        count = choice->read_count + token_max;
        finish = FINISH_NONE;
    }
    text_end = count;
    choice->seen_finish = finish;
    choice->seen_count = count;
    /* The id that ends an answer is not part of its text. Until `finish` tells, hold such an id back. */
    if (finish == FINISH_NONE && !limited && count > choice->read_count && may_end(choice, log->entries[count - 1].id))
        text_end = --count;
    if (finish == FINISH_STOP && log->stop_index == UINT32_MAX && count > 0)
        text_end = count - 1;

    *news = (struct choice_news){.token_start = choice->read_count, .finish = finish};
    for (; choice->read_count < count; choice->read_count++) {
        if (views && !view_output(choice, choice->read_count))
            return false;
        if (choice->read_count < text_end && !text_add(choice, log->entries[choice->read_count].id))
            return false;
    }
    if (finish != FINISH_NONE && !text_add(choice, TOKEN_NONE))
        return false;
    news->token_count = choice->read_count - news->token_start;
    news->text_bytes = text_allowed(choice, finish);
    return true;
}

void choice_take(struct choice *choice, const struct choice_news *news)
{
    assert(news->text_bytes <= choice->text.count);
    if (news->text_bytes == 0)
        return;
    choice->text.count -= news->text_bytes;
    memmove(choice->text.bytes, choice->text.bytes + news->text_bytes, choice->text.count);
    choice->taken_bytes += news->text_bytes;
}

/* How many bytes of the echoed text, from `at` on, are the prompt's next token. The text is as the client sent it, so
 * it has no BOS that the tokenizer added, and may differ a little from what the tokens decode to. */
static bool echo_measure(struct choice *choice, uint32_t id, const struct text *echo, struct text *decoded,
                         size_t *bytes)
{
    const struct tokenizer *tokenizer = choice->echo_detokenizer.tokenizer;
    const char *at = echo->count > 0 ? echo->bytes + choice->echo_bytes : "", *piece;
    size_t left = echo->count - choice->echo_bytes, count, certain, known;

    if (tokenizer_is_special(tokenizer, id)) {
        piece = tokenizer_spelling(tokenizer, id);
        count = piece != NULL ? strlen(piece) : 0;
        *bytes = count > 0 && count <= left && memcmp(at, piece, count) == 0 ? count : 0;
        return true;
    }
    decoded->count = 0;
    if (detokenizer_feed(&choice->echo_detokenizer, id, decoded) != QUIRE_OK)
        return false;
    certain = decoded->count;
    if (detokenizer_foresee(&choice->echo_detokenizer, decoded) != QUIRE_OK)
        return false;
    known = choice->echo_held < decoded->count ? choice->echo_held : decoded->count; /* was another token's */
    piece = known < decoded->count ? decoded->bytes + known : "";
    count = decoded->count - known;
    choice->echo_held = decoded->count - certain;
    if (count > 0 && piece[0] == ' ' && left > 0 && at[0] != ' ') /* the space that some tokenizers put before words */
        piece++, count--;
    *bytes = count < left ? count : left;
    if (*bytes < left) /* never half a character, should the texts differ */
        while (*bytes > 0 && ((unsigned char)at[*bytes] & 0xc0) == 0x80)
            --*bytes;
    return true;
}

bool choice_view_prompt(struct choice *choice, const struct text *echo, uint32_t token_max)
{
    const struct request *request = choice->request;
    struct text decoded = {0};
    bool fine = true;

    if (choice->echo_count == 0)
        detokenizer_init(&choice->echo_detokenizer, choice->detokenizer.tokenizer, request->spec.skip_special);
    for (; fine && token_max > 0 && choice->echo_count < request->spec.prompt_tokens; token_max--) {
        uint32_t i = choice->echo_count++;
        struct token_view *view = view_add(choice);
        size_t bytes;

        fine = view != NULL && echo_measure(choice, request->spec.prompt[i], echo, &decoded, &bytes);
        if (!fine)
            break;
        *view = (struct token_view){.token.id = request->spec.prompt[i],
                                    .scored = i > 0,
                                    .text_offset = choice->echo_characters};
        if (i > 0) {
            view->token = request->prompt_outputs[i].token;
            view->top_count = request->prompt_outputs[i].top_count;
            view->tops = request->prompt_tops + (size_t)i * request->spec.top_count;
        }
        if (bytes > 0)
            choice->echo_characters += utf8_length(echo->bytes + choice->echo_bytes, bytes);
        choice->echo_bytes += bytes;
    }
    text_deinit(&decoded);
    return fine;
}
