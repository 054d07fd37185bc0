"""Corefiles for generated clusters: each option of the `kubernetes` block in turn, others beside it by chance."""

import dataclasses
import ipaddress
import random

FORWARD_ZONES = {  # what a block may serve -> the forward zones of it, and the words that stand in the Corefile
    "plain": (["cluster.local."], "cluster.local in-addr.arpa ip6.arpa"),
    "alone": (["cluster.local."], "cluster.local"),
    "networks": (["cluster.local."], "cluster.local 10.0.0.0/8 fd00::/8"),
    "narrow": (["cluster.local."], "cluster.local 10.0.0.0/10 10.96.0.0/16"),
    "several": (["k8s.example.", "cluster.local."], "k8s.example cluster.local in-addr.arpa ip6.arpa"),
    "below": (["cluster.local.", "k8s.cluster.local."], "cluster.local k8s.cluster.local in-addr.arpa"),
    "above": (["k8s.cluster.local.", "cluster.local."], "k8s.cluster.local cluster.local in-addr.arpa"),
    "root": (["."], "."),
    "set": (["cluster.local.", "clusterset.local."], "cluster.local clusterset.local in-addr.arpa ip6.arpa"),
}
COREFILE = """.:5353 {{
    bind {{address}}
    errors
    kubernetes {zones} {{
{lines}    }}
{after}}}
"""
FORWARD = "    forward . {address}:{port}\n"

# Each cluster has one of these first; the seed says which.
MAIN = ["pods insecure", "pods verified", "pods disabled", "endpoint_pod_names", "noendpoints", "namespaces {first} {second}",
        "namespace_labels e2e-part=first,e2e-seed={seed}", "labels tier", "labels app in (a,b),tier notin (y)", "labels !tier",
        "ignore empty_service", "zonal", "multicluster clusterset.local", "zones several", "zones below", "zones above", "zones root",
        "zones networks", "zones narrow", "zones alone", "ttl 0", "ttl 3600", "fallthrough", "fallthrough cluster.local", "endpoint"]
BESIDE = ["ttl 0", "ttl 30", "ttl 3600", "pods insecure", "pods verified", "endpoint_pod_names", "ignore empty_service", "fallthrough",
          "fallthrough in-addr.arpa ip6.arpa", "zonal", "startup_timeout 10s", "apiserver_qps 200"]


SELECTED = {  # what the values of `labels` above choose, by an object's labels
    "tier": lambda labels: "tier" in labels,
    "!tier": lambda labels: "tier" not in labels,
    "app in (a,b),tier notin (y)": lambda labels: labels.get("app") in ("a", "b") and labels.get("tier") != "y",
}


@dataclasses.dataclass
class Options:
    """`words` is what stands in the block, by its first word."""

    words: dict
    zones: str

    @property
    def forward_zones(self):
        return FORWARD_ZONES[self.zones][0]

    def has(self, word):
        return word in self.words

    def says(self, line):
        word, _, rest = line.partition(" ")
        return self.words.get(word) == rest

    def selects(self, obj):
        """Whether a Service, slice or Pod is seen at all."""
        selected = SELECTED.get(self.words.get("labels"))
        return selected is None or selected(obj["metadata"].get("labels", {}))

    def falls_through(self, name):
        """Whether a name that does not exist is asked upstream."""
        zones = self.words.get("fallthrough")
        return zones is not None and (zones == "" or any(f".{name}".lower().endswith(f".{z}.") for z in zones.split()))

    def reverse_apexes(self):
        """The tops of the reverse zones that a block serves; a network whose mask ends within an octet has several."""
        for word in FORWARD_ZONES[self.zones][1].split():
            if "/" in word:
                network = ipaddress.ip_network(word)
                step = 4 if network.version == 6 else 8
                for part in network.subnets(new_prefix=-(-network.prefixlen // step) * step):
                    labels = part.network_address.reverse_pointer.split(".")
                    yield ".".join(labels[(network.max_prefixlen - part.prefixlen) // step:]) + "."
            elif word.endswith("arpa"):
                yield word + "."

    def text(self):
        return "; ".join(f"{w} {r}".strip() for w, r in self.words.items()) + f"; zones {self.zones}"

    def corefile(self, cluster, kubeconfig, outside):
        access = [f"kubeconfig {kubeconfig}"]
        if self.has("endpoint"):
            _, _, ca, cert, key, _ = cluster.admin.args
            access = [f"endpoint {cluster.url()}", f"tls {cert} {key} {ca}"]
        lines = access + [f"{w} {r}".strip() for w, r in self.words.items() if w != "endpoint"]
        return COREFILE.format(zones=FORWARD_ZONES[self.zones][1], lines="".join(f"       {line}\n" for line in lines),
                               after=FORWARD.format(address=outside.address, port=outside.port))


def options_for(seed, names):
    """`names` are the cluster's namespaces."""
    rng = random.Random(seed * 7919 + 1)
    main = MAIN[seed % len(MAIN)].format(first=names[0], second=names[1], seed=seed)
    words, zones = {}, rng.choice(["plain", "plain", "plain", "networks", "several", "below"])
    word, _, rest = main.partition(" ")
    if word == "zones":
        zones = rest
    else:
        words[word] = rest
    if word == "multicluster":
        zones = "set"
    for line in rng.sample(BESIDE, rng.randint(0, 3)):
        word, _, rest = line.partition(" ")
        if word not in words and not (word == "zonal" and ("noendpoints" in words or "multicluster" in words)):
            words[word] = rest
    return Options(words, zones)
