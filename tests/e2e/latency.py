"""How long after the API server's acknowledgement a change shows in a server's answers, for two servers at once.

A thread asks both servers the same question in turn, the other one first in each round, five times a millisecond; so
neither is asked more often, nor sooner, than the other. A sample is the time of the first reply that shows the change
less the time at which the API client had its reply. It can be below zero: a watch event may overtake the
acknowledgement.
"""

import socket
import statistics
import threading
import time

from question import make_query

PACE_SECONDS = 0.0002
GIVE_UP_SECONDS = 10


class Watch(threading.Thread):
    """Asks until `shows(reply bytes)` was true once for each server."""

    def __init__(self, servers, name, rdtype, shows):
        super().__init__(daemon=True)
        self.wire = make_query(name, rdtype).to_wire()
        self.shows = shows
        self.sockets = {server: self._connected(server) for server in servers}
        self.seen = {}

    @staticmethod
    def _connected(server):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((server.address, server.port))
        s.settimeout(1)
        return s

    def run(self):
        order, deadline = list(self.sockets), time.perf_counter() + GIVE_UP_SECONDS
        while len(self.seen) < len(order) and time.perf_counter() < deadline:
            for server in order:
                self._ask(server)
            order.reverse()
            time.sleep(PACE_SECONDS)
        for s in self.sockets.values():
            s.close()

    def _ask(self, server):
        # Asked on after it has shown the change, so that the other one's pace stays the same.
        s = self.sockets[server]
        try:
            s.send(self.wire)
            reply = s.recv(4096)
        except OSError:
            return
        if server not in self.seen and self.shows(reply):
            self.seen[server] = time.perf_counter()


def answers(reply):
    """Whether a reply has anything in its answer section."""
    return reply[6:8] != b"\0\0"


def shows_address(address):
    packed = socket.inet_aton(address)
    return lambda reply: packed in reply


def sample(servers, name, rdtype, shows, change):
    """Milliseconds from the end of change() to the answer, for each server."""
    watch = Watch(servers, name, rdtype, shows)
    watch.start()
    time.sleep(0.02)
    change()
    acknowledged = time.perf_counter()
    watch.join()
    assert len(watch.seen) == len(servers), f"{name}: not all servers showed the change in {GIVE_UP_SECONDS} s"
    return [(watch.seen[server] - acknowledged) * 1000 for server in servers]


def summary(samples):
    """min / median / max of milliseconds."""
    return f"{min(samples):.1f} / {statistics.median(samples):.1f} / {max(samples):.1f} ms"
