"""rewrite in a running server: questions to a scripted upstream, hosts and whoami."""

import threading

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
import zonetext
from forwarder import Forwarder, addresses, ttls
from seamark import Seamark
from upstream import Upstream


def records(answer, section="answer"):
    return [
        f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {r}" for rrset in getattr(answer, section) for r in rrset
    ]


def question(answer):
    return str(answer.question[0])


@pytest.fixture
def up():
    with Upstream() as upstream:
        upstream.add("a.new.example", "A", "10.0.0.1")
        upstream.add("b.new.example", "CNAME", "a.new.example.")
        upstream.add("mail.new.example", "MX", "10 a.new.example.", "20 elsewhere.example.")
        upstream.add("_x._tcp.new.example", "SRV", "1 2 3 a.new.example.", "1 2 3 b.new.example.")
        upstream.add("1.0.0.10.in-addr.arpa", "PTR", "a.new.example.")
        yield upstream


def server(up, *rules, more=""):
    lines = "\n".join("    " + rule for rule in rules)
    return Forwarder(".:{port} {\n    errors\n    log\n    prometheus {metrics}\n%s\n%s\n    forward . %s\n}\n" % (lines, more, up.address))


# ---- names ----


def test_a_suffix_goes_there_and_back(up):
    with server(up, "rewrite name suffix .old.example .new.example answer auto") as s:
        answer = s.ask("A.Old.Example")
        assert question(answer) == "A.Old.Example. IN A" and addresses(answer) == ["10.0.0.1"]
        assert str(answer.answer[0].name).lower() == "a.old.example."
        assert records(s.ask("b.old.example")) == ["b.old.example. 300 CNAME a.old.example.", "a.old.example. 300 A 10.0.0.1"]
        assert sorted(records(s.ask("mail.old.example", "MX"))) == [
            "mail.old.example. 300 MX 10 a.old.example.", "mail.old.example. 300 MX 20 elsewhere.example."]  # fmt: skip
        assert len(records(s.ask("_x._tcp.old.example", "SRV"))) == 2
        assert all(".old.example" in r for r in records(s.ask("_x._tcp.old.example", "SRV")))
        assert {str(q.name) for q in up.names()} == {
            "a.new.example.", "b.new.example.", "mail.new.example.", "_x._tcp.new.example."}  # fmt: skip


def test_without_answer_auto_only_the_question_comes_back(up):
    with server(up, "rewrite name suffix .old.example .new.example") as s:
        answer = s.ask("a.old.example")
        assert question(answer) == "a.old.example. IN A"
        assert records(answer) == ["a.new.example. 300 A 10.0.0.1"]


def test_an_exact_name_is_put_back_by_itself(up):
    with server(up, "rewrite name old.example a.new.example") as s:
        assert records(s.ask("old.example")) == ["old.example. 300 A 10.0.0.1"]
        assert s.ask("x.old.example").rcode() == dns.rcode.NXDOMAIN


def test_groups_name_and_value_answers(up):
    block = "rewrite stop {\n name regex (.*)-(new)\\.q {1}.{2}.example\n answer name (.*)\\.(new)\\.example {1}-{2}.q\n answer value (.*)\\.new\\.example {1}.v.q\n}"
    with server(up, block) as s:
        assert records(s.ask("b-new.q")) == ["b-new.q. 300 CNAME a.v.q.", "a-new.q. 300 A 10.0.0.1"]
        assert records(s.ask("1.0.0.10.in-addr.arpa", "PTR")) == ["1.0.0.10.in-addr.arpa. 300 PTR a.new.example."]


def test_rules_are_one_list_and_are_undone_in_reverse(up):
    rules = ["rewrite continue name suffix .one .two answer auto", "rewrite continue name suffix .two .new.example answer auto",
             "rewrite name suffix .nothing .here", "rewrite ttl suffix new.example. 5"]  # fmt: skip
    with server(up, *rules) as s:
        answer = s.ask("a.one")
        assert question(answer) == "a.one. IN A" and records(answer) == ["a.one. 5 A 10.0.0.1"]
        assert ttls(s.ask("a.new.example")) == {5}


def test_a_block_may_have_hundreds_of_rules(up):
    """They are one stage of the block's, which has room for 250."""
    rules = [f"rewrite name exact s{i}.old.example a.new.example" for i in range(400)]
    with server(up, *rules) as s:
        assert records(s.ask("s399.old.example")) == ["s399.old.example. 300 A 10.0.0.1"]


