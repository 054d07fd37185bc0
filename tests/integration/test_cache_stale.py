"""cache: answers past their time, given while the upstreams have nothing better, and refreshed."""

import concurrent.futures
import time

import dns.flags
import dns.rcode
import pytest
from forwarder import Forwarder, addresses, ttls
from upstream import Upstream


def corefile(up, stale, *more, patience="300ms"):
    cache = ["    cache 1 {", "        success 1024 1 1", "        denial 1024 1 1", f"        {stale}", "    }"]
    lines = [".:{port} {", "    errors", "    prometheus {metrics}", *("    " + m for m in more), *cache]
    return "\n".join(lines + [f"    forward . {up.address} {{\n read_timeout {patience}\n }}", "}\n"])


@pytest.fixture
def up():
    with Upstream() as upstream:
        upstream.add("www.example.org", "A", "10.0.0.1", ttl=300)
        yield upstream


def asked(server, name="www.example.org"):
    """The answer, and how long it took."""
    start = time.monotonic()
    return server.ask(name), time.monotonic() - start


# ---- immediate ----

def test_serve_stale_immediate_answers_at_once_and_refreshes(up):
    with Forwarder(corefile(up, "serve_stale 1h immediate 30s 1s")) as server:
        server.ask("www.example.org")
        up.silent = True
        time.sleep(1.2)
        for _ in range(3):
            start = time.monotonic()
            stale = server.ask("www.example.org")
            assert addresses(stale) == ["10.0.0.1"] and ttls(stale) == {30}
            assert time.monotonic() - start < 1.0
        assert server.metric("coredns_cache_served_stale_total") == 3
        up.silent = False
        up.add("www.example.org", "A", "10.0.0.2")
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.2"], "the new address", 8)


def test_any_number_of_askers_is_one_refresh(up):
    text = corefile(up, "serve_stale 1h immediate 30s", patience="3s")
    with Forwarder(text) as server, concurrent.futures.ThreadPoolExecutor(20) as pool:
        server.ask("www.example.org")
        time.sleep(1.1)
        up.silent = True
        for answer in pool.map(server.ask, ["www.example.org"] * 100):
            assert addresses(answer) == ["10.0.0.1"] and ttls(answer) == {30}
        assert server.metric("coredns_cache_prefetch_total") == 1
        assert server.metric("coredns_cache_served_stale_total") == 100
        up.silent = False
        server.wait(lambda: ttls(server.ask("www.example.org")) == {1}, "a fresh answer", 5)


def test_what_another_plugin_answers_is_refreshed_by_it_and_not_by_an_upstream(up):
    up.add("box.example.org", "A", "66.6.6.6")
    template = "template IN A made.example.org {\n answer \"{{ .Name }} 1 IN A 10.7.7.7\"\n fallthrough\n }"
    hosts = "hosts {\n 10.8.8.8 box.example.org\n ttl 1\n fallthrough\n }"
    with Forwarder(corefile(up, "serve_stale 1h immediate 30s", template, hosts)) as server:
        for name, address in (("made.example.org", "10.7.7.7"), ("box.example.org", "10.8.8.8")):
            assert ttls(server.ask(name)) == {1}
            time.sleep(1.1)
            assert ttls(server.ask(name)) == {30}
            server.wait(lambda name=name: ttls(server.ask(name)) == {1}, "the entry to be refreshed", 3)
            assert addresses(server.ask(name)) == [address]
            assert up.count(name) == 0
        assert server.metric("coredns_cache_prefetch_total") >= 2
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        time.sleep(1.1)
        up.add("www.example.org", "A", "10.0.0.2")
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.2"], "the new address", 3)


@pytest.mark.parametrize("others", [(), ("hosts {\n 10.8.8.8 box.example.org\n fallthrough\n }",)])
def test_what_an_upstream_cuts_over_udp_is_refreshed_over_tcp(up, others):
    up.behave("www.example.org", truncate=True)
    text = corefile(up, "serve_stale 1h immediate 30s", *others).replace("read_timeout", "exchange direct\n read_timeout")
    with Forwarder(text) as server:
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.1"]
        time.sleep(1.1)
        up.add("www.example.org", "A", "10.0.0.2")
        assert ttls(server.ask("www.example.org")) == {30}
        up.wait("www.example.org", 3)
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.2"], "the new address", 3)


# ---- verify ----


def test_serve_stale_verify_asks_first(up):
    with Forwarder(corefile(up, "serve_stale 1h verify")) as server:
        server.ask("www.example.org")
        up.add("www.example.org", "A", "10.0.0.2")
        time.sleep(1.2)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        up.silent = True
        time.sleep(1.2)
        stale = server.ask("www.example.org")
        assert addresses(stale) == ["10.0.0.2"] and ttls(stale) == {0}


def test_verify_passes_on_that_an_upstream_has_cut_the_answer(up):
    up.behave("www.example.org", truncate=True)
    text = corefile(up, "serve_stale 1h verify").replace("read_timeout", "exchange direct\n read_timeout")
    with Forwarder(text) as server:
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.1"]
        time.sleep(1.1)
        up.add("www.example.org", "A", "10.0.0.2")
        assert server.ask("www.example.org").flags & dns.flags.TC
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.2"]


