"""Seamark and CoreDNS, with one and the same stock Corefile: kubeadm's, with addresses put in."""

import os

from measure.server import PORT, Server

SEAMARK, COREDNS = "Seamark", "CoreDNS"
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROGRAM, SYNC = os.path.join(TOP, "bin", "seamark"), os.path.join(TOP, "bin", "seamark-sync")

COREFILE = """\
.:{port} {{
{more}    bind {address}
    errors
    health {address}:8080 {{
       lameduck 5s
    }}
    ready {address}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
       {source}
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }}
    prometheus {address}:9153
    forward . {upstream} {{
       max_concurrent 1000
{forward}    }}
{cache}    loop
    reload
    loadbalance
}}
"""

# Kubernetes 1.32 and newer keep cluster names out of the cache; kubeadm before that, and most distributions, do not. The last one is for
# comparisons of caches: nothing expires while it is measured.
CACHES = {
    "kubeadm": "    cache 30 {\n       disable success cluster.local\n       disable denial cluster.local\n    }\n",
    "cache 30": "    cache 30\n",
    "large": "    cache 86400 {\n       success 200000 86400\n       denial 200000 86400\n    }\n",
}
NOWHERE = "127.0.0.1:9"  # an upstream that nobody asks: cluster questions need none


def corefile(place, source, upstream=NOWHERE, cache="kubeadm", more="", forward=""):
    """`source` is where the cluster is, a line of the `kubernetes` block; `forward` are lines of that block. Returns the path."""
    folder, address = place
    path = os.path.join(folder, "Corefile")
    with open(path, "w", encoding="ascii") as out:
        out.write(COREFILE.format(address=address, port=PORT, source=source, upstream=upstream, cache=CACHES[cache], more=more, forward=forward))
    return path


def small_corefile(place, upstream, cache="large"):
    """Nothing but `cache` and `forward`. Returns the path."""
    folder, address = place
    path = os.path.join(folder, "Corefile")
    with open(path, "w", encoding="ascii") as out:
        out.write(f".:{PORT} {{\n    bind {address}\n{CACHES[cache]}    forward . {upstream}\n}}\n")
    return path


def without_cluster(conf):
    """Takes the `kubernetes` block out: without an API server CoreDNS would answer nothing."""
    with open(conf, encoding="ascii") as f:
        lines = f.read().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.strip().startswith("kubernetes "))
    last = next(i for i in range(first, len(lines)) if lines[i].strip() == "}")
    with open(conf, "w", encoding="ascii") as out:
        out.writelines(lines[:first] + lines[last + 1:])
    return conf


def seamark(place, conf, zones, probe, placement, supervised=False, name=SEAMARK, **more):
    """With the zone files that are in `zones`, or with its own seamark-sync that makes them."""
    folder, address = place
    command = [PROGRAM, "-conf", conf, "-zones", zones] + ([] if supervised else ["-sync=external"])
    return Server(name, command, address, folder, probe, placement.servers, **more)


def coredns(program, place, conf, probe, placement, name=COREDNS):
    folder, address = place
    return Server(name, [program, "-conf", conf], address, folder, probe, placement.servers,
                  env={"GOMAXPROCS": str(placement.workers)})
