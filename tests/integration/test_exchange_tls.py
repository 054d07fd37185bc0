"""forward over TLS: tls://, its options, certificates, sessions, health checks."""

import concurrent.futures
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import time

import dns.message
import dns.rcode
import pytest
from forwarder import BIN, Forwarder, addresses, free_port
from test_exchange_direct import addressed, ask_all, ask_each
from throwaway_pki import Authority
from upstream import Upstream

BLOCK = ".:{port} {\n    errors\n    prometheus {metrics}\n    forward . %s {\n%s\n    }\n}\n"


def corefile(to, *options):
    return BLOCK % (to, "\n".join("        " + o for o in options))


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def up(pki):
    """Proves to be dns.example and 127.0.0.1."""
    context = pki.server_context("DNS:dns.example", "IP:127.0.0.1")
    context.names = []
    context.sni_callback = lambda sock, name, ctx: context.names.append(name)
    with Upstream(tls=context) as upstream:
        upstream.add("www.example.org", "A", "10.0.0.1", ttl=300)
        yield upstream


# ---- who is there ----


@pytest.mark.parametrize(
    "to, options, asked_for",
    [
        ("tls://%s", ["tls_servername dns.example"], "dns.example"),
        ("tls://%s", [], None),  # the address is in the certificate
        ("tls://127.0.0.1%%dns.example:%s", [], "dns.example"),
        ("tls://[127.0.0.1%%dns.example]:%s", [], "dns.example"),
        ("tls://%s", ["tls_servername 127.0.0.1"], None),
    ],
)
def test_the_name_or_the_address_is_found_in_the_certificate(up, pki, to, options, asked_for):
    to = to % (up.tls_port if "%%" in to else up.tls_address)
    with Forwarder(corefile(to, f"tls {pki.ca}", *options)) as server:
        for _ in range(3):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.1"]
        assert {q.proto for q in up.names()} == {"tls"}
        assert set(up.tls.names) == {asked_for}
        assert server.metric("coredns_proxy_conn_cache_misses_total", proto="tcp-tls", to=up.tls_address) >= 1


@pytest.mark.parametrize(
    "to, options, why",
    [
        ("tls://%s", ["tls {ca}", "tls_servername other.example"], "certificate: hostname mismatch"),
        ("tls://%s", ["tls_servername dns.example"], "certificate: "),  # not known to the system's authorities
        ("tls://%s", ["tls {ca}", "tls_servername 127.0.0.2"], "certificate: IP address mismatch"),
    ],
)
def test_who_is_not_who_it_should_be_is_not_asked(up, pki, to, options, why):
    options = [o.replace("{ca}", str(pki.ca)) for o in options]
    with Forwarder(corefile(to % up.tls_address, *options)) as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert up.count() == 0
        server.wait_log(r"plugin/forward: upstream 127.0.0.1:\d+: TLS cannot be begun \(" + why)


@pytest.fixture
def resolver():
    """Knows where tls.example.net is; its certificate names dns.example and the address, not this."""
    with Upstream() as known:
        known.add("tls.example.net", "A", "127.0.0.1")
        yield known


@pytest.mark.parametrize(
    "to, options, asked_for",
    [
        ("tls://tls.example.net%%dns.example:%s", [], "dns.example"),
        ("tls://tls.example.net%%127.0.0.1:%s", [], None),
        ("tls://tls.example.net:%s", ["tls_servername dns.example"], "dns.example"),
        ("tls://tls.example.net:%s", [], None),  # as in CoreDNS: the address that was found
    ],
)
def test_an_upstream_by_its_host_name(up, pki, resolver, to, options, asked_for):
    with Forwarder(corefile(to % up.tls_port, f"tls {pki.ca}", f"resolver {resolver.address}", *options)) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert set(up.tls.names) == {asked_for} and {q.proto for q in up.names()} == {"tls"}
        warned = 'the certificate of "tls.example.net" is to name the address that is found' in server.log()
        assert warned == ("%%" not in to and not options)


@pytest.mark.parametrize(
    "to, why", [("tls://tls.example.net:%s", "IP address mismatch"), ("tls://tls.example.net%%other.example:%s", "hostname mismatch")]
)
def test_a_host_name_is_no_proof(pki, resolver, to, why):
    with Upstream(tls=pki.server_context("DNS:tls.example.net")) as up:
        with Forwarder(corefile(to % up.tls_port, f"tls {pki.ca}", f"resolver {resolver.address}")) as server:
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
            assert up.count() == 0
            server.wait_log(r"TLS cannot be begun \(certificate: " + why)


