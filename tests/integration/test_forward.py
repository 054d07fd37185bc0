"""forward: questions that go to other name servers, with a scripted one on loopback behind a real seamark."""

import concurrent.futures
import contextlib
import socket
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from forging_upstream import ForgingUpstream
from forwarder import Forwarder, addresses, free_port, refusal
from udp_counters import unread
from upstream import Upstream

ONE = ".:{port} {\n    errors\n    prometheus {metrics}\n    forward . %s {\n%s\n    }\n}\n"
EXCHANGE = []  # test_exchange_direct.py runs tests of this file with other options


def corefile(to, *options):
    return ONE % (to, "\n".join("        " + o for o in [*EXCHANGE, *options]))


@pytest.fixture
def up():
    with Upstream() as upstream:
        upstream.add("www.example.org", "A", "10.0.0.1", ttl=300)
        yield upstream


@pytest.fixture
def second():
    with Upstream() as upstream:
        upstream.add("www.example.org", "A", "10.0.0.2", ttl=300)
        yield upstream


def timed(function, *args, **kwargs):
    start = time.monotonic()
    result = function(*args, **kwargs)
    return result, time.monotonic() - start


def ede_codes(answer):
    return [o.code for o in answer.options if o.otype == dns.edns.EDE]


# ---- what passes ----


def test_an_answer_passes_with_the_clients_case_and_without_the_librarys_flags(up):
    with Forwarder(corefile(up.address)) as server:
        answer = server.ask("wWw.eXample.ORG.")
        assert answer.rcode() == dns.rcode.NOERROR
        assert addresses(answer) == ["10.0.0.1"]
        assert dns.flags.to_text(answer.flags) == "QR RD RA"
        assert str(answer.question[0].name) == str(answer.answer[0].name) == "wWw.eXample.ORG."
        assert answer.answer[0].ttl == 300
        assert answer.edns == -1


def test_nxdomain_and_nodata_pass_with_their_soa(up):
    with Forwarder(corefile(up.address)) as server:
        missing = server.ask("missing.example.org")
        assert missing.rcode() == dns.rcode.NXDOMAIN and len(missing.authority) == 1
        empty = server.ask("www.example.org", "MX")
        assert empty.rcode() == dns.rcode.NOERROR and not empty.answer and len(empty.authority) == 1


def test_a_cname_chain_comes_in_its_order(up):
    up.add("a.example.org", "CNAME", "b.example.org.")
    up.add("b.example.org", "CNAME", "www.example.org.")
    with Forwarder(corefile(up.address)) as server:
        answer = server.ask("a.example.org")
        assert [dns.rdatatype.to_text(r.rdtype) for r in answer.answer] == ["CNAME", "CNAME", "A"]


def test_names_that_the_library_would_answer_itself_are_forwarded(up):
    names = ["localhost", "1.0.0.127.in-addr.arpa", "1.0.0.10.in-addr.arpa", "1.1.168.192.in-addr.arpa", "x.test",
             "x.invalid", "x.onion", "x.home.arpa", "1.100.51.198.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
             "finalise.seamark.invalid"]  # fmt: skip
    for name in names:
        up.add(name, "TXT", '"from upstream"')
    with Forwarder(corefile(up.address)) as server:
        for name in names:
            answer = server.ask(name, "TXT")
            assert answer.answer and answer.answer[0][0].strings == (b"from upstream",), name


def test_names_with_odd_octets_arrive_as_they_were_asked(up):
    up.add(r"a\.b\000\"c\\d\255.example.org", "A", "10.9.9.9")
    with Forwarder(corefile(up.address)) as server:
        assert addresses(server.ask(r"a\.b\000\"c\\d\255.example.org.")) == ["10.9.9.9"]


def test_dnssec_records_are_for_who_asks_for_them(up):
    up.add("www.example.org", "RRSIG", "A 13 3 300 20361231235959 20200101000000 1 example.org. AAAA")
    with Forwarder(corefile(up.address)) as server:
        plain = server.ask("www.example.org", use_edns=0)
        assert [r.rdtype for r in plain.answer] == [dns.rdatatype.A] and not plain.ednsflags & dns.flags.DO
        signed = server.ask("www.example.org", want_dnssec=True)
        assert {r.rdtype for r in signed.answer} == {dns.rdatatype.A, dns.rdatatype.RRSIG}
        assert signed.ednsflags & dns.flags.DO


