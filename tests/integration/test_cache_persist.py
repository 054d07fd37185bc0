"""cache: entries that are there again after a restart, and files that do no harm."""

import os
import signal
import stat
import time

import dns.rcode
import pytest
from forwarder import Forwarder, addresses, free_port, ttls
from upstream import Upstream


def corefile(up, option="persist", *more):
    cache = ["    cache {", f"        {option}", *("        " + m for m in more), "    }"]
    lines = [".:{port} {", "    errors", "    prometheus {metrics}", *cache]
    return "\n".join(lines + [f"    forward . {up.address} {{\n read_timeout 300ms\n }}", "}\n"])


@pytest.fixture
def up():
    with Upstream() as upstream:
        upstream.add("www.example.org", "A", "10.0.0.1", ttl=300)
        upstream.add("short.example.org", "A", "10.0.0.5", ttl=5)
        yield upstream


def cache_file(server):
    return os.path.join(server.folder.name, f"cache-root-{server.port}")


def again(server):
    """A restart, as by the system: the same Corefile, port and folder."""
    server.stop()
    server.start()


def test_a_restart_finds_the_entries_with_their_ttls_counted_on(up):
    with Forwarder(corefile(up)) as server:
        for name in ("www.example.org", "none.example.org", "short.example.org"):
            server.ask(name)
        server.ask("www.example.org", want_dnssec=True)
        server.stop()
        assert stat.S_IMODE(os.stat(cache_file(server)).st_mode) == 0o600
        time.sleep(2.1)
        server.start()
        server.wait_log("4 answers read")
        up.silent = True
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert max(ttls(server.ask("www.example.org", want_dnssec=True))) <= 298
        denial = server.ask("none.example.org")
        assert denial.rcode() == dns.rcode.NXDOMAIN and max(ttls(denial)) <= 298
        time.sleep(3)
        assert server.ask("short.example.org").rcode() == dns.rcode.SERVFAIL  # its five seconds are over
        assert server.metric("coredns_cache_entries") >= 4


def test_stale_entries_survive_an_outage_and_a_restart_in_it(up):
    with Forwarder(corefile(up, "persist", "success 1024 1 1", "serve_stale 1h immediate 30s")) as server:
        server.ask("www.example.org")
        up.silent = True
        time.sleep(1.1)
        again(server)
        stale = server.ask("www.example.org")
        assert addresses(stale) == ["10.0.0.1"] and ttls(stale) == {30}
        again(server)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]


def test_it_is_written_now_and_then(up):
    with Forwarder(corefile(up, "persist kept 1s")) as server:
        path = os.path.join(server.folder.name, "kept")
        server.ask("www.example.org")
        server.wait(lambda: os.path.exists(path), "the file", 10)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.start()
        up.silent = True
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert not os.path.exists(path + ".tmp")


def test_what_another_configuration_would_answer_is_not_read(up):
    with Upstream() as other, Forwarder(corefile(up)) as server:
        other.add("www.example.org", "A", "10.0.0.2")
        server.ask("www.example.org")
        server.stop()
        server.write(corefile(other))
        server.start()
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        server.wait_log("is of a server block with other settings")


def damage(path, how):
    with open(path, "r+b") as f:
        data = f.read()
        if how == "cut":
            f.truncate(len(data) - 30)
        elif how == "octet":
            f.seek(len(data) - 40)
            f.write(bytes([data[-40] ^ 1]))
        elif how == "text":
            f.truncate(0)
            f.seek(0)
            f.write(b"; a zone file, say\n" * 100)
        elif how == "empty":
            f.truncate(0)
    if how == "others may write it":
        os.chmod(path, 0o602)
    if how == "another group may write it":
        if os.geteuid() != 0:
            pytest.skip("files cannot be given to a group that is not ours")
        os.chown(path, -1, max({os.getegid(), *os.getgroups()}) + 1)
        os.chmod(path, 0o660)
    if how in ("link", "folder", "fifo"):
        os.rename(path, path + ".true")
        make = {"link": lambda: os.symlink(path + ".true", path), "folder": lambda: os.mkdir(path), "fifo": lambda: os.mkfifo(path)}
        make[how]()


@pytest.fixture(params=["its own", "a further one"])
def group(request):
    """A group of this process, and of those that it starts."""
    if request.param == "its own":
        yield os.getegid()
        return
    had, further = os.getgroups(), 54321
    try:
        os.setgroups([*had, further])
    except PermissionError:
        pytest.skip("no further group can be had")
    yield further
    os.setgroups(had)


def test_a_file_that_a_group_of_ours_may_write_is_read(up, group):
    """As the fsGroup of a pod leaves files and folders at each mount."""
    with Forwarder(corefile(up)) as server:
        server.ask("www.example.org")
        server.stop()
        os.chown(cache_file(server), -1, group)
        os.chmod(cache_file(server), 0o660)
        os.chmod(server.folder.name, 0o2770)
        server.start()
        server.wait_log("1 answers read")
        server.ask("short.example.org")
        again(server)  # and written anew for us alone
        assert stat.S_IMODE(os.stat(cache_file(server)).st_mode) == 0o600


@pytest.mark.parametrize("how", ["cut", "octet", "text", "empty", "others may write it", "another group may write it", "link", "folder", "fifo"])
def test_a_file_that_is_not_ours_or_not_whole_costs_what_is_lost_and_nothing_else(up, how):
    with Forwarder(corefile(up)) as server:
        server.ask("www.example.org")
        server.stop()
        damage(cache_file(server), how)
        server.start()
        assert server.log().count("[WARNING] plugin/cache: ") == 1, server.log()
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        assert up.count("www.example.org") == 2
        server.stop()


def test_a_folder_that_cannot_be_written_is_said_once(up):
    with Forwarder(corefile(up, "persist /proc/nowhere/cache 1s")) as server:
        server.ask("www.example.org")
        server.wait_log("the cache cannot be kept there")
        server.ask("short.example.org")
        time.sleep(1.5)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        server.stop()
        assert server.log().count("/proc/nowhere/cache") == 1


def test_a_reload_keeps_the_cache_and_its_file(up):
    text = corefile(up, "persist kept 1s")
    with Forwarder(text) as server:
        server.ask("www.example.org")
        server.wait(lambda: os.path.exists(os.path.join(server.folder.name, "kept")), "the file", 10)
        server.reload(text + "# 1\n")
        assert "answers read" not in server.log()  # they were there
        server.reload(corefile(up, "keepttl"))  # another cache, that is not kept
        server.ask("short.example.org")
        server.reload(text)
        assert "kept: 1 answers read" in server.log()
        server.ask("www.example.org")
        assert up.count("www.example.org") == 1


def test_two_blocks_cannot_have_one_file(up):
    block = f".:%d {{\n cache {{\n persist %s\n }}\n forward . {up.address}\n}}\n"
    server = Forwarder(block % (free_port(), "kept") + block % (free_port(), "kept"))
    with pytest.raises(AssertionError):
        server.start()
    assert "persist: kept is that of another server block too" in server.log()
    server.folder.cleanup()
    with Forwarder(".:{port} {\n cache {\n persist\n }\n}\n" + block % (free_port(), "kept")) as good:
        assert good.process.poll() is None
