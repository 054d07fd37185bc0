"""A name server for tests that does what a test tells it, over UDP and TCP on one loopback port; with `tls`, a server's
ssl.SSLContext, over TLS on another one (tls_port).

    with Upstream() as up:
        up.add("www.example.org", "A", "10.0.0.1", ttl=300)
        up.behave("slow.example.org", delay=0.5)
        ... seamark forwards to up.address ...
        assert up.count("www.example.org") == 1

Names that were not added are NXDOMAIN, names without the type NODATA, both with a SOA. A behaviour belongs to a name, or to
all names with "*". Every question that came is kept in `queries`. Threads: one for UDP, one for each TCP connection, one
for delayed answers; all methods may be called from the test's.
"""

import collections
import contextlib
import errno
import heapq
import itertools
import random
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

Query = collections.namedtuple("Query", "at proto name type message")


LIES = {"wrong_id", "wrong_question", "wrong_case", "garbage"}
SO_TIMESTAMPNS = 35  # Python has no name for it


def _arrival(ancillary):
    """When the kernel got a datagram, by time.monotonic(): it may be read later on a busy machine. None where it does not say."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", data)
            return time.monotonic() - (time.time() - seconds - nanoseconds / 1e9)
    return None


class Upstream:
    def __init__(self, host="127.0.0.1", port=0, apex=".", tls=None):
        self.host, self.port, self.apex = host, port, apex
        self.tls, self.tls_port, self.tls_listener = tls, 0, None
        self.handshakes = []  # over TLS: whether each was a short one
        self.lock = threading.Lock()
        self.records, self.behaviours, self.queries = {}, {}, []
        self.negative_ttl = (300, 300)  # TTL and minimum of the SOA
        self.udp = self.tcp = self.udp_thread = None
        self.silent = False  # takes questions and says nothing
        self.connections = 0  # that were accepted over TCP
        self.later, self.later_changed, self.order = [], threading.Condition(), itertools.count()
        threading.Thread(target=self._answer_later, daemon=True).start()

    # ---- what it answers ----

    def add(self, name, rdtype, *rdata, ttl=300):
        name = dns.name.from_text(name)
        with self.lock:
            rrset = dns.rrset.from_text(name, ttl, "IN", rdtype, *rdata)
            self.records.setdefault(name, {})[rrset.rdtype] = rrset

    def answer_all(self, address):
        """Names that were not added have this address."""
        reply, rdata = self.reply, dns.rdata.from_text("IN", "A", address)

        def any_name(query):
            name = query.question[0].name
            if name not in self.records:
                self.records[name] = {dns.rdatatype.A: dns.rrset.from_rdata(name, 300, rdata)}
            return reply(query)

        self.reply = any_name

    def behave(self, name, **behaviour):
        """delay=S or (S, S) for something between, drop=True or drop=N (the first N), loss=P (of packets over UDP, on the way
        there and back), rcode=TEXT, truncate=True (over UDP), no_tcp=True, no_edns=True, wrong_id=True, wrong_question=True,
        wrong_case=True, garbage=True: these four send that before the true answer. ad=True, options=[...]. Over TCP:
        close_before=N, close_after=True: the connection is closed instead of the first N answers, after each answer;
        reset=N: it is reset after N octets of the answer.
        answer=F: F(query, proto, send) is called in place of all that; send(wire), over UDP send.client is who asked, over TCP
        send.connection what it came by. No arguments: as others."""
        with self.lock:
            self.behaviours[name if name == "*" else dns.name.from_text(name)] = behaviour

    def names(self, name=None, since=0.0):
        wanted = None if name is None else dns.name.from_text(name)
        with self.lock:
            return [q for q in self.queries if (wanted is None or q.name == wanted) and q.at >= since]

    def count(self, name=None, proto=None, since=0.0):
        return len([q for q in self.names(name, since) if proto in (None, q.proto)])

    def forget(self):
        with self.lock:
            self.queries.clear()

    def wait(self, name, count=1, seconds=5.0):
        end = time.monotonic() + seconds
        while self.count(name) < count:
            assert time.monotonic() < end, f"{name} was asked for {self.count(name)} times, not {count}"
            time.sleep(0.005)

    def reply(self, query):
        response = dns.message.make_response(query, recursion_available=True, our_payload=4096)
        question = query.question[0]
        name, seen = question.name, set()
        while name not in seen:  # follow CNAMEs, as a resolver does
            seen.add(name)
            alias = self.records.get(name, {}).get(dns.rdatatype.CNAME)
            if alias is None or question.rdtype == dns.rdatatype.CNAME:
                break
            response.answer.append(alias)
            name = alias[0].target
        here = self.records.get(name, {})
        wanted = [question.rdtype]
        if question.rdtype == dns.rdatatype.ANY:
            wanted = list(here)
        elif query.ednsflags & dns.flags.DO:
            wanted.append(dns.rdatatype.RRSIG)
        found = [here[t] for t in wanted if t in here]
        response.answer += found
        if not found:
            if not here:
                response.set_rcode(dns.rcode.NXDOMAIN)
            ttl, minimum = self.negative_ttl
            soa = f"ns.{self.apex} root.{self.apex} 1 3600 600 86400 {minimum}".replace("..", ".")
            response.authority.append(dns.rrset.from_text(self.apex, ttl, "IN", "SOA", soa))
        return response

    # ---- serving ----

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def tls_address(self):
        return f"{self.host}:{self.tls_port}"

    def _bind(self):
        """A port that is free for both; the one it had, where it was started before."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        while True:
            tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            try:
                tcp.bind((self.host, self.port))
                udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                udp.bind(tcp.getsockname()[:2])
                return udp, tcp
            except OSError as error:
                tcp.close()
                udp.close()
                if self.port != 0 or error.errno != errno.EADDRINUSE:
                    raise

    def start(self):
        self.udp, self.tcp = self._bind()
        self.port = self.udp.getsockname()[1]
        self.tcp.listen(64)
        self.udp_thread = threading.Thread(target=self._serve_udp, args=(self.udp,), daemon=True)
        self.udp_thread.start()
        threading.Thread(target=self._serve_tcp, args=(self.tcp, self._serve_connection), daemon=True).start()
        if self.tls is not None:
            self.tls_listener = socket.create_server((self.host, self.tls_port), backlog=64)
            self.tls_port = self.tls_listener.getsockname()[1]
            threading.Thread(target=self._serve_tcp, args=(self.tls_listener, self._serve_tls), daemon=True).start()
        return self

    def stop(self):
        """Gone: nobody listens at the port. start() comes back at the same one."""
        udp, tcp, self.udp, self.tcp = self.udp, self.tcp, None, None
        if udp is not None:
            with contextlib.suppress(OSError):
                socket.socket(udp.family, socket.SOCK_DGRAM).sendto(b"", udp.getsockname())  # wakes the thread
            self.udp_thread.join()  # a socket that is still being read keeps its port
            udp.close()
            with contextlib.suppress(OSError):
                tcp.shutdown(socket.SHUT_RDWR)
            tcp.close()
        if self.tls_listener is not None:
            with contextlib.suppress(OSError):
                self.tls_listener.shutdown(socket.SHUT_RDWR)
            self.tls_listener.close()

    close = stop

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _serve_udp(self, sock):
        while True:
            try:
                wire, ancillary, _, client = sock.recvmsg(65535, 64)
            except OSError:
                return
            if self.udp is not sock:
                return
            send = lambda data, to=client: sock.sendto(data, to)  # noqa: E731
            send.client = client
            send.at = _arrival(ancillary)
            self._take(wire, "udp", send)

    def _serve_tcp(self, sock, serve):
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def _serve_tls(self, connection):
        with contextlib.suppress(OSError):
            connection = self.tls.wrap_socket(connection, server_side=True)
            self.handshakes.append(connection.session_reused)
            self._serve_connection(connection, "tls")

    def _serve_connection(self, connection, proto="tcp"):
        with contextlib.suppress(OSError, struct.error), connection, connection.makefile("rb") as stream:
            while True:
                (length,) = struct.unpack("!H", stream.read(2))
                wire = stream.read(length)
                send = lambda data: connection.sendall(struct.pack("!H", len(data)) + data)  # noqa: E731
                send.connection = connection
                self._take(wire, proto, send)

    def _take(self, wire, proto, send):
        try:
            query = dns.message.from_wire(wire)
            question = query.question[0]
        except Exception:  # not a question that a test cares for
            return
        with self.lock:
            self.queries.append(Query(getattr(send, "at", None) or time.monotonic(), proto, question.name, question.rdtype, query))
            behaviour = self.behaviours.get(question.name, self.behaviours.get("*", {}))
            drop = behaviour.get("drop", False)
            if drop is not True and drop > 0:
                behaviour["drop"] = drop - 1
        if self.silent or drop is True or drop > 0 or self._lost(behaviour, proto):
            return
        if behaviour.get("no_tcp") and proto == "tcp":
            return
        if behaviour.get("delay"):
            with self.later_changed:
                delay = behaviour["delay"]
                due = time.monotonic() + (random.uniform(*delay) if isinstance(delay, tuple) else delay)
                heapq.heappush(self.later, (due, next(self.order), (query, proto, behaviour, send)))
                self.later_changed.notify()
        else:
            self._answer(query, proto, behaviour, send)

    @staticmethod
    def _lost(behaviour, proto):
        return proto == "udp" and random.random() < behaviour.get("loss", 0.0)

    def _answer_later(self):
        while True:
            with self.later_changed:
                while not self.later or self.later[0][0] > time.monotonic():
                    self.later_changed.wait(self.later[0][0] - time.monotonic() if self.later else None)
                _, _, what = heapq.heappop(self.later)
            self._answer(*what)

    def _answer(self, query, proto, behaviour, send):
        if "answer" in behaviour:
            with contextlib.suppress(OSError):
                behaviour["answer"](query, proto, send)
            return
        with self.lock:
            response = self.reply(query)
        if "rcode" in behaviour:
            response = dns.message.make_response(query, recursion_available=True)
            response.set_rcode(dns.rcode.from_text(behaviour["rcode"]))
        if behaviour.get("no_edns") and query.edns >= 0:
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.FORMERR)
            response.use_edns(False)
        if behaviour.get("ad"):
            response.flags |= dns.flags.AD
        if "options" in behaviour and query.edns >= 0:
            response.use_edns(0, query.ednsflags, 4096, options=behaviour["options"])
        if self._lost(behaviour, proto):
            return
        if behaviour.get("truncate") and proto == "udp":
            response.answer = []
            response.flags |= dns.flags.TC
        with contextlib.suppress(OSError):
            for lie in self._lies(query, behaviour):
                send(lie)
            if proto != "udp" and self._breaks(behaviour, response, send):
                return
            send(response.to_wire(max_size=65535))

    def _breaks(self, behaviour, response, send):
        """What is done to the connection in place of an answer."""
        connection = send.connection
        with self.lock:
            before = behaviour.get("close_before", 0)
            behaviour["close_before"] = max(before - 1, 0)
        if behaviour.get("close_after"):
            send(response.to_wire(max_size=65535))
        elif "reset" in behaviour:
            wire = response.to_wire(max_size=65535)
            connection.sendall((struct.pack("!H", len(wire)) + wire)[: behaviour["reset"]])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif before == 0:
            return False
        connection.shutdown(socket.SHUT_RDWR)
        return True

    @staticmethod
    def _lies(query, behaviour):
        if not behaviour.keys() & LIES:
            return
        lie = dns.message.make_response(query, recursion_available=True)
        lie.answer.append(dns.rrset.from_text(query.question[0].name, 3600, "IN", "A", "66.66.66.66"))
        if behaviour.get("wrong_id"):
            lie.id = query.id ^ 0x5555
            yield lie.to_wire()
        if behaviour.get("wrong_question"):
            other = dns.message.make_query("not.what.was.asked.", "A")
            other.id = query.id
            yield dns.message.make_response(other).to_wire()
        if behaviour.get("wrong_case"):
            wire = bytearray(lie.to_wire())
            wire[0:2] = struct.pack("!H", query.id)
            wire[13] ^= 0x20
            yield bytes(wire)
        if behaviour.get("garbage"):
            yield struct.pack("!H", query.id) + b"\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\xc0\x0c"
