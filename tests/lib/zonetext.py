"""Zone files and journals written by hand, as src/zone/zonefile.h and src/zone/journal.h describe them."""

import os
import zlib

SOA = "{zone}\t30\tIN\tSOA\tns.dns.{zone} hostmaster.{zone} {serial} 7200 1800 86400 30"


def identity(objects=None, ttl=5, pods="disabled", primary="cluster.local."):
    """The line that says what a `kubernetes` block renders from: with `objects PATH`, or in a cluster."""
    source = "in-cluster" if objects is None else f"objects:{objects}"
    return (f"{source} ttl={ttl} pods={pods} namespaces=* endpoint_pod_names=no noendpoints=no ignore=none "
            f"primary={primary}")


def record(zone, text):
    """"web A 10.0.0.1" -> "web.cluster.local.\\t5\\tIN\\tA\\t10.0.0.1"; "@" is the zone itself."""
    owner, rdtype, rdata = text.split(" ", 2)
    owner = zone if owner == "@" else f"{owner}.{zone.lstrip('.')}"
    return f"{owner}\t5\tIN\t{rdtype}\t{rdata}"


def zone_text(zone, records, serial, source):
    body = [
        "; seamark zone file 1",
        f"; zone: {zone}",
        f"; serial: {serial}",
        "; rendered: 2026-11-23T06:20:24.123Z",
        f"; source: {source}",
        SOA.format(zone=zone, serial=serial).replace("..", "."),
        *(record(zone, r) for r in records),
    ]
    text = "".join(line + "\n" for line in body)
    return text + f"; end: {len(records) + 1} records, crc32 {zlib.crc32(text.encode()):08x}\n"


def path(folder, zone, suffix=".zone"):
    return os.path.join(folder, (zone.rstrip(".") or "root") + suffix)


def put(where, text):
    """Replaces a file in one step, as the sync daemon does."""
    with open(where + ".tmp", "w", encoding="ascii") as out:
        out.write(text)
    os.rename(where + ".tmp", where)


def put_zone(folder, records, serial, source, zone="cluster.local."):
    put(path(folder, zone), zone_text(zone, records, serial, source))


class Journal:
    """A journal upon the serial `base`. with changes like "+web A 10.0.0.1"."""

    def __init__(self, folder, base, zone="cluster.local."):
        self.zone, self.serial = zone, base
        self.path = path(folder, zone, ".journal")
        put(self.path, f"; seamark journal 1\n; zone: {zone}\n; base: {base}\n")

    def transaction(self, *changes, serial=None, cause="Service default/web changed 2026-11-23T06:20:24Z"):
        """The text of the next transaction, which is not written yet."""
        return self._of_lines("".join(f"{c[0]} {record(self.zone, c[1:])}\n" for c in changes), serial, cause)

    def _of_lines(self, lines, serial=None, cause="Service default/web changed 2026-11-23T06:20:24Z"):
        serial = self.serial + 1 if serial is None else serial
        text = f"; cause: {cause}\n{lines}"
        text += f"= {serial} 2026-11-23T06:20:24.321Z crc32 "
        crc = zlib.crc32(text.encode(), zlib.crc32(f"{self.serial}\n".encode()))
        self.serial = serial
        return text + f"{crc:08x}\n"

    def raw(self, text):
        with open(self.path, "a", encoding="ascii") as out:
            out.write(text)

    def commit(self, *changes, **more):
        self.raw(self.transaction(*changes, **more))

    def commit_lines(self, lines):
        """A transaction of many changes, as the journal has them: "- OWNER\\tTTL\\tIN\\tTYPE\\tRDATA\\n"."""
        self.raw(self._of_lines(lines))
