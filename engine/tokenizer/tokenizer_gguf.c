/* The metadata of a GGUF file to a tokenizer. Thread: the loader's. Owner: tokenizer.
 * Keys: ggml/docs/gguf.md; what a file leaves open is as in llama.cpp. */
#include "gguf_source.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

enum quire_status gguf_source_bad(const struct gguf_source *source, const char *key, const char *sentence)
{
    return quire_fail(source->error, QUIRE_BAD_FILE, "%s: %s %s", gguf_path(source->file), key, sentence);
}

enum quire_status gguf_source_no_memory(const struct gguf_source *source)
{
    return quire_fail(source->error, QUIRE_NO_MEMORY, "no memory left while reading the tokenizer of %s",
                      gguf_path(source->file));
}

/* ---- single values; an absent key leaves the default ------------------------------------------------------------- */

enum quire_status gguf_flag_get(const struct gguf_source *source, const char *key, bool *out)
{
    return gguf_find(source->file, key) == NULL ? QUIRE_OK : gguf_get_bool(source->file, key, out, source->error);
}

/* An id below the number of tokens. */
static enum quire_status id_get(const struct gguf_source *source, const char *key, uint32_t *out)
{
    uint32_t id;

    if (gguf_find(source->file, key) == NULL)
        return QUIRE_OK;
    enum quire_status status = gguf_get_u32(source->file, key, &id, source->error);
    if (status != QUIRE_OK)
        return status;
    if (id == UINT32_MAX) /* some writers spell "none" as -1 */
        return QUIRE_OK;
    if (id >= source->tokens->count)
        return quire_fail(source->error, QUIRE_BAD_FILE, "%s: %s is %u, but there are %llu tokens",
                          gguf_path(source->file), key, id, (unsigned long long)source->tokens->count);
    *out = id;
    return QUIRE_OK;
}

/* ---- vocabulary -------------------------------------------------------------------------------------------------- */

int gguf_token_type(const struct gguf_source *source, uint32_t id)
{
    double type = source->types == NULL ? TYPE_NORMAL : gguf_number(source->types, id);

    return type >= TYPE_NORMAL && type <= TYPE_BYTE ? (int)type : TYPE_NORMAL; /* any number may stand there, or none */
}

/* The array under `key`, as long as the list of tokens; NULL where absent. */
static enum quire_status column_get(const struct gguf_source *source, const char *key, const struct gguf_value **out)
{
    if (gguf_find(source->file, key) == NULL)
        return QUIRE_OK;
    enum quire_status status = gguf_get_numbers(source->file, key, out, source->error);
    if (status != QUIRE_OK)
        return status;
    if ((*out)->count != source->tokens->count)
        return quire_fail(source->error, QUIRE_BAD_FILE, "%s: %s has %llu entries for %llu tokens",
                          gguf_path(source->file), key, (unsigned long long)(*out)->count,
                          (unsigned long long)source->tokens->count);
    return QUIRE_OK;
}

/* Appends the piece as its model's own vocabulary spells it. */
static enum quire_status piece_spell(const struct gguf_source *source, int type, struct gguf_string spelling,
                                     struct text *out)
{
    static const char mark[] = "\xE2\x96\x81"; /* U+2581 */
    size_t bytes = sizeof mark - 1;
    bool marked = source->marks_words && type != TYPE_CONTROL && type != TYPE_UNKNOWN;
    bool first = marked && spelling.bytes > bytes && memcmp(spelling.text, mark, bytes) == 0;

    if (marked && !first && text_append(out, "##", 2) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    return text_append(out, spelling.text + (first ? bytes : 0), spelling.bytes - (first ? bytes : 0));
}

/* The end of a turn in files that do not say it; the last one ends a message but no turn where there is another name
 * for that. */
static const char *const turn_ends[] = {"<|eot_id|>", "<|im_end|>",      "<end_of_turn>", "<turn|>",
                                        "<|eom_id|>", "<EOT>",           "[EOT]",         "<end_of_utterance>",
                                        "<|return|>", "<|end_of_text|>", "<|call|>",      "<|end|>"};
#define TURN_ENDS (sizeof turn_ends / sizeof turn_ends[0])

/* Older files hold the marks of turns as user-defined tokens, which any text may spell; llama.cpp, too, makes control
 * tokens of them. */
static bool marks_turn(struct gguf_string spelling)
{
    static const char start[] = "<start_of_turn>";
    bool found = spelling.bytes == sizeof start - 1 && memcmp(spelling.text, start, spelling.bytes) == 0;

    for (size_t i = 0; i < TURN_ENDS && !found; i++)
        found = spelling.bytes == strlen(turn_ends[i]) && memcmp(spelling.text, turn_ends[i], spelling.bytes) == 0;
    return found;
}

/* Control, unknown and user-defined tokens are looked for before anything else, as added tokens. */
static enum quire_status token_add(const struct gguf_source *source, uint32_t id, struct gguf_string spelling)
{
    struct tokenizer *tokenizer = source->tokenizer;
    int type = gguf_token_type(source, id);
    struct added_token token = {.id = id,
                                .special = type == TYPE_CONTROL || type == TYPE_UNKNOWN ||
                                           (type == TYPE_USER_DEFINED && marks_turn(spelling))};
    enum quire_status status = piece_spell(source, type, spelling, &token.content);

