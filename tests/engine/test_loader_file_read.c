/* Range reads through both backends. */
#include "container/file_reader.h"

#include "loader_scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES 3000017u
#define SLOTS 5u
#define SLOT_BYTES 70001u

static unsigned char byte_at(uint32_t file, uint64_t offset)
{
    return (unsigned char)((offset * 2654435761u >> 7) + file * 91u);
}

static void write_files(char paths[2][SCRATCH_PATH_BYTES])
{
    unsigned char *bytes = malloc(FILE_BYTES);

    cr_assert(bytes != NULL);
    for (uint32_t file = 0; file < 2; file++) {
        char name[16];

        for (uint32_t i = 0; i < FILE_BYTES; i++)
            bytes[i] = byte_at(file, i);
        snprintf(name, sizeof name, "part%u", file);
        scratch_write(name, bytes, FILE_BYTES);
        scratch_path(name, paths[file]);
    }
    free(bytes);
}

/* NULL after saying so where a sandbox refuses io_uring. */
static struct file_reader *open_reader(enum file_read_backend backend, char paths[2][SCRATCH_PATH_BYTES])
{
    const char *const list[2] = {paths[0], paths[1]};
    struct file_reader *reader = NULL;
    struct quire_error error = {""};
    enum quire_status status = file_reader_open(list, 2, SLOTS, SLOT_BYTES, backend, &reader, &error);

    if (status == QUIRE_UNSUPPORTED && backend == FILE_READ_URING) {
        fprintf(stderr, "skipped: %s\n", error.message);
        return NULL;
    }
    cr_assert_eq(status, QUIRE_OK, "%s", error.message);
    return reader;
}

struct range {
    uint32_t file;
    uint64_t offset;
    size_t bytes;
};

static void check_ranges(enum file_read_backend backend)
{
    char paths[2][SCRATCH_PATH_BYTES];
    struct range ranges[SLOTS];
    uint64_t next[2] = {0, 0};
    uint32_t in_flight = 0, ended = 0;

    write_files(paths);
    struct file_reader *reader = open_reader(backend, paths);
    if (reader == NULL)
        return;
    cr_expect_str_eq(file_reader_backend(reader), backend == FILE_READ_URING ? "io_uring" : "threads");
    for (uint32_t slot = 0, file = 0;;) {
        struct quire_error error = {""};

        for (; in_flight < SLOTS && (next[0] < FILE_BYTES || next[1] < FILE_BYTES); file ^= 1) {
            uint64_t left = FILE_BYTES - next[file];

            if (left == 0)
                continue;
            ranges[slot] =
                (struct range){file, next[file], left < SLOT_BYTES ? (size_t)left : SLOT_BYTES - in_flight * 7};
            next[file] += ranges[slot].bytes;
            file_reader_start(reader, slot, file, ranges[slot].offset, ranges[slot].bytes);
            slot =
                ++in_flight < SLOTS && ended == 0 ? slot + 1 : slot; /* at first all slots, then the one that ended */
        }
        if (in_flight == 0)
            break;
        cr_assert_eq(file_reader_wait(reader, true, &slot, &error), QUIRE_OK, "%s", error.message);
        cr_assert(slot < SLOTS);
        in_flight--;
        ended++;
        const unsigned char *data = file_reader_slot(reader, slot);
        for (size_t i = 0; i < ranges[slot].bytes; i++)
            cr_assert(data[i] == byte_at(ranges[slot].file, ranges[slot].offset + i), "file %u, byte %zu",
                      ranges[slot].file, (size_t)ranges[slot].offset + i);
    }
    cr_expect(ended >= 2 * FILE_BYTES / SLOT_BYTES);
    file_reader_close(reader);
}

Test(file_read, io_uring_gives_every_byte)
{
    check_ranges(FILE_READ_URING);
}

Test(file_read, threads_give_every_byte)
{
    check_ranges(FILE_READ_THREADS);
}

static void check_end(enum file_read_backend backend)
{
    char paths[2][SCRATCH_PATH_BYTES];
    struct quire_error error = {""};
    uint32_t slot;

    write_files(paths);
    struct file_reader *reader = open_reader(backend, paths);
    if (reader == NULL)
        return;
    file_reader_start(reader, 2, 1, FILE_BYTES - 100, 101); /* one byte beyond the end */
    cr_expect_eq(file_reader_wait(reader, true, &slot, &error), QUIRE_IO);
    cr_expect_eq(slot, 2);
    cr_expect(strstr(error.message, "part1: became shorter while it was read, at byte 3000017") != NULL, "%s",
              error.message);
    for (uint32_t i = 0; i < SLOTS; i++) /* closing waits for what is in flight */
        file_reader_start(reader, i, 0, i * SLOT_BYTES, SLOT_BYTES);
    file_reader_close(reader);
}

Test(file_read, a_read_beyond_the_end_names_file_and_byte)
{
    check_end(FILE_READ_URING);
    check_end(FILE_READ_THREADS);
}

Test(file_read, an_absent_file_is_named)
{
    const char *const paths[] = {"/nowhere/model.safetensors"};
    struct file_reader *reader = NULL;
    struct quire_error error = {""};

    cr_expect_eq(file_reader_open(paths, 1, 1, 1, FILE_READ_BEST, &reader, &error), QUIRE_NOT_FOUND);
    cr_expect(strstr(error.message, paths[0]) != NULL);
}
