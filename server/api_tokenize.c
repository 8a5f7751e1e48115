/* POST /tokenize and /detokenize, as vLLM has them: text or messages to ids, and ids to text. */
#include "api_request.h"

#include "chat_prompt.h"

#include <string.h>

#define TEXT_BYTES_MAX (256u << 20) /* of an answer to /detokenize: few bytes of ids can stand for much text */

/* As in /v1/completions, the spelling of a special token in a raw prompt is that token. A prompt longer than the
 * model's context is answered all the same: who asks wants to know its length. */
static bool prompt_tokenize(const struct served_model *model, const struct request_fields *fields,
                            struct token_list *ids, struct api_error *error)
{
    static const struct {
        enum field field;
        const char *name;
    } of_messages[] = {{FIELD_MESSAGES, "messages"},
                       {FIELD_TOOLS, "tools"},
                       {FIELD_TOOL_CHOICE, "tool_choice"},
                       {FIELD_DOCUMENTS, "documents"},
                       {FIELD_REASONING_EFFORT, "reasoning_effort"},
                       {FIELD_CHAT_TEMPLATE, "chat_template"},
                       {FIELD_CHAT_TEMPLATE_KWARGS, "chat_template_kwargs"}};
    const json_t *prompt = fields->value[FIELD_PROMPT];
    const struct text_run run = {json_string_value(prompt), json_string_length(prompt), true};
    bool add_special = !request_has(fields, FIELD_ADD_SPECIAL_TOKENS) || fields->flag[FIELD_ADD_SPECIAL_TOKENS];
    struct quire_error cause;
    enum quire_status status;

    for (size_t i = 0; i < sizeof of_messages / sizeof of_messages[0]; i++)
        if (request_has(fields, of_messages[i].field))
            return api_fail(error, ERROR_INVALID_VALUE, of_messages[i].name, "prompt and %s exclude each other",
                            of_messages[i].name);
    if (!json_is_string(prompt))
        return api_fail(error, ERROR_INVALID_TYPE, "prompt", "prompt must be a string");
    status = tokenizer_encode(model->tokenizer, &run, run.text_bytes > 0 ? 1 : 0, add_special, ids, &cause);
    return status == QUIRE_OK || api_fail_status(error, status, "prompt", &cause);
}

/* The vocabulary's spellings, as transformers' convert_ids_to_tokens gives them. */
static void spellings_write(struct json_out *out, const struct tokenizer *tokenizer, const struct token_list *ids)
{
    out_raw(out, "[");
    for (size_t i = 0; i < ids->count; i++) {
        if (i > 0)
            out_raw(out, ",");
        out_text(out, tokenizer_spelling(tokenizer, ids->ids[i]));
    }
    out_raw(out, "]");
}

static bool tokenize(struct exchange *exchange, const struct served_model *model, const struct request_fields *fields,
                     struct api_error *error)
{
    struct json_out *out = &exchange->reply.body;
    struct token_list ids = {0};
    bool fine;

    if (request_has(fields, FIELD_PROMPT))
        fine = prompt_tokenize(model, fields, &ids, error);
    else if (request_has(fields, FIELD_MESSAGES))
        fine = chat_prompt_build(model, fields, false, &ids, error);
    else
        fine = api_fail(error, ERROR_MISSING, "prompt", "prompt or messages is missing");
    if (fine) {
        exchange->reply.status = 200;
        out_raw(out, "{\"count\":");
        out_uint(out, ids.count);
        out_raw(out, ",\"max_model_len\":");
        out_uint(out, model->limits->model_len_max);
        out_raw(out, ",\"tokens\":");
        out_ids(out, ids.ids, ids.count);
        out_raw(out, ",\"token_strs\":");
        if (fields->flag[FIELD_RETURN_TOKEN_STRS])
            spellings_write(out, model->tokenizer, &ids);
        else
            out_raw(out, "null");
        out_raw(out, "}");
    }
    token_list_deinit(&ids);
    return fine;
}

/* What the tokenizer can name and what the model can say. */
static uint32_t id_count(const struct served_model *model)
{
    uint32_t known = tokenizer_vocab_size(model->tokenizer), said = model->limits->vocab_size;

    return known > said ? known : said;
}

static bool text_bound_check(const struct tokenizer *tokenizer, const struct token_list *ids, struct api_error *error)
{
    size_t bytes = 0;

    for (size_t i = 0; i < ids->count; i++) {
        const char *spelling = tokenizer_spelling(tokenizer, ids->ids[i]);
        bytes += spelling != NULL ? strlen(spelling) : 0;
    }
    return bytes <= TEXT_BYTES_MAX ||
           api_fail(error, ERROR_INVALID_VALUE, "tokens", "the text of these %zu tokens could have %zu MiB, but at most "
                    "%u are sent", ids->count, bytes >> 20, TEXT_BYTES_MAX >> 20);
}

static bool detokenize(struct exchange *exchange, const struct served_model *model, const struct request_fields *fields,
                       struct api_error *error)
{
    struct json_out *out = &exchange->reply.body;
    struct token_list ids = {0};
    struct text text = {0};
    bool fine;

    if (!request_has(fields, FIELD_TOKENS))
        return api_fail(error, ERROR_MISSING, "tokens", "tokens is missing");
    fine = request_ids_parse(fields->value[FIELD_TOKENS], "tokens", id_count(model), &ids, error) &&
           text_bound_check(model->tokenizer, &ids, error);
    if (fine && tokenizer_decode(model->tokenizer, ids.ids, ids.count, false, &text) != QUIRE_OK)
        fine = api_fail(error, ERROR_MEMORY, "tokens", "no memory for the text of %zu tokens", ids.count);
    if (fine) {
        exchange->reply.status = 200;
        out_raw(out, "{\"prompt\":");
        out_string(out, text.count > 0 ? text.bytes : "", text.count);
        out_raw(out, "}");
    }
    text_deinit(&text);
    token_list_deinit(&ids);
    return fine;
}

void api_tokenize(struct exchange *exchange)
{
    api_request(exchange, ENDPOINT_TOKENIZE, tokenize);
}

void api_detokenize(struct exchange *exchange)
{
    api_request(exchange, ENDPOINT_DETOKENIZE, detokenize);
}
