"""The zone file is the contract: NSD, loaded with the same file, and Seamark give the same rcode and the same answer
section for every name in it, asked for every type in it, and for names beside it."""

import os
import subprocess
import time

import checkzone
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from nsd import Nsd
from octets import AA, Asker, answer_of
from ports import free_port
from syncd import BIN, PROGRAM, endpoint, namespace, service, slice_of, write_objects

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "zones", "example")
SERVER = os.path.join(BIN, "seamark")
ZONES = ["cluster.local", "10.in-addr.arpa", "d.f.ip6.arpa", "example.org", "2.0.192.in-addr.arpa"]
OUTSIDE = ZONES[3:]  # of k8s_external
OTHER_TYPES = ["MX", "HTTPS", "CNAME", "SOA", "NS", "PTR", "TXT", "SRV", "A", "AAAA"]
BESIDE = ["nothing", "nothing.svc", "nothing.default.svc", "below.kubernetes.default.svc", "_x._tcp.kubernetes.default.svc",
          "*.default.svc", "a.b.c.d"]


def objects():
    """Every kind of service and endpoint, with what is unusual about each."""
    return [
        namespace("default"), namespace("kube-system"), namespace("empty"),
        service("kubernetes", ["10.96.0.1"], [("https", 443)]),
        service("dual", ["10.96.0.2", "fd00::2"], [("http", 80), ("", 81), ("dns", 53, "UDP"), ("sctp", 9, "SCTP")]),
        service("six", ["fd00::3"], [("http", 80)]),
        service("no-ports", ["10.96.0.4"]),
        service("pending", [""], [("http", 80)]),
        service("heads", None, [("pg", 5432)], namespace="kube-system"),
        slice_of("heads", "heads-1", [endpoint("10.1.0.1", hostname="heads-0"), endpoint("10.1.0.2", hostname="heads-0"),
                                      endpoint("10.1.0.3"), endpoint("10.1.0.4", ready=False)],
                 [("pg", 5432), ("metrics", 9187)], namespace="kube-system"),
        slice_of("heads", "heads-2", [endpoint("fd00:1::")], [("pg", 5432)], namespace="kube-system", address_type="IPv6"),
        slice_of("kubernetes", "kubernetes", [endpoint("10.1.0.1")], [("https", 6443)]),
        service("waiting", None, [("http", 80)]),
        service("named", None), slice_of("named", "named", [endpoint("db.example.com")], address_type="FQDN"),
        service("outside", type="ExternalName", externalName="Www.Example.COM"),
        service("inside", type="ExternalName", externalName="dual.default.svc.cluster.local"),
        service("twice", type="ExternalName", externalName="inside.default.svc.cluster.local"),
        service("dangling", type="ExternalName", externalName="nothing.default.svc.cluster.local"),
        service("front", ["10.96.0.5"], [("http", 80), ("dns", 53, "UDP")], externalIPs=["192.0.2.1", "2001:db8::1"]),
        service("front-too", ["10.96.0.6"], [("", 80)], namespace="kube-system", externalIPs=["192.0.2.1", "192.0.2.2"]),
    ]


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory):
    """The folder of zone files, the Corefile they were made with, and an NSD that serves them."""
    folder = tmp_path_factory.mktemp("agree")
    source = folder / "objects.json"
    write_objects(source, objects())
    port = free_port()
    corefile = folder / "Corefile"
    corefile.write_text(
        f".:{port} {{\n    bind 127.0.0.1\n    kubernetes cluster.local 10.0.0.0/8 fd00::/8 {{\n"
        f"        objects {source}\n        ttl 30\n    }}\n"
        f"    k8s_external {' '.join(OUTSIDE)} {{\n        headless\n    }}\n}}\n"
    )
    zones = folder / "zones"
    subprocess.run([PROGRAM, "-conf", corefile, "-zones", zones, "-once"], check=True, stdout=subprocess.DEVNULL)
    assert [checkzone.zone_name(p) for p in checkzone.check_folder(zones)] == sorted(ZONES)
    files = {z: zones / f"{z}{'+external' if z in OUTSIDE else ''}.zone" for z in ZONES}
    with Nsd(folder / "nsd", files) as nsd:
        yield {"zones": zones, "files": files, "corefile": corefile, "port": port, "nsd": nsd}


