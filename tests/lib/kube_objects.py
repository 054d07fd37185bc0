"""Objects as a Kubernetes API server has them, for fake_apiserver.py and for files of objects."""

KINDS = {  # resource: (path, apiVersion, kind)
    "namespaces": ("/api/v1/namespaces", "v1", "Namespace"),
    "services": ("/api/v1/services", "v1", "Service"),
    "pods": ("/api/v1/pods", "v1", "Pod"),
    "serviceimports": ("/apis/multicluster.x-k8s.io/v1alpha1/serviceimports", "multicluster.x-k8s.io/v1alpha1", "ServiceImport"),
    "endpointslices": ("/apis/discovery.k8s.io/v1/endpointslices", "discovery.k8s.io/v1", "EndpointSlice"),
}
RESOURCES = {kind: resource for resource, (_, _, kind) in KINDS.items()}


def make_status(code, message, reason=""):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": code}


def make_bookmark(resource, version, ends_initial=False):
    _, api_version, kind = KINDS[resource]
    meta = {"resourceVersion": str(version), "creationTimestamp": None}
    if ends_initial:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"kind": kind, "apiVersion": api_version, "metadata": meta}


def namespace(name, uid=None):
    meta = {"name": name} | ({"uid": uid} if uid else {})
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def service(namespace, name, ip="10.0.0.1", ports=(("http", "TCP", 80),), **spec):
    ports = [{"name": n, "protocol": protocol, "port": port} for n, protocol, port in ports]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name},
            "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ports": ports} | spec}


def endpoint_slice(namespace, name, service, ips=(), ports=(("http", "TCP", 8080),)):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"namespace": namespace, "name": name, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4", "endpoints": [{"addresses": [ip], "conditions": {"ready": True}} for ip in ips],
            "ports": [{"name": n, "protocol": protocol, "port": port} for n, protocol, port in ports]}


def pod(namespace, name, ip):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name},
            "status": {"podIP": ip}}
