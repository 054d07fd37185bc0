"""NSD and Knot as secondaries: whole zones at first, then every change by NOTIFY and IXFR, until they have the same records."""

import re
import shutil
import subprocess
import time

import pytest
import secondaries
from fake_apiserver import FakeApiServer
from kube_objects import RESOURCES
from seamark import Seamark, loopback, wait_for
from syncd import endpoint, namespace, service, slice_of
from zonetext import Journal, identity, put_zone

CONF = """.:{port} {
    bind {address}
    transfer {
        to %s
        source {address}
    }
    kubernetes %s
    errors
    debug
}
"""


@pytest.fixture(name="followers")
def _followers(tmp_path):
    """Makes both for some zones of a primary; ends them."""
    begun = []

    def make(primary, zones):
        begun.extend(kind(tmp_path / kind.__name__, primary, zones) for kind in (secondaries.Nsd, secondaries.Knot))
        return begun
    yield make
    for s in begun:
        s.close()


def serial(server, zone):
    return server.ask(zone, "SOA").answer[0][0].serial


def expect_all_the_same(server, followers, zones):
    for zone in zones:
        ours = secondaries.transfer(server.address, server.port, zone)
        assert secondaries.serial_of(ours) == serial(server, zone)
        for s in followers:
            assert s.wait_serial(zone, secondaries.serial_of(ours)) == ours


def expect_incremental(server, followers, least):
    """They have followed by differences, by their own logs and by ours."""
    nsd, knot = followers
    assert knot.count_log("IXFR, incoming.* finished") >= least, knot.log()
    assert len(nsd.find_log(r"received update to serial \d+ .* of \d+ bytes")) >= least, nsd.log()
    assert server.count_log("Outgoing incremental transfer of", seconds=0) > 0


def test_handwritten_zones_with_everything_in_them(followers):
    """Wildcards, private types, odd octets, names that come and go above and below others: 300 transactions."""
    address = loopback()
    zones = ["cluster.local.", "10.in-addr.arpa."]
    pair = followers(address, zones)
    server = Seamark(CONF % (" ".join(s.to for s in pair), " ".join(zones)),
                     address=address)
    records = ["@ NS ns.dns.cluster.local.", "ns.dns A 127.0.0.1", "*.wild.svc A 10.0.0.9", "default.svc TYPE65280 \\# 0",
               "txt.svc TXT \"a\" \"\\200\\000b\"", "x\\.y.svc TYPE65400 \\# 3 0a0b0c", "out.svc CNAME Www.Example.COM.",
               "_http._tcp.web.svc SRV 0 50 80 Web.svc.cluster.local."]
    # as many others as keep the differences fewer than the records
    put_zone(server.zones, records + [f"r{i}.svc A 10.9.0.1" for i in range(2500)], 100, identity())
    put_zone(server.zones, [f"{i & 255}.{i >> 8}.9 PTR r.svc.cluster.local." for i in range(2500)], 100, identity(), zone=zones[1])
    with server:
        for s in pair:
            s.begin(server.port)
        for s in pair:
            for zone in zones:
                s.wait_serial(zone, 100)
        journals = [Journal(server.zones, 100, zone) for zone in zones]
        for i in range(1, 301):
            n = i % 50
            was = f"n{n}.a.b.svc A 10.1.{i - 50 >> 8}.{i - 50 & 255}"
            journals[0].commit(f"+n{n}.a.b.svc A 10.1.{i >> 8}.{i & 255}", *([f"-{was}"] if i > 50 else []),
                               f"{'+' if i % 2 else '-'}ns.svc TYPE65280 \\# 0",
                               f"{'+' if i % 2 else '-'}*.n.svc SRV 0 1 {i - 1 | 1} Target.svc.cluster.local.")
            journals[1].commit(f"{'+' if i % 2 else '-'}{i - 1 | 1}.1.0 PTR n{i - 1 | 1}.cluster.local.")
            time.sleep(0.01)
        expect_all_the_same(server, pair, zones)
        expect_incremental(server, pair, 20)
        nsd, knot = pair
        assert knot.count_log("AXFR, incoming.* finished") == len(zones), knot.log()  # whole at the start alone
        for zone in zones:
            first, *others = map(int, nsd.find_log(rf"zone {re.escape(zone)} received update .* of (\d+) bytes"))
            assert first > 20000 and max(others) < first / 2, nsd.log()


