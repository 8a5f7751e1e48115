/* server/request_json.c and request_sampling.c: fields, types, ranges, defaults. */
#include "generation.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct api_error error;

static struct request_fields parse(const char *body, enum endpoint endpoint)
{
    struct request_fields fields;

    cr_assert(request_fields_parse(body, strlen(body), endpoint, &fields, &error), "%s: %s", body, error.message);
    return fields;
}

static void refuse(const char *body, enum endpoint endpoint, enum error_kind kind, const char *param)
{
    struct request_fields fields;

    cr_expect_not(request_fields_parse(body, strlen(body), endpoint, &fields, &error), "%s", body);
    cr_expect_eq(error.kind, kind, "%s: %s", body, error.message);
    cr_expect_str_eq(error.param, param, "%s", body);
    cr_expect_null(fields.root);
}

Test(request_json, null_is_absent_and_defaults_hold)
{
    struct request_fields fields = parse("{\"n\":null,\"stream\":null,\"tools\":null,\"skip_special_tokens\":null}",
                                         ENDPOINT_CHAT);

    cr_expect_not(request_has(&fields, FIELD_N));
    cr_expect_eq(request_uint(&fields, FIELD_N, 5), 5);
    cr_expect_not(fields.flag[FIELD_STREAM]);
    cr_expect(fields.flag[FIELD_SKIP_SPECIAL_TOKENS]);
    cr_expect(fields.flag[FIELD_ADD_GENERATION_PROMPT]);
    request_fields_deinit(&fields);
}

Test(request_json, one_name_may_mean_two_things)
{
    struct request_fields fields = parse("{\"logprobs\":3}", ENDPOINT_COMPLETIONS);

    cr_expect_eq(request_uint(&fields, FIELD_LOGPROBS_COUNT, 0), 3);
    request_fields_deinit(&fields);
    fields = parse("{\"logprobs\":true}", ENDPOINT_CHAT);
    cr_expect(fields.flag[FIELD_LOGPROBS]);
    request_fields_deinit(&fields);
    refuse("{\"logprobs\":true}", ENDPOINT_COMPLETIONS, ERROR_INVALID_TYPE, "logprobs");
    refuse("{\"logprobs\":3}", ENDPOINT_CHAT, ERROR_INVALID_TYPE, "logprobs");
}

Test(request_json, wrong_values_are_named)
{
    refuse("{\"temperature\":2.0000001}", ENDPOINT_CHAT, ERROR_INVALID_VALUE, "temperature");
    refuse("{\"temperature\":\"1\"}", ENDPOINT_CHAT, ERROR_INVALID_TYPE, "temperature");
    refuse("{\"top_p\":0}", ENDPOINT_CHAT, ERROR_INVALID_VALUE, "top_p");
    refuse("{\"max_tokens\":9223372036854775808}", ENDPOINT_CHAT, ERROR_INVALID_VALUE, "max_tokens");
    refuse("{\"max_tokens\":1.5}", ENDPOINT_CHAT, ERROR_INVALID_TYPE, "max_tokens");
    refuse("{\"max_tokens\":[]}", ENDPOINT_CHAT, ERROR_INVALID_TYPE, "max_tokens");
    refuse("{\"seed\":1e30}", ENDPOINT_CHAT, ERROR_INVALID_VALUE, "seed");
    refuse("{\"cache_salt\":\"\"}", ENDPOINT_CHAT, ERROR_INVALID_VALUE, "cache_salt");
    refuse("{\"messages\":{}}", ENDPOINT_CHAT, ERROR_INVALID_TYPE, "messages");
    refuse("{\"what\":1}", ENDPOINT_CHAT, ERROR_UNSUPPORTED, "what");
    refuse("{\"suffix\":\"x\"}", ENDPOINT_COMPLETIONS, ERROR_UNSUPPORTED, "suffix");
    refuse("{\"prompt\":\"x\"}", ENDPOINT_CHAT, ERROR_UNSUPPORTED, "prompt");
}

Test(request_json, bodies_that_are_no_object)
{
    static const char *const bodies[] = {"", "[]", "1", "\"x\"", "null", "{", "{}x", "{\"a\":}", "{\"a\":1e999}",
                                         "{\"\\ud800\":1}"};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        refuse(bodies[i], ENDPOINT_CHAT, ERROR_INVALID_JSON, "");
}