def test_a_common_name_alone_names_nobody(pki):
    """RFC 8310 section 8.1: the subjectAltName counts, as in CoreDNS."""
    with Upstream(tls=pki.server_context(name="common.example")) as up:
        with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}", "tls_servername common.example")) as server:
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
            assert up.count() == 0
            server.wait_log(r"TLS cannot be begun \(certificate: hostname mismatch")


@pytest.mark.parametrize("to, option", [("tls://127.0.0.1", "tls_servername .example"), ("tls://127.0.0.1%.example", "tls")])
def test_a_name_to_verify_is_no_suffix(to, option):
    """OpenSSL would take any name below it."""
    with pytest.raises(AssertionError) as e, Forwarder(corefile(to, option)):
        pass
    assert "Corefile:" in str(e.value) and " - plugin/forward: " in str(e.value)


@pytest.mark.parametrize("option", ["tls", "tls_servername dns.example", "tls_insecure"])
def test_tls_options_of_plain_upstreams_are_warned_of(up, option):
    """As in CoreDNS they mean nothing without tls://; who wrote them believes otherwise."""
    with Forwarder(corefile(up.address, option)) as server:
        server.wait_log(r"plugin/forward: \"tls.*\" means nothing without tls:// or https://: questions go in the clear")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_tls_insecure_asks_anybody(up):
    with Forwarder(corefile(f"tls://{up.tls_address}", "tls_insecure")) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_what_ends_a_handshake_is_not_the_certificate_where_that_does_not_matter(pki):
    context = pki.server_context("IP:127.0.0.1", name="strictest", ask_client=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Upstream(tls=context) as up:
        with Forwarder(corefile(f"tls://{up.tls_address}", "tls_insecure")) as server:
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
            server.wait_log(r"TLS cannot be begun \(.*handshake failure")


def test_a_client_certificate(pki):
    context = pki.server_context("IP:127.0.0.1", name="strict", ask_client=True)
    cert, key = pki.issue("client")
    with Upstream(tls=context) as up:
        up.add("www.example.org", "A", "10.0.0.1")
        with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {cert} {key} {pki.ca}")) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}")) as server:
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL


def test_tls_1_2_is_good_enough(pki):
    context = pki.server_context("IP:127.0.0.1", name="old")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Upstream(tls=context) as up:
        up.add("www.example.org", "A", "10.0.0.1")
        up.behave("*", close_after=True)
        with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}"), workers=1) as server:
            for _ in range(5):
                assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.handshakes[0] is False and all(up.handshakes[1:])


# ---- connections and sessions ----


def test_many_questions_share_a_connection(up, pki):
    up.behave("*", delay=(0.0, 0.2))
    table = addressed(up, 200)
    options = f"tls {pki.ca}", "max_fails 0"  # a health check of an upstream that is late has a connection of its own
    with Forwarder(corefile(f"tls://{up.tls_address}", *options), workers=1) as server:
        assert len(ask_each(server, table)) == 200
        assert len(up.handshakes) <= 4


def test_each_question_has_a_record_of_its_own_and_one_handshake_is_full(up, pki):
    """NSD reads the first message of a record, and the next one when more comes."""
    records = []

    def serve(connection, proto="tcp"):
        while data := connection.recv(65536):  # one record at the most
            records.append((len(data), struct.unpack("!H", data[:2])[0] + 2))
            send = lambda answer: connection.sendall(struct.pack("!H", len(answer)) + answer)  # noqa: E731
            send.connection = connection
            up._take(data[2:], proto, send)

    up._serve_connection = serve
    table = addressed(up, 200)
    options = f"tls {pki.ca}", "max_fails 0", "read_timeout 5s"  # a busy machine is no cause to check its health, or to ask again
    with Forwarder(corefile(f"tls://{up.tls_address}", *options), workers=1) as server:
        assert ask_all(server, list(table)).count("NOERROR") == 200
        assert len(records) == up.count() == 200 and all(size == said for size, said in records)
        assert server.metric("seamark_forward_tls_handshakes_total", kind="full") == 1


class InOneTurn:
    """Asks `server` a number of questions that it finds waiting together: it stands still while they are sent."""

    def __init__(self, server):
        self.server, self.asked = server, 0

    def ask(self, count):
        """Returns how long the last answer took, in seconds."""
        names = [f"turn{self.asked + i}.example.org" for i in range(count)]
        self.asked += count
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.server.port))
            client.settimeout(5)
            self.server.process.send_signal(signal.SIGSTOP)
            try:
                os.waitid(os.P_PID, self.server.process.pid, os.WSTOPPED | os.WNOWAIT)
                for name in names:
                    client.send(dns.message.make_query(name, "A").to_wire())
            finally:
                begin = time.monotonic()
                self.server.process.send_signal(signal.SIGCONT)
            assert {dns.message.from_wire(client.recv(4096)).question[0].name.to_text()[:-1] for _ in names} == set(names)
            return time.monotonic() - begin


