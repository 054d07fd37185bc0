"""In-cluster questions over UDP: Seamark, NSD and Knot serve the same zone files; CoreDNS the same objects from an API server."""

from measure.cpus import SAME_CORE, SPLIT, TWO_WORKERS
from measure.server import Running
from servers import cluster
from servers.authoritative import KNOT, NSD
from servers.cluster import COREDNS, SEAMARK
from servers.echo import ECHO, echo
from servers.scripted_api import serving
from workshop import PROBE

SERVICES = 1000
COREDNS_KEEPS = f"{COREDNS}, cache 30"
ENOUGH = 10000  # questions a second: far from any server's limit, so every one of them wakes somebody up


def _coredns(shop, api, placement, name, cache):
    place = shop.place("coredns")
    conf = cluster.corefile(place, f"endpoint {api.url}", cache=cache)
    return cluster.coredns(shop.coredns, place, conf, PROBE, placement, name)


def _check(results, title, result):
    odd = result.odd_rcodes(SEAMARK, but=(ECHO,))
    if odd:
        results.note(f"{title}: {', '.join(odd)} answered with other response codes than {SEAMARK}")


def one_worker(shop, results, files):
    title = f"{SERVICES} Services, 1 worker"
    with serving(files.objects if shop.coredns else None) as api:
        servers = [echo(shop.place("echo"), SAME_CORE), shop.knot(files, SAME_CORE), shop.nsd(files, SAME_CORE),
                   shop.seamark(files, SAME_CORE)]
        if shop.coredns:
            servers += [_coredns(shop, api, SAME_CORE, COREDNS, "kubeadm"), _coredns(shop, api, SAME_CORE, COREDNS_KEEPS, "cache 30")]
        with Running(servers, shop.say) as running:
            result = shop.measure(running, files.questions, SAME_CORE)
    _check(results, title, result)
    results.condition(title, result, SEAMARK)
    results.compare("UDP, 1 worker, of the better of NSD and Knot", result, SEAMARK, (NSD, KNOT), 0.80)
    results.compare("UDP, 1 worker, of a bare echo", result, SEAMARK, (ECHO,), 1.15)
    results.compare("UDP, 1 worker, of CoreDNS (kubeadm's Corefile)", result, SEAMARK, (COREDNS,), 1 / 13)
    results.compare("UDP, 1 worker, of CoreDNS that caches cluster names (`cache 30`)", result, SEAMARK, (COREDNS_KEEPS,), 1 / 13)


def others(shop, results, files, title, placement, **how):
    servers = [echo(shop.place("echo"), placement), shop.knot(files, placement), shop.nsd(files, placement),
               shop.seamark(files, placement)]
    with Running(servers, shop.say) as running:
        result = shop.measure(running, files.questions, placement, **how)
    _check(results, title, result)
    results.condition(f"{SERVICES} Services, {title}", result, SEAMARK)
    results.compare(f"UDP, {title}, of the better of NSD and Knot", result, SEAMARK, (NSD, KNOT), 0.90)


def run(shop, results):
    files = shop.mixed(SERVICES)
    one_worker(shop, results, files)
    others(shop, results, files, "2 workers", TWO_WORKERS)
    others(shop, results, files, f"{ENOUGH} q/s", SPLIT, qps=ENOUGH)
