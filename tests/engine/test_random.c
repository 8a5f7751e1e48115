/* Philox against the known answers that its authors publish with the Random123 library (kat_vectors, philox4x32-10). */
#include "model/random.h"

#include <criterion/criterion.h>
#include <string.h>

static void check(struct philox_block counter, uint32_t key0, uint32_t key1, struct philox_block expected)
{
    struct philox_block block = philox4x32(counter, key0, key1);
    cr_assert_arr_eq(block.word, expected.word, sizeof expected.word);
}

Test(random, philox_zero_counter_gives_published_block)
{
    check((struct philox_block){{0, 0, 0, 0}}, 0, 0,
          (struct philox_block){{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
}

Test(random, philox_ones_give_published_block)
{
    check((struct philox_block){{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffff, 0xffffffff,
          (struct philox_block){{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
}

Test(random, philox_digits_of_pi_give_published_block)
{
    check((struct philox_block){{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0,
          (struct philox_block){{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

Test(random, unit_changes_with_seed_choice_and_position)
{
    double unit = random_unit(7, 0, 0);

    cr_assert(unit >= 0 && unit < 1);
    cr_assert_eq(unit, random_unit(7, 0, 0));
    cr_assert_neq(unit, random_unit(8, 0, 0));
    cr_assert_neq(unit, random_unit(7 | UINT64_C(1) << 40, 0, 0));
    cr_assert_neq(unit, random_unit(7, 1, 0));
    cr_assert_neq(unit, random_unit(7, 0, 1));
    cr_assert_neq(random_unit(7, 1, 0), random_unit(7, 0, 1));
}

Test(random, unit_is_uniform_over_positions)
{
    enum { BUCKETS = 16, DRAWS = 64000 };
    uint32_t histogram[BUCKETS] = {0};
    double chi_square = 0, expected = (double)DRAWS / BUCKETS;

    for (uint32_t i = 0; i < DRAWS; i++)
        histogram[(uint32_t)(random_unit(42, 3, i) * BUCKETS)]++;
    for (uint32_t i = 0; i < BUCKETS; i++)
        chi_square += (histogram[i] - expected) * (histogram[i] - expected) / expected;
    cr_assert_lt(chi_square, 37.7, "chi square %g; 15 degrees of freedom, p = 0.001 at 37.7", chi_square);
}
