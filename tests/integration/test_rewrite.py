"""rewrite in a running server: questions to a scripted upstream, hosts and whoami."""

import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from forwarder import Forwarder, addresses, ttls
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
