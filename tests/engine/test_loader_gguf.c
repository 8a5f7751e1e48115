/* The GGUF container: values of every type, look-ups and their errors, headers longer than one read. The file is
 * written here from the specification. */
#include "container/gguf.h"

#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_STRINGS 300000u /* some 4 MiB, longer than the first read */

struct writer {
    char *bytes, *at;
    uint64_t value_count;
};

static void put(struct writer *writer, const void *bytes, size_t count)
{
    memcpy(writer->at, bytes, count);
    writer->at += count;
}

static void put_string(struct writer *writer, const char *text)
{
    uint64_t length = strlen(text);

    put(writer, &length, 8);
    put(writer, text, length);
}

static void put_value(struct writer *writer, const char *key, uint32_t type, const void *bytes, size_t count)
{
    put_string(writer, key);
    put(writer, &type, 4);
    put(writer, bytes, count);
    writer->value_count++;
}

static void put_array(struct writer *writer, const char *key, uint32_t element_type, uint64_t count)
{
    put_value(writer, key, 9, &element_type, 4);
    put(writer, &count, 8);
}

static struct gguf *written(uint32_t version)
{
    struct writer w = {.bytes = malloc(MANY_STRINGS * 32 + 4096)};
    uint64_t none = 0, u64 = UINT64_MAX;
    uint8_t u8 = 200, yes = 1;
    int8_t i8 = -100;
    uint16_t u16 = 60000;
    int16_t i16 = -30000;
    uint32_t u32 = 4000000000u;
    int32_t i32 = -2000000000, numbers[3] = {-1, 0, 7};
    int64_t i64 = INT64_MIN;
    float f32 = 0.1f;
    double f64 = 1e300;
    char path[SCRATCH_PATH_BYTES], text[16];
    struct gguf *gguf = NULL;
    struct quire_error error = {""};

    cr_assert(w.bytes != NULL);
    w.at = w.bytes;
    put(&w, "GGUF", 4);
    put(&w, &version, 4);
    put(&w, &none, 8);
    put(&w, &none, 8); /* the count, later */
    put_value(&w, "u8", 0, &u8, 1);
    put_value(&w, "i8", 1, &i8, 1);
    put_value(&w, "u16", 2, &u16, 2);
    put_value(&w, "i16", 3, &i16, 2);
    put_value(&w, "u32", 4, &u32, 4);
    put_value(&w, "i32", 5, &i32, 4);
    put_value(&w, "f32", 6, &f32, 4);
    put_value(&w, "bool", 7, &yes, 1);
    put_value(&w, "string", 8, "", 0);
    put_string(&w, "text");
    put_array(&w, "strings", 8, MANY_STRINGS);
    for (uint32_t i = 0; i < MANY_STRINGS; i++) {
        snprintf(text, sizeof text, "s%u", i);
        put_string(&w, text);
    }
    put_value(&w, "u64", 10, &u64, 8);
    put_value(&w, "i64", 11, &i64, 8);
    put_value(&w, "f64", 12, &f64, 8);
    put_array(&w, "numbers", 5, 3);
    put(&w, numbers, sizeof numbers);
    put_array(&w, "empty", 8, 0);
    memcpy(w.bytes + 16, &w.value_count, 8);
    scratch_write("values.gguf", w.bytes, (size_t)(w.at - w.bytes));
    free(w.bytes);
    cr_assert_eq(gguf_open(scratch_path("values.gguf", path), &gguf, &error), QUIRE_OK, "%s", error.message);
    return gguf;
}

Test(loader_gguf, both_versions_keep_values_of_every_type)
{
    static const struct {
        const char *key;
        double value;
    } rows[] = {{"u8", 200},   {"i8", -100},     {"u16", 60000},   {"i16", -30000},         {"u32", 4000000000.0},
                {"i32", -2e9}, {"bool", 1},      {"u64", 0x1p64},  {"i64", -0x1p63},        {"f64", 1e300}};

    for (uint32_t version = 2; version <= 3; version++) {
        struct gguf *gguf = written(version);

        cr_expect_eq(gguf_version(gguf), version);
        cr_expect_eq(gguf_value_count(gguf), 15);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const struct gguf_value *value = gguf_find(gguf, rows[i].key);

            cr_assert(value != NULL && value->count == 1, "%s", rows[i].key);
            cr_expect_eq(gguf_number(value, 0), rows[i].value, "%s is %g", rows[i].key, gguf_number(value, 0));
        }
        cr_expect_eq((float)gguf_number(gguf_find(gguf, "f32"), 0), 0.1f);
        cr_expect_null(gguf_find(gguf, "absent"));
        cr_expect_null(gguf_find(gguf, ""));
        cr_expect(gguf_string_equals(gguf_value_at(gguf, 0)->key, "u8")); /* the file's order */
        gguf_close(gguf);
    }
}

