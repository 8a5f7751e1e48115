/* POST /v1/chat/completions: messages through the model's chat template to a prompt. */
#include "api_generate.h"

#include "jinja/jinja.h"
#include "prompt_bound.h"

#include <stdlib.h>
#include <string.h>

/* Variables of a template that are the server's to set; chat_template_kwargs may not. */
static const char *const reserved[] = {
    "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "chat_template", "conversation",
    "tokenize", "tokenizer", "return_dict", "return_tensors", "padding", "truncation", "max_length",
    "raise_exception", "strftime_now", "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token",
    "mask_token",
};

static const char *const special_names[] = {"bos_token", "eos_token", "unk_token", "pad_token",
                                            "sep_token", "cls_token", "mask_token"};

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static bool role_check(const json_t *message, size_t index, struct api_error *error)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
    const json_t *role = json_object_get(message, "role");
    char param[64];

    snprintf(param, sizeof param, "messages[%zu].role", index);
    if (role == NULL)
        return api_fail(error, ERROR_MISSING, param, "%s is missing", param);
    if (!json_is_string(role))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string", param);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(json_string_value(role), roles[i]) == 0)
            return true;
    return api_fail(error, ERROR_INVALID_VALUE, param, "%s is '%.40s', which is no role", param, json_string_value(role));
}

/* Parts of content: text only. */
static bool parts_check(const json_t *parts, const char *param, struct api_error *error)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i), *type = json_object_get(part, "type");

        if (!json_is_string(type))
            return api_fail(error, ERROR_INVALID_TYPE, param, "%s[%zu] must be an object with a type", param, i);
        if (strcmp(json_string_value(type), "text") != 0)
            return api_fail(error, ERROR_UNSUPPORTED, param, "%s[%zu] is of type '%.40s', but this model reads text only", param,
                            i, json_string_value(type));
        if (!json_is_string(json_object_get(part, "text")))
            return api_fail(error, ERROR_INVALID_TYPE, param, "%s[%zu].text must be a string", param, i);
    }
    return true;
}

static bool content_check(const json_t *message, size_t index, struct api_error *error)
{
    const json_t *content = json_object_get(message, "content");
    bool assistant = strcmp(json_string_value(json_object_get(message, "role")), "assistant") == 0;
    char param[64];

    snprintf(param, sizeof param, "messages[%zu].content", index);
    if (content == NULL && !assistant)
        return api_fail(error, ERROR_MISSING, param, "%s is missing", param);
    if (content == NULL || json_is_string(content) || (assistant && json_is_null(content)))
        return true;
    if (!json_is_array(content))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be a string or an array of parts", param);
    return parts_check(content, param, error);
}

static bool message_check(const json_t *message, size_t index, struct api_error *error)
{
    static const char *const known[] = {"role", "content", "name", "reasoning_content", "tool_call_id"};
    const char *name;
    json_t *value;
    char param[96];

    snprintf(param, sizeof param, "messages[%zu]", index);
    if (!json_is_object(message))
        return api_fail(error, ERROR_INVALID_TYPE, param, "%s must be an object", param);
    json_object_foreach ((json_t *)(uintptr_t)message, name, value) {
        bool found = json_is_null(value);

        for (size_t i = 0; !found && i < sizeof known / sizeof known[0]; i++)
            found = strcmp(name, known[i]) == 0;
        snprintf(param, sizeof param, "messages[%zu].%.60s", index, name);
        if (!found)
            return api_fail(error, ERROR_UNSUPPORTED, param, "%s is not supported", param);
        if (strcmp(name, "content") != 0 && !json_is_null(value) && !json_is_string(value))
            return api_fail(error, strcmp(name, "role") == 0 ? ERROR_INVALID_VALUE : ERROR_INVALID_TYPE, param,
                            "%s must be a string", param);
    }
    return role_check(message, index, error) && content_check(message, index, error);
}

/* A list of text parts as one string, joined by line ends as vLLM does; NULL: no memory. */
static json_t *parts_join(const json_t *parts)
{
    struct text text = {0};
    json_t *joined = NULL;
    bool fine = true;

    for (size_t i = 0; fine && i < json_array_size(parts); i++) {
        const json_t *part = json_object_get(json_array_get(parts, i), "text");
        fine = (i == 0 || text_append(&text, "\n", 1) == QUIRE_OK) &&
               text_append(&text, json_string_value(part), json_string_length(part)) == QUIRE_OK;
    }
    if (fine)
        joined = json_stringn_nocheck(text.count > 0 ? text.bytes : "", text.count);
    text_deinit(&text);
    return joined;
}

