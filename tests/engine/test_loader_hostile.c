/* Broken and malicious model files: each ends with a clean sentence, or loads, within bounds of time and memory.
 * The table is shared/data/hostile_models/INDEX.tsv; its rows about tokenizers and templates belong to other rooms. */
#include "model/weights.h"

#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum outcome { REFUSED_BY_CONTAINER, REFUSED_BY_MODEL, ACCEPTED };

/* Everything that happens before weights are read. */
static enum outcome try_file(const char *path, char message[QUIRE_ERROR_BYTES])
{
    struct model_file *file = NULL;
    struct arch arch;
    struct quire_error error = {""};
    size_t bytes;
    enum quire_status status = model_file_open(path, &file, &error);
    enum outcome outcome = status == QUIRE_OK ? REFUSED_BY_MODEL : REFUSED_BY_CONTAINER;

    if (status == QUIRE_OK)
        status = arch_from_file(file, 0, &arch, &error);
    if (status == QUIRE_OK) {
        status = weights_measure(file, &arch, &bytes, &error);
        arch_deinit(&arch);
    }
    if (status == QUIRE_OK)
        outcome = ACCEPTED;
    else
        cr_expect(error.message[0] != '\0' && strchr(error.message, '\n') == NULL, "%s: no sentence: \"%s\"", path,
                  error.message);
    memcpy(message, error.message, QUIRE_ERROR_BYTES);
    model_file_close(file);
    return outcome;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void check_row(const char *name, const char *expected)
{
    char path[SCRATCH_PATH_BYTES], message[QUIRE_ERROR_BYTES];
    bool safetensors = starts_with(name, "safetensors/");
    char relative[320];
    clock_t start = clock();
    enum outcome outcome;

    snprintf(relative, sizeof relative, "hostile_models/%s", name);
    snprintf(path, sizeof path, "%s", shared_path(relative));
    outcome = try_file(path, message);
    cr_expect(clock() - start < CLOCKS_PER_SEC, "%s: took more than a second", name);
    if (strcmp(expected, "reject") == 0) {
        cr_expect(safetensors ? outcome == REFUSED_BY_CONTAINER : outcome != ACCEPTED, "%s: was accepted", name);
        /* a hyper-parameter is refused by its name, not for the lack of weights */
        if (starts_with(name, "gguf/hp_"))
            cr_expect(strstr(message, " is 0, not") != NULL || strstr(message, " is 4294967295, not") != NULL ||
                      strstr(message, "not a multiple of 3 key") != NULL, "%s: %s", name, message);
    } else if (strcmp(expected, "ok") == 0 || strcmp(expected, "container-ok") == 0) {
        cr_expect(outcome != REFUSED_BY_CONTAINER, "%s: was refused: %s", name, message);
    } else {
        cr_expect_str_eq(expected, "reject-or-ok", "%s: the table says \"%s\", which this test does not know", name,
                         expected);
    }
}

Test(loader_hostile, every_row_of_the_table_gets_what_it_should)
{
    char line[1024];
    uint32_t checked = 0;

    if (!shared_is_there())
        return;
    FILE *table = fopen(shared_path("hostile_models/INDEX.tsv"), "r");
    cr_assert(table != NULL);
    while (fgets(line, sizeof line, table) != NULL) {
        char name[256], expected[64];

        if (sscanf(line, "%255[^\t]\t%*[^\t]\t%63[^\t]", name, expected) != 2)
            continue;
        if ((!starts_with(name, "gguf/") && !starts_with(name, "safetensors/")) || starts_with(name, "gguf/tpl_") ||
            starts_with(name, "gguf/tok_") || starts_with(expected, "not stored"))
            continue;
        check_row(name, expected);
        checked++;
    }
    fclose(table);
    cr_expect(checked >= 60, "only %u rows", checked);
}

/* A hundred thousand tensors of no bytes: allowed, and bounded. */
Test(loader_hostile, many_empty_tensors_open_within_bounds)
{
    enum { COUNT = 100000, ENTRY = 64 };
    char *text = malloc((size_t)COUNT * ENTRY + 16), *end = text + 8;
    char path[SCRATCH_PATH_BYTES];
    struct model_file *file = NULL;
    struct quire_error error;
    struct rusage before, after;
    uint64_t header;

    cr_assert(text != NULL);
    for (uint32_t i = 0; i < COUNT; i++)
        end +=
            sprintf(end, "%c\"t%u\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", i == 0 ? '{' : ',', i);
    *end++ = '}';
    header = (uint64_t)(end - text) - 8;
    memcpy(text, &header, 8);
    scratch_write("many.safetensors", text, (size_t)(end - text));
    free(text);

    getrusage(RUSAGE_SELF, &before);
    cr_assert_eq(model_file_open(scratch_path("many.safetensors", path), &file, &error), QUIRE_OK, "%s", error.message);
    model_file_close(file);
    getrusage(RUSAGE_SELF, &after);
    cr_expect(after.ru_utime.tv_sec - before.ru_utime.tv_sec <= 2);
    cr_expect(after.ru_maxrss - before.ru_maxrss < 256 * 1024, "%ld KiB", after.ru_maxrss - before.ru_maxrss);
}

/* ---- truncations and flipped bytes of good files ----------------------------------------------------------------- */

/* Cuts the file to shorter and shorter lengths: none of them is a model. Below `header_bytes` in small steps. The last
 * `padding_bytes` may be missing. */
static void cut_down(const char *name, const char *scratch, size_t header_bytes, size_t padding_bytes)
{
    size_t count, step;
    char *bytes = read_whole(shared_path(name), &count);
    char path[SCRATCH_PATH_BYTES], message[QUIRE_ERROR_BYTES];

    scratch_write(scratch, bytes, count);
    scratch_path(scratch, path);
    for (size_t length = count - 1 - padding_bytes; length > 0; length -= step < length ? step : length) {
        step = length > header_bytes ? length / 9 : length % 29 + 1;
        cr_assert(truncate(path, (off_t)length) == 0);
        cr_expect(try_file(path, message) == REFUSED_BY_CONTAINER, "%s: %zu of %zu bytes were accepted", name, length,
                  count);
    }
    cr_assert(truncate(path, 0) == 0);
    cr_expect(try_file(path, message) == REFUSED_BY_CONTAINER);
    free(bytes);
}

Test(loader_hostile, a_file_cut_anywhere_is_refused)
{
    if (!shared_is_there())
        return;
    cut_down("models/stories260K-Q8_0.gguf", "cut.gguf", 20000, 64);
    cut_down("models/stories260K-hf/model.safetensors", "cut.safetensors", 5000, 0);
}

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Changes one to four bytes of the header at a time. Whatever happens, it ends, and with a sentence if it fails. */
static void flip(const char *name, const char *scratch, size_t header, uint32_t rounds)
{
    size_t count;
    char *bytes = read_whole(shared_path(name), &count);
    char path[SCRATCH_PATH_BYTES], message[QUIRE_ERROR_BYTES];
    uint64_t state = 20240229;
    uint32_t refused = 0;

    scratch_write(scratch, bytes, count);
    FILE *file = fopen(scratch_path(scratch, path), "r+b");
    cr_assert(file != NULL);
    for (uint32_t round = 0; round < rounds; round++) {
        size_t places[4];
        uint32_t flips = 1 + (uint32_t)(next_random(&state) % 4);

        for (uint32_t i = 0; i < flips; i++) {
            unsigned char value = (unsigned char)next_random(&state);

            /* half of them among the first bytes, where counts and lengths are */
            places[i] = next_random(&state) % (next_random(&state) % 2 == 0 ? header : 600);
            cr_assert(pwrite(fileno(file), &value, 1, (off_t)places[i]) == 1);
        }
        refused += try_file(path, message) != ACCEPTED;
        for (uint32_t i = 0; i < flips; i++)
            cr_assert(pwrite(fileno(file), bytes + places[i], 1, (off_t)places[i]) == 1);
    }
    cr_expect(refused > rounds / 10, "%s: only %u of %u damaged files were refused", name, refused, rounds);
    fclose(file);
    free(bytes);
}

Test(loader_hostile, flipped_header_bytes_do_no_harm)
{
    if (!shared_is_there())
        return;
    flip("models/stories260K-Q8_0.gguf", "flip.gguf", 19000, 3000);
    flip("models/stories260K-hf/model.safetensors", "flip.safetensors", 5000, 2000);
}

/* ---- directories ------------------------------------------------------------------------------------------------- */

static void expect_refusal(const char *path, enum quire_status status, const char *part)
{
    struct model_file *file = NULL;
    struct quire_error error = {""};

    cr_expect_eq(model_file_open(path, &file, &error), status, "%s: %s", path, error.message);
    cr_expect(strstr(error.message, part) != NULL, "\"%s\" does not say \"%s\"", error.message, part);
}

Test(loader_hostile, directories_without_what_they_need_are_refused_by_name)
{
    static const struct {
        const char *index;
        const char *part;
    } rows[] = {
        {"{}", "weight_map"},
        {"[1]", "not a JSON object"},
        {"{\"weight_map\":[]}", "weight_map"},
        {"{\"weight_map\":{}}", "names 0 files"},
        {"{\"weight_map\":{\"a\":7}}", "tensor \"a\" is no plain file name"},
        {"{\"weight_map\":{\"a\":\"../../etc/passwd\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"absent.safetensors\"}}", "absent.safetensors: No such file"},
        {"{\"weight_map\":{\"a\":\"empty.safetensors\"}}", "tensor \"a\" is not in empty.safetensors"},
        {"{\"weight_map\":{\"a\":\"empty.saf", "line 1"},
    };
    char path[SCRATCH_PATH_BYTES], directory[SCRATCH_PATH_BYTES];

    expect_refusal(scratch_path("nowhere", path), QUIRE_NOT_FOUND, "No such file");
    scratch_write("bare/README", "", 0);
    expect_refusal(scratch_path("bare", path), QUIRE_NOT_FOUND, "config.json");
    scratch_write("bare/config.json", "{}", 2);
    expect_refusal(scratch_path("bare", path), QUIRE_NOT_FOUND, "model.safetensors");
    scratch_write("broken/config.json", "{\"a\":", 5);
    expect_refusal(scratch_path("broken", path), QUIRE_BAD_FILE, "config.json: line 1");

    scratch_write("sharded/config.json", "{}", 2);
    scratch_write("sharded/empty.safetensors", "\2\0\0\0\0\0\0\0{}", 10);
    scratch_path("sharded", directory);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct model_file *file = NULL;
        struct quire_error error = {""};

        scratch_write("sharded/model.safetensors.index.json", rows[i].index, strlen(rows[i].index));
        cr_expect(model_file_open(directory, &file, &error) != QUIRE_OK, "%s", rows[i].index);
        cr_expect(strstr(error.message, rows[i].part) != NULL, "%s: %s", rows[i].index, error.message);
    }
    expect_refusal("/dev/null", QUIRE_BAD_FILE, "not a regular file");
}
