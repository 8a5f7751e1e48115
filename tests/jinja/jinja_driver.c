/* For compare_random.py, which is run by hand: standard input has a JSON object {"template", "variables"} on each line, standard
 * output gets {"text"} or {"error"} for each. Thread: one. Owner: the process. */
#include "jinja.h"

#include <stdlib.h>
#include <time.h>

static json_t *answer(const json_t *line)
{
    const json_t *source = json_object_get(line, "template");
    struct jinja_options options = {.now_ns = 1772892309123456000};
    struct jinja_template *template = NULL;
    struct jinja_output output = {0};
    struct quire_error error = {0};
    enum quire_status status = jinja_compile(json_string_value(source), json_string_length(source), &template, &error);
    json_t *result;

    if (status == QUIRE_OK)
        status = jinja_render(template, json_object_get(line, "variables"), &options, &output, &error);
    if (status == QUIRE_OK)
        result = json_pack("{s:o}", "text", json_stringn(output.text, output.text_bytes));
    else
        result = json_pack("{s:o, s:i}", "error", json_string_nocheck(error.message), "status", (int)status);
    jinja_output_deinit(&output);
    jinja_template_destroy(template);
    return result;
}

int main(void)
{
    char *line = NULL;
    size_t line_max = 0;
    ssize_t count;

    setenv("TZ", "UTC", 1);
    tzset();
    while ((count = getline(&line, &line_max, stdin)) > 0) {
        json_t *request = json_loadb(line, (size_t)count, JSON_ALLOW_NUL, NULL);
        json_t *result = answer(request);
        json_dumpf(result, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(result);
        json_decref(request);
    }
    free(line);
    return 0;
}
