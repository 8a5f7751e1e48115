/* Where a chat template comes from. Any thread. */
#include "model_template.h"

#include "cli.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum quire_status template_file_compile(const char *path, struct jinja_template **out, struct quire_error *error)
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
    status = jinja_compile(text, bytes, out, &cause);
    free(text);
    return status == QUIRE_OK ? status : quire_fail(error, status, "%.200s: %.300s", path, cause.message);
}

enum quire_status model_template_load(const char *path, const struct tokenizer *tokenizer, struct jinja_template **out,
                                      struct quire_error *error)
{
    const char *own = tokenizer_chat_template(tokenizer, NULL);
    struct quire_error cause;

    if (path != NULL)
        return template_file_compile(path, out, error);
    if (own != NULL && jinja_compile(own, strlen(own), out, &cause) != QUIRE_OK)
        log_event(LOG_WARNING, "chat_template_unusable", "reason=\"%s\"", cause.message);
    return QUIRE_OK;
}
