"""Storms at every door of a real twistd: all come in at once, fall behind, are cut off; nobody is forgotten or left."""

from __future__ import annotations

import contextlib
import itertools
import json
import selectors
import signal
import ssl
import time

import pytest

from benchmarks.machine import Usage

from .every_door import DOORS, EveryDoor
from .processes import SECONDS, wait_until

pytestmark = pytest.mark.timeout(300)

LINE_DOORS = DOORS[:3]
WEB_DOORS = ("http", "https")
COMING = 150  # at one door in one turn
SHORT_TAIL = ("--remember", "100", "--remember-bytes", "65536")
idents = itertools.count()
ROOMS = [f"room{number}" for number in range(20)]
QUIET = 15  # seconds, after which nothing more comes of an idle server: who is forgotten stays so for 30
IDLE = 0.1  # seconds of processor time, at most, in that time


class House:
    """A server with every door, and somebody who sees who is here."""

    def __init__(self, twistd, folder, *options):
        self.doors = EveryDoor(folder)
        self.server = twistd(*self.doors.options, "--no-limits", "--grace", "1", *options)
        self.server.wait_for_log("metrics are at")
        self._usage = Usage(self.server.process.pid)
        self.watcher = self.person("line", "watcher")

    def connect(self, door, **how):
        return self.doors.connect(door, **how)

    def person(self, door, alias, **how):
        peer = self.connect(door, **how)
        peer.send(f"{alias}\n")
        peer.read_until("quit leaves\n")
        return peer

    def program(self, door, alias, **how):
        peer = self.connect(door, **how)
        peer.send(hello(alias))
        peer.read_until('"result":"hello"')
        return peer

    @contextlib.contextmanager
    def one_turn(self):
        """Stop the server, so that everything sent meanwhile is read in one turn, as after a start."""
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.server.process.send_signal(signal.SIGCONT)

    def others(self):
        """Return who is here beside the watcher."""
        self.watcher.send("/who *\n")
        self.watcher.read_until(" here: ")
        names = set(self.watcher.read_until("\n").strip().split(", "))
        return names - {"watcher"}

    def read_all(self, peers, is_done):
        """Read from all the peers, as fast as they are sent, until each has what it waits for; return who has not.

        Nothing more is waited for once nothing has come for some seconds from a server that has done nothing in them.
        """
        end = time.monotonic() + 3 * SECONDS
        with selectors.DefaultSelector() as selector:
            for peer in peers:
                if not is_done(peer):
                    peer.socket.setblocking(False)
                    selector.register(peer.socket, selectors.EVENT_READ, peer)
            while selector.get_map() and time.monotonic() < end:
                before = self._usage.cpu_seconds()
                ready = selector.select(QUIET)
                if not ready and self._usage.cpu_seconds() - before < IDLE:
                    break
                for key, _ in ready:
                    if not take(key.data) or is_done(key.data):
                        selector.unregister(key.fileobj)
            waiting = [key.data for key in selector.get_map().values()]
        for peer in peers:
            peer.socket.settimeout(SECONDS)
        return waiting

    def is_well(self):
        """Return whether no fault was logged, and no client that reads was dropped."""
        return not [word for word in ("Traceback", "has read nothing", "was stuck", "fault") if word in self.server.log]


@pytest.fixture
def house(twistd, tmp_path):
    houses = []

    def build(*options):
        houses.append(House(twistd, tmp_path, *options))
        return houses[-1]

    yield build
    for house in houses:
        house.watcher.close()


def asked(do, ident, **fields):
    return json.dumps({"do": do, "id": ident, **fields}) + "\n"


def hello(alias, *rooms, **more):
    return asked("hello", "h", version=1, alias=alias, token=f"{alias}-" + "x" * 16, rooms=rooms or ["lobby"], **more)


def following(room, after):
    fields = ("Host: 127.0.0.1", "Accept: text/event-stream", "", "")
    return "\r\n".join((f"GET /rooms/{room}/events?after={after} HTTP/1.1", *fields))


def say(program, count, size):
    """Say many lines in the lobby, and read until all are acknowledged."""
    for number in range(count):
        ident = f"s{next(idents)}"
        program.send(asked("say", ident, room="lobby", text=f"line {number} ".ljust(size, "x")))
        if number % 100 == 99 or number == count - 1:
            program.read_until(f'"id":"{ident}"')
            program.received, program.read = b"", 0


def take(peer):
    """Take all that has come; return whether the connection is there still."""
    try:
        for _ in range(16):  # others have their turn, too
            if not peer.receive():
                return False
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except ConnectionError:
        return False
    return True


def tell_of(peers, text):
    """Return those that have not received a text."""
    wanted = text.encode()
    return [peer for peer in peers if wanted not in peer.received]


# -- all come in one turn


@pytest.mark.parametrize("door", DOORS)
def test_programs_that_enter_in_one_turn_are_answered_and_their_next_requests_too(house, door):
    house = house()
    peers = [house.connect(door) for _ in range(COMING)]
    assert house.read_all(peers, lambda peer: peer.received) == []
    with house.one_turn():
        for number, peer in enumerate(peers):
            peer.send(hello(f"p{number}", *ROOMS) + asked("ping", "after"))
    house.read_all(peers, lambda peer: b'"result":"ping"' in peer.received)
    assert tell_of(peers, '"result":"hello"') == []
    assert tell_of(peers, '"result":"ping"') == []
    assert len(house.others()) == COMING
    assert house.is_well()


