"""The outside world: an upstream resolver on loopback that knows a handful of names, so that no test needs a network.

It answers like a recursive resolver (RA set, AA not), over UDP and TCP, from the table below.
"""

import functools
import multiprocessing
import socket
import socketserver
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from process import loopback

PORT = 53535
NEGATIVE = "300 SOA ns.example. hostmaster.example. 1 3600 600 86400 60"
RECORDS = """
www.example.            3600 A     198.51.100.1
www.example.            3600 A     198.51.100.2
www.example.            3600 AAAA  2001:db8::1
brief.example.          2    A     198.51.100.3
v4only.example.         120  A     198.51.100.4
alias.example.          600  CNAME www.example.
text.example.           120  TXT   "some text"
mail.example.           120  MX    10 www.example.
_sip._tcp.example.      120  SRV   1 2 5060 www.example.
MiXed.example.          120  A     198.51.100.5
long.example.           120  TXT   "%s"
""" % '" "'.join("x" * 250 for _ in range(8))
FAILING = dns.name.from_text("broken.example.")


def _rrset(name, rest):
    ttl, rdtype, rdata = rest.split(None, 2)
    return dns.rrset.from_text(name, int(ttl), "IN", rdtype, rdata)


def _load():
    table = {}
    for line in RECORDS.strip().splitlines():
        name, rest = line.split(None, 1)
        rrset = _rrset(name, rest)
        table.setdefault((rrset.name, rrset.rdtype), rrset).update(rrset)
    return table


TABLE = _load()
NAMES = {name for name, _ in TABLE}


@functools.lru_cache(100000)
def _wire(question, room):
    """The answer to a message without its id, likewise; cut to a header that says so where it takes more than `room` octets."""
    query = dns.message.from_wire(b"\0\0" + question)
    wire = answer(query).to_wire(max_size=65535)
    if len(wire) > (room or max(512, query.payload if query.edns >= 0 else 0)):
        short = dns.message.make_response(query, recursion_available=True)
        short.flags |= dns.flags.TC
        wire = short.to_wire()
    return wire[2:]


def answer(query):
    reply = dns.message.make_response(query, recursion_available=True)
    name, rdtype = query.question[0].name, query.question[0].rdtype
    if name == FAILING:
        reply.set_rcode(dns.rcode.SERVFAIL)
        return reply
    for _ in range(8):
        alias = TABLE.get((name, dns.rdatatype.CNAME))
        if alias is None or rdtype == dns.rdatatype.CNAME:
            break
        reply.answer.append(alias)
        name = alias[0].target
    found = TABLE.get((name, rdtype))
    if found is not None:
        reply.answer.append(found)
    else:
        reply.set_rcode(dns.rcode.NOERROR if name in NAMES else dns.rcode.NXDOMAIN)
        reply.authority.append(_rrset("example.", NEGATIVE))
    return reply


class _Udp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data[:2] + _wire(data[2:], None), self.client_address)


class _Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        stream = self.request.makefile("rwb")
        while len(head := stream.read(2)) == 2:
            data = stream.read(struct.unpack("!H", head)[0])
            wire = data[:2] + _wire(data[2:], 65535)
            stream.write(struct.pack("!H", len(wire)) + wire)
            stream.flush()


class _UdpServer(socketserver.UDPServer):
    allow_reuse_address = True

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        super().server_bind()


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _serve(servers):
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()


class Outside:
    """A process of its own that serves until stop(), so that it answers while the tests are busy."""

    def __init__(self):
        self.address, self.port = loopback(), PORT
        where = (self.address, self.port)
        self.servers = [_UdpServer(where, _Udp), _TcpServer(where, _Tcp)]
        self.process = multiprocessing.get_context("fork").Process(target=_serve, args=(self.servers,), daemon=True)

    def start(self):
        self.process.start()
        return self

    def stop(self):
        self.process.kill()
        self.process.join()
        for server in self.servers:
            server.server_close()
