/* The metadata of a GGUF file to a tokenizer. Thread: the loader's. Owner: tokenizer.
 * Keys: ggml/docs/gguf.md; what a file leaves open is as in llama.cpp. */
#include "gguf.h"

#include "charsmap.h"
#include "pre_patterns.h"
#include "quote.h"
#include "state.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name
#define METASPACE "\xE2\x96\x81" /* U+2581 */

enum token_type { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_USER_DEFINED, TYPE_UNUSED, TYPE_BYTE };

/* One load in progress. */
struct source {
    const struct gguf *file;
    struct tokenizer *tokenizer;
    struct quire_error *error;
    const struct gguf_value *tokens, *types, *scores; /* types and scores may be NULL */
};

static enum quire_status bad(const struct source *source, const char *key, const char *sentence)
{
    return quire_fail(source->error, QUIRE_BAD_FILE, "%s: %s %s", gguf_path(source->file), key, sentence);
}

static enum quire_status no_memory(const struct source *source)
{
    return quire_fail(source->error, QUIRE_NO_MEMORY, "no memory left while reading the tokenizer of %s",
                      gguf_path(source->file));
}

/* ---- single values; an absent key leaves the default -------------------------------------------------------------------- */

static enum quire_status flag_get(const struct source *source, const char *key, bool *out)
{
    return gguf_find(source->file, key) == NULL ? QUIRE_OK : gguf_get_bool(source->file, key, out, source->error);
}

/* An id below the number of tokens. */
static enum quire_status id_get(const struct source *source, const char *key, uint32_t *out)
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

/* ---- vocabulary ---------------------------------------------------------------------------------------------------------- */

static int token_type(const struct source *source, uint32_t id)
{
    return source->types == NULL ? TYPE_NORMAL : (int)gguf_number(source->types, id);
}

/* The array under `key`, as long as the list of tokens; NULL where absent. */
static enum quire_status column_get(const struct source *source, const char *key, const struct gguf_value **out)
{
    if (gguf_find(source->file, key) == NULL)
        return QUIRE_OK;
    enum quire_status status = gguf_get_numbers(source->file, key, out, source->error);
    if (status != QUIRE_OK)
        return status;
    if ((*out)->count != source->tokens->count)
        return quire_fail(source->error, QUIRE_BAD_FILE, "%s: %s has %llu entries for %llu tokens", gguf_path(source->file),
                          key, (unsigned long long)(*out)->count, (unsigned long long)source->tokens->count);
    return QUIRE_OK;
}

/* Control, unknown and user-defined tokens are looked for before anything else, as added tokens. */
static enum quire_status token_add(const struct source *source, uint32_t id, struct gguf_string spelling)
{
    struct tokenizer *tokenizer = source->tokenizer;
    int type = token_type(source, id);
    struct added_token token = {.id = id, .special = type == TYPE_CONTROL || type == TYPE_UNKNOWN};

    if (vocabulary_add(&tokenizer->vocabulary, id, spelling.text, spelling.bytes, false) != QUIRE_OK)
        return no_memory(source);
    if (type == TYPE_BYTE)
        tokenizer->vocabulary.flags[id] |= PIECE_RESERVED; /* "<0x41>" as text is six characters, not a byte */
    if (!token.special && type != TYPE_USER_DEFINED)
        return QUIRE_OK;
    enum quire_status status = text_append(&token.content, spelling.text, spelling.bytes);
    if (status == QUIRE_OK)
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status == QUIRE_OK ? QUIRE_OK : no_memory(source);
}

static enum quire_status vocabulary_load(struct source *source)
{
    struct gguf_string spelling;
    enum quire_status status = gguf_get_strings(source->file, KEY("tokens"), &source->tokens, source->error);

    if (status != QUIRE_OK)
        return status;
    if (source->tokens->count == 0 || source->tokens->count > VOCABULARY_IDS_MAX)
        return bad(source, KEY("tokens"), "is empty or too long");
    status = column_get(source, KEY("token_type"), &source->types);
    if (status == QUIRE_OK)
        status = column_get(source, KEY("scores"), &source->scores);
    struct gguf_cursor cursor = gguf_strings_begin(source->tokens);
    for (uint32_t id = 0; status == QUIRE_OK && gguf_strings_next(&cursor, &spelling); id++) {
        if (spelling.bytes == 0 || utf8_valid_prefix(spelling.text, spelling.bytes) < spelling.bytes)
            return quire_fail(source->error, QUIRE_BAD_FILE, "%s: " KEY("tokens") "[%u] is %s", gguf_path(source->file), id,
                              spelling.bytes == 0 ? "empty" : "not valid UTF-8");
        status = token_add(source, id, spelling);
    }
    return status;
}

