"""errors, log, debug, bufsize, hosts, loadbalance, reload and whoami in a running server."""

import collections
import os
import re
import subprocess
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from forwarder import BIN, Forwarder, addresses, free_port, ttls

METRICS = " prometheus {metrics}\n"


def block(text):
    return ".:{port} {\n" + METRICS + text + "\n}\n"


def records(answer, section="answer"):
    return [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {r}" for rrset in getattr(answer, section) for r in rrset]


# ---- whoami ----


def test_whoami_tells_the_client_its_address_port_and_protocol():
    with Forwarder(block("whoami")) as s:
        for tcp, proto in ((False, "udp"), (True, "tcp")):
            answer = s.ask("Www.example.org", "MX", tcp=tcp)
            assert answer.flags & dns.flags.AA and answer.answer == []
            extra = records(answer, "additional")
            assert extra[0] == "Www.example.org. A 127.0.0.1"
            assert re.fullmatch(rf"_{proto}\.Www\.example\.org\. SRV 0 0 \d+ \.", extra[1])
            assert ttls(answer) == {0}


# ---- log ----

LINE = re.compile(
    r'\[INFO\] 127\.0\.0\.1:\d+ - (\d+) "(\S+) (\S+) (\S+) (udp|tcp) (\d+) (true|false) (\d+)" (\S+) (\S+) (\d+) (\d+\.\d+|\d+)s'
)


def raw_size(answer):
    """Octets without compression and OPT, which is what CoreDNS logs."""
    size = 12 + len(answer.question[0].name.to_wire()) + 4
    for rrset in answer.answer + answer.authority + answer.additional:
        size += sum(len(rrset.name.to_wire()) + 10 + len(rdata.to_wire()) for rdata in rrset)
    return size


def test_log_writes_coredns_line():
    with Forwarder(block("log\nwhoami")) as s:
        query = dns.message.make_query("wWw.Example.org", "AAAA", use_edns=0, payload=1400, want_dnssec=True)
        answer = s.send(query)
        s.wait(lambda: LINE.search(s.log()), "a line")
        fields = LINE.search(s.log()).groups()
        assert fields[:10] == (str(query.id), "AAAA", "IN", "www.example.org.", "udp", str(len(query.to_wire())), "true",
                               "1400", "NOERROR", "qr,aa,rd")
        assert int(fields[10]) == raw_size(answer)
        assert 0 < float(fields[11]) < 5
        s.ask("www.example.org", tcp=True)
        s.wait(lambda: len(LINE.findall(s.log())) == 2, "a second line")
        assert LINE.findall(s.log())[1][4:8:3] == ("tcp", "65535")


def test_log_formats_names_and_classes():
    text = block(
        """log example.org "{name} {rcode} {>opcode} {/label} {nothing}"
        log . {
            class denial error
        }
        hosts nowhere {
            10.0.0.1 a.test
            fallthrough example.org
        }
        whoami"""
    )
    with Forwarder(text) as s:
        s.ask("b.example.org")
        s.ask("a.test")
        assert s.ask("c.test").rcode() == dns.rcode.SERVFAIL
        s.wait_log("SERVFAIL")
        lines = [line for line in s.log().splitlines() if line.startswith("[INFO] ")]
        assert lines[0] == "[INFO] b.example.org. NOERROR 0 - {nothing}"
        assert " c.test. " in lines[1] and len(lines) == 2


def test_a_reader_that_stops_reading_the_log_costs_lines_and_no_answers():
    port, metrics = free_port(), free_port()
    text = f".:{port} {{\n log\n whoami\n prometheus 127.0.0.1:{metrics}\n}}\n"
    with Forwarder(text) as s:
        s.stop()
        process = subprocess.Popen([os.path.join(BIN, "seamark"), "-conf", s.path, "-sync=external", "-workers=1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            while not process.stdout.readline().startswith(b"Seamark-"):
                pass
            process.stdout.readline()
            s.port, s.metrics_port, s.process = port, metrics, process
            name = ".".join(["a" * 60] * 4)
            for _ in range(800):  # 320 bytes a line: more than a pipe and the buffer of a worker hold
                assert s.ask(name, timeout=5).rcode() == 0
            assert s.metric("seamark_log_dropped_lines_total") > 0
            assert s.metric("coredns_dns_requests_total") == 800
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        lines = [line for line in out.decode().splitlines() if '"A IN ' in line]
        assert 150 < len(lines) < 800
        assert all(LINE.fullmatch(line) for line in lines)  # none is cut or mixed


# ---- errors ----


def test_errors_tells_what_found_no_answer():
    with Forwarder(block("errors")) as s:
        assert s.ask("A.example.org", "AAAA").rcode() == dns.rcode.SERVFAIL
        s.wait_log(r"^\[ERROR\] plugin/errors: 2 a\.example\.org\. AAAA: plugin/errors: no next plugin found$")


def test_errors_are_consolidated():
    with Forwarder(block('errors {\n consolidate 500ms "no next" warning show_first\n}')) as s:
        for _ in range(5):
            s.ask("a.example.org")
        s.wait_log(r"^\[WARNING\] plugin/errors: 5 errors like 'no next' occurred in last 500ms$", 5)
        assert s.log().count("a.example.org. A:") == 1


# ---- bufsize, loadbalance, hosts ----


def many_addresses(n):
    return "hosts nowhere {\n" + "\n".join(f"10.0.{i // 250}.{i % 250 + 1} many.test" for i in range(n)) + "\n}"


def test_bufsize_lowers_what_a_client_announces():
    with Forwarder(block("bufsize 600\n" + many_addresses(100))) as s:
        answer = s.ask("many.test", use_edns=0, payload=4096)
        assert answer.flags & dns.flags.TC and len(answer.to_wire()) <= 600
        assert answer.payload == 600
        assert len(addresses(s.ask("many.test", tcp=True))) == 100
        assert len(s.ask("many.test").to_wire()) <= 512
    with Forwarder(block(many_addresses(100))) as s:
        assert len(addresses(s.ask("many.test", use_edns=0, payload=4096))) == 100


def test_loadbalance_puts_every_address_first_as_often():
    for text, alike in ((many_addresses(4), False), ("loadbalance\n" + many_addresses(4), True)):
        with Forwarder(block(text)) as s:
            first = collections.Counter(s.ask("many.test").to_text().split(" IN A ")[1].split()[0] for _ in range(400))
            assert (len(first) == 4 and min(first.values()) > 60) == alike


def test_hosts_follows_its_file():
    text = block("hosts {folder}/hosts {\n ttl 7\n reload 100ms\n fallthrough\n}\nwhoami")
    with Forwarder(text, files={"hosts": "10.0.0.1 a.test\n10.0.0.9 *.wild.test\n"}) as s:
        answer = s.ask("a.test")
        assert addresses(answer) == ["10.0.0.1"] and ttls(answer) == {7} and answer.flags & dns.flags.AA
        assert addresses(s.ask("any.wild.test")) == ["10.0.0.9"]
        assert s.ask("a.test", "AAAA").answer == []
        assert records(s.ask("1.0.0.10.in-addr.arpa", "PTR")) == ["1.0.0.10.in-addr.arpa. PTR a.test."]
        assert s.ask("b.test").additional  # fell through to whoami
        path = os.path.join(s.folder.name, "hosts")
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write("10.0.0.2 a.test b.test\n")
        os.rename(path + ".new", path)
        s.wait(lambda: addresses(s.ask("b.test")) == ["10.0.0.2"], "the new file")
        assert addresses(s.ask("a.test")) == ["10.0.0.2"]
        assert s.metric("coredns_hosts_entries", hostsfile=path) == 4
        assert s.metric("coredns_hosts_reload_timestamp_seconds") == pytest.approx(os.stat(path).st_mtime, abs=1e-3)
        os.unlink(path)
        time.sleep(0.3)
        assert addresses(s.ask("a.test")) == ["10.0.0.2"]


# ---- debug and reload ----


def test_debug_lines_are_shown_with_debug_alone():
    text = "hosts {folder}/hosts\nwhoami"
    for more, shown in (("debug\n", True), ("", False)):
        with Forwarder(block(more + text), files={"hosts": "10.0.0.1 a\n"}) as s:
            s.ask("a")
            assert ("[DEBUG] plugin/hosts: " in s.log()) == shown


def test_reload_takes_a_changed_corefile_and_survives_a_bad_one():
    text = block("reload 2s 0\nhosts nowhere {\n10.0.0.1 a.test\n}")
    with Forwarder(text) as s:
        s.wait_log("plugin/reload: Running configuration hash = ")
        assert s.metric("coredns_reload_version_info") == 1
        s.write(text.replace("10.0.0.1", "10.0.0.2"))
        s.wait(lambda: addresses(s.ask("a.test")) == ["10.0.0.2"], "the changed Corefile")
        s.write(text.replace("hosts nowhere", "hosts nowhere {"))
        s.wait_log(r"^\[WARNING\] plugin/reload: Corefile parse failed: .*Corefile:\d+ - ")
        s.write(text.replace("10.0.0.1 a.test", "ttl never"))
        s.wait_log(r"^\[ERROR\] plugin/reload: Corefile changed but reload failed: .*Corefile:5 - plugin/hosts: ")
        assert s.metric("coredns_reload_failed_total") == 2
        assert addresses(s.ask("a.test")) == ["10.0.0.2"]
        s.write(text.replace("10.0.0.1", "10.0.0.3").replace("reload 2s 0\n", ""))
        s.wait(lambda: addresses(s.ask("a.test")) == ["10.0.0.3"], "the Corefile without reload")
        s.write(text.replace("10.0.0.1", "10.0.0.4"))
        time.sleep(2.5)
        assert addresses(s.ask("a.test")) == ["10.0.0.3"]
        assert s.metric("coredns_dns_requests_total", type="A") > 5  # counters have gone on


# ---- what is not built, what is unknown ----


@pytest.mark.parametrize(
    "lines, words",
    [
        ("prometheus {\n tls file\n}", "plugin/prometheus: "),
        ("prometheus {\n runtime_metrics\n}", "plugin/prometheus: "),
        ("loadbalance weighted file", "plugin/loadbalance: the policy \"weighted\" is not supported"),
        ("loadbalance {\n prefer 10.0.0.0/8\n}", "plugin/loadbalance: "),
        ("health {\n unknown\n}", "unknown property 'unknown'"),
        ("ready {\n monitor now\n}", "until-ready or continuously"),
        ("log {\n class good\n}", "success, denial, error or all"),
        ("errors file.log", "invalid log file"),
        ("hosts {\n word\n}", "unknown property 'word'"),
        ("bufsize 100", "512 to 4096"),
        ("reload 1s", "2s"),
        ("whoami now", "no arguments"),
        ("debug on", "no arguments"),
    ],
)
def test_the_check_names_file_line_and_plugin(tmp_path, lines, words):
    path = tmp_path / "Corefile"
    path.write_text(".:5300 {\n" + lines + "\n}\n", encoding="ascii")
    done = subprocess.run([os.path.join(BIN, "seamark"), "-conf", str(path), "-check"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    line = 2 if "\n" not in lines else 3
    assert f"{path}:{line} - plugin/" in done.stdout + done.stderr
    assert words in done.stdout + done.stderr
