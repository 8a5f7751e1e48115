/* Options: one table, four sources. Each source is applied on top of the one before (default, file, environment, flags), all
 * through option_set, so a value means the same wherever it stands. Called once by main, before threads. */
#include "config.h"

#include "config_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define NAME_BYTES 64u
#define ENGINE (COMMAND_SERVE | COMMAND_BENCH)
#define ANY (ENGINE | COMMAND_TOKENIZE | COMMAND_INSPECT | COMMAND_TEMPLATE | COMMAND_BENCH_TOKENIZE)

enum option_kind { OPTION_TEXT, OPTION_COUNT, OPTION_SIZE, OPTION_SWITCH, OPTION_LEVEL };

struct option {
    const char *name;
    enum option_kind kind;
    unsigned commands;
    size_t offset; /* of the field in struct config */
    const char *initial; /* the default as text; NULL: NULL, 0 or false */
    uint64_t minimum, maximum; /* OPTION_COUNT */
    const char *value_name, *help;
};

#define FIELD(name) offsetof(struct config, name)

static const struct option options[] = {
    {"model", OPTION_TEXT, ANY, FIELD(model), NULL, 0, 0, "MODEL",
     "A Hugging Face directory or a .gguf file; also given without --model. serve without one: the demo model"},
    {"host", OPTION_TEXT, COMMAND_SERVE, FIELD(host), "127.0.0.1", 0, 0, "ADDRESS", "Address to listen on"},
    {"port", OPTION_COUNT, COMMAND_SERVE, FIELD(port), "8000", 0, 65535, "N", "Port to listen on; 0 takes a free one"},
    {"threads", OPTION_COUNT, ENGINE, FIELD(threads), NULL, 1, 1024, "N",
     "Threads that compute. Default: processors allowed by affinity and by the cgroup's quota"},
    {"max-model-len", OPTION_COUNT, ENGINE, FIELD(max_model_len), NULL, 1, 1u << 24, "N",
     "Most tokens of one sequence, prompt and output. Default: the model's own"},
    {"max-num-seqs", OPTION_COUNT, ENGINE, FIELD(max_num_seqs), "256", 1, 4096, "N",
     "Most sequences that share a step"},
    {"max-num-batched-tokens", OPTION_COUNT, ENGINE, FIELD(max_num_batched_tokens), "512", 1, 65536, "N",
     "Most tokens that one step computes; longer prompts are computed in pieces"},
    {"kv-cache-memory", OPTION_SIZE, ENGINE, FIELD(kv_cache_memory), NULL, 0, 0, "SIZE",
     "Memory of the KV cache. Default: what the budget leaves after the weights, at most what max-num-seqs full sequences take"},
    {"memory-budget", OPTION_SIZE, ENGINE, FIELD(memory_budget), NULL, 0, 0, "SIZE",
     "Memory for weights, KV cache and activations together. Default: what the cgroup or the machine has left"},
    {"kernels", OPTION_TEXT, ENGINE, FIELD(kernels), NULL, 0, 0, "NAME",
     "Caps the instruction set, such as scalar, avx2 or avx512. Default: the best that the processor has"},
    {"served-model-name", OPTION_TEXT, COMMAND_SERVE, FIELD(served_model_name), NULL, 0, 0, "NAME",
     "The model's name in the API. Default: the last part of MODEL"},
    {"api-key", OPTION_TEXT, COMMAND_SERVE, FIELD(api_key), NULL, 0, 0, "KEY",
     "Asks of every request but /health the header Authorization: Bearer KEY"},
    {"config", OPTION_TEXT, ENGINE, FIELD(config_file), NULL, 0, 0, "FILE", "YAML file of options"},
    {"chat-template", OPTION_TEXT, COMMAND_SERVE | COMMAND_BENCH_TOKENIZE, FIELD(chat_template), NULL, 0, 0, "FILE",
     "Chat template to use instead of the model's own"},
    {"special-tokens-in-content", OPTION_SWITCH, COMMAND_SERVE, FIELD(special_tokens_in_content), "false", 0, 0, NULL,
     "Lets text inside chat messages become special tokens"},
    {"enable-prefix-caching", OPTION_SWITCH, COMMAND_SERVE, FIELD(enable_prefix_caching), "true", 0, 0, NULL,
     "Shares the KV cache of equal prefixes between requests"},
    {"max-queue", OPTION_COUNT, COMMAND_SERVE, FIELD(max_queue), "1024", 1, 1u << 20, "N",
     "Requests that may wait; one more is answered with 429"},
    {"max-connections", OPTION_COUNT, COMMAND_SERVE, FIELD(max_connections), "4096", 4, 65535, "N",
     "Open connections; further ones wait to be accepted"},
    {"max-body-size", OPTION_SIZE, COMMAND_SERVE, FIELD(max_body_size), "16MiB", 0, 0, "SIZE",
     "Longest request body; a longer one is answered with 413"},
    {"client-timeout", OPTION_COUNT, COMMAND_SERVE, FIELD(client_timeout_s), "30", 1, 86400, "SECONDS",
     "Time for a client to send a request's header; its body may take ten times as long"},
    {"log-level", OPTION_LEVEL, COMMAND_SERVE, FIELD(log_level), "info", 0, 0, "LEVEL", "error, warning, info or debug"},
    {"log-json", OPTION_SWITCH, COMMAND_SERVE, FIELD(log_json), "false", 0, 0, NULL, "Writes log lines as JSON"},
    {"file", OPTION_TEXT, COMMAND_BENCH_TOKENIZE, FIELD(file), NULL, 0, 0, "FILE",
     "A text to measure instead of the built-in English, Chinese and code"},
    {"json", OPTION_SWITCH, COMMAND_BENCH | COMMAND_BENCH_TOKENIZE, FIELD(json), "false", 0, 0, NULL, "Prints one JSON object"},
    {"special", OPTION_SWITCH, COMMAND_TOKENIZE, FIELD(special), "true", 0, 0, NULL,
     "Adds the model's BOS, EOS and the like; --no-special adds none"},
    {"help", OPTION_SWITCH, ANY, FIELD(help), "false", 0, 0, NULL, "Prints this"},
};

