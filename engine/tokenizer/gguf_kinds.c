/* The kinds of tokenizer that a GGUF file can hold. Thread: the loader's. Owner: tokenizer. */
#include "gguf_source.h"
#include "pipeline.h"
#include "pre_patterns.h"
#include "quote.h"
#include "sentencepiece.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool text_is(const struct text *text, const char *string)
{
    return text->count == strlen(string) && memcmp(text->bytes, string, text->count) == 0;
}

/* What stands before and behind the ids, from add_bos_token and add_eos_token or the kind's defaults. */
static enum quire_status around_load(const struct gguf_source *source, bool add_bos, bool add_eos, uint32_t bos,
                                     uint32_t eos)
{
    struct tokenizer *tokenizer = source->tokenizer;
    enum quire_status status = gguf_flag_get(source, KEY("add_bos_token"), &add_bos);

    if (status == QUIRE_OK)
        status = gguf_flag_get(source, KEY("add_eos_token"), &add_eos);
    return status != QUIRE_OK
               ? status
               : tokenizer_set_frame(tokenizer, add_bos ? bos : TOKEN_NONE, add_eos ? eos : TOKEN_NONE);
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

/* "llama" and "t5": SentencePiece, BPE merged by score or Unigram. */
static enum quire_status sentencepiece_load(const struct gguf_source *source, struct sentencepiece *options,
                                            struct special_ids ids)
{
    bool unigram = options->kind == SENTENCEPIECE_UNIGRAM;
    enum quire_status status = gguf_flag_get(source, KEY("add_space_prefix"), &options->prefixed);

    if (status == QUIRE_OK)
        status = gguf_specials_load(source, &ids);
    if (status == QUIRE_OK && source->scores == NULL)
        status = gguf_source_bad(source, KEY("scores"), "is missing; SentencePiece vocabularies need scores");
    if (status == QUIRE_OK)
        status = around_load(source, !unigram, unigram, ids.bos, ids.eos);
    if (status != QUIRE_OK)
        return status;
    double *scores = malloc((size_t)source->tokens->count * sizeof *scores);
    if (scores == NULL)
        return gguf_source_no_memory(source);
    options->lowest = INFINITY;
    for (uint32_t id = 0; id < source->tokens->count; id++) {
        scores[id] = gguf_number(source->scores, id);
        if (gguf_token_type(source, id) == TYPE_NORMAL)
            options->lowest = scores[id] < options->lowest ? scores[id] : options->lowest;
    }
    options->scores = scores;
    status = sentencepiece_apply(source->tokenizer, options, source->error);
    free(scores);
    return status;
}

/* Whether general.name holds `part`, in letters of any case. */
static bool model_is(const struct gguf_source *source, const char *part)
{
    const struct gguf_value *value = gguf_find(source->file, "general.name");
    size_t bytes = strlen(part);
    struct gguf_string name;

    if (value == NULL || gguf_get_string(source->file, "general.name", &name, NULL) != QUIRE_OK)
        return false;
    for (size_t at = 0; at + bytes <= name.bytes; at++)
        if (strncasecmp(name.text + at, part, bytes) == 0)
            return true;
    return false;
}

/* Files do not say which tokens take the white space beside them; these are known to. */
static void specials_strip(const struct gguf_source *source, const char *left)
{
    struct added_list *added = &source->tokenizer->added;
    bool right = model_is(source, "phi-3") || model_is(source, "phi3");

    for (size_t i = 0; i < added->count; i++) {
        struct added_token *token = &added->tokens[i];
        bool ends = text_is(&token->content, "<unk>") || text_is(&token->content, "<s>") ||
                    text_is(&token->content, "<|endoftext|>");
        token->strip_left = left != NULL && text_is(&token->content, left);
        token->strip_right = right && !ends;
    }
}

static enum quire_status load_llama(const struct gguf_source *source)
{
    struct sentencepiece options = {.kind = SENTENCEPIECE_BPE, .prefixed = true, .byte_fallback = true};
    struct special_ids ids = SPECIAL_IDS_NONE;

    if (source->tokens->count > 2 && gguf_token_type(source, 1) == TYPE_CONTROL &&
        gguf_token_type(source, 2) == TYPE_CONTROL)
        ids.bos = 1, ids.eos = 2; /* SentencePiece's own, where the file is silent */
    enum quire_status status = sentencepiece_load(source, &options, ids);
    specials_strip(source, NULL);
    return status;
}

static enum quire_status load_t5(const struct gguf_source *source)
{
    struct sentencepiece options = {.kind = SENTENCEPIECE_UNIGRAM, .prefixed = true, .collapses = true};
    const struct gguf_value *map = gguf_find(source->file, KEY("precompiled_charsmap"));
    struct special_ids ids = SPECIAL_IDS_NONE;

    if (map != NULL && (map->type != GGUF_ARRAY || (map->element_type != GGUF_U8 && map->element_type != GGUF_I8)))
        return gguf_source_bad(source, KEY("precompiled_charsmap"), "is no list of bytes");
    if (map != NULL)
        options.charsmap = (const char *)map->data, options.charsmap_bytes = (size_t)map->count;
    enum quire_status status = gguf_flag_get(source, KEY("remove_extra_whitespaces"), &options.collapses);
    if (status == QUIRE_OK)
        status = sentencepiece_load(source, &options, ids);
    specials_strip(source, "<mask>");
    return status;
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

/* Words between white space, in small letters if the file says so. */
static enum quire_status words_apply(const struct gguf_source *source)
{
#define WORDS "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}}"
    bool lowercase = false;
    enum quire_status status = gguf_flag_get(source, KEY("normalizer.lowercase"), &lowercase);

    return status == QUIRE_OK
               ? pipeline_load(source->tokenizer,
                               lowercase ? "{\"normalizer\":{\"type\":\"Lowercase\"}," WORDS : "{" WORDS, source->error)
               : status;
}

/* BPE by merges, over the text that the row of tokenizer.ggml.pre leaves. */
static enum quire_status load_merged(const struct gguf_source *source, const struct pre_row *row)
{
    struct sentencepiece options = {.kind = SENTENCEPIECE_BPE, .byte_fallback = true}; /* no scores: by the merges */
    struct tokenizer *tokenizer = source->tokenizer;
    struct special_ids ids = SPECIAL_IDS_NONE;
    enum quire_status status = gguf_specials_load(source, &ids);

    if (status == QUIRE_OK)
        status = around_load(source, row->add_bos, false, ids.bos, ids.eos);
    if (status == QUIRE_OK)
        status = merges_load(source);
    if (status != QUIRE_OK)
        return status;
    specials_strip(source, row->mask);
    if (row->blanks)
        return sentencepiece_apply(tokenizer, &options, source->error);
    status = row->words ? words_apply(source) : pre_apply(row, tokenizer, source->error);
    return status == QUIRE_OK ? bpe_prepare(&tokenizer->model) : status;
}

/* "gpt2": byte-level BPE with the expressions that tokenizer.ggml.pre names. */
static enum quire_status load_byte_level(const struct gguf_source *source)
{
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
    return load_merged(source, row);
}

/* "gemma4": SentencePiece's pieces, merged by a list of merges. */
static enum quire_status load_gemma4(const struct gguf_source *source)
{
    return load_merged(source, pre_find("gemma4"));
}

/* "bert": WordPiece; the vocabulary is back in BERT's own spelling. */
static enum quire_status load_wordpiece(const struct gguf_source *source)
{
    struct word_model *model = &source->tokenizer->model;
    struct special_ids ids = SPECIAL_IDS_NONE;
    bool lowercase = true, strip_accents;

    ids.cls = vocabulary_find(&source->tokenizer->vocabulary, "[CLS]", 5); /* where the file is silent */
    ids.sep = vocabulary_find(&source->tokenizer->vocabulary, "[SEP]", 5);
    char pipeline[320];
    enum quire_status status = gguf_specials_load(source, &ids);
    if (status == QUIRE_OK)
        status = around_load(source, true, true, ids.cls != TOKEN_NONE ? ids.cls : ids.bos,
                             ids.sep != TOKEN_NONE ? ids.sep : ids.eos);
    if (status == QUIRE_OK)
        status = gguf_flag_get(source, KEY("normalizer.lowercase"), &lowercase);
    strip_accents = lowercase;
    if (status == QUIRE_OK)
        status = gguf_flag_get(source, KEY("normalizer.strip_accents"), &strip_accents);
    if (status != QUIRE_OK)
        return status;
    snprintf(pipeline, sizeof pipeline,
             "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
             "\"strip_accents\":%s,\"lowercase\":%s},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
             "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}}",
             strip_accents ? "true" : "false", lowercase ? "true" : "false");
    status = pipeline_load(source->tokenizer, pipeline, source->error);
    if (status == QUIRE_OK && text_append(&model->prefix, "##", 2) != QUIRE_OK)
        status = gguf_source_no_memory(source);
    model->word_chars_max = 100;
    if (status == QUIRE_OK)
        wordpiece_prepare(model);
    return status;
}

enum quire_status gguf_kind_load(const struct gguf_source *source, struct gguf_string name)
{
    static const struct {
        const char *name;
        enum quire_status (*load)(const struct gguf_source *source);
    } rows[] = {{"llama", load_llama},
                {"gpt2", load_byte_level},
                {"whitespace", load_byte_level},
                {"bert", load_wordpiece},
                {"t5", load_t5},
                {"gemma4", load_gemma4}};
    struct quote quote;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (gguf_string_equals(name, rows[i].name))
            return rows[i].load(source);
    return quire_fail(source->error, QUIRE_UNSUPPORTED, "%s: " KEY("model") " \"%s\" is not known",
                      gguf_path(source->file), quote_name(&quote, name.text, name.bytes));
}
