/* Request bodies: JSON to fields, by one table of names, types and ranges for all endpoints. A field that the table
 * does not have, or that is of another endpoint, is an error that names it; null is the same as absent. */
#ifndef QUIRE_REQUEST_JSON_H
#define QUIRE_REQUEST_JSON_H

#include "api_error.h"
#include "request.h"

#include <jansson.h>

enum endpoint { ENDPOINT_COMPLETIONS = 1, ENDPOINT_CHAT = 2, ENDPOINT_TOKENIZE = 4, ENDPOINT_DETOKENIZE = 8 };

/* Bounds on what one request may ask; they keep its memory small and stay within the scheduler's own. */
#define REQUEST_PROMPTS_MAX 128u
#define REQUEST_STOP_STRINGS_MAX 64u
#define REQUEST_STOP_STRING_BYTES_MAX 1024u
#define REQUEST_STOP_TOKENS_MAX 256u
#define REQUEST_BIAS_MAX 1024u
#define REQUEST_SALT_BYTES_MAX 1024u
#define REQUEST_MESSAGES_MAX 65536u
#define REQUEST_TOOLS_MAX 1024u

enum field {
    FIELD_MODEL,
    FIELD_PROMPT,
    FIELD_MESSAGES,
    FIELD_MAX_TOKENS,
    FIELD_MAX_COMPLETION_TOKENS,
    FIELD_MIN_TOKENS,
    FIELD_N,
    FIELD_BEST_OF,
    FIELD_TEMPERATURE,
    FIELD_TOP_P,
    FIELD_TOP_K,
    FIELD_MIN_P,
    FIELD_SEED,
    FIELD_PRESENCE_PENALTY,
    FIELD_FREQUENCY_PENALTY,
    FIELD_REPETITION_PENALTY,
    FIELD_LOGIT_BIAS,
    FIELD_STOP,
    FIELD_STOP_TOKEN_IDS,
    FIELD_IGNORE_EOS,
    FIELD_LOGPROBS_COUNT, /* completions: a number */
    FIELD_LOGPROBS,       /* chat: a boolean, with */
    FIELD_TOP_LOGPROBS,
    FIELD_ECHO,
    FIELD_STREAM,
    FIELD_STREAM_OPTIONS,
    FIELD_RETURN_TOKEN_IDS,
    FIELD_CACHE_SALT,
    FIELD_SKIP_SPECIAL_TOKENS,
    FIELD_ADD_SPECIAL_TOKENS,
    FIELD_ADD_GENERATION_PROMPT,
    FIELD_CONTINUE_FINAL_MESSAGE,
    FIELD_CHAT_TEMPLATE_KWARGS,
    FIELD_DOCUMENTS,
    FIELD_TOOLS,
    FIELD_TOOL_CHOICE,
    FIELD_REASONING_EFFORT,
    FIELD_CHAT_TEMPLATE,
    FIELD_TOKENS,
    FIELD_RETURN_TOKEN_STRS,
    FIELD_COUNT
};

struct request_fields {
    json_t *root;                      /* owns what `value` leads to */
    const json_t *value[FIELD_COUNT];  /* NULL: absent or null */
    double number[FIELD_COUNT];        /* of fields with a number */
    bool flag[FIELD_COUNT];            /* of booleans; the default where absent */
    bool inexact;                      /* an integer beyond 64 bits was there: all were read as reals */
};

/* Parses `body`. False with `error` filled and `fields` empty. */
bool request_fields_parse(const char *body, size_t body_bytes, enum endpoint endpoint, struct request_fields *fields,
                          struct api_error *error);
void request_fields_deinit(struct request_fields *fields);

/* Whether `value` (may be NULL) is a string that equals `text` to its end; a NUL in it ends nothing. */
bool json_is_text(const json_t *value, const char *text);

static inline bool request_has(const struct request_fields *fields, enum field field)
{
    return fields->value[field] != NULL;
}

/* The field as a float or uint32_t, `otherwise` where it is absent. */
float request_float(const struct request_fields *fields, enum field field, float otherwise);
uint32_t request_uint(const struct request_fields *fields, enum field field, uint32_t otherwise);

/* A list of token ids below `vocab_size` (JSON array), appended to `out`. `param` names it in errors. */
bool request_ids_parse(const json_t *list, const char *param, uint32_t vocab_size, struct token_list *out,
                       struct api_error *error);

#endif
