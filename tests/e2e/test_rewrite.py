"""rewrite in both servers: the same rules, the same upstream, the same questions; no cluster is needed.

Answers are compared section by section, log lines and what upstreams are sent to the octet, and bad rules by their error.
"""

import dataclasses
import itertools
import os
import random
import re
import socket
import sys

import dns.edns
import dns.message
import dns.query
import pytest

from process import loopback, wait_for
from question import ask
from side_by_side import PORT, PROGRAMS, compared, refusal, start

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from upstream import Upstream  # noqa: E402 (tests/lib is not on the path by itself)

RECORDS = [
    ("a.new.example", "A", "10.0.0.1", "10.0.0.2"),
    ("a.new.example", "AAAA", "2001:db8::1"),
    ("b.new.example", "CNAME", "a.new.example."),
    ("c.new.example", "CNAME", "b.new.example."),
    ("new.example", "NS", "ns.new.example."),
    ("new.example", "SOA", "ns.new.example. root.new.example. 1 2 3 4 5"),
    ("mail.new.example", "MX", "10 a.new.example.", "20 elsewhere.example."),
    ("_x._tcp.new.example", "SRV", "1 2 3 a.new.example.", "1 2 4 b.new.example."),
    ("naptr.new.example", "NAPTR", '1 2 "s" "SIP+D2U" "" _x._tcp.new.example.'),
    ("dname.new.example", "DNAME", "a.new.example."),
    ("text.new.example", "TXT", '"a.new.example."'),
    ("1.0.0.10.in-addr.arpa", "PTR", "a.new.example."),
    ("app.example", "CNAME", "app.mid.example."),
    ("app.mid.example", "CNAME", "app.cdn.example."),
    ("app.cdn.example", "A", "20.0.0.1"),
    ("app.other.example", "A", "30.0.0.1"),
    ("x.other.example", "CNAME", "app.other.example."),
    ("x.example", "CNAME", "x.cdn.example."),
]

FIELDS = [f"{name}.{zone}" for zone in ("old.example", "new.example", "q") for name in ("a", "b", "c", "mail", "_x._tcp", "none")]
MORE = ["old.example", "new.example", "naptr.old.example", "dname.old.example", "text.old.example", "1.0.0.10.in-addr.arpa",
        "A.Old.Example", "a-new.q", "b-new.q", "zz", ".", "app.example", "x.example", "broken.example", "a.one",
        "b.one", "badfoo", "aaa.bbb.aaa.", "host.x.example", "ip-10-0-0-1.q"]  # fmt: skip
TYPES = ["A", "AAAA", "MX", "SRV", "PTR", "NAPTR", "TXT", "CNAME", "DNAME", "NS", "SOA"]

RULES = {
    "exact": ["name old.example a.new.example", "name exact A.Old.Example c.new.example"],
    "exact with values": ["name exact b.old.example c.new.example answer value (.*)\\.new\\.example\\. {1}.v.example."],
    "suffix": ["name suffix .old.example .new.example"],
    "suffix auto": ["name suffix .old.example .new.example answer auto"],
    "suffix auto and value": ["name suffix .old.example. .new.example. answer auto value (.*)\\.old\\. {1}.w."],
    "suffix of a part of a label": ["name suffix ld.example ew.example answer auto"],
    "prefix": ["name prefix a. c.", "name prefix b.old.example. b.new.example. answer auto"],
    "substring": ["name substring old.example new.example", "name substring aaa.bbb. ccc."],
    "substring auto": ["name substring .old. .new. answer auto", "name substring old.example new.example answer auto"],
    "regex": [r"name regex (.*)-(new)\.q\.$ {1}.{2}.example", r"name regex ^(\w+)\.one\.$ {1}.new.example. answer auto"],
    "regex name and value": [r"name regex (.*)\.(old)\.example {1}.new.example answer name (.*)\.new\.example {1}.old.example "
                             r"answer value (.*)\.new\.example {1}.value.example"],
    "several values": [r"name regex (.*)\.old\.example {1}.new.example answer value (.*)\.v2\.example {1}.v3.example "
                       r"value (.*)\.new\.example {1}.v2.example name ^a.(.*)\.example z.{1}.example"],
    "groups": [r"name regex ^ip-(\d+)-(\d+)-(\d+)-(\d+)\.q\.$ {4}.{3}.{2}.{1}.in-addr.arpa.",
               r"name regex ^(a)(x)?\.(old)\.(.*)$ {1}{2}.new.{4} answer auto"],
    "continue": ["continue name suffix .one .two answer auto", "continue name suffix .two .new.example answer auto",
                 "ttl suffix new.example. 5"],
    "stop": ["name suffix .one .two", "name suffix .two .new.example"],
    "block": ["stop {\n name regex (.*)-(new)\\.q {1}.{2}.example\n answer name (.*)\\.(new)\\.example {1}-{2}.q\n}",
              "continue {\n ttl regex .* 7\n}"],
    "no name": [r"name regex ^bad(.*)\. {1}..x.", "name suffix .old.example " + ".".join(["x" * 60] * 4)],
    "to no name": [r"name prefix zz. a.new.example.", r"name regex ^(a)\.q {1}.new.example answer name (.*)new(.*) {1}new..{2}"],
    "type": ["type ANY A", "type mx a"],
    "type and name": ["continue type TXT A", "name suffix .old.example .new.example answer auto"],
    "ttl": ["ttl a.new.example 30-200", "ttl suffix old.example. 5", "ttl prefix b.new.example. 400-", "ttl regex ^c -9"],
    "rcode": ["continue rcode suffix old.example. NXDOMAIN NOERROR", "continue rcode regex broken SERVFAIL REFUSED",
              "rcode exact zz 3 5"],
    "cname": ["cname suffix .cdn.example. .other.example."],
    "cname exact": ["cname app.cdn.example app.other.example"],
    "cname regex": [r"cname regex (.*)\.cdn\.(.*) {1}.other.{2}"],
    "cname to nothing": ["cname substring cdn nowhere"],
    "cname and others": ["continue ttl regex .* 9", "continue name suffix .old.example .new.example answer auto",
                         "cname exact b.new.example. app.other.example."],
    "metadata": [r"name regex ^(a)\.q\.$ {1}.{none/such}.example. metadata answer auto", r"name regex ^(a)\.q\.$ {1}.new.example."],
}  # fmt: skip


