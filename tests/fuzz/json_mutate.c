/* Mutates JSON as values: one place is drawn by walking down from the root, and what stands there is changed, dropped,
 * doubled, or replaced by something that tokenizer files hold. Thread: one. Owner: the process. */
#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A value and where it hangs: in an object by key, or in an array by index. */
struct place {
    json_t *parent, *value;
    const char *key;
    size_t index;
};

static struct place child(json_t *parent, size_t number)
{
    struct place place = {.parent = parent, .index = number};

    if (json_is_array(parent)) {
        place.value = json_array_get(parent, number);
        return place;
    }
    void *at = json_object_iter(parent);
    while (number-- > 0)
        at = json_object_iter_next(parent, at);
    place.key = json_object_iter_key(at);
    place.value = json_object_iter_value(at);
    return place;
}

static struct place walk_down(json_t *root, struct dice *dice)
{
    struct place place = {.value = root};

    for (;;) {
        size_t count = json_is_array(place.value) ? json_array_size(place.value) : json_object_size(place.value);
        if (count == 0 || (place.parent != NULL && dice_throw(dice, 4) == 0))
            return place;
        place = child(place.value, dice_throw(dice, count));
    }
}

static void put(struct place place, json_t *value) /* takes the reference */
{
    if (value == NULL || place.parent == NULL)
        json_decref(value);
    else if (place.key != NULL)
        json_object_set_new(place.parent, place.key, value);
    else
        json_array_set_new(place.parent, place.index, value);
}

/* ---- what may stand somewhere ------------------------------------------------------------------------------------ */

static json_t *interesting(struct dice *dice)
{
    static const char *const values[] = {
        "null", "true", "false", "0", "1", "2", "-1", "0.5", "-0.0", "1e30", "-1e300", "65535", "4294967295",
        "\"\"", "[]", "{}", "\" \"", "\"a\"", "\"\\u2581\"", "\"\\u0000\"", "\"##\"", "\"</w>\"",
        "\"<unk>\"", "\"<s>\"", "\"first\"", "\"#version: 0.2\\na b\\n\"",
        "\"a\\nb\\n##b\\n\"", "\"YWI=\"", "\"never\"", "\"always\"", "\"<0x41>\"", "\"\\uD83D\\uDE00\"",
        "\"e\\u0301\"", "{\"Regex\":\"(a|b)*+\"}", "{\"Regex\":\"(?=a)|\\\\s+(?!\\\\S)\"}", "{\"Regex\":\"(a+)+$\"}",
        "{\"Regex\":\"\"}", "{\"String\":\"\"}", "{\"String\":\"a\"}",
        "{\"Regex\":\"\\\\p{L}+|[^\\\\p{Han}a-c&&[^b]]\"}", "{\"type\":\"NFC\"}", "{\"type\":\"NFKD\"}",
        "{\"type\":\"Lowercase\"}", "{\"type\":\"StripAccents\"}", "{\"type\":\"Nmt\"}", "{\"type\":\"ByteLevel\"}",
        "{\"type\":\"BertNormalizer\"}", "{\"type\":\"Strip\",\"strip_left\":true}",
        "{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"}",
        "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\".\"},\"content\":\"aa\"}",
        "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"\"}", "{\"type\":\"Whitespace\"}",
        "{\"type\":\"WhitespaceSplit\"}", "{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"}",
        "{\"type\":\"Digits\",\"individual_digits\":true}", "{\"type\":\"BertPreTokenizer\"}",
        "{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"a\"}", "{\"type\":\"UnicodeScripts\"}",
        "{\"type\":\"FixedLength\",\"length\":3}",
        "{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":\"always\"}",
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a|\"},\"behavior\":\"MergedWithNext\",\"invert\":true}",
        "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"MergedWithPrevious\"}",
        "{\"type\":\"ByteFallback\"}", "{\"type\":\"Fuse\"}",
        "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}",
        "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}", "{\"type\":\"CTC\"}",
        "{\"type\":\"BPEDecoder\",\"suffix\":\"</w>\"}",
        "{\"type\":\"BertProcessing\",\"sep\":[\"a\",0],\"cls\":[\"b\",1]}",
        "{\"type\":\"Sequence\",\"normalizers\":[],\"pretokenizers\":[],\"decoders\":[],\"processors\":[]}",
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}",
        "{\"id\":0,\"content\":\"a\",\"special\":true}",
        "{\"id\":1,\"content\":\" b\",\"lstrip\":true,\"rstrip\":true,\"single_word\":true,\"normalized\":true}",
    };

    return json_loads(values[dice_throw(dice, sizeof values / sizeof *values)], JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}

