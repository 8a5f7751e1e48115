/* WordPiece (BERT; Song et al., arXiv:2012.15524, the plain longest match) and whole words. Thread: any; the models are
 * immutable. Owner: tokenizer. */
#include "model.h"
#include "unicode.h"

/* The longest piece at word[start, count), spelled behind `before`: its id and end, or TOKEN_NONE. */
static enum quire_status longest_piece(const struct word_model *model, const char *word, size_t start, size_t count,
                                       struct model_scratch *scratch, uint32_t *id, size_t *end)
{
    struct text *spelling = &scratch->text;
    static const struct text none;
    const struct text *before = start == 0 ? &none : &model->prefix;
    size_t room = model->piece_bytes_max > before->count ? model->piece_bytes_max - before->count : 0;
    size_t stop = count - start > room ? start + room : count;

    spelling->count = 0;
    if (text_append(spelling, before->bytes, before->count) != QUIRE_OK ||
        text_append(spelling, word + start, stop - start) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    for (; stop > start; stop--) { /* a stop inside a character spells no piece, for pieces are valid UTF-8 */
        *id = vocabulary_find_piece(model->vocabulary, spelling->bytes, before->count + stop - start,
                                    scratch->trusted);
        *end = stop;
        if (*id != TOKEN_NONE)
            return QUIRE_OK;
    }
    *id = TOKEN_NONE;
    return QUIRE_OK;
}

static enum quire_status unknown_append(const struct word_model *model, struct token_list *out)
{
    return model->unknown == TOKEN_NONE ? QUIRE_INVALID : token_list_append(out, model->unknown);
}

static enum quire_status wordpiece_encode(const struct word_model *model, const char *word, size_t count,
                                          struct model_scratch *scratch, struct token_list *out)
{
    size_t before = out->count, chars = 0;

    for (size_t at = 0; at < count && chars <= model->word_chars_max; chars++)
        (void)utf8_next(word, &at);
    if (chars > model->word_chars_max)
        return unknown_append(model, out);
    for (size_t start = 0; start < count;) {
        uint32_t id;
        enum quire_status status = longest_piece(model, word, start, count, scratch, &id, &start);
        if (status == QUIRE_OK && id == TOKEN_NONE) { /* one bad piece spoils the word */
            out->count = before;
            return unknown_append(model, out);
        }
        if (status == QUIRE_OK)
            status = token_list_append(out, id);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

void wordpiece_prepare(struct word_model *model)
{
    model->encode = wordpiece_encode;
    for (size_t i = 0; i < model->vocabulary->piece_count; i++)
        if (model->vocabulary->pieces[i].bytes > model->piece_bytes_max)
            model->piece_bytes_max = model->vocabulary->pieces[i].bytes;
}

static enum quire_status wordlevel_encode(const struct word_model *model, const char *word, size_t count,
                                          struct model_scratch *scratch, struct token_list *out)
{
    uint32_t id = vocabulary_find_piece(model->vocabulary, word, count, scratch->trusted);

    return id == TOKEN_NONE ? unknown_append(model, out) : token_list_append(out, id);
}

void wordlevel_prepare(struct word_model *model)
{
    model->encode = wordlevel_encode;
}
