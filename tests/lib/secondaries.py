"""Real NSD and Knot as secondaries of a server: they transfer its zones, and follow NOTIFY."""

import os
import re
import shutil
import subprocess

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.zone
from ports import free_port
from seamark import wait_for

ADDRESS = "127.0.0.1"


class Secondary:
    """Nsd(folder, primary's address, zones); its address `to` is known before begin(), which needs the primary's port."""

    program = None

    def __init__(self, folder, primary, zones):
        self.folder = str(folder)
        self.primary, self.zones = primary, zones
        self.port = free_port()
        self.process = None
        self.log_path = os.path.join(self.folder, "log")
        os.makedirs(self.folder)

    @property
    def to(self):
        return f"{ADDRESS}:{self.port}"

    def command(self, port):
        raise NotImplementedError

    def begin(self, port):
        """Starts it; its primary is at `port`."""
        program = shutil.which(self.program) or "/usr/sbin/" + self.program
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([program, *self.command(port)], stdout=log, stderr=log, cwd=self.folder)
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def find_log(self, pattern):
        return re.findall(pattern, self.log())

    def count_log(self, pattern):
        return len(self.find_log(pattern))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        return path

    def transfer(self, zone):
        """All records of its zone, as sorted lines in canonical spelling; None while it has none."""
        try:
            return transfer(ADDRESS, self.port, zone)
        except (dns.exception.DNSException, OSError, EOFError):
            assert self.process.poll() is None, self.log()
            return None

    def serial(self, zone):
        """As it answers; None while it has none."""
        try:
            reply = dns.query.udp(dns.message.make_query(zone, "SOA"), ADDRESS, 1, self.port)
        except (dns.exception.DNSException, OSError):
            assert self.process.poll() is None, self.log()
            return None
        return reply.answer[0][0].serial if reply.answer else None

    def wait_serial(self, zone, serial, seconds=90):
        def there():
            if self.serial(zone) != serial:  # a transfer costs more than a question
                return None
            lines = self.transfer(zone)
            return lines if lines and serial_of(lines) == serial else None
        try:
            return wait_for(there, f"serial {serial} of {zone}", seconds, 0.05)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{type(self).__name__}:\n{self.log()}") from None

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Nsd(Secondary):
    program = "nsd"

    def command(self, port):
        zones = "".join(
            f'zone:\n  name: "{zone}"\n  zonefile: "{self.folder}/zone{i}"\n  request-xfr: {self.primary}@{port} NOKEY\n'
            f"  allow-notify: {self.primary} NOKEY\n  provide-xfr: 127.0.0.0/8 NOKEY\n"
            for i, zone in enumerate(self.zones))
        return ["-d", "-V", "3", "-c", self.write("nsd.conf", (
            f'server:\n  ip-address: {ADDRESS}@{self.port}\n  username: ""\n  chroot: ""\n  server-count: 1\n'
            f'  database: ""\n  zonesdir: "{self.folder}"\n  pidfile: "{self.folder}/nsd.pid"\n'
            f'  xfrdfile: "{self.folder}/xfrd.state"\n  zonelistfile: "{self.folder}/zone.list"\n'
            f'  rrl-ratelimit: 0\n  xfrd-reload-timeout: 0\n  xfrdir: "{self.folder}"\nremote-control:\n  control-enable: no\n{zones}'))]


class Knot(Secondary):
    program = "knotd"

    def command(self, port):
        zones = "".join(f'  - domain: "{zone}"\n' for zone in self.zones)
        return ["-c", self.write("knot.conf", (
            f'server:\n  rundir: "{self.folder}"\n  listen: {ADDRESS}@{self.port}\n  udp-workers: 1\n  tcp-workers: 1\n'
            f'  background-workers: 1\ndatabase:\n  storage: "{self.folder}"\n'
            f"log:\n  - target: stdout\n    any: debug\n"
            f"remote:\n  - id: primary\n    address: {self.primary}@{port}\n"
            f"acl:\n  - id: notify\n    address: {self.primary}\n    action: notify\n"
            f"  - id: transfer\n    address: 127.0.0.0/8\n    action: transfer\n"
            f'template:\n  - id: default\n    storage: "{self.folder}"\n    master: primary\n    acl: [notify, transfer]\n'
            f"zone:\n{zones}"))]


# Types whose rdata has names, which Knot keeps in lower case, as RFC 4034 section 6.2 spells them.
NAMES = {dns.rdatatype.NS, dns.rdatatype.CNAME, dns.rdatatype.SOA, dns.rdatatype.PTR, dns.rdatatype.SRV}


def transfer(address, port, zone):
    """All records of a zone, by AXFR: sorted lines, names in lower case."""
    out = dns.zone.Zone(zone, relativize=False)
    dns.query.inbound_xfr(address, out, port=port, timeout=10)
    return sorted(f"{name.canonicalize()} {ttl} {dns.rdatatype.to_text(rdata.rdtype)} "
                  + (rdata.to_text().lower() if rdata.rdtype in NAMES else rdata.to_generic().data.hex())
                  for name, ttl, rdata in out.iterate_rdatas())


def serial_of(lines):
    (soa,) = (line for line in lines if line.split()[2] == "SOA")
    return int(soa.split()[5])
