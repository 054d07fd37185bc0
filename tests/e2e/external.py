"""Services that are reached from outside of the cluster, and the names that they have in zones of `k8s_external`."""

import ipaddress

import names
from workload import (endpoint, ensure_node, external_name, headless, namespace, port, run_pod, service, slice_,
                      wait_for_endpoints)

# "dns" is also the branch of the zones' name server; "empty-too" has no Services.
NAMESPACES = ["front", "dns", "empty-too"]

HTTP, HTTPS, DNS = port(80, "http"), port(443, "https"), port(53, "dns", "UDP")


def services():
    """Each with the entries of its load balancer."""
    return [
        (service("front", "one", [HTTP], externalIPs=["203.0.113.1"]), []),
        (service("front", "both", [HTTP, DNS], externalIPs=["203.0.113.2", "2001:db8:f::2"]), []),
        (service("front", "six", [HTTP], externalIPs=["2001:db8:f::3"]), []),
        (service("front", "shared", [port(8080)], externalIPs=["203.0.113.1"]), []),
        (service("front", "inside", [HTTP], "inside"), []),
        (service("front", "balanced", [HTTP, HTTPS], type="LoadBalancer"), [{"ip": "203.0.113.8"}]),
        (service("front", "twice", [HTTP], type="LoadBalancer", externalIPs=["203.0.113.9"]), [{"ip": "203.0.113.9"}]),
        (service("front", "named", [HTTP], type="LoadBalancer"), [{"hostname": "www.example"}]),
        (service("front", "named-ports", [HTTP, DNS], type="LoadBalancer"), [{"hostname": "v4only.example"}]),
        (service("front", "named-missing", [HTTP], type="LoadBalancer"), [{"hostname": "missing.example"}]),
        (service("front", "named-broken", [HTTP], type="LoadBalancer"), [{"hostname": "broken.example"}]),
        (service("front", "named-alias", [HTTP], type="LoadBalancer"), [{"hostname": "alias.example"}]),
        (service("front", "named-inside", [HTTP], type="LoadBalancer"), [{"hostname": "one.front.svc.cluster.local"}]),
        (service("front", "mixed", [HTTP], type="LoadBalancer", externalIPs=["203.0.113.10"]), [{"hostname": "www.example"}]),
        (service("front", "two-names", [HTTP], type="LoadBalancer"),
         [{"hostname": "www.example"}, {"hostname": "v4only.example"}]),
        (headless("front", "db", [port(5432, "sql")], "db"), []),
        (headless("front", "db-outside", [port(5432, "sql")], "db", externalIPs=["203.0.113.11"]), []),
        (headless("front", "no-ports", [], "db"), []),
        (headless("front", "nobody", [HTTP], "nobody"), []),
        (headless("front", "hand-made", [HTTP]), []),
        (external_name("front", "away", "www.example"), []),
        (external_name("front", "away-too", "www.example", externalIPs=["203.0.113.12"], ports=[HTTP]), []),
        (service("dns", "hidden", [HTTP], externalIPs=["203.0.113.13"]), []),
    ]


def build(api):
    ensure_node(api)
    for name in NAMESPACES:
        api.create(namespace(name))
    for obj, entries in services():
        api.create(obj)
        if entries:
            set_balancer(api, obj["metadata"]["name"], entries)
    api.create(slice_("front", "hand-1", "hand-made", [
        endpoint("10.244.60.1", hostname="alpha"), endpoint("10.244.60.2", hostname="alpha"), endpoint("10.244.60.3"),
        endpoint("10.244.60.4", ready=False)], [HTTP]))
    api.create(slice_("front", "hand-2", "hand-made", [endpoint("fd00:60::1")], [HTTP, HTTPS], "IPv6"))
    for i in (0, 1):
        run_pod(api, "front", f"db-{i}", "db", [f"10.244.61.{i}"], hostname=f"db-{i}", subdomain="db")
    run_pod(api, "front", "inside-0", "inside", ["10.244.62.1"])
    for name, count in (("db", 2), ("db-outside", 2), ("no-ports", 2), ("inside", 1)):
        wait_for_endpoints(api, "front", name, count)


def set_balancer(api, name, entries):
    api.patch(service("front", name), {"status": {"loadBalancer": {"ingress": entries}}}, "status")


def externals(obj):
    """(addresses, host names) of a Service."""
    entries = obj.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    return (obj["spec"].get("externalIPs", []) + [e["ip"] for e in entries if e.get("ip")],
            [e["hostname"] for e in entries if e.get("hostname")])


def _kind_of(obj):
    addresses, hosts = externals(obj)
    if not hosts:
        return "outer service" if addresses else "outer nothing"
    return "outer host names" if len(hosts) > 1 else "outer mixed" if addresses else "outer host name"


def derive(zone, label, services_there, slices):
    """{name: kind} of what is below `zone`, whose name server is ns1.LABEL, for the Services and slices of NAMESPACES."""
    found = {zone: "outer apex", f"{label}.{zone}": "outer between", f"ns1.{label}.{zone}": "outer name server"}
    found.update({f"{ns}.{zone}": "outer namespace" for ns in NAMESPACES if ns != label})
    for obj in services_there:
        meta, kind = obj["metadata"], _kind_of(obj)
        base = f"{meta['name']}.{meta['namespace']}.{zone}"
        found[base] = "outer hidden" if meta["namespace"] == label else kind
        for p in obj["spec"].get("ports", []):
            if p.get("name") and found[base] == kind:
                found[f"_{p['name']}._{p['protocol'].lower()}.{base}"] = f"port of {kind}"
        for part in slices:
            labels = part["metadata"].get("labels", {})
            if (part["metadata"]["namespace"], labels.get("kubernetes.io/service-name")) == (meta["namespace"], meta["name"]):
                found.update({name: f"endpoint of {kind}" for name in _endpoints(part, base)})
    return found


def _endpoints(part, base):
    for point in part["endpoints"] or []:
        for label in [point.get("hostname")] + [names.dashed(a) for a in point["addresses"]]:
            if label:
                yield f"{label}.{base}"


def reverse(services_there):
    """The reverse names of all external addresses, and addresses beside them."""
    found = {}
    for obj in services_there:
        for address in externals(obj)[0]:
            address = ipaddress.ip_address(address)
            found[address.reverse_pointer + "."] = "outer reverse"
            found.setdefault((address + 100).reverse_pointer + ".", "beside reverse")
    return found


def beside(asked):
    """{name: kind} of names one step away."""
    found = {}
    for name, kind in asked.items():
        first, rest = name.split(".", 1)
        found.setdefault("x." + name, "below " + kind)
        found.setdefault("x.y." + name, "far below " + kind)
        if kind.startswith("port of "):
            protocol, base = rest.split(".", 1)
            found.setdefault(rest, kind.replace("port of", "between ports of"))
            for front in (f"{first[1:]}.{protocol[1:]}", f"{first}._", f"_.{protocol}", "_._", f"{first}._sctp", f"_x.{protocol}"):
                found.setdefault(f"{front}.{base}", kind)
        elif kind != "outer apex":
            found.setdefault(f"{first}z.{rest}", "beside " + kind)
    return {name: kind for name, kind in found.items() if name not in asked}
