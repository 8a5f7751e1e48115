/* The "model" of a tokenizer.json: vocabulary and word model. Thread: the loader's. Owner: tokenizer. */
#include "json_file.h"
#include "json_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Adds the spelling of a key, whose NULs json_file_load has hidden. */
static enum quire_status key_add(struct vocabulary *out, uint32_t id, const char *key, size_t count)
{
    struct text spelling = {0};
    const size_t mark = sizeof JSON_KEY_NUL - 1;
    enum quire_status status = QUIRE_OK;

    if (memmem(key, count, JSON_KEY_NUL, mark) == NULL)
        return vocabulary_add(out, id, key, count, false);
    for (size_t at = 0, bytes; at < count && status == QUIRE_OK; at += bytes) {
        bool nul = count - at >= mark && memcmp(key + at, JSON_KEY_NUL, mark) == 0;
        bytes = nul ? mark : 1;
        status = text_append_byte(&spelling, nul ? '\0' : key[at], 1);
    }
    if (status == QUIRE_OK)
        status = vocabulary_add(out, id, spelling.bytes, spelling.count, false);
    text_deinit(&spelling);
    return status;
}

/* {"spelling": id} of BPE, WordPiece and WordLevel. */
static enum quire_status vocabulary_load(const struct json_source *source, const json_t *value, struct vocabulary *out)
{
    json_t *object = json_object_get(value, "vocab");

    if (!json_is_object(object) || json_object_size(object) == 0)
        return json_bad(source, "model.vocab is missing or empty");
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        uint64_t id;
        const char *spelling = json_object_iter_key(at);
        if (!json_whole(json_object_iter_value(at), VOCABULARY_IDS_MAX - 1, &id))
            return json_bad(source, "model.vocab: the id of \"%.60s\" is no number from 0 to %u", spelling,
                            VOCABULARY_IDS_MAX - 1);
        if (key_add(out, (uint32_t)id, spelling, json_object_iter_key_len(at)) != QUIRE_OK)
            return json_no_memory(source);
    }
    return QUIRE_OK;
}

static enum quire_status text_field_load(const struct json_source *source, const json_t *value, const char *name,
                                         struct text *out)
{
    size_t count = 0;
    const char *text = json_text(value, name, &count);

    return text == NULL || text_append(out, text, count) == QUIRE_OK ? QUIRE_OK : json_no_memory(source);
}

/* The id of "unk_token"; a token that the model does not have counts as none. */
static uint32_t unknown_id(const json_t *value, const struct vocabulary *vocabulary)
{
    size_t count;
    const char *text = json_text(value, "unk_token", &count);

    return text == NULL ? TOKEN_NONE : vocabulary_find_piece(vocabulary, text, count, true);
}

/* ---- BPE --------------------------------------------------------------------------------------------------------- */

/* ["a", "b"], or "a b". */
static enum quire_status merge_load(const json_t *value, uint32_t rank, struct word_model *model, struct text *spare)
{
    const json_t *left = json_array_get(value, 0), *right = json_array_get(value, 1);
    const char *line = json_string_value(value);

    if (line != NULL && strncmp(line, "#version", 8) == 0)
        return QUIRE_OK;
    if (json_is_string(left) && json_is_string(right))
        return merge_add(model, rank, json_string_value(left), json_string_length(left), json_string_value(right),
                         json_string_length(right), spare);
    return line != NULL ? merge_add_line(model, rank, line, json_string_length(value), spare) : QUIRE_NOT_FOUND;
}

static enum quire_status bpe_load(const struct json_source *source, const json_t *value, struct word_model *model)
{
    const json_t *merges = json_object_get(value, "merges"), *merge;
    struct text spare = {0};
    enum quire_status status = QUIRE_OK;
    size_t i;

    model->unknown = unknown_id(value, model->vocabulary);
    model->unknown_fails = json_text(value, "unk_token", NULL) != NULL;
    model->fuse_unknown = json_bool(value, "fuse_unk", false);
    model->byte_fallback = json_bool(value, "byte_fallback", false);
    model->whole_words = json_bool(value, "ignore_merges", false);
    if (text_field_load(source, value, "continuing_subword_prefix", &model->prefix) != QUIRE_OK ||
        text_field_load(source, value, "end_of_word_suffix", &model->suffix) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    if (!json_is_array(merges) && !(json_is_object(merges) && json_object_size(merges) == 0))
        return json_bad(source, "model.merges is no list");
    json_array_foreach (merges, i, merge) {
        status = merge_load(merge, (uint32_t)i, model, &spare);
        if (status == QUIRE_NOT_FOUND)
            status = json_bad(source, "model.merges[%zu] is not a pair of pieces of model.vocab", i);
        if (status != QUIRE_OK)
            break;
    }
    text_deinit(&spare);
    return status == QUIRE_OK ? bpe_prepare(model) : status;
}

/* ---- WordPiece, WordLevel, Unigram ------------------------------------------------------------------------------- */

static enum quire_status wordpiece_load(const struct json_source *source, const json_t *value, struct word_model *model)
{
    uint64_t chars = 100;

