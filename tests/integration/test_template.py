"""template: answers made up from the question."""

import os

import dns.flags
import dns.message
import dns.rdatatype
from forwarder import Forwarder
from seamark import Seamark, lines

HEAD = ".:{port} {\n bind {address}\n errors\n"


def serving(text, **more):
    return Seamark(HEAD + text + "\n}\n", **more)


def records(answer, section="answer"):
    return lines(getattr(answer, section))


# ---- the examples of CoreDNS's documentation ----

ADDRESSES = r"""
template IN A example {
  match (^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$
  answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  fallthrough
}
template IN PTR in-addr.arpa {
  match ^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$
  answer "{{ .Name }} 60 IN PTR ip-{{ .Group.a }}-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.example."
}
template IN MX example {
  match "^ip0a(?<b>[a-f0-9]{2})(?<c>[a-f0-9]{2})(?<d>[a-f0-9]{2})[.]example[.]$"
  answer "{{ .Name }} MX 10 {{ .Name }}"
  additional "{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt .Group.d 16 8 }}"
  authority "example. 60 IN NS ns0.example." "example. 60 IN NS ns1.example."
}
whoami"""


def test_addresses_and_their_names():
    with serving(ADDRESSES) as s:
        answer = s.ask("web.ip-10-1-2-3.example")
        assert answer.rcode() == 0 and answer.flags & dns.flags.AA
        assert records(answer) == ["web.ip-10-1-2-3.example. 60 IN A 10.1.2.3"]
        assert records(s.ask("3.2.1.10.in-addr.arpa", "PTR")) == ["3.2.1.10.in-addr.arpa. 60 IN PTR ip-10-1-2-3.example."]
        answer = s.ask("ip0a7b7cff.example", "MX")
        assert records(answer) == ["ip0a7b7cff.example. 3600 IN MX 10 ip0a7b7cff.example."]
        assert records(answer, "additional") == ["ip0a7b7cff.example. 60 IN A 10.123.124.255"]
        assert records(answer, "authority") == ["example. 60 IN NS ns0.example.", "example. 60 IN NS ns1.example."]


def test_what_does_not_match_falls_through_or_fails():
    with serving(ADDRESSES) as s:
        assert s.ask("other.example").additional  # whoami's
        assert s.ask("ip-10-1-2-3.example", "AAAA").additional  # of another type
        assert s.ask("ip-10-1-2-3.example.org").additional  # in another zone
        failed = s.ask("x.in-addr.arpa", "PTR")
        assert failed.rcode() == 2 and not failed.flags & dns.flags.AA
        assert s.ask("ip-10-1-2-300.example").rcode() == 2  # matches, and gives no address
        s.wait_log(r'^\[ERROR\] plugin/errors: 2 ip-10-1-2-300\.example\. A: dns: expected an IPv4 address: '
                   r'"ip-10-1-2-300\.example\. 60 IN A 10\.1\.2\.300"$')
        assert s.count_log("x.in-addr.arpa") == 0


def test_an_rcode_a_soa_and_the_reason():
    text = r"""
template ANY ANY invalid {
  rcode NXDOMAIN
  authority "invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)"
  ederror 21 "Blocked according to RFC2606"
}
template IN ANY refused.test {
  rcode REFUSED
}
template IN ANY failed.test {
  rcode SERVFAIL
  answer "not made"
}
whoami"""
    with serving(text) as s:
        answer = s.ask("a.invalid", "MX", use_edns=0)
        assert answer.rcode() == 3 and answer.flags & dns.flags.AA
        assert records(answer, "authority") == ["invalid. 60 IN SOA ns.invalid. hostmaster.invalid. 1 60 60 60 60"]
        assert [(int(o.code), o.text) for o in answer.options] == [(21, "Blocked according to RFC2606")]
        assert s.ask("a.invalid").edns < 0  # who does not know EDNS gets none
        assert s.ask("refused.test").rcode() == 5 and s.ask("x.failed.test").rcode() == 2
        assert s.count_log("ERROR", seconds=0) == 0


