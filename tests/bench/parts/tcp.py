"""The same questions over TCP, 100 on a connection; and what a second worker is worth."""

from measure import rounds
from measure.cpus import CORES_ARE_FREE, SAME_CORE, SPLIT, TWO_WORKERS
from measure.server import Running
from parts.answers import SERVICES
from servers.authoritative import KNOT, NSD
from servers.cluster import SEAMARK

# 100 questions on a connection, and eight connections: Knot's queue for those that it has yet to accept has ten places, and who finds it full
# tries again a second later.
HOW = {"tcp_questions": 100, "sockets": 8}


def _servers(shop, files, placement):
    return [shop.knot(files, placement), shop.nsd(files, placement), shop.seamark(files, placement)]


def beside_peers(shop, results, files):
    with Running(_servers(shop, files, SAME_CORE), shop.say) as running:
        result = shop.measure(running, files.questions, SAME_CORE, **HOW)
    results.condition("TCP, 1 worker", result, SEAMARK)
    results.compare("TCP, 100 questions a connection, of the better of NSD and Knot", result, SEAMARK, (NSD, KNOT), 1.0)


def second_worker(shop, results, files):
    """Both are asked in turn, so that neighbours hit them alike; each has the CPUs it may use."""
    rates = {}
    one, two = shop.seamark(files, SPLIT, name=f"{SEAMARK}, 1 worker"), shop.seamark(files, TWO_WORKERS, name=f"{SEAMARK}, 2 workers")
    with Running([one, two], shop.say):
        for server, placement in ((one, SPLIT), (two, TWO_WORKERS)) * shop.rounds:
            row = rounds.one(server, files.questions, placement, shop.seconds, **HOW)
            rates.setdefault(server.name, []).append(row["qps"])
    target, note = (1.8, "") if CORES_ARE_FREE else (None, "the client needs the second core here; where cores are free the target is 1.8")
    results.figure("TCP, questions a second with 2 workers, of those with 1", [b / a for a, b in zip(*rates.values())], "", target,
                   at_least=True, note=note)


def run(shop, results):
    files = shop.mixed(SERVICES)
    beside_peers(shop, results, files)
    second_worker(shop, results, files)
