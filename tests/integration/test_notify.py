"""transfer: NOTIFY to the `to` addresses, when the server starts and when a zone changes."""

import socket
import time

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from seamark import Seamark, loopback, wait_for
from zonetext import Journal, identity, put_zone

ZONE = "cluster.local."
CONF = """.:{port} {
    bind {address}
    transfer {
        %s
    }
    kubernetes cluster.local %s
    debug
    errors
}
"""


class Secondary:
    """A socket that NOTIFY comes to. It acknowledges with `rcode`, or not at all where that is None."""

    def __init__(self, rcode=dns.rcode.NOERROR, address=None):
        address = address or loopback()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.rcode = rcode
        self.port = self.socket.getsockname()[1]
        self.to = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self.peer = None
        self.before = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, seconds=10.0):
        """The next message, acknowledged; None where there is none in time."""
        self.socket.settimeout(seconds)
        try:
            wire, self.peer = self.socket.recvfrom(65535)
        except socket.timeout:
            return None
        message = dns.message.from_wire(wire)
        assert message.opcode() == dns.opcode.NOTIFY and message.flags & dns.flags.AA
        assert not message.flags & dns.flags.QR
        assert [(q.rdtype, q.rdclass) for q in message.question] == [(dns.rdatatype.SOA, 1)]
        if self.rcode is not None:
            answer = dns.message.make_response(message)
            answer.set_rcode(self.rcode)
            self.socket.sendto(answer.to_wire(), self.peer)
        return message

    def serials(self, last, seconds=10.0):
        """The serials that are told, up to `last`."""
        told = []
        while not told or told[-1] != last:
            message = self.receive(seconds)
            assert message is not None, f"nothing after {told}"
            told.append(serial_of(message))
        return told


def serial_of(message):
    return message.answer[0][0].serial


def serving(*options, zones=""):
    server = Seamark(CONF % ("\n        ".join(options), zones))
    put_zone(server.zones, ["web.svc A 10.0.0.1"], 100, identity())
    return server


def test_at_the_start_and_on_each_change():
    with Secondary() as one, Secondary() as two, serving(f"to {one.to}", f"to {two.to} *") as server:
        for secondary in (one, two):
            message = secondary.receive()
            assert str(message.question[0].name) == ZONE and serial_of(message) == 100
            assert secondary.peer[0] != server.address  # no `source`: the system's choice
        journal = Journal(server.zones, 100)
        ids = set()
        for serial in range(101, 106):
            journal.commit(f"+w{serial}.svc A 10.0.0.1")
            message = one.receive()
            assert serial_of(message) == serial
            ids.add(message.id)
            assert serial_of(two.receive()) == serial
        assert len(ids) > 3  # at random
        put_zone(server.zones, ["web.svc A 10.0.0.9"], 500, identity())
        assert serial_of(one.receive()) == 500
        server.wait_log(r'accepted by "127.* for 500 SOA serial')


def test_a_burst_is_few_messages_and_the_last_serial_is_told():
    with Secondary() as secondary, serving(f"to {secondary.to}") as server:
        assert secondary.serials(100) == [100]
        journal = Journal(server.zones, 100)
        for serial in range(101, 1101):
            journal.commit(f"+w{serial}.svc A 10.0.0.1")
        told = secondary.serials(1100)
        assert len(told) < 100 and told == sorted(set(told))
        assert secondary.receive(1.5) is None


def test_it_is_repeated_until_it_is_acknowledged():
    """With the serial of its moment, and other waits than the changes'."""
    with Secondary(rcode=None) as secondary, serving(f"to {secondary.to}") as server:
        assert serial_of(secondary.receive()) == 100
        journal = Journal(server.zones, 100)
        for serial in range(101, 104):
            journal.commit(f"+w{serial}.svc A 10.0.0.1")
        begin = time.monotonic()
        assert serial_of(secondary.receive()) == 103
        assert serial_of(secondary.receive()) == 103
        assert time.monotonic() - begin > 1.5  # 1 s from the first, 2 s from the second
        secondary.rcode = dns.rcode.NOERROR
        assert serial_of(secondary.receive()) == 103
        assert secondary.receive(2) is None
        assert server.count_log("not accepted", seconds=0) == 0


def test_answers_that_are_none():
    """Of another id, another zone, not an answer, cut: nobody has acknowledged anything."""
    with Secondary(rcode=None) as secondary, serving(f"to {secondary.to}"):
        message = secondary.receive()
        answer = dns.message.make_response(message)
        other = dns.message.make_response(message)
        other.id ^= 1
        wrong = dns.message.make_response(dns.message.make_query("other.local", "SOA", id=message.id))
        wrong.set_opcode(dns.opcode.NOTIFY)
        for wire in (other.to_wire(), wrong.to_wire(), message.to_wire(), answer.to_wire()[:11], answer.to_wire()[:16], b""):
            secondary.socket.sendto(wire, secondary.peer)
        assert serial_of(secondary.receive()) == 100
        secondary.rcode = dns.rcode.NOERROR
        assert serial_of(secondary.receive()) == 100
        assert secondary.receive(2) is None