    if (status == QUIRE_OK)
        status = vocabulary_add(&tokenizer->vocabulary, id, token.content.bytes, token.content.count, false);
    if (status == QUIRE_OK && (type == TYPE_BYTE || type == TYPE_UNUSED))
        tokenizer->vocabulary.flags[id] |= PIECE_RESERVED; /* "<0x41>" as text is six characters, not a byte */
    if (status == QUIRE_OK && (token.special || type == TYPE_USER_DEFINED))
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status == QUIRE_OK ? QUIRE_OK : gguf_source_no_memory(source);
}

static enum quire_status vocabulary_load(struct gguf_source *source)
{
    struct gguf_string spelling;
    enum quire_status status = gguf_get_strings(source->file, KEY("tokens"), &source->tokens, source->error);

    if (status != QUIRE_OK)
        return status;
    if (source->tokens->count == 0 || source->tokens->count > VOCABULARY_IDS_MAX)
        return gguf_source_bad(source, KEY("tokens"), "is empty or too long");
    status = column_get(source, KEY("token_type"), &source->types);
    if (status == QUIRE_OK)
        status = column_get(source, KEY("scores"), &source->scores);
    struct gguf_cursor cursor = gguf_strings_begin(source->tokens);
    for (uint32_t id = 0; status == QUIRE_OK && gguf_strings_next(&cursor, &spelling); id++) {
        if (spelling.bytes == 0 || utf8_valid_prefix(spelling.text, spelling.bytes) < spelling.bytes)
            return quire_fail(source->error, QUIRE_BAD_FILE, "%s: " KEY("tokens") "[%u] is %s", gguf_path(source->file),
                              id, spelling.bytes == 0 ? "empty" : "not valid UTF-8");
        status = token_add(source, id, spelling);
    }
    return status;
}

/* ---- special tokens ---------------------------------------------------------------------------------------------- */

/* The id under `key` becomes special token `name`; `id` is where to keep it (may be NULL), holding the default. */
static enum quire_status special_load(const struct gguf_source *source, const char *key, const char *name, uint32_t *id)
{
    struct tokenizer *tokenizer = source->tokenizer;
    uint32_t found = id == NULL ? TOKEN_NONE : *id;
    enum quire_status status = id_get(source, key, &found);

    if (status != QUIRE_OK || found == TOKEN_NONE)
        return status;
    if (id != NULL)
        *id = found;
    const struct piece *piece = vocabulary_piece(&tokenizer->vocabulary, found);
    const char *text = vocabulary_spelling(&tokenizer->vocabulary, found);
    if (name_list_set(&tokenizer->specials, name, text, piece->bytes) != QUIRE_OK)
        return gguf_source_no_memory(source);
    if ((tokenizer->vocabulary.flags[found] & PIECE_SPECIAL) != 0)
        return QUIRE_OK;
    struct added_token token = {.id = found, .special = true};
    status = text_append(&token.content, text, piece->bytes);
    if (status == QUIRE_OK)
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status == QUIRE_OK ? QUIRE_OK : gguf_source_no_memory(source);
}

static enum quire_status eos_append(const struct gguf_source *source, uint32_t id)
{
    struct token_list *eos = &source->tokenizer->eos;

    for (size_t i = 0; i < eos->count; i++)
        if (eos->ids[i] == id)
            return QUIRE_OK;
    return id == TOKEN_NONE || token_list_append(eos, id) == QUIRE_OK ? QUIRE_OK : gguf_source_no_memory(source);
}

/* Files that name no end of turn mean one of those control tokens. */
static enum quire_status turn_ends_append(const struct gguf_source *source)
{
    const struct vocabulary *vocabulary = &source->tokenizer->vocabulary;
    bool messages = vocabulary_find(vocabulary, "<|return|>", 10) != TOKEN_NONE;

