"""A zone file of about a million records: from the start of the process to its first answer, and the memory on the way."""

from measure import processes
from measure.cpus import SAME_CORE

SERVICES = 47000  # some 1,000,000 records
STARTS = 3


def run(shop, results):
    files = shop.mixed(SERVICES)
    seconds, cpu, peaks, sizes = [], [], [], []
    for _ in range(STARTS):
        with shop.seamark(files, SAME_CORE) as server:
            seconds.append(server.start_s)
            cpu.append(server.start_cpu_s)
            sizes.append(processes.rss_mib(server.pid))
            peaks.append(processes.peak_mib(server.pid) / sizes[-1])
    count = files.records()
    results.figure(f"start with {count} records on disk to the first answer", seconds, "s", 1.0,
                   note=f"CPU {min(cpu):.2f}–{max(cpu):.2f} s")
    results.figure(f"memory with {count} records (RSS)", sizes, "MiB", note=f"{sizes[-1] * 1048576 / count:.0f} octets a record")
    results.figure("peak while loading them, of that", peaks, "", 1.3)
