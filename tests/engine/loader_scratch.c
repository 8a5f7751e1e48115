/* See loader_scratch.h. */
#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/quire-loader-XXXXXX";
static bool root_is_made;
static pid_t root_owner;

static const char *below(const char *variable, const char *folder, const char *name)
{
    static char path[1024];
    const char *base = getenv(variable);

    snprintf(path, sizeof path, "%s%s%s", base != NULL ? base : "", folder, name);
    return path;
}

const char *fixture_path(const char *name)
{
    return below("QUIRE_FIXTURES", "/", name);
}

const char *shared_path(const char *name)
{
    return below("QUIRE_SHARED", "/data/", name);
}

bool shared_is_there(void)
{
    if (access(shared_path("README.md"), R_OK) == 0)
        return true;
    fprintf(stderr, "skipped: %s is absent (QUIRE_SHARED)\n", shared_path(""));
    return false;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

static void remove_root(void)
{
    if (getpid() == root_owner)
        nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *name, char path[SCRATCH_PATH_BYTES])
{
    if (!root_is_made) {
        cr_assert(mkdtemp(root) != NULL);
        root_is_made = true;
        root_owner = getpid();
        atexit(remove_root);
    }
    snprintf(path, SCRATCH_PATH_BYTES, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    return path;
}

void scratch_write(const char *name, const void *bytes, size_t count)
{
    char path[SCRATCH_PATH_BYTES];
    FILE *file = fopen(scratch_path(name, path), "wb");

    cr_assert(file != NULL, "%s", path);
    cr_assert(fwrite(bytes, 1, count, file) == count);
    cr_assert(fclose(file) == 0);
}

void scratch_model(const char *name, const json_t *config)
{
    static const char empty[] = "\2\0\0\0\0\0\0\0{}";
    char file[SCRATCH_PATH_BYTES];
    char *text = json_dumps(config, 0);

    snprintf(file, sizeof file, "%s/config.json", name);
    scratch_write(file, text, strlen(text));
    snprintf(file, sizeof file, "%s/model.safetensors", name);
    scratch_write(file, empty, sizeof empty - 1);
    free(text);
}

char *read_whole(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    char *bytes;

    cr_assert(file != NULL, "%s", path);
    cr_assert(fstat(fileno(file), &info) == 0);
    *count = (size_t)info.st_size;
    bytes = malloc(*count + 1);
    cr_assert(bytes != NULL && fread(bytes, 1, *count, file) == *count);
    bytes[*count] = '\0';
    fclose(file);
    return bytes;
}

json_t *read_json(const char *path)
{
    json_error_t reason;
    json_t *json = json_load_file(path, 0, &reason);

    cr_assert(json != NULL, "%s: %s", path, reason.text);
    return json;
}
