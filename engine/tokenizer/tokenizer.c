/* The public face: opening a tokenizer and encoding text. Thread: any, once opened; each call has its own scratch.
 * Owner: tokenizer. A tokenizer is data (state.h); nothing here knows a model's name. */
#include "state.h"
#include "unicode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- life -------------------------------------------------------------------------------------------------------- */

enum quire_status tokenizer_open(const char *model_path, struct tokenizer **out, struct quire_error *error)
{
    struct stat info;

    if (stat(model_path, &info) != 0)
        return quire_fail(error, errno == ENOENT || errno == ENOTDIR ? QUIRE_NOT_FOUND : QUIRE_IO, "cannot open %s: %s",
                          model_path, strerror(errno));
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (tokenizer == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the tokenizer of %s", model_path);
    tokenizer->bos = tokenizer->model.unknown = TOKEN_NONE;
    tokenizer->model.vocabulary = &tokenizer->vocabulary;
    if (error != NULL)
        error->message[0] = '\0';
    const char *ending = strrchr(model_path, '.');
    bool plain = ending != NULL && (strcmp(ending, ".model") == 0 || strcmp(ending, ".tiktoken") == 0);
    enum quire_status status = tokenizer_set_frame(tokenizer, TOKEN_NONE, TOKEN_NONE);
    if (status == QUIRE_OK)
        status = S_ISDIR(info.st_mode) ? tokenizer_load_folder(tokenizer, model_path, error)
                 : plain               ? tokenizer_load_file(tokenizer, model_path, error)
                                       : tokenizer_load_gguf(tokenizer, model_path, error);
    if (status != QUIRE_OK) {
        tokenizer_close(tokenizer);
        if (error != NULL && error->message[0] == '\0')
            quire_fail(error, status, "no memory for the tokenizer of %s", model_path);
        else if (error != NULL && strstr(error->message, model_path) == NULL) { /* said where no file is known */
            struct quire_error reason = *error;
            quire_fail(error, status, "%s: %s", model_path, reason.message);
        }
        return status;
    }
    if (error != NULL)
        error->message[0] = '\0'; /* of a file that need not be there */
    *out = tokenizer;
    return QUIRE_OK;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (tokenizer == NULL)
        return;
    vocabulary_deinit(&tokenizer->vocabulary);
    added_list_deinit(&tokenizer->added);
    added_list_deinit(&tokenizer->added_normalised);
    normaliser_list_deinit(&tokenizer->normalisers);
    splitter_list_deinit(&tokenizer->splitters);
    word_model_deinit(&tokenizer->model);
    decoder_deinit(&tokenizer->decoder);
    token_list_deinit(&tokenizer->frames[0]);
    token_list_deinit(&tokenizer->frames[1]);
    token_list_deinit(&tokenizer->eos);
    name_list_deinit(&tokenizer->specials);
    name_list_deinit(&tokenizer->templates);
    free(tokenizer);
}

/* Spellings that only a template may write. DeepSeek does not mark its turn markers as special, hence the second form:
 * a bar within the brackets. A single printable character (some models pad with "!") is also plain text. */
static bool is_reserved(const struct added_token *token)
{
    const char *bytes = token->content.bytes;
    size_t count = token->content.count;
    bool bracketed = count > 4 && ((bytes[0] == '<' && bytes[count - 1] == '>') ||
                                   (bytes[0] == '[' && bytes[count - 1] == ']'));
    bool marker = bracketed && (bytes[1] == '|' || bytes[count - 2] == '|' ||
                                memcmp(bytes + 1, "\xEF\xBD\x9C", 3) == 0);

    return (token->special && count > 1) || marker;
}

enum quire_status tokenizer_add(struct tokenizer *tokenizer, const struct added_token *token)
{
    struct added_list *list = token->normalized ? &tokenizer->added_normalised : &tokenizer->added;
    struct text content = {0};

