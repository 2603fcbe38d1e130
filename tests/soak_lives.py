"""The accidents of a soak's connections: they stall, end, are cut in the middle; vandals come for that alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import time
from socket import SO_LINGER, SOL_SOCKET

from .every_door import Lines, Messages
from .rough import Player
from .soak_members import Bundled, Person, Program, Stream

GRACE = 2  # seconds
STALL = 6  # seconds
ANSWER = 20  # seconds that anything may take which was asked by somebody who reads
LIVES = 8  # seconds that a connection lasts, on average


class AtDoor(Player):
    """Keeps a member connected at one door, and does to the connection what happens to those of people."""

    def __init__(self, client, soak, door, act):
        super().__init__(client, 0, act)
        self._soak, self._door, self._chance = soak, door, soak.chance
        self._next = 0.0  # when it does something again
        self._reads_at = None  # when a stall is over
        self._away = 0.02  # seconds
        self._oldest = None, 0.0  # what was asked first of all that is not answered, what came of it, and since when
        self._is_open = False

    # -- the connection

    async def connect(self):
        while self.client.is_connected and not self._over.is_set():
            await asyncio.sleep(0.05)  # the library chooses when it reconnects
        self._wire = Messages() if self._door in ("websocket", "wss") else Lines()
        self._is_open, self._reads_at, self._away = False, None, 0.02
        self._dies_at = time.monotonic() + self._chance.expovariate(1 / LIVES)
        await self._soak.open(self._door, lambda: self)

    def connection_made(self, transport):
        self._transport = transport
        transport.write(self._wire.opening)
        if not self._wire.opening:
            self._opened()

    def _opened(self):
        self._is_open = True
        if isinstance(self.client, Bundled):
            self.client.on_next_wire = self
        super().connection_made(self._transport)

    def data_received(self, data):
        found, answer = self._wire.unpack(data)
        if answer:
            self._transport.write(answer)
        if found and not self._is_open:
            self._opened()
        if found:
            super().data_received(found)
        if self.client.is_paused and not self._transport.is_closing():
            self._transport.pause_reading()

    def connection_lost(self, exc):
        if self._is_open:
            super().connection_lost(exc)
        else:
            self._lost.set()

    def write(self, data):
        self._transport.write(self._wire.pack(data))

    def pause(self):
        return self._away

    def cut(self):
        """Die without a goodbye, as the library asks for."""
        self._transport.abort()

    # -- its life

    def tick(self):
        now = time.monotonic()
        if self._reads_at is None:
            self._is_answered(now)
            if self._soak.is_rough and now > self._dies_at and self.client.is_in:
                self._suffer(now)
        elif now > self._reads_at or not self._soak.is_rough:
            self._reads_at = None
        if self._reads_at is None and not self.client.is_paused and not self._transport.is_closing():
            self._transport.resume_reading()
        super().tick()

    def act(self):
        now = time.monotonic()
        if self._soak.is_rough and self.client.is_in and now > self._next and self._reads_at is None:
            self._next = now + self._chance.expovariate(self._soak.rate)
            self._act(self.client)
        self.flush()

    def _is_answered(self, now):
        """Raise an AssertionError for what is not answered, nor shown a part of, though it is waited for."""
        client = self.client
        first = next(iter(client.asked or client.unanswered), None), client.shown_so_far
        if first != self._oldest[0] or not client.is_in:
            self._oldest = first, now
        elif first[0] is not None and now > self._oldest[1] + ANSWER:
            asked = self.client.asked or self.client.unanswered
            raise AssertionError(f"{self.client.name} at {self._door} reads and is not answered: {asked}")

    def _suffer(self, now):
        """Stall, end or cut the connection."""
        self._dies_at = now + self._chance.expovariate(1 / LIVES)
        how = self._chance.choice(("stall", "stall", "long stall", "reset", "abort", "half-close", "unread"))
        self._soak.done[how] += 1
        self._away = self._chance.choice((0.02, 0.02, 0.5, GRACE + 1))
        if how == "stall":
            self._stall(self._chance.uniform(0.3, STALL / 2))
        elif how == "long stall":
            self._soak.excused[self._address()] += 1
            self._stall(STALL * 2)
        elif how == "reset":
            reset(self._transport)
        elif how == "half-close" and self._transport.can_write_eof():
            self._is_writable = False
            self._transport.write_eof()
        elif how == "unread" and isinstance(self.client, (Program, Person)):
            self._ask_and_die()
        else:
            self._transport.abort()

    def _stall(self, seconds):
        self._transport.pause_reading()
        self._reads_at = time.monotonic() + seconds

    def _ask_and_die(self):
        """Ask for more than fits into the socket, and be gone before it is read."""
        if isinstance(self.client, Person):
            self.client.ask("/history 1000")
        else:
            self.client.ask("type", text="/history 1000")
        self.act()
        self._stall(STALL)
        asyncio.get_running_loop().call_later(self._chance.uniform(0, 1.5), reset, self._transport)

    def _address(self):
        """Return what the server's log calls this connection."""
        if isinstance(self.client, Stream):
            return "a stream"
        name = self._transport.get_extra_info("sockname")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a UNIX socket"


