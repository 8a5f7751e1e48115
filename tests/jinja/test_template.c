/* The public functions: compiling, positions in errors, looking into a template, outputs, threads. */
#include "harness.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct jinja_template *compile(const char *source)
{
    struct jinja_template *template = NULL;
    struct quire_error error = {0};

    cr_assert(jinja_compile(source, strlen(source), &template, &error) == QUIRE_OK, "%s: %s", source, error.message);
    return template;
}

Test(jinja_template, errors_name_line_and_column)
{
    static const struct {
        const char *source, *says;
        enum quire_status status;
    } cases[] = {
        {"a\nb {{ missing.x }}", "chat template, line 2, column 13: 'missing' is undefined", QUIRE_INVALID},
        {"\n\n  {{ raise_exception('no ' ~ 'way') }}", "chat template, line 3, column 21: no way", QUIRE_INVALID},
        {"é {{ 1 + }}", "chat template, line 1, column 10: unexpected 'end of print statement'", QUIRE_BAD_FILE},
        {"{% if x %}", "unexpected end of template, looking for 'elif'", QUIRE_BAD_FILE},
        {"x\r\ny\r\n{% nosuch %}", "chat template, line 3, column 4: unknown tag 'nosuch'", QUIRE_BAD_FILE},
        {"{{ x|nosuch }}", "chat template, line 1, column 6: no filter named 'nosuch'", QUIRE_BAD_FILE},
        {"{{ x is nosuch }}", "chat template, line 1, column 9: no test named 'nosuch'", QUIRE_BAD_FILE},
        {"{{ 99999999999999999999 }}", "an integer beyond 64 bits", QUIRE_BAD_FILE},
        {"{{ 9223372036854775807 + 1 }}", "an integer beyond 64 bits", QUIRE_UNSUPPORTED},
        {"{{ 1 / 0 }}", "division by zero", QUIRE_INVALID},
        {"{% include 'x' %}", "there is no other template", QUIRE_INVALID},
        {"a\xff", "chat template, line 1, column 2: not UTF-8", QUIRE_BAD_FILE},
        {"\xed\xa0\x80", "not UTF-8", QUIRE_BAD_FILE},
        {"{{ '\\ud800' }}", "half of a surrogate pair", QUIRE_BAD_FILE},
    };
    json_t *variables = json_object();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct quire_error error = {0};
        enum quire_status status;
        size_t bytes;
        char *text = harness_render(cases[i].source, strlen(cases[i].source), variables, &bytes, &status, &error);
        cr_expect(text == NULL);
        cr_expect_eq(status, cases[i].status, "%s: status %d, %s", cases[i].source, status, error.message);
        cr_expect(strstr(error.message, cases[i].says) != NULL, "%s: %s", cases[i].source, error.message);
        free(text);
    }
    json_decref(variables);
}

