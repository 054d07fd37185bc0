"""autopath and metadata in both servers, on one cluster: the same questions from the addresses of pods, the same log.

A pod's address is one of 127/8 here, from which the test asks. /etc/resolv.conf is one of the test's own, for both servers.
"""

import os
import re
import socket
import subprocess
import sys
import time

import pytest

from compare import differences, known
from conftest import SEAMARK, STAND_IN
from process import Process, loopback, wait_for
from question import SILENCE, make_query, read_answer
from workload import ensure_node, external_name, namespace, port, remove_namespace, run_pod, service

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import own_resolv_conf  # noqa: E402 (tests/lib is not on the path by itself)
from upstream import Upstream  # noqa: E402

COREDNS = os.path.join(os.environ.get("E2E_COREDNS", ""), "coredns")
PORT = 5353
SHOP, PROD, NOBODY = "127.201.1.1", "127.201.1.2", "127.201.1.3"
HOST = "corp.example"
FORMAT = "{name} {type} by {/kubernetes/client-namespace} {/kubernetes/client-pod-name} {/kubernetes/client-label/app} " \
         "{/kubernetes/client-label/none} for {/kubernetes/kind} {/kubernetes/namespace} {/kubernetes/service} {/kubernetes/endpoint} " \
         "{/kubernetes/port-name} {/kubernetes/protocol} {/kubernetes/parse-error} {/kubernetes/zone} class {/log/class} {/log/type}"
COREFILE = """\
.:5353 {
    bind {address}
    errors
    log . "META FORMAT"
    metadata
    autopath SOURCE
    kubernetes cluster.local in-addr.arpa {
       kubeconfig KUBECONFIG
       pods verified
    }
    forward . UPSTREAM
}
"""
RECORDS = [
    ("www.example.com", "A", "192.0.2.1", "192.0.2.2"),
    ("www.example.com", "AAAA", "2001:db8::1"),
    ("four.example.com", "A", "192.0.2.4"),
    ("six.example.com", "AAAA", "2001:db8::6"),
    ("alias.example.com", "CNAME", "www.example.com."),
    ("text.example.com", "TXT", '"text"'),
    ("_sip._tcp.example.com", "SRV", "1 2 3 www.example.com."),
    (f"host.{HOST}", "A", "192.0.2.5"),
    (f"void.{HOST}", "TXT", '"nothing else"'),
    ("void", "A", "192.0.2.6"),
    (f"deep.host.{HOST}", "MX", "5 host."),
]
# What a pod in `ap-shop` may look up, by the kinds of names in docs/differences.md.
NAMES = {
    ("autopath",): ["www.example.com", "Four.Example.com", "six.example.com", "alias.example.com", "text.example.com", "_sip._tcp.example.com",
                    "no.example.com", "broken", "host", "deep.host", "web", "_http._tcp.web", "db.ap-prod", "db.ap-prod.svc",
                    "db.ap-prod.svc.cluster.local", "six.ap-prod", "no", "no.ap-prod", "pod-only.ap-prod"],
    ("autopath found at once", "external name"): ["far", "far.ap-prod"],
    ("autopath no data", "autopath domain", "namespace"): ["ap-prod", "void"],
    ("autopath domain", "namespace"): [""],
}
TYPES = ["A", "AAAA", "TXT", "SRV", "MX", "CNAME"]


class Running:
    def __init__(self, name, program, folder, text, host_list):
        self.address, self.port = loopback(), PORT
        where = os.path.join(folder, f"autopath-{name}-{self.address}")
        os.makedirs(where)
        path = os.path.join(where, "Corefile")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text.replace("{address}", self.address))
        extra = ["-zones", where] if program == SEAMARK and not STAND_IN else []
        self.process = Process(name, own_resolv_conf.command(host_list, [program, "-conf", path, *extra]), where).start()

    def asks(self, client, name, rdtype):
        query = make_query(name, rdtype)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((client, 0))
            s.settimeout(3)
            s.connect((self.address, PORT))
            for _ in range(2):
                try:
                    s.send(query.to_wire())
                    return read_answer(query, s.recv(65535))
                except OSError:
                    self.process.assert_alive()
        return SILENCE


