"""Seamark as a pod runs it: the API server from the environment, token and CA from the folder that a kubelet mounts."""

import os
import shutil
import subprocess

import pytest

from cluster import API_PORT
from conftest import SEAMARK
from process import wait_for
from question import ask
from servers import Seamark

NAME = "kubernetes.default.svc.cluster.local."
# Runs a program with a folder of ours where a pod has its service account, in a mount namespace of its own.
AS_IN_A_POD = """
mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
mount --bind "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"
"""


@pytest.fixture
def account(cluster, dns_kubeconfig, tmp_path):
    """The folder that the kubelet would mount, with a token that is not valid yet."""
    shutil.copy(cluster.pki.ca, tmp_path / "ca.crt")
    (tmp_path / "namespace").write_text("kube-system")
    (tmp_path / "token").write_text("not.a.token")
    return tmp_path


@pytest.fixture
def pod(cluster, account, folder, outside, standing_in):
    if standing_in:
        pytest.skip("another program stands in for Seamark")
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("mount namespaces need root")
    server = Seamark(SEAMARK, folder, None, outside)
    server.process.argv[:0] = ["unshare", "-m", "--", "sh", "-c", AS_IN_A_POD, str(account)]
    server.process.env = {**os.environ, "KUBERNETES_SERVICE_HOST": cluster.address,
                          "KUBERNETES_SERVICE_PORT": str(API_PORT)}
    yield server.start()
    server.stop()


def test_account_of_a_pod_and_a_rotated_token(cluster, account, pod):
    """With a bad token it is not ready, and says why; with a good one in its place it goes on by itself."""
    wait_for("the refusal in the log", lambda: "401" in pod.process.log_text(), 10)
    assert not pod.is_ready()
    assert ask(pod, NAME).rcode == "SERVFAIL"
    # As a kubelet does it: a new file takes the place of the old one.
    (account / "token.new").write_text(cluster.token("kube-system", "seamark"))
    os.replace(account / "token.new", account / "token")
    pod.wait_ready(40)
    assert ask(pod, NAME).addresses() == {"10.96.0.1"}
