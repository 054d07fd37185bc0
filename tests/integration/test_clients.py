"""Who asks: `autopath @kubernetes` and the kubernetes/client-... labels, from pods that seamark-sync follows."""

import json
import os

import dns.message
import dns.query
import dns.rcode
import pytest

import checkzone
import own_resolv_conf
from seamark import Seamark, addresses, wait_for
from upstream import Upstream

COREFILE = """
.:{port} {
    bind {address}
    BESIDE
    hosts {
        192.0.2.1 www.example.org
        192.0.2.2 host.corp.example
        192.0.2.3 db
        fallthrough
    }
    kubernetes cluster.local {
        objects {folder}/objects.json
        pods PODS
    }
}
"""
SHOP, PROD, NODE, NOBODY = "127.77.0.1", "127.77.0.2", "127.77.0.3", "127.77.0.4"
LOG = """metadata
    log . "{name} says {/kubernetes/client-namespace}|{/kubernetes/client-pod-name}|{/kubernetes/client-label/app}|{/kubernetes/service}|" """


def pod(namespace, name, ip, **labels):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name, "labels": labels},
            "status": {"podIP": ip, "phase": "Running"}}


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(namespace_, name, ip):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace_, "name": name},
            "spec": {"clusterIP": ip, "ports": [{"port": 80}]}}


OBJECTS = [namespace("shop"), namespace("prod"), service("shop", "web", "10.96.0.1"), service("prod", "db", "10.96.0.2"),
           pod("shop", "web-1", SHOP, app="web"), pod("prod", "db-0", PROD), pod("shop", "proxy-b", NODE),
           pod("prod", "proxy-a", NODE, app="proxy"), pod("prod", "proxy-0", NODE)]


class Cluster(Seamark):
    def __init__(self, beside, pods="verified", search=None):
        super().__init__(COREFILE.replace("BESIDE", beside).replace("PODS", pods), supervised=True)
        self.host_list = None
        if search is not None:
            self.write("resolv.conf", f"search {search}\n")
            self.host_list = self.path("resolv.conf")
        self.put(OBJECTS)

    def command(self, *flags):
        command = super().command(*flags)
        return command if self.host_list is None else own_resolv_conf.command(self.host_list, command)

    def put(self, objects):
        with open(self.path("objects.tmp"), "w", encoding="ascii") as out:
            json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, out)
        os.rename(self.path("objects.tmp"), self.path("objects.json"))

    def asks(self, client, name, rdtype="A"):
        query = dns.message.make_query(name, rdtype)
        return dns.query.udp(query, self.address, timeout=5, port=self.port, source=client, one_rr_per_rrset=True)

    def finds(self, client, name):
        return addresses(self.asks(client, name))

    def wait_for_pods(self):
        wait_for(lambda: os.path.exists(os.path.join(self.zones, "cluster.local+clients.zone")), "the zone of clients")
        self.wait_log(r"zone cluster.local. \(clients\): loaded")
        return self

    def says(self, client, name):
        """What the log has of the pod that asks."""
        seen = self.log().count(f" {name}. says ")
        self.asks(client, name)
        wait_for(lambda: self.log().count(f" {name}. says ") > seen, "a line of the log")
        return self.log().rsplit(f" {name}. says ", 1)[1].splitlines()[0]


def test_the_search_list_is_that_of_the_pod_that_asks():
    with Cluster("autopath @kubernetes") as server:
        server.wait_for_pods()
        for client, own, other in ((SHOP, "shop", "prod"), (PROD, "prod", "shop")):
            assert server.finds(client, f"www.example.org.{own}.svc.cluster.local") == ["192.0.2.1"]
            assert server.asks(client, f"www.example.org.{other}.svc.cluster.local").rcode() == dns.rcode.NXDOMAIN
        assert server.finds(SHOP, "db.prod.shop.svc.cluster.local") == ["10.96.0.2"]
        assert server.finds(SHOP, "db.shop.svc.cluster.local") == ["192.0.2.3"]  # one label too: it is known who asks
        assert server.finds(SHOP, "web.shop.svc.cluster.local") == ["10.96.0.1"]
        assert server.asks(NOBODY, "www.example.org.shop.svc.cluster.local").rcode() == dns.rcode.NXDOMAIN
        assert server.finds(NODE, "www.example.org.prod.svc.cluster.local") == ["192.0.2.1"]  # the first of its namespaces
        assert server.asks(NODE, "www.example.org.shop.svc.cluster.local").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.skipif(not own_resolv_conf.allowed(), reason="no mount namespaces here")
def test_the_hosts_own_list_is_behind_the_clusters():
    with Cluster("autopath @kubernetes", search="corp.example") as server:
        server.wait_for_pods()
        assert server.finds(SHOP, "host.shop.svc.cluster.local") == ["192.0.2.2"]


