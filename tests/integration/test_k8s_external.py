"""k8s_external with both programs: objects in, answers out; what it shares with the kubernetes plugin beside it."""

import os
import subprocess
import urllib.request

import dns.flags
import dns.rcode
import pytest

import checkzone
from seamark import Seamark, addresses, lines, wait_for
from syncd import PROGRAM, endpoint, namespace, service, slice_of, write_objects
from upstream import Upstream

BLOCK = """
.:{port} {
    bind {address}
    errors
    BEFORE
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        objects {folder}/objects.json
        ttl 30
        fallthrough
    }
    k8s_external ZONES {
        OPTIONS
    }
    NEXT
}
"""


def balanced(name, entries, **spec):
    made = service(name, ["10.96.0.9"], [("http", 80)], **spec)
    made["status"] = {"loadBalancer": {"ingress": entries}}
    return made


def objects():
    return [
        namespace("default"), namespace("empty"),
        service("web", ["10.96.0.1"], [("http", 80), ("dns", 53, "UDP")], externalIPs=["192.0.2.1", "2001:db8::1"]),
        service("inside", ["10.96.0.2"], [("http", 80)]),
        balanced("lb", [{"ip": "192.0.2.7"}]),
        balanced("aws", [{"hostname": "Lb.Example.com"}]),
        balanced("lost", [{"hostname": "gone.example.com"}]),
        service("db", None, [("sql", 5432)]),
        slice_of("db", "db-1", [endpoint("10.1.0.1", hostname="db-0"), endpoint("10.1.0.2")], [("sql", 5432)]),
    ]


def start(zones="example.org", options="", behind="", before="", made=None):
    text = BLOCK.replace("ZONES", zones).replace("OPTIONS", options).replace("NEXT", behind).replace("BEFORE", before)
    server = Seamark(text, supervised=True)
    write_objects(server.path("objects.json"), objects() if made is None else made)
    return server


def wait_for_zone(server, zone="example.org"):
    wait_for(lambda: rcode(server.ask(zone, "SOA")) == "NOERROR", "the zone")


def rcode(answer):
    return dns.rcode.to_text(answer.rcode())


@pytest.fixture(name="served", scope="module")
def fixture_served():
    with Upstream() as up, start("example.org 192.0.2.0/24 example.net", behind=f"forward . {up.address}") as server:
        up.add("lb.example.com", "A", "203.0.113.7", ttl=17)
        for zone in ("example.org", "example.net", "2.0.192.in-addr.arpa"):
            wait_for_zone(server, zone)
        yield server


def test_the_apex_has_soa_ns_and_its_name_server(served):
    soa = served.ask("example.org", "SOA").answer
    assert lines(soa)[0].startswith("example.org. 5 IN SOA ns1.dns.example.org. hostmaster.dns.example.org. ")
    assert lines(soa)[0].endswith(" 7200 1800 86400 5")
    ns = served.ask("Example.ORG", "NS")
    assert lines(ns.answer) == ["Example.ORG. 5 IN NS ns1.dns.example.org."] and ns.flags & dns.flags.AA
    assert [r.name.to_text() for r in ns.additional][:1] == ["ns1.dns.example.org."]
    assert lines(served.ask("ns1.dns.example.org").answer) == lines(r for r in ns.additional if r.rdtype == 1)
    for name, code in (("dns.example.org", "NOERROR"), ("ns1.dns.example.org", "NOERROR"), ("ns2.dns.example.org", "NXDOMAIN"),
                       ("x.ns1.dns.example.org", "NXDOMAIN"), ("example.org", "NOERROR")):
        answer = served.ask(name, "MX")
        assert (rcode(answer), len(answer.answer), len(answer.authority)) == (code, 0, 1), name


def test_services_have_their_external_addresses(served):
    assert lines(served.ask("web.default.example.org").answer) == ["web.default.example.org. 5 IN A 192.0.2.1"]
    assert lines(served.ask("web.default.example.net", "AAAA").answer) == ["web.default.example.net. 5 IN AAAA 2001:db8::1"]
    assert lines(served.ask("WEB.default.example.org").answer) == ["WEB.default.example.org. 5 IN A 192.0.2.1"]
    assert lines(served.ask("lb.default.example.org").answer) == ["lb.default.example.org. 5 IN A 192.0.2.7"]
    srv = served.ask("_http._tcp.web.default.example.org", "SRV")
    assert lines(srv.answer) == ["_http._tcp.web.default.example.org. 30 IN SRV 0 50 80 web.default.example.org."]
    assert lines(srv.additional) == ["web.default.example.org. 5 IN A 192.0.2.1",
                                     "web.default.example.org. 5 IN AAAA 2001:db8::1"]
    assert lines(served.ask("dns.udp.web.default.example.org", "SRV").answer) == [
        "dns.udp.web.default.example.org. 30 IN SRV 0 50 53 web.default.example.org."]
    assert lines(served.ask("web.default.svc.cluster.local").answer) == ["web.default.svc.cluster.local. 30 IN A 10.96.0.1"]


