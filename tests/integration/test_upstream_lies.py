"""Upstreams that lie, or say what is no answer: what their clients see, over each kind of exchange."""

import itertools
import os
import re
import socket
import struct
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rrset
import pytest
from faults import EXCHANGES, ask_all, ask_fresh, forwarding, good, prepared
from forging_upstream import ForgingUpstream
from forwarder import BIN, addresses
from udp_counters import udp_counter
from upstream import Upstream


@pytest.fixture(name="exchange", params=EXCHANGES)
def exchange_of(request):
    return EXCHANGES[request.param]


@pytest.fixture(name="up")
def first_upstream():
    with Upstream() as upstream:
        yield prepared(upstream)


@pytest.fixture(name="second")
def second_upstream():
    with Upstream() as upstream:
        yield prepared(upstream)


# ---- lies ----

LIE = "66.66.66.66"


def lie_to(query, question=None, **changes):
    """An answer that a forger would like to be taken for the answer to `query`."""
    lie = dns.message.make_response(question or query, recursion_available=True)
    lie.id = changes.get("id", query.id)
    lie.answer.append(dns.rrset.from_text(lie.question[0].name, 3600, "IN", "A", LIE))
    return lie.to_wire()


def wrong_id(query, send):
    for bit in range(16):
        send(lie_to(query, id=query.id ^ (1 << bit)))


def wrong_question(query, send):
    name = query.question[0].name.to_text()
    for other in (dns.message.make_query("another.example.org.", "A"), dns.message.make_query(name, "AAAA"),
                  dns.message.make_query(name, "A", rdclass="CH")):  # fmt: skip
        other.id = query.id
        lie = dns.message.make_response(other)
        lie.answer.append(dns.rrset.from_text(name, 3600, "IN", "A", LIE))
        send(lie.to_wire())
    nothing = dns.message.Message(query.id)
    nothing.flags = dns.flags.QR | dns.flags.RD | dns.flags.RA
    send(nothing.to_wire())


def wrong_source(query, send):
    for host in ("127.0.0.1", "127.0.0.9"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((host, 0))
            other.sendto(lie_to(query), send.client)


def no_response(query, send):
    send(query.to_wire())
    send(query.to_wire()[:11])
    send(b"")


@pytest.mark.parametrize("lies", [wrong_id, wrong_question, wrong_source, no_response])
def test_lies_are_not_taken(exchange, up, lies):
    def answer(query, proto, send):
        if proto == "udp":
            lies(query, send)
        send(up.reply(query).to_wire())

    up.behave("*", answer=answer)
    with forwarding(exchange, [up], before="    cache\n") as server:
        for name in ("www.example.org", "other.example.org"):
            for _ in range(2):
                assert addresses(server.ask(name)) == ["10.0.0.1"], name


def test_records_of_other_names_are_not_taken_for_them(exchange, up):
    def answer(query, _, send):
        response = up.reply(query)
        if query.question[0].name.to_text() == "www.example.org.":
            for section in (response.answer, response.authority, response.additional):
                section.append(dns.rrset.from_text("bank.example.com.", 3600, "IN", "A", LIE))
            response.authority.append(dns.rrset.from_text("example.com.", 3600, "IN", "NS", "bank.example.com."))
        send(response.to_wire())

    up.behave("*", answer=answer)
    with forwarding(exchange, [up], before="    cache\n") as server:
        assert "10.0.0.1" in addresses(server.ask("www.example.org"))
        assert addresses(server.ask("bank.example.com")) == ["10.0.0.1"]


# A flood on one question, and what is wrong with its replies, 64 at a time (forging_upstream.c). To libunbound it is short, as that
# gives up after 0.35 s; it asks anew after a reply with its id to another question (test_lies_are_not_taken), and does not look at
# the letter case.
FLOODS = {"libunbound": (16384, "iiis"), "direct": (65536, "iiiiqisc")}


@pytest.mark.parametrize("kind", EXCHANGES)
def test_a_flood_of_forged_replies(kind):
    """To the ports of questions under way, before their honest answers. After 50 the direct exchange asks from another port, and the
    forger follows."""
    total, (each, wrong) = int(os.environ.get("FORGED_REPLIES", "131072")), FLOODS[kind]
    names, read = [f"bank{i}.example.org" for i in range(-(-total // each))], udp_counter("InDatagrams")
    with ForgingUpstream(total, each, wrong) as up:
        options = ("read_timeout 8s", "deadline 20s")
        with forwarding(EXCHANGES[kind], [up], *options, before="    cache\n") as server:
            found = [addresses(server.ask(name, timeout=20)) for name in names * 2]  # the second time from the cache
            assert server.metric("coredns_cache_hits_total") == len(names)
        counts = up.end()
    assert counts["forged"] == total and counts["asked"] >= len(names)
    assert udp_counter("InDatagrams") - read > total / 10  # what the server has no time for, the kernel drops
    # An id that the forger had tried before the server chose it was guessed, which is no fault: one flood in some 10^4.
    assert len([a for a in found if a != ["10.0.0.1"]]) <= 2 * counts["guessed"]


# ---- answers that are none ----


def rcode(text):
    def answer(query, _, send):
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(dns.rcode.from_text(text))
        send(response.to_wire())

    return answer


def formerr_to_edns(query, _, send):
    if query.edns < 0:
        response = dns.message.make_response(query, recursion_available=True)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "10.0.0.1"))
        send(response.to_wire())
        return
    send(struct.pack("!HHHHHH", query.id, 0x8181, 0, 0, 0, 0))  # as old servers do: not even the question


def truncated_without_tcp(query, proto, send):
    if proto == "udp":
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.TC
        send(response.to_wire())


def tcp_ends_after(octets):
    def answer(query, proto, send):
        if proto == "udp":
            truncated_without_tcp(query, proto, send)
            return
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "10.0.0.1"))
        wire = response.to_wire()
        send.connection.sendall((struct.pack("!H", len(wire)) + wire)[:octets])
        send.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        send.connection.close()

    return answer


