"""A cluster's Namespaces, Services and EndpointSlices, by chance but always the same for the same arguments."""

import ipaddress
import random

from data.words import NAMESPACES, TAILS, WORDS

PORTS = (("http", 80), ("https", 443), ("grpc", 9090), ("metrics", 9100), ("http-web", 8080), ("redis", 6379),
         ("client", 2379), ("sql", 5432))
HEADLESS, DUAL = 0.2, 0.2  # of the Services; of those with a cluster address
FIRST_SERVICE, FIRST_POD = int(ipaddress.IPv4Address("10.96.0.16")), int(ipaddress.IPv4Address("10.128.0.10"))
FIRST_SERVICE6 = int(ipaddress.IPv6Address("fd00:10:96::"))
CREATED = "2026-11-20T06:20:24Z"


def meta(name, namespace=None, labels=None):
    """As an API server gives it: who manages which field takes more room than what DNS is about."""
    fields = {"f:spec": {"f:clusterIP": {}, "f:ports": {}, "f:selector": {}}, "f:metadata": {"f:labels": {}}}
    return {"name": name, **({"namespace": namespace} if namespace else {}), "creationTimestamp": CREATED,
            "labels": {"app.kubernetes.io/name": name, **(labels or {})},
            "managedFields": [{"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1", "time": CREATED,
                               "fieldsType": "FieldsV1", "fieldsV1": fields}]}


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(name)}


def service(ns, name, addresses, ports):
    """Without addresses it is headless."""
    spec = {"type": "ClusterIP", "clusterIP": addresses[0] if addresses else "None", "clusterIPs": list(addresses) or ["None"],
            "selector": {"app": name}, "ports": [{"name": n, "protocol": "TCP", "port": p, "targetPort": p} for n, p in ports]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, ns), "spec": spec}


def endpoint_slice(ns, svc, endpoints, ports, suffix="x"):
    """`endpoints` are (address, hostname or None)."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": meta(f"{svc}-{suffix}", ns, {"kubernetes.io/service-name": svc}), "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False},
                           **({"hostname": hostname} if hostname else {}), "nodeName": f"node-{hash_of(address) % 500}"}
                          for address, hostname in endpoints],
            "ports": [{"name": n, "protocol": "TCP", "port": p} for n, p in ports]}


def hash_of(address):
    return int(ipaddress.IPv4Address(address))


def dotted(number):
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _unused_name(rnd, taken, ns):
    base = f"{rnd.choice(WORDS)}-{rnd.choice(TAILS)}" if rnd.random() < 0.7 else rnd.choice(WORDS)
    name = base
    while (ns, name) in taken:
        name = f"{base}-{rnd.randrange(36 ** 4):04x}"
    taken.add((ns, name))
    return name


def mixed(services, namespaces=50, seed=1):
    """What most clusters look like: a fifth of the Services headless with 3 to 10 endpoints, half of those with host names; a
    fifth of the others with two families; two ports each; half of the Services in a few namespaces. Yields objects."""
    rnd = random.Random(seed)
    names = [NAMESPACES[i] if i < len(NAMESPACES) else f"team-{i:02}" for i in range(namespaces)]
    yield from map(namespace, names)
    taken, pod = {("default", "created")}, FIRST_POD  # the name that parts/created.py makes
    offsets = rnd.sample(range(1 << 20), services)
    yield service("kube-system", "kube-dns", ["10.96.0.10"], [("dns-tcp", 53), ("metrics", 9153)])
    for offset in offsets:
        few = rnd.random() < 0.5
        ns = names[min(int(rnd.paretovariate(1.1) - 1), namespaces * 4) % namespaces] if few else rnd.choice(names)
        name, ports = _unused_name(rnd, taken, ns), rnd.sample(PORTS, 2)
        if rnd.random() >= HEADLESS:
            second = [str(ipaddress.IPv6Address(FIRST_SERVICE6 + offset))] if rnd.random() < DUAL else []
            yield service(ns, name, [dotted(FIRST_SERVICE + offset), *second], ports)
            continue
        yield service(ns, name, [], ports)
        hostnames, endpoints = rnd.random() < 0.5, []
        for k in range(rnd.randint(3, 10)):
            pod += rnd.randint(1, 3)
            endpoints.append((dotted(pod), f"{name}-{k}" if hostnames else None))
        yield endpoint_slice(ns, name, endpoints, ports)


def _name_of_regular(i, namespaces):
    return f"ns-{i % namespaces:02}", f"svc-{i:05}"


def slice_of_regular(i, endpoints, namespaces=50, life=0):
    """The slice of Service number i; in another `life` its endpoints have other addresses."""
    ns, name = _name_of_regular(i, namespaces)
    first = FIRST_POD + i * endpoints + (life << 21)
    return endpoint_slice(ns, name, [(dotted(a), None) for a in range(first, first + endpoints)], [("http", 80)])


def endpoint_name_of_regular(i, address, namespaces=50):
    """The name of an endpoint of Service number i; `address` is a number."""
    ns, name = _name_of_regular(i, namespaces)
    return f"{dotted(address).replace('.', '-')}.{name}.{ns}.svc.cluster.local"


def regular(services, endpoints, namespaces=50):
    """Every Service has one slice of so many endpoints; every fifth is headless. Yields objects."""
    http = [("http", 80)]
    yield from (namespace(f"ns-{n:02}") for n in range(namespaces))
    yield namespace("kube-system")
    yield namespace("default")
    yield service("kube-system", "kube-dns", ["10.96.0.10"], http)
    for i in range(services):
        ns, name = _name_of_regular(i, namespaces)
        yield service(ns, name, [dotted(FIRST_SERVICE + i)] if i % 5 else [], http)
        yield slice_of_regular(i, endpoints, namespaces)
