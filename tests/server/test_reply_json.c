/* server/reply_json.c: what is written can be read back, by jansson and strtof. */
#include "reply_json.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The string that JSON readers see in what out_string wrote. */
static json_t *read_back(const char *bytes, size_t count)
{
    struct json_out out = {0};
    json_error_t error;
    json_t *value;

    out_string(&out, bytes, count);
    value = json_loadb(out.text.bytes, out.text.count, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert_not_null(value, "%s: %.*s", error.text, (int)out.text.count, out.text.bytes);
    json_out_deinit(&out);
    return value;
}

static void expect_string(const char *bytes, size_t count, const char *expected, size_t expected_count)
{
    json_t *value = read_back(bytes, count);

    cr_expect_eq(json_string_length(value), expected_count, "%.*s", (int)count, bytes);
    cr_expect_eq(memcmp(json_string_value(value), expected, expected_count), 0, "%.*s", (int)count, bytes);
    json_decref(value);
}

Test(reply_json, valid_text_comes_back_as_it_was)
{
    for (unsigned code = 0; code <= 0x10ffff; code += code < 0x900 ? 1 : 0x61) {
        char text[4];
        size_t count;

        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        if (code < 0x80)
            count = 1, text[0] = (char)code;
        else if (code < 0x800)
            count = 2, text[0] = (char)(0xc0 | code >> 6), text[1] = (char)(0x80 | (code & 63));
        else if (code < 0x10000)
            count = 3, text[0] = (char)(0xe0 | code >> 12), text[1] = (char)(0x80 | (code >> 6 & 63)),
            text[2] = (char)(0x80 | (code & 63));
        else
            count = 4, text[0] = (char)(0xf0 | code >> 18), text[1] = (char)(0x80 | (code >> 12 & 63)),
            text[2] = (char)(0x80 | (code >> 6 & 63)), text[3] = (char)(0x80 | (code & 63));
        expect_string(text, count, text, count);
        for (size_t cut = 1; cut < count; cut++)
            cr_expect_eq(utf8_complete_prefix(text, cut), 0, "U+%04X cut after %zu", code, cut);
        cr_expect_eq(utf8_complete_prefix(text, count), count);
        cr_expect_eq(utf8_length(text, count), 1);
    }
}

Test(reply_json, broken_text_becomes_replacement_characters)
{
#define FFFD "\xef\xbf\xbd"
    static const struct {
        const char *bytes, *expected;
    } rows[] = {
        {"\xff", FFFD}, {"a\xfe" "b", "a" FFFD "b"}, {"\x80", FFFD}, {"\xc3", FFFD}, {"\xc3(", FFFD "("},
        {"\xc0\xaf", FFFD FFFD}, {"\xed\xa0\x80", FFFD FFFD FFFD}, {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xe2\x82", FFFD FFFD}, {"\xf0\x9f\x98", FFFD FFFD FFFD}, {"\xe2\x82\xac", "\xe2\x82\xac"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_string(rows[i].bytes, strlen(rows[i].bytes), rows[i].expected, strlen(rows[i].expected));
}

Test(reply_json, random_bytes_always_make_json)
{
    unsigned seed = 1;

    for (int round = 0; round < 20000; round++) {
        char bytes[12];
        size_t count = (size_t)(rand_r(&seed) % 12);
        for (size_t i = 0; i < count; i++)
            bytes[i] = (char)(rand_r(&seed) % 256);
        json_decref(read_back(bytes, count));
        cr_assert_leq(utf8_complete_prefix(bytes, count), count);
    }
}

Test(reply_json, floats_give_back_their_bits)
{
    unsigned seed = 7;

    for (int round = 0; round < 50000; round++) {
        uint32_t bits = (uint32_t)rand_r(&seed) << 17 ^ (uint32_t)rand_r(&seed);
        struct json_out out = {0};
        json_t *value;
        float number, back;

        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        out_float(&out, number);
        value = json_loadb(out.text.bytes, out.text.count, JSON_DECODE_ANY, NULL);
        cr_assert(json_is_real(value), "%.*s", (int)out.text.count, out.text.bytes);
        back = (float)json_real_value(value);
        cr_assert_eq(memcmp(&back, &number, sizeof back), 0, "%.9g", (double)number);
        json_decref(value);
        json_out_deinit(&out);
    }
}

Test(reply_json, numbers_at_their_ends)
{
    struct json_out out = {0};

    out_uint(&out, 0);
    out_raw(&out, " ");
    out_uint(&out, UINT64_MAX);
    out_raw(&out, " ");
    out_float(&out, -INFINITY);
    out_raw(&out, " ");
    out_float(&out, -1);
    out_raw(&out, " ");
    out_ids(&out, (const uint32_t[]){1, 0, UINT32_MAX}, 3);
    out_ids(&out, NULL, 0);
    out_raw_bytes(&out, "", 1);
    cr_expect_str_eq(out.text.bytes, "0 18446744073709551615 -9999.0 -1.0 [1,0,4294967295][]");
    json_out_deinit(&out);
}
