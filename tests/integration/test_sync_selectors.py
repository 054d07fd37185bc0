"""The options `labels` and `namespace_labels`: what an API server is asked for, and what the zone holds of what it says."""

import os

import checkzone
import pytest
from fake_apiserver import FakeApiServer
from syncd import Daemon, endpoint, namespace, run_once, service, slice_of, wait_for, write_objects

ZONE = "cluster.local"


def labelled(obj, **labels):
    obj["metadata"].setdefault("labels", {}).update({k.replace("__", "/"): v for k, v in labels.items()})
    return obj


def pod(name, ip, **labels):
    return labelled({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
                     "status": {"podIP": ip}}, **labels)


def web(name, **labels):
    """A headless service with one endpoint, both with these labels."""
    return [labelled(service(name, None, [("http", 80)]), **labels),
            labelled(slice_of(name, name + "-x", [endpoint("10.1.0.1")], [("http", 8080)]), **labels)]


def names(folder):
    """Names of services and pods that the zone has, without those of the apex and of namespaces."""
    found = {line.split("\t")[0].removesuffix("cluster.local.").rstrip(".") for line in checkzone.effective(folder)}
    return {name for name in found if name.count(".") >= 2}


def corefile(tmp_path, *options):
    path = tmp_path / "Corefile"
    path.write_text(f".:5300 {{\n    kubernetes {ZONE} {{\n" + "".join(f"        {o}\n" for o in options) + "    }\n}\n")
    return path


@pytest.fixture(name="api")
def _api():
    with FakeApiServer() as api:
        api.put(namespace("kube-system"))
        api.put(namespace("default"))
        yield api


def test_every_request_carries_its_selector(api, tmp_path):
    folder = str(tmp_path / "zones")
    conf = corefile(tmp_path, f"endpoint {api.url}", "pods verified", "labels app in (web, db),!hidden", "labels app!=x, tier",
                    "namespace_labels example.com/dns == on")
    with Daemon("-conf", conf, "-zones", folder):
        for resource in ("services", "endpointslices", "pods", "namespaces"):
            api.wait_watches(resource)
    for resource in ("services", "endpointslices", "pods"):
        assert {r.query["labelSelector"] for r in api.asked(resource)} == {"app!=x,tier"}, "the last line holds"
    assert {r.query["labelSelector"] for r in api.asked("namespaces")} == {"example.com/dns=on"}
    assert {r.verb for r in api.asked("services")} == {"list", "watch"}
    assert "status.phase!=Failed" in api.asked("pods")[0].query["fieldSelector"]


@pytest.mark.parametrize("streams", [False, True], ids=["pages", "streaming"])
def test_an_object_that_leaves_the_selection_goes(tmp_path, streams):
    folder = str(tmp_path / "zones")
    with FakeApiServer(streams=streams) as api:
        api.put(namespace("default"))
        conf = corefile(tmp_path, f"endpoint {api.url}", "labels app", "pods verified")
        for obj in (*web("one", app="1"), *web("two"), pod("p", "10.2.0.1", app="1"), pod("q", "10.2.0.2")):
            api.put(obj)
        one = {"one.default.svc", "_http._tcp.one.default.svc", "10-1-0-1.one.default.svc"}
        with Daemon("-conf", conf, "-zones", folder):
            wait_for(lambda: os.path.exists(os.path.join(folder, ZONE + ".journal")))
            for resource in ("services", "endpointslices", "pods"):
                api.wait_watches(resource)
            assert names(folder) == one | {"10-2-0-1.default.pod"}
            two_service, two_slice = web("two", app="")
            api.put(two_service)  # a headless service whose endpoints are not selected has none
            api.put(pod("q", "10.2.0.2", app="x"))
            api.put(pod("p", "10.2.0.1", tier="x"))
            wait_for(lambda: names(folder) == one | {"10-2-0-2.default.pod"})
            api.put(two_slice)
            wait_for(lambda: "two.default.svc" in names(folder))
            api.put(web("one")[0])  # the service without its label: DELETED for this watch
            wait_for(lambda: not any("one" in name for name in names(folder)))
            [*_, (_, cause, removed, added)] = checkzone.transactions(os.path.join(folder, ZONE + ".journal"))
            assert cause.startswith("Service default/one removed") and removed and not added
        assert names(folder) == {n.replace("one", "two") for n in one} | {"10-2-0-2.default.pod"}
    checkzone.check_tree(tmp_path)


def test_namespaces_are_selected_by_their_labels(api, tmp_path):
    folder = str(tmp_path / "zones")
    conf = corefile(tmp_path, f"endpoint {api.url}", "namespace_labels dns notin (off)")
    for obj in web("one"):
        api.put(obj)
    with Daemon("-conf", conf, "-zones", folder):
        wait_for(lambda: os.path.exists(os.path.join(folder, ZONE + ".journal")))
        api.wait_watches("namespaces")
        assert "one.default.svc" in names(folder)
        api.put(labelled(namespace("default"), dns="off"))
        wait_for(lambda: not names(folder))
        assert not any(line.startswith("default.svc") for line in checkzone.effective(folder)), "the namespace is NXDOMAIN"
        api.put(labelled(namespace("default"), dns="on"))
        wait_for(lambda: "one.default.svc" in names(folder))


def test_a_cluster_whose_own_namespace_is_not_selected(api, tmp_path):
    """kube-system is there all the same: nobody is warned that it is not."""
    folder = str(tmp_path / "zones")
    conf = corefile(tmp_path, f"endpoint {api.url}", "namespace_labels dns")
    with Daemon("-conf", conf, "-zones", folder, log=tmp_path / "log") as daemon:
        wait_for(lambda: os.path.exists(os.path.join(folder, ZONE + ".journal")))
        assert "there is no kube-system" not in daemon.log()
        assert "namespace_labels leaves out kube-system" in daemon.log()
    assert checkzone.header(os.path.join(folder, ZONE + ".zone")).get("cluster", "") == ""


def test_files_are_selected_by_the_labels_in_them(tmp_path):
    source, folder = tmp_path / "objects.json", str(tmp_path / "zones")
    objects = [labelled(namespace("default"), dns="on"), labelled(namespace("other")), *web("one", app="web"), *web("two", app="db"),
               labelled(service("three", ["10.96.0.3"], namespace="other"), app="web"), pod("p", "10.2.0.1", app="web"),
               pod("q", "10.2.0.2")]
    write_objects(source, objects)
    conf = corefile(tmp_path, f"objects {source}", "pods verified", "labels app=web", "namespace_labels dns")
    with Daemon("-conf", conf, "-zones", folder):
        wait_for(lambda: os.path.exists(os.path.join(folder, ZONE + ".journal")))
        assert {n for n in names(folder) if n.count(".") == 2} == {"one.default.svc", "10-2-0-1.default.pod"}
        header = checkzone.header(os.path.join(folder, ZONE + ".zone"))
        assert header["source"].endswith(" namespace_labels=dns labels=app=web")
        objects[2]["metadata"]["labels"]["app"] = "db"
        objects[4]["metadata"]["labels"]["app"] = "web"
        write_objects(source, objects)
        wait_for(lambda: {n for n in names(folder) if n.count(".") == 2} == {"10-2-0-1.default.pod"})
    checkzone.check_tree(tmp_path)


def test_without_the_options_all_are_there(tmp_path):
    source, folder = tmp_path / "objects.json", str(tmp_path / "zones")
    write_objects(source, [namespace("default"), *web("one", app="web")])
    run_once(source, folder)
    assert "one.default.svc" in names(folder)
