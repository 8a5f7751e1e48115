/* Reads weights and packs them. The calling thread, worker 0 of the pool, keeps a bounded number of reads in flight
 * into staging slots, and with the pool's workers packs the chunks that have come while the next ones are on their way.
 *
 * Two threads must not pack into one panel at once. So a chunk whose rows begin at a panel's first output is shared
 * among the workers in whole panels, and any other (fused matrices of odd sizes) is packed afterwards by the calling
 * thread alone. */
#include "weights_plan.h"

#include "../container/file_reader.h"
#include "fingerprint.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STAGING_BYTES ((size_t)64 << 20)
#define SLOTS_MAX 16u
#define SLOTS_MIN 2u
#define CHUNK_BYTES ((size_t)4 << 20)
#define ITEM_BYTES ((size_t)256 << 10) /* of a chunk, for one worker */
#define PROGRESS_STEPS 50u

struct chunk {
    const struct weight_part *part;
    uint32_t row_first, row_count; /* of the part; a transposed part is one chunk */
    uint64_t offset;               /* from the tensor's start */
    size_t bytes;
    const char *data;              /* its slot's buffer */
    uint32_t slot;
    bool serial;                   /* only the calling thread may pack it */
    uint32_t rows_per_item, item_count;
};

struct load {
    const struct model_file *file;
    struct weight_parts parts;
    struct file_reader *reader;
    uint32_t slot_count;
    /* the next chunk */
    size_t part_index;
    uint32_t part_row;
    /* chunks by slot, and those of the present batch */
    struct chunk chunks[SLOTS_MAX];
    const struct chunk *batch[SLOTS_MAX];
    uint32_t batch_count;
    struct fingerprint *sums;      /* [worker]: a sum of pieces does not depend on who added which */
    uint64_t done, total;
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
};

/* ---- geometry ---------------------------------------------------------------------------------------------------- */

static size_t part_row_bytes(const struct weight_part *part)
{
    return part->transposed ? (size_t)(part->tensor->bytes / part->rows) : row_bytes(part->tensor->type, part->columns);
}

/* Rows that must stay together: a panel, and a head whose rows change places. */
static uint32_t unit_rows(const struct weight_part *part)
{
    if (part->matrix == NULL)
        return 1;
    return part->head_rows == 0 || PANEL_OUTPUTS % part->head_rows == 0 ? PANEL_OUTPUTS : part->head_rows;
}

/* `bytes` worth of rows in whole units, at least one unit, at most `rows`. */
static uint32_t rows_within(const struct weight_part *part, size_t bytes, uint32_t rows)
{
    uint32_t unit = unit_rows(part);
    size_t units = bytes / part_row_bytes(part) / unit;

    if (units > rows / unit)
        return rows;
    return units == 0 ? (unit < rows ? unit : rows) : (uint32_t)units * unit;
}

static uint32_t chunk_rows(const struct weight_part *part, uint32_t rows)
{
    return part->transposed ? rows : rows_within(part, CHUNK_BYTES, rows);
}

