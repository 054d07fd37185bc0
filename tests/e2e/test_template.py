"""template in both servers: the same templates, the same questions; no cluster is needed.

Answers are compared section by section, then what `errors` says and what is counted, and bad directives by their error.
"""

import re
import urllib.request

import pytest

from process import loopback, wait_for
from question import ask
from side_by_side import PORT, PROGRAMS, compared, refusal, start

TEMPLATES = {
    "addresses": r"""
template IN A example {
  match (^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$
  answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  fallthrough
}
template IN PTR in-addr.arpa {
  match ^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$
  answer "{{ .Name }} 60 IN PTR ip-{{ .Group.a }}-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.example."
}
template IN A example {
  match "^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]example[.]$"
  answer "{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt .Group.d 16 8 }}"
  fallthrough
}""",
    "mail and name servers": r"""
template IN MX example {
  match ^ip-10-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$
  answer "{{ .Name }} 60 IN MX 10 {{ .Name }}"
  additional "{{ .Name }} 60 IN A 10.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  authority  "example. 60 IN NS ns0.example."
  authority  "example. 60 IN NS ns1.example."
  additional "ns0.example. 60 IN A 203.0.113.8"
  additional "ns1.example. 60 IN A 198.51.100.8"
  fallthrough
}""",
    "invalid": r"""
template ANY ANY invalid {
  rcode NXDOMAIN
  authority "invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)"
  ederror 21 "Blocked according to RFC2606"
}""",
    "search domains": r"""
template IN ANY example.com.dc1.example.com {
  rcode NXDOMAIN
  authority "{{ .Zone }} 60 IN SOA ns.example.com hostmaster.example.com (1 60 60 60 60)"
}
template IN ANY example.com {
  match "example\.com\.(dc1\.example\.com\.)$" "^(www)\.example"
  rcode NXDOMAIN
  authority "{{ index .Match 1 }} 60 IN SOA ns.{{ index .Match 1 }} hostmaster.{{ index .Match 1 }} (1 1h 1m 1w2d 60)"
  fallthrough www.example.com ip6.arpa
}""",
    "aks": r"""
template ANY ANY internal.cloudapp.net {
  match "^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$"
  rcode NXDOMAIN
  fallthrough
}
template ANY ANY reddog.microsoft.com {
  rcode NXDOMAIN
}""",
    "a cname": r"""
template IN ANY foogle.com {
  match "^foogle\.com\.$"
  answer "foogle.com 60 IN CNAME google.com"
}
template IN ANY two.test {
  answer "{{ .Name }} CNAME google.com" "{{ .Name }} CNAME a.hosts.test" "{{ .Name }} CNAME nowhere.test"
}
hosts nowhere {
  10.0.0.1 google.com
  10.0.0.2 a.hosts.test
  2001:db8::2 a.hosts.test
}""",
    "rcodes": r"""
template IN A refused.test {
  rcode REFUSED
}
template IN A failed.test {
  rcode SERVFAIL
  answer "never {{ .Nope }}"
}
template IN ANY badsig.test {
  rcode BADSIG
}
template ANY TXT notimpl.test {
  rcode NOTIMPL
  ederror 0
}""",
    "data": r"""
template IN TXT info.test {
  match ^(?P<who>[a-z]+)(-(?P<n>[0-9]+))?[.]
  answer "{{ .Name }} TXT \"{{ .Zone }} {{ .Class }} {{ .Type }} {{ .Remote }}\" \"{{ .Match }}\" \"{{ .Group }}\" \"{{ len .Match }} {{ .Regex | urlquery }}\""
  answer "{{ .Name }} TXT \"{{ .Question.Name }} {{ .Question.Qtype }} {{ .Question.Qclass }}\" \"{{ .Question }}\" \"{{ .Message.Question }}\" \"{{ .Var }}\""
  answer "{{ .Name }} TXT \"{{ .Message.Opcode }} {{ .Message.Rcode }} {{ .Message.RecursionDesired }} {{ .Message.Response }} {{ .Message.CheckingDisabled }} {{ with .Message.IsEdns0 }}{{ .UDPSize }} {{ .Do }} {{ .Version }}{{ end }}\" \"{{ .Meta `a/b` }}\""
  answer "{{ .Name }} 7 TXT \"{{ .Group.nope }}\" \"{{ index .Group `nope` }}\" \"{{ if .Group.n }}{{ parseInt .Group.n 10 16 | printf `%05d %x` 1 }}{{ else }}{{ .Group.who | print `no ` }}{{ end }}\""
}""",
    "expressions": r"""
template IN A example.com {
  match ^(?P<ip>[0-9]{1,3}(-[0-9]{1,3}){3})[.](?P<id>[a-z2-7]{4})[.]example[.]com[.]$
  var ip replace(group('ip'), '-', '.')
  expr "any(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'], incidr(ip, #))"
  answer "{{ .Name }} 60 IN A {{ .Var.ip }}"
  fallthrough
}
template IN TXT vars.test {
  match ^(?P<who>[a-z]+)(-(?P<n>[0-9]+))?[.]
  var n "group('n') == '' ? 0 : int(group('n'))"
  var parts split(name(), '.')
  var half n / 2
  var even n % 2 == 0
  var everything [n, half, even, parts, nil, {a: n}]
  var begin "first(filter(parts, # != 'vars')) ?? 'none'"
  expr n < 100
  expr type() == 'TXT' and class() == 'IN' and name() endsWith '.test.'
  answer "{{ .Name }} TXT \"{{ .Var.n }} {{ .Var.half }} {{ .Var.even }} {{ .Var.parts }} {{ .Var.begin }}\" \"{{ .Var.everything }}\" \"{{ printf `%T %T %T %T` .Var.n .Var.half .Var.even .Var.begin }}\""
  answer "{{ .Name }} TXT \"{{ .Var.nope }} {{ len .Var }} {{ range $k, $v := .Var }}{{ $k }} {{ end }}\" \"{{ index .Var.parts 0 }} {{ index .Var.everything 1 }}\" \"{{ if .Var.even }}even{{ else }}odd{{ end }} {{ .Var.n | printf `%03d` }} {{ gt .Var.n 5 }}\""
  fallthrough a.vars.test b.vars.test
}
template IN MX vars.test {
  var x [proto(), do(), bufsize() > 512, opcode(), id() >= 0, size() > 20, client_ip(), len(port()) > 2, server_ip() != '', server_port(), metadata('a/b')]
  expr proto() == 'tcp' || do() || bufsize() >= 512
  answer "{{ .Name }} TXT \"{{ .Var.x }}\" \"{{ .Group }}\""
}
template IN PTR vars.test {
  match ^(?P<who>.*)[.]vars
  expr "incidr(group('who'), '10.0.0.0/8') or incidr(group(1), '2001:db8::/33') or incidr('10.1.1.1', group('who'))"
  answer "{{ .Name }} PTR {{ .Group.who }}"
  fallthrough
}
template IN SRV vars.test {
  expr 1
  answer "{{ .Name }} TXT never"
}""",
    "no record": r"""
template IN A bad.test {
  match ^(?P<x>[^.]*)[.]
  answer "{{ .Name }} A {{ .Group.x }}"
}
template IN AAAA bad.test {
  answer "{{ .Name }} {{ .Nope }}"
}
template IN MX bad.test {
  answer "{{ .Name }} {{ index .Match 5 }}"
}
template IN TXT bad.test {
  answer " {{ .Name }} TXT begins-with-a-blank"
}
template IN SRV bad.test {
  answer "$TTL x"
}
template IN NS bad.test {
  answer "{{ .Name }} NS ns" "{{ .Name }} 5x NS ns"
}""",
}  # fmt: skip

