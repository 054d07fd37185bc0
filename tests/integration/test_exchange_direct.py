"""forward with `exchange direct`: what test_forward.py asks of both ways, and what only this one does. Over UDP and TCP."""

import concurrent.futures
import socket
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
import test_forward
from forwarder import BIN, Forwarder, addresses
from test_forward import (  # noqa: F401 (they run here too)
    ask_all,
    corefile,
    ede_codes,
    second,
    test_a_cname_chain_comes_in_its_order,
    test_more_names_at_once_than_libunbound_has_in_the_air,
    test_a_thousand_who_ask_the_same_are_one_question_upstream,
    test_all_silent_is_servfail_within_five_seconds_with_the_reason,
    test_an_idle_tcp_connection_is_used_again_until_it_expires,
    test_an_outage_that_is_over_is_over_for_names_asked_during_it_too,
    test_an_upstream_over_ipv6,
    test_dnssec_records_are_for_who_asks_for_them,
    test_failfast_answers_at_once_when_all_are_down,
    test_force_tcp_and_prefer_udp,
    test_health_checks_ask_what_they_are_told,
    test_lost_packets_are_sent_again,
    test_max_concurrent_refuses_what_is_over_it,
    test_names_that_the_library_would_answer_itself_are_forwarded,
    test_names_with_odd_octets_arrive_as_they_were_asked,
    test_nxdomain_and_nodata_pass_with_their_soa,
    test_one_of_two_silent_costs_time_but_no_answer_and_is_left_out_after_its_checks,
    test_one_of_two_with_nobody_at_its_port,
    test_random_asks_both,
    test_reloading_while_questions_are_out_loses_none,
    test_replies_with_a_wrong_id_are_not_taken,
    test_sequential_asks_the_first_and_round_robin_all_in_turn,
    test_upstreams_from_a_file_like_resolv_conf,
    test_without_max_fails_nothing_is_checked_and_nobody_is_down,
    timed,
    up,
)


@pytest.fixture(autouse=True)
def exchange(monkeypatch):
    monkeypatch.setattr(test_forward, "EXCHANGE", ["exchange direct"])


# ---- what passes ----


def test_an_answer_passes_with_the_clients_case(up):
    with Forwarder(corefile(up.address)) as server:
        answer = server.ask("wWw.eXample.ORG.")
        assert answer.rcode() == dns.rcode.NOERROR and addresses(answer) == ["10.0.0.1"]
        assert dns.flags.to_text(answer.flags) == "QR RD RA"
        assert str(answer.question[0].name) == str(answer.answer[0].name) == "wWw.eXample.ORG."
        assert answer.answer[0].ttl == 300 and answer.edns == -1
        asked = up.names("www.example.org")[0].message
        assert str(asked.question[0].name) == "www.example.org." and asked.payload == 1232


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR", "YXDOMAIN", "NOTAUTH"])
def test_an_error_of_the_upstream_is_the_answer(up, second, rcode):
    up.behave("www.example.org", rcode=rcode)
    with Forwarder(corefile(f"{up.address} {second.address}", "policy sequential")) as server:
        answer = server.ask("www.example.org", use_edns=0)
        assert dns.rcode.to_text(answer.rcode()) == rcode and ede_codes(answer) == []
        assert up.count("www.example.org") == 1 and second.count("www.example.org") == 0
        assert server.metric("coredns_proxy_request_duration_seconds_count", rcode=rcode, to=up.address) == 1
        assert "[ERROR]" not in server.log()


def test_flags_pass_as_the_client_set_them(up):
    with Forwarder(corefile(up.address)) as server:
        for flags in (0, dns.flags.RD, dns.flags.CD, dns.flags.RD | dns.flags.CD):
            up.forget()
            answer = server.ask("www.example.org", flags=flags)
            assert answer.flags & (dns.flags.RD | dns.flags.CD) == flags
            assert up.names("www.example.org")[0].message.flags & (dns.flags.RD | dns.flags.CD) == flags
        up.forget()
        server.ask("www.example.org", want_dnssec=True)
        server.ask("www.example.org", use_edns=0)
        assert [bool(q.message.ednsflags & dns.flags.DO) for q in up.names("www.example.org")] == [True, False]


