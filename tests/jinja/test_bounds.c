/* A hostile template ends with an error within 100 ms and 16 MB, while compiling or while rendering. */
#include "harness.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWNESS 20.0 /* of a sanitizer's build */
#else
#define SLOWNESS 1.0
#endif
#define LIMIT_MS (100.0 * SLOWNESS)
#define LIMIT_BYTES ((size_t)16 * 1024 * 1024)

/* Fails the test unless `source` ends with an error in time. */
static void expect_end(const char *name, const char *source, size_t bytes)
{
    json_t *variables = json_pack("{s:[], s:s}", "messages", "s", "text");
    struct quire_error error = {0};
    enum quire_status status;
    size_t text_bytes;
    double start = harness_cpu_ms(), took;
    char *text = harness_render(source, bytes, variables, &text_bytes, &status, &error);

    took = harness_cpu_ms() - start;
    cr_expect(text == NULL && status != QUIRE_OK, "%s rendered", name);
    cr_expect(strncmp(error.message, "chat template, line ", 20) == 0, "%s: %s", name, error.message);
    cr_expect(took < LIMIT_MS, "%s took %.1f ms", name, took);
    free(text);
    json_decref(variables);
}

Test(jinja_bounds, shared_hostile_templates_end)
{
    char folder[4096];
    struct dirent *entry;
    size_t count = 0;
    DIR *directory;

    if (harness_shared() == NULL)
        cr_skip_test("shared/ is absent");
    snprintf(folder, sizeof folder, "%s/data/hostile_models/templates", harness_shared());
    directory = opendir(folder);
    cr_assert(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        size_t bytes;
        char *source;
        if (entry->d_name[0] == '.')
            continue;
        source = harness_read(folder, entry->d_name, &bytes);
        expect_end(entry->d_name, source, bytes);
        free(source);
        count++;
    }
    closedir(directory);
    cr_assert(count >= 7);
}

Test(jinja_bounds, endless_templates_end)
{
    static const char *const sources[] = {
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% set x = j * 2 + i %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(100000) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100000) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% set x = s|upper %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{% for i in range(9999) %}{{ s.rfind(t) }}"
        "{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{{ s.find('aaaaaaaaaaaaaaaaab') }}{% endfor %}",
        "{% set s = 'é' * 500000 %}{% set t = 'abc' * 100000 ~ 'é' %}{% for i in range(9999) %}{{ s|trim(t) }}"
        "{% endfor %}",
        "{% set s = 'a ' * 500000 %}{% for i in range(100000) %}{% set x = s.split() %}{% endfor %}",
        "{% set l = range(100000)|list %}{% for i in range(1000) %}{{ l|tojson|length }}{% endfor %}",
        "{% set l = range(100000)|list %}{% for i in range(1000) %}{{ l|sort(reverse=true)|length }}{% endfor %}",
        "{% set l = range(100000)|list %}{% for i in l %}{{ i in l }}{% endfor %}",
        "{% for i in range(100000) %}{% set x = '%1000d'|format(i) %}{% endfor %}",
        "{{ 'x'.center(1000000000) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ [1] * 1000000000 }}",
        "{{ ' '|indent(999999999, true) }}",
        "{{ {}|tojson(indent=999999999) }}{{ [1]|tojson(indent=999999999) }}",
        "{{ ('a' * 1000).replace('', 'b' * 100000) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(90) }}",
        "{% macro f(n) %}{% call f(n) %}{{ caller() }}{% endcall %}{% endmacro %}{{ f(1) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{% set ns = namespace(a=[]) %}{% for i in range(90000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}",
        "{% set ns = namespace(a=[]) %}{% for i in range(9000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a == ns.a }}",
        "{% set ns = namespace(g=[1]) %}{% for i in range(90000) %}{% set ns.g = ns.g|map('string') %}{% endfor %}"
        "{{ ns.g|list }}",
    };

    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        expect_end(sources[i], sources[i], strlen(sources[i]));
}