# Records as people write them, one a line: N is the name, / the end of a line, \t a tab. Those that are none are SERVFAIL in both.
RECORDS = r"""
N TXT a
N IN TXT a b "c d"
N 5 TXT a;comment
N IN 6 TXT a
N 6 IN TXT a
N 1h30m IN TXT x
N 1h30 TXT x
N TXT ( a/b )
/N TXT lines
N CLASS1 TXT q
n in txt q
N in 5 txt q
relative CNAME other
@ NS @
N MX 5 @
N TXT @
N TYPE1 \# 4 0a000001
N A \# 4 0a000001
N A \# 4 0a0000
N TYPE65280 \# 0
N TYPE65280 \# 2 abcd
N TXT {{ range 50 }}aaaaaaaaaa{{ end }}
N TXT "{{ range 60 }}aaaaaaaaaa{{ end }}"
N TXT "" "\010\""
N CAA 0 issue "ca.example"
N SRV 1 2 3 a.b
N HTTPS 1 . alpn=h2
N SVCB 1 a ipv4hint=1.2.3.4
N AAAA ::ffff:1.2.3.4
N AAAA 2001:DB8::1
N AAAA 1.2.3.4
N A ::1
N A 010.0.0.1
N A 1.2.3.4 x
N A 1.2.3.4 ; x
N A  1.2.3.4
N  A  1.2.3.4  
N\tA\t1.2.3.4
N
;x
 N A 1.2.3.4
N 60 60 A 1.2.3.4
N IN IN A 1.2.3.4
N 5x A 1.2.3.4
N NOPE 1.2.3.4
N A (1.2.3.4
N A 1.2.3.4)
N TXT "x
$TTL 5
$ORIGIN x.
N CNAME a..b
N CNAME {{ range 30 }}0123456789.{{ end }}
N MX x y
N MX 70000 y
N SOA a. b. 1 2 3 4 5
N SOA a. b. (1 1h 1m 1d 1w)
N SOA a. b. 1h 2 3 4 5
N SOA a. b. 1 2 3 4
N A 1.2.3.4/N A 1.2.3.5
N 4294967295 A 1.2.3.4
N 2147483648 A 1.2.3.4
N 99999999999 A 1.2.3.4
N PTR a.b
N NS a
N DNAME a
N NAPTR 1 2 "s" "SIP+D2U" "" a
N HINFO a b
N SPF x
N DS 1 8 1 0123456789abcdef0123456789abcdef01234567
N TLSA 3 1 1 {{ printf `%064d` 1 }}
N SSHFP 1 1 {{ printf `%040d` 1 }}
N LOC 51 30 12.748 N 0 7 39.612 W 0.00m
N URI 10 1 "https://a.b"
N RP a b
N AFSDB 1 a
N KX 1 a
a\.b.N TXT x
\097.N TXT x
*.N TXT x
{{ .Zone }} TXT x
<no value> A 1.2.3.4
N CH TXT x
N HS TXT x
N NONE TXT x
N IN ANY x
N TXT a\;b \(c\)
N TXT a b ( c "d e" ) f
N A ( 1.2.3.4 ) ; end
"""


