"""DNS over TCP: pipelining, slow and rude clients, limits."""

import resource
import select
import socket
import struct
import threading
import time

import dns.message
import dns.rcode
import pytest

import zonetext
from seamark import SANITIZED, Connection, Seamark, addresses, frame, wait_for
from upstream import Upstream

COREFILE = """
cluster.local:{port} {
    bind {address}
    errors
    kubernetes cluster.local {
        objects {folder}/objects
    }
}
test:{port} {
    bind {address}
    forward . UPSTREAM
}
"""
RECORDS = ["web.default.svc A 10.96.1.1",
           *(f"big.default.svc A 10.1.{i // 256}.{i % 256}" for i in range(3000))]

CONNECTIONS_MAX = 8192  # of a worker: src/serve/io_tcp.c
IN_FLIGHT_MAX = 256  # of a connection
IDLE_SECONDS = 10


@pytest.fixture(scope="module", name="upstream")
def fixture_upstream():
    with Upstream() as up:
        yield up


def start(upstream, *flags, **more):
    server = Seamark(COREFILE.replace("UPSTREAM", upstream.address), *flags, **more)
    zonetext.put_zone(server.zones, RECORDS, 7, zonetext.identity(server.path("objects")))
    return server


@pytest.fixture(scope="module", name="server")
def fixture_server(upstream):
    with start(upstream) as server:
        yield server


def query(name="web.default.svc.cluster.local", rdtype="A"):
    return dns.message.make_query(name, rdtype)


WEB = query().to_wire()


def memory_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_many_questions_on_one_connection(server):
    with server.connect() as c:
        for _ in range(100):
            c.send(WEB)
            assert addresses(c.receive()) == ["10.96.1.1"]


def segments_received(c):
    """Of a connection, those that carry nothing too: tcpi_segs_in of struct tcp_info."""
    return struct.unpack_from("=I", c.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 140)[0]


def test_what_was_asked_in_one_write_is_answered_in_one_write(server):
    with server.connect() as c:
        assert ask_over(c)
        before = segments_received(c)
        c.send(*[WEB] * 100)
        assert all(addresses(c.receive()) == ["10.96.1.1"] for _ in range(100))
        assert segments_received(c) - before <= 3  # on loopback a write is a segment; and there are acknowledgements


def test_questions_that_rest_because_answers_are_unread_are_answered_in_the_end(server):
    big = query("big.default.svc.cluster.local")
    packets = [frame(struct.pack("!H", i) + big.to_wire()[2:]) for i in range(60)]  # 48 KiB each, all in one read
    with server.connect(20) as c:
        c.raw(b"".join(packets) + frame(WEB)[:9])
        time.sleep(0.5)  # the kernel's buffers are full by now
        for i in range(60):
            answer = c.receive_raw()
            assert answer[:2] == struct.pack("!H", i) and answer[6:8] == struct.pack("!H", 3000)
        c.raw(frame(WEB)[9:])
        assert addresses(c.receive()) == ["10.96.1.1"]


def test_a_question_that_waits_does_not_hold_up_those_behind_it(server, upstream):
    upstream.add("slow.test", "A", "192.0.2.1")
    upstream.behave("slow.test", delay=1.0)
    slow, fast = query("slow.test"), [query() for _ in range(3)]
    with server.connect() as c:
        begin = time.monotonic()
        c.send(slow, *fast)
        got = [c.receive() for _ in range(3)]
        assert time.monotonic() - begin < 0.8
        assert [m.id for m in got] == [m.id for m in fast]
        last = c.receive()
        assert last.id == slow.id and addresses(last) == ["192.0.2.1"]


def test_ten_thousand_questions_in_one_write(server):
    count = 10000
    with server.connect(20) as c:
        packets = [struct.pack("!H", i) + WEB[2:] for i in range(count)]
        writer = threading.Thread(target=c.send, args=packets)
        writer.start()
        seen = [struct.unpack("!H", c.receive_raw()[:2])[0] for _ in range(count)]
        writer.join()
        assert seen == list(range(count))


