/* What an open engine consists of: for engine.c and bench.c. */
#ifndef QUIRE_ENGINE_PRIVATE_H
#define QUIRE_ENGINE_PRIVATE_H

#include "engine.h"

#include "arena.h"
#include "model/forward.h"
#include "model/output.h"
#include "model/program.h"
#include "reserve.h"

struct engine {
    struct engine_limits limits;
    struct arch arch;
    struct weights weights;
    const struct kernels *kernels;
    struct worker_pool *pool;
    struct arena arena;      /* activations, scratch, the program */
    char *kv_pool;           /* limits.group[0].block_count blocks */
    struct reserve reserve;  /* of kv_pool */
    struct program program;
    struct forward forward;
    struct output output;
};

#endif