/* ---- special tokens ------------------------------------------------------------------------------------------------------ */

/* The id under `key` becomes special token `name`; `id` is where to keep it (may be NULL), holding the default. */
static enum quire_status special_load(const struct source *source, const char *key, const char *name, uint32_t *id)
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
        return no_memory(source);
    if ((tokenizer->vocabulary.flags[found] & PIECE_SPECIAL) != 0)
        return QUIRE_OK;
    struct added_token token = {.id = found, .special = true};
    status = text_append(&token.content, text, piece->bytes);
    if (status == QUIRE_OK)
        status = tokenizer_add(tokenizer, &token);
    text_deinit(&token.content);
    return status == QUIRE_OK ? QUIRE_OK : no_memory(source);
}

static enum quire_status eos_append(const struct source *source, uint32_t id)
{
    struct token_list *eos = &source->tokenizer->eos;

    for (size_t i = 0; i < eos->count; i++)
        if (eos->ids[i] == id)
            return QUIRE_OK;
    return id == TOKEN_NONE || token_list_append(eos, id) == QUIRE_OK ? QUIRE_OK : no_memory(source);
}

/* Files that name no end of turn mean one of these control tokens. */
static enum quire_status turn_ends_append(const struct source *source)
{
    static const char *const names[] = {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|eom_id|>",
                                        "<EOT>", "<|end_of_text|>"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t id = vocabulary_find(&source->tokenizer->vocabulary, names[i], strlen(names[i]));
        if (id != TOKEN_NONE && tokenizer_is_special(source->tokenizer, id) && eos_append(source, id) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}

struct special_ids {
    uint32_t bos, eos, eot, cls, sep;
};

static enum quire_status specials_load(const struct source *source, struct special_ids *ids)
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

    for (uint32_t id = 0; source->types != NULL && id < source->tokens->count; id++)
        if (token_type(source, id) == TYPE_UNKNOWN && source->tokenizer->model.unknown == TOKEN_NONE)
            source->tokenizer->model.unknown = id;
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
static enum quire_status templates_load(const struct source *source)
{
    static const char prefix[] = "tokenizer.chat_template";
    struct gguf_string text;

    for (size_t i = 0; i < gguf_value_count(source->file); i++) {
        const struct gguf_value *value = gguf_value_at(source->file, i);
        size_t bytes = value->key.bytes;
        char key[128];
        if (bytes >= sizeof key || bytes < sizeof prefix - 1 || memcmp(value->key.text, prefix, sizeof prefix - 1) != 0 ||
            value->type != GGUF_STRING)
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
            return bad(source, key, "is not valid UTF-8 text");
        if (name_list_set(&source->tokenizer->templates, name, text.text, text.bytes) != QUIRE_OK)
            return no_memory(source);
    }
    return QUIRE_OK;
}

/* ---- steps shared by the kinds -------------------------------------------------------------------------------------------- */

static enum quire_status normaliser_add(const struct source *source, enum normalise_kind kind, unsigned flags,
                                        const char *pattern, const char *content)
{
    struct normaliser *step = normaliser_list_add(&source->tokenizer->normalisers, kind);

    if (step == NULL || text_append(&step->content, content, strlen(content)) != QUIRE_OK)
        return no_memory(source);
    step->flags = flags;
    return pattern == NULL ? QUIRE_OK : pattern_compile(pattern, strlen(pattern), &step->pattern, source->error);
}

static enum quire_status expression_add(const struct source *source, const char *expression)
{
    struct splitter *step = splitter_list_add(&source->tokenizer->splitters, SPLIT_PATTERN);

    return step == NULL ? no_memory(source)
                        : pattern_compile(expression, strlen(expression), &step->pattern, source->error);
}

static enum quire_status chars_add(const struct source *source, enum char_set chars, enum split_behaviour behaviour)
{
    struct splitter *step = splitter_list_add(&source->tokenizer->splitters, SPLIT_CHARS);

    if (step == NULL)
        return no_memory(source);
    step->chars = chars;
    step->behaviour = behaviour;
    return QUIRE_OK;
}

/* SentencePiece's text: U+2581 is a blank; one blank was put before the text, if `prefixed`. */
static enum quire_status blanks_decode(const struct source *source, bool prefixed)
{
    static const enum decode_kind kinds[] = {DECODE_REPLACE, DECODE_BYTE_FALLBACK, DECODE_FUSE, DECODE_STRIP};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] - (prefixed ? 0 : 1); i++) {
        struct decode_step *step = decoder_add(&source->tokenizer->decoder, kinds[i]);
        if (step == NULL || text_append(&step->content, " ", 1) != QUIRE_OK)
            return no_memory(source);
        step->left = 1;
        if (kinds[i] == DECODE_REPLACE && pattern_literal(METASPACE, sizeof METASPACE - 1, &step->pattern) != QUIRE_OK)
            return no_memory(source);
    }
    return QUIRE_OK;
}

