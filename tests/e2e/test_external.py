"""k8s_external: Seamark answers what CoreDNS answers, for every name of its zones and names beside them."""

import pytest

import external
import names
from process import wait_for
from question import ask
from test_compare import Question, compare

TYPES = ["A", "AAAA", "SRV", "PTR", "TXT", "SOA", "NS", "CNAME", "ANY"]
ZONE, OTHER, REVERSE = "outer.test.", "sub.outer.test.", ["113.0.203.in-addr.arpa.", "f.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."]
PLAIN = f"    k8s_external {ZONE} {OTHER} {' '.join(REVERSE)}\n"
ALL_OPTIONS = f"""    k8s_external {ZONE} {{
        apex Front-NS
        ttl 60
        headless
        fallthrough
    }}
"""


@pytest.fixture(scope="module")
def objects(cluster):
    external.build(cluster.admin)
    everything = [cluster.admin.list(path) for path in ("/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices")]
    return tuple([o for o in kind if o["metadata"]["namespace"] in external.NAMESPACES] for kind in everything)


def start(start_both, beside, last=f"balanced.front.{ZONE}"):
    servers = start_both("none", beside)
    wait_for("both know the last Service", lambda: all(ask(s, last).addresses() for s in servers), 10)
    return servers


@pytest.fixture(scope="module")
def plain(start_both, objects):
    return start(start_both, PLAIN)


@pytest.fixture(scope="module")
def all_options(start_both, objects):
    return start(start_both, ALL_OPTIONS)


def questions(asked):
    return [Question(name, rdtype, kind) for name, kind in asked.items() for rdtype in TYPES]


def test_every_name(plain, objects):
    for zone in (ZONE, OTHER):
        compare(*plain, questions(external.derive(zone, "dns", *objects)), no_cache=True)


def test_names_that_are_not_there(plain, objects):
    compare(*plain, questions(external.beside(external.derive(ZONE, "dns", *objects))), no_cache=True)


def test_reverse_names(plain, objects):
    compare(*plain, questions(external.reverse(objects[0])), no_cache=True)
    for zone in REVERSE:
        compare(*plain, questions({zone: "outer apex", f"ns1.dns.{zone}": "outer name server"}), no_cache=True)


def test_names_in_capitals(plain, objects):
    compare(*plain, questions(names.in_capitals(external.derive(ZONE, "dns", *objects))), no_cache=True)


def test_over_tcp(plain, objects):
    compare(*plain, [Question(q.name, q.rdtype, q.kind, tcp=True)
                     for q in questions(external.derive(ZONE, "dns", *objects))], no_cache=True)


def test_with_all_options(all_options, objects):
    asked = external.derive(ZONE, "front-ns", *objects)
    compare(*all_options, questions({**asked, **external.beside(asked)}), no_cache=True)


def test_changes_of_a_load_balancer(plain, cluster):
    name = f"twice.front.{ZONE}"
    for entries in ([{"ip": "203.0.113.77"}], [], [{"ip": "203.0.113.77"}, {"ip": "203.0.113.78"}], [{"ip": "203.0.113.9"}]):
        external.set_balancer(cluster.admin, "twice", entries)
        wanted = {"203.0.113.9"} | {e["ip"] for e in entries}
        for server in plain:
            wait_for(f"{server.name} knows {entries}",
                     lambda server=server, wanted=wanted: ask(server, name).addresses() == wanted, 10)
