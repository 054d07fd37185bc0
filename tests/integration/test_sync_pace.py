"""The options `apiserver_qps`, `apiserver_burst` and `apiserver_max_inflight`, as the API server sees them."""

import os
import threading
import time

import pytest
from fake_apiserver import FakeApiServer
from syncd import Daemon, namespace, service, wait_for

ZONE = "cluster.local"


def corefile(tmp_path, *options):
    path = tmp_path / "Corefile"
    path.write_text(f".:5300 {{\n    kubernetes {ZONE} {{\n" + "".join(f"        {o}\n" for o in options) + "    }\n}\n")
    return path


def test_requests_come_at_their_rate(tmp_path):
    """Three kinds are listed and watched: six requests, of which two come at once and the others half a second apart."""
    with FakeApiServer() as api:
        api.put(namespace("default"))
        conf = corefile(tmp_path, f"endpoint {api.url}", "apiserver_qps 2", "apiserver_burst 2")
        with Daemon("-conf", conf, "-zones", tmp_path / "zones"):
            for resource in ("namespaces", "services", "endpointslices"):
                api.wait_watches(resource)
        times = [r.at for r in api.asked() if r.query.get("sendInitialEvents") is None]
        refused = len(api.asked()) - len(times)  # a streaming list that is not offered is a request too
    assert len(times) == 6
    assert times[-1] - times[0] > (6 + refused - 2) / 2 - 1, "faster than two a second"


class Slow:
    """Answers of a FakeApiServer that take their time, and how many were under way at once."""

    def __init__(self):
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def __call__(self, server, connection, request):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.2)
        with self.lock:
            self.now -= 1
        server.answer_list(connection, request) if request.verb == "list" else server.answer_watch(connection, request)


@pytest.mark.parametrize("streams", [False, True], ids=["pages", "streaming"])
@pytest.mark.parametrize("limit", [1, 0])
def test_no_more_than_so_many_at_once(tmp_path, limit, streams):
    folder = str(tmp_path / "zones")
    slow = Slow()
    with FakeApiServer(streams=streams) as api:
        api.put(namespace("default"))
        for i in range(1100):  # three pages
            api.put(service(f"web-{i}", ["10.96.0.1"]))
        api.reply_next(None, None, slow, times=1000)
        conf = corefile(tmp_path, f"endpoint {api.url}", "pods verified", f"apiserver_max_inflight {limit}")
        with Daemon("-conf", conf, "-zones", folder) as daemon:
            wait_for(lambda: os.path.exists(os.path.join(folder, ZONE + ".journal")), timeout=30)
            for resource in ("namespaces", "services", "endpointslices", "pods"):
                api.wait_watches(resource, timeout=30)
            assert daemon.stop() == 0
    assert slow.most == 1 if limit else slow.most > 1
