/* Ceilings: that the counted work is really done. The rates themselves belong to the machine and are not judged. */
#include "support.h"

#include "ceilings.h"

#include <math.h>

Test(ceilings, burn_does_the_operations_that_it_counts)
{
    const struct kernels *rows[3];
    uint32_t row_count = kernel_rows(rows);

    for (uint32_t row = 0; row < row_count; row++) {
        float data[32], expected = 0.0f;
        uint64_t operations, chains;
        for (uint32_t i = 0; i < 32; i++)
            data[i] = 1.0f;
        /* each round adds 1 to each lane of each chain; chain c starts at c; a lane of a chain is two operations */
        operations = rows[row]->burn(1000, data);
        chains = operations / (1000 * 16 * 2);
        cr_assert_eq(operations % (1000 * 16 * 2), 0);
        cr_assert_geq(chains, 1);
        for (uint64_t c = 0; c < chains; c++)
            expected += (float)(c + 1000);
        for (uint32_t lane = 0; lane < 16; lane++)
            cr_assert_eq(data[lane], expected, "%s", rows[row]->name);
    }
}

Test(ceilings, rates_are_finite_and_positive)
{
    const struct kernels *kernels;
    struct worker_pool *pool;
    struct quire_error error;
    double rate = 0.0;

    cr_assert_eq(worker_pool_create(2, &pool, &error), QUIRE_OK);
    cr_assert_eq(kernels_select(NULL, &kernels, &error), QUIRE_OK);
    cr_assert_eq(ceiling_read(pool, 3 << 20, 0.01, &rate, &error), QUIRE_OK, "%s", error.message);
    cr_assert(isfinite(rate) && rate > 0.0);
    rate = ceiling_multiply_add(pool, kernels, 0.01);
    cr_assert(isfinite(rate) && rate > 0.0);
    rate = 0.0;
    cr_assert_eq(ceiling_sgemm(pool, 64, 100, 333, 0.01, &rate, &error), QUIRE_OK, "%s", error.message);
    cr_assert(isfinite(rate) && rate > 0.0);
    worker_pool_destroy(pool);
}

#ifndef __SANITIZE_ADDRESS__ /* its allocator aborts where malloc refuses */
Test(ceilings, a_buffer_beyond_memory_is_refused)
{
    struct worker_pool *pool;
    struct quire_error error = {""};
    double rate = -1.0;

    cr_assert_eq(worker_pool_create(1, &pool, &error), QUIRE_OK);
    cr_assert_eq(ceiling_read(pool, (size_t)1 << 60, 0.01, &rate, &error), QUIRE_NO_MEMORY);
    cr_assert_eq(rate, -1.0, "output touched on failure");
    cr_assert_not_null(strstr(error.message, "bytes"));
    worker_pool_destroy(pool);
}
#endif
