"""Shared objects that a program under test is started with (LD_PRELOAD), made of tests/lib/NAME.c."""

import os
import shutil
import subprocess

import pytest


def preloaded(name, folder, sanitizers="asan"):
    """The path of NAME.so, made in `folder`. The test is skipped where there is no compiler, or one of `sanitizers` stands in its place."""
    if sanitizers in os.environ.get("SEAMARK_BIN", ""):
        pytest.skip("a sanitizer stands where the shim would")
    if shutil.which("cc") is None:
        pytest.skip("no compiler")
    path = folder / f"{name}.so"
    source = os.path.join(os.path.dirname(__file__), f"{name}.c")
    subprocess.run(["cc", "-O1", "-fPIC", "-shared", "-o", path, source, "-ldl"], check=True)
    return str(path)
