"""Questions that are unusual or wrong, byte for byte the same to both servers: they get the same kind of answer."""

import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from compare import known
from workload import namespace, port, service

NAME = "plain.protocol.svc.cluster.local."


def query(rdtype="A", name=NAME, rdclass="IN", **options):
    return dns.message.make_query(name, rdtype, rdclass, **options)


def changed(message, **fields):
    for field, value in fields.items():
        setattr(message, field, value)
    return message.to_wire()


def with_opcode(number):
    wire = bytearray(query().to_wire())
    wire[2] = (wire[2] & 0x87) | number << 3
    return bytes(wire)


def with_flags(*flags, **options):
    message = query(**options)
    for flag in flags:
        message.flags |= flag
    return message.to_wire()


def with_version(number):
    wire = bytearray(query(use_edns=0, payload=1232).to_wire())
    wire[-5] = number  # behind it: two octets of flags, two of length
    return bytes(wire)


def two_questions():
    message = query()
    message.question.append(query("AAAA").question[0])
    return message.to_wire()


CASES = {
    "plain": query().to_wire(),
    "without RD": changed(query(), flags=0),
    "with CD": with_flags(dns.flags.CD),
    "with AD": with_flags(dns.flags.AD),
    "with AA, TC and RA": with_flags(dns.flags.AA, dns.flags.TC, dns.flags.RA),
    "with DO": query(want_dnssec=True, payload=1232).to_wire(),
    "with DO and AD": with_flags(dns.flags.AD, want_dnssec=True, payload=1232),
    "EDNS size 0": query(use_edns=0, payload=0).to_wire(),
    "EDNS size 65535": query(use_edns=0, payload=65535).to_wire(),
    "EDNS version 1": with_version(1),
    "EDNS NSID": query(use_edns=0, payload=1232, options=[dns.edns.GenericOption(3, b"")]).to_wire(),
    "EDNS cookie": query(use_edns=0, payload=1232, options=[dns.edns.GenericOption(10, b"12345678")]).to_wire(),
    "EDNS unknown option": query(use_edns=0, payload=1232, options=[dns.edns.GenericOption(65001, b"x")]).to_wire(),
    "class CH": query("TXT", "version.bind.", "CH").to_wire(),
    "class CH at a cluster name": query(rdclass="CH").to_wire(),
    "class HS": query(rdclass="HS").to_wire(),
    "class ANY": query(rdclass="ANY").to_wire(),
    "class NONE": query(rdclass="NONE").to_wire(),
    "type unknown": query("TYPE65000").to_wire(),
    "type zero": query("TYPE0").to_wire(),
    "type OPT": query("OPT").to_wire(),
    "type DS": query("DS").to_wire(),
    "type AXFR": query("AXFR", "cluster.local.").to_wire(),
    "type IXFR": query("IXFR", "cluster.local.").to_wire(),
    "type MAILB": query("MAILB").to_wire(),
    "type ANY at the apex": query("ANY", "cluster.local.").to_wire(),
    "the root": query("NS", ".").to_wire(),
    "opcode IQUERY": with_opcode(1),
    "opcode STATUS": with_opcode(2),
    "opcode 3": with_opcode(3),
    "opcode NOTIFY": with_opcode(4),
    "opcode UPDATE": with_opcode(5),
    "opcode DSO": with_opcode(6),
    "opcode 15": with_opcode(15),
    "no question": query().to_wire()[:4] + b"\0" * 8,
    "two questions": two_questions(),
    "header alone, one question promised": query().to_wire()[:12],
    "question cut short": query().to_wire()[:-3],
    "garbage behind": query().to_wire() + b"\1\2\3\4",
    "a response": with_flags(dns.flags.QR),
    "label of 64": query().to_wire()[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
    "pointer to itself": query().to_wire()[:12] + b"\xc0\x0c\0\1\0\1",
    "name of 255": query(name=".".join(["a" * 63] * 3 + ["b" * 61]) + ".").to_wire(),
    "label with a dot in it": query().to_wire()[:12] + b"\5a.b.c\5local\0\0\1\0\1",
    "label with octets above 127": query().to_wire()[:12] + b"\3\xff\x80\0\7cluster\5local\0\0\1\0\1",
    "eleven octets": query().to_wire()[:11],
}


def exchange(server, wire, tcp):
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(1)
        s.connect((server.address, server.port))
        s.sendall(struct.pack("!H", len(wire)) + wire if tcp else wire)
        try:
            reply = s.recv(65535)
            while tcp and len(reply) > 1 and len(reply) < 2 + struct.unpack("!H", reply[:2])[0]:
                reply += s.recv(65535)
        except OSError:
            return b""
    return reply[2:] if tcp else reply


def described(reply):
    """What a reply says about the question, in words: header, counts and EDNS. The records are compared elsewhere."""
    if not reply:
        return ["no answer"]
    _, bits, *counts = struct.unpack("!6H", reply[:12])
    lines = [f"opcode: {bits >> 11 & 15}", f"rcode: {bits & 15}", f"header: {dns.flags.to_text(bits & 0x87f0)}"]
    lines += [f"{what}: {count}" for what, count in zip(("questions", "answers", "authority", "additional"), counts)]
    try:
        message = dns.message.from_wire(reply, ignore_trailing=True)
        if message.edns >= 0:
            options = [int(option.otype) for option in message.options]
            lines.append(f"edns: {message.edns} size {message.payload} DO {bool(message.ednsflags & dns.flags.DO)} "
                         f"extended {message.rcode() >> 4} options {options}")
    except Exception:  # dnspython refuses what some of these questions are made of; the header is compared
        pass
    return lines


@pytest.fixture(scope="module")
def servers(cluster, start_both):
    cluster.admin.create(namespace("protocol"))
    cluster.admin.create(service("protocol", "plain", [port(80, "http")]))
    return start_both("kubeadm")


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("case", CASES)
def test_unusual_question(servers, case, tcp):
    theirs, ours = (described(exchange(server, CASES[case], tcp)) for server in servers)
    found = [f"{line} -> {other}" for line, other in zip(theirs, ours) if line != other] or \
        ([f"{theirs} -> {ours}"] if theirs != ours else [])
    left = [line for line in found if not known(f"unusual {case}", "all", line)]
    if left:
        pytest.fail(f"{case}, CoreDNS's -> Seamark's:\n" + "\n".join(left), pytrace=False)