/* libFuzzer changes the bytes; NULL where they are UTF-8 no more. */
static json_t *changed_string(const json_t *old)
{
    char bytes[4096];
    size_t count = json_string_length(old);

    if (count > sizeof bytes / 2)
        return NULL;
    memcpy(bytes, json_string_value(old), count);
    count = LLVMFuzzerMutate((uint8_t *)bytes, count, count * 2 < 16 ? 16 : count * 2);
    return json_stringn(bytes, count);
}

static json_t *changed(const json_t *old, struct dice *dice)
{
    json_int_t number;

    switch (json_typeof(old)) {
    case JSON_STRING:
        return changed_string(old);
    case JSON_INTEGER:
        number = json_integer_value(old);
        return json_integer(number > -INT32_MAX && number < INT32_MAX ? number + dice_throw(dice, 9) - 4 : number / 97);
    case JSON_REAL:
        return json_real(json_real_value(old) * (dice_throw(dice, 9) - 4.0) + 0.25);
    case JSON_TRUE:
        return json_false();
    case JSON_FALSE:
        return json_true();
    default:
        return interesting(dice);
    }
}

/* Puts a value in: behind `place` in an array; in an object under the name of some other member of the file. */
static void add(json_t *root, struct place place, json_t *value, struct dice *dice)
{
    struct place other = walk_down(root, dice);
    const char *key = other.key != NULL ? other.key : "a";

    if (json_is_array(place.parent))
        json_array_insert_new(place.parent, place.index, value);
    else if (json_is_array(place.value))
        json_array_append_new(place.value, value);
    else
        json_object_set_new(json_is_object(place.value) ? place.value : place.parent, key, value);
}

static void mutate(json_t *root, struct dice *dice)
{
    struct place place = walk_down(root, dice), other;

    if (place.parent == NULL)
        return;
    switch (dice_throw(dice, 8)) {
    case 0:
    case 1:
    case 2:
        put(place, changed(place.value, dice));
        break;
    case 3:
        put(place, interesting(dice));
        break;
    case 4: /* another value of this file */
        other = walk_down(root, dice);
        put(place, json_deep_copy(other.value));
        break;
    case 5:
        if (place.key != NULL)
            json_object_del(place.parent, place.key);
        else
            json_array_remove(place.parent, place.index);
        break;
    case 6:
        add(root, place, interesting(dice), dice);
        break;
    default:
        add(root, place, json_deep_copy(place.value), dice);
        break;
    }
}

/* Writes the value; 0 where it is too long, or nested too deep to be written. */
static size_t write_json(const json_t *root, uint8_t *out, size_t out_max)
{
    size_t count = json_dumpb(root, (char *)out, out_max, JSON_COMPACT);

    return count <= out_max ? count : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t count_max, unsigned seed)
{
    struct dice dice = dice_make(seed);
    json_t *root = json_loadb((const char *)bytes, count, JSON_ALLOW_NUL, NULL);
    size_t made = 0;

    if (json_is_object(root) && dice_throw(&dice, 50) > 0) {
        for (uint32_t times = 1 + dice_throw(&dice, 3); times > 0; times--)
            mutate(root, &dice);
        made = write_json(root, bytes, count_max);
    }
    json_decref(root);
    return made > 0 ? made : LLVMFuzzerMutate(bytes, count, count_max);
}

/* A value of `right` into the same place of `left`, or anywhere. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *left, size_t left_count, const uint8_t *right, size_t right_count,
                                 uint8_t *out, size_t out_max, unsigned seed)
{
    struct dice dice = dice_make(seed);
    json_t *into = json_loadb((const char *)left, left_count, JSON_ALLOW_NUL, NULL);
    json_t *from = json_loadb((const char *)right, right_count, JSON_ALLOW_NUL, NULL);
    size_t made = 0;

    if (json_is_object(into) && json_is_object(from)) {
        struct place place = walk_down(into, &dice), source = walk_down(from, &dice);
        if (source.parent == from && source.key != NULL)
            json_object_set_new(into, source.key, json_deep_copy(source.value));
        else
            put(place, json_deep_copy(source.value));
        made = write_json(into, out, out_max);
    }
    json_decref(into);
    json_decref(from);
    return made;
}