@pytest.mark.parametrize("name, code", [
    ("default.example.org", "NOERROR"), ("empty.example.org", "NOERROR"), ("none.example.org", "NXDOMAIN"),
    ("inside.default.example.org", "NXDOMAIN"), ("db.default.example.org", "NXDOMAIN"),
    ("web.default.example.org", "NOERROR"), ("web.none.example.org", "NXDOMAIN"),
    ("_x._tcp.web.default.example.org", "NXDOMAIN"), ("a.b.c.web.default.example.org", "NXDOMAIN"),
])
def test_what_exists_without_data_and_what_does_not(served, name, code):
    for rdtype in ("TXT", "MX", "ANY", "PTR"):
        answer = served.ask(name, rdtype)
        assert (rcode(answer), answer.answer, len(answer.authority)) == (code, [], 1), rdtype
        assert answer.flags & dns.flags.AA


def test_host_names_of_load_balancers_are_followed(served):
    name = "aws.default.example.org"
    assert lines(served.ask(name).answer) == ["Lb.Example.com. 17 IN A 203.0.113.7", f"{name}. 30 IN CNAME Lb.Example.com."]
    assert lines(served.ask(name, "AAAA").answer) == [f"{name}. 30 IN CNAME Lb.Example.com."]
    lost = served.ask("lost.default.example.org")
    assert rcode(lost) == "NOERROR" and lines(lost.answer) == ["lost.default.example.org. 30 IN CNAME gone.example.com."]
    for front in ("_http._tcp.", "_._.", "_tcp.", ""):  # the file has the first two
        srv = served.ask(front + name, "SRV").answer
        assert lines(srv) == [f"{front}{name}. 30 IN SRV 0 100 80 Lb.Example.com."]
        assert lines(served.ask(front + name).answer)[1] == f"{front}{name}. 30 IN CNAME Lb.Example.com."
    assert lines(served.ask(name, "TXT").answer) == [f"{name}. 30 IN CNAME Lb.Example.com."]


def test_a_label_in_front_of_an_external_service_says_nothing(served):
    for front in ("x.", "_tcp.", "X-1."):
        answer = served.ask(front + "web.default.example.org")
        assert lines(answer.answer) == [f"{front}web.default.example.org. 5 IN A 192.0.2.1"]
        assert rcode(served.ask(front + "web.default.example.org", "MX")) == "NOERROR"
    for name in ("x.y.web.default.example.org", "x.inside.default.example.org", "x.ns1.dns.example.org",
                 "x.db.default.example.org", "x.1.2.0.192.in-addr.arpa"):
        assert rcode(served.ask(name)) == "NXDOMAIN", name


def test_ptr_of_an_external_address_is_below_the_first_zone(served):
    assert lines(served.ask("1.2.0.192.in-addr.arpa", "PTR").answer) == [
        "1.2.0.192.in-addr.arpa. 5 IN PTR web.default.example.org."]
    assert rcode(served.ask("9.2.0.192.in-addr.arpa", "PTR")) == "NXDOMAIN"
    assert lines(served.ask("1.0.96.10.in-addr.arpa", "PTR").answer) == [
        "1.0.96.10.in-addr.arpa. 30 IN PTR web.default.svc.cluster.local."]


def test_its_files_stand_beside_the_clusters_and_any_server_takes_them(served):
    names = sorted(f for f in os.listdir(served.zones) if f.endswith(".zone"))
    assert names == ["2.0.192.in-addr.arpa+external.zone", "cluster.local.zone", "example.net+external.zone",
                     "example.org+external.zone", "in-addr.arpa.zone", "ip6.arpa.zone"]
    assert len(checkzone.check_folder(served.zones)) == len(names)
    head = checkzone.header(os.path.join(served.zones, "example.org+external.zone"))
    assert head["zone"] == "example.org."
    assert head["source"].endswith(" external: ttl=5 apex=dns headless=no primary=example.org.")


