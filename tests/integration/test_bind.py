"""bind: which addresses a block listens on."""

import subprocess

import dns.exception
import pytest

from seamark import Seamark

COREFILE = "test:{port} {\n BIND\n whoami\n}\n"


def answers(server, address):
    """Over both transports or over none."""
    got = set()
    for tcp in (False, True):
        try:
            got.add(bool(server.ask("a.test", tcp=tcp, timeout=0.3, address=address).additional))
        except (dns.exception.Timeout, OSError, EOFError):
            got.add(False)
    assert len(got) == 1, f"{address} answers over one transport alone"
    return got.pop()


@pytest.mark.parametrize("bind, there, missing", [
    ("bind 127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1"]),
    ("bind 127.0.0.1 127.0.0.2", ["127.0.0.1", "127.0.0.2"], ["127.0.0.3", "::1"]),
    ("bind 127.0.0.1 127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]),
    ("bind 127.0.0.1 ::1", ["127.0.0.1", "::1"], ["127.0.0.2"]),
    ("bind lo", ["127.0.0.1", "::1"], ["127.0.0.2"]),
    ("bind lo {\n except ::1\n }", ["127.0.0.1"], ["::1"]),
    ("bind 127.0.0.1 127.0.0.2 {\n except 127.0.0.2\n }", ["127.0.0.1"], ["127.0.0.2"]),
    ("bind 0.0.0.0", ["127.0.0.1", "127.0.0.2"], ["::1"]),
    ("bind ::", ["127.0.0.1", "127.0.0.2", "::1"], []),
    ("", ["127.0.0.1", "127.0.0.2", "::1"], []),
])
def test_a_block_listens_where_it_is_bound_and_nowhere_else(bind, there, missing):
    with Seamark(COREFILE.replace("BIND", bind), address="127.0.0.1") as server:
        assert [a for a in there if not answers(server, a)] == []
        assert [a for a in missing if answers(server, a)] == []


def test_blocks_of_one_port_may_have_an_address_each():
    with Seamark("test:{port} {\n bind 127.0.0.1\n whoami\n}\nexample:{port} {\n bind 127.0.0.2\n whoami\n}\n",
                 address="127.0.0.1") as server:
        assert server.ask("a.test").additional
        assert server.ask("a.example", address="127.0.0.2").additional
        assert server.ask("a.example").rcode() == server.ask("a.test", address="127.0.0.2").rcode() == 5  # REFUSED


@pytest.mark.parametrize("bind, said", [
    ("bind", r"Corefile:2 - plugin/bind: expected at least one address or interface"),
    ("bind nowhere0", r"Corefile:2 - plugin/bind: expected an address or the name of an interface, found 'nowhere0'"),
    ("bind 300.1.1.1", r"Corefile:2 - plugin/bind: expected an address or the name of an interface, found '300.1.1.1'"),
    ("bind 127.0.0.1 {\n except 127.0.0.1\n }", r"Corefile:2 - plugin/bind: no address is left to listen on"),
    ("bind 127.0.0.1 {\n accept 127.0.0.1\n }", r"Corefile:3 - plugin/bind: expected 'except ADDRESS...', found 'accept'"),
])
def test_what_cannot_be_bound_is_said_at_once(bind, said):
    server = Seamark(COREFILE.replace("BIND", bind))
    try:
        for flags in ([], ["-check"]):
            done = subprocess.run(server.command(*flags), capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 1 and said in done.stderr, done
    finally:
        server.cleanup()


def test_a_zone_bound_to_all_addresses_and_to_one_is_refused():
    server = Seamark("test:{port} {\n whoami\n}\ntest:{port} {\n bind 127.0.0.1\n whoami\n}\n")
    try:
        done = server.check()
        assert done.returncode == 1
        assert "Corefile:4 - zone test. port" in done.stderr and "to all addresses at" in done.stderr
    finally:
        server.cleanup()
