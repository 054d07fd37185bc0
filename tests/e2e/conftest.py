"""What the tests share: the cluster, the outside world and the two servers. pytest finds this file by its name.

Environment: E2E_KUBERNETES and E2E_COREDNS name the folders that build-peers.sh prints; E2E_SKIP is why there are none;
E2E_SEAMARK is another build than bin/seamark; E2E_STAND_IN a CoreDNS to run in Seamark's place, for work on the tests.
"""

import os
import shutil
import tempfile

import pytest
import yaml

from cluster import Cluster
from outside import Outside
from servers import CoreDNS, Seamark

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MANIFESTS = os.path.join(TOP, "contrib", "kubernetes")
STAND_IN = os.environ.get("E2E_STAND_IN")
SEAMARK = os.environ.get("E2E_SEAMARK") or os.path.join(TOP, "bin", "seamark")


def pytest_collection_modifyitems(items):
    # test_generated.py installs a CustomResourceDefinition, which test_multicluster.py wants to do itself; test_rules.py looks at
    # what the others have seen.
    last = ["test_generated.py", "test_rules.py"]
    items.sort(key=lambda item: last.index(item.path.name) + 1 if item.path.name in last else 0)
    reason = os.environ.get("E2E_SKIP")
    if reason:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    """Says why tests are skipped and where the logs are, and keeps the counts for the closing line."""
    if hasattr(terminalreporter.config, "kept"):
        terminalreporter.write_line(f"kept: {terminalreporter.config.kept}")
    for report in terminalreporter.stats.get("skipped", [])[:1]:
        terminalreporter.write_line(f"skipped: {report.longrepr[2]}")
    terminalreporter.config.counts = {k: len(terminalreporter.stats.get(k, []))
                                      for k in ("passed", "failed", "error", "skipped")}


def pytest_unconfigure(config):
    counts = getattr(config, "counts", None)
    if counts:
        line = f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed"
        print(line + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))


def manifest(name):
    """The objects of a file of contrib/kubernetes."""
    with open(os.path.join(MANIFESTS, name), encoding="utf-8") as text:
        return list(yaml.safe_load_all(text))


@pytest.fixture(scope="session")
def folder(request):
    """Logs, keys and zones of one run; kept where E2E_KEEP is set."""
    path = tempfile.mkdtemp(prefix="seamark-e2e-")
    yield path
    if os.environ.get("E2E_KEEP"):
        request.config.kept = path
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(folder):
    control_plane = Cluster(os.environ["E2E_KUBERNETES"], folder).start()
    yield control_plane
    control_plane.stop()


@pytest.fixture(scope="session")
def outside():
    upstream = Outside().start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def dns_kubeconfig(cluster):
    """The identity that contrib/kubernetes gives to the DNS server, and no more."""
    for obj in manifest("rbac.yaml"):
        cluster.admin.apply(obj)
    return cluster.kubeconfig("dns", token=cluster.token("kube-system", "seamark"))


@pytest.fixture(scope="session")
def standing_in():
    return bool(STAND_IN)


@pytest.fixture(scope="module")
def start_theirs(folder, dns_kubeconfig, outside):
    """start_theirs(cache, beside) gives a running CoreDNS that is ready; it ends with the test file."""
    yield from _starter(CoreDNS, os.path.join(os.environ["E2E_COREDNS"], "coredns"), folder, dns_kubeconfig, outside)


@pytest.fixture(scope="module")
def start_ours(folder, dns_kubeconfig, outside):
    """The same for Seamark."""
    kind, program = (CoreDNS, STAND_IN) if STAND_IN else (Seamark, SEAMARK)
    yield from _starter(kind, program, folder, dns_kubeconfig, outside)


def _starter(kind, program, *more):
    started = []

    def start(cache="kubeadm", beside=""):
        if not os.access(program, os.X_OK):
            pytest.fail(f"{program} is not built", pytrace=False)
        started.append(kind(program, *more, cache, beside))
        return started[-1].start().wait_ready()

    yield start
    for server in started:
        server.stop()
        assert "Sanitizer" not in server.process.log_text(), server.process.log_tail(60)


@pytest.fixture(scope="module")
def start_both(start_theirs, start_ours):
    return lambda cache="kubeadm", beside="": (start_theirs(cache, beside), start_ours(cache, beside))
