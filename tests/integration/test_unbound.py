"""unbound: recursion from the root by libunbound, with a root of our own: two NSDs that serve signed zones on loopback."""

import socket
import time

import dns.edns
import dns.flags
import dns.rcode
import pytest
from forwarder import Forwarder, addresses
from nsd import Nsd
from signed_world import World

ROOT, BELOW = "127.0.0.2", "127.0.0.3"
COREFILE = """.:{port} {
    errors
    log
    prometheus {metrics}
    unbound {
        option root-hints %s
%s
    }
}
"""


def may_listen_on_53():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind((ROOT, 53))
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """With the root and what is below it being served."""
    if not may_listen_on_53():
        pytest.skip("port 53 cannot be had: name servers of a recursion have no other")
    folder = tmp_path_factory.mktemp("world")
    world = World(folder)
    with Nsd(folder / "nsd-root", {".": world.root.signed}, ROOT, 53), Nsd(folder / "nsd-below", world.below_root, BELOW, 53):
        yield world


def corefile(world, *lines):
    return COREFILE % (world.hints, "\n".join("        " + line for line in lines))


@pytest.fixture(scope="module")
def validating(world):
    kept = world.anchor.with_name("kept-anchor")
    kept.write_text(world.anchor.read_text())
    with Forwarder(corefile(world, f"validate {kept}")) as server:
        yield server


def errors(answer):
    return [(o.code, o.text or "") for o in answer.options if o.otype == dns.edns.EDE]


def test_names_are_found_from_the_root_on(world):
    with Forwarder(corefile(world)) as server:
        answer = server.ask("Good.signed")
        assert answer.rcode() == dns.rcode.NOERROR and addresses(answer) == ["192.0.2.1"]
        assert dns.flags.to_text(answer.flags) == "QR RD RA"
        assert str(answer.answer[0].name) == "Good.signed."
        assert [r.to_text().split()[3] for r in server.ask("alias.signed").answer] == ["CNAME", "A"]
        assert server.ask("none.signed").rcode() == dns.rcode.NXDOMAIN
        assert addresses(server.ask("bad.signed")) == ["192.0.2.66"]  # nobody checks
        assert server.metric("coredns_proxy_request_duration_seconds_count", to="recursion") >= 4


def test_what_is_signed_well_is_said_to_be_so(validating):
    assert addresses(validating.ask("good.signed", want_dnssec=True)) == ["192.0.2.1"]
    answer = validating.ask("good.signed", want_dnssec=True)
    assert answer.flags & dns.flags.AD
    assert [r.to_text().split()[3] for r in answer.answer] == ["A", "RRSIG"]
    plain = validating.ask("good.signed")
    assert not plain.flags & dns.flags.AD and len(plain.answer) == 1
    denied = validating.ask("none.signed", want_dnssec=True)
    assert denied.rcode() == dns.rcode.NXDOMAIN and denied.flags & dns.flags.AD


def test_what_is_signed_badly_is_servfail_with_the_reason(validating):
    answer = validating.ask("bad.signed", use_edns=0)
    assert answer.rcode() == dns.rcode.SERVFAIL and not answer.answer
    (code, text), = errors(answer)
    assert code == 6 and "bad.signed" in text and "validation failure" in text
    (code, text), = errors(validating.ask("www.late", use_edns=0))
    assert code == 6 and "expired" in text


def test_who_disables_checking_gets_the_data(validating):
    answer = validating.ask("bad.signed", flags=dns.flags.CD | dns.flags.RD)
    assert answer.rcode() == dns.rcode.NOERROR and addresses(answer) == ["192.0.2.66"]
    assert answer.flags & dns.flags.CD and not answer.flags & dns.flags.AD


def test_a_negative_trust_anchor_lets_a_zone_be(world):
    with Forwarder(corefile(world, f"validate {world.anchor}", "negative_trust_anchors late")) as server:
        assert addresses(server.ask("www.late")) == ["192.0.2.9"]
        assert server.ask("bad.signed").rcode() == dns.rcode.SERVFAIL


