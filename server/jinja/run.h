/* What one compilation or one render carries along: memory, bounds, and the way out on an error.
 *
 * All memory of a run lies in its arena, so nothing needs to be cleaned up on the way out: jfail() writes the
 * sentence with line and column and jumps to the one setjmp in template.c. Every function of this folder that takes
 * a run may leave that way.
 * Names that the linker sees start with "j" in this folder, so that other rooms keep theirs.
 *
 * Thread: a run belongs to one thread. Owner: jinja_compile or jinja_render. */
#ifndef JINJA_RUN_H
#define JINJA_RUN_H

#include "jinja.h"

#include <setjmp.h>

struct jchunk; /* arena.c */

struct jarena {
    struct jchunk *newest;
    size_t held_bytes, bytes_max; /* taken from malloc; QUIRE_LIMIT beyond the bound */
};

struct jrun {
    jmp_buf escape;
    enum quire_status status;
    struct quire_error *error; /* may be NULL */
    struct jarena arena;
    const char *source; /* of the template, newlines normalised: for positions */
    size_t source_bytes;
    uint32_t offset; /* where in the source an error now would be */
    uint64_t steps, steps_max;
    uint32_t depth, depth_max;
    size_t output_max; /* bytes of the longest text */
    /* The rest is for renders only. */
    const struct jinja_template *template;
    struct jvalue *names; /* values of the template's free names, by index */
    const struct jstring *block_text; /* what a set or filter block printed, for its first filter */
    const struct jundefined *latest_undefined; /* NULL: none yet */
    const struct jstring **letters;   /* texts of one ASCII character; NULL until one is needed */
    struct jframe *top;   /* of the template itself */
    struct jbuilder *out; /* where output goes: the text, or what a macro or a set block collects */
    int64_t now_ns;
};

_Noreturn void jfail(struct jrun *run, enum quire_status status, const char *format, ...) QUIRE_PRINTF(3, 4);

/* Where the reference raises while rendering. */
#define jraise(run, ...) jfail((run), QUIRE_INVALID, __VA_ARGS__)

static inline void jrun_charge(struct jrun *run, uint64_t steps)
{
    run->steps += steps;
    if (run->steps > run->steps_max)
        jfail(run, QUIRE_LIMIT, "more than %llu steps", (unsigned long long)run->steps_max);
}

/* Walking over text costs a step for every 16 bytes. */
static inline void jrun_charge_bytes(struct jrun *run, size_t bytes)
{
    jrun_charge(run, bytes / 16 + 1);
}

static inline void jrun_enter(struct jrun *run)
{
    if (++run->depth > run->depth_max)
        jfail(run, QUIRE_LIMIT, "nested more than %u levels deep", run->depth_max);
}

static inline void jrun_leave(struct jrun *run)
{
    run->depth--;
}

/* Uninitialised memory, aligned for any type; `bytes` may be 0. Never NULL. */
void *jalloc(struct jrun *run, size_t bytes);
/* Room for `count` elements, overflow checked. */
void *jalloc_array(struct jrun *run, size_t count, size_t element_bytes);
/* Makes the block [old, old + old_bytes) at least new_bytes long: in place where it was the latest, else by copying. */
void *jalloc_grow(struct jrun *run, void *old, size_t old_bytes, size_t new_bytes);
void jarena_release(struct jarena *arena);

#endif
