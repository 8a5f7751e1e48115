/* SentencePiece's .model files. Thread: the loader's. Owner: tokenizer.
 * Format: sentencepiece_model.proto, read as Protocol Buffers' wire format; fields that say nothing here are skipped.
 */
#include "plain_files.h"
#include "sentencepiece.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

enum piece_type { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_USER_DEFINED, TYPE_UNUSED, TYPE_BYTE };
enum model_type { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

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
    size_t score_max;
    uint32_t piece_count;
    uint32_t bos, eos, pad;
    uint64_t type;
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
    void *scores = file->scores;

    if (array_grow(&scores, &file->score_max, file->piece_count, sizeof *file->scores) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    file->scores = scores;
    file->scores[id] = (double)score;
    if (vocabulary_add(&tokenizer->vocabulary, id, text, count, false) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    if (type == TYPE_UNKNOWN)
        tokenizer->model.unknown = id;
    if (type == TYPE_BYTE || type == TYPE_UNUSED)
        tokenizer->vocabulary.flags[id] |= PIECE_RESERVED;
    if (type != TYPE_CONTROL && type != TYPE_USER_DEFINED && type != TYPE_UNKNOWN)
        return QUIRE_OK;
    struct added_token token = {.id = id, .special = type != TYPE_USER_DEFINED};
    enum quire_status status = text_append(&token.content, text, count);
    if (status == QUIRE_OK)
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status;
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
    if (broken || text.bytes == NULL || text.count == 0 || utf8_valid_prefix(text.bytes, text.count) < text.count)
        return bad(file, "a piece is broken, empty or not valid UTF-8");
    if (file->piece_count == VOCABULARY_IDS_MAX)
        return bad(file, "too many pieces");
    return piece_add(file, text.bytes, text.count, score, type);
}

/* TrainerSpec {3: model type, 35: byte fallback, 41, 42, 43: ids of BOS, EOS and padding} */
static bool trainer_read(struct model_file *file, const struct field *message)
{
    struct field field;
    bool broken = false;

    for (size_t at = 0; field_next(message->bytes, message->count, &at, &field, &broken);) {
        if (field.number == 3)
            file->type = field.value;
        if (field.number == 35)
            file->options.byte_fallback = field.value != 0;
        if (field.number >= 41 && field.number <= 43) {
            uint32_t *id = field.number == 41 ? &file->bos : field.number == 42 ? &file->eos : &file->pad;
            *id = (uint32_t)field.value; /* -1: none */
        }
    }
    return !broken;
}

/* NormalizerSpec {2: character map, 3: dummy prefix, 4: remove extra white space} */
static bool normaliser_read(struct model_file *file, const struct field *message)
{
    struct field field;
    bool broken = false;

    for (size_t at = 0; field_next(message->bytes, message->count, &at, &field, &broken);) {
        if (field.number == 2 && field.bytes != NULL)
            file->options.charsmap = field.bytes, file->options.charsmap_bytes = field.count;
        if (field.number == 3)
            file->options.prefixed = field.value != 0;
        if (field.number == 4)
            file->options.collapses = field.value != 0;
    }
    return !broken;
}

static enum quire_status file_read(struct model_file *file, const struct text *bytes)
{
    struct field field;
    bool broken = false;

    for (size_t at = 0; field_next(bytes->bytes, bytes->count, &at, &field, &broken);) {
        enum quire_status status = QUIRE_OK;
        if (field.number <= 3 && field.bytes == NULL)
            return bad(file, "is not a SentencePiece model");
        if (field.number == 1)
            status = piece_read(file, &field);
        if ((field.number == 2 && !trainer_read(file, &field)) || (field.number == 3 && !normaliser_read(file, &field)))
            return bad(file, "the specification of its trainer or normalizer is broken");
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
    bool unigram = file->type == MODEL_UNIGRAM;
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

enum quire_status sentencepiece_file_load(struct tokenizer *tokenizer, const char *path, const struct text *bytes,
                                          struct quire_error *error)
{
    struct model_file file = {.path = path,
                              .tokenizer = tokenizer,
                              .error = error,
                              .bos = 1, /* the defaults of the specification */
                              .eos = 2,
                              .pad = TOKEN_NONE,
                              .type = MODEL_UNIGRAM,
                              .options = {.prefixed = true, .collapses = true, .native = true}};
    enum quire_status status = file_read(&file, bytes);

    if (status == QUIRE_OK && file.type != MODEL_UNIGRAM && file.type != MODEL_BPE)
        status = quire_fail(error, QUIRE_UNSUPPORTED, "%s: model type %llu is neither Unigram nor BPE", path,
                            (unsigned long long)file.type);
    if (status == QUIRE_OK)
        status = specials_set(&file);
    file.options.unigram = file.type == MODEL_UNIGRAM;
    file.options.scores = file.scores;
    if (status == QUIRE_OK)
        status = sentencepiece_apply(tokenizer, &file.options, error);
    free(file.scores);
    return status;
}
