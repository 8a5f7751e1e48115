/* Tools that a request offers, the calls that its messages made, and its documents. What a tool's schema means is the
 * template's business; here it only must be one. Pure; any thread. */
#include "chat_messages.h"

#include <string.h>

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

/* What is wrong with a regular expression, if its brackets do not pair; NULL else. Every dialect agrees on that much.
 * */
static const char *pattern_fault(const char *pattern, size_t count)
{
    size_t depth = 0;
    bool in_class = false;

    for (size_t i = 0; i < count; i++) {
        char c = pattern[i];

        if (c == '\\' && ++i == count)
            return "ends with a backslash";
        if (c == '\\')
            continue;
        if (in_class)
            in_class = c != ']';
        else if (c == '[')
            in_class = true;
        else if (c == '(')
            depth++;
        else if (c == ')' && depth-- == 0)
            return "closes a group that is not open";
    }
    return in_class ? "leaves a class open" : depth > 0 ? "leaves a group open" : NULL;
}

/* Looks at every "pattern" of a schema, but not at what is data in it. jansson bounds the depth. */
static bool schema_check(const json_t *schema, const char *param, struct api_error *error)
{
    static const char *const data[] = {"default", "const", "enum", "examples"};
    const char *name, *fault;
    json_t *value;
    size_t index;

    json_array_foreach ((json_t *)(uintptr_t)schema, index, value)
        if (!schema_check(value, param, error))
            return false;
    json_object_foreach ((json_t *)(uintptr_t)schema, name, value) {
        bool is_data = false;

        for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
            is_data = is_data || strcmp(name, data[i]) == 0;
        if (!is_data && !schema_check(value, param, error))
            return false;
        if (strcmp(name, "pattern") != 0 || !json_is_string(value))
            continue;
        fault = pattern_fault(json_string_value(value), json_string_length(value));
        if (fault != NULL)
            return api_fail(error, ERROR_INVALID_SCHEMA, "tools", "a pattern in %s %s: '%.60s'", param, fault,
                            json_string_value(value));
    }
    return true;
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

/* The object `name` of `object`, which may be absent only where `optional`. */
static bool object_check(const json_t *object, const char *name, bool optional, const char *param,
                         struct api_error *error)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_object(value) || (optional && (value == NULL || json_is_null(value))))
        return true;
    return api_fail(error, value == NULL ? ERROR_MISSING : ERROR_INVALID_TYPE, param, "%s %s", param,
                    value == NULL ? "is missing" : "must be an object");
}

static bool name_check(const json_t *function, const char *param, struct api_error *error)
{
    const json_t *name = json_object_get(function, "name");

    if (name == NULL)
        return api_fail(error, ERROR_MISSING, param, "%s is missing", param);
    if (!json_is_string(name))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string", param);
    if (json_string_length(name) == 0)
        return api_fail(error, ERROR_INVALID_VALUE, param, "%s must not be empty", param);
    return true;
}

static bool type_check(const json_t *object, const char *param, struct api_error *error)
{
    const json_t *type = json_object_get(object, "type");

    if (json_is_text(type, "function"))
        return true;
    if (type == NULL)
        return api_fail(error, ERROR_MISSING, param, "%s is missing", param);
    return api_fail(error, json_is_string(type) ? ERROR_UNSUPPORTED : ERROR_INVALID_TYPE, param,
                    "%s must be \"function\"", param);
}

static bool tool_check(const json_t *tool, size_t index, struct api_error *error)
{
    const json_t *function = json_object_get(tool, "function"), *description, *strict;
    char param[64];

    snprintf(param, sizeof param, "tools[%zu]", index);
    if (!json_is_object(tool))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be an object", param);
    snprintf(param, sizeof param, "tools[%zu].type", index);
    if (!type_check(tool, param, error))
        return false;
    snprintf(param, sizeof param, "tools[%zu].function", index);
    if (!object_check(tool, "function", false, param, error))
        return false;
    snprintf(param, sizeof param, "tools[%zu].function.name", index);
    if (!name_check(function, param, error))
        return false;
    description = json_object_get(function, "description");
    snprintf(param, sizeof param, "tools[%zu].function.description", index);
    if (description != NULL && !json_is_null(description) && !json_is_string(description))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string", param);
    strict = json_object_get(function, "strict");
    snprintf(param, sizeof param, "tools[%zu].function.strict", index);
    if (strict != NULL && !json_is_null(strict) && !json_is_boolean(strict))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be true or false", param);
    snprintf(param, sizeof param, "tools[%zu].function.parameters", index);
    return object_check(function, "parameters", true, param, error) &&
           schema_check(json_object_get(function, "parameters"), param, error);
}

