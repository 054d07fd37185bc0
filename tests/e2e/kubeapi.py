"""As much of a Kubernetes API client as the tests need: JSON over HTTPS, one connection, no cache."""

import http.client
import json
import ssl
import time

IDLE_SECONDS = 30  # the API server closes a connection that is idle for 90

# kind -> (name in the URL, lives in a namespace)
KINDS = {
    "Namespace": ("namespaces", False),
    "Node": ("nodes", False),
    "Pod": ("pods", True),
    "Service": ("services", True),
    "ServiceAccount": ("serviceaccounts", True),
    "ConfigMap": ("configmaps", True),
    "EndpointSlice": ("endpointslices", True),
    "Deployment": ("deployments", True),
    "PodDisruptionBudget": ("poddisruptionbudgets", True),
    "NetworkPolicy": ("networkpolicies", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "ServiceImport": ("serviceimports", True),
    "ClusterRole": ("clusterroles", False),
    "ClusterRoleBinding": ("clusterrolebindings", False),
}


class ApiError(Exception):
    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


def path_of(obj, with_name=True):
    """The URL path of an object, or of the collection it is created in."""
    version, meta = obj["apiVersion"], obj.get("metadata", {})
    plural, namespaced = KINDS[obj["kind"]]
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if namespaced:
        path += f"/namespaces/{meta.get('namespace', 'default')}"
    path += f"/{plural}"
    return f"{path}/{meta['name']}" if with_name else path


class Api:
    """One identity's connection to the API server. Not for use by several threads at once: see another()."""

    def __init__(self, address, port, ca, cert=None, key=None, token=None):
        self.args = (address, port, ca, cert, key, token)
        self.token = token
        tls = ssl.create_default_context(cafile=ca)
        if cert:
            tls.load_cert_chain(cert, key)
        self.http = http.client.HTTPSConnection(address, port, context=tls, timeout=30)
        self.used = time.monotonic()

    def another(self):
        """A connection of its own for another thread (tests/bench)."""
        return Api(*self.args)

    def request(self, method, path, body=None, content_type="application/json"):
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        payload = None if body is None else json.dumps(body)
        if time.monotonic() - self.used > IDLE_SECONDS:
            self.http.close()  # the next request connects anew
        self.used = time.monotonic()
        try:
            self.http.request(method, path, payload, headers)
            reply = self.http.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException):
            self.http.close()
            raise
        is_json = reply.getheader("Content-Type", "").startswith("application/json")
        result = json.loads(text) if is_json else text.decode()
        if reply.status >= 300:
            raise ApiError(reply.status, result["message"] if isinstance(result, dict) else result)
        return result

    def ready(self):
        try:
            return self.request("GET", "/readyz") == "ok"
        except (OSError, http.client.HTTPException, ApiError):
            return False

    def create(self, obj, dry_run=False):
        return self.request("POST", path_of(obj, with_name=False) + ("?dryRun=All" if dry_run else ""), obj)

    def apply(self, obj, dry_run=False):
        """Server-side apply: creates, or brings what is there to what is given."""
        query = "?fieldManager=e2e&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.request("PATCH", path_of(obj) + query, obj, "application/apply-patch+yaml")

    def patch(self, obj, change, subresource=""):
        path = path_of(obj) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, change, "application/merge-patch+json")

    def replace(self, obj):
        """Unless the object names the version that it replaces, whatever is there goes."""
        return self.request("PUT", path_of(obj), obj)

    def get(self, obj):
        return self.request("GET", path_of(obj))

    def list(self, path):
        return self.request("GET", path)["items"]

    def delete(self, obj):
        """Deletes at once, without the time that a kubelet would be given to stop a pod."""
        return self.request("DELETE", path_of(obj), {"kind": "DeleteOptions", "apiVersion": "v1",
                                                     "gracePeriodSeconds": 0})
