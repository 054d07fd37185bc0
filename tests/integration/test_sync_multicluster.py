"""The option `multicluster`: a zone of ServiceImports beside the cluster's own, with and without the CustomResourceDefinition."""

import os
import time

import checkzone
import pytest
from fake_apiserver import FakeApiServer
from fake_replies import status
from seamark import Seamark
from syncd import Daemon, endpoint, namespace, port, run_once, service, slice_of, wait_for, write_objects

OWN, SET = "cluster.local", "clusterset.local"


def service_import(name, ips=None, ports=(), namespace="default"):
    """ips=None makes it headless."""
    spec = {"type": "Headless" if ips is None else "ClusterSetIP", "ports": [port(*p) for p in ports]}
    return {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec | ({"ips": list(ips)} if ips else {})}


def imported(svc, name, cluster, endpoints, ports=()):
    obj = slice_of(svc, name, endpoints, ports)
    obj["metadata"]["labels"] = {"multicluster.kubernetes.io/service-name": svc, "multicluster.kubernetes.io/source-cluster": cluster}
    return obj


OBJECTS = [
    namespace("default"), service("web", ["10.96.0.1"], [("http", 80)]), service_import("web", ["10.112.0.1"], [("http", 80)]),
    imported("web", "web-1", "east", [endpoint("10.1.0.1")], [("http", 8080)]), service_import("db"),
    imported("db", "db-1", "east", [endpoint("10.1.0.2", hostname="db-0")], [("sql", 5432)]),
    imported("db", "db-2", "west", [endpoint("10.2.0.2", hostname="db-0")], [("sql", 5432)]),
]


def corefile(tmp_path, *options):
    path = tmp_path / "Corefile"
    lines = "".join(f"        {o}\n" for o in (*options, f"multicluster {SET}"))
    path.write_text(f".:5300 {{\n    kubernetes {OWN} {SET} {{\n{lines}    }}\n}}\n")
    return path


def present(folder, zone):
    return os.path.exists(os.path.join(folder, zone + ".journal"))


def has(folder, zone, line):
    return present(folder, zone) and any(r.startswith(line) for r in checkzone.effective(folder, zone))


@pytest.fixture(autouse=True)
def _every_zone_file_is_valid(tmp_path):
    yield
    checkzone.check_tree(tmp_path)


@pytest.fixture(name="api", params=[False, True], ids=["pages", "streaming"])
def _api(request):
    with FakeApiServer(streams=request.param) as api:
        api.put(namespace("kube-system"))
        for obj in OBJECTS:
            api.put(obj)
        yield api


def test_imports_are_followed(api, tmp_path):
    folder = str(tmp_path / "zones")
    with Daemon("-conf", corefile(tmp_path, f"endpoint {api.url}"), "-zones", folder):
        wait_for(lambda: has(folder, SET, "db-0.west.db.default.svc.clusterset.local.\t5\tIN\tA\t10.2.0.2"))
        assert has(folder, SET, "web.default.svc.clusterset.local.\t5\tIN\tA\t10.112.0.1")
        assert has(folder, OWN, "web.default.svc.cluster.local.\t5\tIN\tA\t10.96.0.1")
        assert not any("db." in line for line in checkzone.effective(folder, OWN))
        api.wait_watches("serviceimports")
        api.wait_watches("endpointslices")
        api.put(service_import("web", ["10.112.0.7"], [("http", 80)]))
        api.delete("endpointslices", "default", "db-2")
        wait_for(lambda: has(folder, SET, "web.default.svc.clusterset.local.\t5\tIN\tA\t10.112.0.7"))
        wait_for(lambda: not has(folder, SET, "db-0.west"))
        assert not [t for t in checkzone.transactions(os.path.join(folder, OWN + ".journal"))], "no change of the other zone"
        api.delete("serviceimports", "default", "db")
        wait_for(lambda: not has(folder, SET, "db"))
    assert "serviceimports=" in checkzone.header(os.path.join(folder, SET + ".zone"))["versions"]


def test_without_the_option_nobody_asks_for_them(tmp_path):
    with FakeApiServer() as api:
        conf = tmp_path / "Corefile"
        conf.write_text(f".:5300 {{\n    kubernetes {OWN} {{\n        endpoint {api.url}\n    }}\n}}\n")
        with Daemon("-conf", conf, "-zones", str(tmp_path / "zones")):
            api.wait_watches("endpointslices")
        assert not api.asked("serviceimports")