def test_authentic_data_passes_and_out_of_the_cache_it_is_for_who_asks_for_it(up):
    up.behave("www.example.org", ad=True)
    for cache in ("", "    cache\n"):
        text = corefile(up.address).replace("    errors\n", "    errors\n" + cache)
        with Forwarder(text) as server:
            assert bool(server.ask("www.example.org").flags & dns.flags.AD) == (cache == "")
            assert server.ask("www.example.org", flags=dns.flags.RD | dns.flags.AD).flags & dns.flags.AD
            assert server.ask("www.example.org", want_dnssec=True).flags & dns.flags.AD


def test_options_and_extended_errors_of_the_upstream_pass(up):
    nsid, ede = dns.edns.GenericOption(3, b"up"), dns.edns.EDEOption(18, "not today")
    cookie = dns.edns.GenericOption(10, b"12345678abcdefgh")
    up.behave("www.example.org", rcode="REFUSED", options=[cookie, nsid, ede])
    with Forwarder(corefile(up.address)) as server:
        answer = server.ask("www.example.org", use_edns=0)
        assert answer.rcode() == dns.rcode.REFUSED
        assert [o.otype for o in answer.options] == [3, 15] and ede_codes(answer) == [18]
        assert server.ask("www.example.org").edns == -1


def test_an_extended_rcode_passes_to_who_can_read_it(up):
    up.behave("www.example.org", rcode="BADCOOKIE")
    with Forwarder(corefile(up.address)) as server:
        assert server.ask("www.example.org", use_edns=0).rcode() == dns.rcode.BADCOOKIE
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL


def test_options_of_the_client_pass_but_for_those_between_neighbours_and_the_answer_is_not_kept_for_others(up):
    subnet, cookie = dns.edns.ECSOption("192.0.2.0", 24), dns.edns.GenericOption(10, b"12345678")
    text = corefile(up.address).replace("    errors\n", "    errors\n    cache\n")
    with Forwarder(text) as server:
        for _ in range(2):
            server.ask("www.example.org", use_edns=0, options=[cookie, subnet])
        asked = [q.message.options for q in up.names("www.example.org")]
        assert [[o.otype for o in options] for options in asked] == [[8], [8]]
        server.ask("www.example.org", use_edns=0, options=[cookie])
        assert [o.otype for o in up.names("www.example.org")[2].message.options] == []
        server.ask("www.example.org")  # this one was kept
        assert up.count("www.example.org") == 3


def test_other_classes_and_types_pass_and_transfers_do_not(up):
    up.add("www.example.org", "TXT", '"t"')
    with Forwarder(corefile(up.address)) as server:
        everything = server.ask("www.example.org", "ANY", tcp=True)
        assert {r.rdtype for r in everything.answer} == {dns.rdatatype.A, dns.rdatatype.TXT}
        up.forget()
        server.ask("version.bind", "TXT", rdclass="CH")
        server.ask("www.example.org", "MAILA")
        asked = [(q.type, q.message.question[0].rdclass) for q in up.names()]
        assert asked == [(dns.rdatatype.TXT, dns.rdataclass.CH), (dns.rdatatype.MAILA, dns.rdataclass.IN)]
        assert server.ask("www.example.org", "AXFR", tcp=True).rcode() == dns.rcode.REFUSED
        assert server.ask("www.example.org", "IXFR").rcode() == dns.rcode.REFUSED
        assert up.count() == 2


def test_an_upstream_that_does_not_know_edns_is_asked_without(up):
    up.behave("*", no_edns=True)
    with Forwarder(corefile(up.address), workers=1) as server:
        for _ in range(2):
            assert addresses(server.ask("www.example.org", use_edns=0)) == ["10.0.0.1"]
        assert [q.message.edns for q in up.names("www.example.org")] == [0, -1, -1]
        signed = server.ask("www.example.org", want_dnssec=True)  # this cannot be asked without
        assert signed.rcode() == dns.rcode.FORMERR


