"""Clusters of odd objects, made by chance from a seed, and changes to them: what people have in their clusters, and what the
API server lets through though nobody should."""

import copy
import ipaddress
import random

from workload import endpoint, external_name, headless, namespace, pod, port, service, slice_

PORT_NAMES = ["http", "https", "dns", "a", "x-1", "tcp", "udp", "9p", "long-port-name"]
PROTOCOLS = ["TCP", "TCP", "TCP", "UDP", "SCTP"]
APPS, TIERS = ["a", "b", "c"], ["x", "y"]
TOPOLOGY = ["eu-a", "eu-b", "EU-A", "r7.dc.example.com", "dc.example.com", None, None]
HOSTNAMES = ["one", "one", "two", "web-0", "10-1-2-3", "svc", "tcp", "a" * 63, "fd00--1"]
SERVICE_NAMES = ["web", "db", "svc", "pod", "tcp", "s-1", "ns", "dns", "a", "http", "10-1-2-3", "x" * 63, "xn--bcher-kva"]
OUTSIDE = ["www.example", "www.example.", "v4only.example", "alias.example", "missing.example", "brief.example", "broken.example",
           "text.example", "198.51.100.7", "a.b.c.d.e.f.example", "dns-version.cluster.local", "cluster.local",
           "10-1-2-3.{ns}.pod.cluster.local"]
CLUSTERS = ["east", "west", "c-1"]
MULTI = "multicluster.kubernetes.io"


def labelled(rng, obj):
    """Labels for the option `labels`: most objects have the one that it asks for."""
    labels = obj["metadata"].setdefault("labels", {})
    labels["app"] = rng.choice(APPS)
    if rng.random() < 0.7:
        labels["tier"] = rng.choice(TIERS)
    return obj


