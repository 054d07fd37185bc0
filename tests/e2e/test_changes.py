"""Changes in the cluster: after each, both servers agree within a second; and who shows it sooner."""

import statistics
import time

import pytest

import names
import world
from compare import differences, known
from latency import answers, sample, shows_address, summary
from process import wait_for
from question import ask
from workload import (endpoint, ensure_node, external_name, headless, namespace, port, remove_namespace, report_running,
                      run_pod, service, slice_, slices_of)

NS = "changes"
TYPES = ["A", "AAAA", "SRV", "PTR", "TXT"]
AGREE_SECONDS = 1
SAMPLES = 60
# What a round of asking takes on a busy machine: a change that both show at the same moment is seen up to that much
# later at one of them.
NOISE_MS = 1.0
HTTP = port(80, "http")


@pytest.fixture(scope="module")
def api(cluster):
    ensure_node(cluster.admin)
    cluster.admin.create(namespace(NS))
    yield cluster.admin
    remove_namespace(cluster.admin, NS)


@pytest.fixture(scope="module")
def servers(start_both, api):
    """Without a cache: CoreDNS's keeps the reverse names, and with the stock Corefile all names, for 30 s."""
    return start_both("none")


def full_name(name):
    return f"{name}.{NS}.svc.{world.ZONE}"


class Follower:
    """After each change of a test, checks all names that its objects give and that they gave before."""

    def __init__(self, api, servers):
        self.api, self.servers = api, servers
        self.names = {}
        self.of_others = {o["metadata"]["uid"] for kind in self.objects() for o in kind}

    def objects(self):
        return (self.api.list(f"/api/v1/namespaces/{NS}/services"),
                self.api.list(f"/apis/discovery.k8s.io/v1/namespaces/{NS}/endpointslices"))

    def learn(self):
        own = [[o for o in kind if o["metadata"]["uid"] not in self.of_others] for kind in self.objects()]
        self.names.update(names.derive(world.ZONE, [NS], *own))

    def expect(self, name, rdtype, want):
        """`want` is the addresses, or the rcode, that the last change leads to; then everything must agree."""
        deadline = time.monotonic() + AGREE_SECONDS
        for server in self.servers:
            left = max(0.0, deadline - time.monotonic())
            wait_for(f"{server.name} answers {name} {rdtype} with {want}",
                     lambda s=server: seen(s, name, rdtype) == want, left, pause=0.01)
        self.learn()
        open_questions = [(n, t, k) for n, k in self.names.items() for t in TYPES]
        while True:
            started = time.monotonic()
            open_questions = [(q, d) for q in open_questions if (d := self.disagreement(*q))]
            if not open_questions:
                return
            if started > deadline:
                pytest.fail(f"no agreement within {AGREE_SECONDS} s:\n" + "\n".join(
                    f"{n} {t}: {'; '.join(d)}" for (n, t, _), d in open_questions[:10]), pytrace=False)
            open_questions = [q for q, _ in open_questions]

    def disagreement(self, name, rdtype, kind):
        theirs, ours = (ask(server, name, rdtype) for server in self.servers)
        return [line for line in differences(theirs, ours) if not known(kind, rdtype, line)]


def seen(server, name, rdtype):
    answer = ask(server, name, rdtype)
    return answer.addresses() or answer.rcode


@pytest.fixture
def follower(api, servers):
    return Follower(api, servers)


def test_service_created_and_deleted(follower):
    made = follower.api.create(service(NS, "shortlived", [HTTP]))
    follower.expect(full_name("shortlived"), "A", {made["spec"]["clusterIP"]})
    follower.api.delete(made)
    follower.expect(full_name("shortlived"), "A", "NXDOMAIN")


