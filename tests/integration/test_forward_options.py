"""forward: options that say which upstream's answer counts, and where questions come from."""

import contextlib
import time

import dns.flags
import dns.rcode
import pytest
from forwarder import Forwarder, addresses, refusal
from upstream import Upstream


@pytest.fixture(name="ups")
def three_upstreams():
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(Upstream()) for _ in range(3)]
        for i, upstream in enumerate(found):
            upstream.add("www.example.org", "A", f"10.0.0.{i + 1}")
        yield found


def block(*forwards, before=""):
    """`forwards`: (upstreams, options) of each."""
    text = ".:{port} {\n    errors\n    prometheus {metrics}\n" + before
    for upstreams, options in forwards:
        to = " ".join(u if isinstance(u, str) else u.address for u in upstreams)
        text += f"    forward . {to} {{\n" + "".join(f"        {o}\n" for o in options) + "    }\n"
    return text + "}\n"


def forwarding(upstreams, *options, **more):
    return Forwarder(block((upstreams, options)), **more)


# ---- failover ----


def test_failover_asks_the_next_and_gives_the_last_answer_of_all(ups):
    for u, rcode in zip(ups, ("SERVFAIL", "REFUSED", "NXDOMAIN")):
        u.behave("www.example.org", rcode=rcode)
    with forwarding(ups, "policy sequential", "failover SERVFAIL refused") as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.NXDOMAIN
        assert [u.count("www.example.org") for u in ups] == [1, 1, 1]
        ups[2].behave("www.example.org", rcode="REFUSED")
        assert server.ask("www.example.org").rcode() == dns.rcode.REFUSED
        assert [u.count("www.example.org") for u in ups] == [2, 2, 2]
        ups[1].behave("www.example.org")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        assert ups[2].count("www.example.org") == 2
        assert server.metric("coredns_proxy_request_duration_seconds_count", rcode="REFUSED", to=ups[1].address) == 2


def test_an_rcode_that_failover_does_not_name_is_the_answer(ups):
    ups[0].behave("www.example.org", rcode="NOTIMP")
    with forwarding(ups, "policy sequential", "failover SERVFAIL NXDOMAIN") as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.NOTIMP
        assert [u.count("www.example.org") for u in ups] == [1, 0, 0]
        assert addresses(server.ask("www.example.org", "A", tcp=True)) == []


def test_failover_by_nxdomain_alone_goes_over_libunbound(ups):
    ups[0].behave("www.example.org", rcode="NXDOMAIN")
    with forwarding(ups, "policy sequential", "failover NXDOMAIN") as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        assert ups[1].names("www.example.org")[0].message.ednsflags & dns.flags.DO  # the library's mark


def test_failover_is_no_try_that_failed_and_silence_is(ups):
    ups[0].behave("www.example.org", rcode="SERVFAIL")
    ups[1].silent = True
    options = ("policy sequential", "failover SERVFAIL", "max_connect_attempts 1", "read_timeout 300ms")
    with forwarding(ups[:2], *options) as server:
        assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert ups[1].count("www.example.org") >= 1
        assert addresses(server.ask("other.example.org")) == []


# ---- next ----


def test_next_leaves_the_question_to_the_next_forward(ups):
    for u, rcode in zip(ups[:2], ("NXDOMAIN", "SERVFAIL")):
        u.behave("www.example.org", rcode=rcode)
    text = block((ups[:1], ["next NXDOMAIN"]), (ups[1:2], ["next SERVFAIL REFUSED"]), (ups[2:], ["next NXDOMAIN"]))
    with Forwarder(text) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.3"]
        assert [u.count("www.example.org") for u in ups] == [1, 1, 1]
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.3"]
        ups[1].behave("www.example.org", rcode="NOTIMP")  # not named: it is the answer
        assert server.ask("www.example.org").rcode() == dns.rcode.NOTIMP
        ups[1].behave("www.example.org", rcode="REFUSED")
        ups[2].behave("www.example.org", rcode="NXDOMAIN")  # there is no forward behind the last one
        assert server.ask("www.example.org").rcode() == dns.rcode.NXDOMAIN


def test_next_on_nodata(ups):
    ups[1].add("www.example.org", "MX", "10 mail.example.org.")
    with Forwarder(block((ups[:1], ["next_on_nodata"]), (ups[1:2], []))) as server:
        assert server.ask("www.example.org", "MX").answer[0].to_text().endswith("10 mail.example.org.")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert server.ask("missing.example.org").rcode() == dns.rcode.NXDOMAIN
        assert ups[1].count("missing.example.org") == ups[1].count("www.example.org") - 1 == 0


def test_next_passes_over_a_forward_for_other_names(ups):
    ups[0].behave("www.example.org", rcode="NXDOMAIN")
    text = ".:{port} {\n forward . %s {\n next NXDOMAIN\n }\n forward example.com %s\n forward . %s\n}\n"
    with Forwarder(text % tuple(u.address for u in ups)) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.3"]


def test_the_cache_keeps_and_refreshes_what_the_next_forward_said(ups):
    ups[0].behave("www.example.org", rcode="NXDOMAIN")
    ups[1].add("www.example.org", "A", "10.0.0.2", ttl=5)
    cache = "    cache {\n        prefetch 2 1m 50%\n    }\n"
    with Forwarder(block((ups[:1], ["next NXDOMAIN"]), (ups[1:2], []), before=cache)) as server:
        for _ in range(3):
            assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        assert ups[1].count("www.example.org") == 1
        time.sleep(3.1)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        ups[1].wait("www.example.org", 2)  # the prefetch went the same way
        assert ups[0].count("www.example.org") == 2
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]


