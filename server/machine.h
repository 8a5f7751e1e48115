/* What this process may use of the machine: processors and memory, by affinity and by cgroup v1 and v2. */
#ifndef QUIRE_MACHINE_H
#define QUIRE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

struct machine {
    uint32_t threads;       /* the smaller of the affinity and the cgroups' cpu quota (rounded up), at least 1 */
    size_t available_bytes; /* the smallest of MemAvailable and each enclosing cgroup's limit less what it uses;
                               SIZE_MAX where neither can be read */
};

/* Reads below `root` ("" for the machine itself; tests give a folder with proc/ and sys/). Never fails: what cannot be
 * read does not bound. */
struct machine machine_probe(const char *root);

/* What a server may plan with of `available_bytes`: an eighth, at least 64 MiB and at most 2 GiB, stays for requests and for
 * everybody else. */
size_t machine_memory_budget(size_t available_bytes);

#endif
