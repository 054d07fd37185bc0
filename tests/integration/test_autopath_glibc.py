"""autopath against the search of glibc itself: generated clusters, generated names, the real resolver.

The same names are looked up twice by getaddrinfo and res_search with a pod's resolv.conf: at a listener with autopath, and at one without,
where glibc goes through the search list by itself. The final answer must be the same: addresses, canonical name, error.

    SEARCH_CASES=100000 scripts/run-pytest tests/integration/test_autopath_glibc.py

asks more than the few of an ordinary run, and measures with 150,000 pods in place of 15,000; SEARCH_SEED chooses other cases. Numbers and
what differs are printed.
"""

import os
import random
import re
import socket
import urllib.request

import pytest

import own_resolv_conf
import zonetext
from glibc_client import Glibc
from seamark import Seamark, free_port, loopback

CASES = int(os.environ.get("SEARCH_CASES", "2000"))
SEED = int(os.environ.get("SEARCH_SEED", "1"))
CASES_A_WORLD = 1000
PODS = 150_000 if CASES >= 100_000 else 15_000
HOST = "corp.example"  # what the host's own resolv.conf searches
COREFILE = """
.:53 {
    bind {address}
    prometheus {address}:METRICS
    autopath SOURCE
    kubernetes cluster.local {
        objects {folder}/objects
        pods verified
    }
    forward . OUTSIDE
}
.:53 {
    bind PLAIN
    prometheus {address}:METRICS
    kubernetes cluster.local {
        objects {folder}/objects
        pods verified
    }
    forward . OUTSIDE
}
broken.corp.example:53 {
    bind {address} PLAIN
    prometheus {address}:METRICS
    hosts /dev/null
}
refused.corp.example:53 {
    bind {address} PLAIN
}
stub.example:53 {
    bind {address} PLAIN
    prometheus {address}:METRICS
    hosts {folder}/stub {
        fallthrough
    }
    forward . OUTSIDE
}
"""
OUTSIDE = "example:53 .:53 {\n bind {address}\n kubernetes . {\n objects {folder}/objects\n }\n}\n"
NAMESPACES = ["shop", "prod", "com", "kube-system"]
LABELS = ["web", "db", "www", "a", "com", "stub", "broken", "refused", "example", "shop", "prod", "_http", "_tcp"]


def port_53():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind((loopback(), 53))
        except OSError:
            return False
    return True


pytestmark = pytest.mark.skipif(not own_resolv_conf.allowed() or not port_53(),
                                reason="no mount namespaces or no port 53 here")

# ---- a world: what stands at which name ----


def base(rng):
    return ".".join(rng.choice(LABELS) for _ in range(rng.choice([1, 1, 2, 2, 2, 3, 3, 4])))


def records_at(rng, owner, other):
    """The records of a name: one family, both, none, something else, or an alias of another name."""
    number = rng.randrange(1, 250)
    four, six = f"{owner} A 192.0.2.{number}", f"{owner} AAAA 2001:db8::{number}"
    return rng.choice([[four], [four], [six], [four, six], [f"{owner} TYPE65280 \\# 0"], [f'{owner} TXT "{number}"'],
                       [f"{owner} SRV 0 0 80 {owner}.", four], [f"{owner} MX 5 {owner}."], [f"{owner} CNAME {other}."]])


def make_world(rng):
    """Records of the cluster's zone and of everything outside, each name once; and the Services."""
    inside, outside = {}, {}
    for namespace in NAMESPACES:
        inside[f"{namespace}.svc"] = [f"{namespace}.svc TYPE65280 \\# 0"]
    suffixes = [f"{namespace}.svc" for namespace in NAMESPACES] * 3 + ["svc", ""]
    bare = [base(rng) for _ in range(60)] + ["www.stub.example", "db.stub.example"]
    for _ in range(80):
        owner = f"{base(rng)}.{rng.choice(suffixes)}".rstrip(".")
        inside.setdefault(owner, records_at(rng, owner, rng.choice(bare + [f"{base(rng)}.shop.svc.cluster.local"])))
    for owner in bare + [f"{base(rng)}.{HOST}" for _ in range(30)]:
        outside.setdefault(owner, records_at(rng, owner, rng.choice(bare)))
    if rng.random() < 0.2:
        outside[f"*.{HOST}"] = [f"*.{HOST} A 192.0.2.251"]
    namespaces = {owner.split(".")[-2] for owner in inside if owner.endswith(".svc")}  # also those that hold names without being one
    services = {owner.split(".")[-3] + "." + owner.split(".")[-2] for owner in inside
                if owner.endswith(".svc") and owner.count(".") >= 2}
    return ([r for rs in inside.values() for r in rs], [r for rs in outside.values() for r in rs],
            bare + [owner[:-len(HOST) - 1] for owner in outside if owner.endswith(HOST)], namespaces, services)


