/* Splits a matrix product into work items: panels, and for many rows also blocks of rows. Runs on the step thread
 * and, while the weights load, wherever the pool's owner is. */
#include "gemm.h"

#define ITEMS_PER_WORKER 8u /* so that the last item to end costs little */
#define ITEM_WORK 32768u    /* least multiply-adds of an item: below this, waking a worker costs more than it helps */
#define PANELS_MAX 4u       /* per item: panels that share one read of the inputs */
#define ROWS_MAX 96u        /* per item where there are few panels; a multiple of the kernels' tiles */

struct gemm_split {
    const struct kernels *kernels;
    struct gemm_call call; /* of all rows and panels */
    uint32_t panels, rows; /* per item */
    uint32_t row_blocks;   /* items of one panel group are neighbours, so its weights are read from memory once */
};

static void gemm_item(void *context, uint32_t item, uint32_t worker)
{
    const struct gemm_split *split = context;
    struct gemm_call call = split->call;
    uint32_t row = item % split->row_blocks * split->rows;

    (void)worker;
    call.panel_first = item / split->row_blocks * split->panels;
    if (call.panel_end - call.panel_first > split->panels)
        call.panel_end = call.panel_first + split->panels;
    call.x += row * call.x_stride;
    call.y += row * call.y_stride;
    call.row_count -= row;
    if (call.row_count > split->rows)
        call.row_count = split->rows;
    split->kernels->gemm[call.matrix->format](&call);
}

void gemm(struct worker_pool *pool, const struct kernels *kernels, const struct matrix *matrix, const float *x,
          size_t x_stride, float *y, size_t y_stride, uint32_t rows)
{
    uint32_t panel_count = matrix_panel_count(matrix);
    uint32_t items = worker_pool_count(pool) * ITEMS_PER_WORKER;
    uint64_t panel_work = (uint64_t)PANEL_OUTPUTS * matrix->inputs * rows;
    uint64_t panels_least = panel_work == 0 ? 1 : (ITEM_WORK + panel_work - 1) / panel_work;
    struct gemm_split split = {
        .kernels = kernels,
        .call = {matrix, x, x_stride, y, y_stride, rows, 0, panel_count},
        .panels = panel_count / items,
        .rows = rows,
    };

    if (rows == 0 || panel_count == 0)
        return;
    if (split.panels > PANELS_MAX)
        split.panels = PANELS_MAX;
    if (split.panels < panels_least)
        split.panels = (uint32_t)panels_least;
    if (rows > ROWS_MAX && panel_count / PANELS_MAX < items) {
        split.panels = PANELS_MAX;
        split.rows = ROWS_MAX;
    }
    split.row_blocks = (rows + split.rows - 1) / split.rows;
    worker_pool_run(pool, (panel_count + split.panels - 1) / split.panels * split.row_blocks, gemm_item, &split);
}
