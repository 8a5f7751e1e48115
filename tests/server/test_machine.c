/* server/machine.c on made-up /proc and /sys trees: cgroup v2 and v1, nested, limited and not. */
#include "machine.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GIB ((size_t)1 << 30)

static char root[] = "/tmp/quire-machine-XXXXXX";

static void setup(void)
{
    cr_assert_not_null(mkdtemp(root));
}

static void teardown(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(machine, .init = setup, .fini = teardown);

/* Writes root/path, with its folders. */
static void put(const char *path, const char *text)
{
    char full[512];
    FILE *file;

    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *at = full + sizeof root; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(full, 0755);
        *at = '/';
    }
    file = fopen(full, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static uint32_t processors(void)
{
    cpu_set_t set;

    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    return (uint32_t)CPU_COUNT(&set);
}

static const char meminfo[] = "MemTotal:       33554432 kB\nMemFree:         1048576 kB\nMemAvailable:   16777216 kB\n";

Test(machine, without_cgroups_memory_is_what_is_available)
{
    put("/proc/meminfo", meminfo);
    struct machine machine = machine_probe(root);
    cr_expect_eq(machine.available_bytes, 16 * GIB);
    cr_expect_eq(machine.threads, processors());
}

Test(machine, nothing_readable_does_not_bound)
{
    cr_expect_eq(machine_probe(root).available_bytes, SIZE_MAX);
}

Test(machine, v2_limits_bind_through_all_levels)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "50000 100000\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.current", "1073741824\n");
    put("/sys/fs/cgroup/a/memory.max", "8589934592\n");
    put("/sys/fs/cgroup/a/memory.current", "3221225472\n");
    put("/sys/fs/cgroup/a/memory.stat", "anon 1\nfile 5\ninactive_file 1073741824\nactive_file 9\n");
    struct machine machine = machine_probe(root);
    cr_expect_eq(machine.threads, 1); /* half a processor still needs one thread */
    cr_expect_eq(machine.available_bytes, 6 * GIB); /* 8 - (3 - 1 that can be given back) */
}

Test(machine, v2_container_sees_its_own_root)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "2147483648\n");
    put("/sys/fs/cgroup/memory.current", "4294967296\n"); /* over its limit: nothing is left */
    cr_expect_eq(machine_probe(root).available_bytes, 0);
}

Test(machine, v1_controllers_are_found_by_name)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "4:cpuset:/x\n3:cpu,cpuacct:/docker/1\n2:memory:/docker/1\n1:name=systemd:/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n"); /* only the mount's root is visible inside a container */
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "2147483648\n");
    put("/sys/fs/cgroup/memory/memory.stat", "cache 7\ntotal_inactive_file 1073741824\n");
    struct machine machine = machine_probe(root);
    cr_expect_eq(machine.threads, processors() < 2 ? processors() : 2);
    cr_expect_eq(machine.available_bytes, 3 * GIB);
}

Test(machine, v1_without_quota_does_not_bound)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "3:cpu,cpuacct:/\n2:memory:/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "2147483648\n");
    struct machine machine = machine_probe(root);
    cr_expect_eq(machine.threads, processors());
    cr_expect_eq(machine.available_bytes, 16 * GIB);
}

Test(machine, budget_leaves_headroom)
{
    cr_expect_eq(machine_memory_budget(16 * GIB), 14 * GIB);
    cr_expect_eq(machine_memory_budget(100 * GIB), 98 * GIB);
    cr_expect_eq(machine_memory_budget(128 << 20), 64 << 20);
    cr_expect_eq(machine_memory_budget(10), 1, "0 would mean no bound");
}
