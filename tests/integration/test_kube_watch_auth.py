"""sync/kube_auth.h and kube_http.h: whom the API client trusts, and what it shows."""

import base64
import os
import time

import pytest
import yaml
from fake_apiserver import FakeApiServer
from fake_replies import status
from kube_driver import Driver
from kube_objects import namespace, service
from throwaway_pki import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "stranger")


def server(tls=None, **options):
    api = FakeApiServer(tls=tls, **options)
    api.put(namespace("kube-system"))
    api.put(service("default", "web"))
    return api


def encoded(path):
    return base64.b64encode(path.read_bytes()).decode()


def kubeconfig(folder, api, cluster=(), user=(), url=None):
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "current-context": "here", "contexts": [{"name": "here", "context": {"cluster": "c", "user": "someone"}}],
        "clusters": [{"name": "c", "cluster": {"server": url or api.url} | dict(cluster)}],
        "users": [{"name": "someone", "user": dict(user)}]}))
    return path


def swap(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    os.rename(new, path)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_service_account_finds_the_server_and_follows_its_token(authority, tmp_path, host):
    (tmp_path / "ca.crt").write_bytes(authority.ca.read_bytes())
    (tmp_path / "token").write_text("first\n")
    with server(authority.server_context(f"IP:{host}"), host=host, token="first") as api:
        account = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(api.port),
                   "SEAMARK_SERVICE_ACCOUNT": str(tmp_path)}
        with Driver(environment=account) as driver:
            driver.wait_synced(api)
            assert {r.headers["authorization"] for r in api.asked()} == {"Bearer first"}
            swap(tmp_path / "token", "second")
            api.token = "second"
            for watch in api.watches():
                watch.close()
            driver.wait(lambda: any(r.headers["authorization"] == "Bearer second" for r in api.asked()))
            api.token = "third"  # revoked, and the new one comes later
            for watch in api.watches():
                watch.reset()
            driver.wait_line("HTTP 401")
            time.sleep(0.3)
            swap(tmp_path / "token", "third")
            driver.wait(lambda: len(api.watches()) == 3, what="three watches")
            assert driver.count("HTTP 401") == 1


def test_inline_certificates_are_shown_and_trusted(authority, tmp_path):
    crt, key = authority.issue("client")
    with server(authority.server_context("IP:127.0.0.1", ask_client=True)) as api:
        config = kubeconfig(tmp_path, api, {"certificate-authority-data": encoded(authority.ca)},
                            {"client-certificate-data": encoded(crt), "client-key-data": encoded(key)})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_synced(api)
            assert "authorization" not in api.asked()[0].headers


def test_without_the_certificate_the_server_wants_there_is_no_answer(authority, tmp_path):
    with server(authority.server_context("IP:127.0.0.1", ask_client=True)) as api:
        config = kubeconfig(tmp_path, api, {"certificate-authority": str(authority.ca)}, {"token": "abc"})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_line("no good answer")
            assert driver.count("^list_begin") == 0


def test_the_endpoint_with_its_three_files(authority):
    crt, key = authority.issue("client")
    with server(authority.server_context("IP:127.0.0.1", ask_client=True)) as api:
        with Driver("-tls", str(crt), str(key), str(authority.ca), endpoint=api.url) as driver:
            driver.wait_synced(api)


@pytest.mark.parametrize("inline", [False, True], ids=["file", "inline"])
def test_a_server_of_another_authority_gets_no_request(authority, stranger, tmp_path, inline):
    ca = {"certificate-authority-data": encoded(stranger.ca)} if inline else {"certificate-authority": str(stranger.ca)}
    with server(authority.server_context("IP:127.0.0.1")) as api:
        config = kubeconfig(tmp_path, api, ca, {"token": "secret"})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_line("no good answer.*certificate")
            time.sleep(0.5)
            assert api.asked() == [] and driver.count("^list_begin") == 0


def test_a_renewed_authority_is_taken_without_a_restart(authority, stranger, tmp_path):
    ca = tmp_path / "ca.crt"
    ca.write_bytes(stranger.ca.read_bytes())
    with server(authority.server_context("IP:127.0.0.1")) as api:
        config = kubeconfig(tmp_path, api, {"certificate-authority": "ca.crt"}, {"token": "secret"})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_line("no good answer.*certificate")
            swap(ca, authority.ca.read_text())
            driver.wait_synced(api)


