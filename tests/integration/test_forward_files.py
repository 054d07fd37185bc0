"""forward to the name servers of a file: what happens when the file changes while it serves."""

import contextlib
import os
import threading
import time

import pytest
from forwarder import Forwarder, addresses
from upstream import Upstream

COREFILE = ".:{port} {\n    loop\n    prometheus {metrics}\n    forward . {folder}/resolv.conf {\n        policy sequential\n%s\n    }\n}\n"


@pytest.fixture(name="servers")
def three_servers():
    """resolv.conf has no ports, so each has an address of its own."""
    with contextlib.ExitStack() as stack:
        found = []
        for i in (1, 2, 3):
            try:
                found.append(stack.enter_context(Upstream(host=f"127.77.8.{i}", port=53)))
            except PermissionError:
                pytest.skip("port 53 may not be bound here")
            found[-1].add("www.example.org", "A", f"10.0.0.{i}")
        yield found


def lines(*servers):
    return "# servers\n" + "".join(f"nameserver {s.host}\n" for s in servers)


def replace(server, text):
    path = os.path.join(server.folder.name, "resolv.conf")
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def serve(servers, *options):
    text = COREFILE % "\n".join("        " + o for o in options)
    return Forwarder(text, files={"resolv.conf": lines(*servers)})


def moved(server, upstreams):
    server.wait_log("upstreams are now " + ", ".join(f"{u.host}:53" for u in upstreams).replace(".", r"\."))


def test_a_file_that_is_replaced_is_followed_and_a_question_under_way_is_answered(servers):
    first, second, _ = servers
    first.add("slow.example.org", "A", "10.0.9.9")
    first.behave("slow.example.org", drop=2)  # it is sent again after 0.8 s, and 1.6 s after that
    with serve([first], "read_timeout 4s") as server:
        found = []
        slow = threading.Thread(target=lambda: found.append(server.ask("slow.example.org")))
        slow.start()
        first.wait("slow.example.org")
        replace(server, lines(second))
        moved(server, [second])
        assert not found  # it is still under way
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        slow.join()
        assert addresses(found[0]) == ["10.0.9.9"]
        assert second.count("slow.example.org") == 0
        first.stop()
        assert addresses(server.ask("www.example.org", tcp=True)) == ["10.0.0.2"]


def test_the_links_of_a_configmap_are_followed(servers):
    first, second, _ = servers
    with serve([first]) as server:
        folder = server.folder.name
        os.mkdir(os.path.join(folder, "..2"))
        with open(os.path.join(folder, "..2", "resolv.conf"), "w", encoding="utf-8") as f:
            f.write(lines(second))
        os.mkdir(os.path.join(folder, "..1"))
        os.rename(os.path.join(folder, "resolv.conf"), os.path.join(folder, "..1", "resolv.conf"))
        os.symlink("..1", os.path.join(folder, "..data"))
        os.symlink("..data/resolv.conf", os.path.join(folder, "resolv.conf"))
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        os.symlink("..2", os.path.join(folder, "..new"))
        os.rename(os.path.join(folder, "..new"), os.path.join(folder, "..data"))
        moved(server, [second])
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]


def test_a_file_without_servers_or_that_is_gone_changes_nothing_and_is_named_once(servers):
    first, second, _ = servers
    with serve([first]) as server:
        replace(server, "search example.org\n")
        server.wait_log("resolv.conf: its name servers stay as they were \\(the file names none\\)")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.1"]
        replace(server, lines(second))
        moved(server, [second])
        os.unlink(os.path.join(server.folder.name, "resolv.conf"))
        server.wait_log("stay as they were \\(No such file or directory\\)")
        time.sleep(1.2)
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        assert server.log().count("stay as they were") == 2
        replace(server, lines(second, first))
        moved(server, [second, first])


def test_an_upstream_that_stays_keeps_its_health(servers):
    first, second, third = servers
    first.silent = True
    with serve([first, second], "read_timeout 300ms", "health_check 50ms") as server:
        failures = lambda: server.metric("coredns_proxy_healthcheck_failures_total")  # noqa: E731
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
        server.wait(lambda: failures() >= 3, "three failed checks")
        first.forget()
        replace(server, lines(first, third))
        moved(server, [first, third])
        assert addresses(server.ask("www.example.org")) == ["10.0.0.3"]
        assert first.count("www.example.org") == 0


def test_changes_under_load_lose_no_question(servers):
    with serve(servers[:1]) as server:
        wrong, stop = [], threading.Event()

        def ask_on():
            n = 0
            while not stop.is_set():
                n += 1
                answer = server.ask("www.example.org", tcp=n % 4 == 0)
                if len(addresses(answer)) != 1:
                    wrong.append(answer)

        askers = [threading.Thread(target=ask_on) for _ in range(4)]
        for asker in askers:
            asker.start()
        for i in range(6):
            chosen = [servers[(i + 1) % 3], servers[i % 3]]
            replace(server, lines(*chosen))
            moved(server, chosen)
        stop.set()
        for asker in askers:
            asker.join()
        assert not wrong


def test_a_server_that_leads_back_here_is_found_when_it_comes_in(servers):
    with serve(servers[:1]) as server:
        # Nothing may listen at port 53 but the servers themselves: so the third one sends all it gets to seamark.
        def send_back(query, *_):
            server.ask(query.question[0].name, "HINFO", timeout=3)

        servers[2]._answer = send_back  # pylint: disable=protected-access
        replace(server, lines(servers[2], servers[1]))
        moved(server, [servers[2], servers[1]])
        server.wait_log(r"upstream 127\.77\.8\.3:53 leads back to this server")
        assert addresses(server.ask("www.example.org")) == ["10.0.0.2"]