def test_a_missing_definition_does_not_stop_the_rest(api, tmp_path):
    folder, log = str(tmp_path / "zones"), tmp_path / "log"
    conf = corefile(tmp_path, f"endpoint {api.url}")
    missing = status(404, "the server could not find the requested resource", "NotFound")
    api.reply_next("serviceimports", None, missing, times=10**6)
    with Daemon("-conf", conf, "-zones", folder, log=log) as daemon:
        wait_for(lambda: present(folder, OWN) and present(folder, SET))
        assert has(folder, OWN, "web.default.svc.cluster.local.") and not has(folder, SET, "web.")
        assert has(folder, SET, "default.svc.clusterset.local."), "the zone is there, without imports"
        api.put(service("other", ["10.96.0.9"]))
        wait_for(lambda: has(folder, OWN, "other.default.svc.cluster.local."))
        wait_for(lambda: "is the Multi-Cluster Services API installed?" in daemon.log())
        wait_for(lambda: os.path.exists(os.path.join(folder, ".synced")), timeout=20)
        assert len(api.asked("serviceimports")) < 30, "asked again with growing patience"
        api.forget_replies()  # installed
        wait_for(lambda: has(folder, SET, "web.default.svc.clusterset.local."), timeout=60)


def test_a_definition_that_seems_missing_costs_no_zone(tmp_path):
    """What is on disk stays until a list of ServiceImports says otherwise."""
    folder = str(tmp_path / "zones")
    with FakeApiServer() as api:
        api.put(namespace("kube-system"))
        for obj in OBJECTS:
            api.put(obj)
        conf = corefile(tmp_path, f"endpoint {api.url}")
        with Daemon("-conf", conf, "-zones", folder):
            wait_for(lambda: has(folder, SET, "web.default.svc.clusterset.local."))
        api.reply_next("serviceimports", None, status(404, "no", "NotFound"), times=10**6)
        with Daemon("-conf", conf, "-zones", folder):
            wait_for(lambda: api.asked("serviceimports")[-1].at > time.monotonic() - 1 and api.watches("services"))
            api.put(service("web", ["10.96.0.2"], [("http", 80)]))
            wait_for(lambda: has(folder, OWN, "web.default.svc.cluster.local.\t5\tIN\tA\t10.96.0.2"))
            assert has(folder, SET, "web.default.svc.clusterset.local.\t5\tIN\tA\t10.112.0.1")


def test_files_and_answers(tmp_path):
    source = tmp_path / "objects.json"
    write_objects(source, OBJECTS)
    text = (f".:{{port}} {{\n bind {{address}}\n kubernetes {OWN} {SET} {{\n objects {source}\n multicluster {SET}\n }}\n}}\n")
    with Seamark(text, supervised=True) as server:
        wait_for(lambda: server.ask(f"web.default.svc.{SET}").rcode() == 0)
        assert [str(r) for r in server.ask(f"db-0.west.db.default.svc.{SET}").answer[0]] == ["10.2.0.2"]
        both = server.ask(f"DB.default.svc.{SET}", "SRV")
        assert {str(r) for rrset in both.answer for r in rrset} == {f"0 50 5432 db-0.{c}.db.default.svc.{SET}." for c in ("east", "west")}
        assert len(both.additional) == 2
        assert server.ask(f"sql.tcp.db.default.svc.{SET}", "SRV").rcode() == 3, "two labels are an endpoint and its cluster here"
        assert server.ask(f"_sql.tcp.db.default.svc.{SET}", "SRV").rcode() == 0
        assert server.ask(f"db-0.db.default.svc.{SET}").rcode() == 3
        assert server.ask(f"db-0.east.db.default.svc.{OWN}").rcode() == 3


def test_another_version_is_said(tmp_path):
    source, folder = tmp_path / "objects.json", str(tmp_path / "zones")
    newer = service_import("web", ["10.112.0.1"]) | {"apiVersion": "multicluster.x-k8s.io/v1beta1"}
    write_objects(source, [*OBJECTS, newer])
    assert run_once(source, folder, OWN, check=False).returncode == 0, "nobody asked for it"
    conf = corefile(tmp_path, f"objects {source}")
    with Daemon("-conf", conf, "-zones", folder, log=tmp_path / "log") as daemon:
        wait_for(lambda: "ServiceImport of multicluster.x-k8s.io/v1beta1: only multicluster.x-k8s.io/v1alpha1 is read" in daemon.log())