Test(request_json, numbers_that_json_does_not_have_are_named)
{
    static const char *const values[] = {"NaN", "1e309", "-1e999 ", "Infinity", "-Infinity"};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"n\":1,\"temperature\" : %s,\"x\":2}", values[i]);
        refuse(body, ENDPOINT_CHAT, ERROR_INVALID_JSON, "temperature");
        snprintf(body, sizeof body, "{\"temperature\":%s}", values[i]);
        refuse(body, ENDPOINT_CHAT, ERROR_INVALID_JSON, "temperature");
        snprintf(body, sizeof body, "{\"stop\":[%s]}", values[i]);
        refuse(body, ENDPOINT_CHAT, ERROR_INVALID_JSON, "");
        refuse(values[i], ENDPOINT_CHAT, ERROR_INVALID_JSON, "");
    }
}

Test(request_json, integers_beyond_64_bits_are_noted)
{
    struct request_fields fields = parse("{\"metadata\":9223372036854775807,\"n\":2}", ENDPOINT_CHAT);

    cr_expect_not(fields.inexact);
    request_fields_deinit(&fields);
    fields = parse("{\"metadata\":9223372036854775808,\"n\":2}", ENDPOINT_CHAT);
    cr_expect(fields.inexact);
    cr_expect_eq(request_uint(&fields, FIELD_N, 0), 2);
    request_fields_deinit(&fields);
}

Test(request_json, each_endpoint_has_its_fields)
{
    struct request_fields fields = parse("{\"prompt\":\"x\",\"return_token_strs\":true}", ENDPOINT_TOKENIZE);

    cr_expect(fields.flag[FIELD_RETURN_TOKEN_STRS]);
    request_fields_deinit(&fields);
    refuse("{\"return_token_strs\":true}", ENDPOINT_CHAT, ERROR_UNSUPPORTED, "return_token_strs");
    refuse("{\"tokens\":[]}", ENDPOINT_TOKENIZE, ERROR_UNSUPPORTED, "tokens");
    refuse("{\"tokens\":{}}", ENDPOINT_DETOKENIZE, ERROR_INVALID_TYPE, "tokens");
    refuse("{\"tools\":[1]}", ENDPOINT_COMPLETIONS, ERROR_UNSUPPORTED, "tools");
    refuse("{\"n\":1}", ENDPOINT_TOKENIZE, ERROR_UNSUPPORTED, "n");
}

Test(request_json, text_is_compared_to_its_end)
{
    json_t *plain = json_string("auto"), *longer = json_stringn("auto\0x", 6), *number = json_integer(1);

    cr_expect(json_is_text(plain, "auto"));
    cr_expect_not(json_is_text(plain, "aut"));
    cr_expect_not(json_is_text(longer, "auto"));
    cr_expect_not(json_is_text(number, ""));
    cr_expect_not(json_is_text(NULL, ""));
    json_decref(plain);
    json_decref(longer);
    json_decref(number);
}

Test(request_json, ids_are_checked_one_by_one)
{
    struct token_list ids = {0};
    json_t *good = json_loads("[0, 511, 3.0]", 0, NULL), *high = json_loads("[1, 512]", 0, NULL);
    json_t *real = json_loads("[1.5]", 0, NULL), *low = json_loads("[-1]", 0, NULL);

    cr_expect(request_ids_parse(good, "prompt", 512, &ids, &error));
    cr_expect_eq(ids.count, 3);
    cr_expect_eq(ids.ids[2], 3);
    cr_expect_not(request_ids_parse(high, "prompt", 512, &ids, &error));
    cr_expect_eq(error.kind, ERROR_INVALID_VALUE);
    cr_expect_not(request_ids_parse(low, "prompt", 512, &ids, &error));
    cr_expect_eq(error.kind, ERROR_INVALID_VALUE);
    cr_expect_not(request_ids_parse(real, "prompt", 512, &ids, &error));
    cr_expect_eq(error.kind, ERROR_INVALID_TYPE);
    token_list_deinit(&ids);
    json_decref(good), json_decref(high), json_decref(real), json_decref(low);
}

static const struct engine_limits limits = {
    .vocab_size = 512,
    .sampling = {.temperature = 0.6f, .top_p = NAN, .min_p = NAN, .repetition_penalty = 1.1f, .top_k = 20},
};

