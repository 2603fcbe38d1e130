"""The wall clock is set while people are connected: what they said has its time, and no duration changes."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import struct
import subprocess
import urllib.error
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.selectreactor import SelectReactor

from twisted_chat.clocks import measure_by_monotonic, monotonic
from twisted_chat.core.errors import NotKept
from twisted_chat.core.events import SAID, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.room import by_time
from twisted_chat.doors.pulse import FRESH_SECONDS
from twisted_chat.doors.turns import FLOOD_NOTICE_SECONDS
from twisted_chat.doors.web.api.streams import HERE_SECONDS
from twisted_chat.wire.jsonlines import JsonView

from .house import House
from .in_memory import Door
from .processes import SCRIPTS, SECONDS, environment, wait_until
from .requests.test_program_door import TOKEN, Program
from .wall_clock import STEPS
from .web import Browser, EventStream, WebPeer

YEARS = 50 * 365 * 86400  # seconds, about, between the two clocks


@pytest.fixture(params=STEPS)
def step(request):
    """Seconds by which the wall clock is set."""
    return request.param


# -- the reactor


def select_reactor():
    return SelectReactor()


def asyncio_reactor():
    return AsyncioSelectorReactor(asyncio.new_event_loop())


@pytest.fixture(params=[select_reactor, asyncio_reactor])
def bare_reactor(request):
    """A reactor that is not the one of these tests, and does not run."""
    made = request.param()
    yield made
    for reader in made.removeAll():
        reader.connectionLost(None)


def due_in(call):
    return call.getTime() - monotonic()


def test_the_reactor_of_our_process_measures_by_the_monotonic_clock(bare_reactor):
    assert bare_reactor.seconds() > YEARS / 2
    measure_by_monotonic(bare_reactor)
    assert abs(bare_reactor.seconds() - monotonic()) < SECONDS
    assert 0 < due_in(bare_reactor.callLater(SECONDS, print)) <= SECONDS


def test_calls_scheduled_before_keep_their_time_and_can_be_delayed(bare_reactor):
    called = []
    later, soon, latest = (bare_reactor.callLater(delay, called.append, delay) for delay in (600, 0, 1200))
    bare_reactor.timeout()  # what the reactor does before it waits: they are in its heap now
    fresh = bare_reactor.callLater(300, called.append, 300)
    measure_by_monotonic(bare_reactor)
    for call, delay in ((later, 600), (latest, 1200), (fresh, 300)):
        assert delay - SECONDS < due_in(call) <= delay
    bare_reactor.runUntilCurrent()
    assert called == [0]
    assert not soon.active()
    assert 300 - SECONDS < bare_reactor.timeout() <= 300
    later.reset(60)
    latest.reset(0)
    assert 60 - SECONDS < due_in(later) <= 60
    bare_reactor.runUntilCurrent()
    assert called == [0, 1200]


# -- the line door and programs


def test_a_line_said_after_a_step_is_heard_at_once(door, step):
    alice, bob = door.enter("alice"), door.enter("bob")
    program = Program(door, "program")
    for reader in (alice, bob):
        reader.read()
    door.wall.step(step)
    for _ in range(3):
        alice.send("hello\n")
        program.asks("say", room="lobby", text="beep")
    assert bob.read() == "alice: hello\nprogram: beep\n" * 3
    assert [message["text"] for message in program.heard()] == ["hello", "beep"] * 3


def test_a_flooder_is_read_again_and_notified_after_the_usual_time(step):
    door = Door(Limits(lines_at_once=2, lines_per_second=1))
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    alice.send("1\n2\n3\n4\n5\n")
    said = bob.read().count("alice: ")
    assert said < 5
    assert alice.read().count("slow down") == 1
    door.wall.step(step)
    for heard in range(said + 1, 6):
        door.clock.advance(0.9)
        assert bob.read() == ""
        door.clock.advance(0.1)
        door.settle()
        assert bob.read() == f"alice: {heard}\n"
    door.clock.advance(FLOOD_NOTICE_SECONDS / 2)
    alice.send("a\nb\nc\nd\n")
    assert "slow down" not in alice.read()
    door.clock.advance(FLOOD_NOTICE_SECONDS / 2)
    alice.send("a\nb\nc\nd\n")
    assert alice.read().count("slow down") == 1
    door.close()


def test_a_connection_without_an_alias_has_the_usual_time(door, step):
    nobody = door.connect()
    door.wall.step(step)
    door.clock.advance(door.limits.alias_seconds - 1)
    assert not nobody.is_closed
    door.clock.advance(1)
    assert nobody.is_closed


def test_a_program_that_is_cut_off_has_the_usual_time_to_resume(door, step):
    program = Program(door, "program", token=TOKEN)
    program.dies()
    door.wall.step(step)
    door.clock.advance(door.limits.grace_seconds - 0.1)
    assert "program" in door.hub.aliases
    door.clock.advance(0.1)
    door.settle()
    assert "program" not in door.hub.aliases


def test_failed_aliases_are_forgiven_after_the_usual_time(step):
    door = Door(Limits(aliases_at_once=2, aliases_per_second=1))
    door.enter("alice", host="192.0.2.9")
    guesser = door.connect()
    guesser.send("alice\n", "alice\n")
    door.wall.step(step)
    assert guesser.send("alice\n").is_closed
    door.clock.advance(2)
    assert not door.connect().send("alice\n").is_closed
    door.close()


@pytest.mark.parametrize(("seconds", "told"), [(5, "5 seconds"), (7200, "2 hours")])
def test_whois_shows_how_long_a_person_is_here_and_idle(step, seconds, told):
    house = House()
    alice = house.enter("alice")
    house.now += step
    house.seconds += seconds
    assert alice.type("/whois alice").heard()[1] == f"-- alice came {told} ago and was last active {told} ago"


# -- the web door


def test_an_answer_of_healthz_is_good_for_a_second_by_any_clock(door, step):
    asked = []

    def check(answer):
        asked.append(answer)
        answer(NotKept("disk full") if len(asked) > 1 else None)

    door.hub.check = check
    web = WebPeer(door)
    assert web.ask("GET", "/healthz").status == 200
    door.wall.step(step)
    assert web.ask("GET", "/healthz").status == 200
    assert len(asked) == 1
    door.clock.advance(FRESH_SECONDS)
    assert web.ask("GET", "/healthz").text == "not ready: disk full\n"


def test_a_stream_shows_that_it_is_alive_as_often_as_ever(door, step):
    stream = EventStream(door, "/rooms/lobby/events")
    door.wall.step(step)
    door.clock.advance(HERE_SECONDS - 1)
    stream.heard()
    assert stream.comments == []
    door.clock.advance(1)
    stream.heard()
    assert stream.comments == ["here"]


def test_a_browser_is_asked_as_often_as_ever_whether_it_is_there(door, step):
    browser = Browser(door)
    door.wall.step(step)
    door.clock.advance(door.limits.ping_seconds - 1)
    browser.read()
    assert browser.pings == 0
    door.clock.advance(1)
    browser.read()
    assert browser.pings == 1


def test_a_visit_over_http_lasts_the_usual_time(door, step):
    assert WebPeer(door).ask("POST", "/rooms/lobby", b"hi", Chat_Alias="ci").status == 201
    door.wall.step(step)
    door.clock.advance(door.limits.grace_seconds - 0.1)
    assert "ci" in door.hub.aliases
    door.clock.advance(0.1)
    door.settle()
    assert "ci" not in door.hub.aliases


def test_an_address_may_post_as_much_as_ever(step):
    door = Door(Limits(lines_at_once=20, lines_per_second=1, address_share=0))
    web = WebPeer(door)

    def post():
        return web.ask("POST", "/rooms/lobby", b"hi", Chat_Alias="ci").status

    assert post() == 201
    while post() == 201:
        """Until the address has said too much."""
    door.wall.step(step)
    assert post() == 429
    door.clock.advance(1)
    assert post() == 201
    door.close()


# -- what the wall clock is for


def test_an_event_has_the_time_of_the_wall_clock_and_the_next_number(door, step):
    program = Program(door, "program")
    for text in ("before", "after"):
        program.heard()
        told = door.wall()
        program.asks("say", room="lobby", text=text)
        (said,) = [message for message in program.heard() if message.get("kind") == "said"]
        assert (said["time"], said["number"]) == (told, 2 if text == "before" else 3)
        door.wall.step(step)


@pytest.mark.parametrize(("step", "found"), [(-3600, ["old", "new"]), (3600, ["new"])])
def test_the_last_half_hour_is_that_of_the_wall_clock(door, step, found):
    alice = door.enter("alice").send("old\n")
    door.wall.step(step)
    alice.send("new\n")
    alice.read()
    shown = alice.send("/history 30m\n").read()
    assert [text for text in ("old", "new") if f"alice: {text}\n" in shown] == found


@given(st.lists(st.lists(st.integers(0, 9)), max_size=5))
def test_logs_are_merged_by_time_and_each_keeps_its_order(times):
    logs = [
        [Event(SAID, str(room), number=number, when=when) for number, when in enumerate(whens)]
        for room, whens in enumerate(times)
    ]
    merged = list(by_time(*logs))
    assert [[event for event in merged if event.group == str(room)] for room in range(len(logs))] == logs
    if all(whens == sorted(whens) for whens in times):
        assert [event.when for event in merged] == sorted(event.when for event in merged)


@pytest.fixture
def stepped():
    """A house where the clock was set several times between lines in two rooms, and back more than forward."""
    house = House()
    house.now = 1_000_000.0
    house.alice = house.enter("alice", "ops")
    house.steps = [*STEPS, -7200, 20, -5]
    return house


def talk(house):
    """Say the numbers of the steps in both rooms, and let the clock be set after each."""
    for number, step in enumerate(house.steps):
        house.alice.type("/join lobby", f"word {number}", "/join ops", f"word {number}")
        house.now += step
    house.alice.heard()


def told(lines, start):
    return [int(line.rpartition(" ")[2]) for line in lines if line.startswith(start)]


def test_a_reader_that_catches_up_gets_each_room_in_order_and_completely(stepped):
    bob, program = stepped.enter("bob", "ops"), stepped.enter("program", "ops", view=JsonView())
    for reader in (bob, program):
        reader.reader.full()
    talk(stepped)
    for reader in (bob, program):
        assert reader.heard() == []
        reader.catch_up()
    lines = bob.heard()
    everything = list(range(len(stepped.steps)))
    assert told(lines, "alice: word") == told(lines, "#ops alice: word") == everything
    said = [message for message in map(json.loads, program.heard()) if message["kind"] == "said"]
    for room in ("lobby", "ops"):
        numbers = [message["number"] for message in said if message["room"] == room]
        assert numbers == list(range(numbers[0], numbers[0] + len(everything)))


def test_lines_found_in_several_rooms_are_shown_in_each_rooms_order(stepped):
    talk(stepped)
    lines = stepped.alice.type("/search word").heard()
    assert told(lines, "alice: word") == told(lines, "#ops alice: word") == list(range(len(stepped.steps)))


def test_a_program_gets_found_lines_in_each_rooms_order(door):
    program = Program(door, "program", rooms=["lobby", "ops"])
    for number, step in enumerate([*STEPS, -7200]):
        for room in ("lobby", "ops"):
            program.asks("say", room=room, text=f"word {number}")
        door.wall.step(step)
    found = program.answer("search", words="word")["events"]
    for room in ("lobby", "ops"):
        assert [event["text"] for event in found if event["room"] == room] == [f"word {n}" for n in range(4)]


# -- real processes, whose wall clock is set


class Machine:
    """An environment with a wall clock that the test sets."""

    def __init__(self, library, folder):
        path = folder / "wall-clock"
        path.write_bytes(bytes(mmap.PAGESIZE))
        self.env = environment(LD_PRELOAD=str(library), WALL_CLOCK=str(path))
        self._file = os.open(path, os.O_RDWR)
        self._ahead = mmap.mmap(self._file, 8)

    def set(self, ahead):
        self._ahead[:] = struct.pack("d", ahead)

    def close(self):
        self._ahead.close()
        os.close(self._file)


@pytest.fixture
def machine(preloaded, tmp_path):
    machine = Machine(preloaded("wall_clock"), tmp_path)
    yield machine
    machine.close()


def ask(url, data=None, **headers):
    """Return the status of an answer."""
    request = urllib.request.Request(url, data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


STARTS = {
    "twistd": {},
    "asyncio": {"before": ["--reactor=asyncio"]},
    "twist": {"program": "twist"},
}


@pytest.mark.parametrize("start", STARTS)
def test_a_real_server_goes_on_through_every_step(twistd, machine, start, tmp_path):
    server = twistd("--web", "tcp:0:interface=127.0.0.1", env=machine.env, **STARTS[start])
    alice, bob = server.connect("alice"), server.connect("bob")
    with alice, bob:
        for step in STEPS:
            with server.connect() as nobody:
                nobody.read_until("alias?")
                machine.set(step)
                for number in range(5):
                    alice.send(f"{step} {number}\n")
                    bob.read_until(f"alice: {step} {number}\n")  # each is a few turns of the reactor
                nobody.send(f"late{abs(step)}\n")
                nobody.read_until("quit leaves\n")
            assert ask(f"{server.url}rooms/lobby", b"posted", Chat_Alias="ci") == 201
            bob.read_until("ci: posted\n")
            assert ask(f"{server.url}healthz") == 200
        machine.set(STEPS[0])
        (tmp_path / "chat.sqlite").rename(tmp_path / "away.sqlite")
        wait_until(lambda: ask(f"{server.url}healthz") == 503)
        alice.send("refused\n")
        alice.read_until("cannot keep it now")
        machine.set(STEPS[1])
        (tmp_path / "away.sqlite").rename(tmp_path / "chat.sqlite")
        wait_until(lambda: ask(f"{server.url}healthz") == 200)
        alice.send("kept\n")
        bob.read_until("alice: kept\n")
        assert "slow down" not in server.log + alice.received.decode() + bob.received.decode()


@pytest.fixture
def client(twistd, machine):
    """Start a client on this machine, which hears alice."""
    server = twistd()
    alice = server.connect("alice")
    started = []

    def start(*options):
        command = [SCRIPTS / "twisted-chat", f"127.0.0.1:{server.port}", "--alias", "log", "--listen", *options]
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        client = subprocess.Popen(command, env=machine.env, **given)
        started.append(client)
        alice.read_until("log has connected to the chat room")
        client.alice = alice
        return client

    yield start
    alice.close()
    for client in started:
        client.kill()
        client.communicate()


def test_the_bundled_client_waits_no_less_than_its_patience(client, machine):
    log = client("--wait", "done$", "--timeout", "600")
    for step in (*STEPS, 7200):
        machine.set(step)
        for number in range(3):
            log.alice.send(f"{step} {number}\n")
            assert log.stdout.readline() == f"alice: {step} {number}\n".encode()
    log.alice.send("done\n")
    assert log.communicate(timeout=SECONDS) == (b"alice: done\n", b"")
    assert log.returncode == 0


def test_the_bundled_client_waits_no_more_than_its_patience(client, machine):
    log = client("--wait", "done$", "--timeout", "3")
    log.alice.send("it waits now\n")
    log.stdout.readline()
    machine.set(-3600)
    assert log.communicate(timeout=SECONDS) == (b"", b"twisted-chat: no line matched within 3 seconds\n")
    assert log.returncode == 4
