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

void detokenizer_init(struct detokenizer *state, const struct tokenizer *tokenizer, bool skip_special)
{
    *state = (struct detokenizer){
        .tokenizer = tokenizer, .skip_special = skip_special, .at_start = true, .previous = TOKEN_NONE};
}

void detokenizer_deinit(struct detokenizer *state)
{
    token_list_deinit(&state->all);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static enum quire_status append_times(const struct text *text, size_t times, struct text *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < times && status == QUIRE_OK; i++)
        status = text_append(out, text->bytes, text->count);
    return status;
}

/* Gives out whole characters, but not yet those at the end that the decoder strips if nothing else follows. */
static enum quire_status emit_held(struct detokenizer *state, const char *bytes, size_t count, struct text *out)
{
    const struct decoder *decoder = &state->tokenizer->decoder;
    const struct text *strip = &decoder->strip;
    size_t trailing = 0, left = count, held = state->held;

    while (left >= strip->count && text_begins(bytes + left - strip->count, strip->count, strip)) {
        left -= strip->count;
        trailing++;
    }
    if (left > 0 && append_times(strip, held, out) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    held = trailing + (left > 0 ? 0 : held);
    size_t given = held > decoder->right ? held - decoder->right : 0;
    state->held = (uint32_t)(held - given);
    return text_append(out, bytes, left) != QUIRE_OK ? QUIRE_NO_MEMORY : append_times(strip, given, out);
}

/* Whole characters go out; the first may be some that the decoder strips. */
static enum quire_status emit(struct detokenizer *state, const char *bytes, size_t count, struct text *out)
{
    const struct decoder *decoder = &state->tokenizer->decoder;
    const struct text *strip = &decoder->strip;

    if (count == 0 || strip->count == 0)
        return text_append(out, bytes, count);
    while (state->at_start && (decoder->strip_again || state->stripped < decoder->left) &&
           text_begins(bytes, count, strip))
    {
        bytes += strip->count;
        count -= strip->count;
        state->stripped++;
        if (decoder->strip_again)
            break;
    }
    if (count > 0)
        state->at_start = false;
    return decoder->right > 0 ? emit_held(state, bytes, count, out) : text_append(out, bytes, count);
}

/* ---- bytes of a byte string, or of byte tokens as SentencePiece reads them ----------------------------------------
 * */

/* The first `count` pending bytes never became a character. A byte string shows one U+FFFD for the broken beginning of
 * a character, byte tokens show one for each byte: both as in the references. */
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

/* ---- runs of byte tokens, which are read as one string ------------------------------------------------------------
 * */

static enum quire_status list_emit(struct detokenizer *state, const struct string_list *list, struct text *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < list->count && status == QUIRE_OK; i++) {
        struct text string = string_list_get(list, i);
        status = emit(state, string.bytes, string.count, out);
    }
    return status;
}

/* Gives out the first `count` pending bytes. */
static enum quire_status run_emit(struct detokenizer *state, size_t count, bool last, struct text *out)
{
    const struct decoder *decoder = &state->tokenizer->decoder;
    struct decode_scope scope = {.first = state->at_start && !state->begun, .last = last};
    struct string_list list = {0}, spare = {0};
    struct matcher *matcher = NULL;
    enum quire_status status = QUIRE_OK;

    if (count == 0)
        return QUIRE_OK;
    if (decoder->bytes || !decoder->whole_runs) {
        state->pending_count = 0;
        return emit_broken(state, count, out);
    }
    status = byte_run_append(state->pending, count, &list);
    if (status == QUIRE_OK && decoder->fallback + 1 < decoder->fuse) {
        status = matcher_create(&matcher);
        if (status == QUIRE_OK)
            status = decoder_run(decoder, decoder->fallback + 1, decoder->fuse, matcher, scope, &list, &spare);
    }
    state->begun = true;
    if (status == QUIRE_OK)
        status = list_emit(state, &list, out);
    state->pending_count = (unsigned char)(state->pending_count - count);
    memmove(state->pending, state->pending + count, state->pending_count);
    string_list_deinit(&list);
    string_list_deinit(&spare);
    matcher_destroy(matcher);
    return status;
}

/* A run that is longer than what can be kept is given out up to its last whole character. */
static enum quire_status run_feed(struct detokenizer *state, char byte, struct text *out)
{
    size_t count = state->pending_count;
    enum quire_status status = QUIRE_OK;

    if (!state->tokenizer->decoder.whole_runs)
        return feed_byte(state, byte, out);
    if (count == sizeof state->pending) {
        size_t valid = utf8_valid_prefix(state->pending, count);
        bool whole = count - valid < UTF8_BYTES_MAX &&
                     (count == valid || utf8_form((const unsigned char *)state->pending + valid, count - valid) ==
                                            UTF8_UNFINISHED);
        status = run_emit(state, whole ? valid : count, false, out);
    }
    state->pending[state->pending_count++] = byte;
    return status;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

static struct token_form token_form(const struct tokenizer *tokenizer, uint32_t id, bool first, bool last)
{
    const struct decoder *decoder = &tokenizer->decoder;
    const struct token_forms *forms = &decoder->forms[first][last];

