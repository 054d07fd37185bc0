"""What the kernel accounts to a process and all its descendants: CPU time, memory; and where they may run."""

import os


def tree(root):
    """root and its descendants."""
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as f:
                    todo += map(int, f.read().split())
        except OSError:
            pass
    return found


def cpu_ns(root):
    """{(process, thread): nanoseconds on a CPU}, as the scheduler counts them: exact, where clock ticks are 10 ms."""
    spent = {}
    for pid in tree(root):
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
                    spent[pid, thread] = int(f.read().split()[0])
        except OSError:
            pass
    return spent


def spent_ns(before, after):
    """What was spent between two cpu_ns(). A thread that ended meanwhile is left out: what it did is not known."""
    return sum(value - before.get(thread, 0) for thread, value in after.items())


def _field_mib(pid, file, field):
    try:
        with open(f"/proc/{pid}/{file}", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(field + ":")) / 1024
    except (OSError, StopIteration):
        return 0.0


def rss_of(pid):
    """Of this process alone."""
    return _field_mib(pid, "status", "VmRSS")


def rss_mib(root):
    return sum(map(rss_of, tree(root)))


def pss_mib(root):
    """As RSS, but a page that several processes share counts once: fair to servers that fork."""
    return sum(_field_mib(pid, "smaps_rollup", "Pss") for pid in tree(root))


def peak_mib(root):
    """The sum of each process's highest RSS since its start or reset_peak()."""
    return sum(_field_mib(pid, "status", "VmHWM") for pid in tree(root))


def reset_peak(root):
    for pid in tree(root):
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")


def pin(root, cpus):
    """Every thread there is, because knotd pins its workers by itself, whatever it inherits."""
    for pid in tree(root):
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), cpus)
        except OSError:
            pass
