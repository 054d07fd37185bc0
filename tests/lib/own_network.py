"""A server with the well-known ports all to itself, in a network namespace of its own that holds nothing but loopback.

As a module: allowed() says whether this machine lets us. As a program, run under `unshare --net`, it brings loopback up,
starts seamark with the arguments given, asks it, and writes what came back as JSON on standard output:

    unshare --net python3 own_network.py QUESTIONS ADDRESSES SEAMARK ARGUMENT...

QUESTIONS is JSON: {"dns": [[server, port, name, type], ...], "http": [url, ...]}; ADDRESSES, separated by commas, are added to
loopback. dns answers are lists of [rcode, addresses], http answers statuses; null where nobody answers.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 1


def allowed():
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0


def run(questions, addresses, command):
    """Asks in a namespace of its own; {"dns": [...], "http": [...], "status": exit status, "log": text}."""
    done = subprocess.run(
        ["unshare", "--net", sys.executable, __file__, json.dumps(questions), ",".join(addresses), *command],
        capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _loopback(addresses):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        for number, address in enumerate(filter(None, addresses.split(","))):
            fcntl.ioctl(s, SIOCSIFADDR, struct.pack("16sHH4s8x", f"lo:{number}".encode(), socket.AF_INET, 0,
                                                    socket.inet_aton(address)))


def _ask(server, port, name, rdtype, timeout=8.0):
    import dns.message  # pylint: disable=import-outside-toplevel  # not needed by those who only ask whether
    import dns.query
    import dns.rcode
    query = dns.message.make_query(name, rdtype)
    try:
        answer = dns.query.udp(query, server, port=port, timeout=timeout, ignore_unexpected=True)
    except (OSError, dns.exception.DNSException):
        return None
    return [dns.rcode.to_text(answer.rcode()),
            sorted(r.to_text() for rrset in answer.answer for r in rrset)]


def _get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def _main(questions, addresses, command):
    questions = json.loads(questions)
    _loopback(addresses)
    log = os.memfd_create("log")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as server:
        first = questions["dns"][0]
        deadline = time.monotonic() + 20
        while _ask(*first, timeout=0.3) is None and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        result = {"dns": [_ask(*q) for q in questions["dns"]], "http": [_get(url) for url in questions["http"]]}
        for _ in range(2):  # the second cuts lameduck short
            server.terminate()
            time.sleep(0.3)
        result["status"] = server.wait(30)
    result["log"] = os.pread(log, 1 << 20, 0).decode(errors="replace")
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3:])