def test_ports_renamed(follower):
    made = follower.api.create(service(NS, "renamed", [HTTP]))
    address = {made["spec"]["clusterIP"]}
    follower.expect("_http._tcp." + full_name("renamed"), "A", address)
    follower.api.patch(made, {"spec": {"ports": [port(80, "web"), port(81, "more", "UDP")]}})
    follower.expect("_web._tcp." + full_name("renamed"), "A", address)
    follower.expect("_more._udp." + full_name("renamed"), "A", address)
    follower.expect("_http._tcp." + full_name("renamed"), "A", "NXDOMAIN")


def test_headless_service_scaled(follower):
    """With pods, by the EndpointSlice controller: up, down, one not ready, none."""
    api, name = follower.api, full_name("scaled")
    api.create(headless(NS, "scaled", [HTTP], "scaled"))
    pods = {f"10.245.1.{i}": run_pod(api, NS, f"scaled-{i}", "scaled", [f"10.245.1.{i}"]) for i in (1, 2, 3)}
    expect_after_controller(follower, "scaled", set(pods))
    report_running(api, pods["10.245.1.1"], ["10.245.1.1"], ready=False)
    expect_after_controller(follower, "scaled", {"10.245.1.2", "10.245.1.3"})
    api.delete(pods["10.245.1.2"])
    expect_after_controller(follower, "scaled", {"10.245.1.3"})
    api.delete(pods["10.245.1.3"])
    expect_after_controller(follower, "scaled", set())
    follower.expect(name, "A", "NXDOMAIN")
    run_pod(api, NS, "scaled-4", "scaled", ["10.245.1.4"])
    expect_after_controller(follower, "scaled", {"10.245.1.4"})


def expect_after_controller(follower, name, addresses):
    """The second that the servers have begins when the slices are as they shall be."""
    def ready():
        return {a for s in slices_of(follower.api, NS, name) for e in s["endpoints"] or []
                if e["conditions"].get("ready") for a in e["addresses"]}
    wait_for(f"slices of {name} hold {addresses}", lambda: ready() == addresses, 20)
    follower.expect(full_name(name), "A", addresses or "NXDOMAIN")


def test_from_headless_to_cluster_address_and_back(follower):
    api, name = follower.api, full_name("turncoat")
    api.create(slice_(NS, "turncoat-1", "turncoat", [endpoint("10.245.2.1"), endpoint("10.245.2.2")], [HTTP]))
    made = api.create(headless(NS, "turncoat", [HTTP]))
    follower.expect(name, "A", {"10.245.2.1", "10.245.2.2"})
    # A Service's address cannot be changed in place, so it is made anew.
    api.delete(made)
    made = api.create(service(NS, "turncoat", [HTTP]))
    follower.expect(name, "A", {made["spec"]["clusterIP"]})
    api.delete(made)
    api.create(headless(NS, "turncoat", [HTTP]))
    follower.expect(name, "A", {"10.245.2.1", "10.245.2.2"})


def test_external_name_changed_and_given_an_address(follower):
    api, name = follower.api, full_name("elsewhere")
    made = api.create(external_name(NS, "elsewhere", "www.example"))
    follower.expect(name, "A", {"198.51.100.1", "198.51.100.2"})
    made = api.patch(made, {"spec": {"externalName": "v4only.example"}})
    follower.expect(name, "A", {"198.51.100.4"})
    made = api.patch(made, {"spec": {"type": "ClusterIP", "externalName": None, "ports": [HTTP]}})
    follower.expect(name, "A", {made["spec"]["clusterIP"]})
    api.patch(made, {"spec": {"type": "ExternalName", "externalName": "www.example", "clusterIP": "",
                              "clusterIPs": None, "ports": None, "ipFamilies": None, "ipFamilyPolicy": None}})
    follower.expect(name, "A", {"198.51.100.1", "198.51.100.2"})


