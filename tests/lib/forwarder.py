"""seamark as a forwarder under test: a Corefile's text, a free port, its log and its metrics.

    with Forwarder(".:{port} {\n forward . 127.0.0.1:5399 \n}") as server:
        answer = server.ask("www.example.org", "A")
"""

import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

import dns.flags
import dns.message
import dns.query

from ports import free_port

BIN = os.environ.get("SEAMARK_BIN", "bin")


class Forwarder:
    """`corefile` may hold {port} and {metrics}; flags are further arguments of the command."""

    def __init__(self, corefile, *flags, files=None, workers=2, env=None):
        self.folder = tempfile.TemporaryDirectory()
        self.port = self.metrics_port = free_port()
        while self.metrics_port == self.port:
            self.metrics_port = free_port()
        self.flags = [f"-workers={workers}", *flags]
        self.env = env
        self.path = os.path.join(self.folder.name, "Corefile")
        for name, text in (files or {}).items():
            with open(os.path.join(self.folder.name, name), "w", encoding="utf-8") as f:
                f.write(text)
        self.write(corefile)
        self.process = None

    def write(self, corefile):
        text = corefile.replace("{port}", str(self.port)).replace("{metrics}", f"127.0.0.1:{self.metrics_port}")
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(text.replace("{folder}", self.folder.name))

    def start(self):
        with open(os.path.join(self.folder.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "seamark"), "-conf", self.path, "-sync=external", "-zones", self.folder.name, *self.flags],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
            )
        self.wait_log(r"^Seamark-")
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert self.process is None or self.process.returncode == 0, self.log()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
            elif self.process is not None:
                self.process.kill()
                self.process.wait()
                print(self.log())
        finally:
            self.folder.cleanup()

    def sync(self):
        """Renders the zones of its kubernetes blocks anew."""
        command = [os.path.join(BIN, "seamark-sync"), "-conf", self.path, "-zones", self.folder.name, "-once"]
        subprocess.run(command, check=True, capture_output=True, timeout=30)

    def reload(self, corefile=None):
        if corefile is not None:
            self.write(corefile)
        seen = self.log().count("Reloading complete")
        self.process.send_signal(signal.SIGHUP)
        self.wait(lambda: self.log().count("Reloading complete") > seen, "a reload")

    # ---- looking ----

    def log(self):
        with open(os.path.join(self.folder.name, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, condition, what, seconds=15.0):
        end = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}; log:\n{self.log()}")
            time.sleep(0.01)

    def wait_log(self, pattern, seconds=15.0):
        self.wait(lambda: re.search(pattern, self.log(), re.MULTILINE), f"/{pattern}/ in the log", seconds)

    def metric(self, name, **labels):
        """The sum of all series of that name with these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as response:
            page = response.read().decode()
        total = 0.0
        for line in page.splitlines():
            if line.startswith(name + "{") or line.startswith(name + " "):
                if all(f'{key}="{value}"' in line for key, value in labels.items()):
                    total += float(line.rsplit(" ", 1)[1])
        return total

    # ---- asking ----

    def ask(self, name, rdtype="A", tcp=False, timeout=7.0, **more):
        """One question, asked once. more: want_dnssec, use_edns, flags."""
        flags = more.pop("flags", dns.flags.RD)
        query = dns.message.make_query(name, rdtype, rdclass=more.pop("rdclass", "IN"), **more)
        query.flags = flags
        return self.send(query, tcp, timeout)

    def send(self, query, tcp=False, timeout=7.0):
        if tcp:
            return dns.query.tcp(query, "127.0.0.1", timeout=timeout, port=self.port)
        return dns.query.udp(query, "127.0.0.1", timeout=timeout, port=self.port, ignore_unexpected=True)


def refusal(folder, block):
    """What the server says of a server block that cannot be served, with file and line."""
    path = os.path.join(folder, "Corefile")
    with open(path, "w", encoding="utf-8") as corefile:
        corefile.write(f".:{free_port()} {{\n    {block}\n}}\n")
    command = [os.path.join(BIN, "seamark"), "-conf", path, "-check", "-zones", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    said = result.stdout + result.stderr
    assert result.returncode == 1 and "Corefile:" in said
    return said


def addresses(answer):
    return sorted(r.address for rrset in answer.answer for r in rrset if hasattr(r, "address"))


def ttls(answer):
    return {rrset.ttl for section in (answer.answer, answer.authority, answer.additional) for rrset in section}
