"""seamark-sync from files of objects: what is rendered, how changes get into the journal, what goes wrong and when."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import checkzone
import pytest
import syncd
from syncd import Daemon, endpoint, namespace, run_once, service, slice_of, wait_for, write_objects

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "zones", "example")
ZONE = "cluster.local"


def web(ip="10.96.0.1", name="web"):
    return service(name, [ip], [("http", 80)])


def zone_of(folder, zone=ZONE):
    return os.path.join(folder, zone + ".zone")


def journal_of(folder, zone=ZONE):
    return os.path.join(folder, zone + ".journal")


@pytest.fixture(autouse=True)
def _every_zone_file_is_valid(tmp_path):
    """Whatever a test leaves behind is accepted by all checkers."""
    yield
    checkzone.check_tree(tmp_path)


@pytest.fixture(name="folder")
def _folder(tmp_path):
    return str(tmp_path / "zones")


@pytest.fixture(name="objects")
def _objects(tmp_path):
    return str(tmp_path / "objects.json")


def contents(folder):
    """What stands in the folder, but for the lock and the sign of life."""
    return {f: open(os.path.join(folder, f), "rb").read() for f in sorted(os.listdir(folder)) if f not in (".lock", ".synced")}


# ---- rendering ----


def test_the_example_cluster_is_a_valid_zone(folder):
    run_once(EXAMPLE, folder, ZONE, "10.96.0.0/12", "10.244.0.0/16", "fd00::/8")
    paths = checkzone.check_folder(folder)
    assert len(paths) == 16 + 3
    for path in paths:
        checkzone.sound(path)
    records = checkzone.lines_of(zone_of(folder))
    assert "web.shop.svc.cluster.local.\t5\tIN\tA\t10.96.20.1" in records
    assert "_postgres._tcp.db.shop.svc.cluster.local.\t5\tIN\tSRV\t0 50 5432 db-0.db.shop.svc.cluster.local." in records
    assert "payments.shop.svc.cluster.local.\t5\tIN\tCNAME\tapi.payments.example.com." in records
    assert "empty.svc.cluster.local.\t5\tIN\tTYPE65280\t\\# 0" in records
    assert not any(line.startswith("waiting.shop.") for line in records)


def test_the_header_says_where_it_comes_from(folder):
    run_once(EXAMPLE, folder)
    header = checkzone.header(zone_of(folder))
    assert header["zone"] == "cluster.local."
    assert header["records"] == str(len(checkzone.lines_of(zone_of(folder))) + 1)
    assert header["source"].startswith("objects:") and "ttl=5" in header["source"]
    assert abs(int(header["serial"]) - time.time()) < 60
    assert checkzone.header(journal_of(folder))["base"] == header["serial"]


def test_rendering_again_writes_nothing(folder):
    run_once(EXAMPLE, folder, ZONE, "10.0.0.0/8")
    before = contents(folder)
    run_once(EXAMPLE, folder, ZONE, "10.0.0.0/8")
    assert contents(folder) == before


def test_json_and_yaml_give_the_same(tmp_path):
    """The example as kubectl's JSON List, in one file."""
    import json

    import yaml

    objects = []
    for name in sorted(os.listdir(EXAMPLE)):
        with open(os.path.join(EXAMPLE, name), encoding="utf-8") as f:
            objects += [doc for doc in yaml.safe_load_all(f) if doc]
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"apiVersion": "v1", "items": objects, "kind": "List"}))
    run_once(EXAMPLE, tmp_path / "a")
    run_once(path, tmp_path / "b")
    assert checkzone.lines_of(zone_of(tmp_path / "a")) == checkzone.lines_of(zone_of(tmp_path / "b"))


