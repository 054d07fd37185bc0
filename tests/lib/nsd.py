"""A real NSD on a free loopback port, serving zone files as they are."""

import os
import shutil
import subprocess
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from octets import Asker
from ports import free_port


def answer_of(reply):
    """rcode and answer section, in a form to compare: names without regard to case, order of no account."""
    records = [
        (rrset.name.canonicalize().to_text(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rdata.to_text().lower())
        for rrset in reply.answer
        for rdata in rrset
    ]
    return dns.rcode.to_text(reply.rcode()), sorted(records)


class Nsd:
    """with Nsd(folder, {"cluster.local": path}) as nsd: nsd.ask(name, type)"""

    def __init__(self, folder, zones, address="127.0.0.1", port=None):
        self.folder, self.address = str(folder), address
        self.port = port or free_port()
        os.makedirs(self.folder, exist_ok=True)
        conf = os.path.join(self.folder, "nsd.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(
                f'server:\n  ip-address: {self.address}@{self.port}\n  username: ""\n  chroot: ""\n  server-count: 1\n'
                f'  database: ""\n  zonesdir: "{self.folder}"\n  pidfile: "{self.folder}/nsd.pid"\n'
                f'  xfrdfile: "{self.folder}/xfrd.state"\n  zonelistfile: "{self.folder}/zone.list"\n'
                f'  minimal-responses: yes\n  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n'
            )
            for name, path in zones.items():
                f.write(f'zone:\n  name: "{name}"\n  zonefile: "{os.path.abspath(path)}"\n')
        self.log = open(os.path.join(self.folder, "nsd.log"), "w", encoding="utf-8")
        program = shutil.which("nsd") or "/usr/sbin/nsd"
        self.process = subprocess.Popen([program, "-d", "-c", conf], stdout=self.log, stderr=self.log)
        self._wait(next(iter(zones)))

    def _wait(self, zone):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "nsd ended: " + open(self.log.name, encoding="utf-8").read()
            try:
                if self.ask(zone, "SOA", timeout=0.5).answer:
                    return
            except (dns.exception.Timeout, OSError):
                time.sleep(0.05)
        raise AssertionError("nsd does not answer: " + open(self.log.name, encoding="utf-8").read())

    def ask(self, name, rdtype, timeout=5):
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=65535)
        query.flags &= ~dns.flags.RD
        return dns.query.tcp(query, self.address, port=self.port, timeout=timeout)

    def asker(self):
        """For many questions: one that asks what ask() asks and gives octets."""
        return Asker(self.address, self.port, flags=0, payload=65535)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
