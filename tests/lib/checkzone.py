"""Zone files before the judges: four other programs that read zone files, and dnspython for what is in them."""

import os
import re
import shutil
import subprocess
import zlib

import dns.name
import dns.rdatatype
import dns.zone

CHECKERS = {
    "named-checkzone": lambda zone, path: ["named-checkzone", "-q", "-i", "full", zone, path],
    "nsd-checkzone": lambda zone, path: ["nsd-checkzone", zone, path],
    "kzonecheck": lambda zone, path: ["kzonecheck", "-o", zone, path],
    "ldns-read-zone": lambda zone, path: ["ldns-read-zone", path],
}


def zone_name(path):
    """cluster.local of /some/where/cluster.local.zone, and of cluster.local+VIEW.zone."""
    name = os.path.basename(path)
    assert name.endswith(".zone"), path
    zone = name[: -len(".zone")].partition("+")[0]
    return "." if zone == "root" else zone


def check(path):
    """Asserts that every checker accepts the file."""
    for name, command in CHECKERS.items():
        assert shutil.which(name), f"{name} is not installed"
        done = subprocess.run(command(zone_name(path), path), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{name} refuses {path}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def check_folder(folder):
    """check() for every zone file of a folder; returns their paths."""
    paths = sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".zone"))
    for path in paths:
        check(path)
    return paths


def check_tree(top):
    """check() for every zone file below a folder."""
    for folder, _, files in os.walk(top):
        if any(f.endswith(".zone") for f in files):
            check_folder(folder)


def lines_of(path):
    """The record lines of a zone file, without the SOA."""
    with open(path, encoding="ascii") as f:
        return [line.rstrip("\n") for line in f if not line.startswith(";") and "\tSOA\t" not in line]


def transactions(path):
    """The journal as a list of (serial, cause, removed lines, added lines); a tail without commit is left out."""
    result, cause, removed, added = [], "", [], []
    with open(path, encoding="ascii") as f:
        text = f.read()
    for line in text[: text.rfind("\n") + 1].splitlines():
        if line.startswith("; cause: "):
            cause = line[len("; cause: ") :]
        elif line.startswith("- "):
            removed.append(line[2:])
        elif line.startswith("+ "):
            added.append(line[2:])
        elif line.startswith("= "):
            result.append((int(line.split()[1]), cause, removed, added))
            cause, removed, added = "", [], []
    return result


def serials(path):
    """The serials of a journal's transactions."""
    with open(path, encoding="ascii") as f:
        text = f.read()
    return [int(serial) for serial in re.findall(r"^= (\d+).*\n", text, re.MULTILINE)]


def effective(folder, zone="cluster.local"):
    """The records of zone file and journal together, as a set of lines without the SOA. Asserts that each change fits."""
    path = os.path.join(folder, zone + ".zone")
    serial = file_serial(path)
    records = set(lines_of(path))
    journal = os.path.join(folder, zone + ".journal")
    for at, _, removed, added in transactions(journal) if os.path.exists(journal) else []:
        if not 0 < (at - serial) & 0xFFFFFFFF < 0x80000000:
            continue  # in the file already (RFC 1982)
        for line in removed:
            assert line in records, f"{journal}: removes what is not there: {line}"
            records.remove(line)
        for line in added:
            assert line not in records, f"{journal}: adds what is there: {line}"
            records.add(line)
        serial = at
    return records


def header(path):
    """The header of a zone file or journal as a dict."""
    result = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            if not line.startswith(";"):
                break
            key, colon, value = line[1:].strip().partition(": ")
            if colon:
                result.setdefault(key, value)
    return result


def file_serial(path):
    return int(header(path)["serial"])


def serial(folder, zone="cluster.local"):
    """The serial of zone file and journal together."""
    now = file_serial(os.path.join(folder, zone + ".zone"))
    journal = os.path.join(folder, zone + ".journal")
    for at in serials(journal) if os.path.exists(journal) else []:
        if 0 < (at - now) & 0xFFFFFFFF < 0x80000000:
            now = at
    return now


def load(path):
    """The zone as dnspython reads it."""
    return dns.zone.from_file(path, origin=zone_name(path), relativize=False, check_origin=True)


def names_and_types(path):
    """Every name of the zone (those between names too) and every type that occurs in it."""
    zone = load(path)
    names, types = set(), set()
    for name, node in zone.nodes.items():
        while name.is_subdomain(zone.origin):
            names.add(name)
            if name == zone.origin:
                break
            name = name.parent()
        types.update(rdataset.rdtype for rdataset in node.rdatasets)
    return sorted(names), sorted(types)


def sound(path):
    """Asserts that a zone file of Seamark is whole: its trailer's count and checksum."""
    with open(path, "rb") as f:
        data = f.read()
    start = data.rfind(b"\n; end: ") + 1
    assert start > 0 and data.endswith(b"\n"), f"{path} has no trailer"
    words = data[start:].decode("ascii").replace(",", "").split()
    records = sum(1 for line in data.splitlines() if not line.startswith(b";"))
    assert int(words[2]) == records, f"{path}: {records} records, the trailer says {words[2]}"
    assert int(words[5], 16) == zlib.crc32(data[:start]), f"{path}: the checksum does not match"
