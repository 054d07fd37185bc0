"""Both servers with the same Corefile, for plugins that need no cluster, and what they answer side by side."""

import dataclasses
import os
import re
import subprocess

from compare import differences, known
from conftest import SEAMARK, STAND_IN
from process import Process, loopback
from question import Answer, SILENCE, ask

COREDNS = os.path.join(os.environ.get("E2E_COREDNS", ""), "coredns")
PORT = 5353
PROGRAMS = (("coredns", COREDNS), ("seamark", STAND_IN or SEAMARK))


@dataclasses.dataclass
class Running:
    """One of the two servers with a Corefile of its own."""

    address: str
    process: Process
    port: int = PORT

    def log(self, pattern):
        return [line for line in self.process.log_text().splitlines() if re.search(pattern, line)]


def start(name, program, folder, text, *flags):
    address = loopback()
    where = os.path.join(folder, f"{name}-{address}")
    os.makedirs(where)
    path = os.path.join(where, "Corefile")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.replace("{address}", address))
    extra = ["-zones", where] if program == SEAMARK and not STAND_IN else []
    server = Running(address, Process(name, [program, "-conf", path, *extra, *flags], where))
    server.process.start()
    server.process.wait_ready(lambda: ask(server, "ready.test.", "A", timeout=0.3) != SILENCE, 30)
    return server


OTHER_QUESTION = Answer("another question")


def answer_of(server, name, rdtype, **how):
    try:
        return ask(server, name, rdtype, timeout=1, **how)
    except AssertionError as error:
        if "another question" not in str(error):
            raise
        return OTHER_QUESTION


def compared(theirs, ours, questions, kind, **how):
    wrong = []
    for name, rdtype in questions:
        said = [answer_of(server, name, rdtype, **how) for server in (theirs, ours)]
        for line in ["question: another -> the client's"] if said[0] is OTHER_QUESTION else differences(*said):
            if not known(kind, rdtype, line):
                wrong.append(f"{name} {rdtype} {how or ''} {line}")
    return wrong


def refusal(path, text, plugin):
    """What each of them says of a Corefile that the plugin must refuse, without place and prefix."""
    path.write_text(text, encoding="utf-8")
    said = []
    for _, program in PROGRAMS:
        done = subprocess.run([program, "-conf", str(path)], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode != 0, f"{program} takes:\n{text}"
        found = re.search(rf"plugin/{plugin}: (.*)", done.stdout + done.stderr)
        said.append(found and found.group(1).strip())
    return said
