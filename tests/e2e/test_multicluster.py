"""multicluster: ServiceImports on a real API server, whose CustomResourceDefinition is there or comes later; every name of the
cluster set's zone and names beside them, both servers."""

import os

import pytest

import names
from kubeapi import ApiError
from process import wait_for
from question import ask
from side_by_side import PROGRAMS, start
from test_compare import Question, compare
from workload import endpoint, namespace, port, service, slice_

NS, SET, OWN = "fleet", "clusterset.local.", "cluster.local."
TYPES = ["A", "AAAA", "SRV", "TXT", "SOA", "CNAME", "ANY", "HTTPS"]
HTTP, SQL = port(80, "http"), port(5432, "sql")

# As much of the Multi-Cluster Services API as the servers read.
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "serviceimports.multicluster.x-k8s.io", "annotations": {
        "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/mcs-api"}},
    "spec": {
        "group": "multicluster.x-k8s.io", "scope": "Namespaced",
        "names": {"kind": "ServiceImport", "listKind": "ServiceImportList", "plural": "serviceimports", "singular": "serviceimport"},
        "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}],
    },
}

COREFILE = """{zones} {{
    bind {{address}}
    kubernetes {{
       kubeconfig {kubeconfig}
       multicluster clusterset.local
       ttl 30
       {options}
    }}
}}
"""


def service_import(name, kind, ips=(), ports=(), labels=None):
    spec = {"type": kind, "ips": list(ips), "ports": [{k: p[k] for k in ("name", "port", "protocol") if k in p} for p in ports]}
    return {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport",
            "metadata": {"namespace": NS, "name": name, "labels": labels or {}}, "spec": spec}


def imported(name, of, cluster, endpoints, ports=(), family="IPv4", also_of=None):
    obj = slice_(NS, name, of, endpoints, ports, family)
    labels = {"multicluster.kubernetes.io/service-name": of, "endpointslice.kubernetes.io/managed-by": "e2e"}
    if cluster:
        labels["multicluster.kubernetes.io/source-cluster"] = cluster
    if also_of:
        labels["kubernetes.io/service-name"] = also_of
    obj["metadata"]["labels"] = labels
    return obj


def imports():
    return [
        service_import("web", "ClusterSetIP", ["10.112.0.1"], [HTTP, port(443, "https")]),
        service_import("dual", "ClusterSetIP", ["10.112.0.2", "fd00:112::2"], [HTTP]),
        service_import("unnamed", "ClusterSetIP", ["10.112.0.3"], [port(8080)]),
        service_import("plain", "ClusterSetIP", ["10.112.0.4"]),
        service_import("db", "Headless", ports=[SQL]),
        service_import("nobody", "Headless", ports=[SQL]),
    ]


def slices():
    return [
        imported("web-east", "web", "east", [endpoint("10.201.0.1"), endpoint("10.201.0.2", hostname="first")], [HTTP]),
        imported("db-east", "db", "east", [endpoint("10.201.1.1", hostname="db-0"), endpoint("10.201.1.2", hostname="db-1")], [SQL]),
        imported("db-west", "db", "west", [endpoint("10.202.1.1", hostname="db-0"), endpoint("10.202.1.9", ready=False)], [SQL]),
        imported("db-west-6", "db", "west", [endpoint("fd00:202::5")], [SQL], "IPv6"),
        imported("nobody-west", "nobody", "west", [endpoint("10.202.2.1", ready=False)], [SQL]),
        imported("both", "web", "west", [endpoint("10.202.3.1")], [HTTP], also_of="own"),
    ]


