/* Honest work stays within the default bounds, however long the conversation, and is fast. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWNESS 20.0 /* of a sanitizer's build */
#else
#define SLOWNESS 1.0
#endif

Test(jinja_honest, long_requests_raise_the_defaults)
{
    /* Four megabytes of conversation are honest work. */
    char *content = harness_repeat("", "lorem ipsum dolor sit amet ", 20000, "");
    json_t *messages = json_array(), *variables;
    struct quire_error error = {0};
    enum quire_status status;
    size_t bytes;
    char *text;
    static const char source[] =
        "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content|trim + '<|end|>' }}{% endfor %}";

    for (unsigned i = 0; i < 8; i++)
        json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "user", "content", content));
    variables = json_pack("{s:o}", "messages", messages);
    text = harness_render(source, strlen(source), variables, &bytes, &status, &error);
    cr_assert(text != NULL, "%s", error.message);
    cr_assert_eq(bytes, 8 * (strlen(content) - 1 + strlen("<|user|><|end|>")));
    free(text);
    free(content);
    json_decref(variables);
}

/* Templates that collect their answer in a variable, look at all messages for each, or walk over a text. */
Test(jinja_honest, a_thousand_messages_are_honest_work)
{
    static const char *const sources[] = {
        "{% set ns = namespace(out='') %}{% for m in messages %}"
        "{% set ns.out = ns.out ~ '<|' ~ m.role ~ '|>' ~ m.content %}"
        "{% endfor %}{{ ns.out }}",
        "{% set ns = namespace(out='', n=0) %}{% for m in messages %}{% set ns.n = 0 %}{% for o in messages %}"
        "{% if o.role == 'tool' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}{{ m.content }}{% endfor %}",
        "{% set ns = namespace(seen=[]) %}{% for m in messages %}{% set ns.seen = ns.seen + [loop.index] %}"
        "{{ m.content }}"
        "{% for o in messages[loop.index0 + 1:] %}{% break %}{% endfor %}{% endfor %}",
        "{% for m in messages %}{% for c in m.content %}{% if c.type == 'text' %}{{ c.text }}{% endif %}{% endfor %}"
        "{{ m.content|trim }}{% endfor %}",
    };
    char *content = harness_repeat("", "lorem ipsum ", 100, ".");
    json_t *messages = json_array(), *variables;

    for (unsigned i = 0; i < 1000; i++)
        json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "user", "content", content));
    variables = json_pack("{s:o}", "messages", messages);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct quire_error error = {0};
        enum quire_status status;
        size_t bytes;
        char *text = harness_render(sources[i], strlen(sources[i]), variables, &bytes, &status, &error);
        cr_expect(text != NULL, "%s", error.message);
        cr_expect(bytes >= 1000 * strlen(content));
        free(text);
    }
    free(content);
    json_decref(variables);
}

/* ---- speed ------------------------------------------------------------------------------------------------------- */

static json_t *long_chat(void)
{
    json_t *messages = json_array(), *tools = json_array();
    char text[256];

    json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "system", "content", "You are helpful."));
    for (unsigned i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "Question %u: what is the weather like here today, and will it rain tomorrow?", i);
        json_array_append_new(messages,
                              json_pack("{s:s, s:s}", "role", i % 2 == 0 ? "user" : "assistant", "content", text));
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(text, sizeof text,
                 "{\"type\": \"function\", \"function\": {\"name\": \"tool_%u\", \"description\": \"Looks up.\", \"parameters\": "
                 "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}, \"required\": [\"city\"]}}}",
                 i);
        json_array_append_new(tools, json_loads(text, 0, NULL));
    }
    cr_assert(json_array_size(messages) == 51 && json_array_size(tools) == 8);
    return json_pack("{s:o, s:o, s:b}", "messages", messages, "tools", tools, "add_generation_prompt", 1);
}

Test(jinja_honest, fifty_turns_with_tools_take_less_than_a_millisecond)
{
    static const char *const names[] = {"Qwen-Qwen3-0.6B", "meta-llama-Llama-3.1-8B-Instruct", "GLM-4.6"};
    json_t *variables = long_chat();

    if (harness_shared() == NULL)
        cr_skip_test("shared/ is absent");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct jinja_template *template = NULL;
        struct quire_error error = {0};
        double best = 1e9;
        char path[256];
        size_t bytes;
        char *source;

        snprintf(path, sizeof path, "data/chat-templates/ik_llama.cpp/%s.jinja", names[i]);
        source = harness_read(harness_shared(), path, &bytes);
        cr_assert(jinja_compile(source, bytes, &template, &error) == QUIRE_OK, "%s", error.message);
        for (unsigned k = 0; k < 50; k++) {
            struct jinja_output output = {0};
            double start = harness_cpu_ms();
            cr_assert(jinja_render(template, variables, NULL, &output, &error) == QUIRE_OK, "%s", error.message);
            best = harness_cpu_ms() - start < best ? harness_cpu_ms() - start : best;
            cr_assert(strstr(output.text, "tool_7") != NULL && strstr(output.text, "Question 49") != NULL);
            jinja_output_deinit(&output);
        }
        cr_log_info("%s: %.3f ms", names[i], best);
        cr_expect(best < 1.0 * SLOWNESS, "%s: %.3f ms", names[i], best);
        jinja_template_destroy(template);
        free(source);
    }
    json_decref(variables);
}

/* A render near its bound must not succeed by chance (found by fuzzing: probes of a seeded hash table were steps). */
Test(jinja_honest, steps_are_the_same_each_time)
{
    static const char source[] = "{{ 'the quick brown fox jumps over 13 lazy dogs; \\u00e9\\u4e2d'|unique|list }}";
    struct jinja_template *template = NULL;
    struct quire_error error = {0};
    json_t *variables = json_object();
    uint64_t enough[8];

    cr_assert(jinja_compile(source, sizeof source - 1, &template, &error) == QUIRE_OK, "%s", error.message);
    for (size_t i = 0; i < sizeof enough / sizeof *enough; i++) {
        struct jinja_limits limits = jinja_limits_default;
        struct jinja_options options = {.limits = &limits};
        struct jinja_output output = {0};
        for (limits.steps_max = 1; jinja_render(template, variables, &options, &output, &error) == QUIRE_LIMIT;)
            limits.steps_max++;
        cr_assert(output.text_bytes > 0 && limits.steps_max > 100, "%s", error.message);
        enough[i] = limits.steps_max;
        cr_expect_eq(enough[i], enough[0]);
        jinja_output_deinit(&output);
    }
    jinja_template_destroy(template);
    json_decref(variables);
}
