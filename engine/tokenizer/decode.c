/* Decoders at load: spelling to bytes. Thread: the loader's; the result is immutable. Owner: tokenizer.
 * Semantics: the decoders of Hugging Face's tokenizers. Those work on the list of all tokens; here every token is
 * decoded by itself, which is the same for every chain that is accepted, and lets streamed text equal whole text. */
#include "decode.h"

#include "byte_alphabet.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

void decoder_deinit(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++) {
        pattern_destroy(decoder->steps[i].pattern);
        text_deinit(&decoder->steps[i].content);
    }
    free(decoder->steps);
    text_deinit(&decoder->forms.bytes);
    text_deinit(&decoder->first_forms.bytes);
    text_deinit(&decoder->strip);
    text_deinit(&decoder->unknown);
    free(decoder->forms.at);
    free(decoder->first_forms.at);
    *decoder = (struct decoder){0};
}

struct decode_step *decoder_add(struct decoder *decoder, enum decode_kind kind)
{
    void *steps = decoder->steps;

    if (array_grow(&steps, &decoder->count_max, decoder->count + 1, sizeof *decoder->steps) != QUIRE_OK)
        return NULL;
    decoder->steps = steps;
    decoder->steps[decoder->count] = (struct decode_step){.kind = kind};
    return &decoder->steps[decoder->count++];
}

/* ---- one step over one token's text ------------------------------------------------------------------------------ */

