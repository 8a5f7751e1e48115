/* The command line. Main's thread. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096u

/* How many of `words` the name of a command consists of ("bench tokenize": 2); 0 where it is another's. */
static int name_words(const char *name, int count, char *const *words)
{
    for (int i = 0; i < count; i++) {
        size_t bytes = strlen(words[i]);

        if (strncmp(name, words[i], bytes) != 0)
            return 0;
        if (name[bytes] == '\0')
            return i + 1;
        if (name[bytes] != ' ')
            return 0;
        name += bytes + 1;
    }
    return 0;
}

static const struct command *command_find(const struct command *commands, int count, char *const *words, int *used)
{
    const struct command *found = NULL;

    *used = 0;
    for (; commands->name != NULL; commands++)
        if (name_words(commands->name, count, words) > *used) {
            *used = name_words(commands->name, count, words);
            found = commands;
        }
    return found;
}

/* All commands, or one. */
static void help_write(FILE *out, const struct command *commands, const struct command *topic)
{
    fprintf(out, "quire " QUIRE_VERSION ", an inference server for large language models on CPUs\n\nUsage:\n");
    for (const struct command *row = commands; row->name != NULL; row++)
        if (topic == NULL || topic == row)
            fprintf(out, "  quire %s %-*s %s\n", row->name, 30 - (int)strlen(row->name), row->arguments, row->summary);
    for (const struct command *row = commands; row->name != NULL; row++) {
        if (row->bit == 0 || (topic != NULL && topic != row))
            continue;
        fprintf(out, "\nOptions of quire %s:\n", row->name);
        config_write_help(out, row->bit);
    }
    fprintf(out, "\nEvery option is also a key of the YAML file that --config names (max-num-seqs: 64) and a variable in the\n"
                 "environment (QUIRE_MAX_NUM_SEQS=64). A flag goes before the environment, that before the file.\n");
}

static int command_missing(char *const *words)
{
    fprintf(stderr, "quire: there is no command '%.100s'; see quire help\n", words[0]);
    return 2;
}

/* `words` follow "help". */
static int help(const struct command *commands, int count, char *const *words)
{
    int used;
    const struct command *topic = command_find(commands, count, words, &used);

    if (used < count)
        return command_missing(words);
    help_write(stdout, commands, topic);
    return 0;
}

static int command_run(const struct command *commands, const struct command *command, int count, char *const *arguments)
{
    struct quire_error error = {0};
    struct config config;
    enum quire_status status;

    if (config_load(command->bit, count, arguments, &config, &error) != QUIRE_OK) {
        fprintf(stderr, "quire: %s\n", error.message);
        return 2;
    }
    if (config.help) {
        help_write(stdout, commands, command);
        config_deinit(&config);
        return 0;
    }
    if (command->model_needed && config.model == NULL) {
        fprintf(stderr, "quire: %s needs %s; see quire help %s\n", command->name, command->arguments, command->name);
        config_deinit(&config);
        return 2;
    }
    status = command->run(&config, &error);
    config_deinit(&config);
    if (status == QUIRE_OK && fflush(stdout) != 0)
        status = quire_fail(&error, QUIRE_IO, "cannot write the output: %s", strerror(errno));
    if (status != QUIRE_OK)
        fprintf(stderr, "quire: %s\n", error.message);
    return status == QUIRE_OK ? 0 : 1;
}

int cli_run(const struct command *commands, int argument_count, char **arguments)
{
    static char help_name[] = "help", *const no_words[] = {help_name};
    char *const *words = argument_count > 1 ? arguments + 1 : no_words;
    int count = argument_count > 1 ? argument_count - 1 : 1, used;
    const struct command *command = command_find(commands, count, words, &used);

    if (strcmp(words[0], "help") == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
        int status = help(commands, count - 1, words + 1);
        return argument_count > 1 ? status : 2;
    }
    if (strcmp(words[0], "version") == 0 || strcmp(words[0], "--version") == 0) {
        printf("quire " QUIRE_VERSION "\n");
        return 0;
    }
    return command == NULL ? command_missing(words) : command_run(commands, command, count - used, words + used);
}

