/* Renders a chat. What a template sees is what transformers' apply_chat_template gives it, with vLLM's additions from
 * the request. Pure; any thread. */
#include "chat_prompt.h"

#include "chat_messages.h"
#include "jinja/jinja.h"
#include "jinja/unicode.h"
#include "prompt_bound.h"

#include <stdlib.h>
#include <string.h>

/* Variables of a template that are the server's to set; chat_template_kwargs may not. */
static const char *const reserved[] = {
    "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "chat_template",
    "conversation", "tokenize", "tokenizer", "return_dict", "return_tensors", "padding", "truncation", "max_length",
    "raise_exception", "strftime_now", "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token",
    "mask_token",
};

static const char *const special_names[] = {"bos_token", "eos_token", "unk_token", "pad_token",
                                            "sep_token", "cls_token", "mask_token"};

/* ---- variables --------------------------------------------------------------------------------------------------- */

static bool kwargs_check(const json_t *kwargs, struct api_error *error)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)kwargs, name, value)
        for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
            if (strcmp(name, reserved[i]) == 0)
                return api_fail(error, ERROR_INVALID_VALUE, "chat_template_kwargs",
                                "chat_template_kwargs must not set %s", name);
    return true;
}

static bool effort_check(const json_t *effort, struct api_error *error)
{
    static const char *const efforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};

    for (size_t i = 0; effort != NULL && i < sizeof efforts / sizeof efforts[0]; i++)
        if (json_is_text(effort, efforts[i]))
            return true;
    return effort == NULL ||
           api_fail(error, ERROR_INVALID_VALUE, "reasoning_effort", "reasoning_effort is '%.40s', but must be none, "
                    "minimal, low, medium, high, xhigh or max", json_string_value(effort));
}

static bool fields_check(const struct request_fields *fields, struct api_error *error)
{
    if (request_has(fields, FIELD_CHAT_TEMPLATE))
        return api_fail(error, ERROR_UNSUPPORTED, "chat_template",
                        "chat_template is not taken from requests; start the server with --chat-template FILE");
    if (fields->inexact)
        return api_fail(error, ERROR_INVALID_VALUE, NULL, "the body has an integer that 64 bits do not hold");
    if (fields->flag[FIELD_CONTINUE_FINAL_MESSAGE] && fields->flag[FIELD_ADD_GENERATION_PROMPT] &&
        request_has(fields, FIELD_ADD_GENERATION_PROMPT))
        return api_fail(error, ERROR_INVALID_VALUE, "continue_final_message",
                        "continue_final_message and add_generation_prompt exclude each other");
    return chat_tools_check(fields, error) && chat_documents_check(fields->value[FIELD_DOCUMENTS], error) &&
           effort_check(fields->value[FIELD_REASONING_EFFORT], error) &&
           kwargs_check(fields->value[FIELD_CHAT_TEMPLATE_KWARGS], error);
}

static json_t *value_or_null(const struct request_fields *fields, enum field field, bool wanted)
{
    return wanted && request_has(fields, field) ? json_incref((json_t *)(uintptr_t)fields->value[field]) : json_null();
}

