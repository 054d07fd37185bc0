"""The questions of a cluster whose pods have ndots:5, made from its zone files, as dnsperf reads them.

35 % addresses that are found, 50 % names that the search path made up and nobody has, 10 % AAAA of Services that have only A, 3 % SRV,
2 % PTR; a few names are asked for very often (Zipf 0.8).
"""

import random

from data.render import ZONES, records, zone_file
from data.words import WORDS, Zipf

SKEW = 0.8
MIX = {"found": 35, "denied": 50, "nodata": 10, "srv": 3, "ptr": 2}
DOMAINS = ("example.com", "example.net", "example.org")


def _read(folder):
    """What there is to ask for: names by kind."""
    cluster, suffix = ZONES[0], f".svc.{ZONES[0]}"
    names = {"A": {}, "AAAA": {}, "SRV": {}, "host": {}, "PTR": {}}  # dicts, to keep the order of the file
    namespaces = {}
    for owner, rdtype, _ in records(zone_file(folder, cluster)):
        if not owner.endswith(suffix):
            continue
        labels = owner[:-len(suffix)].split(".")
        if len(labels) == 1:
            namespaces[labels[0]] = True
        elif rdtype == "SRV" and labels[0] != "_" and owner.startswith("_"):
            names["SRV"][owner] = True
        elif len(labels) == 2 and rdtype in ("A", "AAAA"):
            names[rdtype][owner] = True
            namespaces[labels[1]] = True
        elif len(labels) == 3 and rdtype == "A":
            names["host"][owner] = True
    for zone in ZONES[1:]:
        names["PTR"].update((owner, True) for owner, rdtype, _ in records(zone_file(folder, zone)) if rdtype == "PTR")
    return names, list(namespaces)


def outside_names(count, rnd):
    """Host names outside of the cluster that its pods ask for."""
    shapes = (lambda d: d, lambda d: f"{rnd.choice(WORDS)}.{d}", lambda d: f"{rnd.choice(WORDS)}.{rnd.choice(WORDS)}.{d}",
              lambda d: f"{rnd.choice(WORDS)}.{rnd.choice(('us-east-1', 'eu-west-1', 'ap-south-1'))}.{rnd.choice(WORDS)}.{d}")
    return sorted({rnd.choices(shapes, (15, 50, 25, 10))[0](rnd.choice(DOMAINS)) for _ in range(count)})


class _Mix:
    def __init__(self, folder, seed):
        self.rnd = rnd = random.Random(seed)
        names, namespaces = _read(folder)
        self.service, self.host = Zipf(names["A"], SKEW, rnd), Zipf(names["host"], SKEW, rnd) if names["host"] else None
        self.dual = Zipf(names["AAAA"], SKEW, rnd) if names["AAAA"] else None
        self.share_of_dual = len(names["AAAA"]) / len(names["A"]) / 2
        self.single = Zipf([n for n in names["A"] if n not in names["AAAA"]], SKEW, rnd)
        self.srv_name, self.ptr_name = Zipf(names["SRV"], SKEW, rnd), Zipf(names["PTR"], SKEW, rnd)
        self.outside, self.namespace = Zipf(outside_names(600, rnd), SKEW, rnd), Zipf(namespaces, 0.7, rnd)

    def found(self):
        roll = self.rnd.random()
        if roll < 0.15 and self.host:
            return self.host(), "A"
        if roll < 0.15 + 0.85 * self.share_of_dual and self.dual:
            return self.dual(), "AAAA"
        return self.service(), "A"

    def nodata(self):
        return self.single(), "AAAA"

    def srv(self):
        return self.srv_name(), "SRV"

    def ptr(self):
        return self.ptr_name(), "PTR"

    def denied(self):
        """An outside name with the search path applied; another namespace's Service looked for in the own one; a full name of fewer
        than five dots with the search path applied."""
        ns, rdtype, roll = self.namespace(), self.rnd.choice(("A", "AAAA")), self.rnd.random()
        path = [f"{ns}.svc.{ZONES[0]}", f"svc.{ZONES[0]}", ZONES[0]]
        if roll < 0.75:
            return f"{self.outside()}.{self.rnd.choice(path)}", rdtype
        if roll < 0.9:
            return f"{'.'.join(self.service().split('.')[:2])}.{path[0]}", rdtype
        return f"{self.service()}.{self.rnd.choice(path[:2])}", rdtype


def write(path, folder, count, seed=1):
    mix = _Mix(folder, seed)
    with open(path, "w", encoding="ascii") as out:
        for kind in mix.rnd.choices(list(MIX), MIX.values(), k=count):
            name, rdtype = getattr(mix, kind)()
            out.write(f"{name} {rdtype}\n")
