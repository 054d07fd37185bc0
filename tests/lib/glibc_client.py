"""glibc's own resolver, with a resolv.conf of its own: what getaddrinfo and res_search answer.

    with Glibc(folder, "127.0.0.53", ["shop.svc.cluster.local", "svc.cluster.local"]) as client:
        client.look_up([("*", "www.example.org"), ("A", "web"), ("SRV", "_http._tcp.web")])

gives a list with one text for each: "ADDRESS ADDRESS (canonical name)", or the error's name. "*" asks for both address families,
as most programs do, "A" and "AAAA" for one; other types go through res_search. The name server must listen on port 53, and
neither /etc/hosts nor anything else is asked.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys

import own_resolv_conf

FAMILIES = {"*": socket.AF_UNSPEC, "A": socket.AF_INET, "AAAA": socket.AF_INET6}
TYPES = {"TXT": 16, "MX": 15, "SRV": 33}
HERRNO = {1: "HOST_NOT_FOUND", 2: "TRY_AGAIN", 3: "NO_RECOVERY", 4: "NO_DATA"}
ERRORS = {getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")}


class Glibc:
    def __init__(self, folder, server, search, ndots=5):
        path = os.path.join(folder, f"resolv.conf-{server}")
        with open(path, "w", encoding="ascii") as out:
            out.write(f"nameserver {server}\nsearch {' '.join(search)}\noptions ndots:{ndots} timeout:5\n")
        self.process = subprocess.Popen(own_resolv_conf.command(path, [sys.executable, __file__]), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, questions):
        """The first half of look_up(), for clients that are to work at the same time."""
        self.process.stdin.write(json.dumps(questions) + "\n")
        self.process.stdin.flush()

    def receive(self):
        return json.loads(self.process.stdout.readline())

    def look_up(self, questions):
        self.send(questions)
        return self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def _addresses(family, name):
    try:
        found = socket.getaddrinfo(name.encode(), None, FAMILIES[family], socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
    except socket.gaierror as error:
        return ERRORS.get(error.errno, str(error))
    canonical = found[0][3].lower().rstrip(".")
    return " ".join(sorted({entry[4][0] for entry in found})) + f" ({canonical})"


def _records(libc, rdtype, name):
    """The answer section behind the CNAMEs that lead to it: autopath adds one of those, and may."""
    import dns.message  # pylint: disable=import-outside-toplevel
    answer = ctypes.create_string_buffer(65536)
    length = libc.res_search(name.encode(), 1, TYPES[rdtype], answer, len(answer))
    if length < 0:
        return HERRNO.get(libc.__h_errno_location()[0], "?")
    rrsets = dns.message.from_wire(answer.raw[:length]).answer
    return " ".join(sorted(r.to_text().lower() for rrset in rrsets if rrset.rdtype == TYPES[rdtype] for r in rrset))


def _main():
    libc = ctypes.CDLL("libresolv.so.2")
    libc.__h_errno_location.restype = ctypes.POINTER(ctypes.c_int)
    for line in sys.stdin:
        print(json.dumps([_addresses(kind, name) if kind in FAMILIES else _records(libc, kind, name)
                          for kind, name in json.loads(line)]), flush=True)


if __name__ == "__main__":
    _main()
