/* The kinds of tokenizer that a GGUF file can hold. Thread: the loader's. Owner: tokenizer. */
#include "charsmap.h"
#include "gguf_source.h"
#include "pre_patterns.h"
#include "quote.h"

#include <stdlib.h>
#include <string.h>

#define METASPACE "\xE2\x96\x81" /* U+2581 */

static enum quire_status normaliser_add(const struct gguf_source *source, enum normalise_kind kind, unsigned flags,
                                        const char *pattern, const char *content)
{
    struct normaliser *step = normaliser_list_add(&source->tokenizer->normalisers, kind);

    if (step == NULL || text_append(&step->content, content, strlen(content)) != QUIRE_OK)
        return gguf_source_no_memory(source);
    step->flags = flags;
    return pattern == NULL ? QUIRE_OK : pattern_compile(pattern, strlen(pattern), &step->pattern, source->error);
}

static enum quire_status expression_add(const struct gguf_source *source, const char *expression)
{
    struct splitter *step = splitter_list_add(&source->tokenizer->splitters, SPLIT_PATTERN);

    return step == NULL ? gguf_source_no_memory(source)
                        : pattern_compile(expression, strlen(expression), &step->pattern, source->error);
}

static enum quire_status chars_add(const struct gguf_source *source, enum char_set chars,
                                   enum split_behaviour behaviour)
{
    struct splitter *step = splitter_list_add(&source->tokenizer->splitters, SPLIT_CHARS);

    if (step == NULL)
        return gguf_source_no_memory(source);
    step->chars = chars;
    step->behaviour = behaviour;
    return QUIRE_OK;
}

/* SentencePiece's text: U+2581 is a blank; one blank was put before the text, if `prefixed`. */
static enum quire_status blanks_decode(const struct gguf_source *source, bool prefixed)
{
    static const enum decode_kind kinds[] = {DECODE_REPLACE, DECODE_BYTE_FALLBACK, DECODE_FUSE, DECODE_STRIP};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] - (prefixed ? 0 : 1); i++) {
        struct decode_step *step = decoder_add(&source->tokenizer->decoder, kinds[i]);
        if (step == NULL || text_append(&step->content, " ", 1) != QUIRE_OK)
            return gguf_source_no_memory(source);
        step->left = 1;
        if (kinds[i] == DECODE_REPLACE && pattern_literal(METASPACE, sizeof METASPACE - 1, &step->pattern) != QUIRE_OK)
            return gguf_source_no_memory(source);
    }
    return QUIRE_OK;
}