def in_a_corefile(record):
    record = record.replace("N", "{{ .Name }}", 1).replace('"', '\\"').replace("\\t", "\t")
    return record if "//" in record else record.replace("/", "\n")


def one_of_each():
    records = RECORDS.strip("\n").split("\n")
    zones = [f'template IN ANY r{i}.test {{\n  answer "{in_a_corefile(record)}"\n}}' for i, record in enumerate(records)]
    return records, "\n".join(zones)


NAMES = ["web.ip-10-1-2-3.example", "ip-10-1-2-300.example", "IP-10-1-2-3.Example", "ip0a7b7cff.example", "other.example", "example", "3.2.1.10.in-addr.arpa",
         "x.in-addr.arpa", "a.invalid", "invalid", "x.example.com.dc1.example.com", "www.example.com", "a.www.example.com", "example.com",
         "a.b.c.d.internal.cloudapp.net", "vm.x.internal.cloudapp.net", "reddog.microsoft.com", "foogle.com", "x.foogle.com", "two.test", "refused.test",
         "a.failed.test", "badsig.test", "notimpl.test", "ab.info.test", "ab-17.info.test", "aB-99999.info.test", "1.info.test",
         "10-1-2-3.abcd.example.com", "8-8-8-8.abcd.example.com", "10-1-2-333.abcd.example.com", "abc.vars.test", "abc-7.vars.test", "abc-8.vars.test",
         "abc-700.vars.test", "x-100.a.vars.test", "1.vars.test", "10.1.2.3.vars.test", "11.1.2.3.vars.test", "10.0.0.0/8.vars.test", "2001:db8::1.vars.test",
         "2001:db8:8000::1.vars.test", "::ffff:10.1.1.1.vars.test", "10.bad.test", "1.2.3.4.bad.test", "x.bad.test", "."]  # fmt: skip
