/* What the tokenizer tests share: where files lie, short forms of encode and decode. */
#ifndef QUIRE_TEST_FIXTURE_H
#define QUIRE_TEST_FIXTURE_H

#include "tokenizer.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path below the folder that environment variable `variable` names; static memory, four at a time. */
static inline const char *path_below(const char *variable, const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    const char *folder = getenv(variable);
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder == NULL ? "." : folder, name);
    return path;
}

static inline const char *fixture_path(const char *name)
{
    return path_below("QUIRE_TOKENIZER_FIXTURES", name);
}

/* NULL, with a message, where the shared test data is absent. */
static inline const char *shared_path(const char *name)
{
    const char *path = path_below("QUIRE_SHARED", name);

    if (access(path, R_OK) == 0)
        return path;
    cr_log_warn("skipped: %s is not there", path);
    return NULL;
}

static inline struct tokenizer *open_or_fail(const char *path)
{
    struct tokenizer *tokenizer = NULL;
    struct quire_error error = {{0}};

    cr_assert(tokenizer_open(path, &tokenizer, &error) == QUIRE_OK, "%s", error.message);
    return tokenizer;
}

static inline struct token_list encode_runs(const struct tokenizer *tokenizer, const struct text_run *runs,
                                            size_t count, bool special)
{
    struct token_list ids = {0};
    struct quire_error error = {{0}};

    cr_assert(tokenizer_encode(tokenizer, runs, count, special, &ids, &error) == QUIRE_OK, "%s", error.message);
    return ids;
}

static inline struct token_list encode_text(const struct tokenizer *tokenizer, const char *text, size_t bytes,
                                            bool trusted, bool special)
{
    struct text_run run = {text, bytes, trusted};

    return encode_runs(tokenizer, &run, 1, special);
}

/* One new text; feeds ids one by one if `streamed`. */
static inline struct text decode_ids(const struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                                     bool skip_special, bool streamed)
{
    struct text text = {0};
    struct detokenizer state;

    if (!streamed) {
        cr_assert(tokenizer_decode(tokenizer, ids, count, skip_special, &text) == QUIRE_OK);
        return text;
    }
    detokenizer_init(&state, tokenizer, skip_special);
    for (size_t i = 0; i < count; i++)
        cr_assert(detokenizer_feed(&state, ids[i], &text) == QUIRE_OK);
    cr_assert(detokenizer_finish(&state, &text) == QUIRE_OK);
    return text;
}

static inline bool text_is(const struct text *text, const char *bytes, size_t count)
{
    return text->count == count && (count == 0 || memcmp(text->bytes, bytes, count) == 0);
}

static inline bool same_ids(const struct token_list *ids, const uint32_t *want, size_t count)
{
    return ids->count == count && (count == 0 || memcmp(ids->ids, want, count * sizeof *want) == 0);
}

/* Writes a file of a folder made by mkdtemp. */
static inline void write_file(const char *folder, const char *name, const char *content)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert(fwrite(content, 1, strlen(content), file) == strlen(content));
    fclose(file);
}

#endif