def test_types_and_classes_that_cannot_be_forwarded_get_an_answer(up):
    up.add("www.example.org", "TXT", '"t"')
    with Forwarder(corefile(up.address)) as server:
        everything = server.ask("www.example.org", "ANY", tcp=True)
        assert {r.rdtype for r in everything.answer} == {dns.rdatatype.A, dns.rdatatype.TXT}
        up.forget()
        assert server.ask("www.example.org", "AXFR", tcp=True).rcode() == dns.rcode.REFUSED
        assert server.ask("www.example.org", "IXFR").rcode() == dns.rcode.REFUSED
        assert server.ask("www.example.org", "TYPE253").rcode() == dns.rcode.NOTIMP
        assert server.ask("version.bind", "TXT", rdclass="CH").rcode() == dns.rcode.REFUSED
        assert up.count() == 0


# ---- transports ----


def test_a_truncated_answer_is_fetched_over_tcp(up):
    up.add("large.example.org", "TXT", *['"%s%d"' % ("x" * 200, i) for i in range(12)])
    up.behave("large.example.org", truncate=True)
    with Forwarder(corefile(up.address)) as server:
        answer = server.ask("large.example.org", "TXT", tcp=True)
        assert len(answer.answer[0]) == 12
        assert up.count("large.example.org", "tcp") == 1
        cut = server.ask("large.example.org", "TXT", use_edns=0, payload=1232)
        assert cut.flags & dns.flags.TC


def test_a_client_over_tcp_is_forwarded_over_tcp_from_a_workers_second_question_on(up):
    with Forwarder(corefile(up.address)) as server:
        for _ in range(20):
            assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.1"]
        assert up.names("www.example.org")[-1].proto == "tcp"
        server.ask("www.example.org")
        assert up.names("www.example.org")[-1].proto == "udp"


def test_force_tcp_and_prefer_udp(up):
    with Forwarder(corefile(up.address, "force_tcp")) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count(proto="udp") == 0 and up.count(proto="tcp") == 1
    up.forget()
    with Forwarder(corefile(up.address, "prefer_udp")) as server:
        for _ in range(3):
            server.ask("www.example.org", tcp=True)
        assert up.count(proto="tcp") == 0


def test_an_idle_tcp_connection_is_used_again_until_it_expires(up):
    with Forwarder(corefile(up.address, "force_tcp", "expire 1s"), workers=1) as server:
        for i in range(4):
            server.ask(f"n{i}.example.org")
        assert up.connections == 1
        time.sleep(1.5)
        server.ask("later.example.org")
        assert up.connections == 2


def test_an_upstream_over_ipv6():
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on loopback")
    with Upstream(host="::1") as upstream:
        upstream.add("www.example.org", "A", "10.0.0.6")
        with Forwarder(corefile(upstream.address)) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.6"]
            assert server.metric("coredns_proxy_request_duration_seconds_count", to=upstream.address) == 1


# ---- which names ----


def test_stub_domains_by_server_block_and_by_several_forwards(up, second):
    up.add("x.stub.test", "A", "10.1.1.1")
    second.add("y.other.test", "A", "10.2.2.2")
    blocks = "stub.test:{port} {\n forward . %s\n}\n.:{port} {\n forward other.test %s\n forward . %s\n}\n" % (
        up.address,
        second.address,
        up.address,
    )
    with Forwarder(blocks) as server:
        assert addresses(server.ask("x.stub.test")) == ["10.1.1.1"]
        assert addresses(server.ask("y.other.test")) == ["10.2.2.2"]
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert second.count("www.example.org") == 0 and up.count("y.other.test") == 0


def test_except_leaves_names_to_what_comes_behind(up):
    up.add("a.internal.example.org", "A", "10.0.0.7")
    with Forwarder(corefile(up.address, "except internal.example.org")) as server:
        assert server.ask("a.internal.example.org").rcode() == dns.rcode.SERVFAIL
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("a.internal.example.org") == 0


def test_upstreams_from_a_file_like_resolv_conf():
    try:
        upstream = Upstream(host="127.77.7.7", port=53).start()
    except PermissionError:
        pytest.skip("resolv.conf has no ports, and port 53 may not be bound here")
    with contextlib.closing(upstream):
        upstream.add("www.example.org", "A", "10.0.0.53")
        text = "# by hand\nsearch a.test b.test\noptions ndots:5\nnameserver 127.77.7.7 # this one\nnameserver nonsense\n"
        with Forwarder(corefile("{folder}/resolv.conf"), files={"resolv.conf": text}) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.53"]
            assert "nonsense" in server.log()


# ---- policies ----