TYPES = ["A", "AAAA", "MX", "PTR", "TXT", "SRV", "NS", "CNAME", "ANY", "SOA"]


@pytest.fixture
def pair(tmp_path):
    started = []

    def start_pair(text, more=""):
        corefile = f".:{PORT} {{\n    bind {{address}}\n    errors\n{more}{text}\n}}\n"
        started.extend(start(name, program, tmp_path, corefile) for name, program in PROGRAMS)
        return started[-2:]

    yield start_pair
    for server in started:
        server.process.stop()
        assert "Sanitizer" not in server.process.log_text(), server.process.log_tail(60)


@pytest.mark.parametrize("templates", TEMPLATES)
def test_answers_are_the_same(pair, templates):
    theirs, ours = pair(TEMPLATES[templates])
    asked = [(name, rdtype) for name in NAMES for rdtype in TYPES]
    said = {ask(theirs, *question).rcode for question in asked if templates != "no record"}
    assert templates == "no record" or said - {"SERVFAIL"}, "nothing is answered: there is nothing to compare"
    wrong = [line for how in ({}, {"tcp": True}, {"edns": None}) for line in compared(theirs, ours, asked, f"template {templates}", **how)]
    if wrong:
        pytest.fail(f"{len(wrong)} differences:\n" + "\n".join(wrong[:40]), pytrace=False)


def test_records_are_read_alike(pair):
    records, templates = one_of_each()
    theirs, ours = pair(templates)
    wrong = []
    for i, record in enumerate(records):
        wrong += [f"{record!r}: {line}" for line in compared(theirs, ours, [(f"r{i}.test", "MX")], "template record", tcp=True)]
    if wrong:
        pytest.fail(f"{len(wrong)} differences:\n" + "\n".join(wrong), pytrace=False)


FAILING = r"""
template ANY ANY one.test {
  answer "{{ .Name }} A {{ .Nope }}"
}
template IN A two.test {
  match ^(?P<n>[0-9]+)[.] ^(?P<m>[a-z]+)[.]
  answer "{{ .Name }} A {{ index .Match 1 }}"
  additional "{{ if .Group.n }}{{ slice .Name 99 }}{{ else }}{{ printf `%d` .Group.m }}{{ end }}"
  fallthrough
}
template IN TXT three.test {
  answer "{{ define `t` }}{{ parseInt . 10 8 }}{{ end }}{{ .Name }} TXT {{ template `t` .Class }}"
}
"""


def counted(server):
    """What is counted of templates, without the server's own address."""
    with urllib.request.urlopen(f"http://{server.address}:9153/metrics", timeout=5) as page:
        lines = [line for line in page.read().decode().splitlines() if line.startswith("coredns_template_")]
    return sorted(line.replace(server.address, "ADDRESS") for line in lines)


