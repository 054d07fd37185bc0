"""A clock that a test sets ahead while a program runs: shifted_clock.c, preloaded.

    clock = ShiftedClock(folder)
    with Forwarder(..., env=clock.env) as server:
        clock.forward(3600)
"""

import os
import struct
import subprocess


class ShiftedClock:
    def __init__(self, folder):
        library, self.path = os.path.join(folder, "shifted_clock.so"), os.path.join(folder, "shift")
        source = os.path.join(os.path.dirname(__file__), "shifted_clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        self.seconds = 0
        self.forward(0)
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        self.env = dict(os.environ, LD_PRELOAD=library, SHIFTED_CLOCK=self.path, ASAN_OPTIONS=options)

    def forward(self, seconds):
        self.seconds += seconds
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as f:
            f.write(struct.pack("=q", self.seconds))
