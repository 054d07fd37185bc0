/* How many CPUs this process may use. */
#ifndef SEAMARK_SERVE_CPU_QUOTA_H
#define SEAMARK_SERVE_CPU_QUOTA_H

/* CPUs of the affinity mask, and no more than the cgroup's quota rounded up (cpu.max of cgroup 2,
 * cpu.cfs_quota_us of cgroup 1). At least 1. */
unsigned cpu_quota(void);

/* The same from the text of cpu.max ("150000 100000", "max 100000"): 0 where there is no limit. */
unsigned cpu_quota_parse(const char *text);

#endif