static size_t slot_bytes(const struct weight_parts *parts)
{
    size_t most = 1;

    for (size_t i = 0; i < parts->count; i++) {
        const struct weight_part *part = &parts->items[i];
        size_t bytes = chunk_rows(part, part->rows) * part_row_bytes(part);

        assert(part->tensor->bytes == part->rows * (uint64_t)part_row_bytes(part));
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* ---- packing, in any worker -------------------------------------------------------------------------------------- */

/* Even rows of the rotated part of a head to its first half, odd ones to the second. */
static void pack_heads(const struct weight_part *part, uint32_t row, uint32_t count, const char *rows)
{
    size_t bytes = part_row_bytes(part);
    uint32_t half = part->rope_rows / 2, rest = part->head_rows - part->rope_rows;

    for (; count > 0; count -= part->head_rows, row += part->head_rows, rows += part->head_rows * bytes) {
        matrix_pack(part->matrix, part->first + row, half, rows, 2 * bytes, part->tensor->type);
        matrix_pack(part->matrix, part->first + row + half, half, rows + bytes, 2 * bytes, part->tensor->type);
        if (rest > 0)
            matrix_pack(part->matrix, part->first + row + 2 * half, rest, rows + 2 * half * bytes, bytes,
                        part->tensor->type);
    }
}

static void decode_vector(const struct weight_part *part, uint32_t row, uint32_t count, const char *rows)
{
    size_t bytes = part_row_bytes(part);
    uint32_t half = part->rope_rows / 2;

    for (uint32_t i = 0; i < count && part->head_rows == 0; i++)
        row_decode(part->tensor->type, rows + i * bytes, part->columns,
                   part->vector + (size_t)(row + i) * part->columns);
    for (uint32_t i = 0; i < part->columns && part->head_rows != 0; i++) { /* a bias of heads: one value per row */
        uint32_t within = i % part->head_rows;
        uint32_t to = within >= part->rope_rows ? within : within / 2 + (within % 2) * half;

        row_decode(part->tensor->type, rows + i * row_bytes(part->tensor->type, 1), 1, part->vector + i - within + to);
    }
}

static void pack_rows(const struct chunk *chunk, uint32_t first, uint32_t count)
{
    const struct weight_part *part = chunk->part;
    uint32_t row = chunk->row_first + first;
    const char *rows = chunk->data + first * part_row_bytes(part);

    if (part->matrix == NULL)
        decode_vector(part, row, count, rows);
    else if (part->transposed) /* a row of the file has one value of every output */
        matrix_pack_transposed(part->matrix, part->first + row, count,
                               chunk->data + first * row_bytes(part->tensor->type, 1),
                               row_bytes(part->tensor->type, part->rows), part->tensor->type);
    else if (part->head_rows != 0)
        pack_heads(part, row, count, rows);
    else
        matrix_pack(part->matrix, part->first + row, count, rows, part_row_bytes(part), part->tensor->type);
}

/* One item of the batch: hashes its share of a chunk's bytes and packs its share of the rows. */
static void load_item(void *context, uint32_t item, uint32_t worker)
{
    struct load *load = context;
    uint32_t index = 0;
    const struct chunk *chunk;
    const struct model_tensor *tensor;
    size_t from, to;
    uint32_t first;

    while (item >= load->batch[index]->item_count)
        item -= load->batch[index++]->item_count;
    chunk = load->batch[index];
    from = chunk->bytes / chunk->item_count * item;
    to = item + 1 == chunk->item_count ? chunk->bytes : from + chunk->bytes / chunk->item_count;
    tensor = chunk->part->tensor;
    fingerprint_add(&load->sums[worker], ((uint64_t)tensor->file << 48) + tensor->offset + chunk->offset + from,
                    chunk->data + from, to - from);
    first = item * chunk->rows_per_item;
    if (!chunk->serial)
        pack_rows(chunk, first,
                  chunk->row_count - first < chunk->rows_per_item ? chunk->row_count - first : chunk->rows_per_item);
}

/* ---- the calling thread ------------------------------------------------------------------------------------------ */

/* False where every chunk has been given out. */
static bool next_chunk(struct load *load, struct chunk *chunk)
{
    const struct weight_part *part;
    uint32_t left, item_rows;

    if (load->part_index == load->parts.count)
        return false;
    part = &load->parts.items[load->part_index];
    left = part->rows - load->part_row;
    *chunk = (struct chunk){.part = part, .row_first = load->part_row, .row_count = chunk_rows(part, left)};
    chunk->offset = chunk->row_first * (uint64_t)part_row_bytes(part);
    chunk->bytes = chunk->row_count * part_row_bytes(part);
    chunk->serial = part->matrix != NULL && (part->first % PANEL_OUTPUTS != 0 || unit_rows(part) % PANEL_OUTPUTS != 0);
    item_rows = rows_within(part, ITEM_BYTES, chunk->row_count);
    chunk->rows_per_item = chunk->serial ? chunk->row_count : item_rows;
    chunk->item_count = (chunk->row_count + chunk->rows_per_item - 1) / chunk->rows_per_item;
    load->part_row += chunk->row_count;
    if (load->part_row == part->rows) {
        load->part_index++;
        load->part_row = 0;
    }
    return true;
}

static void start_slot(struct load *load, uint32_t slot, uint32_t *in_flight)
{
    struct chunk *chunk = &load->chunks[slot];

    if (!next_chunk(load, chunk))
        return;
    chunk->slot = slot;
    chunk->data = file_reader_slot(load->reader, slot);
    file_reader_start(load->reader, slot, chunk->part->tensor->file, chunk->part->tensor->offset + chunk->offset,
                      chunk->bytes);
    ++*in_flight;
}

static void pack_batch(struct load *load, struct worker_pool *pool)
{
    uint32_t item_count = 0;
    uint64_t before = load->done * PROGRESS_STEPS / load->total;

    for (uint32_t i = 0; i < load->batch_count; i++)
        item_count += load->batch[i]->item_count;
    worker_pool_run(pool, item_count, load_item, load);
    for (uint32_t i = 0; i < load->batch_count; i++) {
        if (load->batch[i]->serial)
            pack_rows(load->batch[i], 0, load->batch[i]->row_count);
        load->done += load->batch[i]->bytes;
    }
    if (load->progress != NULL && load->done * PROGRESS_STEPS / load->total != before)
        load->progress(load->progress_context, load->done, load->total);
}

QUIRE_NODISCARD static enum quire_status read_all(struct load *load, struct worker_pool *pool,
                                                  struct quire_error *error)
{
    uint32_t in_flight = 0;

    for (uint32_t slot = 0; slot < load->slot_count; slot++)
        start_slot(load, slot, &in_flight);
    while (in_flight > 0) {
        bool block = true;

        for (load->batch_count = 0; in_flight > 0; block = false) {
            uint32_t slot;
            enum quire_status status = file_reader_wait(load->reader, block, &slot, error);

            if (status != QUIRE_OK)
                return status; /* closing the reader waits for the others */
            if (slot == FILE_READ_NONE)
                break;
            load->batch[load->batch_count++] = &load->chunks[slot];
            in_flight--;
        }
        pack_batch(load, pool);
        for (uint32_t i = 0; i < load->batch_count; i++)
            start_slot(load, load->batch[i]->slot, &in_flight);
    }
    return QUIRE_OK;
}

/* Numbers of the description that change keys and values: they belong to the fingerprint as much as the tensors do. */
static void add_description(struct fingerprint *sum, const struct model_file *file, const struct arch *arch)
{
    const double numbers[] = {
        arch->norm.kind, (double)arch->norm.epsilon, arch->position.kind, (double)arch->position.rope.attention_factor,
        arch->attention.query_heads, arch->attention.kv_heads, arch->attention.head_dim, (double)arch->attention.scale,
        (double)arch->attention.softcap, arch->attention.window_tokens, arch->attention.window_first_layer,
        arch->ffn.activation, (double)arch->embedding_scale, (double)arch->logit_scale,
    };

    fingerprint_add(sum, UINT64_MAX, numbers, sizeof numbers);
    if (arch->position.kind == POSITION_ROPE)
        fingerprint_add(sum, UINT64_MAX - 1, arch->position.rope.inverse_frequency,
                        arch->position.rope.dims / 2 * sizeof(float));
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct model_tensor *tensor = &file->tensors[i];

        fingerprint_add(sum, UINT64_MAX - 2 - 3 * i, tensor->name, strlen(tensor->name));
        fingerprint_add(sum, UINT64_MAX - 3 - 3 * i, tensor->type_name, strlen(tensor->type_name));
        fingerprint_add(sum, UINT64_MAX - 4 - 3 * i, tensor->dimensions, sizeof tensor->dimensions);
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct model_tensor *left = ((const struct weight_part *)a)->tensor,
                              *right = ((const struct weight_part *)b)->tensor;

    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Reads and packs load->parts. */
QUIRE_NODISCARD static enum quire_status load_parts(struct load *load, const struct arch *arch,
                                                    struct worker_pool *pool, unsigned char fingerprint[16],
                                                    struct quire_error *error)
{
    uint32_t worker_count = worker_pool_count(pool);
    struct fingerprint sum = {{0, 0}};
    size_t bytes = slot_bytes(&load->parts);
    size_t slots = STAGING_BYTES / bytes;
    enum quire_status status;

    /* the disk likes it in order */
    qsort(load->parts.items, load->parts.count, sizeof load->parts.items[0], compare_places);
    for (size_t i = 0; i < load->parts.count; i++)
        load->total += load->parts.items[i].tensor->bytes;
    load->slot_count = slots > SLOTS_MAX ? SLOTS_MAX : slots < SLOTS_MIN ? SLOTS_MIN : (uint32_t)slots;
    load->sums = calloc(worker_count, sizeof load->sums[0]);
    if (load->sums == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "%s: no memory to load weights", load->file->path);
    status = file_reader_open((const char *const *)load->file->paths, load->file->path_count, load->slot_count, bytes,
                              FILE_READ_BEST, &load->reader, error);
    if (status == QUIRE_OK)
        status = read_all(load, pool, error);
    file_reader_close(load->reader);
    add_description(&sum, load->file, arch);
    for (uint32_t i = 0; i < worker_count; i++) {
        sum.lane[0] += load->sums[i].lane[0];
        sum.lane[1] += load->sums[i].lane[1];
    }
    memcpy(fingerprint, sum.lane, sizeof sum.lane);
    free(load->sums);
    return status;
}

enum quire_status weights_measure(const struct model_file *file, const struct arch *arch, size_t *bytes,
                                  struct quire_error *error)
{
    return weights_plan(file, arch, NULL, bytes, NULL, NULL, error);
}

enum quire_status weights_load(const struct model_file *file, const struct arch *arch, struct worker_pool *pool,
                               void (*progress)(void *context, uint64_t done, uint64_t total), void *progress_context,
                               struct weights *out, struct quire_error *error)
{
    struct load load = {.file = file, .progress = progress, .progress_context = progress_context};
    struct weights weights = {0};
    size_t bytes;
    void *mapping;
    enum quire_status status = weights_measure(file, arch, &bytes, error);

    if (status != QUIRE_OK)
        return status;
    mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return quire_fail(error, QUIRE_NO_MEMORY, "%s: cannot reserve %zu bytes for weights: %s", file->path, bytes,
                          strerror(errno));
    (void)madvise(mapping, bytes, MADV_HUGEPAGE); /* a refusal only costs speed */
    status = weights_plan(file, arch, mapping, &bytes, &weights, &load.parts, error);
    if (status == QUIRE_OK) {
        status = load_parts(&load, arch, pool, weights.fingerprint, error);
        free(load.parts.items);
    }
    if (status != QUIRE_OK) {
        munmap(mapping, bytes);
        return status;
    }
    weights.mapping = mapping;
    weights.bytes = bytes;
    (void)mprotect(mapping, bytes, PROT_READ); /* a stray write shall crash where it happens */
    *out = weights;
    return QUIRE_OK;
}

void weights_unload(struct weights *weights)
{
    if (weights->mapping != NULL)
        munmap(weights->mapping, weights->bytes);
    memset(weights, 0, sizeof *weights);
}
