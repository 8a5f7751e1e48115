/* The functions of tokenizer.h that the scheduler calls, for the fake tokenizer. */
#include "fake_tokenizer.h"

#include <stdlib.h>
#include <string.h>

const char *fake_piece(uint32_t id, bool skip_special, const char **tail)
{
    static const char *const pieces[] = {"a", "b", "ab", "ba", "c", "aab", "", "bca", "cc"};

    *tail = "";
    if (id < FAKE_SPECIAL)
        return skip_special ? "" : "<s>";
    if (id % 5 == 4)
        *tail = id % 2 == 0 ? "a" : "bc";
    return pieces[id % (sizeof pieces / sizeof pieces[0])];
}

const uint32_t *tokenizer_eos(const struct tokenizer *tokenizer, uint32_t *count)
{
    *count = tokenizer->eos_count;
    return tokenizer->eos;
}

enum quire_status text_append(struct text *text, const char *bytes, size_t count)
{
    if (text->count + count > text->count_max) {
        size_t count_max = 2 * (text->count + count);
        char *grown = realloc(text->bytes, count_max);

        if (grown == NULL)
            return QUIRE_NO_MEMORY;
        text->bytes = grown;
        text->count_max = count_max;
    }
    if (count > 0)
        memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    return QUIRE_OK;
}

void text_deinit(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

void detokenizer_init(struct detokenizer *state, const struct tokenizer *tokenizer, bool skip_special)
{
    *state = (struct detokenizer){.tokenizer = tokenizer, .skip_special = skip_special, .at_start = true};
}

void detokenizer_deinit(struct detokenizer *state)
{
    *state = (struct detokenizer){0};
}

enum quire_status detokenizer_finish(struct detokenizer *state, struct text *out)
{
    enum quire_status status = text_append(out, state->pending, state->pending_count);

    state->pending_count = 0;
    return status;
}

enum quire_status detokenizer_feed(struct detokenizer *state, uint32_t id, struct text *out)
{
    const char *tail, *piece = fake_piece(id, state->skip_special, &tail);
    enum quire_status status = detokenizer_finish(state, out);

    if (status == QUIRE_OK)
        status = text_append(out, piece, strlen(piece));
    state->pending_count = (unsigned char)strlen(tail);
    memcpy(state->pending, tail, state->pending_count);
    return status;
}

/* What this one holds back is always certain to come with the next token, so there is nothing to foresee. */
enum quire_status detokenizer_foresee(const struct detokenizer *state, struct text *out)
{
    (void)state;
    (void)out;
    return QUIRE_OK;
}
