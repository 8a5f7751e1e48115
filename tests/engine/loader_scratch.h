/* Files for the loader's tests: fixtures, shared data, and a directory of scratch files that is removed at exit. */
#ifndef QUIRE_LOADER_SCRATCH_H
#define QUIRE_LOADER_SCRATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SCRATCH_PATH_BYTES 512u

/* tests/fixtures/NAME (QUIRE_FIXTURES) and shared/data/NAME (QUIRE_SHARED). Both static: good until the next call. */
const char *fixture_path(const char *name);
const char *shared_path(const char *name);
bool shared_is_there(void); /* false after saying why the test is skipped */

/* A file in this process's scratch directory, e.g. "model/config.json"; makes the directories. */
const char *scratch_path(const char *name, char path[SCRATCH_PATH_BYTES]);
void scratch_write(const char *name, const void *bytes, size_t count);
/* A model directory NAME of one config.json and one safetensors file without tensors; `config` is copied. */
void scratch_model(const char *name, const json_t *config);

/* The whole file, malloc'ed; fails the test where it cannot be read. */
char *read_whole(const char *path, size_t *count);
json_t *read_json(const char *path);

#endif
