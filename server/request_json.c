/* The table of request fields, and the parser that walks it. Pure; any thread. */
#include "request_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BOTH (ENDPOINT_COMPLETIONS | ENDPOINT_CHAT)
#define MESSAGES (ENDPOINT_CHAT | ENDPOINT_TOKENIZE) /* what is rendered */
#define TEXTS (BOTH | ENDPOINT_TOKENIZE)

enum field_type {
    TYPE_INTEGER, /* a number without fraction in [minimum, maximum] */
    TYPE_NUMBER,  /* any number in [minimum, maximum], above minimum where `open` */
    TYPE_FLAG,
    TYPE_STRING, /* at least one byte */
    TYPE_OBJECT,
    TYPE_ARRAY,
    TYPE_ANY, /* the endpoint looks itself */
};

struct field_row {
    const char *name;
    enum field_type type;
    int endpoints;
    double minimum, maximum;
    bool open, initial;
};

static const struct field_row rows[FIELD_COUNT] = {
    [FIELD_MODEL] = {"model", TYPE_STRING, TEXTS | ENDPOINT_DETOKENIZE, 0, 0, 0, 0},
    [FIELD_PROMPT] = {"prompt", TYPE_ANY, ENDPOINT_COMPLETIONS | ENDPOINT_TOKENIZE, 0, 0, 0, 0},
    [FIELD_MESSAGES] = {"messages", TYPE_ARRAY, MESSAGES, 0, 0, 0, 0},
    [FIELD_MAX_TOKENS] = {"max_tokens", TYPE_INTEGER, BOTH, 0, INT32_MAX, 0, 0},
    [FIELD_MAX_COMPLETION_TOKENS] = {"max_completion_tokens", TYPE_INTEGER, ENDPOINT_CHAT, 1, INT32_MAX, 0, 0},
    [FIELD_MIN_TOKENS] = {"min_tokens", TYPE_INTEGER, BOTH, 0, INT32_MAX, 0, 0},
    [FIELD_N] = {"n", TYPE_INTEGER, BOTH, 1, REQUEST_CHOICES_MAX, 0, 0},
    [FIELD_BEST_OF] = {"best_of", TYPE_INTEGER, ENDPOINT_COMPLETIONS, 1, REQUEST_CHOICES_MAX, 0, 0},
    [FIELD_TEMPERATURE] = {"temperature", TYPE_NUMBER, BOTH, 0, 2, 0, 0},
    [FIELD_TOP_P] = {"top_p", TYPE_NUMBER, BOTH, 0, 1, true, 0},
    [FIELD_TOP_K] = {"top_k", TYPE_INTEGER, BOTH, -1, INT32_MAX, 0, 0},
    [FIELD_MIN_P] = {"min_p", TYPE_NUMBER, BOTH, 0, 1, 0, 0},
    [FIELD_SEED] = {"seed", TYPE_INTEGER, BOTH, -0x1p63, 0x1p63, 0, 0},
    [FIELD_PRESENCE_PENALTY] = {"presence_penalty", TYPE_NUMBER, BOTH, -2, 2, 0, 0},
    [FIELD_FREQUENCY_PENALTY] = {"frequency_penalty", TYPE_NUMBER, BOTH, -2, 2, 0, 0},
    [FIELD_REPETITION_PENALTY] = {"repetition_penalty", TYPE_NUMBER, BOTH, 0, 1e6, true, 0},
    [FIELD_LOGIT_BIAS] = {"logit_bias", TYPE_OBJECT, BOTH, 0, 0, 0, 0},
    [FIELD_STOP] = {"stop", TYPE_ANY, BOTH, 0, 0, 0, 0},
    [FIELD_STOP_TOKEN_IDS] = {"stop_token_ids", TYPE_ARRAY, BOTH, 0, 0, 0, 0},
    [FIELD_IGNORE_EOS] = {"ignore_eos", TYPE_FLAG, BOTH, 0, 0, 0, false},
    [FIELD_LOGPROBS_COUNT] = {"logprobs", TYPE_INTEGER, ENDPOINT_COMPLETIONS, 0, STEP_TOP_MAX, 0, 0},
    [FIELD_LOGPROBS] = {"logprobs", TYPE_FLAG, ENDPOINT_CHAT, 0, 0, 0, false},
    [FIELD_TOP_LOGPROBS] = {"top_logprobs", TYPE_INTEGER, ENDPOINT_CHAT, 0, STEP_TOP_MAX, 0, 0},
    [FIELD_ECHO] = {"echo", TYPE_FLAG, ENDPOINT_COMPLETIONS, 0, 0, 0, false},
    [FIELD_STREAM] = {"stream", TYPE_FLAG, BOTH, 0, 0, 0, false},
    [FIELD_STREAM_OPTIONS] = {"stream_options", TYPE_OBJECT, BOTH, 0, 0, 0, 0},
    [FIELD_RETURN_TOKEN_IDS] = {"return_token_ids", TYPE_FLAG, BOTH, 0, 0, 0, false},
    [FIELD_CACHE_SALT] = {"cache_salt", TYPE_STRING, BOTH, 0, 0, 0, 0},
    [FIELD_SKIP_SPECIAL_TOKENS] = {"skip_special_tokens", TYPE_FLAG, BOTH, 0, 0, 0, true},
    [FIELD_ADD_SPECIAL_TOKENS] = {"add_special_tokens", TYPE_FLAG, TEXTS, 0, 0, 0, false},
    [FIELD_ADD_GENERATION_PROMPT] = {"add_generation_prompt", TYPE_FLAG, MESSAGES, 0, 0, 0, true},
    [FIELD_CONTINUE_FINAL_MESSAGE] = {"continue_final_message", TYPE_FLAG, MESSAGES, 0, 0, 0, false},
    [FIELD_CHAT_TEMPLATE_KWARGS] = {"chat_template_kwargs", TYPE_OBJECT, MESSAGES, 0, 0, 0, 0},
    [FIELD_DOCUMENTS] = {"documents", TYPE_ARRAY, MESSAGES, 0, 0, 0, 0},
    [FIELD_TOOLS] = {"tools", TYPE_ARRAY, MESSAGES, 0, 0, 0, 0},
    [FIELD_TOOL_CHOICE] = {"tool_choice", TYPE_ANY, MESSAGES, 0, 0, 0, 0},
    [FIELD_REASONING_EFFORT] = {"reasoning_effort", TYPE_STRING, MESSAGES, 0, 0, 0, 0},
    [FIELD_CHAT_TEMPLATE] = {"chat_template", TYPE_ANY, MESSAGES, 0, 0, 0, 0},
    [FIELD_TOKENS] = {"tokens", TYPE_ARRAY, ENDPOINT_DETOKENIZE, 0, 0, 0, 0},
    [FIELD_RETURN_TOKEN_STRS] = {"return_token_strs", TYPE_FLAG, ENDPOINT_TOKENIZE, 0, 0, 0, false},
};