@pytest.fixture(scope="module", name="up")
def upstream():
    with Upstream() as server:
        for name, rdtype, *rdata in RECORDS:
            server.add(name, rdtype, *rdata)
        server.behave(f"broken.{HOST}", rcode="SERVFAIL")
        yield server


@pytest.fixture(scope="module", name="world")
def workload(cluster):
    api = cluster.admin
    ensure_node(api)
    for name in ("ap-shop", "ap-prod"):
        api.create(namespace(name))
    for obj in (service("ap-shop", "web", [port(80, "http")]), service("ap-prod", "db", [port(5432)]),
                service("ap-prod", "six", [port(80)], ipFamilies=["IPv6"]),
                external_name("ap-shop", "far", "www.example.com"), external_name("ap-prod", "far", "www.example.com")):
        api.create(obj)
    run_pod(api, "ap-shop", "web-1", "web", [SHOP])
    run_pod(api, "ap-prod", "db-1", "db", [PROD])
    yield api
    for name in ("ap-shop", "ap-prod"):
        remove_namespace(api, name)


@pytest.fixture(name="pair")
def both(dns_kubeconfig, up, world, tmp_path):
    started = []
    host_list = tmp_path / "resolv.conf"
    host_list.write_text(f"nameserver 127.0.0.1\nsearch {HOST}\n", encoding="ascii")
    pod_list = tmp_path / "pod.conf"
    pod_list.write_text(f"search ap-shop.svc.cluster.local svc.cluster.local cluster.local {HOST}\n", encoding="ascii")

    def start(source):
        text = (COREFILE.replace("FORMAT", FORMAT).replace("SOURCE", source.replace("FILE", str(pod_list)))
                .replace("KUBECONFIG", dns_kubeconfig).replace("UPSTREAM", up.address))
        for name, program in (("coredns", COREDNS), ("seamark", STAND_IN or SEAMARK)):
            started.append(Running(name, program, str(tmp_path), text, str(host_list)))
        for server in started[-2:]:
            server.process.wait_ready(lambda s=server: s.asks(NOBODY, "web.ap-shop.svc.cluster.local", "A").addresses(), 60)
        if "@kubernetes" in source:
            for server in started[-2:]:
                wait_for("the pods", lambda s=server: s.asks(PROD, "www.example.com.ap-prod.svc.cluster.local", "A").addresses(), 30)
        return started[-2:]

    yield start
    for server in started:
        server.process.stop()
        assert "Sanitizer" not in server.process.log_text(), server.process.log_tail(60)


def questions():
    for kinds, names in NAMES.items():
        for name in names:
            for domain in ("ap-shop.svc.cluster.local", "ap-prod.svc.cluster.local", "svc.cluster.local", "cluster.local", HOST, ""):
                for rdtype in TYPES:
                    yield kinds, ".".join(filter(None, [name, domain])) + ".", rdtype


def compare(theirs, ours, clients):
    wrong, asked = [], 0
    for client in clients:
        for kinds, name, rdtype in questions():
            if name == ".":
                continue
            asked += 1
            said = [server.asks(client, name, rdtype) for server in (theirs, ours)]
            for line in differences(*said):
                if not any(known(kind, rdtype, line) for kind in kinds):
                    wrong.append(f"{kinds[0]}: {client} {name} {rdtype}  {line}")
    assert asked > 500
    return wrong


@pytest.mark.parametrize("source", ["@kubernetes", "cluster.local @kubernetes", "ap-prod.svc.cluster.local @kubernetes", "FILE"])
def test_answers_are_the_same(pair, source):
    theirs, ours = pair(source)
    wrong = compare(theirs, ours, [SHOP, PROD, NOBODY] if source == "@kubernetes" else [SHOP])
    if wrong:
        pytest.fail(f"{len(wrong)} differences:\n" + "\n".join(wrong[:60]), pytrace=False)


