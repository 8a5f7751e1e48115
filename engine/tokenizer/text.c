/* Growing texts and lists of ids. Thread: whoever owns the list. Owner: tokenizer. */
#include "text.h"

#include "unicode.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_MIN 64u

enum quire_status array_grow(void **items, size_t *count_max, size_t needed, size_t size)
{
    size_t count = *count_max < COUNT_MIN ? COUNT_MIN : *count_max;
    size_t bytes;

    if (needed <= *count_max)
        return QUIRE_OK;
    while (count < needed) {
        if (count > SIZE_MAX / 2)
            return QUIRE_NO_MEMORY;
        count *= 2;
    }
    if (__builtin_mul_overflow(count, size, &bytes))
        return QUIRE_NO_MEMORY;
    void *moved = realloc(*items, bytes);
    if (moved == NULL)
        return QUIRE_NO_MEMORY;
    *items = moved;
    *count_max = count;
    return QUIRE_OK;
}

size_t text_bound(size_t count)
{
    return count < SIZE_MAX / 128 ? count * 64 + 256 : SIZE_MAX;
}

void text_deinit(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

enum quire_status text_reserve(struct text *text, size_t more)
{
    size_t needed;
    void *bytes = text->bytes;

    if (__builtin_add_overflow(text->count, more, &needed) || (text->bound > 0 && needed > text->bound) ||
        array_grow(&bytes, &text->count_max, needed, 1) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    text->bytes = bytes;
    return QUIRE_OK;
}

enum quire_status text_append(struct text *text, const char *bytes, size_t count)
{
    if (count == 0)
        return QUIRE_OK;
    if (text_reserve(text, count) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    return QUIRE_OK;
}

enum quire_status text_append_byte(struct text *text, char byte, size_t times)
{
    if (times == 0)
        return QUIRE_OK;
    if (text_reserve(text, times) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    memset(text->bytes + text->count, byte, times);
    text->count += times;
    return QUIRE_OK;
}

enum quire_status text_append_char(struct text *text, uint32_t codepoint)
{
    char bytes[UTF8_BYTES_MAX];

    return text_append(text, bytes, utf8_encode(codepoint, bytes));
}

bool text_begins(const char *bytes, size_t count, const struct text *beginning)
{
    return count >= beginning->count &&
           (beginning->count == 0 || memcmp(bytes, beginning->bytes, beginning->count) == 0);
}

bool text_is_same(const struct text *one, const struct text *other)
{
    return one->count == other->count && text_begins(one->bytes, one->count, other);
}

void token_list_deinit(struct token_list *list)
{
    free(list->ids);
    *list = (struct token_list){0};
}

enum quire_status token_list_reserve(struct token_list *list, size_t more)
{
    size_t needed;
    void *ids = list->ids;

    if (__builtin_add_overflow(list->count, more, &needed) ||
        array_grow(&ids, &list->count_max, needed, sizeof *list->ids) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    list->ids = ids;
    return QUIRE_OK;
}

enum quire_status token_list_append(struct token_list *list, uint32_t id)
{
    if (list->count == list->count_max && token_list_reserve(list, 1) != QUIRE_OK)
        return QUIRE_NO_MEMORY;
    list->ids[list->count++] = id;
    return QUIRE_OK;
}