/* Fields that change nothing here, and fields that are unsupported except for a value that asks for nothing. */
static const struct {
    const char *name;
    const char *harmless; /* JSON; NULL: every value is */
} passive[] = {
    {"user", NULL},
    {"metadata", NULL},
    {"safety_identifier", NULL},
    {"prompt_cache_key", NULL},
    {"prompt_cache_retention", NULL},
    {"request_id", NULL},
    {"store", NULL},
    {"service_tier", NULL},
    {"prediction", NULL}, /* how the answer may be found faster */
    {"modalities", "[\"text\"]"},
    {"parallel_tool_calls", "true"},
    {"include_reasoning", "true"},
    {"verbosity", "\"medium\""},
    {"suffix", "\"\""},
    {"use_beam_search", "false"},
    {"length_penalty", "1.0"},
    {"tools", "[]"},
    {"tool_choice", "\"none\""},
    {"functions", "[]"},
    {"function_call", "\"none\""},
    {"response_format", "{\"type\":\"text\"}"},
    {"spaces_between_special_tokens", "true"},
};

static bool is_harmless(const char *name, const json_t *value, bool *known)
{
    for (size_t i = 0; i < sizeof passive / sizeof passive[0]; i++) {
        json_t *harmless;
        bool equal;

        if (strcmp(name, passive[i].name) != 0)
            continue;
        *known = true;
        if (passive[i].harmless == NULL)
            return true;
        harmless = json_loads(passive[i].harmless, JSON_DECODE_ANY, NULL);
        equal = json_equal(harmless, value) != 0 || (json_is_number(value) && json_is_number(harmless) &&
                                                     json_number_value(value) == json_number_value(harmless));
        json_decref(harmless);
        return equal;
    }
    *known = false;
    return false;
}

