"""What a cluster of many endpoints costs: memory of both processes, a list anew, the start from disk, changes at a pace.

    bench_memory.py SERVICES ENDPOINTS [SECONDS]        endpoints of each Service; SECONDS of changes at each pace, 0: none

A scripted API server streams the objects as a real one would (managedFields and all). Memory is of seamark and of its seamark-sync, in MiB:
RSS counts pages of shared libraries once for each process, PSS once. Peaks are of the kernel's high-water mark, each process for itself, so
their sum is at least what was in use at any time.
"""

import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "lib")]

from fake_apiserver import FakeApiServer  # noqa: E402
from kube_objects import endpoint_slice, namespace, service  # noqa: E402

NAMESPACES = 50
PACES = (20, 200)  # changes a second
ADDRESS, PORT = "127.83.3.7", 5377
COREFILE = """.:{port} {{
    bind {address}
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        endpoint {url}
        pods insecure
        ttl 30
        fallthrough in-addr.arpa ip6.arpa
    }}
    forward . 192.0.2.1
    cache 30
    loadbalance
}}
"""
MANAGED = [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": "2026-11-20T06:20:30Z", "fieldsType": "FieldsV1",
            "fieldsV1": {f"f:{n}": {".": {}} for n in ("addressType", "endpoints", "labels", "ports", "selector", "type", "ownerReferences")}}]


def place(s):
    return f"team-{s % NAMESPACES:02}", f"service-{s:05}"


def address(i):
    return f"10.{128 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def service_of(s):
    ns, name = place(s)
    obj = service(ns, name, f"172.{16 + (s >> 16)}.{s >> 8 & 255}.{s & 255}", selector={"app.kubernetes.io/name": name})
    obj["metadata"] |= {"managedFields": MANAGED, "creationTimestamp": "2026-11-20T06:20:24Z",
                        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "Helm"}}
    return obj


