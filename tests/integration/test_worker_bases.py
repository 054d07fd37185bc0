"""The workers' event loops have no locks: only a worker's own thread touches its loop, whatever comes and goes."""

import concurrent.futures
import os
import re

import pytest
from doh_upstream import DohUpstream
from forwarder import Forwarder, addresses
from preload import preloaded
from test_exchange_tls import pki  # noqa: F401
from upstream import Upstream

BLOCK = "{name}:{{port}} {{\n errors\n log\n {plugins}\n cache 1\n forward . {to} {{\n health_check 100ms\n {options}\n }}\n}}\n"


@pytest.fixture(name="shim", scope="module")
def _shim(tmp_path_factory):
    return preloaded("base_owner", tmp_path_factory.mktemp("shim"), sanitizers="san")


def test_no_thread_touches_the_loop_of_another(pki, shim):  # noqa: F811
    context = pki.server_context("IP:127.0.0.1", name="bases")
    with Upstream(tls=context) as up, DohUpstream(tls=pki.server_context("IP:127.0.0.1", name="bases2")) as doh, Upstream() as gone:
        gone.silent = True
        for upstream in up, doh:
            upstream.answer_all("10.0.0.1")
        kinds = {
            "library.test": (up.address, ""),
            "direct.test": (up.address, "exchange direct"),
            "tcp.test": (up.address, "exchange direct\n force_tcp"),
            "tls.test": (f"tls://{up.tls_address}", f"tls {pki.ca}"),
            "https.test": (f"https://{doh.tls_address}", f"tls {pki.ca}"),
            "late.test": (f"{gone.address} {up.address}", "exchange direct\n read_timeout 200ms\n policy sequential"),
        }

        def corefile(number):
            """In every second one the upstreams are others to the server: their exchanges are made anew."""
            plugins = "prometheus {metrics}" if number % 2 else "prometheus {metrics}\n bufsize 1232"
            expire = f"expire {10 + number % 2}s"
            return "".join(BLOCK.format(name=n, plugins=plugins, to=to, options=f"{o}\n {expire}") for n, (to, o) in kinds.items())

        with Forwarder(corefile(0), env=dict(os.environ, LD_PRELOAD=shim)) as server, concurrent.futures.ThreadPoolExecutor(24) as pool:
            for number in range(1, 5):
                asked = [pool.submit(server.ask, f"n{number}-{i}.{kind}", tcp=i % 4 == 0) for i in range(16) for kind in kinds]
                server.reload(corefile(number))
                assert all(addresses(a.result()) == ["10.0.0.1"] for a in asked)
            server.stop()
            assert int(re.search(r"libevent was called (\d+) times", server.log())[1]) > 2000