#define OPTION_COUNT_ALL (sizeof options / sizeof options[0])

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Sets one field from text. `where` names the source for the error: "--port", "QUIRE_PORT", "server.yaml:3: port". */
static enum quire_status option_set(struct config *config, const struct option *option, const char *text,
                                    const char *where, struct quire_error *error)
{
    void *field = (char *)config + option->offset;

    switch (option->kind) {
    case OPTION_TEXT: {
        char *copy;
        if (*text == '\0')
            return quire_fail(error, QUIRE_INVALID, "%s needs a value", where);
        copy = strdup(text);
        if (copy == NULL)
            return quire_fail(error, QUIRE_NO_MEMORY, "no memory for the option %s", where);
        free(*(char **)field);
        *(char **)field = copy;
        return QUIRE_OK;
    }
    case OPTION_COUNT:
        if (!value_parse_count(text, option->minimum, option->maximum, field))
            return quire_fail(error, QUIRE_INVALID, "%s is a whole number from %llu to %llu, not '%.100s'", where,
                              (unsigned long long)option->minimum, (unsigned long long)option->maximum, text);
        return QUIRE_OK;
    case OPTION_SIZE:
        if (config_parse_size(text, field) != QUIRE_OK || *(const size_t *)field == 0)
            return quire_fail(error, QUIRE_INVALID, "%s is a size such as 512MiB or 4GiB, not '%.100s'", where, text);
        return QUIRE_OK;
    case OPTION_SWITCH:
        if (!value_parse_switch(text, field))
            return quire_fail(error, QUIRE_INVALID, "%s is true or false, not '%.100s'", where, text);
        return QUIRE_OK;
    case OPTION_LEVEL:
        if (!value_parse_level(text, field))
            return quire_fail(error, QUIRE_INVALID, "%s is error, warning, info or debug, not '%.100s'", where, text);
        return QUIRE_OK;
    }
    assert(!"an option without a kind");
    return QUIRE_INVALID;
}