class Generated:
    """`objects` is what there is now, by (kind, namespace, name); mutate() changes it and says what to do to the API server."""

    def __init__(self, seed, size=6, imports=False):
        self.rng = random.Random(seed)
        self.seed, self.size, self.imports = seed, size, imports
        self.namespaces = [namespace(n) for n in (f"g{seed}", f"{seed}-g", f"g{seed}-x" + "y" * self.rng.choice((0, 50)))]
        for i, obj in enumerate(self.namespaces):
            obj["metadata"]["labels"] = {"e2e-seed": str(seed), "e2e-part": "first" if i == 0 else "other"}
        self.names = [n["metadata"]["name"] for n in self.namespaces]
        self.objects, self.gone = {}, []
        self._count = 0
        self._net = f"10.{100 + seed % 150}"
        self._net6 = f"fd00:{seed % 65536:x}"
        for _ in range(size):
            self._new_service()
        if imports:
            for _ in range(size // 2):
                self._new_import()
        for _ in range(3):
            self._keep(self._slice(self.rng.choice(self.names), f"orphan-{self._number()}", "nobodys"))
        for _ in range(self.rng.randint(0, 4)):
            self._keep(self._pod())

    def of_kind(self, *kinds):
        return [o for (kind, _, _), o in self.objects.items() if kind in kinds]

    def _number(self):
        self._count += 1
        return self._count

    def _keep(self, obj):
        meta = obj["metadata"]
        self.objects[obj["kind"], meta["namespace"], meta["name"]] = obj
        return obj

    # Addresses: few, so that Services and slices share them now and then.
    def address(self, family="IPv4"):
        rng = self.rng
        if family == "IPv4":
            return f"{self._net}.{rng.randint(0, 2)}.{rng.randint(1, 12)}"
        last = rng.choice(["::", "::1", "::a:b", "::1:0", ":0:0:5::7", "::abcd", ":1:2:3:4:5:6"])
        return str(ipaddress.ip_address(self._net6 + last))

    def _ports(self, most=4):
        rng = self.rng
        count = rng.choice([0, 1, 1, 1, 2, 2, 3, most])
        if count == 1 and rng.random() < 0.4:
            return [port(rng.randint(1, 65535), None, rng.choice(PROTOCOLS))]
        ports = [port(rng.randint(1, 20), name, rng.choice(PROTOCOLS)) for name in rng.sample(PORT_NAMES, count)]
        if count >= 2 and rng.random() < 0.4:  # the same number for two protocols, as DNS has it
            ports[1].update(port=ports[0]["port"], protocol="UDP" if ports[0]["protocol"] == "TCP" else "TCP")
        return ports

    def _new_service(self):
        rng, ns = self.rng, self.rng.choice(self.names)
        name = rng.choice(SERVICE_NAMES)
        if ("Service", ns, name) in self.objects or rng.random() < 0.3:
            name = f"s-{self._number()}"
        name = name if name[0].isalpha() else "n" + name
        obj = labelled(rng, self._service(ns, name))
        self._keep(obj)
        if obj["spec"].get("type") != "ExternalName" or rng.random() < 0.3:
            fqdn = rng.random() < 0.08  # names in place of addresses: all slices are so, nearly always
            for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
                family = "FQDN" if fqdn else rng.choice(["IPv4"] * 40 + ["IPv6"] * 20 + ["FQDN"])
                self._keep(self._slice(ns, f"{name[:40]}-{self._number()}", name, family))
        return obj

    def _service(self, ns, name):
        rng = self.rng
        kind = rng.choice(["cluster", "cluster", "headless", "headless", "headless", "external", "special"])
        if kind == "external":
            return external_name(ns, name, self._target(ns), **({"ports": self._ports(2)} if rng.random() < 0.3 else {}))
        ports = self._ports()
        more = {"publishNotReadyAddresses": True} if rng.random() < 0.1 else {}
        if rng.random() < 0.3:
            more.update(rng.choice([{"ipFamilyPolicy": "RequireDualStack"}, {"ipFamilies": ["IPv6"]},
                                    {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}]))
        if rng.random() < 0.2:
            more["externalIPs"] = ["203.0.113.7"]
        if kind == "headless" or not ports:
            return headless(ns, name, ports, **more)
        if kind == "special":
            more["type"] = rng.choice(["NodePort", "LoadBalancer"])
        return service(ns, name, ports, **more)

    def _target(self, ns):
        rng = self.rng
        if rng.random() < 0.5:
            return rng.choice(OUTSIDE).format(ns=ns)
        services = self.of_kind("Service")
        if not services or rng.random() < 0.2:
            return f"{rng.choice(SERVICE_NAMES)}.{ns}.svc.cluster.local"
        meta = rng.choice(services)["metadata"]
        return f"{meta['name']}.{meta['namespace']}.svc.cluster.local" + rng.choice(["", "", "."])

    def _endpoint(self, family):
        rng = self.rng
        more = {}
        if rng.random() < 0.35:
            more["hostname"] = rng.choice(HOSTNAMES)
        if rng.random() < 0.5:
            more["targetRef"] = {"kind": "Pod", "name": rng.choice([
                f"pod-{rng.randint(0, 5)}", "one", "p" * 63, "p" * 64, f"dotted.pod-{rng.randint(0, 3)}"])}
        zone = rng.choice(TOPOLOGY)
        if zone:
            more["zone"] = zone
        made = endpoint(self.address(family), ready=rng.choice([True, True, True, False, None]), **more)
        if "conditions" in made and rng.random() < 0.3:
            made["conditions"].update(serving=rng.random() < 0.5, terminating=rng.random() < 0.5)
        return made

    def _slice(self, ns, name, of, family="IPv4"):
        rng = self.rng
        if family == "FQDN":
            points = [endpoint(rng.choice(["www.example", "db.example.com", "v4only.example"])) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
        else:
            points = [self._endpoint(family) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 8, 30]))]
            if family == "IPv4" and rng.random() < 0.01:
                points = [endpoint(f"{self._net}.{3 + i // 250}.{i % 250 + 1}") for i in range(1000)]
        if points and rng.random() < 0.15:
            points.append(copy.deepcopy(points[0]))
        made = labelled(rng, slice_(ns, name, of, points, self._ports(), family))
        if rng.random() < 0.1:
            made["ports"] = []
        elif rng.random() < 0.1:
            made["ports"] = [{"name": "", "port": 8080, "protocol": "TCP"}]
        return made

    def _new_import(self):
        rng, ns = self.rng, self.rng.choice(self.names)
        name = rng.choice(["web", "db", "far", f"i-{self._number()}"])
        spec = {"type": rng.choice(["ClusterSetIP", "Headless"]), "ports": self._ports() or [port(80, "http")]}
        if spec["type"] == "ClusterSetIP":
            spec["ips"] = [self.address() for _ in range(rng.choice([1, 1, 2]))]
        made = {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport",
                "metadata": {"namespace": ns, "name": name, "labels": {"e2e-part": rng.choice(["first", "other"])}}, "spec": spec}
        self._keep(made)
        for _ in range(rng.choice([0, 1, 2, 3])):
            part = self._slice(ns, f"imp-{name}-{self._number()}", name)
            labels = part["metadata"]["labels"]
            if rng.random() < 0.7:
                del labels["kubernetes.io/service-name"]
            labels[f"{MULTI}/service-name"] = name
            labels[f"{MULTI}/source-cluster"] = rng.choice(CLUSTERS)
            self._keep(part)

    def _pod(self):
        rng = self.rng
        obj = labelled(rng, pod(rng.choice(self.names), f"pod-{self._number()}", "web"))
        family = rng.choice(["IPv4", "IPv4", "IPv6", "both"])
        ips = [self.address("IPv6")] if family == "IPv6" else [self.address()]
        if family == "both":
            ips.append(self.address("IPv6"))
        obj["status"] = {"phase": rng.choice(["Running", "Running", "Pending", "Succeeded", "Failed"]), "podIP": ips[0],
                         "podIPs": [{"ip": i} for i in ips]}
        return obj

    def mutate(self):
        """One step: a list of (verb, object) with the verbs create, update, delete. The objects are the generator's own."""
        rng = self.rng
        steps = [self._step_new, self._step_delete, self._step_ports, self._step_scale, self._step_scale, self._step_ready, self._step_move,
                 self._step_relabel, self._step_again, self._step_type, self._step_hostname, self._step_pod]
        for _ in range(20):
            done = rng.choice(steps)()
            if done:
                return done
        return self._step_new()

    def _any(self, kind):
        found = self.of_kind(kind)
        return self.rng.choice(found) if found else None

    def _drop(self, obj):
        meta = obj["metadata"]
        del self.objects[obj["kind"], meta["namespace"], meta["name"]]
        self.gone.append(obj)
        return "delete", obj

    def _changed(self, obj):
        """A new object in the old one's place, so that what the old one was stays known."""
        new = copy.deepcopy(obj)
        self.gone.append(obj)
        return self._keep(new)

    def _step_new(self):
        before = set(self.objects)
        self._new_service()
        return [("create", o) for key, o in self.objects.items() if key not in before]

    def _step_delete(self):
        obj = self._any(self.rng.choice(["Service", "EndpointSlice"]))
        return obj and len(self.objects) > self.size and [self._drop(obj)]

    def _step_ports(self):
        obj = self._any(self.rng.choice(["Service", "EndpointSlice"]))
        if not obj or obj["kind"] == "Service" and obj["spec"].get("type") == "ExternalName":
            return None
        new = self._changed(obj)
        if obj["kind"] == "Service":
            new["spec"]["ports"] = self._ports() or new["spec"].get("ports", [])
        else:
            new["ports"] = slice_("", "", "", [], self._ports())["ports"]
        return [("update", new)]

    def _addressed(self):
        found = [s for s in self.of_kind("EndpointSlice") if s["addressType"] != "FQDN"]
        return self.rng.choice(found) if found else None

    def _step_scale(self):
        obj = self._addressed()
        if not obj:
            return None
        new = self._changed(obj)
        points = new["endpoints"]
        if points and self.rng.random() < 0.5:
            del points[self.rng.randrange(len(points)):]
        else:
            points += [self._endpoint(new["addressType"]) for _ in range(self.rng.randint(1, 5))]
        return [("update", new)]

    def _step_ready(self):
        obj = self._addressed()
        if not obj or not obj["endpoints"]:
            return None
        new = self._changed(obj)
        for point in new["endpoints"]:
            if self.rng.random() < 0.5:
                point["conditions"] = {"ready": self.rng.random() < 0.5}
        return [("update", new)]

    def _step_hostname(self):
        obj = self._addressed()
        if not obj or not obj["endpoints"]:
            return None
        new = self._changed(obj)
        point = self.rng.choice(new["endpoints"])
        point.pop("hostname", None)
        if self.rng.random() < 0.6:
            point["hostname"] = self.rng.choice(HOSTNAMES)
        return [("update", new)]

    def _step_move(self):
        """A slice goes from one Service to another by its label."""
        part, other = self._any("EndpointSlice"), self._any("Service")
        if not part or not other:
            return None
        new = self._changed(part)
        label = f"{MULTI}/service-name" if f"{MULTI}/service-name" in new["metadata"]["labels"] else "kubernetes.io/service-name"
        new["metadata"]["labels"][label] = other["metadata"]["name"]
        return [("update", new)]

    def _step_relabel(self):
        """What the option `labels` goes by."""
        obj = self._any(self.rng.choice(["Service", "EndpointSlice"]))
        return obj and [("update", labelled(self.rng, self._changed(obj)))]

    def _step_again(self):
        """Deleted and created under the same name, as something else, with no time in between."""
        obj = self._any("Service")
        if not obj:
            return None
        gone = self._drop(obj)
        meta = obj["metadata"]
        return [gone, ("create", self._keep(labelled(self.rng, self._service(meta["namespace"], meta["name"]))))]

    def _step_type(self):
        """From an address to an ExternalName in place."""
        obj = self._any("Service")
        if not obj or obj["spec"].get("type") == "ExternalName" or obj["spec"].get("clusterIP") == "None":
            return None
        new = self._changed(obj)
        new["spec"] = external_name("", "", self._target(new["metadata"]["namespace"]))["spec"]
        return [("update", new)]

    def _step_pod(self):
        obj = self._any("Pod")
        if obj and self.rng.random() < 0.5:
            return [self._drop(obj)]
        return [("create", self._keep(self._pod()))]
