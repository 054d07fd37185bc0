"""zonal: the names of a headless Service's topology zones, of every form, both servers; and changes of zone alone."""

import os

import pytest

import names
from process import wait_for
from question import ask
from side_by_side import PROGRAMS, start
from test_compare import Question, compare
from workload import endpoint, headless, namespace, port, service, slice_

NS, ZONE = "zones", "cluster.local."
TYPES = ["A", "AAAA", "SRV", "TXT", "SOA", "CNAME", "ANY", "HTTPS"]
SQL, HTTP = port(5432, "sql"), port(80, "http")
COREFILE = """{zone}:5353 {{
    bind {{address}}
    kubernetes {{
       kubeconfig {kubeconfig}
       zonal
       ttl 30
    }}
}}
"""


def objects():
    return [
        headless(NS, "db", [SQL, HTTP]), headless(NS, "dotted", []), headless(NS, "nowhere", [SQL]), headless(NS, "nobody", [SQL]),
        service(NS, "web", [HTTP]),
        slice_(NS, "db-1", "db", [endpoint("10.211.0.1", zone="eu-a"), endpoint("10.211.0.2", zone="EU-B", hostname="two"),
                                  endpoint("10.211.0.3", zone="eu-b"), endpoint("10.211.0.4"),
                                  endpoint("10.211.0.5", zone="eu-c", ready=False)], [SQL, HTTP]),
        slice_(NS, "db-2", "db", [endpoint("10.211.0.1", zone="eu-d"), endpoint("10.211.0.6", zone="eu-a")], [SQL]),
        slice_(NS, "db-6", "db", [endpoint("fd00:211::1", zone="eu-a")], [SQL], "IPv6"),
        slice_(NS, "dotted-1", "dotted", [endpoint("10.211.1.1", zone="r7.dc.example.com"), endpoint("10.211.1.2", zone="example.com"),
                                          endpoint("10.211.1.3", zone="r8.dc.example.com")]),
        slice_(NS, "nowhere-1", "nowhere", [endpoint("10.211.2.1"), endpoint("10.211.2.2")], [SQL]),
        slice_(NS, "nobody-1", "nobody", [endpoint("10.211.3.1", zone="eu-a", ready=False)], [SQL]),
        slice_(NS, "web-1", "web", [endpoint("10.211.4.1", zone="eu-a")], [HTTP]),
    ]


ASKED = ["eu-a", "eu-b", "eu-c", "eu-d", "no", "x.eu-a", "x.y.eu-a", "a.b.c.d.e", "com", "example.com", "dc.example.com",
         "r7.dc.example.com", "r8.dc.example.com", "r9.dc.example.com", "x.r7.dc.example.com", "y.com", "*", "_zone", "pin.eu-a"]


def derive():
    found = {}
    for svc in ("db", "dotted", "nowhere", "nobody", "web", "ghost"):
        base = f"{svc}.{NS}.svc.{ZONE}"
        exists = svc not in ("web", "ghost")
        kind = "zonal of nobody" if svc == "nobody" else "zonal" if exists else "no zonal"
        for topology in ASKED:
            for directive in ("pin", "prefer"):
                found[f"{topology}.{directive}._zone.{base}"] = kind
            found[f"{topology}.near._zone.{base}"] = found[f"{topology}._zone.{base}"] = "no zonal"
        between = "between" if exists and svc != "nobody" else "no zonal"
        found[f"_zone.{base}"] = found[f"pin._zone.{base}"] = found[f"prefer._zone.{base}"] = between
        found[base] = "service"
    return found


@pytest.fixture(scope="module")
def both(cluster, folder, dns_kubeconfig):
    cluster.admin.create(namespace(NS))
    for obj in objects():
        cluster.admin.create(obj)
    started = [start(*program, folder, COREFILE.format(zone=ZONE, kubeconfig=dns_kubeconfig)) for program in PROGRAMS]
    for server in started:
        server.folder = os.path.join(folder, f"zonal-{server.address}")
        os.makedirs(server.folder)
        wait_for("all is known", lambda server=server: all(
            ask(server, f"{svc}.{NS}.svc.{ZONE}").addresses() for svc in ("db", "dotted", "nowhere", "web")), 30)
    yield started
    for server in started:
        server.process.stop()


def questions(asked):
    return [Question(name, rdtype, kind) for name, kind in asked.items() for rdtype in TYPES]


def test_every_name(both):
    compare(*both, questions(derive()), no_cache=True)


def test_names_in_capitals(both):
    compare(*both, questions(names.in_capitals(derive())), no_cache=True)


def test_an_endpoint_that_changes_its_zone(both, cluster):
    moved = slice_(NS, "nowhere-1", "nowhere", [endpoint("10.211.2.1", zone="eu-z"), endpoint("10.211.2.2")], [SQL])
    cluster.admin.patch(moved, {"endpoints": moved["endpoints"]})
    for server in both:
        wait_for("the new zone", lambda server=server: ask(
            server, f"eu-z.pin._zone.nowhere.{NS}.svc.{ZONE}").addresses() == {"10.211.2.1"}, 10)
    compare(*both, questions({n: k for n, k in derive().items() if f".nowhere.{NS}." in n}), no_cache=True)
    back = next(o for o in objects() if o["metadata"]["name"] == "nowhere-1")
    cluster.admin.patch(back, {"endpoints": back["endpoints"]})
    for server in both:
        wait_for("no zone", lambda server=server: not ask(server, f"eu-z.pin._zone.nowhere.{NS}.svc.{ZONE}").addresses(), 10)