@pytest.mark.parametrize("door", LINE_DOORS)
def test_people_who_enter_in_one_turn_are_answered_and_their_next_lines_too(house, door):
    house = house()
    peers = [house.connect(door) for _ in range(COMING)]
    assert house.read_all(peers, lambda peer: peer.received) == []
    joins = "".join(f"/join {room}\n" for room in ROOMS[:10])
    with house.one_turn():
        for number, peer in enumerate(peers):
            peer.send(f"p{number}\n{joins}/ping after\n")
    house.read_all(peers, lambda peer: b"-- pong after\n" in peer.received)
    assert tell_of(peers, "-- pong after\n") == []
    assert len(house.others()) == COMING
    assert house.is_well()


@pytest.mark.parametrize("door", WEB_DOORS)
def test_streams_that_begin_in_one_turn_get_old_and_new_events(house, door):
    house = house()
    talker = house.program("line", "talker")
    say(talker, 300, 3000)
    streams = [house.connect(door) for _ in range(COMING)]
    with house.one_turn():
        for stream in streams:
            stream.send(following("lobby", 0))
    house.read_all(streams, lambda stream: b"line 299 " in stream.received)
    assert tell_of(streams, "line 299 ") == []
    talker.send(asked("say", "last", room="lobby", text="the last"))
    house.read_all(streams, lambda stream: b"the last" in stream.received)
    assert tell_of(streams, "the last") == []
    assert house.is_well()


# -- who fell behind


def far_behind(house, peers):
    """Say so much that none of these, who do not read, can be given the rest from the room's tail.

    First what fills every buffer, and then what is so little that a page of it fits into one: so the last of it may
    be given by a page from the journal, and not because a socket has become empty.
    """
    talker = house.program("line", "talker")
    while house.doors.measured("readers_behind") < len(peers):
        say(talker, 300, 3000)
    say(talker, 1300, 60)
    talker.close()


def hear_on(house, peers, words):
    """Read until each has heard what is said now; return who has not."""
    speaker = house.person("line", "speaker")
    speaker.send(f"{words}\n")
    speaker.read_until(f"speaker: {words}\n")
    speaker.close()
    house.read_all(peers, lambda peer: words.encode() in peer.received)
    return tell_of(peers, words)


@pytest.mark.parametrize("door", DOORS)
def test_programs_that_fell_behind_by_more_than_the_tail_and_read_fast_are_answered(house, door):
    house = house(*SHORT_TAIL)
    peers = [house.program(door, f"p{number}", holds=100_000) for number in range(6)]
    far_behind(house, peers)
    for peer in peers:
        peer.send(asked("ping", "late"))
    house.read_all(peers, lambda peer: b'"id":"late"' in peer.received)
    assert tell_of(peers, '"id":"late"') == []
    assert hear_on(house, peers, "are you there") == []
    assert house.is_well()


@pytest.mark.parametrize("door", LINE_DOORS)
def test_people_who_fell_behind_by_more_than_the_tail_and_read_fast_are_answered(house, door):
    house = house(*SHORT_TAIL)
    peers = [house.person(door, f"p{number}", holds=100_000) for number in range(6)]
    far_behind(house, peers)
    for peer in peers:
        peer.send("/ping late\n")
    house.read_all(peers, lambda peer: b"-- pong late" in peer.received)
    assert tell_of(peers, "-- pong late") == []
    assert hear_on(house, peers, "are you there") == []
    assert house.is_well()


@pytest.mark.parametrize("door", WEB_DOORS)
def test_streams_that_fell_behind_by_more_than_the_tail_get_the_rest_and_go_on(house, door):
    house = house(*SHORT_TAIL)
    streams = [house.connect(door, holds=100_000) for _ in range(6)]
    for stream in streams:
        stream.send(following("lobby", 0))
        stream.read_until("retry: ")
    far_behind(house, streams)
    assert hear_on(house, streams, "are you there") == []
    assert house.is_well()


# -- who is cut off in the middle of something


ENDS = {
    "is reset": lambda peer: peer.reset(),
    "is closed": lambda peer: peer.close(),
    "ends its side": lambda peer: peer.end_input(),
    "does not read": lambda peer: None,
}


@pytest.mark.parametrize("end", ENDS)
def test_a_person_cut_off_during_an_unread_history_has_left(house, end):
    house = house("--send-buffer", "4096", "--stall", "10")
    talker = house.program("line", "talker")
    say(talker, 1000, 3000)
    talker.send(asked("quit", "q"))
    talker.read_to_end()
    peers = {f"person-{door}": house.person(door, f"person-{door}", holds=4096) for door in LINE_DOORS}
    for peer in peers.values():
        peer.send("/history 1000\n")
    for door in DOORS:
        peer = peers[f"program-{door}"] = house.program(door, f"program-{door}", holds=4096)
        peer.send(asked("type", "t", text="/history 1000"))
    wait_until(lambda: house.doors.measured("readers_behind") >= len(peers))
    for peer in peers.values():
        ENDS[end](peer)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not house.others())
    assert house.others() == set()
    house.person("line", "person-tls").close()
    assert "Traceback" not in house.server.log
    assert "was stuck" not in house.server.log
    for peer in peers.values():
        peer.close()


@pytest.mark.parametrize("door", DOORS)
def test_a_program_that_types_join_of_a_room_that_it_is_in_is_answered_in_its_own_language(house, door):
    house = house()
    peer = house.program(door, "peer")
    say(peer, 30, 100)
    peer.send(asked("type", "t", text="/join lobby 0") + asked("ping", "after"))
    told = [json.loads(line) for line in peer.read_until('"result":"ping"').splitlines()[:-1] if line]
    assert [message for message in told if message.get("result") == "type"]
    peer.send(asked("quit", "q"))
    peer.read_to_end()
    lines = peer.received.splitlines()
    assert b'{"result":"quit","id":"q"}' in lines
    assert all(map(json.loads, lines))
    assert house.others() == set()
    assert house.is_well()
