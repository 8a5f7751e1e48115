/* See config_json.h. Any thread. */
#include "config_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void config_fail(struct config *config, enum quire_status status, const char *format, ...)
{
    char sentence[QUIRE_ERROR_BYTES];
    va_list arguments;

    if (config->status != QUIRE_OK)
        return;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    config->status = quire_fail(config->error, status, "%s: %s", config->path, sentence);
}

static const json_t *get(struct config *config, const char *key)
{
    const json_t *value = config->status == QUIRE_OK ? json_object_get(config->json, key) : NULL;

    return json_is_null(value) ? NULL : value;
}

static const char *kind(const json_t *value)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_STRING] = "a string", [JSON_INTEGER] = "an integer",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "true",    [JSON_FALSE] = "false",     [JSON_NULL] = "null",
    };

    return kinds[json_typeof(value)];
}

static void mistyped(struct config *config, const char *key, const json_t *value, const char *wanted)
{
    config_fail(config, QUIRE_BAD_FILE, "%s%s is %s, not %s", config->within, key, kind(value), wanted);
}

uint32_t config_u32(struct config *config, const char *key, uint32_t otherwise, uint32_t min, uint32_t max)
{
    const json_t *value = get(config, key);
    json_int_t number = json_integer_value(value);

    if (value == NULL) {
        if (otherwise == CONFIG_REQUIRED)
            config_fail(config, QUIRE_BAD_FILE, "%s%s is missing", config->within, key);
        return otherwise;
    }
    if (!json_is_integer(value)) {
        mistyped(config, key, value, "an integer");
        return otherwise;
    }
    if (number < min || number > max) {
        config_fail(config, QUIRE_BAD_FILE, "%s%s is %lld, not %u to %u", config->within, key, (long long)number, min,
                    max);
        return otherwise;
    }
    return (uint32_t)number;
}

double config_number(struct config *config, const char *key, double otherwise)
{
    const json_t *value = get(config, key);

    if (value == NULL)
        return otherwise;
    if (!json_is_number(value)) {
        mistyped(config, key, value, "a number");
        return otherwise;
    }
    return json_number_value(value);
}

bool config_bool(struct config *config, const char *key, bool otherwise)
{
    const json_t *value = get(config, key);

    if (value == NULL)
        return otherwise;
    if (!json_is_boolean(value)) {
        mistyped(config, key, value, "true or false");
        return otherwise;
    }
    return json_is_true(value);
}

const char *config_string(struct config *config, const char *key, const char *otherwise)
{
    const json_t *value = get(config, key);

    if (value == NULL)
        return otherwise;
    if (!json_is_string(value)) {
        mistyped(config, key, value, "a string");
        return otherwise;
    }
    return json_string_value(value);
}

const json_t *config_array(struct config *config, const char *key)
{
    const json_t *value = get(config, key);

    if (value != NULL && !json_is_array(value)) {
        mistyped(config, key, value, "a list");
        return NULL;
    }
    return value;
}

const json_t *config_object(struct config *config, const char *key)
{
    const json_t *value = get(config, key);

    if (value != NULL && !json_is_object(value)) {
        mistyped(config, key, value, "an object");
        return NULL;
    }
    return value;
}

bool config_has(const struct config *config, const char *key)
{
    return json_object_get(config->json, key) != NULL;
}
