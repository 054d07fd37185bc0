"""A root, a zone below it that is signed, one whose signatures have ended and one that nobody has signed: for tests of DNSSEC.

bad.signed. has another address than the one that was signed, and www.late. a signature of 2020.
"""

from signed import Signed

RECORDS = """ns A 127.0.0.3
good A 192.0.2.1
bad A 192.0.2.2
alias CNAME good
"""


class World:
    def __init__(self, folder):
        self.signed = Signed(folder, "signed.", RECORDS).sign()
        self.signed.break_signature_of("bad.signed.")
        self.late = Signed(folder, "late.", "www A 192.0.2.9\n").sign("-i", "20200101000000", "-e", "20200201000000")
        self.plain = Signed(folder, "plain.", "www A 192.0.2.10\n")
        below = "".join(f"{zone} NS ns.signed.\n" for zone in ("signed.", "late.", "plain."))
        self.root = Signed(folder, ".", f"ns.root. A 127.0.0.2\nns.signed. A 127.0.0.3\n{below}", ns="ns.root.")
        self.root.add(self.signed.ds + self.late.ds)
        self.root.sign()
        self.hints, self.anchor = folder / "hints", folder / "anchor"
        self.hints.write_text(". 3600000 NS ns.root.\nns.root. 3600000 A 127.0.0.2\n")
        self.root.write_anchor(self.anchor)

    @property
    def below_root(self):
        """{zone: its file}"""
        return {"signed.": self.signed.signed, "late.": self.late.signed, "plain.": self.plain.plain}
