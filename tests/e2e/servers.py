"""The two DNS servers, started with the same Corefile on an address of their own each."""

import os

from process import Process, http_status, loopback
from question import ask

DNS_PORT = 5353
HEALTH_PORT = 8080
READY_PORT = 8181

# kubeadm's Corefile with addresses put in. {cache} is where the two shapes in the field differ: see CACHES. {beside} is what
# a test file wants in it too.
COREFILE = """\
.:{port} {{
    bind {address}
    errors
    health {address}:{health} {{
       lameduck 1s
    }}
    ready {address}:{ready}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
{access}       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }}
{beside}    prometheus {address}:9153
    forward . {upstream} {{
       max_concurrent 1000
    }}
{cache}    loop
    reload
    loadbalance
}}
"""

CACHES = {
    # kubeadm from Kubernetes 1.32 on: cluster names are not kept
    "kubeadm": "    cache 30 {\n       disable success cluster.local\n       disable denial cluster.local\n    }\n",
    # the CoreDNS deployment project, kubeadm before, and most distributions
    "stock": "    cache 30\n",
    # to see the plugin's own TTLs and flags
    "none": "",
}


class Server:
    """What CoreDNS and Seamark have in common: an address, a Corefile and a process."""

    name = "server"

    def __init__(self, program, folder, kubeconfig, upstream, cache="kubeadm", beside=""):
        """Without a kubeconfig it looks for the API server as a pod does."""
        access = f"       kubeconfig {kubeconfig}\n" if kubeconfig else ""
        self.address, self.port = loopback(), DNS_PORT
        self.folder = os.path.join(folder, f"{self.name}-{self.address}")
        os.makedirs(self.folder)
        self.corefile = os.path.join(self.folder, "Corefile")
        with open(self.corefile, "w", encoding="ascii") as out:
            out.write(COREFILE.format(address=self.address, port=self.port, health=HEALTH_PORT, ready=READY_PORT,
                                      access=access, upstream=f"{upstream.address}:{upstream.port}",
                                      cache=CACHES[cache], beside=beside))
        self.process = Process(self.name, [program, *self.arguments()], self.folder)

    def arguments(self):
        return ["-conf", self.corefile]

    def start(self):
        self.process.start()
        return self

    def is_ready(self):
        """CoreDNS says ready on HTTP some 50 ms before its DNS sockets are open, so both are asked."""
        return (http_status(f"http://{self.address}:{READY_PORT}/ready") == 200
                and ask(self, "cluster.local.", "SOA").rcode == "NOERROR")

    def wait_ready(self, seconds=30):
        self.process.wait_ready(self.is_ready, seconds)
        return self

    def stop(self):
        return self.process.stop()

    def kill(self):
        return self.process.kill()


class CoreDNS(Server):
    name = "coredns"


class Seamark(Server):
    name = "seamark"

    def arguments(self):
        self.zones = os.path.join(self.folder, "zones")
        os.makedirs(self.zones, exist_ok=True)
        return [*super().arguments(), "-zones", self.zones]