def test_a_broken_document_costs_itself(tmp_path, folder):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.yaml").write_text("kind: Namespace\napiVersion: v1\nmetadata: {name: default}\n")
    (tmp_path / "in" / "b.yaml").write_text("kind: Service\napiVersion: v1\nmetadata: {name: x}\nspec: {ports: 7}\n---\n"
                                            "kind: Service\napiVersion: v1\nmetadata: {name: y}\n"
                                            "spec: {clusterIP: 10.0.0.9}\n---\nkind: [\n")
    (tmp_path / "in" / "c.json").write_text('{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "z"}, ')
    (tmp_path / "in" / "ignored.txt").write_text("not read")
    done = run_once(tmp_path / "in", folder, check=False)
    assert done.returncode == 1
    assert "b.yaml: document 1: " in done.stdout and "spec.ports" in done.stdout
    assert "b.yaml: document 3, line " in done.stdout
    assert "c.json: document 1" in done.stdout
    assert "y.default.svc.cluster.local.\t5\tIN\tA\t10.0.0.9" in checkzone.lines_of(zone_of(folder))
    checkzone.check_folder(folder)


def test_a_source_that_is_not_there_leaves_the_zone_alone(tmp_path, folder):
    run_once(EXAMPLE, folder)
    before = contents(folder)
    done = run_once(tmp_path / "nowhere", folder, check=False)
    assert done.returncode == 1 and "nowhere" in done.stdout
    assert contents(folder) == before


def test_aliases_without_bound_are_refused(tmp_path, folder):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 10)}]" for i in range(1, 12)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines) + "\n")
    started = time.monotonic()
    done = run_once(tmp_path / "bomb.yaml", folder, check=False)
    assert done.returncode == 1 and "too many values" in done.stdout
    assert time.monotonic() - started < 5


# ---- following ----


def test_a_change_is_one_transaction_of_its_own_size(folder, objects, tmp_path):
    write_objects(objects, [namespace("default"), web(), web("10.96.0.2", "other")])
    with Daemon("-from", objects, "-zones", folder, ZONE, "10.0.0.0/8", log=str(tmp_path / "log")) as daemon:
        wait_for(lambda: os.path.exists(journal_of(folder, "10.in-addr.arpa")))
        first = checkzone.serial(folder)
        write_objects(objects, [namespace("default"), web("10.96.0.3"), web("10.96.0.2", "other")])
        [(serial, cause, removed, added)] = wait_for(lambda: checkzone.transactions(journal_of(folder)))
        assert serial > first
        assert cause.startswith("Service default/web changed")
        name = "web.default.svc.cluster.local."
        assert removed == [f"{n}\t5\tIN\tA\t10.96.0.1" for n in (name, "_http._tcp." + name)]
        assert added == [f"{n}\t5\tIN\tA\t10.96.0.3" for n in (name, "_http._tcp." + name)]
        [(_, _, removed, added)] = wait_for(lambda: checkzone.transactions(journal_of(folder, "10.in-addr.arpa")))
        assert removed == [f"1.0.96.10.in-addr.arpa.\t5\tIN\tPTR\t{name}"]
        assert added == [f"3.0.96.10.in-addr.arpa.\t5\tIN\tPTR\t{name}"]
        assert daemon.stop() == 0
    assert checkzone.header(zone_of(folder))["serial"] == str(first)


def test_what_changes_no_record_writes_nothing(folder, objects):
    write_objects(objects, [namespace("default"), web()])
    with Daemon("-from", objects, "-zones", folder, ZONE) as daemon:
        wait_for(lambda: os.path.exists(journal_of(folder)))
        before = contents(folder)
        changed = web()
        changed["metadata"]["annotations"] = {"note": "seen"}
        write_objects(objects, [namespace("default"), changed, {"kind": "ConfigMap", "apiVersion": "v1"}])
        time.sleep(2.5)
        assert contents(folder) == before
        assert daemon.stop(signal.SIGINT) == 0


