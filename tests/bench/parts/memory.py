"""Memory of both processes with large clusters, through a relist too, and how soon the zone on disk is answered after a start."""

import os
import time

from data import objects
from measure import in_step, processes
from measure.cpus import EVERYWHERE
from servers import cluster
from servers.scripted_api import fill
from fake_apiserver import FakeApiServer
from workshop import PROBE

SAMPLES = 3
RESOURCES = 3  # that are listed: Namespaces, Services, EndpointSlices


def _server(shop, api):
    place = shop.place("seamark")
    conf, zones = cluster.corefile(place, f"endpoint {api.url}"), os.path.join(place[0], "zones")
    return cluster.seamark(place, conf, zones, PROBE, EVERYWHERE, supervised=True), zones


def _relist(api, zones, services, endpoints):
    """The API server was away and has forgotten the past, so everything is listed again; a tenth of the endpoints have changed."""
    asked, begin = len(api.asked()), time.time()
    api.stop()
    for i in range(0, services, 10):
        api.put(objects.slice_of_regular(i, endpoints, life=1))
    api.compact()
    api.start()
    end = time.time() + 90
    while len([r for r in api.asked()[asked:] if r.verb == "list" or r.query.get("sendInitialEvents") == "true"]) < RESOURCES:
        if time.time() > end:
            raise TimeoutError("nothing was listed again")
        time.sleep(0.05)
    in_step.wait(zones, begin)
    time.sleep(3)  # what it has read by then is in the zone, and its buffers are free again


def measure(shop, results, services, endpoints, target, peak_target=None, start_target=None):
    what = f"{services} Services, {services * endpoints} endpoints"
    shop.say(what)
    with FakeApiServer(streams=True) as api:
        fill(api, objects.regular(services, endpoints))
        server, zones = _server(shop, api)
        begin = time.time()
        with server:
            in_step.wait(zones, begin)
            time.sleep(3)
            steady, first = processes.rss_mib(server.pid), processes.peak_mib(server.pid)
            each = ", ".join(f"{processes.rss_of(pid):.0f}" for pid in processes.tree(server.pid))
            results.figure(f"{what}: RSS of both processes", [steady], "MiB", target, note=f"seamark, seamark-sync: {each}")
            results.figure(f"{what}: peak of the first start", [first], "MiB")
            processes.reset_peak(server.pid)
            _relist(api, zones, services, endpoints)
            results.figure(f"{what}: peak through a relist, of the RSS before it", [processes.peak_mib(server.pid) / steady], "", peak_target)
            results.figure(f"{what}: RSS after the relist", [processes.rss_mib(server.pid)], "MiB")
            api.stop()  # its Python would take the CPU that the server needs
        starts, cpu = [], []
        for _ in range(SAMPLES):
            with server:
                starts.append(server.start_s)
                cpu.append(server.start_cpu_s)
        results.figure(f"{what}: start with the zone on disk to the first answer", starts, "s", start_target,
                       note=f"CPU of both processes {min(cpu):.2f}–{max(cpu):.2f} s; the API server is away")


def run(shop, results):
    measure(shop, results, 5000, 10, 40, peak_target=1.2)
    measure(shop, results, 10000, 15, 120, start_target=0.5)
