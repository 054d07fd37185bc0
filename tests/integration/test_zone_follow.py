"""Zone files and journals that change under a running server."""

import os
import resource
import shutil
import time

import dns.rcode
import pytest

import zonetext
from seamark import Seamark, addresses, wait_for

COREFILE = """
cluster.local:{port} {
    bind {address}
    errors
    kubernetes cluster.local {
        objects {folder}/objects
    }
}
"""
NAME = "web.default.svc.cluster.local"
AT_ONCE = 0.25  # seconds, half of what the look that comes each second takes: there was a notice


@pytest.fixture(name="server")
def fixture_server():
    """Not started yet: the test says what is on disk at the start."""
    server = Seamark(COREFILE)
    yield server
    server.cleanup()


def put(server, *records, serial=100, **more):
    zonetext.put_zone(server.zones, list(records), serial, zonetext.identity(server.path("objects"), **more))


def now(server, name=NAME):
    """Addresses of a name, or the rcode's name where there are none."""
    answer = server.ask(name)
    return addresses(answer) or dns.rcode.to_text(answer.rcode())


def serial(server):
    return server.ask("cluster.local", "SOA").answer[0][0].serial


def see(server, expected, name=NAME):
    """Waits until it is so; how long that took."""
    begin = time.monotonic()
    wait_for(lambda: now(server, name) == expected, f"{name} is {expected} and not {now(server, name)}", 15, 0.002)
    return time.monotonic() - begin


