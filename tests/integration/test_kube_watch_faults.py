"""sync/kube_watch.h against an API server that fails in every way it can."""

import socket
import threading
import time

import pytest
from fake_apiserver import FakeApiServer
from fake_replies import accept_then_silence, drop, half_list, raw_body, reset, silence, status
from kube_driver import Driver
from kube_objects import endpoint_slice, namespace, service

RESOURCES = ("namespaces", "services", "endpointslices")


def fill(server):
    server.put(namespace("kube-system", uid="the-cluster"))
    server.put(namespace("default"))
    server.put(service("default", "web"))
    server.put(endpoint_slice("default", "web-1", "web", ["10.1.0.1"]))
    return server


@pytest.fixture(params=[False, True], ids=["pages", "streaming"])
def api(request):
    with FakeApiServer(streams=request.param) as server:
        yield fill(server)


@pytest.fixture
def paging():
    with FakeApiServer() as server:
        yield fill(server)


def watched(api):
    for resource in RESOURCES:
        api.wait_watches(resource)


def test_a_server_that_was_away_is_asked_once_a_resource_from_the_last_version(api):
    with Driver(endpoint=api.url, timing=None) as driver:
        driver.wait_synced(api)
        watched(api)
        last = api.put(service("default", "web", "10.0.0.2"))
        driver.wait_line(f"^progress services {last}$")
        model = {resource: dict(objects) for resource, objects in driver.model.items()}
        api.stop()
        api.put(service("default", "new"))
        api.delete("services", "default", "web")
        time.sleep(1.5)
        assert driver.model == model  # nothing is forgotten while it is away
        before = len(api.asked())
        api.start()
        driver.wait_synced(api, 5)
        watched(api)
        asked = api.asked()[before:]
        assert sorted((r.resource, r.verb) for r in asked) == sorted((r, "watch") for r in RESOURCES)
        services = next(r for r in asked if r.resource == "services")
        assert services.query["resourceVersion"] == str(last)
        assert driver.count("^list_begin services") == 1
        assert driver.count("no good answer") == 2  # the connection was lost, and there is no other
        assert driver.count("answers again") == 1


def test_an_absent_server_is_asked_with_growing_patience():
    accepted = []
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted.append(time.monotonic())
            connection.close()

    threading.Thread(target=refuse, daemon=True).start()
    with Driver(endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}", timing=None) as driver:
        time.sleep(5)
        assert driver.count("no good answer") == 1
        gaps = [later - earlier for earlier, later in zip(accepted, accepted[1:])]
        assert len(accepted) == 5 and gaps == sorted(gaps) and gaps[0] >= 0.25 and gaps[-1] >= 1.9
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_an_event_that_was_cut_off_applies_wholly_after_the_reconnect(api):
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        for end in ("cut", "reset", "close"):
            watch = api.wait_watches("services")[0]
            whole = b'{"type":"MODIFIED","object":{"metadata":{"namespace":"default","name":"web","resourceVersion":"9'
            watch.raw(whole)
            getattr(watch, end)()
            driver.wait(lambda: watch not in api.watches() and api.watches("services"), what="another watch")
            assert driver.model["services"]["default/web"].split()[0] == "4"
        last = api.put(service("default", "web", "10.0.0.9"))
        driver.wait_line(f"^put services default/web {last} cluster 10.0.0.9")
        assert driver.count("^list_begin services") == 1


@pytest.mark.parametrize("gone", ["event", "status"])
def test_a_version_that_is_gone_leads_to_a_new_list_and_the_difference(api, gone):
    api.gone = gone
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        watched(api)
        api.stop()
        api.delete("services", "default", "web")
        api.put(service("default", "new"))
        api.compact()
        api.start()
        driver.wait_synced(api)
        assert driver.model["services"].keys() == {"default/new"}
        assert driver.count("^remove ") == 0  # the list says it by leaving it out
        assert driver.count("listing again") >= 1
        watched(api)
        last = api.put(service("default", "more"))
        driver.wait_line(f"^progress services {last}$")