Test(loader_gguf, arrays_are_walked_to_their_end)
{
    struct gguf *gguf = written(3);
    const struct gguf_value *strings = NULL, *numbers = NULL, *empty = NULL;
    struct gguf_cursor cursor;
    struct gguf_string string;
    uint32_t count = 0;
    char text[16];

    cr_assert_eq(gguf_get_strings(gguf, "strings", &strings, NULL), QUIRE_OK);
    for (cursor = gguf_strings_begin(strings); gguf_strings_next(&cursor, &string); count++) {
        snprintf(text, sizeof text, "s%u", count);
        cr_assert(gguf_string_equals(string, text), "%.*s is not %s", (int)string.bytes, string.text, text);
    }
    cr_expect_eq(count, MANY_STRINGS);
    cr_assert_eq(gguf_get_strings(gguf, "empty", &empty, NULL), QUIRE_OK);
    cursor = gguf_strings_begin(empty);
    cr_expect(!gguf_strings_next(&cursor, &string));
    cr_assert_eq(gguf_get_numbers(gguf, "numbers", &numbers, NULL), QUIRE_OK);
    cr_expect(numbers->count == 3 && gguf_number(numbers, 0) == -1 && gguf_number(numbers, 2) == 7);
    gguf_close(gguf);
}

Test(loader_gguf, look_ups_say_what_is_missing_or_of_another_type)
{
    struct gguf *gguf = written(3);
    struct quire_error error = {""};
    struct gguf_string string = {NULL, 0};
    const struct gguf_value *value = NULL;
    uint32_t number = 5;
    double real = 5;
    bool flag = false;

    cr_expect_eq(gguf_get_u32(gguf, "u8", &number, &error), QUIRE_OK);
    cr_expect_eq(number, 200);
    cr_expect_eq(gguf_get_u32(gguf, "u32", &number, &error), QUIRE_OK);
    cr_expect_eq(number, 4000000000u);
    cr_expect_eq(gguf_get_f64(gguf, "i16", &real, &error), QUIRE_OK);
    cr_expect_eq(real, -30000);
    cr_expect_eq(gguf_get_bool(gguf, "bool", &flag, &error), QUIRE_OK);
    cr_expect(flag);
    cr_expect_eq(gguf_get_string(gguf, "string", &string, &error), QUIRE_OK);
    cr_expect(gguf_string_equals(string, "text"));

    number = 5;
    cr_expect_eq(gguf_get_u32(gguf, "absent", &number, &error), QUIRE_NOT_FOUND);
    cr_expect(strstr(error.message, "values.gguf: the metadata key \"absent\" is missing") != NULL, "%s",
              error.message);
    cr_expect_eq(gguf_get_u32(gguf, "i8", &number, &error), QUIRE_BAD_FILE);
    cr_expect(strstr(error.message, "\"i8\" is -100, not 0 to 4294967295") != NULL, "%s", error.message);
    cr_expect_eq(gguf_get_u32(gguf, "u64", &number, &error), QUIRE_BAD_FILE);
    cr_expect_eq(gguf_get_u32(gguf, "f32", &number, &error), QUIRE_BAD_FILE);
    cr_expect(strstr(error.message, "\"f32\" is of type f32, not an integer") != NULL, "%s", error.message);
    cr_expect_eq(gguf_get_u32(gguf, "numbers", &number, &error), QUIRE_BAD_FILE);
    cr_expect(strstr(error.message, "\"numbers\" is an array of i32, not an integer") != NULL, "%s", error.message);
    cr_expect_eq(number, 5); /* untouched */
    cr_expect_eq(gguf_get_f64(gguf, "string", &real, &error), QUIRE_BAD_FILE);
    cr_expect_eq(gguf_get_bool(gguf, "u8", &flag, &error), QUIRE_BAD_FILE);
    cr_expect_eq(gguf_get_string(gguf, "strings", &string, &error), QUIRE_BAD_FILE);
    cr_expect_eq(gguf_get_strings(gguf, "numbers", &value, &error), QUIRE_BAD_FILE);
    cr_expect_eq(gguf_get_numbers(gguf, "strings", &value, &error), QUIRE_BAD_FILE);
    cr_expect_null(value);
    gguf_close(gguf);
}
