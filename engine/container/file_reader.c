/* See file_reader.h: slots, files and the choice of the backend. Owner and only user: the thread that loads. */
#include "file_reader.h"

#include "file_open.h"
#include "file_read.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct file_reader {
    const struct file_backend *backend;
    void *state;
    char **paths;
    int *descriptors;
    uint32_t path_count;
    struct file_slot *slots;
    uint32_t slot_count, in_flight;
    char *staging;
    size_t slot_bytes, staging_bytes;
};

QUIRE_NODISCARD static enum quire_status open_files(struct file_reader *reader, const char *const *paths,
                                                    uint32_t path_count, struct quire_error *error)
{
    reader->paths = calloc(path_count, sizeof reader->paths[0]);
    reader->descriptors = calloc(path_count, sizeof reader->descriptors[0]);
    if (reader->paths == NULL || reader->descriptors == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory to read %u files", path_count);
    for (uint32_t i = 0; i < path_count; i++) {
        uint64_t file_bytes;
        enum quire_status status = file_open(paths[i], &reader->descriptors[i], &file_bytes, error);

        if (status != QUIRE_OK)
            return status;
        reader->path_count = i + 1;
        reader->paths[i] = strdup(paths[i]);
        if (reader->paths[i] == NULL)
            return quire_fail(error, QUIRE_NO_MEMORY, "no memory to read %u files", path_count);
        (void)posix_fadvise(reader->descriptors[i], 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status open_slots(struct file_reader *reader, uint32_t slot_count, size_t slot_bytes,
                                                    struct quire_error *error)
{
    reader->slot_bytes = (slot_bytes + 4095u) & ~(size_t)4095u;
    if (__builtin_mul_overflow(reader->slot_bytes, slot_count, &reader->staging_bytes))
        return quire_fail(error, QUIRE_NO_MEMORY, "staging of %u times %zu bytes is too large", slot_count, slot_bytes);
    reader->slots = calloc(slot_count, sizeof reader->slots[0]);
    reader->staging = mmap(NULL, reader->staging_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reader->staging == MAP_FAILED)
        reader->staging = NULL;
    if (reader->slots == NULL || reader->staging == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory for %zu bytes of staging", reader->staging_bytes);
    (void)madvise(reader->staging, reader->staging_bytes, MADV_HUGEPAGE);
    reader->slot_count = slot_count;
    for (uint32_t i = 0; i < slot_count; i++)
        reader->slots[i].buffer = reader->staging + i * reader->slot_bytes;
    return QUIRE_OK;
}

QUIRE_NODISCARD static enum quire_status open_backend(struct file_reader *reader, enum file_read_backend wanted,
                                                      struct quire_error *error)
{
    const char *forced = getenv("QUIRE_FILE_READ");

    if (wanted == FILE_READ_BEST && forced != NULL && strcmp(forced, "threads") == 0)
        wanted = FILE_READ_THREADS;
    if (wanted == FILE_READ_BEST && forced != NULL && strcmp(forced, "io_uring") == 0)
        wanted = FILE_READ_URING;
    if (wanted != FILE_READ_THREADS) {
        reader->backend = &file_backend_uring;
        reader->state = reader->backend->open(reader->slots, reader->slot_count);
        if (reader->state == NULL && wanted == FILE_READ_URING)
            return quire_fail(error, QUIRE_UNSUPPORTED, "the system refuses io_uring: %s", strerror(errno));
    }
    if (reader->state == NULL) {
        reader->backend = &file_backend_threads;
        reader->state = reader->backend->open(reader->slots, reader->slot_count);
        if (reader->state == NULL)
            return quire_fail(error, QUIRE_NO_MEMORY, "cannot start threads that read: %s", strerror(errno));
    }
    return QUIRE_OK;
}

enum quire_status file_reader_open(const char *const *paths, uint32_t path_count, uint32_t slot_count,
                                   size_t slot_bytes, enum file_read_backend backend, struct file_reader **out,
                                   struct quire_error *error)
{
    struct file_reader *reader = calloc(1, sizeof *reader);
    enum quire_status status;

    assert(path_count > 0 && slot_count > 0 && slot_bytes > 0);
    if (reader == NULL)
        return quire_fail(error, QUIRE_NO_MEMORY, "no memory to read %u files", path_count);
    status = open_files(reader, paths, path_count, error);
    if (status == QUIRE_OK)
        status = open_slots(reader, slot_count, slot_bytes, error);
    if (status == QUIRE_OK)
        status = open_backend(reader, backend, error);
    if (status == QUIRE_OK)
        *out = reader;
    else
        file_reader_close(reader);
    return status;
}

void file_reader_close(struct file_reader *reader)
{
    if (reader == NULL)
        return;
    for (; reader->in_flight > 0; reader->in_flight--) /* the kernel still writes into the slots */
        (void)reader->backend->wait(reader->state, true);
    if (reader->state != NULL)
        reader->backend->close(reader->state);
    for (uint32_t i = 0; i < reader->path_count; i++) {
        close(reader->descriptors[i]);
        free(reader->paths[i]);
    }
    if (reader->staging != NULL)
        munmap(reader->staging, reader->staging_bytes);
    free(reader->paths);
    free(reader->descriptors);
    free(reader->slots);
    free(reader);
}

const char *file_reader_backend(const struct file_reader *reader)
{
    return reader->backend->name;
}

void *file_reader_slot(struct file_reader *reader, uint32_t slot)
{
    assert(slot < reader->slot_count);
    return reader->slots[slot].buffer;
}

void file_reader_start(struct file_reader *reader, uint32_t slot, uint32_t file, uint64_t offset, size_t bytes)
{
    struct file_slot *target = &reader->slots[slot];

    assert(slot < reader->slot_count && file < reader->path_count && bytes > 0 && bytes <= reader->slot_bytes);
    *target = (struct file_slot){target->buffer, reader->descriptors[file], reader->paths[file], offset, bytes, 0, 0};
    reader->in_flight++;
    reader->backend->start(reader->state, slot);
}

enum quire_status file_reader_wait(struct file_reader *reader, bool block, uint32_t *slot, struct quire_error *error)
{
    const struct file_slot *ended;
    unsigned long long at;

    assert(reader->in_flight > 0);
    *slot = reader->backend->wait(reader->state, block);
    if (*slot == FILE_READ_NONE)
        return QUIRE_OK;
    reader->in_flight--;
    ended = &reader->slots[*slot];
    at = (unsigned long long)(ended->offset + ended->done);
    if (ended->failure == ENODATA)
        return quire_fail(error, QUIRE_IO, "%s: became shorter while it was read, at byte %llu", ended->path, at);
    if (ended->failure != 0)
        return quire_fail(error, QUIRE_IO, "%s: cannot read at byte %llu: %s", ended->path, at,
                          strerror(ended->failure));
    return QUIRE_OK;
}
