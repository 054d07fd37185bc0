"""Names outside of the cluster: answers that are in the cache, and names that nobody has asked for before."""

import os

from data import outside
from measure import dnsperf
from measure.cpus import OTHERS, SAME_CORE, Placement
from measure.server import Running
from servers import authoritative, caches, cluster
from servers.caches import DNSDIST, RECURSOR, UNBOUND
from servers.cluster import COREDNS, SEAMARK

QUESTIONS = 200000
UNIQUE = 6000  # a round
UPSTREAM = Placement(OTHERS, OTHERS, 1)


def _cluster_server(shop, upstream, name, cache):
    """Seamark or CoreDNS with the stock Corefile; its cluster is of no account here."""
    place, at = shop.place(name), f"{upstream.address}:{upstream.port}"
    files = shop.regular(2, 5)
    if name == SEAMARK:
        conf = cluster.corefile(place, files.source, upstream=at, cache=cache)
        return cluster.seamark(place, conf, files.zones, outside.PROBE, SAME_CORE)
    conf = cluster.corefile(place, files.source, upstream=at, cache=cache)
    with open(conf, encoding="ascii") as f:  # without an API server it would answer nothing
        lines = f.read().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.strip().startswith("kubernetes "))
    last = next(i for i in range(first, len(lines)) if lines[i].strip() == "}")
    with open(conf, "w", encoding="ascii") as out:
        out.writelines(lines[:first] + lines[last + 1:])
    return cluster.coredns(shop.coredns, place, conf, outside.PROBE, SAME_CORE)


def hits(shop, results, upstream, folder, names):
    once, mix = outside.write_questions(folder, names, QUESTIONS)
    servers = [_cluster_server(shop, upstream, SEAMARK, "large")]
    servers += [make(shop.place(name), upstream, outside.PROBE, SAME_CORE) for name, make in (
        (UNBOUND, caches.unbound), (DNSDIST, caches.dnsdist), (RECURSOR, caches.recursor))]
    if shop.coredns:
        servers.append(_cluster_server(shop, upstream, COREDNS, "large"))
    with Running(servers, shop.say) as running:
        for server in running:
            dnsperf.run(server, once, SAME_CORE.client, 30, once=True)
        result = shop.measure(running, mix, SAME_CORE)
    results.condition("cache hits, 1 worker", result, SEAMARK)
    for peer in (UNBOUND, DNSDIST, RECURSOR, COREDNS):
        results.compare(f"cache hit, of {peer}", result, SEAMARK, (peer,))


def misses(shop, results, upstream, folder):
    def unique(number):
        path = os.path.join(folder, f"unique-{number}")
        outside.write_unique(path, UNIQUE, f"r{number}")
        return path

    servers = [_cluster_server(shop, upstream, SEAMARK, "kubeadm"),
               caches.unbound(shop.place("unbound"), upstream, outside.PROBE, SAME_CORE)]
    if shop.coredns:
        servers.append(_cluster_server(shop, upstream, COREDNS, "kubeadm"))
    with Running(servers, shop.say) as running:
        result = shop.measure(running, unique, SAME_CORE, once=True)
    results.condition("cache misses, 1 worker", result, SEAMARK, f"{UNIQUE} unique names a round, upstream NSD on another CPU")
    for peer in (UNBOUND, COREDNS):
        results.compare(f"cache miss, of {peer}", result, SEAMARK, (peer,))


def run(shop, results):
    place = shop.place("upstream")
    names = outside.write_zone(place[0])
    zones = {outside.ZONE: os.path.join(place[0], f"{outside.ZONE}.zone")}
    with authoritative.nsd(place, zones, outside.PROBE, UPSTREAM) as upstream:
        hits(shop, results, upstream, place[0], names)
        misses(shop, results, upstream, place[0])