/* What stands before and behind the ids, from add_bos_token and add_eos_token or the kind's defaults. */
static enum quire_status around_load(const struct source *source, bool add_bos, bool add_eos, uint32_t bos, uint32_t eos)
{
    struct tokenizer *tokenizer = source->tokenizer;
    enum quire_status status = flag_get(source, KEY("add_bos_token"), &add_bos);

    if (status == QUIRE_OK)
        status = flag_get(source, KEY("add_eos_token"), &add_eos);
    if (status == QUIRE_OK && add_bos && bos != TOKEN_NONE)
        status = token_list_append(&tokenizer->before, bos);
    if (status == QUIRE_OK && add_eos && eos != TOKEN_NONE)
        status = token_list_append(&tokenizer->after, eos);
    return status;
}

/* ---- kinds ---------------------------------------------------------------------------------------------------------------- */

/* "llama": SentencePiece BPE, merged by score. */
static enum quire_status load_sentencepiece(const struct source *source)
{
    struct tokenizer *tokenizer = source->tokenizer;
    struct special_ids ids = {.bos = TOKEN_NONE, .eos = TOKEN_NONE, .eot = TOKEN_NONE, .cls = TOKEN_NONE, .sep = TOKEN_NONE};
    bool prefixed = true;

    if (source->scores == NULL)
        return bad(source, KEY("scores"), "is missing; a \"llama\" vocabulary is merged by its scores");
    if (source->tokens->count > 2 && token_type(source, 1) == TYPE_CONTROL && token_type(source, 2) == TYPE_CONTROL)
        ids.bos = 1, ids.eos = 2; /* SentencePiece's own, where the file is silent */
    enum quire_status status = flag_get(source, KEY("add_space_prefix"), &prefixed);
    if (status == QUIRE_OK)
        status = specials_load(source, &ids);
    if (status == QUIRE_OK)
        status = around_load(source, true, false, ids.bos, ids.eos);
    if (status == QUIRE_OK && prefixed)
        status = normaliser_add(source, NORMALISE_PREPEND, 0, NULL, METASPACE);
    if (status == QUIRE_OK)
        status = normaliser_add(source, NORMALISE_REPLACE, 0, " ", METASPACE);
    if (status == QUIRE_OK)
        status = blanks_decode(source, prefixed);
    if (status != QUIRE_OK)
        return status;
    tokenizer->model.scores = malloc((size_t)source->tokens->count * sizeof *tokenizer->model.scores);
    if (tokenizer->model.scores == NULL)
        return no_memory(source);
    for (uint32_t id = 0; id < source->tokens->count; id++)
        tokenizer->model.scores[id] = (float)gguf_number(source->scores, id);
    tokenizer->model.fuse_unknown = tokenizer->model.byte_fallback = true;
    return bpe_prepare(&tokenizer->model);
}

static enum quire_status merges_load(const struct source *source)
{
    const struct gguf_value *merges;
    struct gguf_string line;
    struct text spare = {0};
    enum quire_status status = gguf_get_strings(source->file, KEY("merges"), &merges, source->error);