def test_a_file_that_breaks_takes_nothing_away(tmp_path, folder):
    source = tmp_path / "in"
    source.mkdir()
    write_objects(source / "a.json", [namespace("default"), web()])
    write_objects(source / "b.json", [web("10.96.0.2", "other")])
    with Daemon("-from", source, "-zones", folder, ZONE, log=str(tmp_path / "log")) as daemon:
        wait_for(lambda: os.path.exists(journal_of(folder)))
        before = checkzone.effective(folder)
        (source / "b.json").write_text("{")
        wait_for(lambda: "b.json: document 1" in daemon.log())
        assert checkzone.effective(folder) == before
        (source / "b.json").unlink()
        wait_for(lambda: not any("other" in line for line in checkzone.effective(folder)))
        assert any(line.startswith("web.") for line in checkzone.effective(folder))


# ---- starting again ----


def test_a_restart_applies_the_difference(folder, objects):
    write_objects(objects, [namespace("default"), web(), web("10.96.0.2", "other")])
    run_once(objects, folder)
    file_before = contents(folder)[ZONE + ".zone"]
    write_objects(objects, [namespace("default"), web("10.96.0.3")])
    run_once(objects, folder)
    assert contents(folder)[ZONE + ".zone"] == file_before
    [(_, cause, removed, added)] = checkzone.transactions(journal_of(folder))
    assert cause == "resync"
    assert len(removed) == 2 + 4 and len(added) == 2
    write_objects(objects, [namespace("default"), web()])
    run_once(objects, folder)
    assert len(checkzone.transactions(journal_of(folder))) == 2
    assert set(checkzone.effective(folder)) == {
        line for line in file_before.decode().splitlines() if line[0] != ";" and "\tSOA\t" not in line and "other" not in line
    }


def test_other_options_give_a_new_file(folder, objects, tmp_path):
    write_objects(objects, [namespace("default"), web()])
    run_once(objects, folder)
    first = checkzone.serial(folder)
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:5300 {{\n kubernetes {ZONE} {{\n objects {objects}\n ttl 30\n }}\n}}\n")
    subprocess.run([syncd.PROGRAM, "-conf", corefile, "-zones", folder, "-once"], check=True, stdout=subprocess.DEVNULL)
    assert checkzone.file_serial(zone_of(folder)) > first
    assert "web.default.svc.cluster.local.\t30\tIN\tA\t10.96.0.1" in checkzone.lines_of(zone_of(folder))
    assert checkzone.transactions(journal_of(folder)) == []


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "missing", "folder_of_old", "garbage"])
def test_a_damaged_zone_file_is_written_anew(folder, objects, damage):
    write_objects(objects, [namespace("default"), web()])
    run_once(objects, folder)
    expected, serial = checkzone.effective(folder), checkzone.serial(folder)
    path = zone_of(folder)
    data = open(path, "rb").read()
    if damage == "missing":
        os.unlink(path)
    elif damage == "folder_of_old":
        os.unlink(journal_of(folder))
    else:
        bad = {"cut": data[:-100], "flip": data.replace(b"10.96.0.1", b"10.96.0.9"), "empty": b"", "garbage": b"\0\xff" * 99}
        with open(path, "wb") as f:
            f.write(bad[damage])
    run_once(objects, folder)
    checkzone.sound(path)
    assert checkzone.effective(folder) == expected
    assert checkzone.serial(folder) > serial


@pytest.mark.parametrize("damage", ["tail", "flip", "other_base"])
def test_a_damaged_journal_is_mended(folder, objects, damage):
    write_objects(objects, [namespace("default"), web()])
    run_once(objects, folder)
    write_objects(objects, [namespace("default"), web("10.96.0.7")])
    run_once(objects, folder)
    expected, serial = checkzone.effective(folder), checkzone.serial(folder)
    data = open(journal_of(folder), "rb").read()
    bad = {
        "tail": data + b"- web.default.svc.cluster.local.\t5\tIN\tA\t10.96",
        "flip": data.replace(b"10.96.0.7", b"10.96.0.8"),
        "other_base": data.replace(b"; base: ", b"; base: 1"),
    }
    with open(journal_of(folder), "wb") as f:
        f.write(bad[damage])
    run_once(objects, folder)
    assert checkzone.effective(folder) == expected
    assert checkzone.serial(folder) >= serial
    assert open(journal_of(folder), "rb").read().endswith(b"\n")