# ---- over TCP ----


def test_a_truncated_answer_passes_and_the_client_comes_over_tcp(up):
    up.add("large.example.org", "TXT", *['"%s%d"' % ("x" * 200, i) for i in range(12)])
    up.behave("large.example.org", truncate=True)
    with Forwarder(corefile(up.address)) as server:
        cut = server.ask("large.example.org", "TXT", use_edns=0, payload=4096)
        assert cut.flags & dns.flags.TC and not cut.answer
        assert up.count("large.example.org", "tcp") == 0
        assert len(server.ask("large.example.org", "TXT", tcp=True).answer[0]) == 12
        assert up.count("large.example.org", "tcp") == 1


def test_with_prefer_udp_a_truncated_answer_is_fetched_whole(up):
    up.add("large.example.org", "TXT", *['"%s%d"' % ("x" * 200, i) for i in range(12)])
    up.behave("large.example.org", truncate=True)
    with Forwarder(corefile(up.address, "prefer_udp")) as server:
        assert len(server.ask("large.example.org", "TXT", tcp=True).answer[0]) == 12
        assert [q.proto for q in up.names("large.example.org")] == ["udp", "tcp"]
        server.ask("www.example.org", tcp=True)
        assert up.names("www.example.org")[0].proto == "udp"


def test_questions_share_a_connection_and_the_slow_hold_up_nobody(up):
    up.behave("*", delay=(0.0, 0.4))
    table = addressed(up, 100)
    with Forwarder(corefile(up.address, "force_tcp", "max_fails 0"), workers=1) as server:
        assert len(ask_each(server, table)) == 100
        assert up.connections <= 4
        hits = server.metric("coredns_proxy_conn_cache_hits_total", to=up.address, proto="tcp")
        misses = server.metric("coredns_proxy_conn_cache_misses_total", to=up.address, proto="tcp")
        assert hits + misses == 100 and hits > 50


def test_what_was_out_on_a_connection_that_is_closed_is_asked_once_more(up):
    up.behave("www.example.org", close_before=1)
    with Forwarder(corefile(up.address, "force_tcp"), workers=1) as server:
        server.ask("first.example.org")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("www.example.org") == 2 and up.connections == 2
        assert server.metric("coredns_proxy_healthcheck_failures_total") == 0


def test_an_upstream_that_closes_after_each_answer(up):
    up.behave("*", close_after=True)
    table = addressed(up, 40)
    with Forwarder(corefile(up.address, "force_tcp")) as server:
        assert len(ask_each(server, table)) == 40


def test_a_connection_that_is_reset_within_an_answer_is_no_answer(up, second):
    up.behave("www.example.org", reset=20)
    with Forwarder(corefile(f"{up.address} {second.address}", "policy sequential", "force_tcp")) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]


def test_the_largest_answers_pass_over_tcp(up):
    texts = ['"%s%05d"' % ("x" * 245, i) for i in range(240)]
    up.add("huge.example.org", "TXT", *texts)
    with Forwarder(corefile(up.address)) as server:
        assert len(server.ask("huge.example.org", "TXT", tcp=True).answer[0]) == 240


def test_max_idle_conns_and_max_age(up):
    up.behave("*", delay=0.3)
    table = addressed(up, 70)
    options = ("force_tcp", "max_idle_conns 1", "expire 1s", "max_age 1s")
    with Forwarder(corefile(up.address, *options), workers=1) as server:
        assert len(ask_each(server, table)) == 70
        opened = up.connections
        assert opened > 1
        server.ask("one.example.org")
        assert up.connections == opened  # over the one that was kept
        time.sleep(1.1)
        server.ask("two.example.org")
        assert up.connections == opened + 1


# ---- replies that are none ----


@pytest.mark.parametrize("lie", ["wrong_id", "wrong_question", "wrong_case", "garbage"])
def test_what_does_not_fit_is_passed_over_and_counted(up, lie):
    up.behave("www.example.org", **{lie: True})
    with Forwarder(corefile(up.address)) as server:
        for _ in range(3):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert server.metric("seamark_forward_unexpected_replies_total", to=up.address) == 3