    if (token->content.count == 0)
        return QUIRE_OK; /* matches nothing */
    if (token->id < tokenizer->vocabulary.id_count && (tokenizer->vocabulary.flags[token->id] & PIECE_ADDED) != 0) {
        added_list_remove(&tokenizer->added, token->id);
        added_list_remove(&tokenizer->added_normalised, token->id);
    }
    if (text_append(&content, token->content.bytes, token->content.count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    struct added_token *added = added_list_add(list);
    if (added == NULL) {
        text_deinit(&content);
        return QUIRE_NO_MEMORY;
    }
    *added = *token;
    added->content = content;
    added->reserved = is_reserved(token);
    if (vocabulary_add(&tokenizer->vocabulary, token->id, content.bytes, content.count, true) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    tokenizer->vocabulary.flags[token->id] |= (unsigned char)(PIECE_ADDED | (token->special ? PIECE_SPECIAL : 0) |
                                                              (added->reserved ? PIECE_RESERVED : 0));
    return QUIRE_OK;
}

static void special_set(struct tokenizer *tokenizer, struct added_list *list, uint32_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->tokens[i].id != id)
            continue;
        list->tokens[i].special = true;
        tokenizer->vocabulary.flags[id] |= PIECE_SPECIAL;
        if (is_reserved(&list->tokens[i]))
            tokenizer->vocabulary.flags[id] |= PIECE_RESERVED;
    }
}

void tokenizer_make_special(struct tokenizer *tokenizer, uint32_t id)
{
    special_set(tokenizer, &tokenizer->added, id);
    special_set(tokenizer, &tokenizer->added_normalised, id);
}

enum quire_status tokenizer_set_frame(struct tokenizer *tokenizer, uint32_t before, uint32_t after)
{
    struct token_list *plain = &tokenizer->frames[0], *frame = &tokenizer->frames[1];

    plain->count = frame->count = 0;
    if (token_list_append(plain, TOKEN_NONE) != QUIRE_OK ||
        (before != TOKEN_NONE && token_list_append(frame, before) != QUIRE_OK) ||
        token_list_append(frame, TOKEN_NONE) != QUIRE_OK ||
        (after != TOKEN_NONE && token_list_append(frame, after) != QUIRE_OK))
        return QUIRE_NO_MEMORY;
    return QUIRE_OK;
}

/* Normalised tokens are looked for as the normalizers leave them. */
static enum quire_status added_normalise(struct tokenizer *tokenizer, struct matcher *matcher)
{
    struct marked_text text = {0}, spare = {0};
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < tokenizer->added_normalised.count && status == QUIRE_OK; i++) {
        struct text *content = &tokenizer->added_normalised.tokens[i].content;
        if (tokenizer->added_normalised.tokens[i].exact)
            continue;
        text.text.count = text.marks.count = 0;
        status = marked_text_append(&text, content->bytes, content->count, MARK_TRUSTED);
        if (status == QUIRE_OK)
            status = normalise(&tokenizer->normalisers, matcher, &text, &spare);
        if (status == QUIRE_OK && !text_is_same(content, &text.text)) {
            content->count = 0;
            status = text_append(content, text.text.bytes, text.text.count);
            if (status == QUIRE_OK) /* so that the decoder undoes what the normalizers did */
                status = vocabulary_respell(&tokenizer->vocabulary, tokenizer->added_normalised.tokens[i].id,
                                            text.text.bytes, text.text.count);
        }
    }
    marked_text_deinit(&text);
    marked_text_deinit(&spare);
    return status;
}

/* A token that two files name is reserved if either says so. */
static void added_finish(const struct tokenizer *tokenizer, struct added_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->tokens[i].reserved = (tokenizer->vocabulary.flags[list->tokens[i].id] & PIECE_RESERVED) != 0;
    added_list_prepare(list);
}

/* What skip_special leaves out goes by spelling, as in the reference, but special tokens that a normalizer spells anew
 * go too: tokenizers 0.23 lets those slip through. */
static void skip_mark(struct vocabulary *vocabulary, uint32_t id)
{
    const struct piece *piece = vocabulary_piece(vocabulary, id);
    uint32_t first = piece == NULL ? TOKEN_NONE
                                   : vocabulary_find(vocabulary, vocabulary->spellings.bytes + piece->at, piece->bytes);

    if ((vocabulary->flags[id] & PIECE_SPECIAL) != 0 ||
        (first != TOKEN_NONE && (vocabulary->flags[first] & PIECE_SPECIAL) != 0))
        vocabulary->flags[id] |= PIECE_SKIPPED;
}

enum quire_status tokenizer_complete(struct tokenizer *tokenizer, struct quire_error *error)
{
    struct matcher *matcher = NULL;
    enum quire_status status = matcher_create(&matcher);

