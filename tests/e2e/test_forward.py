"""forward in both servers before one and the same upstream, which answers well and badly: what a client gets is compared whole, the
order of records too. No cluster is needed.

With `exchange direct` a question and its answer pass as in CoreDNS. Over libunbound not all of it can; what differs is in
docs/differences.md, at kinds that begin with "libunbound".
"""

import os
import sys

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from compare import differences, known
from question import ask
from side_by_side import PROGRAMS, start

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from upstream import Upstream  # noqa: E402 (tests/lib is not on the path by itself)

COREFILE = """.:5353 {{
    bind {{address}}
{cache}    forward . {upstream} {{
        max_fails 0
{exchange}    }}
}}
"""
CACHES = {"no cache": "", "cache": "    cache 30\n"}
EXCHANGES = {"direct": "        exchange direct\n", "libunbound": ""}
CLIENTS = ({"edns": None}, {"edns": 1232}, {"edns": 4096}, {"tcp": True, "edns": 1232}, {"tcp": True, "edns": None})
ERRORS = ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR", "YXDOMAIN", "NOTAUTH")
PLAIN = (("www.example.test.", "A"), ("www.example.test.", "AAAA"), ("www.example.test.", "MX"), ("MiXed.example.test.", "A"),
         ("text.example.test.", "TXT"), ("odd.example.test.", "TYPE65400"), ("none.example.test.", "A"), ("www.example.test.", "ANY"),
         ("many.example.test.", "A"), ("service.example.test.", "SRV"), (".", "NS"))


def _rrsets(*lines):
    return [dns.rrset.from_text(*line.split(None, 4)) for line in lines]


def alias(query, _, send):
    """A chain of three, its last name with two addresses: as a resolver says it, in order."""
    name = query.question[0].name.to_text()
    reply = dns.message.make_response(query, recursion_available=True)
    reply.answer = _rrsets(f"{name} 600 IN CNAME b.example.test.", "b.example.test. 60 IN CNAME c.example.test.",
                           "c.example.test. 300 IN A 192.0.2.8", "c.example.test. 300 IN A 192.0.2.7")
    send(reply.to_wire())


def authoritative(query, _, send):
    """AA set and RA not, with authority and additional sections."""
    name = query.question[0].name.to_text()
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    reply.answer = _rrsets(f"{name} 300 IN A 192.0.2.9")
    reply.authority = _rrsets("example.test. 300 IN NS ns.example.test.")
    reply.additional = _rrsets("ns.example.test. 300 IN A 192.0.2.53")
    send(reply.to_wire())


def without_soa(query, _, send):
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(dns.rcode.NXDOMAIN)
    send(reply.to_wire())


def with_reason(query, _, send):
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(dns.rcode.SERVFAIL)
    if query.edns >= 0:
        reply.use_edns(0, 0, 1232, options=[dns.edns.EDEOption(22, "nobody is there")])
    send(reply.to_wire())


ANSWERS = {"alias": alias, "authoritative": authoritative, "without-soa": without_soa, "with-reason": with_reason}


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as up:
        up.add("ready.test", "A", "192.0.2.1")
        up.add("www.example.test", "A", "192.0.2.1", "192.0.2.3", "192.0.2.2", ttl=120)
        up.add("www.example.test", "AAAA", "2001:db8::1")
        up.add("mixed.example.test", "A", "192.0.2.4")
        up.add("text.example.test", "TXT", '"some text" "more"')
        up.add("odd.example.test", "TYPE65400", r"\# 4 0a000001")
        up.add("service.example.test", "SRV", "1 2 443 www.example.test.")
        up.add("many.example.test", "A", *(f"10.1.{i >> 8}.{i & 255}" for i in range(500)))
        for rcode in ERRORS:
            up.behave(f"{rcode.lower()}.example.test", rcode=rcode)
        up.add("cut.example.test", "A", "192.0.2.5")
        up.behave("cut.example.test", truncate=True)
        up.add("signed.example.test", "A", "192.0.2.6")
        up.behave("signed.example.test", ad=True)
        up.add("b.example.test", "CNAME", "c.example.test.", ttl=60)  # libunbound asks for each target
        up.add("c.example.test", "A", "192.0.2.8", "192.0.2.7")
        for name, answer in ANSWERS.items():
            up.behave(f"{name}.example.test", answer=answer)
        yield up


@pytest.fixture(scope="module", params=[(e, c) for e in EXCHANGES for c in CACHES], ids=" ".join)
def both(request, upstream, tmp_path_factory):
    exchange, cache = request.param
    folder = tmp_path_factory.mktemp("forward")
    servers = []
    for name, program in PROGRAMS:
        text = COREFILE.format(upstream=upstream.address, cache=CACHES[cache], exchange=EXCHANGES[exchange] if name == "seamark" else "")
        servers.append(start(name, program, folder, text))
    yield exchange, cache, servers
    for server in servers:
        server.process.stop()


def questions():
    yield from (("plain", name, rdtype) for name, rdtype in PLAIN)
    yield from (("error", f"{rcode.lower()}.example.test.", "A") for rcode in ERRORS)
    yield from ((name, f"{name}.example.test.", "A") for name in ("cut", "signed", *ANSWERS))


def rrsets(answer):
    """Owner and type of each record, in order: which of an rrset comes first is chance, here and at the upstream."""
    return [line.lower().split()[:2] for line in answer.answer]


def test_what_a_client_gets(both):
    exchange, cache, servers = both
    wrong = []
    for kind, name, rdtype in questions():
        for how in CLIENTS:
            theirs, ours = (ask(server, name, rdtype, timeout=6, **how) for server in servers)
            lines = differences(theirs, ours, ttl_slack=0 if cache == "no cache" else 2)
            if "TC" not in theirs.flags | ours.flags and rrsets(theirs) != rrsets(ours):
                lines.append(f"order: {rrsets(theirs)} -> {rrsets(ours)}")
            wrong += [f"{kind}: {name} {rdtype} {how} {line}" for line in lines if not known(f"{exchange} {kind}", rdtype, line)]
    assert not wrong, "\n" + "\n".join(wrong)
