/* The budget's arithmetic, with numbers worked out by hand. */
#include "memory_plan.h"

#include <criterion/criterion.h>
#include <string.h>

/* Blocks of 1000 bytes; a sequence of 100 tokens needs 7 of them. */
static const struct memory_request base = {.weight_bytes = 50000, .activation_bytes = 10000, .block_bytes = 1000,
                                           .model_len_max = 100, .sequence_max = 4};

static uint32_t blocks(struct memory_request request)
{
    uint32_t count = 0;
    struct quire_error error = {""};

    cr_assert_eq(memory_plan_blocks(&request, &count, &error), QUIRE_OK, "%s", error.message);
    return count;
}

static void expect_refused(struct memory_request request, const char *part)
{
    uint32_t count = 77;
    struct quire_error error = {""};

    cr_assert_eq(memory_plan_blocks(&request, &count, &error), QUIRE_NO_MEMORY);
    cr_assert_eq(count, 77, "outputs stay as they were");
    cr_assert(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

Test(memory_plan, without_bound_takes_what_full_sequences_need)
{
    cr_assert_eq(blocks(base), 28); /* 4 sequences of 7 blocks */
}

Test(memory_plan, budget_leaves_the_rest)
{
    struct memory_request request = base;

    request.budget_bytes = 50000 + 10000 + 9999;
    cr_assert_eq(blocks(request), 9);
    request.budget_bytes = 10000000;
    cr_assert_eq(blocks(request), 28);
}

Test(memory_plan, kv_cache_bytes_are_taken_as_they_are)
{
    struct memory_request request = base;

    request.kv_cache_bytes = 8500;
    cr_assert_eq(blocks(request), 8);
    request.budget_bytes = 70000;
    cr_assert_eq(blocks(request), 8);
    request.kv_cache_bytes = 10001;
    expect_refused(request, "does not fit");
}

Test(memory_plan, one_sequence_must_fit)
{
    struct memory_request request = base;

    request.kv_cache_bytes = 7000;
    cr_assert_eq(blocks(request), 7);
    request.kv_cache_bytes = 6999;
    expect_refused(request, "--max-model-len 96 "); /* 6 blocks of 16 tokens */
    request.kv_cache_bytes = 0;
    request.budget_bytes = 66999;
    expect_refused(request, "--max-model-len 96 ");
    request.budget_bytes = 60999;
    expect_refused(request, "less than one block");
}

Test(memory_plan, weights_beyond_the_budget_are_refused)
{
    struct memory_request request = base;

    request.budget_bytes = 59999;
    expect_refused(request, "exceed the memory budget");
    request.weight_bytes = SIZE_MAX - 5;
    expect_refused(request, "address space");
}

Test(memory_plan, sizes_that_do_not_fit_the_address_space_are_capped)
{
    struct memory_request request = base;

    request.model_len_max = 1u << 30;
    request.sequence_max = 1u << 20;
    request.block_bytes = (size_t)1 << 40;
    cr_assert_eq(blocks((struct memory_request){.block_bytes = 1, .model_len_max = 1u << 30, .sequence_max = 1u << 20}),
                 UINT32_MAX - 1);
    expect_refused(request, "one sequence");
}