static bool check_number(const struct field_row *row, const json_t *value, double *out, struct api_error *error)
{
    double number = json_number_value(value);

    if (!json_is_number(value))
        return api_fail(error, ERROR_INVALID_TYPE, row->name, "%s must be a number", row->name);
    if (row->type == TYPE_INTEGER && number != floor(number))
        return api_fail(error, ERROR_INVALID_TYPE, row->name, "%s must be a whole number, not %g", row->name, number);
    if (!(number >= row->minimum && number <= row->maximum) || (row->open && number == row->minimum))
        return api_fail(error, ERROR_INVALID_VALUE, row->name, "%s must be %s %.15g and at most %.15g, not %.15g", row->name,
                        row->open ? "above" : "at least", row->minimum, row->maximum, number);
    *out = number;
    return true;
}

static bool check_field(const struct field_row *row, const json_t *value, double *number, bool *flag,
                        struct api_error *error)
{
    switch (row->type) {
    case TYPE_INTEGER:
    case TYPE_NUMBER:
        return check_number(row, value, number, error);
    case TYPE_FLAG:
        if (!json_is_boolean(value))
            return api_fail(error, ERROR_INVALID_TYPE, row->name, "%s must be true or false", row->name);
        *flag = json_is_true(value);
        return true;
    case TYPE_STRING:
        if (!json_is_string(value))
            return api_fail(error, ERROR_INVALID_TYPE, row->name, "%s must be a string", row->name);
        if (json_string_length(value) == 0)
            return api_fail(error, ERROR_INVALID_VALUE, row->name, "%s must not be empty", row->name);
        return true;
    case TYPE_OBJECT:
        if (!json_is_object(value))
            return api_fail(error, ERROR_INVALID_TYPE, row->name, "%s must be an object", row->name);
        return true;
    case TYPE_ARRAY:
        if (!json_is_array(value))
            return api_fail(error, ERROR_INVALID_TYPE, row->name, "%s must be an array", row->name);
        return true;
    case TYPE_ANY:
        break;
    }
    return true;
}

static bool parse_member(const char *name, const json_t *value, enum endpoint endpoint, struct request_fields *fields,
                         struct api_error *error)
{
    bool known, elsewhere = false;

    if (json_is_null(value))
        return true;
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        elsewhere = true;
        if ((rows[i].endpoints & (int)endpoint) == 0)
            continue;
        fields->value[i] = value;
        return check_field(&rows[i], value, &fields->number[i], &fields->flag[i], error);
    }
    if (is_harmless(name, value, &known))
        return true;
    return api_fail(error, ERROR_UNSUPPORTED, name, "%.80s%s", name,
                    known       ? " is not supported yet"
                    : elsewhere ? " is not a field of this endpoint"
                                : " is not a field that this server knows");
}

/* Where the text breaks off at a number that JSON or a double cannot hold (NaN, 1e309): the field whose value it is;
 * NULL where that is not what is wrong. `position` is the parser's, somewhere in that number or right behind it. */
static const struct field_row *number_field(const char *body, size_t position, size_t body_bytes)
{
    static const char in_number[] = "0123456789+-.eENaInfity";
    size_t at = position < body_bytes ? position : body_bytes, end;

    while (at > 0 && memchr(in_number, body[at - 1], sizeof in_number - 1) != NULL)
        at--;
    while (at > 0 && (body[at - 1] == ' ' || body[at - 1] == ':'))
        at--;
    if (at == 0 || body[at - 1] != '"')
        return NULL;
    for (end = --at; at > 0 && body[at - 1] != '"';)
        at--;
    for (int i = 0; i < FIELD_COUNT; i++)
        if ((rows[i].type == TYPE_NUMBER || rows[i].type == TYPE_INTEGER) && strlen(rows[i].name) == end - at &&
            memcmp(rows[i].name, body + at, end - at) == 0)
            return &rows[i];
    return NULL;
}

