"""Kubernetes objects as the tests need them, and a kubelet's part in the life of a Pod: writing its status."""

import contextlib

from kubeapi import ApiError
from process import wait_for

NODE = "node-1"


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def remove_namespace(api, name):
    """With all that is in it. Its pods go first: without a kubelet nobody would say that they have stopped."""
    for item in api.list(f"/api/v1/namespaces/{name}/pods"):
        api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": item["metadata"]})
    api.delete(namespace(name))
    wait_for("the namespace controller to finish", lambda: name not in {
        n["metadata"]["name"] for n in api.list("/api/v1/namespaces")}, 60)


def port(number, name=None, protocol="TCP"):
    fields = {"port": number, "protocol": protocol, "targetPort": number}
    return {"name": name, **fields} if name else fields


def service(ns, name, ports=(), selector=None, annotations=None, **spec):
    """`selector` is the value of the label app; further arguments go into the spec as they are."""
    spec["ports"] = list(ports)
    if selector:
        spec["selector"] = {"app": selector}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": ns, "name": name,
            "annotations": annotations or {}}, "spec": spec}


def headless(ns, name, ports=(), selector=None, **spec):
    return service(ns, name, ports, selector, clusterIP="None", **spec)


def external_name(ns, name, target, **spec):
    return service(ns, name, type="ExternalName", externalName=target, **spec)


def endpoint(*addresses, hostname=None, ready=True, **more):
    fields = {"addresses": list(addresses), **more}
    if ready is not None:
        fields["conditions"] = {"ready": ready}
    if hostname:
        fields["hostname"] = hostname
    return fields


def slice_(ns, name, of, endpoints, ports=(), address_type="IPv4"):
    """An EndpointSlice as somebody else than the controller would make it; `of` is the Service it belongs to."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": address_type,
            "metadata": {"namespace": ns, "name": name, "labels": {
                "kubernetes.io/service-name": of, "endpointslice.kubernetes.io/managed-by": "e2e"}},
            "endpoints": endpoints,
            "ports": [{k: p[k] for k in ("name", "port", "protocol") if k in p} for p in ports]}


def pod(ns, name, app, hostname=None, subdomain=None):
    spec = {"nodeName": NODE, "containers": [{"name": "main", "image": "none"}]}
    if hostname:
        spec["hostname"] = hostname
    if subdomain:
        spec["subdomain"] = subdomain
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": ns, "name": name, "labels": {"app": app}},
            "spec": spec}


def ensure_node(api):
    """The EndpointSlice controller passes over pods of a node that does not exist."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
    with contextlib.suppress(ApiError):
        api.create(node)


def report_running(api, obj, addresses, ready=True):
    """What a kubelet would write once the containers of a pod run."""
    state = "True" if ready else "False"
    api.patch(obj, {"status": {
        "phase": "Running", "podIP": addresses[0], "podIPs": [{"ip": a} for a in addresses],
        "conditions": [{"type": t, "status": state} for t in ("Ready", "ContainersReady")]}}, "status")


def run_pod(api, ns, name, app, addresses, ready=True, **more):
    obj = pod(ns, name, app, **more)
    api.create(obj)
    report_running(api, obj, addresses, ready)
    return obj


def slices_of(api, ns, name):
    items = api.list(f"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices")
    return [s for s in items if s["metadata"].get("labels", {}).get("kubernetes.io/service-name") == name]


def wait_for_endpoints(api, ns, name, count):
    """Until the controller has put `count` addresses into the slices of a Service."""
    def enough():
        return sum(len(e["addresses"]) for s in slices_of(api, ns, name) for e in s["endpoints"] or []) >= count
    wait_for(f"{count} endpoints of {ns}/{name}", enough, 30)
