"""transfer: incremental transfers (RFC 1995) out of a zone's journal."""

import os

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.zone
import pytest
from seamark import Seamark, wait_for
from test_transfer import ZONE, corefile, expected, lines_of, transfer
from zonetext import Journal, identity, path, put_zone, record

RECORDS = [f"n{i}.svc A 10.0.0.{i}" for i in range(1, 100)]


@pytest.fixture(name="server")
def _server():
    server = Seamark(corefile().replace("errors", "errors\n    debug"))
    put_zone(server.zones, RECORDS, 100, identity())
    put_zone(server.zones, [], 7, identity(), zone="10.in-addr.arpa.")  # it would be waited for
    with server:
        yield server


def serial(server):
    return server.ask(ZONE, "SOA").answer[0][0].serial


def commit(server, journal, *changes):
    journal.commit(*changes)
    wait_for(lambda: serial(server) == journal.serial, "the change")


def since(server, old, **more):
    """The answer to a client at serial `old`, as "SERIAL" for SOAs and "RECORD" for others."""
    return [line.split()[6] if " SOA " in line else line
            for line in lines_of(transfer(server, rdtype="IXFR", serial=old, **more))]


def line(text):
    return expected([text])[0]


def is_full(answer):
    """A whole zone: no second SOA but the last record."""
    return not answer[1].isdigit() and answer[0] == answer[-1]


def test_each_transaction_is_a_difference_sequence(server):
    journal = Journal(server.zones, 100)
    commit(server, journal, "+web.svc A 10.1.0.1", "+new.svc TYPE65280 \\# 0")
    commit(server, journal, "-web.svc A 10.1.0.1", "+web.svc A 10.1.0.2", "-n1.svc A 10.0.0.1")
    second = ["101", line("n1.svc A 10.0.0.1"), line("web.svc A 10.1.0.1"), "102", line("web.svc A 10.1.0.2")]
    assert since(server, 101) == ["102", *second, "102"]
    assert since(server, 100) == ["102", "100", "101", line("new.svc TYPE65280 \\# 0"), line("web.svc A 10.1.0.1"), *second, "102"]
    assert since(server, 102) == ["102"]
    assert is_full(since(server, 99))  # before the journal
    server.wait_log(r'\[INFO\] plugin/transfer: Outgoing incremental transfer of 7 records of zone "cluster.local." to '
                    r"127.* for 102 SOA serial since 101")


def test_dnspython_follows(server):
    """As a secondary: whole at first, then by differences."""
    zone = dns.zone.Zone(ZONE, relativize=False)
    dns.query.inbound_xfr(server.address, zone, port=server.port)
    journal = Journal(server.zones, 100)
    here = set(RECORDS)
    for i in range(1, 60):
        come, go = f"w{i}.svc A 10.2.0.{i}", f"n{i}.svc A 10.0.0.{i}"
        commit(server, journal, f"+{come}", f"-{go}")
        here = here - {go} | {come}
        if i % 7 == 0:
            query, _ = dns.xfr.make_query(zone)
            assert query.question[0].rdtype == dns.rdatatype.IXFR
            dns.query.inbound_xfr(server.address, zone, port=server.port)
            assert zone.get_soa().serial == journal.serial
            names = {f"{name} {ttl} IN {dns.rdatatype.to_text(r.rdtype)} {r}" for name, ttl, r in zone.iterate_rdatas()
                     if r.rdtype != dns.rdatatype.SOA}
            assert names == set(expected(here))
    assert server.count_log("Outgoing transfer of", seconds=0) == 1