/* The messages as the template gets them: checked, parts joined where it wants strings, "developer" told as "system",
 * an absent content as null. */
static json_t *messages_build(const json_t *messages, bool wants_parts, struct api_error *error)
{
    json_t *list = json_array();
    size_t count = json_array_size(messages);

    if (count == 0)
        api_fail(error, ERROR_INVALID_VALUE, "messages", "messages must not be empty");
    if (count > REQUEST_MESSAGES_MAX)
        api_fail(error, ERROR_INVALID_VALUE, "messages", "there are %zu messages, but at most %u are allowed", count,
                 REQUEST_MESSAGES_MAX);
    if (count == 0 || count > REQUEST_MESSAGES_MAX)
        goto failed;
    for (size_t i = 0; i < count; i++) {
        const json_t *message = json_array_get(messages, i), *content;
        json_t *copy;

        if (!message_check(message, i, error))
            goto failed;
        content = json_object_get(message, "content");
        copy = json_copy((json_t *)(uintptr_t)message);
        if (content == NULL)
            json_object_set_new(copy, "content", json_null());
        else if (json_is_array(content) && !wants_parts)
            json_object_set_new(copy, "content", parts_join(content));
        if (strcmp(json_string_value(json_object_get(message, "role")), "developer") == 0)
            json_object_set_new(copy, "role", json_string("system"));
        if (copy == NULL || json_array_append_new(list, copy) != 0) {
            api_fail(error, ERROR_MEMORY, "messages", "no memory for %zu messages", count);
            goto failed;
        }
    }
    return list;

failed:
    json_decref(list);
    return NULL;
}

/* ---- template ---------------------------------------------------------------------------------------------------- */

static bool kwargs_apply(const json_t *kwargs, json_t *variables, struct api_error *error)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)kwargs, name, value) {
        for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
            if (strcmp(name, reserved[i]) == 0)
                return api_fail(error, ERROR_INVALID_VALUE, "chat_template_kwargs", "chat_template_kwargs must not set %s",
                                name);
        json_object_set(variables, name, value);
    }
    return true;
}

static json_t *variables_build(const struct served_model *model, const struct request_fields *fields,
                               struct api_error *error)
{
    json_t *variables = json_object();
    json_t *messages = messages_build(fields->value[FIELD_MESSAGES], jinja_template_wants_parts(model->chat_template), error);

    if (messages == NULL || !kwargs_apply(fields->value[FIELD_CHAT_TEMPLATE_KWARGS], variables, error)) {
        json_decref(messages);
        json_decref(variables);
        return NULL;
    }
    json_object_set_new(variables, "messages", messages);
    json_object_set_new(variables, "add_generation_prompt", json_boolean(fields->flag[FIELD_ADD_GENERATION_PROMPT]));
    /* transformers defines both in any case, and templates ask `tools is not none`. */
    json_object_set_new(variables, "tools", json_null());
    json_object_set_new(variables, "documents", json_null());
    if (request_has(fields, FIELD_DOCUMENTS))
        json_object_set(variables, "documents", (json_t *)(uintptr_t)fields->value[FIELD_DOCUMENTS]);
    for (size_t i = 0; i < sizeof special_names / sizeof special_names[0]; i++) {
        const char *text = tokenizer_special_text(model->tokenizer, special_names[i]);
        if (text != NULL)
            json_object_set_new(variables, special_names[i], json_string(text));
    }
    return variables;
}

static char *reversed(const char *text, size_t count)
{
    char *copy = malloc(count + 1);

    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = text[count - 1 - i];
    return copy;
}

/* Where the last occurrence of `part` in `text` ends; 0: there is none, or (`*fine` false) no memory. The first
 * occurrence in the reversed text: memmem takes linear time, while a search from each occurrence to the next may take
 * quadratic. */