/* All that the template may ask for; takes `messages`. NULL: no memory. */
static json_t *variables_build(const struct served_model *model, const struct request_fields *fields, json_t *messages)
{
    json_t *kwargs = (json_t *)(uintptr_t)fields->value[FIELD_CHAT_TEMPLATE_KWARGS];
    json_t *effort = (json_t *)(uintptr_t)fields->value[FIELD_REASONING_EFFORT];
    json_t *variables = kwargs != NULL ? json_copy(kwargs) : json_object();
    bool open_end = fields->flag[FIELD_ADD_GENERATION_PROMPT] && !fields->flag[FIELD_CONTINUE_FINAL_MESSAGE];
    bool tools = json_array_size(fields->value[FIELD_TOOLS]) > 0;
    bool fine = json_object_set_new(variables, "messages", messages) == 0;

    /* transformers defines these in any case, and templates ask `tools is not none`. */
    fine = fine && json_object_set_new(variables, "tools", value_or_null(fields, FIELD_TOOLS, tools)) == 0;
    fine = fine && json_object_set_new(variables, "documents", value_or_null(fields, FIELD_DOCUMENTS, true)) == 0;
    fine = fine && json_object_set_new(variables, "add_generation_prompt", json_boolean(open_end)) == 0;
    if (effort != NULL) { /* as vLLM: many templates know only whether to think at all */
        fine = fine && json_object_set(variables, "reasoning_effort", effort) == 0;
        if (json_object_get(variables, "enable_thinking") == NULL)
            fine = fine && json_object_set_new(variables, "enable_thinking",
                                               json_boolean(!json_is_text(effort, "none"))) == 0;
    }
    for (size_t i = 0; i < sizeof special_names / sizeof special_names[0]; i++) {
        const char *text = tokenizer_special_text(model->tokenizer, special_names[i]);
        if (text != NULL)
            fine = fine && json_object_set_new(variables, special_names[i], json_string(text)) == 0;
    }
    if (fine)
        return variables;
    json_decref(variables);
    return NULL;
}

/* ---- continue_final_message -------------------------------------------------------------------------------------- */

/* As in transformers: the last message's text gets a mark at its end, and the rendered prompt is cut where the mark
 * went. The mark ends in a space, so that it shows whether the template trims. */
static const char mark[] = "CONTINUE_FINAL_MESSAGE_TAG ";
#define MARK_BYTES (sizeof mark - 1)

static json_t *marked(const json_t *text)
{
    struct text joined = {0};
    json_t *made = NULL;

    if (text_append(&joined, json_string_value(text), json_string_length(text)) == QUIRE_OK &&
        text_append(&joined, mark, MARK_BYTES) == QUIRE_OK)
        made = json_stringn_nocheck(joined.bytes, joined.count);
    text_deinit(&joined);
    return made;
}

/* Marks the last message of `messages`, which are ours to change, and gives the text it had. */
static bool final_message_mark(json_t *messages, json_t **text, struct api_error *error)
{
    json_t *message = json_array_get(messages, json_array_size(messages) - 1);
    json_t *content = json_object_get(message, "content"), *holder = message;
    const char *name = "content";

    for (size_t i = json_array_size(content); i-- > 0 && holder == message;)
        if (json_is_string(json_object_get(json_array_get(content, i), "text"))) {
            holder = json_array_get(content, i);
            name = "text";
        }
    *text = json_object_get(holder, name);
    if (!json_is_string(*text))
        return api_fail(error, ERROR_INVALID_VALUE, "continue_final_message",
                        "continue_final_message needs a final message with text to continue");
    json_incref(*text);
    return json_object_set_new(holder, name, marked(*text)) == 0 ||
           api_fail(error, ERROR_MEMORY, "messages", "no memory for the final message");
}

static bool is_space(const char *character, size_t bytes)
{
    uint32_t code = (unsigned char)character[0];

    if (bytes > 1) {
        code &= 0xffu >> (bytes + 1);
        for (size_t i = 1; i < bytes; i++)
            code = code << 6 | ((unsigned char)character[i] & 0x3f);
    }
    return jchar_has(code, JCHAR_SPACE);
}

