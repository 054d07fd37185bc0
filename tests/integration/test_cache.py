"""cache: answers that are given again, with a scripted upstream that counts who still asks it."""

import concurrent.futures
import os
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from forwarder import Forwarder, addresses, free_port, refusal, ttls
from upstream import Upstream


def corefile(up, cache="cache", *more, forward=""):
    lines = [".:{port} {", "    errors", "    prometheus {metrics}", *("    " + m for m in more), "    " + cache]
    return "\n".join(lines + [f"    forward . {up.address} {{\n read_timeout 300ms\n {forward}\n }}", "}\n"])


@pytest.fixture
def up():
    with Upstream() as upstream:
        upstream.add("www.example.org", "A", "10.0.0.1", ttl=300)
        yield upstream


# ---- hits and TTLs ----


def test_the_second_answer_comes_from_the_cache_with_its_ttl_counted_down(up):
    with Forwarder(corefile(up)) as server:
        first = server.ask("www.example.org")
        assert ttls(first) == {300} and not first.flags & dns.flags.AA
        time.sleep(2.1)
        again = server.ask("WWW.Example.ORG")
        assert addresses(again) == ["10.0.0.1"] and ttls(again) <= {298, 297}
        assert dns.flags.to_text(again.flags) == "QR RD RA"  # AA as the upstream had it, as CoreDNS since 1.15
        assert str(again.answer[0].name) == "WWW.Example.ORG."
        assert up.count("www.example.org") == 1
        assert server.metric("coredns_cache_requests_total", zones=".", view="") == 2
        assert server.metric("coredns_cache_hits_total", type="success") == 1
        assert server.metric("coredns_cache_misses_total") == 1
        assert server.metric("coredns_cache_entries", type="success") == 1


def test_ttls_are_capped_and_raised_in_the_first_answer_too(up):
    up.add("short.example.org", "A", "10.0.0.2", ttl=2)
    up.add("zero.example.org", "A", "10.0.0.3", ttl=0)
    with Forwarder(corefile(up, "cache 30")) as server:
        assert ttls(server.ask("www.example.org")) == {30}
        assert ttls(server.ask("short.example.org")) == {5}
        assert ttls(server.ask("zero.example.org")) == {5}


def test_all_records_of_an_answer_get_the_least_ttl(up):
    up.add("alias.example.org", "CNAME", "www.example.org.", ttl=20)
    with Forwarder(corefile(up)) as server:
        assert ttls(server.ask("alias.example.org")) == {20}
        assert ttls(server.ask("alias.example.org")) <= {20, 19}


def test_an_entry_ends_with_its_ttl(up):
    with Forwarder(corefile(up, "cache 1 {\n success 1024 1 1\n}")) as server:
        server.ask("www.example.org")
        time.sleep(1.2)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("www.example.org") == 2


def test_keepttl_shows_the_ttl_that_the_entry_began_with(up):
    with Forwarder(corefile(up, "cache {\n keepttl\n}")) as server:
        server.ask("www.example.org")
        time.sleep(1.2)
        assert ttls(server.ask("www.example.org")) == {300}
        assert up.count("www.example.org") == 1


# ---- denials and failures ----


def test_denials_are_kept_for_the_soas_ttl_or_minimum(up):
    up.negative_ttl = (300, 7)
    with Forwarder(corefile(up)) as server:
        for name, rdtype, rcode in (("missing.example.org", "A", dns.rcode.NXDOMAIN), ("www.example.org", "MX", 0)):
            assert ttls(server.ask(name, rdtype)) == {7}
            again = server.ask(name, rdtype)
            assert again.rcode() == rcode and len(again.authority) == 1
            assert up.count(name) == 1
        assert server.metric("coredns_cache_hits_total", type="denial") == 2
        assert server.metric("coredns_cache_entries", type="denial") == 2


def test_an_upstreams_servfail_is_kept_for_five_seconds_or_as_told(up):
    up.behave("www.example.org", rcode="SERVFAIL")
    with Forwarder(corefile(up)) as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        asked = up.count("www.example.org")
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert up.count("www.example.org") == asked
        up.behave("www.example.org")
        time.sleep(5.1)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
    up.behave("www.example.org", rcode="SERVFAIL")
    with Forwarder(corefile(up, "cache {\n servfail 0s\n}")) as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        up.behave("www.example.org")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def ede_codes(answer):
    return [o.code for o in answer.options if o.otype == dns.edns.EDE]


