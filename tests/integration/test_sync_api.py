"""seamark-sync whole, from an API server to files: changes, new lists, churn, kill -9, the API server away."""

import os
import random
import threading
import time

import checkzone
import pytest
from fake_apiserver import FakeApiServer
from syncd import Daemon, endpoint, namespace, run_once, service, slice_of, wait_for, write_objects

ZONE = "cluster.local"
REVERSE = "10.in-addr.arpa"


@pytest.fixture(autouse=True)
def _every_zone_file_is_valid(tmp_path):
    """Whatever a test leaves behind is accepted by all checkers."""
    yield
    checkzone.check_tree(tmp_path)


@pytest.fixture(name="api")
def _api():
    with FakeApiServer() as api:
        api.put(namespace("kube-system"))
        api.put(namespace("default"))
        yield api


@pytest.fixture(name="conf")
def _conf(tmp_path, api):
    path = tmp_path / "Corefile"
    path.write_text(f".:5300 {{\n    kubernetes {ZONE} {REVERSE} {{\n        endpoint {api.url}\n    }}\n}}\n")
    return path


def web(i, ip):
    return service(f"web-{i}", [ip], [("http", 80)])


def pods_of(i, n, at=0):
    return slice_of(f"web-{i}", f"web-{i}-x", [endpoint(f"10.{1 + i}.{at}.{k}") for k in range(n)], [("http", 8080)])


def objects_of(api):
    """What the API server holds, as a list."""
    with api.lock:
        return [obj for kind in api.objects.values() for obj in kind.values()]


def expect_in_step(api, folder, tmp_path, timeout=10):
    """The files are what a fresh rendering of the same objects gives."""
    source, fresh = tmp_path / "final.json", tmp_path / f"fresh-{time.monotonic_ns()}"
    write_objects(source, objects_of(api))
    run_once(source, fresh, ZONE, REVERSE)
    for zone in (ZONE, REVERSE):
        expected = checkzone.effective(fresh, zone)
        try:
            wait_for(lambda zone=zone, expected=expected: checkzone.effective(folder, zone) == expected, timeout, 0.1)
        except AssertionError:
            found = checkzone.effective(folder, zone)
            raise AssertionError(f"{zone}: missing {sorted(expected - found)[:5]}, "
                                 f"too many {sorted(found - expected)[:5]}") from None
    checkzone.check_folder(folder)


def in_file(folder, line):
    path = os.path.join(folder, ZONE + ".zone")
    return os.path.exists(path) and line in checkzone.effective(folder)


def a(name, ip):
    return f"{name}.default.svc.cluster.local.\t5\tIN\tA\t{ip}"


def test_changes_are_in_the_journal_at_once(api, conf, tmp_path):
    folder = str(tmp_path / "zones")
    api.put(web(1, "10.96.0.1"))
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        wait_for(lambda: in_file(folder, a("web-1", "10.96.0.1")))
        api.wait_watches("services")
        for i in range(2, 12):
            api.put(web(1, f"10.96.0.{i}"))
            wait_for(lambda i=i: in_file(folder, a("web-1", f"10.96.0.{i}")), timeout=1, step=0.002)
        api.delete("services", "default", "web-1")
        wait_for(lambda: not any("web-1." in line for line in checkzone.effective(folder)), timeout=1)
        [*_, (_, cause, removed, added)] = checkzone.transactions(os.path.join(folder, ZONE + ".journal"))
        assert cause.startswith("Service default/web-1 removed") and len(removed) == 4 and added == []
        expect_in_step(api, folder, tmp_path)
        assert daemon.stop() == 0


def test_the_header_names_cluster_and_versions(api, conf, tmp_path):
    folder = str(tmp_path / "zones")
    with Daemon("-conf", conf, "-zones", folder):
        wait_for(lambda: os.path.exists(os.path.join(folder, REVERSE + ".journal")))
    header = checkzone.header(os.path.join(folder, ZONE + ".zone"))
    assert header["cluster"] == api.objects["namespaces"][("", "kube-system")]["metadata"]["uid"]
    assert header["source"].startswith(api.url)
    assert set(v.split("=")[0] for v in header["versions"].split()) == {"namespaces", "services", "endpointslices"}


def test_a_new_list_writes_only_what_differs(api, conf, tmp_path):
    folder = str(tmp_path / "zones")
    for i in range(20):
        api.put(web(i, f"10.96.0.{i}"))
        api.put(pods_of(i, 5))
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        wait_for(lambda: os.path.exists(os.path.join(folder, REVERSE + ".journal")))
        [watch] = api.wait_watches("services")
        before = checkzone.file_serial(os.path.join(folder, ZONE + ".zone"))
        watch.stall()  # what happens now is not told
        api.put(web(3, "10.96.1.3"))
        api.delete("services", "default", "web-4")
        api.compact()
        watch.reset()
        wait_for(lambda: in_file(folder, a("web-3", "10.96.1.3")), timeout=20)
        expect_in_step(api, folder, tmp_path)
        changes = checkzone.transactions(os.path.join(folder, ZONE + ".journal"))
        assert sum(len(removed) + len(added) for _, _, removed, added in changes) == 4 + 4 + 5 * 2
        assert checkzone.file_serial(os.path.join(folder, ZONE + ".zone")) == before
        assert daemon.stop() == 0


