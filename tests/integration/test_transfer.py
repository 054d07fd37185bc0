"""transfer: zones out of the server by AXFR, what is refused, and clients that read slowly or go away."""

import socket
import time

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.xfr
import dns.zone
import octets
import pytest
from seamark import Connection, Seamark, frame, wait_for
from zonetext import Journal, identity, put_zone, record

ZONE = "cluster.local."
RECORDS = ["@ NS ns.dns.cluster.local.", "ns.dns A 127.0.0.1", "dns-version TXT \"1.1.0\"", "default.svc TYPE65280 \\# 0",
           "web.default.svc A 10.0.0.1", "web.default.svc A 10.0.0.2", "web.default.svc AAAA fd00::1",
           "_http._tcp.web.default.svc SRV 0 50 80 web.default.svc.cluster.local.", "out.default.svc CNAME Www.Example.COM.",
           "*.wild.svc A 10.0.0.9"]
CONF = """.:{port} {
    bind {address}
    transfer {
        to %s
    }
    kubernetes cluster.local 10.in-addr.arpa
    log
    errors
}
"""


def corefile(to="*"):
    return CONF % to


def serving(to="*", records=RECORDS, serial=100, **more):
    server = Seamark(corefile(to), **more)
    put_zone(server.zones, records, serial, identity())
    put_zone(server.zones, ["1.0.0.10 PTR web.default.svc.cluster.local."], 7, identity(), zone="10.in-addr.arpa.")
    return server


def lines_of(messages):
    """Records of a transfer's messages in the order in which they came, as text."""
    return [line for m in messages for rrset in m.answer for line in map(str.strip, rrset.to_text().splitlines())]


def expected(records, zone=ZONE):
    return sorted(record(zone, r).replace("\t", " ") for r in records)


def is_whole(messages):
    """The zone's SOA stands at both ends, and in an incremental answer once more, at the head of what the last sequence adds."""
    records = [rrset for m in messages for rrset in m.answer]
    if messages[-1].rcode() != dns.rcode.NOERROR or len(records) == 1:
        return True
    incremental = records[1].rdtype == dns.rdatatype.SOA and records[1] != records[0]
    return records.count(records[0]) == (3 if incremental else 2)


def transfer(server, zone=ZONE, rdtype="AXFR", serial=None, **edns):
    """All messages of an answer."""
    query = dns.message.make_query(zone, rdtype, **edns)
    if serial is not None:
        query.authority.append(dns.rrset.from_text(zone, 0, "IN", "SOA", f"a. b. {serial} 1 1 1 1"))
    with server.connect() as c:
        c.send(query)
        messages = [c.receive()]
        while not is_whole(messages):
            messages.append(c.receive())
        assert {m.id for m in messages} == {query.id}
        return messages


def transfer_all(connection, *queries):
    """For each query the messages that answer it, as [(octets, records)]: those of one may come between those of another."""
    connection.send(*queries)
    messages, soas = {q.id: [] for q in queries}, {q.id: 2 if q.question[0].rdtype == dns.rdatatype.AXFR else 0 for q in queries}
    while soas:
        wire = connection.receive_raw()
        rcode, (records, _, _) = octets.read(wire)
        number = int.from_bytes(wire[:2], "big")
        messages[number].append((wire, records))
        soas[number] -= sum(rdtype == dns.rdatatype.SOA for _, _, rdtype, _ in records)
        if soas[number] <= 0 or rcode != dns.rcode.NOERROR:
            del soas[number]
    return [messages[q.id] for q in queries]


def lines_in(messages):
    return [line for _, records in messages for line in octets.lines(records)]


def rcode_of(messages):
    assert len(messages) == 1
    return dns.rcode.to_text(messages[0].rcode())


def test_the_whole_zone_between_two_soas():
    """Every record once, the SOA first and last, authoritative, in the question's case."""
    with serving() as server:
        messages = transfer(server, "Cluster.LOCAL.")
        assert len(messages) == 1
        assert messages[0].flags & dns.flags.AA and messages[0].flags & dns.flags.QR
        assert str(messages[0].question[0].name) == "Cluster.LOCAL."
        lines = lines_of(messages)
        assert lines[0] == lines[-1] and " SOA " in lines[0]
        assert sorted(line.replace("Cluster.LOCAL.", ZONE) for line in lines[1:-1]) == expected(RECORDS)
        reverse = lines_of(transfer(server, "10.in-addr.arpa"))
        assert [line.split()[3] for line in reverse] == ["SOA", "PTR", "SOA"]
        server.wait_log(r'\[INFO\] plugin/transfer: Outgoing transfer of 12 records of zone "Cluster.LOCAL." to 127.*'
                        r"for 100 SOA serial")
        assert server.count_log(r'"AXFR IN cluster.local. tcp \d+ false 65535" NOERROR qr,aa') == 1


def test_dnspython_takes_it_as_a_zone():
    with serving() as server:
        zone = dns.zone.Zone(ZONE, relativize=False)
        dns.query.inbound_xfr(server.address, zone, port=server.port)
        assert len(list(zone.iterate_rdatas())) == len(RECORDS) + 1
        assert zone.get_rdataset("default.svc.cluster.local.", "TYPE65280")


