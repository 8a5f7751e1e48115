/* The "normalizer" of a tokenizer.json. Thread: the loader's. Owner: tokenizer.
 * Every type of Hugging Face's tokenizers is a row of a table; sequences are flattened, for steps run in order anyway.
 */
#include "base64.h"
#include "charsmap.h"
#include "json_source.h"

#include <string.h>

static enum quire_status add_normaliser(const struct json_source *source, struct normaliser_list *out,
                                        enum normalise_kind kind, unsigned flags)
{
    struct normaliser *step = normaliser_list_add(out, kind);

    if (step == NULL)
        return json_no_memory(source);
    step->flags = flags;
    return QUIRE_OK;
}

static enum quire_status load_bert(const struct json_source *source, const json_t *value, struct normaliser_list *out)
{
    bool lowercase = json_bool(value, "lowercase", true);
    const struct {
        bool on;
        enum normalise_kind kind;
        unsigned flags;
    } steps[] = {
        {json_bool(value, "clean_text", true), NORMALISE_CLEAN, 0},
        {json_bool(value, "handle_chinese_chars", true), NORMALISE_SPACE_HAN, 0},
        {json_bool(value, "strip_accents", lowercase), NORMALISE_COMPOSE, 0},
        {json_bool(value, "strip_accents", lowercase), NORMALISE_STRIP_ACCENTS, 0},
        {lowercase, NORMALISE_LOWERCASE, 0},
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i].on && add_normaliser(source, out, steps[i].kind, steps[i].flags) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

static enum quire_status load_charsmap(const struct json_source *source, const json_t *value, struct normaliser *step)
{
    size_t count;
    const char *text = json_text(value, "precompiled_charsmap", &count);
    struct quire_error reason;

    if (text == NULL)
        return json_bad(source, "Precompiled has no string \"precompiled_charsmap\"");
    enum quire_status status = base64_decode(text, count, &step->content);
    if (status != QUIRE_OK)
        return status == QUIRE_BAD_FILE ? json_bad(source, "precompiled_charsmap is not base64")
                                        : json_no_memory(source);
    if (step->content.count == 0)
        return QUIRE_OK;
    return charsmap_check(&step->content, &reason) == QUIRE_OK ? QUIRE_OK : json_bad(source, "%s", reason.message);
}

static enum quire_status load_normaliser(const struct json_source *source, const json_t *value, void *list)
{
    struct normaliser_list *out = list;
    static const struct {
        const char *type, *field; /* `field` tells the kind in older files that name no type */
        enum normalise_kind kind;
        unsigned flags;
    } rows[] = {
        {"NFC", NULL, NORMALISE_COMPOSE, NORMALISE_COMPOSED},
        {"NFD", NULL, NORMALISE_COMPOSE, 0},
        {"NFKC", NULL, NORMALISE_COMPOSE, NORMALISE_COMPOSED | NORMALISE_COMPATIBLE},
        {"NFKD", NULL, NORMALISE_COMPOSE, NORMALISE_COMPATIBLE},
        {"Replace", "pattern", NORMALISE_REPLACE, 0},
        {"Prepend", "prepend", NORMALISE_PREPEND, 0},
        {"Strip", "strip_left", NORMALISE_STRIP, 0},
        {"StripAccents", NULL, NORMALISE_STRIP_MARKS, 0},
        {"Lowercase", NULL, NORMALISE_LOWERCASE, 0},
        {"ByteLevel", NULL, NORMALISE_BYTES, 0},
        {"Nmt", NULL, NORMALISE_NMT, 0},
        {"Precompiled", "precompiled_charsmap", NORMALISE_CHARSMAP, 0},
    };
    const char *type = json_text(value, "type", NULL);

    if (json_is_kind(value, "BertNormalizer", "clean_text"))
        return load_bert(source, value, out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!json_is_kind(value, rows[i].type, rows[i].field))
            continue;
        struct normaliser *step = normaliser_list_add(out, rows[i].kind);
        if (step == NULL)
            return json_no_memory(source);
        step->flags = rows[i].flags;
        if (step->kind == NORMALISE_STRIP)
            step->flags = (json_bool(value, "strip_left", true) ? NORMALISE_LEFT : 0u) |
                          (json_bool(value, "strip_right", true) ? NORMALISE_RIGHT : 0u);
        if (step->kind == NORMALISE_CHARSMAP)
            return load_charsmap(source, value, step);
        if (step->kind == NORMALISE_PREPEND)
            return json_content_load(source, value, "prepend", NULL, &step->content);
        if (step->kind != NORMALISE_REPLACE)
            return QUIRE_OK;
        enum quire_status status = json_pattern_load(source, value, &step->pattern);
        return status != QUIRE_OK ? status : json_content_load(source, value, "content", NULL, &step->content);
    }
    return json_bad(source, "normalizer: type \"%s\" is not known", type == NULL ? "" : type);
}

enum quire_status json_normalisers_load(const struct json_source *source, const json_t *value,
                                        struct normaliser_list *out)
{
    return value == NULL || json_is_null(value)
               ? QUIRE_OK
               : json_sequence_load(source, value, "normalizers", load_normaliser, out);
}
