/* Fewest tokens that a text can have, known without tokenizing it: no token stands for more bytes than the longest of
 * the vocabulary. That holds only for tokenizers that drop nothing, so it is tried out at load on runs of all sorts of
 * characters: a tokenizer that collapses white space, strips accents, or makes one unknown token of a whole run gets no
 * bound. (Only white space that a special token swallows is not seen.) Pure; any thread. */
#include "prompt_bound.h"

#include <string.h>

#define PROBE_TOKENS 64u

static size_t longest_token(const struct tokenizer *tokenizer)
{
    struct text text = {0};
    size_t longest = 0;

    for (uint32_t id = 0; id < tokenizer_vocab_size(tokenizer); id++) {
        const char *spelling = tokenizer_is_special(tokenizer, id) ? tokenizer_spelling(tokenizer, id) : NULL;
        size_t count;

        text.count = 0;
        if (tokenizer_token_bytes(tokenizer, id, &text) != QUIRE_OK)
            text.count = 0;
        count = spelling != NULL && strlen(spelling) > text.count ? strlen(spelling) : text.count;
        longest = count > longest ? count : longest;
    }
    text_deinit(&text);
    return longest;
}

/* Whether a run of `piece` keeps the bound. */
static bool run_keeps_bound(const struct tokenizer *tokenizer, const char *piece, size_t longest)
{
    struct token_list ids = {0};
    struct text text = {0};
    bool keeps = true;

    while (keeps && text.count < PROBE_TOKENS * longest)
        keeps = text_append(&text, piece, strlen(piece)) == QUIRE_OK;
    if (keeps) {
        const struct text_run run = {text.bytes, text.count, false};
        keeps = tokenizer_encode(tokenizer, &run, 1, false, &ids, NULL) == QUIRE_OK &&
                ids.count * longest >= text.count;
    }
    token_list_deinit(&ids);
    text_deinit(&text);
    return keeps;
}

uint32_t prompt_bound_probe(const struct tokenizer *tokenizer)
{
    static const char *const pieces[] = {
        "a", "A", "0", "!", " ", "\t", "\n", "\r\n", " \n", "\x01", "a ", "\xc2\xa0" /* no-break space */,
        "\xcc\x81" /* an accent alone */, "e\xcc\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8" /* Hangul in pieces */,
        "\xe2\x80\x8b" /* zero width */, "\xe4\xb8\x80" /* Han */, "\xef\xac\x81" /* a ligature */,
        "\xf0\x9f\x99\x82" /* emoji */, "\xf0\x90\x8d\x88" /* Gothic */,
    };
    size_t longest = longest_token(tokenizer);

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        if (!run_keeps_bound(tokenizer, pieces[i], longest))
            return 0;
    return (uint32_t)longest;
}

bool prompt_bound_check(const struct served_model *model, size_t bytes, const char *param, struct api_error *error)
{
    size_t least = model->token_bytes_max == 0 ? 0 : bytes / model->token_bytes_max;

    if (least <= model->limits->model_len_max)
        return true;
    return api_fail(error, ERROR_CONTEXT_LENGTH, param,
                    "the prompt has %zu bytes, at least %zu tokens, but this model's context is %u tokens", bytes,
                    least, model->limits->model_len_max);
}
