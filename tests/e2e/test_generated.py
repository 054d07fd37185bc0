"""Clusters made by chance, of odd objects, under every option of the `kubernetes` block: both servers answer every name that
they give, and the names beside them, in the same way; so they do after every change; and the zone file is what one
rendered from scratch would be.

E2E_SEEDS=1-200 (or 3,17,40-49) asks for other clusters than the few that a run has otherwise; each says its seed and its options.
"""

import contextlib
import os
import re
import subprocess
import sys
import time

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pytest

import generated_names
import names
from bulk import ask_all
from compare import FALLING, Report
from conftest import STAND_IN, TOP
from generated import Generated
from generated_options import options_for
from kubeapi import ApiError
from process import wait_for
from question import ask
from side_by_side import PROGRAMS, start
from test_compare import TYPES, Question
from test_multicluster import DEFINITION
from workload import ensure_node, external_name, endpoint, headless, pod, report_running, slice_

sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import checkzone  # noqa: E402
from nsd import Nsd, answer_of  # noqa: E402

SYNC = os.path.join(TOP, "bin", "seamark-sync")
SHOW_SECONDS = 10
AGREE_SECONDS = 2
REFUSED = (400, 409, 422)
NSD_QUESTIONS = 500  # a zone
MORE_TYPES = (dns.rdatatype.TXT, dns.rdatatype.MX)


def seeds():
    for part in os.environ.get("E2E_SEEDS", "1-26,111").split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


STEPS = int(os.environ.get("E2E_STEPS", "4"))


class World:
    """A generated cluster in the API server: what is refused there is no part of it."""

    def __init__(self, api, seed):
        self.api, self.step = api, 0
        made = Generated(seed)
        self.options = options_for(seed, made.names)
        self.generated = Generated(seed, imports=self.options.has("multicluster"))
        for obj in self.generated.namespaces:
            api.create(obj)
        for obj in list(self.generated.objects.values()):
            self.apply("create", obj)
        self._make_markers()

    def apply(self, verb, obj):
        meta = obj["metadata"]
        try:
            if verb == "delete":
                self.api.delete(obj)
                return
            status = obj.get("status")
            answer = self.api.replace(obj) if verb == "update" else self.api.create(obj)
            if obj["kind"] == "Service":
                obj["spec"] = answer["spec"]  # with the addresses that it was given
            if obj["kind"] == "Pod":
                self.api.patch(obj, {"status": status}, "status")
        except ApiError as error:
            if error.status not in REFUSED:
                raise
            self._refused(verb, obj, meta)

    def _refused(self, verb, obj, meta):
        """What cannot be changed in place is made anew; what cannot be made is not there."""
        if verb == "update":
            with contextlib.suppress(ApiError):
                self.api.delete(obj)
            obj["spec"] = {k: v for k, v in obj.get("spec", {}).items() if k not in ("clusterIP", "clusterIPs") or v == "None"}
            self.apply("create", obj)
        else:
            self.generated.objects.pop((obj["kind"], meta["namespace"], meta["name"]), None)

    # An object of each kind that shows how far a server has followed the others of that kind.
    def _make_markers(self):
        ns = self.generated.names[0]
        labels = {"app": "a"} if self.options.says("labels !tier") else {"app": "a", "tier": "x"}
        self.markers = [external_name(ns, "marker-name", "step-0.example"), headless(ns, "marker", []),
                        slice_(ns, "marker-1", "marker", [endpoint("10.254.0.1")])]
        self.marker_pod = pod(ns, "marker-pod", "marker")
        for obj in self.markers + [self.marker_pod]:
            obj["metadata"].setdefault("labels", {}).update(labels)
            self.api.create(obj)
        self.mark()

    def mark(self):
        self.step += 1
        address = f"10.254.{self.step // 250}.{self.step % 250 + 2}"
        self.api.patch(self.markers[0], {"spec": {"externalName": f"step-{self.step}.example"}})
        self.api.patch(self.markers[2], {"endpoints": [endpoint(address)]})
        report_running(self.api, self.marker_pod, [address])

    def shown(self, server):
        """Whether a server has come as far as the last mark()."""
        ns, zone = self.generated.names[0], self.options.forward_zones[0].lstrip(".")
        address = f"10.254.{self.step // 250}.{self.step % 250 + 2}"
        said = ask(server, f"marker-name.{ns}.svc.{zone}", "CNAME")
        if not any(f"step-{self.step}.example." in line for line in said.answer):
            return False
        if not self.options.has("noendpoints") and ask(server, f"marker.{ns}.svc.{zone}").addresses() != {address}:
            return False
        return not self.options.says("pods verified") or bool(
            ask(server, f"{names.dashed(address)}.{ns}.pod.{zone}").addresses())

    def remove(self):
        for ns in self.generated.namespaces:
            name = ns["metadata"]["name"]
            for path in (f"/api/v1/namespaces/{name}/services", f"/apis/discovery.k8s.io/v1/namespaces/{name}/endpointslices"):
                self.api.request("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1"})
            for item in self.api.list(f"/api/v1/namespaces/{name}/pods"):
                self.api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": item["metadata"]})
            self.api.delete(ns)


