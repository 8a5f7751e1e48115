/* Measures the machine's ceilings for `quire bench`. Other tenants move them from minute to minute, so several short
 * readings are taken and the best counts. Runs on the pool's owner, outside of any step. */
#include "ceilings.h"

#include "kernels/openblas.h"
#include "kernels/tables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define READINGS 5u
#define READ_PART_BYTES ((size_t)1 << 20)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

static double now_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

struct ceiling {
    struct worker_pool *pool;
    uint32_t item_count;
    void (*item)(void *context, uint32_t item, uint32_t worker);
    double work; /* of all items, once */
};

/* Best rate of READINGS readings, each of as many passes as fill its part of `seconds`. */
static double ceiling_measure(const struct ceiling *ceiling, void *context, double seconds)
{
    double best = 0.0;

    worker_pool_run(ceiling->pool, ceiling->item_count, ceiling->item, context);
    for (uint32_t reading = 0; reading < READINGS; reading++) {
        double start = now_seconds(), elapsed, rate;
        uint32_t passes = 0;
        do {
            worker_pool_run(ceiling->pool, ceiling->item_count, ceiling->item, context);
            passes++;
            elapsed = now_seconds() - start;
        } while (elapsed < seconds / READINGS);
        rate = ceiling->work * passes / elapsed;
        if (rate > best)
            best = rate;
    }
    return best;
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

struct read_context {
    const uint64_t *buffer;
    uint64_t *sums; /* [parts]: keeps the reads */
};

static void read_item(void *context, uint32_t item, uint32_t worker)
{
    const struct read_context *read = context;
    const uint64_t *part = read->buffer + item * (READ_PART_BYTES / sizeof(uint64_t));
    uint64_t sum[16] = {0};

    (void)worker;
    for (size_t i = 0; i < READ_PART_BYTES / sizeof(uint64_t); i += 16) {
        __builtin_prefetch(part + i + 256);
        for (uint32_t lane = 0; lane < 16; lane++)
            sum[lane] ^= part[i + lane];
    }
    for (uint32_t lane = 0; lane < 16; lane++)
        read->sums[item] ^= sum[lane];
}

enum quire_status ceiling_read(struct worker_pool *pool, size_t buffer_bytes, double seconds, double *bytes_per_second,
                               struct quire_error *error)
{
    size_t parts = buffer_bytes / READ_PART_BYTES == 0 ? 1 : buffer_bytes / READ_PART_BYTES;
    size_t bytes = (parts * READ_PART_BYTES + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    uint64_t *buffer = aligned_alloc(HUGE_PAGE_BYTES, bytes), *sums = calloc(parts, sizeof *sums);
    struct read_context context = {buffer, sums};
    struct ceiling ceiling = {pool, (uint32_t)parts, read_item, (double)(parts * READ_PART_BYTES)};

    if (buffer == NULL || sums == NULL) {
        free(buffer);
        free(sums);
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for a buffer of %zu bytes to measure read bandwidth",
                          bytes);
    }
    madvise(buffer, bytes, MADV_HUGEPAGE); /* as the weights have it: small pages read a third slower */
    memset(buffer, 1, bytes); /* untouched pages would all be the one zero page */
    *bytes_per_second = ceiling_measure(&ceiling, &context, seconds);
    free(buffer);
    free(sums);
    return QUIRE_OK;
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */

#define BURN_ROUNDS 100000u

static void burn_item(void *context, uint32_t item, uint32_t worker)
{
    const struct kernels *const *kernels = context;
    float data[32];

    (void)item, (void)worker;
    for (uint32_t i = 0; i < 32; i++)
        data[i] = i < 16 ? 0.5f : 1.0f;
    (*kernels)->burn(BURN_ROUNDS, data);
}

double ceiling_multiply_add(struct worker_pool *pool, const struct kernels *kernels, double seconds)
{
    float data[32] = {0};
    uint32_t items = worker_pool_count(pool);
    struct ceiling ceiling = {pool, items, burn_item, (double)kernels->burn(BURN_ROUNDS, data) * items};

    return ceiling_measure(&ceiling, &kernels, seconds);
}

struct sgemm_context {
    const float *x, *w;
    float *y;
    uint32_t rows, inputs, outputs, part; /* part: outputs per item */
};

static void sgemm_item(void *context, uint32_t item, uint32_t worker)
{
    const struct sgemm_context *sgemm = context;
    uint32_t output = item * sgemm->part;
    uint32_t outputs = sgemm->outputs - output < sgemm->part ? sgemm->outputs - output : sgemm->part;

    (void)worker;
    openblas_sgemm(sgemm->rows, outputs, sgemm->inputs, sgemm->x, sgemm->w + output, sgemm->outputs, 0.0f,
                   sgemm->y + output, sgemm->outputs);
}

enum quire_status ceiling_sgemm(struct worker_pool *pool, uint32_t rows, uint32_t inputs, uint32_t outputs,
                                double seconds, double *operations_per_second, struct quire_error *error)
{
    size_t x_count = (size_t)rows * inputs, w_count = (size_t)inputs * outputs, y_count = (size_t)rows * outputs;
    float *data = malloc((x_count + w_count + y_count) * sizeof(float));
    uint32_t items = worker_pool_count(pool), part = (outputs + items - 1) / items;
    struct sgemm_context context = {data, data + x_count, data + x_count + w_count, rows, inputs, outputs, part};
    struct ceiling ceiling = {pool, (outputs + part - 1) / part, sgemm_item, 2.0 * rows * inputs * outputs};

    if (data == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for sgemm of %u x %u x %u", rows, inputs, outputs);
    for (size_t i = 0; i < x_count + w_count + y_count; i++)
        data[i] = 1.0f;
    openblas_prepare();
    *operations_per_second = ceiling_measure(&ceiling, &context, seconds);
    free(data);
    return QUIRE_OK;
}