def test_a_failure_that_is_kept_says_what_it_was_and_that_it_is_kept(up):
    up.behave("plain.example.org", rcode="SERVFAIL")
    up.behave("told.example.org", rcode="SERVFAIL", options=[dns.edns.EDEOption(9, "no key")])
    up.behave("shy.example.org", rcode="SERVFAIL", options=[dns.edns.EDEOption(13)])
    with Forwarder(corefile(up, forward="exchange direct")) as server:
        for name, first, then in (("plain", [], [13]), ("told", [9], [9, 13]), ("shy", [13], [13])):
            assert ede_codes(server.ask(name + ".example.org", use_edns=0)) == first
            again = server.ask(name + ".example.org", use_edns=0)
            assert again.rcode() == dns.rcode.SERVFAIL and ede_codes(again) == then
            assert not server.ask(name + ".example.org").options  # without EDNS there is no room for it
        assert up.count() == 3


@pytest.mark.parametrize("rule", ["name exact plain.example.org told.example.org answer auto", "ttl exact plain.example.org 30"])
def test_a_failure_that_a_rewrite_rule_has_led_to_says_what_it_was_too(up, rule):
    for name in ("plain.example.org", "told.example.org"):
        up.behave(name, rcode="SERVFAIL", options=[dns.edns.EDEOption(9, "no key")])
    text = corefile(up, forward="exchange direct").replace("    cache", f"    rewrite {rule}\n    cache")
    with Forwarder(text) as server:
        for codes in ([9], [9, 13]):
            assert ede_codes(server.ask("plain.example.org", use_edns=0)) == codes
        assert up.count() == 1


def test_an_upstreams_silence_is_kept_for_a_second(up):
    up.silent = True
    with Forwarder(corefile(up)) as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        asked = up.count("www.example.org")
        start = time.monotonic()
        again = server.ask("www.example.org", use_edns=0)
        assert again.rcode() == dns.rcode.SERVFAIL and ede_codes(again) == [22, 13]
        assert time.monotonic() - start < 1.0 and up.count("www.example.org") == asked
        up.silent = False
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.1"], "an answer", 3)


# ---- what is one entry ----


def test_do_cd_type_and_name_are_different_entries(up):
    up.add("www.example.org", "RRSIG", "A 13 3 300 20361231235959 20200101000000 1 example.org. AAAA")
    with Forwarder(corefile(up)) as server:
        assert len(server.ask("www.example.org").answer) == 1
        assert len(server.ask("www.example.org", want_dnssec=True).answer) == 2
        assert len(server.ask("www.example.org", flags=dns.flags.RD | dns.flags.CD).answer) == 1
        assert up.count("www.example.org") == 3
        for _ in range(2):
            assert len(server.ask("www.example.org").answer) == 1
            assert len(server.ask("www.example.org", want_dnssec=True).answer) == 2
        assert up.count("www.example.org") == 3


def test_what_an_upstream_says_without_recursion_is_for_that_client_alone(up):
    whole = up.reply

    def reply(query):
        if query.flags & dns.flags.RD:
            return whole(query)
        referral = dns.message.make_response(query)
        referral.authority.append(dns.rrset.from_text("org.", 300, "IN", "NS", "ns.example.org."))
        return referral

    up.reply = reply
    up.add("www.example.org", "A", "10.0.0.1", ttl=2)
    cache = "cache {\n success 1024 2 2\n serve_stale 1h immediate 30s\n}"
    with Forwarder(corefile(up, cache, forward="exchange direct")) as server:
        assert not server.ask("www.example.org", flags=0).answer
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert addresses(server.ask("www.example.org", flags=0)) == ["10.0.0.1"]
        time.sleep(2.1)
        assert addresses(server.ask("www.example.org", flags=0)) == ["10.0.0.1"]  # stale, and nobody asks anew
        time.sleep(0.3)
        assert up.count("www.example.org") == 2
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        up.wait("www.example.org", 3)


def test_a_signature_that_has_ended_is_not_kept(up):
    up.add("www.example.org", "RRSIG", "A 13 3 300 20210101000000 20200101000000 1 example.org. AAAA")
    with Forwarder(corefile(up)) as server:
        for _ in range(2):
            assert len(server.ask("www.example.org", want_dnssec=True).answer) == 2
        assert up.count("www.example.org") == 2


def test_server_blocks_keep_their_answers_apart(up):
    with Upstream() as other:
        other.add("www.example.org", "A", "10.0.0.2")
        second = free_port()
        block = ".:%s {\n cache\n forward . %s\n}\n"
        with Forwarder(block % ("{port}", up.address) + block % (second, other.address)) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
            server.port = second
            assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]


def test_who_somebody_is_is_not_told_to_others():
    with Forwarder(".:{port} {\n cache\n whoami\n}\n") as server:
        for port in (free_port(), free_port()):
            query = dns.message.make_query("me.example.org", "A")
            answer = dns.query.udp(query, "127.0.0.1", 5, server.port, source="127.0.0.1", source_port=port)
            assert [r.port for rrset in answer.additional for r in rrset if rrset.rdtype == dns.rdatatype.SRV] == [port]