/* Operations that are cheap to write and dear to do, on long texts, in a loop that does not end by itself. */
Test(jinja_bounds, dear_operations_are_paid_for)
{
    static const char *const operations[] = {
        "s.startswith(t)", "s.endswith(t)", "s.removeprefix(s)", "s.removesuffix(t)", "s == t", "s < t", "d[s]",
        "s in d", "d.get(t)", "{s: 1}", "t in s", "s.find(t)", "s.rfind(t)", "s.rfind('b' ~ s)", "s.count(t)",
        "s.index(t)", "s|last", "s[500:600]", "w.strip()", "w|trim", "w.rstrip()", "w.split()", "s.strip(t)",
        "w.isspace()", "s is lower", "s is upper", "s.istitle()", "s.isalnum()", "s.isidentifier()", "s|upper",
        "s|title", "s.swapcase()", "s.casefold()", "s|e", "s|striptags", "s|urlencode", "s|tojson", "s|wordcount",
        "s|wordwrap(50)", "w|wordwrap(50)", "h|wordwrap(50)", "s|indent", "s|truncate(10)", "s|reverse", "s|list",
        "s|int", "s|float", "s|format", "s % ()", "f % (1,)", "'{}'.format(s)", "g.format(1)", "[s]|string",
        "[s, t]|sort", "[s, t]|unique|list", "s in [t]", "[t].index(s)", "(t,) == (s,)", "s|pprint",
        "s.translate({})", "s.maketrans(s, s)", "strftime_now(s)", "strftime_now('%c' * 100)", "s.startswith(t, 400)",
        "0.1 + i", "i / 7", "[i / 7]|tojson", "(i / 7)|string", "2.2250738585072014e-308|string",
        "(i / 3)|round(300)", "'%.300f'|format(i / 3)", "('1' * 500)|float", "('1' * 120 ~ 'x')|int", "l|sum",
        "l|last", "l == l", "l[::-1]", "l|reverse|list", "99999 in range(99999)", "range(99999)|sum",
        "l|map(attribute='x')|first", "s|urlize", "l|groupby('real')",
    };
    static const char *const letters[] = {"a", "é", "<", "A ", "-"};
    static const size_t counts[] = {50, 100000};

    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        for (size_t k = 0; k < 2; k++) {
            char source[1024];
            snprintf(source, sizeof source,
                     "{%% set s = '%s' * %zu %%}{%% set t = s[1:] ~ 'x' %%}{%% set w = ' ' * %zu %%}"
                     "{%% set d = {t: 1} %%}"
                     "{%% set f = '%%' ~ '0' * %zu ~ 'd' %%}{%% set g = '{:' ~ '0' * %zu ~ 'd}' %%}"
                     "{%% set h = 'a-' * %zu %%}"
                     "{%% set l = range(2000)|list %%}{%% for i in range(99999) %%}{%% for j in range(99999) %%}"
                     "{%% set x = %s %%}{%% endfor %%}{%% endfor %%}",
                     letters[i % 5], counts[k], counts[k], counts[k], counts[k], counts[k], operations[i]);
            expect_end(operations[i], source, strlen(source));
        }
    }
}

/* A value that holds the one before it so many times that walking over all of it would never end. */
Test(jinja_bounds, values_that_hold_each_other_end)
{
    static const char *const steps[] = {"(ns.a, ns.a)", "[ns.a, ns.a]", "{'a': ns.a, 'b': ns.a}", "(ns.a,)", "[ns]",
                                        "ns.a|map('string')", "ns.a|select", "ns.a|batch(1)", "[ns.a]|map('list')"};
    static const char *const uses[] = {"{ns.a: 1}", "ns.a in {}", "ns.a == ns.b", "ns.a < ns.b", "[ns.a]|unique|list",
                                       "ns.a|tojson", "ns.a|string", "ns.a|list|string", "ns.a|pprint",
                                       "'%s' % (ns.a,)"};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (size_t k = 0; k < sizeof uses / sizeof *uses; k++) {
            char source[512];
            snprintf(source, sizeof source,
                     "{%% set ns = namespace(a=(1,), b=0) %%}{%% for i in range(20000) %%}{%% set ns.b = ns.a %%}"
                     "{%% set ns.a = %s %%}{%% endfor %%}{{ %s }}{{ 1 / 0 }}", steps[i], uses[k]);
            expect_end(source, source, strlen(source));
        }
    }
}

Test(jinja_bounds, enormous_and_deep_templates_end)
{
    static const struct {
        const char *head, *middle, *tail;
        size_t times;
    } shapes[] = {
        {"{{ ", "(", "", 100000},         {"{{ ", "[", "", 100000},          {"{{ ", "{1:", "", 80000},
        {"{{ ", "-", "1 }}", 200000},     {"{{ ", "not ", "1 }}", 60000},    {"{{ 1", "+1", " }}", 120000},
        {"{{ s", ".s", " }}", 120000},    {"{{ s", "[0]", " }}", 80000},     {"{{ s", "|e", " }}", 120000},
        {"{{ s", "()", " }}", 120000},    {"{{ s", " if s", " }}", 50000},   {"{{ s", " and s", " }}", 40000},
        {"", "{% if s %}", "", 25000},    {"", "{% for i in s %}", "", 16000}, {"", "{% macro a() %}", "", 17000},
        {"", "{% set a %}", "", 20000},   {"", "{% filter e %}", "", 18000}, {"", "{% with %}", "", 25000},
        {"{% raw %}", "{%", "", 120000},  {"{#", "#", "", 250000},           {"{%", " ", "", 250000},
        {"{{ '", "a", "", 250000},        {"", "{", "", 260000},             {"x", "x", "", 5000000},
        {"{{ f(", "a=1,", ") }}", 60000}, {"{{ s == s", " == s", " }}", 50000}, {"{{ s ~ s", " ~ -", " }}", 80000},
        {"{{ ", "1", " }}", 250000},      {"{{ 1.", "1", " }}", 250000},     {"{{ 0x", "f", " }}", 250000},
        {"{% macro a(", "b,", "c) %}{% endmacro %}", 100000},
        {"{% for ", "b,", "c in [1] %}{% endfor %}{{ 1/0 }}", 80000},
        {"{% set ", "b,", "c = 1 %}", 100000}, {"{% if 1/0 %}", "{% elif 1 %}", "{% endif %}", 20000},
        {"{{ 1/0 }}", "{# #}", "", 50000}, {"\n", "\n", "{{ 1/0 }}", 250000}, {"{{ ", "é", "() }}", 100000},
        {"{{ s|", "a.", "c }}", 100000},  {"{% for i in s %}{% for j in range(99999) %}{% if 0 %}", "{% set x = 1 %}",
                                           "{% endif %}{% endfor %}{% endfor %}{{ 1/0 }}", 15000},
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char *source = harness_repeat(shapes[i].head, shapes[i].middle, shapes[i].times, shapes[i].tail);
        expect_end(shapes[i].middle, source, strlen(source));
        free(source);
    }
}

