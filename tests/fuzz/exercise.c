/* Puts a tokenizer through what a server does with it, and checks what must hold for any file that loads.
 * Thread: one. Owner: the process. */
#include "fuzz.h"

#include "state.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKENS_ASKED_MAX 128u
#define TEXT_BYTES_MAX   4096u

static char scratch[256];

static void scratch_clear(void)
{
    DIR *folder = opendir(scratch);
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            scratch_remove(entry->d_name);
    }
    closedir(folder);
    rmdir(scratch);
}

static void scratch_path(char path[512], const char *name)
{
    if (scratch[0] == 0) {
        const char *folder = getenv("TMPDIR");
        snprintf(scratch, sizeof scratch, "%s/quire-fuzz-XXXXXX", folder != NULL ? folder : "/tmp");
        if (mkdtemp(scratch) == NULL) {
            perror(scratch);
            _exit(2);
        }
        atexit(scratch_clear);
    }
    snprintf(path, 512, "%s%s%s", scratch, name != NULL ? "/" : "", name != NULL ? name : "");
}

void scratch_write(const char *name, const void *bytes, size_t count)
{
    char path[512];
    FILE *file;

    scratch_path(path, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
        perror(path);
        _exit(2);
    }
}

void scratch_remove(const char *name)
{
    char path[512];

    scratch_path(path, name);
    unlink(path);
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

/* Plain text becomes a reserved token only where nothing else is left: the unknown token, or tokens of single bytes. */
static void check_plain(const struct tokenizer *tokenizer, uint32_t id)
{
    const struct word_model *model = &tokenizer->model;
    bool fallback = id == model->unknown;

    if ((tokenizer->vocabulary.flags[id] & PIECE_RESERVED) == 0)
        return;
    for (size_t i = 0; i < 256 && !fallback; i++)
        fallback = model->byte_fallback && model->byte_ids[i] == id;
    assert(fallback);
}

/* Feeds ids [from, count) and finishes; gives the first status that is not QUIRE_OK. */
static enum quire_status stream_rest(struct detokenizer *state, const struct token_list *list, size_t from,
                                     struct text *out)
{
    enum quire_status status = QUIRE_OK;

    for (size_t i = from; i < list->count && status == QUIRE_OK; i++) {
        size_t before = out->count;
        status = detokenizer_feed(state, list->ids[i], out);
        assert(out->count == before || is_utf8(out->bytes + before, out->count - before));
    }
    if (status == QUIRE_OK)
        status = detokenizer_finish(state, out);
    detokenizer_deinit(state);
    return status;
}

/* The stream gives whole characters, and in sum what the whole decodes to; a copy of its state goes on alike. */
static void check_decoding(const struct tokenizer *tokenizer, const struct token_list *list, bool skip_special)
{
    struct text whole = {0}, stream = {0}, fork = {0};
    struct detokenizer state, copy;
    enum quire_status status = tokenizer_decode(tokenizer, list->ids, list->count, skip_special, &whole);
    size_t half = list->count / 2, fed = 0;

    assert(status != QUIRE_OK || is_utf8(whole.bytes, whole.count));
    detokenizer_init(&state, tokenizer, skip_special);
    while (fed < half && detokenizer_feed(&state, list->ids[fed], &stream) == QUIRE_OK)
        fed++;
    if (fed == half && state.all.count == 0) {
        copy = state;
        assert(stream.count == 0 || text_append(&fork, stream.bytes, stream.count) == QUIRE_OK);
        assert((stream_rest(&copy, list, half, &fork) == QUIRE_OK) == (status == QUIRE_OK));
        assert(status != QUIRE_OK || (fork.count == whole.count &&
                                      (fork.count == 0 || memcmp(fork.bytes, whole.bytes, fork.count) == 0)));
    }
    assert((stream_rest(&state, list, fed, &stream) == QUIRE_OK) == (status == QUIRE_OK));
    assert(status != QUIRE_OK || (stream.count == whole.count &&
                                  (whole.count == 0 || memcmp(stream.bytes, whole.bytes, whole.count) == 0)));
    text_deinit(&whole);
    text_deinit(&stream);
    text_deinit(&fork);
}

static void check_text(const struct tokenizer *tokenizer, const struct tokenizer *again, const char *text, size_t count)
{
    for (unsigned trusted = 0; trusted < 2; trusted++) {
        const struct text_run runs[] = {{text, count, trusted}};
        struct token_list ids = {0}, same = {0};
        struct quire_error error = {0};
        enum quire_status status = tokenizer_encode(tokenizer, runs, 1, trusted, &ids, &error);
        assert(status != QUIRE_OK || is_utf8(text, count));
        if (status != QUIRE_OK)
            assert(error.message[0] != 0);
        for (size_t i = 0; i < ids.count; i++) {
            assert(ids.ids[i] < tokenizer_vocab_size(tokenizer));
            if (!trusted)
                check_plain(tokenizer, ids.ids[i]);
        }
        assert(tokenizer_encode(again, runs, 1, trusted, &same, &error) == status);
        if (status == QUIRE_OK) {
            assert(same.count == ids.count);
            assert(ids.count == 0 || memcmp(same.ids, ids.ids, ids.count * sizeof *ids.ids) == 0);
            check_decoding(tokenizer, &ids, trusted);
        }
        token_list_deinit(&ids);
        token_list_deinit(&same);
    }
}

/* Every token by itself, and all of them, some twice, as one answer: a model may say anything. */
static void check_tokens(const struct tokenizer *tokenizer)
{
    uint32_t size = tokenizer_vocab_size(tokenizer), count;
    const uint32_t *eos = tokenizer_eos(tokenizer, &count);
    struct token_list list = {0};
    struct text bytes = {0};

    for (uint32_t i = 0; i < count; i++)
        assert(eos[i] != TOKEN_NONE); /* a model may have more ids than its tokenizer */
    assert(tokenizer_bos(tokenizer) == TOKEN_NONE || tokenizer_bos(tokenizer) < size);
    for (uint32_t i = 0; i < size && i < TOKENS_ASKED_MAX; i++) {
        uint32_t id = i < TOKENS_ASKED_MAX / 2 || size <= TOKENS_ASKED_MAX ? i : size - TOKENS_ASKED_MAX + i;
        bytes.count = 0;
        assert(tokenizer_token_bytes(tokenizer, id, &bytes) == QUIRE_OK);
        (void)tokenizer_is_special(tokenizer, id);
        assert(tokenizer_spelling(tokenizer, id) != NULL || bytes.count == 0);
        assert(token_list_append(&list, id) == QUIRE_OK);
        assert(token_list_append(&list, id * 7919u % size) == QUIRE_OK);
    }
    check_decoding(tokenizer, &list, false);
    check_decoding(tokenizer, &list, true);
    text_deinit(&bytes);
    token_list_deinit(&list);
}

void exercise_tokenizer(const char *name, const char *text, size_t text_bytes)
{
#define TEXT(literal) {literal, sizeof literal - 1}
    static const struct {
        const char *bytes;
        size_t count;
    } texts[] = {
        TEXT(""),
        TEXT(" "),
        TEXT("Hello  the\n\n world's 12345 <s><|end|> <0x41>\t"),
        TEXT("e\xCC\x81\xC3\xA9 \xEF\xAC\x81\xE2\x96\x81x \xE4\xBB\x8A\xE5\xA4\xA9\xF0\x9F\x98\x80\xE2\x80\x8D"
             "\xF0\x9F\x91\xA9\xC2\xA0\xE3\x80\x80"),
        TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
        TEXT("nul\0 a\x01\x7F\xEF\xBF\xBD\xF4\x8F\xBF\xBF"),
        TEXT("broken \xC3"),
        TEXT("\xED\xA0\x80\xFF"),
    };
#undef TEXT
    struct tokenizer *tokenizer = NULL, *again = NULL;
    struct quire_error error = {0};
    char path[512];

    scratch_path(path, name);
    enum quire_status status = tokenizer_open(path, &tokenizer, &error);
    if (status != QUIRE_OK) {
        assert(strstr(error.message, scratch) != NULL); /* names the file */
        assert(tokenizer == NULL);
        return;
    }
    assert(error.message[0] == 0);
    assert(tokenizer_open(path, &again, &error) == QUIRE_OK);
    assert(tokenizer_vocab_size(tokenizer) > 0 && tokenizer_vocab_size(again) == tokenizer_vocab_size(tokenizer));
    check_tokens(tokenizer);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_text(tokenizer, again, texts[i].bytes, texts[i].count);
    check_text(tokenizer, again, text, text_bytes < TEXT_BYTES_MAX ? text_bytes : TEXT_BYTES_MAX);
    tokenizer_close(tokenizer);
    tokenizer_close(again);
}
