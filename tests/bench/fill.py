"""Fills a cluster with Services and hand-made EndpointSlices, by several connections at once."""

import threading

from workload import endpoint, headless, namespace, port, service, slice_

NAMESPACES = 50
CONNECTIONS = 4
ENDPOINTS = 10


def objects(i):
    """Service number i, every fifth headless, and its slice."""
    ns, name = f"ns-{i % NAMESPACES:02}", f"svc-{i:05}"
    http = [port(80, "http")]
    svc = headless(ns, name, http) if i % 5 == 0 else service(ns, name, http)
    # The controller leaves slices alone that belong to a Service without selector.
    addresses = (i * ENDPOINTS + k for k in range(ENDPOINTS))
    slice_of = slice_(ns, f"{name}-x", name, [endpoint(f"10.{128 + (a >> 16)}.{a >> 8 & 255}.{a & 255}") for a in addresses], http)
    return svc, slice_of


def fill(cluster, count):
    """Makes `count` Services with a slice each; returns their namespaces, names and an address of each."""
    for n in range(NAMESPACES):
        cluster.admin.create(namespace(f"ns-{n:02}"))
    made, lock, failures = [], threading.Lock(), []

    def work(first):
        api = cluster.admin.another()
        try:
            for i in range(first, count, CONNECTIONS):
                svc, slice_of = objects(i)
                reply = api.create(svc)
                api.create(slice_of)
                address = reply["spec"]["clusterIP"]
                if address == "None":
                    address = slice_of["endpoints"][0]["addresses"][0]
                with lock:
                    made.append({"namespace": svc["metadata"]["namespace"], "name": svc["metadata"]["name"], "address": address,
                                 "number": i})
        except Exception as e:  # said by the main thread
            failures.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(CONNECTIONS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]
    return sorted(made, key=lambda s: s["number"])