    if (status == QUIRE_OK)
        status = added_normalise(tokenizer, matcher);
    matcher_destroy(matcher);
    if (status != QUIRE_OK)
        return status;
    added_finish(tokenizer, &tokenizer->added);
    added_finish(tokenizer, &tokenizer->added_normalised);
    for (uint32_t id = 0; id < tokenizer->vocabulary.id_count; id++)
        skip_mark(&tokenizer->vocabulary, id);
    status = decoder_prepare(&tokenizer->decoder, &tokenizer->vocabulary);
    return status == QUIRE_LIMIT
               ? quire_fail(error, QUIRE_BAD_FILE, "decoder: an expression takes too many steps on a token")
           : status == QUIRE_NO_MEMORY ? quire_fail(error, status, "decoder: no memory for the text of the tokens")
                                       : status;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

uint32_t tokenizer_vocab_size(const struct tokenizer *tokenizer)
{
    return tokenizer->vocabulary.id_count;
}

uint32_t tokenizer_bos(const struct tokenizer *tokenizer)
{
    return tokenizer->bos;
}

const uint32_t *tokenizer_eos(const struct tokenizer *tokenizer, uint32_t *count)
{
    static const uint32_t none = TOKEN_NONE;

    *count = (uint32_t)tokenizer->eos.count;
    return tokenizer->eos.count == 0 ? &none : tokenizer->eos.ids;
}

bool tokenizer_is_special(const struct tokenizer *tokenizer, uint32_t id)
{
    return id < tokenizer->vocabulary.id_count && (tokenizer->vocabulary.flags[id] & PIECE_SPECIAL) != 0;
}

const char *tokenizer_spelling(const struct tokenizer *tokenizer, uint32_t id)
{
    return vocabulary_spelling(&tokenizer->vocabulary, id);
}

const char *tokenizer_special_text(const struct tokenizer *tokenizer, const char *name)
{
    return name_list_get(&tokenizer->specials, name);
}

const char *tokenizer_chat_template(const struct tokenizer *tokenizer, const char *name)
{
    return name_list_get(&tokenizer->templates, name == NULL ? "default" : name);
}

/* ---- encoding ---------------------------------------------------------------------------------------------------- */

/* Working memory of one call. */
struct encoder {
    const struct tokenizer *tokenizer;
    struct matcher *matcher;
    struct marked_text input, segment, spare;
    struct split_scratch words;
    struct model_scratch model;
    struct token_list *out;
};

static void encoder_deinit(struct encoder *encoder)
{
    matcher_destroy(encoder->matcher);
    marked_text_deinit(&encoder->input);
    marked_text_deinit(&encoder->segment);
    marked_text_deinit(&encoder->spare);
    split_scratch_deinit(&encoder->words);
    model_scratch_deinit(&encoder->model);
}

/* Joins the runs to one text, so that words are cut across their borders. */
static enum quire_status input_fill(struct encoder *encoder, const struct text_run *runs, size_t run_count,
                                    struct quire_error *error)
{
    struct marked_text *input = &encoder->input;

    for (size_t i = 0; i < run_count; i++)
        if (marked_text_append(input, runs[i].text, runs[i].text_bytes, runs[i].trusted ? MARK_TRUSTED : 0) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    size_t valid = utf8_valid_prefix(input->text.bytes, input->text.count);
    if (valid < input->text.count)
        return quire_fail(error, QUIRE_INVALID, "the text is not valid UTF-8 at byte %zu", valid);
    for (size_t i = 0; i < input->text.count && i < utf8_length(input->text.bytes[0]); i++)
        input->marks.bytes[i] |= MARK_ORIGIN;
    return QUIRE_OK;
}

/* Plain text, normalised: words, then ids. */
static enum quire_status encode_plain(struct encoder *encoder, size_t start, size_t end)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    const struct text *marks = &encoder->segment.marks;
    struct split_scratch *words = &encoder->words;
    size_t origin = start;

