"""seamark under test: a Corefile's text on an address and port of its own, its log, its end.

    with Seamark(".:{port} {\n bind {address}\n whoami\n}") as server:
        answer = server.ask("www.example.org", "A")

Whatever a test does to it, at the end of the block the process must end by SIGTERM with status 0, and no sanitizer may
have written to its log.
"""

import ctypes
import itertools
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

import dns.flags
import dns.message
import dns.query

from ports import free_port

BIN = os.environ.get("SEAMARK_BIN", os.path.join(os.path.dirname(__file__), "..", "..", "bin"))
PROGRAM = os.path.abspath(os.path.join(BIN, "seamark"))
SANITIZED = "asan" in BIN  # AddressSanitizer's own memory is then part of a process's
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


def loopback():
    """An address of 127/8 that no other test uses at the same time."""
    pid, number = os.getpid(), next(_numbers)
    return f"127.{1 + (pid >> 8) % 63}.{pid % 256}.{1 + number % 254}"


def wait_for(condition, what, seconds=15.0, pause=0.01):
    """Calls condition() until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Seamark:
    """`corefile` may hold {address}, {port} and {folder}; `files` are written into the folder, with the same put in.
    The zone files are in {folder}/zones. Without `supervised` the sync daemon is not started. With `by_pipe` the Corefile
    comes by standard input."""

    def __init__(self, corefile, *flags, files=None, address=None, supervised=False, env=None, by_pipe=False):
        self._folder = tempfile.TemporaryDirectory(prefix="seamark-test-")
        self.folder = self._folder.name
        self.zones = os.path.join(self.folder, "zones")
        os.mkdir(self.zones)
        self.address = address or loopback()
        self.port = free_port(self.address)
        self.conf = os.path.join(self.folder, "Corefile")
        self.log_path = os.path.join(self.folder, "log")
        self.flags = ["-workers=2", *flags] + ([] if supervised else ["-sync=external"])
        self.env = {**os.environ, **(env or {})}
        self.by_pipe = by_pipe
        self.process = None
        for name, text in (files or {}).items():
            self.write(name, text)
        self.write("Corefile", corefile)

    # ---- files ----

    def path(self, name):
        return os.path.join(self.folder, name)

    def fill(self, text):
        return (text.replace("{address}", self.address).replace("{port}", str(self.port))
                .replace("{folder}", self.folder))

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(self.fill(text))

    # ---- life ----

    def command(self, *flags):
        conf = "stdin" if self.by_pipe else self.conf
        return [PROGRAM, "-conf", conf, "-zones", self.zones, *self.flags, *flags]

    def spawn(self):
        """Starts it without waiting for anything."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE if self.by_pipe else subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, env=self.env,
                                            preexec_fn=_die_with_parent)
        if self.by_pipe:
            with open(self.conf, "rb") as text, self.process.stdin as pipe:
                pipe.write(text.read())
        return self

    def start(self):
        self.spawn()
        return self.wait_until_it_answers()

    def wait_until_it_answers(self, seconds=20):
        def answers():
            assert self.alive(), f"seamark ended with status {self.process.returncode}:\n{self.log()}"
            try:
                return self.ask("ready.seamark-test.invalid", "A", timeout=0.5)
            except (dns.exception.Timeout, dns.query.UnexpectedSource, OSError):
                return None  # a question from the very port it goes to, while nobody has that, comes back to its sender
        wait_for(answers, "an answer from seamark", seconds)
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=20):
        """The exit status, when it has ended."""
        return self.process.wait(seconds)

    def stop(self):
        """SIGTERM; it must end by itself, with status 0 and a clean log."""
        if self.alive():
            self.send_signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"seamark did not end after SIGTERM:\n{self.log()}") from None
        self.check_log()
        assert status == 0, f"seamark ended with status {status}:\n{self.log()}"

    def check_log(self):
        assert not SANITIZER.search(self.log()), self.log()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.kill()
            self._folder.cleanup()
            raise

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
            else:
                print(self.log())
        finally:
            self.kill()
            self._folder.cleanup()

    def check(self):
        """The finished `seamark -check`."""
        return subprocess.run(self.command("-check"), capture_output=True, text=True, timeout=60, cwd=self.folder,
                              env=self.env, check=False)

    def cleanup(self):
        """For a test that never enters the block."""
        self.kill()
        self._folder.cleanup()

    def reload(self, corefile=None, number=signal.SIGUSR1):
        """Reloads, with another Corefile where one is given, and waits until that has come to an end, good or bad."""
        if corefile is not None:
            self.write("Corefile", corefile)
        ended = r"Reloading complete|reload failed"
        seen = self.count_log(ended, seconds=0)
        self.send_signal(number)
        wait_for(lambda: self.count_log(ended, seconds=0) > seen, "the end of a reload")

    # ---- its log ----

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def count_log(self, pattern, seconds=1.0):
        """How often it stands there. Where it does not yet, it may come: lines are written behind the answers they tell of."""
        deadline = time.monotonic() + seconds
        while not (found := re.findall(pattern, self.log(), re.MULTILINE)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(found)

    def wait_log(self, pattern, seconds=15):
        return wait_for(lambda: re.search(pattern, self.log(), re.MULTILINE),
                        f"/{pattern}/ in the log:\n{self.log()}", seconds)

    # ---- questions ----

    def ask(self, name, rdtype="A", tcp=False, timeout=5.0, address=None, **more):
        """One question, asked once. more: rdclass, want_dnssec, use_edns, payload, options, flags."""
        query = dns.message.make_query(name, rdtype, rdclass=more.pop("rdclass", "IN"), **{
            key: more.pop(key) for key in ("want_dnssec", "use_edns", "payload", "options") if key in more})
        query.flags = more.pop("flags", dns.flags.RD)
        assert not more, more
        return self.send(query, tcp, timeout, address)

    def send(self, query, tcp=False, timeout=5.0, address=None):
        where = address or self.address
        if tcp:
            return dns.query.tcp(query, where, timeout=timeout, port=self.port, one_rr_per_rrset=True)
        return dns.query.udp(query, where, timeout=timeout, port=self.port, one_rr_per_rrset=True)

    def exchange(self, packet, timeout=2.0):
        """Any octets as a datagram; what comes back, or None."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.connect((self.address, self.port))
            s.send(packet)
            try:
                return s.recv(65535)
            except socket.timeout:
                return None

    def connect(self, timeout=5.0, address=None):
        return Connection((address or self.address, self.port), timeout)


class Connection:
    """A TCP connection with DNS's framing, and with everything that is not."""

    def __init__(self, where, timeout=5.0, receive_buffer=None):
        if receive_buffer is None:
            self.socket = socket.create_connection(where, timeout)
        else:  # it has to be said before connecting
            self.socket = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(timeout)
            self.socket.connect(where)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *messages):
        self.raw(b"".join(frame(m) for m in messages))

    def raw(self, octets):
        self.socket.sendall(octets)

    def end(self):
        """No more questions: the other direction stays open."""
        self.socket.shutdown(socket.SHUT_WR)

    def _take(self, count):
        while len(self.received) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError(f"closed after {len(self.received)} of {count} octets")
            self.received += piece
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def receive_raw(self):
        return self._take(struct.unpack("!H", self._take(2))[0])

    def receive(self):
        return dns.message.from_wire(self.receive_raw(), one_rr_per_rrset=True)

    def closed(self, seconds=5.0):
        """Waits until the server has closed it, throwing away what it still sends."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except socket.timeout:
            return False
        return True


def frame(message):
    wire = message if isinstance(message, bytes) else message.to_wire()
    return struct.pack("!H", len(wire)) + wire


def lines(section):
    """A section's records as sorted lines of text."""
    return sorted(line for rrset in section for line in rrset.to_text().splitlines())


def addresses(answer):
    return sorted(r.address for rrset in answer.answer for r in rrset if hasattr(r, "address"))
