"""transfer: what CoreDNS hands over of the cluster's zone is in what Seamark does, and what differs has its reason
(docs/transfer.md)."""

import collections

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

import world
from kubeapi import ApiError
from process import wait_for
from question import ask
from side_by_side import refusal

ZONE = world.ZONE
TO_ALL = "    transfer {\n        to *\n    }\n"

Record = collections.namedtuple("Record", "name ttl rdtype rdata")


@pytest.fixture(scope="module")
def servers(cluster, start_both):
    try:
        world.build(cluster.admin)
    except ApiError as e:
        if e.status != 409:  # another test file has built it
            raise
    both = start_both("none", TO_ALL)
    wait_for("both know the last endpoints", lambda: all(
        ask(server, "crowd.shop.svc.cluster.local.", tcp=True).addresses() for server in both), 10)
    return both


def query(name, rdtype, serial=None):
    message = dns.message.make_query(name, rdtype)
    if serial is not None:
        message.authority.append(dns.rrset.from_text(name, 0, "IN", "SOA", f"a. b. {serial} 1 1 1 1"))
    return message


def messages(server, name, rdtype, serial=None):
    """Those of an answer over TCP, as long as there are any within a second."""
    out = []
    asked = query(name, rdtype, serial)
    with dns.query.socket.create_connection((server.address, server.port), 10) as s:
        dns.query.send_tcp(s, asked)
        try:
            while True:
                s.settimeout(10 if not out else 1)
                out.append(dns.query.receive_tcp(s, one_rr_per_rrset=True)[0])
        except (dns.exception.Timeout, TimeoutError, EOFError, OSError):
            return out


def records(answer):
    return [Record(rrset.name.to_text().lower(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rrset[0].to_text().lower())
            for m in answer for rrset in m.answer]


def explained(record, ours):
    """Why CoreDNS's record is not among Seamark's; None where it should be."""
    same = {r.rdata for r in ours if r.name == record.name and r.rdtype == record.rdtype}
    if record.rdtype == "SOA":
        return "serial"
    if record.name == ZONE and record.rdtype == "NS" or record.name == "ns.dns." + ZONE or record.ttl == 0:
        return "name server"
    if record.rdtype == "SRV":
        priority, _, number, target = record.rdata.split()
        return "weight" if any(r.split()[:1] + r.split()[2:] == [priority, number, target] for r in same) else None
    if record.rdtype == "CNAME" and record.rdata == record.name:
        return "alias of itself"
    return None


def test_what_they_hand_over(servers):
    theirs, ours = (records(messages(server, ZONE, "AXFR")) for server in servers)
    for transfer in (theirs, ours):
        assert transfer[0].rdtype == "SOA" and transfer[0] == transfer[-1]
        assert len(transfer) > 300
    assert len(set(ours)) == len(ours) - 1  # each record once, but for the SOA
    reasons = collections.Counter()
    missing = []
    for record in set(theirs) - set(ours):
        reason = explained(record, ours)
        reasons[reason] += 1
        missing += [record] if reason is None else []
    assert not missing, missing
    assert reasons["weight"] > 10  # what is explained is what is there
    # and what Seamark has beyond that are the records that its own answers stand in
    for record in set(ours) - set(theirs):
        if record.rdtype not in ("SOA", "TYPE65280"):
            assert ask_all(servers[1], record), record


def ask_all(server, record):
    answer = dns.query.tcp(dns.message.make_query(record.name, record.rdtype), server.address, port=server.port, timeout=10,
                           one_rr_per_rrset=True)
    return record in records([answer])


def test_answers_agree_with_the_transfer(servers):
    """Every record that Seamark hands over is in Seamark's answers."""
    _, ours = servers
    wrong = [r for r in records(messages(ours, ZONE, "AXFR")) if not ask_all(ours, r)]
    assert not wrong


def codes(servers, name, rdtype, serial=None):
    return [dns.rcode.to_text(messages(server, name, rdtype, serial)[0].rcode()) for server in servers]


def test_what_they_refuse(servers, start_both):
    assert codes(servers, "outside.example.", "AXFR")[1] == "REFUSED"  # CoreDNS passes it on to the upstream
    assert codes(servers, ZONE, "IXFR") == ["SERVFAIL", "SERVFAIL"]  # no SOA in it
    for server in servers:
        answer = dns.query.udp(query(ZONE, "AXFR"), server.address, port=server.port, timeout=5)
        assert answer.rcode() == dns.rcode.REFUSED
    # a name in the zone: CoreDNS hands over the whole zone under that name
    theirs, ours = (messages(server, "web.shop.svc." + ZONE, "AXFR") for server in servers)
    assert theirs[0].rcode() == dns.rcode.NOERROR and ours[0].rcode() == 9
    others = start_both("none", TO_ALL.replace("*", "192.0.2.1"))
    assert codes(others, ZONE, "AXFR") == ["REFUSED", "REFUSED"]
    assert codes(others, ZONE, "IXFR", 1) == ["REFUSED", "REFUSED"]


def test_incremental(servers):
    """Up to date: one SOA. Otherwise CoreDNS sends everything; so does Seamark for a serial that it knows nothing of."""
    for server in servers:
        soa = records(messages(server, ZONE, "AXFR"))[0]
        serial = int(soa.rdata.split()[2])
        assert records(messages(server, ZONE, "IXFR", serial)) == [soa]
        whole = records(messages(server, ZONE, "IXFR", 1))
        assert len(whole) > 300 and whole[0] == whole[-1] == soa
    theirs, ours = (dns.query.udp(query(ZONE, "IXFR", 1), server.address, port=server.port, timeout=5) for server in servers)
    assert theirs.rcode() == dns.rcode.REFUSED  # RFC 1995 section 2: the SOA tells to come by TCP
    assert [r.rdtype for r in ours.answer] == [dns.rdatatype.SOA]


def test_directives_that_both_refuse(tmp_path):
    for body in ("", "to example.org", "to 10.0.0.0/8", "to *\n source example.org", "to *\n source 1.2.3.4\n source 1.2.3.5",
                 "to *\n from *"):
        theirs, ours = refusal(tmp_path / "Corefile", f".:5353 {{\n bind 127.0.0.1\n transfer {{\n {body}\n }}\n}}\n", "transfer")
        assert theirs and ours and (ours in theirs or theirs.endswith(ours)), (theirs, ours)
