"""Which CPUs the servers get and which dnsperf gets.

One core for both is the steadiest on a machine with neighbours: batches are full and nobody idles. Seamark counts its workers from
what it is pinned to (src/serve/cpu_quota.h).
"""

import os

ALL = sorted(os.sched_getaffinity(0))
OTHERS = ALL[1:] or ALL  # for what is not measured: upstreams, readers, scripted API servers


class Placement:
    def __init__(self, servers, client, workers):
        self.servers, self.client, self.workers = servers, client, workers


SAME_CORE = Placement(ALL[:1], ALL[:1], 1)
SPLIT = Placement(ALL[:1], OTHERS, 1)
TWO_WORKERS = Placement(ALL[:2], ALL[2:] or ALL, 2)
EVERYWHERE = Placement(ALL, ALL, len(ALL))
# The client has cores of its own when two workers run.
CORES_ARE_FREE = len(ALL) >= 4
