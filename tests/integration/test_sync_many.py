"""Events that touch most of a large cluster at once: what is held of them is bounded, and the files are right all the same."""

import subprocess

import checkzone
from syncd import PROGRAM, Daemon, namespace, wait_for, write_objects

ZONE = "cluster.local"
COUNT = 20000  # more than CHANGES_MAX of sync/publish_changes.h


def pods(net, count=COUNT):
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"web-{net}-{i}", "namespace": f"ns-{i % 10}"},
             "status": {"podIP": f"10.{net}.{i >> 8}.{i & 255}"}} for i in range(count)]


def test_a_list_without_what_was_there(tmp_path):
    """Pods all replaced, then gone with their namespaces."""
    path, folder, fresh = tmp_path / "objects.json", tmp_path / "zones", tmp_path / "fresh"
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:5300 {{\n    kubernetes {ZONE} 10.0.0.0/8 {{\n        objects {path}\n        pods verified\n    }}\n}}\n")
    namespaces = [namespace(f"ns-{i}") for i in range(10)]
    for made in (folder, fresh):
        made.mkdir()
    write_objects(path, namespaces + pods(0))

    def a_pod_of(net):
        return any(line.startswith(f"10-{net}-0-1.") for line in checkzone.effective(folder))

    with Daemon("-conf", corefile, "-zones", folder):
        wait_for(lambda: (folder / f"{ZONE}.journal").exists() and a_pod_of(0), timeout=60)
        for objects in (namespaces + pods(1), [namespace("other")]):
            write_objects(path, objects)
            subprocess.run([PROGRAM, "-conf", corefile, "-zones", fresh, "-once"], check=True, capture_output=True, timeout=120)
            wait_for(lambda: checkzone.effective(folder) == checkzone.effective(fresh), timeout=60, step=0.2)
