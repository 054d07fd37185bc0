"""forward: how long a question waits, whom it waits for, and how many an upstream gets."""

import concurrent.futures
import contextlib
import itertools
import time

import dns.edns
import dns.rcode
import pytest
from forwarder import Forwarder, addresses, free_port, refusal
from udp_counters import udp_counter
from upstream import Upstream

COREFILE = ".:{port} {\n    errors\n    prometheus {metrics}\n%s    forward . %s {\n%s\n    }\n}\n"
fresh = itertools.count()


@pytest.fixture(name="ups")
def three_upstreams():
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(Upstream()) for _ in range(3)]
        for i, upstream in enumerate(found):
            upstream.answer_all(f"10.0.0.{i + 1}")
        yield found


def forwarding(ups, *options, before=""):
    to = " ".join(u.address for u in ups)
    return Forwarder(COREFILE % (before, to, "\n".join("        " + o for o in options)))


def ask(server, **more):
    begun = time.monotonic()
    answer = server.ask(f"n{next(fresh)}.example.org", **more)
    return answer, time.monotonic() - begun


def ask_all(server, count, at_once=50, **more):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: ask(server, **more), range(count)))


def asked(up):
    """Times of questions that were not health checks."""
    return sorted(q.at for q in up.names() if len(q.name.labels) > 1)


# ---- deadline ----


def test_the_deadline_is_the_clients_patience(ups):
    ups[0].silent = ups[1].silent = True
    with forwarding(ups[:2], "deadline 700ms") as server:
        answer, took = ask(server, use_edns=0)
        assert answer.rcode() == dns.rcode.SERVFAIL and 0.65 < took < 1.2
        assert [o.code for o in answer.options if o.otype == dns.edns.EDE] == [22]
    with forwarding(ups[:1], "deadline 7s", "max_connect_attempts 0") as server:
        ups[0].behave("*", delay=0)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            found = pool.submit(ask, server, timeout=9)
            time.sleep(5.2)
            ups[0].silent = False
            answer, took = found.result()
            assert addresses(answer) == ["10.0.0.1"] and 5 < took < 7


def test_an_upstream_that_refuses_is_not_asked_in_a_tight_loop():
    to = f"127.0.0.1:{free_port()}"
    for exchange in ([], ["exchange direct"]):
        options = "\n".join("        " + o for o in [*exchange, "deadline 1500ms", "max_connect_attempts 1000000"])
        with Forwarder(COREFILE % ("", to, options)) as server:
            before = udp_counter("NoPorts")
            answer, took = ask(server)
            assert answer.rcode() == dns.rcode.SERVFAIL and took < 2
            # Five tries, of at most four packets each, and health checks.
            assert udp_counter("NoPorts") - before < 60


# ---- hedge ----


def test_a_late_question_is_put_to_the_next_as_well(ups):
    ups[0].behave("*", delay=1.0)
    with forwarding(ups[:2], "policy sequential", "hedge 50ms") as server:
        for _ in range(4):
            answer, took = ask(server)
            assert addresses(answer) == ["10.0.0.2"] and 0.045 < took < 0.5
        assert server.metric("seamark_forward_hedges_total") == 4
    ups[0].behave("*", delay=0)
    with forwarding(ups[:2], "policy sequential", "hedge 1s") as server:
        assert all(addresses(answer) == ["10.0.0.1"] for answer, _ in ask_all(server, 40))
        assert server.metric("seamark_forward_hedges_total") == 0


def test_hedging_by_what_is_usual_asks_few_twice(ups):
    ups[0].behave("*", delay=0.02)
    with forwarding(ups[:2], "policy sequential", "hedge") as server:
        ask_all(server, 200, 10)
        ups[1].forget()
        ask_all(server, 200, 10)
        assert len(asked(ups[1])) < 60  # a twentieth, and what this machine makes late
        ups[0].behave("*", delay=1.5)  # one that is late goes to the other
        before = next(fresh)
        assert max(took for _, took in ask_all(server, 20, 20)) < 1.0
        late = {int(q.name.labels[0][1:]) for q in ups[1].names() if len(q.name.labels) > 1}
        assert {number for number in late if number > before} == set(range(before + 1, before + 21))


