/* Shared by the tests of the kernels: the rows that this processor has, and reproducible inputs. */
#ifndef QUIRE_TEST_KERNELS_SUPPORT_H
#define QUIRE_TEST_KERNELS_SUPPORT_H

#include "kernels/kernels.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t random_u64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [-1, 1). */
static inline float random_float(uint64_t *state)
{
    return (float)((double)(random_u64(state) >> 11) * 0x1p-52 - 1.0);
}

static inline void random_fill(uint64_t seed, float *out, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++)
        out[i] = random_float(&seed) * scale;
}

static inline void *must_allocate(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    cr_assert_not_null(p);
    return p;
}

/* Fills `rows` with the table of each name that the processor supports, scalar first; returns how many. */
static inline uint32_t kernel_rows(const struct kernels *rows[3])
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    uint32_t count = 0;

    for (uint32_t i = 0; i < 3; i++) {
        struct quire_error error;
        enum quire_status status = kernels_select(names[i], &rows[count], &error);
        if (status == QUIRE_OK)
            count++;
        else
            cr_log_info("%s: %s", names[i], error.message);
    }
    return count;
}

#endif
