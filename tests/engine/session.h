/* An open engine with one plan and sequences whose blocks lie scattered: what tests of whole models share. */
#ifndef QUIRE_TEST_SESSION_H
#define QUIRE_TEST_SESSION_H

#include "engine_private.h"
#include "plan_make.h"

#include <jansson.h>

enum { SESSION_SEQUENCES = 8 };

struct session {
    struct engine *engine;
    struct plan_maker maker;
    uint32_t *tables[SESSION_SEQUENCES]; /* [table_blocks] of each sequence; no two share a block */
    uint32_t table_blocks;
};

/* Opens a model; fails the test if that does. The KV pool is filled with NaN, so that whatever reads a place that no
 * row has written shows. */
void session_open(struct session *session, const struct engine_options *options);
void session_close(struct session *session);

/* Runs the plan that was made; fails the test if that does. */
void session_step(struct session *session);

/* Adds `count` rows of sequence `sequence` from `position` on; returns the first row. */
uint32_t session_add(struct session *session, uint32_t sequence, uint32_t position, const uint32_t *ids,
                     uint32_t count);

/* "tests/fixtures/models/NAME" or shared/data/models/NAME; the latter is "" where `shared` is absent. Static
 * buffers. */
const char *fixture_path(const char *name);
const char *shared_model_path(const char *name);

/* A file's JSON; fails the test if there is none. */
json_t *load_json(const char *path);
/* The numbers of a JSON array, at most `count_max`; returns how many. */
uint32_t load_ids(const json_t *array, uint32_t *ids, uint32_t count_max);

#endif