def questions(options, asked, types=tuple(TYPES), **how):
    for name, kind in asked.items():
        kind += FALLING if options.falls_through(name) else ""
        for rdtype in types:
            yield Question(name, rdtype, kind, **how)


def all_questions(world):
    options = world.options
    derived = generated_names.derive(world.generated, options)
    yield from questions(options, derived)
    yield from questions(options, {".": "apex" if "." in options.forward_zones else "outside"})
    yield from questions(options, generated_names.neighbours(world.generated, options, derived))
    yield from questions(options, names.in_capitals(derived), ("A", "SRV", "PTR"))
    long = {name: kind for name, kind in derived.items() if kind in ("service", "port", "endpoint")}
    yield from questions(options, long, ("A", "SRV"), tcp=True)
    yield from questions(options, long, ("A", "SRV"), edns=None)


def compare(world, servers, asked, what):
    report = Report()
    for question, said in ask_all(servers, list(asked)):
        report.take(question, *said, 0)
    if report.groups:
        pytest.fail(f"seed {world.generated.seed} ({world.options.text()}), {what}: of {report.asked} questions, these are answered "
                    f"differently:\n{report.text()}", pytrace=False)
    return report.asked


def disagreements(servers, asked):
    """The questions that are answered differently, and what is told about them."""
    report = Report()
    for question, said in ask_all(servers, asked):
        report.take(question, *said, 0)
    return [q for cases in report.groups.values() for q, _ in cases], report


def follow(world, servers, steps):
    """Changes the cluster step by step; both have to agree on what a step touches once they have shown the marker after it."""
    count = 0
    for number in range(steps):
        before = len(world.generated.gone)
        done = world.generated.mutate()
        for verb, obj in done:
            world.apply(verb, obj)
        world.mark()
        touched = world.generated.gone[before:] + [obj for _, obj in done]
        derived = generated_names.derive(world.generated, world.options, touched)
        asked = list(questions(world.options, derived, ("A", "AAAA", "SRV", "PTR", "TXT")))
        for server in servers:
            wait_for(f"{server.address} follows", lambda s=server: world.shown(s), SHOW_SECONDS, pause=0.005)
        count += len(asked)
        deadline = time.monotonic() + AGREE_SECONDS
        while True:
            asked, report = disagreements(servers, asked)
            if not asked:
                break
            if time.monotonic() > deadline:
                said = ", ".join(f"{verb} {o['kind']} {o['metadata']['namespace']}/{o['metadata']['name']}" for verb, o in done)
                pytest.fail(f"seed {world.generated.seed} ({world.options.text()}), step {number}, {said}:\n{report.text()}", pytrace=False)
    return count


