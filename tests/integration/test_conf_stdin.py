"""`-conf stdin`: the configuration comes by a pipe, for both programs, and is there for every reload."""

import json
import os
import subprocess

from seamark import PROGRAM, Seamark, addresses, wait_for
from syncd import namespace, service

CLUSTER = """
.:{port} {
    bind {address}
    reload 2s 0s
    kubernetes cluster.local {
        objects {folder}/objects.json
    }
    whoami
}
"""
WEB = "web.default.svc.cluster.local"


def put_objects(server, address):
    objects = {"apiVersion": "v1", "kind": "List", "items": [namespace("default"), service("web", [address], [("http", 80)])]}
    server.write("objects.tmp", json.dumps(objects))
    os.rename(server.path("objects.tmp"), server.path("objects.json"))


def children(process):
    """{pid: command line} of the sync daemon."""
    found = {}
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as pids:
        for pid in pids.read().split():
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                found[int(pid)] = line.read().split(b"\0")
    return found


def test_both_programs_take_it_and_read_it_again_after_a_reload():
    server = Seamark(CLUSTER, supervised=True, by_pipe=True)
    put_objects(server, "10.96.0.1")
    with server:
        wait_for(lambda: addresses(server.ask(WEB)) == ["10.96.0.1"], "the cluster's records")
        first = children(server.process)
        assert len(first) == 1
        server.reload()
        assert server.count_log("reload failed", seconds=0) == 0
        put_objects(server, "10.96.0.2")
        wait_for(lambda: addresses(server.ask(WEB)) == ["10.96.0.2"], "the change")
        os.kill(next(iter(first)), 9)
        wait_for(lambda: children(server.process) and children(server.process).keys() != first.keys(), "another sync daemon")
        put_objects(server, "10.96.0.3")
        wait_for(lambda: addresses(server.ask(WEB)) == ["10.96.0.3"], "the change by the second one")
        assert server.count_log(r"Corefile parse failed|\[ERROR\] (?!seamark-sync)", seconds=0) == 0


def run(*arguments, **more):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)


def test_errors_name_it_and_check_takes_it():
    result = run("-conf", "stdin", "-check", input=".:5399 {\n    whoami\n    nonsense\n}\n")
    assert result.returncode == 1 and "/dev/stdin:3 - " in result.stderr
    result = run("-conf", "stdin", "-check", input=".:5399 {\n    whoami\n}\n")
    assert result.returncode == 0 and "configuration is good" in result.stdout
    result = run("-conf", "stdin", "-check", input="# " + "x" * (1 << 20))
    assert result.returncode == 1 and "standard input" in result.stderr


def test_a_file_in_its_place_is_read_too(tmp_path):
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:5399 {\n    whoami\n    nonsense\n}\n")
    with open(corefile, encoding="ascii") as text:
        assert "/dev/stdin:3 - " in run("-conf", "stdin", "-check", stdin=text).stderr


def test_a_device_is_no_configuration(tmp_path):
    result = run("-conf", "stdin", "-check", stdin=subprocess.DEVNULL)
    assert result.returncode == 0 and "(default): configuration is good" in result.stdout
    sync = os.path.join(os.path.dirname(PROGRAM), "seamark-sync")
    result = subprocess.run([sync, "-conf", "stdin", "-once", "-zones", tmp_path], capture_output=True, text=True, timeout=60,
                            stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == 1 and "standard input" in result.stderr


def test_the_sync_daemon_takes_it_by_itself(tmp_path):
    objects = tmp_path / "objects.json"
    objects.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace("default")]}))
    sync = os.path.join(os.path.dirname(PROGRAM), "seamark-sync")
    text = f". {{\n    kubernetes cluster.local {{\n        objects {objects}\n    }}\n}}\n"
    result = subprocess.run([sync, "-conf", "stdin", "-once", "-zones", tmp_path / "zones"], input=text, capture_output=True,
                            text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "default.svc.cluster.local." in (tmp_path / "zones" / "cluster.local.zone").read_text()