def derive():
    """{name: kind} in the zone of the cluster set."""
    found = {SET: "apex", f"svc.{SET}": "branch", f"pod.{SET}": "branch", f"{NS}.svc.{SET}": "namespace",
             f"no-such-fleet.svc.{SET}": "beside namespace", f"own.{NS}.svc.{SET}": "beside service"}
    for obj in imports():
        base = f"{obj['metadata']['name']}.{NS}.svc.{SET}"
        found[base] = "service" if obj["spec"]["ports"] else "import without ports"
        for p in obj["spec"]["ports"]:
            if "name" in p:
                found[f"_{p['name']}._tcp.{base}"] = "port"
                found[f"_tcp.{base}"] = "between"
    for obj in slices():
        labels = obj["metadata"]["labels"]
        base = f"{labels['multicluster.kubernetes.io/service-name']}.{NS}.svc.{SET}"
        cluster = labels["multicluster.kubernetes.io/source-cluster"]
        ready = [e for e in obj["endpoints"] if e["conditions"]["ready"]]
        found[f"{cluster}.{base}"] = "between" if ready else "beside endpoint"
        for point in obj["endpoints"]:
            for label in [point.get("hostname")] + [names.dashed(a) for a in point["addresses"]]:
                if label:
                    found[f"{label}.{cluster}.{base}"] = "endpoint"
                    found[f"{label}.{base}"] = found[f"{label}.north.{base}"] = "beside endpoint"
    return found


@pytest.fixture(scope="module")
def before(cluster, folder, dns_kubeconfig):
    """Seamark, started while the API server knows no ServiceImports."""
    cluster.admin.create(namespace(NS))
    cluster.admin.create(service(NS, "own", [HTTP], clusterIP="None"))
    for obj in slices():
        cluster.admin.create(obj)
    name, program = PROGRAMS[1]
    server = start(name, program, folder, COREFILE.format(zones=f"{OWN}:5353 {SET}:5353", kubeconfig=dns_kubeconfig, options=""))
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def both(cluster, folder, dns_kubeconfig, before):
    """The definition and all objects, and two servers that know them."""
    assert before
    cluster.admin.create(DEFINITION)

    def created(obj):
        try:
            return cluster.admin.create(obj)
        except ApiError as error:
            assert error.status == 404, error
            return None

    for obj in imports():  # the API server takes a moment to serve a new kind
        wait_for("the API server to take ServiceImports", lambda obj=obj: created(obj), 30)
    started = [start(*program, folder, COREFILE.format(zones=f"{OWN}:5353 {SET}:5353", kubeconfig=dns_kubeconfig, options=""))
               for program in PROGRAMS]
    for server in started:
        server.folder = os.path.join(folder, f"multicluster-{server.address}")
        os.makedirs(server.folder)
        wait_for("all is known", lambda server=server: len(ask(server, f"db.{NS}.svc.{SET}").addresses()) == 3, 30)
    yield started
    for server in started:
        server.process.stop()


def test_without_the_definition(before):
    """The cluster's own zone is served, and the other is without imports."""
    wait_for("the own Service", lambda: ask(before, f"own.{NS}.svc.{OWN}").addresses() == {"10.202.3.1"}, 20)
    wait_for("the zone", lambda: ask(before, SET, "SOA").rcode == "NOERROR", 20)
    assert ask(before, f"{NS}.svc.{SET}").rcode == "NOERROR"
    assert ask(before, f"web.{NS}.svc.{SET}").rcode == "NXDOMAIN"
    wait_for("a line in the log", lambda: before.log("is the Multi-Cluster Services API installed"), 10)


def test_the_definition_comes_later(before, both):
    assert both
    wait_for("the imports", lambda: ask(before, f"web.{NS}.svc.{SET}").addresses() == {"10.112.0.1"}, 90)


def questions(asked):
    return [Question(name, rdtype, kind) for name, kind in asked.items() for rdtype in TYPES]


def test_every_name(both):
    compare(*both, questions(derive()), no_cache=True)


def test_names_that_are_not_there(both):
    compare(*both, questions(names.neighbours(derive())), no_cache=True)


def test_names_in_capitals(both):
    compare(*both, questions(names.in_capitals(derive())), no_cache=True)


def test_changes(both, cluster):
    changed = service_import("web", "ClusterSetIP", ["10.112.0.9"], [HTTP])
    cluster.admin.patch(changed, {"spec": changed["spec"]})
    cluster.admin.delete(next(s for s in slices() if s["metadata"]["name"] == "db-west"))
    for server in both:
        wait_for("the new address", lambda server=server: ask(server, f"web.{NS}.svc.{SET}").addresses() == {"10.112.0.9"}, 10)
        wait_for("two endpoints fewer", lambda server=server: ask(server, f"db-0.west.db.{NS}.svc.{SET}").rcode == "NXDOMAIN", 10)
    compare(*both, questions({n: k for n, k in derive().items() if k in ("service", "endpoint")}), no_cache=True)