def questions(world):
    """(name, type) for every zone."""
    for zone in ZONES:
        names, types = checkzone.names_and_types(str(world["files"][zone]))
        types = sorted(set(types) | {dns.rdatatype.from_text(t) for t in OTHER_TYPES})
        assert len(names) >= 5
        origin = dns.name.from_text(zone)
        if zone in OUTSIDE:  # there a label in front of a Service says nothing, also that of _tcp
            names = [n for n in names if not n.labels[0] in (b"_tcp", b"_udp")]
        for name in names + [dns.name.from_text(n, origin) for n in BESIDE]:
            for rdtype in types:
                yield name, rdtype


def expected(zone, name, rdtype):
    """What the file itself says of a name: (rcode, records), a CNAME followed inside the zone."""
    names = {n.canonicalize() for n in zone.nodes}
    rcode, records, seen = "NOERROR", [], set()
    while name.is_subdomain(zone.origin) and name not in seen:
        seen.add(name)
        if not any(n.is_subdomain(name) for n in names):
            rcode = "NXDOMAIN"
            break
        node = zone.nodes.get(name)
        cname = node.get_rdataset(zone.rdclass, dns.rdatatype.CNAME) if node else None
        found = node.get_rdataset(zone.rdclass, rdtype) if node else None
        for rdata in found or cname or []:
            records.append((name.to_text(), (found or cname).ttl, dns.rdatatype.to_text((found or cname).rdtype),
                            rdata.to_text().lower()))
        if found or not cname:
            break
        name = cname[0].target.canonicalize()
    return rcode, sorted(records)


def test_nsd_answers_what_the_file_says(world):
    """Whoever reads the file knows what a server says."""
    zones = {z: checkzone.load(str(world["files"][z])) for z in ZONES}
    asked = 0
    with world["nsd"].asker() as nsd:
        for name, rdtype in questions(world):
            zone = next(z for z in ZONES if name.is_subdomain(dns.name.from_text(z)))
            reply = nsd.ask(name, rdtype)
            assert int.from_bytes(reply[2:4], "big") & AA
            assert answer_of(reply) == expected(zones[zone], name.canonicalize(), rdtype), f"{name} {rdtype}"
            asked += 1
    assert asked > 1000


class Seamark:
    """bin/seamark on the same files; it starts no sync daemon."""

    def __init__(self, world, log):
        self.port = world["port"]
        self.log = log
        with open(log, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [SERVER, "-conf", world["corefile"], "-zones", world["zones"], "-sync=external"],
                stdout=out, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, open(log, encoding="utf-8").read()
            try:
                if self.ask(dns.name.from_text("cluster.local"), "SOA").rcode() == dns.rcode.NOERROR:
                    return
            except (dns.exception.Timeout, OSError):
                pass
            time.sleep(0.05)
        self.close()
        raise AssertionError("seamark does not answer: " + open(log, encoding="utf-8").read())

    def ask(self, name, rdtype):
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=4096)
        return dns.query.tcp(query, "127.0.0.1", port=self.port, timeout=5)

    def asker(self):
        return Asker("127.0.0.1", self.port, payload=4096)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.mark.skipif(not os.path.exists(SERVER), reason="bin/seamark is not built")
def test_seamark_answers_what_nsd_answers(world, tmp_path):
    with Seamark(world, tmp_path / "log") as seamark, seamark.asker() as asker, world["nsd"].asker() as nsd:
        asked, differences = 0, []
        for name, rdtype in questions(world):
            theirs = answer_of(nsd.ask(name, rdtype))
            ours = answer_of(asker.ask(name, rdtype, udp=asked % 2 == 0))
            if ours != theirs:
                differences.append(f"{name} {dns.rdatatype.to_text(rdtype)}: nsd {theirs}, seamark {ours}")
            asked += 1
        assert not differences, f"{len(differences)} of {asked}:\n" + "\n".join(differences[:20])