    if (status != QUIRE_OK)
        return status;
    struct gguf_cursor cursor = gguf_strings_begin(merges);
    for (uint32_t i = 0; status == QUIRE_OK && gguf_strings_next(&cursor, &line); i++) {
        status = merge_add_line(&source->tokenizer->model, i, line.text, line.bytes, &spare);
        if (status == QUIRE_NOT_FOUND) {
            struct quote quote;
            status = quire_fail(source->error, QUIRE_BAD_FILE,
                                "%s: " KEY("merges") "[%u] \"%s\" is not a pair of pieces of the vocabulary",
                                gguf_path(source->file), i, quote_name(&quote, line.text, line.bytes));
        }
    }
    text_deinit(&spare);
    return status;
}

/* "gpt2": byte-level BPE with the expressions that tokenizer.ggml.pre names. */
static enum quire_status load_byte_level(const struct source *source)
{
    struct tokenizer *tokenizer = source->tokenizer;
    struct special_ids ids = {.bos = TOKEN_NONE, .eos = TOKEN_NONE, .eot = TOKEN_NONE, .cls = TOKEN_NONE, .sep = TOKEN_NONE};
    struct gguf_string name = {"default", 7};
    struct quote quote;
    enum quire_status status = QUIRE_OK;

    if (gguf_find(source->file, KEY("pre")) != NULL)
        status = gguf_get_string(source->file, KEY("pre"), &name, source->error);
    if (status != QUIRE_OK)
        return status;
    const struct pre_row *row = pre_find(quote_name(&quote, name.text, name.bytes));
    if (row == NULL)
        return quire_fail(source->error, QUIRE_UNSUPPORTED, "%s: " KEY("pre") " \"%s\" is not known", gguf_path(source->file),
                          quote.text);
    status = specials_load(source, &ids);
    if (status == QUIRE_OK)
        status = around_load(source, row->add_bos, false, ids.bos, ids.eos);
    if (status == QUIRE_OK && row->compose)
        status = normaliser_add(source, NORMALISE_COMPOSE, NORMALISE_COMPOSED, NULL, "");
    for (size_t i = 0; status == QUIRE_OK && row->expressions[i] != NULL; i++)
        status = expression_add(source, row->expressions[i]);
    if (status == QUIRE_OK && (splitter_list_add(&tokenizer->splitters, SPLIT_BYTES) == NULL ||
                               decoder_add(&tokenizer->decoder, DECODE_BYTE_LEVEL) == NULL))
        status = no_memory(source);
    if (status == QUIRE_OK)
        status = merges_load(source);
    tokenizer->model.whole_words = row->whole_words;
    return status == QUIRE_OK ? bpe_prepare(&tokenizer->model) : status;
}

/* "bert": WordPiece whose first pieces carry U+2581 where BERT's own vocabulary marks the others with "##". */
static enum quire_status load_wordpiece(const struct source *source)
{
    static const struct {
        enum normalise_kind kind;
    } steps[] = {{NORMALISE_CLEAN}, {NORMALISE_SPACE_HAN}, {NORMALISE_COMPOSE}, {NORMALISE_STRIP_MARKS}, {NORMALISE_LOWERCASE}};
    struct word_model *model = &source->tokenizer->model;
    struct special_ids ids = {.bos = TOKEN_NONE, .eos = TOKEN_NONE, .eot = TOKEN_NONE, .cls = TOKEN_NONE, .sep = TOKEN_NONE};
    enum quire_status status = specials_load(source, &ids);

    if (status == QUIRE_OK)
        status = around_load(source, true, true, ids.cls != TOKEN_NONE ? ids.cls : ids.bos,
                             ids.sep != TOKEN_NONE ? ids.sep : ids.eos);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == QUIRE_OK; i++)
        status = normaliser_add(source, steps[i].kind, 0, NULL, "");
    if (status == QUIRE_OK)
        status = chars_add(source, CHARS_SPACE, SPLIT_REMOVED);
    if (status == QUIRE_OK)
        status = chars_add(source, CHARS_PUNCTUATION, SPLIT_ISOLATED);
    if (status == QUIRE_OK)
        status = blanks_decode(source, true);
    if (status == QUIRE_OK && text_append(&model->first, METASPACE, sizeof METASPACE - 1) != QUIRE_OK)
        status = no_memory(source);
    model->word_chars_max = 100;
    if (status == QUIRE_OK)
        wordpiece_prepare(model);
    return status;
}

