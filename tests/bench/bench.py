"""Seamark beside CoreDNS on the same real API server with a large cluster: CPU a query, memory, start, change.

    bench.py SERVICES ROUNDS

CPU is what the scheduler accounts to all threads of a server (/proc/PID/task/*/schedstat) while dnsperf asks it; servers take
turns, the order turns each round, and ratios are taken within a round: shared machines are noisy. Memory is RSS of all processes of
a server.
"""

import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import yaml

from cluster import Cluster
from fill import fill
from outside import Outside
from process import wait_for
from question import ask
from servers import CoreDNS, Seamark

SECONDS = 4
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def processes(server):
    pid = server.process.pid
    return [pid, *children(pid)]


def rss(server, field="VmRSS"):
    total = 0
    for pid in processes(server):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith(field + ":"))
    return total / 1024


def cpu_ns(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def questions(path, services):
    """The mix of a cluster with ndots:5: found, denied by the search path, AAAA without data, SRV, PTR."""
    rnd = random.Random(1)
    with open(path, "w", encoding="ascii") as out:
        for _ in range(20000):
            s = services[int(len(services) * rnd.random() ** 2)]
            roll = rnd.random()
            name = f"{s['name']}.{s['namespace']}.svc.cluster.local"
            if roll < 0.35:
                out.write(f"{name} A\n")
            elif roll < 0.85:
                out.write(f"www.example.com.{s['namespace']}.svc.cluster.local A\n")
            elif roll < 0.95:
                out.write(f"{name} AAAA\n")
            elif roll < 0.98:
                out.write(f"_http._tcp.{name} SRV\n")
            else:
                out.write(f"{'.'.join(reversed(s['address'].split('.')))}.in-addr.arpa PTR\n")


def measure(server, datafile):
    """(CPU microseconds a query, queries a second)"""
    pid = server.process.pid
    before = cpu_ns(pid)
    text = subprocess.run(["dnsperf", "-s", server.address, "-p", str(server.port), "-d", datafile, "-l", str(SECONDS), "-c", "32",
                           "-q", "120", "-T", "1"], capture_output=True, text=True, check=True).stdout
    spent = cpu_ns(pid) - before

    def value(name):
        return float(re.search(rf"{name}: +([0-9.]+)", text).group(1))

    assert value("Queries lost") < value("Queries completed") / 1000, text
    return spent / 1000 / value("Queries completed"), value("Queries per second")


def cpu_rounds(servers, datafile, rounds):
    for server in servers:
        measure(server, datafile)
    rows = {server.name: [] for server in servers}
    order = list(servers)
    for _ in range(rounds):
        for server in order:
            rows[server.name].append(measure(server, datafile))
        order.reverse()
    return rows


def first_answer(server, name):
    """Seconds from the start of the process to its first right answer."""
    start = time.perf_counter()
    server.start()
    while ask(server, name, "A", timeout=0.05).rcode != "NOERROR":
        if time.perf_counter() - start > 60:
            raise TimeoutError(name)
    return time.perf_counter() - start


class Journal:
    """Appends transactions to a zone's journal as seamark-sync does (docs/files.md)."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            text = f.read()
        commits = [line for line in text.splitlines() if line.startswith(b"= ")]
        base = next(line for line in text.splitlines() if line.startswith(b"; base:"))
        self.serial = int(commits[-1].split()[1]) if commits else int(base.split()[2])

    def append(self, lines):
        serial = self.serial + 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        text = "; cause: benchmark\n" + "".join(f"{line}\n" for line in lines) + f"= {serial} {stamp} crc32 "
        crc = zlib.crc32(text.encode(), zlib.crc32(f"{self.serial}\n".encode()))
        with open(self.path, "ab", buffering=0) as f:
            f.write(f"{text}{crc:08x}\n".encode())
        self.serial = serial


def change_to_answer(server, journal_path, samples=40):
    """Milliseconds from a transaction in the journal to the answer that shows it."""
    journal = Journal(journal_path)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((server.address, server.port))
    s.settimeout(1)
    times, old = [], None
    query = bytes.fromhex("000101000001000000000000") + b"".join(
        bytes([len(label)]) + label for label in b"bench.default.svc.cluster.local".split(b".")) + bytes.fromhex("0000010001")
    for i in range(samples):
        record = f"bench.default.svc.cluster.local.\t30\tIN\tA\t10.9.{i // 250}.{i % 250 + 1}"
        lines = ([f"- {old}"] if old else []) + [f"+ {record}"]
        start = time.perf_counter()
        journal.append(lines)
        wanted = bytes([10, 9, i // 250, i % 250 + 1])
        while True:
            s.send(query)
            if wanted in s.recv(4096):
                break
            assert time.perf_counter() - start < 10, "a change in the journal does not show"
        times.append((time.perf_counter() - start) * 1000)
        old = record
        time.sleep(0.02)
    journal.append([f"- {old}"])
    return times


def spread(values, digits=1):
    return f"{min(values):.{digits}f} / {statistics.median(values):.{digits}f} / {max(values):.{digits}f}"


def main():
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    folder = tempfile.mkdtemp(prefix="seamark-bench-")
    cluster, outside = Cluster(os.environ["E2E_KUBERNETES"], folder).start(), Outside().start()
    servers = []
    try:
        with open(os.path.join(TOP, "contrib", "kubernetes", "rbac.yaml"), encoding="utf-8") as f:
            for obj in yaml.safe_load_all(f):
                cluster.admin.apply(obj)
        kubeconfig = cluster.kubeconfig("dns", token=cluster.token("kube-system", "seamark"))
        services = fill(cluster, count)
        datafile = os.path.join(folder, "questions")
        questions(datafile, services)
        theirs = CoreDNS(os.path.join(os.environ["E2E_COREDNS"], "coredns"), folder, kubeconfig, outside, "stock")
        ours = Seamark(os.path.join(TOP, "bin", "seamark"), folder, kubeconfig, outside, "stock")
        servers = [theirs, ours]
        for server in servers:
            server.start().wait_ready(120)
        time.sleep(8)
        last = f"{services[-1]['name']}.{services[-1]['namespace']}.svc.cluster.local."
        wait_for("all Services answered", lambda: all(ask(s, last, "A").rcode == "NOERROR" for s in servers), 60)

        idle = {s.name: rss(s) for s in servers}
        rows = cpu_rounds(servers, datafile, rounds)
        loaded = {s.name: (rss(s), rss(s, "VmHWM")) for s in servers}
        print(f"\n{count} Services, {count} EndpointSlices of 10; stock Corefile (cache 30); dnsperf, 32 sockets, 120 outstanding; "
              f"{rounds} rounds of {SECONDS} s in turn; min / median / max\n")
        print("| | CoreDNS | Seamark |\n| --- | --- | --- |")
        for label, column in (("CPU microseconds a query", 0), ("queries a second", 1)):
            print(f"| {label} | " + " | ".join(spread([r[column] for r in rows[s.name]]) for s in servers) + " |")
        ratios = [o[0] / t[0] for o, t in zip(rows["seamark"], rows["coredns"])]
        print(f"| CPU a query, Seamark / CoreDNS, round by round | 1 | {spread(ratios, 3)} |")
        print("| RSS, all processes, MiB: idle | " + " | ".join(f"{idle[s.name]:.0f}" for s in servers) + " |")
        print("| RSS, MiB: after load / peak | " + " | ".join("{:.0f} / {:.0f}".format(*loaded[s.name]) for s in servers) + " |")
        starts = {s.name: [] for s in servers}
        for _ in range(3):
            for server in servers:
                server.stop()
                starts[server.name].append(first_answer(server, last))
        print("| start to first answer, s (Seamark: zone on disk) | " + " | ".join(spread(starts[s.name], 2) for s in servers) + " |")
        for server in servers:
            server.stop()
        print(f"| one change, journal to answer, ms: this zone | | {bench_change(ours)} |")
        print(f"| one change, journal to answer, ms: a zone of one Service | | {bench_small(folder, ours)} |")
    finally:
        for server in servers:
            server.process.kill()
        outside.stop()
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def bench_change(server):
    """With seamark-sync out of the way, so that the journal has one writer."""
    if "-sync=external" not in server.process.argv:
        server.process.argv.append("-sync=external")
    server.start()
    wait_for("seamark", lambda: ask(server, "cluster.local.", "SOA").rcode == "NOERROR", 30)
    times = change_to_answer(server, os.path.join(server.zones, "cluster.local.journal"))
    server.stop()
    return spread(times, 2)


def bench_small(folder, server):
    """The same server with a zone that has hardly anything in it."""
    objects = os.path.join(folder, "small.yaml")
    with open(objects, "w", encoding="ascii") as out:
        yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}, out)
    with open(server.corefile, encoding="ascii") as f:
        text = f.read()
    source = next(line for line in text.splitlines() if "kubeconfig" in line)
    with open(server.corefile, "w", encoding="ascii") as out:
        out.write(text.replace(source, f"       objects {objects}"))
    shutil.rmtree(server.zones)
    os.makedirs(server.zones)
    subprocess.run([os.path.join(TOP, "bin", "seamark-sync"), "-conf", server.corefile, "-zones", server.zones, "-once"], check=True)
    return bench_change(server)


if __name__ == "__main__":
    main()
