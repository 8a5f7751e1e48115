/* Reserved is what has pages, with whatever was in them. */
#include "arena.h"
#include "engine_private.h"
#include "session.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static bool resident(const void *pages, size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), count = (bytes + page_bytes - 1) / page_bytes, found = 0;
    unsigned char *states = malloc(count);

    cr_assert_eq(mincore((void *)(uintptr_t)pages, bytes, states), 0);
    for (size_t i = 0; i < count; i++)
        found += states[i] & 1u;
    free(states);
    return found == count;
}

Test(reserve, arena_has_its_pages_from_the_start)
{
    struct arena arena;

    cr_assert_eq(arena_init(&arena, 3 * MIB + 64, NULL), QUIRE_OK);
    cr_expect(resident(arena.base, arena.bytes));
    for (size_t i = 0; i < arena.bytes; i++)
        cr_assert_eq(arena.base[i], 0);
    arena_deinit(&arena);
}

Test(reserve, background_fills_all_and_changes_nothing)
{
    size_t bytes = 40 * MIB + 4096;
    char *pages = pages_map(bytes);
    struct reserve reserve = {0};

    cr_assert_not(resident(pages, bytes), "there is nothing left to do");
    reserve_start(&reserve, pages, bytes);
    for (size_t at = 0; at < bytes; at += 65536) /* while it runs */
        pages[at] = (char)(at >> 16);
    reserve_wait(&reserve);
    cr_expect(resident(pages, bytes));
    for (size_t at = 0; at < bytes; at += 65536)
        cr_assert_eq(pages[at], (char)(at >> 16));
    reserve_stop(&reserve);
    pages_unmap(pages, bytes);
}

Test(reserve, stops_when_told)
{
    size_t bytes = 4096 * MIB;
    char *pages = pages_map(bytes);
    struct reserve reserve = {0};

    reserve_start(&reserve, pages, bytes);
    reserve_stop(&reserve);
    cr_expect_not(resident(pages + bytes - MIB, MIB));
    pages_unmap(pages, bytes);
    reserve_stop(&(struct reserve){0});
}

Test(reserve, refusal_is_told_with_the_number)
{
    char *pages = pages_map(8 * MIB);
    struct quire_error error = {""};
    struct reserve reserve = {0};

    munmap(pages + 6 * MIB, 2 * MIB); /* what is not there cannot be had */
    cr_assert_eq(reserve_now(pages, 8 * MIB, &error), QUIRE_NO_MEMORY);
    cr_expect_not_null(strstr(error.message, "8.0 MiB"), "%s", error.message);
    reserve_start(&reserve, pages, 8 * MIB); /* warns and ends */
    reserve_wait(&reserve);
    munmap(pages, 6 * MIB);
}

/* Without a bound nothing was promised, and the pool may be larger than the machine. */
Test(reserve, engine_reserves_the_cache_that_was_asked_for)
{
    struct engine_options options = {.model_path = fixture_path("llama"), .thread_count = 1};
    struct quire_error error = {""};
    struct engine *engine;

    options.sequence_max = 4096;
    cr_assert_eq(engine_open(&options, &engine, &error), QUIRE_OK, "%s", error.message);
    cr_expect_not(resident(engine->kv_pool, engine->limits.kv_bytes));
    options.kv_cache_bytes = engine->limits.kv_bytes;
    cr_assert_gt(options.kv_cache_bytes, 8 * MIB);
    engine_close(engine);
    cr_assert_eq(engine_open(&options, &engine, &error), QUIRE_OK, "%s", error.message);
    cr_assert_eq(engine->limits.kv_bytes, options.kv_cache_bytes);
    reserve_wait(&engine->reserve);
    cr_expect(resident(engine->kv_pool, engine->limits.kv_bytes));
    cr_expect(resident(engine->arena.base, engine->arena.bytes));
    engine_close(engine);
}