def test_the_files_stay_while_the_api_server_is_away(api, conf, tmp_path):
    folder = str(tmp_path / "zones")
    api.put(web(1, "10.96.0.1"))
    with Daemon("-conf", conf, "-zones", folder):
        wait_for(lambda: in_file(folder, a("web-1", "10.96.0.1")) and os.path.exists(os.path.join(folder, REVERSE + ".journal")))
    before = {f: open(os.path.join(folder, f), "rb").read() for f in os.listdir(folder) if not f.startswith(".")}
    api.stop()
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        time.sleep(2)
        assert {f: open(os.path.join(folder, f), "rb").read() for f in before} == before
        api.put(web(1, "10.96.0.7"))
        api.start()
        wait_for(lambda: in_file(folder, a("web-1", "10.96.0.7")), timeout=30)
        assert len(checkzone.transactions(os.path.join(folder, ZONE + ".journal"))) == 1, "the difference, not a new world"
        assert daemon.stop() == 0


class Churn:
    """Changes objects all the time until it is left."""

    def __init__(self, api, pause):
        self.api, self.pause, self.rng, self.ended = api, pause, random.Random(7), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.wait(self.pause):
            i = self.rng.randrange(30)
            what = self.rng.randrange(10)
            with self.api.lock:
                there = ("default", f"web-{i}") in self.api.objects["services"]
            if what == 0 and there:
                self.api.delete("services", "default", f"web-{i}")
            elif what < 5:
                self.api.put(web(i, f"10.96.{self.rng.randrange(4)}.{i}"))
            else:
                self.api.put(pods_of(i, self.rng.randrange(20), self.rng.randrange(200)))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def test_killed_under_churn(api, conf, tmp_path):
    """kill -9 at random instants: the files can be loaded, the serial never goes back, in the end all is in step."""
    folder = str(tmp_path / "zones")
    rng = random.Random(11)
    serial = 0
    with Churn(api, 0.001):
        for i in range(40):
            with Daemon("-conf", conf, "-zones", folder) as daemon:
                time.sleep(rng.random() * 0.25)
                daemon.kill()
            path = os.path.join(folder, ZONE + ".zone")
            if os.path.exists(path):
                checkzone.sound(path)
                checkzone.effective(folder)
                checkzone.effective(folder, REVERSE) if os.path.exists(os.path.join(folder, REVERSE + ".zone")) else None
                now = checkzone.serial(folder)
                assert now >= serial, f"round {i}: the serial went back"
                serial = now
    assert serial > 0
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        wait_for(lambda: os.path.exists(os.path.join(folder, REVERSE + ".journal")))
        expect_in_step(api, folder, tmp_path)
        assert daemon.stop() == 0


def test_a_zone_file_is_written_anew_under_churn(api, conf, tmp_path):
    """Until the journal has outgrown its file, and on: nothing that happens meanwhile is lost."""
    folder = str(tmp_path / "zones")
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        path = os.path.join(folder, ZONE + ".zone")
        wait_for(lambda: os.path.exists(os.path.join(folder, REVERSE + ".journal")))
        api.wait_watches("endpointslices")
        first, seen = checkzone.file_serial(path), set()
        with Churn(api, 0.0005):
            def rewritten():
                checkzone.sound(path)
                seen.add(checkzone.file_serial(path))
                return len(seen - {first}) >= 2
            wait_for(rewritten, timeout=60, step=0.05)
        expect_in_step(api, folder, tmp_path)
        assert daemon.stop() == 0


def test_objects_made_again_under_one_name(api, conf, tmp_path):
    """Deleted and created again as something else: between two events, and while nobody watched."""
    folder = str(tmp_path / "zones")
    api.put(web(1, "10.96.0.1"))
    api.put(pods_of(1, 3))
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        wait_for(lambda: in_file(folder, a("web-1", "10.96.0.1")))
        [watch] = api.wait_watches("services")
        with api.lock:  # both events arrive together
            api.delete("services", "default", "web-1")
            api.put(service("web-1", None, [("http", 80)]))
        wait_for(lambda: in_file(folder, a("web-1", "10.2.0.0")))
        assert not in_file(folder, a("web-1", "10.96.0.1"))
        expect_in_step(api, folder, tmp_path)
        watch.stall()
        api.delete("services", "default", "web-1")
        api.put(service("web-1", type="ExternalName", externalName="www.example.com"))
        api.delete("endpointslices", "default", "web-1-x")
        api.put(pods_of(1, 1, at=9))
        api.compact()
        watch.reset()
        wait_for(lambda: in_file(folder, "web-1.default.svc.cluster.local.\t5\tIN\tCNAME\twww.example.com."), timeout=20)
        expect_in_step(api, folder, tmp_path)
        assert daemon.stop() == 0


def test_a_service_through_all_its_types(api, conf, tmp_path):
    folder = str(tmp_path / "zones")
    api.put(pods_of(1, 2))
    kinds = [web(1, "10.96.0.1"), service("web-1", None, [("http", 80)]), service("web-1", type="ExternalName", externalName="a.example"),
             service("web-1", ["10.96.0.1", "fd00::1"], [("http", 80), ("https", 443)]), service("web-1", [""])]
    rng = random.Random(3)
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        wait_for(lambda: os.path.exists(os.path.join(folder, REVERSE + ".journal")))
        api.wait_watches("services")
        for _ in range(12):
            api.put(rng.choice(kinds))
            expect_in_step(api, folder, tmp_path)
        assert daemon.stop() == 0