@pytest.fixture
def up():
    with Upstream() as upstream:
        for name, rdtype, *rdata in RECORDS:
            upstream.add(name, rdtype, *rdata)
        upstream.behave("broken.example", rcode="SERVFAIL")
        yield upstream


@pytest.fixture
def pair(tmp_path, up):
    started = []

    def start_pair(rules, more=""):
        lines = "\n".join(f"    rewrite {rule}" for rule in rules)
        text = f".:{PORT} {{\n    bind {{address}}\n    errors\n    log\n{lines}\n{more}\n    forward . {up.address}\n}}\n"
        for name, program in PROGRAMS:
            started.append(start(name, program, tmp_path, text))
        return started[-2:]

    yield start_pair
    for server in started:
        server.process.stop()
        assert "Sanitizer" not in server.process.log_text(), server.process.log_tail(60)


def everything():
    return [(name, rdtype) for name in FIELDS + MORE for rdtype in TYPES]


@pytest.mark.parametrize("rules", RULES)
def test_answers_are_the_same(pair, rules):
    theirs, ours = pair(RULES[rules])
    asked = everything() + ([("a.new.example", "ANY"), ("b.old.example", "ANY")] if rules == "type" else [])
    wrong = compared(theirs, ours, asked, f"rewrite {rules}")
    if wrong:
        pytest.fail(f"{len(wrong)} differences:\n" + "\n".join(wrong[:30]), pytrace=False)


def plain(lines):
    """Log lines without what is chance: ports, ids, durations."""
    return [re.sub(r" [\d.]+s$", "", re.sub(r"127\.0\.\d+\.\d+:\d+ - \d+|127\.\d+\.\d+\.\d+:\d+ - \d+", "CLIENT", line)) for line in lines]


def test_log_tells_the_same(pair):
    rules = ["continue type TXT A", "continue ttl regex .* 7", r"name regex ^bad(.*)\. {1}..x.",
             "name suffix .old.example .new.example answer auto"]  # fmt: skip
    theirs, ours = pair(rules)
    for name, rdtype in (("A.Old.example.", "TXT"), ("b.old.example.", "A"), ("badfoo.", "A"), ("zz.", "TXT"), ("a.new.example.", "AAAA")):
        for server in (theirs, ours):
            ask(server, name, rdtype, edns=None)
    wait_for("both have logged", lambda: all(len(s.log(r'"A+ IN')) >= 5 for s in (theirs, ours)), 10)
    lines = [sorted(plain(s.log(r"zz|badfoo|example\."))) for s in (theirs, ours)]
    assert [x for x in lines[0] if "ready.test" not in x] == [x for x in lines[1] if "ready.test" not in x]


