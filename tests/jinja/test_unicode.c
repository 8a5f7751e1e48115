/* The tables about characters against Python's str, over every code point (make_cases.py unicode). */
#include "harness.h"
#include "unicode.h"
#include "value.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const property_names[] = {"isalpha",   "isupper",   "islower", "title",   "isdecimal",
                                             "isdigit",   "isnumeric", "isspace", "isprintable"};
static const char *const case_names[] = {"upper", "lower", "title_case", "folded"};

static uint64_t add(uint64_t hash, uint32_t word)
{
    return (hash ^ word) * 0x100000001b3u;
}

static uint64_t property_hash(enum jproperty property)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code - 0xd800u >= 0x800u && jchar_has(code, property))
            hash = add(hash, code);
    }
    return hash;
}

static uint64_t case_hash(enum jcase to)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (uint32_t code = 0; code < 0x110000; code++) {
        uint32_t out[3];
        if (code - 0xd800u < 0x800u)
            continue;
        for (size_t i = 0, count = jchar_convert(code, to, out); i < count; i++)
            hash = add(hash, out[i]);
    }
    return hash;
}

static void check(const json_t *line, void *context)
{
    const char *name = json_string_value(json_array_get(line, 0));
    const char *expected = json_string_value(json_array_get(line, 1));
    uint64_t hash = 0xcbf29ce484222325u;
    char text[20];

    for (size_t i = 0; i < sizeof property_names / sizeof *property_names; i++) {
        if (strcmp(name, property_names[i]) == 0)
            hash = property_hash((enum jproperty)i);
    }
    for (size_t i = 0; i < sizeof case_names / sizeof *case_names; i++) {
        if (strcmp(name, case_names[i]) == 0)
            hash = case_hash((enum jcase)i);
    }
    for (uint32_t code = 0; strcmp(name, "digit_value") == 0 && code < 0x110000; code++) {
        if (jchar_digit(code) >= 0)
            hash = add(add(hash, code), (uint32_t)jchar_digit(code));
    }
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    cr_expect_str_eq(text, expected, "%s", name);
    ++*(size_t *)context;
}

Test(jinja_unicode, every_code_point_is_as_in_python)
{
    size_t checked = 0;

    harness_each_line("unicode_cases.json", check, &checked);
    cr_assert_eq(checked, 14);
}

Test(jinja_unicode, invalid_utf8_is_found)
{
    cr_expect_eq(jutf8_check("aé日🙂", 10), 10);
    cr_expect_eq(jutf8_check("a\x80", 2), 1);
    cr_expect_eq(jutf8_check("a\xc0\x80", 3), 1);
    cr_expect_eq(jutf8_check("\xe0\x80\x80", 3), 0);
    cr_expect_eq(jutf8_check("\xed\xa0\x80", 3), 0);
    cr_expect_eq(jutf8_check("\xf4\x90\x80\x80", 4), 0);
    cr_expect_eq(jutf8_check("ab\xe6\x97", 4), 2);
}
