"""Ports for the servers of a test."""

import random
import socket


def free_port(address="127.0.0.1"):
    """A port that is free for UDP and TCP, of those that the kernel does not give to clients: none can take it before it is used."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(1000):
        port = random.randrange(10000, 32768)
        with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((address, port))
                udp.bind((address, port))
                return port
            except OSError:
                continue
    raise RuntimeError(f"no free port on {address}")