def test_a_version_that_is_only_ever_gone_is_asked_for_less_and_less(paging):
    with Driver(endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        watches = paging.wait_watches("services")  # before the first may be refused: then there would be none to cut
        gone = status(410, "too old resource version", "Expired")
        paging.reply_next("services", "watch", gone, times=10000)
        for watch in watches:
            watch.cut()
        time.sleep(3)
        assert 3 <= len(paging.asked("services", "list")) <= 14
        paging.forget_replies()
        paging.wait_watches("services")


def test_a_continue_token_that_expires_does_not_stop_the_list(paging):
    for i in range(1100):
        paging.put(service("default", f"s{i}"))
    paging.reply_next("services", "list", lambda s, c, r: s.answer_list(c, r))  # the first page
    paging.reply_next("services", "list", status(410, "The provided continue parameter is too old", "Expired"))
    with Driver(endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        first, expired, whole = paging.asked("services", "list")
        assert "continue" in expired.query and "limit" not in whole.query and "continue" not in whole.query
        assert driver.count("^list_begin services") == 2 and driver.count("^list_end services") == 1


def test_half_a_page_is_asked_for_again(paging):
    for i in range(700):
        paging.put(service("default", f"s{i}"))
    paging.reply_next("services", "list", half_list(0.7))
    paging.reply_next("services", "list", lambda s, c, r: s.answer_list(c, r))
    paging.reply_next("services", "list", half_list(0.3))
    with Driver(endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        tokens = [r.query.get("continue") for r in paging.asked("services", "list")]
        assert tokens[:2] == [None, None] and tokens[2] == tokens[3] is not None and len(tokens) == 4


NO_LISTS = {
    "nothing": b"",
    "empty object": b"{}",
    "text": b"not JSON",
    "array": b"[]",
    "page of a proxy": b"<html>Service Unavailable</html>",
    "status": b'{"kind":"Status","code":500}',
    "another list": b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[]}',
    "no version": b'{"kind":"ServiceList","metadata":{},"items":[]}',
    "no end": b'{"kind":"ServiceList","metadata":{"resourceVersion":"7"},"items":[',
    "long version": b'{"kind":"ServiceList","metadata":{"resourceVersion":"' + b"7" * 500 + b'"},"items":[]}',
    "long token": b'{"kind":"ServiceList","metadata":{"resourceVersion":"7","continue":"' + b"x" * 70000 + b'"}}',
}


@pytest.mark.parametrize("body", NO_LISTS.values(), ids=NO_LISTS.keys())
def test_a_200_that_is_no_list_is_not_an_empty_list(paging, body):
    paging.reply_next("services", "list", raw_body(body), times=2)
    with Driver(endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        assert driver.count("^list_end services") == 1
        assert len(paging.asked("services", "list")) == 3
        assert driver.count("services: cannot list") == 1


def test_garbage_in_a_watch_leads_to_another_and_at_last_to_a_list(paging):
    with Driver(endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        for attempt in range(3):
            watch = paging.wait_watches("services")[0]
            watch.raw(b"garbage\n")
            driver.wait(lambda: watch not in paging.watches())
        driver.wait_line("^list_end services", count=2)
        last = paging.put(service("default", "last"))
        driver.wait_line(f"^progress services {last}$")


def test_what_rbac_lacks_is_named_once_and_the_rest_goes_on(api):
    words = 'endpointslices.discovery.k8s.io is forbidden: User "x" cannot list resource'
    api.reply_next("endpointslices", None, status(403, words, "Forbidden"), times=5)
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api, resources=("namespaces", "services"))
        verb = "watch" if api.streams else "list"
        driver.wait_line(f'not allowed to {verb} .403.: RBAC lacks verb "{verb}" on resource "endpointslices" in '
                         'API group "discovery.k8s.io", cluster-wide')
        assert driver.grep("RBAC")[0].count(words) == 1
        driver.wait_synced(api, 10)
        assert driver.count("RBAC") == 1
        assert len(api.asked("services", "watch")) <= 2


def test_retry_after_holds_for_every_kind(paging):
    with Driver(endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        watched(paging)
        paging.reply_next(None, "watch", status(429, "busy", "TooManyRequests", {"Retry-After": "2"}))
        before = len(paging.asked())
        for watch in paging.watches():
            watch.cut()
        driver.wait(lambda: len(paging.asked()) >= before + 4, 10)
        asked = paging.asked()[before:]
        assert len({r.resource for r in asked}) == 3
        assert min(r.at for r in asked[1:]) - asked[0].at >= 2
        assert driver.count("busy") == 1


FAILURES = {
    "500": status(500, "boom"),
    "503": status(503, "x", headers={"Retry-After": "nonsense"}),
    "404": status(404, "not here"),
    "204": status(204),
    "200 with a Status": status(200, "a Status and no list"),
    "drop": drop,
    "reset": reset,
}


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES.keys())
def test_it_recovers_from_anything(api, reply):
    api.reply_next(None, None, reply, times=3)
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api, 15)
        watched(api)
        api.reply_next(None, None, reply, times=3)
        for watch in api.watches():
            watch.reset()
        watched(api)
        last = api.put(service("default", "last"))
        driver.wait_line(f"^put services default/last {last} ")
        assert driver.process.poll() is None


def test_a_redirect_is_not_followed(paging):
    with FakeApiServer() as other:
        paging.reply_next(None, None, status(302, headers={"Location": f"{other.url}/api/v1/namespaces"}), times=2)
        with Driver(endpoint=paging.url) as driver:
            driver.wait_synced(paging)
            assert other.asked() == []
            assert driver.count(f"redirected to {other.url}/api/v1/namespaces, which is not followed") >= 1


def test_a_watch_that_falls_silent_is_renewed_and_nothing_is_lost(api):
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        watched(api)
        for watch in api.watches():
            watch.stall()
        last = api.put(service("default", "unheard"))
        driver.wait_line(f"^put services default/unheard {last} ", timeout=5)
        assert driver.count("^list_begin services") == 1
        assert driver.status("services")["failures"] == "0"


def test_bookmarks_keep_a_quiet_watch_alive():
    with FakeApiServer(bookmark_every=0.5) as api:
        with Driver(endpoint=fill(api).url) as driver:
            driver.wait_synced(api)
            watched(api)
            time.sleep(3)
            assert len(api.asked("services", "watch")) <= 2


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize("reply", [silence, accept_then_silence])
def test_a_server_that_accepts_and_is_silent_is_asked_again(api, verb, reply):
    api.reply_next("services", verb, reply)
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api, 15)
        last = api.put(service("default", "last"))
        driver.wait_line(f"^put services default/last {last} ")


def test_a_server_put_back_to_an_older_state_is_listed_anew(api):
    for i in range(20):
        api.put(service("default", f"s{i}"))
    with Driver(endpoint=api.url) as driver:
        driver.wait_synced(api)
        watched(api)
        api.stop()
        with FakeApiServer(streams=api.streams) as older:
            older.stop()
            older.port = api.port
            older.put(namespace("kube-system", uid="another-cluster"))
            older.put(service("default", "old"))
            older.start()
            driver.wait_synced(older, 15)
            assert driver.model["services"].keys() == {"default/old"}
            driver.wait_line("^cluster another-cluster")
            assert driver.count("another cluster than before") == 1


def test_watches_that_end_at_once_are_not_a_loop(paging):
    with Driver("-watch_min_s", "0", "-watch_max_s", "0", endpoint=paging.url) as driver:
        driver.wait_synced(paging)
        time.sleep(3)
        assert 3 <= len(paging.asked("services", "watch")) <= 14
        assert driver.count("services: cannot watch") == 1


def test_it_ends_at_once_whatever_is_under_way(api):
    for reply in (silence, accept_then_silence, None):
        if reply:
            api.reply_next(None, None, reply, times=3)
        driver = Driver(endpoint=api.url)
        time.sleep(0.3)
        start = time.monotonic()
        driver.__exit__(None, None, None)
        assert time.monotonic() - start < 2
        api.forget_replies()