def test_several_expressions_and_templates_of_all_kinds():
    text = r"""
template IN TXT example.org {
  match "^(?P<who>[a-z]+)-(?P<n>[0-9]+)[.]" "^(?P<who>[a-z]+)[.]"
  answer "{{ if .Group.n }}{{ .Name }} 5 TXT {{ range parseInt .Group.n 10 8 }}{{ printf `\"%s%02d\" ` $.Group.who . }}{{ end }}{{ else }}{{ .Name }} TXT {{ index .Match 1 | printf `%q` }}{{ end }}"
  fallthrough
}
template IN TXT info.test {
  answer "{{ .Name }} TXT \"{{ .Zone }}\" \"{{ .Class }}\" \"{{ .Type }}\" \"{{ .Remote }}\" \"{{ .Question.Name }} {{ .Question.Qtype }}\" \"{{ len .Message.Question }} {{ .Message.RecursionDesired }}\" \"{{ .Regex }}\" \"{{ with .Message.IsEdns0 }}{{ .UDPSize }} {{ .Do }}{{ else }}none{{ end }}\" \"{{ .Meta `kubernetes/service` }}\""
}
whoami"""
    with serving(text) as s:
        assert records(s.ask("ab-3.example.org", "TXT")) == ['ab-3.example.org. 5 IN TXT "ab00" "ab01" "ab02"']
        assert records(s.ask("ab.example.org", "TXT")) == ['ab.example.org. 3600 IN TXT "ab"']
        assert s.ask("1.example.org", "TXT").additional
        assert records(s.ask("xY.info.test", "TXT", use_edns=0, payload=1400)) == [
            'xY.info.test. 3600 IN TXT "info.test." "IN" "TXT" "127.0.0.1" "xY.info.test. 16" "1 true" ".*" "1400 false" ""']
        assert records(s.ask("info.test", "TXT"))[0].endswith('"none" ""')


def test_templates_in_order_of_the_text():
    text = """
template IN A one.test {
  match ^a[.]
  answer "{{ .Name }} A 10.0.0.1"
  fallthrough
}
template IN A test {
  answer "{{ .Name }} A 10.0.0.2"
  answer "{{ .Name }} A 10.0.0.3"
  fallthrough
}
"""
    with serving(text) as s:
        assert records(s.ask("a.one.test")) == ["a.one.test. 3600 IN A 10.0.0.1"]
        assert records(s.ask("b.one.test")) == ["b.one.test. 3600 IN A 10.0.0.2", "b.one.test. 3600 IN A 10.0.0.3"]
        assert s.ask("example.org").rcode() == 2
        s.wait_log("plugin/template: no next plugin found")


# ---- var and expr ----

EXPRESSIONS = r"""
template IN A example.com {
  match ^(?P<ip>[0-9]{1,3}(-[0-9]{1,3}){3})[.]example[.]com[.]$
  var ip replace(group('ip'), '-', '.')
  expr "any(['10.0.0.0/8', '192.168.0.0/16'], incidr(ip, #))"
  answer "{{ .Name }} 60 IN A {{ .Var.ip }}"
  fallthrough
}
template IN A strict.test {
  var n int(group(0)[0:2])
  expr n > 20
  answer "{{ .Name }} A 10.0.0.{{ .Var.n }}"
}
template IN CNAME followed.test {
  answer "x"
}
template IN A followed.test {
  var target "'t' + string(id() - id()) + '.hosts.test'"
  answer "{{ .Name }} CNAME {{ .Var.target }}" "{{ .Name }} TXT {{ .Var.target }}"
}
hosts nowhere {
  10.0.0.7 t0.hosts.test
  fallthrough
}
whoami"""


def test_variables_and_conditions():
    with serving(EXPRESSIONS) as s:
        assert records(s.ask("192-168-1-2.example.com")) == ["192-168-1-2.example.com. 60 IN A 192.168.1.2"]
        assert s.ask("8-8-8-8.example.com").additional  # falls through
        assert records(s.ask("42.strict.test")) == ["42.strict.test. 3600 IN A 10.0.0.42"]
        assert s.ask("12.strict.test").rcode() == 2
        assert s.count_log("12.strict", seconds=0) == 0
        assert s.ask("8-8-8-888.example.com").rcode() == 2  # no address: the expression fails
        s.wait_log("2 8-8-8-888.example.com. A: template: an expression fails: first argument is not an IP address")
        assert s.ask("xx.strict.test").rcode() == 2
        s.wait_log(r"2 xx.strict.test. A: template: an expression fails: invalid operation: int\(xx\)")
        assert records(s.ask("followed.test")) == ["followed.test. 3600 IN CNAME t0.hosts.test.", 'followed.test. 3600 IN TXT "t0.hosts.test"',
                                                   "t0.hosts.test. 3600 IN A 10.0.0.7"]


