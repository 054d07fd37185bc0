"""seamark-sync as tests run it: from files of Kubernetes objects, in a folder of its own."""

import json
import os
import signal
import subprocess
import time

BIN = os.environ.get("SEAMARK_BIN", os.path.join(os.path.dirname(__file__), "..", "..", "bin"))
PROGRAM = os.path.join(BIN, "seamark-sync")


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(name, ips=(), ports=(), namespace="default", **spec):
    """ips=None makes it headless. Ports are (name, port[, protocol])."""
    fields = {"ports": [port(*p) for p in ports], **spec}
    if ips is None:
        fields["clusterIP"] = "None"
    elif ips:
        fields.update(clusterIP=ips[0], clusterIPs=list(ips))
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": fields}


def port(name, number, protocol="TCP"):
    return {"port": number, "protocol": protocol, **({"name": name} if name else {})}


def endpoint(address, ready=True, **fields):
    return {"addresses": [address], "conditions": {"ready": ready}, **fields}


def slice_of(svc, name, endpoints, ports=(), namespace="default", address_type="IPv4"):
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": svc}},
        "addressType": address_type,
        "endpoints": list(endpoints),
        "ports": [port(*p) for p in ports],
    }


def write_objects(path, objects):
    """Writes a List in one step, so that a daemon that follows sees all of it or none."""
    with open(str(path) + ".new", "w", encoding="utf-8") as f:
        f.write(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))  # json.dump() takes ten times as long
    os.replace(str(path) + ".new", path)


def run_once(source, folder, *zones, check=True):
    """Renders and exits; the finished process."""
    command = [PROGRAM, "-from", str(source), "-zones", str(folder), "-once", *(zones or ("cluster.local",))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


class Daemon:
    """A seamark-sync that keeps running. with Daemon("-from", ...) as d: ..."""

    def __init__(self, *args, log=None):
        self.log_path = log
        out = open(log, "w", encoding="utf-8") if log else subprocess.DEVNULL
        self.process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=out, stderr=subprocess.STDOUT)
        if log:
            out.close()

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def stop(self, number=signal.SIGTERM, timeout=20):
        """Sends a signal and waits; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


def wait_for(what, timeout=15, step=0.02):
    """Waits until what() is true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout} s"
        time.sleep(step)