def test_verify_with_a_timeout_waits_so_long_and_the_answer_that_comes_later_is_kept(up):
    with Forwarder(corefile(up, "serve_stale 1h verify 600ms 30s", patience="3s")) as server:
        server.ask("www.example.org")
        up.add("www.example.org", "A", "10.0.0.2", ttl=300)
        time.sleep(1.1)
        fresh, took = asked(server)
        assert addresses(fresh) == ["10.0.0.2"] and ttls(fresh) == {1}  # it came in time
        time.sleep(1.1)
        up.add("www.example.org", "A", "10.0.0.3", ttl=300)
        up.silent = True
        stale, took = asked(server)
        assert addresses(stale) == ["10.0.0.2"] and ttls(stale) == {30} and 0.59 < took
        again, took = asked(server)
        assert addresses(again) == ["10.0.0.2"] and took < 0.5  # it is being asked for: nobody waits
        assert server.metric("coredns_cache_served_stale_total") == 2
        up.silent = False
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.3"], "the late answer", 5)
        assert server.metric("coredns_cache_prefetch_total") == 0


def test_verify_with_a_timeout_gives_the_old_answer_where_the_new_one_is_none(up):
    with Forwarder(corefile(up, "serve_stale 1h verify 2s 30s 10s")) as server:
        server.ask("www.example.org")
        time.sleep(1.1)
        up.behave("www.example.org", rcode="SERVFAIL")
        stale, took = asked(server)
        assert addresses(stale) == ["10.0.0.1"] and ttls(stale) == {30} and took < 2
        count = up.count("www.example.org")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("www.example.org") == count  # not before the recheck time has passed
        assert server.metric("coredns_cache_served_stale_total") == 2


def test_verify_with_a_timeout_for_a_denial_over_tcp_and_through_a_reload(up):
    text = corefile(up, "serve_stale 1h verify 200ms 30s")
    with Forwarder(text) as server:
        assert server.ask("new.example.org").rcode() == dns.rcode.NXDOMAIN
        time.sleep(1.1)
        up.add("new.example.org", "A", "10.0.0.9", ttl=300)
        assert addresses(server.ask("new.example.org", tcp=True)) == ["10.0.0.9"]
        time.sleep(1.1)
        up.silent = True
        assert addresses(server.ask("new.example.org", tcp=True)) == ["10.0.0.9"]
        server.reload(text + "# again\n")  # while the question is still under way
        assert addresses(server.ask("new.example.org")) == ["10.0.0.9"]


SERVICE = """apiVersion: v1
kind: Namespace
metadata: {name: default, resourceVersion: "1"}
"""


@pytest.mark.parametrize("mode", ["immediate 30s", "verify 0 30s", "verify 500ms 30s"])
def test_names_that_fall_through_a_zone_of_the_cluster_are_stale_like_others(up, mode):
    name = "8.8.8.8.in-addr.arpa"
    up.add(name, "PTR", "old.example.")
    kubernetes = "kubernetes cluster.local in-addr.arpa {\n objects {folder}/objects.yaml\n fallthrough in-addr.arpa\n }"
    text = corefile(up, f"serve_stale 1h {mode}", kubernetes, patience="3s")
    server = Forwarder(text, files={"objects.yaml": SERVICE})
    server.sync()
    with server:
        server.wait(lambda: len(server.ask(name, "PTR").answer) == 1, "the zone")
        time.sleep(1.1)
        up.add(name, "PTR", "new.example.")
        server.wait(lambda: str(server.ask(name, "PTR").answer[0][0].target) == "new.example.", "the new name", 3)
        up.silent = True
        time.sleep(1.1)
        for _ in range(2):
            stale = server.ask(name, "PTR")
            assert str(stale.answer[0][0].target) == "new.example." and ttls(stale) == {30}
        assert server.metric("coredns_cache_served_stale_total") >= 2
        up.silent = False
        server.wait(lambda: ttls(server.ask(name, "PTR")) == {1}, "a fresh answer", 6)


# ---- prefer_positive ----


@pytest.mark.parametrize("mode", ["immediate 30s", "verify 0 30s", "verify 1s 30s"])
def test_prefer_positive_keeps_the_last_good_answer_from_denials(up, mode):
    up.add("alias.example.org", "CNAME", "target.example.org.")
    up.add("target.example.org", "A", "10.0.0.4")
    names = {"www.example.org": "10.0.0.1", "alias.example.org": "10.0.0.4"}
    with Forwarder(corefile(up, f"serve_stale 1h {mode}\n serve_stale_policy prefer_positive")) as server:
        for name, address in names.items():
            assert addresses(server.ask(name)) == [address]
        time.sleep(1.1)
        with up.lock:
            up.records.clear()  # NXDOMAIN; a chain that leads nowhere
        for _ in range(3):
            for name, address in names.items():
                stale = server.ask(name)
                assert addresses(stale) == [address] and ttls(stale) == {30}
        for name, address in names.items():
            up.wait(name, 2)
        assert server.ask("other.example.org").rcode() == dns.rcode.NXDOMAIN
        up.add("www.example.org", "A", "10.0.0.2")
        server.wait(lambda: addresses(server.ask("www.example.org")) == ["10.0.0.2"], "the new address", 3)


def test_without_the_policy_a_denial_takes_its_place(up):
    with Forwarder(corefile(up, "serve_stale 1h immediate 30s")) as server:
        server.ask("www.example.org")
        with up.lock:
            up.records.clear()
        time.sleep(1.1)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        server.wait(lambda: server.ask("www.example.org").rcode() == dns.rcode.NXDOMAIN, "the denial", 3)


def test_prefer_positive_refreshes_a_denial_as_ever(up):
    with Forwarder(corefile(up, "serve_stale 1h verify 0 30s\n serve_stale_policy prefer_positive")) as server:
        assert server.ask("none.example.org").rcode() == dns.rcode.NXDOMAIN
        time.sleep(1.1)
        assert ttls(server.ask("none.example.org")) == {1}  # a new denial
        assert up.count("none.example.org") == 2
