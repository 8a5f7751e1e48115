/* From request fields to sampling parameters: what a request leaves out comes from the model's generation defaults, and
 * what those leave out from OpenAI's. Pure but for the seed; any thread. */
#include "generation.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static bool stops_parse(const json_t *stop, struct request_spec *spec, struct spec_memory *memory,
                        struct api_error *error)
{
    size_t count = json_is_array(stop) ? json_array_size(stop) : 1;

    if (count > REQUEST_STOP_STRINGS_MAX)
        return api_fail(error, ERROR_INVALID_VALUE, "stop", "stop has %zu strings, but at most %u are allowed", count,
                        REQUEST_STOP_STRINGS_MAX);
    memory->stops = calloc(count + 1, sizeof *memory->stops);
    if (memory->stops == NULL)
        return api_fail(error, ERROR_MEMORY, "stop", "no memory for %zu stop strings", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(stop) ? json_array_get(stop, i) : stop;
        struct request_bytes bytes = {json_string_value(item), json_string_length(item)};

        if (!json_is_string(item))
            return api_fail(error, ERROR_INVALID_TYPE, "stop", "stop must be a string or an array of strings");
        if (bytes.count == 0 || bytes.count > REQUEST_STOP_STRING_BYTES_MAX)
            return api_fail(error, ERROR_INVALID_VALUE, "stop", "a stop string has %zu bytes, but must have from 1 to %u",
                            bytes.count, REQUEST_STOP_STRING_BYTES_MAX);
        memory->stops[i] = bytes;
    }
    spec->stops = memory->stops;
    spec->stop_count = (uint32_t)count;
    return true;
}

static bool biases_parse(const json_t *map, uint32_t vocab_size, struct request_spec *spec, struct spec_memory *memory,
                         struct api_error *error)
{
    size_t count = json_object_size(map);
    const char *key;
    json_t *value;

    if (count > REQUEST_BIAS_MAX)
        return api_fail(error, ERROR_INVALID_VALUE, "logit_bias", "logit_bias has %zu tokens, but at most %u are allowed",
                        count, REQUEST_BIAS_MAX);
    memory->biases = calloc(count + 1, sizeof *memory->biases);
    if (memory->biases == NULL)
        return api_fail(error, ERROR_MEMORY, "logit_bias", "no memory for %zu biases", count);
    json_object_foreach ((json_t *)(uintptr_t)map, key, value) {
        double bias = json_number_value(value);
        char *end;
        unsigned long id = strtoul(key, &end, 10);

        if (key[0] < '0' || key[0] > '9' || *end != '\0' || id >= vocab_size)
            return api_fail(error, ERROR_INVALID_VALUE, "logit_bias", "logit_bias names the token '%.40s', but ids are "
                            "from 0 to %u", key, vocab_size - 1);
        if (!json_is_number(value))
            return api_fail(error, ERROR_INVALID_TYPE, "logit_bias", "the bias of token %lu must be a number", id);
        if (!(bias >= -100 && bias <= 100))
            return api_fail(error, ERROR_INVALID_VALUE, "logit_bias", "the bias of token %lu is %g, but must be from "
                            "-100 to 100", id, bias);
        memory->biases[spec->bias_count++] = (struct step_bias){(uint32_t)id, (float)bias};
    }
    spec->biases = memory->biases;
    return true;
}

static float float_or(float value, float otherwise)
{
    return isnan(value) ? otherwise : value;
}

/* The request's seed, or a drawn one. A whole number that came as a real may lie at the very end of 64 bits. */
static uint64_t seed_of(const struct request_fields *fields)
{
    uint64_t seed;

    if (request_has(fields, FIELD_SEED)) {
        if (json_is_integer(fields->value[FIELD_SEED]))
            return (uint64_t)json_integer_value(fields->value[FIELD_SEED]);
        return (uint64_t)(int64_t)fmin(fields->number[FIELD_SEED], 0x1.fffffffffffffp62);
    }
    while (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
    }
    return seed;
}