Test(jinja_bounds, many_names_do_not_cost_their_square)
{
    char *source = malloc(260000), *at = source;
    double start;
    struct jinja_template *template = NULL;
    struct quire_error error;
    enum quire_status status;

    for (unsigned i = 0; i < 16000; i++)
        at += sprintf(at, "{{ a%u }}", i);
    start = harness_cpu_ms();
    status = jinja_compile(source, (size_t)(at - source), &template, &error);
    cr_expect(harness_cpu_ms() - start < LIMIT_MS, "%.1f ms", harness_cpu_ms() - start);
    cr_expect(status == QUIRE_OK || status == QUIRE_LIMIT);
    jinja_template_destroy(template);
    free(source);
}

/* In a process of its own, so that its high-water mark is that of these templates. */
Test(jinja_bounds, memory_stays_below_its_bound)
{
    static const char *const sources[] = {
        "{{ 'a' * 4000000 }}",
        "{{ ('a' * 4000000)|upper }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(x=s ~ 'x') %}{% for i in range(16) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=s ~ 'x') %}{% for i in range(17) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% for c in s * 500000 %}{{ c }}x{% endfor %}",
        "{% macro f(n) %}{% set x = 'a' * 100000 %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{{ range(100000)|map('string')|list|sort|join(',') }}",
        "{{ dict(range(100000)|batch(2))|tojson(indent=40) }}",
    };
    struct rusage before, after;
    pid_t child;
    int status;

    if (SLOWNESS > 1.0)
        cr_skip_test("a sanitizer takes memory of its own");
    child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        json_t *variables = json_pack("{s:s}", "s", "text");
        getrusage(RUSAGE_SELF, &before);
        for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
            struct quire_error error = {0};
            enum quire_status ended;
            size_t bytes;
            free(harness_render(sources[i], strlen(sources[i]), variables, &bytes, &ended, &error));
        }
        getrusage(RUSAGE_SELF, &after);
        _exit(after.ru_maxrss - before.ru_maxrss <= (long)(LIMIT_BYTES / 1024) ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "more than 16 MB, or a crash: %d", status);
    cr_assert(jinja_limits_default.memory_bytes_max + jinja_limits_default.output_bytes_max <= LIMIT_BYTES);
}

Test(jinja_bounds, limits_may_be_given)
{
    struct jinja_limits limits = {.steps_max = 100, .output_bytes_max = 50, .memory_bytes_max = 1 << 20,
                                  .depth_max = 20};
    struct jinja_options options = {.limits = &limits};
    json_t *variables = json_object();
    static const struct {
        const char *source;
        enum quire_status status;
        const char *says;
    } cases[] = {
        {"{% for i in range(10) %}{{ i }}{% endfor %}", QUIRE_OK, ""},
        {"{% for i in range(100) %}{{ i }}{% endfor %}", QUIRE_LIMIT, "steps"},
        {"{{ 'x' * 50 }}", QUIRE_OK, ""},
        {"{{ 'x' * 51 }}", QUIRE_LIMIT, "a text of more than 50 bytes"},
        {"{{ [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]] }}", QUIRE_LIMIT, "nested more than 20"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jinja_template *template = NULL;
        struct jinja_output output = {0};
        struct quire_error error = {0};
        cr_assert(jinja_compile(cases[i].source, strlen(cases[i].source), &template, &error) == QUIRE_OK);
        cr_expect_eq(jinja_render(template, variables, &options, &output, &error), cases[i].status, "%s: %s",
                     cases[i].source, error.message);
        cr_expect(strstr(error.message, cases[i].says) != NULL, "%s", error.message);
        jinja_output_deinit(&output);
        jinja_template_destroy(template);
    }
    json_decref(variables);
}