def _data_segments(connection):
    """That came on it: tcpi_data_segs_in."""
    return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 152)[0]


def test_questions_of_one_turn_leave_in_one_segment(up, pki):
    held = []

    def serve(connection, proto="tcp"):
        held.append(connection)
        type(up)._serve_connection(up, connection, proto)

    up._serve_connection = serve
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}"), workers=1) as server:
        together = InOneTurn(server)
        together.ask(1)
        before = _data_segments(held[0])
        together.ask(12)
        assert len(held) == 1 and _data_segments(held[0]) - before <= 2  # 12 when each leaves by itself


def test_answers_that_come_close_together_do_not_wait_for_an_acknowledgement(up, pki):
    """Where the upstream has Nagle's algorithm, the second of two answers is held back until the first is acknowledged: 40 ms and more
    where that is left to the kernel."""
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}"), workers=1) as server:
        together = InOneTurn(server)
        for _ in range(30):  # the kernel acknowledges the first packets of a connection at once
            together.ask(1)
        took = sorted(together.ask(2) for _ in range(15))
        assert took[7] < 0.03, took


def test_a_session_is_taken_up_again_where_the_upstream_closes_its_connections(up, pki):
    up.behave("*", close_after=True)
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}"), workers=2) as server:
        for i in range(30):
            assert server.ask(f"n{i}.example.org").rcode() == dns.rcode.NXDOMAIN
        full = server.metric("seamark_forward_tls_handshakes_total", kind="full", to=up.tls_address)
        assert full == up.handshakes.count(False) <= 2  # both workers may begin at once
        assert server.metric("seamark_forward_tls_handshakes_total", kind="resumed") == up.handshakes.count(True) >= 28


def test_what_was_out_when_the_connection_was_closed_is_asked_once_more(up, pki):
    up.behave("www.example.org", close_before=1)
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}")) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("www.example.org") == 2


def test_a_reload_keeps_connections_and_a_changed_file_does_not(up, pki, tmp_path):
    ca = tmp_path / "ca.crt"
    ca.write_bytes(pki.ca.read_bytes())
    text = corefile(f"tls://{up.tls_address}", f"tls {ca}")
    with Forwarder(text, workers=1) as server:
        server.ask("www.example.org")
        server.reload(text + "# another text\n")
        server.ask("www.example.org")
        assert len(up.handshakes) == 1
        ca.write_bytes(pki.ca.read_bytes() + b"\n")
        server.reload(text + "# and another\n")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.handshakes == [False, False]


def test_the_largest_answers_pass(up, pki):
    texts = ['"%s%05d"' % ("x" * 245, i) for i in range(240)]
    up.add("huge.example.org", "TXT", *texts)
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}")) as server:
        assert len(server.ask("huge.example.org", "TXT", tcp=True).answer[0]) == 240
        table = addressed(up, 50)
        assert len(ask_each(server, table)) == 50


# ---- faults ----


def test_health_checks_go_over_tls(up, pki):
    up.silent = True
    options = (f"tls {pki.ca}", "read_timeout 200ms", "health_check 50ms domain check.test")
    with Forwarder(corefile(f"tls://{up.tls_address}", *options)) as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        server.wait_log("does not answer")
        assert {q.proto for q in up.names("check.test")} == {"tls"}
        up.silent = False
        server.wait_log("answers again")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_an_upstream_that_is_gone_and_comes_back(up, pki):
    up.stop()
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}", "health_check 50ms")) as server:
        start = time.monotonic()
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert time.monotonic() - start < 3  # refused, not waited for (twice 2 s)
        server.wait_log("does not answer")
        up.start()
        server.wait_log("answers again")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


