"""One record changes: how long until it is answered. Seamark follows its journal; Knot is told by `zone-set`, NSD loads the zone anew."""

import os
import shutil
import subprocess
import time

from data.journal import Journal
from data.render import ZONES, zone_file
from measure.cpus import SPLIT
from measure.wire import Asker
from servers import authoritative
from workshop import PROBE

OWNER = f"changed.default.svc.{ZONES[0]}"
LIMIT = 30  # seconds
SMALL, LARGE = (2, 5), (10000, 15)  # Services and endpoints of each: 10 and 150,000


def until(asker, address, since):
    """Milliseconds since then until an answer has the address."""
    wanted = bytes(map(int, address.split(".")))
    while True:
        reply = asker.ask(OWNER)
        now = time.perf_counter()
        if reply and reply.endswith(wanted):
            return (now - since) * 1000
        if now - since > LIMIT:
            raise TimeoutError(f"{OWNER} is not {address} after {LIMIT} s")


def address_of(number):
    return f"10.9.{number // 250}.{number % 250 + 1}"


def seamark_changes(shop, files, samples):
    zones = os.path.join(shop.place("changing")[0], "zones")
    shutil.copytree(files.zones, zones)
    journal, old, times = Journal(os.path.join(zones, f"{ZONES[0]}.journal")), None, []
    with shop.seamark(files, SPLIT, zones=zones) as server, Asker(server.address, server.port) as asker:
        for number in range(samples):
            record = f"{OWNER}.\t30\tIN\tA\t{address_of(number)}"
            begin = time.perf_counter()
            journal.append(([f"- {old}"] if old else []) + [f"+ {record}"])
            times.append(until(asker, address_of(number), begin))
            old = record
            time.sleep(0.005 + number % 7 / 1000)
    return times


def _control(command):
    subprocess.run(command, check=True, timeout=LIMIT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def knot_changes(shop, files, samples):
    place = shop.place("knot")
    server = authoritative.knot(place, files.files(), PROBE, SPLIT, journal=True)
    times = []
    with server, Asker(server.address, server.port) as asker:
        for number in range(samples):
            begin = time.perf_counter()
            _control(authoritative.knot_control(place[0], "zone-begin", ZONES[0]))
            if number:
                _control(authoritative.knot_control(place[0], "zone-unset", ZONES[0], f"{OWNER}.", "A"))
            _control(authoritative.knot_control(place[0], "zone-set", ZONES[0], f"{OWNER}.", "30", "A", address_of(number)))
            _control(authoritative.knot_control(place[0], "zone-commit", ZONES[0]))
            times.append(until(asker, address_of(number), begin))
    return times


def nsd_changes(shop, files, samples):
    """The zone file is the whole of it: what is measured begins when the new one is there."""
    place = shop.place("nsd")
    mine = os.path.join(place[0], "changing.zone")
    with open(zone_file(files.zones, ZONES[0]), encoding="ascii") as f:
        text = f.read()

    def put(number):
        serial = text.split("; serial: ", 1)[1].split("\n", 1)[0]
        changed = text.replace(f" {serial} ", f" {int(serial) + number + 1} ", 1)
        with open(mine + ".new", "w", encoding="ascii") as out:
            out.write(changed + f"{OWNER}.\t30\tIN\tA\t{address_of(number)}\n")
        os.rename(mine + ".new", mine)

    put(0)
    server, times = authoritative.nsd(place, {**files.files(), ZONES[0]: mine}, PROBE, SPLIT), []
    with server, Asker(server.address, server.port) as asker:
        for number in range(1, samples + 1):
            time.sleep(1.1)  # NSD looks at the file's time, in seconds
            put(number)
            begin = time.perf_counter()
            _control(authoritative.nsd_control(place[0], "reload", ZONES[0]))
            times.append(until(asker, address_of(number), begin))
    return times


def run(shop, results):
    samples, few = (1000, 5) if shop.full else (300, 2)
    for services, endpoints in (SMALL, LARGE):
        files = shop.regular(services, endpoints)
        what = f"a change in a cluster of {services * endpoints} endpoints"
        results.figure(f"{what}, journal to answer", seamark_changes(shop, files, samples), "ms", 5, share=0.99)
    results.figure(f"{what}, Knot's zone-set to answer", knot_changes(shop, files, few), "ms")
    results.figure(f"{what}, NSD's reload to answer", nsd_changes(shop, files, few), "ms")