Test(jinja_template, variables_must_be_an_object_of_sane_depth)
{
    struct jinja_template *template = compile("{{ x }}");
    json_t *list = json_array(), *deep = json_array(), *variables = json_object();
    struct jinja_output output = {0};
    struct quire_error error;

    cr_expect_eq(jinja_render(template, list, NULL, &output, &error), QUIRE_INVALID);
    for (unsigned i = 0; i < 1900; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    json_object_set_new(variables, "x", deep);
    cr_expect_eq(jinja_render(template, variables, NULL, &output, &error), QUIRE_LIMIT);
    cr_expect(output.text == NULL);
    json_decref(list);
    json_decref(variables);
    jinja_template_destroy(template);
}

Test(jinja_template, content_parts_are_wanted_where_the_template_walks_over_content)
{
    static const struct {
        const char *source;
        bool wants;
    } cases[] = {
        {"{% for m in messages %}{{ m.content }}{% endfor %}", false},
        {"{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}", true},
        {"{% for m in messages %}{% for p in m['content'] if p.type == 'text' %}{{ p.text }}{% endfor %}{% endfor %}",
         true},
        {"{% macro r(content) %}{% for p in content %}{{ p.text }}{% endfor %}{% endmacro %}", true},
        {"{% for m in messages %}{% for p in m.content|reverse %}{{ p.text }}{% endfor %}{% endfor %}", true},
        {"{% set c = m.get('content') %}{% for p in c %}{{ p.text }}{% endfor %}", true},
        {"{% set c = m.get('text') %}{% for p in c %}{{ p.text }}{% endfor %}", false},
        {"{% for c in 'content' %}{{ c }}{% endfor %}", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jinja_template *template = compile(cases[i].source);
        cr_expect_eq(jinja_template_wants_parts(template), cases[i].wants, "%s", cases[i].source);
        jinja_template_destroy(template);
    }
}

Test(jinja_template, names_are_mentioned)
{
    struct jinja_template *template = compile("{{ a.b['c'] }}{% set d = 'e' %}");

    cr_expect(jinja_template_mentions(template, "a"));
    cr_expect(jinja_template_mentions(template, "b"));
    cr_expect(jinja_template_mentions(template, "c"));
    cr_expect(jinja_template_mentions(template, "d"));
    cr_expect(!jinja_template_mentions(template, "e"));
    cr_expect(!jinja_template_mentions(template, ""));
    jinja_template_destroy(template);
}

Test(jinja_template, output_can_be_cut)
{
    struct jinja_output output = harness_output("ab{{ x }}cd", "{\"x\": \"12\"}", NULL);

    cr_assert_eq(output.run_count, 3);
    jinja_output_truncate(&output, 99);
    cr_assert_eq(output.text_bytes, 6);
    jinja_output_truncate(&output, 3);
    cr_assert_str_eq(output.text, "ab1");
    cr_assert_eq(output.run_count, 2);
    cr_assert_eq(output.runs[1].text_bytes, 1);
    jinja_output_truncate(&output, 2);
    cr_assert_eq(output.run_count, 1);
    jinja_output_truncate(&output, 0);
    cr_assert_eq(output.run_count, 0);
    cr_assert_str_eq(output.text, "");
    jinja_output_deinit(&output);
}

Test(jinja_template, outputs_are_untouched_on_failure)
{
    struct jinja_template *template = (struct jinja_template *)&template;
    struct jinja_template *before = template;
    struct quire_error error;

    cr_assert_eq(jinja_compile("{{", 2, &template, &error), QUIRE_BAD_FILE);
    cr_assert(template == before);
    jinja_template_destroy(NULL);
}

Test(jinja_template, an_error_need_not_be_wanted)
{
    struct jinja_template *template = NULL;

    cr_assert_eq(jinja_compile("{{", 2, &template, NULL), QUIRE_BAD_FILE);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

#define THREADS 4

struct worker {
    pthread_t thread;
    const struct jinja_template *template;
    size_t wrong;
};

static void *render_often(void *context)
{
    struct worker *worker = context;
    json_t *variables = json_pack("{s:s, s:[i,i]}", "s", "über", "l", 1, 2);

    for (unsigned i = 0; i < 300; i++) {
        struct jinja_output output = {0};
        if (jinja_render(worker->template, variables, NULL, &output, NULL) != QUIRE_OK ||
            strcmp(output.text, "ÜBER 1,2, {\"a\": \"über\"} x0x1") != 0)
            worker->wrong++;
        jinja_output_deinit(&output);
    }
    json_decref(variables);
    return NULL;
}

Test(jinja_template, threads_share_a_template)
{
    struct jinja_template *template =
        compile("{% macro m(i) %}x{{ i }}{% endmacro %}{{ s|upper }} {% for i in l %}{{ i }},{% endfor %} {{ {'a': s}|tojson }} "
                "{% for i in range(2) %}{{ m(i) }}{% endfor %}");
    struct worker workers[THREADS] = {{0}};

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].template = template;
        cr_assert_eq(pthread_create(&workers[i].thread, NULL, render_often, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        cr_expect_eq(workers[i].wrong, 0);
    }
    jinja_template_destroy(template);
}
