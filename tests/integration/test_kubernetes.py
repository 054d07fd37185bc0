"""The kubernetes plugin before its zone files: fallthrough, names of pods, names that lead out, readiness."""

import urllib.error
import urllib.request

import dns.flags
import dns.rcode
import pytest

import zonetext
from seamark import Seamark, addresses, lines, wait_for
from upstream import Upstream

BLOCK = """
.:{port} {
    bind {address}
    errors
    kubernetes cluster.local in-addr.arpa {
        objects {folder}/objects
        OPTIONS
    }
    NEXT
}
"""
RECORDS = [
    "web.default.svc A 10.96.1.1",
    "default.pod TYPE65280 \\# 0",
    "out.default.svc CNAME Host.Example.org.",
    "inner.default.svc CNAME out.default.svc.cluster.local.",
    "broken.default.svc CNAME missing.default.svc.cluster.local.",
    "topod.default.svc CNAME 10-1-2-3.default.pod.cluster.local.",
]


def start(options="", behind="whoami", zones=True, **identity):
    server = Seamark(BLOCK.replace("OPTIONS", options).replace("NEXT", behind))
    if zones:
        source = zonetext.identity(server.path("objects"), **identity)
        zonetext.put_zone(server.zones, RECORDS, 7, source)
        zonetext.put_zone(server.zones, ["1.1.96.10 PTR web.default.svc.cluster.local."], 7, source,
                          zone="in-addr.arpa.")
    return server


def rcode(answer):
    return dns.rcode.to_text(answer.rcode())


MISSING, REVERSE, THERE = "no.default.svc.cluster.local", "9.9.9.10.in-addr.arpa", "web.default.svc.cluster.local"


@pytest.mark.parametrize("options, missing, reverse", [
    ("", "NXDOMAIN", "NXDOMAIN"),
    ("fallthrough", "whoami", "whoami"),
    ("fallthrough in-addr.arpa ip6.arpa", "NXDOMAIN", "whoami"),
    ("fallthrough default.svc.cluster.local", "whoami", "NXDOMAIN"),
])
def test_what_is_denied_falls_through_where_that_is_wanted(options, missing, reverse):
    with start(options) as server:
        for name, expected in ((MISSING, missing), (REVERSE, reverse)):
            answer = server.ask(name)
            if expected == "whoami":
                assert rcode(answer) == "NOERROR" and answer.additional and not answer.authority
            else:
                assert rcode(answer) == expected and answer.authority
        assert addresses(server.ask(THERE)) == ["10.96.1.1"]
        assert server.ask(THERE, "TXT").authority  # no data does not fall through


def test_without_a_zone_it_falls_through_too_and_is_servfail_otherwise():
    with start(zones=False) as server:
        answer = server.ask(THERE)
        assert rcode(answer) == "SERVFAIL" and answer.flags & dns.flags.AA and answer.authority
        assert server.ask("example.org").additional  # other names do not care
        assert rcode(server.ask("10-1-2-3.default.pod.cluster.local")) == "SERVFAIL"
        assert rcode(server.ask("x.cluster.local", "TXT")) == "SERVFAIL"
    with start("fallthrough", zones=False) as server:
        assert server.ask(THERE).additional


SOA = "{0} 5 IN SOA ns.dns.{0} hostmaster.{0} 0 7200 1800 86400 5"


def test_what_needs_no_cluster_is_answered_before_there_is_a_zone():
    with start(zones=False) as server:
        answer = server.ask("cluster.local", "SOA")
        assert lines(answer.answer) == [SOA.format("cluster.local.")] and answer.flags & dns.flags.AA
        assert lines(server.ask("in-addr.arpa", "SOA").answer) == [SOA.format("in-addr.arpa.")]
        for name in ("cluster.local", "svc.cluster.local", "pod.cluster.local", "in-addr.arpa"):
            answer = server.ask(name)
            assert rcode(answer) == "NOERROR" and not answer.answer and answer.flags & dns.flags.AA
            assert lines(answer.authority) == [SOA.format("in-addr.arpa." if "arpa" in name else "cluster.local.")]
        assert lines(server.ask("dns-version.cluster.local", "TXT").answer) == [
            'dns-version.cluster.local. 28800 IN TXT "1.1.0"']
        assert rcode(server.ask("svc.in-addr.arpa")) == "SERVFAIL"