    if (json_object_get(value, "max_input_chars_per_word") != NULL &&
        !json_whole(json_object_get(value, "max_input_chars_per_word"), UINT32_MAX, &chars))
        return json_bad(source, "model.max_input_chars_per_word is not a count");
    model->word_chars_max = (size_t)chars;
    model->unknown = unknown_id(value, model->vocabulary);
    if (json_object_get(value, "continuing_subword_prefix") == NULL && text_append(&model->prefix, "##", 2) != QUIRE_OK)
        return json_no_memory(source);
    wordpiece_prepare(model);
    return text_field_load(source, value, "continuing_subword_prefix", &model->prefix);
}

static enum quire_status wordlevel_load(const struct json_source *source, const json_t *value, struct word_model *model)
{
    (void)source;
    model->unknown = unknown_id(value, model->vocabulary);
    wordlevel_prepare(model);
    return QUIRE_OK;
}

/* [["spelling", score], ...]: the index is the id. Read backwards, because the last of equal spellings counts. */
static enum quire_status unigram_vocabulary_load(const struct json_source *source, const json_t *value,
                                                 struct vocabulary *out)
{
    const json_t *list = json_object_get(value, "vocab"), *entry;

    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > VOCABULARY_IDS_MAX)
        return json_bad(source, "model.vocab is no list, empty or too long");
    for (size_t i = json_array_size(list); i-- > 0;) {
        entry = json_array_get(list, i);
        const json_t *spelling = json_array_get(entry, 0), *score = json_array_get(entry, 1);
        if (json_array_size(entry) != 2 || !json_is_string(spelling) || !json_is_number(score))
            return json_bad(source, "model.vocab[%zu] is not a pair of a string and a number", i);
        if (vocabulary_add(out, (uint32_t)i, json_string_value(spelling), json_string_length(spelling), false) !=
            QUIRE_OK)
            return json_no_memory(source);
    }
    return QUIRE_OK;
}

/* The score as the reference reads it: serde_json without exact rounding makes an integer of all digits and divides it
 * by a power of ten, which may miss the nearest number by one place, and so decide between equal paths. The digits are
 * those of the shortest form, which is what files hold. */
static double score_read(double score)
{
    char text[32];
    int digits = 15, exponent = 0;
    uint64_t whole = 0;

    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, score);
    } while (strtod(text, NULL) != score && ++digits <= 17);
    const char *at = text + (text[0] == '-'), *end = strchr(at, 'e');
    if (end == NULL)
        return score; /* not finite */
    for (; at < end; at++) {
        if (*at == '.')
            continue;
        whole = whole * 10 + (uint64_t)(*at - '0');
        exponent--;
    }
    for (exponent += 1 + atoi(end + 1); whole != 0 && whole % 10 == 0; exponent++)
        whole /= 10;
    double scale = 1, size = (double)whole;
    if (abs(exponent) > 22) /* further than powers of ten are exact: no logarithm of a probability */
        return score;
    for (int i = abs(exponent); i > 0; i--)
        scale *= 10;
    size = exponent < 0 ? size / scale : size * scale;
    return text[0] == '-' ? -size : size;
}

static enum quire_status unigram_load(const struct json_source *source, const json_t *value, struct word_model *model)
{
    const json_t *list = json_object_get(value, "vocab"), *entry;
    uint64_t unknown;
    double *scores = malloc(model->vocabulary->id_count * sizeof *scores), lowest = INFINITY;
    size_t i;

    if (scores == NULL)
        return json_no_memory(source);
    for (i = 0; i < model->vocabulary->id_count; i++)
        scores[i] = 0.0; /* an added token: no piece */
    json_array_foreach (list, i, entry) {
        scores[i] = score_read(json_number_value(json_array_get(entry, 1)));
        lowest = scores[i] < lowest ? scores[i] : lowest;
    }
    if (json_is_real(json_object_get(value, "unk_id"))) {
        if (!json_whole(json_object_get(value, "unk_id"), json_array_size(list) - 1, &unknown)) {
            free(scores);
            return json_bad(source, "model.unk_id is not an id of the %zu in model.vocab", json_array_size(list));
        }
        model->unknown = (uint32_t)unknown;
    }
    model->byte_fallback = json_bool(value, "byte_fallback", false);
    enum quire_status status = unigram_prepare(model, scores, lowest);
    free(scores);
    return status == QUIRE_OK ? status : json_no_memory(source);
}

/* ---- which one --------------------------------------------------------------------------------------------------- */

struct model_row {
    const char *type, *field; /* `field` tells the kind in older files that name no type: this one, in this order */
    enum quire_status (*vocabulary)(const struct json_source *, const json_t *, struct vocabulary *);
    enum quire_status (*load)(const struct json_source *, const json_t *, struct word_model *);
};

static const struct model_row *row_of(const json_t *value)
{
    static const struct model_row rows[] = {
        {"BPE", "merges", vocabulary_load, bpe_load},
        {"WordPiece", "max_input_chars_per_word", vocabulary_load, wordpiece_load},
        {"WordLevel", "unk_token", vocabulary_load, wordlevel_load},
        {"Unigram", "vocab", unigram_vocabulary_load, unigram_load},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (json_is_kind(value, rows[i].type, rows[i].field))
            return &rows[i];
    return NULL;
}

enum quire_status json_vocabulary_load(const struct json_source *source, const json_t *value, struct vocabulary *out)
{
    const struct model_row *row = row_of(value);
    const char *type = json_text(value, "type", NULL);

    if (row == NULL)
        return type == NULL ? json_bad(source, "model has no \"type\", nor the fields of one that is known")
                            : json_bad(source, "model.type \"%s\" is not known", type);
    return row->vocabulary(source, value, out);
}

enum quire_status json_model_load(const struct json_source *source, const json_t *value, struct word_model *model)
{
    model->takes_reserved = true;
    return row_of(value)->load(source, value, model);
}