def test_check_looks_at_its_zones_too(served):
    done = served.check()
    assert done.returncode == 0 and "/example.org+external.zone: " in done.stdout
    path = os.path.join(served.zones, "example.net+external.zone")
    with open(path, encoding="ascii") as file:
        text = file.read()
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace("192.0.2.7", "192.0.2.8"))
        done = served.check()
        assert done.returncode == 1 and "example.net+external.zone:" in done.stderr
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)


def test_both_plugins_may_have_one_reverse_zone():
    """The first one has the word: fallthrough takes what it does not know to kubernetes, and from there to whoever is next."""
    with start("example.org in-addr.arpa", "fallthrough in-addr.arpa", "whoami") as server:
        wait_for_zone(server)
        assert lines(server.ask("1.2.0.192.in-addr.arpa", "PTR").answer) == [
            "1.2.0.192.in-addr.arpa. 5 IN PTR web.default.example.org."]
        wait_for(lambda: lines(server.ask("1.0.96.10.in-addr.arpa", "PTR").answer) == [
            "1.0.96.10.in-addr.arpa. 30 IN PTR web.default.svc.cluster.local."], "the cluster's reverse zone")
        assert server.ask("1.1.1.1.in-addr.arpa", "PTR").additional  # whoami
        assert rcode(server.ask("none.example.org")) == "NXDOMAIN"
        assert {"in-addr.arpa.zone", "in-addr.arpa+external.zone"} <= set(os.listdir(server.zones))
    with start("example.org in-addr.arpa", "", "whoami") as server:
        wait_for_zone(server)
        assert rcode(server.ask("1.0.96.10.in-addr.arpa", "PTR")) == "NXDOMAIN"


def test_both_plugins_may_have_one_forward_zone():
    """What is no name outside falls through to the cluster's names; the apex and its name server are k8s_external's."""
    with start("cluster.local", "fallthrough", "whoami") as server:
        wait_for_zone(server, "cluster.local")
        wait_for(lambda: addresses(server.ask("web.default.svc.cluster.local")) == ["10.96.0.1"], "the cluster's zone")
        assert addresses(server.ask("web.default.cluster.local")) == ["192.0.2.1"]
        assert server.ask("cluster.local", "SOA").answer[0][0].mname.to_text() == "ns1.dns.cluster.local."
        assert server.ask("inside.default.cluster.local").additional  # neither has it: whoami
        assert lines(server.ask("dns-version.cluster.local", "TXT").answer)
        assert {"cluster.local.zone", "cluster.local+external.zone"} <= set(os.listdir(server.zones))


def test_what_does_not_exist_falls_through_but_not_in_the_name_servers_branch():
    with start("example.org", "apex ns\nttl 0\nfallthrough", "whoami") as server:
        wait_for_zone(server)
        assert lines(server.ask("example.org", "NS").answer) == ["example.org. 0 IN NS ns1.ns.example.org."]
        for name in ("none.example.org", "inside.default.example.org", "x.dns.example.org"):
            assert server.ask(name).additional, name
        for name in ("x.ns.example.org", "x.ns1.ns.example.org"):
            assert rcode(server.ask(name)) == "NXDOMAIN", name
        for name in ("ns.example.org", "default.example.org"):
            assert rcode(server.ask(name)) == "NOERROR" and not server.ask(name).additional, name


def test_headless_services_have_their_endpoints_where_that_is_wanted():
    with start("example.org", "headless\nttl 60") as server:
        wait_for_zone(server)
        assert addresses(server.ask("db.default.example.org")) == ["10.1.0.1", "10.1.0.2"]
        assert lines(server.ask("db-0.db.default.example.org").answer) == ["db-0.db.default.example.org. 60 IN A 10.1.0.1"]
        for name in ("x.db.default.example.org", "x.inside.default.example.org", "_._.inside.default.example.org"):
            assert rcode(server.ask(name)) == "NXDOMAIN", name
        srv = server.ask("_sql._tcp.db.default.example.org", "SRV")
        assert lines(srv.answer) == [
            "_sql._tcp.db.default.example.org. 30 IN SRV 0 50 5432 10-1-0-2.db.default.example.org.",
            "_sql._tcp.db.default.example.org. 30 IN SRV 0 50 5432 db-0.db.default.example.org."]
        assert lines(srv.additional) == ["10-1-0-2.db.default.example.org. 60 IN A 10.1.0.2",
                                         "db-0.db.default.example.org. 60 IN A 10.1.0.1"]


