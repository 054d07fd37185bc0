"""Instructions of user code a query takes, counted by callgrind: the one figure that no neighbour of the machine can touch."""

import os
import re
import signal
import subprocess

from measure import dnsperf
from measure.cpus import SAME_CORE, SPLIT
from parts.answers import SERVICES
from servers.authoritative import KNOT, NSD
from servers.cluster import SEAMARK

FEW, MANY = 2000, 12000  # questions; the difference leaves the start out


def _questions(files, folder, count):
    path = os.path.join(folder, f"questions-{count}")
    with open(files.questions, encoding="ascii") as source, open(path, "w", encoding="ascii") as out:
        out.writelines(line for _, line in zip(range(count), source))
    return path


def _counted(server, files, count):
    """(instructions of all its processes, answers)"""
    server.command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *server.command]
    with server:
        done = dnsperf.run(server, _questions(files, server.folder, count), SPLIT.client, 120, once=True, outstanding=20)
        os.kill(server.pid, signal.SIGTERM)
        try:
            server.process.wait(60)
        except subprocess.TimeoutExpired:
            pass
    with open(os.path.join(server.folder, f"{server.name}.log"), encoding="utf-8", errors="replace") as log:
        return sum(map(int, re.findall(r"Collected : (\d+)", log.read()))), done["done"]


def run(shop, results):
    files, peers = shop.mixed(SERVICES), {KNOT: shop.knot, NSD: shop.nsd} if shop.full else {}
    for name, make in {SEAMARK: shop.seamark, **peers}.items():
        (low, few), (high, many) = (_counted(make(files, SAME_CORE), files, count) for count in (FEW, MANY))
        results.figure(f"UDP, 1 worker: instructions of user code a query, {name}", [(high - low) / (many - few)], "instructions")
