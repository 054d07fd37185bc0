"""What `pods verified` costs: memory of both processes with a great many pods, from a scripted API server.

    bench_pods.py [PODS [SERVICES [dual] [autopath]]]        150000 pods, no Services

Pods are as kubelets leave them (some 2 KiB of JSON, managedFields and all), 200 to a namespace; `dual` gives each an IPv6 address too,
`autopath` adds `autopath @kubernetes`, which needs to know whose address is whose; Services share the pods out as their endpoints. Memory is
RSS of seamark and of its seamark-sync, once all of it is served, after a tenth of the pods were replaced, and at the peak; then once more
after a start with the zone on disk.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

import dns.exception
import dns.message
import dns.query

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "lib")]

from fake_apiserver import FakeApiServer  # noqa: E402
from kube_objects import endpoint_slice, namespace, service  # noqa: E402

PODS_OF_A_NAMESPACE = 200
ADDRESS, PORT = "127.0.0.1", 5309
COREFILE = """.:{port} {{
    bind {address}
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        endpoint {url}
        pods verified
        ttl 30
        fallthrough in-addr.arpa ip6.arpa
    }}
    cache 30
    {more}
    loadbalance
}}
"""


def ip_of(i):
    return f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"


def pod(i, life=0, dual=False):
    """Number i, in its `life`: another one has another name and address."""
    ns, name, ip = f"team-{i // PODS_OF_A_NAMESPACE:04}", f"web-{i % 7}-6d4cf56db{life}-{i:05x}", ip_of(i + (life << 20))
    uid = f"00000000-0000-4000-8000-{i:08x}{life:04x}"
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": ns, "uid": uid, "creationTimestamp": "2026-11-20T06:20:24Z",
            "labels": {"app.kubernetes.io/name": "web", "pod-template-hash": "6d4cf56db"},
            "managedFields": [{"manager": "kubelet", "operation": "Update", "time": "2026-11-20T06:20:30Z",
                               "fieldsV1": {f"f:{n}": {".": {}} for n in ("conditions", "containerStatuses", "hostIP", "phase", "podIP")}}],
        },
        "spec": {"nodeName": f"node-{i % 5000}", "containers": [{"name": "web", "image": "registry.example/web:1.2.3", "env": [
            {"name": f"VARIABLE_{n}", "value": "x" * 40} for n in range(10)]}]},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}] + [{"ip": f"fd00::{life:x}:{i >> 16:x}:{i & 65535:x}"}] * dual, "hostIP": "192.168.0.1", "conditions": [
            {"type": t, "status": "True", "lastTransitionTime": "2026-11-20T06:20:30Z"} for t in ("Ready", "PodScheduled")]},
    }


def rss_mib(pids, field="VmRSS"):
    return [int(re.search(rf"{field}:\s+(\d+)", open(f"/proc/{pid}/status", encoding="ascii").read())[1]) / 1024 for pid in pids]


def processes(server):
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as f:
        return [server.pid, *map(int, f.read().split())]


def answers(name):
    try:
        reply = dns.query.udp(dns.message.make_query(name, "A"), ADDRESS, timeout=1, port=PORT)
    except (dns.exception.Timeout, OSError):
        return ""
    return " ".join(str(rr) for rrset in reply.answer for rr in rrset)


def wait_answer(name, wanted, timeout=300):
    end = time.monotonic() + timeout
    while answers(name) != wanted:
        assert time.monotonic() < end, f"{name} has no answer {wanted!r}"
        time.sleep(0.2)


def pod_name(i, life=0):
    ip = ip_of(i + (life << 20))
    return f"{ip.replace('.', '-')}.team-{i // PODS_OF_A_NAMESPACE:04}.pod.cluster.local.", ip


def row(label, pids, field="VmRSS"):
    serve, sync = rss_mib(pids, field)
    print(f"| {label} | {serve:.0f} | {sync:.0f} | {serve + sync:.0f} |", flush=True)


def fill(api, pods, services, dual):
    for n in range((pods + PODS_OF_A_NAMESPACE - 1) // PODS_OF_A_NAMESPACE):
        api.put(namespace(f"team-{n:04}"))
    api.put(namespace("kube-system"))
    for i in range(pods):
        api.put(pod(i, dual=dual))
    for s in range(services):
        ns = f"team-{s % (pods // PODS_OF_A_NAMESPACE):04}"
        api.put(service(ns, f"svc-{s}", f"172.{16 + (s >> 16)}.{s >> 8 & 255}.{s & 255}"))
        each = pods // services
        api.put(endpoint_slice(ns, f"svc-{s}-x", f"svc-{s}", [ip_of(i) for i in range(s * each, (s + 1) * each)]))
    api.history.clear()


def measure(api, server, folder, pods, dual):
    """Yields what was measured: (label, pids)."""
    start = time.time()
    synced = os.path.join(folder, "zones", ".synced")
    wait_answer(*pod_name(pods - 1))
    while not os.path.exists(synced) or os.path.getmtime(synced) < start:
        assert time.time() < start + 300, "never in step"
        time.sleep(0.2)
    pids = processes(server)
    yield "all served", pids
    for i in range(0, pods, 10):
        api.delete("pods", f"team-{i // PODS_OF_A_NAMESPACE:04}", pod(i)["metadata"]["name"])
        api.put(pod(i, 1, dual))
    wait_answer(*pod_name((pods - 1) // 10 * 10, 1))
    time.sleep(3)
    yield "a tenth replaced one by one", pids
    for i in range(0, pods, 10):  # as it was
        api.delete("pods", f"team-{i // PODS_OF_A_NAMESPACE:04}", pod(i, 1)["metadata"]["name"])
        api.put(pod(i, dual=dual))
    wait_answer(*pod_name((pods - 1) // 10 * 10))
    api.history.clear()


def main():
    words = sys.argv[1:]
    pods, services = (int(words[n]) if len(words) > n else value for n, value in enumerate((150000, 0)))
    dual, autopath = "dual" in words, "autopath" in words
    with tempfile.TemporaryDirectory(prefix="seamark-bench-") as folder, FakeApiServer(streams=True) as api:
        fill(api, pods, services, dual)
        conf = os.path.join(folder, "Corefile")
        with open(conf, "w", encoding="ascii") as f:
            f.write(COREFILE.format(port=PORT, address=ADDRESS, url=api.url, more="autopath @kubernetes" if autopath else ""))
        command = [os.path.join(TOP, "bin", "seamark"), "-conf", conf, "-zones", os.path.join(folder, "zones")]
        print(f"\n{pods} pods, {services} Services, {' '.join(words[2:])}; `pods verified`; MiB\n\n"
              "| RSS | seamark | seamark-sync | together |\n| --- | --- | --- | --- |")
        for start in ("first start", "started again, zone on disk"):
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                for label, pids in measure(api, server, folder, pods, dual):
                    row(f"{start}, {label}", pids)
                    row(f"{start}, {label}: peak", pids, "VmHWM")
            finally:
                server.terminate()
                server.wait(30)


if __name__ == "__main__":
    main()