def test_replies_from_elsewhere_are_not_even_read(up):
    """A liar who sees everything but the upstream's address to send from."""
    with Forwarder(corefile(up.address)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        seen = []
        take = up._take

        def listen(wire, proto, send):
            client = send.__defaults__[0]
            lie = dns.message.make_response(dns.message.from_wire(wire))
            lie.answer.append(dns.rrset.from_text("www.example.org.", 3600, "IN", "A", "66.66.66.66"))
            liar.sendto(lie.to_wire(), client)
            seen.append(client)
            time.sleep(0.05)
            take(wire, proto, send)

        up._take = listen
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert seen and server.metric("seamark_forward_unexpected_replies_total") == 0


def test_ports_and_ids_are_many(up):
    with Forwarder(corefile(up.address), workers=1) as server:
        ports = set()
        take = up._take
        up._take = lambda wire, proto, send: (ports.add(send.__defaults__[0][1]), take(wire, proto, send))
        for i in range(300):
            server.ask(f"n{i}.example.org")
        assert len({q.message.id for q in up.names()}) > 290 and 4 <= len(ports) <= 20


# ---- loss and delay ----


def addressed(up, n):
    """Names, each with an address of its own."""
    table = {f"n{i}.example.org": f"10.{i >> 8}.{i & 255}.9" for i in range(n)}
    for name, address in table.items():
        up.add(name, "A", address)
    return table


def ask_each(server, table):
    """How long each took, of those that got their own address; none may get another's."""
    def ask(name):
        answer, elapsed = timed(server.ask, name, timeout=10)
        assert addresses(answer) in ([], [table[name]])
        return elapsed if addresses(answer) else None

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        return [t for t in pool.map(ask, table) if t is not None]


@pytest.mark.parametrize("loss, lost", [(0.01, 0), (0.1, 0), (0.3, 1)])
def test_loss_on_the_way_there_and_back_costs_time_and_no_answer(up, loss, lost):
    """Of 14 times asked within 5 s half are lost at 30 %: once in 30 runs that is all of one question's; twice in one run is no chance."""
    up.behave("*", loss=loss)
    table = addressed(up, 300)
    with Forwarder(corefile(up.address, "max_fails 0")) as server:
        times = ask_each(server, table)
        assert len(times) >= 300 - lost and max(times) < 5.0


def test_late_answers_and_those_out_of_order_are_taken_for_their_own_question(up):
    up.behave("*", delay=(0.05, 1.5))
    table = addressed(up, 200)
    with Forwarder(corefile(up.address)) as server:
        assert len(ask_each(server, table)) == 200


# ---- the directive ----


@pytest.mark.parametrize(
    "options, complaint",
    [
        (["exchange quic"], 'expected "direct" or "libunbound"'),
        (["exchange"], "expected"),
        (["max_idle_conns -1"], "expected a number"),
        (["max_age 5s"], "must not be less than expire"),
        (["exchange libunbound", "case_randomisation"], "case_randomisation needs"),
    ],
)
def test_an_option_that_is_wrong_is_an_error_with_its_line(tmp_path, options, complaint):
    path = tmp_path / "Corefile"
    path.write_text(corefile("127.0.0.1", *options).replace("{port}", "5300").replace("{metrics}", "127.0.0.1:9153"))
    command = [f"{BIN}/seamark", "-conf", str(path), "-check", "-zones", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1 and complaint in result.stderr + result.stdout
    assert "Corefile:" in result.stderr + result.stdout


def test_case_randomisation(up):
    with Forwarder(corefile(up.address, "case_randomisation")) as server:
        for _ in range(5):
            answer = server.ask("www.example.org")
            assert addresses(answer) == ["10.0.0.1"] and str(answer.answer[0].name) == "www.example.org."
        assert {str(q.message.question[0].name) for q in up.names()} != {"www.example.org."}
