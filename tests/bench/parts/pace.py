"""Changes at a pace in a cluster of 150,000 endpoints: how soon each is answered, and what that costs, for Seamark and CoreDNS at once.

Both follow the same scripted API server. An endpoint of a slice gets another address, and its name is asked for, of both in turn, until
both have it: so neither is asked more often, nor sooner, than the other. Changes are made when they are due, whatever has been answered.
"""

import os
import time

from data import objects
from fake_apiserver import FakeApiServer
from measure import in_step, processes
from measure.cpus import EVERYWHERE
from measure.server import Running
from measure.wire import Asker
from report.results import percentile
from servers import cluster
from servers.cluster import COREDNS, SEAMARK
from servers.scripted_api import fill
from workshop import PROBE

SERVICES, ENDPOINTS = 10000, 15
PACES = (20, 200)  # changes a second
WORST = 10000  # milliseconds: what is not answered by then counts as this
PAUSE = 0.0003  # between rounds of questions


class Change:
    """One that is not yet answered by all."""

    def __init__(self, name, servers):
        self.name, self.at, self.missing = name, time.perf_counter(), set(servers)


class Changes:
    """Makes changes and watches them arrive, in one thread so that nothing waits for the interpreter."""

    def __init__(self, api, servers):
        self.api = api
        self.askers = {server.name: Asker(server.address, server.port) for server in servers}
        self.times, self.open, self.made = {}, [], 0

    def make(self):
        service, address = self.made * 7919 % SERVICES, objects.FIRST_POD + (3 << 21) + self.made
        obj = objects.slice_of_regular(service, ENDPOINTS)
        obj["endpoints"][0]["addresses"] = [objects.dotted(address)]
        self.made += 1
        change = Change(objects.endpoint_name_of_regular(service, address), self.askers)
        self.api.put(obj)
        self.api.history.clear()
        self.open.append(change)

    def look(self):
        for change in self.open:
            for server, asker in self.askers.items():
                reply = asker.ask(change.name)
                spent = (time.perf_counter() - change.at) * 1000
                if server in change.missing and (spent > WORST or (reply and reply[6:8] != b"\0\0")):
                    change.missing.remove(server)
                    self.times[server].append(min(spent, WORST))
        self.open = [c for c in self.open if c.missing]
        self.askers = dict(reversed(self.askers.items()))

    def run(self, pace, seconds):
        """Returns the seconds that it took; `times` are then the milliseconds of each change, for each server."""
        self.times = {name: [] for name in self.askers}
        begin = due = time.perf_counter()
        last = self.made + pace * seconds
        while self.made < last or self.open:
            if self.made < last and time.perf_counter() >= due:
                self.make()
                due += 1 / pace
            self.look()
            time.sleep(PAUSE)
        return time.perf_counter() - begin


def servers_of(shop, api):
    place = shop.place("seamark")
    conf = cluster.corefile(place, f"endpoint {api.url}")
    yield cluster.seamark(place, conf, os.path.join(place[0], "zones"), PROBE, EVERYWHERE, supervised=True)
    if shop.coredns:
        place = shop.place("coredns")
        yield cluster.coredns(shop.coredns, place, cluster.corefile(place, f"endpoint {api.url}"), PROBE, EVERYWHERE)


def measure(results, changes, servers, pace, seconds):
    what = f"{pace} changes a second, {SERVICES * ENDPOINTS} endpoints"
    before = {server.name: processes.cpu_ns(server.pid) for server in servers}
    took = changes.run(pace, seconds)
    cpu = {s.name: processes.spent_ns(before[s.name], processes.cpu_ns(s.pid)) / took / 1e7 for s in servers}
    for name, times in changes.times.items():
        results.figure(f"{what}: event to answer, {name}", times, "ms", 50 if name == SEAMARK else None, share=0.99,
                       note=f"CPU {cpu[name]:.1f} % of a core, both processes" if name == SEAMARK else f"CPU {cpu[name]:.1f} % of a core")
    if COREDNS in cpu:
        ours, theirs = changes.times[SEAMARK], changes.times[COREDNS]
        for share, word in ((0.5, "median"), (0.99, "p99")):
            results.figure(f"{what}: {word} of event to answer, of CoreDNS's", [percentile(ours, share) / percentile(theirs, share)], "",
                           1 if pace == PACES[0] else None)
        results.figure(f"{what}: CPU, of CoreDNS's", [cpu[SEAMARK] / cpu[COREDNS]], "", 1)


def run(shop, results):
    seconds = 60 if shop.full else 10
    with FakeApiServer(streams=True) as api:
        fill(api, objects.regular(SERVICES, ENDPOINTS))
        begin = time.time()
        with Running(list(servers_of(shop, api)), shop.say) as servers:
            in_step.wait(os.path.join(servers[0].folder, "zones"), begin)
            time.sleep(5)  # garbage of the start
            changes = Changes(api, servers)
            for pace in PACES:
                shop.say(f"{pace} changes a second for {seconds} s")
                measure(results, changes, servers, pace, seconds)
