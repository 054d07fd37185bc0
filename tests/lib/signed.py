"""Signed zones for tests, made by ldns-signzone: a root with a zone below it, and what is wrong with them on demand."""

import os
import shutil
import subprocess

SOA = "@ 300 IN SOA ns.signed. hostmaster.signed. 1 3600 600 86400 60\n@ 300 IN NS {ns}\n"


def _run(folder, *command):
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


class Signed:
    """A zone with a key of its own. `text` are its records without SOA and NS; `ns` its name server."""

    def __init__(self, folder, origin, text, ns="ns.signed."):
        self.folder, self.origin = str(folder), origin
        os.makedirs(self.folder, exist_ok=True)
        self.plain = os.path.join(self.folder, f"{origin.rstrip('.') or 'root'}.zone")
        self.signed = self.plain + ".signed"
        with open(self.plain, "w", encoding="ascii") as out:
            out.write(f"$ORIGIN {origin}\n$TTL 300\n" + SOA.format(ns=ns) + text)
        self.key = _run(self.folder, "ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", origin)

    def sign(self, *options):
        """`options` are ldns-signzone's, such as -e 20200101 for signatures that have ended."""
        _run(self.folder, "ldns-signzone", "-o", self.origin, *options, "-f", self.signed, self.plain, self.key)
        return self

    @property
    def ds(self):
        with open(os.path.join(self.folder, self.key + ".ds"), encoding="ascii") as f:
            return f.read()

    def add(self, text):
        """Records, before it is signed."""
        with open(self.plain, "a", encoding="ascii") as out:
            out.write(text)

    def break_signature_of(self, name):
        """Another address than the one that was signed."""
        with open(self.signed, encoding="ascii") as f:
            lines = f.readlines()
        for i, line in enumerate(lines):
            words = line.split()
            if len(words) > 4 and words[0] == name and words[3] == "A":
                lines[i] = line.replace(words[4], "192.0.2.66")
        shutil.copy(self.signed, self.signed + ".good")
        with open(self.signed, "w", encoding="ascii") as out:
            out.writelines(lines)

    def write_anchor(self, path):
        with open(path, "w", encoding="ascii") as out:
            out.write(self.ds)
        return str(path)