    if (forms->at == NULL)
        forms = decoder->forms[first][0].at != NULL ? &decoder->forms[first][0] : &decoder->forms[0][last];
    if (forms->at == NULL)
        forms = &decoder->forms[0][0];
    return (struct token_form){forms->bytes.bytes == NULL ? "" : forms->bytes.bytes + forms->at[id],
                               forms->at[id + 1] - forms->at[id]};
}

static enum quire_status give(struct detokenizer *state, uint32_t id, bool last, struct text *out)
{
    const struct decoder *decoder = &state->tokenizer->decoder;
    bool is_byte = (state->tokenizer->vocabulary.flags[id] & PIECE_BYTE) != 0;
    enum quire_status status = QUIRE_OK;

    if (!decoder->bytes && !is_byte)
        status = run_emit(state, state->pending_count, false, out);
    if (status != QUIRE_OK)
        return status;
    struct token_form form = token_form(state->tokenizer, id, state->at_start && !state->begun, last);
    if (is_byte)
        return run_feed(state, form.bytes[0], out);
    state->begun = true;
    if (decoder->bytes)
        return feed_bytes(state, form.bytes, form.count, out);
    if (decoder->unknown.count > 0 && id == decoder->unknown_id)
        state->at_start = false; /* its blank is no blank of the text */
    return emit(state, form.bytes, form.count, out);
}

static bool same_spelling(const struct vocabulary *vocabulary, uint32_t one, uint32_t other)
{
    const struct piece *left = vocabulary_piece(vocabulary, one), *right = vocabulary_piece(vocabulary, other);
    const char *bytes = vocabulary->spellings.bytes;

    return one == other ||
           (left->bytes == right->bytes && memcmp(bytes + left->at, bytes + right->at, left->bytes) == 0);
}

enum quire_status detokenizer_feed(struct detokenizer *state, uint32_t id, struct text *out)
{
    const struct vocabulary *vocabulary = &state->tokenizer->vocabulary;
    const struct decoder *decoder = &state->tokenizer->decoder;
    uint32_t previous = state->previous;

    if (vocabulary_piece(vocabulary, id) == NULL ||
        (state->skip_special && (vocabulary->flags[id] & PIECE_SKIPPED) != 0))
        return QUIRE_OK;
    if (decoder->at_once)
        return token_list_append(&state->all, id);
    state->previous = id;
    if (decoder->dedups && previous != TOKEN_NONE && same_spelling(vocabulary, previous, id))
        return QUIRE_OK;
    if (!decoder->ends_differ)
        return give(state, id, false, out);
    return previous == TOKEN_NONE ? QUIRE_OK : give(state, previous, false, out);
}

/* All tokens at once, as the reference does it. */
static enum quire_status give_all(struct detokenizer *state, struct text *out)
{
    const struct decoder *decoder = &state->tokenizer->decoder;
    const struct vocabulary *vocabulary = &state->tokenizer->vocabulary;
    struct string_list list = {0}, spare = {0};
    struct matcher *matcher = NULL;
    enum quire_status status = matcher_create(&matcher);

    for (size_t i = 0; i < state->all.count && status == QUIRE_OK; i++) {
        const struct piece *piece = vocabulary_piece(vocabulary, state->all.ids[i]);
        status = string_list_append(&list, vocabulary->spellings.bytes + piece->at, piece->bytes);
    }
    if (status == QUIRE_OK)
        status = decoder_run(decoder, 0, decoder->count, matcher,
                             (struct decode_scope){.first = state->at_start, .last = true}, &list, &spare);
    if (status == QUIRE_OK)
        status = text_append(out, list.bytes.bytes, list.bytes.count);
    detokenizer_deinit(state);
    string_list_deinit(&list);
    string_list_deinit(&spare);
    matcher_destroy(matcher);
    return status;
}

enum quire_status detokenizer_finish(struct detokenizer *state, struct text *out)
{
    const struct decoder *decoder = &state->tokenizer->decoder;
    uint32_t previous = state->previous;
    enum quire_status status = QUIRE_OK;

    state->previous = TOKEN_NONE;
    if (decoder->at_once)
        status = give_all(state, out);
    if (status == QUIRE_OK && decoder->ends_differ && previous != TOKEN_NONE)
        status = give(state, previous, true, out);
    if (status == QUIRE_OK)
        status = run_emit(state, state->pending_count, true, out);
    state->held = 0; /* stripped */
    return status;
}

enum quire_status detokenizer_foresee(const struct detokenizer *state, struct text *out)
{
    struct detokenizer copy = *state;
    size_t whole = utf8_valid_prefix(copy.pending, copy.pending_count), rest = copy.pending_count - whole;

    if (rest > 0 && rest < UTF8_BYTES_MAX &&
        utf8_form((const unsigned char *)copy.pending + whole, rest) == UTF8_UNFINISHED)
        copy.pending_count = (unsigned char)whole;
    return run_emit(&copy, copy.pending_count, true, out);
}

enum quire_status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                                   bool skip_special, struct text *out)
{
    struct detokenizer state;
    enum quire_status status = QUIRE_OK;

    detokenizer_init(&state, tokenizer, skip_special);
    for (size_t i = 0; i < count && status == QUIRE_OK; i++)
        status = detokenizer_feed(&state, ids[i], out);
    if (status == QUIRE_OK)
        status = detokenizer_finish(&state, out);
    detokenizer_deinit(&state);
    return status;
}

enum quire_status tokenizer_token_bytes(const struct tokenizer *tokenizer, uint32_t id, struct text *out)
{
    if (vocabulary_piece(&tokenizer->vocabulary, id) == NULL)
        return QUIRE_OK;
    struct token_form form = token_form(tokenizer, id, false, false);
    return text_append(out, form.bytes, form.count);
}