def test_sequential_asks_the_first_and_round_robin_all_in_turn(up, second):
    both = f"{up.address} {second.address}"
    with Forwarder(corefile(both, "policy sequential")) as server:
        for _ in range(6):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
    with Forwarder(corefile(both, "policy round_robin")) as server:
        seen = [addresses(server.ask("www.example.org"))[0] for _ in range(6)]
        assert sorted(set(seen)) == ["10.0.0.1", "10.0.0.2"]
        assert all(a != b for a, b in zip(seen, seen[1:]))


def test_random_asks_both(up, second):
    with Forwarder(corefile(f"{up.address} {second.address}")) as server:
        assert len({addresses(server.ask("www.example.org"))[0] for _ in range(40)}) == 2


# ---- upstreams that fail ----


def test_one_of_two_silent_costs_time_but_no_answer_and_is_left_out_after_its_checks(up, second):
    second.silent = True
    with Forwarder(corefile(f"{second.address} {up.address}", "policy sequential", "read_timeout 500ms")) as server:
        answer, elapsed = timed(server.ask, "www.example.org")
        assert addresses(answer) == ["10.0.0.1"] and 0.4 < elapsed < 2.0
        failures = lambda: server.metric("coredns_proxy_healthcheck_failures_total", to=second.address)  # noqa: E731
        server.wait(lambda: failures() >= 3, "three failed checks")
        second.forget()
        for _ in range(5):
            answer, elapsed = timed(server.ask, "www.example.org")
            assert addresses(answer) == ["10.0.0.1"] and elapsed < 0.45
        assert second.count("www.example.org") == 0
        second.silent = False  # back again
        server.wait_log(r"upstream .*: answers again")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]


def test_one_of_two_with_nobody_at_its_port(up):
    with Forwarder(corefile(f"127.0.0.1:{free_port()} {up.address}", "policy sequential", "read_timeout 500ms")) as server:
        for _ in range(3):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_all_silent_is_servfail_within_five_seconds_with_the_reason(up, second):
    up.silent = second.silent = True
    with Forwarder(corefile(f"{up.address} {second.address}")) as server:
        answer, elapsed = timed(server.ask, "www.example.org", use_edns=0)
        assert answer.rcode() == dns.rcode.SERVFAIL
        assert elapsed < 5.5
        assert ede_codes(answer) == [22]
        server.wait_log(r"\[ERROR\] plugin/errors: 2 www.example.org. A: no upstream answered")
        up.silent = second.silent = False
        server.wait_log(r"answers again")
        assert addresses(server.ask("www.example.org"))


def test_an_outage_that_is_over_is_over_for_names_asked_during_it_too(up):
    up.silent = True
    with Forwarder(corefile(up.address, "read_timeout 300ms")) as server:
        end = time.monotonic() + 6
        while time.monotonic() < end:
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        up.silent = False
        server.wait_log(r"answers again", 3)
        answer, elapsed = timed(server.ask, "www.example.org")
        assert addresses(answer) == ["10.0.0.1"] and elapsed < 1  # a try or two that were under way may still have to end


def test_without_max_fails_nothing_is_checked_and_nobody_is_down(up):
    up.silent = True
    with Forwarder(corefile(up.address, "max_fails 0", "read_timeout 100ms", "health_check 20ms")) as server:
        for i in range(3):
            assert server.ask(f"n{i}.example.org").rcode() == dns.rcode.SERVFAIL
        assert {str(q.name) for q in up.names()} == {f"n{i}.example.org." for i in range(3)}
        up.silent = False
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_health_checks_ask_what_they_are_told(up):
    up.silent = True
    with Forwarder(corefile(up.address, "read_timeout 100ms", "health_check 50ms no_rec domain check.test")) as server:
        server.ask("www.example.org")
        up.wait("check.test")
        check = up.names("check.test")[0]
        assert check.type == dns.rdatatype.NS and not check.message.flags & dns.flags.RD
        server.wait_log("health check failed")
        up.behave("check.test", rcode="REFUSED")  # an answer is an answer
        up.silent = False
        server.wait_log("answers again")


def test_failfast_answers_at_once_when_all_are_down(up):
    up.silent = True
    options = ("failfast_all_unhealthy_upstreams", "read_timeout 200ms", "health_check 50ms")
    with Forwarder(corefile(up.address, *options)) as server:
        server.ask("www.example.org")
        failures = lambda: server.metric("coredns_proxy_healthcheck_failures_total")  # noqa: E731
        server.wait(lambda: failures() >= 3, "three failed checks")
        answer, elapsed = min((timed(server.ask, "other.example.org") for _ in range(5)), key=lambda found: found[1])
        assert answer.rcode() == dns.rcode.SERVFAIL and elapsed < 0.2
        assert up.count("other.example.org") == 0
        assert server.metric("coredns_forward_healthcheck_broken_total") >= 1


