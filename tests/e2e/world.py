"""The cluster that the comparison looks at: every kind of Service, with and without what can stand beside it."""

from workload import (endpoint, ensure_node, external_name, headless, namespace, port, run_pod, service, slice_,
                      wait_for_endpoints)

ZONE = "cluster.local."

# Two of them are named like parts of the name space itself.
NAMESPACES = ["shop", "empty", "svc", "pod"]

HTTP, HTTPS = port(80, "http"), port(443, "https")
DNS_UDP, DNS_TCP = port(53, "dns", "UDP"), port(53, "dns-tcp", "TCP")
DUAL = {"ipFamilyPolicy": "RequireDualStack"}


def services():
    """With an address of their own, or one for each family."""
    return [
        service("shop", "web", [HTTP, HTTPS], "web"),
        service("shop", "unnamed", [port(8080)], "web"),
        service("shop", "dual", [DNS_UDP, DNS_TCP], "dual", **DUAL),
        service("shop", "six", [HTTP], "dual", ipFamilies=["IPv6"]),
        service("shop", "node", [HTTP], "web", type="NodePort"),
        service("shop", "balanced", [HTTP], "web", type="LoadBalancer", externalIPs=["203.0.113.7"]),
        service("shop", "protocols", [port(7000, "chat", "UDP"), port(7000, "chat-sctp", "SCTP"),
                                      port(7000, "chat-tcp")]),
        service("shop", "same-port-name", [port(1, "a"), port(2, "b"), port(3, "c", "UDP")]),
        service("shop", "nobody", [HTTP], "nobody"),
        service("shop", "manual", [HTTP]),
        service("svc", "svc", [HTTP]),
        service("svc", "pod", [HTTP]),
        service("pod", "web", [HTTP], "web"),
    ]


def headless_services():
    return [
        headless("shop", "db", [port(5432, "sql")], "db"),
        headless("shop", "dual-db", [port(5432, "sql")], "dual", **DUAL),
        headless("shop", "no-ports", [], "web"),
        headless("shop", "unnamed-headless", [port(9000)], "web"),
        headless("shop", "starting", [HTTP], "starting"),
        headless("shop", "starting-published", [HTTP], "starting", publishNotReadyAddresses=True),
        headless("shop", "nobody-home", [HTTP], "nobody"),
        headless("shop", "manual-headless", [HTTP]),
        headless("shop", "crowd", [port(9042, "cql")]),
        headless("shop", "no-slices"),
    ]


def external_names():
    return [
        external_name("shop", "out", "www.example"),
        external_name("shop", "out-dot", "www.example."),
        external_name("shop", "out-v4only", "v4only.example"),
        external_name("shop", "out-alias", "alias.example"),
        external_name("shop", "out-missing", "missing.example"),
        external_name("shop", "out-broken", "broken.example"),
        external_name("shop", "out-brief", "brief.example"),
        external_name("shop", "out-ports", "www.example", ports=[HTTP]),
        external_name("shop", "inside", "web.shop.svc.cluster.local"),
        external_name("shop", "inside-headless", "db.shop.svc.cluster.local"),
        external_name("shop", "inside-missing", "missing.shop.svc.cluster.local"),
        external_name("shop", "inside-chain", "inside.shop.svc.cluster.local"),
        external_name("shop", "inside-then-out", "out.shop.svc.cluster.local"),
        external_name("shop", "inside-pod", "10-9-8-7.shop.pod.cluster.local"),
        external_name("shop", "loop", "loop.shop.svc.cluster.local"),
        external_name("shop", "loop-a", "loop-b.shop.svc.cluster.local"),
        external_name("shop", "loop-b", "loop-a.shop.svc.cluster.local"),
    ]


def hand_made_slices():
    """What the controller would not make: hostnames given to any endpoint, the same address in two slices, slices with
    other ports, and a slice that belongs to no Service."""
    crowd = [endpoint(f"10.244.100.{i}") for i in range(1, 81)]
    return [
        slice_("shop", "manual-1", "manual", [
            endpoint("10.244.9.1"), endpoint("10.244.9.2", hostname="named")], [HTTP]),
        slice_("shop", "manual-2", "manual", [endpoint("10.244.9.1"), endpoint("10.244.9.3", ready=False)], [HTTP]),
        slice_("shop", "mh-1", "manual-headless", [
            endpoint("10.244.8.1", hostname="alpha"), endpoint("10.244.8.2", hostname="alpha"),
            endpoint("10.244.8.3", ready=None), endpoint("10.244.8.4", ready=False, hostname="omega")], [HTTP]),
        slice_("shop", "mh-2", "manual-headless", [endpoint("10.244.8.1", hostname="alpha")], [HTTP, HTTPS]),
        slice_("shop", "mh-3", "manual-headless", [endpoint("fd00:8::5"), endpoint("fd00:8::", hostname="six")], [HTTP],
               "IPv6"),
        slice_("shop", "orphan", "no-such-service", [endpoint("10.244.7.1"), endpoint("10.244.7.2", hostname="lost")],
               [HTTP]),
        slice_("shop", "crowd-1", "crowd", crowd[:40], [port(9042, "cql")]),
        slice_("shop", "crowd-2", "crowd", crowd[40:], [port(9042, "cql")]),
    ]


def run_pods(api):
    for i in (1, 2, 3):
        run_pod(api, "shop", f"web-{i}", "web", [f"10.244.1.{i}"])
        run_pod(api, "shop", f"dual-{i}", "dual", [f"10.244.2.{i}", f"fd00:2::{i}"])
    for i in (0, 1):
        run_pod(api, "shop", f"db-{i}", "db", [f"10.244.3.{i}"], hostname=f"db-{i}", subdomain="db")
    run_pod(api, "shop", "starting-1", "starting", ["10.244.4.1"], ready=False)
    run_pod(api, "pod", "web-1", "web", ["10.244.5.1"])


def build(api):
    """Makes it all, and waits for the controller's slices."""
    ensure_node(api)
    for name in NAMESPACES:
        api.create(namespace(name))
    for obj in services() + headless_services() + external_names() + hand_made_slices():
        api.create(obj)
    balanced = service("shop", "balanced")
    api.patch(balanced, {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.8"}]}}}, "status")
    run_pods(api)
    for name, count in (("web", 3), ("dual", 6), ("six", 3), ("db", 2), ("dual-db", 6), ("starting-published", 1)):
        wait_for_endpoints(api, "shop", name, count)
    wait_for_endpoints(api, "pod", "web", 1)
