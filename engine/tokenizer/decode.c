/* Decoders at load: what each token stands for. Thread: the loader's; the result is immutable. Owner: tokenizer.
 * A chain works on the list of all tokens, but most of its steps look at one string at a time. Where that holds up to
 * the point at which all become one text, every token's form can be worked out beforehand, and only runs of byte
 * tokens, the ends of the text and CTC's equal neighbours are left for the time of decoding. */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

void decoder_deinit(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++) {
        pattern_destroy(decoder->steps[i].pattern);
        text_deinit(&decoder->steps[i].content);
        text_deinit(&decoder->steps[i].blank);
    }
    free(decoder->steps);
    for (size_t i = 0; i < 4; i++) {
        text_deinit(&decoder->forms[i / 2][i % 2].bytes);
        free(decoder->forms[i / 2][i % 2].at);
    }
    text_deinit(&decoder->strip);
    text_deinit(&decoder->unknown);
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

enum quire_status decoder_run(const struct decoder *decoder, size_t start, size_t end, struct matcher *matcher,
                              struct decode_scope scope, struct string_list *list, struct string_list *spare)
{
    enum quire_status status = QUIRE_OK;

    list->bytes.bound = spare->bytes.bound = text_bound(list->bytes.count);
    for (size_t i = start; i < end && status == QUIRE_OK; i++) {
        string_list_clear(spare);
        status = decode_step_run(&decoder->steps[i], matcher, scope, list, spare);
        struct string_list made = *spare;
        *spare = *list;
        *list = made;
    }
    list->bytes.bound = spare->bytes.bound = 0;
    return status;
}

/* ---- which way --------------------------------------------------------------------------------------------------- */

static bool fuses(enum decode_kind kind)
{
    return kind == DECODE_FUSE || kind == DECODE_BYTE_LEVEL;
}

/* The first step at or behind `from` that makes one text of all strings, or, with `fallback`, strings of bytes. */
static size_t step_find(const struct decoder *decoder, size_t from, bool fallback)
{
    while (from < decoder->count && !fuses(decoder->steps[from].kind) &&
           !(fallback && decoder->steps[from].kind == DECODE_BYTE_FALLBACK))
        from++;
    return from;
}

/* Whether a step treats the first or the last string of the text in its own way. */
static bool differs_at_start(const struct decode_step *step)
{
    return (step->kind == DECODE_METASPACE && step->prefix) || step->kind == DECODE_WORDPIECE ||
           step->kind == DECODE_JOIN;
}

/* Finds out how far tokens can be decoded by themselves. */
static enum quire_status decoder_plan(struct decoder *decoder)
{
    const struct decode_step *steps = decoder->steps;
    size_t fallback = step_find(decoder, 0, true), fuse = step_find(decoder, 0, false), tail = fuse + 1;

    decoder->fuse = fuse;
    decoder->fallback = fallback;
    decoder->bytes = fuse < decoder->count && steps[fuse].kind == DECODE_BYTE_LEVEL;
    decoder->dedups = decoder->count > 0 && steps[0].kind == DECODE_CTC;
    decoder->at_once = decoder->bytes && fallback < fuse;
    for (size_t i = 0; i < fuse; i++) {
        bool differs = differs_at_start(&steps[i]) || steps[i].kind == DECODE_BPE;
        decoder->ends_differ = decoder->ends_differ || steps[i].kind == DECODE_BPE;
        /* Where strings go or join, which one is the first or the last is not known beforehand. */
        if ((differs && (decoder->dedups || (fallback < fuse && i < fallback))) ||
            (steps[i].kind == DECODE_CTC && i > 0) || (steps[i].kind == DECODE_BYTE_FALLBACK && i > fallback))
            decoder->at_once = true;
    }
    while (tail < decoder->count && steps[tail].kind == DECODE_FUSE)
        tail++;
    if (tail >= decoder->count || decoder->at_once)
        return QUIRE_OK;
    decoder->at_once = steps[tail].kind != DECODE_STRIP || steps[tail].content.count == 0;
    for (size_t i = tail + 1; i < decoder->count; i++)
        decoder->at_once = decoder->at_once || steps[i].kind != DECODE_FUSE;
    decoder->left = steps[tail].left;
    decoder->right = steps[tail].right;
    return text_append(&decoder->strip, steps[tail].content.bytes, steps[tail].content.count);
}

