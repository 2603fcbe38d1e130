"""The works: the loads for a server, and the figures that they give."""

from __future__ import annotations

import select
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import acks
from .crowd import READ_BYTES, Connection, Crowd, until
from .rooms import SHORT, in_rooms
from .servers import Running
from .talk import Course, Talk
from .visits import visit

LONG = 400  # bytes of a text: as much as an IRC server passes on
SAMPLES = 20  # readers with measured times
SETTLE_SECONDS = 8  # for a server to release the resources of lost connections
STUCK_SECONDS = 90  # to say all megabytes
OURS = frozenset({"ours", "ours-memory"})  # they acknowledge lines
ACK_RATE = 1000  # lines a second
WITH_ROOMS = frozenset({"ours", "ours-memory", "ngircd", "inspircd"})
IN_ROOMS, SPEAKERS = 100, 10
FEW = 100  # connections that come and go first, so that one-time allocations are done

Figures = dict[str, float]


@dataclass(frozen=True)
class Settings:
    """The size of each work."""

    readers: tuple[int, ...] = (10, 100, 1000)
    speakers: tuple[int, ...] = (1, 10)
    seconds: float = 3.0
    lines: int = 2_000_000  # at most, in one run
    window: int = 64  # pending lines of each speaker
    chunk: int = 32  # lines in one send
    rates: tuple[float, ...] = (100, 500)  # lines a second
    connections: tuple[int, ...] = (2000,)
    visits: int = 10_000
    rooms: tuple[int, ...] = (1, 2, 5, 10)
    stuck: tuple[tuple[int, int, int], ...] = ((95, 5, 100),)  # readers, stuck readers, megabytes


@dataclass(frozen=True)
class Case:
    """A measurement: the same for each server, with a new process for each run."""

    work: str
    title: str
    run: Callable[[Running], Figures]
    connections: int  # descriptors that it needs
    bounded: bool = False  # with the server's own limits on unsent output for one reader
    pictured: bool = True
    readers: int = 0
    speakers: int = 0
    only: frozenset[str] = frozenset()  # the servers that can do it; empty: all


def cases(work: str, settings: Settings) -> Iterator[Case]:
    """Yield the cases of one kind of work."""
    yield from WORKS[work](settings)


def _fanout(settings: Settings) -> Iterator[Case]:
    for speakers in settings.speakers:
        for readers in settings.readers:

            def run(server: Running, readers: int = readers, speakers: int = speakers) -> Figures:
                with _talk(server, readers, speakers) as talk:
                    return _speed(talk.at_full_speed(settings.seconds, settings.lines, settings.window, settings.chunk))

            title = f"{_count(readers, 'reader')}, {_count(speakers, 'speaker')}"
            pictured = speakers == max(settings.speakers)
            connections = readers + speakers
            yield Case("fanout", title, run, connections, pictured=pictured, readers=readers, speakers=speakers)


def _one(settings: Settings) -> Iterator[Case]:
    for readers in settings.readers:

        def run(server: Running, readers: int = readers) -> Figures:
            with _talk(server, readers, 1) as talk:
                return _speed(talk.at_full_speed(settings.seconds, settings.lines, window=1, chunk=1))

        title = f"one line at a time to {_count(readers, 'reader')}"
        pictured = readers == max(settings.readers)
        yield Case("one", title, run, readers + 1, pictured=pictured, readers=readers, speakers=1)


def _latency(settings: Settings) -> Iterator[Case]:
    for readers in settings.readers:
        for rate in settings.rates:

            def run(server: Running, readers: int = readers, rate: float = rate) -> Figures:
                with _talk(server, readers, max(settings.speakers), samples=SAMPLES) as talk:
                    return _times(talk.at_rate(settings.seconds, rate))

            title = f"{rate:g} lines a second to {_count(readers, 'reader')}"
            pictured = readers >= 100 and rate == max(settings.rates)
            yield Case("latency", title, run, readers + max(settings.speakers), pictured=pictured)


