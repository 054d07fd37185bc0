"""What all parts share: the folder they work in, addresses, the clusters they measure with, and how long to measure."""

import glob
import hashlib
import os
import shutil
import tempfile

from data import objects, questions, render
from measure import rounds
from servers import authoritative, cluster

PROBE = "kube-dns.kube-system.svc.cluster.local"  # every cluster has it
QUESTIONS = 200000


def _fingerprint():
    """Of everything that shapes a cluster's files: those of another one are not used."""
    total = hashlib.sha256()
    for path in [*sorted(glob.glob(os.path.join(os.path.dirname(__file__), "data", "*.py"))), cluster.__file__, cluster.SYNC]:
        with open(path, "rb") as f:
            total.update(f.read())
    return total.hexdigest()[:12]


class ClusterFiles:
    """A cluster as objects, as zone files, and as questions for them. They stay for the next run: large ones take half a minute."""

    def __init__(self, folder, name, make, say):
        self.name, self.folder = name, os.path.join(folder, name)
        self.objects, self.zones = os.path.join(self.folder, "objects.json"), os.path.join(self.folder, "zones")
        self.questions = os.path.join(self.folder, "questions")
        self.source = f"objects {self.objects}"
        done = os.path.join(self.folder, "done")
        if not os.path.exists(done):
            say(f"making the cluster {name}")
            shutil.rmtree(self.folder, ignore_errors=True)
            os.makedirs(self.folder)
            render.write_objects(self.objects, make())
            conf = cluster.corefile((self.folder, "127.0.0.1"), self.source)
            render.render(cluster.SYNC, conf, self.zones)
            questions.write(self.questions, self.zones, QUESTIONS)
            open(done, "wb").close()

    def files(self):
        return {zone: render.zone_file(self.zones, zone) for zone in render.ZONES}

    def records(self):
        return sum(map(render.count, self.files().values()))


class Workshop:
    def __init__(self, given, say):
        self.full, self.rounds, self.seconds, self.coredns = given.full, given.rounds, given.seconds, given.coredns
        self.say = say
        self.folder, self.places, self.clusters = None, 0, {}
        self.kept = os.path.join(given.out, "clusters", _fingerprint())

    def __enter__(self):
        for other in glob.glob(os.path.join(os.path.dirname(self.kept), "*")):
            if other != self.kept:
                shutil.rmtree(other)
        self.folder = tempfile.mkdtemp(prefix="seamark-bench-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def place(self, name):
        """(folder, address) of one server, its own. Addresses are ones that tests do not use (tests/lib/seamark.py)."""
        self.places += 1
        folder, pid = os.path.join(self.folder, f"{self.places:02}-{name.replace(' ', '-')}"), os.getpid()
        os.makedirs(folder)
        return folder, f"127.{64 + (pid >> 8) % 64}.{pid % 256}.{self.places}"

    def mixed(self, services):
        return self._cluster(f"mixed-{services}", lambda: objects.mixed(services))

    def regular(self, services, endpoints):
        return self._cluster(f"regular-{services}-{endpoints}", lambda: objects.regular(services, endpoints))

    def _cluster(self, name, make):
        if name not in self.clusters:
            self.clusters[name] = ClusterFiles(self.kept, name, make, self.say)
        return self.clusters[name]

    # ---- servers of one cluster's zone files ----

    def nsd(self, files, placement):
        return authoritative.nsd(self.place("nsd"), files.files(), PROBE, placement)

    def knot(self, files, placement):
        return authoritative.knot(self.place("knot"), files.files(), PROBE, placement)

    def seamark(self, files, placement, name=cluster.SEAMARK, zones=None, probe=PROBE, stdout=None, **corefile):
        place = self.place("seamark")
        conf = cluster.corefile(place, files.source, **corefile)
        return cluster.seamark(place, conf, zones or files.zones, probe, placement, name=name, stdout=stdout)

    # ---- measuring ----

    def measure(self, servers, datafile, placement, rounds_factor=1.0, **how):
        """Settles and measures servers that run."""
        if "once" not in how:
            rounds.settle(servers, datafile, placement, seconds=min(0.5, self.seconds), **how)
        return rounds.rounds(servers, datafile, placement, max(1, round(self.rounds * rounds_factor)), self.seconds, self.say, **how)