def test_the_serial_never_goes_back(folder, objects):
    """Also where the clock does: the file on disk is from the future."""
    write_objects(objects, [namespace("default"), web()])
    run_once(objects, folder)
    future = int(time.time()) + 86400
    data = open(zone_of(folder), encoding="ascii").read()
    data = data.replace(str(checkzone.file_serial(zone_of(folder))), str(future)).rsplit("; end:", 1)[0]
    import zlib

    records = sum(1 for line in data.splitlines() if not line.startswith(";"))
    data += f"; end: {records} records, crc32 {zlib.crc32(data.encode()):08x}\n"
    open(zone_of(folder), "w", encoding="ascii").write(data)
    os.unlink(journal_of(folder))
    write_objects(objects, [namespace("default"), web("10.96.0.4")])
    run_once(objects, folder)
    assert checkzone.serial(folder) == future + 1


# ---- large changes ----


def many(n, third):
    return [namespace("default")] + [web(f"10.{third}.{i // 250}.{i % 250}", f"service-{i}") for i in range(n)]


def test_a_large_difference_is_a_new_file(folder, objects):
    write_objects(objects, many(5000, 96))
    run_once(objects, folder)
    checkzone.check_folder(folder)
    first = checkzone.serial(folder)
    write_objects(objects, many(5000, 97))
    run_once(objects, folder)
    assert checkzone.transactions(journal_of(folder)) == []
    assert checkzone.file_serial(zone_of(folder)) > first
    assert "service-7.default.svc.cluster.local.\t5\tIN\tA\t10.97.0.7" in checkzone.lines_of(zone_of(folder))


def test_an_outgrown_journal_ends_in_a_new_file_at_the_same_serial(folder, objects):
    write_objects(objects, many(3000, 96))
    with Daemon("-from", objects, "-zones", folder, ZONE) as daemon:
        wait_for(lambda: os.path.exists(journal_of(folder)))
        first = checkzone.serial(folder)
        for third in range(97, 99):
            write_objects(objects, many(3000, third))
            wait_for(lambda third=third: f"service-2999.default.svc.cluster.local.\t5\tIN\tA\t10.{third}.11.249"
                     in checkzone.effective(folder), step=0.2)
        wait_for(lambda: checkzone.file_serial(zone_of(folder)) > first)
        wait_for(lambda: os.path.getsize(journal_of(folder)) < 1 << 20)
        assert daemon.stop() == 0
    checkzone.sound(zone_of(folder))
    fresh = folder + ".fresh"
    run_once(objects, fresh)
    assert checkzone.effective(folder) == checkzone.effective(fresh)


# ---- trouble ----


def test_one_writer_a_folder(folder, objects):
    write_objects(objects, [namespace("default"), web()])
    with Daemon("-from", objects, "-zones", folder, ZONE) as daemon:
        wait_for(lambda: os.path.exists(journal_of(folder)))
        done = run_once(objects, folder, check=False)
        assert done.returncode == 1
        assert f"another seamark-sync writes here (process {daemon.process.pid})" in done.stdout
        daemon.kill()
    run_once(objects, folder)  # nothing stays locked