# ---- what goes past libunbound ----


def test_a_truncated_answer_is_passed_on_or_fetched_over_tcp_with_prefer_udp(ups):
    ups[0].behave("www.example.org", truncate=True)
    with forwarding(ups[:1], "failover SERVFAIL") as server:
        assert server.ask("www.example.org").flags & dns.flags.TC
        assert ups[0].count(proto="tcp") == 0
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.1"]
    with forwarding(ups[:1], "failover SERVFAIL", "prefer_udp") as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


# ---- where questions come from ----


class Sources(Upstream):
    """Remembers who asked."""

    def __init__(self, **more):
        super().__init__(**more)
        self.clients = []

    def _take(self, wire, proto, send):
        self.clients.append(send.client[0] if proto == "udp" else send.connection.getpeername()[0])
        super()._take(wire, proto, send)


@pytest.mark.parametrize("options", [(), ("failover SERVFAIL",), ("force_tcp",)])
def test_source_address(options):
    with Sources() as up:
        up.add("www.example.org", "A", "10.0.0.1")
        with forwarding([up], "source_address 127.0.5.5", "read_timeout 300ms", *options) as server:
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
            up.silent = True
            server.ask("other.example.org")  # then it is checked
            up.wait(".")
        assert set(up.clients) == {"127.0.5.5"}


def test_an_upstream_of_another_family_than_the_source_is_left_out(ups):
    with Forwarder(block(([ups[0], "[::1]:5399"], ["source_address 127.0.0.1"]))) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert "upstream [::1]:5399 left out (source_address is of another family)" in server.log()


def test_no_connection_gets_older_than_max_age(ups):
    with forwarding(ups[:1], "force_tcp", "expire 500ms", "max_age 600ms", workers=1) as server:
        begun = time.monotonic()
        while time.monotonic() < begun + 2.2:
            server.ask("www.example.org")
            time.sleep(0.1)
        assert 3 <= ups[0].connections <= 6


# ---- the directive ----


@pytest.mark.parametrize(
    "option, complaint",
    [
        ("failover", "at least 1"),
        ("failover NONSENSE", "NONSENSE is not a valid rcode"),
        ("failover noerror", "NoError cannot be used in failover"),
        ("next", "at least 1"),
        ("next RCODE12X", "RCODE12X is not a valid rcode"),
        ("next_on_nodata yes", "next_on_nodata"),
        ("resolver", "at least 1"),
        ("resolver dns.example.org", 'resolver must be an IP address or IP:port: "dns.example.org"'),
        ("source_address localhost", "invalid IP address: localhost"),
        ("source_address 10.0.0.1:53", "invalid IP address: 10.0.0.1:53"),
        ("source_address ::1", "no valid upstream addresses found"),
        ("max_age 5s", "max_age (5s) must not be less than expire (10s)"),
        ("max_age -1s", "expected a duration"),
    ],
)
def test_an_option_that_cannot_be_served_is_an_error_with_its_line(tmp_path, option, complaint):
    said = refusal(tmp_path, f"forward . 10.0.0.1 {{\n        {option}\n    }}")
    assert complaint in said and "plugin/forward:" in said


# ---- upstreams by name ----


def test_a_host_name_is_looked_up_by_the_resolver(ups):
    with Upstream() as resolver, Upstream(host="127.77.9.1", port=ups[0].port) as other:
        other.add("www.example.org", "A", "10.0.0.9")
        resolver.add("dns.example.org", "CNAME", "real.example.org.")
        resolver.add("real.example.org", "A", "127.0.0.1", "127.77.9.1")
        resolver.behave("dns.example.org", drop=1)
        text = block(([f"dns://dns.example.org:{ups[0].port}"], [f"resolver 127.0.0.1:1 {resolver.address}", "policy round_robin"]))
        with Forwarder(text) as server:
            found = {addresses(server.ask("www.example.org"))[0] for _ in range(4)}
            assert found == {"10.0.0.1", "10.0.0.9"}
            assert resolver.count() == resolver.count("dns.example.org") <= 4


def test_a_host_name_is_looked_up_by_the_system(ups):
    with Forwarder(block(([f"localhost:{ups[0].port}"], ["policy sequential"]))) as server:
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_a_host_name_that_cannot_be_resolved_keeps_nothing_else_from_being_served(ups):
    with Upstream() as resolver:
        resolver.silent = True
        to = f"dns.example.org:{ups[0].port}"
        text = "stub.test:{port} {\n forward . %s\n}\n" % ups[1].address + block(([to], [f"resolver {resolver.address}"]))
        with Forwarder(text) as server:
            assert addresses(server.ask("www.stub.test")) == []
            assert ups[1].count("www.stub.test") == 1
            assert server.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
            server.wait_log('failed to resolve "dns.example.org": Connection timed out')
            resolver.add("dns.example.org", "A", "127.0.0.1")
            resolver.silent = False
            server.wait_log(r"upstreams are now 127\.0\.0\.1:")
            assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
            resolver.stop()
            assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.1"]
