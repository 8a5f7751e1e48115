/* SentencePiece tokenizers (Kudo and Richardson, arXiv:1808.06226). Thread: the loader's. Owner: tokenizer. */
#include "sentencepiece.h"

#include "charsmap.h"
#include "pipeline.h"

#include <stdlib.h>
#include <string.h>

#define METASPACE "\xE2\x96\x81"   /* U+2581 */
/* As transformers makes fast tokenizers of such models. */
#define SPACES_AS(scheme) "{\"type\":\"Metaspace\",\"prepend_scheme\":\"" scheme "\"}"
#define WORDS(scheme)                                                                                             \
    "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"}," SPACES_AS(scheme) "]}," \
    "\"decoder\":" SPACES_AS(scheme) "}"
#define UNKNOWN   " \xE2\x81\x87 " /* U+2047 between blanks */

static enum quire_status replace_add(struct tokenizer *tokenizer, const char *expression, const char *content,
                                     struct quire_error *error)
{
    struct normaliser *step = normaliser_list_add(&tokenizer->normalisers, NORMALISE_REPLACE);

    if (step == NULL || text_append(&step->content, content, strlen(content)) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return pattern_compile(expression, strlen(expression), &step->pattern, error);
}

static enum quire_status charsmap_add(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                      struct quire_error *error)
{
    struct normaliser *step = normaliser_list_add(&tokenizer->normalisers, NORMALISE_CHARSMAP);

    if (step == NULL || text_append(&step->content, sentencepiece->charsmap, sentencepiece->charsmap_bytes) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    step->flags = sentencepiece->native ? NORMALISE_LONGEST : 0;
    return charsmap_check(&step->content, error);
}

static enum quire_status normalisers_add(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                         struct quire_error *error)
{
    enum quire_status status = QUIRE_OK;

    if (sentencepiece->charsmap_bytes > 0)
        status = charsmap_add(tokenizer, sentencepiece, error);
    if (status == QUIRE_OK && sentencepiece->collapses && !sentencepiece->native)
        return pipeline_load(tokenizer, sentencepiece->prefixed ? WORDS("always") : WORDS("never"), error);
    if (status == QUIRE_OK && sentencepiece->collapses)
        status = replace_add(tokenizer, " {2,}", " ", error);
    if (status == QUIRE_OK && sentencepiece->collapses)
        status = replace_add(tokenizer, "\\A | \\z", "", error);
    if (status == QUIRE_OK && sentencepiece->prefixed) {
        struct normaliser *step = normaliser_list_add(&tokenizer->normalisers, NORMALISE_PREPEND);
        status = step == NULL ? QUIRE_NO_MEMORY : text_append(&step->content, METASPACE, sizeof METASPACE - 1);
    }
    if (status == QUIRE_OK)
        status = replace_add(tokenizer, " ", METASPACE, error);
    if (status == QUIRE_OK && sentencepiece->native && sentencepiece->collapses)
        status = replace_add(tokenizer, "(?<!" METASPACE ")(?:" METASPACE ")++\\z", "", error);
    return status;
}

enum quire_status sentencepiece_decode(struct tokenizer *tokenizer, bool prefixed)
{
    static const enum decode_kind kinds[] = {DECODE_REPLACE, DECODE_BYTE_FALLBACK, DECODE_FUSE, DECODE_STRIP};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] - (prefixed ? 0 : 1); i++) {
        struct decode_step *step = decoder_add(&tokenizer->decoder, kinds[i]);
        if (step == NULL || text_append(&step->content, " ", 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
        step->left = 1;
        if (kinds[i] == DECODE_REPLACE && pattern_literal(METASPACE, sizeof METASPACE - 1, &step->pattern) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

enum quire_status sentencepiece_apply(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                      struct quire_error *error)
{
    struct word_model *model = &tokenizer->model;
    uint32_t count = tokenizer->vocabulary.id_count;
    enum quire_status status = normalisers_add(tokenizer, sentencepiece, error);

    if (status == QUIRE_OK && tokenizer->decoder.count == 0)
        status = sentencepiece_decode(tokenizer, sentencepiece->prefixed);
    if (status == QUIRE_OK && sentencepiece->native) {
        tokenizer->decoder.strip_again = sentencepiece->collapses;
        tokenizer->decoder.unknown_id = model->unknown;
        status = text_append(&tokenizer->decoder.unknown, UNKNOWN, sizeof UNKNOWN - 1);
    }
    if (status != QUIRE_OK)
        return status;
    model->fuse_unknown = true;
    model->byte_fallback = sentencepiece->byte_fallback;
    if (sentencepiece->unigram)
        return unigram_prepare(model, sentencepiece->scores);
    if (sentencepiece->scores == NULL)
        return bpe_prepare(model);
    model->scores = malloc(((size_t)count + 1) * sizeof *model->scores);
    if (model->scores == NULL)
        return QUIRE_NO_MEMORY;
    for (uint32_t id = 0; id < count; id++)
        model->scores[id] = (float)sentencepiece->scores[id];
    return bpe_prepare(model);
}
