"""What a client sees on the wire: transports, sizes, flags, odd questions, and names that are not there."""

import random
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest

import zonetext
from seamark import Seamark, addresses, lines

COREFILE = """
cluster.local:{port} in-addr.arpa:{port} {
    bind {address}
    errors
    kubernetes cluster.local in-addr.arpa {
        objects {folder}/objects
    }
}
example.org:{port} {
    bind {address}
    whoami
}
"""

RECORDS = [
    "@ NS ns.dns.cluster.local.",
    'dns-version TXT "1.1.0"',
    "ns.dns A 10.96.0.10",
    "web.default.svc A 10.96.1.1",
    "_http._tcp.web.default.svc SRV 0 100 80 web.default.svc.cluster.local.",
    "alias.default.svc CNAME web.default.svc.cluster.local.",
    "away.default.svc CNAME host.example.org.",
    "empty.svc TYPE65280 \\# 0",
    *(f"big.default.svc A 10.1.{i // 256}.{i % 256}" for i in range(1000)),
    *(f"huge.default.svc A 10.2.{i // 256}.{i % 256}" for i in range(4092)),
]
REVERSE = ["1.1.96.10 PTR web.default.svc.cluster.local."]


@pytest.fixture(scope="module", name="server")
def fixture_server():
    server = Seamark(COREFILE)
    source = zonetext.identity(server.path("objects"))
    zonetext.put_zone(server.zones, RECORDS, 7, source)
    zonetext.put_zone(server.zones, REVERSE, 7, source, zone="in-addr.arpa.")
    with server:
        yield server


def soa(answer):
    return [r for r in answer.authority if r.rdtype == dns.rdatatype.SOA]


def plain(name="web.default.svc.cluster.local.", rdtype=1, rdclass=1, ident=0x1234, flags=0x0100, qd=1):
    return (struct.pack("!6H", ident, flags, qd, 0, 0, 0) + dns.name.from_text(name).to_wire() +
            struct.pack("!2H", rdtype, rdclass))


def opt(size=1232, ttl=0, options=b"", owner=b"\0"):
    return owner + struct.pack("!2HLH", 41, size, ttl, len(options)) + options


def with_opt(packet, *opts):
    return packet[:10] + struct.pack("!H", len(opts)) + packet[12:] + b"".join(opts)


# ---- transports ----

@pytest.mark.parametrize("tcp", [False, True])
def test_a_service_is_answered(server, tcp):
    answer = server.ask("web.default.svc.cluster.local", tcp=tcp)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.flags == dns.flags.QR | dns.flags.AA | dns.flags.RD
    assert lines(answer.answer) == ["web.default.svc.cluster.local. 5 IN A 10.96.1.1"]
    assert not answer.authority and not answer.additional and answer.edns < 0


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("bind, address", [("bind ::1", "::1"), ("", "::1"), ("", "127.0.0.1"), ("", "127.3.2.1"),
                                           ("bind 0.0.0.0", "127.3.2.1"), ("bind ::", "::1")])
def test_both_families_answer_from_the_address_that_was_asked(bind, address, tcp):
    with Seamark(".:{port} {\n" + bind + "\nwhoami\n}", address="::1" if ":" in bind else "127.0.0.1") as server:
        # The client's socket is connected: an answer from any other address would not reach it.
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if tcp:
            assert server.ask("a.test", tcp=True, address=address).rcode() == dns.rcode.NOERROR
            return
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect((address, server.port))
            s.send(plain("a.test."))
            answer = dns.message.from_wire(s.recv(4096))
        # whoami says who asked: an IPv4 client of a socket for both families has an IPv4 address
        assert [r.rdtype for r in answer.additional[:1]] == [28 if ":" in address else 1]


# ---- case, flags, id ----

def test_the_case_of_the_question_is_kept(server):
    name = "WeB.dEfAuLt.SvC.cLuStEr.LoCaL."
    for tcp in (False, True):
        answer = server.ask(name, tcp=tcp)
        assert answer.question[0].name.to_text() == name
        assert answer.answer[0].name.to_text() == name
        assert addresses(answer) == ["10.96.1.1"]


