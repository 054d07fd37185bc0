"""Names outside of the cluster that are in the cache: what an answer costs, and what the names take in memory."""

import os

from data import outside
from measure import dnsperf, processes
from measure.cpus import OTHERS, SAME_CORE, Placement
from measure.server import Running
from servers import authoritative, caches, cluster
from servers.caches import DNSDIST, RECURSOR, UNBOUND
from servers.cluster import COREDNS, SEAMARK

QUESTIONS = 200000
MANY = 100000  # names, for memory
UPSTREAM = Placement(OTHERS, OTHERS, 1)


def _stock(shop, upstream, name):
    """Seamark or CoreDNS with the stock Corefile; its cluster is of no account here."""
    place, at, files = shop.place(name), f"{upstream.address}:{upstream.port}", shop.regular(2, 5)
    conf = cluster.corefile(place, files.source, upstream=at, cache="large")
    if name == SEAMARK:
        return cluster.seamark(place, conf, files.zones, outside.PROBE, SAME_CORE)
    return cluster.coredns(shop.coredns, place, cluster.without_cluster(conf), outside.PROBE, SAME_CORE)


def _small(shop, upstream, name):
    """With nothing but `cache` and `forward`."""
    place = shop.place(name)
    conf, named = cluster.small_corefile(place, f"{upstream.address}:{upstream.port}"), f"{name}, cache and forward"
    if name == SEAMARK:
        return cluster.seamark(place, conf, place[0], outside.PROBE, SAME_CORE, name=named)
    return cluster.coredns(shop.coredns, place, conf, outside.PROBE, SAME_CORE, name=named)


def hits(shop, results, upstream, once, mix):
    ours = (SEAMARK, COREDNS) if shop.coredns else (SEAMARK,)
    servers = [make(shop, upstream, name) for make in (_stock, _small) for name in ours]
    servers += [make(shop.place(name), upstream, outside.PROBE, SAME_CORE) for name, make in (
        (UNBOUND, caches.unbound), (DNSDIST, caches.dnsdist), (RECURSOR, caches.recursor))]
    with Running(servers, shop.say) as running:
        for server in running:
            dnsperf.run(server, once, SAME_CORE.client, 30, once=True)
        result = shop.measure(running, mix, SAME_CORE)
    results.condition("cache hits, 1 worker", result, SEAMARK)
    results.compare("cache hit, of the best of Unbound, dnsdist and Recursor", result, SEAMARK, (UNBOUND, DNSDIST, RECURSOR), 0.7)
    results.compare("cache hit, of CoreDNS, stock Corefile", result, SEAMARK, (COREDNS,), 1 / 9)
    small = f"{SEAMARK}, cache and forward", f"{COREDNS}, cache and forward"
    results.compare("cache hit, of CoreDNS, cache and forward alone", result, small[0], small[1:], 1 / 4.5)


def memory(shop, results, upstream, folder):
    """RSS with 100,000 names in the cache less that with none."""
    path = os.path.join(folder, "many")
    outside.write_unique(path, MANY, "many")
    with Running([_small(shop, upstream, name) for name in ((SEAMARK, COREDNS) if shop.coredns else (SEAMARK,))], shop.say) as running:
        for server in running:
            before = processes.rss_mib(server.pid)
            dnsperf.run(server, path, SAME_CORE.client, 60, once=True)
            took = processes.rss_mib(server.pid) - before
            target = 40 if server.name.startswith(SEAMARK) else None
            results.figure(f"memory of {MANY} cached names, {server.name}", [took], "MiB", target, note=f"before them {before:.1f} MiB")


def run(shop, results):
    place = shop.place("upstream")
    names = outside.write_zone(place[0])
    zones = {outside.ZONE: os.path.join(place[0], f"{outside.ZONE}.zone")}
    once, mix = outside.write_questions(place[0], names, QUESTIONS)
    with authoritative.nsd(place, zones, outside.PROBE, UPSTREAM) as upstream:
        hits(shop, results, upstream, once, mix)
        memory(shop, results, upstream, place[0])