static void syntax_fail(const char *body, size_t body_bytes, const json_error_t *cause, struct api_error *error)
{
    const struct field_row *row = NULL;

    if (json_error_code(cause) == json_error_numeric_overflow || strstr(cause->text, "near 'NaN'") != NULL ||
        strstr(cause->text, "near 'Infinity'") != NULL || strstr(cause->text, "near '-'") != NULL)
        row = number_field(body, cause->position < 0 ? 0 : (size_t)cause->position, body_bytes);
    if (row != NULL)
        api_fail(error, ERROR_INVALID_JSON, row->name, "%s is no number that JSON has and a double holds", row->name);
    else
        api_fail(error, ERROR_INVALID_JSON, NULL, "the body is not valid JSON: %s (line %d, column %d)", cause->text,
                 cause->line, cause->column);
}

/* Integers beyond 64 bits are a range error of their field, not of the JSON: read once more with all integers as
 * doubles. */
static json_t *parse_text(const char *body, size_t body_bytes, bool *inexact, struct api_error *error)
{
    json_error_t cause;
    json_t *root;

    if (memchr(body, '\0', body_bytes) != NULL) { /* jansson loses a NUL that follows a number */
        api_fail(error, ERROR_INVALID_JSON, NULL, "the body is not valid JSON: it has a NUL byte");
        return NULL;
    }
    root = json_loadb(body, body_bytes, JSON_ALLOW_NUL | JSON_DECODE_ANY, &cause);
    *inexact = root == NULL && json_error_code(&cause) == json_error_numeric_overflow;
    if (*inexact)
        root = json_loadb(body, body_bytes, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &cause);
    if (root == NULL) {
        syntax_fail(body, body_bytes, &cause, error);
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        api_fail(error, ERROR_INVALID_JSON, NULL, "the body must be a JSON object");
        return NULL;
    }
    return root;
}

bool request_fields_parse(const char *body, size_t body_bytes, enum endpoint endpoint, struct request_fields *fields,
                          struct api_error *error)
{
    const char *name;
    json_t *value;

    *fields = (struct request_fields){0};
    for (int i = 0; i < FIELD_COUNT; i++)
        fields->flag[i] = rows[i].initial;
    fields->root = parse_text(body_bytes > 0 ? body : "", body_bytes, &fields->inexact, error);
    if (fields->root == NULL)
        return false;
    json_object_foreach (fields->root, name, value) {
        if (!parse_member(name, value, endpoint, fields, error)) {
            request_fields_deinit(fields);
            return false;
        }
    }
    return true;
}

void request_fields_deinit(struct request_fields *fields)
{
    json_decref(fields->root);
    *fields = (struct request_fields){0};
}

bool json_is_text(const json_t *value, const char *text)
{
    size_t count = strlen(text);

    return json_is_string(value) && json_string_length(value) == count &&
           memcmp(json_string_value(value), text, count) == 0;
}

float request_float(const struct request_fields *fields, enum field field, float otherwise)
{
    return request_has(fields, field) ? (float)fields->number[field] : otherwise;
}

uint32_t request_uint(const struct request_fields *fields, enum field field, uint32_t otherwise)
{
    return request_has(fields, field) ? (uint32_t)fields->number[field] : otherwise;
}

bool request_ids_parse(const json_t *list, const char *param, uint32_t vocab_size, struct token_list *out,
                       struct api_error *error)
{
    size_t count = json_array_size(list), needed;

    if (__builtin_add_overflow(out->count, count, &needed))
        return api_fail(error, ERROR_MEMORY, param, "%s has too many ids", param);
    if (needed > out->count_max) {
        uint32_t *ids = reallocarray(out->ids, needed, sizeof *ids);
        if (ids == NULL)
            return api_fail(error, ERROR_MEMORY, param, "no memory for %zu token ids", count);
        out->ids = ids;
        out->count_max = needed;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        double id = json_number_value(item);

        if (!json_is_number(item) || id != floor(id))
            return api_fail(error, ERROR_INVALID_TYPE, param, "%s[%zu] must be a token id, a whole number", param, i);
        if (!(id >= 0 && id < vocab_size))
            return api_fail(error, ERROR_INVALID_VALUE, param, "%s[%zu] is %.15g, but token ids are from 0 to %u", param, i,
                            id, vocab_size - 1);
        out->ids[out->count++] = (uint32_t)id;
    }
    return true;
}
