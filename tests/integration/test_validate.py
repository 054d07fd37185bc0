"""forward with validate: answers of an upstream are checked by libunbound's validator. The upstream is an NSD with signed zones."""

import signal

import dns.edns
import dns.flags
import dns.rcode
import pytest
from forwarder import Forwarder, addresses
from nsd import Nsd
from signed import Signed
from signed_world import World
from upstream import Upstream

COREFILE = """.:{port} {
    errors
    cache 30
    forward . %s {
%s
    }
}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world = World(folder)
    with Nsd(folder / "nsd", {".": world.root.signed, **world.below_root}) as nsd:
        world.upstream = f"127.0.0.1:{nsd.port}"
        yield world


def corefile(to, *lines):
    return COREFILE % (to, "\n".join("        " + line for line in lines))


@pytest.fixture(scope="module")
def server(world):
    with Forwarder(corefile(world.upstream, f"validate {world.anchor}")) as server:
        yield server


@pytest.mark.parametrize("again", ["first", "from the cache"])
def test_signed_answers_carry_ad_for_those_who_ask(server, again):
    answer = server.ask("good.signed", want_dnssec=True)
    assert addresses(answer) == ["192.0.2.1"] and answer.flags & dns.flags.AD
    assert addresses(server.ask("good.signed", flags=dns.flags.RD | dns.flags.AD)) == ["192.0.2.1"]
    assert server.ask("good.signed", flags=dns.flags.RD | dns.flags.AD).flags & dns.flags.AD
    assert not server.ask("good.signed").flags & dns.flags.AD
    assert server.ask("none.signed", want_dnssec=True).flags & dns.flags.AD


def test_unsigned_answers_pass_without(server):
    answer = server.ask("www.plain", want_dnssec=True)
    assert addresses(answer) == ["192.0.2.10"] and not answer.flags & dns.flags.AD


@pytest.mark.parametrize("name, word", [("bad.signed", "bad.signed"), ("www.late", "expired")])
def test_bogus_answers_are_servfail_with_the_reason(server, name, word):
    answer = server.ask(name, use_edns=0)
    assert answer.rcode() == dns.rcode.SERVFAIL and not answer.answer
    reasons = [(o.code, o.text) for o in answer.options if o.otype == dns.edns.EDE]
    assert len(reasons) == 1 and reasons[0][0] == 6 and word in reasons[0][1]
    again = server.ask(name, use_edns=0)  # from the cache
    assert again.rcode() == dns.rcode.SERVFAIL
    assert [o.code for o in again.options if o.otype == dns.edns.EDE] == [6, 13]


def test_bogus_data_is_given_to_who_disables_checking_and_kept_apart(server):
    for _ in range(2):
        assert addresses(server.ask("bad.signed", flags=dns.flags.RD | dns.flags.CD)) == ["192.0.2.66"]
        assert server.ask("bad.signed").rcode() == dns.rcode.SERVFAIL


def test_a_negative_trust_anchor(world):
    with Forwarder(corefile(world.upstream, f"validate {world.anchor}", "negative_trust_anchors late")) as server:
        assert addresses(server.ask("www.late")) == ["192.0.2.9"]


@pytest.mark.parametrize("signal_name", ["SIGUSR1", "SIGHUP"])
def test_a_reload_reads_trust_anchors_again(world, tmp_path, signal_name):
    other, anchor = Signed(tmp_path, ".", "ns.root. A 127.0.0.2\n", ns="ns.root."), tmp_path / "anchor"
    other.write_anchor(anchor)
    with Forwarder(corefile(world.upstream, f"validate {anchor}")) as server:
        assert server.ask("good.signed").rcode() == dns.rcode.SERVFAIL
        world.root.write_anchor(anchor)  # in place, under the same name
        for name, flags in (("alias.signed", dns.flags.AD), ("ns.signed", dns.flags.AD)):
            seen = server.log().count("Reloading complete")
            server.process.send_signal(getattr(signal, signal_name))
            server.wait(lambda: server.log().count("Reloading complete") > seen, "a reload")
            answer = server.ask(name, want_dnssec=True)
            assert answer.rcode() == dns.rcode.NOERROR and answer.flags & flags


def test_what_other_trust_anchors_have_proven_is_not_in_the_cache_any_more(world, tmp_path):
    other, anchor = Signed(tmp_path, ".", "ns.root. A 127.0.0.2\n", ns="ns.root."), tmp_path / "anchor"
    world.root.write_anchor(anchor)
    text = corefile(world.upstream, f"validate {anchor}").replace("errors", "prometheus {metrics}")
    with Forwarder(text) as server:

        def reload():
            seen = server.log().count("Reloading complete")
            server.process.send_signal(signal.SIGUSR1)
            server.wait(lambda: server.log().count("Reloading complete") > seen, "a reload")

        for _ in range(2):  # the first question has libunbound write the keys that it found into the file
            assert server.ask("good.signed", want_dnssec=True).flags & dns.flags.AD
            reload()
        hits = server.metric("coredns_cache_hits_total")
        assert server.ask("good.signed", want_dnssec=True).flags & dns.flags.AD
        assert server.metric("coredns_cache_hits_total") == hits + 1
        other.write_anchor(anchor)
        reload()
        assert server.ask("good.signed", want_dnssec=True).rcode() == dns.rcode.SERVFAIL


def test_an_upstream_that_strips_signatures_is_found_out(world):
    with Upstream() as up:
        up.add("good.signed", "A", "192.0.2.99")
        with Forwarder(corefile(up.address, f"validate {world.anchor}")) as server:
            assert server.ask("good.signed").rcode() == dns.rcode.SERVFAIL


def test_anchors_without_validate_are_an_error(world):
    with pytest.raises(AssertionError, match="plugin/forward: trust anchors mean nothing without validate"):
        with Forwarder(corefile(world.upstream, "negative_trust_anchors late")):
            pass
