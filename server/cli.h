/* The command line: commands, help, and the small commands that need no engine. */
#ifndef QUIRE_CLI_H
#define QUIRE_CLI_H

#include "config.h"
#include "engine_limits.h"
#include "status.h"

struct command {
    const char *name, *arguments, *summary;
    unsigned bit;      /* COMMAND_... of config.h; 0: takes no options */
    bool model_needed; /* the positional argument */
    enum quire_status (*run)(struct config *config, struct quire_error *error);
};

/* Runs the command that `arguments` name, from the table that ends with a row without a name. The result is the exit status: 0, or
 * 1 after one sentence on standard error, or 2 for a wrong command line. */
int cli_run(const struct command *commands, int argument_count, char **arguments);

enum quire_status command_tokenize(struct config *config, struct quire_error *error);
enum quire_status command_template(struct config *config, struct quire_error *error);

/* All of a stream, NUL terminated behind `bytes`; to be freed. */
QUIRE_NODISCARD enum quire_status stream_read_all(FILE *file, const char *name, char **out, size_t *bytes,
                                                  struct quire_error *error);

/* Where the demo model lies: where QUIRE_DEMO_DIR says, or beside the installed program, or in the source tree that this
 * build folder is in. To be freed. QUIRE_NOT_FOUND. */
QUIRE_NODISCARD enum quire_status demo_model_find(char **out, struct quire_error *error);

/* The last part of a model's path, without ".gguf": its name in the API. To be freed; NULL: no memory. */
char *model_name_of(const char *path);

/* The table that `serve` prints when the model is loaded. */
void start_report_write(FILE *out, const char *model_name, const char *url, const struct engine_limits *limits,
                        size_t budget_bytes, uint32_t threads);

#endif
