/* The budget's arithmetic. Main thread, at open. */
#include "memory_plan.h"

#include "token.h"

#define MIB(bytes) ((double)(bytes) / (1 << 20))

static size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes that the KV pool may take. */
static enum quire_status kv_room(const struct memory_request *request, size_t *room, struct quire_error *error)
{
    size_t fixed;

    if (__builtin_add_overflow(request->weight_bytes, request->activation_bytes, &fixed))
        return quire_fail(error, QUIRE_NO_MEMORY, "weights and activations exceed the address space");
    if (request->budget_bytes == 0) {
        *room = request->kv_cache_bytes != 0 ? request->kv_cache_bytes : SIZE_MAX;
        return QUIRE_OK;
    }
    if (fixed > request->budget_bytes)
        return quire_fail(error, QUIRE_NO_MEMORY,
                          "weights (%.1f MiB) and activations (%.1f MiB) exceed the memory budget of %.1f MiB; "
                          "--max-num-batched-tokens makes activations smaller",
                          MIB(request->weight_bytes), MIB(request->activation_bytes), MIB(request->budget_bytes));
    *room = request->budget_bytes - fixed;
    if (request->kv_cache_bytes > *room)
        return quire_fail(error, QUIRE_NO_MEMORY,
                          "a KV cache of %.1f MiB does not fit: weights (%.1f MiB) and activations (%.1f MiB) leave "
                          "%.1f MiB of the memory budget of %.1f MiB",
                          MIB(request->kv_cache_bytes), MIB(request->weight_bytes), MIB(request->activation_bytes),
                          MIB(*room), MIB(request->budget_bytes));
    if (request->kv_cache_bytes != 0)
        *room = request->kv_cache_bytes;
    return QUIRE_OK;
}

enum quire_status memory_plan_blocks(const struct memory_request *request, uint32_t *block_count,
                                     struct quire_error *error)
{
    size_t sequence_blocks = ((size_t)request->model_len_max + KV_BLOCK_TOKENS - 1) / KV_BLOCK_TOKENS;
    size_t useful = sequence_blocks * request->sequence_max; /* below 2^60 */
    size_t room = 0, count;
    enum quire_status status = kv_room(request, &room, error);

    if (status != QUIRE_OK)
        return status;
    count = size_min(size_min(room / request->block_bytes, useful), SIZE_MAX / request->block_bytes);
    count = size_min(count, UINT32_MAX - 1); /* STEP_NO_BLOCK is no block */
    if (count == 0)
        return quire_fail(error, QUIRE_NO_MEMORY,
                          "the KV cache has %.1f KiB, which is less than one block of %u tokens (%.1f KiB): allow more "
                          "with --kv-cache-memory",
                          (double)room / 1024, KV_BLOCK_TOKENS, (double)request->block_bytes / 1024);
    if (count < sequence_blocks)
        return quire_fail(error, QUIRE_NO_MEMORY,
                          "the KV cache has room for %zu tokens (%.1f MiB), but one sequence may have %u (%.1f MiB): "
                          "pass --max-model-len %zu or less, or allow more with --kv-cache-memory",
                          count * KV_BLOCK_TOKENS, MIB(count * request->block_bytes), request->model_len_max,
                          MIB((double)sequence_blocks * (double)request->block_bytes), count * KV_BLOCK_TOKENS);
    *block_count = (uint32_t)count;
    return QUIRE_OK;
}
