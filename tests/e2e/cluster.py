"""A Kubernetes control plane without nodes: etcd, kube-apiserver and kube-controller-manager on loopback.

There are no kubelets: Nodes and Pods are objects whose status the tests write, and the EndpointSlice controller makes
of them what it would in a cluster (see workload.py).
"""

import os
import yaml

from kubeapi import Api
from pki import Pki
from process import Process, http_status, loopback, wait_for

API_PORT = 6443
SERVICE_RANGES = "10.96.0.0/16,fd00:10:96::/108"
# Only what makes objects that DNS is about; nothing here runs a container.
CONTROLLERS = "endpointslice-controller,endpointslice-mirroring-controller,namespace-controller," \
              "serviceaccount-controller,garbage-collector-controller"


class Cluster:
    def __init__(self, programs, folder):
        """`programs` is the folder that build-peers.sh names; logs, keys and data go into `folder`."""
        self.folder = folder
        self.address = loopback()
        self.pki = Pki(folder)
        cert, key = self.pki.issue("admin", "/O=system:masters/CN=e2e-admin")
        self.admin = Api(self.address, API_PORT, self.pki.ca, cert, key)
        self.kubeconfig("admin", client_certificate=cert, client_key=key)
        self.etcd = Process("etcd", self._etcd(programs), folder)
        self.apiserver = Process("kube-apiserver", self._apiserver(programs), folder)
        self.controllers = Process("kube-controller-manager", self._controllers(programs), folder)

    def start(self):
        self.etcd.start().wait_ready(lambda: http_status(f"http://{self.address}:2379/health") == 200, 30)
        self.start_api()
        self.controllers.start()
        self._wait_for_default_account()
        return self

    def start_api(self):
        self.apiserver.start().wait_ready(self.admin.ready, 90)

    def stop(self):
        for program in (self.controllers, self.apiserver, self.etcd):
            program.kill()  # nothing of it is kept, so there is nothing to end in good order

    def url(self):
        return f"https://{self.address}:{API_PORT}"

    def token(self, namespace, account):
        """A token of a service account, as the kubelet would mount it into a pod."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                   "spec": {"expirationSeconds": 7200}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.admin.request("POST", path, request)["status"]["token"]

    def kubeconfig(self, name, **user):
        """Writes a kubeconfig for an identity (token=..., or client_certificate=... and client_key=...)."""
        path = os.path.join(self.folder, f"{name}.kubeconfig")
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": "e2e", "cluster": {"server": self.url(), "certificate-authority": self.pki.ca}}],
            "users": [{"name": name, "user": {k.replace("_", "-"): v for k, v in user.items()}}],
            "contexts": [{"name": name, "context": {"cluster": "e2e", "user": name}}],
        }
        with open(path, "w", encoding="ascii") as out:
            yaml.safe_dump(config, out)
        return path

    def _etcd(self, programs):
        peer, client = f"http://{self.address}:2380", f"http://{self.address}:2379"
        return [f"{programs}/etcd", "--data-dir", f"{self.folder}/etcd", "--unsafe-no-fsync",
                "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]

    def _apiserver(self, programs):
        cert, key = self.pki.issue("apiserver", "/CN=kube-apiserver", [self.address])
        return [f"{programs}/kube-apiserver", "--etcd-servers", f"http://{self.address}:2379",
                "--bind-address", self.address, "--secure-port", str(API_PORT),
                # The address that the Service `kubernetes` leads to; loopback is not allowed there.
                "--advertise-address", "192.0.2.10",
                "--cert-dir", f"{self.folder}/apiserver", "--tls-cert-file", cert, "--tls-private-key-file", key,
                "--client-ca-file", self.pki.ca, "--authorization-mode", "RBAC",
                "--service-account-issuer", "https://kubernetes.default.svc",
                "--service-account-key-file", self.pki.account_key,
                "--service-account-signing-key-file", self.pki.account_key,
                "--service-cluster-ip-range", SERVICE_RANGES,
                # Pods may be made without waiting for their service account: no kubelet will run them.
                "--disable-admission-plugins", "ServiceAccount"]

    def _controllers(self, programs):
        # The default pace is 20 requests a second; tests that make a hundred Services would wait for it.
        return [f"{programs}/kube-controller-manager", "--kubeconfig", f"{self.folder}/admin.kubeconfig",
                "--controllers", CONTROLLERS, "--secure-port", "0", "--leader-elect=false",
                "--kube-api-qps", "1000", "--kube-api-burst", "2000"]

    def _wait_for_default_account(self):
        """The account appears when the controllers have begun to work."""
        path = "/api/v1/namespaces/kube-system/serviceaccounts"
        wait_for("kube-controller-manager at work", lambda: self.admin.list(path), 60)