static bool is_inside(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Bytes of `text` (UTF-8) without white space at its end, as Python's str.rstrip() leaves it. */
static size_t right_stripped(const char *text, size_t count)
{
    for (size_t start = count; start > 0; count = start) {
        do
            start--;
        while (start > 0 && is_inside(text[start]));
        if (!is_space(text + start, count - start))
            break;
    }
    return count;
}

/* Bytes of white space at its beginning. */
static size_t left_space(const char *text, size_t count)
{
    size_t start = 0;

    for (size_t end = 0; end < count; start = end) {
        do
            end++;
        while (end < count && is_inside(text[end]));
        if (!is_space(text + start, end - start))
            break;
    }
    return start;
}

static bool final_message_cut(const json_t *text, struct jinja_output *output, struct api_error *error)
{
    const char *said = json_string_value(text), *found = NULL, *end = output->text + output->text_bytes;
    size_t said_bytes = right_stripped(said, json_string_length(text)), blank = left_space(said, said_bytes), at;

    /* No occurrence of the mark overlaps another, so that all searches together are one walk. */
    for (const char *from = output->text; (from = memmem(from, (size_t)(end - from), mark, MARK_BYTES - 1)) != NULL;
         from += MARK_BYTES - 1)
        found = from;
    if (found == NULL || memmem(output->text, output->text_bytes, said + blank, said_bytes - blank) == NULL)
        return api_fail(error, ERROR_INVALID_VALUE, "continue_final_message",
                        "the chat template does not show the final message's text, so it cannot be continued");
    at = (size_t)(found - output->text);
    if (output->text_bytes - at < MARK_BYTES || found[MARK_BYTES - 1] != mark[MARK_BYTES - 1])
        at = right_stripped(output->text, at); /* trimmed: so are the text's own ends */
    jinja_output_truncate(output, at);
    return true;
}

/* ---- the prompt -------------------------------------------------------------------------------------------------- */

static const struct chat_template *template_choose(const struct served_model *model,
                                                   const struct request_fields *fields, struct api_error *error)
{
    const struct chat_template *template =
        json_array_size(fields->value[FIELD_TOOLS]) > 0 ? model->chat_tools_template : model->chat_template;

    if (template->program != NULL)
        return template;
    if (template->problem.message[0] != '\0')
        api_fail(error, ERROR_INVALID_VALUE, "messages", "this model's chat template cannot be used: %.300s",
                 template->problem.message);
    else
        api_fail(error, ERROR_INVALID_VALUE, "messages", "this model has no chat template; send a prompt, or start the "
                 "server with --chat-template FILE");
    return NULL;
}

static bool chat_render(const struct served_model *model, const struct request_fields *fields,
                        struct jinja_output *output, struct api_error *error)
{
    const struct jinja_options options = {
        .trusted_names = special_names,
        .trusted_count = sizeof special_names / sizeof special_names[0],
        .trust_all = model->special_tokens_in_content,
    };
    const struct chat_template *template = template_choose(model, fields, error);
    bool continues = fields->flag[FIELD_CONTINUE_FINAL_MESSAGE], fine;
    json_t *messages, *variables = NULL, *text = NULL;
    struct quire_error cause;
    enum quire_status status;

    if (template == NULL || !fields_check(fields, error))
        return false;
    messages = chat_messages_build(fields->value[FIELD_MESSAGES], template, error);
    if (messages == NULL)
        return false;
    fine = !continues || final_message_mark(messages, &text, error);
    if (fine) {
        variables = variables_build(model, fields, json_incref(messages));
        fine = variables != NULL || api_fail(error, ERROR_MEMORY, "messages", "no memory for the template's variables");
    }
    if (fine) {
        status = jinja_render(template->program, variables, &options, output, &cause);
        fine = (status == QUIRE_OK || api_fail_status(error, status, "messages", &cause)) &&
               (!continues || final_message_cut(text, output, error));
    }
    json_decref(text);
    json_decref(variables);
    json_decref(messages);
    return fine;
}

bool chat_prompt_build(const struct served_model *model, const struct request_fields *fields, bool bounded,
                       struct token_list *ids, struct api_error *error)
{
    struct jinja_output output = {0};
    struct quire_error cause;
    enum quire_status status;
    bool fine;

    if (!request_has(fields, FIELD_MESSAGES))
        return api_fail(error, ERROR_MISSING, "messages", "messages is missing");
    fine = chat_render(model, fields, &output, error) &&
           (!bounded || prompt_bound_check(model, output.text_bytes, "messages", error));
    if (fine) {
        status = tokenizer_encode(model->tokenizer, output.runs, output.run_count,
                                  fields->flag[FIELD_ADD_SPECIAL_TOKENS], ids, &cause);
        fine = status == QUIRE_OK || api_fail_status(error, status, "messages", &cause);
    }
    jinja_output_deinit(&output);
    return fine;
}