@pytest.mark.parametrize("flags", [0, dns.flags.RD, dns.flags.CD, dns.flags.AD, dns.flags.RD | dns.flags.CD,
                                   dns.flags.AA | dns.flags.TC | dns.flags.RA])
def test_rd_and_cd_are_copied_and_nothing_else(server, flags):
    answer = server.ask("web.default.svc.cluster.local", flags=flags)
    assert answer.flags == dns.flags.QR | dns.flags.AA | flags & (dns.flags.RD | dns.flags.CD)


def test_every_id_comes_back(server):
    for ident in (0, 1, 0x8000, 0xffff):
        assert server.exchange(plain(ident=ident))[:2] == struct.pack("!H", ident)


# ---- EDNS and size ----

def test_opt_is_answered_with_opt(server):
    answer = server.ask("web.default.svc.cluster.local", use_edns=0, payload=1400, want_dnssec=True)
    assert answer.edns == 0 and answer.payload == 1400 and answer.ednsflags == dns.flags.DO


@pytest.mark.parametrize("size, room", [(None, 512), (0, 512), (100, 512), (511, 512), (512, 512), (513, 513),
                                        (1232, 1232), (4096, 4096), (65535, 65535)])
def test_an_answer_takes_what_the_client_allows_and_says_that_it_is_cut(server, size, room):
    packet = plain("big.default.svc.cluster.local.")
    wire = server.exchange(packet if size is None else with_opt(packet, opt(size)))
    answer = dns.message.from_wire(wire)
    whole = 12 + 35 + 16 * 1000 + (0 if size is None else 11)
    assert len(wire) <= room
    assert len(wire) > min(room, whole) - 16  # and leaves no room for another address
    assert bool(answer.flags & dns.flags.TC) == (whole > room)
    assert answer.question[0].name.to_text() == "big.default.svc.cluster.local."
    assert answer.edns == (-1 if size is None else 0)


def test_an_answer_that_no_datagram_holds_is_cut_though_the_client_allows_it(server):
    """A message may take 65,535 octets, but 28 of a datagram's are its headers'."""
    answer = dns.message.from_wire(server.exchange(with_opt(plain("huge.default.svc.cluster.local."), opt(65535))))
    assert answer.flags & dns.flags.TC and len(answer.answer[0]) > 4080
    answer = server.ask("huge.default.svc.cluster.local", tcp=True, use_edns=0, payload=65535)
    assert not answer.flags & dns.flags.TC and len(set(addresses(answer))) == 4092


def test_what_was_cut_is_whole_over_tcp(server):
    assert server.ask("big.default.svc.cluster.local").flags & dns.flags.TC
    answer = server.ask("big.default.svc.cluster.local", tcp=True)
    assert not answer.flags & dns.flags.TC
    assert len(set(addresses(answer))) == 1000


def test_options_of_the_client_are_no_obstacle_and_not_echoed(server):
    cookie, unknown = dns.edns.GenericOption(10, b"12345678"), dns.edns.GenericOption(65001, b"x")
    nsid, subnet = dns.edns.GenericOption(3, b""), dns.edns.ECSOption("10.0.0.0", 8)
    answer = server.ask("web.default.svc.cluster.local", use_edns=0, options=[unknown, cookie, subnet, nsid])
    assert addresses(answer) == ["10.96.1.1"] and answer.options == ()
    many = with_opt(plain(), opt(options=struct.pack("!2H", 3, 0) * 900))
    assert addresses(dns.message.from_wire(server.exchange(many))) == ["10.96.1.1"]


def test_a_later_version_of_edns_is_badvers(server):
    for version in (1, 2, 255):
        answer = dns.message.from_wire(server.exchange(with_opt(plain(), opt(ttl=version << 16))))
        assert answer.rcode() == dns.rcode.BADVERS
        assert answer.edns == 0 and not answer.answer
        assert len(answer.question) == 1


