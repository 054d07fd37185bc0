"""Before the API server was ever reached: what needs no cluster is answered, all else is SERVFAIL, in both."""

import os

import pytest

from compare import differences
from conftest import SEAMARK
from process import http_status, loopback
from question import ask
from servers import READY_PORT, CoreDNS, Seamark

ANSWERED = [("cluster.local.", "SOA"), ("cluster.local.", "A"), ("cluster.local.", "MX"), ("svc.cluster.local.", "A"),
            ("pod.cluster.local.", "SRV"), ("svc.cluster.local.", "SOA"), ("dns-version.cluster.local.", "TXT"),
            ("in-addr.arpa.", "SOA"), ("ip6.arpa.", "A"), ("www.example.", "A")]
UNKNOWN = [("kubernetes.default.svc.cluster.local.", "A"), ("default.svc.cluster.local.", "AAAA"),
           ("_https._tcp.kubernetes.default.svc.cluster.local.", "SRV"), ("https.tcp.kubernetes.default.svc.cluster.local.", "A"),
           ("10-1-2-3.default.pod.cluster.local.", "A"), ("x.cluster.local.", "TXT"), ("a.b.c.d.e.f.cluster.local.", "A")]
FALLS_THROUGH = [("1.0.96.10.in-addr.arpa.", "PTR"), ("1.0.96.10.in-addr.arpa.", "A"), ("10.in-addr.arpa.", "PTR")]


@pytest.fixture(scope="module")
def nobody(cluster):
    """A kubeconfig that leads to an address where nothing listens."""
    path = cluster.kubeconfig("nobody", token="none")
    with open(path, encoding="ascii") as text:
        elsewhere = text.read().replace(cluster.address, loopback())
    with open(path, "w", encoding="ascii") as out:
        out.write(elsewhere)
    return path


@pytest.fixture(scope="module")
def servers(folder, nobody, outside):
    both = [CoreDNS(os.path.join(os.environ["E2E_COREDNS"], "coredns"), folder, nobody, outside, "none"),
            Seamark(SEAMARK, folder, nobody, outside, "none")]
    for server in both:
        server.start().process.wait_ready(lambda: ask(server, "cluster.local.", "SOA").rcode == "NOERROR", 30)
    yield both
    for server in both:
        server.stop()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("name, rdtype", ANSWERED + UNKNOWN)
def test_both_answer_the_same(servers, name, rdtype, tcp):
    theirs, ours = (ask(server, name, rdtype, tcp) for server in servers)
    assert differences(theirs, ours) == []
    assert (theirs.rcode == "SERVFAIL") == ((name, rdtype) in UNKNOWN)


@pytest.mark.parametrize("name, rdtype", FALLS_THROUGH)
def test_falling_through_comes_first(servers, name, rdtype):
    theirs, ours = (ask(server, name, rdtype) for server in servers)
    assert theirs.rcode == ours.rcode == "NXDOMAIN" and theirs.flags == ours.flags


def test_neither_is_ready(servers):
    assert [http_status(f"http://{server.address}:{READY_PORT}/ready") for server in servers] == [503, 503]
