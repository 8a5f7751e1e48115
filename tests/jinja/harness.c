/* See harness.h. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOW_NS 1772892309123456000

const char *harness_fixtures(void)
{
    const char *folder = getenv("QUIRE_FIXTURES");

    return folder != NULL ? folder : ".";
}

const char *harness_shared(void)
{
    const char *folder = getenv("QUIRE_SHARED");

    return folder != NULL && access(folder, R_OK) == 0 ? folder : NULL;
}

char *harness_read(const char *folder, const char *name, size_t *bytes)
{
    char path[4096];
    FILE *file;
    char *text = NULL;
    size_t room = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    cr_assert(file != NULL, "cannot open %s", path);
    *bytes = 0;
    for (;;) {
        size_t got;
        if (room - *bytes < 2) {
            room = room == 0 ? 65536 : room * 2;
            text = realloc(text, room);
            cr_assert(text != NULL);
        }
        got = fread(text + *bytes, 1, room - *bytes - 1, file);
        if (got == 0)
            break;
        *bytes += got;
    }
    fclose(file);
    text[*bytes] = 0;
    return text;
}

void harness_each_line(const char *name, void (*use)(const json_t *line, void *context), void *context)
{
    size_t bytes;
    char *text = harness_read(harness_fixtures(), name, &bytes);

    for (char *at = text; *at != 0;) {
        size_t length = strcspn(at, "\n");
        json_error_t error;
        json_t *line = json_loadb(at, length, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
        cr_assert(line != NULL, "%s: %s", name, error.text);
        use(line, context);
        json_decref(line);
        at += length + (at[length] == '\n');
    }
    free(text);
}

const struct jinja_options *harness_options(void)
{
    static const struct jinja_options options = {.now_ns = NOW_NS};

    setenv("TZ", "UTC", 1);
    tzset();
    return &options;
}

char *harness_render(const char *source, size_t source_bytes, const json_t *variables, size_t *text_bytes,
                     enum quire_status *status, struct quire_error *error)
{
    struct jinja_template *template = NULL;
    struct jinja_output output = {0};

    *status = jinja_compile(source, source_bytes, &template, error);
    if (*status == QUIRE_OK)
        *status = jinja_render(template, variables, harness_options(), &output, error);
    jinja_template_destroy(template);
    free(output.runs);
    *text_bytes = output.text_bytes;
    return output.text;
}

struct jinja_output harness_output(const char *source, const char *variables_json, const struct jinja_options *options)
{
    json_error_t json_error;
    json_t *variables = json_loads(variables_json, JSON_ALLOW_NUL, &json_error);
    struct jinja_template *template = NULL;
    struct jinja_output output = {0};
    struct quire_error error = {0};

    cr_assert(variables != NULL, "%s", json_error.text);
    cr_assert(jinja_compile(source, strlen(source), &template, &error) == QUIRE_OK, "%s", error.message);
    cr_assert(jinja_render(template, variables, options, &output, &error) == QUIRE_OK, "%s", error.message);
    jinja_template_destroy(template);
    json_decref(variables);
    return output;
}

double harness_cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

char *harness_repeat(const char *head, const char *middle, size_t times, const char *tail)
{
    size_t room = strlen(head) + strlen(middle) * times + strlen(tail) + 1;
    char *text = malloc(room), *at;

    cr_assert(text != NULL);
    at = stpcpy(text, head);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, middle);
    stpcpy(at, tail);
    return text;
}