def test_a_pod_that_comes_moves_or_goes_is_followed():
    name = "www.example.org.{}.svc.cluster.local"
    with Cluster("autopath @kubernetes") as server:
        server.wait_for_pods()
        server.put([*OBJECTS, pod("shop", "late", NOBODY)])
        wait_for(lambda: server.finds(NOBODY, name.format("shop")), "the new pod's list")
        server.put([*OBJECTS, pod("prod", "other", NOBODY)])
        wait_for(lambda: server.finds(NOBODY, name.format("prod")), "the list of the address's next pod")
        assert not server.finds(NOBODY, name.format("shop"))
        server.put(OBJECTS)
        wait_for(lambda: not server.finds(NOBODY, name.format("prod")), "no list")
        with open(os.path.join(server.zones, "cluster.local+clients.journal"), encoding="ascii") as journal:
            text = journal.read()
        assert '+ 127-77-0-4.cluster.local.\t5\tIN\tTXT\t"namespace=shop"' in text and "; cause: Pod shop/late" in text


def test_labels_of_metadata_say_who_asks():
    with Cluster(LOG) as server:
        server.wait_for_pods()
        assert server.says(SHOP, "web.shop.svc.cluster.local") == "shop|web-1|web|web|"
        assert server.says(PROD, "www.example.org") == "prod|db-0|-|-|"  # for names of any zone
        assert server.says(NODE, "www.example.org") == "prod|proxy-0|-|-|"
        assert server.says(NOBODY, "www.example.org") == "-|-|-|-|"
        changed = [o for o in OBJECTS if o["metadata"]["name"] != "db-0"] + [pod("prod", "db-0", PROD, app="new")]
        server.put(changed)
        wait_for(lambda: server.says(PROD, "www.example.org") == "prod|db-0|new|-|", "the pod's new label")


def test_rewrite_template_and_log_use_the_same_labels():
    rules = r"""metadata
    log . "{name} says {/kubernetes/client-namespace}|{/kubernetes/client-pod-name}|{/kubernetes/client-label/app}|"
    rewrite continue edns0 local set 0xffee {kubernetes/client-label/app}
    rewrite name regex ^([a-z]+)\.mine\.example\.$ {1}.{kubernetes/client-namespace}.svc.cluster.local. metadata answer auto
    template IN TXT who.example {
        answer "{{ .Name }} 60 IN TXT \"{{ .Meta \"kubernetes/client-namespace\" }}/{{ .Meta \"kubernetes/client-pod-name\" }}\""
    }
    forward outside.example """
    with Upstream() as up, Cluster(rules + up.address) as server:
        up.add("outside.example", "A", "192.0.2.9")
        server.wait_for_pods()
        assert server.finds(SHOP, "web.mine.example") == ["10.96.0.1"]
        assert server.finds(PROD, "db.mine.example") == ["10.96.0.2"]
        assert not server.finds(PROD, "web.mine.example")
        for client, who in ((SHOP, "shop/web-1"), (PROD, "prod/db-0")):
            assert server.asks(client, "who.example", "TXT").answer[0][0].strings == (who.encode(),)
        assert server.finds(SHOP, "outside.example") == ["192.0.2.9"]
        options = up.names("outside.example")[-1].message.options
        assert [(int(option.otype), option.data) for option in options] == [(0xffee, b"web")]
        assert server.says(SHOP, "outside.example") == "shop|web-1|web|"


def test_the_zone_of_clients_is_valid_and_never_served():
    with Cluster(LOG + "\n    autopath @kubernetes") as server:
        server.wait_for_pods()
        path = os.path.join(server.zones, "cluster.local+clients.zone")
        checkzone.check(path)
        for name in ("127-77-0-1.cluster.local", "127-77-0-1.shop.cluster.local"):
            assert server.asks(SHOP, name, "TXT").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("beside, pods", [
    ("", "verified"),
    ("metadata\n    log", "verified"),
    ("autopath @names", "verified"),
    ("autopath @kubernetes", "insecure"),
    ("autopath @kubernetes", "disabled"),
])
def test_nothing_is_written_of_clients_where_nobody_looks(beside, pods):
    with Cluster(beside, pods) as server:
        server.wait_log(r"zone cluster.local.: loaded")
        wait_for(lambda: server.finds(SHOP, "web.shop.svc.cluster.local"), "the cluster's zone")
        assert sorted(os.listdir(server.zones)) == [".lock", ".synced", "cluster.local.journal", "cluster.local.zone"]
        if "@kubernetes" in beside:
            assert server.count_log("nothing is searched for: @kubernetes needs `pods verified`")
            assert server.asks(SHOP, "www.example.org.shop.svc.cluster.local").rcode() == dns.rcode.NXDOMAIN


def test_ready_when_the_clients_are_known():
    """As CoreDNS, which waits for its pods too."""
    with Cluster("autopath @kubernetes\n    ready {address}:8181") as server:
        import urllib.error  # pylint: disable=import-outside-toplevel
        import urllib.request  # pylint: disable=import-outside-toplevel

        def ready():
            try:
                with urllib.request.urlopen(f"http://{server.address}:8181/ready", timeout=5) as page:
                    return page.status == 200
            except (OSError, urllib.error.HTTPError):
                return False
        wait_for(ready, "readiness")
        assert os.path.exists(os.path.join(server.zones, "cluster.local+clients.zone"))