def raw(tail, counts=(1, 1, 0, 0)):
    """The question as it was, then these octets."""

    def answer(query, _, send):
        question = query.question[0].name.to_wire() + struct.pack("!HH", query.question[0].rdtype, 1)
        send(struct.pack("!HHHHHH", query.id, 0x8180, *counts) + question + tail)

    return answer


LOOP = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2)  # the question's name is a CNAME for ...
BAD = {
    "SERVFAIL": rcode("SERVFAIL"),
    "REFUSED": rcode("REFUSED"),
    "NOTIMP": rcode("NOTIMP"),
    "FORMERR": rcode("FORMERR"),
    "FORMERR to EDNS": formerr_to_edns,
    "truncated, without TCP": truncated_without_tcp,
    "TCP reset at once": tcp_ends_after(0),
    "TCP reset after an octet": tcp_ends_after(1),
    "TCP reset after the header": tcp_ends_after(14),
    "TCP reset before the last octet": tcp_ends_after(50),
    "garbage": raw(bytes(range(256))),
    "more records than there are": raw(b"", (1, 65535, 65535, 65535)),
    "a record that ends too early": raw(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 400) + b"\x0a\0\0\x01"),
    "a name that points to itself": raw(b"\xc0" + bytes([12 + 19 + 4]) + struct.pack("!HHIH", 1, 1, 60, 4) + b"\x0a\0\0\x01"),
    "a name that points ahead": raw(b"\xc1\xff" + struct.pack("!HHIH", 1, 1, 60, 4) + b"\x0a\0\0\x01"),
    "a CNAME whose name loops": raw(LOOP + b"\xc0" + bytes([12 + 19 + 4 + 12])),
    "a CNAME for itself": raw(LOOP + b"\xc0\x0c"),
    "an address of three octets": raw(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 3) + b"\x0a\0\0"),
}


