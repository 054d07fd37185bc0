"""forward over HTTPS: https://, doh_method, what a server of HTTP may say."""

import concurrent.futures
import time

import dns.rcode
import pytest
from doh_upstream import DohUpstream
from forwarder import Forwarder, addresses
from test_exchange_direct import addressed, ask_each
from test_exchange_tls import corefile, pki  # noqa: F401
from upstream import Upstream


@pytest.fixture
def up(pki):  # noqa: F811
    with DohUpstream(tls=pki.server_context("DNS:dns.example", "IP:127.0.0.1", name="doh")) as upstream:
        upstream.add("www.example.org", "A", "10.0.0.1", ttl=300)
        yield upstream


@pytest.fixture
def forwarder(up, pki):  # noqa: F811
    def make(*options, to="https://%s", **more):
        return Forwarder(corefile(to % up.tls_address, f"tls {pki.ca}", *options), **more)

    return make


# ---- what passes ----


def test_questions_are_posted_and_answers_come_back(up, forwarder):
    with forwarder("tls_servername dns.example") as server:
        answer = server.ask("wWw.example.org")
        assert addresses(answer) == ["10.0.0.1"] and str(answer.question[0].name) == "wWw.example.org."
        assert server.ask("missing.example.org").rcode() == dns.rcode.NXDOMAIN
        up.behave("www.example.org", rcode="REFUSED")
        assert server.ask("www.example.org", want_dnssec=True, tcp=True).rcode() == dns.rcode.REFUSED
        request = up.requests[0]
        assert request[":method"] == "POST" and request[":path"] == "/dns-query" and request[":scheme"] == "https"
        assert request[":authority"] == f"dns.example:{up.tls_port}"
        assert request["content-type"] == request["accept"] == "application/dns-message"
        assert {q.proto for q in up.names()} == {"doh"} and {q.message.id for q in up.names()} == {0}
        assert server.metric("coredns_proxy_conn_cache_misses_total", proto="https") >= 1


def test_get_has_the_question_in_its_path(up, forwarder):
    with forwarder("doh_method GET", to="https://%s/resolve/me") as server:
        for i in range(30):  # all lengths of padding
            name = "n" + "x" * i + ".example.org"
            up.add(name, "A", "10.0.1.1")
            assert addresses(server.ask(name)) == ["10.0.1.1"]
        request = up.requests[0]
        assert request[":method"] == "GET" and request[":path"].startswith("/resolve/me?dns=AAAB")
        assert "=" not in request[":path"].split("?dns=")[1]
        assert request[":authority"] == up.tls_address


@pytest.mark.parametrize(
    "to, options, authority",
    [
        ("https://doh.example.net%%dns.example:%s/q", [], "dns.example"),
        ("https://doh.example.net:%s/q", ["tls_servername dns.example"], "dns.example"),
        ("https://doh.example.net:%s/q", [], "127.0.0.1"),  # as in CoreDNS: the address that was found
    ],
)
def test_an_upstream_by_its_host_name(up, pki, to, options, authority):  # noqa: F811
    with Upstream() as resolver:
        resolver.add("doh.example.net", "A", "127.0.0.1")
        with Forwarder(corefile(to % up.tls_port, f"tls {pki.ca}", f"resolver {resolver.address}", *options)) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
            assert (up.requests[0][":authority"], up.requests[0][":path"]) == (f"{authority}:{up.tls_port}", "/q")


def test_the_largest_answers_pass(up, forwarder):
    up.add("huge.example.org", "TXT", *['"%s%05d"' % ("x" * 245, i) for i in range(240)])
    with forwarder() as server:
        for _ in range(3):
            assert len(server.ask("huge.example.org", "TXT", tcp=True).answer[0]) == 240


# ---- connections ----


def test_many_questions_share_a_connection_and_the_slow_hold_up_nobody(up, forwarder):
    up.behave("*", delay=(0.0, 0.3))
    table = addressed(up, 300)
    with forwarder(workers=1) as server:
        assert len(ask_each(server, table)) == 300
        assert up.handshakes.count(False) == 1  # a health check has a connection of its own


