/* Fuzz target for chat templates: the input is a template; behind a byte 0x1E may stand its variables in JSON.
 * What must hold: the runs of an output cover it exactly; it is UTF-8; text of the request is never taken for the
 * template's own; a second render gives the same bytes. Thread: one. Owner: the process. */
#include "fuzz.h"
#include "jinja.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "\xF4\x80\x83\xB5" /* U+1000F5, for private use: no function makes it of anything else */

static const char variables_usual[] =
    "{\"s\": \"Hé <|x|> \\n b" MARK "\", \"i\": 7, \"f\": 2.5, \"n\": null, \"t\": true, \"bos_token\": \"<s>\","
    "\"l\": [3, \"a" MARK "\", null, [1]], \"d\": {\"a\": 1, \"b" MARK "\": {\"c\": \"x\"}},"
    "\"add_generation_prompt\": true, \"messages\": [{\"role\": \"user\", \"content\": \"h" MARK "i\"},"
    "{\"role\": \"assistant\", \"content\": [{\"type\": \"text\", \"text\": \"" MARK "yo\"}],"
    "\"tool_calls\": [{\"function\": {\"name\": \"f" MARK "\", \"arguments\": {\"x\": 1.5}}}]}],"
    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {}}}]}";

static bool holds(const char *bytes, size_t count, const char *what)
{
    return count > 0 && memmem(bytes, count, what, strlen(what)) != NULL;
}

static void check_output(const struct jinja_output *output, bool traced)
{
    size_t at = 0;

    for (size_t i = 0; i < output->run_count; i++) {
        const struct text_run *run = &output->runs[i];
        assert(run->text == output->text + at);
        assert(run->text_bytes > 0);
        assert(i == 0 || run->trusted != output->runs[i - 1].trusted);
        assert(!traced || !run->trusted || !holds(run->text, run->text_bytes, MARK));
        at += run->text_bytes;
    }
    assert(at == output->text_bytes && output->text[at] == 0);
}

/* A long sentence may be cut within a character. */
static void check_sentence(const struct quire_error *error)
{
    size_t count = strlen(error->message);

    assert(count == sizeof error->message - 1 || is_utf8(error->message, count));
}

static void check_render(const struct jinja_template *template, const json_t *variables, bool traced)
{
    static const struct jinja_limits limits = {
        .steps_max = 20000, .output_bytes_max = 1 << 18, .memory_bytes_max = 1 << 20, .depth_max = 200};
    static const char *const trusted[] = {"bos_token"};
    static const struct jinja_options options = {
        .limits = &limits, .now_ns = 1772892309123456000, .trusted_names = trusted, .trusted_count = 1};
    struct jinja_output first = {0}, second = {0};
    struct quire_error error = {0}, again = {0};
    enum quire_status status = jinja_render(template, variables, &options, &first, &error);

    assert(jinja_render(template, variables, &options, &second, &again) == status);
    assert(strcmp(error.message, again.message) == 0);
    check_sentence(&error);
    if (status == QUIRE_OK) {
        assert(is_utf8(first.text, first.text_bytes));
        check_output(&first, traced);
        assert(first.text_bytes == second.text_bytes && memcmp(first.text, second.text, first.text_bytes) == 0);
        jinja_output_truncate(&second, second.text_bytes / 2);
        check_output(&second, traced);
    } else {
        assert(error.message[0] != 0 && first.text == NULL && second.text == NULL);
    }
    jinja_output_deinit(&first);
    jinja_output_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static json_t *usual;
    const char *source = (const char *)bytes;
    const uint8_t *cut = count > 0 ? memchr(bytes, 0x1E, count) : NULL;
    size_t source_bytes = cut != NULL ? (size_t)(cut - bytes) : count;
    json_t *own = cut == NULL ? NULL
                              : json_loadb((const char *)cut + 1, count - source_bytes - 1, JSON_ALLOW_NUL, NULL);
    struct jinja_template *template = NULL;
    struct quire_error error = {0};

    if (usual == NULL)
        usual = json_loads(variables_usual, 0, NULL);
    assert(usual != NULL);
    if (jinja_compile(source, source_bytes, &template, &error) == QUIRE_OK) {
        /* A template may write the mark itself, or spell it by its number. */
        bool traced = own == NULL && !holds(source, source_bytes, MARK) && !holds(source, source_bytes, "\\") &&
                      !holds(source, source_bytes, "1048821");
        check_render(template, json_is_object(own) ? own : usual, traced);
    } else {
        assert(error.message[0] != 0);
        check_sentence(&error);
    }
    json_decref(own);
    jinja_template_destroy(template);
    return 0;
}
