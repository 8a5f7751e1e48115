/* Thousands of small templates against jinja2, set up as transformers does it (make_cases.py small): the language,
 * every filter, test, method and operator. Where the reference raises, there must be an error, with line and column. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    json_t *variables;
    size_t cases, wrong;
};

static void check_line(const json_t *line, void *context)
{
    struct tally *tally = context;
    const json_t *source, *expected;
    struct quire_error error = {0};
    enum quire_status status;
    size_t bytes;
    char *text;
    bool right;

    if (json_is_object(line)) {
        tally->variables = json_incref(json_object_get(line, "variables"));
        return;
    }
    source = json_array_get(line, 0);
    expected = json_array_get(line, 1);
    text = harness_render(json_string_value(source), json_string_length(source), tally->variables, &bytes, &status,
                          &error);
    if (json_is_null(expected))
        right = text == NULL && status != QUIRE_OK && strncmp(error.message, "chat template, line ", 20) == 0 &&
                strstr(error.message, ", column ") != NULL;
    else
        right = text != NULL && bytes == json_string_length(expected) &&
                memcmp(text, json_string_value(expected), bytes) == 0;
    tally->cases++;
    if (!right && tally->wrong++ < 20)
        cr_log_error("%s\n  expected %s\n  got      %s", json_string_value(source),
                     json_is_null(expected) ? "(an error)" : json_string_value(expected),
                     text != NULL ? text : error.message);
    free(text);
}

Test(jinja_small, every_case_gives_what_the_reference_gives)
{
    struct tally tally = {0};

    harness_each_line("small_cases.json", check_line, &tally);
    json_decref(tally.variables);
    cr_log_info("%zu cases", tally.cases);
    cr_assert(tally.cases >= 500);
    cr_assert_eq(tally.wrong, 0, "%zu of %zu cases are wrong", tally.wrong, tally.cases);
}