static size_t last_end(const char *text, size_t count, const char *part, size_t part_count, bool *fine)
{
    char *text_reversed = reversed(text, count), *part_reversed = reversed(part, part_count);
    const char *found = NULL;
    size_t end;

    *fine = text_reversed != NULL && part_reversed != NULL;
    if (*fine && part_count > 0)
        found = memmem(text_reversed, count, part_reversed, part_count);
    end = found != NULL ? count - (size_t)(found - text_reversed) : 0;
    free(text_reversed);
    free(part_reversed);
    return end;
}

/* continue_final_message: what the template wrote after the last message's text is cut off, so that the model goes on.
 * */
static bool final_message_cut(const json_t *variables, struct jinja_output *output, struct api_error *error)
{
    const json_t *messages = json_object_get(variables, "messages");
    const json_t *content = json_object_get(json_array_get(messages, json_array_size(messages) - 1), "content");
    const char *text = json_string_value(content);
    size_t count = json_string_length(content), end;
    bool fine;

    while (count > 0 && strchr(" \t\r\n", text[count - 1]) != NULL) /* templates often trim */
        count--;
    while (count > 0 && strchr(" \t\r\n", text[0]) != NULL)
        text++, count--;
    end = last_end(output->text, output->text_bytes, text, count, &fine);
    if (!fine)
        return api_fail(error, ERROR_MEMORY, "messages", "no memory for the final message");
    if (end == 0)
        return api_fail(error, ERROR_INVALID_VALUE, "continue_final_message",
                        "the chat template does not show the final message's text, so it cannot be continued");
    jinja_output_truncate(output, end);
    return true;
}

static bool prompt_render(const struct served_model *model, const struct request_fields *fields,
                          struct generation_prompt *prompt, struct api_error *error)
{
    const struct jinja_options options = {
        .trusted_names = special_names,
        .trusted_count = sizeof special_names / sizeof special_names[0],
        .trust_all = model->special_tokens_in_content,
    };
    struct jinja_output output = {0};
    struct quire_error cause;
    enum quire_status status;
    json_t *variables;
    bool fine;

    if (fields->flag[FIELD_CONTINUE_FINAL_MESSAGE] && fields->flag[FIELD_ADD_GENERATION_PROMPT] &&
        request_has(fields, FIELD_ADD_GENERATION_PROMPT))
        return api_fail(error, ERROR_INVALID_VALUE, "continue_final_message",
                        "continue_final_message and add_generation_prompt exclude each other");
    variables = variables_build(model, fields, error);
    if (variables == NULL)
        return false;
    if (fields->flag[FIELD_CONTINUE_FINAL_MESSAGE])
        json_object_set_new(variables, "add_generation_prompt", json_false());
    status = jinja_render(model->chat_template, variables, &options, &output, &cause);
    fine = status == QUIRE_OK || api_fail_status(error, status, "messages", &cause);
    if (fine && fields->flag[FIELD_CONTINUE_FINAL_MESSAGE])
        fine = final_message_cut(variables, &output, error);
    fine = fine && prompt_bound_check(model, output.text_bytes, "messages", error);
    if (fine) {
        status = tokenizer_encode(model->tokenizer, output.runs, output.run_count, fields->flag[FIELD_ADD_SPECIAL_TOKENS],
                                  &prompt->ids, &cause);
        fine = status == QUIRE_OK || api_fail_status(error, status, "messages", &cause);
    }
    jinja_output_deinit(&output);
    json_decref(variables);
    return fine;
}

static bool chat(struct exchange *exchange, const struct served_model *model, const struct request_fields *fields,
                 struct api_error *error)
{
    if (!request_has(fields, FIELD_MESSAGES))
        return api_fail(error, ERROR_MISSING, "messages", "messages is missing");
    if (model->chat_template == NULL)
        return api_fail(error, ERROR_INVALID_VALUE, "messages",
                        "this model has no chat template; use /v1/completions, or start the server with --chat-template FILE");
    exchange->generation = generation_create(exchange->service, model, ENDPOINT_CHAT, fields, 1, error);
    return exchange->generation != NULL && prompt_render(model, fields, &exchange->generation->prompts[0], error) &&
           generation_start(exchange->generation, fields, error);
}

void api_chat(struct exchange *exchange)
{
    api_generate(exchange, ENDPOINT_CHAT, chat);
}
