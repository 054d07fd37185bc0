#include "metrics/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "metrics/metrics.h"

enum { CPU, OPEN_FDS, MAX_FDS, RESIDENT, VIRTUAL, VIRTUAL_MAX, START, COUNT };

static const struct metric_desc descs[COUNT] = {
    [CPU] = {.name = "process_cpu_seconds_total",
             .help = "Total user and system CPU time spent in seconds.",
             .type = METRIC_COUNTER},
    [OPEN_FDS] = {.name = "process_open_fds",
                  .help = "Number of open file descriptors.",
                  .type = METRIC_GAUGE},
    [MAX_FDS] = {.name = "process_max_fds",
                 .help = "Maximum number of open file descriptors.",
                 .type = METRIC_GAUGE},
    [RESIDENT] = {.name = "process_resident_memory_bytes",
                  .help = "Resident memory size in bytes.",
                  .type = METRIC_GAUGE},
    [VIRTUAL] = {.name = "process_virtual_memory_bytes",
                 .help = "Virtual memory size in bytes.",
                 .type = METRIC_GAUGE},
    [VIRTUAL_MAX] = {.name = "process_virtual_memory_max_bytes",
                     .help = "Maximum amount of virtual memory available in bytes.",
                     .type = METRIC_GAUGE},
    [START] = {.name = "process_start_time_seconds",
               .help = "Start time of the process since unix epoch in seconds.",
               .type = METRIC_GAUGE},
};

static struct metric_gauge *gauges[COUNT];

/* A file of /proc as text: its size is not known before, and these are small. */
static bool read_text(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    for (ssize_t n; len < cap - 1 && (n = read(fd, out + len, cap - 1 - len)) > 0;)
        len += (size_t)n;
    close(fd);
    out[len] = '\0';
    return len > 0;
}

/* When the kernel started, in Unix seconds: "btime" of /proc/stat. 0 where it is not told. */
static double boot_time(void)
{
    FILE *f = fopen("/proc/stat", "re");
    char line[256];
    double boot = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "btime ", 6) == 0)
            boot = strtod(line + 6, NULL);
    if (f != NULL)
        fclose(f);
    return boot;
}

/* The n-th field of /proc/self/stat, counted as proc(5) does; the name, which may hold anything, is the
 * second. */
static double stat_field(const char *stat, unsigned n)
{
    const char *at = strrchr(stat, ')');
    for (unsigned i = 2; at != NULL && i < n; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtod(at, NULL);
}

static void update_stat(void)
{
    static double boot;
    char stat[2048];
    double ticks = (double)sysconf(_SC_CLK_TCK);
    if (ticks <= 0 || !read_text("/proc/self/stat", stat, sizeof stat))
        return;
    metrics_gauge_set(gauges[CPU], (stat_field(stat, 14) + stat_field(stat, 15)) / ticks);
    metrics_gauge_set(gauges[VIRTUAL], stat_field(stat, 23));
    metrics_gauge_set(gauges[RESIDENT], stat_field(stat, 24) * (double)sysconf(_SC_PAGESIZE));
    if (boot == 0)
        boot = boot_time();
    metrics_gauge_set(gauges[START], boot + stat_field(stat, 22) / ticks);
}

static void update_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return;
    double count = -1; /* the folder's own */
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        if (entry->d_name[0] != '.')
            count++;
    closedir(d);
    metrics_gauge_set(gauges[OPEN_FDS], count);
}

void process_metrics_update(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        if (gauges[i] == NULL)
            gauges[i] = metrics_gauge(&descs[i], NULL, 0, NULL, NULL);
    update_stat();
    update_fds();
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metrics_gauge_set(gauges[MAX_FDS], (double)limit.rlim_cur);
    if (getrlimit(RLIMIT_AS, &limit) == 0)
        metrics_gauge_set(gauges[VIRTUAL_MAX], (double)limit.rlim_cur);
}