def test_a_rule_that_stops_is_the_last(up):
    with server(up, "rewrite name suffix .one .two", "rewrite name suffix .two .new.example") as s:
        assert s.ask("a.one").rcode() == dns.rcode.NXDOMAIN
        assert [str(q.name) for q in up.names()] == ["a.two."]


def test_what_comes_out_as_no_name_is_servfail_with_a_line(up):
    with server(up, r"rewrite name regex ^bad(.*)\. {1}..x.", "rewrite name suffix .long " + ".".join(["x" * 60] * 4)) as s:
        for name in ("badfoo", "abcdefgh.long"):
            answer = s.ask(name)
            assert answer.rcode() == dns.rcode.SERVFAIL and question(answer) == f"{name}. IN A"
        s.wait_log(r"\[ERROR\] plugin/errors: 2 badfoo\. A: invalid name after rewrite: foo\.\.x\.")
        assert up.count() == 0


def test_a_name_of_the_answer_that_comes_out_as_none_is_servfail(up):
    with server(up, "rewrite name suffix .old.example .new.example answer name (.*)new(.*) {1}..{2}") as s:
        assert s.ask("a.old.example").rcode() == dns.rcode.SERVFAIL
        assert s.ask("zz.example").rcode() == dns.rcode.NXDOMAIN


# ---- the rest of the question ----


def test_type_and_class(up):
    with server(up, "rewrite type ANY A", "rewrite class CH IN") as s:
        answer = s.ask("a.new.example", "ANY")
        assert question(answer) == "a.new.example. IN ANY" and addresses(answer) == ["10.0.0.1"]
        query = dns.message.make_query("a.new.example", "A", "CH")
        answer = s.send(query)
        assert question(answer) == "a.new.example. CH A" and answer.rcode() == dns.rcode.NOERROR and len(answer.answer) == 1


def test_continue_alone_gives_the_question_back_too(up):
    with server(up, "rewrite continue type ANY A") as s:
        assert question(s.ask("a.new.example", "ANY")) == "a.new.example. IN ANY"


def test_log_tells_the_name_that_came_and_the_type_that_went(up):
    with server(up, "rewrite continue type ANY A", "rewrite name suffix .old.example .new.example answer auto") as s:
        s.ask("A.old.example", "ANY")
        s.wait_log(r'"A IN a\.old\.example\. udp 31 false 512" NOERROR')
        assert s.metric("coredns_dns_requests_total", type="A") == 1


# ---- answers ----


def test_ttls_have_ends(up):
    up.add("low.example", "A", "10.0.0.7", ttl=1)
    with server(up, "rewrite ttl suffix example. 30-200") as s:
        assert ttls(s.ask("a.new.example")) == {200} and ttls(s.ask("low.example")) == {30}
        answer = s.ask("missing.example")
        assert answer.rcode() == dns.rcode.NXDOMAIN and [r.ttl for r in answer.authority] == [200]


def test_rcodes_are_changed_with_and_without_records(up):
    up.behave("broken.example", rcode="SERVFAIL")
    with server(up, "rewrite continue rcode suffix broken.example. SERVFAIL NXDOMAIN", "rewrite rcode regex .* NXDOMAIN NOERROR") as s:
        assert s.ask("broken.example").rcode() == dns.rcode.NXDOMAIN
        answer = s.ask("missing.example")
        assert answer.rcode() == dns.rcode.NOERROR and len(answer.authority) == 1


def test_a_failure_with_another_rcode_is_told_all_the_same(up):
    up.silent = True
    with server(up, "rewrite rcode suffix broken.example. SERVFAIL NOERROR", "rewrite name suffix .old .new") as s:
        assert s.ask("broken.example").rcode() == dns.rcode.NOERROR
        s.wait_log(r"\[ERROR\] plugin/errors: 0 broken\.example\. A: no upstream answered")
        assert s.ask("x.old").rcode() == dns.rcode.SERVFAIL
        s.wait_log(r"\[ERROR\] plugin/errors: 2 x\.new\. A: no upstream answered")


def test_a_large_answer_is_made_anew_whole(up):
    up.add("big.new.example", "A", *[f"10.1.{i // 250}.{i % 250}" for i in range(1500)])
    up.add("text.new.example", "TXT", *[f'"{i}{"x" * 200}"' for i in range(40)])
    with server(up, "rewrite name suffix .old.example .new.example answer auto") as s:
        assert len(s.ask("big.old.example", tcp=True).answer[0]) == 1500
        assert s.ask("big.old.example").flags & dns.flags.TC
        assert len(s.ask("text.old.example", "TXT", tcp=True).answer[0]) == 40


