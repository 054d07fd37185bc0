"""autopath: one question in place of a walk through the search list."""

import os
import re
import urllib.request

import dns.rcode
import pytest

import own_resolv_conf
import zonetext
from seamark import Seamark, addresses, free_port
from upstream import Upstream

COREFILE = """
.:{port} {
    bind {address}
    prometheus {address}:METRICS
    errors
    autopath SOURCE
    hosts {
        10.9.9.9 fixed.shop.svc.cluster.local
        fallthrough
    }
    kubernetes cluster.local {
        objects {folder}/objects
    }
    forward . UPSTREAM
}
"""
RECORDS = [
    "web.shop.svc A 10.96.1.1",
    "db.prod.svc A 10.96.1.2",
    "a.db.prod.svc A 10.244.0.1",
    "six.prod.svc AAAA 2001:db8::1",
    "out.shop.svc CNAME www.example.org.",
    "empty.svc TYPE65280 \\# 0",
]


class Autopath(Seamark):
    """`search`: what the host's own resolv.conf searches."""

    def __init__(self, source, up, search=None, files=None, records=RECORDS):
        self.metrics = free_port("127.0.0.1")
        self.host_list = None
        super().__init__(COREFILE.replace("SOURCE", source).replace("UPSTREAM", up.address)
                         .replace("METRICS", str(self.metrics)), files=files)
        if search is not None:
            self.write("resolv.conf", f"nameserver 127.0.0.1\nsearch {search}\n")
            self.host_list = self.path("resolv.conf")
        zonetext.put_zone(self.zones, records, 7, zonetext.identity(self.path("objects")))

    def command(self, *flags):
        command = super().command(*flags)
        return command if self.host_list is None else own_resolv_conf.command(self.host_list, command)

    def found(self):
        with urllib.request.urlopen(f"http://{self.address}:{self.metrics}/metrics", timeout=5) as page:
            values = re.findall(r'^coredns_autopath_success_total\{server="dns://[^"]*"\} (\d+)$', page.read().decode(),
                                re.MULTILINE)
        return int(values[0]) if values else 0


def text(answer):
    """The rcode and the answer section, in its order."""
    return [dns.rcode.to_text(answer.rcode()), *(r.to_text() for r in answer.answer)]


@pytest.fixture(name="up")
def upstream():
    with Upstream() as up:
        up.add("www.example.org", "A", "192.0.2.1", ttl=77)
        up.add("six.example.org", "AAAA", "2001:db8::2", ttl=77)
        up.add("alias.example.org", "CNAME", "www.example.org.", ttl=66)
        up.add("host.corp.example", "A", "192.0.2.3", ttl=55)
        up.add("two.words.corp.example", "A", "192.0.2.4", ttl=55)
        yield up


needs_mounts = pytest.mark.skipif(not own_resolv_conf.allowed(), reason="no mount namespaces here")


def test_one_question_finds_a_name_of_the_outside(up):
    with Autopath("@names", up) as server:
        up.forget()
        answer = server.ask("Www.example.org.shop.svc.cluster.local")
        assert text(answer) == ["NOERROR",
                                "Www.example.org.shop.svc.cluster.local. 77 IN CNAME Www.example.org.",
                                "Www.example.org. 77 IN A 192.0.2.1"]
        assert [str(q.name) for q in up.names()] == ["www.example.org."]  # nothing of the cluster goes out
        assert server.found() == 1


def test_the_other_family_and_other_types(up):
    with Autopath("@names", up) as server:
        answer = server.ask("www.example.org.shop.svc.cluster.local", "AAAA")
        assert text(answer) == ["NOERROR"] and answer.authority  # without data, and without a CNAME: as in CoreDNS
        assert server.found() == 1
        assert text(server.ask("six.example.org.shop.svc.cluster.local", "AAAA"))[2].endswith("2001:db8::2")
        up.add("mail.example.org", "MX", "10 mx.example.org.")
        assert len(text(server.ask("mail.example.org.shop.svc.cluster.local", "MX"))) == 3


def test_what_nobody_has_is_denied_for_the_name_that_was_asked(up):
    with Autopath("@names", up) as server:
        answer = server.ask("no.example.org.shop.svc.cluster.local")
        assert text(answer) == ["NXDOMAIN"]
        assert answer.authority[0].to_text().startswith("cluster.local. 30 IN SOA")
        assert server.found() == 0


