"""The option `startup_timeout`: where there is no zone yet, the first questions wait for it."""

import signal
import socket
import threading
import time

import dns.message
import dns.query
import dns.rcode
import pytest

import zonetext
from seamark import Seamark, addresses, wait_for

COREFILE = """cluster.local:{port} {
    bind {address}
    errors
    kubernetes cluster.local {
        objects {folder}/objects
        startup_timeout %s
    }
}
"""
NAME = "web.default.svc.cluster.local"
WAITING = r"^\[INFO\] plugin/kubernetes: waiting for Kubernetes API before starting server$"
UNSYNCED = r"^\[WARNING\] plugin/kubernetes: starting server with unsynced Kubernetes API$"


@pytest.fixture(name="server")
def fixture_server():
    server = Seamark(COREFILE % "30s")
    yield server
    server.cleanup()


def put(server, serial=100):
    zonetext.put_zone(server.zones, ["web.default.svc A 10.0.0.1"], serial, zonetext.identity(server.path("objects")))


def listening(server):
    """Its sockets are open: a datagram is taken, though nobody answers it yet."""
    def taken():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            return s.connect_ex((server.address, server.port)) == 0
    wait_for(taken, "open sockets")


class Asker(threading.Thread):
    """A question that waits."""

    def __init__(self, server, tcp=False):
        super().__init__(daemon=True)
        self.server, self.tcp, self.reply = server, tcp, None
        self.start()

    def run(self):
        ask = dns.query.tcp if self.tcp else dns.query.udp
        self.reply = ask(dns.message.make_query(NAME, "A"), self.server.address, timeout=25, port=self.server.port)


def test_the_first_questions_wait_for_the_zone(server):
    server.spawn()
    listening(server)
    askers = [Asker(server), Asker(server, tcp=True)]
    server.wait_log(WAITING)
    time.sleep(0.2)
    assert [a.reply for a in askers] == [None, None]
    put(server)
    for asker in askers:
        asker.join(20)
        assert addresses(asker.reply) == ["10.0.0.1"]
    assert server.count_log(UNSYNCED, seconds=0) == 0
    server.stop()


def test_they_do_not_wait_for_ever():
    with Seamark(COREFILE % "1s") as server:
        assert dns.rcode.to_text(server.ask(NAME).rcode()) == "SERVFAIL"
        assert server.count_log(WAITING) >= 1 and server.count_log(UNSYNCED) == 1


def test_a_zone_on_disk_is_served_at_once(server):
    put(server)
    with server:
        assert addresses(server.ask(NAME)) == ["10.0.0.1"]
        assert server.count_log(WAITING, seconds=0) == 0


def test_the_end_does_not_wait(server):
    server.spawn()
    listening(server)
    server.wait_log(WAITING)
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_a_reload_meanwhile_takes_its_place(server, number):
    server.spawn()
    listening(server)
    server.wait_log(WAITING)
    server.write("Corefile", "cluster.local:{port} {\n bind {address}\n whoami\n}\n")
    server.send_signal(number)
    server.wait_until_it_answers()
    assert server.ask(NAME).additional  # whoami's
    assert server.count_log("Reloading complete") == 1
    server.stop()


def test_a_reload_that_fails_meanwhile_changes_nothing(server):
    server.spawn()
    listening(server)
    server.wait_log(WAITING)
    server.write("Corefile", "cluster.local:{port} {\n nonsense\n}\n")
    server.send_signal(signal.SIGUSR1)
    server.wait_log("reload failed")
    put(server)
    server.wait_until_it_answers()
    assert addresses(server.ask(NAME)) == ["10.0.0.1"]
    server.stop()