/* ---- forms ------------------------------------------------------------------------------------------------------- */

struct form_maker {
    const struct decoder *decoder;
    struct matcher *matcher;
    struct string_list list, spare;
    struct decode_scope scope;
};

/* What one token becomes; *byte: it stands for a byte of a character. */
static enum quire_status form_make(struct form_maker *maker, const char *spelling, size_t count, struct text *out,
                                   bool *byte)
{
    const struct decoder *decoder = maker->decoder;

    string_list_clear(&maker->list);
    enum quire_status status = string_list_append(&maker->list, spelling, count);
    if (status == QUIRE_OK)
        status = decoder_run(decoder, 0, decoder->fallback, maker->matcher, maker->scope, &maker->list, &maker->spare);
    if (status != QUIRE_OK)
        return status;
    if (decoder->bytes)
        return byte_string_read(&maker->list, out);
    struct text string = maker->list.count == 0 ? (struct text){0} : string_list_get(&maker->list, 0);
    int value = decoder->fallback < decoder->fuse ? named_byte(&string) : -1;
    *byte = value >= 0;
    if (value >= 0)
        return text_append_byte(out, (char)value, 1);
    status = decoder_run(decoder, decoder->fallback, decoder->fuse, maker->matcher, maker->scope, &maker->list,
                         &maker->spare);
    return status == QUIRE_OK ? text_append(out, maker->list.bytes.bytes, maker->list.bytes.count) : status;
}

static enum quire_status forms_fill(struct form_maker *maker, struct vocabulary *vocabulary, struct token_forms *forms)
{
    const struct decoder *decoder = maker->decoder;
    enum quire_status status = QUIRE_OK;

    forms->at = calloc((size_t)vocabulary->id_count + 1, sizeof *forms->at);
    if (forms->at == NULL)
        return QUIRE_NO_MEMORY;
    for (uint32_t id = 0; id < vocabulary->id_count && status == QUIRE_OK; id++) {
        const struct piece *piece = vocabulary_piece(vocabulary, id);
        bool byte = false;
        if (decoder->unknown.count > 0 && id == decoder->unknown_id)
            status = text_append(&forms->bytes, decoder->unknown.bytes, decoder->unknown.count);
        else if (piece != NULL)
            status = form_make(maker, vocabulary->spellings.bytes + piece->at, piece->bytes, &forms->bytes, &byte);
        if (byte)
            vocabulary->flags[id] |= PIECE_BYTE;
        forms->at[id + 1] = forms->bytes.count;
    }
    return status;
}

enum quire_status decoder_prepare(struct decoder *decoder, struct vocabulary *vocabulary)
{
    struct form_maker maker = {.decoder = decoder};
    bool starts_differ = false;
    enum quire_status status = decoder_plan(decoder);

    if (status == QUIRE_OK)
        status = matcher_create(&maker.matcher);
    for (size_t i = 0; i < decoder->fuse; i++)
        starts_differ = starts_differ || differs_at_start(&decoder->steps[i]);
    for (size_t i = 0; i < 4 && status == QUIRE_OK; i++) {
        maker.scope = (struct decode_scope){.first = i / 2 != 0, .last = i % 2 != 0};
        if ((!maker.scope.first || starts_differ) && (!maker.scope.last || decoder->ends_differ))
            status = forms_fill(&maker, vocabulary, &decoder->forms[i / 2][i % 2]);
    }
    string_list_deinit(&maker.list);
    string_list_deinit(&maker.spare);
    matcher_destroy(maker.matcher);
    return status;
}