def test_failures_are_told_and_counted_alike(pair):
    """Where a template fails, in Go's words; where its output is no record, the words are each server's own."""
    theirs, ours = pair(FAILING, more="    prometheus {address}:9153\n")
    for name, rdtype in (("a.one.test.", "A"), ("a.one.test.", "HTTPS"), ("a.one.test.", "TYPE65000"), ("1.two.test.", "A"), ("a.two.test.", "A"),
                         ("-.two.test.", "A"), ("a.three.test.", "TXT"), ("10.two.test.", "A")):  # fmt: skip
        for server in (theirs, ours):
            ask(server, name, rdtype)
    wait_for("both have logged", lambda: all(len(s.log("three.test")) >= 1 for s in (theirs, ours)), 10)
    told = [sorted(s.log("template: ")) for s in (theirs, ours)]
    assert told[0] == told[1] and len(told[0]) >= 4
    assert counted(theirs) == counted(ours) and len(counted(ours)) >= 8


BAD = [
    "template", "template IN", "template XX A", "template IN XX", "template in A", "template IN a", "template IN TYPE1",
    "template IN A {\n match\n}", "template IN A {\n match (\n}", "template IN A {\n match a b[\n}", "template IN A {\n match *\n}",
    "template IN A {\n answer\n}", "template IN A {\n rcode\n}", "template IN A {\n rcode NOPE\n}", "template IN A {\n rcode NXDOMAIN x\n}",
    "template IN A {\n rcode BADVERS\n}", "template IN A {\n ederror\n}", "template IN A {\n ederror x\n}", "template IN A {\n ederror 65536\n}",
    "template IN A {\n ederror -1 x\n}", "template IN A {\n ederror 1 2 3\n}", "template IN A {\n nope\n}", "template IN A {\n zones x\n}",
    *(f"template IN A {{\n {option}\n}}" for option in (
        "var", "var x", "var 1x 1", "var x-y 1", "var len 1", "var name 1", "var in 1", "var true 1", "var type 1", "var x 1\n var x 2", "var x y",
        "var x 1 +", "var x 'a' + 1", "var x nofunc()", "expr", "expr 1 +", "expr x", "expr name() == 1", "expr incidr('a')", "expr incidr('a', 1)",
        "expr name() matches '('", "expr \"any(1, # > 0)\"", "expr y\n var y true", "expr 'a' in 'b'", "expr not 1", "expr len()", "expr toUpper('a')")),
    *(f'template IN A {{\n {section} "{text}"\n}}' for section, text in (
        ("answer", "{{"), ("answer", "{{ .Name "), ("answer", "{{ nope }}"), ("authority", "{{ end }}"), ("additional", "{{ if .Name }}x"),
        ("answer", "{{ range .Match }}{{ else }}{{ else }}{{ end }}"), ("answer", "{{ $x }}"), ("answer", "{{ .Name | 3 }}"),
        ("answer", "{{ break }}"), ("answer", "{{ template }}"), ("answer", "{{ `a }}"), ("answer", "{{ .Name }} {{ \u201cx\u201d }}"),
        ("answer", "{{ 1.2.3 }}"), ("answer", "{{ (print 1 }}"), ("answer", "{{ /* x }}"), ("answer", "{{ .Name.+ }}"))),
]  # fmt: skip


def test_bad_directives_are_refused_in_the_same_words(tmp_path):
    wrong = []
    for directive in BAD:
        text = f".:{PORT} {{\nbind {loopback()}\n{directive}\nwhoami\n}}\n"
        theirs, ours = (re.sub(r"^\S*Corefile:\d+ - Error during parsing: ", "", said or "nothing")
                        for said in refusal(tmp_path / "Corefile", text, "template"))
        if theirs != ours:
            wrong.append(f"{directive!r}:\n  {theirs}\n  {ours}")
    assert not wrong, "\n".join(wrong)
