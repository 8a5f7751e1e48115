/* See quote.h. Any thread. */
#include "quote.h"

#include <string.h>

const char *quote_name(struct quote *quote, const char *name, size_t name_bytes)
{
    size_t count = name_bytes < 90 ? name_bytes : 90;

    for (size_t i = 0; i < count; i++)
        quote->text[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
    strcpy(quote->text + count, name_bytes > count ? "..." : "");
    return quote->text;
}
