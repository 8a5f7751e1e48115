/* Added tokens. Thread: any; the list is immutable once prepared. Owner: tokenizer.
 * The ordered list is walked like a trie: each further byte narrows the range of tokens that still fit. */
#include "added.h"

#include "unicode.h"

#include <stdlib.h>
#include <string.h>

void added_list_deinit(struct added_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        text_deinit(&list->tokens[i].content);
    free(list->tokens);
    *list = (struct added_list){0};
}

struct added_token *added_list_add(struct added_list *list)
{
    void *tokens = list->tokens;

    if (array_grow(&tokens, &list->count_max, list->count + 1, sizeof *list->tokens) != QUIRE_OK)
        return NULL;
    list->tokens = tokens;
    list->tokens[list->count] = (struct added_token){0};
    return &list->tokens[list->count++];
}

static int compare_tokens(const void *left, const void *right)
{
    const struct text *a = &((const struct added_token *)left)->content;
    const struct text *b = &((const struct added_token *)right)->content;
    int order = memcmp(a->bytes, b->bytes, a->count < b->count ? a->count : b->count);

    return order != 0 ? order : a->count < b->count ? -1 : a->count > b->count;
}

void added_list_prepare(struct added_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->tokens[i].content.count > 0) {
            list->first_byte[(unsigned char)list->tokens[i].content.bytes[0]] = true;
            list->tokens[kept++] = list->tokens[i];
        } else {
            text_deinit(&list->tokens[i].content);
        }
    }
    list->count = kept;
    if (kept > 0)
        qsort(list->tokens, kept, sizeof *list->tokens, compare_tokens);
}

/* First token in [low, high) whose byte at `depth` is >= `byte`; all of them share the bytes before and are longer. */
static size_t narrow(const struct added_list *list, size_t low, size_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((unsigned char)list->tokens[middle].content.bytes[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool touches_word(const char *text, size_t count, size_t start, size_t end)
{
    size_t before = start, after = end;

    return (start > 0 && char_in(CHARS_WORD, utf8_previous(text, &before))) ||
           (end < count && char_in(CHARS_WORD, utf8_next(text, &after)));
}

/* The longest token that begins at `start` and may stand there; NULL without. */
static const struct added_token *longest_at(const struct added_list *list, const char *text, const char *marks,
                                            size_t count, size_t start)
{
    const struct added_token *found = NULL;
    size_t low = 0, high = list->count;
    bool trusted = true;

    for (size_t depth = 0; low < high && start + depth < count; depth++) {
        unsigned byte = (unsigned char)text[start + depth];
        trusted = trusted && marks[start + depth] != 0;
        low = narrow(list, low, high, depth, byte);
        high = narrow(list, low, high, depth, byte + 1);
        /* Tokens that end here come first in the range. Equal spellings: the first that may stand here. */
        for (const struct added_token *same = NULL; low < high && list->tokens[low].content.count == depth + 1; low++) {
            const struct added_token *token = &list->tokens[low];
            if (same == NULL && (trusted || !token->reserved) &&
                !(token->single_word && touches_word(text, count, start, start + depth + 1)))
                found = same = token;
        }
    }
    return found;
}

bool added_find(const struct added_list *list, const char *text, const char *marks, size_t count, size_t from,
                struct added_match *match)
{
    for (size_t start = from; list->count > 0 && start < count; start++) {
        const struct added_token *token = list->first_byte[(unsigned char)text[start]]
                                              ? longest_at(list, text, marks, count, start)
                                              : NULL;
        if (token == NULL)
            continue;
        *match = (struct added_match){.start = start, .end = start + token->content.count, .id = token->id};
        while (token->strip_left && match->start > from) {
            size_t previous = match->start;
            if (!char_in(CHARS_SPACE, utf8_previous(text, &previous)))
                break;
            match->start = previous;
        }
        while (token->strip_right && match->end < count) {
            size_t next = match->end;
            if (!char_in(CHARS_SPACE, utf8_next(text, &next)))
                break;
            match->end = next;
        }
        return true;
    }
    return false;
}
