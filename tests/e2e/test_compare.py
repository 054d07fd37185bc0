"""Seamark answers what CoreDNS answers: every name of the cluster and names beside them, asked of both."""

import dataclasses
import os

import pytest

import names
import world
from compare import Report
from question import ask
from process import wait_for

TYPES = ["A", "AAAA", "SRV", "PTR", "TXT", "SOA", "NS", "CNAME", "ANY", "HTTPS"]
CACHE_SECONDS = 30  # `cache 30`


@dataclasses.dataclass(frozen=True)
class Question:
    name: str
    rdtype: str
    kind: str
    tcp: bool = False
    edns: int = 1232

    def __str__(self):
        how = (" tcp" if self.tcp else "") + ("" if self.edns else " without EDNS")
        return f"{self.name} {self.rdtype}{how}"

    def of(self, server):
        return ask(server, self.name, self.rdtype, self.tcp, self.edns)

    def may_be_silent(self):
        """CoreDNS says nothing where it has made a name that is none: who waits for it waits in vain."""
        return "of nobody" in self.kind or "at the root" in self.kind

    def may_come_from_a_cache(self):
        """With kubeadm's Corefile: what the upstream said, be it because the reverse zones fall through to it."""
        return any(word in self.kind for word in ("outside", "external name", "reverse"))


@pytest.fixture(scope="module")
def derived(cluster):
    world.build(cluster.admin)
    everything = [cluster.admin.list(path) for path in ("/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices")]
    own = [*world.NAMESPACES, "default", "kube-system"]  # not what other test files have made
    services, slices = ([o for o in kind if o["metadata"]["namespace"] in own] for kind in everything)
    return names.derive(world.ZONE, own, services, slices)


def questions(asked):
    return [Question(name, rdtype, kind) for name, kind in asked.items() for rdtype in TYPES]


def other_ways(asked):
    """Over TCP, and with an offer of 512 octets: the names that have much to say, in the types that they say it in."""
    long = {n: k for n, k in asked.items() if k in ("service", "external name", "port", "apex", "outside", "between")}
    for name, kind in long.items():
        for rdtype in ("A", "AAAA", "SRV", "TXT", "NS"):
            yield Question(name, rdtype, kind, tcp=True)
            yield Question(name, rdtype, kind, edns=None)


def compare(theirs, ours, asked, all_cached=False, no_cache=False):
    report = Report()
    for question in asked:
        slack = CACHE_SECONDS if all_cached or question.may_come_from_a_cache() and not no_cache else 0
        report.take(question, question.of(theirs), question.of(ours), slack)
    with open(os.path.join(ours.folder, "differences.txt"), "w", encoding="utf-8") as out:
        out.write(report.text(examples=100000))
    if report.groups:
        pytest.fail(f"of {report.asked} questions, these are answered differently:\n{report.text()}", pytrace=False)


def both(start_both, cache):
    theirs, ours = start_both(cache)
    last = ("web.pod.svc.cluster.local.", "crowd.shop.svc.cluster.local.")
    wait_for("both know the last endpoints", lambda: all(
        ask(server, name, tcp=True).addresses() for server in (theirs, ours) for name in last), 10)
    return theirs, ours


@pytest.fixture(scope="module")
def kubeadm(start_both, derived):
    """Both with kubeadm's Corefile, where cluster names are not cached: TTLs must be the same to the second."""
    return both(start_both, "kubeadm")


def test_every_name_of_the_cluster(kubeadm, derived):
    compare(*kubeadm, questions(derived))


def test_names_that_are_not_there(kubeadm, derived):
    compare(*kubeadm, questions(names.neighbours(derived)))


def test_names_in_capitals(kubeadm, derived):
    reverse = {name: kind for name, kind in derived.items() if kind == "reverse"}
    compare(*kubeadm, [Question(n, "PTR", k) for n, k in reverse.items()])  # so the cache has them, in small letters
    compare(*kubeadm, questions(names.in_capitals(reverse)))
    compare(*kubeadm, questions(names.in_capitals(derived)))


def test_names_outside(kubeadm):
    compare(*kubeadm, questions(names.OUTSIDE))


def test_names_outside_without_a_cache(start_both):
    """What the upstream said, TTLs included, as often as one asks."""
    servers = both(start_both, "none")
    for _ in range(2):
        compare(*servers, questions(names.OUTSIDE), no_cache=True)


def test_tcp_and_small_answers(kubeadm, derived):
    compare(*kubeadm, other_ways({**derived, **names.OUTSIDE}))


def test_with_a_cache_over_everything(start_both, derived):
    """The stock Corefile: what CoreDNS keeps for 30 s may have a lower TTL, and says the same otherwise."""
    servers = both(start_both, "stock")
    for _ in range(2):  # the second time from the cache
        compare(*servers, questions({**derived, **names.OUTSIDE}), all_cached=True)
