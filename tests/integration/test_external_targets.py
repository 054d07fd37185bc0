"""Where an ExternalName may lead: into another zone of the block, into another server block, through chains, to names in
other spellings; and which block is asked for DS. Each was compared with CoreDNS (tests/e2e asks for the ordinary ones)."""

import dns.flags
import dns.rcode
import pytest

import zonetext
from seamark import Seamark, addresses, lines

COREFILE = """
.:{port} {
    bind {address}
    kubernetes cluster.local a.test {
        objects {folder}/objects
        pods insecure
    }
    whoami
}
blk.test:{port} {
    bind {address}
    hosts {
        192.0.2.77 h.blk.test
    }
}
refused.test:{port} {
    bind {address}
}
"""
TARGETS = {"blk": "h.blk.test.", "blk-missing": "none.blk.test.", "refused": "x.refused.test.", "two": "web.shop.svc.a.test.",
           "two-missing": "none.shop.svc.a.test.", "two-chain": "two.shop.svc.cluster.local.",
           "pod": "x.10-9-8-7.shop.pod.cluster.local.", "port": "http.tcp.web.shop.svc.cluster.local."}
CHAIN = {f"c{i}": f"c{i + 1}.shop.svc.cluster.local." for i in range(14)}
OWN = ["shop.svc TYPE65280 \\# 0", "shop.pod TYPE65280 \\# 0", "_http._tcp.web.shop.svc A 10.96.0.1"]


@pytest.fixture(name="server", scope="module")
def fixture_server():
    server = Seamark(COREFILE)
    source = zonetext.identity(server.path("objects"), pods="insecure")
    aliases = [f"{name}.shop.svc CNAME {target}" for name, target in (TARGETS | CHAIN).items()]
    for zone, address in (("cluster.local.", "10.96.0.1"), ("a.test.", "10.96.0.1")):
        records = OWN + [f"web.shop.svc A {address}", "c14.shop.svc CNAME web.shop.svc.cluster.local."] + aliases
        zonetext.put_zone(server.zones, records, 7, source, zone=zone)
    with server:
        yield server


def ask(server, name, rdtype="A", zone="cluster.local"):
    answer = server.ask(f"{name}.shop.svc.{zone}", rdtype)
    assert answer.flags & dns.flags.AA
    return dns.rcode.to_text(answer.rcode()), len(lines(answer.answer)) - len(addresses(answer)), addresses(answer)


@pytest.mark.parametrize("name, expected", [
    ("blk", ("NOERROR", 1, ["192.0.2.77"])),
    ("blk-missing", ("NOERROR", 1, [])),
    ("refused", ("NOERROR", 1, [])),
    ("two", ("NOERROR", 1, ["10.96.0.1"])),
    ("two-missing", ("NOERROR", 1, [])),
    ("two-chain", ("NOERROR", 2, ["10.96.0.1"])),
    ("pod", ("NOERROR", 1, ["10.9.8.7"])),
    ("port", ("NOERROR", 1, ["10.96.0.1"])),
    ("c4", ("NOERROR", 11, ["10.96.0.1"])),
    ("c3", ("NOERROR", 11, [])),
])
def test_a_name_is_followed_to_wherever_it_leads(server, name, expected):
    assert ask(server, name) == expected


def test_from_another_zone_of_the_block_it_leads_back(server):
    assert ask(server, "two", zone="a.test") == ("NOERROR", 1, ["10.96.0.1"])
    assert ask(server, "c4", zone="a.test") == ("NOERROR", 11, ["10.96.0.1"])
    assert ask(server, "two-chain", zone="a.test") == ("NOERROR", 2, ["10.96.0.1"])


def test_ds_is_asked_of_the_block_itself_where_only_the_root_is_above(server):
    assert server.ask("blk.test", "DS").rcode() == dns.rcode.SERVFAIL  # nobody behind `hosts`
    answer = server.ask("a.test", "DS")
    assert answer.rcode() == dns.rcode.NOERROR and not answer.answer and answer.authority