def test_a_journal_begun_anew_goes_on_from_the_one_before(server):
    """As the sync daemon does it: the file at the present serial, then a journal upon it."""
    journal = Journal(server.zones, 100)
    for i in range(1, 6):
        commit(server, journal, f"+w{i}.svc A 10.1.0.{i}")
    assert is_full(since(server, 99)) and since(server, 100)[1] == "100"  # it has been looked at
    put_zone(server.zones, RECORDS + [f"w{i}.svc A 10.1.0.{i}" for i in range(1, 6)], 105, identity())
    journal = Journal(server.zones, 105)
    commit(server, journal, "+w6.svc A 10.1.0.6")
    assert [word for word in since(server, 103) if word.isdigit()] == ["106", "103", "104", "104", "105", "105", "106", "106"]
    # a restart has the present journal alone
    server.stop()
    server.start()
    assert since(server, 105) == ["106", "105", "106", line("w6.svc A 10.1.0.6"), "106"]
    assert is_full(since(server, 104))


def test_another_zone_file_is_no_way_from_the_last(server):
    journal = Journal(server.zones, 100)
    commit(server, journal, "+w1.svc A 10.1.0.1")
    assert since(server, 100)[1] == "100"
    put_zone(server.zones, ["other.svc A 10.0.0.1"], 500, identity())
    wait_for(lambda: serial(server) == 500, "the other zone")
    assert is_full(since(server, 101))
    commit(server, Journal(server.zones, 500), "+x.svc A 10.0.0.1")
    assert is_full(since(server, 101)) and not is_full(since(server, 500))


def test_more_differences_than_the_zone_has(server):
    journal = Journal(server.zones, 100)
    for i in range(200):
        journal.commit("+flap.svc A 10.1.0.1" if i % 2 == 0 else "-flap.svc A 10.1.0.1")
    wait_for(lambda: serial(server) == 300, "the changes")
    assert is_full(since(server, 100))
    assert not is_full(since(server, 280))


def test_a_damaged_journal_and_one_that_is_gone(server):
    journal = Journal(server.zones, 100)
    commit(server, journal, "+w1.svc A 10.1.0.1")
    commit(server, journal, "+w2.svc A 10.1.0.2")
    assert not is_full(since(server, 100))
    os.unlink(path(server.zones, ZONE, ".journal"))
    assert not is_full(since(server, 100))  # it is still open
    journal = Journal(server.zones, 102)
    text = journal.transaction("+w3.svc A 10.1.0.3")
    journal.raw(text.replace("10.1.0.3", "10.1.0.4"))
    server.wait_log("journal cannot be followed")
    assert [word for word in since(server, 101) if word.isdigit()] == ["102", "101", "102", "102"]


def test_a_large_difference_is_several_messages(server):
    records = [f"n{i}.ns{i % 20}.svc A 10.1.{i >> 8}.{i & 255}" for i in range(6000)]
    put_zone(server.zones, records, 200, identity())
    wait_for(lambda: serial(server) == 200, "the zone")
    journal = Journal(server.zones, 200)
    commit(server, journal, *(f"-{r}" for r in records[:2000]))
    messages = transfer(server, rdtype="IXFR", serial=200, use_edns=0)
    assert 2 < len(messages) < 10 and all(len(m.answer) > 0 for m in messages)
    got = lines_of(messages)
    assert sorted(got[2:-2]) == sorted(record(ZONE, r).replace("\t", " ") for r in records[:2000])


def test_it_changes_under_those_who_follow(server):
    """Commits all the time, askers at every serial: each answer leads from the client's to the one it names."""
    journal = Journal(server.zones, 100)
    at = {100: set(expected(RECORDS))}
    for i in range(1, 151):
        come, go = f"w{i}.svc A 10.2.0.{i}", f"w{i - 3}.svc A 10.2.0.{i - 3}"
        journal.commit(f"+{come}", *([f"-{go}"] if i > 3 else []))
        at[journal.serial] = at[journal.serial - 1] - ({line(go)} if i > 3 else set()) | {line(come)}
        old = max(100, journal.serial - i % 5)
        answer = since(server, old)
        if len(answer) == 1:
            assert int(answer[0]) <= old
            continue
        here, adding = set(at[old]), True
        for word in answer[1:-1]:
            if word.isdigit():
                adding = not adding
            elif adding:
                assert word not in here
                here.add(word)
            else:
                here.remove(word)
        assert here == at[int(answer[0])], answer
