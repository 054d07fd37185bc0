"""The manifests of contrib/kubernetes are accepted by the real API server, and give no more rights than they say."""

import glob
import os

import pytest

from conftest import MANIFESTS, manifest
from kubeapi import ApiError, Api
from cluster import API_PORT

FILES = sorted(os.path.basename(path) for path in glob.glob(os.path.join(MANIFESTS, "*.yaml")))


@pytest.mark.parametrize("name", FILES)
def test_accepted(cluster, name):
    """Unknown fields are refused (strict validation); then it is made for real."""
    for obj in manifest(name):
        cluster.admin.apply(obj, dry_run=True)
        cluster.admin.apply(obj)


def test_every_file_is_explained():
    with open(os.path.join(MANIFESTS, "README.md"), encoding="utf-8") as text:
        readme = text.read()
    assert FILES and [name for name in FILES if f"`{name}`" not in readme] == []


@pytest.fixture(scope="module")
def dns_account(cluster):
    for obj in manifest("rbac.yaml"):
        cluster.admin.apply(obj)
    return Api(cluster.address, API_PORT, cluster.pki.ca, token=cluster.token("kube-system", "seamark"))


@pytest.mark.parametrize("path", ["/api/v1/services", "/api/v1/namespaces", "/api/v1/pods",
                                  "/apis/discovery.k8s.io/v1/endpointslices"])
def test_account_may_read_what_dns_needs(dns_account, path):
    dns_account.list(path)


@pytest.mark.parametrize("path", ["/api/v1/secrets", "/api/v1/configmaps", "/api/v1/nodes", "/api/v1/endpoints",
                                  "/api/v1/namespaces/kube-system/services/kube-dns"])
def test_account_may_read_nothing_else(dns_account, path):
    with pytest.raises(ApiError) as refused:
        dns_account.request("GET", path)
    assert refused.value.status == 403


def test_pod_meets_the_restricted_standard(cluster):
    """Kubernetes's strictest Pod Security Standard; the API server checks it for a namespace labelled so."""
    cluster.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "restricted", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    (deployment,) = manifest("deployment.yaml")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "seamark", "namespace": "restricted"},
           "spec": deployment["spec"]["template"]["spec"]}
    cluster.admin.create(pod, dry_run=True)