def test_hostnames_of_endpoints_changed(follower):
    api, name = follower.api, full_name("hosts")
    api.create(headless(NS, "hosts", [HTTP]))
    made = api.create(slice_(NS, "hosts-1", "hosts", [endpoint("10.245.3.1", hostname="one")], [HTTP]))
    follower.expect("one." + name, "A", {"10.245.3.1"})
    api.patch(made, {"endpoints": [endpoint("10.245.3.1", hostname="two"), endpoint("10.245.3.2")]})
    follower.expect("two." + name, "A", {"10.245.3.1"})
    follower.expect("one." + name, "A", "NXDOMAIN")
    follower.expect("10-245-3-2." + name, "A", {"10.245.3.2"})


def test_dual_stack_switched_on(follower):
    made = follower.api.create(service(NS, "second-family", [HTTP]))
    follower.expect(full_name("second-family"), "AAAA", "NOERROR")
    made = follower.api.patch(made, {"spec": {"ipFamilyPolicy": "RequireDualStack"}})
    follower.expect(full_name("second-family"), "AAAA", {made["spec"]["clusterIPs"][1]})


def test_namespace_created_and_deleted(follower):
    api = follower.api
    api.create(namespace("passing"))
    follower.expect("passing.svc." + world.ZONE, "A", "NOERROR")
    held = api.create(service("passing", "guest", [HTTP]))
    follower.expect("guest.passing.svc." + world.ZONE, "A", {held["spec"]["clusterIP"]})
    remove_namespace(api, "passing")
    follower.expect("passing.svc." + world.ZONE, "A", "NXDOMAIN")
    follower.expect("guest.passing.svc." + world.ZONE, "A", "NXDOMAIN")


def test_many_at_once(follower):
    """A burst, as an upgrade of an application makes it: the last state is what counts."""
    api = follower.api
    made = [api.create(service(NS, f"burst-{i}", [HTTP])) for i in range(50)]
    follower.expect(full_name("burst-49"), "A", {made[49]["spec"]["clusterIP"]})
    for obj in made[1:]:
        api.delete(obj)
    follower.expect(full_name("burst-49"), "A", "NXDOMAIN")
    follower.expect(full_name("burst-0"), "A", {made[0]["spec"]["clusterIP"]})


def service_samples(api, servers):
    """A ClusterIP Service appears."""
    for i in range(SAMPLES):
        name = f"timed-{i}"
        yield sample(servers, full_name(name), "A", answers, lambda n=name: api.create(service(NS, n, [HTTP])))


def headless_samples(api, servers):
    """The first slice of a headless Service appears."""
    for i in range(SAMPLES):
        name = f"timed-headless-{i}"
        api.create(headless(NS, name, [HTTP]))
        obj = slice_(NS, name, name, [endpoint(f"10.246.1.{i + 1}")], [HTTP])
        yield sample(servers, full_name(name), "A", answers, lambda o=obj: api.create(o))


def endpoint_samples(api, servers):
    """The address of an endpoint changes."""
    name = "timed-endpoint"
    api.create(headless(NS, name, [HTTP]))
    obj = slice_(NS, name, name, [endpoint("10.246.2.254")], [HTTP])
    api.create(obj)
    for i in range(SAMPLES):
        address = f"10.246.2.{i + 1}"
        change = {"endpoints": [endpoint(address)]}
        yield sample(servers, full_name(name), "A", shows_address(address), lambda c=change: api.patch(obj, c))


@pytest.mark.parametrize("samples", [service_samples, headless_samples, endpoint_samples])
def test_seamark_shows_a_change_no_later(samples, api, servers, capsys):
    """Both are timed on the same changes, so the median is taken of the difference at each: what the API server and the
    machine do to a sample, they do to both."""
    pairs = list(samples(api, servers))
    theirs, ours = zip(*pairs)
    later = statistics.median(our - their for their, our in pairs)
    with capsys.disabled():
        print(f"\n{samples.__doc__} Acknowledged to answered, min / median / max of {SAMPLES}:"
              f"\n    CoreDNS {summary(theirs)}\n    Seamark {summary(ours)}, by change {later:+.2f} ms")
    assert later <= NOISE_MS