def test_more_questions_than_may_wait_at_once_are_all_answered(server, upstream):
    count = 3 * IN_FLIGHT_MAX
    for i in range(count):
        upstream.add(f"n{i}.many.test", "A", "192.0.2.7")
        upstream.behave(f"n{i}.many.test", delay=0.2)
    queries = {m.id: m for m in (query(f"n{i}.many.test") for i in range(count))}
    with server.connect(20) as c:
        c.send(*(m.to_wire() for m in queries.values()))
        c.end()  # and the client says that these were all
        left = set(queries)
        for _ in range(len(queries)):
            answer = c.receive()
            assert answer.rcode() == dns.rcode.NOERROR
            left.remove(answer.id)
        assert not left
        assert c.closed()


def test_a_message_may_come_octet_by_octet(server):
    with server.connect() as c:
        for i in frame(WEB):
            c.raw(bytes([i]))
            time.sleep(0.005)
        assert addresses(c.receive()) == ["10.96.1.1"]


def test_a_client_that_has_closed_its_side_gets_its_answers(server, upstream):
    upstream.add("later.test", "A", "192.0.2.2")
    upstream.behave("later.test", delay=0.3)
    with server.connect() as c:
        c.send(WEB, query("later.test"), WEB)
        c.end()
        got = [addresses(c.receive()) for _ in range(3)]
        assert got == [["10.96.1.1"], ["10.96.1.1"], ["192.0.2.2"]]
        assert c.closed()


@pytest.mark.parametrize("octets", [b"\0\0", b"\0\1x", b"\0\x0b" + bytes(11)])
def test_a_message_that_can_be_none_ends_the_connection_after_what_was_asked_before(server, octets):
    with server.connect() as c:
        c.raw(frame(WEB) + octets + frame(WEB))
        assert addresses(c.receive()) == ["10.96.1.1"]
        assert c.closed()


def test_odd_messages_do_not_end_the_connection(server):
    with server.connect() as c:
        c.send(WEB[:2] + b"\x80" + WEB[3:])  # an answer: silence
        c.send(bytes(12))  # a header alone
        assert c.receive().rcode() == dns.rcode.FORMERR
        c.send(struct.pack("!H", 9) + bytes([5 << 3]) + bytes(9))  # UPDATE
        assert c.receive_raw()[3] & 15 == dns.rcode.NOTIMP
        c.send(WEB)
        assert addresses(c.receive()) == ["10.96.1.1"]


def test_a_reset_in_the_middle_of_an_answer_harms_nobody(server, upstream):
    upstream.add("gone.test", "A", "192.0.2.3")
    upstream.behave("gone.test", delay=0.2)
    for _ in range(50):
        c = server.connect()
        c.send(query("gone.test"), WEB)
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
    time.sleep(0.4)
    assert addresses(server.ask("web.default.svc.cluster.local", tcp=True)) == ["10.96.1.1"]


def test_idle_connections_are_closed_in_time_and_busy_ones_are_not(server, upstream):
    upstream.add("patient.test", "A", "192.0.2.4")
    idle, half, dribble, busy = (server.connect(30) for _ in range(4))
    half.raw(frame(WEB)[:10])
    begin, ends = time.monotonic(), {}
    names = {idle.socket: "idle", half.socket: "half", dribble.socket: "dribble"}
    octets = iter(struct.pack("!H", 60000) + bytes(60000))
    while names and time.monotonic() - begin < 2 * IDLE_SECONDS:
        readable, _, _ = select.select(list(names), [], [], 0.5)
        for s in readable:
            ends[names.pop(s)] = time.monotonic() - begin
        try:
            dribble.raw(bytes([next(octets)]))
        except OSError:
            pass
        busy.send(WEB)
        assert addresses(busy.receive()) == ["10.96.1.1"]
    assert set(ends) == {"idle", "half", "dribble"}
    assert all(IDLE_SECONDS - 1 < t < IDLE_SECONDS + 4 for t in ends.values()), ends
    for c in (idle, half, dribble, busy):
        c.close()


def test_clients_that_never_read_cost_little_and_are_closed(upstream):
    with start(upstream, "-workers=1", env={"ASAN_OPTIONS": "quarantine_size_mb=1"}) as server:
        server.ask("big.default.svc.cluster.local", tcp=True)
        before = memory_kib(server)
        big = frame(query("big.default.svc.cluster.local").to_wire())
        rude = []
        for _ in range(800):  # 800 times the 128 KiB that each may leave unread would be 100 MiB
            c = Connection((server.address, server.port))
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.socket.setblocking(False)
            try:
                while c.socket.send(big * 50) > 0:
                    pass
            except OSError:
                pass
            rude.append(c)
        assert addresses(server.ask("web.default.svc.cluster.local", tcp=True)) == ["10.96.1.1"]
        assert memory_kib(server) - before < (180 if SANITIZED else 90) << 10
        # those that were idle for longest have made room, long before their time-out
        wait_for(lambda: server_connections(server) < 700, "room is made", 4, 0.1)
        wait_for(lambda: not server_connections(server), "rude clients are closed", 10, 0.2)
        for c in rude:
            c.close()


