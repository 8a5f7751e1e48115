/* From OpenAI's messages to those that chat templates expect. The references are vLLM (parts, tool results, empty
 * content) and transformers' apply_chat_template (nulls, the names of reasoning); where a message needs none of that,
 * it is handed on as it came. Pure; any thread. */
#include "chat_messages.h"

#include "jinja/jinja.h"

#include <stdlib.h>
#include <string.h>

/* What a message may have without its template naming it. */
static const struct {
    const char *name;
    bool text; /* a string */
} known[] = {
    {"role", true},      {"content", false},  {"name", true},    {"tool_calls", false},  {"tool_call_id", true},
    {"reasoning", true}, {"thinking", true},  {"refusal", true}, {"annotations", false}, {"reasoning_content", true},
};

/* The first that is set is the message's reasoning. */
static const char *const reasoning_names[] = {"reasoning_content", "thinking", "reasoning"};

/* The member, NULL where it is absent or null. */
static json_t *member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static bool role_check(const json_t *message, size_t index, struct api_error *error)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
    const json_t *role = member(message, "role");
    char param[64];

    snprintf(param, sizeof param, "messages[%zu].role", index);
    if (role == NULL)
        return api_fail(error, ERROR_MISSING, param, "%s is missing", param);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (json_is_text(role, roles[i]))
            return true;
    return api_fail(error, ERROR_INVALID_VALUE, param, "%s is '%.40s', which is no role", param,
                    json_string_value(role));
}

static bool message_check(const json_t *message, size_t index, const struct chat_template *template,
                          struct api_error *error)
{
    const char *name;
    json_t *value;
    char param[96];

    snprintf(param, sizeof param, "messages[%zu]", index);
    if (!json_is_object(message))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be an object", param);
    json_object_foreach ((json_t *)(uintptr_t)message, name, value) {
        size_t i = 0;

        if (json_is_null(value))
            continue;
        snprintf(param, sizeof param, "messages[%zu].%.60s", index, name);
        while (i < sizeof known / sizeof known[0] && strcmp(name, known[i].name) != 0)
            i++;
        if (i == sizeof known / sizeof known[0]) {
            if (!jinja_template_mentions(template->program, name))
                return api_fail(error, ERROR_UNSUPPORTED, param, "%s is not supported: this model's chat template does "
                                "not read it", param);
        } else if (known[i].text && !json_is_string(value)) {
            return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string", param);
        }
    }
    return role_check(message, index, error);
}

/* ---- content ----------------------------------------------------------------------------------------------------- */

/* The text of one part of content; NULL with `error` filled. */
static const json_t *part_text(const json_t *part, const char *param, size_t index, struct api_error *error)
{
    static const struct {
        const char *type, *member;
    } kinds[] = {{"text", "text"},       {"input_text", "text"},     {"output_text", "text"},
                 {"refusal", "refusal"}, {"thinking", "thinking"}};
    const json_t *type = json_object_get(part, "type"), *text;

    if (json_is_string(part))
        return part;
    if (!json_is_string(type)) {
        api_fail(error, ERROR_INVALID_TYPE, param, "%s[%zu] must be an object with a type", param, index);
        return NULL;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!json_is_text(type, kinds[i].type))
            continue;
        text = json_object_get(part, kinds[i].member);
        if (json_is_string(text))
            return text;
        api_fail(error, ERROR_INVALID_TYPE, param, "%s[%zu].%s must be a string", param, index, kinds[i].member);
        return NULL;
    }
    api_fail(error, ERROR_UNSUPPORTED, param, "%s[%zu] is of type '%.40s', but this model reads text only", param,
             index, json_string_value(type));
    return NULL;
}

/* A list of text parts as one string, joined by line ends as vLLM does; NULL with `error` filled. */
static json_t *parts_join(const json_t *parts, const char *param, struct api_error *error)
{
    struct text text = {0};
    json_t *joined = NULL;
    enum quire_status status = QUIRE_OK;

    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(parts); i++) {
        const json_t *part = part_text(json_array_get(parts, i), param, i, error);

        if (part == NULL)
            goto done;
        if (i > 0)
            status = text_append(&text, "\n", 1);
        if (status == QUIRE_OK)
            status = text_append(&text, json_string_value(part), json_string_length(part));
    }
    if (status == QUIRE_OK)
        joined = json_stringn_nocheck(text.count > 0 ? text.bytes : "", text.count);
    if (joined == NULL)
        api_fail(error, ERROR_MEMORY, param, "no memory for %s", param);
done:
    text_deinit(&text);
    return joined;
}

/* The same as a list, for a template that walks over it: what it cannot know is told as plain text. */
static json_t *parts_copy(const json_t *parts, const char *param, struct api_error *error)
{
    json_t *copy = json_array();

    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i);
        const json_t *type = json_object_get(part, "type"), *text = part_text(part, param, i, error);

        if (text == NULL)
            goto failed;
        if (json_is_text(type, "text") || json_is_text(type, "thinking"))
            part = json_copy(part);
        else
            part = json_pack("{s:s, s:O}", "type", "text", "text", text);
        if (part == NULL || json_array_append_new(copy, part) != 0) {
            api_fail(error, ERROR_MEMORY, param, "no memory for %s", param);
            goto failed;
        }
    }
    return copy;

