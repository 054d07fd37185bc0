"""The API server goes away and comes back; Seamark is killed meanwhile. It answers all along, from disk if need be."""

import os
import signal
import time

import pytest

import world
from process import wait_for
from question import ask
from workload import endpoint, external_name, headless, namespace, port, service, slice_

NS = "lasting"
HTTP = port(80, "http")
FIRST_ANSWER_SECONDS = 1
CATCH_UP_SECONDS = 40  # reconnecting backs off: long enough for its longest pause


def full_name(name):
    return f"{name}.{NS}.svc.{world.ZONE}"


QUESTIONS = [
    (full_name("web"), "A"), (full_name("web"), "SRV"), ("_http._tcp." + full_name("web"), "SRV"),
    (full_name("db"), "A"), ("one." + full_name("db"), "A"), ("1.1.247.10.in-addr.arpa.", "PTR"),
    (full_name("out"), "A"), (full_name("missing"), "A"), (world.ZONE, "SOA"), ("www.example.", "A"),
    ("10-1-2-3.lasting.pod." + world.ZONE, "A"),
]


@pytest.fixture(scope="module")
def api(cluster):
    admin = cluster.admin
    for obj in (namespace(NS), service(NS, "web", [HTTP]), headless(NS, "db", [HTTP]),
                slice_(NS, "db-1", "db", [endpoint("10.247.1.1", hostname="one"), endpoint("10.247.1.2")], [HTTP]),
                external_name(NS, "out", "www.example"), service(NS, "goes", [HTTP])):
        admin.create(obj)
    return admin


@pytest.fixture
def ours(start_ours, api):
    server = start_ours("none")  # without a cache, so that each answer is what the server knows now
    wait_for("the last Service to be answered", lambda: ask(server, full_name("goes")).addresses(), 10)
    yield server
    server.kill()


@pytest.fixture
def api_down(cluster, ours):
    """A switch: call it to kill the API server. It runs again, at the latest, when the test is over."""
    yield cluster.apiserver.kill
    bring_back(cluster)


def bring_back(cluster):
    if not cluster.apiserver.alive():
        cluster.start_api()


def all_answers(server):
    return {question: ask(server, *question) for question in QUESTIONS}


def assert_all_answered(server, before):
    now = all_answers(server)
    assert {q: (a.rcode, a.answer.keys()) for q, a in now.items()} == \
           {q: (a.rcode, a.answer.keys()) for q, a in before.items()}


def start_and_time(server):
    """Seconds from the start of the process to the first right answer."""
    started = time.monotonic()
    server.start()
    wait_for("an answer", lambda: ask(server, full_name("web"), timeout=0.1).addresses(), 10, pause=0.005)
    return time.monotonic() - started


def assert_in_step(api, server, name):
    """A Service that is made now is answered, and it goes when it is deleted."""
    made = api.create(service(NS, name, [HTTP]))
    wait_for(f"{name} to be answered", lambda: ask(server, full_name(name)).addresses(), CATCH_UP_SECONDS)
    api.delete(made)
    wait_for(f"{name} to be gone", lambda: ask(server, full_name(name)).rcode == "NXDOMAIN", CATCH_UP_SECONDS)


def test_goes_on_answering_without_the_api_server(cluster, api, ours, api_down):
    before = all_answers(ours)
    api_down()
    for _ in range(6):
        assert_all_answered(ours, before)
        time.sleep(0.5)
    assert ours.process.alive()
    bring_back(cluster)
    assert_in_step(api, ours, "after-outage")


@pytest.mark.parametrize("whom", ["both processes", "the server alone"])
def test_answers_from_disk_when_started_without_the_api_server(whom, cluster, api, ours, api_down, standing_in):
    if standing_in:
        pytest.skip("another program stands in for Seamark, and it is blank here")
    before = all_answers(ours)
    api_down()
    if whom == "both processes":
        ours.kill()
    else:
        os.kill(ours.process.pid, signal.SIGKILL)
        ours.process.child.wait()
    seconds = start_and_time(ours)
    assert_all_answered(ours, before)
    assert seconds < FIRST_ANSWER_SECONDS
    bring_back(cluster)
    assert_in_step(api, ours, "after-restart")
    assert ours.process.alive()


def test_catches_up_with_what_it_missed(api, ours):
    """Killed, the cluster changed meanwhile, started: what is on disk is corrected."""
    ours.kill()
    api.delete(service(NS, "goes"))
    came = api.create(service(NS, "came", [HTTP]))
    ours.start()
    wait_for("the new Service", lambda: ask(ours, full_name("came")).addresses() == {came["spec"]["clusterIP"]}, 20)
    wait_for("the deleted one gone", lambda: ask(ours, full_name("goes")).rcode == "NXDOMAIN", 5)
    api.delete(came)
    api.create(service(NS, "goes", [HTTP]))


def test_sync_daemon_killed(api, ours, standing_in):
    """The server starts it again; nothing is unanswered meanwhile."""
    if standing_in:
        pytest.skip("another program stands in for Seamark")
    before = all_answers(ours)
    with open(f"/proc/{ours.process.pid}/task/{ours.process.pid}/children", encoding="ascii") as children:
        (sync,) = children.read().split()
    os.kill(int(sync), signal.SIGKILL)
    assert_all_answered(ours, before)
    assert_in_step(api, ours, "after-sync")


def test_failure_is_said_where_there_never_was_a_zone(cluster, start_ours, api_down, standing_in):
    """As CoreDNS before its first synchronisation: SERVFAIL, neither an empty answer nor NXDOMAIN."""
    server = start_ours("none")
    server.kill()
    if not standing_in:
        for name in os.listdir(server.zones):
            os.unlink(os.path.join(server.zones, name))
    api_down()
    server.start()
    wait_for("an answer", lambda: ask(server, full_name("web"), timeout=0.1).rcode != "no answer", 10)
    assert ask(server, full_name("web")).rcode == "SERVFAIL"
    assert not server.is_ready()
    assert ask(server, "www.example.").rcode == "NOERROR"
    bring_back(cluster)
    wait_for("the zone", lambda: ask(server, full_name("web")).addresses(), CATCH_UP_SECONDS)
    server.kill()