def test_a_change_is_told_at_once_although_there_is_a_cache():
    with start(before="cache 300\nprometheus {address}:9153") as server:
        wait_for_zone(server)
        serial = server.ask("example.org", "SOA").answer[0][0].serial
        assert addresses(server.ask("web.default.example.org")) == ["192.0.2.1"]
        changed = [o for o in objects() if o["metadata"]["name"] != "web"]
        changed.append(service("web", ["10.96.0.1"], [("http", 80)], externalIPs=["192.0.2.99"]))
        write_objects(server.path("objects.json"), changed)
        wait_for(lambda: addresses(server.ask("web.default.example.org")) == ["192.0.2.99"], "the new address")
        assert server.ask("example.org", "SOA").answer[0][0].serial != serial
        journal = os.path.join(server.zones, "example.org+external.journal")
        assert [t[1] for t in checkzone.transactions(journal)][-1].startswith("Service default/web changed")
        with urllib.request.urlopen(f"http://{server.address}:9153/metrics", timeout=5) as page:
            text = page.read().decode()
        assert 'seamark_zone_records{view="external",zone="example.org."} ' in text
        assert 'seamark_zone_records{zone="cluster.local."} ' in text


def test_an_external_change_alone_leaves_the_clusters_zone_as_it_is():
    with start() as server:
        wait_for_zone(server)
        wait_for_zone(server, "cluster.local")
        serial = server.ask("cluster.local", "SOA").answer[0][0].serial
        write_objects(server.path("objects.json"), objects() + [balanced("new", [{"ip": "192.0.2.50"}], namespace="empty")])
        wait_for(lambda: addresses(server.ask("new.empty.example.org")) == ["192.0.2.50"], "the new service")
        changed = objects() + [balanced("new", [{"ip": "192.0.2.51"}], namespace="empty")]
        now = wait_for(lambda: server.ask("cluster.local", "SOA").answer[0][0].serial != serial and
                       server.ask("cluster.local", "SOA").answer[0][0].serial, "the service in the cluster's zone")
        write_objects(server.path("objects.json"), changed)
        wait_for(lambda: addresses(server.ask("new.empty.example.org")) == ["192.0.2.51"], "the new address")
        assert server.ask("cluster.local", "SOA").answer[0][0].serial == now


def test_without_a_zone_file_it_is_servfail_or_falls_through():
    with Seamark(".:{port} {\n bind {address}\n kubernetes cluster.local {\n objects {folder}/x\n }\n"
                 " k8s_external example.org\n}\n") as server:
        answer = server.ask("web.default.example.org")
        assert rcode(answer) == "SERVFAIL" and answer.flags & dns.flags.AA
    with Seamark(".:{port} {\n bind {address}\n kubernetes cluster.local {\n objects {folder}/x\n }\n"
                 " k8s_external example.org {\n fallthrough\n }\n whoami\n}\n") as server:
        assert server.ask("web.default.example.org").additional


@pytest.mark.parametrize("text, said", [
    (".:{port} {\n k8s_external example.org\n whoami\n}\n", "Corefile:2 - plugin/k8s_external: kubernetes plugin not loaded"),
    (".:{port} {\n kubernetes cluster.local\n k8s_external example.org {\n  ttl 4000\n }\n}\n",
     'Corefile:4 - plugin/k8s_external: expected a number from 0 to 3600 behind "ttl", found "4000"'),
    ("a.:{port} {\n kubernetes cluster.local\n k8s_external example.org\n}\n"
     "b.:{port} {\n kubernetes cluster.local\n k8s_external example.org {\n  headless\n }\n}\n",
     "Corefile:7 - plugin/k8s_external: zone example.org. stands in another k8s_external block with other options"),
])
def test_a_mistake_is_named_at_start(text, said):
    server = Seamark(text)
    try:
        done = server.check()
        assert done.returncode == 1 and said in done.stderr, done.stderr
    finally:
        server.cleanup()


def test_two_blocks_that_agree_share_the_files(tmp_path):
    write_objects(tmp_path / "objects.json", objects())
    block = f"kubernetes cluster.local {{\n objects {tmp_path}/objects.json\n }}\n k8s_external example.org\n}}\n"
    (tmp_path / "Corefile").write_text("a.:5301 {\n" + block + "b.:5301 {\n" + block)
    done = subprocess.run([PROGRAM, "-conf", tmp_path / "Corefile", "-zones", tmp_path / "zones", "-once"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("zone example.org. (external): new zone file") == 1


def test_a_zone_whose_name_no_file_can_have():
    """-check says so, as the start does, also where only the journal's name is too long."""
    for last in (43, 60):
        zone = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * last])
        server = start(zone)
        try:
            done = server.check()
            assert done.returncode == 1 and zone in done.stderr and "its name is too long" in done.stderr
        finally:
            server.cleanup()