def test_zones_limit_what_is_kept_and_disable_takes_out(up):
    up.add("www.example.net", "A", "10.0.0.2")
    with Forwarder(corefile(up, "cache example.org {\n disable denial sub.example.org\n}")) as server:
        for _ in range(2):
            for name in ("www.example.org", "www.example.net", "missing.example.org", "missing.sub.example.org"):
                server.ask(name)
        assert up.count("www.example.org") == up.count("missing.example.org") == 1
        assert up.count("www.example.net") == up.count("missing.sub.example.org") == 2
        assert ttls(server.ask("www.example.net")) == {300}
        assert server.metric("coredns_cache_entries", zones="example.org.") == 2


def test_truncated_and_refused_answers_are_not_kept(up):
    up.behave("*", delay=0.15)
    with Forwarder(corefile(up, forward="max_concurrent 1")) as server:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            rcodes = [f.rcode() for f in pool.map(server.ask, ["a.example.org", "b.example.org"])]
        assert sorted(rcodes) == [dns.rcode.NXDOMAIN, dns.rcode.REFUSED]
        assert server.metric("coredns_cache_entries") == 1


def test_a_full_cache_stays_within_its_capacity_and_keeps_what_is_used(up):
    with Forwarder(corefile(up, "cache {\n denial 1024\n}")) as server:
        server.ask("used.example.org")
        for i in range(1600):
            server.ask(f"n{i}.example.org")
            if i % 50 == 0:
                server.ask("used.example.org")
        assert server.metric("coredns_cache_entries", type="denial") == 1024
        assert server.metric("coredns_cache_evictions_total", type="denial") == 577
        assert up.count("used.example.org") == 1


def test_octets_are_the_limit_where_they_are_said(up):
    text = ('"' + "x" * 250 + '" ') * 11  # 2.8 KB: some 370 fit
    for i in range(420):
        up.add(f"n{i}.example.org", "TXT", text)
    with Forwarder(corefile(up, "cache {\n size 1MiB\n}")) as server:
        for i in range(420):
            assert len(server.ask(f"n{i}.example.org", "TXT", use_edns=0, payload=4096).answer) == 1
        entries = server.metric("coredns_cache_entries", type="success")
        assert 330 < entries < 380
        assert server.metric("coredns_cache_evictions_total", type="success") == 420 - entries


# ---- refreshing ----


def test_a_popular_entry_is_fetched_again_before_it_ends(up):
    up.add("www.example.org", "A", "10.0.0.1", ttl=5)
    with Forwarder(corefile(up, "cache {\n prefetch 3 1m 50%\n}")) as server:
        for _ in range(4):
            server.ask("www.example.org")
        assert up.count("www.example.org") == 1
        up.add("www.example.org", "A", "10.0.0.2", ttl=5)
        time.sleep(3.1)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]  # at once; and now it is fetched
        up.wait("www.example.org", 2)
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.2"], "the new address", 2)
        assert up.count("www.example.org") == 2
        assert server.metric("coredns_cache_prefetch_total") == 1


# ---- reload ----


def test_a_reload_keeps_the_cache_where_the_block_would_still_answer_so(up):
    text = corefile(up)
    with Forwarder(text) as server:
        server.ask("www.example.org")
        server.reload()
        server.ask("www.example.org")
        server.reload(corefile(up, "cache", "log"))
        server.ask("www.example.org")
        assert up.count("www.example.org") == 1
        assert server.metric("coredns_cache_entries", type="success") == 1
        with Upstream() as other:
            other.add("www.example.org", "A", "10.0.0.2")
            server.reload(corefile(other))
            assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
            assert server.metric("coredns_cache_entries", type="success") == 1


def test_a_reload_while_an_entry_is_being_refreshed(up):
    text = corefile(up, "cache 1 {\n success 1024 1 1\n serve_stale 1h immediate\n}")
    with Forwarder(text) as server:
        server.ask("www.example.org")
        time.sleep(1.1)
        up.silent = True
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]  # and it is asked for again, in vain
        server.reload(text + "# 1\n")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        server.reload(text + "# 2\n")
        up.silent = False
        up.add("www.example.org", "A", "10.0.0.2")
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.2"], "the new address", 8)


# ---- names of the cluster ----

SERVICE = """apiVersion: v1
kind: Namespace
metadata: {name: default, resourceVersion: "1"}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default, uid: w, resourceVersion: "%d"}
spec: {clusterIP: %s, clusterIPs: [%s], ports: [{name: http, port: 80, protocol: TCP}]}
"""