def lines(server):
    return re.findall(r"META (.*)", server.process.log_text())


def settled(server):
    """How many lines the log has when none has come for a while: they are written some milliseconds after the answer."""
    count = -1
    while count != (count := len(lines(server))):
        time.sleep(0.2)
    return count


def test_log_tells_the_same_of_who_asks_and_for_what(pair):
    theirs, ours = pair("@kubernetes")
    names = ["web.ap-shop.svc.cluster.local", "_http._tcp.Web.ap-shop.svc.cluster.local", "10-0-0-1.web.ap-shop.svc.cluster.local",
             "10-0-0-1.ap-shop.pod.cluster.local", "cluster.local", "svc.cluster.local", "nobody.svc.cluster.local",
             "a.b.c.web.ap-shop.svc.cluster.local", "web.ap-shop.nothing.cluster.local",
             "1.0.0.10.in-addr.arpa", "www.example.com", "no.example.com", "www.example.com.ap-shop.svc.cluster.local"]
    before = [settled(server) for server in (theirs, ours)]
    for client in (SHOP, PROD, NOBODY):
        for name in names:
            for server in (theirs, ours):
                server.asks(client, name, "A")
    wanted = len(names) * 3
    wait_for("both have logged", lambda: all(len(lines(s)) - n >= wanted for s, n in zip((theirs, ours), before)), 10)
    # Several workers write the log, so two lines that are close in time may have changed places.
    assert sorted(lines(theirs)[before[0]:]) == sorted(lines(ours)[before[1]:])


RULES = r"""@kubernetes
    rewrite continue edns0 local set 0xffee {kubernetes/client-pod-name}
    rewrite name regex ^([a-z]+)\.mine\.example\.$ {1}.{kubernetes/client-namespace}.svc.cluster.local. metadata answer auto
    template IN TXT who.example {
        answer "{{ .Name }} 60 IN TXT \"{{ .Meta \"kubernetes/client-namespace\" }}/{{ .Meta \"kubernetes/client-label/app\" }}\""
    }"""


def test_rewrite_and_template_use_the_same_labels(pair, up):
    theirs, ours = pair(RULES)
    names = [("web.mine.example.", "A"), ("db.mine.example.", "A"), ("who.example.", "TXT"), ("www.example.com.", "A"),
             ("www.example.com.ap-shop.svc.cluster.local.", "A")]
    seen = []
    for server in (theirs, ours):
        up.forget()
        said = [server.asks(client, name, rdtype) for client in (SHOP, PROD, NOBODY) for name, rdtype in names]
        asked = [(str(q.name), sorted((int(o.otype), o.data) for o in q.message.options)) for q in up.names("www.example.com")]
        seen.append((said, asked))
    assert seen[0][1] == seen[1][1] and len(seen[0][1]) >= 4
    assert (0xffee, b"web-1") in seen[1][1][0][1]
    asked = [(client, *question) for client in (SHOP, PROD, NOBODY) for question in names]
    wrong = [f"{q} {line}" for q, a, b in zip(asked, seen[0][0], seen[1][0]) for line in differences(a, b)
             if not line.startswith("edns:")]  # whether the option that a rule added is echoed is test_rewrite.py's business
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("line", ["autopath", "autopath /no/such/file", 'autopath ""', "autopath @forward", "autopath a.example /no/such"])
def test_bad_lines_are_refused_in_the_same_words(tmp_path, line):
    path = tmp_path / "Corefile"
    path.write_text(f".:{PORT} {{\n    bind {loopback()}\n    {line}\n    forward . 127.0.0.1:9\n}}\n", encoding="utf-8")
    said = []
    for program in (COREDNS, STAND_IN or SEAMARK):
        done = subprocess.run([program, "-conf", str(path)], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode != 0
        found = re.search(r"plugin/autopath: (.*)", done.stdout + done.stderr)
        said.append(found and found.group(1).strip())
    assert said[0] == said[1] and said[0]
