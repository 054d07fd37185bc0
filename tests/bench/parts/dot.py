"""Misses that go to an upstream over TLS (RFC 7858), 1,000 a second: what one costs, and how many connections and handshakes there are."""

import os
import re
import socket
import urllib.request

from data import outside
from measure import dnsperf
from measure.cpus import OTHERS, SAME_CORE, Placement
from measure.server import PORT, Running
from servers import caches, cluster
from servers.cluster import COREDNS, SEAMARK
from throwaway_pki import Authority

RATE, SECONDS = 1000, 10
UPSTREAM = Placement(OTHERS, OTHERS, 1)
NAME, PROBE = "dns.example.test", f"probe.{outside.ANY}"


def _corefile(place, upstream, authority):
    """Nothing but `forward`, so that every question is a miss. Returns the path."""
    folder, address = place
    path = os.path.join(folder, "Corefile")
    with open(path, "w", encoding="ascii") as out:
        out.write(f".:{PORT} {{\n    bind {address}\n    prometheus {address}:9153\n    forward . tls://{upstream.address}:{caches.TLS_PORT} {{\n"
                  f"        tls {authority.ca}\n        tls_servername {NAME}\n    }}\n}}\n")
    return path


def _servers(shop, upstream, authority):
    place = shop.place("seamark")
    yield cluster.seamark(place, _corefile(place, upstream, authority), place[0], PROBE, SAME_CORE)
    if shop.coredns:
        place = shop.place("coredns")
        yield cluster.coredns(shop.coredns, place, _corefile(place, upstream, authority), PROBE, SAME_CORE)


def _connections(upstream):
    """Those with the upstream, by the ports of their other ends: open ones, and for a minute those that were closed. What else this machine
    accepts meanwhile does not count."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        ends = [line.split()[1:3] for line in f][1:]
    here = socket.inet_aton(upstream.address)[::-1].hex().upper() + f":{caches.TLS_PORT:04X}"
    return {other for mine, other in ends if mine == here} | {mine for mine, other in ends if other == here}


def _full_handshakes(server):
    """Since its start, as Seamark counts them; those that take up a session are not full."""
    with urllib.request.urlopen(f"http://{server.address}:9153/metrics", timeout=5) as page:
        return sum(float(v) for v in re.findall(r'^seamark_forward_tls_handshakes_total{kind="full".*} (.*)$', page.read().decode(), re.M))


def run(shop, results):
    place = shop.place("upstream")
    authority = Authority(place[0])
    questions = os.path.join(place[0], "questions")
    outside.write_unique(questions, RATE * SECONDS, "tls")
    with caches.unbound_over_tls(place, outside.ANY, authority.issue("server", f"DNS:{NAME}"), PROBE, UPSTREAM) as upstream:
        with Running(list(_servers(shop, upstream, authority)), shop.say) as running:
            for server in running:
                before = _connections(upstream)
                dnsperf.run(server, questions, SAME_CORE.client, SECONDS, qps=RATE)
                results.figure(f"connections begun in {SECONDS} s of {RATE} misses/s over TLS, {server.name}", [len(_connections(upstream) - before)])
                if server.name == SEAMARK:
                    results.figure(f"full handshakes since the start, {SEAMARK}", [_full_handshakes(server)], "", 1)
            result = shop.measure(running, questions, SAME_CORE, qps=RATE)
    results.condition(f"upstream over TLS, {RATE} misses/s", result, SEAMARK, "the upstream is an Unbound on another CPU")
    results.compare("miss over TLS, of CoreDNS", result, SEAMARK, (COREDNS,), 1 / 3)