static bool choice_check(const json_t *choice, struct api_error *error)
{
    if (choice == NULL || json_is_text(choice, "auto") || json_is_text(choice, "none"))
        return true;
    if (json_is_object(choice) || json_is_text(choice, "required"))
        return api_fail(error, ERROR_UNSUPPORTED, "tool_choice",
                        "tool_choice can be \"auto\" or \"none\": this server cannot yet force a call");
    return api_fail(error, json_is_string(choice) ? ERROR_INVALID_VALUE : ERROR_INVALID_TYPE, "tool_choice",
                    "tool_choice must be \"auto\" or \"none\"");
}

bool chat_tools_check(const struct request_fields *fields, struct api_error *error)
{
    const json_t *tools = fields->value[FIELD_TOOLS];
    size_t count = json_array_size(tools);

    if (count > REQUEST_TOOLS_MAX)
        return api_fail(error, ERROR_INVALID_VALUE, "tools", "there are %zu tools, but at most %u are allowed", count,
                        REQUEST_TOOLS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!tool_check(json_array_get(tools, i), i, error))
            return false;
    return choice_check(fields->value[FIELD_TOOL_CHOICE], error);
}

bool chat_documents_check(const json_t *documents, struct api_error *error)
{
    for (size_t i = 0; i < json_array_size(documents); i++) {
        char param[64];

        snprintf(param, sizeof param, "documents[%zu]", i);
        if (!json_is_object(json_array_get(documents, i)))
            return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be an object", param);
    }
    return true;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* The arguments of a call as templates want them: parsed. What is no JSON becomes an empty object, as in vLLM: a model
 * may have written it, and its conversation goes on. NULL with `error` filled. */
static json_t *arguments_parse(const json_t *arguments, const char *param, struct api_error *error)
{
    json_t *parsed = NULL;
    json_error_t cause;

    if (json_is_object(arguments) || json_is_array(arguments))
        return json_incref((json_t *)(uintptr_t)arguments);
    if (arguments != NULL && !json_is_null(arguments) && !json_is_string(arguments)) {
        api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string of JSON", param);
        return NULL;
    }
    if (json_is_string(arguments) && strlen(json_string_value(arguments)) == json_string_length(arguments)) {
        parsed = json_loads(json_string_value(arguments), JSON_ALLOW_NUL | JSON_DECODE_ANY, &cause);
        if (parsed == NULL && json_error_code(&cause) == json_error_numeric_overflow) {
            api_fail(error, ERROR_INVALID_VALUE, param, "%s has a number that 64 bits do not hold", param);
            return NULL;
        }
    }
    return parsed != NULL ? parsed : json_object();
}

static json_t *call_build(const json_t *call, size_t message, size_t index, struct api_error *error)
{
    const json_t *function = json_object_get(call, "function"), *id = json_object_get(call, "id");
    json_t *built = NULL, *inner = NULL, *arguments = NULL;
    char param[96];
    int at = snprintf(param, sizeof param, "messages[%zu].tool_calls[%zu]", message, index);
    size_t left = sizeof param - (size_t)at;

    if (!json_is_object(call)) {
        api_fail(error, ERROR_INVALID_TYPE, param, "%s must be an object", param);
        return NULL;
    }
    snprintf(param + at, left, ".type");
    if (json_object_get(call, "type") != NULL && !type_check(call, param, error))
        return NULL;
    snprintf(param + at, left, ".id");
    if (id != NULL && !json_is_null(id) && !json_is_string(id)) {
        api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string", param);
        return NULL;
    }
    snprintf(param + at, left, ".function");
    if (!object_check(call, "function", false, param, error))
        return NULL;
    snprintf(param + at, left, ".function.name");
    if (!name_check(function, param, error))
        return NULL;
    snprintf(param + at, left, ".function.arguments");
    arguments = arguments_parse(json_object_get(function, "arguments"), param, error);
    if (arguments == NULL)
        return NULL;
    inner = json_copy((json_t *)(uintptr_t)function);
    built = json_copy((json_t *)(uintptr_t)call);
    if (json_object_set_new(inner, "arguments", arguments) != 0 || json_object_set(built, "function", inner) != 0) {
        api_fail(error, ERROR_MEMORY, param, "no memory for %s", param);
        json_decref(built);
        built = NULL;
    }
    json_decref(inner);
    return built;
}

json_t *chat_tool_calls_build(const json_t *calls, size_t index, struct api_error *error)
{
    json_t *list;
    char param[64];

    snprintf(param, sizeof param, "messages[%zu].tool_calls", index);
    if (!json_is_array(calls)) {
        api_fail(error, ERROR_INVALID_TYPE, param, "%s must be an array", param);
        return NULL;
    }
    list = json_array();
    for (size_t i = 0; i < json_array_size(calls); i++) {
        json_t *built = call_build(json_array_get(calls, i), index, i, error);

        if (built == NULL) {
            json_decref(list);
            return NULL;
        }
        if (json_array_append_new(list, built) != 0) {
            api_fail(error, ERROR_MEMORY, param, "no memory for %s", param);
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
