/* The scheduler's state against its own rules (invariants.h). */
#include "invariants.h"

#include <stdlib.h>
#include <string.h>

static const char *check_states(const struct kv_blocks *blocks, const struct prefix_index *index, const uint32_t *held)
{
    uint32_t free_count = 0, cached_count = 0, used_count = 0;
    unsigned char *is_free = calloc(blocks->block_count, 1);

    for (uint32_t i = 0; i < blocks->free_count; i++)
        is_free[blocks->free[i]]++;
    for (uint32_t block = 0; block < blocks->block_count; block++) {
        bool indexed = blocks->index != NULL && prefix_index_has(index, block);

        if (blocks->references[block] != held[block] || is_free[block] > 1 ||
            (is_free[block] && (held[block] != 0 || indexed))) {
            free(is_free);
            return "a block's references differ from the table entries that hold it";
        }
        used_count += held[block] != 0;
        free_count += is_free[block];
        cached_count += held[block] == 0 && indexed;
    }
    free(is_free);
    if (free_count != blocks->free_count || cached_count != blocks->cached_count ||
        used_count + free_count + cached_count != blocks->block_count)
        return "used, free and cached blocks are not all there are";
    return NULL;
}

static const char *check_cached_list(const struct kv_blocks *blocks)
{
    uint32_t count = 0, older = STEP_NO_BLOCK;

    for (uint32_t block = blocks->oldest; block != STEP_NO_BLOCK; block = blocks->cached[block].newer) {
        if (blocks->references[block] != 0 || blocks->cached[block].older != older || ++count > blocks->block_count)
            return "the list of cached blocks is broken";
        older = block;
    }
    return older == blocks->newest && count == blocks->cached_count ? NULL : "the list of cached blocks lost its end";
}

static const char *check_index(const struct kv_blocks *blocks, const struct prefix_index *index)
{
    uint32_t in_buckets = 0, registered = 0;

    for (uint32_t i = 0; i < index->bucket_count; i++) {
        for (uint32_t block = index->buckets[i]; block != STEP_NO_BLOCK; block = index->entries[block].next) {
            if (!prefix_index_has(index, block) || ++in_buckets > blocks->block_count)
                return "a bucket of the index holds what is not registered";
        }
    }
    for (uint32_t block = 0; block < blocks->block_count; block++)
        registered += prefix_index_has(index, block);
    return in_buckets == registered ? NULL : "the index lost an entry";
}

static const char *check_group(const struct scheduler *scheduler, uint32_t g)
{
    const struct kv_group *group = &scheduler->cache.group[g];
    uint32_t *held = calloc(group->blocks.block_count, sizeof *held);
    const char *broken;

    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        const struct sequence *sequence = scheduler->running.at[i];

        for (uint32_t entry = 0; entry < sequence->block_count; entry++) {
            if (sequence->table[g][entry] != STEP_NO_BLOCK)
                held[sequence->table[g][entry]]++;
        }
    }
    broken = check_states(&group->blocks, &group->index, held);
    free(held);
    if (broken == NULL)
        broken = check_cached_list(&group->blocks);
    if (broken == NULL && scheduler->cache.shares_prefixes)
        broken = check_index(&group->blocks, &group->index);
    return broken;
}

const char *invariants_broken(const struct scheduler *scheduler)
{
    const struct sequence_list *lists[] = {&scheduler->running, &scheduler->preempted};
    uint32_t unborn = 0, waiting = 0;

    for (size_t l = 0; l < 2; l++) {
        for (uint32_t i = 0; i < lists[l]->count; i++) {
            const struct sequence *sequence = lists[l]->at[i];

            unborn += sequence->unborn;
            if (sequence->list != lists[l] || sequence_missing(sequence) == 0)
                return "a sequence is in the wrong list, or has nothing left to compute";
            if (l == 1 && (sequence->block_count != 0 || sequence->computed != 0))
                return "a preempted sequence still has blocks";
            if (i > 0 && lists[l]->at[i - 1]->order > sequence->order)
                return "a list is out of order";
            if (kv_blocks_for(sequence->computed) != sequence->block_count)
                return "a table is not as long as what was computed";
        }
    }
    for (const struct request *request = scheduler->waiting_first; request != NULL; request = request->next)
        waiting++;
    if (waiting != scheduler->waiting_count || waiting != scheduler->submissions.held_count)
        return "the queue's places do not match the requests that wait";
    if (unborn != scheduler->unborn_count || unborn > scheduler->idle_count ||
        scheduler->idle_count + scheduler->running.count + scheduler->preempted.count != scheduler->running_max)
        return "a sequence was lost";
    for (uint32_t g = 0; g < scheduler->cache.group_count; g++) {
        const char *broken = check_group(scheduler, g);

        if (broken != NULL)
            return broken;
    }
    return NULL;
}

const char *invariants_left_over(const struct scheduler *scheduler)
{
    if (scheduler->running.count + scheduler->preempted.count + scheduler->waiting_count + scheduler->unborn_count != 0)
        return "somebody still runs or waits";
    for (uint32_t g = 0; g < scheduler->cache.group_count; g++) {
        const struct kv_blocks *blocks = &scheduler->cache.group[g].blocks;

        if (kv_blocks_available(blocks) != blocks->block_count)
            return "a block is still held";
    }
    return NULL;
}