Test(request_sampling, what_is_left_out_comes_from_the_model_then_from_openai)
{
    struct request_fields fields = parse("{\"repetition_penalty\":1}", ENDPOINT_CHAT);
    struct spec_memory memory = {0};
    struct request_spec spec;

    cr_assert(request_spec_fill(&fields, ENDPOINT_CHAT, &limits, &spec, &memory, &error));
    cr_expect_eq(spec.temperature, 0.6f);
    cr_expect_eq(spec.top_p, 1.0f);
    cr_expect_eq(spec.min_p, 0.0f);
    cr_expect_eq(spec.top_k, 20);
    cr_expect_eq(spec.repetition_penalty, 1.0f);
    cr_expect_eq(spec.choice_count, 1);
    cr_expect(spec.skip_special);
    spec_memory_deinit(&memory);
    request_fields_deinit(&fields);
}

Test(request_sampling, seeds_are_exact_and_else_drawn)
{
    struct request_fields fields = parse("{\"seed\":9007199254740993}", ENDPOINT_CHAT); /* 2^53 + 1: no double has it */
    struct spec_memory memory = {0};
    struct request_spec spec, other;

    cr_assert(request_spec_fill(&fields, ENDPOINT_CHAT, &limits, &spec, &memory, &error));
    cr_expect_eq(spec.seed, 9007199254740993u);
    request_fields_deinit(&fields);
    fields = parse("{}", ENDPOINT_CHAT);
    cr_assert(request_spec_fill(&fields, ENDPOINT_CHAT, &limits, &spec, &memory, &error));
    cr_assert(request_spec_fill(&fields, ENDPOINT_CHAT, &limits, &other, &memory, &error));
    cr_expect_neq(spec.seed, other.seed);
    request_fields_deinit(&fields);
}

Test(request_sampling, lists_are_taken_over)
{
    struct request_fields fields = parse("{\"stop\":[\"a\\u0000b\",\"c\"],\"logit_bias\":{\"7\":-100,\"511\":1.5},"
                                         "\"stop_token_ids\":[5,6],\"top_k\":-1,\"cache_salt\":\"s\"}", ENDPOINT_COMPLETIONS);
    struct spec_memory memory = {0};
    struct request_spec spec;

    cr_assert(request_spec_fill(&fields, ENDPOINT_COMPLETIONS, &limits, &spec, &memory, &error), "%s", error.message);
    cr_assert_eq(spec.stop_count, 2);
    cr_expect_eq(spec.stops[0].count, 3);
    cr_assert_eq(spec.bias_count, 2);
    cr_expect_eq(spec.biases[1].id, 511);
    cr_expect_eq(spec.biases[1].value, 1.5f);
    cr_assert_eq(spec.stop_id_count, 2);
    cr_expect_eq(spec.stop_ids[1], 6);
    cr_expect_eq(spec.top_k, 0);
    cr_expect_eq(spec.cache_salt.count, 1);
    spec_memory_deinit(&memory);
    request_fields_deinit(&fields);
}

Test(request_sampling, mistakes_in_lists_are_named)
{
    static const struct {
        const char *body, *param;
    } rows[] = {
        {"{\"stop\":[\"\"]}", "stop"}, {"{\"stop\":{}}", "stop"}, {"{\"logit_bias\":{\"512\":1}}", "logit_bias"},
        {"{\"logit_bias\":{\"+1\":1}}", "logit_bias"}, {"{\"logit_bias\":{\"\":1}}", "logit_bias"},
        {"{\"logit_bias\":{\"99999999999999999999\":1}}", "logit_bias"}, {"{\"logit_bias\":{\"1\":-101}}", "logit_bias"},
        {"{\"stop_token_ids\":[512]}", "stop_token_ids"}, {"{\"n\":2,\"best_of\":3}", "best_of"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request_fields fields = parse(rows[i].body, ENDPOINT_COMPLETIONS);
        struct spec_memory memory = {0};
        struct request_spec spec;

        cr_expect_not(request_spec_fill(&fields, ENDPOINT_COMPLETIONS, &limits, &spec, &memory, &error), "%s", rows[i].body);
        cr_expect_str_eq(error.param, rows[i].param);
        spec_memory_deinit(&memory);
        request_fields_deinit(&fields);
    }
}
