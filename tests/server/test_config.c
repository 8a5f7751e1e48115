/* server/config_load.c: values, sources and their order, mistakes. */
#include "config.h"
#include "log.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

static char path[] = "/tmp/quire-config-XXXXXX";

static void write_file(const char *text)
{
    int file = mkstemp(path);

    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

static struct config load(int count, char **arguments)
{
    struct config config;
    struct quire_error error = {0};

    cr_assert_eq(config_load(COMMAND_SERVE, count, arguments, &config, &error), QUIRE_OK, "%s", error.message);
    return config;
}

Test(config, sizes_are_powers_of_1024)
{
    static const struct {
        const char *text;
        size_t bytes;
    } good[] = {{"0", 0}, {"7", 7}, {"7B", 7}, {"2K", 2048}, {"2k", 2048}, {"3KiB", 3072}, {"1MB", 1048576},
                {"4GiB", 4294967296}, {"1TiB", 1099511627776}, {"18446744073709551615", SIZE_MAX}};
    static const char *const bad[] = {"", "x", "-1", " 1", "1 K", "1.5G", "1KB2", "1Ki", "18446744073709551616", "16777216TiB"};
    size_t bytes;

    for (int i = 0; i < COUNT(good); i++) {
        cr_expect_eq(config_parse_size(good[i].text, &bytes), QUIRE_OK, "%s", good[i].text);
        cr_expect_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
    for (int i = 0; i < COUNT(bad); i++)
        cr_expect_eq(config_parse_size(bad[i], &bytes), QUIRE_INVALID, "%s", bad[i]);
}

Test(config, defaults_are_those_of_the_contract)
{
    struct config config = load(0, NULL);

    cr_expect_str_eq(config.host, "127.0.0.1");
    cr_expect_eq(config.port, 8000);
    cr_expect_null(config.model);
    cr_expect_null(config.api_key);
    cr_expect_eq(config.threads, 0);
    cr_expect(config.enable_prefix_caching);
    cr_expect_eq(config.log_level, LOG_INFO);
    config_deinit(&config);
}

Test(config, sources_override_in_order)
{
    char *arguments[] = {"--config", path, "--threads=4"};

    write_file("port: 1\nmax_num_seqs: 1\nthreads: 1\nhost: from-file\n");
    setenv("QUIRE_MAX_NUM_SEQS", "2", 1);
    setenv("QUIRE_THREADS", "2", 1);
    struct config config = load(COUNT(arguments), arguments);
    cr_expect_eq(config.port, 1);
    cr_expect_eq(config.max_num_seqs, 2);
    cr_expect_eq(config.threads, 4);
    cr_expect_str_eq(config.host, "from-file");
    config_deinit(&config);
    unlink(path);
}

Test(config, switches_have_three_forms)
{
    char *off[] = {"--no-enable-prefix-caching", "--log-json"}, *spelled[] = {"--enable-prefix-caching=off"};
    struct config config = load(COUNT(off), off);

    cr_expect_not(config.enable_prefix_caching);
    cr_expect(config.log_json);
    config_deinit(&config);
    config = load(COUNT(spelled), spelled);
    cr_expect_not(config.enable_prefix_caching);
    config_deinit(&config);
}

Test(config, model_is_the_argument_without_dashes)
{
    char *first[] = {"folder", "--port", "1"}, *last[] = {"--port", "1", "folder"}, *escaped[] = {"--", "--odd"};
    struct config config = load(COUNT(first), first);

    cr_expect_str_eq(config.model, "folder");
    config_deinit(&config);
    config = load(COUNT(last), last);
    cr_expect_str_eq(config.model, "folder");
    config_deinit(&config);
    config = load(COUNT(escaped), escaped);
    cr_expect_str_eq(config.model, "--odd");
    config_deinit(&config);
}

Test(config, mistakes_leave_nothing_behind)
{
    static char *const wrong[][2] = {{"--port", "x"}, {"--port", "-1"}, {"--max-num-seqs", "0"}, {"--wings", "2"}, {"a", "b"},
                                     {"--host", ""}, {"-p", "1"}, {"--no-port", "1"}, {"--log-level", "loud"}};
    struct config config;

    for (int i = 0; i < COUNT(wrong); i++) {
        struct quire_error error = {0};
        cr_expect_eq(config_load(COMMAND_SERVE, 2, (char *const *)wrong[i], &config, &error), QUIRE_INVALID, "%s",
                     wrong[i][0]);
        cr_expect_neq(error.message[0], '\0');
        cr_expect_null(config.host);
    }
}

Test(config, options_belong_to_commands)
{
    char *port[] = {"--port", "1"}, *special[] = {"--no-special"};
    struct config config;
    struct quire_error error;

    cr_expect_eq(config_load(COMMAND_TOKENIZE, 2, port, &config, &error), QUIRE_INVALID);
    cr_expect_eq(config_load(COMMAND_SERVE, 1, special, &config, &error), QUIRE_INVALID);
    cr_expect_eq(config_load(COMMAND_TOKENIZE, 1, special, &config, &error), QUIRE_OK);
    cr_expect_not(config.special);
    config_deinit(&config);
    setenv("QUIRE_PORT", "nonsense", 1); /* not an option of this command: not looked at */
    cr_expect_eq(config_load(COMMAND_TOKENIZE, 0, NULL, &config, &error), QUIRE_OK);
    config_deinit(&config);
}

Test(config, file_that_is_no_mapping_of_values_is_told_with_its_line)
{
    static const char *const wrong[] = {"- 1\n", "port: [1]\n", "a: b\n", "port: 1\nport: {}\n", "\"unclosed\n", "{port: 1",
                                        "? [x]\n: 1\n", "*x\n"};
    char *arguments[] = {"--config", path};
    struct config config;

    for (int i = 0; i < COUNT(wrong); i++) {
        struct quire_error error = {0};
        write_file(wrong[i]);
        cr_expect_eq(config_load(COMMAND_SERVE, 2, arguments, &config, &error), QUIRE_INVALID, "%s", wrong[i]);
        cr_expect_not_null(strstr(error.message, path), "%s", error.message);
        unlink(path);
        memcpy(path + sizeof path - 7, "XXXXXX", 6);
    }
    write_file("# nothing\n");
    cr_expect_eq(config_load(COMMAND_SERVE, 2, arguments, &config, NULL), QUIRE_OK);
    config_deinit(&config);
    unlink(path);
}