@pytest.mark.parametrize("bad", BAD)
def test_answers_that_are_none_are_a_failure_and_nothing_else(exchange, up, bad):
    up.behave("bad.n.example.org", answer=BAD[bad])  # 19 octets, as the pointers above have it
    up.behave("*", delay=0)
    with forwarding(exchange, [up], "read_timeout 400ms", workers=1) as server:
        found = server.ask("bad.n.example.org", use_edns=0)
        if bad == "FORMERR to EDNS":
            assert found.rcode() in (dns.rcode.NOERROR, dns.rcode.FORMERR, dns.rcode.SERVFAIL)
        elif bad in ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"):
            assert dns.rcode.to_text(found.rcode()) == bad
        elif bad == "truncated, without TCP":
            assert found.rcode() == dns.rcode.SERVFAIL or found.flags & dns.flags.TC
        elif bad == "a CNAME for itself" and found.answer:
            assert found.rcode() == dns.rcode.NOERROR and len(found.answer) == 1  # as it came
        else:
            assert found.rcode() in (dns.rcode.SERVFAIL, dns.rcode.FORMERR, dns.rcode.REFUSED, dns.rcode.NOTIMP) or (
                found.flags & dns.flags.TC
            )
        assert not addresses(found) or bad == "FORMERR to EDNS"
        assert good([ask_fresh(server)])


def memory(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) // 1024


def large(records, octets):
    rdatas = [dns.rdata.from_text("IN", "TXT", f'"{i} ' + "x" * octets + '"') for i in range(records)]

    def answer(query, proto, send):
        response = dns.message.make_response(query, recursion_available=True)
        name = query.question[0].name
        response.answer.append(dns.rrset.from_rdata_list(name, 60, rdatas))
        wire = response.to_wire(max_size=65535)
        if proto == "udp" and len(wire) > 1232:
            truncated_without_tcp(query, proto, send)
        else:
            send(wire)

    return answer


@pytest.mark.parametrize("records, octets", [(500, 10), (260, 235)])
def test_large_answers_arrive_whole(exchange, up, records, octets):
    up.behave("large.example.org", answer=large(records, octets))
    with forwarding(exchange, [up], workers=1) as server:
        for _ in range(2):
            answer = server.ask("large.example.org", "TXT", tcp=True)
            assert len(answer.answer[0]) == records
        assert server.ask("large.example.org", "TXT", use_edns=0, payload=1232).flags & dns.flags.TC


def test_chains_and_loops_of_cnames_end(exchange, up):
    for i in range(20):
        up.add(f"c{i}.example.org", "CNAME", f"c{i + 1}.example.org.")
    up.add("c20.example.org", "A", "10.0.0.20")
    up.add("loop1.example.org", "CNAME", "loop2.example.org.")
    up.add("loop2.example.org", "CNAME", "loop1.example.org.")
    with forwarding(exchange, [up], "read_timeout 1s") as server:
        chain = server.ask("c12.example.org")
        assert addresses(chain) == ["10.0.0.20"] and len(chain.answer) == 9
        for name in ("c0.example.org", "loop1.example.org"):
            begun = time.monotonic()
            answer = server.ask(name)
            assert answer.rcode() in (dns.rcode.NOERROR, dns.rcode.SERVFAIL)
            assert addresses(answer) in ([], ["10.0.0.20"])
            assert time.monotonic() - begun < 3
        assert up.count() < 200
        assert good([ask_fresh(server)])


def test_bad_answers_make_nothing_grow(exchange, up):
    answers = itertools.cycle([*BAD.values(), large(260, 235)])
    up.behave("*", answer=lambda query, proto, send: next(answers)(query, proto, send))
    with forwarding(exchange, [up], "read_timeout 50ms", before="    cache\n", workers=1) as server:
        ask_all(server, 300, 50, rdtype="TXT")
        before = memory(server)
        ask_all(server, 600, 50, rdtype="TXT")
        # The cache has some of the large ones. AddressSanitizer keeps what is freed, and looks for leaks by itself.
        assert memory(server) <= before + (400 if "san" in BIN else 8)
        up.behave("*", delay=0)
        server.wait(lambda: good([ask_fresh(server)]), "an answer")