/* Finds an option by a name in which '-' and '_' are the same; NULL for one that none of `commands` accepts. */
static const struct option *option_find(const char *name, size_t name_bytes, unsigned commands)
{
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++) {
        size_t k = 0;
        if ((options[i].commands & commands) == 0 || strlen(options[i].name) != name_bytes)
            continue;
        while (k < name_bytes && (name[k] == '_' ? '-' : name[k]) == options[i].name[k])
            k++;
        if (k == name_bytes)
            return &options[i];
    }
    return NULL;
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static enum quire_status apply_defaults(struct config *config, struct quire_error *error)
{
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++) {
        enum quire_status status = QUIRE_OK;
        if (options[i].initial != NULL)
            status = option_set(config, &options[i], options[i].initial, options[i].name, error);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

static enum quire_status apply_environment(struct config *config, unsigned command, struct quire_error *error)
{
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++) {
        char name[NAME_BYTES] = "QUIRE_";
        const char *value;
        enum quire_status status;

        for (size_t k = 0, at = 6; options[i].name[k] != '\0' && at + 1 < sizeof name; k++, at++)
            name[at] = options[i].name[k] == '-' ? '_' : (char)toupper((unsigned char)options[i].name[k]);
        value = getenv(name);
        if (value == NULL || (options[i].commands & command) == 0 || options[i].offset == FIELD(help))
            continue;
        status = option_set(config, &options[i], value, name, error);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

/* One `key: value` of the file. */
static enum quire_status apply_pair(struct config *config, const char *path, const yaml_event_t *key,
                                    const yaml_event_t *value, struct quire_error *error)
{
    const char *name = (const char *)key->data.scalar.value;
    const struct option *option = option_find(name, key->data.scalar.length, ANY);
    char where[512];

    if (option == NULL || option->offset == FIELD(help) || option->offset == FIELD(config_file))
        return quire_fail(error, QUIRE_INVALID, "%s:%zu: there is no option '%.100s'", path, key->start_mark.line + 1, name);
    snprintf(where, sizeof where, "%s:%zu: %s", path, value->start_mark.line + 1, option->name);
    if (value->type != YAML_SCALAR_EVENT)
        return quire_fail(error, QUIRE_INVALID, "%s needs one plain value", where);
    return option_set(config, option, (const char *)value->data.scalar.value, where, error);
}

/* A file is one mapping of plain values (or empty). */
static enum quire_status apply_events(struct config *config, const char *path, yaml_parser_t *parser,
                                      struct quire_error *error)
{
    yaml_event_t key = {0}, event;
    enum quire_status status = QUIRE_OK;
    unsigned depth = 0;
    bool done = false;

    while (status == QUIRE_OK && !done) {
        if (!yaml_parser_parse(parser, &event)) {
            status = quire_fail(error, QUIRE_INVALID, "%s:%zu: %s", path, parser->problem_mark.line + 1,
                                parser->problem != NULL ? parser->problem : "not YAML");
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        if (key.type == YAML_SCALAR_EVENT) {
            status = apply_pair(config, path, &key, &event, error);
            yaml_event_delete(&key);
            key.type = YAML_NO_EVENT;
        } else if (event.type == YAML_MAPPING_START_EVENT && depth == 0) {
            depth = 1;
        } else if (event.type == YAML_SCALAR_EVENT && depth == 1) {
            key = event;
            continue; /* keeps the key's memory */
        } else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
                   event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT) {
            bool empty = event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0;
            if (!empty) /* an empty file is one empty scalar */
                status = quire_fail(error, QUIRE_INVALID, "%s:%zu: the file is a mapping of options to plain values", path,
                                    event.start_mark.line + 1);
        }
        yaml_event_delete(&event);
    }
    if (key.type == YAML_SCALAR_EVENT)
        yaml_event_delete(&key);
    return status;
}

static enum quire_status apply_file(struct config *config, const char *path, struct quire_error *error)
{
    yaml_parser_t parser;
    enum quire_status status;
    FILE *file = fopen(path, "rbe");

    if (file == NULL)
        return quire_fail(error, errno == ENOENT ? QUIRE_NOT_FOUND : QUIRE_IO, "cannot read the configuration %s: %s", path,
                          strerror(errno));
    if (!yaml_parser_initialize(&parser)) {
        fclose(file);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory to read the configuration %s", path);
    }
    yaml_parser_set_input_file(&parser, file);
    status = apply_events(config, path, &parser, error);
    yaml_parser_delete(&parser);
    fclose(file);
    return status;
}

/* Flags and the positional argument. With `only` not NULL applies that option alone (--config is wanted first). */
static enum quire_status apply_flags(struct config *config, unsigned command, int count, char *const *arguments,
                                     const struct option *only, struct quire_error *error)
{
    bool flags_over = false, positional = false;

    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i], *value = NULL, *name = argument + 2;
        const struct option *option;
        size_t name_bytes;
        bool negated = false;
        enum quire_status status;

        if (!flags_over && strcmp(argument, "--") == 0) {
            flags_over = true;
            continue;
        }
        if (flags_over || strncmp(argument, "--", 2) != 0) {
            if (!flags_over && argument[0] == '-' && argument[1] != '\0')
                return quire_fail(error, QUIRE_INVALID, "there is no flag '%.100s'; flags have two dashes", argument);
            if (positional)
                return quire_fail(error, QUIRE_INVALID, "one MODEL is enough, but '%.200s' follows", argument);
            positional = true;
            option = &options[0];
            value = argument;
        } else {
            name_bytes = strcspn(name, "=");
            option = option_find(name, name_bytes, command);
            if (option == NULL && strncmp(name, "no-", 3) == 0 && name[name_bytes] == '\0') {
                option = option_find(name + 3, name_bytes - 3, command);
                negated = option != NULL && option->kind == OPTION_SWITCH;
                option = negated ? option : NULL;
            }
            if (option == NULL)
                return quire_fail(error, QUIRE_INVALID, "there is no flag '%.100s' here; see quire help", argument);
            if (name[name_bytes] == '=')
                value = name + name_bytes + 1;
            else if (option->kind == OPTION_SWITCH)
                value = negated ? "false" : "true";
            else if (i + 1 < count)
                value = arguments[++i];
            else
                return quire_fail(error, QUIRE_INVALID, "%.100s needs a value", argument);
        }
        if (only != NULL && option != only)
            continue;
        status = option_set(config, option, value, argument, error);
        if (status != QUIRE_OK)
            return status;
    }
    return QUIRE_OK;
}

