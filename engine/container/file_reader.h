/* Reads of large ranges of files, several in flight, into staging slots. io_uring; threads with pread stand behind the
 * same interface where the kernel or a sandbox refuses it. One thread at a time uses a reader. */
#ifndef QUIRE_FILE_READER_H
#define QUIRE_FILE_READER_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum file_read_backend { FILE_READ_BEST, FILE_READ_URING, FILE_READ_THREADS };

struct file_reader;

/* Opens `path_count` files and `slot_count` staging slots of `slot_bytes` each. FILE_READ_BEST falls back to threads by
 * itself, and obeys QUIRE_FILE_READ=io_uring or =threads in the environment (for tests and bug reports).
 * QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_NO_MEMORY, QUIRE_UNSUPPORTED (FILE_READ_URING refused by the kernel). */
QUIRE_NODISCARD enum quire_status file_reader_open(const char *const *paths, uint32_t path_count, uint32_t slot_count,
                                                   size_t slot_bytes, enum file_read_backend backend,
                                                   struct file_reader **out, struct quire_error *error);
void file_reader_close(struct file_reader *reader); /* waits for what is in flight; NULL is allowed */

const char *file_reader_backend(const struct file_reader *reader); /* "io_uring" or "threads" */
void *file_reader_slot(struct file_reader *reader, uint32_t slot); /* aligned to 4096 bytes */

/* Starts to read [offset, offset + bytes) of file `file` into a free slot; bytes <= slot_bytes. Errors come with the
 * wait. */
void file_reader_start(struct file_reader *reader, uint32_t slot, uint32_t file, uint64_t offset, size_t bytes);

/* Gives a slot whose read has ended, in no particular order. `block` false: *slot may become FILE_READ_NONE. At least
 * one read must be in flight. QUIRE_IO names file and byte; the reads still in flight go on. */
#define FILE_READ_NONE UINT32_MAX
QUIRE_NODISCARD enum quire_status file_reader_wait(struct file_reader *reader, bool block, uint32_t *slot,
                                                   struct quire_error *error);

#endif
