"""A server that is measured: its process, on an address and the CPUs it is given, from start to end."""

import ctypes
import os
import signal
import subprocess
import time

from measure import processes
from measure.wire import wait_answer

PORT = 5300
_libc = ctypes.CDLL(None, use_errno=True)


class DoesNotStart(Exception):
    pass


class Server:
    """`probe` is a name that has an address, `cpus` where it may run. Its log is NAME.log in `folder`."""

    def __init__(self, name, command, address, folder, probe, cpus, port=PORT, env=None, stdout=None, seconds=120):
        self.name, self.command, self.address, self.port = name, command, address, port
        self.folder, self.probe, self.cpus, self.seconds = folder, probe, cpus, seconds
        self.env, self.stdout = {**os.environ, **(env or {})}, stdout
        self.process, self.start_s, self.start_cpu_s = None, None, None

    @property
    def pid(self):
        return self.process.pid

    def _prepare(self):
        os.setsid()
        os.sched_setaffinity(0, self.cpus)
        _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing is left behind when the benchmark is killed

    def spawn(self):
        with open(os.path.join(self.folder, f"{self.name}.log".replace(" ", "-")), "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=self.stdout or log, stderr=log, preexec_fn=self._prepare)
        return self

    def start(self):
        """Waits for the first right answer: start_s is how long that took, start_cpu_s the CPU time of all threads until then."""
        begin = time.monotonic()
        try:
            self.spawn()
        except FileNotFoundError as e:
            raise DoesNotStart(f"{self.name}: no program {e.filename}") from e
        if not wait_answer(self.address, self.port, self.probe, seconds=self.seconds, alive=lambda: self.process.poll() is None):
            self.stop()
            raise DoesNotStart(f"{self.name} does not answer {self.probe}; see its log in {self.folder}")
        self.start_s = time.monotonic() - begin
        self.start_cpu_s = sum(processes.cpu_ns(self.pid).values()) / 1e9
        processes.pin(self.pid, self.cpus)
        return self

    def stop(self):
        """Nothing of it is kept, so there is nothing to end in good order."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the session that _prepare() made: all its processes and no others
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Running:
    """Several servers at once: those that start. The others are said and left out."""

    def __init__(self, servers, say):
        self.servers, self.say = servers, say

    def __enter__(self):
        started = []
        try:
            for server in self.servers:
                try:
                    started.append(server.start())
                except DoesNotStart as e:
                    self.say(f"left out: {e}")
        except BaseException:
            self._stop(started)
            raise
        self.servers = started
        return started

    def __exit__(self, *_):
        self._stop(self.servers)

    @staticmethod
    def _stop(servers):
        for server in servers:
            server.stop()
