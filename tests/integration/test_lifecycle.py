"""Start, reload, stop: signals, flags, the sync daemon as a child, and what must never be lost meanwhile."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

import syncd
import zonetext
from seamark import PROGRAM, Connection, Seamark, addresses, free_port, loopback, wait_for
from upstream import Upstream

ZONE_BLOCK = """
cluster.local:{port} {
    bind {address}
    errors
    kubernetes cluster.local {
        objects {folder}/objects.json
    }
}
"""
WHOAMI = ".:{port} {\n    bind {address}\n    whoami\n}\n"
NAME = "web.default.svc.cluster.local"


@pytest.fixture(scope="module", name="upstream")
def fixture_upstream():
    with Upstream() as up:
        yield up


def forwarding(upstream, more=""):
    return f"test:{{port}} {{\n bind {{address}}\n forward . {upstream.address}\n {more}\n}}\n"


def with_zone(corefile, **more):
    server = Seamark(corefile, **more)
    zonetext.put_zone(server.zones, ["web.default.svc A 10.0.0.1"], 100,
                      zonetext.identity(server.path("objects.json")))
    return server


class Load:
    """Asks the same questions over and over, one at a time a thread, over UDP without asking again and over TCP. Every one
    must be answered, and right."""

    def __init__(self, server, questions):
        self.server, self.questions = server, questions
        self.asked, self.wrong, self.over = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(tcp, q)) for tcp in (False, True) for q in questions]

    def run(self, tcp, question):
        name, expected = question
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect((self.server.address, self.server.port))
            while not self.over.is_set():
                query = dns.message.make_query(name, "A")
                try:
                    if tcp:
                        answer = dns.query.tcp(query, "", sock=s, timeout=5)
                    else:
                        s.send(query.to_wire())
                        answer = dns.message.from_wire(s.recv(4096))
                    if answer.id != query.id or addresses(answer) != [expected]:
                        self.wrong.append(answer.to_text())
                except (OSError, EOFError, dns.exception.DNSException) as error:
                    self.wrong.append(f"{name} tcp={tcp}: {error!r}")
                    return
                self.asked += 1

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()
        assert not self.wrong, self.wrong[:3]


# ---- reload ----

def test_reloads_under_load_lose_no_query(upstream):
    upstream.add("quick.test", "A", "192.0.2.1")
    corefile = ZONE_BLOCK + forwarding(upstream)
    with with_zone(corefile) as server:
        with Load(server, [(NAME, "10.0.0.1"), ("quick.test", "192.0.2.1")]) as load:
            reloads = 0
            while reloads < 20 or (load.asked <= 200 and reloads < 200):  # a busy machine asks fewer in the time of a reload
                more = "log" if reloads % 2 else "errors"
                server.reload(ZONE_BLOCK + forwarding(upstream, more), signal.SIGHUP if reloads % 3 else signal.SIGUSR1)
                reloads += 1
        assert load.asked > 200
        assert server.count_log("Reloading complete") == reloads


def test_a_question_that_waits_is_answered_by_the_configuration_it_came_to(upstream):
    upstream.add("slow.test", "A", "192.0.2.2")
    upstream.behave("slow.test", delay=0.3)
    with Seamark(forwarding(upstream)) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, server.connect() as c:
            s.settimeout(5)
            s.connect((server.address, server.port))
            query = dns.message.make_query("slow.test", "A")
            s.send(query.to_wire())
            c.send(query)
            upstream.wait("slow.test")
            server.reload("test:{port} {\n bind {address}\n whoami\n}\n")
            assert addresses(dns.message.from_wire(s.recv(4096))) == ["192.0.2.2"]
            assert addresses(c.receive()) == ["192.0.2.2"]
            assert not server.ask("slow.test").answer  # whoami's: nothing in the answer section


def test_many_reloads_leave_nothing_behind(upstream):
    with with_zone(ZONE_BLOCK + forwarding(upstream)) as server:
        def descriptors():
            return len(os.listdir(f"/proc/{server.process.pid}/fd"))
        server.reload()
        time.sleep(0.2)
        before = descriptors()
        for _ in range(30):
            server.reload()
        wait_for(lambda: descriptors() <= before + 2, "descriptors are closed", 5)
        assert server.ask(NAME).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("text, said", [
    (".:{port} {\n nonsense\n}\n", r"Corefile:2 - Unknown directive 'nonsense'"),
    (".:{port} {\n whoami\n", r"Corefile:\d+ - "),
    (".:{port} {\n whoami\n}\n.:{port} {\n errors\n}\n", r"Corefile:4 - cannot serve \. on dns://:\d+ - it is already "
                                                        r"defined by the block at .*Corefile:1"),
    ("a.:{port} {\n bind ::1\n}\na.:{port} {\n bind 0:0:0:0:0:0:0:1\n}\n", r"Corefile:4 - cannot serve a\. on dns://\[::1\]"),
    ("cluster.local:{port} {\n kubernetes {\n objects x\n ttl 5\n }\n}\n"
     ".:{port} {\n kubernetes cluster.local {\n objects x\n ttl 30\n }\n}\n",
     r"Corefile:8 - plugin/kubernetes: zone cluster\.local\. stands in another kubernetes block with other options \(.*:2\)"),
    ("tls://.:{port} {\n whoami\n}\n", r"Corefile:1 - serving over tls"),
    (".:{port} {\n bind 192.0.2.1\n whoami\n}\n", r"listen dns://192\.0\.2\.1:\d+: Cannot assign requested address"),
    (".:{port} {\n whoami\n}\n}\n", r"Corefile:4 - "),
])
def test_a_corefile_that_does_not_load_leaves_the_old_one_serving(text, said):
    with Seamark(WHOAMI) as server:
        answer = server.ask("a.test")
        for number in (signal.SIGUSR1, signal.SIGHUP):
            server.reload(text, number)
            assert server.ask("a.test").additional == answer.additional or server.ask("a.test").additional
        assert server.count_log(r"\[ERROR\] SIG\w+: reload failed, the old configuration goes on \(.*" + said) == 2
        server.reload(WHOAMI)
        assert server.count_log("Reloading complete") == 1


def test_a_port_that_is_taken_leaves_the_old_configuration_serving():
    with Seamark(WHOAMI) as server, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind((server.address, 0))
        taken.listen()
        port = taken.getsockname()[1]
        server.reload(WHOAMI + f"other:{port} {{\n bind {{address}}\n whoami\n}}\n")
        assert server.count_log(rf"reload failed.*listen dns://{re.escape(server.address)}:{port}: Address already in use")
        assert server.ask("a.test").additional
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((server.address, port))  # what could be opened was closed again


def test_listeners_come_and_go_and_change_between_one_address_and_all():
    with Seamark(WHOAMI, address="127.0.0.1") as server:
        bound = WHOAMI.replace("{address}", "127.0.0.1")
        everywhere = WHOAMI.replace("    bind {address}\n", "")
        for corefile in (everywhere, bound, bound + "x:{port} {\n bind 127.0.0.2\n whoami\n}\n", everywhere, bound):
            server.reload(corefile)
            assert server.ask("a.x").additional, corefile
            assert server.ask("a.x", tcp=True).additional, corefile
            if corefile != bound:
                assert server.ask("a.x", address="127.0.0.2").additional
        assert server.count_log("Reloading complete") == 5
        with pytest.raises((dns.exception.Timeout, OSError)):
            server.ask("a.x", address="127.0.0.2", timeout=0.3)


# ---- the end ----

def end(server, number=signal.SIGTERM):
    """Sends the signal; seconds until the end and the exit status."""
    begin = time.monotonic()
    server.send_signal(number)
    status = server.wait()
    server.check_log()
    return time.monotonic() - begin, status


def test_sigterm_answers_what_is_under_way(upstream):
    upstream.add("last.test", "A", "192.0.2.3")
    upstream.behave("last.test", delay=0.3)
    with Seamark(forwarding(upstream)) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, server.connect() as c:
            s.settimeout(5)
            s.connect((server.address, server.port))
            query = dns.message.make_query("last.test", "A")
            s.send(query.to_wire())
            c.send(query)
            upstream.wait("last.test")
            server.send_signal(signal.SIGTERM)
            assert addresses(dns.message.from_wire(s.recv(4096))) == ["192.0.2.3"]
            assert addresses(c.receive()) == ["192.0.2.3"]
            assert c.closed()
        assert server.wait() == 0


def test_lameduck_goes_on_answering_and_then_ends():
    with Seamark(WHOAMI.replace("whoami", "whoami\n    health {address}:8080 {\n        lameduck 1s\n    }")) as server:
        begin = time.monotonic()
        server.send_signal(signal.SIGTERM)
        while time.monotonic() - begin < 0.8:
            assert server.ask("a.test").additional
            assert server.ask("a.test", tcp=True).additional
        assert server.wait() == 0
        assert 1 <= time.monotonic() - begin < 4
        assert server.count_log("plugin/health: Going into lameduck mode for 1.0 s") == 1


def test_a_second_sigterm_ends_at_once():
    with Seamark(WHOAMI.replace("whoami", "whoami\n    health {address}:8080 {\n        lameduck 60s\n    }")) as server:
        server.send_signal(signal.SIGTERM)
        server.wait_log("lameduck")
        seconds, status = end(server)
        assert status == 0 and seconds < 2


def test_sigint_ends_and_a_second_one_with_status_2():
    with Seamark(WHOAMI) as server:
        assert end(server, signal.SIGINT)[1] == 0
    server = Seamark(WHOAMI.replace("whoami", "whoami\n    health {address}:8080 {\n        lameduck 60s\n    }"))
    try:
        server.start()
        server.send_signal(signal.SIGINT)
        server.wait_log("lameduck")
        seconds, status = end(server, signal.SIGINT)
        assert status == 2 and seconds < 2
    finally:
        server.cleanup()


def test_sigquit_ends_at_once_and_other_signals_do_not():
    with Seamark(WHOAMI) as server:
        for number in (signal.SIGUSR2, signal.SIGPIPE, signal.SIGCHLD):
            server.send_signal(number)
        time.sleep(0.1)
        assert server.ask("a.test").additional
        assert end(server, signal.SIGQUIT)[1] == 0


def test_an_upstream_that_never_answers_does_not_hold_up_the_end(upstream):
    upstream.behave("never.test", drop=True)
    with Seamark(forwarding(upstream)) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((server.address, server.port))
            s.send(dns.message.make_query("never.test", "A").to_wire())
            upstream.wait("never.test")
            seconds, status = end(server)
        assert status == 0 and seconds < 8


def test_a_client_that_reads_nothing_does_not_hold_up_the_end():
    server = Seamark(ZONE_BLOCK)
    zonetext.put_zone(server.zones, [f"big.default.svc A 10.1.{i // 256}.{i % 256}" for i in range(3000)], 100,
                      zonetext.identity(server.path("objects.json")))
    with server:
        with server.connect() as c:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.send(*[dns.message.make_query("big.default.svc.cluster.local", "A")] * 20)
            time.sleep(0.3)
            seconds, status = end(server)
        assert status == 0 and seconds < 8


def test_a_reload_while_it_ends_is_refused(upstream):
    upstream.behave("wait.test", drop=True)
    with Seamark(forwarding(upstream)) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((server.address, server.port))
            s.send(dns.message.make_query("wait.test", "A").to_wire())
            upstream.wait("wait.test")
            server.send_signal(signal.SIGTERM)
            server.wait_log("Shutting down")
            time.sleep(0.2)
            server.send_signal(signal.SIGUSR1)
            server.wait_log("reload failed.*the server is being stopped")
            assert server.wait() == 0


def test_nobody_reads_the_log_and_it_goes_on():
    server = Seamark(WHOAMI.replace("whoami", "whoami\n    log\n    errors"))
    read, write = os.pipe()
    try:
        with subprocess.Popen(server.command(), stdout=write, stderr=subprocess.STDOUT) as process:
            server.process = process
            os.close(write)
            server.wait_until_it_answers = lambda seconds=20: None
            wait_for(lambda: answers(server), "an answer", 10)
            for _ in range(3000):  # some 100 octets each: more than a pipe holds
                assert server.ask("a.test").additional
            for _ in range(5):
                server.send_signal(signal.SIGUSR1)
                time.sleep(0.05)
                assert server.ask("a.test").additional
            process.terminate()
            assert process.wait(10) == 0
    finally:
        os.close(read)
        server.cleanup()


def answers(server):
    try:
        return server.ask("a.test", timeout=0.3)
    except (dns.exception.Timeout, OSError):
        return None


# ---- the sync daemon ----

def children(server):
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children", encoding="ascii") as f:
        return [int(pid) for pid in f.read().split()]


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def put_objects(server, address):
    syncd.write_objects(server.path("objects.json"), [
        syncd.namespace("default"), syncd.service("web", [address], [("http", 80)])])


@pytest.fixture(name="supervised")
def fixture_supervised():
    server = Seamark(ZONE_BLOCK, supervised=True)
    put_objects(server, "10.0.0.1")
    with server:
        wait_for(lambda: addresses(server.ask(NAME)) == ["10.0.0.1"], "the sync daemon's zone", 20)
        yield server


def test_the_sync_daemon_runs_while_the_server_does(supervised):
    (child,) = children(supervised)
    assert os.readlink(f"/proc/{child}/exe").endswith("/seamark-sync")
    put_objects(supervised, "10.0.0.2")
    wait_for(lambda: addresses(supervised.ask(NAME)) == ["10.0.0.2"], "a change is followed", 20)
    supervised.stop()
    assert gone(child)


def test_a_sync_daemon_that_dies_is_started_again_and_answers_go_on(supervised):
    with Load(supervised, [(NAME, "10.0.0.1")]):
        for _ in range(3):
            (child,) = children(supervised)
            os.kill(child, signal.SIGKILL)
            wait_for(lambda old=child: children(supervised) not in ([], [old]), "another sync daemon", 10)
    assert supervised.count_log(r"\[ERROR\] seamark-sync: ended by signal 9; started again in \d+ ms") == 3
    put_objects(supervised, "10.0.0.2")
    wait_for(lambda: addresses(supervised.ask(NAME)) == ["10.0.0.2"], "a change is followed", 20)


def test_a_server_that_is_killed_takes_the_sync_daemon_along():
    server = Seamark(ZONE_BLOCK, supervised=True)
    put_objects(server, "10.0.0.1")
    try:
        server.start()
        (child,) = wait_for(lambda: children(server), "the sync daemon", 10)
        server.kill()
        wait_for(lambda: gone(child), "the end of the sync daemon", 10)
    finally:
        server.cleanup()


def test_a_reload_reaches_the_sync_daemon_and_does_not_end_it(supervised):
    before = children(supervised)
    for _ in range(10):
        supervised.reload()
    assert children(supervised) == before
    supervised.reload(ZONE_BLOCK.replace("objects {folder}", "ttl 30\n objects {folder}"))
    wait_for(lambda: addresses(supervised.ask(NAME)) and supervised.ask(NAME).answer[0].ttl == 30, "the new TTL", 20)
    assert children(supervised) == before
    assert supervised.count_log("seamark-sync: ended") == 0


def test_the_sync_daemon_comes_and_goes_with_the_kubernetes_block(supervised):
    (child,) = children(supervised)
    supervised.reload(WHOAMI)
    wait_for(lambda: gone(child), "the end of the sync daemon", 10)
    assert supervised.ask("a.test").additional
    for _ in range(5):  # a fresh child must not be hit by the reload that starts it
        supervised.reload(ZONE_BLOCK)
        wait_for(lambda: children(supervised), "the sync daemon", 10)
        supervised.reload(WHOAMI)
        wait_for(lambda: not children(supervised), "its end", 10)
    supervised.reload(ZONE_BLOCK)
    wait_for(lambda: addresses(supervised.ask(NAME)) == ["10.0.0.1"], "the zone", 20)
    assert supervised.count_log("seamark-sync: ended") == 0, supervised.log()


def test_a_sync_daemon_that_hangs_is_killed_when_it_is_no_longer_wanted(supervised):
    (child,) = children(supervised)
    os.kill(child, signal.SIGSTOP)
    supervised.reload(WHOAMI)
    wait_for(lambda: gone(child), "its end", 20)
    assert supervised.count_log("did not end when asked to, and is killed") == 1
    supervised.reload(ZONE_BLOCK)
    (second,) = wait_for(lambda: children(supervised), "another sync daemon", 10)
    os.kill(second, signal.SIGSTOP)
    supervised.reload(WHOAMI)
    supervised.reload(ZONE_BLOCK)  # wanted again while the old one hangs
    wait_for(lambda: children(supervised) not in ([], [second]), "a third", 20)


def test_the_sync_daemon_has_none_of_the_servers_sockets(supervised):
    def sockets(pid):
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            if target.startswith("socket:"):
                found.add(target)
        return found
    (child,) = children(supervised)
    assert sockets(supervised.process.pid) and not sockets(child) & sockets(supervised.process.pid)


def test_without_a_kubernetes_block_there_is_no_sync_daemon():
    with Seamark(WHOAMI, supervised=True) as server:
        time.sleep(0.2)
        assert children(server) == []


# ---- flags ----

def run(*arguments, cwd=None, seconds=20):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=seconds, cwd=cwd, check=False)


def test_flags_that_only_print():
    version = run("-version")
    assert version.returncode == 0 and re.fullmatch(r"Seamark-\d+\.\d+\.\d+\n", version.stdout)
    plugins = run("--plugins")
    assert plugins.returncode == 0
    listed = plugins.stdout.split()
    assert listed.index("dns.errors") < listed.index("dns.kubernetes") < listed.index("dns.forward")
    assert "-dns.port VALUE" in run("-help").stdout


@pytest.mark.parametrize("arguments, status, said", [
    (["-nonsense"], 2, "flag provided but not defined: -nonsense"),
    (["-conf"], 2, "flag needs an argument: -conf"),
    (["-dns.port=x"], 2, 'flag -dns.port: expected a number from 0 to 65535, found "x"'),
    (["-sync=nobody"], 2, 'flag -sync: expected external or supervised, found "nobody"'),
    (["stray"], 1, "extra command line arguments: stray"),
    (["-conf", "/nonexistent/Corefile"], 1, "/nonexistent/Corefile: No such file or directory"),
    (["-conf", "/"], 1, "/: Is a directory"),
])
def test_flags_that_are_wrong(arguments, status, said, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == status, done
    assert said in done.stderr


@pytest.mark.parametrize("flag", ["-dns.port", "--dns.port", "-p"])
def test_the_default_port_is_moved_and_others_are_not(flag):
    address = loopback()
    port, other = free_port(address), free_port(address)
    server = Seamark(f". {{\n bind {{address}}\n whoami\n}}\nx:{other} {{\n bind {{address}}\n whoami\n}}\n",
                     f"{flag}={port}", address=address)
    server.port = port
    with server:
        assert server.ask("a.test").additional
        server.port = other
        assert server.ask("a.x").additional


def test_a_corefile_in_the_present_folder_is_found_and_without_one_whoami_answers():
    server = Seamark(WHOAMI)
    server.command = lambda *flags: [PROGRAM, "-zones", server.zones, "-sync=external", *flags]
    with server:
        assert server.ask("a.test").additional
    server = Seamark("", address="127.0.0.1")
    os.unlink(server.conf)
    server.command = lambda *flags: [PROGRAM, f"-dns.port={server.port}", "-zones", server.zones, "-quiet", *flags]
    with server:
        assert server.ask("a.test").additional
        assert server.count_log("Seamark-") == 0  # quiet
        assert server.count_log(r'"A IN a\.test\. udp') == 1  # and it logs


def test_the_process_id_is_written_where_asked():
    with Seamark(WHOAMI, "-pidfile", "pid") as server:
        with open(server.path("pid"), encoding="ascii") as f:
            assert int(f.read()) == server.process.pid


def test_a_port_that_is_taken_is_said_and_ends_the_start():
    with Seamark(WHOAMI) as server:
        second = Seamark(WHOAMI, address=server.address)
        second.port = server.port
        second.write("Corefile", WHOAMI)
        done = subprocess.run(second.command(), capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1
        assert done.stderr == f"listen dns://{server.address}:{server.port}: Address already in use\n"
        second.cleanup()
        for _ in range(50):  # and the first one answers every question
            assert server.ask("a.test", timeout=1).additional


def test_a_tcp_port_that_is_taken_is_said_too():
    server = Seamark(WHOAMI)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind((server.address, server.port))
        taken.listen()
        done = subprocess.run(server.command(), capture_output=True, text=True, timeout=20, check=False)
    server.cleanup()
    assert done.returncode == 1
    assert done.stderr == f"listen dns://{server.address}:{server.port}: Address already in use\n"


def test_the_start_fails_where_a_plugin_does():
    server = Seamark(WHOAMI.replace("whoami", "whoami\n    health {address}:{health}"))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind((server.address, 0))
        taken.listen()
        server.write("Corefile", open(server.conf, encoding="ascii").read().replace("{health}",
                                                                                     str(taken.getsockname()[1])))
        done = subprocess.run(server.command(), capture_output=True, text=True, timeout=20, check=False)
    server.cleanup()
    assert done.returncode == 1 and done.stderr.startswith("plugin/health: "), done


# ---- -check ----

def test_check_says_that_all_is_well_and_opens_nothing():
    with Seamark(ZONE_BLOCK + WHOAMI) as server:  # the ports are taken by the one that runs
        done = server.check()
        assert done.returncode == 0, done
        assert "no zone file yet" in done.stdout and "configuration is good" in done.stdout
        zonetext.put_zone(server.zones, ["web.default.svc A 10.0.0.1"], 100,
                          zonetext.identity(server.path("objects.json")))
        done = server.check()
        assert done.returncode == 0 and "cluster.local.zone: 2 records, serial 100" in done.stdout


def test_check_says_what_is_wrong_and_where():
    server = Seamark(ZONE_BLOCK)
    where = zonetext.path(server.zones, "cluster.local.")
    identity = zonetext.identity(server.path("objects.json"))
    try:
        zonetext.put_zone(server.zones, ["web.default.svc A 10.0.0.1"], 100, identity)
        with open(where, "a", encoding="ascii") as f:
            f.write("x")
        done = server.check()
        assert done.returncode == 1 and f"{where}:9: something follows the trailer" in done.stderr, done
        zonetext.put_zone(server.zones, ["web.default.svc A 10.0.0.1"], 100, identity.replace("ttl=5", "ttl=30"))
        done = server.check()
        assert done.returncode == 1 and "rendered from another source or with other options" in done.stderr
        server.write("Corefile", ".:53 {\n errors\n nonsense\n}\n")
        done = server.check()
        assert done.returncode == 1 and "Corefile:3 - Unknown directive 'nonsense'" in done.stderr
        assert done.stdout == ""
        server.write("Corefile", ".:53 {\n route53 a b\n}\n")
        done = server.check()
        assert done.returncode == 1
        assert "Corefile:2 - plugin 'route53' is CoreDNS's but not built into Seamark yet" in done.stderr
    finally:
        server.cleanup()
