/* Pipelines that no file spells out, by way of tokenizer.json's loaders. Thread: the loader's. Owner: tokenizer. */
#include "pipeline.h"

#include "json_source.h"

#include <assert.h>

enum quire_status pipeline_load(struct tokenizer *tokenizer, const char *json, struct quire_error *error)
{
    struct json_source source = {"quire", "built-in pipeline", error};
    json_t *root = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);

    if (root == NULL)
        return json_no_memory(&source);
    enum quire_status status =
        json_normalisers_load(&source, json_object_get(root, "normalizer"), &tokenizer->normalisers);
    if (status == QUIRE_OK)
        status = json_splitters_load(&source, json_object_get(root, "pre_tokenizer"), &tokenizer->splitters);
    if (status == QUIRE_OK)
        status = json_decoder_load(&source, json_object_get(root, "decoder"), &tokenizer->decoder);
    json_decref(root);
    assert(status == QUIRE_OK || status == QUIRE_NO_MEMORY); /* a mistake in `json` would be ours */
    return status;
}
