/* SentencePiece's .model files. Thread: the loader's. Owner: tokenizer.
 * Format: sentencepiece_model.proto, read as Protocol Buffers' wire format; fields that say nothing here are skipped.
 */
#include "json_source.h"
#include "plain_files.h"
#include "sentencepiece.h"
#include "sentencepiece_text.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN " \xE2\x81\x87 " /* U+2047 between blanks */

enum piece_type { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_USER_DEFINED, TYPE_UNUSED, TYPE_BYTE };

/* One field of a message. */
struct field {
    uint32_t number;
    uint64_t value;    /* of a varint, or the bits of a fixed number */
    const char *bytes; /* of a length-delimited field: strings and messages; NULL for others */
    size_t count;
};

static bool varint_next(const char *bytes, size_t count, size_t *at, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < count; shift += 7) {
        unsigned char byte = (unsigned char)bytes[(*at)++];
        *out |= (uint64_t)(byte & 0x7Fu) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The next field of a message; false at its end or where it is broken (then *broken). */
static bool field_next(const char *bytes, size_t count, size_t *at, struct field *out, bool *broken)
{
    static const uint32_t widths[8] = {[1] = 8, [5] = 4};
    uint64_t tag;

    if (*at == count)
        return false;
    *broken = true;
    if (!varint_next(bytes, count, at, &tag))
        return false;
    *out = (struct field){.number = (uint32_t)(tag >> 3)};
    uint32_t width = widths[tag & 7];
    if ((tag & 7) == 0 && !varint_next(bytes, count, at, &out->value))
        return false;
    if ((tag & 7) == 2) {
        uint64_t length;
        if (!varint_next(bytes, count, at, &length) || length > count - *at)
            return false;
        out->bytes = bytes + *at;
        out->count = (size_t)length;
        *at += (size_t)length;
    } else if ((tag & 7) != 0) {
        if (width == 0 || width > count - *at)
            return false;
        for (uint32_t i = 0; i < width; i++)
            out->value |= (uint64_t)(unsigned char)bytes[*at + i] << 8 * i;
        *at += width;
    }
    *broken = false;
    return true;
}

/* ---- what the file says --------------------------------------------------------------------------------------------
 */

struct model_file {
    const char *path;
    struct tokenizer *tokenizer;
    struct quire_error *error;
    double *scores;
    unsigned char *types;
    size_t score_max, type_max;
    uint32_t piece_count;
    uint32_t bos, eos, pad;
    uint64_t kind;
    struct text unknown; /* what the unknown token is shown as */
    struct sentencepiece_text *rules;
    struct sentencepiece options;
};

static enum quire_status bad(const struct model_file *file, const char *sentence)
{
    return quire_fail(file->error, QUIRE_BAD_FILE, "%s: %s", file->path, sentence);
}

static enum quire_status piece_add(struct model_file *file, const char *text, size_t count, float score, uint64_t type)
{
    struct tokenizer *tokenizer = file->tokenizer;
    uint32_t id = file->piece_count++;
    void *scores = file->scores, *types = file->types;

    if (array_grow(&scores, &file->score_max, file->piece_count, sizeof *file->scores) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    file->scores = scores;
    if (array_grow(&types, &file->type_max, file->piece_count, sizeof *file->types) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    file->types = types;
    file->scores[id] = (double)score;
    file->types[id] = (unsigned char)type;
    if (vocabulary_add(&tokenizer->vocabulary, id, text, count, false) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    if (type == TYPE_UNKNOWN)
        tokenizer->model.unknown = id;
    if (type == TYPE_BYTE || type == TYPE_UNUSED)
        tokenizer->vocabulary.flags[id] |= PIECE_RESERVED;
    return type == TYPE_USER_DEFINED ? sentencepiece_symbol_add(file->rules, text, count) : QUIRE_OK;
}

/* SentencePiece {1: piece, 2: score, 3: type} */
static enum quire_status piece_read(struct model_file *file, const struct field *message)
{
    struct field field, text = {.bytes = NULL};
    uint64_t type = TYPE_NORMAL;
    float score = 0;
    bool broken = false;

    for (size_t at = 0; field_next(message->bytes, message->count, &at, &field, &broken);) {
        if (field.number == 1)
            text = field;
        if (field.number == 2) {
            uint32_t bits = (uint32_t)field.value;
            memcpy(&score, &bits, sizeof score);
        }
        if (field.number == 3)
            type = field.value;
    }
    if (type < TYPE_NORMAL || type > TYPE_BYTE)
        return bad(file, "a piece has a type that is not known");
    if (broken || text.bytes == NULL || text.count == 0 || utf8_valid_prefix(text.bytes, text.count) < text.count)
        return bad(file, "a piece is broken, empty or not valid UTF-8");
    if (file->piece_count == VOCABULARY_IDS_MAX)
        return bad(file, "too many pieces");
    return piece_add(file, text.bytes, text.count, score, type);
}

/* TrainerSpec {3: model type, 24: white space as suffix, 35: byte fallback, 41, 42, 43: ids of BOS, EOS and padding,
 * 44: the unknown token's text} */
static enum quire_status trainer_read(struct model_file *file, const struct field *message)
{
    struct field field;
    bool broken = false;

    for (size_t at = 0; field_next(message->bytes, message->count, &at, &field, &broken);) {
        if (field.number == 3)
            file->kind = field.value;
        if (field.number == 24)
            file->rules->suffixed = field.value != 0;
        if (field.number == 35)
            file->options.byte_fallback = field.value != 0;
        if (field.number >= 41 && field.number <= 43) {
            uint32_t *id = field.number == 41 ? &file->bos : field.number == 42 ? &file->eos : &file->pad;
            *id = (uint32_t)field.value; /* -1: none */
        }
        if (field.number == 44 && field.bytes != NULL) {
            file->unknown.count = 0;
            if (text_append(&file->unknown, field.bytes, field.count) != QUIRE_OK)
                return QUIRE_NO_MEMORY;
        }
    }
    return broken ? bad(file, "the specification of its trainer is broken") : QUIRE_OK;
}

/* NormalizerSpec {2: character map, 3: dummy prefix, 4: remove extra white space, 5: escape white space} */
static enum quire_status normaliser_read(struct model_file *file, const struct field *message)
{
    struct field field, map = {.bytes = NULL};
    bool broken = false;

    for (size_t at = 0; field_next(message->bytes, message->count, &at, &field, &broken);) {
        if (field.number == 2 && field.bytes != NULL)
            map = field;
        if (field.number == 3)
            file->rules->prefixed = field.value != 0;
        if (field.number == 4)
            file->rules->collapses = field.value != 0;
        if (field.number == 5)
            file->rules->plain_blanks = field.value == 0;
    }
    file->rules->charsmap.count = 0;
    return broken ? bad(file, "the specification of its normalizer is broken")
                  : text_append(&file->rules->charsmap, map.bytes, map.count);
}

/* Whether a NormalizerSpec has a character map. */
static bool has_map(const struct field *message)
{
    struct field field = {.bytes = NULL};
    bool broken = false, found = false;

    for (size_t at = 0; message->bytes != NULL && field_next(message->bytes, message->count, &at, &field, &broken);)
        found = found || (field.number == 2 && field.count > 0);
    return found;
}

static enum quire_status file_read(struct model_file *file, const struct text *bytes)
{
    static enum quire_status (*const reads[])(struct model_file *,
                                              const struct field *) = {piece_read, trainer_read, normaliser_read};
    struct field field;
    bool broken = false;

    for (size_t at = 0; field_next(bytes->bytes, bytes->count, &at, &field, &broken);) {
        enum quire_status status = QUIRE_OK;
        if (field.number <= 3 && field.bytes == NULL)
            return bad(file, "is not a SentencePiece model");
        if (field.number >= 1 && field.number <= 3)
            status = reads[field.number - 1](file, &field);
        if (field.number == 5 && has_map(&field))
            status = quire_fail(file->error, QUIRE_UNSUPPORTED, "%s: text is mapped once more after decoding "
                                "(denormalizer_spec), which is not supported", file->path);
        if (status != QUIRE_OK)
            return status;
    }
    return broken || file->piece_count == 0 ? bad(file, "is not a SentencePiece model, or is cut short") : QUIRE_OK;
}

/* ---- special tokens ------------------------------------------------------------------------------------------------
 */

static enum quire_status name_set(const struct model_file *file, const char *name, uint32_t id)
{
    const char *text = vocabulary_spelling(&file->tokenizer->vocabulary, id);

    return text == NULL ? QUIRE_OK : name_list_set(&file->tokenizer->specials, name, text, strlen(text));
}

/* BPE models put BOS before a text, Unigram models EOS behind it, as LLaMA and T5 do; a configuration beside the file
 * may say otherwise. */
static enum quire_status specials_set(struct model_file *file)
{
    struct tokenizer *tokenizer = file->tokenizer;
    bool unigram = file->kind == SENTENCEPIECE_UNIGRAM;
    enum quire_status status = name_set(file, "bos_token", file->bos);

    if (status == QUIRE_OK)
        status = name_set(file, "eos_token", file->eos);
    if (status == QUIRE_OK)
        status = name_set(file, "pad_token", file->pad);
    if (status == QUIRE_OK)
        status = name_set(file, "unk_token", tokenizer->model.unknown);
    tokenizer->bos = vocabulary_piece(&tokenizer->vocabulary, file->bos) == NULL ? TOKEN_NONE : file->bos;
    bool has_eos = vocabulary_piece(&tokenizer->vocabulary, file->eos) != NULL;
    return status != QUIRE_OK ? status
           : unigram          ? tokenizer_set_frame(tokenizer, TOKEN_NONE, has_eos ? file->eos : TOKEN_NONE)
                              : tokenizer_set_frame(tokenizer, tokenizer->bos, TOKEN_NONE);
}

/* What the types of the pieces mean for text. A user-defined symbol is cut out of it; in a Unigram model a score better
 * than any, and the better the longer it is, does that. */
static enum quire_status types_apply(struct model_file *file)
{
    const struct vocabulary *vocabulary = &file->tokenizer->vocabulary;
    enum quire_status status = QUIRE_OK;

    file->options.lowest = INFINITY;
    for (uint32_t id = 0; status == QUIRE_OK && id < file->piece_count; id++) {
        double score = file->scores[id];
        bool symbol = file->types[id] == TYPE_USER_DEFINED;
        bool special = file->types[id] == TYPE_CONTROL || file->types[id] == TYPE_UNKNOWN;
        struct added_token token = {.id = id, .special = special, .normalized = symbol, .exact = symbol};
        if (file->types[id] == TYPE_NORMAL)
            file->options.lowest = score < file->options.lowest ? score : file->options.lowest;
        if (symbol && file->kind == SENTENCEPIECE_UNIGRAM)
            file->scores[id] = (double)(float)(vocabulary_piece(vocabulary, id)->bytes * 0.1 - 0.1);
        if (special || (symbol && (file->kind == SENTENCEPIECE_BPE || file->kind == SENTENCEPIECE_CHAR))) {
            status = text_append(&token.content, vocabulary_spelling(vocabulary, id),
                                 vocabulary_piece(vocabulary, id)->bytes);
            if (status == QUIRE_OK)
                status = tokenizer_add(file->tokenizer, &token);
            text_deinit(&token.content);
        }
    }
    return status;
}

/* Classes whose ids are not those of the model file. */
static enum quire_status class_check(const char *folder, const json_t *config, struct quire_error *error)
{
    static const char *const shifted[] = {"XLMRoberta", "MBart", "Camembert", "Nllb", "Barthez", "XGLM", "M2M100",
                                          "Pegasus", "BigBirdPegasus", "Speech2Text", "Marian", "LayoutXLM", "PLBart",
                                          "SeamlessM4T", "Bartpho", "Cpm", "MLuke", "DebertaV2"};
    const char *class = json_text(config, "tokenizer_class", NULL);

    for (size_t i = 0; class != NULL && i < sizeof shifted / sizeof shifted[0]; i++)
        if (strncmp(class, shifted[i], strlen(shifted[i])) == 0)
            return quire_fail(error, QUIRE_UNSUPPORTED,
                              "%s/tokenizer_config.json: tokenizer_class \"%s\" numbers its pieces anew; it needs a "
                              "tokenizer.json", folder, class);
    return QUIRE_OK;
}

/* What transformers' LLaMA tokenizer may be told about blanks. */
static void options_apply(struct sentencepiece_text *rules, const json_t *config)
{
    rules->first_only = !json_bool(config, "legacy", true);
    if (json_is_boolean(json_object_get(config, "add_prefix_space")))
        rules->prefixed = json_bool(config, "add_prefix_space", true);
}

static enum quire_status file_apply(struct model_file *file, const json_t *config)
{
    enum quire_status status = text_append(&file->unknown, "", 1);

    if (status == QUIRE_OK && (file->kind < SENTENCEPIECE_UNIGRAM || file->kind > SENTENCEPIECE_CHAR))
        status = quire_fail(file->error, QUIRE_UNSUPPORTED, "%s: model type %llu is not known", file->path,
                            (unsigned long long)file->kind);
    if (status == QUIRE_OK)
        status = types_apply(file);
    if (status == QUIRE_OK)
        status = specials_set(file);
    if (status != QUIRE_OK)
        return status;
    sentencepiece_symbols_sort(file->rules);
    options_apply(file->rules, config);
    file->options.kind = (enum sentencepiece_kind)file->kind;
    file->options.scores = file->scores;
    file->options.unknown = file->unknown.bytes;
    file->options.native = file->rules;
    file->rules = NULL;
    return sentencepiece_apply(file->tokenizer, &file->options, file->error);
}

enum quire_status sentencepiece_file_load(struct tokenizer *tokenizer, const char *path, const char *folder,
                                          const struct text *bytes, struct quire_error *error)
{
    struct model_file file = {.path = path, /* the rest: defaults of the specification */
                              .tokenizer = tokenizer,
                              .error = error,
                              .rules = calloc(1, sizeof *file.rules),
                              .bos = 1,
                              .eos = 2,
                              .pad = TOKEN_NONE,
                              .kind = SENTENCEPIECE_UNIGRAM};
    enum quire_status status = QUIRE_NO_MEMORY;
    json_t *config = NULL;

    if (file.rules == NULL || text_append(&file.unknown, UNKNOWN, sizeof UNKNOWN - 1) != QUIRE_OK)
        goto done;
    file.rules->prefixed = file.rules->collapses = true;
    if (folder != NULL && folder_json_load(folder, "tokenizer_config.json", false, &config, error) != QUIRE_OK)
        status = QUIRE_BAD_FILE;
    else
        status = class_check(folder, config, error);
    if (status == QUIRE_OK)
        status = file_read(&file, bytes);
    if (status == QUIRE_OK)
        status = file_apply(&file, config);
    if (status == QUIRE_OK && folder != NULL)
        status = legacy_added_load(tokenizer, folder, config, error);
    if (status == QUIRE_OK && folder != NULL)
        status = specials_load(tokenizer, folder, error);
done:
    json_decref(config);
    sentencepiece_text_destroy(file.rules);
    text_deinit(&file.unknown);
    free(file.scores);
    free(file.types);
    return status;
}
