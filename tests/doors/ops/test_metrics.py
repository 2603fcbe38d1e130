"""The metrics: every figure of the documents is there, and moves with the thing that it counts."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_chat import __version__
from twisted_chat.core.errors import NotKept
from twisted_chat.core.events import SAID, Event, Lines
from twisted_chat.core.limits import Limits
from twisted_chat.core.traffic import LIMITS
from twisted_chat.doors.http.callers import EACH
from twisted_chat.doors.http.guard import Guard
from twisted_chat.doors.ops.metrics import TICK_SECONDS, MetricsPremises, Scales
from twisted_chat.doors.program_talk import LONGER
from twisted_chat.doors.table import DOORS

from ...in_memory import Door, Transport
from ...processes import SCRIPTS, free_port, run, wait_until
from ...requests.test_program_door import Program
from ...web import Answer, Browser, Talk, WebPeer
from ..http.test_health import ask

ADDRESS = IPv4Address("TCP", "127.0.0.1", 1)
DOCS = (Path(__file__).parents[3] / "docs/operate.rst").read_text()


class Measured:
    """A server in memory and its metrics endpoint."""

    def __init__(self, door):
        self.door = door
        self.scales = Scales(door.clock)
        self.factory = MetricsPremises(self.scales, door.premises, Guard(["chat.example"]), __version__)

    def ask(self, path="/metrics", **headers):
        """Return the answer to one request."""
        fields = {"Host": "localhost", "Connection": "close"} | headers
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return Answer(self.send("\r\n".join(lines).encode()))

    def connect(self):
        """Return a connection, and the transport that it writes to."""
        transport = Transport(peerAddress=ADDRESS)
        connection = self.factory.listener.buildProtocol(ADDRESS)
        connection.makeConnection(transport)
        return connection, transport

    def send(self, data):
        """Return all that comes when some bytes are sent on a connection of their own."""
        connection, transport = self.connect()
        connection.dataReceived(data)
        self.door.settle()
        connection.connectionLost(Failure(ConnectionDone()))
        return transport.value()

    def __getitem__(self, name):
        """Return what a sample is now, by its name and labels as they are written."""
        return samples(self.ask().text)[name]


def samples(text, parse=classic):
    """Return all samples of an exposition, by name with labels."""
    found = {}
    for family in parse(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.fixture
def measured(door):
    return Measured(door)


# -- the endpoint


def test_it_is_what_prometheus_reads(measured):
    answer = measured.ask()
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "# TYPE twisted_chat_members gauge\n" in answer.text


def test_openmetrics_is_sent_to_clients_that_accept_it(measured):
    answer = measured.ask(Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert samples(answer.text, openmetrics)["twisted_chat_members"] == 0


def test_an_undecodable_accept_header_gets_the_usual_format(measured):
    answer = Answer(measured.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: \xc3\xa9\r\n\r\n"))
    assert answer.status == 200
    assert "twisted_chat_rooms" in answer.text


def test_health_is_there_too(measured):
    assert measured.ask("/healthz").text == "ok\n"


def test_nothing_else_is(measured):
    for path in ("/", "/rooms", "/ws"):
        answer = measured.ask(path)
        assert answer.status == 404
        assert answer.text == "there is nothing here: /metrics is for Prometheus, /healthz for health checks\n"


def test_a_head_has_no_body(measured):
    data = measured.send(b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert re.search(rb"\r\nContent-Length: [1-9]\d+\r\n", data)
    assert data.endswith(b"\r\n\r\n")


# -- who may ask, and how much


@pytest.mark.parametrize(
    "host", ["127.0.0.1:59090", "[::1]", "192.0.2.7", "localhost", "chat.example:1", "CHAT.example"]
)
def test_it_answers_under_the_names_of_this_server(measured, host):
    assert measured.ask(Host=host).status == 200


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/"])
def test_it_does_not_answer_under_a_name_that_others_can_point_here(measured, path):
    answer = measured.ask(path, Host="rebound.example")
    assert answer.status == 421
    assert "--web-name rebound.example" in answer.text


def test_a_request_names_one_host(measured):
    data = measured.send(b"GET /metrics HTTP/1.1\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 400 ")
    assert b"twisted_chat_" not in data


def test_its_answers_have_the_headers_of_the_web_door(measured):
    assert measured.ask().headers["X-Content-Type-Options"] == "nosniff"


def test_a_body_that_is_sent_is_refused_before_it_is_there(measured):
    for header in (b"Content-Length: 1000000", b"Transfer-Encoding: chunked"):
        chunk = b"x" * 1_000_000
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunk), chunk) if b"chunked" in header else chunk
        data = measured.send(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s" % (header, chunk))
        assert data.startswith(b"HTTP/1.1 413 ")
    data = measured.send(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
    assert data.startswith(b"HTTP/1.1 405 ")


def test_an_address_has_so_many_connections_beside_those_of_other_doors():
    door = Door(Limits(per_address=2, per_loopback=2, opened_at_once=100))
    measured = Measured(door)
    taken = [door.connect("127.0.0.1") for _ in range(2)]
    connections = [measured.connect() for _ in range(2 * EACH + 1)]
    assert [transport.disconnecting for _connection, transport in connections] == [True] + [False] * 2 * EACH
    assert measured.ask().status == 200
    for connection, _transport in connections:
        connection.connectionLost(Failure(ConnectionDone()))
    assert len(taken) == len(door.premises.connections)
    door.close()


@pytest.mark.parametrize("began", [b"", b"GET /metrics HTTP/1.1\r\nHost: loc"])
def test_an_unfinished_request_is_cut_off(measured, began):
    connection, transport = measured.connect()
    connection.dataReceived(began)
    measured.door.clock.advance(Limits.request_seconds - 0.1)
    assert not transport.aborted
    measured.door.clock.advance(0.2)
    assert transport.aborted
    connection.connectionLost(Failure(ConnectionDone()))


def test_a_client_that_reads_no_answers_is_cut_off(measured):
    connection, transport = measured.connect()
    transport.producer.pauseProducing()
    connection.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
    measured.door.clock.advance(Limits.stall_seconds)
    assert transport.aborted
    connection.connectionLost(Failure(ConnectionDone()))


def test_its_connections_end_with_the_server(measured):
    connection, transport = measured.connect()
    closed = measured.factory.close_all()
    assert transport.disconnecting
    connection.connectionLost(Failure(ConnectionDone()))
    assert closed.called


# -- what it tells


def test_connections_are_counted_by_door(measured, door):
    door.enter("alice")
    door.connect().send('{"do":"hello","id":"1","version":1,"alias":"rolf"}\n')
    found = samples(measured.ask().text)
    assert found["twisted_chat_connections{door=line}"] == 1
    assert found["twisted_chat_connections{door=program}"] == 1
    assert found["twisted_chat_connections{door=websocket}"] == 0
    assert found["twisted_chat_members"] == 2


def test_browsers_and_other_requests_are_counted_separately(measured, door):
    browser, other = Browser(door), WebPeer(door)
    before = measured["twisted_chat_received_bytes_total"]
    other.ask("GET", "/")
    assert measured["twisted_chat_received_bytes_total"] > before
    found = samples(measured.ask().text)
    assert found["twisted_chat_connections{door=websocket}"] == 1
    assert found["twisted_chat_connections{door=http}"] == 1
    assert found["twisted_chat_connections{door=stream}"] == 0
    stream = WebPeer(door)
    stream.connection.take_over(lambda: None, lambda: None)  # as what lasts does
    assert measured["twisted_chat_connections{door=stream}"] == 1
    talk = Talk(door)
    found = samples(measured.ask().text)
    assert found["twisted_chat_connections{door=talk}"] == 1
    assert found["twisted_chat_connections{door=stream}"] == 1
    for peer in (browser, other, stream, talk):
        peer.lose()
    found = samples(measured.ask().text)
    for kind in ("websocket", "http", "stream", "talk"):
        assert found[f"twisted_chat_connections{{door={kind}}}"] == 0


def test_a_program_that_is_away_does_not_count_as_a_slow_reader(measured, door):
    bot = door.connect().send('{"do":"hello","id":"1","version":1,"alias":"rolf","token":"0123456789abcdef"}\n')
    slow = door.enter("slow")
    bot.lose()
    assert (measured["twisted_chat_programs_away"], measured["twisted_chat_readers_behind"]) == (1, 0)
    slow.stops_reading()
    door.enter("carol")
    assert (measured["twisted_chat_programs_away"], measured["twisted_chat_readers_behind"]) == (1, 1)
    slow.reads_on()
    door.clock.advance(Limits.grace_seconds)
    door.settle()
    assert (measured["twisted_chat_programs_away"], measured["twisted_chat_readers_behind"]) == (0, 0)


def test_lines_are_counted_once_when_received_and_once_for_each_reader(measured, door):
    alice, _bob, _carol = door.enter("alice"), door.enter("bob"), door.enter("carol")
    before = samples(measured.ask().text)
    alice.send("one\ntwo\nthree\n")
    after = samples(measured.ask().text)
    grown = {name: after[name] - before[name] for name in after}
    assert grown["twisted_chat_lines_received_total"] == 3
    assert grown["twisted_chat_lines_sent_total"] == 9
    assert grown["twisted_chat_received_bytes_total"] == len("one\ntwo\nthree\n")
    assert grown["twisted_chat_sent_bytes_total"] == 3 * len("alice: one\nalice: two\nalice: three\n")


@pytest.mark.parametrize(("line", "heard"), [("/msg bob psst", 2), ("/all hello", 3), ("/me waves", 3)])
def test_a_line_of_any_kind_is_counted(measured, door, line, heard):
    alice, _bob, _carol = door.enter("alice"), door.enter("bob"), door.enter("carol")
    before = samples(measured.ask().text)
    alice.send(line + "\n")
    after = samples(measured.ask().text)
    assert after["twisted_chat_lines_received_total"] - before["twisted_chat_lines_received_total"] == 1
    assert after["twisted_chat_lines_sent_total"] - before["twisted_chat_lines_sent_total"] == heard


def test_a_slow_readers_events_are_counted_when_they_are_sent(measured, door):
    alice, slow = door.enter("alice"), door.enter("slow")
    slow.stops_reading()
    alice.send("the last that it is sent\n").read()
    before = measured["twisted_chat_lines_sent_total"]
    alice.send("one\ntwo\n")
    assert measured["twisted_chat_lines_sent_total"] - before == 2
    slow.reads_on()
    assert measured["twisted_chat_lines_sent_total"] - before == 4


def test_the_reactors_lag_is_measured_each_second(measured, door):
    measured.factory.listener.doStart()
    try:
        door.clock.advance(TICK_SECONDS)
        door.clock.advance(TICK_SECONDS + 0.2)
        assert measured["twisted_chat_reactor_lag_seconds_count"] == 2
        assert measured["twisted_chat_reactor_lag_seconds_sum"] == pytest.approx(0.2)
    finally:
        measured.factory.listener.doStop()
    assert not [call for call in door.clock.getDelayedCalls() if call.getTime() < door.clock.seconds() + 5]


def test_the_version_is_shown(measured):
    assert measured[f"twisted_chat_build_info{{version={__version__}}}"] == 1


# -- limits, each hit once and no sooner


def hits(measured):
    found = samples(measured.ask().text)
    return {name: count for name in LIMITS if (count := found[f"twisted_chat_limits_hit_total{{limit={name}}}"])}


@pytest.fixture
def strict():
    """A server with small limits, and its metrics."""
    limits = Limits(
        per_address=2,
        address_share=4,
        lines_at_once=3,
        aliases_at_once=2,
        max_line=100,
        stall_seconds=5,
        alias_seconds=5,
    )
    door = Door(limits)
    yield Measured(door)
    door.close()


def test_connections_that_are_too_many_are_counted(strict):
    for _ in range(2):
        strict.door.connect()
    assert hits(strict) == {}
    refused = strict.door.factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 9))
    assert hits(strict) == {"connections": 1}
    assert refused is not None


def test_floods_are_counted(strict):
    alice = strict.door.enter("alice")
    alice.send("x\n" * 2)
    assert hits(strict) == {}
    alice.send("x\n" * 2)
    assert hits(strict) == {"flood": 1}


def test_aliases_that_are_tried_too_often_are_counted(strict):
    nobody = strict.door.connect().send("-\n", "-\n")
    assert hits(strict) == {}
    nobody.send("-\n")
    assert hits(strict) == {"aliases": 1}


def says(text, ident="2"):
    """Return the request of a program."""
    return json.dumps({"do": "say", "id": ident, "room": "lobby", "text": text}) + "\n"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("x" * 100 + "\n", "x" * 101 + "\n"),
        (says("x" * 100), says("x" * 101, "3")),
        (says("x" * 100), "x" * (LONGER * 100 + 1) + "\n"),
    ],
    ids=["person", "program", "program's line"],
)
def test_lines_that_are_too_long_are_counted(strict, short, long):
    hello = '{"do":"hello","id":"1","version":1,"alias":"alice"}\n' if short[0] == "{" else "alice\n"
    alice = strict.door.connect().send(hello)
    alice.send(short)
    assert hits(strict) == {}
    alice.send(long)
    assert hits(strict) == {"line_too_long": 1}


def test_connections_without_an_alias_are_counted(strict):
    strict.door.connect()
    strict.door.clock.advance(4.9)
    assert hits(strict) == {}
    strict.door.clock.advance(0.1)
    assert hits(strict) == {"no_alias": 1}


def test_stalled_readers_are_counted(strict):
    alice = strict.door.enter("alice")
    alice.transport.producer.pauseProducing()
    strict.door.clock.advance(4.9)
    assert hits(strict) == {}
    strict.door.clock.advance(0.1)
    assert hits(strict) == {"stalled": 1}


def test_requests_that_are_too_large_are_counted(strict):
    most = strict.door.web.max_body
    WebPeer(strict.door).ask("POST", "/", b"x" * most)
    assert hits(strict) == {}
    assert WebPeer(strict.door).ask("POST", "/", b"x" * (most + 1)).status == 413
    assert hits(strict) == {"request_too_large": 1}


def test_browsers_have_the_same_limits_and_are_counted(strict):
    browser, _other = Browser(strict.door), Browser(strict.door)
    assert hits(strict) == {}
    assert "too many connections" in Browser(strict.door).read()
    assert hits(strict) == {"connections": 1}
    Program(strict.door, peer=browser).asks("hello", version=1, alias="a" * (LONGER * 100 + 1))
    assert hits(strict) == {"connections": 1, "line_too_long": 1}


# -- a real server


def scrape(port):
    """Return all samples of a server."""
    status, text = ask(port, "/metrics")
    assert status == 200
    return samples(text)


def documented():
    """Return the names of the table in the documents."""
    return set(re.findall(r"^``(twisted_chat_\w+)``", DOCS, re.MULTILINE))


def test_every_metric_of_the_documents_is_there_and_no_other(twistd):
    port = free_port()
    twistd("--metrics", f"tcp:{port}:interface=127.0.0.1")
    told = {re.sub(r"\{.*", "", name) for name in scrape(port) if not name.startswith("process_")}
    told = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in told}
    assert told == documented()
    assert scrape(port)["process_resident_memory_bytes"] > 1_000_000


def test_the_limits_and_doors_of_the_documents_are_there_and_no_other(door, measured):
    door.premises.kinds = tuple(kind for one in DOORS for kind in one.kinds)
    found = samples(measured.ask().text)
    for name, label in (("connections", "door"), ("limits_hit_total", "limit")):
        row = re.search(rf"^``twisted_chat_{name}``(.*\n(?: .*\n)*)", DOCS, re.MULTILINE)[1]
        told = {value for value in re.findall(r"``(\w+)``", row) if value != label}
        assert told == set(re.findall(rf"twisted_chat_{name}{{{label}=(\w+)}}", "\n".join(found)))


def test_in_a_small_chat_every_figure_moves(twistd):
    port = free_port()
    server = twistd("--metrics", f"tcp:{port}:interface=127.0.0.1")
    before = scrape(port)
    with server.connect("alice") as alice, server.connect("bob") as bob:
        alice.send("/join ops\nhello\n/to lobby hello\n")
        bob.read_until("alice: hello\n")
        alice.read_pong()
        now = scrape(port)
        changed = {name for name in now if now[name] != before.get(name)}
        for name in ("members", "rooms", "connections{door=line}"):
            assert f"twisted_chat_{name}" in changed
        for name in ("lines_received", "lines_sent", "received_bytes", "sent_bytes"):
            assert f"twisted_chat_{name}_total" in changed
        for name in ("commit", "delivery"):
            assert now[f"twisted_chat_{name}_seconds_count"] > before[f"twisted_chat_{name}_seconds_count"]
            assert 0 < now[f"twisted_chat_{name}_seconds_sum"] < 30
        assert now["twisted_chat_delivery_seconds_sum"] > now["twisted_chat_commit_seconds_sum"]
    wait_until(lambda: scrape(port)["twisted_chat_reactor_lag_seconds_count"] > 0)
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_refused_requests_are_counted(measured, door):
    session = door.enter("alice").chat.session.id
    door.hub.dispatcher.refuse([Event(SAID, "lobby", "alice", "a", session)], NotKept("disk full"))
    door.hub.dispatcher.refuse([Lines("lobby", "alice", ["b", "c"], session)], NotKept("disk full"))
    assert measured["twisted_chat_not_kept_total"] == 3
    door.session("alice").pending.in_flight = 0


@pytest.mark.slow
def test_prometheus_client_is_loaded_only_with_the_metrics_option():
    code = "import sys, twisted_chat.service, twisted_chat.doors.web.site; print('prometheus_client' in sys.modules)"
    assert run(sys.executable, "-c", code) == (0, "False\n", "")


def test_nothing_listens_for_metrics_by_default(twistd):
    server = twistd()
    assert "metrics" not in server.log


def test_a_busy_port_is_refused_and_named(twistd):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        where = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
        options = ["--listen", "tcp:0:interface=127.0.0.1", "--web", "none", "--journal", "memory"]
        status, _output, errors = run(SCRIPTS / "twistd", "-n", "--pidfile=", "chat", *options, "--metrics", where)
    assert status == 1
    assert errors.startswith(f"twistd chat: cannot listen on {where}")
    assert "--metrics" in errors
