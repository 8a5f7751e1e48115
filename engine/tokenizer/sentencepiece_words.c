/* SentencePiece's char and word models: every character, or every word, is looked up by itself. Thread: any; the model
 * is immutable. Owner: tokenizer. */
#include "model.h"
#include "sentencepiece.h"
#include "unicode.h"

#include <string.h>

#define BLANK       "\xE2\x96\x81" /* U+2581 */
#define BLANK_BYTES (sizeof BLANK - 1)

/* The end of the word at text[start, count): it begins with a blank and goes on to the next one. */
static size_t word_end(const char *text, size_t start, size_t count)
{
    size_t from = start + utf8_length(text[start]);
    const char *blank = from < count ? memmem(text + from, count - from, BLANK, BLANK_BYTES) : NULL;

    return blank == NULL ? count : (size_t)(blank - text);
}

/* Neighbouring unknowns are one, unless they have bytes. */
static enum quire_status units_encode(const struct word_model *model, const char *text, size_t count, bool words,
                                      struct token_list *out)
{
    bool unknown = false;

    for (size_t start = 0, end; start < count; start = end) {
        end = words ? word_end(text, start, count) : start + utf8_length(text[start]);
        uint32_t id = vocabulary_find_piece(model->vocabulary, text + start, end - start, false);
        enum quire_status status = QUIRE_OK;
        if (id != TOKEN_NONE) {
            status = token_list_append(out, id);
        } else if (model_has_bytes(model, text + start, end - start)) {
            for (size_t i = start; i < end && status == QUIRE_OK; i++)
                status = token_list_append(out, model->byte_ids[(unsigned char)text[i]]);
        } else if (!unknown) {
            status = model->unknown == TOKEN_NONE ? QUIRE_INVALID : token_list_append(out, model->unknown);
        }
        unknown = id == TOKEN_NONE;
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

static enum quire_status chars_encode(const struct word_model *model, const char *word, size_t count,
                                      struct model_scratch *scratch, struct token_list *out)
{
    (void)scratch;
    return units_encode(model, word, count, false, out);
}

static enum quire_status words_encode(const struct word_model *model, const char *word, size_t count,
                                      struct model_scratch *scratch, struct token_list *out)
{
    (void)scratch;
    return units_encode(model, word, count, true, out);
}

void sentencepiece_units_prepare(struct word_model *model, bool words)
{
    byte_ids_find(model->vocabulary, model->byte_ids);
    model->encode = words ? words_encode : chars_encode;
}