def test_an_alias_is_followed_by_one_more(up):
    with Autopath("@names", up) as server:
        answer = server.ask("alias.example.org.shop.svc.cluster.local", "CNAME")
        assert [line.split(".shop")[0].split(" ")[0] for line in text(answer)] == [
            "NOERROR", "alias.example.org", "alias.example.org."]


@pytest.mark.parametrize("name, expected", [
    ("web.shop.svc.cluster.local", "10.96.1.1"),              # found at once
    ("a.db.prod.shop.svc.cluster.local", "10.244.0.1"),       # by svc.ZONE
    ("db.prod.shop.svc.cluster.local", "10.96.1.2"),
    ("db.prod.svc.shop.svc.cluster.local", "10.96.1.2"),      # by ZONE
    ("db.prod.svc.cluster.local.shop.svc.cluster.local", "10.96.1.2"),  # by itself
    ("fixed.shop.svc.cluster.local", "10.9.9.9"),             # the plugins below all have their say
    ("out.shop.svc.cluster.local", "192.0.2.1"),
    ("www.example.org.empty.svc.cluster.local", "192.0.2.1"),  # a namespace without Services
])
def test_names_of_the_cluster(up, name, expected):
    with Autopath("@names", up) as server:
        answer = server.ask(name)
        assert addresses(answer) == [expected]
        assert len({rrset.name for rrset in answer.answer}) == len(answer.answer)  # no CNAME twice


@pytest.mark.parametrize("name", [
    "example.shop.svc.cluster.local",               # one label: a Service
    "www.web.shop.svc.cluster.local",               # below a Service
    "_http._tcp.web.shop.svc.cluster.local",
    "www.example.org.nobody.svc.cluster.local",     # no such namespace
    "www.example.org.svc.cluster.local",
    "www.example.org.shop.pod.cluster.local",
    "www.example.org.cluster.local",
    "shop.svc.cluster.local",
])
def test_names_that_are_somebody_elses_are_left_alone(up, name):
    up.add("example", "A", "192.0.2.9")
    up.add("www.web", "A", "192.0.2.9")
    with Autopath("@names", up) as server:
        up.forget()
        answer = server.ask(name)
        assert not answer.answer and answer.authority[0].name.to_text() == "cluster.local."
        assert not up.names()


def test_the_domain_itself_is_a_question_like_others(up):
    """CoreDNS answers SERVFAIL."""
    with Autopath("{folder}/list", up, files={"list": "search shop.svc.cluster.local svc.cluster.local"}) as server:
        assert text(server.ask("shop.svc.cluster.local")) == ["NOERROR"]


def test_no_data_does_not_end_the_search_but_data_of_the_other_family_does(up):
    files = {"list": "search shop.svc.cluster.local prod.svc.cluster.local svc.cluster.local cluster.local"}
    records = [*RECORDS, "six.shop.svc TYPE65280 \\# 0", "web.prod.svc AAAA 2001:db8::3"]
    with Autopath("{folder}/list", up, files=files, records=records) as server:
        assert addresses(server.ask("six.shop.svc.cluster.local", "AAAA")) == ["2001:db8::1"]
        answer = server.ask("web.shop.svc.cluster.local", "AAAA")
        assert text(answer) == ["NOERROR"] and answer.authority


def test_no_data_is_the_answer_where_nothing_better_comes(up):
    files = {"list": "search shop.svc.cluster.local prod.svc.cluster.local"}
    records = [*RECORDS, "void.prod.svc TYPE65280 \\# 0"]
    with Autopath("{folder}/list", up, files=files, records=records) as server:
        for rdtype in ("A", "AAAA", "TXT"):
            answer = server.ask("void.shop.svc.cluster.local", rdtype)
            assert text(answer) == ["NOERROR"] and answer.authority


def test_an_error_ends_the_search(up):
    up.behave("www.web.svc.test", rcode="SERVFAIL")
    up.add("www.web", "A", "192.0.2.9")
    files = {"list": "search shop.svc.test svc.test"}
    with Autopath("{folder}/list", up, files=files) as server:
        assert text(server.ask("www.web.shop.svc.test")) == ["SERVFAIL"]
        assert not up.count("www.web")


