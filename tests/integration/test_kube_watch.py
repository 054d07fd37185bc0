"""sync/kube_watch.h against a scripted API server: lists, watches, and what is asked for."""

import json
import random
import time

import pytest
from fake_apiserver import FakeApiServer
from kube_driver import FAST, Driver
from kube_objects import endpoint_slice, namespace, pod, service


@pytest.fixture(params=[False, True], ids=["pages", "streaming"])
def api(request):
    with FakeApiServer(streams=request.param) as server:
        server.put(namespace("kube-system", uid="the-cluster"))
        server.put(namespace("default"))
        server.put(service("default", "web"))
        server.put(endpoint_slice("default", "web-1", "web", ["10.1.0.1", "10.1.0.2"]))
        yield server


def test_lists_all_kinds_and_then_hears_of_changes(api):
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        assert driver.model["services"]["default/web"].endswith("cluster 10.0.0.1 http/TCP/80")
        assert driver.model["endpointslices"]["default/web-1"].endswith("web 10.1.0.1 10.1.0.2 http/TCP/8080")
        for resource in ("namespaces", "services", "endpointslices"):
            api.wait_watches(resource)
        changed = api.put(service("default", "web", "10.0.0.2"))
        added = api.put(service("default", "other", "10.0.0.3"))
        removed = api.delete("services", "default", "web")
        driver.wait_line(f"^progress services {removed}$")
        at = driver.lines.index(f"put services default/web {changed} cluster 10.0.0.2 http/TCP/80")
        assert driver.lines[at:at + 6] == [
            f"put services default/web {changed} cluster 10.0.0.2 http/TCP/80",
            f"progress services {changed}",
            f"put services default/other {added} cluster 10.0.0.3 http/TCP/80",
            f"progress services {added}",
            "remove services default/web",
            f"progress services {removed}",
        ]
        api.bookmark()
        driver.wait_line(f"^progress namespaces {removed}$")


def test_the_cluster_is_told_before_the_namespaces_are_whole(api):
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        names = [line for line in driver.lines if line.startswith("cluster ") or "namespaces" in line]
        assert names.index("cluster the-cluster") < next(i for i, n in enumerate(names) if n.startswith("list_end"))
        assert driver.count("^cluster ") == 1


def test_long_lists_come_whole():
    with FakeApiServer() as api:
        for i in range(1203):
            api.put(service("default", f"s{i}"))
        with Driver(endpoint=api.url) as driver:
            driver.wait_synced(api, 30)
            pages = api.asked("services", "list")
            assert [("continue" in page.query, page.query["limit"]) for page in pages] == [
                (False, "500"), (True, "500"), (True, "500")]
            assert all("resourceVersion" not in page.query for page in pages)  # a consistent read
            watch = api.wait_watches("services")[0]
            assert watch.request.query["resourceVersion"] == str(api.version)
            assert driver.count("^list_begin services") == 1
            assert "kube-system" in driver.grep("WARNING")[0]  # there is none: it says so, and goes on


def test_a_streaming_list_needs_no_other():
    with FakeApiServer(streams=True) as api:
        for i in range(700):
            api.put(service("default", f"s{i}"))
        with Driver(endpoint=api.url) as driver:
            driver.wait_synced(api)
            assert api.asked(verb="list") == []
            assert len(api.asked("services")) == 1
            assert driver.grep("^list_end services") == [f"list_end services {api.version}"]
            assert driver.status("services")["events"] == "0"  # those of a list are no changes
            api.put(service("default", "s1", "10.0.0.9"))
            driver.wait_synced(api)
            assert len(api.asked("services")) == 1  # the same request went on as a watch
            assert driver.status("services")["events"] == "1"


def test_no_streaming_list_is_asked_for_again_where_it_was_refused():
    with FakeApiServer(streams=False) as api:
        with Driver(endpoint=api.url) as driver:
            driver.wait_synced(api)
            for _ in range(2):
                api.wait_watches("services")
                api.compact()
                for watch in api.watches("services"):
                    watch.error(410)
                driver.wait_synced(api)
            assert len([r for r in api.asked() if "sendInitialEvents" in r.query]) == 1


def test_only_what_the_block_needs_is_asked_for():
    with FakeApiServer() as api:
        with Driver(endpoint=api.url) as driver:
            driver.wait_synced(api)
            assert {r.resource for r in api.asked()} == {"namespaces", "services", "endpointslices"}
        api.requests.clear()
        with Driver("-noendpoints", endpoint=api.url) as driver:
            driver.wait_synced(api, resources=("namespaces", "services"))
            time.sleep(0.2)
            assert {r.resource for r in api.asked()} == {"namespaces", "services"}
            assert driver.status("endpointslices")["followed"] == "0"
        api.requests.clear()
        api.put(pod("default", "p", "10.1.0.1"))
        with Driver("-pods", endpoint=api.url) as driver:
            driver.wait_synced(api, resources=("namespaces", "services", "endpointslices", "pods"))
            assert driver.model["pods"]["default/p"].endswith("10.1.0.1")
            api.wait_watches("pods")
            assert {r.query["fieldSelector"] for r in api.asked("pods")} == {
                "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"}
        for request in api.asked():
            assert request.headers["user-agent"].startswith("seamark-sync/")
            assert " (linux/" in request.headers["user-agent"]
            assert request.headers["accept"] == "application/json"


