/* Every template of shared/data/chat-templates over a matrix of conversations (conversations.json), against hashes
 * of what transformers renders (make_cases.py matrix). The texts themselves would be megabytes. */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static uint64_t fnv(const char *bytes, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return hash;
}

struct matrix {
    const json_t *conversations;
    size_t renders, wrong;
};

/* common, then the options, then the conversation; the later ones win. */
static json_t *variables_of(const json_t *conversations, const json_t *options, const json_t *conversation)
{
    json_t *variables = json_copy(json_object_get(conversations, "common"));

    cr_assert(json_object_update(variables, (json_t *)options) == 0);
    cr_assert(json_object_update(variables, (json_t *)conversation) == 0);
    return variables;
}

static void check_one(struct matrix *matrix, const char *name, const struct jinja_template *template, json_t *variables,
                      const json_t *expected)
{
    struct jinja_output output = {0};
    struct quire_error error = {0};
    char hash[20] = "(an error)";

    if (template != NULL && jinja_render(template, variables, harness_options(), &output, &error) == QUIRE_OK)
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)fnv(output.text, output.text_bytes));
    matrix->renders++;
    if (strcmp(hash, json_is_null(expected) ? "(an error)" : json_string_value(expected)) != 0 &&
        matrix->wrong++ < 10) {
        char *messages = json_dumps(json_object_get(variables, "messages"), 0);
        cr_log_error("%s: %s\n  %s", name, messages, output.text != NULL ? output.text : error.message);
        free(messages);
    }
    jinja_output_deinit(&output);
}

static void check_template(const json_t *line, void *context)
{
    struct matrix *matrix = context;
    const char *name = json_string_value(json_array_get(line, 0));
    char path[256];
    struct jinja_template *template = NULL;
    struct quire_error error = {0};
    size_t source_bytes, column = 1, i, k;
    json_t *conversation, *options;
    char *source;

    snprintf(path, sizeof path, "data/chat-templates/%s", name);
    source = harness_read(harness_shared(), path, &source_bytes);
    if (jinja_compile(source, source_bytes, &template, &error) != QUIRE_OK)
        cr_log_error("%s: %s", name, error.message);
    json_array_foreach(json_object_get(matrix->conversations, "conversations"), i, conversation) {
        json_array_foreach(json_object_get(matrix->conversations, "options"), k, options) {
            json_t *variables = variables_of(matrix->conversations, options, conversation);
            check_one(matrix, name, template, variables, json_array_get(line, column++));
            json_decref(variables);
        }
    }
    cr_assert_eq(column, json_array_size(line), "matrix_cases.json is older than conversations.json");
    jinja_template_destroy(template);
    free(source);
}

Test(jinja_matrix, every_template_renders_as_the_reference)
{
    struct matrix matrix = {0};
    json_error_t error;
    size_t bytes;
    char *text;
    json_t *conversations;

    if (harness_shared() == NULL)
        cr_skip_test("shared/ is absent");
    text = harness_read(harness_fixtures(), "conversations.json", &bytes);
    conversations = json_loads(text, 0, &error);
    cr_assert(conversations != NULL, "%s", error.text);
    matrix.conversations = conversations;
    harness_each_line("matrix_cases.json", check_template, &matrix);
    json_decref(conversations);
    free(text);
    cr_log_info("%zu renders", matrix.renders);
    cr_assert(matrix.renders > 10000);
    cr_assert_eq(matrix.wrong, 0, "%zu of %zu renders are wrong", matrix.wrong, matrix.renders);
}