def test_names_of_the_cluster_are_not_kept_but_what_falls_through_is(up):
    up.add("8.8.8.8.in-addr.arpa", "PTR", "dns.example.")
    kubernetes = "kubernetes cluster.local in-addr.arpa {\n objects {folder}/objects.yaml\n ttl 60\n fallthrough in-addr.arpa\n}"
    text = corefile(up, "cache 30", kubernetes)
    server = Forwarder(text, files={"objects.yaml": SERVICE % (1, "10.96.0.5", "10.96.0.5")})
    server.sync()
    with server:
        server.wait(lambda: addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.0.5"], "the service")
        assert ttls(server.ask("web.default.svc.cluster.local")) == {30}  # the cache's limit holds all the same
        assert server.metric("coredns_cache_entries") == 0
        assert len(server.ask("8.8.8.8.in-addr.arpa", "PTR").answer) == 1
        again = server.ask("8.8.8.8.in-addr.arpa", "PTR")
        assert len(again.answer) == 1 and up.count("8.8.8.8.in-addr.arpa") == 1
        time.sleep(1.1)
        assert ttls(server.ask("8.8.8.8.in-addr.arpa", "PTR")) <= {29, 28}  # not kept anew by being asked for
        assert server.metric("coredns_cache_hits_total") == 2
        with open(os.path.join(server.folder.name, "objects.yaml"), "w", encoding="utf-8") as f:
            f.write(SERVICE % (2, "10.96.0.6", "10.96.0.6"))
        server.sync()
        server.wait(lambda: addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.0.6"], "the change", 2)


# ---- the directive ----


@pytest.mark.parametrize(
    "directive, complaint",
    [
        ("cache 0", "cache TTL can not be zero or negative: 0"),
        ("cache -1", "cache TTL can not be zero or negative: -1"),
        ("cache {\n success x\n}", "expected a number"),
        ("cache {\n denial 1000 10 1 1\n}", "expected 1 to 3 arguments"),
        ("cache {\n prefetch 3 1m 5%\n}", "percentage should fall in range [10, 90]: 5"),
        ("cache {\n prefetch 3 1m 50\n}", "last character of percentage"),
        ("cache {\n servfail 6m\n}", "caching SERVFAIL responses over 5 minutes is not permitted"),
        ("cache {\n disable everything\n}", "cache type for disable"),
        ("cache {\n serve_stale 1h sometimes\n}", "invalid value for serve_stale refresh mode"),
        ("cache {\n success 1024 0\n}", "cache TTL can not be zero or negative: 0"),
        ("cache {\n success 1024 10 -1\n}", "cache min TTL can not be negative: -1"),
        ("cache {\n prefetch -1\n}", "prefetch amount should be positive: -1"),
        ("cache {\n servfail -1s\n}", "invalid negative ttl for servfail"),
        ("cache {\n serve_stale -1h\n}", "invalid negative duration for serve_stale"),
        ("cache {\n serve_stale 1h verify -1ms\n}", "invalid negative timeout for serve_stale verify"),
        ("cache {\n serve_stale 1h verify soon\n}", "expected a duration"),
        ("cache {\n serve_stale 1h immediate -1s\n}", "invalid negative response TTL for serve_stale"),
        ("cache {\n serve_stale 1h verify 0 1500ms\n}", "serve_stale response TTL must be a whole number of seconds"),
        ("cache {\n serve_stale 1h immediate 4294967296s\n}", "serve_stale response TTL exceeds the DNS TTL range"),
        ("cache {\n serve_stale 1h immediate 30s -1s\n}", "invalid negative failure recheck for serve_stale"),
        ("cache {\n serve_stale 1h verify 0 30s 6m\n}", "serve_stale failure recheck cannot exceed 5 minutes"),
        ("cache {\n serve_stale 1h immediate 30s 30s 30s\n}", "expected 0 to 4 arguments"),
        ("cache {\n serve_stale\n serve_stale_policy\n}", "expected 1 argument"),
        ("cache {\n serve_stale\n serve_stale_policy newest\n}", "invalid serve_stale_policy: newest"),
        ("cache {\n serve_stale_policy prefer_positive\n}", "serve_stale_policy requires serve_stale"),
        (
            "cache {\n serve_stale\n serve_stale_policy prefer_positive\n serve_stale_policy prefer_positive\n}",
            "serve_stale_policy can only be specified once",
        ),
        ("cache {\n size 512KiB\n}", "expected a size from 1MiB to 64GiB"),
        ("cache {\n size plenty\n}", "expected a size from 1MiB to 64GiB"),
        ("cache {\n size\n}", "expected 1 argument"),
        ("cache {\n nonsense\n}", "unknown property"),
        ("cache\n    cache", "can only be used once"),
    ],
)
def test_a_directive_that_cannot_be_served_is_an_error_with_its_line(tmp_path, directive, complaint):
    said = refusal(tmp_path, directive)
    assert complaint in said and "plugin/cache:" in said
