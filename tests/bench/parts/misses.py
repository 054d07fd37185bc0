"""Names outside of the cluster that nobody has asked for before: what a question to an upstream costs, by each kind of exchange."""

import os

from data import outside
from measure.cpus import OTHERS, SAME_CORE, Placement
from measure.server import Running
from servers import authoritative, caches, cluster
from servers.caches import UNBOUND
from servers.cluster import COREDNS, SEAMARK
from signed import Signed

UNIQUE = 6000  # a round
SIGNED = 1500  # a round: each has a signature of its own
UPSTREAM = Placement(OTHERS, OTHERS, 1)
DIRECT, VALIDATING, UNBOUND_VALIDATING = f"{SEAMARK}, direct", f"{SEAMARK}, validating", f"{UNBOUND}, validating"


def _seamark(shop, upstream, probe, name, forward=""):
    place, files = shop.place(name), shop.regular(2, 5)
    conf = cluster.corefile(place, files.source, upstream=f"{upstream.address}:{upstream.port}", forward=forward)
    return cluster.seamark(place, conf, files.zones, probe, SAME_CORE, name=name)


def _coredns(shop, upstream):
    place = shop.place(COREDNS)
    conf = cluster.corefile(place, "", upstream=f"{upstream.address}:{upstream.port}")
    return cluster.coredns(shop.coredns, place, cluster.without_cluster(conf), outside.PROBE, SAME_CORE)


def plain(shop, results, upstream, folder):
    def unique(number):
        path = os.path.join(folder, f"unique-{number}")
        outside.write_unique(path, UNIQUE, f"r{number}")
        return path

    servers = [_seamark(shop, upstream, outside.PROBE, SEAMARK), _seamark(shop, upstream, outside.PROBE, DIRECT, "       exchange direct\n"),
               caches.unbound(shop.place("unbound"), upstream, outside.PROBE, SAME_CORE)]
    if shop.coredns:
        servers.append(_coredns(shop, upstream))
    with Running(servers, shop.say) as running:
        result = shop.measure(running, unique, SAME_CORE, once=True)
    results.condition("cache misses, 1 worker", result, SEAMARK, f"{UNIQUE} unique names a round, upstream NSD on another CPU")
    results.compare("cache miss by libunbound, of Unbound", result, SEAMARK, (UNBOUND,), 1.2)
    results.compare("cache miss by libunbound, of CoreDNS", result, SEAMARK, (COREDNS,), 1)
    results.compare("cache miss, exchange direct, of CoreDNS", result, DIRECT, (COREDNS,), 0.25)


def _signed_zones(folder, count):
    """A root and a zone of so many names below it. Returns {zone: file} and the root's trust anchor."""
    zone = Signed(folder, "signed.", "ns A 192.0.2.1\n" + "".join(f"n{i} A 192.0.2.2\n" for i in range(count))).sign()
    root = Signed(folder, ".", "signed. NS ns.signed.\nns.signed. A 192.0.2.1\n", ns="ns.signed.")
    root.add(zone.ds)
    root.sign()
    return {".": root.signed, "signed.": zone.signed}, root.write_anchor(os.path.join(folder, "anchor"))


def validated(shop, results):
    place = shop.place("signed")

    def slice_of(number):
        path = os.path.join(place[0], f"names-{number}")
        with open(path, "w", encoding="ascii") as out:
            out.writelines(f"n{i}.signed A\n" for i in range(number * SIGNED, (number + 1) * SIGNED))
        return path

    zones, anchor = _signed_zones(place[0], SIGNED * shop.rounds)
    with authoritative.nsd(place, zones, "ns.signed", UPSTREAM) as upstream:
        unbound = caches.unbound(shop.place("unbound"), upstream, "ns.signed", SAME_CORE, anchor)
        unbound.name = UNBOUND_VALIDATING
        ours = _seamark(shop, upstream, "ns.signed", VALIDATING, f"       validate {anchor}\n")
        with Running([ours, unbound], shop.say) as running:
            result = shop.measure(running, slice_of, SAME_CORE, once=True)
    results.condition("validated misses, 1 worker", result, VALIDATING, f"{SIGNED} names a round, each with a signature of its own (ECDSA P-256)")
    results.compare("validated miss, of Unbound with validation", result, VALIDATING, (UNBOUND_VALIDATING,), 1.2,
                    note="; signatures are checked by nettle in Debian's libunbound, by OpenSSL in the daemon")


def run(shop, results):
    place = shop.place("upstream")
    outside.write_zone(place[0])
    zones = {outside.ZONE: os.path.join(place[0], f"{outside.ZONE}.zone")}
    with authoritative.nsd(place, zones, outside.PROBE, UPSTREAM) as upstream:
        plain(shop, results, upstream, place[0])
    validated(shop, results)
