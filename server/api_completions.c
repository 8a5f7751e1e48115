/* POST /v1/completions: a prompt as string, list of strings, token ids, or list of lists of ids. */
#include "api_request.h"

#include "generation.h"
#include "prompt_bound.h"

/* Which of the four forms a prompt has. */
enum prompt_form { PROMPT_TEXT, PROMPT_IDS, PROMPT_TEXTS, PROMPT_ID_LISTS };

static bool prompt_form(const json_t *prompt, enum prompt_form *form, struct api_error *error)
{
    const json_t *first = json_array_get(prompt, 0);

    if (json_is_string(prompt))
        *form = PROMPT_TEXT;
    else if (!json_is_array(prompt))
        return api_fail(error, ERROR_INVALID_TYPE, "prompt", "prompt must be a string, token ids, or an array of either");
    else if (first == NULL)
        return api_fail(error, ERROR_INVALID_VALUE, "prompt", "prompt must not be an empty array");
    else if (json_is_number(first))
        *form = PROMPT_IDS;
    else if (json_is_string(first) || json_is_array(first))
        *form = json_is_string(first) ? PROMPT_TEXTS : PROMPT_ID_LISTS;
    else
        return api_fail(error, ERROR_INVALID_TYPE, "prompt", "prompt must be a string, token ids, or an array of either");
    return true;
}

/* One prompt, of text or of ids; fills its ids and, to be echoed, its text. */
static bool prompt_fill(const struct generation *generation, const struct request_fields *fields, const json_t *item,
                        bool text_wanted, struct generation_prompt *prompt, struct api_error *error)
{
    bool add_special = !request_has(fields, FIELD_ADD_SPECIAL_TOKENS) || fields->flag[FIELD_ADD_SPECIAL_TOKENS];
    const struct served_model *model = generation->model;
    struct quire_error cause;
    enum quire_status status;

    if (text_wanted != json_is_string(item) || (!text_wanted && !json_is_array(item)))
        return api_fail(error, ERROR_INVALID_TYPE, "prompt", "all prompts must be of one kind, strings or lists of ids");
    if (text_wanted) {
        /* The spelling of a special token in a raw prompt is that token: such prompts are rendered by their sender. */
        struct text_run run = {json_string_value(item), json_string_length(item), true};

        if (!prompt_bound_check(model, run.text_bytes, "prompt", error))
            return false;
        status = tokenizer_encode(model->tokenizer, &run, 1, add_special, &prompt->ids, &cause);
        if (status == QUIRE_OK && generation->echo)
            status = text_append(&prompt->text, run.text, run.text_bytes);
    } else {
        if (!request_ids_parse(item, "prompt", model->limits->vocab_size, &prompt->ids, error))
            return false;
        status = QUIRE_OK;
        if (generation->echo)
            status = tokenizer_decode(model->tokenizer, prompt->ids.ids, prompt->ids.count,
                                      fields->flag[FIELD_SKIP_SPECIAL_TOKENS], &prompt->text);
    }
    if (status == QUIRE_NO_MEMORY)
        return api_fail(error, ERROR_MEMORY, "prompt", "no memory for the prompt");
    return status == QUIRE_OK || api_fail_status(error, status, "prompt", &cause);
}

static bool prompts_fill(struct generation *generation, const struct request_fields *fields, enum prompt_form form,
                         struct api_error *error)
{
    const json_t *prompt = fields->value[FIELD_PROMPT];
    bool single = form == PROMPT_TEXT || form == PROMPT_IDS;

    for (uint32_t i = 0; i < generation->prompt_count; i++)
        if (!prompt_fill(generation, fields, single ? prompt : json_array_get(prompt, i),
                         form == PROMPT_TEXT || form == PROMPT_TEXTS, &generation->prompts[i], error))
            return false;
    return true;
}

static bool completions(struct exchange *exchange, const struct served_model *model, const struct request_fields *fields,
                        struct api_error *error)
{
    const json_t *prompt = fields->value[FIELD_PROMPT];
    enum prompt_form form;
    size_t count;

    if (prompt == NULL)
        return api_fail(error, ERROR_MISSING, "prompt", "prompt is missing");
    if (!prompt_form(prompt, &form, error))
        return false;
    count = form == PROMPT_TEXT || form == PROMPT_IDS ? 1 : json_array_size(prompt);
    if (count > REQUEST_PROMPTS_MAX)
        return api_fail(error, ERROR_INVALID_VALUE, "prompt", "there are %zu prompts, but one request takes at most %u", count,
                        REQUEST_PROMPTS_MAX);
    exchange->generation =
        generation_create(exchange->service, model, ENDPOINT_COMPLETIONS, fields, (uint32_t)count, error);
    return exchange->generation != NULL && prompts_fill(exchange->generation, fields, form, error) &&
           generation_start(exchange->generation, fields, error);
}

void api_completions(struct exchange *exchange)
{
    api_request(exchange, ENDPOINT_COMPLETIONS, completions);
}