static enum quire_status replace(const struct pattern *pattern, struct matcher *matcher, const char *content,
                                 size_t content_bytes, const struct text *in, struct text *out)
{
    size_t at = 0, start, end;

    while (pattern_find(pattern, matcher, in->bytes, in->count, at, &start, &end) == QUIRE_OK && end > start) {
        if (text_append(out, in->bytes + at, start - at) != QUIRE_OK ||
            text_append(out, content, content_bytes) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        at = end;
    }
    return text_append(out, in->bytes + at, in->count - at);
}

static enum quire_status replace_all(const char *from, const char *to, struct text *text)
{
    struct text made = {0};
    size_t at = 0, from_bytes = strlen(from);
    const char *found;
    enum quire_status status = QUIRE_OK;

    while (status == QUIRE_OK && text->count > at &&
           (found = memmem(text->bytes + at, text->count - at, from, from_bytes)) != NULL)
    {
        size_t start = (size_t)(found - text->bytes);
        status = text_append(&made, text->bytes + at, start - at);
        if (status == QUIRE_OK)
            status = text_append(&made, to, strlen(to));
        at = start + from_bytes;
    }
    if (status == QUIRE_OK && at > 0)
        status = text_append(&made, text->bytes + at, text->count - at);
    if (status != QUIRE_OK || at == 0) {
        text_deinit(&made);
        return status;
    }
    text_deinit(text);
    *text = made;
    return QUIRE_OK;
}

/* The table of Hugging Face's clean-up, in its order. */
static enum quire_status tidy_english(struct text *text)
{
    static const char *const rules[][2] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                           {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                           {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (replace_all(rules[i][0], rules[i][1], text) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* The byte that "<0xE2>" names, or -1. */
static int named_byte(const struct text *text)
{
    if (text->count != 6 || memcmp(text->bytes, "<0x", 3) != 0 || text->bytes[5] != '>' ||
        hex_digit(text->bytes[3]) < 0 || hex_digit(text->bytes[4]) < 0)
        return -1;
    return hex_digit(text->bytes[3]) * 16 + hex_digit(text->bytes[4]);
}

static enum quire_status from_byte_alphabet(const struct text *in, struct text *out)
{
    for (size_t at = 0; at < in->count;) {
        int byte = char_to_byte(utf8_next(in->bytes, &at));
        if (byte < 0) { /* an added token: as it is */
            out->count = 0;
            return text_append(out, in->bytes, in->count);
        }
        if (text_append_byte(out, (char)byte, 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

static enum quire_status strip(const struct decode_step *step, const struct text *in, struct text *out)
{
    size_t start = 0, end = in->count, bytes = step->content.count;

    for (size_t i = 0;
         i < step->left && end - start >= bytes && memcmp(in->bytes + start, step->content.bytes, bytes) == 0; i++)
        start += bytes;
    for (size_t i = 0;
         i < step->right && end - start >= bytes && memcmp(in->bytes + end - bytes, step->content.bytes, bytes) == 0;
         i++)
        end -= bytes;
    return text_append(out, in->bytes + start, end - start);
}

static enum quire_status wordpiece(const struct decode_step *step, bool first, const struct text *in, struct text *out)
{
    const struct text *prefix = &step->content;
    bool joins = text_begins(in->bytes, in->count, prefix);
    size_t skipped = !first && joins ? prefix->count : 0;

    if ((!first && !joins && text_append_byte(out, ' ', 1) != QUIRE_OK) ||
        text_append(out, in->bytes + skipped, in->count - skipped) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return step->cleanup ? tidy_english(out) : QUIRE_OK;
}

struct form { /* of one token, on its way through the steps */
    struct text now, next;
    bool first, byte;
};

static enum quire_status step_run(const struct decode_step *step, struct matcher *matcher, struct form *form)
{
    const struct text *in = &form->now;
    struct text *out = &form->next;
    int byte;

    switch (step->kind) {
    case DECODE_REPLACE:
        return replace(step->pattern, matcher, step->content.bytes, step->content.count, in, out);
    case DECODE_BYTE_FALLBACK:
        byte = named_byte(in);
        form->byte = byte >= 0;
        return byte >= 0 ? text_append_byte(out, (char)byte, 1) : text_append(out, in->bytes, in->count);
    case DECODE_STRIP:
        return strip(step, in, out);
    case DECODE_BYTE_LEVEL:
        return from_byte_alphabet(in, out);
    case DECODE_METASPACE:
        return replace(step->pattern, matcher, " ", form->first && step->prefix ? 0 : 1, in, out);
    case DECODE_WORDPIECE:
        return wordpiece(step, form->first, in, out);
    case DECODE_JOIN:
        return !form->first && text_append_byte(out, ' ', 1) != QUIRE_OK ? QUIRE_NO_MEMORY
                                                                         : text_append(out, in->bytes, in->count);
    case DECODE_FUSE:
        break;
    }
    return text_append(out, in->bytes, in->count);
}

/* Steps that act on single tokens; what comes behind a fuse acts on the text's start (see decoder_check). */
static size_t token_steps(const struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++)
        if (decoder->steps[i].kind == DECODE_FUSE)
            return i;
    return decoder->count;
}

static enum quire_status forms_fill(const struct decoder *decoder, struct vocabulary *vocabulary,
                                    struct matcher *matcher, bool first, struct token_forms *forms)
{
    struct form form = {.first = first};
    enum quire_status status = QUIRE_NO_MEMORY;
    size_t steps = token_steps(decoder);

    forms->at = calloc((size_t)vocabulary->id_count + 1, sizeof *forms->at);
    if (forms->at == NULL)
        goto done;
    for (uint32_t id = 0; id < vocabulary->id_count; id++) {
        const struct piece *piece = vocabulary_piece(vocabulary, id);
        form.now.count = 0;
        form.byte = false;
        if (piece != NULL && text_append(&form.now, vocabulary->spellings.bytes + piece->at, piece->bytes) != QUIRE_OK)
            goto done;
        for (size_t i = 0; i < steps && piece != NULL; i++) {
            form.next.count = 0;
            if (step_run(&decoder->steps[i], matcher, &form) != QUIRE_OK)
                goto done;
            struct text made = form.next;
            form.next = form.now;
            form.now = made;
        }
        if (decoder->unknown.count > 0 && id == decoder->unknown_id) {
            form.now.count = 0;
            if (text_append(&form.now, decoder->unknown.bytes, decoder->unknown.count) != QUIRE_OK)
                goto done;
        }
        if (form.byte)
            vocabulary->flags[id] |= PIECE_BYTE;
        if (text_append(&forms->bytes, form.now.bytes, form.now.count) != QUIRE_OK)
            goto done;
        forms->at[id + 1] = forms->bytes.count;
    }
    status = QUIRE_OK;
done:
    text_deinit(&form.now);
    text_deinit(&form.next);
    return status;
}

/* Accepts what can be done token by token: behind a fuse only the strip of one character at the text's start. */
static enum quire_status decoder_check(struct decoder *decoder, struct quire_error *error)
{
    size_t fuse = token_steps(decoder);

    for (size_t i = 0; i < decoder->count; i++) {
        const struct decode_step *step = &decoder->steps[i];
        decoder->bytes = decoder->bytes || step->kind == DECODE_BYTE_LEVEL;
        if (i <= fuse || step->kind == DECODE_FUSE)
            continue;
        if (step->kind != DECODE_STRIP || step->left > 1 || step->right > 0 || decoder->strip.count > 0)
            return quire_fail(error, QUIRE_UNSUPPORTED,
                              "decoder: behind Fuse only a Strip of one leading character is supported");
        if (step->left == 1 && text_append(&decoder->strip, step->content.bytes, step->content.count) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

enum quire_status decoder_prepare(struct decoder *decoder, struct vocabulary *vocabulary, struct quire_error *error)
{
    struct matcher *matcher = NULL;
    bool differs = false;

    for (size_t i = 0; i < decoder->count; i++)
        differs = differs || decoder->steps[i].kind == DECODE_METASPACE || decoder->steps[i].kind == DECODE_WORDPIECE ||
                  decoder->steps[i].kind == DECODE_JOIN;
    enum quire_status status = decoder_check(decoder, error);
    if (status == QUIRE_OK)
        status = matcher_create(&matcher);
    if (status == QUIRE_OK)
        status = forms_fill(decoder, vocabulary, matcher, false, &decoder->forms);
    if (status == QUIRE_OK && differs)
        status = forms_fill(decoder, vocabulary, matcher, true, &decoder->first_forms);
    matcher_destroy(matcher);
    return status;
}
