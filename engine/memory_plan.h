/* How the memory budget is spent: arithmetic only. */
#ifndef QUIRE_MEMORY_PLAN_H
#define QUIRE_MEMORY_PLAN_H

#include "status.h"

#include <stddef.h>
#include <stdint.h>

struct memory_request {
    size_t budget_bytes;   /* weights + activations + KV pool; 0: no bound */
    size_t kv_cache_bytes; /* 0: what the budget leaves */
    size_t weight_bytes, activation_bytes;
    size_t block_bytes;    /* of one KV block */
    uint32_t model_len_max, sequence_max;
};

/* The number of KV blocks: what kv_cache_bytes holds, or else what the budget leaves, and never more than
 * sequence_max sequences of model_len_max tokens need. QUIRE_NO_MEMORY with the numbers and the way out when weights
 * and activations exceed the budget or not even one sequence of model_len_max tokens would fit: nothing is shortened
 * in silence. */
QUIRE_NODISCARD enum quire_status memory_plan_blocks(const struct memory_request *request, uint32_t *block_count,
                                                     struct quire_error *error);

#endif