# ---- policy fastest ----


def test_the_fastest_gets_the_questions_and_the_others_are_measured(ups):
    for up, delay in zip(ups, (0.06, 0.03, 0.002)):
        up.behave("*", delay=delay)
    with forwarding(ups, "policy fastest") as server:
        ask_all(server, 60, 4)
        for up in ups:
            up.forget()
        ask_all(server, 200, 4)
        counts = [len(asked(up)) for up in ups]
        assert counts[2] > 150
        assert 0 < counts[0] + counts[1] < 40
        ups[2].behave("*", delay=0.15)  # it has become slow, and another the fastest
        ups[0].behave("*", delay=0.001)
        for _ in range(12):
            ups[0].forget()
            ask_all(server, 150, 8)
            if len(asked(ups[0])) > 105:
                break
        assert len(asked(ups[0])) > 105


def test_the_fastest_that_goes_away_is_left(ups):
    ups[0].behave("*", delay=0.03)
    with forwarding(ups[:2], "policy fastest") as server:
        ask_all(server, 40, 4)
        ups[1].silent = True
        time.sleep(0.1)
        ask_all(server, 20, 20)
        time.sleep(1)
        for _ in range(5):
            answer, took = ask(server)
            assert addresses(answer) == ["10.0.0.1"] and took < 0.4


# ---- max_qps ----


def most_in_a_second(times):
    return max(len([t for t in times if begun <= t < begun + 1]) for begun in times)


def test_an_upstream_gets_no_more_than_its_budget(ups):
    with forwarding(ups[:1], "max_qps 40") as server:
        found = ask_all(server, 120, 120)
        good = [took for answer, took in found if addresses(answer) == ["10.0.0.1"]]
        # A second's questions wait for their turn; what is over that is told so at once.
        assert 30 <= len(good) <= 70 and max(good) < 1.5
        refused = [(answer, took) for answer, took in found if answer.rcode() == dns.rcode.SERVFAIL]
        assert len(refused) == 120 - len(good) and max(took for _, took in refused) < 1
        server.wait_log("max_qps of the upstreams is spent")
        time.sleep(0.3)
        ask_all(server, 60, 20)
        assert most_in_a_second(asked(ups[0])) <= 40 + 2  # measured when they came, not when they were sent


def test_what_is_over_the_budget_goes_to_the_others(ups):
    with forwarding(ups[:2], "policy sequential", "max_qps 50") as server:
        found = ask_all(server, 80, 80)
        assert all(addresses(answer) for answer, _ in found)
        names = [{q.name for q in up.names() if len(q.name.labels) > 1} for up in ups[:2]]
        assert len(names[0] | names[1]) == 80 and min(map(len, names)) > 20
        # Who is late on a busy machine is asked again, or the other one in its place: within the budget too.
        assert all(most_in_a_second(asked(up)) <= 50 + 2 for up in ups[:2])


def test_stale_answers_are_given_when_the_budget_is_spent(ups):
    cache = "    cache {\n        success 9984 1 1\n        serve_stale 1h verify\n    }\n"
    with forwarding(ups[:1], "max_qps 2", before=cache) as server:
        assert addresses(server.ask("kept.example.org")) == ["10.0.0.1"]
        time.sleep(1.6)
        ask_all(server, 12, 12)  # who spends it
        begun = time.monotonic()
        assert addresses(server.ask("kept.example.org")) == ["10.0.0.1"]
        assert time.monotonic() - begun < 1.5


# ---- the directive ----


@pytest.mark.parametrize(
    "option, complaint",
    [
        ("hedge soon", "expected a duration"),
        ("hedge 1s 2s", "hedge"),
        ("max_qps", "max_qps"),
        ("max_qps 0", "expected a number"),
        ("deadline 0s", "expected a duration"),
    ],
)
def test_an_option_that_cannot_be_served_is_an_error_with_its_line(tmp_path, option, complaint):
    said = refusal(tmp_path, f"forward . 10.0.0.1 {{\n        {option}\n    }}")
    assert complaint in said and "plugin/forward:" in said