/* "t5": Unigram. */
static enum quire_status unigram_normalisers_load(const struct source *source, bool prefixed)
{
    const struct gguf_value *map = gguf_find(source->file, KEY("precompiled_charsmap"));
    struct normaliser *step;
    bool collapses = true;
    enum quire_status status = flag_get(source, KEY("remove_extra_whitespaces"), &collapses);

    if (status == QUIRE_OK && map != NULL && map->type == GGUF_ARRAY && map->count > 0) {
        if (map->element_type != GGUF_U8 && map->element_type != GGUF_I8)
            return bad(source, KEY("precompiled_charsmap"), "is no list of bytes");
        step = normaliser_list_add(&source->tokenizer->normalisers, NORMALISE_CHARSMAP);
        if (step == NULL || text_append(&step->content, (const char *)map->data, (size_t)map->count) != QUIRE_OK)
            return no_memory(source);
        status = charsmap_check(&step->content, source->error);
    }
    if (status == QUIRE_OK && collapses)
        status = normaliser_add(source, NORMALISE_STRIP, NORMALISE_LEFT | NORMALISE_RIGHT, NULL, "");
    if (status == QUIRE_OK && collapses)
        status = normaliser_add(source, NORMALISE_REPLACE, 0, " {2,}", " ");
    if (status == QUIRE_OK && prefixed)
        status = normaliser_add(source, NORMALISE_PREPEND, 0, NULL, METASPACE);
    return status == QUIRE_OK ? normaliser_add(source, NORMALISE_REPLACE, 0, " ", METASPACE) : status;
}

static enum quire_status load_unigram(const struct source *source)
{
    struct special_ids ids = {.bos = TOKEN_NONE, .eos = TOKEN_NONE, .eot = TOKEN_NONE, .cls = TOKEN_NONE, .sep = TOKEN_NONE};
    bool prefixed = true;

    if (source->scores == NULL)
        return bad(source, KEY("scores"), "is missing");
    enum quire_status status = flag_get(source, KEY("add_space_prefix"), &prefixed);
    if (status == QUIRE_OK)
        status = specials_load(source, &ids);
    if (status == QUIRE_OK)
        status = around_load(source, false, true, ids.bos, ids.eos);
    if (status == QUIRE_OK)
        status = unigram_normalisers_load(source, prefixed);
    if (status == QUIRE_OK)
        status = blanks_decode(source, prefixed);
    if (status != QUIRE_OK)
        return status;
    double *scores = malloc((size_t)source->tokens->count * sizeof *scores);
    if (scores == NULL)
        return no_memory(source);
    for (uint32_t id = 0; id < source->tokens->count; id++)
        scores[id] = gguf_number(source->scores, id);
    status = unigram_prepare(&source->tokenizer->model, scores);
    free(scores);
    return status == QUIRE_OK ? QUIRE_OK : no_memory(source);
}

static enum quire_status model_load(struct source *source)
{
    static const struct {
        const char *name;
        enum quire_status (*load)(const struct source *source);
    } rows[] = {{"llama", load_sentencepiece}, {"gpt2", load_byte_level}, {"bert", load_wordpiece}, {"t5", load_unigram}};
    struct gguf_string name;
    struct quote quote;
    enum quire_status status = gguf_get_string(source->file, KEY("model"), &name, source->error);

    if (status == QUIRE_OK)
        status = vocabulary_load(source);
    if (status == QUIRE_OK)
        status = templates_load(source);
    for (size_t i = 0; status == QUIRE_OK && i < sizeof rows / sizeof rows[0]; i++)
        if (gguf_string_equals(name, rows[i].name))
            return rows[i].load(source);
    return status != QUIRE_OK ? status
                              : quire_fail(source->error, QUIRE_UNSUPPORTED, "%s: " KEY("model") " \"%s\" is not known",
                                           gguf_path(source->file), quote_name(&quote, name.text, name.bytes));
}

enum quire_status tokenizer_load_gguf(struct tokenizer *tokenizer, const char *path, struct quire_error *error)
{
    struct gguf *file;
    enum quire_status status = gguf_open(path, &file, error);

    if (status != QUIRE_OK)
        return status;
    struct source source = {.file = file, .tokenizer = tokenizer, .error = error};
    status = model_load(&source);
    gguf_close(file);
    return status == QUIRE_OK ? tokenizer_complete(tokenizer, error) : status;
}