    if (start >= end)
        return QUIRE_OK;
    while (origin < end && (marks->bytes[origin] & MARK_ORIGIN) != 0)
        origin++;
    encoder->model.trusted = tokenizer->model.takes_reserved && (marks_all(marks, start, end) & MARK_TRUSTED) != 0;
    enum quire_status status = split_words(&tokenizer->splitters, encoder->matcher, encoder->segment.text.bytes + start,
                                           end - start, origin - start, words);
    for (size_t i = 0; i < words->now.count && status == QUIRE_OK; i++)
        status = tokenizer->model.encode(&tokenizer->model, words->now.text.bytes + words->now.words[i].start,
                                         words->now.words[i].end - words->now.words[i].start, &encoder->model,
                                         encoder->out);
    return status;
}

/* Text between added tokens: normalised, then cut at added tokens that are looked for only now. */
static enum quire_status encode_segment(struct encoder *encoder, size_t start, size_t end)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    struct marked_text *segment = &encoder->segment;
    struct added_walk walk = {0};
    struct added_match match;
    size_t done = 0;

    if (start >= end)
        return QUIRE_OK;
    segment->text.count = segment->marks.count = 0;
    enum quire_status status = marked_text_copy(segment, encoder->input.text.bytes + start,
                                                encoder->input.marks.bytes + start, end - start);
    if (status == QUIRE_OK)
        status = normalise(&tokenizer->normalisers, encoder->matcher, segment, &encoder->spare);
    while (status == QUIRE_OK && added_next(&tokenizer->added_normalised, segment->text.bytes, segment->marks.bytes,
                                            segment->text.count, &walk, &match))
    {
        status = encode_plain(encoder, done, match.start);
        if (status == QUIRE_OK)
            status = token_list_append(encoder->out, match.id);
        done = walk.done;
    }
    return status == QUIRE_OK ? encode_plain(encoder, done, segment->text.count) : status;
}

static enum quire_status encode_input(struct encoder *encoder)
{
    const struct marked_text *input = &encoder->input;
    struct added_walk walk = {0};
    struct added_match match;
    enum quire_status status = QUIRE_OK;
    size_t done = 0;

    while (status == QUIRE_OK && added_next(&encoder->tokenizer->added, input->text.bytes, input->marks.bytes,
                                            input->text.count, &walk, &match))
    {
        status = encode_segment(encoder, done, match.start);
        if (status == QUIRE_OK)
            status = token_list_append(encoder->out, match.id);
        done = walk.done;
    }
    return status == QUIRE_OK ? encode_segment(encoder, done, input->text.count) : status;
}

/* The ids of the text, each time that the frame has a place for them, and between them the frame's own. */
static enum quire_status encode_frame(struct encoder *encoder, bool add_special)
{
    const struct token_list *frame = &encoder->tokenizer->frames[add_special];
    struct token_list *out = encoder->out;
    size_t start = SIZE_MAX, count = 0; /* of the text's ids, once they are there */
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; i < frame->count && status == QUIRE_OK; i++) {
        if (frame->ids[i] != TOKEN_NONE) {
            status = token_list_append(out, frame->ids[i]);
        } else if (start == SIZE_MAX) {
            start = out->count;
            status = encode_input(encoder);
            count = out->count - start;
        } else {
            status = token_list_reserve(out, count);
            if (status == QUIRE_OK && count > 0)
                memcpy(out->ids + out->count, out->ids + start, count * sizeof *out->ids);
            out->count += status == QUIRE_OK ? count : 0;
        }
    }
    return status;
}

enum quire_status tokenizer_encode(const struct tokenizer *tokenizer, const struct text_run *runs, size_t run_count,
                                   bool add_special, struct token_list *out, struct quire_error *error)
{
    struct encoder encoder = {.tokenizer = tokenizer, .out = out};
    size_t before = out->count;
    struct quire_error reason = {0};
    enum quire_status status = matcher_create(&encoder.matcher);

    if (status == QUIRE_OK)
        status = input_fill(&encoder, runs, run_count, &reason);
    if (status == QUIRE_OK)
        status = encode_frame(&encoder, add_special);
    encoder_deinit(&encoder);
    if (status == QUIRE_OK)
        return QUIRE_OK;
    out->count = before; /* untouched, as far as the caller can see */
    if (reason.message[0] != '\0')
        return quire_fail(error, status, "%s", reason.message);
    return quire_fail(error, status, "%s",
                      status == QUIRE_NO_MEMORY ? "no memory left to tokenize the text"
                      : status == QUIRE_LIMIT   ? "the text takes too many steps to cut into words"
                                                : "the model has no token for a part of the text");
}