def _rooms(settings: Settings) -> Iterator[Case]:
    for rooms in settings.rooms:

        def run(server: Running, rooms: int = rooms) -> Figures:
            return _speed(in_rooms(server, rooms, IN_ROOMS // rooms, SPEAKERS // rooms, settings.seconds))

        title = f"{IN_ROOMS} readers, {SPEAKERS} speakers, in {_count(rooms, 'room')}"
        yield Case("rooms", title, run, 2 * (IN_ROOMS + SPEAKERS), only=WITH_ROOMS, pictured=False)


def _idle(settings: Settings) -> Iterator[Case]:
    for connections in settings.connections:

        def run(server: Running, connections: int = connections) -> Figures:
            with _crowd(server) as crowd:
                crowd.admit((f"f{number}" for number in range(FEW)), settle=False)
                crowd.calm_down(1)
                before, began = server.usage.memory(), time.monotonic()
                crowd.admit((f"r{number}" for number in range(connections)), settle=False)
                seconds = time.monotonic() - began
                crowd.calm_down(1)
                grown = server.usage.memory() - before
                return {"bytes_per_connection": grown / connections, "seconds_to_enter": seconds}

        yield Case("idle", f"{connections:,} idle connections", run, connections + FEW)


def _come_and_go(settings: Settings) -> Iterator[Case]:
    def run(server: Running) -> Figures:
        usage = server.usage
        visit(server, 0, FEW)
        time.sleep(1)
        open_at_first = usage.descriptors()
        before = usage.memory()
        server_cpu, load_cpu, began = usage.cpu_seconds(), time.process_time(), time.monotonic()
        visit(server, FEW, settings.visits)
        seconds = time.monotonic() - began
        server_cpu, load_cpu = usage.cpu_seconds() - server_cpu, time.process_time() - load_cpu
        until(lambda: usage.descriptors() <= open_at_first, SETTLE_SECONDS)
        return {
            "visits_per_second": settings.visits / seconds,
            "memory_growth": usage.memory() - before,
            "descriptors_left": usage.descriptors() - open_at_first,
            "server_cpu": server_cpu / seconds,
            "load_cpu": load_cpu / seconds,
        }

    yield Case("visits", f"{settings.visits:,} connections that come and go", run, 500)


def _stuck(settings: Settings) -> Iterator[Case]:
    for readers, stuck, megabytes in settings.stuck:

        def run(server: Running, readers: int = readers, stuck: int = stuck, megabytes: int = megabytes) -> Figures:
            lines = megabytes * 1_000_000 // LONG
            with _crowd(server) as crowd:
                stopped = crowd.admit((f"x{n}" for n in range(stuck)), settle=True, small=stuck > FEW)
                talk = Talk(crowd, *_enter(crowd, readers, 1), LONG, SAMPLES, patient=True)
                server.usage.forget_peak()
                before = server.usage.memory()
                course = talk.at_full_speed(STUCK_SECONDS, lines, settings.window, settings.chunk)
                grown = server.usage.peak_memory() - before
                return {
                    "memory_growth": grown,
                    "megabytes_said": course.lines * LONG / 1e6,
                    "stuck_dropped": _count_dropped(stopped),
                    "megabytes_per_second": course.lines * LONG / 1e6 / course.seconds,
                    **_latencies(course),
                    **_shares(course),
                }

        title = f"{readers} that read and {stuck:,} that do not, while {megabytes} MB are said"
        yield Case("stuck", title, run, readers + stuck + 1, bounded=True)


def _acks(settings: Settings) -> Iterator[Case]:
    def run(server: Running) -> Figures:
        with acks.programs(server, max(settings.speakers)) as here:
            server_cpu, load_cpu = server.usage.cpu_seconds(), time.process_time()
            seconds = acks.at_full_speed(here, settings.seconds, settings.window, settings.chunk)
            return {
                "acks_per_second": sum(program.acknowledged for program in here) / seconds,
                "server_cpu": (server.usage.cpu_seconds() - server_cpu) / seconds,
                "load_cpu": (time.process_time() - load_cpu) / seconds,
            }

    title = f"{_count(max(settings.speakers), 'program')} in one room, as many lines as are acknowledged"
    yield Case("acks", title, run, max(settings.speakers), only=OURS, pictured=False)


def _soon(settings: Settings) -> Iterator[Case]:
    def run(server: Running) -> Figures:
        with acks.programs(server, max(settings.speakers)) as here:
            acks.at_rate(here, settings.seconds, ACK_RATE)
            hundredths = statistics.quantiles([late for program in here for late in program.latencies], n=100)
            worst = max(late for program in here for late in program.latencies)
            return {"p99_ms": hundredths[98] / 1e6, "p50_ms": hundredths[49] / 1e6, "max_ms": worst / 1e6}

    title = f"from a line to its acknowledgement, {ACK_RATE:,} lines a second"
    yield Case("soon", title, run, max(settings.speakers), only=OURS, pictured=False)


WORKS: dict[str, Callable[[Settings], Iterator[Case]]] = {
    "fanout": _fanout,
    "one": _one,
    "rooms": _rooms,
    "latency": _latency,
    "idle": _idle,
    "visits": _come_and_go,
    "stuck": _stuck,
    "acks": _acks,
    "soon": _soon,
}


@contextmanager
def _crowd(server: Running) -> Iterator[Crowd]:
    crowd = Crowd(server)
    try:
        yield crowd
    finally:
        crowd.close()


@contextmanager
def _talk(server: Running, readers: int, speakers: int, samples: int = 0) -> Iterator[Talk]:
    with _crowd(server) as crowd:
        yield Talk(crowd, *_enter(crowd, readers, speakers), SHORT, samples)


def _enter(crowd: Crowd, readers: int, speakers: int) -> tuple[list[Connection], list[Connection]]:
    """Return speakers and readers. The readers enter first, so that all are there when a speaker is heard."""
    hearing = crowd.admit((f"r{number}" for number in range(readers)), settle=True)
    speaking = crowd.admit((f"s{number}" for number in range(speakers)), settle=True, speaks=True)
    return speaking, hearing


def _speed(course: Course) -> Figures:
    return {
        "deliveries_per_second": course.deliveries / course.seconds,
        "lines_per_second": course.lines / course.seconds,
        "server_us_per_delivery": course.server_cpu / course.deliveries * 1e6,
        "server_us_per_line": course.server_cpu / course.lines * 1e6,
        **_shares(course),
    }


def _times(course: Course) -> Figures:
    late = statistics.quantiles(course.late, n=100)[98] / 1e6 if len(course.late) > 1 else 0.0
    return {**_latencies(course), "load_late_p99_ms": late, **_shares(course)}


def _latencies(course: Course) -> Figures:
    hundredths = statistics.quantiles(course.latencies, n=100, method="inclusive")
    return {
        "p50_ms": hundredths[49] / 1e6,
        "p99_ms": hundredths[98] / 1e6,
        "max_ms": max(course.latencies) / 1e6,
    }


def _shares(course: Course) -> Figures:
    """Return the part of a core that each side has used."""
    return {"server_cpu": course.server_cpu / course.seconds, "load_cpu": course.load_cpu / course.seconds}


def _count_dropped(stopped: Iterable[Connection]) -> int:
    """Read everything that was sent to the stuck readers, and return how many the server has disconnected.

    A server's close comes after the bytes that the kernel holds for them, so that nothing else shows it.
    """
    here = {connection.sock.fileno(): connection.sock for connection in stopped}
    count, buffer, end = 0, bytearray(READ_BYTES), time.monotonic() + SETTLE_SECONDS
    with select.epoll() as epoll:
        for sock in here.values():
            epoll.register(sock, select.EPOLLIN)
        while (events := epoll.poll(1)) and time.monotonic() < end:
            for fd, _events in events:
                try:
                    ended = not here[fd].recv_into(buffer)
                except ConnectionError:
                    ended = True
                if ended:
                    epoll.unregister(fd)
                    count += 1
    return count


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"
