"""Calls of the system that fail while files are written, one at a time, the first, the second, ...: what is on disk stays
whole, and is right once a run goes well."""

import errno
import os
import shutil
import subprocess

import checkzone
import pytest
from preload import preloaded
from syncd import PROGRAM, namespace, run_once, service, write_objects

ZONE = "cluster.local"
CALLS = ["open", "write", "fwrite", "fflush", "fclose", "fdopen", "fsync", "fdatasync", "ftruncate", "rename", "read"]
ALLOCATIONS_TRIED = 60  # of the many in a run, evenly spread


@pytest.fixture(name="shim", scope="module")
def _shim(tmp_path_factory):
    return preloaded("fail_calls", tmp_path_factory.mktemp("shim"))


def objects(round_):
    return [namespace("default")] + [service(f"s{i}", [f"10.{round_}.0.{i}"], [("http", 80)]) for i in range(40)]


class Place:
    """A folder of zone files, and two sets of objects to go to and fro between."""

    def __init__(self, tmp_path, shim):
        self.folder, self.shim = str(tmp_path / "zones"), shim
        self.sources, self.wanted = [], []
        for i in range(2):
            self.sources.append(str(tmp_path / "objects.json"))
            write_objects(self.sources[i], objects(i))
            shutil.copy(self.sources[i], tmp_path / f"{i}.json")
            run_once(self.sources[i], tmp_path / f"fresh-{i}")
            self.wanted.append(checkzone.effective(str(tmp_path / f"fresh-{i}")))
        self.tmp_path = tmp_path

    def to(self, i):
        shutil.copy(self.tmp_path / f"{i}.json", self.sources[0])

    def run(self, call, at, number):
        """One run with a fault; whether the fault was met."""
        env = dict(os.environ, LD_PRELOAD=self.shim, FAIL_CALL=call, FAIL_AT=str(at), FAIL_ERRNO=str(number))
        done = subprocess.run([PROGRAM, "-from", self.sources[0], "-zones", self.folder, "-once", ZONE], env=env,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (0, 1), (done.returncode, done.stdout, done.stderr)
        return done, "failed " in done.stderr


def try_all(place, call, numbers, fresh_file):
    """Fails the calls number by number; every time the files are what they were, or what they should be."""
    met = 0
    for at in numbers:
        place.to(0)
        shutil.rmtree(place.folder, ignore_errors=True)
        run_once(place.sources[0], place.folder)
        path = os.path.join(place.folder, ZONE + ".zone")
        serial = checkzone.serial(place.folder)
        if fresh_file:  # a journal that is gone: a whole file is due
            os.unlink(os.path.join(place.folder, ZONE + ".journal"))
        place.to(1)
        done, hit = place.run(call, at, errno.ENOSPC)
        checkzone.sound(path)
        now = checkzone.effective(place.folder)
        expected = place.wanted[1:] if done.returncode == 0 else place.wanted
        assert now in expected, f"{call} {at}: {done.stdout}"
        assert checkzone.serial(place.folder) >= serial
        run_once(place.sources[0], place.folder)
        assert checkzone.effective(place.folder) == place.wanted[1], f"{call} {at}, afterwards"
        left = {f for f in os.listdir(place.folder) if not f.startswith(".")}
        assert left == {ZONE + ".zone", ZONE + ".journal"}, f"{call} {at}"
        if not hit:
            return met
        met += 1
    return met


@pytest.mark.parametrize("fresh_file", [False, True], ids=["transaction", "file"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_costs_freshness_only(tmp_path, shim, call, fresh_file):
    met = try_all(Place(tmp_path, shim), call, range(1, 60), fresh_file)
    never = {"transaction": ["ftruncate", "fdatasync", "fwrite", "fflush", "fclose", "fdopen", "fsync", "rename"],
             "file": ["ftruncate", "fdatasync", "write"]}
    assert met > 0 or call in never["file" if fresh_file else "transaction"]


def test_memory_that_is_not_there_costs_freshness_only(tmp_path, shim):
    place = Place(tmp_path, shim)
    place.to(0)
    run_once(place.sources[0], place.folder)
    total = 1
    while place.run("malloc", total, errno.ENOMEM)[1]:
        total *= 2
    step = max(1, total // 2 // ALLOCATIONS_TRIED)
    assert try_all(place, "malloc", range(1, total, step), True) > ALLOCATIONS_TRIED // 2
