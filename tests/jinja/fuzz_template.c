/* Fuzz target for chat templates: the input is a template, rendered with a small conversation under tight limits.
 *
 * As a libFuzzer target (an hour before a release, say):
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iserver/jinja -Iinclude (all of server/jinja)
 *     tests/jinja/fuzz_template.c -ljansson -lm -o fuzz_template && ./fuzz_template -max_len=4096 CORPUS
 * In the test suite it is built with fuzz_main.c, which mutates the templates of small_cases.json for a few seconds.
 * What must hold: no crash, no sanitizer report; the runs of an output cover it exactly; the same bytes twice.
 * Thread: one. Owner: the process. */
#include "jinja.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static json_t *variables;

static void check_output(const struct jinja_output *output)
{
    size_t at = 0;

    for (size_t i = 0; i < output->run_count; i++) {
        assert(output->runs[i].text == output->text + at);
        assert(output->runs[i].text_bytes > 0);
        assert(i == 0 || output->runs[i].trusted != output->runs[i - 1].trusted);
        at += output->runs[i].text_bytes;
    }
    assert(at == output->text_bytes && output->text[at] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const struct jinja_limits limits = {
        .steps_max = 20000, .output_bytes_max = 1 << 18, .memory_bytes_max = 1 << 20, .depth_max = 200};
    static const struct jinja_options options = {.limits = &limits, .now_ns = 1772892309123456000};
    struct jinja_template *template = NULL;
    struct jinja_output first = {0}, second = {0};
    struct quire_error error = {0};
    enum quire_status status;

    if (variables == NULL)
        variables = json_loads("{\"s\": \"Hé <|x|> \\n b\", \"i\": 7, \"f\": 2.5, \"n\": null, \"t\": true,"
                               "\"l\": [3, \"a\", null, [1]], \"d\": {\"a\": 1, \"b\": {\"c\": \"x\"}},"
                               "\"messages\": [{\"role\": \"user\", \"content\": \"hi\"},"
                               "{\"role\": \"assistant\", \"content\": [{\"type\": \"text\", \"text\": \"yo\"}]}]}",
                               0, NULL);
    status = jinja_compile((const char *)bytes, count, &template, &error);
    if (status != QUIRE_OK) {
        assert(error.message[0] != 0);
        return 0;
    }
    status = jinja_render(template, variables, &options, &first, &error);
    if (status == QUIRE_OK) {
        check_output(&first);
        assert(jinja_render(template, variables, &options, &second, &error) == QUIRE_OK);
        assert(first.text_bytes == second.text_bytes && memcmp(first.text, second.text, first.text_bytes) == 0);
        jinja_output_truncate(&second, second.text_bytes / 2);
        check_output(&second);
    } else {
        assert(error.message[0] != 0);
    }
    jinja_output_deinit(&first);
    jinja_output_deinit(&second);
    jinja_template_destroy(template);
    return 0;
}