def same_from_scratch(server, folder):
    """The zones that a server has followed are those that a new start makes; returns the new ones' files. The namespaces of a
    cluster before may still be on their way out, so it is tried again."""
    corefile = os.path.join(server.folder, "Corefile")
    for attempt in range(10):
        fresh = os.path.join(folder, f"fresh-{server.address}-{attempt}")
        subprocess.run([SYNC, "-conf", corefile, "-zones", fresh, "-once"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        paths = checkzone.check_folder(fresh)
        wrong = [line for path in paths for line in _changed_lines(server.folder, fresh, os.path.basename(path)[: -len(".zone")])]
        if not wrong:
            return paths
        time.sleep(0.5)
    raise AssertionError("followed (-) and rendered anew (+) differ:\n" + "\n".join(wrong[:20]))


def _changed_lines(followed, fresh, zone):
    old, new = checkzone.effective(followed, zone), checkzone.effective(fresh, zone)
    return [f"- {line}" for line in sorted(old - new)] + [f"+ {line}" for line in sorted(new - old)]


OF_ANOTHER = re.compile(rb"g\d+|\d+-g|g\d+-xy*")  # namespaces of clusters before, on their way out


def agrees_with_nsd(server, paths, folder, generated):
    """Names that stand in the files are answered alike by Seamark and by an NSD that has loaded them."""
    own = {name.encode() for name in generated.names}
    zones = {checkzone.zone_name(p): p for p in paths}
    count = 0
    with Nsd(os.path.join(folder, f"nsd-{server.address}"), zones) as nsd:
        for zone, path in zones.items():
            origin = dns.name.from_text(zone)
            found, types = checkzone.names_and_types(path)
            asked = [(name, rdtype) for name in found for rdtype in {*types, *MORE_TYPES} - {dns.rdatatype.SOA}
                     if not any(label not in own and OF_ANOTHER.fullmatch(label) for label in name.labels)
                     and not (rdtype == dns.rdatatype.SRV and b"pod" in name.labels)]  # made by the server
            for name, rdtype in generated.rng.sample(asked, min(len(asked), NSD_QUESTIONS)):
                query = dns.message.make_query(name, rdtype, use_edns=0, payload=65535)
                ours = dns.query.tcp(query, server.address, port=server.port, timeout=5)
                theirs, ours = (_within(origin, reply) for reply in (nsd.ask(name, rdtype), ours))
                assert theirs == ours, f"{name} {dns.rdatatype.to_text(rdtype)}: NSD {theirs}, Seamark {ours}"
                count += 1
    return count


def _within(zone, reply):
    """rcode and answer, as far as the file goes: where a CNAME leads out of the zone, or to a Pod's name that stands in no file,
    no other server knows the rest."""
    rcode, records = answer_of(reply)
    records = [r for r in records if dns.name.from_text(r[0]).is_subdomain(zone)]
    targets = [r[3] for r in records if r[2] == "CNAME"]
    if any(".pod." in target for target in targets):
        records = [r for r in records if r[2] == "CNAME"]
    leaves = any(".pod." in target or not dns.name.from_text(target).is_subdomain(zone) for target in targets)
    return None if leaves else rcode, records


@pytest.fixture(scope="module")
def api(cluster):
    ensure_node(cluster.admin)
    with contextlib.suppress(ApiError):
        cluster.admin.create(DEFINITION)
    yield cluster.admin


@pytest.mark.parametrize("seed", seeds())
def test_cluster(seed, api, cluster, folder, dns_kubeconfig, outside, capsys):
    world = World(api, seed)
    corefile = world.options.corefile(cluster, dns_kubeconfig, outside)
    servers = []
    try:
        for name, program in PROGRAMS:
            servers.append(start(name, program, folder, corefile))
            servers[-1].folder = os.path.join(folder, f"{name}-{servers[-1].address}")
        for server in servers:
            wait_for(f"{server.address} knows the cluster", lambda s=server: world.shown(s), SHOW_SECONDS)
        asked = compare(world, servers, all_questions(world), "at the start")
        asked += follow(world, servers, STEPS)
        if not STAND_IN:
            paths = same_from_scratch(servers[1], folder)
            asked += agrees_with_nsd(servers[1], paths, folder, world.generated)
        with capsys.disabled():
            print(f"\nseed {seed} ({world.options.text()}): {len(world.generated.objects)} objects, {asked} questions, {STEPS} changes")
    finally:
        for server in servers:
            server.process.stop()
        world.remove()
