"""The option `zonal`: TOPOLOGY.pin|prefer._zone.SVC.NS.svc.ZONE, in random clusters, against CoreDNS's rules in ten lines and
against NSD with the same zone file."""

import random
import subprocess

import checkzone
import dns.rcode
import pytest
from nsd import Nsd
from octets import Asker, read
from seamark import Seamark, wait_for
from syncd import PROGRAM, endpoint, namespace, service, slice_of, write_objects

ZONE = "cluster.local"
TOPOLOGIES = [None, "", "eu-a", "EU-B", "rack7.eu-a", "example.com", "corp.Example.com", "a.b.c.d"]
ASKED = ["eu-a", "eu-b", "EU-A", "rack7.eu-a", "x.eu-a", "com", "example.com", "corp.example.com", "x.corp.example.com", "y.x.com",
         "d", "c.d", "b.c.d", "a.b.c.d", "z.a.b.c.d", "no", "no.no.no", "eu-c", "a"]
TYPES = ["A", "AAAA", "SRV", "TXT", "HTTPS", "CNAME"]


def cluster(seed):
    """(objects, {headless service: [(address, topology, ports)]})"""
    rnd = random.Random(seed)
    objects, services = [namespace("default"), service("plain", ["10.96.0.1"], [("http", 80)])], {}
    objects.append(slice_of("plain", "plain-x", [endpoint("10.9.0.1", zone="eu-a")], [("http", 80)]))
    for s in range(rnd.randrange(1, 4)):
        name, ports = f"db-{s}", [("sql", 5432), ("web", 80)][: rnd.randrange(3)]
        objects.append(service(name, None, ports))
        services[name] = []
        for number, family in enumerate(rnd.sample(["IPv4", "IPv6", "IPv4"], rnd.randrange(1, 4))):
            endpoints = []
            for _ in range(rnd.randrange(5)):
                n = len(services[name])
                ip = f"10.1.{s}.{n}" if family == "IPv4" else f"fd00:{s + 1}::{n + 1:x}"
                topology, ready = rnd.choice(TOPOLOGIES), rnd.random() < 0.8
                endpoints.append(endpoint(ip, ready, **({} if topology is None else {"zone": topology})))
                if ready:
                    services[name].append((ip, (topology or "").lower(), ports))
            objects.append(slice_of(name, f"{name}-{number}", endpoints, ports, address_type=family))
    return objects, services


def rules(endpoints, topology, prefer, rdtype, service_name):
    """What CoreDNS answers: rdata as text, in no order."""
    chosen = [e for e in endpoints if e[1] == topology.lower()]
    if prefer and not chosen:
        chosen = endpoints
    if rdtype in ("A", "AAAA"):
        return sorted(ip for ip, _, _ in chosen if (":" in ip) == (rdtype == "AAAA"))
    if rdtype != "SRV":
        return []
    weight = 100 // max(1, sum(len(ports) or 1 for _, _, ports in chosen)) or 1
    return sorted(f"0 {weight} {port} {ip.replace('.', '-').replace(':', '-')}.{service_name}."
                  for ip, _, ports in chosen for _, port in ports)


def answers(wire):
    rcode, (records, _, _) = read(wire)
    return dns.rcode.to_text(rcode), sorted(rdata for _, _, _, rdata in records)


@pytest.fixture(autouse=True)
def _every_zone_file_is_valid(tmp_path):
    yield
    checkzone.check_tree(tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_random_clusters(tmp_path, seed):
    objects, services = cluster(seed)
    source = tmp_path / "objects.json"
    write_objects(source, objects)
    asked = 0
    text = f".:{{port}} {{\n bind {{address}}\n kubernetes {ZONE} {{\n objects {source}\n zonal\n }}\n}}\n"
    server = Seamark(text)
    subprocess.run([PROGRAM, "-conf", server.conf, "-zones", server.zones, "-once"], check=True, stdout=subprocess.DEVNULL)
    with server:
        wait_for(lambda: server.ask(ZONE, "SOA").rcode() == 0, "the zone")
        zones = {ZONE: f"{server.zones}/{ZONE}.zone"}
        with Nsd(tmp_path / "nsd", zones) as nsd, nsd.asker() as theirs, Asker(server.address, server.port) as tcp:
            for svc in (*services, "plain", "ghost"):
                base = f"{svc}.default.svc.{ZONE}"
                for topology in ASKED:
                    for directive in ("pin", "prefer", "Pin", "florp"):
                        for rdtype in TYPES:
                            name = f"{topology}.{directive}._zone.{base}"
                            ours = answers(tcp.ask(name, rdtype))
                            if services.get(svc) and directive != "florp":
                                wanted = rules(services[svc], topology, directive == "prefer", rdtype, base)
                                assert ours == ("NOERROR", wanted), f"{name} {rdtype}"
                            else:  # a headless service without endpoints is as if it were not there
                                assert ours == ("NXDOMAIN", []), f"{name} {rdtype}"
                            assert ours == answers(theirs.ask(name, rdtype)), f"{name} {rdtype}: NSD"
                            asked += 1
    assert asked > 1000


def test_glue_and_plain_names(tmp_path):
    source = tmp_path / "objects.json"
    write_objects(source, [namespace("default"), service("db", None, [("sql", 5432)]),
                           slice_of("db", "db-x", [endpoint("10.1.0.1", zone="eu-a"), endpoint("10.1.0.2", zone="eu-b")], [("sql", 5432)])])
    text = f".:{{port}} {{\n bind {{address}}\n kubernetes {ZONE} {{\n objects {source}\n zonal\n ttl 9\n }}\n}}\n"
    with Seamark(text, supervised=True) as server:
        wait_for(lambda: server.ask(ZONE, "SOA").rcode() == 0, "the zone")
        reply = server.ask(f"eu-b.pin._zone.db.default.svc.{ZONE}", "SRV")
        assert [str(r) for rrset in reply.answer for r in rrset] == [f"0 100 5432 10-1-0-2.db.default.svc.{ZONE}."]
        assert [str(r) for rrset in reply.additional for r in rrset] == ["10.1.0.2"]
        assert reply.answer[0].ttl == 9
        assert len(server.ask(f"db.default.svc.{ZONE}").answer) == 2
        assert server.ask(f"_zone.db.default.svc.{ZONE}").rcode() == 0, "it has names below it"


def test_without_the_option_there_are_no_such_names(tmp_path):
    source = tmp_path / "objects.json"
    write_objects(source, [namespace("default"), service("db", None), slice_of("db", "db-x", [endpoint("10.1.0.1", zone="eu-a")])])
    text = f".:{{port}} {{\n bind {{address}}\n kubernetes {ZONE} {{\n objects {source}\n }}\n}}\n"
    with Seamark(text, supervised=True) as server:
        wait_for(lambda: server.ask(ZONE, "SOA").rcode() == 0, "the zone")
        for name in ("eu-a.pin._zone", "eu-a.prefer._zone", "_zone"):
            assert server.ask(f"{name}.db.default.svc.{ZONE}").rcode() == 3
