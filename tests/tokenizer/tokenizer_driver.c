/* Runs a tokenizer for compare_hf.py. Thread: one. Owner: tokenizer tests.
 *   tokenizer_driver MODEL < requests > answers
 * A request is a line "KIND BYTES\n" and that many bytes. KIND e: encode, s: encode with special tokens, u: encode text
 * that is not trusted, d, k: decode decimal ids (k: skipping special ones), f: the same as d, fed one id at a time. An
 * answer is a line "BYTES\n" and that many bytes: decimal ids separated by blanks, or the text; "error" where a text
 * cannot be encoded. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

static void give(const char *bytes, size_t count)
{
    printf("%zu\n", count);
    if (count > 0)
        fwrite(bytes, 1, count, stdout);
}

static void encode(const struct tokenizer *tokenizer, char kind, const char *bytes, size_t count)
{
    struct text_run run = {bytes, count, kind != 'u'};
    struct token_list ids = {0};
    struct text out = {0};
    struct quire_error error;

    if (tokenizer_encode(tokenizer, &run, 1, kind == 's', &ids, &error) != QUIRE_OK) {
        give("error", 5);
        token_list_deinit(&ids);
        return;
    }
    for (size_t i = 0; i < ids.count; i++) {
        char number[16];
        int digits = snprintf(number, sizeof number, "%s%u", i == 0 ? "" : " ", ids.ids[i]);
        if (text_append(&out, number, (size_t)digits) != QUIRE_OK)
            exit(1);
    }
    give(out.bytes, out.count);
    text_deinit(&out);
    token_list_deinit(&ids);
}

static void decode(const struct tokenizer *tokenizer, char kind, const char *bytes)
{
    struct text out = {0};
    struct detokenizer state;
    uint32_t *ids = NULL;
    size_t count = 0;
    char *end;

    for (const char *at = bytes; ids = realloc(ids, (count + 1) * sizeof *ids), *at != '\0'; at = end)
        ids[count++] = (uint32_t)strtoul(at, &end, 10);
    detokenizer_init(&state, tokenizer, false);
    for (size_t i = 0; kind == 'f' && i < count; i++)
        if (detokenizer_feed(&state, ids[i], &out) != QUIRE_OK)
            exit(1);
    if ((kind == 'f' ? detokenizer_finish(&state, &out) : tokenizer_decode(tokenizer, ids, count, kind == 'k', &out)) !=
        QUIRE_OK)
        exit(1);
    give(out.bytes, out.count);
    text_deinit(&out);
    free(ids);
}

int main(int count, char **arguments)
{
    struct tokenizer *tokenizer;
    struct quire_error error;
    size_t bytes;
    char kind;

    if (count != 2 || tokenizer_open(arguments[1], &tokenizer, &error) != QUIRE_OK) {
        fprintf(stderr, "%s\n", count == 2 ? error.message : "usage: tokenizer_driver MODEL");
        return 1;
    }
    while (scanf("%c %zu", &kind, &bytes) == 2 && getchar() == '\n') {
        char *request = malloc(bytes + 1);
        if (request == NULL || fread(request, 1, bytes, stdin) != bytes)
            return 1;
        request[bytes] = '\0';
        if (kind == 'd' || kind == 'f' || kind == 'k')
            decode(tokenizer, kind, request);
        else
            encode(tokenizer, kind, request, bytes);
        free(request);
    }
    tokenizer_close(tokenizer);
    return 0;
}