@needs_mounts
def test_the_hosts_own_list_comes_before_the_bare_name(up):
    with Autopath("@names", up, search="corp.example") as server:
        up.add("two.words", "A", "192.0.2.9")
        up.forget()
        assert text(server.ask("two.words.shop.svc.cluster.local")) == [
            "NOERROR", "two.words.shop.svc.cluster.local. 55 IN CNAME two.words.corp.example.",
            "two.words.corp.example. 55 IN A 192.0.2.4"]
        assert not up.count("two.words")
        server.ask("www.example.org.shop.svc.cluster.local")
        assert [str(q.name) for q in up.names()][1:] == ["www.example.org.corp.example.", "www.example.org."]


def test_a_name_too_long_for_a_domain_of_the_list_leaves_the_bare_one(up):
    long = ".".join(["a" * 63] * 3)
    files = {"list": f"search shop.svc.cluster.local {'b' * 60}.{'c' * 60} corp.example"}
    up.add(long, "A", "192.0.2.7")
    up.add(long + ".corp.example", "A", "192.0.2.8")
    with Autopath("{folder}/list", up, files=files) as server:
        assert addresses(server.ask(f"{long}.shop.svc.cluster.local")) == ["192.0.2.7"]


def test_zones_limit_it(up):
    files = {"list": "search shop.svc.cluster.local"}
    with Autopath("prod.svc.cluster.local {folder}/list", up, files=files) as server:
        assert text(server.ask("www.example.org.shop.svc.cluster.local")) == ["NXDOMAIN"]
    with Autopath("cluster.local {folder}/list", up, files=files) as server:
        assert addresses(server.ask("www.example.org.shop.svc.cluster.local")) == ["192.0.2.1"]


def test_a_search_that_comes_back_to_its_own_block():
    """The stages of the first block are passed twice; what they noted of the client's question is what its answer gets."""
    blocks = """
a.test:{port} {
    bind {address}
    rewrite ttl regex .* 77
    autopath {folder}/list-a
    template IN A a.test {
        match ^x[.]a[.]test[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.1"
        fallthrough
    }
    template IN A a.test {
        rcode NXDOMAIN
    }
}
b.test:{port} {
    bind {address}
    autopath {folder}/list-b
    template IN A b.test {
        rcode NXDOMAIN
    }
}
.:{port} {
    bind {address}
    whoami
}
"""
    with Seamark(blocks, files={"list-a": "search s.a.test b.test", "list-b": "search b.test a.test"}) as server:
        assert text(server.ask("x.s.a.test")) == [
            "NOERROR", "x.s.a.test. 77 IN CNAME x.b.test.", "x.b.test. 77 IN CNAME x.a.test.", "x.a.test. 77 IN A 192.0.2.1"]


@pytest.mark.parametrize("line, error", [
    ("autopath", "plugin/autopath: no resolv-conf specified"),
    ("autopath /no/such/file", 'plugin/autopath: failed to parse "/no/such/file": open /no/such/file: no such file'),
    ("autopath kubernetes", 'plugin/autopath: failed to parse "kubernetes": open kubernetes: no such file'),
    ('autopath ""', 'plugin/autopath: failed to parse "": open : no such file'),
    ("autopath @forward", "plugin/autopath: forward does not implement the AutoPather interface"),
    ("autopath @names", "plugin/autopath: @names needs a kubernetes block beside it"),
    ("autopath @names {\n x\n }", "plugin/autopath: expected no block"),
])
def test_what_is_wrong_is_said_with_its_line(line, error):
    server = Seamark(f"example.org:{{port}} {{\n {line}\n forward . 127.0.0.1\n}}")
    done = server.check()
    assert done.returncode == 1 and "Corefile:2 - " + error in done.stderr + done.stdout
    server.cleanup()


def test_a_plugin_that_is_not_there_searches_for_nothing(up):
    """As in CoreDNS, which says nothing about it."""
    server = Seamark(". {\n autopath @kubernetes\n whoami\n}\n")
    done = server.check()
    assert done.returncode == 0 and "nothing is searched for: there is no kubernetes in this block" in done.stderr + done.stdout
    server.cleanup()


def test_many_at_once(up):
    """Searches of many clients do not mix."""
    names = [f"n{i}.example.org" for i in range(200)]
    for i, name in enumerate(names):
        up.add(name, "A", f"198.51.100.{i}")
    with Autopath("@names", up) as server:
        import concurrent.futures  # pylint: disable=import-outside-toplevel
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n: server.ask(f"{n}.shop.svc.cluster.local"), names))
        for i, answer in enumerate(answers):
            assert addresses(answer) == [f"198.51.100.{i}"]
        assert server.found() == 200
        assert os.path.exists(f"/proc/{server.process.pid}")