/* What stands before and behind the ids, from add_bos_token and add_eos_token or the kind's defaults. */
static enum quire_status around_load(const struct gguf_source *source, bool add_bos, bool add_eos, uint32_t bos,
                                     uint32_t eos)
{
    struct tokenizer *tokenizer = source->tokenizer;
    enum quire_status status = gguf_flag_get(source, KEY("add_bos_token"), &add_bos);

    if (status == QUIRE_OK)
        status = gguf_flag_get(source, KEY("add_eos_token"), &add_eos);
    if (status == QUIRE_OK && add_bos && bos != TOKEN_NONE)
        status = token_list_append(&tokenizer->before, bos);
    if (status == QUIRE_OK && add_eos && eos != TOKEN_NONE)
        status = token_list_append(&tokenizer->after, eos);
    return status;
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

/* "llama": SentencePiece BPE, merged by score. */
static enum quire_status load_sentencepiece(const struct gguf_source *source)
{
    struct tokenizer *tokenizer = source->tokenizer;
    struct special_ids ids = SPECIAL_IDS_NONE;
    bool prefixed = true;

    if (source->tokens->count > 2 && gguf_token_type(source, 1) == TYPE_CONTROL &&
        gguf_token_type(source, 2) == TYPE_CONTROL)
        ids.bos = 1, ids.eos = 2; /* SentencePiece's own, where the file is silent */
    enum quire_status status = gguf_flag_get(source, KEY("add_space_prefix"), &prefixed);
    if (status == QUIRE_OK)
        status = gguf_specials_load(source, &ids);
    if (status == QUIRE_OK && source->scores == NULL)
        status = gguf_source_bad(source, KEY("scores"), "is missing; a \"llama\" vocabulary is merged by its scores");
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
        return gguf_source_no_memory(source);
    for (uint32_t id = 0; id < source->tokens->count; id++)
        tokenizer->model.scores[id] = (float)gguf_number(source->scores, id);
    tokenizer->model.fuse_unknown = tokenizer->model.byte_fallback = true;
    return bpe_prepare(&tokenizer->model);
}

static enum quire_status merges_load(const struct gguf_source *source)
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
static enum quire_status load_byte_level(const struct gguf_source *source)
{
    struct tokenizer *tokenizer = source->tokenizer;
    struct special_ids ids = SPECIAL_IDS_NONE;
    struct gguf_string name = {"default", 7};
    struct quote quote;
    enum quire_status status = QUIRE_OK;

    if (gguf_find(source->file, KEY("pre")) != NULL)
        status = gguf_get_string(source->file, KEY("pre"), &name, source->error);
    if (status != QUIRE_OK)
        return status;
    const struct pre_row *row = pre_find(quote_name(&quote, name.text, name.bytes));
    if (row == NULL)
        return quire_fail(source->error, QUIRE_UNSUPPORTED, "%s: " KEY("pre") " \"%s\" is not known",
                          gguf_path(source->file), quote.text);
    status = gguf_specials_load(source, &ids);
    if (status == QUIRE_OK)
        status = around_load(source, row->add_bos, false, ids.bos, ids.eos);
    if (status == QUIRE_OK && row->compose)
        status = normaliser_add(source, NORMALISE_COMPOSE, NORMALISE_COMPOSED, NULL, "");
    for (size_t i = 0; status == QUIRE_OK && row->expressions[i] != NULL; i++)
        status = expression_add(source, row->expressions[i]);
    if (status == QUIRE_OK && (splitter_list_add(&tokenizer->splitters, SPLIT_BYTES) == NULL ||
                               decoder_add(&tokenizer->decoder, DECODE_BYTE_LEVEL) == NULL))
        status = gguf_source_no_memory(source);
    if (status == QUIRE_OK)
        status = merges_load(source);
    tokenizer->model.whole_words = row->whole_words;
    return status == QUIRE_OK ? bpe_prepare(&tokenizer->model) : status;
}

/* "bert": WordPiece whose first pieces carry U+2581 where BERT's own vocabulary marks the others with "##". */
static enum quire_status load_wordpiece(const struct gguf_source *source)
{
    static const struct {
        enum normalise_kind kind;
    } steps[] = {{NORMALISE_CLEAN},
                 {NORMALISE_SPACE_HAN},
                 {NORMALISE_COMPOSE},
                 {NORMALISE_STRIP_MARKS},
                 {NORMALISE_LOWERCASE}};
    struct word_model *model = &source->tokenizer->model;
    struct special_ids ids = SPECIAL_IDS_NONE;
    enum quire_status status = gguf_specials_load(source, &ids);

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
        status = gguf_source_no_memory(source);
    model->word_chars_max = 100;
    if (status == QUIRE_OK)
        wordpiece_prepare(model);
    return status;
}

/* "t5": Unigram. */
static enum quire_status unigram_normalisers_load(const struct gguf_source *source, bool prefixed)
{
    const struct gguf_value *map = gguf_find(source->file, KEY("precompiled_charsmap"));
    struct normaliser *step;
    bool collapses = true;
    enum quire_status status = gguf_flag_get(source, KEY("remove_extra_whitespaces"), &collapses);

    if (status == QUIRE_OK && map != NULL && map->type == GGUF_ARRAY && map->count > 0) {
        if (map->element_type != GGUF_U8 && map->element_type != GGUF_I8)
            return gguf_source_bad(source, KEY("precompiled_charsmap"), "is no list of bytes");
        step = normaliser_list_add(&source->tokenizer->normalisers, NORMALISE_CHARSMAP);
        if (step == NULL || text_append(&step->content, (const char *)map->data, (size_t)map->count) != QUIRE_OK)
            return gguf_source_no_memory(source);
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

static enum quire_status load_unigram(const struct gguf_source *source)
{
    struct special_ids ids = SPECIAL_IDS_NONE;
    bool prefixed = true;

    if (source->scores == NULL)
        return gguf_source_bad(source, KEY("scores"), "is missing");
    enum quire_status status = gguf_flag_get(source, KEY("add_space_prefix"), &prefixed);
    if (status == QUIRE_OK)
        status = gguf_specials_load(source, &ids);
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
        return gguf_source_no_memory(source);
    for (uint32_t id = 0; id < source->tokens->count; id++)
        scores[id] = gguf_number(source->scores, id);
    status = unigram_prepare(&source->tokenizer->model, scores);
    free(scores);
    return status == QUIRE_OK ? QUIRE_OK : gguf_source_no_memory(source);
}

enum quire_status gguf_kind_load(const struct gguf_source *source, struct gguf_string name)
{
    static const struct {
        const char *name;
        enum quire_status (*load)(const struct gguf_source *source);
    } rows[] = {{"llama", load_sentencepiece},
                {"gpt2", load_byte_level},
                {"bert", load_wordpiece},
                {"t5", load_unigram}};
    struct quote quote;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (gguf_string_equals(name, rows[i].name))
            return rows[i].load(source);
    return quire_fail(source->error, QUIRE_UNSUPPORTED, "%s: " KEY("model") " \"%s\" is not known",
                      gguf_path(source->file), quote_name(&quote, name.text, name.bytes));
}
