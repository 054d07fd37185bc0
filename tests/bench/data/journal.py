"""Transactions at the end of a zone's journal, as seamark-sync appends them (docs/files.md)."""

import time
import zlib


class Journal:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            lines = f.read().splitlines()
        commits = [line for line in lines if line.startswith(b"= ")]
        base = next(line for line in lines if line.startswith(b"; base:"))
        self.serial = int(commits[-1].split()[1]) if commits else int(base.split()[2])

    def append(self, changes):
        """`changes` are lines "- record" and "+ record"."""
        serial, stamp = self.serial + 1, time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        text = "; cause: benchmark\n" + "".join(f"{line}\n" for line in changes) + f"= {serial} {stamp} crc32 "
        crc = zlib.crc32(text.encode(), zlib.crc32(f"{self.serial}\n".encode()))
        with open(self.path, "ab", buffering=0) as f:
            f.write(f"{text}{crc:08x}\n".encode())
        self.serial = serial
