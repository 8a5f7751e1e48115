/* Private to file_read*.c and file_reader.c: what a backend does. */
#ifndef QUIRE_FILE_READ_H
#define QUIRE_FILE_READ_H

#include "file_reader.h"

struct file_slot {
    char *buffer;
    int descriptor;
    const char *path;
    uint64_t offset; /* of the whole range */
    size_t bytes, done;
    int failure;     /* errno; 0; or ENODATA where the file ended */
};

struct file_backend {
    const char *name;
    /* Returns NULL where the system refuses it; `slots` outlives the state. */
    void *(*open)(struct file_slot *slots, uint32_t slot_count);
    void (*close)(void *state); /* nothing is in flight */
    void (*start)(void *state, uint32_t slot);
    /* A slot that is done or has failed, or FILE_READ_NONE. */
    uint32_t (*wait)(void *state, bool block);
};

extern const struct file_backend file_backend_uring, file_backend_threads;

#endif
