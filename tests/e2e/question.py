"""Asking a DNS server one question, and what its answer says in a form that two servers can be compared in."""

import dataclasses
import socket
import struct

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype

TIMEOUT = 3
TRIES = 2
FLAGS = ("AA", "TC", "RD", "RA", "AD", "CD")


@dataclasses.dataclass(frozen=True)
class Answer:
    """rcode as text; flags as a set; each section as {"owner TYPE rdata": ttl}; edns as (version, size, flags) or None.

    Owners and names in the data keep their case. The serial of an SOA is left out (written as 0): each server counts
    its own.
    """
    rcode: str
    flags: frozenset = frozenset()
    answer: dict = dataclasses.field(default_factory=dict)
    authority: dict = dataclasses.field(default_factory=dict)
    additional: dict = dataclasses.field(default_factory=dict)
    edns: tuple = None

    def addresses(self):
        return {line.split()[-1] for line in self.answer if line.split()[1] in ("A", "AAAA")}


SILENCE = Answer("no answer")


def make_query(name, rdtype, edns=1232):
    """`edns` is the size offered; None asks without EDNS."""
    options = {} if edns is None else {"use_edns": 0, "payload": edns}
    return dns.message.make_query(name, rdtype, **options)


def _udp(server, wire, timeout):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((server.address, server.port))
        s.send(wire)
        while True:
            reply = s.recv(65535)
            if reply[:2] == wire[:2]:
                return reply


def _tcp(server, wire, timeout):
    with socket.create_connection((server.address, server.port), timeout) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        stream = s.makefile("rb")
        head = stream.read(2)
        if len(head) < 2:
            raise ConnectionError("closed without an answer")
        return stream.read(struct.unpack("!H", head)[0])


def _section(rrsets):
    lines = {}
    for rrset in rrsets:
        for rdata in rrset:
            if rrset.rdtype == dns.rdatatype.SOA:
                rdata = rdata.replace(serial=0)
            line = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
            while line in lines:
                line += " (again)"
            lines[line] = rrset.ttl
    return lines


def read_answer(query, wire):
    # Each record on its own: records of one set that differ in TTL or in the owner's case must not be merged.
    reply = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert reply.id == query.id and reply.flags & dns.flags.QR and reply.opcode() == dns.opcode.QUERY
    assert [q.to_text() for q in reply.question] == [q.to_text() for q in query.question], "another question"
    edns = None
    if reply.edns >= 0:
        options = tuple(sorted(int(option.otype) for option in reply.options))
        edns = (reply.edns, reply.payload, bool(reply.ednsflags & dns.flags.DO), options)
    return Answer(rcode=dns.rcode.to_text(reply.rcode()),
                  flags=frozenset(f for f in FLAGS if reply.flags & dns.flags.from_text(f)),
                  answer=_section(reply.answer), authority=_section(reply.authority),
                  additional=_section(reply.additional), edns=edns)


def ask(server, name, rdtype="A", tcp=False, edns=1232, timeout=TIMEOUT):
    """One question, asked again once where nothing comes back. A reply that cannot be read raises, and so does a
    server that is no longer there."""
    query = make_query(name, rdtype, edns)
    wire = query.to_wire()
    for _ in range(TRIES):
        try:
            return read_answer(query, (_tcp if tcp else _udp)(server, wire, timeout))
        except OSError:
            continue
    server.process.assert_alive()
    return SILENCE
