/* Where chat templates come from. Any thread. */
#include "model_template.h"

#include "cli.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether a template asks for the role by its name. */
static bool developer_known(const char *source, size_t bytes)
{
    return memmem(source, bytes, "'developer'", 11) != NULL || memmem(source, bytes, "\"developer\"", 11) != NULL;
}

static enum quire_status file_compile(const char *path, struct chat_template *out, struct quire_error *error)
{
    struct quire_error cause;
    enum quire_status status;
    char *text;
    size_t bytes;
    FILE *file = fopen(path, "rbe");

    if (file == NULL)
        return quire_fail(error, QUIRE_IO, "cannot read the chat template %s: %s", path, strerror(errno));
    status = stream_read_all(file, path, &text, &bytes, error);
    fclose(file);
    if (status != QUIRE_OK)
        return status;
    status = jinja_compile(text, bytes, &out->program, &cause);
    out->developer_known = developer_known(text, bytes);
    free(text);
    return status == QUIRE_OK ? status : quire_fail(error, status, "%.200s: %.300s", path, cause.message);
}

/* One of the model's own. */
static void own_compile(const char *text, struct chat_template *out)
{
    if (text == NULL)
        return;
    out->developer_known = developer_known(text, strlen(text));
    if (jinja_compile(text, strlen(text), &out->program, &out->problem) != QUIRE_OK)
        log_event(LOG_WARNING, "chat_template_unusable", "reason=\"%s\"", out->problem.message);
}

enum quire_status template_file_compile(const char *path, struct jinja_template **out, struct quire_error *error)
{
    struct chat_template template = {0};
    enum quire_status status = file_compile(path, &template, error);

    if (status == QUIRE_OK)
        *out = template.program;
    return status;
}

enum quire_status model_templates_load(const char *path, const struct tokenizer *tokenizer, struct model_templates *out,
                                       struct quire_error *error)
{
    if (path != NULL)
        return file_compile(path, &out->chat, error);
    own_compile(tokenizer_chat_template(tokenizer, NULL), &out->chat);
    own_compile(tokenizer_chat_template(tokenizer, "tool_use"), &out->tools);
    return QUIRE_OK;
}

void model_templates_deinit(struct model_templates *templates)
{
    jinja_template_destroy(templates->chat.program);
    jinja_template_destroy(templates->tools.program);
    *templates = (struct model_templates){0};
}

const struct chat_template *model_templates_tools(const struct model_templates *templates)
{
    bool own = templates->tools.program != NULL || templates->tools.problem.message[0] != '\0';

    return own ? &templates->tools : &templates->chat;
}
