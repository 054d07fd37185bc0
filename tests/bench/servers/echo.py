"""A bare loop of recvmmsg and sendmmsg, the least that an answer can cost: echo.c."""

import os
import subprocess

from measure.server import PORT, Server
from servers.cluster import TOP

ECHO = "bare echo"
PROGRAM = os.path.join(TOP, "build", "bench", "echo")


class Echo(Server):
    def start(self):
        """It has no answers to wait for: its sockets are there as soon as it says so."""
        self.spawn()
        self.process.stdout.readline()
        self.start_s = 0.0
        return self


def echo(place, placement):
    folder, address = place
    return Echo(ECHO, [PROGRAM, address, str(PORT), str(placement.workers)], address, folder, None, placement.servers,
                stdout=subprocess.PIPE)
