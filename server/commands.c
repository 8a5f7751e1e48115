/* `quire tokenize` and `quire template`: one input, one output. Main's thread. */
#include "cli.h"

#include "model_template.h"
#include "tokenizer.h"

#include <jansson.h>
#include <stdlib.h>

enum quire_status command_tokenize(struct config *config, struct quire_error *error)
{
    struct tokenizer *tokenizer = NULL;
    struct token_list ids = {0};
    struct text_run run = {.trusted = true};
    char *text = NULL;
    enum quire_status status = tokenizer_open(config->model, &tokenizer, error);

    if (status == QUIRE_OK)
        status = stream_read_all(stdin, "standard input", &text, &run.text_bytes, error);
    if (status == QUIRE_OK) {
        run.text = text;
        status = tokenizer_encode(tokenizer, &run, 1, config->special, &ids, error);
    }
    for (size_t i = 0; status == QUIRE_OK && i < ids.count; i++)
        printf("%s%u", i > 0 ? " " : "", ids.ids[i]);
    if (status == QUIRE_OK)
        putchar('\n');
    token_list_deinit(&ids);
    free(text);
    tokenizer_close(tokenizer);
    return status;
}

enum quire_status command_template(struct config *config, struct quire_error *error)
{
    struct jinja_template *template = NULL;
    struct jinja_output output = {0};
    json_t *variables = NULL;
    json_error_t cause;
    char *input = NULL;
    size_t input_bytes;
    enum quire_status status = template_file_compile(config->model, &template, error);

    if (status == QUIRE_OK)
        status = stream_read_all(stdin, "standard input", &input, &input_bytes, error);
    if (status == QUIRE_OK) {
        variables = json_loadb(input, input_bytes, JSON_ALLOW_NUL, &cause);
        if (!json_is_object(variables))
            status = quire_fail(error, QUIRE_INVALID, "standard input is not a JSON object of variables: %s (line %d, column %d)",
                                variables == NULL ? cause.text : "another type", variables == NULL ? cause.line : 1,
                                variables == NULL ? cause.column : 1);
    }
    if (status == QUIRE_OK)
        status = jinja_render(template, variables, NULL, &output, error);
    if (status == QUIRE_OK)
        fwrite(output.text, 1, output.text_bytes, stdout);
    jinja_output_deinit(&output);
    json_decref(variables);
    jinja_template_destroy(template);
    free(input);
    return status;
}
