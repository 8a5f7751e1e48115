/* A sequence's tokens and block tables (sequence.h). Thread: step. */
#include "sequence.h"

#include <assert.h>
#include <string.h>

static bool sequence_before(const struct sequence *a, const struct sequence *b)
{
    return a->order != b->order ? a->order < b->order : a->choice < b->choice;
}

void sequence_list_insert(struct sequence_list *list, struct sequence *sequence)
{
    uint32_t i = list->count++;

    assert(sequence->list == NULL);
    for (; i > 0 && sequence_before(sequence, list->at[i - 1]); i--)
        list->at[i] = list->at[i - 1];
    list->at[i] = sequence;
    sequence->list = list;
}

void sequence_list_remove(struct sequence *sequence)
{
    struct sequence_list *list = sequence->list;
    uint32_t i = 0;

    while (list->at[i] != sequence)
        i++;
    list->count--;
    memmove(&list->at[i], &list->at[i + 1], (list->count - i) * sizeof *list->at);
    sequence->list = NULL;
}

static void sequence_rewind(struct sequence *sequence, const struct kv_cache *cache)
{
    sequence->computed = 0;
    sequence->block_count = 0;
    sequence->registered = 0;
    for (uint32_t g = 0; g < cache->group_count; g++) {
        sequence->released[g] = 0;
        sequence->link[g] = sequence->root;
    }
}

void sequence_begin(struct sequence *sequence, const struct kv_cache *cache, const struct tokenizer *tokenizer,
                    struct request *request)
{
    struct sequence fresh = {.request = request, .unborn = request->spec.choice_count - 1};

    memcpy(fresh.table, sequence->table, sizeof fresh.table);
    /* Every group's index has the same key, so that one root serves all. */
    if (cache->shares_prefixes)
        fresh.root = prefix_index_root(&cache->group[0].index, cache->fingerprint,
                                       request_salt_digest(request));
    if (request_watches_text(request)) {
        detokenizer_init(&fresh.detokenizer, tokenizer, request->spec.skip_special);
        fresh.detokenizer.at_start = false; /* an answer continues its prompt: its first space is kept */
    }
    *sequence = fresh;
    sequence_rewind(sequence, cache);
}

void sequence_tokens(const struct sequence *sequence, uint32_t start, uint32_t count, uint32_t *out)
{
    const struct request_spec *spec = &sequence->request->spec;
    const struct step_token *output = sequence->request->logs[sequence->choice].entries;

    assert(start + count <= sequence_known(sequence));
    if (start < spec->prompt_tokens) {
        uint32_t from_prompt = count < spec->prompt_tokens - start ? count : spec->prompt_tokens - start;

        memcpy(out, spec->prompt + start, from_prompt * sizeof *out);
        out += from_prompt, start += from_prompt, count -= from_prompt;
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] = output[start - spec->prompt_tokens + i].id;
}

uint32_t sequence_find_prefix(struct sequence *sequence, const struct kv_cache *cache)
{
    const struct request_spec *spec = &sequence->request->spec;
    uint32_t hit_max = (sequence_known(sequence) - 1) / KV_BLOCK_TOKENS;

    assert(sequence->block_count == 0);
    sequence_rewind(sequence, cache); /* forget an earlier look */
    if (!cache->shares_prefixes || (spec->prompt_scores && sequence->scored + 1 < spec->prompt_tokens))
        return 0; /* every row of the prompt is wanted */

    for (uint32_t i = 0; i < hit_max; i++) {
        uint32_t tokens[KV_BLOCK_TOKENS];
        struct prefix_link next[STEP_GROUPS_MAX];

        sequence_tokens(sequence, i * KV_BLOCK_TOKENS, KV_BLOCK_TOKENS, tokens);
        for (uint32_t g = 0; g < cache->group_count; g++) {
            sequence->table[g][i] = prefix_index_find(&cache->group[g].index, &sequence->link[g], tokens, &next[g]);
            if (sequence->table[g][i] == STEP_NO_BLOCK)
                return i;
        }
        memcpy(sequence->link, next, sizeof next[0] * cache->group_count);
    }
    return hit_max;
}

uint32_t sequence_prefix_cached(const struct sequence *sequence, const struct kv_cache *cache, uint32_t g,
                                uint32_t hit_blocks)
{
    const struct kv_group *group = &cache->group[g];
    uint32_t count = 0;

    for (uint32_t i = kv_group_first_visible(group, hit_blocks * KV_BLOCK_TOKENS); i < hit_blocks; i++)
        count += group->blocks.references[sequence->table[g][i]] == 0;
    return count;
}

void sequence_take_prefix(struct sequence *sequence, struct kv_cache *cache, uint32_t hit_blocks)
{
    sequence->computed = hit_blocks * KV_BLOCK_TOKENS;
    sequence->block_count = hit_blocks;
    sequence->registered = hit_blocks;
    for (uint32_t g = 0; g < cache->group_count; g++) {
        uint32_t first = kv_group_first_visible(&cache->group[g], sequence->computed);

        sequence->released[g] = first;
        for (uint32_t i = 0; i < first; i++)
            sequence->table[g][i] = STEP_NO_BLOCK;
        for (uint32_t i = first; i < hit_blocks; i++)
            kv_blocks_ref(&cache->group[g].blocks, sequence->table[g][i]);
    }
}

uint32_t sequence_blocks_missing(const struct sequence *sequence, const struct kv_cache *cache, uint32_t g,
                                 uint32_t held_blocks, uint32_t step_tokens_max)
{
    uint32_t window = cache->group[g].window_tokens;
    uint32_t missing = kv_blocks_for(sequence_known(sequence)) - held_blocks;
    uint64_t window_blocks = ((uint64_t)window + step_tokens_max) / KV_BLOCK_TOKENS + 2;

    if (window != 0 && missing > window_blocks)
        missing = (uint32_t)window_blocks;
    return missing + sequence->unborn; /* each fork soon writes a block of its own */
}

