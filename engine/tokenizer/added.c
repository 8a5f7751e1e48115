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

void added_list_remove(struct added_list *list, uint32_t id)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->tokens[i].id == id)
            text_deinit(&list->tokens[i].content);
        else
            list->tokens[kept++] = list->tokens[i];
    }
    list->count = kept;
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

/* The longest token that begins at `start`; NULL without. */
static const struct added_token *longest_at(const struct added_list *list, const char *text, const char *marks,
                                            size_t count, size_t start)
{
    const struct added_token *found = NULL;
    size_t low = 0, high = list->count;
    bool trusted = true;

    for (size_t depth = 0; low < high && start + depth < count; depth++) {
        unsigned byte = (unsigned char)text[start + depth];
        trusted = trusted && (marks[start + depth] & MARK_TRUSTED) != 0;
        low = narrow(list, low, high, depth, byte);
        high = narrow(list, low, high, depth, byte + 1);
        /* Tokens that end here come first in the range. */
        for (; low < high && list->tokens[low].content.count == depth + 1; low++)
            if (trusted || !list->tokens[low].reserved)
                found = &list->tokens[low];
    }
    return found;
}

static void take_white_space(const struct added_token *token, const char *text, size_t count, size_t done,
                             struct added_match *match)
{
    if (token->strip_left && match->start < done)
        match->start = done;
    while (token->strip_left && match->start > done) {
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
}

bool added_next(const struct added_list *list, const char *text, const char *marks, size_t count,
                struct added_walk *walk, struct added_match *match)
{
    if (list->count == 0)
        return false;
    for (size_t start = walk->search; start < count; start++) {
        const struct added_token *token = list->first_byte[(unsigned char)text[start]]
                                              ? longest_at(list, text, marks, count, start)
                                              : NULL;
        if (token == NULL)
            continue;
        size_t end = start + token->content.count;
        if (token->single_word && touches_word(text, count, start, end)) {
            start = end - 1;
            continue;
        }
        *match = (struct added_match){.start = start, .end = end, .id = token->id};
        take_white_space(token, text, count, walk->done, match);
        *walk = (struct added_walk){.search = end, .done = match->end};
        if (match->start < match->end) /* else it was white space that the token before took */
            return true;
        start = end - 1;
    }
    return false;
}