# ---- cname ----


@pytest.fixture
def aliases(up):
    up.add("app.example", "CNAME", "app.mid.example.")
    up.add("app.mid.example", "CNAME", "app.cdn.example.")
    up.add("app.cdn.example", "A", "20.0.0.1")
    up.add("app.other.example", "A", "30.0.0.1", ttl=77)
    up.add("x.other.example", "CNAME", "app.other.example.")
    up.add("x.example", "CNAME", "x.cdn.example.")
    return up


def test_an_alias_leads_elsewhere(aliases):
    with server(aliases, r"rewrite cname suffix .cdn.example. .other.example.") as s:
        for name in ("app.example", "APP.example"):
            assert records(s.ask(name)) == [
                f"{name}. 300 CNAME app.mid.example.", "app.mid.example. 300 CNAME app.other.example.",
                "app.other.example. 77 A 30.0.0.1"]  # fmt: skip
        assert records(s.ask("x.example")) == [
            "x.example. 300 CNAME x.other.example.", "x.other.example. 300 CNAME app.other.example.",
            "app.other.example. 77 A 30.0.0.1"]  # fmt: skip
        assert records(s.ask("a.new.example")) == ["a.new.example. 300 A 10.0.0.1"]


def test_each_kind_of_cname_rule(aliases):
    rules = {
        "cname app.cdn.example app.other.example": True,
        "cname exact App.cdn.example. app.other.example.": True,
        "cname prefix app.cdn. app.other.": True,
        "cname substring cdn other": True,
        r"cname regex (.*)\.cdn\.(.*) {1}.other.{2}": True,
        "cname suffix .cdn.example .other.example": False,  # no dot is put behind it
        "cname exact cdn.example other.example": False,
    }
    for rule, led in rules.items():
        with server(aliases, "rewrite " + rule) as s:
            found = records(s.ask("app.example"))
            assert ("app.other.example. 77 A 30.0.0.1" in found) == led, rule
            assert ("app.cdn.example. 300 A 20.0.0.1" in found) != led, rule


def test_a_new_target_that_has_nothing_leaves_the_aliases(aliases):
    with server(aliases, "rewrite cname app.cdn.example nothing.example") as s:
        answer = s.ask("app.example")
        assert answer.rcode() == dns.rcode.NOERROR
        assert records(answer) == ["app.example. 300 CNAME app.mid.example.", "app.mid.example. 300 CNAME nothing.example."]


def test_cname_rules_beside_others(aliases):
    rules = ["rewrite continue ttl suffix .old. 9", "rewrite continue name suffix .old .example answer auto",
             "rewrite cname app.cdn.example app.other.example"]  # fmt: skip
    with server(aliases, *rules) as s:
        assert records(s.ask("app.old")) == [
            "app.old. 9 CNAME app.mid.old.", "app.mid.old. 9 CNAME app.other.old.", "app.other.example. 77 A 30.0.0.1"]  # fmt: skip


def test_a_target_that_leads_in_circles_comes_to_an_end(aliases):
    aliases.add("loop.example", "CNAME", "loop.cdn.example.")
    aliases.add("loop.cdn.example", "A", "20.0.0.2")
    with server(aliases, "rewrite cname loop.cdn.example loop.example") as s:
        answer = s.ask("loop.example")
        assert answer.rcode() == dns.rcode.NOERROR and answer.answer


def test_a_cname_answer_that_waits_survives_a_reload(aliases):
    aliases.behave("app.other.example", delay=1.0)
    with server(aliases, "rewrite cname app.cdn.example app.other.example") as s:
        found = []
        asker = threading.Thread(target=lambda: found.append(s.ask("app.example")))
        asker.start()
        aliases.wait("app.other.example")
        s.reload()
        asker.join()
        assert "app.other.example. 77 A 30.0.0.1" in records(found[0])


# ---- edns0 ----

LOCAL = dns.edns.GenericOption


def sent(up, name="a.new.example"):
    """The options of the last question for the name that came to the upstream: {code: data}."""
    return {int(o.otype): o.to_wire() for o in up.names(name)[-1].message.options}


def echoed(answer):
    return {int(o.otype): o.to_wire() for o in answer.options}


def with_options(name, *options, **more):
    return dns.message.make_query(name, "A", use_edns=0, options=list(options), **more)


