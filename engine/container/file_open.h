/* Opening and reading whole ranges, with errors that are sentences. */
#ifndef QUIRE_FILE_OPEN_H
#define QUIRE_FILE_OPEN_H

#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* Opens a regular file for reading; never blocks on a pipe or a device. The caller closes *descriptor.
 * QUIRE_NOT_FOUND, QUIRE_IO, QUIRE_BAD_FILE (not a regular file). */
QUIRE_NODISCARD enum quire_status file_open(const char *path, int *descriptor, uint64_t *file_bytes,
                                            struct quire_error *error);
/* Reads exactly `bytes` bytes at `offset`. QUIRE_IO. */
QUIRE_NODISCARD enum quire_status file_read_exact(int descriptor, const char *path, uint64_t offset, void *to,
                                                  size_t bytes, struct quire_error *error);

#endif
