"""Kubernetes objects in a file, and the zone files that seamark-sync makes of them: the very files every server is given."""

import json
import os
import subprocess

ZONES = ("cluster.local", "in-addr.arpa", "ip6.arpa")


def write_objects(path, objects):
    """A List, one object a line, without ever holding all of them."""
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write('{"apiVersion": "v1", "kind": "List", "items": [\n')
        comma = ""
        for obj in objects:
            out.write(comma + json.dumps(obj, separators=(",", ":")))
            comma = ",\n"
        out.write("\n]}\n")
    os.rename(path + ".new", path)


def render(program, corefile, zones):
    """The zone files of a Corefile's `objects`, in the folder `zones`."""
    os.makedirs(zones, exist_ok=True)
    subprocess.run([program, "-conf", corefile, "-zones", zones, "-once"], check=True, timeout=300, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def zone_file(folder, zone):
    return os.path.join(folder, f"{zone}.zone")


def count(path):
    """How many records its header says."""
    with open(path, encoding="ascii") as f:
        return next(int(line.split()[2]) for line in f if line.startswith("; records:"))


def records(path):
    """(owner, type, rdata) of each line, names without the final dot."""
    with open(path, encoding="ascii") as f:
        for line in f:
            if not line.startswith(";"):
                owner, _, _, rdtype, rdata = line.rstrip("\n").split("\t", 4)
                yield owner[:-1], rdtype, rdata