def test_nobody_behind_it_is_servfail():
    with start("fallthrough", behind="") as server:
        assert rcode(server.ask(MISSING)) == "SERVFAIL"
        assert server.count_log(MISSING + r"\. A: .*no next plugin found") == 1


def test_names_of_pods_are_made_up_where_that_is_wanted():
    with start("pods insecure", pods="insecure") as server:
        answer = server.ask("10-1-2-3.Default.pod.cluster.local")
        assert lines(answer.answer) == ["10-1-2-3.Default.pod.cluster.local. 5 IN A 10.1.2.3"]
        assert answer.flags & dns.flags.AA
        assert addresses(server.ask("2001-db8--1.default.pod.cluster.local", "AAAA")) == ["2001:db8::1"]
        answer = server.ask("10-1-2-3.default.pod.cluster.local", "AAAA")
        assert rcode(answer) == "NOERROR" and not answer.answer and answer.authority
        assert rcode(server.ask("10-1-2-3.other.pod.cluster.local")) == "NXDOMAIN"
        assert rcode(server.ask("web.default.pod.cluster.local")) == "NXDOMAIN"
        assert rcode(server.ask("default.pod.cluster.local")) == "NOERROR"
        assert addresses(server.ask("topod.default.svc.cluster.local")) == ["10.1.2.3"]
    with start() as server:
        assert rcode(server.ask("10-1-2-3.default.pod.cluster.local")) == "NXDOMAIN"


PORTS = ["web.default.svc SRV 0 50 80 web.default.svc.cluster.local.", "_http._tcp.web.default.svc A 10.96.1.1",
         "_http._tcp.web.default.svc SRV 0 100 80 web.default.svc.cluster.local.",
         "alias.default.svc CNAME http.tcp.web.default.svc.cluster.local.",
         "round.default.svc CNAME _._.round.default.svc.cluster.local."]


def test_ports_in_other_spellings_are_answered_from_the_names_of_the_zone(outside):
    server, up = outside
    up.add("host.example.org", "A", "192.0.2.1")
    zonetext.put_zone(server.zones, RECORDS + PORTS, 8, zonetext.identity(server.path("objects")))
    wait_for(lambda: addresses(server.ask("_http._tcp.web.default.svc.cluster.local")), "the ports")
    for front in ("http.tcp", "_http.tcp", "HTTP._Tcp", "_._tcp", "_._", "http._"):
        name = f"{front}.web.default.svc.cluster.local"
        assert lines(server.ask(name).answer) == [f"{name}. 5 IN A 10.96.1.1"]
        answer = server.ask(name, "SRV")
        assert [r.name.to_text() for r in answer.answer] == [name + "."] and answer.additional
        assert rcode(server.ask(name, "TXT")) == "NOERROR"
    assert addresses(server.ask("alias.default.svc.cluster.local")) == ["10.96.1.1"]
    assert rcode(server.ask("http.udp.web.default.svc.cluster.local")) == "NXDOMAIN"
    answer = server.ask("_._.round.default.svc.cluster.local")  # each link once
    assert rcode(answer) == "NOERROR" and len(answer.answer) == 1
    answer = server.ask("_._.out.default.svc.cluster.local")
    assert lines(answer.answer)[-1] == "_._.out.default.svc.cluster.local. 5 IN CNAME Host.Example.org."
    assert addresses(answer) == ["192.0.2.1"]


def test_a_verified_pod_has_a_service_and_labels_in_front_of_it_say_nothing():
    with start("pods verified", pods="verified") as server:
        source = zonetext.identity(server.path("objects"), pods="verified")
        zonetext.put_zone(server.zones, RECORDS + ["10-1-2-3.default.pod A 10.1.2.3"], 8, source)
        name = "10-1-2-3.default.pod.cluster.local"
        wait_for(lambda: addresses(server.ask(name)) == ["10.1.2.3"], "the pod")
        for front in ("", "x.", "x.y."):
            assert lines(server.ask(front + name).answer) == [f"{front}{name}. 5 IN A 10.1.2.3"]
            answer = server.ask(front + name, "SRV")
            assert lines(answer.answer) == [f"{front}{name}. 5 IN SRV 0 100 0 {name}."]
            assert lines(answer.additional) == [f"{name}. 5 IN A 10.1.2.3"] and not answer.authority
        assert rcode(server.ask("x.y.z." + name)) == "NXDOMAIN"
        assert rcode(server.ask("10-1-2-4.default.pod.cluster.local")) == "NXDOMAIN"