def test_an_upstream_that_answers_servfail_leaves_the_question_to_the_next(up, second):
    up.behave("www.example.org", rcode="SERVFAIL")
    with Forwarder(corefile(f"{up.address} {second.address}", "policy sequential")) as server:
        answer, elapsed = timed(server.ask, "www.example.org")
        assert addresses(answer) == ["10.0.0.2"] and elapsed < 1.0
        assert up.count("www.example.org") <= 3


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
def test_an_error_passes_when_there_is_nothing_else(up, rcode):
    up.behave("www.example.org", rcode=rcode)
    with Forwarder(corefile(up.address)) as server:
        answer, elapsed = timed(server.ask, "www.example.org", use_edns=0)
        assert dns.rcode.to_text(answer.rcode()) == rcode and elapsed < 1.5
        assert ede_codes(answer) == []
        assert up.count("www.example.org") <= 7
        assert server.metric("coredns_proxy_request_duration_seconds_count", rcode=rcode, to=up.address) == 1


def test_replies_with_a_wrong_id_are_not_taken(up):
    up.behave("www.example.org", wrong_id=True, delay=0.05)
    with Forwarder(corefile(up.address)) as server:
        for _ in range(3):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


@pytest.mark.parametrize("lie", ["wrong_question", "garbage"])
def test_replies_with_our_id_that_are_no_answer_are_not_taken(up, lie):
    up.behave("www.example.org", **{lie: True})
    with Forwarder(corefile(up.address)) as server:
        answer = server.ask("www.example.org")
        assert (answer.rcode(), addresses(answer)) in [(dns.rcode.SERVFAIL, []), (dns.rcode.NOERROR, ["10.0.0.1"])]
        assert addresses(server.ask("www.example.org")) in ([], ["10.0.0.1"])


def test_lost_packets_are_sent_again(up):
    up.behave("www.example.org", drop=1)
    with Forwarder(corefile(up.address)) as server:
        answer, elapsed = timed(server.ask, "www.example.org")
        assert addresses(answer) == ["10.0.0.1"] and elapsed < 1.0


# ---- many at once ----