def test_the_anchor_is_kept_up_to_date(world, validating):
    """RFC 5011: the file becomes libunbound's own, with the state of each key and when it was seen."""
    validating.ask("good.signed")
    end = time.monotonic() + 5
    while "last_success" not in (text := world.anchor.with_name("kept-anchor").read_text()):
        assert time.monotonic() < end, text
        time.sleep(0.05)
    assert "DNSKEY" in text and "[  VALID  ]" in text


def test_the_roots_own_anchor_lies_beside_the_zones(world, tmp_path):
    """It is the true root's, so nothing of ours validates; a damaged file of it is set aside."""
    for before in (None, "rubbish\n"):
        if before:
            (tmp_path / "root.key").write_text(before)
        with Forwarder(corefile(world, "validate"), f"-zones={tmp_path}") as server:
            assert server.ask("good.signed").rcode() == dns.rcode.SERVFAIL
            assert "20326" in (tmp_path / "root.key").read_text()
    assert (tmp_path / "root.key.damaged").read_text() == "rubbish\n"


def test_other_names_are_left_to_the_next(world):
    text = corefile(world, "except good.signed").replace("unbound {", "unbound signed {") + ""
    with Forwarder(text) as server:
        assert addresses(server.ask("bad.signed")) == ["192.0.2.66"]
        assert server.ask("good.signed").rcode() == server.ask("www.late").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("line, message", [
    ("option directory /tmp", "directory: it would change the working directory of the whole process"),
    ("option tls-upstream yes", "tls-upstream: Debian's libunbound has no TLS"),
    ("option num-threads 4", "num-threads: only the daemon unbound has it"),
    ("option dns64-prefix 64:ff9b::/96", "dns64-prefix: it belongs to a module that does not run here"),
    ("option response-ip 192.0.2.0/24 deny", "response-ip: it belongs to a module"),
    ("config {folder}/rpz.conf", "rpz: it belongs to a module"),
    ("option cache-max-ttl 5", "use the cache plugin's TTLs"),
    ("option unwanted-reply-threshold 1000", "libunbound ends the process"),
    ("option no-such-setting yes", "libunbound does not take these settings"),
    ("option outgoing-range many", "libunbound does not take these settings"),
    ("option Bad/Name x", "is no setting of unbound.conf"),
    ('option local-data "a\\b"', "backslash"),
    ("option trust-anchor-file /etc/hosts", "trust anchors mean nothing without validate"),
    ("negative_trust_anchors example.org", "trust anchors mean nothing without validate"),
    ("validate /nowhere/anchor", "/nowhere/anchor cannot be read"),
    ("config /nowhere/unbound.conf", "/nowhere/unbound.conf cannot be read"),
    ("config {folder}/bad.conf", "tls-cert-bundle: Debian's libunbound has no TLS"),
    ("config {folder}/word.conf", "tls-upstream: Debian's libunbound has no TLS"),
    ("config {folder}/quoted.conf", "a backslash in the file"),
    ("recurse yes", "unknown property 'recurse'"),
])
def test_what_cannot_be_is_refused_with_the_place(world, line, message):
    files = {"bad.conf": "server: # comment\n  num-queries: 1 tls-cert-bundle: /x\n",
             "rpz.conf": "rpz:\n  name: rpz.example\n  zonefile: rpz.zone\n",
             "word.conf": "server:\n  private-domain: a#b tls-upstream: yes\n",
             "quoted.conf": 'server:\n  private-domain: "x\\" y" tls-upstream: "yes"\n'}
    with pytest.raises(AssertionError) as e, Forwarder(corefile(world, line), files=files):
        pass
    assert message in str(e.value) and "Corefile:" in str(e.value) and " - plugin/unbound: " in str(e.value)


def test_options_and_files_reach_the_library(world):
    files = {"more.conf": 'server:\n  local-data: "file.signed. A 192.0.2.21"\n'}
    lines = ('option local-data "option.signed. TXT words"', "config {folder}/more.conf", "option val-bogus-ttl: 5")
    with Forwarder(corefile(world, *lines), files=files) as server:
        assert addresses(server.ask("file.signed")) == ["192.0.2.21"]
        assert server.ask("option.signed", "TXT").answer[0][0].to_text() == '"words"'