failed:
    json_decref(copy);
    return NULL;
}

/* Content may be absent where an assistant called tools: then it is empty, as in vLLM, since templates stumble over
 * null. Results of tools are strings to every template. */
static json_t *content_build(const json_t *message, size_t index, bool wants_parts, struct api_error *error)
{
    const json_t *role = json_object_get(message, "role");
    json_t *content = member(message, "content");
    char param[64];

    snprintf(param, sizeof param, "messages[%zu].content", index);
    if (json_is_string(content))
        return json_incref(content);
    if (json_is_array(content))
        return wants_parts && !json_is_text(role, "tool") ? parts_copy(content, param, error)
                                                          : parts_join(content, param, error);
    if (content == NULL && json_is_text(role, "assistant"))
        return json_string("");
    if (json_object_get(message, "content") == NULL)
        api_fail(error, ERROR_MISSING, param, "%s is missing", param);
    else
        api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string or an array of parts", param);
    return NULL;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static const json_t *reasoning_of(const json_t *message)
{
    const json_t *reasoning = NULL;

    for (size_t i = 0; reasoning == NULL && i < sizeof reasoning_names / sizeof reasoning_names[0]; i++)
        reasoning = member(message, reasoning_names[i]);
    return reasoning;
}

/* Members in their order, but for "thinking" where it is another's alias: before all, as in transformers. */
static bool members_copy(json_t *built, const json_t *message, json_t *content, json_t *calls)
{
    json_t *reasoning = (json_t *)(uintptr_t)reasoning_of(message), *value;
    bool fine = true;
    const char *name;

    if (reasoning != NULL && member(message, "thinking") == NULL)
        fine = json_object_set(built, "thinking", reasoning) == 0;
    json_object_foreach ((json_t *)(uintptr_t)message, name, value) {
        if (strcmp(name, "content") == 0)
            value = content;
        else if (strcmp(name, "tool_calls") == 0)
            value = calls;
        if (value != NULL && !json_is_null(value))
            fine = fine && json_object_set_nocheck(built, name, value) == 0;
    }
    if (json_object_get(built, "content") == NULL)
        fine = fine && json_object_set(built, "content", content) == 0;
    for (size_t i = 0; reasoning != NULL && i < sizeof reasoning_names / sizeof reasoning_names[0]; i++)
        if (json_object_get(built, reasoning_names[i]) == NULL)
            fine = fine && json_object_set(built, reasoning_names[i], reasoning) == 0;
    return fine;
}

static json_t *message_build(const json_t *message, size_t index, const struct chat_template *template,
                             struct api_error *error)
{
    const json_t *calls_given;
    json_t *content, *calls = NULL, *built = NULL;
    bool fine;

    if (!message_check(message, index, template, error))
        return NULL;
    calls_given = member(message, "tool_calls");
    content = content_build(message, index, jinja_template_wants_parts(template->program), error);
    if (content == NULL)
        return NULL;
    if (calls_given != NULL && (calls = chat_tool_calls_build(calls_given, index, error)) == NULL)
        goto done;
    if (json_array_size(calls) == 0) { /* none: templates ask whether there are any by asking for the list */
        json_decref(calls);
        calls = NULL;
    }
    built = json_object();
    fine = built != NULL && members_copy(built, message, content, calls);
    /* OpenAI's newer name of the system role, for templates that do not know it. */
    if (fine && json_is_text(json_object_get(message, "role"), "developer") && !template->developer_known)
        fine = json_object_set_new(built, "role", json_string("system")) == 0;
    if (!fine) {
        api_fail(error, ERROR_MEMORY, "messages", "no memory for messages[%zu]", index);
        json_decref(built);
        built = NULL;
    }
done:
    json_decref(content);
    json_decref(calls);
    return built;
}

json_t *chat_messages_build(const json_t *messages, const struct chat_template *template, struct api_error *error)
{
    size_t count = json_array_size(messages);
    json_t *list = NULL;

    if (count == 0) {
        api_fail(error, ERROR_INVALID_VALUE, "messages", "messages must not be empty");
        return NULL;
    }
    if (count > REQUEST_MESSAGES_MAX) {
        api_fail(error, ERROR_INVALID_VALUE, "messages", "there are %zu messages, but at most %u are allowed", count,
                 REQUEST_MESSAGES_MAX);
        return NULL;
    }
    list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *built = message_build(json_array_get(messages, i), i, template, error);

        if (built == NULL)
            goto failed;
        if (json_array_append_new(list, built) != 0) {
            api_fail(error, ERROR_MEMORY, "messages", "no memory for %zu messages", count);
            goto failed;
        }
    }
    return list;

failed:
    json_decref(list);
    return NULL;
}