def stays(server, expected, name=NAME, seconds=1.3):
    """Longer than the look each second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert now(server, name) == expected
        time.sleep(0.05)


# ---- the zone file ----

def test_a_zone_on_disk_is_served_from_the_first_answer_on(server):
    put(server, "web.default.svc A 10.0.0.1")
    server.spawn()
    first = wait_for(lambda: try_ask(server), "the first answer", 10, 0.005)
    assert addresses(first) == ["10.0.0.1"]
    server.stop()


def try_ask(server):
    try:
        return server.ask(NAME, timeout=0.2)
    except Exception:  # pylint: disable=broad-except  # nobody listens yet
        return None


def test_without_a_zone_the_answer_is_servfail_until_it_appears(server):
    with server:
        assert now(server) == "SERVFAIL"
        wait_for(lambda: server.count_log("there is no zone to serve yet") >= 1, "the reason in the log")
        put(server, "web.default.svc A 10.0.0.1")
        see(server, ["10.0.0.1"])


def test_a_folder_that_is_made_later_is_found(server):
    os.rmdir(server.zones)
    with server:
        assert now(server) == "SERVFAIL"
        os.mkdir(server.zones)
        put(server, "web.default.svc A 10.0.0.1")
        see(server, ["10.0.0.1"])
        put(server, "web.default.svc A 10.0.0.2", serial=101)
        see(server, ["10.0.0.2"])
        shutil.rmtree(server.zones)  # the zone in memory goes on
        stays(server, ["10.0.0.2"])
        os.mkdir(server.zones)
        put(server, "web.default.svc A 10.0.0.3", serial=102)
        see(server, ["10.0.0.3"])


def test_a_new_zone_file_takes_the_place_of_the_old_one(server):
    put(server, "web.default.svc A 10.0.0.1", "old.default.svc A 10.0.0.9")
    with server:
        assert now(server) == ["10.0.0.1"]
        put(server, "web.default.svc A 10.0.0.2", serial=101)
        see(server, ["10.0.0.2"])
        assert now(server, "old.default.svc.cluster.local") == "NXDOMAIN"
        assert serial(server) == 101
        put(server, "web.default.svc A 10.0.0.3", serial=50)  # a person has put an older one back
        see(server, ["10.0.0.3"])
        assert serial(server) == 50


def test_a_zone_file_that_could_not_be_opened_is_read_as_soon_as_it_can(server):
    put(server, "web.default.svc A 10.0.0.1")
    with server:
        assert now(server) == ["10.0.0.1"]
        pid, before = server.process.pid, resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))  # what is open stays open
        put(server, "web.default.svc A 10.0.0.2", serial=101)
        server.wait_log(r"^\[ERROR\] zone cluster\.local\.: .*Too many open files; the zone loaded before goes on")
        assert now(server) == ["10.0.0.1"]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        see(server, ["10.0.0.2"])


DAMAGES = {
    "empty": lambda t: b"",
    "cut in half": lambda t: t[:len(t) // 2],
    "without its last line": lambda t: t[:t.rindex(b"; end")],
    "one octet other": lambda t: t.replace(b"10.0.0.2", b"10.0.0.3"),
    "something behind the end": lambda t: t + b"x",
    "a record that is none": lambda t: t.replace(b"10.0.0.2", b"10.0.0.x"),
    "of another version": lambda t: t.replace(b"zone file 1", b"zone file 2"),
    "no zone file at all": lambda t: os.urandom(4096),
    "a line without end": lambda t: b"; seamark zone file 1\n" + b"x" * 3000000,
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_zone_file_leaves_the_old_zone_serving(server, what):
    put(server, "web.default.svc A 10.0.0.1")
    text = zonetext.zone_text("cluster.local.", ["web.default.svc A 10.0.0.2"], 101,
                              zonetext.identity(server.path("objects"))).encode()
    where = zonetext.path(server.zones, "cluster.local.")
    with server:
        with open(where + ".tmp", "wb") as out:
            out.write(DAMAGES[what](text))
        os.rename(where + ".tmp", where)
        server.wait_log(r"^\[ERROR\] zone cluster\.local\.: .*the zone loaded before goes on serving")
        stays(server, ["10.0.0.1"], seconds=1.3 if what == "empty" else 0.2)
        assert server.count_log("the zone loaded before goes on serving") == 1  # said once
        put(server, "web.default.svc A 10.0.0.2", serial=102)
        see(server, ["10.0.0.2"])


@pytest.mark.parametrize("kind", ["fifo", "folder", "dangling link", "no permission"])
def test_what_is_no_file_leaves_the_old_zone_serving(server, kind):
    if kind == "no permission" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    put(server, "web.default.svc A 10.0.0.1")
    where = zonetext.path(server.zones, "cluster.local.")
    with server:
        os.unlink(where)
        if kind == "fifo":
            os.mkfifo(where)
        elif kind == "folder":
            os.mkdir(where)
        elif kind == "dangling link":
            os.symlink("nowhere", where)
        else:
            put(server, "web.default.svc A 10.0.0.2", serial=101)
            os.chmod(where, 0)
        stays(server, ["10.0.0.1"], seconds=2.3)
        assert server.count_log("the zone loaded before goes on serving") <= 1  # said once, not each second
        if os.path.isdir(where):
            os.rmdir(where)
        put(server, "web.default.svc A 10.0.0.2", serial=102)
        see(server, ["10.0.0.2"])


def test_a_zone_of_another_source_or_with_other_options_is_not_served(server):
    put(server, "web.default.svc A 10.0.0.1", ttl=30)
    with server:
        assert now(server) == "SERVFAIL"
        assert server.count_log("not served, it was rendered from another source or with other options") == 1
        put(server, "web.default.svc A 10.0.0.2", serial=101)
        see(server, ["10.0.0.2"])
        put(server, "web.default.svc A 10.0.0.3", serial=102, pods="insecure")
        stays(server, ["10.0.0.2"])


def test_a_zone_of_another_name_is_not_served(server):
    text = zonetext.zone_text("other.test.", ["web.default.svc A 10.0.0.1"], 1,
                              zonetext.identity(server.path("objects")))
    zonetext.put(zonetext.path(server.zones, "cluster.local."), text)
    with server:
        assert now(server) == "SERVFAIL"
        assert server.count_log("there is no zone to serve") >= 1


# ---- the journal ----

def test_a_change_is_seen_at_once(server):
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        assert now(server) == ["10.0.0.1"]
        took = []
        for i in range(2, 11):
            journal.commit(f"-web.default.svc A 10.0.0.{i - 1}", f"+web.default.svc A 10.0.0.{i}")
            took.append(see(server, [f"10.0.0.{i}"]))
            assert serial(server) == 99 + i
        assert sorted(took)[len(took) // 2] < AT_ONCE, took
        journal.commit("+new.other.svc A 10.0.0.3", "-web.default.svc A 10.0.0.10")
        see(server, ["10.0.0.3"], "new.other.svc.cluster.local")
        assert now(server) == "NXDOMAIN"


def test_changes_since_the_zone_file_are_there_at_the_start(server):
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    for i in range(2, 20):
        journal.commit(f"-web.default.svc A 10.0.0.{i - 1}", f"+web.default.svc A 10.0.0.{i}")
    with server:
        assert now(server) == ["10.0.0.19"]
        assert serial(server) == 118


def test_a_tail_that_is_not_committed_is_not_served(server):
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    text = journal.transaction("-web.default.svc A 10.0.0.1", "+web.default.svc A 10.0.0.2")
    with server:
        for i in range(0, len(text) - 1, 7):  # as a slow disk shows it
            journal.raw(text[i:min(i + 7, len(text) - 1)])
            assert now(server) == ["10.0.0.1"]
        stays(server, ["10.0.0.1"])
        journal.raw("\n")
        see(server, ["10.0.0.2"])
        assert server.count_log("ERROR") == 0


def test_a_torn_tail_that_is_cut_off_and_written_again_is_no_damage(server):
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        size = os.path.getsize(journal.path)
        journal.raw("; cause: half\n+ web.default.svc.cluster.local.\t5\tIN\tA\t10.9.9")
        stays(server, ["10.0.0.1"], seconds=0.3)
        os.truncate(journal.path, size)
        journal.commit("+web.default.svc A 10.0.0.2")
        see(server, ["10.0.0.1", "10.0.0.2"])
        assert server.count_log("ERROR") == 0


BAD_TRANSACTIONS = {
    "a checksum that is wrong": lambda j: j.transaction("+web.default.svc A 10.0.0.2")[:-9] + "00000000\n",
    "a record that is none": lambda j: j.transaction("+web.default.svc A 10.0.0.x"),
    "a removal of what is not there": lambda j: j.transaction("-web.default.svc A 10.0.0.7"),
    "a gap": lambda j: (j.transaction("+web.default.svc A 10.0.0.2"),
                        j.transaction("+web.default.svc A 10.0.0.3"))[1],
    "a serial that goes back": lambda j: j.transaction("+web.default.svc A 10.0.0.2", serial=99),
    "no transaction": lambda j: "rubbish\n= 101 now crc32 00000000\n",
}


@pytest.mark.parametrize("what", BAD_TRANSACTIONS)
def test_a_damaged_journal_leaves_the_zone_as_it_was_until_a_new_one_comes(server, what):
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        journal.raw(BAD_TRANSACTIONS[what](journal))
        server.wait_log(r"^\[ERROR\] zone cluster\.local\.: journal cannot be followed")
        stays(server, ["10.0.0.1"], seconds=1.3 if what == "a gap" else 0.2)
        assert server.count_log("journal cannot be followed") == 1
        put(server, "web.default.svc A 10.0.0.5", serial=200)
        journal = zonetext.Journal(server.zones, 200)
        see(server, ["10.0.0.5"])
        journal.commit("-web.default.svc A 10.0.0.5", "+web.default.svc A 10.0.0.6")
        see(server, ["10.0.0.6"])


def test_a_new_file_with_the_serial_that_is_served_mends_a_damaged_journal(server):
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        journal.raw("rubbish\n= 101 now crc32 00000000\n")
        server.wait_log("journal cannot be followed")
        put(server, "web.default.svc A 10.0.0.1", serial=100)
        journal = zonetext.Journal(server.zones, 100)
        journal.commit("+web.default.svc A 10.0.0.2")
        see(server, ["10.0.0.1", "10.0.0.2"])


def test_a_journal_may_begin_before_the_zone_file(server):
    """What is seen between the two renames of a new snapshot."""
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    journal.commit("-web.default.svc A 10.0.0.1", "+web.default.svc A 10.0.0.2")
    put(server, "web.default.svc A 10.0.0.2", serial=101)
    with server:
        assert now(server) == ["10.0.0.2"]
        journal.commit("-web.default.svc A 10.0.0.2", "+web.default.svc A 10.0.0.3")
        see(server, ["10.0.0.3"])
        assert server.count_log("ERROR") == 0


def test_snapshots_while_changes_go_on_lose_none_and_are_no_error(server):
    """The writer's order: the zone file, then the journal upon it. Each change is seen, each answer is one that was true."""
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        value, newest = 1, 100
        for _ in range(60):
            for _ in range(3):
                value, newest = value + 1, newest + 1
                journal.commit(f"-web.default.svc A 10.0.{(value - 1) // 256}.{(value - 1) % 256}",
                               f"+web.default.svc A 10.0.{value // 256}.{value % 256}")
            put(server, f"web.default.svc A 10.0.{value // 256}.{value % 256}", serial=newest)
            journal = zonetext.Journal(server.zones, newest)
            assert len(addresses(server.ask(NAME))) == 1
        see(server, [f"10.0.{value // 256}.{value % 256}"])
        assert serial(server) == newest
        assert server.count_log("ERROR") == 0, server.log()


