"""Which names to ask of a generated cluster: names.py's, and those that options and odd objects give."""

import names

MOST_ENDPOINTS = 12  # of a slice: the first ones, and the last
MULTI = "multicluster.kubernetes.io"
SET = "clusterset.local."


def neighbours(generated, options, derived):
    return mark_reverse(names.neighbours(derived), generated, options)


def derive(generated, options, objects=None):
    """{name: kind}; of all objects, those of `objects` alone, be they still there or not."""
    objects = list(generated.objects.values()) if objects is None else objects
    by_kind = {}
    for obj in objects:
        by_kind.setdefault(obj["kind"], []).append(_shortened(obj) if obj["kind"] == "EndpointSlice" else obj)
    services, slices = by_kind.get("Service", []), by_kind.get("EndpointSlice", [])
    units = _with_all_services(generated, services, slices)
    present = slices + generated.of_kind("EndpointSlice")
    found = {}
    for zone in options.forward_zones:
        zone = zone.lstrip(".")
        found.update(names.derive(zone, generated.names, units, slices))
        for part in slices:
            _add_endpoints(found, zone, part)
        for obj in units:
            _add_zonal(found, zone, obj, slices, [s for s in generated.of_kind("EndpointSlice") if options.selects(s)])
        for obj in by_kind.get("Pod", []):
            for entry in obj["status"]["podIPs"]:
                found[f"{names.dashed(entry['ip'])}.{obj['metadata']['namespace']}.pod.{zone}"] = "pod"
        if zone == SET:
            for obj in by_kind.get("ServiceImport", []):
                _add_import(found, obj)
            for part in slices:
                _add_imported(found, part)
    found.pop("", None)  # the root itself, as a zone: names.py cannot make neighbours of it
    _mark_fqdn(found, generated, options, present)
    found = {n: k for n, k in found.items() if all(len(label) < 64 for label in n.split("."))}
    return mark_reverse(found, generated, options)


def _shortened(part):
    points = part["endpoints"] or []
    return part if len(points) <= MOST_ENDPOINTS else {**part, "endpoints": points[:MOST_ENDPOINTS - 1] + points[-1:]}


def _with_all_services(generated, services, slices):
    """The Services of the slices too: a slice that changes changes their names."""
    owners = {names._owner(s) for s in slices}
    more = [o for (kind, ns, name), o in generated.objects.items() if kind == "Service" and (ns, name) in owners]
    return services + [o for o in more if o not in services]


def _base(part, zone):
    ns, name = names._owner(part)
    return f"{name}.{ns}.svc.{zone}" if name else None


def _labels(part):
    for point in part["endpoints"] or []:
        for label in [point.get("hostname"), point.get("targetRef", {}).get("name")] + [names.dashed(a) for a in point["addresses"]]:
            if label:
                yield label


def _add_endpoints(found, zone, part):
    """Names after pods, and those of slices without a Service."""
    base = _base(part, zone)
    if base:
        found.setdefault(base, "service")
        for label in _labels(part):
            found.setdefault(f"{label}.{base}", "endpoint")


def _add_zonal(found, zone, obj, slices, present):
    """The zones of all `slices`; whether the Service exists, those say that are `present`."""
    meta = obj["metadata"]
    base = f"{meta['name']}.{meta['namespace']}.svc.{zone}"
    points = [p for s in slices + present if _base(s, zone) == base for p in s["endpoints"] or []]
    is_ready = any(p.get("conditions", {}).get("ready", True) for s in present if _base(s, zone) == base for p in s["endpoints"] or [])
    is_headless = obj["spec"].get("clusterIP") == "None"
    kind = "zonal" if is_headless and is_ready else "zonal of nobody" if is_headless else "no zonal"
    for topology in {p["zone"] for p in points if "zone" in p} | {"nowhere"}:
        for directive in ("pin", "prefer"):
            found[f"{topology}.{directive}._zone.{base}"] = kind
    for branch in ("pin._zone", "_zone"):
        found[f"{branch}.{base}"] = "between" if kind == "zonal" else kind


def _add_import(found, obj):
    meta = obj["metadata"]
    base = f"{meta['name']}.{meta['namespace']}.svc.{SET}"
    found[base] = "service"
    names._add_ports(found, base, obj["spec"]["ports"])
    names._add_reverse(found, obj["spec"].get("ips", []))


