"""The Corefiles that clusters ship, as they are: tests/corefiles. They load, and they serve."""

import glob
import os
import re
import subprocess

import pytest

import own_network
import zonetext
from seamark import PROGRAM, SANITIZER
from throwaway_pki import Authority

FOLDER = os.path.join(os.path.dirname(__file__), "..", "corefiles")
COREFILES = {os.path.basename(path)[:-len(".Corefile")]: os.path.abspath(path)
             for path in sorted(glob.glob(os.path.join(FOLDER, "*.Corefile")))}

CA_BUNDLE = "/etc/pki/dns.example.com-1234567890/ca-bundle.crt"  # that OpenShift's operator mounts


def text_of(name):
    with open(COREFILES[name], encoding="utf-8") as corefile:
        return corefile.read()


def file_of(name, folder):
    """The Corefile as it is, or a copy where it names a certificate that only its own clusters have."""
    text = text_of(name)
    if CA_BUNDLE not in text:
        return COREFILES[name]
    copy = folder / "Corefile"
    copy.write_text(text.replace(CA_BUNDLE, str(Authority(folder).ca)), encoding="utf-8")
    return str(copy)


@pytest.mark.parametrize("name", COREFILES)
def test_it_loads(name, tmp_path):
    conf = file_of(name, tmp_path)
    done = subprocess.run([PROGRAM, "-conf", conf, "-zones", str(tmp_path), "-check"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert not SANITIZER.search(done.stderr)
    assert done.returncode == 0 and done.stderr == "", done
    assert f"{conf}: configuration is good" in done.stdout


@pytest.mark.skipif(not own_network.allowed(), reason="no network namespaces for this user")
@pytest.mark.parametrize("name", COREFILES)
def test_it_serves_on_the_ports_that_it_names(name, tmp_path):
    """Cluster names from the zone file, health, readiness and metrics; the names of the outside world have nobody to be
    asked of here, and that does not hold up the others."""
    text = text_of(name)
    port = 5353 if ".:5353 " in text else 53
    has_cluster = "kubernetes" in text
    bind = re.search(r"bind (.*)", text)
    addresses = bind.group(1).split() if bind else []
    server = addresses[0] if addresses else "127.0.0.1"
    if has_cluster:
        pods = re.search(r"pods (\w+)", text)
        ttl = re.search(r"\bttl (\d+)", re.search(r"kubernetes[^}]*", text).group())
        identity = zonetext.identity(ttl=int(ttl.group(1)) if ttl else 5, pods=pods.group(1) if pods else "disabled")
        zonetext.put_zone(tmp_path, ["web.default.svc A 10.96.1.1"], 7, identity)
        for zone in ("in-addr.arpa.", "ip6.arpa."):  # without its zones a server begins later
            zonetext.put_zone(tmp_path, [], 7, identity, zone=zone)
    names = ["web.default.svc.cluster.local", "no.default.svc.cluster.local", "outside.example.org"]
    questions = {"dns": [[server, port, asked, "A"] for asked in names],
                 "http": [f"http://{address}" for address in pages(text)]}
    result = own_network.run(questions, addresses, [
        PROGRAM, "-conf", file_of(name, tmp_path), "-zones", str(tmp_path), "-workers=2"])
    assert not SANITIZER.search(result["log"]), result["log"]
    assert result["status"] == 0, result["log"]
    if has_cluster:
        assert result["dns"][:2] == [["NOERROR", ["10.96.1.1"]], ["NXDOMAIN", []]], result
    assert result["dns"][2] == ["SERVFAIL", []], result
    assert set(result["http"]) == {200}, (questions["http"], result)


def pages(text):
    """The pages of health and prometheus, as "ADDRESS:PORT/PATH"."""
    found = []
    for plugin, default, path in (("health", ":8080", "health"), ("prometheus", "localhost:9153", "metrics")):
        for argument in re.findall(rf"^\s*{plugin}\b[ \t]*([^\s{{]*)", text, re.MULTILINE):
            address = argument or default
            host, port = address.rsplit(":", 1)
            found.append(f"{'127.0.0.1' if host in ('', '0.0.0.0', 'localhost') else host}:{port}/{path}")
    return sorted(set(found))


def test_there_is_something_to_test():
    assert len(COREFILES) >= 10
    assert pages(text_of("kubeadm")) == ["127.0.0.1:8080/health", "127.0.0.1:9153/metrics"]