enum quire_status config_load(unsigned command, int argument_count, char *const *arguments, struct config *config,
                              struct quire_error *error)
{
    const struct option *file_option = option_find("config", 6, ENGINE);
    const char *file = getenv("QUIRE_CONFIG");
    enum quire_status status;

    *config = (struct config){0};
    status = apply_defaults(config, error);
    if (status == QUIRE_OK)
        status = apply_flags(config, command, argument_count, arguments, file_option, error);
    if (status == QUIRE_OK && config->config_file != NULL)
        file = config->config_file;
    if (status == QUIRE_OK && file != NULL && (file_option->commands & command) != 0)
        status = apply_file(config, file, error);
    if (status == QUIRE_OK)
        status = apply_environment(config, command, error);
    if (status == QUIRE_OK)
        status = apply_flags(config, command, argument_count, arguments, NULL, error);
    if (status != QUIRE_OK)
        config_deinit(config);
    return status;
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++)
        if (options[i].kind == OPTION_TEXT)
            free(*(char **)(void *)((char *)config + options[i].offset));
    *config = (struct config){0};
}

void config_write_help(FILE *out, unsigned commands)
{
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++) {
        const struct option *option = &options[i];
        char left[64];

        if ((option->commands & commands) == 0)
            continue;
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->value_name != NULL ? " " : "",
                 option->value_name != NULL ? option->value_name : "");
        fprintf(out, "  %-32s %s", left, option->help);
        if (option->initial != NULL && option->offset != FIELD(help))
            fprintf(out, " (default %s)", option->initial);
        fputc('\n', out);
    }
}