def lookup(rng, known):
    name = rng.choice(known) if rng.random() < 0.5 else base(rng)
    tail = rng.choice(["", "", "", "", "namespace", "namespace.svc", "namespace.svc.cluster.local", "cluster.local"])
    tail = tail.replace("namespace", rng.choice(NAMESPACES + ["nobody"]))
    name = ".".join(filter(None, [name, tail])) + ("." if rng.random() < 0.03 else "")
    if rng.random() < 0.2:
        name = "".join(rng.choice([c, c.upper()]) for c in name)
    return rng.choice(["*"] * 10 + ["A", "A", "AAAA", "AAAA", "TXT", "MX", "SRV"]), name


def is_ambiguous(name, namespaces, services, own=None):
    """docs/plugins.md: a name that ends with a namespace is also one of somebody who searches there, for the shorter name. With `own`
    that is the only namespace in question, and single labels and names of Services count too."""
    labels = name.lower().rstrip(".").split(".")
    for tail in ("svc.cluster.local", "svc", ""):
        rest = ".".join(labels)
        rest = rest[:-len(tail) - 1] if tail and rest.endswith("." + tail) else rest if not tail else ""
        shorter, _, namespace = rest.rpartition(".")
        if own is not None and namespace == own and shorter:
            return True
        if own is None and namespace in namespaces and "." in shorter and \
                f"{shorter.rpartition('.')[2]}.{namespace}" not in services:
            return True
    return False


# ---- looking up ----


class World:
    def __init__(self, rng, source, namespace, more=()):
        inside, outside, self.known, *self.cluster = make_world(rng)
        self.namespace, self.search = namespace, [f"{namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local", HOST]
        self.outside = Seamark(OUTSIDE)
        self.outside.port = 53
        zonetext.put_zone(self.outside.zones, [*outside, *more], 1, zonetext.identity(self.outside.path("objects"), primary="."), ".")
        self.plain, self.metrics = loopback(), free_port("127.0.0.1")
        text = COREFILE.replace("SOURCE", source).replace("PLAIN", self.plain).replace("METRICS", str(self.metrics))
        self.server = Seamark(text.replace("OUTSIDE", self.outside.address), files={
            "stub": "198.51.100.1 www.stub.example\n198.51.100.2 two.stub.example\n",
            "host.conf": f"search {HOST}\n", "pod.conf": f"search {' '.join(self.search)}\n"})
        self.server.port = 53
        command = self.server.command
        self.server.command = lambda *flags: own_resolv_conf.command(self.server.path("host.conf"), command(*flags))
        identity = zonetext.identity(self.server.path("objects"), pods="verified")
        zonetext.put_zone(self.server.zones, inside, 1, identity)
        pods = [f'127-0-0-1 TXT "namespace={namespace}"']  # who asks on loopback
        zonetext.put(zonetext.path(self.server.zones, "cluster.local+clients"),
                     zonetext.zone_text("cluster.local.", pods, 1, identity + " clients=namespace"))
        self.clients = []

    def __enter__(self):
        with_autopath = self.outside.__enter__() and self.server.__enter__().address
        self.clients = [Glibc(self.server.folder, where, self.search) for where in (with_autopath, self.plain)]
        return self

    def __exit__(self, *error):
        for client in self.clients:
            client.__exit__()
        try:
            self.server.__exit__(*error)
        finally:
            self.outside.__exit__(*error)

    def look_up(self, questions):
        """What each listener led to, with autopath and without."""
        for client in self.clients:
            client.send(questions)
        return [client.receive() for client in self.clients]

    def asked(self):
        """Questions that came to the two listeners."""
        with urllib.request.urlopen(f"http://{self.server.address}:{self.metrics}/metrics", timeout=5) as page:
            text = page.read().decode()
        return [sum(int(n) for n in re.findall(
            r'^coredns_dns_requests_total\{.*server="dns://%s:53".*\} (\d+)$' % address, text, re.MULTILINE))
            for address in (self.server.address, self.plain)]


