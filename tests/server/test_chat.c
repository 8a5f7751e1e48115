/* server/chat_messages.c and chat_tools.c: what OpenAI's messages become for a template. Over HTTP the whole way is tested
 * in tests/http/test_chat_prompt.py; here are the parts that depend on what the template asks. */
#include "chat_messages.h"

#include "jinja/jinja.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct api_error error;

/* The messages as JSON, or the field that is wrong. */
static char *built(const char *source, bool developer_known, const char *messages_json)
{
    struct chat_template template = {.developer_known = developer_known};
    json_t *messages = json_loads(messages_json, JSON_ALLOW_NUL, NULL), *result;
    struct quire_error cause;
    char *text;

    cr_assert_not_null(messages, "%s", messages_json);
    cr_assert_eq(jinja_compile(source, strlen(source), &template.program, &cause), QUIRE_OK, "%s", cause.message);
    result = chat_messages_build(messages, &template, &error);
    text = result != NULL ? json_dumps(result, JSON_COMPACT) : strdup(error.param);
    json_decref(result);
    json_decref(messages);
    jinja_template_destroy(template.program);
    return text;
}

static void expect(const char *source, bool developer_known, const char *messages_json, const char *expected)
{
    char *text = built(source, developer_known, messages_json);

    cr_expect_str_eq(text, expected, "%s: %s", messages_json, text);
    free(text);
}

#define STRINGS "{{ messages[0].content }}"
#define PARTS "{% for p in messages[0].content %}{{ p.text }}{% endfor %}"

Test(chat, parts_stay_a_list_where_the_template_walks_over_them)
{
    static const char parts[] = "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                                "{\"type\":\"output_text\",\"text\":\"b\"}]}]";

    expect(STRINGS, false, parts, "[{\"role\":\"user\",\"content\":\"a\\nb\"}]");
    expect(PARTS, false, parts, "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                                "{\"type\":\"text\",\"text\":\"b\"}]}]");
}

Test(chat, results_of_tools_are_strings_to_every_template)
{
    static const char result[] = "[{\"role\":\"tool\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]";

    expect(STRINGS, false, result, "[{\"role\":\"tool\",\"content\":\"a\"}]");
    expect(PARTS, false, result, "[{\"role\":\"tool\",\"content\":\"a\"}]");
}

Test(chat, developer_is_told_as_system_unless_known)
{
    static const char message[] = "[{\"role\":\"developer\",\"content\":\"x\"}]";

    expect(STRINGS, false, message, "[{\"role\":\"system\",\"content\":\"x\"}]");
    expect(STRINGS, true, message, message);
}

Test(chat, fields_are_taken_where_the_template_names_them)
{
    static const char message[] = "[{\"role\":\"user\",\"content\":\"x\",\"task\":[1]}]";

    expect(STRINGS, false, message, "messages[0].task");
    cr_expect_eq(error.kind, ERROR_UNSUPPORTED);
    expect(STRINGS "{{ messages[0].task }}", false, message, message);
    expect(STRINGS, false, "[{\"role\":\"user\",\"content\":\"x\",\"task\":null}]",
           "[{\"role\":\"user\",\"content\":\"x\"}]");
}

Test(chat, order_of_members_is_kept_and_aliases_stand_where_transformers_puts_them)
{
    expect(STRINGS, false, "[{\"reasoning\":\"r\",\"role\":\"assistant\",\"content\":\"x\",\"name\":null}]",
           "[{\"thinking\":\"r\",\"reasoning\":\"r\",\"role\":\"assistant\",\"content\":\"x\",\"reasoning_content\":\"r\"}]");
}

Test(chat, a_nul_hides_nothing)
{
    expect(STRINGS, false, "[{\"role\":\"user\\u0000x\",\"content\":\"x\"}]", "messages[0].role");
    expect(STRINGS, false, "[{\"role\":\"user\",\"content\":[{\"type\":\"text\\u0000\",\"text\":\"x\"}]}]",
           "messages[0].content");
    expect(STRINGS, false, "[{\"role\":\"user\",\"content\":\"a\\u0000b\"}]",
           "[{\"role\":\"user\",\"content\":\"a\\u0000b\"}]");
}