BAD = """
name | continue | stop | mist a b | answer name a b | class in | class in xyz | type any mx1 | type a b c | name a
name blah a b | name regex a(b c | name exact a b( | name regex (a) {1}.{2} | name suffix a b answer
name suffix a b auto x | name suffix a b answer auto answer | name suffix a b answer blah | name suffix a b answer name x
name suffix a b answer value | name suffix a b answer name ( x | name suffix a b answer auto name a b
name suffix a b answer name x {1} | name exact a b metadata | name regex (a) {2} metadata | name regex (a) {x} metadata
name regex (a) b} metadata | name regex (a) {b/c metadata | name regex (a) {-1} metadata | ttl a | ttl a - | ttl a 5-4
ttl a 4294967296 | ttl a 1-2-3 | ttl exact a 5 6 | ttl blah a 5 | ttl regex ( 5 | rcode a 2 | rcode a 24 0 | rcode a 2 NOPE
rcode blah a 2 3 | rcode a b 2 3 4 | rcode regex ( 2 3 | cname a | cname exact a b c | cname Blah a b | cname regex a( b
edns0 local | edns0 local Blah 1 2 | edns0 Blah set 1 2 | edns0 local set 1 | edns0 local set 0xzz abcd
edns0 local set 65536 abcd | edns0 local set 1 0xag | edns0 local set 1 0xabc | edns0 local set 1 {nothing}
edns0 local unset | edns0 nsid unset 1 | edns0 subnet unset 1 | edns0 nsid set 1 | edns0 subnet set 24
edns0 subnet set 33 56 | edns0 subnet set 24 129 | edns0 subnet set x 1 | edns0 blah unset
""".replace("\n", " | ")


def test_bad_rules_are_refused_in_the_same_words(tmp_path):
    wrong = []
    for rule in filter(None, (r.strip() for r in BAD.split(" | "))):
        said = refusal(tmp_path / "Corefile", f".:{PORT} {{\n    bind {loopback()}\n    rewrite {rule}\n    whoami\n}}\n", "rewrite")
        if said[0] != said[1] or said[0] is None:
            wrong.append(f"{rule}: {said[0]} -> {said[1]}")
    assert not wrong, "\n".join(wrong)


OPTIONS = {
    "local": ["edns0 local set 0xffee 0x61626364"],
    "several": ["continue edns0 local set 65001 text", "continue edns0 local append 65002 more", "edns0 local replace 65003 other"],
    "variables": [f"continue edns0 local set {65001 + i} {{{v}}}"
                  for i, v in enumerate(["qname", "qtype", "client_ip", "protocol", "server_ip", "server_port"])],
    "no label": ["edns0 local set 65001 {no/label}"],
    "nsid": ["edns0 nsid set"],
    "subnet": ["edns0 subnet set 20 56"],
    "unset": ["continue edns0 local unset 65001", "edns0 local set 65002 x"],
    "revert": ["continue edns0 local set 65001 abcd", "edns0 local replace 65001 bcde revert"],
    "after a name": ["continue name suffix .old.example .new.example answer auto", "edns0 local set 65001 {qname}"],
}  # fmt: skip


def sent(up, since):
    """What the upstream got of the options that the rules are about, by question: [(name, {code: data})]."""
    return [(str(q.name).lower(), {int(o.otype): o.to_wire() for o in q.message.options if int(o.otype) in (3, 8) or int(o.otype) > 65000})
            for q in up.names()[since:] if str(q.name) != "ready.test."]


@pytest.mark.parametrize("rules", OPTIONS)
def test_upstreams_get_the_same_options(pair, up, rules):
    """With the cache between, as it mostly is: without it CoreDNS hands the upstream's own OPT to the client."""
    theirs, ours = pair(OPTIONS[rules], more="    cache 30")
    got = []
    for server in (theirs, ours):
        since = len(up.names())
        said = []
        for name, mine in (("a.old.example.", []), ("a.new.example.", []), ("b.new.example.", [(65001, b"mine"), (65003, b"too")]),
                           ("mail.new.example.", [(65001, b"a"), (65001, b"b")])):
            options = [dns.edns.GenericOption(code, data) for code, data in mine]
            query = dns.message.make_query(name, "A", use_edns=0, options=options)
            answer = dns.query.udp(query, server.address, port=PORT, timeout=3)
            said.append((name, answer.rcode(), sorted((int(o.otype), o.to_wire()) for o in answer.options
                                                           if o.to_wire() != socket.inet_aton(server.address))))
        # libunbound asks for a target once more by itself; what is sent with options is not its business
        got.append(([x for x in sent(up, since) if x[1]], said))
    theirs_sent, ours_sent = got[0][0], got[1][0]
    for (name, mine), (their_name, their_options) in zip(ours_sent, theirs_sent, strict=True):
        assert name == their_name
        expected = {code: data for code, data in their_options.items() if code in codes_of(OPTIONS[rules])}
        if rules == "variables":
            expected[65005] = mine[65005]  # each has an address of its own
        assert mine == expected
    assert got[0][1] == got[1][1]