    for (size_t i = 0; i < TURN_ENDS - (messages ? 1 : 0); i++) {
        uint32_t id = vocabulary_find(vocabulary, turn_ends[i], strlen(turn_ends[i]));
        if (id != TOKEN_NONE && tokenizer_is_special(source->tokenizer, id) && eos_append(source, id) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

/* The token of type "unknown", or one that is spelled like it; unknown_token_id may still name another. */
static uint32_t unknown_find(const struct gguf_source *source)
{
    static const char *const names[] = {"<unk>", "[UNK]"};
    uint32_t found = TOKEN_NONE;

    for (uint32_t id = 0; source->types != NULL && id < source->tokens->count; id++)
        if (gguf_token_type(source, id) == TYPE_UNKNOWN)
            return id;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && found == TOKEN_NONE; i++)
        found = vocabulary_find(&source->tokenizer->vocabulary, names[i], strlen(names[i]));
    return found;
}

enum quire_status gguf_specials_load(const struct gguf_source *source, struct special_ids *ids)
{
    const struct {
        const char *key, *name;
        uint32_t *id;
    } rows[] = {
        {KEY("bos_token_id"), "bos_token", &ids->bos},
        {KEY("eos_token_id"), "eos_token", &ids->eos},
        {KEY("eot_token_id"), "eot_token", &ids->eot},
        {KEY("unknown_token_id"), "unk_token", &source->tokenizer->model.unknown},
        {KEY("padding_token_id"), "pad_token", NULL},
        {KEY("cls_token_id"), "cls_token", &ids->cls},
        {KEY("seperator_token_id"), "sep_token", &ids->sep}, /* spelled so in the specification */
        {KEY("separator_token_id"), "sep_token", &ids->sep},
        {KEY("mask_token_id"), "mask_token", NULL},
    };
    enum quire_status status = QUIRE_OK;

    source->tokenizer->model.unknown = unknown_find(source);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == QUIRE_OK; i++)
        status = special_load(source, rows[i].key, rows[i].name, rows[i].id);
    if (status == QUIRE_OK)
        status = eos_append(source, ids->eos);
    if (status == QUIRE_OK)
        status = ids->eot != TOKEN_NONE ? eos_append(source, ids->eot) : turn_ends_append(source);
    source->tokenizer->bos = ids->bos;
    return status;
}

/* tokenizer.chat_template, and tokenizer.chat_template.NAME. */
static enum quire_status templates_load(const struct gguf_source *source)
{
    static const char prefix[] = "tokenizer.chat_template";
    struct gguf_string text;

    for (size_t i = 0; i < gguf_value_count(source->file); i++) {
        const struct gguf_value *value = gguf_value_at(source->file, i);
        size_t bytes = value->key.bytes;
        char key[128];
        if (bytes >= sizeof key || bytes < sizeof prefix - 1 ||
            memcmp(value->key.text, prefix, sizeof prefix - 1) != 0 || value->type != GGUF_STRING)
            continue;
        memcpy(key, value->key.text, bytes);
        key[bytes] = '\0';
        const char *name = key[sizeof prefix - 1] == '.' ? key + sizeof prefix : "default";
        if (key[sizeof prefix - 1] != '.' && key[sizeof prefix - 1] != '\0')
            continue;
        enum quire_status status = gguf_get_string(source->file, key, &text, source->error);
        if (status != QUIRE_OK)
            return status;
        if (utf8_valid_prefix(text.text, text.bytes) < text.bytes || memchr(text.text, '\0', text.bytes) != NULL)
            return gguf_source_bad(source, key, "is not valid UTF-8 text");
        if (name_list_set(&source->tokenizer->templates, name, text.text, text.bytes) != QUIRE_OK)
            return gguf_source_no_memory(source);
    }
    return QUIRE_OK;
}

static enum quire_status model_load(struct gguf_source *source)
{
    struct gguf_string name;
    enum quire_status status = gguf_get_string(source->file, KEY("model"), &name, source->error);

    if (status == QUIRE_OK) {
        source->marks_words = gguf_string_equals(name, "bert");
        status = vocabulary_load(source);
    }
    if (status == QUIRE_OK)
        status = templates_load(source);
    return status == QUIRE_OK ? gguf_kind_load(source, name) : status;
}

enum quire_status tokenizer_load_gguf(struct tokenizer *tokenizer, const char *path, struct quire_error *error)
{
    struct gguf *file;
    enum quire_status status = gguf_open(path, &file, error);

    if (status != QUIRE_OK)
        return status;
    struct gguf_source source = {.file = file, .tokenizer = tokenizer, .error = error};
    status = model_load(&source);
    gguf_close(file);
    return status == QUIRE_OK ? tokenizer_complete(tokenizer, error) : status;
}
