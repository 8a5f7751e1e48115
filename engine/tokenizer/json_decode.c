/* The "decoder" of a tokenizer.json. Thread: the loader's. Owner: tokenizer. */
#include "json_source.h"

#include <string.h>

#define METASPACE "\xE2\x96\x81" /* U+2581 */

static enum quire_status count_load(const struct json_source *source, const json_t *value, const char *name,
                                    size_t *out)
{
    uint64_t number;

    if (!json_whole(json_object_get(value, name), UINT32_MAX, &number))
        return json_bad(source, "Strip: \"%s\" is not a count", name);
    *out = (size_t)number;
    return QUIRE_OK;
}

static enum quire_status load_decode_step(const struct json_source *source, const json_t *value,
                                          struct decode_step *step)
{
    const char *scheme = json_text(value, "prepend_scheme", NULL);
    enum quire_status status = QUIRE_OK;

    switch (step->kind) {
    case DECODE_REPLACE:
        status = json_pattern_load(source, value, &step->pattern);
        return status != QUIRE_OK ? status : json_content_load(source, value, "content", NULL, &step->content);
    case DECODE_STRIP:
        status = count_load(source, value, "start", &step->left);
        if (status == QUIRE_OK)
            status = count_load(source, value, "stop", &step->right);
        if (status == QUIRE_OK)
            status = json_content_load(source, value, "content", NULL, &step->content);
        return status == QUIRE_OK && step->content.count == 0 ? json_bad(source, "Strip: \"content\" is empty")
                                                              : status;
    case DECODE_METASPACE:
        step->prefix = scheme == NULL ? json_bool(value, "add_prefix_space", true) : strcmp(scheme, "never") != 0;
        status = json_content_load(source, value, "replacement", METASPACE, &step->content);
        return status != QUIRE_OK || step->content.count > 0 ? status
                                                             : json_bad(source, "Metaspace: \"replacement\" is empty");
    case DECODE_WORDPIECE:
        step->cleanup = json_bool(value, "cleanup", true);
        return json_content_load(source, value, "prefix", "##", &step->content);
    case DECODE_BPE:
        return json_content_load(source, value, "suffix", "</w>", &step->content);
    case DECODE_CTC:
        step->cleanup = json_bool(value, "cleanup", true);
        status = json_content_load(source, value, "pad_token", "<pad>", &step->content);
        return status != QUIRE_OK ? status
                                  : json_content_load(source, value, "word_delimiter_token", "|", &step->blank);
    default:
        return QUIRE_OK;
    }
}

static enum quire_status load_decoder(const struct json_source *source, const json_t *value, void *list)
{
    struct decoder *out = list;
    static const struct {
        const char *type, *field; /* `field` tells the kind in older files that name no type */
        enum decode_kind kind;
    } rows[] = {
        {"BPEDecoder", "suffix", DECODE_BPE},
        {"ByteLevel", NULL, DECODE_BYTE_LEVEL},
        {"WordPiece", "prefix", DECODE_WORDPIECE},
        {"Metaspace", NULL, DECODE_METASPACE},
        {"CTC", "pad_token", DECODE_CTC},
        {"Replace", "pattern", DECODE_REPLACE},
        {"Fuse", NULL, DECODE_FUSE},
        {"Strip", "content", DECODE_STRIP},
        {"ByteFallback", NULL, DECODE_BYTE_FALLBACK},
    };
    const char *type = json_text(value, "type", NULL);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!json_is_kind(value, rows[i].type, rows[i].field))
            continue;
        struct decode_step *step = decoder_add(out, rows[i].kind);
        return step == NULL ? json_no_memory(source) : load_decode_step(source, value, step);
    }
    return json_bad(source, "decoder: type \"%s\" is not known", type == NULL ? "" : type);
}

enum quire_status json_decoder_load(const struct json_source *source, const json_t *value, struct decoder *out)
{
    out->whole_runs = true;
    if (value == NULL || json_is_null(value)) /* the reference joins tokens by blanks */
        return decoder_add(out, DECODE_JOIN) == NULL ? json_no_memory(source) : QUIRE_OK;
    return json_sequence_load(source, value, "decoders", load_decoder, out);
}
