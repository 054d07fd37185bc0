"""The same questions in a cluster of 100,000 Services, and what it takes to load that."""

from measure.cpus import SAME_CORE
from measure.server import Running
from servers.authoritative import KNOT, NSD
from servers.cluster import SEAMARK

SERVICES = 100000


def run(shop, results):
    files = shop.mixed(SERVICES)
    with Running([shop.knot(files, SAME_CORE), shop.nsd(files, SAME_CORE), shop.seamark(files, SAME_CORE)], shop.say) as running:
        result = shop.measure(running, files.questions, SAME_CORE)
    starts = ", ".join(f"{name} {server['start_s']:.1f} s" for name, server in result.servers.items())
    results.condition(f"{SERVICES} Services, 1 worker", result, SEAMARK, f"{files.records()} records, from start to first answer: {starts}")
    results.compare("UDP, 100,000 Services, of the better of NSD and Knot", result, SEAMARK, (NSD, KNOT), 0.65)
