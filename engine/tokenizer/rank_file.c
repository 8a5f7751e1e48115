/* tiktoken's rank files: a line "base64(bytes) rank" per token. Thread: the loader's. Owner: tokenizer.
 * The rank is the id, and the adjacent pair whose join has the lowest rank is merged first. */
#include "base64.h"
#include "plain_files.h"
#include "pre_patterns.h"

#include "byte_alphabet.h"

#include <stdlib.h>
#include <string.h>

/* One line's token, spelled in the byte alphabet. */
static enum quire_status line_load(struct tokenizer *tokenizer, const char *line, size_t count, struct text *bytes,
                                   struct text *spelling)
{
    const char *blank = memchr(line, ' ', count);
    uint64_t rank = 0;

    bytes->count = spelling->count = 0;
    if (blank == NULL || blank + 1 == line + count)
        return QUIRE_BAD_FILE;
    for (const char *digit = blank + 1; digit < line + count; digit++) {
        if (*digit < '0' || *digit > '9' || rank >= VOCABULARY_IDS_MAX)
            return QUIRE_BAD_FILE;
        rank = rank * 10 + (uint64_t)(*digit - '0');
    }
    enum quire_status status = base64_decode(line, (size_t)(blank - line), bytes);
    if (status != QUIRE_OK || bytes->count == 0 || rank >= VOCABULARY_IDS_MAX)
        return status != QUIRE_OK ? status : QUIRE_BAD_FILE;
    for (size_t i = 0; i < bytes->count && status == QUIRE_OK; i++)
        status = text_append_char(spelling, byte_to_char((unsigned char)bytes->bytes[i]));
    if (status != QUIRE_OK)
        return status;
    return vocabulary_add(&tokenizer->vocabulary, (uint32_t)rank, spelling->bytes, spelling->count, false);
}

/* Ranks come without expressions; these are the models that are published so. */
static const char *expressions_of(const char *path)
{
    return strstr(path, "qwen") != NULL ? "qwen2" : "llama-bpe";
}

enum quire_status rank_file_load(struct tokenizer *tokenizer, const char *path, const struct text *bytes,
                                 struct quire_error *error)
{
    struct text token = {0}, spelling = {0};
    enum quire_status status = QUIRE_OK;
    size_t line = 0;

    for (size_t at = 0; at < bytes->count && status == QUIRE_OK; line++) {
        const char *start = bytes->bytes + at, *end = memchr(start, '\n', bytes->count - at);
        size_t count = end == NULL ? bytes->count - at : (size_t)(end - start);
        at += count + 1;
        if (count > 0 && start[count - 1] == '\r')
            count--;
        if (count > 0)
            status = line_load(tokenizer, start, count, &token, &spelling);
    }
    text_deinit(&token);
    text_deinit(&spelling);
    if (status == QUIRE_BAD_FILE || (status == QUIRE_OK && tokenizer->vocabulary.id_count == 0))
        return quire_fail(error, QUIRE_BAD_FILE, "%s: line %zu is not a token in base64 and its rank", path, line);
    if (status != QUIRE_OK)
        return status;
    tokenizer->model.scores = malloc(tokenizer->vocabulary.id_count * sizeof *tokenizer->model.scores);
    if (tokenizer->model.scores == NULL)
        return QUIRE_NO_MEMORY;
    for (uint32_t id = 0; id < tokenizer->vocabulary.id_count; id++)
        tokenizer->model.scores[id] = -(float)id; /* exact: ids are below 2^24 */
    status = pre_apply(pre_find(expressions_of(path)), tokenizer, error);
    tokenizer->model.whole_words = true;
    return status == QUIRE_OK ? bpe_prepare(&tokenizer->model) : status;
}