@pytest.fixture(name="outside")
def fixture_outside():
    with Upstream() as up, start(behind=f"forward . {up.address}") as server:
        yield server, up


OUT = "out.default.svc.cluster.local"
CNAME = f"{OUT}. 5 IN CNAME Host.Example.org."


def test_a_name_that_leads_out_is_answered_to_its_end(outside):
    server, up = outside
    up.add("host.example.org", "CNAME", "www.example.org.", ttl=60)
    up.add("www.example.org", "A", "192.0.2.1", "192.0.2.2", ttl=50)
    for tcp in (False, True):
        answer = server.ask(OUT, tcp=tcp)
        assert rcode(answer) == "NOERROR" and answer.flags & dns.flags.AA
        assert lines(answer.answer)[1:] == [CNAME, "www.example.org. 50 IN A 192.0.2.1",
                                            "www.example.org. 50 IN A 192.0.2.2"]
        assert [r.name.to_text().lower() for r in answer.answer][:2] == [OUT + ".", "host.example.org."]
        assert not answer.authority and not answer.additional
    assert addresses(server.ask("inner.default.svc.cluster.local")) == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("behaviour, what", [({}, "not there"), ({"rcode": "SERVFAIL"}, "failing"),
                                             ({"rcode": "REFUSED"}, "refusing"), ({"drop": True}, "silent")])
def test_the_cname_stands_whatever_comes_of_its_target(outside, behaviour, what):
    server, up = outside
    up.behave("host.example.org", **behaviour)
    answer = server.ask(OUT, timeout=8)
    assert rcode(answer) == "NOERROR", what
    assert lines(answer.answer) == [CNAME] and not answer.authority


def test_only_addresses_are_followed_out(outside):
    server, up = outside
    up.add("host.example.org", "TXT", '"x"')
    for rdtype in ("TXT", "SRV", "MX", "CNAME"):
        answer = server.ask(OUT, rdtype)
        assert rcode(answer) == "NOERROR" and lines(answer.answer) == [CNAME]
    assert up.count("host.example.org") == 0


def test_a_target_with_more_addresses_than_fit_is_cut_and_whole_over_tcp(outside):
    server, up = outside
    wanted = [f"192.0.2.{i}" for i in range(200)]
    up.add("host.example.org", "A", *wanted)
    assert server.ask(OUT).flags & dns.flags.TC
    answer = server.ask(OUT, tcp=True)
    assert not answer.flags & dns.flags.TC and addresses(answer) == sorted(wanted)


def test_a_cname_to_a_name_that_is_missing_is_a_denial_with_the_cname():
    with start("fallthrough") as server:
        answer = server.ask("broken.default.svc.cluster.local")
        assert rcode(answer) == "NXDOMAIN" and answer.authority
        assert lines(answer.answer) == ["broken.default.svc.cluster.local. 5 IN CNAME "
                                        "missing.default.svc.cluster.local."]


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_readiness_and_metrics_tell_of_the_zones():
    server = start(behind="ready {address}:8181\n prometheus {address}:9153\n whoami", zones=False)
    with server:
        ready, metrics = f"http://{server.address}:8181/ready", f"http://{server.address}:9153/metrics"
        assert status(ready) == (503, "kubernetes")
        assert 'seamark_zone_age_seconds{zone="cluster.local."} -1' in status(metrics)[1]
        source = zonetext.identity(server.path("objects"))
        zonetext.put_zone(server.zones, RECORDS, 77, source)
        wait_for(lambda: 'seamark_zone_serial{zone="cluster.local."} 77' in status(metrics)[1], "the zone's serial")
        assert status(ready)[0] == 503  # the reverse zone is missing
        zonetext.put_zone(server.zones, [], 78, source, zone="in-addr.arpa.")
        wait_for(lambda: status(ready) == (200, "OK"), "ready")
        page = status(metrics)[1]
        assert f'seamark_zone_records{{zone="cluster.local."}} {len(RECORDS) + 1}' in page
        age = next(line for line in page.splitlines() if line.startswith('seamark_zone_age_seconds{zone="cluster'))
        assert 0 <= float(age.split()[-1]) < 30
        server.reload()
        assert status(metrics)[1].count('seamark_zone_serial{zone="cluster.local."}') == 1
