"""tests/integration/forging_upstream.c under a test: an upstream that is answered for by a forger.

    with ForgingUpstream(100000, 10000, "iiis") as up:
        ... seamark forwards to up.address ...
        assert up.end()["forged"] == 100000

Without arguments it forges nothing, and is an honest upstream that is never behind: for many questions at once.
"""

import subprocess

from driver_program import driver_program


class ForgingUpstream:
    def __init__(self, total=0, each=0, pattern="i", delay=0.0):
        """delay: seconds before an honest answer without an attack"""
        command = [driver_program("forging_upstream"), str(total), str(each), pattern, str(int(delay * 1000))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = f"127.0.0.1:{int(self.process.stdout.readline())}"

    def end(self):
        """{"forged": replies, "asked": questions under attack, "guessed": ids that were met by chance}"""
        words = self.process.communicate(timeout=10)[0].split()
        assert self.process.returncode == 0
        return dict(zip(words[::2], map(int, words[1::2])))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
