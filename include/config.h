/* The options of the command line, the configuration file and the environment, as one struct. Implemented in
 * server/config_load.c, where one table drives flags (--max-num-seqs), YAML keys (max-num-seqs), environment variables
 * (QUIRE_MAX_NUM_SEQS), defaults and the help text. A flag goes before the environment, that before the file, that before the
 * default. */
#ifndef QUIRE_CONFIG_H
#define QUIRE_CONFIG_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which commands accept an option. */
#define COMMAND_SERVE 1u
#define COMMAND_BENCH 2u
#define COMMAND_TOKENIZE 4u
#define COMMAND_INSPECT 8u
#define COMMAND_TEMPLATE 16u
#define COMMAND_BENCH_TOKENIZE 32u

struct config { /* strings are owned; zero-initialise */
    char *model; /* the positional argument: MODEL, or FILE of `template` */
    char *host;
    char *served_model_name, *api_key, *config_file, *kernels, *chat_template, *file;
    uint32_t port;
    uint32_t threads;         /* 0: what the machine allows */
    uint32_t max_model_len;   /* 0: the model's own */
    uint32_t max_num_seqs, max_num_batched_tokens, max_queue; /* max_queue: requests waiting before 429 */
    uint32_t max_connections;
    uint32_t client_timeout_s; /* to send a header; ten times as much for a body */
    size_t kv_cache_memory;    /* 0: what is left */
    size_t memory_budget;      /* 0: what the machine has left */
    size_t max_body_size;
    bool enable_prefix_caching, special_tokens_in_content;
    bool log_json;
    uint32_t log_level;  /* enum log_level */
    bool json, special;  /* bench, bench tokenize --json; tokenize --no-special */
    bool help;           /* --help was given */
};

/* Fills `config` for the command `command` (one COMMAND_ bit, `arguments` are those after its name). QUIRE_INVALID with a
 * sentence that names the source (flag, variable, or file and line) and what is accepted; QUIRE_NOT_FOUND, QUIRE_IO for the
 * file. On failure `config` is empty. */
QUIRE_NODISCARD enum quire_status config_load(unsigned command, int argument_count, char *const *arguments,
                                              struct config *config, struct quire_error *error);
void config_deinit(struct config *config);

/* Prints the options that `commands` accept, one paragraph each. */
void config_write_help(FILE *out, unsigned commands);

/* "4GiB", "512M", "1e6" are not all sizes: digits, then nothing, B, or K M G T with an optional "iB" or "B" (powers of 1024
 * either way). QUIRE_INVALID for anything else and for more than a size_t holds. */
QUIRE_NODISCARD enum quire_status config_parse_size(const char *text, size_t *out);

#endif