def test_one_that_refuses_is_complained_of_once():
    """After the last of five messages, some 31 s."""
    with Secondary(rcode=dns.rcode.REFUSED) as secondary, serving(f"to {secondary.to}") as server:
        told = []
        while server.count_log("not accepted", seconds=0) == 0 and len(told) < 5:
            told.append(secondary.receive(40))
        assert [serial_of(m) for m in told] == [100] * 5
        server.wait_log(r'\[WARNING\] plugin/transfer: notify for zone "cluster.local." was not accepted by '
                        f'"{secondary.to}": rcode was REFUSED', 45)
        Journal(server.zones, 100).commit("+w.svc A 10.0.0.1")
        assert secondary.receive(3) is None  # it rests


def test_where_it_comes_from():
    source = loopback()
    with Secondary() as secondary, serving(f"to {secondary.to}", f"source {source}"):
        secondary.receive()
        assert secondary.peer[0] == source
    with Secondary() as secondary, serving(f"to {secondary.to}", "source 192.0.2.1") as server:
        assert secondary.receive(1.5) is None  # not an address of this machine
        assert server.ask("web.svc." + ZONE).answer


def test_over_ipv6():
    try:
        secondary = Secondary(address="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with secondary, serving(f"to {secondary.to}", "source ::1"):
        assert serial_of(secondary.receive()) == 100
        assert secondary.peer[0] == "::1"
    with Secondary(address="::1") as secondary, serving(f"to {secondary.to}", "source 127.0.0.1"):
        assert serial_of(secondary.receive()) == 100  # a source of the other family says nothing about it


def test_each_zone_to_its_own():
    with Secondary() as all_zones, Secondary() as one, Seamark(
            (CONF % (f"to {all_zones.to}", "10.in-addr.arpa")).replace(
                "    kubernetes", f"    transfer cluster.local {{\n        to {one.to}\n    }}\n    kubernetes")) as server:
        put_zone(server.zones, ["web.svc A 10.0.0.1"], 100, identity())
        assert (str(one.receive().question[0].name), one.receive(1)) == (ZONE, None)
        put_zone(server.zones, ["1.0.0 PTR web.svc.cluster.local."], 7, identity(), zone="10.in-addr.arpa.")
        assert str(all_zones.receive().question[0].name) == "10.in-addr.arpa."
        assert all_zones.receive(1) is None and one.receive(0.1) is None


def test_a_reload_tells_only_who_is_new():
    with Secondary() as old, Secondary() as new, serving(f"to {old.to}") as server:
        assert serial_of(old.receive()) == 100
        for _ in range(2):
            server.reload(CONF % (f"to {old.to} {new.to}", ""))
        assert serial_of(new.receive()) == 100
        assert old.receive(1.5) is None
        journal = Journal(server.zones, 100)
        journal.commit("+w.svc A 10.0.0.1")
        assert [serial_of(s.receive()) for s in (old, new)] == [101, 101]
        server.reload(CONF % (f"to {new.to}", ""))
        journal.commit("+x.svc A 10.0.0.1")
        assert serial_of(new.receive()) == 102
        assert old.receive(1) is None
        server.reload((CONF % ("to *", "")).replace("transfer {\n        to *\n    }", ""))
        journal.commit("+y.svc A 10.0.0.1")
        assert new.receive(1) is None
        server.reload(CONF % (f"to {new.to}", ""))
        assert serial_of(new.receive()) == 103


def test_a_reload_to_other_addresses_finds_room():
    """More than the table holds, the old ones and the new ones together."""
    def others(network):
        return " ".join(f"127.{network}.{i // 200}.{i % 200 + 1}:9" for i in range(200))
    zones = ["cluster.local.", "10.in-addr.arpa.", "11.in-addr.arpa."]
    server = Seamark(CONF % (f"to {others(77)}", "10.in-addr.arpa 11.in-addr.arpa"))
    for zone in zones:
        put_zone(server.zones, ["a A 10.0.0.1"], 100, identity(), zone=zone)
    with Secondary() as new, server:
        server.wait_log("loaded")
        time.sleep(0.3)  # they have been told
        server.reload(CONF % (f"to {others(78)}\n to {new.to}", "10.in-addr.arpa 11.in-addr.arpa"))
        assert {str(new.receive().question[0].name) for _ in zones} == set(zones)
        assert server.count_log("to notify, or no memory", seconds=0) == 0
