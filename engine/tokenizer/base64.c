/* RFC 4648 base64. Thread: any. Owner: tokenizer. */
#include "base64.h"

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum quire_status base64_decode(const char *text, size_t count, struct text *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < count && text[i] != '='; i++) {
        int value = digit_value(text[i]);
        if (value < 0)
            return QUIRE_BAD_FILE;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (text_append_byte(out, (char)(bits >> held & 0xFFu), 1) != QUIRE_OK)
            return QUIRE_NO_MEMORY;
    }
    return QUIRE_OK;
}
