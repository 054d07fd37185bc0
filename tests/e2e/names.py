"""Which names to ask: all that the objects of a cluster give by the DNS specification, and their neighbours.

This derives names and what kind of name each is; what the answer must be, CoreDNS says.
"""

import ipaddress

SVC, POD = "svc.", "pod."


def derive(zone, namespaces, services, slices):
    """{name: kind} of every name that exists for CoreDNS or for a zone file."""
    names = {zone: "apex", SVC + zone: "branch", POD + zone: "branch",
             "dns-version." + zone: "version", "ns.dns." + zone: "name server", "dns." + zone: "between"}
    for ns in namespaces:
        names[f"{ns}.{SVC}{zone}"] = "namespace"
        names[f"{ns}.{POD}{zone}"] = "pod namespace"
        for label in ("10-1-2-3", "fd00--1", "2001-db8--a-b"):
            names[f"{label}.{ns}.{POD}{zone}"] = "pod"
    for obj in services:
        _add_service(names, zone, obj, slices)
    for obj in slices:
        _add_reverse(names, [a for e in obj["endpoints"] or [] for a in e["addresses"]])
    return names


def _add_service(names, zone, obj, slices):
    meta, spec = obj["metadata"], obj["spec"]
    base = f"{meta['name']}.{meta['namespace']}.{SVC}{zone}"
    external = spec.get("type") == "ExternalName"
    names[base] = _kind_of_external(base, spec) if external else "service"
    _add_ports(names, base, spec.get("ports", []))
    if external:
        return
    _add_reverse(names, [a for a in spec.get("clusterIPs", []) if a != "None"])
    for part in slices:
        if _owner(part) != (meta["namespace"], meta["name"]):
            continue
        _add_ports(names, base, part.get("ports") or [])
        for point in part["endpoints"] or []:
            for label in [point.get("hostname")] + [dashed(a) for a in point["addresses"]]:
                if label:
                    names[f"{label}.{base}"] = "endpoint"


def _kind_of_external(base, spec):
    return "external name to itself" if spec["externalName"].rstrip(".") + "." == base else "external name"


def _add_ports(names, base, ports):
    for p in ports:
        protocol = f"_{p.get('protocol', 'TCP').lower()}.{base}"
        names[protocol] = "between"
        if p.get("name"):
            names[f"_{p['name']}.{protocol}"] = "port"


def reverse(address):
    return ipaddress.ip_address(address).reverse_pointer + "."


def _add_reverse(names, addresses):
    """The reverse name, and all that lie between it and the zone."""
    for address in addresses:
        try:
            name = reverse(address)
        except ValueError:
            continue  # an FQDN slice
        names[name] = "reverse"
        while (name := name.split(".", 1)[1]).count(".") > 2:
            names.setdefault(name, "reverse between")


def _owner(part):
    meta = part["metadata"]
    return meta["namespace"], meta.get("labels", {}).get("kubernetes.io/service-name")


def dashed(address):
    label = address.replace(".", "-").replace(":", "-")
    return label + "0" if label.endswith("-") else label


def neighbours(names):
    """{name: kind} of names one step away from the given ones: a label more, a label changed, other spellings of a port.
    One of them may exist after all (an address of a pod, say): then it is left out."""
    found = {}

    def add(name, kind):
        if name not in names:
            found.setdefault(name, kind)

    for name, kind in names.items():
        first, rest = name.split(".", 1)
        below = "below " + kind
        add("x." + name, below)
        if kind in ("apex", "branch"):
            continue
        add(f"{_changed(first)}.{rest}", "beside " + kind)
        if kind == "port":
            for spelling in _other_spellings(first, *rest.split(".", 1)):
                add(spelling, "port in another spelling")
        if kind in ("service", "endpoint"):
            for front in ("_._", "_._tcp", "_.udp", "x._tcp", "_x._"):
                add(f"{front}.{name}", "port left empty")
        if kind in ("external name", "external name to itself"):
            add("_._." + name, kind)
            add("_._tcp." + name, below)
        if kind in ("pod", "beside pod"):
            add("x.y." + name, below)
            add("x.y.z." + name, "below below " + kind)
    return found


def _other_spellings(port, protocol, base):
    """CoreDNS takes ports without their underscores, and an empty part for any."""
    for p in (port, port[1:], "_", "_" + port):
        for q in (protocol, protocol[1:], "_", "_" + protocol, "_udp", "sctp"):
            yield f"{p}.{q}.{base}"


def _changed(label):
    """The label with its last character changed: another number stays a number, so that a reverse name stays one."""
    last = label[-1]
    return label[:-1] + (str((int(last) + 4) % 10) if last.isdigit() else "zy"[last == "z"])


def in_capitals(names):
    return {name.upper(): kind for name, kind in names.items()}


# Neither in the cluster's zones nor derived from them: answered by the upstream resolver.
OUTSIDE = {name: "outside" for name in (
    "www.example.", "alias.example.", "v4only.example.", "brief.example.", "text.example.", "mail.example.",
    "missing.example.", "broken.example.", "long.example.", "MIXED.example.", "local.", ".")}
OUTSIDE.update({
    "10.in-addr.arpa.": "reverse between", "1.2.3.4.in-addr.arpa.": "reverse outside",
    "300.1.244.10.in-addr.arpa.": "reverse outside", "x.1.1.244.10.in-addr.arpa.": "reverse outside",
    "in-addr.arpa.": "reverse apex", "ip6.arpa.": "reverse apex",
})
