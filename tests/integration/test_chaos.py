"""chaos: what runs here, in class CH."""

import re
import socket

import dns.flags
import dns.message
import pytest

from seamark import Seamark, lines

COREFILE = "bind:{port} server:{port} {\n bind {address}\n chaos ARGUMENTS\n}\nother:{port} {\n bind {address}\n whoami\n}\n"


def texts(server, name, rdtype="TXT", rdclass="CH"):
    answer = server.ask(name, rdtype, rdclass=rdclass)
    assert not answer.authority and not answer.additional and not answer.flags & dns.flags.AA
    assert all(rrset.ttl == 0 for rrset in answer.answer)
    return sorted(r.strings[0].decode() for rrset in answer.answer for r in rrset)


def test_it_tells_version_host_and_authors():
    with Seamark(COREFILE.replace("ARGUMENTS", "")) as server:
        for name in ("version.bind", "version.server", "VERSION.bind"):
            (version,) = texts(server, name)
            assert re.fullmatch(r"Seamark-\d+\.\d+\.\d+", version)
        assert texts(server, "hostname.bind") == texts(server, "id.server") == [socket.gethostname()]
        assert len(texts(server, "authors.bind")) == 1
        assert lines(server.ask("VERSION.bind", "TXT", rdclass="CH").answer)[0].startswith("VERSION.bind. 0 CH TXT ")


def test_it_tells_what_the_corefile_says():
    with Seamark(COREFILE.replace("ARGUMENTS", '"a version" Anna Bert "Carl C."')) as server:
        assert texts(server, "version.bind") == ["a version"]
        assert texts(server, "authors.bind") == ["Anna", "Bert", "Carl C."]
        orders = {tuple(lines_in_order(server)) for _ in range(60)}
        assert len(orders) == 6  # every order has its turn


def lines_in_order(server):
    return [r.strings[0] for rrset in server.ask("authors.bind", "TXT", rdclass="CH").answer for r in rrset]


@pytest.mark.parametrize("name, rdtype, rdclass", [("version.bind", "TXT", "IN"), ("version.bind", "A", "CH"),
                                                   ("x.version.bind", "TXT", "CH"), ("bind", "TXT", "CH")])
def test_other_questions_go_on(name, rdtype, rdclass):
    with Seamark(COREFILE.replace("ARGUMENTS", "")) as server:
        assert server.ask(name, rdtype, rdclass=rdclass).rcode() == 2  # SERVFAIL: there is nothing below
        # as CoreDNS has it, one chaos opens all blocks of the listener to other classes
        other = dns.message.make_query("x.other", "A", rdclass="CH")
        assert server.exchange(other.to_wire())[3] & 15 == 0


def test_a_long_version_is_cut():
    with Seamark(COREFILE.replace("ARGUMENTS", "v" * 300)) as server:
        assert texts(server, "version.bind") == ["v" * 255]
