"""health, ready and prometheus: their pages over real sockets, through reloads and to the process's end."""

import http.client
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from forwarder import BIN, Forwarder, free_port
from prometheus_client.parser import text_string_to_metric_families

PAGES = """.:{port} {
    health 127.0.0.1:HEALTH {
        lameduck LAMEDUCK
    }
    ready 127.0.0.1:READY
    prometheus {metrics}
    errors
    bufsize
    whoami
    MORE
}
"""


class Pages(Forwarder):
    def __init__(self, more="", lameduck="0s"):
        self.health, self.ready = free_port(), free_port()
        super().__init__(self.text(more, lameduck))

    def text(self, more="", lameduck="0s"):
        text = PAGES.replace("HEALTH", str(self.health)).replace("READY", str(self.ready))
        return text.replace("LAMEDUCK", lameduck).replace("MORE", more)

    def page(self):
        status, headers, body = get(self.metrics_port, "/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return body


def get(port, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def samples(page):
    """{(name, labels as a sorted tuple): value}, by Prometheus' own parser."""
    found = {}
    for family in text_string_to_metric_families(page):
        for s in family.samples:
            key = (s.name, tuple(sorted(s.labels.items())))
            assert key not in found, f"{key} twice"
            found[key] = s.value
    return found


def labels_of(page, name):
    return {tuple(sorted(key)) for n, labels in samples(page) if n == name for key in [dict(labels)]}


@pytest.fixture(scope="module")
def server():
    with Pages() as s:
        yield s


# ---- pages ----


def test_each_page_answers_at_its_own_port_alone(server):
    for port, path, body in ((server.health, "/health", "OK"), (server.ready, "/ready", "OK")):
        status, headers, text = get(port, path)
        assert (status, text) == (200, body)
        assert headers["Content-Length"] == "2"
        assert get(port, path, "HEAD")[::2] == (200, "")
        assert get(port, path, "POST")[0] == 405
        for other in ("/", "/metrics", path + "z", path + "/"):
            assert get(port, other)[0] == 404


def test_the_page_of_metrics_is_what_prometheus_reads(server):
    server.ask("a.example.org", want_dnssec=True)
    found = samples(server.page())
    names = {name for name, _ in found}
    assert {
        "coredns_build_info",
        "coredns_plugin_enabled",
        "coredns_dns_requests_total",
        "coredns_dns_responses_total",
        "coredns_dns_do_requests_total",
        "coredns_dns_request_duration_seconds_bucket",
        "coredns_dns_request_size_bytes_bucket",
        "coredns_dns_response_size_bytes_bucket",
        "coredns_health_request_duration_seconds_bucket",
        "coredns_health_request_failures_total",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    } <= names


def test_labels_are_those_of_coredns(server):
    server.ask("a.example.org", want_dnssec=True)
    page = server.page()
    assert labels_of(page, "coredns_dns_requests_total") == {("family", "proto", "server", "type", "view", "zone")}
    assert labels_of(page, "coredns_dns_responses_total") == {("plugin", "rcode", "server", "view", "zone")}
    assert labels_of(page, "coredns_dns_do_requests_total") == {("server", "view", "zone")}
    assert labels_of(page, "coredns_dns_request_duration_seconds_count") == {("server", "view", "zone")}
    assert labels_of(page, "coredns_dns_request_size_bytes_count") == {("proto", "server", "view", "zone")}
    assert labels_of(page, "coredns_plugin_enabled") == {("name", "server", "view", "zone")}
    assert labels_of(page, "coredns_build_info") == {("goversion", "revision", "version")}


def test_what_is_asked_is_counted():
    with Pages() as s:
        for _ in range(25):
            s.ask("a.example.org")
        for _ in range(5):
            s.ask("a.example.org", "HTTPS", tcp=True)
        s.ask("a.example.org", "TYPE65280")
        where = dict(server=f"dns://:{s.port}", zone=".", view="")
        assert s.metric("coredns_dns_requests_total", type="A", proto="udp", family="1", **where) == 25
        assert s.metric("coredns_dns_requests_total", type="HTTPS", proto="tcp", family="1", **where) == 5
        assert s.metric("coredns_dns_requests_total", type="other", **where) == 1
        assert s.metric("coredns_dns_responses_total", rcode="NOERROR", plugin="whoami", **where) == 31
        assert s.metric("coredns_dns_request_duration_seconds_count", **where) == 31
        found = samples(s.page())
        for name in ("request_duration_seconds", "request_size_bytes", "response_size_bytes"):
            for (n, labels), value in found.items():
                if n == f"coredns_dns_{name}_count":
                    top = [v for (m, ls), v in found.items()
                           if m == f"coredns_dns_{name}_bucket" and dict(ls)["le"] == "+Inf" and set(labels) <= set(ls)]
                    assert top == [value]
        sizes = s.metric("coredns_dns_request_size_bytes_sum", proto="udp", **where)
        assert sizes == 25 * len(a_question("A")) + len(a_question("TYPE65280"))


def a_question(rdtype):
    import dns.message

    return dns.message.make_query("a.example.org", rdtype).to_wire()


def test_refused_questions_are_counted_as_dropped():
    text = "example.org:{port} {\n whoami\n prometheus {metrics}\n}\n"
    with Forwarder(text) as s:
        assert s.ask("example.com").rcode() == 5
        assert s.metric("coredns_dns_requests_total", zone="dropped", type="A") == 1
        assert s.metric("coredns_dns_responses_total", zone="dropped", rcode="REFUSED", plugin="") == 1
        assert s.metric("coredns_dns_requests_total", zone="example.org.") == 0


def test_the_process_tells_its_memory_and_descriptors(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        resident = next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))
    assert abs(server.metric("process_resident_memory_bytes") - resident) < 8 << 20
    fds = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    assert abs(server.metric("process_open_fds") - fds) <= 3
    assert abs(server.metric("process_start_time_seconds") - time.time()) < 600


def test_it_checks_its_own_health(server):
    before = server.metric("coredns_health_request_duration_seconds_count")
    server.wait(lambda: server.metric("coredns_health_request_duration_seconds_count") > before, "a check", 5)
    assert server.metric("coredns_health_request_failures_total") == 0


# ---- hostile clients ----


def test_connections_that_say_nothing_do_not_keep_probes_out(server):
    idle = [socket.create_connection(("127.0.0.1", server.health), 5) for _ in range(200)]
    try:
        for s in idle[:100]:
            try:
                s.send(b"GET /hea")
            except OSError:
                pass  # it has had to give way already
        assert get(server.health, "/health")[0] == 200
        assert get(server.metrics_port, "/metrics")[0] == 200
    finally:
        for s in idle:
            s.close()


@pytest.mark.parametrize(
    "junk, status",
    [
        (b"\r\n\r\n", 400),
        (b"GET /health\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\n", 400),
        (b"GET /health HTTP/1.1\r\nA: \x00\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nA: " + b"a" * 20000, 431),
        (b"DELETE /health HTTP/1.1\r\n\r\n", 405),
    ],
    ids=["no line", "no version", "TLS", "control character", "large head", "other method"],
)
def test_junk_gets_its_status(server, junk, status):
    with socket.create_connection(("127.0.0.1", server.health), 5) as s:
        s.sendall(junk)
        answer = b""
        while chunk := s.recv(4096):
            answer += chunk
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert get(server.health, "/health")[0] == 200


# ---- readiness ----


def test_ready_names_the_plugin_that_has_nothing_yet():
    with Pages("kubernetes cluster.local") as s:
        status, _, body = get(s.ready, "/ready")
        assert (status, body) == (503, "kubernetes")
        assert get(s.health, "/health")[0] == 200


# ---- reload and end ----


def test_no_probe_is_refused_while_configurations_change():
    with Pages() as s:
        failures, stop = [], threading.Event()

        def probe():
            while not stop.is_set():
                for port, path in ((s.health, "/health"), (s.ready, "/ready"), (s.metrics_port, "/metrics")):
                    try:
                        if get(port, path)[0] != 200:
                            failures.append(path)
                    except OSError as error:
                        failures.append(f"{path}: {error}")

        thread = threading.Thread(target=probe)
        thread.start()
        try:
            s.ask("a.example.org")
            for i in range(20):
                s.reload(s.text("log" if i % 2 else ""))
        finally:
            stop.set()
            thread.join()
        assert failures == []
        assert s.metric("coredns_dns_requests_total", type="A") == 1  # counters go on
        assert any(n == "coredns_plugin_enabled" and dict(ls)["name"] == "log" for n, ls in samples(s.page()))


def test_an_address_that_goes_from_the_corefile_is_closed_and_a_new_one_opened():
    with Pages() as s:
        old, s.health = s.health, free_port()
        s.reload(s.text())
        assert get(s.health, "/health")[0] == 200
        with pytest.raises(OSError):
            get(old, "/health")


def test_one_address_serves_several_pages():
    with Pages() as s:
        s.ready = s.health
        s.reload(s.text())
        assert get(s.health, "/health")[0] == get(s.health, "/ready")[0] == 200


def test_an_address_in_use_is_an_error_at_start_and_leaves_a_running_server_alone():
    with socket.create_server(("127.0.0.1", 0)) as taken, Pages() as s:
        s.health = taken.getsockname()[1]
        s.write(s.text())
        s.process.send_signal(signal.SIGHUP)
        s.wait_log(r"plugin/health: cannot listen on 127\.0\.0\.1:\d+ \(Address already in use\)")
        assert s.ask("a.example.org").rcode() == 0
        assert get(s.ready, "/ready")[0] == 200
        done = subprocess.run([os.path.join(BIN, "seamark"), "-conf", s.path, "-dns.port", str(free_port()), "-sync=external"],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 1
        assert "cannot listen on 127.0.0.1:" in done.stderr


def test_lameduck_goes_on_serving_and_is_not_ready():
    with Pages(lameduck="1500ms") as s:
        start = time.monotonic()
        s.process.send_signal(signal.SIGTERM)
        s.wait_log("lameduck")
        assert get(s.ready, "/ready")[::2] == (503, "Shutting down")
        assert get(s.health, "/health")[0] == 200
        assert s.ask("a.example.org").rcode() == 0
        assert s.process.wait(15) == 0
        assert time.monotonic() - start >= 1.5