def test_a_server_that_goes_away_after_some_questions_loses_none(up, forwarder):
    up.goaway_after = 5
    table = addressed(up, 60)
    with forwarder("max_connect_attempts 0") as server:
        assert len(ask_each(server, table)) == 60
        assert len(up.handshakes) > 4 and any(up.handshakes)


def test_what_was_out_when_the_connection_was_closed_is_asked_once_more(up, forwarder):
    up.behave("www.example.org", close_before=1)
    with forwarder() as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("www.example.org") == 2


def test_an_idle_connection_is_kept_until_it_expires(up, forwarder):
    with forwarder("expire 1s", workers=1) as server:
        for i in range(3):
            server.ask(f"n{i}.example.org")
        assert len(up.handshakes) == 1
        time.sleep(1.5)
        server.ask("later.example.org")
        assert up.handshakes == [False, True]


def test_many_at_once_over_a_reload(up, forwarder):
    up.behave("*", delay=0.2)
    table = addressed(up, 100)
    with forwarder() as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_each, server, table)
        for i in range(3):
            with open(server.path, encoding="utf-8") as f:
                server.reload(f.read() + f"# {i}\n")
        assert len(asking.result()) == 100


# ---- faults ----


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 404}, {"content_type": "text/html"}, {"oversize": 70000}], ids=str
)
def test_what_is_no_answer_leaves_the_question_to_the_next(up, pki, fault):  # noqa: F811
    vars(up).update(fault)
    with Upstream() as plain:
        plain.add("www.example.org", "A", "10.0.0.2")
        both = f"https://{up.tls_address} {plain.address}"
        with Forwarder(corefile(both, f"tls {pki.ca}", "policy sequential")) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
            assert up.requests


@pytest.mark.parametrize("lie", ["wrong_question", "wrong_id", "wrong_case"])
def test_a_message_that_does_not_fit_is_no_answer(up, forwarder, lie):
    answered = up._answer

    def only_the_lie(query, proto, behaviour, send):
        send(next(iter(up._lies(query, {lie: True}))))

    up._answer = only_the_lie
    with forwarder("max_fails 0") as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert server.metric("seamark_forward_unexpected_replies_total") >= 1
        up._answer = answered
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_a_server_without_http_2_is_named_in_the_log(pki):  # noqa: F811
    with Upstream(tls=pki.server_context("IP:127.0.0.1", name="dot")) as up:
        with Forwarder(corefile(f"https://{up.tls_address}", f"tls {pki.ca}")) as server:
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
            server.wait_log("does not speak the protocol that is needed")


def test_a_server_that_speaks_garbage_inside(up, forwarder):
    def garbage(connection):
        connection = up.tls.wrap_socket(connection, server_side=True)
        connection.sendall(b"\x00\x00\x09\x7f garbage" * 200)
        time.sleep(0.2)
        connection.close()

    with forwarder() as server:
        serve, up._serve_tls = up._serve_tls, garbage
        # the listener's thread has the method already: a new one takes it
        up.stop()
        up.start()
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        up._serve_tls = serve
        up.stop()
        up.start()
        server.wait_log("answers again")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_health_checks_go_over_https(up, forwarder):
    up.silent = True
    with forwarder("read_timeout 200ms", "health_check 50ms domain check.test") as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        server.wait_log("does not answer")
        assert {q.proto for q in up.names("check.test")} == {"doh"}
        up.silent = False
        server.wait_log("answers again")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_questions_that_were_given_up_do_not_pile_up_with_a_server_that_takes_none(up, forwarder):
    """HTTP's library keeps them until the server has room for them, which it never has. So the connection is left."""
    up.stalling = True
    options = ("read_timeout 50ms", "max_connect_attempts 1", "max_fails 0")
    with forwarder(*options, workers=1) as server, concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert server.ask("first.example.org").rcode() == dns.rcode.SERVFAIL
        before = len(up.handshakes)
        names = [f"n{i}.example.org" for i in range(1500)]
        assert {a.rcode() for a in pool.map(server.ask, names)} == {dns.rcode.SERVFAIL}
        assert len(up.handshakes) > before
