#include "serve/cpu_quota.h"

#include <sched.h>
#include <stdio.h>

unsigned cpu_quota_parse(const char *text)
{
    long long quota, period;
    if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period != 0);
    return cpus > 4096 ? 4096 : (unsigned)cpus;
}

static unsigned read_quota(const char *first, const char *second)
{
    char text[64] = "";
    const char *const paths[] = {first, second};
    size_t used = 0;
    for (unsigned i = 0; i < 2 && paths[i] != NULL; i++) {
        FILE *f = fopen(paths[i], "re");
        if (f == NULL)
            return 0;
        size_t n = fread(text + used, 1, sizeof text - 2 - used, f);
        fclose(f);
        used += n;
        text[used++] = ' ';
        text[used] = '\0';
    }
    return cpu_quota_parse(text);
}

unsigned cpu_quota(void)
{
    cpu_set_t set;
    unsigned cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    unsigned quota = read_quota("/sys/fs/cgroup/cpu.max", NULL);
    if (quota == 0)
        quota = read_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (quota != 0 && quota < cpus)
        cpus = quota;
    return cpus > 0 ? cpus : 1;
}