def server_connections(server):
    """Established connections of the server's side."""
    local = struct.unpack("=I", socket.inet_aton(server.address))[0]
    wanted = f"{local:08X}:{server.port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        return sum(1 for line in table if line.split()[1] == wanted and line.split()[3] in ("01", "08"))


def ask_over(c):
    c.send(WEB)
    return addresses(c.receive()) == ["10.96.1.1"]


def test_beyond_the_limit_the_connection_that_is_idle_for_longest_makes_room(upstream):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < CONNECTIONS_MAX + 500:
        pytest.skip("not enough descriptors for so many connections")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    try:
        with start(upstream, "-workers=1") as server:
            first = server.connect()
            assert ask_over(first)
            for _ in range(CONNECTIONS_MAX - 1):
                connections.append(server.connect())
            assert ask_over(connections[-1])
            assert ask_over(first)  # asked last: not the one that goes
            for c in connections[:3]:
                assert ask_over(c)
            for _ in range(100):
                connections.append(server.connect())
                assert ask_over(connections[-1])
            assert ask_over(first)
            assert all(c.closed(1) for c in connections[3:103])
            assert ask_over(connections[0])
    finally:
        for c in connections:
            c.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_descriptors_old_connections_make_room_and_udp_goes_on(upstream):
    with start(upstream) as server:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (80, 80))
        connections = []
        for i in range(200):
            c = server.connect(10)
            connections.append(c)
            if i % 20 == 0:
                assert addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.1.1"]
        wait_for(lambda: ask_in_time(server), "a new connection is served", 10)
        assert addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.1.1"]
        assert server.count_log("cannot be accepted") >= 1
        for c in connections:
            c.close()


def test_connections_leave_descriptors_for_everything_else(upstream):
    server = start(upstream)
    command = server.command
    server.command = lambda *flags: ["prlimit", "--nofile=400:400", *command(*flags)]
    with server:
        connections = [server.connect(10) for _ in range(500)]
        assert ask_over(connections[-1])
        zonetext.put_zone(server.zones, ["web.default.svc A 10.96.1.2"], 8,
                          zonetext.identity(server.path("objects")))
        wait_for(lambda: addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.1.2"], "the new zone")
        server.reload()
        assert server.count_log("Reloading complete") == 1 and server.count_log("ERROR|WARNING") == 0, server.log()
        for c in connections:
            c.close()


def ask_in_time(server):
    try:
        with server.connect(1) as c:
            return ask_over(c)
    except (OSError, EOFError):
        return False


def test_a_connection_lives_on_over_a_reload(server, upstream):
    upstream.add("over.test", "A", "192.0.2.5")
    upstream.behave("over.test", delay=0.6)
    with server.connect() as c:
        assert ask_over(c)
        c.send(query("over.test"))
        time.sleep(0.1)
        server.reload()
        assert ask_over(c)
        assert addresses(c.receive()) == ["192.0.2.5"]
        assert ask_over(c)


def test_connections_of_a_listener_that_is_gone_get_their_answers_and_are_closed(upstream):
    upstream.add("leaving.test", "A", "192.0.2.6")
    upstream.behave("leaving.test", delay=0.6)
    both = COREFILE + "test:{other} {\n bind {address}\n forward . UPSTREAM\n}\n"
    server = Seamark(COREFILE.replace("UPSTREAM", upstream.address))
    other = str(server.port + 1 if server.port < 60000 else server.port - 1)
    server.write("Corefile", both.replace("UPSTREAM", upstream.address).replace("{other}", other))
    with server:
        with Connection((server.address, int(other))) as waiting, Connection((server.address, int(other))) as idle:
            waiting.send(query("leaving.test"))
            time.sleep(0.1)
            server.reload(COREFILE.replace("UPSTREAM", upstream.address))
            assert idle.closed(2)
            assert addresses(waiting.receive()) == ["192.0.2.6"]
            assert waiting.closed(2)
        with pytest.raises(ConnectionRefusedError):
            Connection((server.address, int(other)))