def _add_imported(found, part):
    labels = part["metadata"]["labels"]
    name, cluster = labels.get(f"{MULTI}/service-name"), labels.get(f"{MULTI}/source-cluster")
    if not name:
        return
    base = f"{name}.{part['metadata']['namespace']}.svc.{SET}"
    found.setdefault(base, "service")
    found.setdefault(f"{cluster}.{base}", "between")
    names._add_ports(found, base, part.get("ports") or [])
    for label in _labels(part):
        found[f"{label}.{cluster}.{base}"] = "endpoint"
        found.setdefault(f"{label}.{base}", "beside endpoint")


def _mark_fqdn(found, generated, options, slices):
    """Names of Services that have a slice of names in place of addresses, or pods whose names are no labels, are of kinds of
    their own, and so are ExternalNames that lead to them."""
    words = _unit_words(options, slices)
    externals = [o for o in generated.of_kind("Service") if o["spec"].get("type") == "ExternalName"]
    for obj in externals:
        words.pop((obj["metadata"]["namespace"], obj["metadata"]["name"]), None)  # its slices say nothing
    for _ in range(len(externals)):  # chains
        for obj in externals:
            name, ns, rest = (obj["spec"]["externalName"].split(".", 2) + ["", ""])[:3]
            word = words.get((ns, name)) if rest.startswith("svc.") else None
            if word in ("dotted", "mixed FQDN"):
                words[obj["metadata"]["namespace"], obj["metadata"]["name"]] = word
    for (ns, name), word in words.items():
        for zone in options.forward_zones:
            base = f"{name}.{ns}.svc.{zone.lstrip('.')}"
            for known in found:
                if known == base or known.endswith("." + base):
                    found[known] = f"{word} {found[known]}"


def _unit_words(options, slices):
    """{(namespace, service): "dotted", "mixed FQDN" or "FQDN"}"""
    units, words = {}, {}
    for part in slices:
        for label in ("kubernetes.io/service-name", f"{MULTI}/service-name"):
            units.setdefault((part["metadata"]["namespace"], part["metadata"]["labels"].get(label)), []).append(part)
    for unit, parts in units.items():
        targets = {a for p in parts if p.get("addressType") == "FQDN" for e in p["endpoints"] or [] for a in e["addresses"]}
        others = any(p["endpoints"] for p in parts if p.get("addressType") != "FQDN")
        if options.has("endpoint_pod_names") and any(map(_is_dotted, [e for p in parts for e in p["endpoints"] or []])):
            words[unit] = "dotted"
        elif targets:
            words[unit] = "mixed FQDN" if others or len(targets) > 1 else "FQDN"
    return words


def mark_reverse(found, generated, options):
    """Reverse names that CoreDNS has a way of its own with are of kinds of their own."""
    for apex in options.reverse_apexes():
        if apex in found:
            found[apex] = "reverse apex"
    objects = list(generated.objects.values()) + generated.gone
    for obj in objects:
        for word, addresses in _odd_addresses(obj, generated, options):
            for name in map(names.reverse, addresses):
                if name in found:
                    found[name] = f"reverse of {word}"
    if "." in options.forward_zones:
        found = {n: f"{k} at the root" if "reverse" in k else k for n, k in found.items()}
    return found


def _odd_addresses(obj, generated, options):
    if obj["kind"] == "Service":
        addresses = [a for a in obj["spec"].get("clusterIPs", []) if a != "None"]
    elif obj["kind"] == "EndpointSlice" and obj["addressType"] != "FQDN":
        addresses = [a for e in obj["endpoints"] or [] for a in e["addresses"]]
        if options.has("endpoint_pod_names") and any(map(_is_dotted, obj["endpoints"] or [])):
            yield "dotted pod", addresses
        if not obj["metadata"]["labels"].get("kubernetes.io/service-name"):
            yield "nobody", addresses
    else:
        return
    if options.has("namespace_labels") and obj["metadata"]["namespace"] != generated.names[0]:
        yield "another namespace", addresses


def _is_dotted(point):
    return "hostname" not in point and "." in point.get("targetRef", {}).get("name", "")