def test_killed_at_any_instant_the_files_can_be_loaded(folder, objects):
    """kill -9 while it starts, compares, appends and writes anew."""
    rng = random.Random(4711)
    size = {True: 1500, False: 3}
    serial, took = 0, {}
    for large, count in size.items():  # an instant is one of what a whole run takes on this machine, with this build
        write_objects(objects, many(count, 1))
        begun = time.monotonic()
        run_once(objects, f"{folder}.{count}")
        took[large] = time.monotonic() - begun
    for i in range(120):
        large = rng.random() < 0.3
        write_objects(objects, many(size[large], rng.randrange(1, 250)) + [web("10.96.0.9", "last")])
        with Daemon("-from", objects, "-zones", folder, ZONE) as daemon:
            time.sleep(rng.random() * 1.5 * took[large])
            daemon.kill()
        if not os.path.exists(zone_of(folder)):
            continue
        checkzone.sound(zone_of(folder))
        checkzone.effective(folder)
        now = checkzone.serial(folder)
        assert now >= serial, f"round {i}: the serial went back"
        serial = now
    assert serial > 0
    run_once(objects, folder)
    fresh = folder + ".fresh"
    run_once(objects, fresh)
    assert checkzone.effective(folder) == checkzone.effective(fresh)
    assert set(contents(folder)) == {ZONE + ".zone", ZONE + ".journal"}, "what was left behind is gone"
    checkzone.check_folder(folder)