def test_options_reach_the_upstream_and_local_ones_the_client(up):
    rules = ["rewrite continue edns0 local set 0xffee 0x61626364", "rewrite continue edns0 local set 0xffef text",
             "rewrite continue edns0 nsid set", "rewrite edns0 subnet set 24 56"]  # fmt: skip
    with server(up, *rules) as s:
        answer = s.ask("a.new.example", use_edns=0)
        assert addresses(answer) == ["10.0.0.1"]
        assert sent(up) == {0xFFEE: b"abcd", 0xFFEF: b"text", 3: b"", 8: b"\x00\x01\x18\x00\x7f\x00\x00"}
        assert echoed(answer) == {0xFFEE: b"abcd", 0xFFEF: b"text"}
        assert s.ask("a.new.example").edns == -1  # who does not know EDNS gets none
        assert sent(up)[0xFFEE] == b"abcd"
        assert addresses(s.ask("a.new.example", tcp=True)) == ["10.0.0.1"] and up.count("a.new.example", "tcp") == 1
        assert sent(up)[0xFFEE] == b"abcd"


def test_what_a_rule_has_made_another_is_not_authentic(up):
    rules = ["rewrite continue edns0 local set 0xffee x revert", "rewrite continue ttl regex .* 7",
             "rewrite continue cname exact c.new.example. other.example.",
             "rewrite continue rcode exact none.new.example. NXDOMAIN NOERROR", "rewrite type SPF A",
             "rewrite name suffix .old.example .new.example answer auto"]  # fmt: skip
    up.add("alias.new.example", "CNAME", "c.new.example.")
    up.add("other.example", "A", "10.0.0.7")
    up.behave("*", ad=True)
    with server(up, *rules) as s:
        for name, rdtype, authentic in (("a.new.example", "A", True), ("gone.new.example", "A", True), ("a.old.example", "A", False),
                                        ("alias.new.example", "A", False), ("none.new.example", "A", False),
                                        ("a.new.example", "SPF", False)):  # fmt: skip
            answer = s.ask(name, rdtype, use_edns=0, want_dnssec=True)
            assert bool(answer.flags & dns.flags.AD) == authentic, (name, rdtype, answer)


def test_variables(up):
    names = ["qname", "qtype", "client_ip", "client_port", "protocol", "server_ip", "server_port", "no/label"]
    rules = [f"rewrite continue edns0 local set {65001 + i} {{{n}}}" for i, n in enumerate(names)]
    with server(up, *rules, more="    metadata") as s:
        for tcp in (False, True):
            s.ask("A.new.example", tcp=tcp)
            got = sent(up)
            assert got.pop(65004) != b"\x00\x00"
            assert got == {65001: b"A.new.example.", 65002: b"\x00\x01", 65003: b"\x7f\x00\x00\x01",
                           65005: b"tcp" if tcp else b"udp", 65006: b"\x7f\x00\x00\x01",
                           65007: s.port.to_bytes(2, "big")}  # fmt: skip


def test_actions_on_what_the_client_sends(up):
    mine = LOCAL(0xFFEE, b"mine")
    for action, without, beside in (("set", b"rule", b"rule"), ("append", b"rule", b"mine"), ("replace", None, b"rule")):
        with server(up, f"rewrite edns0 local {action} 0xffee rule") as s:
            s.send(with_options("a.new.example"))
            assert sent(up).get(0xFFEE) == without, action
            answer = s.send(with_options("a.new.example", mine, LOCAL(0xFFEF, b"other")))
            assert sent(up) == {0xFFEE: beside}, action  # only what the rules are about
            assert echoed(answer) == {0xFFEE: beside}
    with server(up, "rewrite continue edns0 local unset 0xffee", "rewrite edns0 local set 0xffef x") as s:
        s.send(with_options("a.new.example", mine, mine))
        assert sent(up) == {0xFFEF: b"x"}


def test_revert_gives_the_client_its_own_back(up):
    with server(up, "rewrite continue edns0 local set 0xffee abcd", "rewrite edns0 local replace 0xffee bcde revert") as s:
        answer = s.send(with_options("a.new.example"))
        assert sent(up) == {0xFFEE: b"bcde"} and echoed(answer) == {0xFFEE: b"abcd"}
    with server(up, "rewrite edns0 local set 0xffee abcd revert") as s:
        assert echoed(s.send(with_options("a.new.example"))) == {}
        assert echoed(s.send(with_options("a.new.example", LOCAL(0xFFEE, b"mine")))) == {0xFFEE: b"mine"}
        assert sent(up) == {0xFFEE: b"abcd"}


