"""Runs kube_watch_driver against a FakeApiServer, and keeps what its sink was told as a test can compare it."""

import os
import pathlib
import re
import subprocess
import threading
import time

from driver_program import driver_program
from kube_objects import KINDS

# Failures are over in a second, so that tests are; the proportions are those of real life.
FAST = {
    "list_head_ms": 1500, "list_idle_ms": 700, "watch_head_ms": 1000, "watch_idle_ms": 1200, "watch_steady_ms": 400,
    "unreachable_first_ms": 30, "unreachable_most_ms": 200, "refused_first_ms": 50, "refused_most_ms": 400,
}


class Driver:
    """`model` is what a taker of state has: {resource: {"namespace/name": the rest of the put line}}."""

    def __init__(self, *options, endpoint=None, timing=FAST, environment=None):
        words = [str(driver_program("kube_watch_driver")), *options] + (["-endpoint", endpoint] if endpoint else [])
        for name, value in (timing or {}).items():
            words += [f"-{name}", str(value)]
        self.lines, self.times = [], []
        self.model = {resource: {} for resource in KINDS}
        self.unseen = {}
        self.whole = set()  # resources whose last list came to its end
        self.changed = threading.Condition()
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env=dict(os.environ, **(environment or {})))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join(10)
        if kind is None:
            assert code == 0, "\n".join(self.lines[-40:])

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.times.append(time.monotonic())
                self._take(line.split())
                self.changed.notify_all()

    def _take(self, words):
        what, resource, *rest = words + ["", ""]
        if what == "list_begin":
            self.unseen[resource] = set(self.model[resource])
            self.whole.discard(resource)
        elif what == "put":
            self.model[resource][rest[0]] = " ".join(rest[1:]).strip()
            self.unseen.get(resource, set()).discard(rest[0])
        elif what == "remove":
            self.model[resource].pop(rest[0], None)
        elif what == "list_end":
            for key in self.unseen.pop(resource):
                self.model[resource].pop(key, None)
            self.whole.add(resource)

    def wait(self, condition, timeout=10, what=""):
        end = time.monotonic() + timeout
        with self.changed:
            while not (ok := condition()) and time.monotonic() < end:
                self.changed.wait(0.02)  # what it waits for may also be something at the server
        assert ok, f"not within {timeout} s: {what}\n" + "\n".join(self.lines[-40:])

    def wait_line(self, pattern, timeout=10, count=1):
        self.wait(lambda: self.count(pattern) >= count, timeout, f"{count} lines {pattern!r}")

    def count(self, pattern):
        return sum(1 for line in self.lines if re.search(pattern, line))

    def grep(self, pattern):
        with self.changed:
            return [line for line in self.lines if re.search(pattern, line)]

    def has(self, api):
        """The model holds the server's objects in their versions, and nothing else."""
        with api.lock:
            for resource, objects in api.objects.items():
                if resource in self.whole:
                    have = {key: rest.split()[0] for key, rest in self.model[resource].items()}
                    if have != {f"{ns}/{name}": o["metadata"]["resourceVersion"] for (ns, name), o in objects.items()}:
                        return False
        return True

    def wait_synced(self, api, timeout=10, resources=("namespaces", "services", "endpointslices")):
        """Waits until all lists are whole and the model is the server's."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with self.changed:
                if self.whole >= set(resources) and self.has(api):
                    return
            time.sleep(0.01)
        self.wait(lambda: False, 0, "in step with the server")

    def status(self, resource):
        """The fields of kube_watch_status, as text."""
        with self.changed:
            before = self.count(f"^status {resource} ")
        self.process.stdin.write("status\n")
        self.process.stdin.flush()
        self.wait_line(f"^status {resource} ", count=before + 1)
        line = self.grep(f"^status {resource} ")[-1]
        fields, _, trouble = line.partition(" trouble=")
        return dict(word.split("=") for word in fields.split()[2:]) | {"trouble": trouble}

    def peak_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text)[1])