def test_watches_ask_for_bookmarks_and_five_to_ten_minutes(api):
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        api.wait_watches("services")
        watches = api.asked(verb="watch")
        assert all(w.query["allowWatchBookmarks"] == "true" for w in watches)
        times = {int(w.query["timeoutSeconds"]) for w in watches}
        assert all(300 <= t <= 600 for t in times) and len(times) > 1


def test_a_watch_whose_time_is_up_goes_on_from_the_last_version(api):
    with Driver("-watch_min_s", "1", "-watch_max_s", "1", endpoint=api.url) as driver:
        driver.wait_synced(api)
        last = api.put(service("default", "web", "10.0.0.7"))
        driver.wait_line(f"^progress services {last}$")
        first = len(api.asked("services", "watch"))
        driver.wait(lambda: len(api.asked("services", "watch")) >= first + 2, 5, "two more watches")
        assert api.asked("services", "watch")[-1].query["resourceVersion"] == str(last)
        assert driver.count("^list_begin services") == 1
        assert driver.status("services")["failures"] == "0"


def test_an_object_that_cannot_be_read_costs_no_other_and_goes_with_the_next_list(api):
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        watch = api.wait_watches("services")[0]
        broken = service("default", "web", ports=())
        broken["spec"]["ports"] = [{"port": 70000}]
        api.put(broken)
        api.put(service("default", "next"))
        driver.wait_line("^put services default/next ")
        assert driver.model["services"]["default/web"].split()[1] == "cluster"  # as it was
        assert driver.status("services")["left_out"] == "1"
        assert driver.count("Service default/web: spec.ports.*port is not a port number") == 1
        api.compact()
        watch.error(410)
        driver.wait_line("^list_end services", count=2)
        assert "default/web" not in driver.model["services"] and "default/next" in driver.model["services"]


def test_odd_events_are_left_out_and_the_watch_goes_on(api):
    patient = {**FAST, "watch_idle_ms": 20000}  # the API server of the test takes its time over events of 17 MB
    with Driver(endpoint=api.url, timing=patient) as driver:
        driver.wait_synced(api)
        watch = api.wait_watches("services")[0]
        for data in (b'{"type":"SYNC","object":{}}', b'{"type":"ADDED"}', b'{"type":"ADDED","object":null}', b"{}",
                     b'{"type":"DELETED","object":{"metadata":{"name":"web"}}}',
                     b'{"type":"ADDED","object":{"a":nope}}',
                     b'{"type":"ADDED","object":' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
                     b'{"type":"BOOKMARK","object":[]}', b'{"type":"ADDED","object":[1,2]}'):
            watch.raw(data + b"\n")
        huge = service("default", "huge")
        huge["metadata"]["annotations"] = {"a": "x" * (10 << 20)}
        api.put(huge)
        over = service("default", "over")
        over["metadata"]["annotations"] = {"a": "x" * (17 << 20)}
        watch.event("ADDED", over)
        last = api.put(service("default", "last"))
        driver.wait_line(f"^progress services {last}$", timeout=20)
        assert driver.model["services"].keys() == {"default/web", "default/huge", "default/last"}
        assert len(api.asked("services", "watch")) <= 2  # the streaming list and the one watch
        assert int(driver.status("services")["left_out"]) == 9


def test_a_list_in_one_answer_is_never_held_whole():
    with FakeApiServer() as api:
        api.ignore_limit = True
        for i in range(15000):
            big = service("default", f"s{i}")
            big["metadata"]["annotations"] = {"a": "x" * 4000}
            api.put(big)
        quarantine = {"ASAN_OPTIONS": "quarantine_size_mb=8"}  # it would count as memory held
        with Driver(endpoint=api.url, timing=None, environment=quarantine) as driver:
            driver.wait_line("^list_end services", timeout=60)
            assert len(driver.model["services"]) == 15000
            size = len(json.dumps(list(api.objects["services"].values())))
            assert size > 60 << 20 and driver.peak_kib() < (100 if "asan" in driver.process.args[0] else 30) << 10


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_end_as_the_server_has_it(api, seed):
    chance = random.Random(seed)
    kinds = {"services": lambda n: service("default", n, f"10.0.0.{chance.randrange(1, 250)}"),
             "endpointslices": lambda n: endpoint_slice("default", n, "web", [f"10.1.0.{chance.randrange(1, 250)}"])}

    def fault(watch):
        chance.choice([watch.reset, watch.cut, watch.close, watch.stall, api.bookmark, lambda: watch.raw(b"]\n"),
                       lambda: watch.raw(b'{"type":"ADDED","obj'),
                       lambda: watch.error(500, "InternalError", "etcd is ill")])()

    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        for _ in range(300):
            resource = chance.choice(list(kinds))
            names = [name for ns, name in api.objects[resource] if ns == "default"]
            dice = chance.random()
            if dice < 0.6 or not names:
                api.put(kinds[resource](f"o{chance.randrange(40)}"))
            elif dice < 0.9:
                api.delete(resource, "default", chance.choice(names))
            elif dice < 0.97 and api.watches(resource):
                fault(chance.choice(api.watches(resource)))
            elif dice > 0.99:
                api.compact()
            time.sleep(chance.choice([0, 0, 0, 0.01]))
        api.forget_replies()
        driver.wait_synced(api, 20)