def test_the_cache_keeps_answers_to_different_options_apart(up):
    with server(up, "rewrite edns0 local append 0xffee none", more="    cache 30") as s:
        for data in (b"one", b"two", b"one", b"two"):
            s.send(with_options("a.new.example", LOCAL(0xFFEE, data)))
        s.ask("a.new.example"), s.ask("a.new.example")
        assert [o.to_wire() for q in up.names() for o in q.message.options] == [b"one", b"two", b"none"]


def test_an_upstream_that_is_silent_or_gone_with_options(up):
    with server(up, "rewrite edns0 local set 0xffee x") as s:
        up.behave("a.new.example", drop=1)
        assert addresses(s.ask("a.new.example")) == ["10.0.0.1"]
        up.behave("a.new.example", wrong_id=True, wrong_question=True, garbage=True)
        assert addresses(s.ask("a.new.example")) == ["10.0.0.1"]
        up.behave("a.new.example")
        up.stop()
        assert s.ask("a.new.example").rcode() == dns.rcode.SERVFAIL
        assert s.ask("a.new.example", tcp=True).rcode() == dns.rcode.SERVFAIL
        up.start()
        assert addresses(s.ask("a.new.example", tcp=True)) == ["10.0.0.1"]


def test_a_truncated_answer_is_passed_on_and_whole_over_tcp(up):
    up.add("big.new.example", "TXT", *[f'"{i}{"x" * 200}"' for i in range(20)])
    up.behave("big.new.example", truncate=True)
    with server(up, "rewrite edns0 local set 0xffee x") as s:
        assert s.ask("big.new.example", "TXT").flags & dns.flags.TC
        assert len(s.ask("big.new.example", "TXT", tcp=True).answer[0]) == 20


# ---- beside kubernetes ----

CLUSTER = """
.:{port} {
    bind {address}
    errors
    metadata
    %s
    cache 30
    kubernetes cluster.local {
        objects {folder}/objects
    }
    forward . %s
}
"""


def cluster(up, *rules, more=""):
    server = Seamark(CLUSTER % ("\n    ".join("rewrite " + rule for rule in rules) + "\n" + more, up.address))
    source = zonetext.identity(server.path("objects"))
    records = ["web.shop.svc A 10.96.1.1", "api.bank.svc A 10.96.1.2", "out.shop.svc CNAME a.new.example."]
    zonetext.put_zone(server.zones, records, 7, source)
    return server


def test_names_of_the_cluster_under_another_domain(up):
    with cluster(up, "name suffix .shop.example .shop.svc.cluster.local answer auto") as s:
        answer = s.ask("web.shop.example")
        assert records(answer) == ["web.shop.example. 5 A 10.96.1.1"] and answer.flags & dns.flags.AA
        missing = s.ask("none.shop.example")
        assert missing.rcode() == dns.rcode.NXDOMAIN and question(missing) == "none.shop.example. IN A"
        assert records(s.ask("out.shop.example")) == ["out.shop.example. 5 CNAME a.new.example.", "a.new.example. 5 A 10.0.0.1"]


def test_a_zone_is_transferred_as_it_is(up):
    rules = ["ttl regex .* 77", "name suffix .cluster.local .example answer auto"]
    with cluster(up, *rules, more="    transfer cluster.local {\n        to *\n    }") as s:
        assert ttls(s.ask("web.shop.svc.cluster.local")) == {77}
        found = [r for m in dns.query.xfr(s.address, "cluster.local", port=s.port, relativize=False) for r in m.answer]
        assert {r.ttl for r in found} == {5} and all(str(r.name).endswith("cluster.local.") for r in found)


def test_labels_of_metadata(up):
    rules = [r"name regex ^(web)\.(shop)\.svc\.cluster\.local\.$ api.bank.svc.{kubernetes/NONE}. metadata",
             r"name regex ^x\.y\.svc\.cluster\.local\.$ web.shop.{kubernetes/kind}.cluster.local. metadata answer auto",
             "edns0 local set 0xffee {kubernetes/service}"]  # fmt: skip
    with cluster(up, *rules) as s:
        assert records(s.ask("web.shop.svc.cluster.local")) == ["web.shop.svc.cluster.local. 5 A 10.96.1.1"]
        assert records(s.ask("x.y.svc.cluster.local")) == ["x.y.svc.cluster.local. 5 A 10.96.1.1"]
        s.ask("out.shop.svc.cluster.local", use_edns=0)
        assert sent(up) == {0xFFEE: b"out"}  # the target is asked for as its alias was
