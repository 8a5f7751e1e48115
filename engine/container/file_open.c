/* See file_open.h. Any thread. */
#include "file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum quire_status file_open(const char *path, int *descriptor, uint64_t *file_bytes, struct quire_error *error)
{
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a named pipe must not hang us */
    struct stat info;

    if (opened < 0)
        return quire_fail(error, errno == ENOENT || errno == ENOTDIR ? QUIRE_NOT_FOUND : QUIRE_IO, "%s: %s", path,
                          strerror(errno));
    if (fstat(opened, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(opened);
        return quire_fail(error, QUIRE_BAD_FILE, "%s: not a regular file", path);
    }
    *descriptor = opened;
    *file_bytes = (uint64_t)info.st_size;
    return QUIRE_OK;
}

enum quire_status file_read_exact(int descriptor, const char *path, uint64_t offset, void *to, size_t bytes,
                                  struct quire_error *error)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t count = pread(descriptor, (char *)to + done, bytes - done, (off_t)(offset + done));

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return quire_fail(error, QUIRE_IO, "%s: cannot read at byte %llu: %s", path,
                              (unsigned long long)(offset + done), strerror(errno));
        if (count == 0)
            return quire_fail(error, QUIRE_IO, "%s: became shorter while it was read, at byte %llu", path,
                              (unsigned long long)(offset + done));
        done += (size_t)count;
    }
    return QUIRE_OK;
}
