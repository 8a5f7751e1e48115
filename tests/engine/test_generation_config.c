/* generation_config.json: real and broken files, written to a folder of the test's own. */
#include "generation_config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/quire-generation-XXXXXX";
static char path[sizeof folder + 32];

static void set_up(void)
{
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/generation_config.json", folder);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(generation_config, .init = set_up, .fini = tear_down);

static enum quire_status read_text(const char *text, struct engine_limits *limits, struct quire_error *error)
{
    FILE *file = fopen(path, "w");

    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
    return generation_config_read(folder, limits, error);
}

static void expect_refused(const char *text, const char *part)
{
    struct engine_limits limits = {0};
    struct quire_error error = {""};

    cr_assert_eq(read_text(text, &limits, &error), QUIRE_BAD_FILE, "%s", text);
    cr_assert(strstr(error.message, part) != NULL && strstr(error.message, "generation_config.json") != NULL,
              "'%s' lacks '%s' or the file", error.message, part);
}

Test(generation_config, fields_are_read)
{
    struct engine_limits limits = {0};

    /* as Qwen2.5-Instruct has it */
    cr_assert_eq(read_text("{\"bos_token_id\": 151643, \"do_sample\": true, \"eos_token_id\": [151645, 151643],"
                           "\"repetition_penalty\": 1.05, \"temperature\": 0.7, \"top_p\": 0.8, \"top_k\": 20}",
                           &limits, NULL),
                 QUIRE_OK);
    cr_assert_float_eq(limits.sampling.temperature, 0.7f, 1e-7f);
    cr_assert_float_eq(limits.sampling.top_p, 0.8f, 1e-7f);
    cr_assert_float_eq(limits.sampling.repetition_penalty, 1.05f, 1e-7f);
    cr_assert_eq(limits.sampling.top_k, 20);
    cr_assert(isnan(limits.sampling.min_p));
}

Test(generation_config, absent_file_and_null_fields_leave_defaults_unset)
{
    struct engine_limits limits = {.sampling = {.temperature = 3, .top_k = 3}};

    cr_assert_eq(generation_config_read(folder, &limits, NULL), QUIRE_OK);
    cr_assert(isnan(limits.sampling.temperature) && isnan(limits.sampling.top_p) && limits.sampling.top_k == 0);
    cr_assert_eq(read_text("{\"temperature\": null, \"top_k\": -1}", &limits, NULL), QUIRE_OK);
    cr_assert(isnan(limits.sampling.temperature) && limits.sampling.top_k == 0);
}

Test(generation_config, broken_files_are_named)
{
    expect_refused("{\"temperature\": \"hot\"}", "temperature");
    expect_refused("{\"temperature\": -0.5}", "temperature");
    expect_refused("{\"top_p\": 1.5}", "top_p");
    expect_refused("{\"top_k\": [1]}", "top_k");
    expect_refused("{\"repetition_penalty\": 0}", "repetition_penalty");
    expect_refused("{\"temperature\": 1", "generation_config.json");
}