def objects(step):
    """A cluster that changes with each step: services, endpoints, namespaces."""
    ips = [f"10.96.{step >> 8}.{step & 255}", "fd00::1"]
    return [
        namespace("default"), namespace("kube-system"), *([namespace(f"ns{step % 5}")] if step % 2 else []),
        service("kubernetes", ["10.96.0.1"], [("https", 443)]),
        service("moving", ips, [("http", 80 + step % 3), ("dns", 53, "UDP")]),
        service("outside", type="ExternalName", externalName=f"Www{step % 4}.Example.COM"),
        service("heads", None, [("pg", 5432)], namespace="kube-system"),
        slice_of("heads", "heads-1", [endpoint(f"10.1.0.{i}", ready=(step + i) % 3 > 0, hostname=f"heads-{i}")
                                      for i in range(1, 6 + step % 4)], [("pg", 5432)], namespace="kube-system"),
    ]


def apply(api, old, new):
    """What an API server would tell of that."""
    def key(o):
        return RESOURCES[o["kind"]], o["metadata"].get("namespace", ""), o["metadata"]["name"]
    before, after = {key(o): o for o in old}, {key(o): o for o in new}
    for k in before.keys() - after.keys():
        api.delete(*k)
    for k, o in after.items():
        if before.get(k) != o:
            api.put(o)


@pytest.mark.parametrize("zones", [["cluster.local.", "10.in-addr.arpa.", "d.f.ip6.arpa."], ["."]], ids=["cluster", "root"])
def test_a_changing_cluster(followers, zones):
    """The API server tells seamark-sync, which tells seamark, which tells NSD and Knot."""
    address = loopback()
    pair = followers(address, zones)
    with FakeApiServer() as api:
        server = Seamark(CONF % (" ".join(s.to for s in pair),
                                 " ".join(zones) + f" {{\n        endpoint {api.url}\n    }}"),
                         address=address, supervised=True)
        apply(api, [], objects(0))
        with server:
            for zone in zones:
                wait_for(lambda zone=zone: server.ask(zone, "SOA").answer, zone)
            for s in pair:
                s.begin(server.port)
            for s in pair:
                for zone in zones:
                    s.wait_serial(zone, serial(server, zone))
            for step in range(1, 151):
                before = serial(server, zones[0])
                apply(api, objects(step - 1), objects(step))
                wait_for(lambda before=before: serial(server, zones[0]) != before, f"step {step}")
                time.sleep(0.1)
            expect_all_the_same(server, pair, zones)
            expect_incremental(server, pair, 10)
            if zones == ["."]:
                assert any(line.startswith("default.svc. ") and line.split()[2] == "TYPE65280" for line in pair[0].transfer("."))


def test_a_secondary_that_was_away(followers):
    """It comes back behind the journal, and to another zone file; and the primary comes back without its zone's history."""
    address = loopback()
    zones = ["cluster.local."]
    pair = followers(address, zones)
    server = Seamark(CONF % (" ".join(s.to for s in pair), zones[0]), address=address)
    records = [f"n{i}.svc A 10.0.0.{i}" for i in range(1, 200)]
    put_zone(server.zones, records, 100, identity())
    with server:
        for s in pair:
            s.begin(server.port).wait_serial(zones[0], 100)
            s.close()
        journal = Journal(server.zones, 100)
        for i in range(20):
            journal.commit(f"-{records.pop()}")
        wait_for(lambda: serial(server, zones[0]) == journal.serial, "the changes")
        for s in pair:
            s.begin(server.port)
        expect_all_the_same(server, pair, zones)
        for s in pair:
            s.close()
        put_zone(server.zones, records + ["new.svc A 10.0.0.1"], 500, identity())
        for s in pair:
            s.begin(server.port)
        wait_for(lambda: serial(server, zones[0]) == 500, "the other zone")
        expect_all_the_same(server, pair, zones)
        server.stop()
        server.start()
        Journal(server.zones, 500).commit("+newer.svc A 10.0.0.1")
        wait_for(lambda: serial(server, zones[0]) == 501, "the change")
        expect_all_the_same(server, pair, zones)


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_the_tools_that_people_use(program):
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")
    server = Seamark(CONF % ("*", "cluster.local"))
    put_zone(server.zones, ["web.svc A 10.0.0.1", "default.svc TYPE65280 \\# 0"], 100, identity())
    with server:
        Journal(server.zones, 100).commit("+w.svc A 10.0.0.2")
        wait_for(lambda: serial(server, "cluster.local.") == 101, "the change")
        for kind, count in (("AXFR", 5), ("IXFR=100", 5), ("IXFR=101", 1)):
            done = subprocess.run([program, f"@{server.address}", "-p", str(server.port), "cluster.local", *(
                ["-t", kind] if kind != "AXFR" else [kind])], capture_output=True, text=True, timeout=30, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            records = [line for line in done.stdout.splitlines() if line and not line.startswith(";")]
            assert len(records) == count, done.stdout
