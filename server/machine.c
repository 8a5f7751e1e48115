/* Limits of this process, read once at start by main. A cgroup's limit binds everything below it, so each is looked up from the
 * process's own group to the root of the mount, which also serves containers that see only a part of the path. */
#include "machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096u
#define MIB ((size_t)1 << 20)

static bool file_read(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t count;

    if (file == NULL)
        return false;
    count = fread(out, 1, size - 1, file);
    fclose(file);
    out[count] = '\0';
    return count > 0;
}

/* The number after `key` at the start of a line, in a file of "key number" lines. */
static bool line_number(const char *text, const char *key, uint64_t *out)
{
    size_t key_bytes = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
        if (strncmp(line, key, key_bytes) == 0) {
            *out = strtoull(line + key_bytes, NULL, 10);
            return true;
        }
    }
    return false;
}

static bool file_number(const char *folder, const char *name, uint64_t *out)
{
    char path[PATH_BYTES + 64], text[64], *end;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!file_read(path, text, sizeof text))
        return false;
    *out = strtoull(text, &end, 10); /* "max" has no digits; v1's "none" is a number near 2^63; -1 wraps to one */
    return end != text;
}

static void bound_threads(struct machine *machine, uint64_t quota_us, uint64_t period_us)
{
    uint64_t processors = period_us == 0 ? UINT64_MAX : quota_us / period_us + (quota_us % period_us != 0);

    if (processors < machine->threads)
        machine->threads = processors == 0 ? 1 : (uint32_t)processors;
}

/* Of what a group uses, the kernel gives inactive page cache back for the asking. */
static void bound_memory(struct machine *machine, const char *folder, const char *limit_name, const char *usage_name,
                         const char *cache_key)
{
    uint64_t limit, usage, cache = 0, left;
    char path[PATH_BYTES + 64], *stat;

    if (!file_number(folder, limit_name, &limit) || !file_number(folder, usage_name, &usage))
        return;
    stat = malloc(16384);
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    if (stat != NULL && file_read(path, stat, 16384))
        (void)line_number(stat, cache_key, &cache);
    free(stat);
    usage = cache < usage ? usage - cache : 0;
    left = limit > usage ? limit - usage : 0;
    if (left < machine->available_bytes)
        machine->available_bytes = (size_t)left;
}

static void group_v2(struct machine *machine, const char *folder)
{
    char path[PATH_BYTES + 64], text[128];
    unsigned long long quota, period;

    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (file_read(path, text, sizeof text) && sscanf(text, "%llu %llu", &quota, &period) == 2)
        bound_threads(machine, quota, period);
    bound_memory(machine, folder, "memory.max", "memory.current", "inactive_file ");
}

static void group_v1_cpu(struct machine *machine, const char *folder)
{
    uint64_t quota, period;

    if (file_number(folder, "cpu.cfs_quota_us", &quota) && quota < (uint64_t)INT64_MAX && /* -1: none */
        file_number(folder, "cpu.cfs_period_us", &period))
        bound_threads(machine, quota, period);
}

static void group_v1_memory(struct machine *machine, const char *folder)
{
    bound_memory(machine, folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ");
}

/* Applies `bound` to the group at `mount` + `group` and to each that encloses it, down to the mount's root. */
static void walk_up(struct machine *machine, const char *root, const char *mount, const char *group,
                    void (*bound)(struct machine *, const char *))
{
    char folder[PATH_BYTES];
    size_t mount_bytes = (size_t)snprintf(folder, sizeof folder, "%s%s", root, mount);
    int total = snprintf(folder, sizeof folder, "%s%s%s", root, mount, group);

    if (total < 0 || (size_t)total >= sizeof folder)
        folder[mount_bytes] = '\0';
    for (;;) {
        char *slash = strrchr(folder, '/');
        bound(machine, folder);
        if (slash == NULL || strlen(folder) <= mount_bytes || (size_t)(slash - folder) < mount_bytes)
            return;
        *slash = '\0';
    }
}

static bool names_controller(const char *list, size_t list_bytes, const char *name)
{
    size_t name_bytes = strlen(name);

    for (size_t at = 0; at < list_bytes;) {
        size_t count = strcspn(list + at, ",:");
        if (count == name_bytes && strncmp(list + at, name, count) == 0)
            return true;
        at += count + 1;
    }
    return false;
}

/* Each line of /proc/self/cgroup is "hierarchy:controllers:path"; v2's has no controllers. */
static void apply_groups(struct machine *machine, const char *root, char *groups)
{
    char *rest = groups, *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        char *controllers = strchr(line, ':'), *group;

        if (controllers == NULL || (group = strchr(controllers + 1, ':')) == NULL)
            continue;
        controllers++;
        if (controllers == group)
            walk_up(machine, root, "/sys/fs/cgroup", group + 1, group_v2);
        if (names_controller(controllers, (size_t)(group - controllers), "cpu"))
            walk_up(machine, root, "/sys/fs/cgroup/cpu", group + 1, group_v1_cpu);
        if (names_controller(controllers, (size_t)(group - controllers), "memory"))
            walk_up(machine, root, "/sys/fs/cgroup/memory", group + 1, group_v1_memory);
    }
}

struct machine machine_probe(const char *root)
{
    struct machine machine = {.threads = 1, .available_bytes = SIZE_MAX};
    char path[PATH_BYTES], text[PATH_BYTES];
    uint64_t kibibytes;
    cpu_set_t affinity;

    if (sched_getaffinity(0, sizeof affinity, &affinity) == 0 && CPU_COUNT(&affinity) > 0)
        machine.threads = (uint32_t)CPU_COUNT(&affinity);
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (file_read(path, text, sizeof text) && line_number(text, "MemAvailable:", &kibibytes))
        machine.available_bytes = (size_t)kibibytes * 1024;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (file_read(path, text, sizeof text))
        apply_groups(&machine, root, text);
    return machine;
}

size_t machine_memory_budget(size_t available_bytes)
{
    size_t headroom = available_bytes / 8;

    if (headroom < 64 * MIB)
        headroom = 64 * MIB;
    if (headroom > 2048 * MIB)
        headroom = 2048 * MIB;
    return available_bytes > headroom ? available_bytes - headroom : 1; /* 0 would mean no bound */
}