def test_serials_wrap_around(server):
    put(server, "web.default.svc A 10.0.0.1", serial=4294967294)
    journal = zonetext.Journal(server.zones, 4294967294)
    with server:
        for i, after in ((2, 4294967295), (3, 0), (4, 1)):
            journal.commit(f"-web.default.svc A 10.0.0.{i - 1}", f"+web.default.svc A 10.0.0.{i}", serial=after)
            see(server, [f"10.0.0.{i}"])
            assert serial(server) == after


def test_a_query_sees_all_of_a_transaction_or_none(server):
    count = 300
    put(server, *(f"set.default.svc A 10.1.{i // 250}.{i % 250}" for i in range(count)))
    journal = zonetext.Journal(server.zones, 100)
    with server:
        for generation in range(1, 20):
            old, new = generation, generation + 1
            journal.commit(*(f"-set.default.svc A 10.{old}.{i // 250}.{i % 250}" for i in range(count)),
                           *(f"+set.default.svc A 10.{new}.{i // 250}.{i % 250}" for i in range(count)))
            for _ in range(3):
                answer = server.ask("set.default.svc.cluster.local", tcp=True)
                assert len({a.split(".")[1] for a in addresses(answer)}) == 1
                assert len(addresses(answer)) == count


def test_files_written_anew_behind_the_zone_are_not_loaded(server):
    """As seamark-sync does: a zone file at a serial that changes have left behind meanwhile, then a journal upon it."""
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        journal.commit("-web.default.svc A 10.0.0.1", "+web.default.svc A 10.0.0.2")
        journal.commit("-web.default.svc A 10.0.0.2", "+web.default.svc A 10.0.0.3")
        see(server, ["10.0.0.3"])
        put(server, "web.default.svc A 10.0.0.2", serial=101)
        stays(server, ["10.0.0.3"])
        after = zonetext.Journal(server.zones, 101)
        after.commit("-web.default.svc A 10.0.0.2", "+web.default.svc A 10.0.0.3")
        after.commit("-web.default.svc A 10.0.0.3", "+web.default.svc A 10.0.0.4")
        see(server, ["10.0.0.4"])
        assert serial(server) == 103
        assert server.count_log("loaded 2 records") == 1