static bool logprobs_fill(const struct request_fields *fields, enum endpoint endpoint, struct request_spec *spec,
                          struct api_error *error)
{
    if (endpoint == ENDPOINT_COMPLETIONS) {
        spec->logprobs = request_has(fields, FIELD_LOGPROBS_COUNT);
        spec->top_count = request_uint(fields, FIELD_LOGPROBS_COUNT, 0);
        return true;
    }
    spec->logprobs = fields->flag[FIELD_LOGPROBS];
    spec->top_count = request_uint(fields, FIELD_TOP_LOGPROBS, 0);
    if (!spec->logprobs && spec->top_count > 0)
        return api_fail(error, ERROR_INVALID_VALUE, "top_logprobs", "top_logprobs needs logprobs: true");
    return true;
}

bool request_spec_fill(const struct request_fields *fields, enum endpoint endpoint, const struct engine_limits *limits,
                       struct request_spec *spec, struct spec_memory *memory, struct api_error *error)
{
    double top_k = request_has(fields, FIELD_TOP_K) ? fields->number[FIELD_TOP_K] : limits->sampling.top_k;

    *spec = (struct request_spec){
        .choice_count = request_uint(fields, FIELD_N, 1),
        .token_min = request_uint(fields, FIELD_MIN_TOKENS, 0),
        .temperature = request_float(fields, FIELD_TEMPERATURE, float_or(limits->sampling.temperature, 1.0f)),
        .top_p = request_float(fields, FIELD_TOP_P, float_or(limits->sampling.top_p, 1.0f)),
        .min_p = request_float(fields, FIELD_MIN_P, float_or(limits->sampling.min_p, 0.0f)),
        .top_k = top_k > 0 ? (uint32_t)top_k : 0, /* -1 and 0: off */
        .presence_penalty = request_float(fields, FIELD_PRESENCE_PENALTY, 0.0f),
        .frequency_penalty = request_float(fields, FIELD_FREQUENCY_PENALTY, 0.0f),
        .repetition_penalty =
            request_float(fields, FIELD_REPETITION_PENALTY, float_or(limits->sampling.repetition_penalty, 1.0f)),
        .ignore_eos = fields->flag[FIELD_IGNORE_EOS],
        .skip_special = fields->flag[FIELD_SKIP_SPECIAL_TOKENS],
    };
    if (!(spec->top_p > 0)) /* a tiny double may round to 0 */
        spec->top_p = 0x1p-126f;
    if (!(spec->repetition_penalty > 0))
        spec->repetition_penalty = 0x1p-126f;
    if (request_has(fields, FIELD_BEST_OF) && request_uint(fields, FIELD_BEST_OF, 1) != spec->choice_count)
        return api_fail(error, ERROR_INVALID_VALUE, "best_of", "best_of is supported only where it equals n");
    spec->seed = seed_of(fields);
    spec->cache_salt = (struct request_bytes){json_string_value(fields->value[FIELD_CACHE_SALT]),
                                              json_string_length(fields->value[FIELD_CACHE_SALT])};
    if (spec->cache_salt.count > REQUEST_SALT_BYTES_MAX)
        return api_fail(error, ERROR_INVALID_VALUE, "cache_salt", "cache_salt has %zu bytes, but at most %u are allowed",
                        spec->cache_salt.count, REQUEST_SALT_BYTES_MAX);
    if (!logprobs_fill(fields, endpoint, spec, error))
        return false;
    if (request_has(fields, FIELD_STOP) && !stops_parse(fields->value[FIELD_STOP], spec, memory, error))
        return false;
    if (request_has(fields, FIELD_LOGIT_BIAS) &&
        !biases_parse(fields->value[FIELD_LOGIT_BIAS], limits->vocab_size, spec, memory, error))
        return false;
    if (request_has(fields, FIELD_STOP_TOKEN_IDS)) {
        const json_t *ids = fields->value[FIELD_STOP_TOKEN_IDS];
        if (json_array_size(ids) > REQUEST_STOP_TOKENS_MAX)
            return api_fail(error, ERROR_INVALID_VALUE, "stop_token_ids", "stop_token_ids has %zu ids, but at most %u are "
                            "allowed", json_array_size(ids), REQUEST_STOP_TOKENS_MAX);
        if (!request_ids_parse(ids, "stop_token_ids", limits->vocab_size, &memory->stop_ids, error))
            return false;
        spec->stop_ids = memory->stop_ids.ids;
        spec->stop_id_count = (uint32_t)memory->stop_ids.count;
    }
    return true;
}

void spec_memory_deinit(struct spec_memory *memory)
{
    free(memory->biases);
    free(memory->stops);
    token_list_deinit(&memory->stop_ids);
    *memory = (struct spec_memory){0};
}