def test_many_records_in_few_messages():
    """16 KiB a message; names compressed; no record lost between messages, OPT where it was asked for."""
    records = [f"n{i}.ns{i % 20}.svc A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(10000)]
    with serving(records=records) as server:
        with server.connect() as c:
            (messages,) = transfer_all(c, dns.message.make_query(ZONE, "AXFR", use_edns=0, payload=1232))
        assert dns.message.from_wire(messages[0][0]).edns == 0
        assert sorted(lines_in(messages)[1:-1]) == expected(records)
        sizes = [len(wire) for wire, _ in messages]
        assert max(sizes) < 17000 and sum(sizes) < 30 * len(records)
        assert not any(int.from_bytes(wire[2:4], "big") & dns.flags.TC for wire, _ in messages)


def test_what_is_refused():
    with serving("127.0.0.99 10.0.0.1:5353") as server:
        assert rcode_of(transfer(server)) == "REFUSED"  # not a `to` address
        assert server.ask(ZONE, "AXFR").rcode() == dns.rcode.REFUSED
    with serving() as server:
        assert server.ask(ZONE, "AXFR").rcode() == dns.rcode.REFUSED  # UDP
        assert rcode_of(transfer(server, "svc." + ZONE)) == "NOTAUTH"  # a name in the zone
        assert rcode_of(transfer(server, "nothing." + ZONE)) == "NOTAUTH"
        assert rcode_of(transfer(server, "example.org.")) == "SERVFAIL"  # no stage has it
        assert rcode_of(transfer(server, rdtype="IXFR")) == "SERVFAIL"  # without the SOA that RFC 1995 asks for
        assert server.ask(ZONE, "AXFR", tcp=True, rdclass="CH").rcode() == dns.rcode.REFUSED


def test_to_allows_by_address_alone():
    with serving("{address}:1") as server:
        query = dns.message.make_query(ZONE, "AXFR")
        with socket.socket() as s:
            s.bind((server.address, 0))
            s.connect((server.address, server.port))
            connection = Connection.__new__(Connection)
            connection.socket, connection.received = s, b""
            connection.send(query)
            assert len(connection.receive().answer) == len(RECORDS) + 2


def test_the_longest_zone_of_several_directives_decides():
    conf = corefile("192.0.2.1").replace("    kubernetes", "    transfer cluster.local {\n        to *\n    }\n    kubernetes")
    server = Seamark(conf)
    put_zone(server.zones, RECORDS, 100, identity())
    put_zone(server.zones, [], 7, identity(), zone="10.in-addr.arpa.")
    with server:
        assert len(lines_of(transfer(server))) == len(RECORDS) + 2
        assert rcode_of(transfer(server, "10.in-addr.arpa.")) == "REFUSED"


def test_without_the_directive_it_is_refused():
    server = Seamark(".:{port} {\n    bind {address}\n    kubernetes cluster.local\n}\n")
    put_zone(server.zones, RECORDS, 100, identity())
    with server:
        assert rcode_of(transfer(server)) == "REFUSED"


def test_a_zone_that_is_not_there_yet():
    with Seamark(corefile()) as server:
        assert rcode_of(transfer(server)) == "SERVFAIL"
        put_zone(server.zones, RECORDS, 100, identity())
        wait_for(lambda: len(lines_of(transfer(server))) == len(RECORDS) + 2, "the zone")


def test_an_up_to_date_client_gets_the_soa():
    """The serial of the zone, or one that is ahead; over UDP too, where an older one is told to come by TCP."""
    with serving() as server:
        for serial in (100, 101):
            (message,) = transfer(server, rdtype="IXFR", serial=serial)
            assert [rrset.rdtype for rrset in message.answer] == [dns.rdatatype.SOA]
        for serial in (99, 100):
            query = dns.message.make_query(ZONE, "IXFR")
            query.authority.append(dns.rrset.from_text(ZONE, 0, "IN", "SOA", f"a. b. {serial} 1 1 1 1"))
            message = server.send(query)
            assert [r.serial for rrset in message.answer for r in rrset] == [100]
        for serial in (0, 99):
            assert len(lines_of(transfer(server, rdtype="IXFR", serial=serial))) == len(RECORDS) + 2


def test_several_at_once_on_one_connection():
    """Transfers and questions that share a connection: each answer is whole, and none waits for the others."""
    records = [f"n{i}.svc A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(5000)]
    with serving(records=records) as server, server.connect(timeout=20) as c:
        queries = [dns.message.make_query(ZONE, "AXFR") for _ in range(5)] + [dns.message.make_query("n1.svc." + ZONE, "A")]
        *zones, question = transfer_all(c, *queries)
        for messages in zones:
            assert sorted(lines_in(messages)[1:-1]) == expected(records)
        assert lines_in(question) == expected(["n1.svc A 10.0.0.1"])


@pytest.fixture(name="large", scope="module")
def _large():
    """A zone whose transfer no socket buffer holds."""
    records = [f"n{i}.ns{i % 100}.svc A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(300000)]
    with serving(records=records) as server:
        wait_for(lambda: transfer_begins(server), "the zone", 60)
        yield server, records


def transfer_begins(server):
    with server.connect() as c:
        c.send(dns.message.make_query(ZONE, "AXFR"))
        return c.receive().rcode() == dns.rcode.NOERROR


def test_a_client_that_goes_away(large):
    server, _ = large
    before = server.count_log("broke off", seconds=0)
    for _ in range(3):
        transfer_begins(server)
        time.sleep(1.1)  # its line of the log may come once a second
    wait_for(lambda: server.count_log("broke off", seconds=0) > before, "a line")
    assert server.ask("n1.ns1.svc." + ZONE).answer


def test_a_client_that_reads_nothing_is_cut_off(large):
    server, _ = large
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((server.address, server.port))
        s.sendall(frame(dns.message.make_query(ZONE, "AXFR")))
        server.wait_log(r"to 127.*broke off \(the connection was closed\)")
        assert server.ask("n1.ns1.svc." + ZONE).answer


def test_after_a_long_transfer_the_connection_serves_on(large):
    """One of more than the 10 s after which an idle connection is closed: it was not idle."""
    server, records = large
    begun, got = time.monotonic(), 0
    with Connection((server.address, server.port), 20, receive_buffer=65536) as c:
        c.send(dns.message.make_query(ZONE, "AXFR"))
        while got < len(records) + 2:
            got += int.from_bytes(c.receive_raw()[6:8], "big")
            time.sleep(0.025)
        assert time.monotonic() - begun > 11
        time.sleep(0.5)
        c.send(dns.message.make_query(ZONE, "SOA"))
        assert c.receive().answer


def test_one_version_from_beginning_to_end(large):
    """The zone changes, is replaced and the configuration is read again, while a client reads slowly."""
    server, records = large
    with server.connect(timeout=30) as c:
        c.send(dns.message.make_query(ZONE, "AXFR"))
        wires = [c.receive_raw()]
        journal = Journal(server.zones, 100)
        journal.commit("-n1.ns1.svc A 10.0.0.1", "+n1.ns1.svc A 192.0.2.1")
        wait_for(lambda: server.ask("n1.ns1.svc." + ZONE).answer[0][0].address == "192.0.2.1", "the change")
        put_zone(server.zones, ["other.svc A 10.0.0.1"], 200, identity())
        wait_for(lambda: server.ask("other.svc." + ZONE).answer, "the other zone")
        server.reload(corefile().replace("log\n", ""))
        while sum(int.from_bytes(wire[6:8], "big") for wire in wires) < len(records) + 2:
            wires.append(c.receive_raw())
    read = [line for wire in wires for line in octets.lines(octets.read(wire)[1][0])]
    assert read[0] == read[-1] and " 100 7200 " in read[0]
    assert sorted(read[1:-1]) == expected(records)
    assert len(lines_of(transfer(server))) == 3


def test_what_a_slow_client_keeps_in_memory_has_a_bound(large):
    """A client that reads a little each second, while the zone changes and changes."""
    server, _ = large
    put_zone(server.zones, [f"n{i}.svc A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(100000)], 300, identity())
    wait_for(lambda: server.ask(ZONE, "SOA").answer[0][0].serial == 300, "the zone", 60)
    journal = Journal(server.zones, 300)
    owners = {i: f"n{i}.svc.{ZONE}\t5\tIN\tA\t" for i in range(5000, 15000)}
    last = {i: f"{owner}10.{i >> 16}.{i >> 8 & 255}.{i & 255}\n" for i, owner in owners.items()}
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((server.address, server.port))
        s.sendall(frame(dns.message.make_query(ZONE, "AXFR")))

        def broken_off():
            nonlocal last
            assert s.recv(4096)
            new = {i: f"{owner}11.0.{journal.serial >> 8 & 255}.{journal.serial & 255}\n" for i, owner in owners.items()}
            journal.commit_lines("".join(f"- {last[i]}+ {new[i]}" for i in owners))
            last = new
            wait_for(lambda: server.ask(ZONE, "SOA").answer[0][0].serial == journal.serial, "the change")
            return server.count_log("broke off .the zone has changed too much meanwhile.", seconds=0.02)
        wait_for(broken_off, "the end", 100)
        assert journal.serial > 305
    assert server.ask("n1.svc." + ZONE).answer


def test_too_many_at_once():
    """Beyond 64 the answer is SERVFAIL; when they are gone there is room again."""
    records = [f"n{i}.svc A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(60000)]
    with serving(records=records) as server:
        wait_for(lambda: transfer_begins(server), "the zone", 60)
        slow = []
        try:
            for _ in range(80):
                s = socket.socket()
                slow.append(s)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect((server.address, server.port))
                s.sendall(frame(dns.message.make_query(ZONE, "AXFR")))
            server.wait_log("2 cluster.local. AXFR: too many zone transfers are under way")
            assert server.ask("n1.svc." + ZONE).answer
        finally:
            for s in slow:
                s.close()

        def whole():
            with server.connect() as c:
                return len(lines_in(*transfer_all(c, dns.message.make_query(ZONE, "AXFR")))) == len(records) + 2
        wait_for(whole, "room")