def test_addresses_of_both_ends():
    text = r"""
template IN TXT {
  var ends "client_ip() + ' ' + server_ip() + ' ' + server_port() + ' ' + proto()"
  answer "{{ .Name }} 60 TXT \"{{ .Var.ends }}\""
}"""
    for corefile in (HEAD + text + "\n}\n", ".:{port} {\n errors\n" + text + "\n}\n"):
        with Seamark(corefile) as s:
            for tcp, proto in ((False, "udp"), (True, "tcp")):
                assert records(s.ask("a.test", "TXT", tcp=tcp)) == [
                    f'a.test. 60 IN TXT "127.0.0.1 {s.address} {s.port} {proto}"']


# ---- following a CNAME ----

CNAMES = r"""
template IN ANY foogle.com {
  match "^foogle\.com\.$"
  answer "foogle.com 60 IN CNAME google.com"
}
template IN ANY two.test {
  answer "{{ .Name }} CNAME a.hosts.test" "{{ .Name }} CNAME b.hosts.test" "{{ .Name }} TXT end"
}
template IN ANY circle.test {
  answer "{{ .Name }} CNAME {{ .Name }}"
}
template IN ANY ring.test {
  answer "{{ .Name }} 60 CNAME {{ .Name }}" "{{ .Name }} 60 A 10.0.0.4"
}
template IN ANY lost.test {
  answer "{{ .Name }} CNAME nowhere.test"
  authority "test NS ns.test"
}
hosts nowhere {
  10.0.0.1 google.com
  10.0.0.2 a.hosts.test
  10.0.0.3 b.hosts.test
}"""


def test_a_cname_is_followed():
    with serving(CNAMES) as s:
        assert records(s.ask("foogle.com")) == ["foogle.com. 60 IN CNAME google.com.", "google.com. 3600 IN A 10.0.0.1"]
        assert records(s.ask("foogle.com", "TXT")) == ["foogle.com. 60 IN CNAME google.com."]
        assert records(s.ask("foogle.com", "AAAA")) == ["foogle.com. 60 IN CNAME google.com."]
        assert records(s.ask("x.two.test", tcp=True)) == [
            "a.hosts.test. 3600 IN A 10.0.0.2", "b.hosts.test. 3600 IN A 10.0.0.3", "x.two.test. 3600 IN CNAME a.hosts.test.",
            "x.two.test. 3600 IN CNAME b.hosts.test.", 'x.two.test. 3600 IN TXT "end"']
        lost = s.ask("x.lost.test")
        assert lost.rcode() == 0 and records(lost) == ["x.lost.test. 3600 IN CNAME nowhere.test."]
        assert records(lost, "authority") == ["test. 3600 IN NS ns.test."]
        circle = s.ask("circle.test")
        assert circle.rcode() == 0 and set(records(circle)) == {"circle.test. 3600 IN CNAME circle.test."}
        # where it ends, and so no target is asked for, what stands behind the CNAME is not lost to a client with EDNS
        for edns in (False, 0):
            ring = dns.message.from_wire(s.exchange(dns.message.make_query("ring.test", "A", use_edns=edns).to_wire()),
                                         one_rr_per_rrset=True)
            assert [r.rdtype for r in ring.answer] == [dns.rdatatype.CNAME] * 4 + [dns.rdatatype.A] * 4, ring


# ---- failures and limits ----


