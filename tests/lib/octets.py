"""Messages as octets, for tests that ask thousands of questions or read whole zones: dnspython takes a millisecond for a message, this
a twentieth. Names, addresses and SRV are read here, rdata of other types by dnspython; texts are as dnspython writes them.

    with Asker(address, port) as server:
        rcode, records = server.ask("www.example.org", "A")
"""

import itertools
import socket
import struct

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from seamark import Connection

RD, AA = 0x0100, 0x0400
OPT = dns.rdatatype.OPT
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*")
NAMES = {dns.rdatatype.NS, dns.rdatatype.CNAME, dns.rdatatype.PTR}
RRS = {}  # a type's number: its text


def question(name, rdtype, flags=RD, payload=None, number=1):
    """A question's octets; with `payload` it has EDNS."""
    name = dns.name.from_text(name) if isinstance(name, str) else name
    wire = struct.pack("!6H", number, flags, 1, 0, 0, payload is not None)
    wire += name.to_wire() + struct.pack("!2H", dns.rdatatype.RdataType.make(rdtype), dns.rdataclass.IN)
    return wire if payload is None else wire + struct.pack("!BHHIH", 0, OPT, payload, 0, 0)


def name_at(wire, at, known):
    """(text, where it ends). `known` keeps the names of a message by where they begin."""
    start, labels, end, tail = at, [], None, ""
    while length := wire[at]:
        if length >= 0xC0:
            end = end or at + 2
            target = (length & 0x3F) << 8 | wire[at + 1]
            assert target < start, "a compression pointer points forward"
            tail = known.get(target) or name_at(wire, target, known)[0]
            break
        assert length < 64 and at + 1 + length < len(wire), "a label"
        label = wire[at + 1 : at + 1 + length]
        labels.append(label.decode() if PLAIN.issuperset(label) else dns.name.Name([label]).to_text())
        at += 1 + length
    text = ".".join((*labels, "" if tail in ("", ".") else tail)) if labels else tail or "."
    known[start] = text
    return text, end or at + 1


def _rdata(wire, rdtype, at, length, known):
    if rdtype == dns.rdatatype.A and length == 4:
        return "%d.%d.%d.%d" % tuple(wire[at : at + 4])
    if rdtype == dns.rdatatype.AAAA and length == 16:
        return socket.inet_ntop(socket.AF_INET6, wire[at : at + 16])
    if rdtype == dns.rdatatype.SRV or rdtype in NAMES:
        numbers = 6 if rdtype == dns.rdatatype.SRV else 0
        name, end = name_at(wire, at + numbers, known)
        assert end == at + length, "octets behind a name"
        return "%d %d %d %s" % (*struct.unpack_from("!3H", wire, at), name) if numbers else name
    return dns.rdata.from_wire(dns.rdataclass.IN, rdtype, wire, at, length).to_text()


def read(wire):
    """(rcode's number with EDNS' part, [answers, authority, additional]), each a list of (owner, TTL, type's number, rdata's text).
    All octets of the message are read, none may be left over."""
    _, flags, *counts = struct.unpack_from("!6H", wire)
    at, known, rcode, sections = 12, {}, flags & 15, []
    for _ in range(counts[0]):
        at = name_at(wire, at, known)[1] + 4
    for count in counts[1:]:
        records = []
        sections.append(records)
        for _ in range(count):
            owner, at = name_at(wire, at, known)
            rdtype, rdclass, ttl, length = struct.unpack_from("!HHIH", wire, at)
            at += 10
            assert at + length <= len(wire), "rdata goes beyond the message"
            if rdtype == OPT:
                rcode |= ttl >> 24 << 4
            else:
                assert rdclass == dns.rdataclass.IN
                records.append((owner, ttl, rdtype, _rdata(wire, rdtype, at, length, known)))
            at += length
    assert at == len(wire), "octets behind the message"
    return rcode, sections


def lines(records):
    """As zone files have them."""
    return [f"{owner} {ttl} IN {type_text(rdtype)} {rdata}" for owner, ttl, rdtype, rdata in records]


def type_text(rdtype):
    return RRS.get(rdtype) or RRS.setdefault(rdtype, dns.rdatatype.to_text(rdtype))


def answer_of(wire):
    """rcode and answer section, in a form to compare: names without regard to case, order of no account."""
    rcode, (answers, _, _) = read(wire)
    return dns.rcode.to_text(rcode), sorted((owner.lower(), ttl, type_text(rdtype), rdata.lower()) for owner, ttl, rdtype, rdata in answers)


class Asker:
    """Asks one question after the other, over one TCP connection, or over UDP."""

    def __init__(self, address, port, flags=RD, payload=None, timeout=5):
        self.where, self.flags, self.payload, self.timeout = (address, port), flags, payload, timeout
        self.connection, self.numbers = None, itertools.count(1)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.settimeout(timeout)
        self.udp.connect(self.where)

    def ask(self, name, rdtype, udp=False):
        """The answer's octets: an answer, to this question."""
        asked = question(name, rdtype, self.flags, self.payload, next(self.numbers) & 0xFFFF)
        wire = self._by_udp(asked) if udp else self._by_tcp(asked)
        end = 12 + len(dns.name.from_text(name).to_wire() if isinstance(name, str) else name.to_wire()) + 4
        assert wire[:2] == asked[:2] and wire[2] & 0x80 and wire[12:end].lower() == asked[12:end].lower(), "another question's answer"
        return wire

    def _by_udp(self, asked):
        self.udp.send(asked)
        return self.udp.recv(65535)

    def _by_tcp(self, asked):
        for again in (True, False):  # an idle connection may have been closed
            try:
                if self.connection is None:
                    self.connection = Connection(self.where, self.timeout)
                self.connection.send(asked)
                return self.connection.receive_raw()
            except (EOFError, ConnectionError):
                self._hang_up()
                if not again:
                    raise
        return None

    def _hang_up(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def close(self):
        self._hang_up()
        self.udp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