SAYS_NO_TLS = [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x01\x40\x00" + b"\0" * 200]
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure


@pytest.mark.parametrize("says, stays", [(says, False) for says in SAYS_NO_TLS] + [(SAYS_NO_TLS[1], True), (ALERT, True)])
def test_who_does_not_speak_tls_leaves_the_question_to_the_next(up, pki, says, stays):
    held = []

    def serve(fake):
        while True:
            try:
                connection, _ = fake.accept()
            except OSError:
                return
            connection.sendall(says)
            if stays:
                held.append(connection)
            else:
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as fake, concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(serve, fake)
        both = f"tls://127.0.0.1:{fake.getsockname()[1]} tls://{up.tls_address}"
        try:
            with Forwarder(corefile(both, f"tls {pki.ca}", "policy sequential", "read_timeout 4s", "max_fails 0")) as server:
                start = time.monotonic()
                assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
                assert time.monotonic() - start < 3  # told, and not waited for
                server.wait_log(r"TLS cannot be begun \((?!certificate)")
        finally:
            fake.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()


def _in_one_record(connection, answers):
    connection.sendall(b"".join(answers))


def _octet_by_octet(connection, answers):
    for octet in b"".join(answers):
        connection.sendall(bytes([octet]))


def _after_garbage(connection, answers):
    _in_one_record(connection, [struct.pack("!H", len(junk)) + junk for junk in (b"", b"x", b"\xff" * 600)] + answers)


def _cut_once(connection, answers):
    """In the middle of the second answer, with or without a goodbye."""
    _cut_once.number += 1
    if _cut_once.number > 4:
        _in_one_record(connection, answers)
        return
    whole = b"".join(answers)
    connection.sendall(whole[: len(answers[0]) + 20])
    if _cut_once.number % 2:
        connection.unwrap()
    raise ConnectionResetError


@pytest.mark.parametrize("way", [_in_one_record, _octet_by_octet, _after_garbage, _cut_once])
def test_answers_come_in_whatever_pieces(up, pki, way):
    _cut_once.number = 0

    def serve(connection, proto="tcp"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer may still be here when it is closed
        answers = []
        send = lambda answer: answers.append(struct.pack("!H", len(answer)) + answer)  # noqa: E731
        send.connection = connection
        with connection:
            try:
                while data := connection.recv(65536):
                    up._take(data[2:], proto, send)
                    while select.select([connection], [], [], 0)[0] and (data := connection.recv(65536)):
                        up._take(data[2:], proto, send)  # all that came together is answered together
                    way(connection, answers)
                    answers.clear()
            except OSError:
                pass

    up._serve_connection = serve
    table = addressed(up, 100)
    with Forwarder(corefile(f"tls://{up.tls_address}", f"tls {pki.ca}", "max_fails 0"), workers=1) as server:
        assert len(ask_each(server, table)) == 100


def test_one_of_two_that_accepts_and_says_nothing(up, pki):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        both = f"tls://127.0.0.1:{mute.getsockname()[1]} tls://{up.tls_address}"
        with Forwarder(corefile(both, f"tls {pki.ca}", "policy sequential", "read_timeout 300ms")) as server:
            for _ in range(2):
                assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


# ---- the directive ----


@pytest.mark.parametrize(
    "directive, complaint",
    [
        ("tls://dns..example", "not an IP address, file, or valid domain"),
        ("tls://dns.example/path", "not an IP address, file, or valid domain"),
        ("tls://9.9.9.9/path", "not an IP address"),
        ("tls://9.9.9.9%", "not an IP address"),
        ("tls://dns.example%dns.example {\n tls_servername dns.example\n}", "both forward ('dns.example') and proxy level"),
        ("tls://9.9.9.9 {\n tls /nonexistent/ca.crt\n}", "error reading /nonexistent/ca.crt"),
        ("tls://9.9.9.9 {\n tls {folder}/Corefile\n}", "could not read root certs"),
        ("tls://9.9.9.9 {\n tls {folder}/Corefile {folder}/Corefile\n}", "could not load TLS cert"),
        ("tls://9.9.9.9 {\n tls a b c d\n}", "expected"),
        ("tls://9.9.9.9%dns.quad9.net {\n tls_servername dns.quad9.net\n}", "both forward ('dns.quad9.net') and proxy level"),
        ("tls://9.9.9.9 {\n exchange libunbound\n}", "exchange libunbound is for plain upstreams"),
        ("tls://9.9.9.9 {\n validate\n}", "validate is for plain upstreams"),
    ],
)
def test_a_directive_that_cannot_be_served_is_an_error_with_its_line(tmp_path, directive, complaint):
    path = tmp_path / "Corefile"
    path.write_text(f".:{free_port()} {{\n    forward . {directive}\n}}\n".replace("{folder}", str(tmp_path)))
    command = [os.path.join(BIN, "seamark"), "-conf", str(path), "-check", "-zones", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1
    assert complaint in result.stdout + result.stderr
    assert "plugin/forward:" in result.stdout + result.stderr and f"{path.name}:" in result.stdout + result.stderr


def test_plain_upstreams_stay_plain_beside_tls_options(up, pki):
    with Forwarder(corefile(up.address, f"tls {pki.ca}", "tls_servername dns.example")) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count(proto="udp") == 1 and up.handshakes == []


def test_plain_and_tls_upstreams_side_by_side(up, pki):
    both = f"{up.address} tls://{up.tls_address}"
    with Forwarder(corefile(both, f"tls {pki.ca}", "policy round_robin")) as server:
        for _ in range(4):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count(proto="udp") == 2 and up.count(proto="tls") == 2
