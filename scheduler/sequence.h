/* One choice of a request on its way: how many of its tokens are known, how many computed, and in which blocks. Step
 * thread only.
 *
 * Known tokens are the prompt, kept in the request, and then the output, kept in the choice's log; a sequence copies
 * neither. Positions below `computed` have their keys and values in the blocks of the tables. */
#ifndef QUIRE_SEQUENCE_H
#define QUIRE_SEQUENCE_H

#include "kv_blocks.h"
#include "step.h"
#include "stop_match.h"
#include "tokenizer.h"

struct sequence;

/* Sequences in order of admission (then of choice): the order in which they are served. */
struct sequence_list {
    struct sequence **at;
    uint32_t count;
};

struct sequence {
    struct sequence_list *list; /* the one it is in; NULL: none */
    struct request *request;
    uint32_t choice;
    uint32_t unborn; /* choices that still share this one's prefill: they fork off when the prompt is computed */
    uint64_t order;  /* of admission; a smaller one goes first and is preempted last */

    uint32_t output_count; /* tokens in the log */
    uint32_t computed;
    uint32_t scored; /* prompt rows whose scores are written */

    uint32_t *table[STEP_GROUPS_MAX]; /* entry i: the block of positions [16 i, 16 i + 16) */
    uint32_t block_count;             /* entries of each table */
    uint32_t released[STEP_GROUPS_MAX]; /* entries before this one slid out of the window: STEP_NO_BLOCK */

    struct prefix_link root, link[STEP_GROUPS_MAX]; /* the place in the prefix tree of ... */
    uint32_t registered;                            /* ... the first so many blocks */

    struct detokenizer detokenizer; /* both only where the request has stop strings */
    struct stop_match stops;
    struct request_wait wait; /* while preempted */
    uint64_t token_ns; /* when the latest token came */

    /* Its part in the step being planned or applied. */
    uint32_t segment_tokens; /* 0: none */
    uint32_t sample_start, score_count, sample_count;
    uint32_t passed_over; /* so many steps in a row had no room for its history or biases */
};

static inline uint32_t sequence_known(const struct sequence *sequence)
{
    return sequence->request->spec.prompt_tokens + sequence->output_count;
}

static inline uint32_t sequence_missing(const struct sequence *sequence)
{
    return sequence_known(sequence) - sequence->computed;
}

void sequence_list_insert(struct sequence_list *list, struct sequence *sequence);
void sequence_list_remove(struct sequence *sequence); /* from the one it is in */

/* Stands `sequence`, whose tables exist already, at the start of a choice, without a block. */
void sequence_begin(struct sequence *sequence, const struct kv_cache *cache, const struct tokenizer *tokenizer,
                    struct request *request);

/* Copies the known tokens [start, start + count). */
void sequence_tokens(const struct sequence *sequence, uint32_t start, uint32_t count, uint32_t *out);

/* The longest run of cached blocks that all groups have for the known tokens, the last of which always stays to be
 * computed. Only looks: the tables name the blocks, but nothing is held. For a sequence without blocks. */
uint32_t sequence_find_prefix(struct sequence *sequence, const struct kv_cache *cache);
/* Holds what sequence_find_prefix just found. */
void sequence_take_prefix(struct sequence *sequence, struct kv_cache *cache, uint32_t hit_blocks);
/* Blocks of group `g` that taking the hit would turn from cached to used. */
uint32_t sequence_prefix_cached(const struct sequence *sequence, const struct kv_cache *cache, uint32_t g,
                                uint32_t hit_blocks);

/* Blocks of group `g` that are still to be taken, beyond the first `held_blocks`, until all known tokens are computed
 * and its choices are born; at most. */
uint32_t sequence_blocks_missing(const struct sequence *sequence, const struct kv_cache *cache, uint32_t g,
                                 uint32_t held_blocks, uint32_t step_tokens_max);

/* The most tokens that can be computed next with the blocks that are available. */
uint32_t sequence_room(const struct sequence *sequence, const struct kv_cache *cache);
/* Takes the blocks for the next `count` tokens, at most sequence_room. A shared block that would be written is replaced
 * by a copy, which the plan makes. */
void sequence_reserve(struct sequence *sequence, struct kv_cache *cache, uint32_t count, struct step_plan *plan);
/* The reserved `count` tokens were computed: registers full blocks and lets go of those out of the window. */
void sequence_advance(struct sequence *sequence, struct kv_cache *cache, uint32_t count);

/* Makes `child`, whose tables exist already, another choice that shares all blocks of `parent`. */
void sequence_fork(const struct sequence *parent, struct sequence *child, struct kv_cache *cache, uint32_t choice);

/* Lets go of all blocks; nothing is computed any more. */
void sequence_drop(struct sequence *sequence, struct kv_cache *cache);

#endif
