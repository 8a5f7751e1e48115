/* JSON text and UTF-8. Pure functions on the caller's memory; any thread. */
#include "reply_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void json_out_deinit(struct json_out *out)
{
    text_deinit(&out->text);
    *out = (struct json_out){0};
}

void json_out_clear(struct json_out *out)
{
    out->text.count = 0;
}

void out_raw_bytes(struct json_out *out, const char *bytes, size_t count)
{
    if (!out->failed && count > 0 && text_append(&out->text, bytes, count) != QUIRE_OK)
        out->failed = true;
}

void out_raw(struct json_out *out, const char *literal)
{
    out_raw_bytes(out, literal, strlen(literal));
}

/* Bytes of the well-formed UTF-8 character at `bytes` (Unicode table 3-7), 0 where there is none; `*truncated`: the end came
 * too early for a beginning that is right so far. */
static size_t utf8_character(const unsigned char *bytes, size_t count, bool *truncated)
{
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    size_t length;

    *truncated = false;
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        length = 2;
    else if ((first & 0xf0) == 0xe0)
        length = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        length = 4;
    else
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf) {
        if (i == count) {
            *truncated = true;
            return 0;
        }
        if (bytes[i] < low || bytes[i] > high)
            return 0;
    }
    return length;
}

static const char *short_escape(unsigned char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return NULL;
    }
}

void out_escaped(struct json_out *out, const char *bytes, size_t count)
{
    const unsigned char *text = (const unsigned char *)bytes;
    size_t plain = 0; /* start of the run that needs no change */

    for (size_t i = 0; i < count;) {
        const char *escape = short_escape(text[i]);
        char buffer[8];
        bool truncated;
        size_t length = utf8_character(text + i, count - i, &truncated);

        if (escape == NULL && length > 0 && text[i] >= 0x20) {
            i += length;
            continue;
        }
        out_raw_bytes(out, bytes + plain, i - plain);
        if (escape != NULL) {
            out_raw(out, escape);
        } else if (length == 0) {
            out_raw(out, "\xef\xbf\xbd");
        } else {
            snprintf(buffer, sizeof buffer, "\\u%04x", text[i]);
            out_raw(out, buffer);
        }
        i++;
        plain = i;
    }
    out_raw_bytes(out, bytes + plain, count - plain);
}

void out_string(struct json_out *out, const char *bytes, size_t count)
{
    out_raw_bytes(out, "\"", 1);
    out_escaped(out, bytes, count);
    out_raw_bytes(out, "\"", 1);
}

void out_text(struct json_out *out, const char *text)
{
    if (text == NULL)
        out_raw(out, "null");
    else
        out_string(out, text, strlen(text));
}

void out_uint(struct json_out *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    out_raw_bytes(out, digits + at, sizeof digits - at);
}

void out_float(struct json_out *out, float value)
{
    char digits[32];

    if (!isfinite(value))
        value = value > 0 ? 9999.0f : -9999.0f;
    snprintf(digits, sizeof digits, "%.9g", (double)value);
    out_raw(out, digits);
    if (strpbrk(digits, ".e") == NULL)
        out_raw(out, ".0");
}

void out_ids(struct json_out *out, const uint32_t *ids, size_t count)
{
    out_raw_bytes(out, "[", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            out_raw_bytes(out, ",", 1);
        out_uint(out, ids[i]);
    }
    out_raw_bytes(out, "]", 1);
}

size_t utf8_complete_prefix(const char *bytes, size_t count)
{
    /* A character has at most four bytes: look for a lead byte among the last three. */
    for (size_t back = 1; back <= 3 && back <= count; back++) {
        bool truncated;
        if (((unsigned char)bytes[count - back] & 0xc0) == 0x80)
            continue;
        (void)utf8_character((const unsigned char *)bytes + count - back, back, &truncated);
        return truncated ? count - back : count;
    }
    return count;
}

size_t utf8_length(const char *bytes, size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++)
        length += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return length;
}