/* The table entry that the next token would be written to, if it exists but others read it too; else STEP_NO_BLOCK. */
static uint32_t shared_entry(const struct sequence *sequence, const struct kv_cache *cache, uint32_t g)
{
    uint32_t entry = sequence->computed / KV_BLOCK_TOKENS;
    bool shared = entry < sequence->block_count &&
                  cache->group[g].blocks.references[sequence->table[g][entry]] > 1;

    return shared ? entry : STEP_NO_BLOCK;
}

uint32_t sequence_room(const struct sequence *sequence, const struct kv_cache *cache)
{
    uint64_t room = UINT32_MAX;

    for (uint32_t g = 0; g < cache->group_count; g++) {
        uint64_t available = kv_blocks_available(&cache->group[g].blocks);
        uint64_t tokens;

        if (shared_entry(sequence, cache, g) != STEP_NO_BLOCK) {
            if (available == 0)
                return 0;
            available--;
        }
        tokens = (sequence->block_count + available) * KV_BLOCK_TOKENS - sequence->computed;
        room = tokens < room ? tokens : room;
    }
    return (uint32_t)room;
}

static void copy_shared_entry(struct sequence *sequence, struct kv_cache *cache, uint32_t g, uint32_t entry,
                              struct step_plan *plan)
{
    struct kv_blocks *blocks = &cache->group[g].blocks;
    uint32_t from = sequence->table[g][entry];
    uint32_t to = kv_blocks_take(blocks);

    assert(plan->count.copies < plan->capacity.copies);
    for (uint32_t i = 0; i < plan->count.copies; i++) /* the engine may make all copies at once */
        assert(step_copies(plan)[i].group != g || step_copies(plan)[i].from != to);
    step_copies(plan)[plan->count.copies++] = (struct step_copy){.group = g, .from = from, .to = to};
    sequence->table[g][entry] = to;
    kv_blocks_unref(blocks, from);
}

void sequence_reserve(struct sequence *sequence, struct kv_cache *cache, uint32_t count, struct step_plan *plan)
{
    uint32_t block_count = kv_blocks_for(sequence->computed + count);

    for (uint32_t g = 0; g < cache->group_count; g++) {
        uint32_t entry = shared_entry(sequence, cache, g);

        if (entry != STEP_NO_BLOCK)
            copy_shared_entry(sequence, cache, g, entry, plan);
        for (uint32_t i = sequence->block_count; i < block_count; i++)
            sequence->table[g][i] = kv_blocks_take(&cache->group[g].blocks);
    }
    sequence->block_count = block_count;
}

/* Makes a full block known. Where another sequence has computed the same meanwhile, the bits are the same too, so this
 * one changes over to that block: one copy remains, and a child's parent is always held by who holds the child. */
static void register_block(struct sequence *sequence, struct kv_group *group, uint32_t g, uint32_t entry,
                           const uint32_t *tokens)
{
    struct prefix_link self;
    uint32_t mine = sequence->table[g][entry];
    uint32_t known = prefix_index_find(&group->index, &sequence->link[g], tokens, &self);

    if (known == STEP_NO_BLOCK) {
        self = prefix_index_add(&group->index, &sequence->link[g], tokens, mine);
    } else {
        kv_blocks_ref(&group->blocks, known);
        kv_blocks_unref(&group->blocks, mine);
        sequence->table[g][entry] = known;
    }
    sequence->link[g] = self;
}

void sequence_advance(struct sequence *sequence, struct kv_cache *cache, uint32_t count)
{
    sequence->computed += count;
    for (; cache->shares_prefixes && (sequence->registered + 1) * KV_BLOCK_TOKENS <= sequence->computed;
         sequence->registered++) {
        uint32_t tokens[KV_BLOCK_TOKENS];

        sequence_tokens(sequence, sequence->registered * KV_BLOCK_TOKENS, KV_BLOCK_TOKENS, tokens);
        for (uint32_t g = 0; g < cache->group_count; g++)
            register_block(sequence, &cache->group[g], g, sequence->registered, tokens);
    }
    for (uint32_t g = 0; g < cache->group_count; g++) {
        uint32_t first = kv_group_first_visible(&cache->group[g], sequence->computed);

        for (uint32_t *i = &sequence->released[g]; *i < first; (*i)++) {
            kv_blocks_unref(&cache->group[g].blocks, sequence->table[g][*i]);
            sequence->table[g][*i] = STEP_NO_BLOCK;
        }
    }
}

void sequence_fork(const struct sequence *parent, struct sequence *child, struct kv_cache *cache, uint32_t choice)
{
    struct sequence copy = *parent;

    memcpy(copy.table, child->table, sizeof copy.table);
    copy.list = NULL;
    copy.choice = choice;
    copy.unborn = 0;
    copy.segment_tokens = 0;
    copy.passed_over = 0;
    for (uint32_t g = 0; g < cache->group_count; g++) {
        memcpy(copy.table[g], parent->table[g], parent->block_count * sizeof *copy.table[g]);
        for (uint32_t i = parent->released[g]; i < parent->block_count; i++)
            kv_blocks_ref(&cache->group[g].blocks, copy.table[g][i]);
    }
    *child = copy;
}

void sequence_drop(struct sequence *sequence, struct kv_cache *cache)
{
    for (uint32_t g = 0; g < cache->group_count; g++) {
        for (uint32_t i = sequence->block_count; i > sequence->released[g]; i--) /* children before parents */
            kv_blocks_unref(&cache->group[g].blocks, sequence->table[g][i - 1]);
    }
    sequence_rewind(sequence, cache);
}