def reset(transport):
    """Reset a connection at once, with its unread bytes."""
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


HELLO = '{"do":"hello","id":"h","version":1,"alias":"NAME","token":"NAME-xxxxxxxxxxxxxxxx","rooms":%s}\n'
TYPE = '{"do":"type","id":"t","text":"%s"}\n'
PROGRAM = (
    HELLO % "[]", HELLO % json.dumps([f"vandals{n}" for n in range(50)]), HELLO % '["lobby"' ,
    HELLO % '["lobby"]' + TYPE % "/history 1000", HELLO % '["lobby"]' + TYPE % "/join lobby 0" + TYPE % "/who *",
    HELLO % '["lobby","ops"]' + TYPE % "/search t" + TYPE % "/nick NAMEb" + TYPE % "/history 1000",
)  # fmt: skip
PERSON = (
    "NAME\n/history 1000\n",
    "NAME\n/join lobby 0\n/join ops 0\n/history 1000\n/sea",
    "NAME\n" + "/rooms\n" * 50,
    "NA",
)
WEB = (
    "GET /rooms/lobby/events?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n",
    "GET /rooms/lobby/events?limit=500 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 5,
    "POST /rooms/lobby HTTP/1.1\r\nHost: 127.0.0.1\r\nChat-Alias: NAME\r\nContent-Length: 100\r\n\r\nhalf of it",
)
RUDE = dict.fromkeys(("line", "tls", "unix"), (*PROGRAM, *PERSON)) | dict.fromkeys(("websocket", "wss"), PROGRAM)
RUDE |= dict.fromkeys(("http", "https"), WEB)


async def vandal(soak, number):
    """Come in again and again under another name, ask for much, and be gone in the middle of it."""
    chance, count = soak.chance, 0
    while soak.is_rough:
        count += 1
        name, door = f"vandal{number}x{count}", chance.choice(list(RUDE))
        how = chance.choice(RUDE[door])
        soak.done[f"vandal at {door}"] += 1
        peer = Rude(Messages() if door in ("websocket", "wss") else Lines(), how.replace("NAME", name))
        with contextlib.suppress(OSError):
            await soak.open(door, lambda peer=peer: peer)
            await asyncio.sleep(chance.uniform(0, 1.5))
            if chance.random() < 0.3 and peer.transport.can_write_eof() and not peer.transport.is_closing():
                peer.transport.write_eof()
                await asyncio.sleep(chance.uniform(0, 0.5))
            if chance.random() < 0.6:
                reset(peer.transport)
            else:
                peer.transport.abort()
        await asyncio.sleep(chance.uniform(0, 0.5))


class Rude(asyncio.Protocol):
    """Says all it has to say, and does not read."""

    def __init__(self, wire, words):
        self._data = wire.opening + wire.pack(words.encode())

    def connection_made(self, transport):
        self.transport = transport
        transport.pause_reading()
        transport.write(self._data)
