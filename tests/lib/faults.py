"""Forwarders over each kind of exchange, and upstreams that have an address for every name: for tests of faults."""

import collections
import concurrent.futures
import itertools
import time

import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from forwarder import Forwarder, addresses

# Kinds of exchange, by the lines of `forward` that choose them.
EXCHANGES = {"libunbound": [], "direct": ["exchange direct"]}

BLOCK = ".:{port} {\n    prometheus {metrics}\n%s    forward . %s {\n%s\n    }\n}\n"
RTT = 0.02


def prepared(upstream):
    """Every name has the same address, after a round trip."""
    reply, address = upstream.reply, dns.rdata.from_text("IN", "A", "10.0.0.1")

    def any_name(query):
        name = query.question[0].name
        if name not in upstream.records:
            upstream.records[name] = {dns.rdatatype.A: dns.rrset.from_rdata(name, 300, address)}
        return reply(query)

    upstream.reply = any_name
    upstream.behave("*", delay=RTT)
    return upstream


def forwarding(exchange, upstreams, *options, before="", **more):
    to = " ".join(u.address for u in upstreams)
    return Forwarder(BLOCK % (before, to, "\n".join("        " + o for o in [*exchange, *options])), **more)


Found = collections.namedtuple("Found", "at took answer")
fresh = itertools.count()


def ask_fresh(server, **more):
    """A name that nobody has asked for."""
    begun = time.monotonic()
    answer = server.ask(f"n{next(fresh)}.example.org", **more)
    return Found(begun, time.monotonic() - begun, answer)


def ask_for(server, seconds, rate=60):
    """Fresh names, so many a second, each asked without waiting for the others."""
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        begun, asked = time.monotonic(), []
        while time.monotonic() < begun + seconds:
            asked.append(pool.submit(ask_fresh, server))
            time.sleep(max(0.0, begun + len(asked) / rate - time.monotonic()))
        return [a.result() for a in asked]


def ask_all(server, count, at_once=40, **more):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: ask_fresh(server, **more), range(count)))


def good(found):
    return [f for f in found if f.answer.rcode() == dns.rcode.NOERROR and addresses(f.answer) == ["10.0.0.1"]]


def percentile(found, share):
    return sorted(f.took for f in found)[int(len(found) * share)]
