"""A program that a test starts on loopback, with its log in a file, and that is gone when the test is."""

import atexit
import ctypes
import itertools
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


def loopback():
    """An address of 127/8 that nobody else uses: every program gets its own, so ports can stay the well-known ones. A run
    has a /24 that its pid picks, and further ones, far from it, when that is used up."""
    further, host = divmod(next(_numbers), 254)
    block = (os.getpid() + further * 4096) % 32768
    return f"127.{64 + block // 256}.{block % 256}.{host + 1}"


def wait_for(what, probe, seconds, pause=0.05):
    """Calls probe() until it returns something true, and returns that; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def http_status(url, timeout=2):
    """The status of a plain HTTP GET, or None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


class Process:
    """Start, stop and kill by pid. The child leads a process group of its own, so that its children go with it, and
    the kernel kills it should the test be killed."""

    def __init__(self, name, argv, folder, env=None):
        self.name, self.argv, self.env = name, [str(a) for a in argv], env
        self.log = os.path.join(folder, name + ".log")
        self.child = None
        atexit.register(self.kill)

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True,
                preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        return self

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def assert_alive(self):
        """A program that has ended by itself is a failure of its own, and says why in its log."""
        if not self.alive():
            raise AssertionError(f"{self.name} ended with status {self.child.returncode}:\n{self.log_tail()}")

    def stop(self, seconds=15):
        """SIGTERM, then SIGKILL for what has not gone by itself. Returns the exit status."""
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self):
        """SIGKILL for the whole group, at once. Returns the exit status."""
        if self.child is None:
            return None
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.child.wait()

    def wait_ready(self, probe, seconds):
        """Waits for probe(); a program that ends meanwhile fails at once, with the end of its log."""
        def ready():
            self.assert_alive()
            return probe()
        try:
            wait_for(f"{self.name} ready", ready, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_tail()}") from None
        return self

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def log_tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])