def test_older_files_put_back_are_loaded(server):
    """A zone file of an earlier serial with a journal that does not lead to what is served: somebody wants that one."""
    put(server, "web.default.svc A 10.0.0.1")
    journal = zonetext.Journal(server.zones, 100)
    with server:
        journal.commit("-web.default.svc A 10.0.0.1", "+web.default.svc A 10.0.0.2")
        journal.commit("-web.default.svc A 10.0.0.2", "+web.default.svc A 10.0.0.3")
        see(server, ["10.0.0.3"])
        os.unlink(journal.path)
        put(server, "web.default.svc A 10.0.0.9", serial=101)
        see(server, ["10.0.0.9"])
        assert serial(server) == 101


# ---- reloads ----

def test_a_reload_keeps_the_zone_and_other_options_want_another(server):
    put(server, "web.default.svc A 10.0.0.1")
    with server:
        loads = server.count_log("loaded 2 records")
        server.reload()
        assert now(server) == ["10.0.0.1"]
        assert server.count_log("loaded 2 records") == loads  # not read again
        server.reload(COREFILE.replace("objects {", "ttl 30\n objects {"))
        assert now(server) == "SERVFAIL"
        put(server, "web.default.svc A 10.0.0.2", serial=101, ttl=30)
        see(server, ["10.0.0.2"])
