"""A pod asks for a Service that is not there yet, NXDOMAIN; the Service is created; the pod asks again."""

import os
import time

from data import objects
from measure.cpus import SPLIT
from measure.server import Running
from measure.wire import NOERROR, NXDOMAIN, Asker, rcode
from servers import cluster
from servers.cluster import COREDNS, SEAMARK
from servers.scripted_api import serving
from workshop import PROBE

SERVICES = 500
PAUSE = 0.001  # between questions


def servers_of(shop, api):
    for cache in ("kubeadm", "cache 30"):
        place = shop.place("seamark")
        conf = cluster.corefile(place, f"endpoint {api.url}", cache=cache)
        yield cluster.seamark(place, conf, os.path.join(place[0], "zones"), PROBE, SPLIT, supervised=True, name=f"{SEAMARK}, {cache}")
        if shop.coredns:
            place = shop.place("coredns")
            conf = cluster.corefile(place, f"endpoint {api.url}", cache=cache)
            yield cluster.coredns(shop.coredns, place, conf, PROBE, SPLIT, f"{COREDNS}, {cache}")


def one(api, server, number, limit):
    """Milliseconds from the API server's event to the first right answer, at most `limit` seconds."""
    name = f"made-{number}.default.svc.cluster.local"
    with Asker(server.address, server.port) as asker:
        before = asker.ask(name)
        assert before and rcode(before) == NXDOMAIN, f"{server.name} knows {name} before it is there"
        begin = time.perf_counter()
        api.put(objects.service("default", f"made-{number}", [f"10.100.{number // 250}.{number % 250 + 1}"], [("http", 80)]))
        while True:
            reply = asker.ask(name)
            spent = time.perf_counter() - begin
            if (reply and rcode(reply) == NOERROR) or spent > limit:
                return spent * 1000
            time.sleep(PAUSE)


def run(shop, results):
    samples, limit = (20, 35) if shop.full else (5, 3)
    made = 0
    with serving(shop.mixed(SERVICES).objects) as api, Running(list(servers_of(shop, api)), shop.say) as running:
        for server in running:
            times = []
            for _ in range(samples if server.name.startswith(SEAMARK) else 3):
                made += 1
                times.append(one(api, server, made, limit))
            late = sum(t > limit * 1000 for t in times)
            note = f"{late} of {len(times)} still wrong after {limit} s" if late else ""
            target = 100 if server.name.startswith(SEAMARK) else None
            results.figure(f"denied, then created: API server to right answer, {server.name}", times, "ms", target, share=1.0, note=note)