def compare(source, cases, own=False):
    """(cases of names with one meaning, other cases, differences of the former, of the latter, questions)"""
    seen, differ, asked = [0, 0], [[], []], [0, 0]
    for number in range((cases + CASES_A_WORLD - 1) // CASES_A_WORLD):
        rng = random.Random(f"{SEED}/{source}/{number}")
        namespace = rng.choice(NAMESPACES)
        with World(rng, source, namespace) as world:
            questions = [lookup(rng, world.known) for _ in range(min(CASES_A_WORLD, cases))]
            before = world.asked()
            got, expected = world.look_up(questions)
            asked = [a + after - b for a, after, b in zip(asked, world.asked(), before)]
            for question, is_so, should_be in zip(questions, got, expected):
                ambiguous = is_ambiguous(question[1], *world.cluster, namespace if own else None)
                seen[ambiguous] += 1
                if is_so != should_be:
                    differ[ambiguous].append(f"world {number}, in {namespace}: {question[0]} {question[1]}: "
                                             f"{is_so}, should be {should_be}")
    print(f"autopath {source}, seed {SEED}: {seen[0]} names: {len(differ[0])} differ; {seen[1]} names that end with a namespace: "
          f"{len(differ[1])} differ; questions {asked[0]} in place of {asked[1]}")
    return seen, differ, asked


@pytest.mark.parametrize("source", ["@names", "@kubernetes", "{folder}/pod.conf"])
def test_the_final_answer_is_that_of_glibcs_own_search(source):
    seen, differ, asked = compare(source, CASES, own=source != "@names")
    assert not differ[0], "\n".join(differ[0][:20])
    assert seen[0] > CASES / 2 and len(differ[1]) <= seen[1]
    assert asked[0] < asked[1]


@pytest.mark.parametrize("source", ["@names", "@kubernetes"])
def test_one_round_trip_for_a_name_of_the_outside(source):
    """A and AAAA together, where glibc's own search takes five such pairs with a list of four."""
    rng = random.Random(SEED)
    with World(rng, source, "shop", ["www.example.net A 203.0.113.1", "two.words A 203.0.113.2"]) as world:
        before = world.asked()
        got, expected = world.look_up([("*", "www.example.net"), ("*", "two.words")])
        assert got == expected == ["203.0.113.1 (www.example.net)", "203.0.113.2 (two.words)"]
        assert [a - b for a, b in zip(world.asked(), before)] == [4, 20]


def anonymous_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"^RssAnon:\s+(\d+) kB", status.read(), re.MULTILINE)[1])


def test_names_needs_no_memory():
    """Whatever the number of pods: nothing of them is kept."""
    pods = [f"10-{n >> 16}-{n >> 8 & 255}-{n & 255}.shop.pod A 10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(PODS)]
    records = [*pods, "web.shop.svc A 10.96.0.1", "www.example.org A 192.0.2.1"]
    used = []
    for autopath in ("", "autopath @names"):
        server = Seamark(".:{port} {\n bind {address}\n AUTOPATH\n kubernetes cluster.local {\n objects {folder}/objects\n pods verified\n }\n"
                         " hosts {\n 192.0.2.1 www.example.org\n fallthrough\n }\n}".replace("AUTOPATH", autopath))
        zonetext.put_zone(server.zones, records, 1, zonetext.identity(server.path("objects"), pods="verified"))
        with server:
            for _ in range(2000):
                answer = server.ask("www.example.org.shop.svc.cluster.local")
            assert bool(answer.answer) == bool(autopath)
            used.append(anonymous_kib(server))
    print(f"{PODS} pods: {used[0]} KiB without autopath, {used[1]} KiB with @names")
    assert used[1] - used[0] <= 1024
