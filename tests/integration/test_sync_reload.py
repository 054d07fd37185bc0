"""Reloads of seamark-sync that come one upon the other: it starts anew with each, and no signal ends it meanwhile."""

import os
import signal
import time

import checkzone
from syncd import Daemon, namespace, service, wait_for, write_objects

ZONE = "cluster.local"


def test_reloads_in_a_row(tmp_path):
    source, folder, conf = tmp_path / "objects.json", tmp_path / "zones", tmp_path / "Corefile"
    folder.mkdir()
    write_objects(source, [namespace("default"), service("web", ["10.96.0.1"], [("http", 80)])])

    def write_corefile(ttl):
        with open(f"{conf}.new", "w", encoding="ascii") as f:
            f.write(f".:5300 {{\n    kubernetes {ZONE} {{\n        objects {source}\n        ttl {ttl}\n    }}\n}}\n")
        os.replace(f"{conf}.new", conf)

    def shows(ttl):
        return any(line.startswith(f"web.default.svc.{ZONE}.\t{ttl}\t") for line in checkzone.effective(folder))

    write_corefile(1000)
    with Daemon("-conf", conf, "-zones", folder) as daemon:
        wait_for(lambda: (folder / f"{ZONE}.journal").exists() and shows(1000))
        for ttl in range(1001, 1301):
            write_corefile(ttl)
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
            assert daemon.process.poll() is None, "the signal has ended it"
        wait_for(lambda: shows(1300))
