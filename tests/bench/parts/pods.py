"""Memory of both processes with 150,000 pods and `pods verified`, and after a tenth of them were replaced one by one."""

import os
import time

from data import objects
from fake_apiserver import FakeApiServer
from measure import in_step, processes
from measure.cpus import EVERYWHERE
from measure.wire import wait_answer
from servers import cluster
from servers.scripted_api import fill
from workshop import PROBE

PODS, OF_A_NAMESPACE = 150000, 200
MORE = {"": "", " and `autopath @kubernetes`": "    autopath @kubernetes\n"}


def _address(i, life):
    return f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" if not life else f"10.{16 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def _namespace(i):
    return f"team-{i // OF_A_NAMESPACE:04}"


def pod(i, life=0):
    """Number i, as a kubelet leaves it, some 2 KiB of JSON; in another `life` it has another name and address."""
    name, ip = f"web-{i % 7}-6d4cf56db{life}-{i:05x}", _address(i, life)
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": objects.meta(name, _namespace(i), {"pod-template-hash": "6d4cf56db"}),
        "spec": {"nodeName": f"node-{i % 5000}", "containers": [{"name": "web", "image": "registry.example/web:1.2.3", "env": [
            {"name": f"VARIABLE_{n}", "value": "x" * 40} for n in range(10)]}]},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": "192.168.0.1", "conditions": [
            {"type": t, "status": "True", "lastTransitionTime": objects.CREATED} for t in ("Ready", "PodScheduled")]},
    }


def _name(i, life=0):
    return f"{_address(i, life).replace('.', '-')}.{_namespace(i)}.pod.cluster.local"


def _everything():
    yield from (objects.namespace(_namespace(i)) for i in range(0, PODS, OF_A_NAMESPACE))
    yield objects.namespace("kube-system")
    yield objects.service("kube-system", "kube-dns", ["10.96.0.10"], [("dns", 53)])
    yield from map(pod, range(PODS))


def _measure(shop, results, api, what, more):
    place = shop.place("seamark")
    conf, zones = cluster.corefile(place, f"endpoint {api.url}", more=more), os.path.join(place[0], "zones")
    with open(conf, encoding="ascii") as f:
        text = f.read()
    with open(conf, "w", encoding="ascii") as out:
        out.write(text.replace("pods insecure", "pods verified"))
    begin = time.time()
    with cluster.seamark(place, conf, zones, PROBE, EVERYWHERE, supervised=True) as server:
        in_step.wait(zones, begin)
        assert wait_answer(server.address, server.port, _name(PODS - 1)), "the last pod is not answered"
        results.figure(f"{what}: RSS of both processes", [processes.rss_mib(server.pid)], "MiB", 95)
        for i in range(0, PODS, 10):
            api.delete("pods", _namespace(i), pod(i)["metadata"]["name"])
            api.put(pod(i, 1))
        last = (PODS - 1) // 10 * 10
        assert wait_answer(server.address, server.port, _name(last, 1), seconds=120), "the last change is not answered"
        time.sleep(3)
        results.figure(f"{what}: after a tenth was replaced", [processes.rss_mib(server.pid)], "MiB")
        results.figure(f"{what}: peak of all of it", [processes.peak_mib(server.pid)], "MiB")


def run(shop, results):
    for name, more in MORE.items():
        with FakeApiServer(streams=True) as api:
            shop.say(f"making {PODS} pods")
            fill(api, _everything())
            _measure(shop, results, api, f"{PODS} pods{name}", more)
