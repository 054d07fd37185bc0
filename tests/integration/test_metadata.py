"""metadata: what plugins know about a question, as `log` prints it."""

import pytest

import zonetext
from seamark import Seamark, wait_for
from upstream import Upstream

COREFILE = """
.:{port} {
    bind {address}
    METADATA
    log . "{type} {name} says [{/LABELS}]"
    CACHE
    kubernetes cluster.local in-addr.arpa {
        objects {folder}/objects
    }
    forward . UPSTREAM
}
"""
KUBERNETES = ["kind", "namespace", "service", "endpoint", "port-name", "protocol", "cluster", "zone", "parse-error"]


def start(up, labels, metadata="metadata", cache=""):
    text = (COREFILE.replace("LABELS", "]|[{/".join(labels).replace("]|[", "}|")).replace("METADATA", metadata)
            .replace("CACHE", cache).replace("UPSTREAM", f"{up.address}"))
    server = Seamark(text)
    source = zonetext.identity(server.path("objects"))
    zonetext.put_zone(server.zones, ["web.shop.svc A 10.96.1.1"], 7, source)
    zonetext.put_zone(server.zones, [], 7, source, zone="in-addr.arpa.")
    return server


def said(server, name, rdtype="A"):
    """What the log says of one question; of the same asked again, the last."""
    def lines():
        found = [line.split(" says [", 1) for line in server.log().splitlines() if " says [" in line]
        return [text[:-1] for head, text in found if head.endswith(f" {rdtype} {name.lower()}.")]
    seen = len(lines())
    server.ask(name, rdtype)
    return wait_for(lambda: lines()[seen:], "a line of the log")[0]


@pytest.mark.parametrize("name, expected", [
    ("web.shop.svc.cluster.local", "svc|shop|web||||-|-|-"),
    ("_http._TCP.Web.shop.svc.cluster.local", "svc|shop|web||http|tcp|-|-|-"),
    ("a.web.shop.svc.cluster.local", "svc|shop|web|a|||-|-|-"),
    ("10-1-2-3.shop.pod.cluster.local", "pod|shop|10-1-2-3||||-|-|-"),
    ("cluster.local", "||||||-|-|-"),
    ("a.b.c.web.shop.svc.cluster.local", "-|-|-|-|-|-|-|-|invalid query name"),
    ("1.1.96.10.in-addr.arpa", "-|-|-|-|-|-|-|-|invalid query name"),
    ("www.example.org", "-|-|-|-|-|-|-|-|-"),
])
def test_kubernetes_says_what_the_name_says(name, expected):
    with Upstream() as up, start(up, [f"kubernetes/{label}" for label in KUBERNETES]) as server:
        assert said(server, name) == expected


def test_labels_that_come_on_the_way_do_not_need_the_zone():
    """forward/upstream, log/type and log/class are set for every question of a block with metadata, as in CoreDNS."""
    labels = ["forward/upstream", "log/type", "log/class", "kubernetes/service", "no/such"]
    with Upstream() as up, start(up, labels, metadata="metadata shop.svc.cluster.local", cache="cache 30") as server:
        up.add("www.example.org", "A", "10.0.0.1")
        assert said(server, "www.example.org") == f"{up.address}|NOERROR|success|-|-"
        assert said(server, "www.example.org") == "-|NOERROR|success|-|-"  # the cache asked nobody
        assert said(server, "no.example.org") == f"{up.address}|NXDOMAIN|denial|-|-"
        assert said(server, "www.example.org", "MX") == f"{up.address}|NODATA|denial|-|-"
        assert said(server, "web.shop.svc.cluster.local") == "-|NOERROR|success|web|-"
        assert said(server, "web.other.svc.cluster.local") == "-|NXDOMAIN|denial|-|-"


def test_without_metadata_every_label_is_a_dash():
    labels = ["forward/upstream", "log/class", "kubernetes/service"]
    with Upstream() as up, start(up, labels, metadata="") as server:
        assert said(server, "web.shop.svc.cluster.local") == "-|-|-"
        assert said(server, "www.example.org") == "-|-|-"