def slice_of(s, each, first=None):
    """The slice of Service number s; `first`: another address for its first endpoint."""
    ns, name = place(s)
    addresses = [address(i) for i in range(s * each, (s + 1) * each)]
    if first:
        addresses[0] = first
    obj = endpoint_slice(ns, f"{name}-x4mz9", name, addresses)
    for k, e in enumerate(obj["endpoints"]):
        e["conditions"] |= {"serving": True, "terminating": False}
        e |= {"nodeName": f"node-{(s * each + k) % 500}", "zone": f"zone-{k % 3}", "targetRef": {
            "kind": "Pod", "namespace": ns, "name": f"{name}-6d4cf56db-{k:05}", "uid": f"00000000-0000-4000-8000-{s * each + k:012x}"}}
    obj["metadata"] |= {"managedFields": MANAGED, "creationTimestamp": "2026-11-20T06:20:24Z", "generateName": f"{name}-"}
    obj["metadata"]["labels"] |= {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
    return obj


# ---- what is seen from outside ----

def memory(pid):
    """(RSS, PSS, peak) in MiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        rollup = f.read()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = f.read()
    return [int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1]) / 1024
            for field, text in (("Rss", rollup), ("Pss", rollup), ("VmHWM", status))]


def forget_peak(pids):
    for pid in pids:
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")


def cpu_seconds(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def row(label, pids):
    figures = [memory(pid) for pid in pids]
    cells = [[*(f[k] for f in figures), sum(f[k] for f in figures)] for k in range(3)]
    print(f"| {label} | " + " | ".join(" + ".join(f"{v:.1f}" for v in c[:-1]) + f" = {c[-1]:.1f}" for c in cells) + " |", flush=True)


def question(name):
    return bytes.fromhex("000101000001000000000000") + b"".join(
        bytes([len(label)]) + label for label in name.encode().split(b".")) + bytes.fromhex("0000010001")


class Asker:
    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((ADDRESS, PORT))
        self.sock.settimeout(1)

    def has(self, name, ip):
        try:
            self.sock.send(question(name))
            return socket.inet_aton(ip) in self.sock.recv(65536)
        except OSError:
            return False

    def wait(self, name, ip, timeout=120, pause=0.002):
        end = time.monotonic() + timeout
        while not self.has(name, ip):
            assert time.monotonic() < end, f"{name} has no answer {ip}"
            time.sleep(pause)


def in_step(folder, since):
    synced = os.path.join(folder, "zones", ".synced")
    end = time.time() + 120
    while not os.path.exists(synced) or os.path.getmtime(synced) < since:
        assert time.time() < end, "never in step"
        time.sleep(0.05)


# ---- one after the other ----

def endpoint_name(ip, s):
    ns, name = place(s)
    return f"{ip.replace('.', '-')}.{name}.{ns}.svc.cluster.local"


def changes(api, asker, services, each, pace, seconds, pids):
    """Changes the first endpoint of `pace` slices a second; milliseconds from the event to the answer, each."""
    before, start, times = [cpu_seconds(pid) for pid in pids], time.perf_counter(), []
    for n in range(pace * seconds):
        wait = start + n / pace - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        s = n * 7919 % services
        ip = f"10.{64 + (n >> 16)}.{n >> 8 & 255}.{n & 255}" if pace == PACES[0] else f"10.{32 + (n >> 16)}.{n >> 8 & 255}.{n & 255}"
        obj = slice_of(s, each, ip)
        at = time.perf_counter()
        api.put(obj)
        asker.wait(endpoint_name(ip, s), ip, pause=0.0003)
        times.append((time.perf_counter() - at) * 1000)
    took = time.perf_counter() - start
    cpu = [(cpu_seconds(pid) - b) / took * 100 for pid, b in zip(pids, before)]
    api.history.clear()
    worst = times.index(max(times))
    times.sort()
    print(f"{pace} changes a second ({len(times) / took:.0f} made): event to answer p50 {statistics.median(times):.2f}, "
          f"p99 {times[len(times) * 99 // 100]:.2f}, max {times[-1]:.2f} ms (number {worst}); CPU seamark {cpu[0]:.1f} %, seamark-sync {cpu[1]:.1f} %", flush=True)


def relist(api, pids):
    """All watches are told that they are too old: every kind is listed anew."""
    asked = len(api.asked("endpointslices"))
    forget_peak(pids)
    api.compact()
    for watch in api.watches():
        watch.error(410)
        watch.close()
    while len(api.asked("endpointslices")) == asked:
        time.sleep(0.05)
    api.wait_watches("endpointslices", timeout=60)
    time.sleep(6)


def run(folder, api, services, each, seconds):
    conf, zones = os.path.join(folder, "Corefile"), os.path.join(folder, "zones")
    with open(conf, "w", encoding="ascii") as f:
        f.write(COREFILE.format(port=PORT, address=ADDRESS, url=api.url))
    command = [os.path.join(TOP, "bin", "seamark"), "-conf", conf, "-zones", zones]
    last, ip = endpoint_name(address(services * each - 1), services - 1), address(services * each - 1)
    print(f"\n{services} Services with {each} endpoints each; MiB, seamark + seamark-sync\n\n"
          "| | RSS | PSS | peak RSS |\n| --- | --- | --- | --- |", flush=True)
    for begun in ("first start", "started again, zone on disk"):
        start, asker = time.perf_counter(), Asker()
        since = time.time()
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(os.path.join(folder, "log"), "ab"))
        try:
            asker.wait(last, ip)
            first, work = time.perf_counter() - start, cpu_seconds(server.pid)
            in_step(folder, since)
            time.sleep(2)
            with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as f:
                pids = [server.pid, *map(int, f.read().split())]
            row(begun, pids)
            relist(api, pids)
            row("after a list anew", pids)
            if begun != "first start":
                print(f"\nstart to first answer: {first:.3f} s, of which seamark took the processor for {work:.3f} s (on all its threads)")
                for pace in PACES if seconds else ():
                    changes(api, asker, services, each, pace, seconds, pids)
                row("after the changes", pids)
        finally:
            server.terminate()
            server.wait(30)


def main():
    services, each = int(sys.argv[1]), int(sys.argv[2])
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    with tempfile.TemporaryDirectory(prefix="seamark-bench-") as folder, FakeApiServer(streams=True) as api:
        for n in range(NAMESPACES):
            api.put(namespace(f"team-{n:02}"))
        api.put(namespace("kube-system"))
        for s in range(services):
            api.put(service_of(s))
            api.put(slice_of(s, each))
        api.history.clear()
        run(folder, api, services, each, seconds)


if __name__ == "__main__":
    main()
