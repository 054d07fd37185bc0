"""cache: an hour without upstreams, by a clock that the test sets: what was in use is answered, at once."""

import socket
import struct
import time

import dns.flags
import dns.message
import dns.rcode
import pytest
from forwarder import Forwarder, addresses, ttls
from shifted_clock import ShiftedClock
from upstream import Upstream

IN_USE, NOISE = 800, 8000  # of a cache of 1,024 entries
COREFILE = """.:{port} {
    errors
    prometheus {metrics}
    cache 300 {
        success 1024
        denial 1024
        serve_stale 2h immediate 30s 5s
    }
    template ANY ANY noise.example.org {
        answer "{{ .Name }} 300 IN A 10.9.9.9"
    }
    forward . UPSTREAMS {
        read_timeout 300ms
    }
}
"""


def question(name):
    labels = b"".join(struct.pack("B", len(part)) + part.encode() for part in name.split("."))
    return struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def ask_all(server, names, at_once):
    """Asks for them, so many at a time: the answers, and how long each took from when it was sent."""
    answers, times = [], []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", server.port))
        sock.settimeout(10)
        for first in range(0, len(names), at_once):
            batch = names[first : first + at_once]
            start = time.monotonic()
            for name in batch:
                sock.send(question(name))
            for _ in batch:
                answers.append(sock.recv(4096))
                times.append(time.monotonic() - start)
    return answers, sorted(times)


@pytest.mark.parametrize("how", ["silent", "gone"])
def test_names_in_use_are_answered_through_an_hour_without_upstreams(tmp_path, how):
    names = [f"n{i}.example.org" for i in range(IN_USE)]
    clock = ShiftedClock(str(tmp_path))
    with Upstream() as up, Upstream() as second:
        for upstream in (up, second):
            upstream.negative_ttl = (300, 300)
            for i, name in enumerate(names):
                upstream.add(name, "A", f"10.0.{i >> 8}.{i & 255}", ttl=300)
        text = COREFILE.replace("UPSTREAMS", f"{up.address} {second.address}")
        with Forwarder(text, env=clock.env) as server:
            for _ in range(2):  # asked for, and asked for again
                ask_all(server, names, 16)
            ask_all(server, [f"x{i}.noise.example.org" for i in range(NOISE)], 32)
            if how == "silent":
                up.silent = second.silent = True
            else:
                up.stop()
                second.stop()
            clock.forward(3600)
            ask_all(server, [f"late{i}.noise.example.org" for i in range(1000)], 32)
            answers, times = ask_all(server, names, 1)
            for i, wire in enumerate(answers):
                answer = dns.message.from_wire(wire)
                assert addresses(answer) == [f"10.0.{i >> 8}.{i & 255}"] and ttls(answer) == {30}
            p99 = times[len(times) * 99 // 100]
            print(f"p99 {p99 * 1000:.2f} ms")
            assert p99 < 0.05  # the machine's share: it is below a millisecond on one at rest
            assert server.metric("coredns_cache_served_stale_total") == IN_USE
            # What nobody has asked for before has no answer, and the failure is soon forgotten.
            assert server.ask("new.example.org").rcode() == dns.rcode.SERVFAIL
            up.silent = second.silent = False
            if how == "gone":
                up.start()
                second.start()
            clock.forward(10)
            server.wait(lambda: server.ask("new.example.org").rcode() == dns.rcode.NXDOMAIN, "the upstreams", 20)
            server.wait(lambda: ttls(server.ask(names[0])) != {30}, "a fresh answer", 20)


def test_a_stale_entry_ends_and_a_restart_counts_the_hours(tmp_path):
    clock = ShiftedClock(str(tmp_path))
    text = COREFILE.replace("success 1024", "persist\n        success 1024")
    with Upstream() as up:
        up.add("www.example.org", "A", "10.0.0.1", ttl=300)
        with Forwarder(text.replace("UPSTREAMS", up.address), env=clock.env) as server:
            server.ask("www.example.org")
            up.silent = True
            server.stop()
            clock.forward(7200)
            server.start()
            assert ttls(server.ask("www.example.org")) == {30}
            server.stop()
            clock.forward(301)
            server.start()
            assert "0 answers read" in server.log()
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
            clock.forward(-86400)  # the clock is set back behind the time of writing
            server.stop()
            server.start()
            assert server.process.poll() is None
