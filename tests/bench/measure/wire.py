"""A question and its answer as octets: enough to see when a server answers, without costing time."""

import os
import socket
import struct
import time

TYPES = {"A": 1, "SOA": 6, "PTR": 12, "AAAA": 28, "SRV": 33}
NOERROR, NXDOMAIN = 0, 3


def question(name, rdtype="A"):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return os.urandom(2) + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", TYPES[rdtype], 1)


def rcode(reply):
    return reply[3] & 15


class Asker:
    """A socket to one server."""

    def __init__(self, address, port, timeout=1.0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect((address, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, name, rdtype="A"):
        """The reply, or None where none came in time."""
        query = question(name, rdtype)
        try:
            self.socket.send(query)
            while True:
                reply = self.socket.recv(65535)
                if reply[:2] == query[:2]:
                    return reply
        except OSError:
            return None


def wait_answer(address, port, name, rdtype="A", seconds=60, alive=lambda: True):
    """Waits for a NOERROR with an answer. False where none comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and alive():
        with Asker(address, port, 0.2) as asker:
            reply = asker.ask(name, rdtype)
        if reply and rcode(reply) == NOERROR and reply[6:8] != b"\0\0":
            return True
        time.sleep(0.002)
    return False