def test_failures_are_told_and_counted():
    text = r"""
prometheus {metrics}
errors
template ANY ANY bad.test {
  match ^(?P<n>[0-9]+)[.]
  answer "{{ .Name }} A {{ .Nope }}"
  fallthrough
}
template IN A bad.test {
  answer "{{ .Name }} A {{ index .Match 0 }}"
}
template IN A loop.test {
  additional "{{ range 1000000000 }}{{ end }}"
}
template IN TXT long.test {
  answer "{{ .Name }} TXT {{ range 20000 }}xxxxxxxxx{{ end }}"
}
"""
    with Forwarder(".:{port} {\n" + text + "}\n") as s:
        for name, rdtype in (("1.bad.test", "MX"), ("a.bad.test", "A"), ("loop.test", "A"), ("long.test", "TXT")):
            assert s.ask(name, rdtype).rcode() == 2
        s.wait_log(r"2 1\.bad\.test\. MX: template: answer:1:17: executing \"answer\" at <\.Nope>: can't evaluate field Nope in "
                   r"type \*template\.templateData")
        s.wait_log(r"2 a\.bad\.test\. A: dns: expected an IPv4 address: \"a\.bad\.test\. A a\.bad\.test\.\"")
        s.wait_log("2 loop.test. A: template: additional:1:9: more steps than Seamark allows")
        s.wait_log("2 long.test. TXT: template: answer:1:[0-9]+: more output than Seamark allows")
        common = {"server": f"dns://:{s.port}", "view": ""}
        assert s.metric("coredns_template_matches_total", zone="bad.test.", type="MX", **{"class": "IN"}, **common) == 1
        assert s.metric("coredns_template_template_failures_total", zone="bad.test.", type="MX", section="answer",
                        template="{{.Name}} A {{.Nope}}", **common) == 1
        assert s.metric("coredns_template_rr_failures_total", zone="bad.test.", type="A", section="answer",
                        template="{{.Name}} A {{index .Match 0}}", **common) == 1
        assert s.metric("coredns_template_template_failures_total", zone="loop.test.", section="additional") == 1


def test_a_template_that_does_not_parse_is_an_error_at_the_start():
    s = serving('template IN A {\n answer "{{ .Name "\n}')
    try:
        done = s.check()
        assert done.returncode == 1
        assert ("Corefile:5 - plugin/template: could not compile template: {{ .Name , template: answer:1: unclosed action"
                in done.stderr)
    finally:
        s.cleanup()


def test_a_reload_takes_new_templates():
    text = 'template IN A {\n answer "{{ .Name }} A 10.0.0.NUMBER"\n}'
    with serving(text.replace("NUMBER", "1")) as s:
        assert records(s.ask("a.test")) == ["a.test. 3600 IN A 10.0.0.1"]
        s.reload(HEAD + text.replace("NUMBER", "2") + "\n}\n")
        assert records(s.ask("a.test")) == ["a.test. 3600 IN A 10.0.0.2"]
        s.reload(HEAD + "whoami\n}\n")
        assert s.ask("a.test").additional


# ---- AKS ----

AKS = os.path.join(os.path.dirname(__file__), "..", "corefiles", "aks.Corefile")


def test_aks_with_custom_files():
    """Names of virtual machines with one search domain too many, and those of a domain that is no more, are denied without
    anybody being asked; what an operator puts into custom/ is part of it."""
    with open(AKS, encoding="utf-8") as f:
        text = f.read()
    for line, here in ((".:53 {", ".:{port} {\n    bind {address}"), ("    ready\n", "    ready {address}:8181\n"),
                       ("    health {", "    health {address}:8080 {"), ("prometheus :9153", "prometheus {address}:9153"),
                       ("lameduck 5s", "lameduck 0s"), ("/etc/resolv.conf", "{address}:1")):
        assert line in text
        text = text.replace(line, here)
    files = {"custom/names.override": 'hosts nowhere {\n 10.9.9.9 here.contoso.com\n fallthrough\n}\n',
             "custom/stub.server": 'stub.contoso.com:{port} {\n bind {address}\n template IN A {\n'
                                   '  answer "{{ .Name }} 60 IN A 10.8.8.8"\n }\n}\n'}
    server = Seamark(text)
    os.mkdir(server.path("custom"))
    for name, content in files.items():
        server.write(name, content)
    with server as s:
        for name in ("web.default.svc.x.internal.cloudapp.net", "a.b.c.d.internal.cloudapp.net", "x.reddog.microsoft.com",
                     "reddog.microsoft.com"):
            answer = s.ask(name)
            assert answer.rcode() == 3 and answer.flags & dns.flags.AA and not answer.answer and not answer.authority, name
        assert s.ask("vm1.x.internal.cloudapp.net").rcode() == 2  # nobody answers for the upstream here
        assert records(s.ask("here.contoso.com")) == ["here.contoso.com. 30 IN A 10.9.9.9"]  # from the cache
        assert records(s.ask("a.stub.contoso.com")) == ["a.stub.contoso.com. 60 IN A 10.8.8.8"]
