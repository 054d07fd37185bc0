"""Asking very many questions: datagrams many at a time, and a reader of answers for the types that a cluster has. What it cannot
read goes through question.py, which reads everything."""

import dataclasses
import select
import socket
import struct
import time

from question import Answer, FLAGS, SILENCE, ask, make_query, read_answer

WINDOW = 64
PATIENCE = 0.7  # for a window of questions; what is not answered is asked again
AGAIN = 1
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "HTTPS": 65, "ANY": 255}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
BITS = tuple((0x8000 >> n, name) for name, n in zip(("AA", "TC", "RD", "RA", "AD", "CD"), (5, 6, 7, 8, 10, 11)))
assert tuple(name for _, name in BITS) == FLAGS
OPT = 41


class Unread(Exception):
    """A message that the quick reader leaves to the other one."""


def query_wire(number, name, rdtype, edns):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    head = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0 if edns is None else 1)
    question = b"".join(bytes([len(label)]) + label for label in labels) + struct.pack("!BHH", 0, TYPES[rdtype], 1)
    opt = b"" if edns is None else struct.pack("!BHHIH", 0, OPT, edns, 0, 0)
    return head + question + opt


def _name(wire, at):
    """The name at an offset as text, and where it ends."""
    labels, end, hops = [], None, 0
    while True:
        length = wire[at]
        if length == 0:
            break
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | wire[at + 1]
            hops += 1
            if hops > 64:
                raise Unread
            continue
        label = wire[at + 1:at + 1 + length]
        if not label.replace(b"-", b"").replace(b"_", b"").isalnum():
            raise Unread  # needs escapes
        labels.append(label.decode())
        at += 1 + length
    return ".".join(labels) + ".", end or at + 1


def _rdata(wire, rdtype, at, length):
    if rdtype == 1 and length == 4:
        return socket.inet_ntop(socket.AF_INET, wire[at:at + 4])
    if rdtype == 28 and length == 16:
        return socket.inet_ntop(socket.AF_INET6, wire[at:at + 16])
    if rdtype in (2, 5, 12):
        return _name(wire, at)[0]
    if rdtype == 33:
        priority, weight, port = struct.unpack_from("!3H", wire, at)
        return f"{priority} {weight} {port} {_name(wire, at + 6)[0]}"
    if rdtype == 6:
        mname, at = _name(wire, at)
        rname, at = _name(wire, at)
        return " ".join([mname, rname, "0", *map(str, struct.unpack_from("!4I", wire, at + 4))])
    raise Unread


def _section(wire, at, count):
    lines, edns = {}, None
    for _ in range(count):
        owner, at = _name(wire, at)
        rdtype, size, ttl, length = struct.unpack_from("!HHIH", wire, at)
        at += 10
        if rdtype == OPT:
            if length or ttl & 0xFF00FFFF & ~0x8000:
                raise Unread
            edns = ((ttl >> 16) & 0xFF, size, bool(ttl & 0x8000), ())
        else:
            if size != 1:
                raise Unread
            line = f"{owner} {NAMES.get(rdtype, rdtype)} {_rdata(wire, rdtype, at, length)}"
            while line in lines:
                line += " (again)"
            lines[line] = ttl
        at += length
    return lines, at, edns


def read_quickly(wire):
    """The answer in `wire`, as read_answer() has it, but for the check of its question. Unread, or an error of Python's, where it
    is of another kind."""
    _, flags, questions, answers, authorities, additionals = struct.unpack_from("!6H", wire)
    rcode = RCODES.get(flags & 15)
    if rcode is None or questions != 1 or flags & 0xF800 != 0x8000:
        raise Unread
    _, at = _name(wire, 12)
    at += 4
    answer, at, _ = _section(wire, at, answers)
    authority, at, _ = _section(wire, at, authorities)
    additional, at, edns = _section(wire, at, additionals)
    if at != len(wire):
        raise Unread
    return Answer(rcode, frozenset(name for bit, name in BITS if flags & bit), answer, authority, additional, edns)


def _read(question, wire, sent):
    """Says what differs between question and answer as read_answer() does: by failing."""
    end = len(sent) - (0 if question.edns is None else 11)  # behind the question there is OPT alone
    assert wire[12:end] == sent[12:end], "another question"
    try:
        return read_quickly(wire)
    except (Unread, IndexError, struct.error):
        query = make_query(question.name, question.rdtype, question.edns)
        query.id = struct.unpack_from("!H", wire)[0]
        return read_answer(query, wire)


@dataclasses.dataclass
class _Client:
    """A socket towards one server, and what is under way on it: {id: (index, question, wire)}."""

    server: object
    sock: socket.socket
    pending: dict

    def send(self, number, index, question):
        wire = query_wire(number, question.name, question.rdtype, question.edns)
        self.pending[number] = index, question, wire
        self.sock.send(wire)

    def send_again(self):
        for _, _, wire in self.pending.values():
            self.sock.send(wire)

    def receive(self, answers):
        try:
            wire = self.sock.recv(65535)
        except BlockingIOError:
            return
        found = self.pending.pop(struct.unpack_from("!H", wire)[0], None)
        if found:
            answers[found[0]] = _read(found[1], wire, found[2])


def ask_all(servers, questions):
    """For each question, the answers of the servers, in order; questions over TCP are asked one by one."""
    clients = []
    for server in servers:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.connect((server.address, server.port))
        sock.setblocking(False)
        clients.append(_Client(server, sock, {}))
    try:
        for start in range(0, len(questions), WINDOW):
            yield from _ask_window(clients, questions[start:start + WINDOW], start)
    finally:
        for client in clients:
            client.sock.close()


def _ask_window(clients, questions, first):
    answers = [[None] * len(questions) for _ in clients]
    for client in clients:
        client.pending.clear()
    for index, question in enumerate(questions):
        if not question.tcp:
            for client in clients:
                client.send((first + index) & 0xFFFF, index, question)
    for _ in range(AGAIN):
        _receive(clients, answers)
        for client in clients:
            client.send_again()
    _receive(clients, answers)
    for index, question in enumerate(questions):
        said = [a[index] for a in answers]
        for number, client in enumerate(clients):
            if said[number] is None and not question.may_be_silent():
                said[number] = ask(client.server, question.name, question.rdtype, question.tcp, question.edns)
            elif said[number] is None:
                client.server.process.assert_alive()
                said[number] = SILENCE
        yield question, said


def _receive(clients, answers):
    deadline = time.monotonic() + PATIENCE
    while any(c.pending for c in clients) and time.monotonic() < deadline:
        ready, _, _ = select.select([c.sock for c in clients if c.pending], [], [], 0.1)
        for client, said in zip(clients, answers):
            if client.sock in ready:
                client.receive(said)
