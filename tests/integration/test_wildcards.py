"""Wildcards in a zone file (RFC 4592): Seamark and NSD answer the same from it, and a journal may bring and take them."""

import dns.name
import dns.rcode
import pytest

import zonetext
from nsd import Nsd
from seamark import Seamark, addresses, lines, wait_for

RECORDS = [
    "@ NS ns.dns.cluster.local.",
    "ns.dns A 10.0.0.53",
    "shop.svc TYPE65280 \\# 0",
    "web.shop.svc A 10.96.0.1",
    "eu.pin._zone.db.shop.svc A 10.1.0.1",
    "*.pin._zone.db.shop.svc TYPE65280 \\# 0",
    "eu.prefer._zone.db.shop.svc A 10.1.0.1",
    "*.prefer._zone.db.shop.svc A 10.1.0.1",
    "*.prefer._zone.db.shop.svc A 10.1.0.2",
    "*.prefer._zone.db.shop.svc SRV 0 50 80 web.shop.svc.cluster.local.",
    "*.alias.svc CNAME web.shop.svc.cluster.local.",
    "*.out.svc CNAME www.example.org.",
    "leads-in.svc CNAME us.prefer._zone.db.shop.svc.cluster.local.",
    "below.*.hollow.svc A 10.0.0.1",
]
NAMES = """. svc shop.svc web.shop.svc x.web.shop.svc no.shop.svc no.svc
    eu.pin._zone.db.shop.svc us.pin._zone.db.shop.svc a.b.pin._zone.db.shop.svc pin._zone.db.shop.svc x.eu.pin._zone.db.shop.svc
    eu.prefer._zone.db.shop.svc us.prefer._zone.db.shop.svc a.b.c.prefer._zone.db.shop.svc x.eu.prefer._zone.db.shop.svc
    *.prefer._zone.db.shop.svc x.*.prefer._zone.db.shop.svc other._zone.db.shop.svc a.other._zone.db.shop.svc
    a.alias.svc a.b.alias.svc *.alias.svc alias.svc a.out.svc leads-in.svc x.leads-in.svc
    hollow.svc a.hollow.svc below.a.hollow.svc *.hollow.svc below.*.hollow.svc""".split()
TYPES = ["A", "AAAA", "SRV", "CNAME", "TXT", "NS", "TYPE65280"]


def start():
    server = Seamark(".:{port} {\n bind {address}\n kubernetes cluster.local {\n  objects {folder}/objects\n }\n}\n")
    zonetext.put_zone(server.zones, RECORDS, 7, zonetext.identity(server.path("objects")))
    return server


def what(reply):
    """rcode and answer, names without regard to case."""
    return dns.rcode.to_text(reply.rcode()), [line.lower() for line in lines(reply.answer)]


@pytest.fixture(name="servers", scope="module")
def fixture_servers(tmp_path_factory):
    with start() as server, Nsd(tmp_path_factory.mktemp("nsd"), {"cluster.local": server.zones + "/cluster.local.zone"}) as nsd:
        yield server, nsd


@pytest.mark.parametrize("rdtype", TYPES)
def test_nsd_and_seamark_read_wildcards_alike(servers, rdtype):
    server, nsd = servers
    origin = dns.name.from_text("cluster.local.")
    for text in NAMES:
        name = origin if text == "." else dns.name.from_text(text, origin)
        assert what(server.ask(name, rdtype)) == what(nsd.ask(name, rdtype)), f"{name} {rdtype}"


def test_the_owner_of_the_answer_is_the_question(servers):
    answer = servers[0].ask("US.West.prefer._zone.db.shop.svc.cluster.local")
    assert lines(answer.answer) == [f"US.West.prefer._zone.db.shop.svc.cluster.local. 5 IN A 10.1.0.{i}" for i in (1, 2)]
    answer = servers[0].ask("us.pin._zone.db.shop.svc.cluster.local")
    assert answer.rcode() == dns.rcode.NOERROR and not answer.answer and answer.authority


def test_a_journal_brings_wildcards_and_takes_them():
    name = "us.prefer._zone.new.shop.svc.cluster.local"
    with start() as server:
        journal = zonetext.Journal(server.zones, 7)
        assert server.ask(name).rcode() == dns.rcode.NXDOMAIN
        journal.commit("+*.prefer._zone.new.shop.svc A 10.2.0.1")
        wait_for(lambda: addresses(server.ask(name)) == ["10.2.0.1"], "the wildcard")
        journal.commit("-*.prefer._zone.new.shop.svc A 10.2.0.1", "+eu.prefer._zone.new.shop.svc A 10.2.0.1")
        wait_for(lambda: server.ask(name).rcode() == dns.rcode.NXDOMAIN, "the end of the wildcard")