def ask_all(server, names, timeout=7.0, all_sent=lambda: None):
    """One question for each name, all sent before the first answer is read; rcodes in no order. all_sent() is called when the server
    has read them all."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
    try:
        for i, name in enumerate(names):
            sockets[i % 50].sendto(dns.message.make_query(name, "A").to_wire(), ("127.0.0.1", server.port))
            if i % 100 == 99:
                time.sleep(0.002)
        server.wait(lambda: unread(server.port) == 0, "all questions to be read")
        all_sent()
        rcodes = []
        for i in range(len(names)):
            sockets[i % 50].settimeout(timeout)
            rcodes.append(dns.rcode.to_text(dns.message.from_wire(sockets[i % 50].recv(4096)).rcode()))
        return rcodes
    finally:
        for s in sockets:
            s.close()


def test_a_thousand_who_ask_the_same_are_one_question_upstream(up):
    all_sent, answered = threading.Event(), []

    def answer(query, _, send):
        all_sent.wait(5)
        answered.append(time.monotonic())
        send(up.reply(query).to_wire())

    up.behave("www.example.org", answer=answer)
    with Forwarder(corefile(up.address)) as server:
        rcodes = ask_all(server, ["www.example.org"] * 1000, all_sent=all_sent.set)
        assert rcodes.count("NOERROR") == 1000
        # One, and one more for each time that this machine took as long as a question is waited for before it is sent again.
        assert up.count("www.example.org") <= 1 + (answered[0] - up.names("www.example.org")[0].at) / 0.37


def test_more_names_at_once_than_libunbound_has_in_the_air():
    names = [f"n{i}.example.org" for i in range(1000)]  # of 256
    with ForgingUpstream() as fast, Forwarder(corefile(fast.address), workers=1) as server:
        assert ask_all(server, names).count("NOERROR") == len(names)


def test_max_concurrent_refuses_what_is_over_it(up):
    up.behave("*", delay=0.3)
    with Forwarder(corefile(up.address, "max_concurrent 4")) as server:
        rcodes = ask_all(server, [f"n{i}.example.org" for i in range(10)])
        assert rcodes.count("REFUSED") == 6 and rcodes.count("NXDOMAIN") == 4
        assert server.metric("coredns_forward_max_concurrent_rejects_total") == 6
        assert server.ask("later.example.org").rcode() == dns.rcode.NXDOMAIN


def test_waiting_for_one_upstream_holds_up_no_other_question(up, second):
    up.silent = True
    text = "slow.test:{port} {\n forward . %s\n}\n.:{port} {\n forward . %s\n}\n" % (up.address, second.address)
    with Forwarder(text) as server, concurrent.futures.ThreadPoolExecutor(20) as pool:
        slow = [pool.submit(server.ask, f"n{i}.slow.test") for i in range(20)]
        for _ in range(20):
            assert timed(server.ask, "www.example.org")[1] < 1.0
        assert all(f.result().rcode() == dns.rcode.SERVFAIL for f in slow)


# ---- reload ----


def test_reloading_while_questions_are_out_loses_none():
    with ForgingUpstream(delay=0.1) as fast, Forwarder(text := corefile(fast.address)) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_all, server, [f"n{i}.example.org" for i in range(600)])
        for i in range(4):
            server.reload(text + f"# {i}\n")
        assert asking.result().count("NOERROR") == 600


# ---- loops ----


def test_a_loop_makes_forwarding_fail_and_nothing_else():
    text = """.:{port} {
    prometheus {metrics}
    hosts {
        10.4.4.4 local.test
        fallthrough
    }
    loop
    forward . 127.0.0.1:{port}
}
"""
    with Forwarder(text) as server:
        server.wait_log(r"\[ERROR\] plugin/loop: .*Corefile:8: upstream 127.0.0.1:\d+ leads back to this server")
        answer, elapsed = timed(server.ask, "www.example.org", use_edns=0)
        assert answer.rcode() == dns.rcode.SERVFAIL and elapsed < 1.0 and ede_codes(answer) == [22]
        assert addresses(server.ask("local.test")) == ["10.4.4.4"]
        time.sleep(3.5)  # checked again: still so, and said once
        assert server.log().count("leads back to this server") == 1
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL


def test_a_loop_that_is_mended_is_forgotten(up):
    port = free_port()  # where the server asks: first it leads back, then a real upstream is there
    with Forwarder(".:{port} {\n    loop\n    forward . 127.0.0.1:%d\n}\n" % port) as server:
        back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        back.bind(("127.0.0.1", port))
        back.settimeout(10)
        while "leads back" not in server.log():
            wire, client = back.recvfrom(4096)
            try:
                back.sendto(dns.query.udp(dns.message.from_wire(wire), "127.0.0.1", port=server.port, timeout=3).to_wire(), client)
            except dns.exception.Timeout:
                pass
        back.close()
        with Upstream(port=port) as real:
            real.add("www.example.org", "A", "10.0.0.1")
            server.wait_log(r"no longer leads back", 12)
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_loop_exit_ends_the_process_as_coredns_does():
    with Forwarder(".:{port} {\n    loop\n    forward . 127.0.0.1:{port}\n}\n", "-loop-exit") as server:
        assert server.process.wait(10) == 1
        assert "[FATAL] plugin/loop: Loop (127.0.0.1:" in server.log()
        server.process = None


# ---- the directive ----


@pytest.mark.parametrize(
    "directive, complaint",
    [
        ("forward .", "at least 2"),
        ("forward . exa$mple.org", "not an IP address, file, or valid domain"),
        ("forward . a..example.org", "not an IP address, file, or valid domain"),
        ("forward . /nonexistent/resolv.conf", "not an IP address or file"),
        ("forward . quic://9.9.9.9", "not supported as a destination protocol"),
        ("forward . 10.0.0.1:0", "not an IP address"),
        ("forward . " + " ".join(f"10.0.0.{i}" for i in range(1, 17)), "more than 15"),
        ("forward . 10.0.0.1 {\n policy slowest\n}", "unknown policy"),
        ("forward . 10.0.0.1 {\n max_fails -1\n}", "expected a number"),
        ("forward . 10.0.0.1 {\n read_timeout 0s\n}", "expected a duration"),
        ("forward . 10.0.0.1 {\n health_check 1s nonsense\n}", "unknown option"),
        ("forward . 10.0.0.1 {\n doh_method PUT\n}", "doh_method must be either POST or GET"),
        ("forward . 10.0.0.1 {\n nonsense\n}", "unknown property"),
    ],
)
def test_a_directive_that_cannot_be_served_is_an_error_with_its_line(tmp_path, directive, complaint):
    said = refusal(tmp_path, directive)
    assert complaint in said and "plugin/forward:" in said
