/* Ids to text, one at a time or all at once. Thread: any; the state belongs to the caller. Owner: tokenizer.
 * Whole text is decoded by feeding every id, so that streaming cannot differ from it. */
#include "state.h"
#include "unicode.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

struct token_form {
    const char *bytes;
    size_t count;
};

static struct token_form token_form(const struct tokenizer *tokenizer, uint32_t id, bool first)
{
    const struct decoder *decoder = &tokenizer->decoder;
    const struct token_forms *forms = first && decoder->first_forms.at != NULL ? &decoder->first_forms
                                                                               : &decoder->forms;

    return (struct token_form){forms->bytes.bytes == NULL ? "" : forms->bytes.bytes + forms->at[id],
                               forms->at[id + 1] - forms->at[id]};
}

void detokenizer_init(struct detokenizer *state, const struct tokenizer *tokenizer, bool skip_special)
{
    *state = (struct detokenizer){.tokenizer = tokenizer, .skip_special = skip_special, .at_start = true};
}

/* Whole characters go out; the first may be one that the decoder strips. */
static enum quire_status emit(struct detokenizer *state, const char *bytes, size_t count, struct text *out)
{
    const struct text *strip = &state->tokenizer->decoder.strip;

    if (count == 0)
        return QUIRE_OK;
    if (state->at_start && text_begins(bytes, count, strip)) {
        bytes += strip->count;
        count -= strip->count;
    }
    state->at_start = state->tokenizer->decoder.strip_again && count == 0;
    return text_append(out, bytes, count);
}

/* The first `count` pending bytes never became a character. A byte string shows one U+FFFD for the broken beginning of
 * a character, byte tokens show one for each byte: both as in the reference. */
static enum quire_status emit_broken(struct detokenizer *state, size_t count, struct text *out)
{
    size_t times = state->tokenizer->decoder.bytes && count > 0 ? 1 : count;
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < times && status == QUIRE_OK; i++)
        status = emit(state, REPLACEMENT, sizeof REPLACEMENT - 1, out);
    return status;
}

static enum quire_status feed_byte(struct detokenizer *state, char byte, struct text *out)
{
    enum quire_status status = QUIRE_OK;

    state->pending[state->pending_count++] = byte;
    enum utf8_form form = utf8_form((const unsigned char *)state->pending, state->pending_count);
    if (form == UTF8_BROKEN && state->pending_count > 1) { /* the last byte may begin something new */
        status = emit_broken(state, state->pending_count - 1u, out);
        state->pending[0] = byte;
        state->pending_count = 1;
        form = utf8_form((const unsigned char *)state->pending, 1);
    }
    if (status != QUIRE_OK || form == UTF8_UNFINISHED)
        return status;
    status = form == UTF8_COMPLETE ? emit(state, state->pending, state->pending_count, out)
                                   : emit_broken(state, 1, out);
    state->pending_count = 0;
    return status;
}

static enum quire_status feed_bytes(struct detokenizer *state, const char *bytes, size_t count, struct text *out)
{
    size_t at = 0;
    enum quire_status status = QUIRE_OK;

    while (at < count && status == QUIRE_OK) {
        size_t whole = state->pending_count == 0 ? utf8_valid_prefix(bytes + at, count - at) : 0;
        status = whole > 0 ? emit(state, bytes + at, whole, out) : feed_byte(state, bytes[at], out);
        at += whole > 0 ? whole : 1;
    }
    return status;
}

enum quire_status detokenizer_feed(struct detokenizer *state, uint32_t id, struct text *out)
{
    const struct tokenizer *tokenizer = state->tokenizer;
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    bool text_strip = tokenizer->decoder.strip.count > 0;

    if (vocabulary_piece(vocabulary, id) == NULL || (state->skip_special && tokenizer_is_special(tokenizer, id)))
        return QUIRE_OK;
    struct token_form form = token_form(tokenizer, id, state->at_start && !text_strip);
    if (!text_strip) /* without it, "start" is about tokens, not about text */
        state->at_start = false;
    if (tokenizer->decoder.bytes || (vocabulary->flags[id] & PIECE_BYTE) != 0)
        return feed_bytes(state, form.bytes, form.count, out);
    enum quire_status status = detokenizer_finish(state, out);
    if (tokenizer->decoder.unknown.count > 0 && id == tokenizer->decoder.unknown_id)
        state->at_start = false; /* its blank is no blank of the text */
    return status == QUIRE_OK ? emit(state, form.bytes, form.count, out) : status;
}

enum quire_status detokenizer_finish(struct detokenizer *state, struct text *out)
{
    size_t count = state->pending_count;

    state->pending_count = 0;
    return emit_broken(state, count, out);
}

enum quire_status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                                   bool skip_special, struct text *out)
{
    struct detokenizer state;
    enum quire_status status = QUIRE_OK;

    detokenizer_init(&state, tokenizer, skip_special);
    for (size_t i = 0; i < count && status == QUIRE_OK; i++)
        status = detokenizer_feed(&state, ids[i], out);
    return status == QUIRE_OK ? detokenizer_finish(&state, out) : status;
}

enum quire_status tokenizer_token_bytes(const struct tokenizer *tokenizer, uint32_t id, struct text *out)
{
    if (vocabulary_piece(&tokenizer->vocabulary, id) == NULL)
        return QUIRE_OK;
    struct token_form form = token_form(tokenizer, id, false);
    return text_append(out, form.bytes, form.count);
}
