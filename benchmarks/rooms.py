"""People in several rooms at once: a process of the load for each room, which says lines there and checks them."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from typing import Any

from .check import Wrong
from .crowd import PATIENCE_SECONDS, Crowd
from .servers import Running
from .talk import Course, Talk

SHORT = 59  # bytes of a text: a line of 64 in our own server
LINES, WINDOW, CHUNK = 2_000_000, 64, 32


def in_rooms(server: Running, rooms: int, readers: int, speakers: int, seconds: float) -> Course:
    """Say lines in several rooms at the same time; ``readers`` and ``speakers``: in each. Return the sum of all."""
    fork = multiprocessing.get_context("fork")
    here = fork.Barrier(rooms + 1)
    pipes, processes = [], []
    for number in range(rooms):
        ours, theirs = fork.Pipe(duplex=False)
        given = (server, number, readers, speakers, seconds, here, theirs)
        processes.append(fork.Process(target=_in_room, args=given, daemon=True))
        pipes.append(ours)
        processes[-1].start()
    try:
        here.wait(PATIENCE_SECONDS)
        before = server.usage.cpu_seconds()
        found = [_received(pipe) for pipe in pipes]
        used = server.usage.cpu_seconds() - before
    finally:
        for process in processes:
            process.kill()
            process.join()
    return Course(
        max(course.seconds for course in found),
        sum(course.lines for course in found),
        sum(course.deliveries for course in found),
        used,
        sum(course.load_cpu for course in found),
    )


def _in_room(
    server: Running, number: int, readers: int, speakers: int, seconds: float, here: Barrier, pipe: Pipe
) -> None:
    """Run the process of one room."""
    server.kind.room = f"r{number}"
    crowd = Crowd(server)
    try:
        hearing = crowd.admit((f"a{each}r{number}" for each in range(readers)), settle=True)
        speaking = crowd.admit((f"s{each}r{number}" for each in range(speakers)), settle=True, speaks=True)
        talk = Talk(crowd, speaking, hearing, SHORT)
        here.wait(PATIENCE_SECONDS)
        pipe.send(talk.at_full_speed(seconds, LINES, WINDOW, CHUNK))
    except (Wrong, OSError) as error:
        here.abort()
        pipe.send(f"room {number}: {error}")


def _received(pipe: Any) -> Course:
    if not pipe.poll(2 * PATIENCE_SECONDS):
        raise Wrong("a room does not end")
    course = pipe.recv()
    if isinstance(course, str):
        raise Wrong(course)
    return course
