/* SentencePiece tokenizers (Kudo and Richardson, arXiv:1808.06226). Thread: the loader's. Owner: tokenizer. */
#include "sentencepiece.h"

#include "charsmap.h"
#include "pipeline.h"
#include "sentencepiece_text.h"

#include <stdlib.h>
#include <string.h>

/* Pieces to text; a blank at the start goes where one was put there. */
#define DECODER(last)                                                                                              \
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\\u2581\"}," \
    "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}" last "]}"
#define STRIP ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"
/* As transformers makes fast tokenizers of such models: LLaMA's, and T5's where blanks collapse. */
#define WHOLE(first) \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" first \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]}"
#define PREPEND "{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"},"
#define METASPACE(scheme) "{\"type\":\"Metaspace\",\"prepend_scheme\":\"" scheme "\"}"
#define WORDS(scheme) \
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"}," METASPACE(scheme) \
    "]},\"decoder\":" METASPACE(scheme)

static enum quire_status charsmap_add(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                      struct quire_error *error)
{
    struct normaliser *step = normaliser_list_add(&tokenizer->normalisers, NORMALISE_CHARSMAP);

    if (step == NULL || text_append(&step->content, sentencepiece->charsmap, sentencepiece->charsmap_bytes) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return charsmap_check(&step->content, error);
}

static enum quire_status native_add(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                    struct quire_error *error)
{
    bool strips = sentencepiece->native->prefixed || sentencepiece->native->collapses;
    struct normaliser *step = normaliser_list_add(&tokenizer->normalisers, NORMALISE_SENTENCEPIECE);
    struct decoder *decoder = &tokenizer->decoder;

    if (step == NULL) {
        sentencepiece_text_destroy(sentencepiece->native);
        return QUIRE_NO_MEMORY;
    }
    step->rules = sentencepiece->native;
    enum quire_status status = step->rules->charsmap.count > 0 ? charsmap_check(&step->rules->charsmap, error)
                                                               : QUIRE_OK;
    if (status == QUIRE_OK)
        status = pipeline_load(tokenizer, strips ? "{" DECODER(STRIP) "}" : "{" DECODER("") "}", error);
    decoder->strip_again = step->rules->collapses;
    decoder->unknown_id = tokenizer->model.unknown;
    return status != QUIRE_OK ? status
                              : text_append(&decoder->unknown, sentencepiece->unknown, strlen(sentencepiece->unknown));
}

static enum quire_status text_add(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                  struct quire_error *error)
{
    static const char *const pipelines[2][2] = {
        {"{" WHOLE("") "," DECODER("") "}", "{" WHOLE(PREPEND) "," DECODER(STRIP) "}"},
        {"{" WORDS("never") "}", "{" WORDS("always") "}"}};
    enum quire_status status = QUIRE_OK;

    if (sentencepiece->native != NULL)
        return native_add(tokenizer, sentencepiece, error);
    if (sentencepiece->charsmap_bytes > 0)
        status = charsmap_add(tokenizer, sentencepiece, error);
    return status != QUIRE_OK
               ? status
               : pipeline_load(tokenizer, pipelines[sentencepiece->collapses][sentencepiece->prefixed], error);
}

enum quire_status sentencepiece_apply(struct tokenizer *tokenizer, const struct sentencepiece *sentencepiece,
                                      struct quire_error *error)
{
    struct word_model *model = &tokenizer->model;
    uint32_t count = tokenizer->vocabulary.id_count;
    enum quire_status status = text_add(tokenizer, sentencepiece, error);

    if (status != QUIRE_OK)
        return status;
    model->fuse_unknown = true;
    model->byte_fallback = sentencepiece->byte_fallback;
    model->single = sentencepiece->native != NULL;
    if (sentencepiece->kind == SENTENCEPIECE_UNIGRAM)
        return unigram_prepare(model, sentencepiece->scores, sentencepiece->lowest);
    if (sentencepiece->kind != SENTENCEPIECE_BPE) {
        sentencepiece_units_prepare(model, sentencepiece->kind == SENTENCEPIECE_WORD);
        return QUIRE_OK;
    }
    if (sentencepiece->scores == NULL)
        return bpe_prepare(model);
    model->scores = malloc(((size_t)count + 1) * sizeof *model->scores);
    if (model->scores == NULL)
        return QUIRE_NO_MEMORY;
    for (uint32_t id = 0; id < count; id++)
        model->scores[id] = (float)sentencepiece->scores[id];
    return bpe_prepare(model);
}