def test_the_name_in_the_certificate_must_be_the_servers(authority, tmp_path):
    with server(authority.server_context("DNS:kubernetes.example")) as api:
        cluster = {"certificate-authority": str(authority.ca)}
        with Driver("-kubeconfig", str(kubeconfig(tmp_path, api, cluster))) as driver:
            driver.wait_line("no good answer.*127.0.0.1")
            assert api.asked() == []
        cluster["tls-server-name"] = "kubernetes.example"
        with Driver("-kubeconfig", str(kubeconfig(tmp_path, api, cluster))) as driver:
            driver.wait_synced(api)
            assert {r.headers["host"] for r in api.asked()} == {f"127.0.0.1:{api.port}"}


def test_only_the_kubeconfig_can_leave_verification_out(stranger, tmp_path):
    with server(stranger.server_context("DNS:elsewhere.example")) as api:
        with Driver("-kubeconfig", str(kubeconfig(tmp_path, api, {"insecure-skip-tls-verify": True}))) as driver:
            driver.wait_synced(api)
        with Driver(endpoint=api.url) as driver:
            driver.wait_line("no good answer.*certificate")


def test_username_and_password(tmp_path):
    with server() as api:
        config = kubeconfig(tmp_path, api, user={"username": "me", "password": "pass:word"})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_synced(api)
            expected = "Basic " + base64.b64encode(b"me:pass:word").decode()
            assert {r.headers.get("authorization") for r in api.asked()} == {expected}


def test_a_kubeconfig_that_is_renewed_is_read_again_when_its_token_is_refused(tmp_path):
    with server(token="new") as api:
        config = kubeconfig(tmp_path, api, user={"token": "old"})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_line("HTTP 401")
            kubeconfig(tmp_path, api, user={"token": "new"})
            driver.wait_synced(api)


def test_credentials_never_go_to_another_server(tmp_path):
    with server(token="new") as api, server() as other:
        config = kubeconfig(tmp_path, api, user={"token": "old"})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_line("HTTP 401")
            kubeconfig(tmp_path, other, user={"token": "of-the-other"})
            driver.wait_line("takes effect with a restart")
            assert other.asked() == []
            assert {r.headers["authorization"] for r in api.asked()} == {"Bearer old"}


def test_a_server_below_a_path(tmp_path):
    with server() as api:
        api.reply_next(None, None, status(200), times=1)
        with Driver("-kubeconfig", str(kubeconfig(tmp_path, api, url=f"{api.url}/k8s/clusters/c-1/"))) as driver:
            driver.wait(lambda: api.asked())
            assert api.asked()[0].path == "/k8s/clusters/c-1/api/v1/namespaces"


def test_a_proxy_of_the_kubeconfig_is_asked_in_the_servers_place(tmp_path):
    with server() as api:
        config = kubeconfig(tmp_path, api, {"proxy-url": api.url}, url="http://kubernetes.invalid:8080")
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_synced(api)
            assert {r.headers["host"] for r in api.asked()} == {"kubernetes.invalid:8080"}


def test_a_proxy_of_the_environment_is_not_asked_for_loopback():
    nobody = "http://127.0.0.1:9"
    with server() as api:
        with Driver(endpoint=api.url, environment={"http_proxy": nobody, "all_proxy": nobody}) as driver:
            driver.wait_synced(api)


def test_what_it_cannot_do_is_an_error_at_the_start(tmp_path):
    with server() as api:
        config = kubeconfig(tmp_path, api, user={"exec": {"command": "aws", "args": ["eks", "get-token"]}})
        driver = Driver("-kubeconfig", str(config))
        assert driver.process.wait(10) == 1
        driver.reader.join()
        words = 'user "someone" gets its credentials from a program (exec)'
        assert driver.lines[-1].startswith(f"error kubeconfig {config}: {words}")


def test_three_watches_over_tls_that_fall_silent_are_renewed(authority, tmp_path):
    with server(authority.server_context("IP:127.0.0.1")) as api:
        config = kubeconfig(tmp_path, api, {"certificate-authority": str(authority.ca)})
        with Driver("-kubeconfig", str(config)) as driver:
            driver.wait_synced(api)
            for resource in ("namespaces", "services", "endpointslices"):
                api.wait_watches(resource)
            for watch in api.watches():
                watch.stall()
            last = api.put(service("default", "unheard"))
            driver.wait_line(f"^put services default/unheard {last} ", timeout=5)
            assert driver.status("services")["failures"] == "0"