enum quire_status stream_read_all(FILE *file, const char *name, char **out, size_t *bytes, struct quire_error *error)
{
    size_t count = 0, size = 65536;
    char *text = malloc(size + 1);

    while (text != NULL) {
        char *larger;

        count += fread(text + count, 1, size - count, file);
        if (ferror(file)) {
            free(text);
            return quire_fail(error, QUIRE_IO, "cannot read %s: %s", name, strerror(errno));
        }
        if (count < size) {
            text[count] = '\0';
            *out = text;
            *bytes = count;
            return QUIRE_OK;
        }
        size *= 2;
        larger = size > SIZE_MAX / 4 ? NULL : realloc(text, size + 1);
        if (larger == NULL)
            free(text);
        text = larger;
    }
    return quire_fail(error, QUIRE_NO_MEMORY, "no memory to read %s", name);
}

enum quire_status demo_model_find(char **out, struct quire_error *error)
{
    static const char *const places[] = {"../share/quire/demo", "../../deploy/demo/model"};
    char program[PATH_BYTES], path[PATH_BYTES + 64], *variable = getenv("QUIRE_DEMO_DIR");
    ssize_t count = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;

    if (variable != NULL)
        return (*out = realpath(variable, NULL)) != NULL
                   ? QUIRE_OK
                   : quire_fail(error, QUIRE_NOT_FOUND, "QUIRE_DEMO_DIR says %s: %s", variable, strerror(errno));
    program[count < 0 ? 0 : count] = '\0';
    slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", program, places[i]);
        if ((*out = realpath(path, NULL)) != NULL)
            return QUIRE_OK;
    }
    return quire_fail(error, QUIRE_NOT_FOUND,
                      "there is no demo model beside %s; name a model: quire serve MODEL, or set QUIRE_DEMO_DIR", program);
}

char *model_name_of(const char *path)
{
    size_t end = strlen(path), start;
    static const char suffix[] = ".gguf";

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    if (end - start > sizeof suffix - 1 && strncmp(path + end - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0)
        end -= sizeof suffix - 1;
    return strndup(path + start, end - start);
}

static void size_write(FILE *out, const char *name, size_t bytes, const char *rest)
{
    double value = (double)bytes;
    const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    fprintf(out, "  %-13s%8.*f %s%s\n", name, unit == 0 ? 0 : 1, value, units[unit], rest);
}

void start_report_write(FILE *out, const char *model_name, const char *url, const struct engine_limits *limits,
                        size_t budget_bytes, uint32_t threads)
{
    uint64_t blocks = 0;
    char pool[96];

    for (uint32_t i = 0; i < limits->group_count; i++)
        blocks += limits->group[i].block_count;
    snprintf(pool, sizeof pool, "  %llu blocks, %llu tokens", (unsigned long long)blocks,
             (unsigned long long)(limits->group_count == 0 ? 0 : (uint64_t)limits->group[0].block_count * KV_BLOCK_TOKENS));
    fprintf(out, "quire " QUIRE_VERSION " serves %s (%s, %s) at %s\n", model_name, limits->architecture,
            limits->weight_type, url);
    size_write(out, "weights", limits->weight_bytes, "");
    size_write(out, "KV cache", limits->kv_bytes, pool);
    size_write(out, "activations", limits->activation_bytes, "");
    size_write(out, "budget", budget_bytes, "");
    fprintf(out, "  %-13s%8u tokens a sequence, %u sequences and %u tokens a step\n", "context", limits->model_len_max,
            limits->sequence_max, limits->step_tokens_max);
    fprintf(out, "  %-13s%8u\n  %-13s%8s\n", "threads", threads, "kernels", limits->kernels);
    fflush(out);
}