def codes_of(rules):
    words = [rule.removeprefix("continue ").split() for rule in rules]
    return {3 if w[1] == "nsid" else 8 if w[1] == "subnet" else int(w[3], 0) for w in words if w[0] == "edns0"}


# ---- rules and names at random ----

SEEDS = [int(s) for s in os.environ.get("E2E_REWRITE_SEEDS", "1").split(",")]
BLOCKS = 30
NAMES = [".".join(labels) + "." for n in (1, 2, 3) for labels in itertools.product(("a", "b", "cc"), repeat=n)]


def random_world(rng, up):
    """Every name has an address, leads on to a later one, or has a mail server, or nothing."""
    for i, name in enumerate(NAMES):
        later = rng.choice(NAMES[i + 1 :] or NAMES[-1:])
        kind = rng.choice(["A", "A", "CNAME", "MX", "SRV", None]) if later != name else "A"
        data = {"A": f"10.0.0.{i}", "CNAME": later, "MX": f"10 {later}", "SRV": f"1 2 3 {later}"}.get(kind)
        if kind:
            up.add(name, kind, data, ttl=100 + i)


def random_rule(rng, last):
    name = lambda: rng.choice(NAMES).rstrip(".")
    part = lambda: rng.choice(["a", "b.", ".a", "a.b", ".cc", "cc.", "b.cc", "."])
    regex = lambda: rng.choice([r"(.*)\.(a|b)\.$ {2}.{1}.", r"^(\w+)\.(.*)$ {2}{1}", r"(cc) {1}.b", r"^(a)?(.*)$ b.{2}", r"(.*)b(.*) {1}a{2}"])
    action = rng.choice(["continue ", "stop ", ""])
    match = lambda: rng.choice([f"exact {name()}", f"prefix {part()}", f"suffix {part()}", f"substring {part()}", r"regex " + rng.choice([".*", r"^a", r"b\.$", "cc"])])
    field = rng.choice(["name", "name", "name", "ttl", "rcode", "type"] + (["cname"] if last else []))
    if field == "ttl":
        return f"{action}ttl {match()} {rng.choice(['5', '110-120', '-105', '130-'])}"
    if field == "rcode":
        return f"{action}rcode {match()} {rng.choice(['NXDOMAIN NOERROR', 'NOERROR REFUSED', '0 3'])}"
    if field == "type":
        return f"{action}type {rng.choice(['MX A', 'A MX', 'TXT SRV'])}"
    if field == "cname":
        return f"cname exact {name()} {NAMES[-1]}"
    kind = rng.choice(["exact", "prefix", "suffix", "substring", "regex"])
    rule = f"{action}name {kind} " + (regex() if kind == "regex" else f"{name()} {name()}" if kind == "exact" else f"{part()} {part()}")
    answers = rng.choice(["", "", " answer auto", " answer auto", f" answer value {regex()}", f" answer name {regex()}"])
    return rule + ("" if kind == "exact" and "name" in answers else answers)


@pytest.mark.parametrize("seed", SEEDS)
def test_rules_at_random(tmp_path, seed):
    print("seed", seed)
    rng = random.Random(seed)
    lists = []
    while len(lists) < BLOCKS:
        rules = [random_rule(rng, False) for _ in range(rng.randint(1, 4))]
        lists.append(rules + ([random_rule(rng, True)] if rng.random() < 0.3 else []))
    asked = [(name, rdtype) for name in NAMES for rdtype in ("A", "MX", "TXT")]
    with Upstream() as up:
        random_world(rng, up)
        text = f".:{PORT} {{\n    bind {{address}}\n    whoami\n}}\n"  # it says that the server is there
        text += "".join(f".:{PORT + 1 + i} {{\n    bind {{address}}\n" + "".join(f"    rewrite {rule}\n" for rule in rules) +
                       f"    forward . {up.address}\n}}\n" for i, rules in enumerate(lists))
        servers = [start(name, program, tmp_path, text) for name, program in PROGRAMS]
        wrong = []
        for i, rules in enumerate(lists):
            theirs, ours = (dataclasses.replace(server, port=PORT + 1 + i) for server in servers)
            lines = compared(theirs, ours, rng.sample(asked, 40), "rewrite to no name")
            wrong += [f"{line}    with {rules}" for line in lines]
        for server in servers:
            server.process.stop()
    if wrong:
        pytest.fail(f"seed {seed}: {len(wrong)} differences:\n" + "\n".join(wrong[:40]), pytrace=False)