@contextlib.contextmanager
def small_disk(path, size):
    os.makedirs(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_costs_freshness_only(folder, objects, tmp_path):
    with small_disk(folder, "64k"):
        write_objects(objects, many(20, 96))
        with Daemon("-from", objects, "-zones", folder, ZONE, log=str(tmp_path / "log")) as daemon:
            wait_for(lambda: os.path.exists(journal_of(folder)))
            good = checkzone.effective(folder)
            before = contents(folder)
            write_objects(objects, many(1000, 97))  # more than 64 KiB
            wait_for(lambda: "cannot be written" in daemon.log())
            time.sleep(2)
            assert checkzone.effective(folder) == good
            checkzone.sound(zone_of(folder))
            assert contents(folder) == before, "whole, and no temporary files"
            assert daemon.log().count("cannot be written") == 1, "one line a minute"
            subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
            wait_for(lambda: "up to date again" in daemon.log(), timeout=12)
            assert len(checkzone.effective(folder)) > 3000
            write_objects(objects, many(1, 98))
            wait_for(lambda: len(checkzone.effective(folder)) < 20)
            assert daemon.stop() == 0


def test_a_disk_that_is_full_from_the_start(folder, objects, tmp_path):
    with small_disk(folder, "64k"):
        write_objects(objects, many(2000, 96))
        done = run_once(objects, folder, check=False)
        assert done.returncode == 1 and "cannot be written" in done.stdout
        assert contents(folder) == {}


# ---- the process ----


def test_flags_as_go_reads_them(tmp_path, objects):
    write_objects(objects, [namespace("default"), web()])
    for args in (["-from", objects, "-zones=" + str(tmp_path / "a"), "-once"], ["--from=" + objects, "--zones", tmp_path / "b", "--once=true"]):
        subprocess.run([syncd.PROGRAM, *map(str, args), ZONE], check=True, stdout=subprocess.DEVNULL)
    assert os.path.exists(zone_of(tmp_path / "a")) and os.path.exists(zone_of(tmp_path / "b"))
    for args in (["-nonsense"], ["-zones"], ["-once=maybe"], [], ["-from", objects], ["-conf", "x", ZONE]):
        done = subprocess.run([syncd.PROGRAM, *args], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "seamark-sync: " in done.stderr, args
    assert subprocess.run([syncd.PROGRAM, "-help"], capture_output=True, check=True).stdout.startswith(b"Usage:")
    assert subprocess.run([syncd.PROGRAM, "-version"], capture_output=True, check=True).stdout.startswith(b"seamark-sync ")


def test_a_path_is_taken_as_it_is(tmp_path, folder):
    """Nothing in it means what it would mean in a Corefile."""
    path = tmp_path / 'some "where" #1 {$HOME}.json'
    write_objects(path, [namespace("default"), web()])
    run_once(path, folder)
    assert "web.default.svc.cluster.local.\t5\tIN\tA\t10.96.0.1" in checkzone.lines_of(zone_of(folder))


def test_a_corefile_that_does_not_load_is_an_error(tmp_path, folder):
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:53 {\n    kubernetes cluster.local {\n        ttl much\n    }\n}\n")
    done = subprocess.run([syncd.PROGRAM, "-conf", corefile, "-zones", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Corefile:3" in done.stdout


def test_reload(tmp_path, folder, objects):
    """A Corefile that does not load leaves the old one running; a changed one is taken over by the same process."""
    write_objects(objects, [namespace("default"), web()])
    corefile = tmp_path / "Corefile"
    text = f".:5300 {{\n kubernetes {ZONE} {{\n objects {objects}\n ttl 30\n }}\n}}\n"
    corefile.write_text(text)
    with Daemon("-conf", corefile, "-zones", folder, log=str(tmp_path / "log")) as daemon:
        wait_for(lambda: os.path.exists(journal_of(folder)))
        corefile.write_text("nonsense {")
        daemon.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: "the old one stays" in daemon.log())
        corefile.write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "has not changed" in daemon.log())
        corefile.write_text(text.replace("ttl 30", "ttl 60"))
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "web.default.svc.cluster.local.\t60\tIN\tA\t10.96.0.1" in checkzone.lines_of(zone_of(folder)))
        assert daemon.process.poll() is None
        assert daemon.stop() == 0


def test_it_ends_with_the_process_that_started_it(tmp_path, folder, objects):
    write_objects(objects, [namespace("default"), web()])
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import os, subprocess, sys, time\n"
        "p = subprocess.Popen(sys.argv[1:4] + [str(os.getpid())] + sys.argv[4:])\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, parent, "env", syncd.PROGRAM, "-parent-pid", "-from", objects, "-zones", folder, ZONE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        wait_for(lambda: os.path.exists(journal_of(folder)))
        process.kill()

        def gone():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                return open(f"/proc/{pid}/stat", encoding="ascii").read().split()[2] == "Z"
            return True

        wait_for(gone)
    done = subprocess.run([syncd.PROGRAM, "-parent-pid", "1", "-from", objects, "-zones", folder, ZONE],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "process 1 " in done.stdout


def test_two_blocks_with_one_zone(tmp_path, folder, objects):
    write_objects(objects, [namespace("default"), web()])
    block = "{zone}:{port} {{\n kubernetes {zone} 10.0.0.0/8 {{\n objects {objects}\n ttl {ttl}\n }}\n}}\n"
    corefile = tmp_path / "Corefile"
    corefile.write_text(block.format(zone=ZONE, port=5300, objects=objects, ttl=5)
                        + block.format(zone=ZONE, port=5301, objects=objects, ttl=5))
    command = [syncd.PROGRAM, "-conf", corefile, "-zones", folder, "-once"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    checkzone.check_folder(folder)
    corefile.write_text(block.format(zone=ZONE, port=5300, objects=objects, ttl=5)
                        + block.format(zone=ZONE, port=5301, objects=objects, ttl=6))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "stands in another kubernetes block with other options" in done.stdout


def test_headless_and_slices(folder, objects):
    """What the example has not: a slice that comes in pieces, and an endpoint that is in two of them."""
    write_objects(objects, [
        namespace("default"), service("db", None, [("pg", 5432)]),
        slice_of("db", "db-1", [endpoint("10.1.0.1"), endpoint("10.1.0.2", ready=False)], [("pg", 5432)]),
        slice_of("db", "db-2", [endpoint("10.1.0.1"), endpoint("10.1.0.3", hostname="three")], [("pg", 5432)]),
    ])
    run_once(objects, folder, ZONE, "10.0.0.0/8")
    checkzone.check_folder(folder)
    at = [line.split("\t") for line in checkzone.lines_of(zone_of(folder)) if line.startswith("db.default.")]
    assert [(line[3], line[4]) for line in at] == [
        ("A", "10.1.0.1"), ("A", "10.1.0.3"),
        ("SRV", "0 33 5432 three.db.default.svc.cluster.local."),
        ("SRV", "0 33 5432 10-1-0-1.db.default.svc.cluster.local."),
    ]
