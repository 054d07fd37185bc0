"""Programs in C that tests drive: tests/integration/NAME.c."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def driver_program(name):
    """The path of the program, in the variant that is under test; made where it has to be."""
    variant = "asan" if "asan" in os.environ.get("SEAMARK_BIN", "") else "plain"
    path = f"build/{variant}/integration/{name}"
    # one pytest worker makes it, the others wait: a program that is being written cannot be run
    subprocess.run(["flock", f"build/.{name}", "make", "-s", f"VARIANT={variant}", path], cwd=ROOT, check=True)
    return ROOT / path