@pytest.mark.parametrize("what, packet", [
    ("two OPTs", with_opt(plain(), opt(), opt())),
    ("an OPT with a name", with_opt(plain(), opt(owner=b"\1a\0"))),
    ("an option longer than its OPT", with_opt(plain(), opt(options=b"\0\12\0\10abc"))),
    ("an OPT longer than the message", with_opt(plain(), opt(options=b"abcd")[:-3])),
    ("no question", plain(qd=0)[:12]),
    ("two questions", plain(qd=2) + plain()[12:]),
    ("a question that is cut", plain()[:-1]),
    ("a header that promises a question", plain()[:12]),
    ("a compression pointer in the question", plain()[:12] + b"\xc0\x0c\0\1\0\1"),
    ("a label of 64 octets", plain()[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1"),
    ("a name of 256 octets", plain()[:12] + b"\1a" * 127 + b"\1b\0\0\1\0\1"),
    ("many records that are not there", plain()[:6] + b"\xff\xff\xff\xff\xff\xff" + plain()[12:]),
], ids=lambda v: v if isinstance(v, str) else "")
def test_what_cannot_be_read_is_formerr(server, what, packet):
    wire = server.exchange(packet)
    assert wire is not None, what
    assert wire[:2] == packet[:2]
    answer = dns.message.from_wire(wire)
    assert answer.rcode() == dns.rcode.FORMERR and answer.flags & dns.flags.QR
    assert not answer.question and not answer.answer


def test_answers_and_fragments_are_never_answered(server):
    for packet in (plain(flags=0x8100), plain(flags=0xffff), b"", b"\0", plain()[:11], plain(flags=0x8000)[:12]):
        assert server.exchange(packet, timeout=0.3) is None
    assert server.exchange(plain()) is not None


def test_every_other_opcode_is_not_implemented(server):
    for opcode in range(1, 16):
        wire = server.exchange(plain(flags=opcode << 11))
        assert wire[2] >> 3 & 15 == opcode and wire[2] & 0x80
        assert wire[3] & 15 == dns.rcode.NOTIMP
        assert len(wire) == 12


# ---- classes, types, names ----

@pytest.mark.parametrize("rdclass", [2, 3, 4, 254, 255, 65535])
def test_classes_other_than_in_are_refused(server, rdclass):
    answer = dns.message.from_wire(server.exchange(plain(rdclass=rdclass)))
    assert answer.rcode() == dns.rcode.REFUSED and not answer.answer


def test_names_that_no_block_has_are_refused(server):
    for name in ("example.com.", ".", "local.", "notexample.org."):
        answer = server.ask(name)
        assert answer.rcode() == dns.rcode.REFUSED
        assert not answer.flags & dns.flags.AA and not answer.authority


@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
@pytest.mark.parametrize("tcp", [False, True])
def test_transfers_are_refused(server, rdtype, tcp):
    packet = plain("cluster.local.", rdtype=dns.rdatatype.from_text(rdtype))
    if tcp:
        with server.connect() as c:
            c.send(packet)
            wire = c.receive_raw()
    else:
        wire = server.exchange(packet)
    assert wire[3] & 15 == dns.rcode.REFUSED and wire[6:8] == b"\0\0"


@pytest.mark.parametrize("name", ["web.default.svc", "alias.default.svc", "default.svc", "empty.svc"])
def test_any_says_that_the_name_is_there_and_gives_no_records(server, name):
    answer = server.ask(name + ".cluster.local", "ANY")
    assert answer.rcode() == dns.rcode.NOERROR and not answer.answer and len(soa(answer)) == 1


@pytest.mark.parametrize("name", ["cluster.local", "svc.cluster.local", "default.svc.cluster.local",
                                  "empty.svc.cluster.local", "_tcp.web.default.svc.cluster.local",
                                  "dns.cluster.local", "96.10.in-addr.arpa", "web.default.svc.cluster.local"])
def test_a_name_with_something_below_it_or_of_another_type_has_no_data(server, name):
    answer = server.ask(name, "AAAA")
    assert answer.rcode() == dns.rcode.NOERROR
    assert not answer.answer and len(soa(answer)) == 1
    assert soa(answer)[0].ttl == 30 and soa(answer)[0][0].minimum == 30


@pytest.mark.parametrize("name", ["no.default.svc.cluster.local", "x.cluster.local", "web.other.svc.cluster.local",
                                  "below.web.default.svc.cluster.local", "2.1.96.10.in-addr.arpa",
                                  "x" * 63 + ".cluster.local", "\\000.cluster.local"])
def test_a_name_that_is_not_there_is_denied(server, name):
    answer = server.ask(name)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.flags & dns.flags.AA
    assert not answer.answer and len(soa(answer)) == 1 and not answer.additional


def test_other_types_are_answered_with_what_belongs_to_them(server):
    srv = server.ask("_http._tcp.web.default.svc.cluster.local", "SRV")
    assert lines(srv.answer) == ["_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 100 80 "
                                 "web.default.svc.cluster.local."]
    assert lines(srv.additional) == ["web.default.svc.cluster.local. 5 IN A 10.96.1.1"]
    ptr = server.ask("1.1.96.10.in-addr.arpa", "PTR")
    assert lines(ptr.answer) == ["1.1.96.10.in-addr.arpa. 5 IN PTR web.default.svc.cluster.local."]
    assert server.ask("cluster.local", "SOA").answer[0][0].serial == 7
    ns = server.ask("cluster.local", "NS")
    assert lines(ns.additional) == ["ns.dns.cluster.local. 5 IN A 10.96.0.10"]
    assert server.ask("dns-version.cluster.local", "TXT").answer[0][0].strings == (b"1.1.0",)


def test_a_cname_is_followed_inside(server):
    answer = server.ask("Alias.default.svc.cluster.local")
    assert [rrset.to_text() for rrset in answer.answer] == [
        "Alias.default.svc.cluster.local. 5 IN CNAME web.default.svc.cluster.local.",
        "web.default.svc.cluster.local. 5 IN A 10.96.1.1"]
    assert lines(server.ask("alias.default.svc.cluster.local", "CNAME").answer) == [
        "alias.default.svc.cluster.local. 5 IN CNAME web.default.svc.cluster.local."]


def test_a_cname_that_leads_out_is_asked_of_the_other_blocks(server):
    answer = server.ask("away.default.svc.cluster.local")
    assert answer.rcode() == dns.rcode.NOERROR and answer.flags & dns.flags.AA
    # whoami has no address in its answer section; the CNAME stands whatever comes of its target
    assert lines(answer.answer) == ["away.default.svc.cluster.local. 5 IN CNAME host.example.org."]


def test_octets_behind_the_question_make_no_difference(server):
    assert addresses(dns.message.from_wire(server.exchange(plain() + b"\0"), ignore_trailing=True)) == ["10.96.1.1"]


def test_a_datagram_longer_than_any_request_is_dropped(server):
    packet = with_opt(plain(), opt(options=struct.pack("!2H", 12, 8000) + bytes(8000)))
    assert server.exchange(packet, timeout=0.3) is None
    with server.connect() as c:  # over TCP it is read
        c.send(packet)
        assert c.receive().rcode() == dns.rcode.NOERROR


def test_mutated_packets_leave_it_answering(server):
    numbers = random.Random(1)
    seeds = [plain(), with_opt(plain(), opt(options=b"\0\12\0\10abcdefgh")), plain("big.default.svc.cluster.local."),
             with_opt(plain("_http._tcp.web.default.svc.cluster.local.", 33), opt(4096))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((server.address, server.port))
        s.setblocking(False)
        answered = 0
        for _ in range(20000):
            packet = bytearray(numbers.choice(seeds))
            for _ in range(numbers.randrange(1, 6)):
                packet[numbers.randrange(len(packet))] = numbers.randrange(256)
            del packet[numbers.randrange(1, len(packet) * 4):]
            s.send(packet)
            try:
                while True:
                    answer = s.recv(65535)
                    assert len(answer) >= 12 and answer[2] & 0x80
                    answered += 1
            except BlockingIOError:
                pass
        assert answered > 5000
    assert addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.1.1"]
