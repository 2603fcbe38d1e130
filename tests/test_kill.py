"""Real servers that are killed, stopped and held while programs talk over a rough wire; the checker judges.

KILLS (20) and EVENTS (6000, acknowledged) make a longer run, SEED another one:
KILLS=50 EVENTS=200000 pytest tests/test_kill.py --timeout=3600
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import signal
import sqlite3
from pathlib import Path

import pytest

from twisted_chat.core.events import as_logged
from twisted_chat.journals.sqlite.queries import export

from .checker import Refused, Sent, check
from .good_client import GoodClient
from .processes import SECONDS, Twistd, free_port
from .rough import Parsed, Player, Proxy, playing, until

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "20"))
EVENTS = int(os.environ.get("EVENTS", "6000"))
SEED = int(os.environ.get("SEED", "1"))
NAMES = ("ann", "ben", "cy", "dot", "eve", "fay")
WINDOW = 20  # of one client, that are not answered yet


class House:
    """The server, started again on the same port and file each time."""

    def __init__(self, folder, *options):
        self.folder, self.port = Path(folder), free_port()
        self.path = self.folder / "chat.db"
        self.server = None
        self.options = (
            "--listen", f"tcp:{self.port}:interface=127.0.0.1", "--journal", f"sqlite:{self.path}", "--no-limits",
            "--grace", "2", "--remember", "100", *options,
        )  # fmt: skip

    async def start(self):
        self.server = await asyncio.to_thread(Twistd, self.folder, *self.options)

    async def end(self, number):
        """Send a signal that ends the server, and wait for its end."""
        self.server.process.send_signal(number)
        await asyncio.to_thread(self.server.process.wait, SECONDS)

    def close(self):
        if self.server is not None:
            self.server.process.send_signal(signal.SIGCONT)
            self.server.close()

    def log(self):
        """Return what is in the file: {group: events as on the wire}."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            rooms = [name for (name,) in connection.execute("SELECT name FROM rooms")]
        return {room: [as_logged(event) for event in export(self.path, room)] for room in rooms}


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


class Talk:
    """The acts of each client in its turn, until it is told to be quiet."""

    def __init__(self, chance, window=WINDOW):
        self.chance, self.window = chance, window
        self.is_quiet = False
        self.said = 0

    def __call__(self, client):
        while not self.is_quiet and len(client.unanswered) < self.window:
            self.said += 1
            self._say(client, f"{client.name} says {self.said}")

    def _say(self, client, text):
        which = self.chance.random()
        if which < 0.8:
            client.say(self.chance.choice(sorted(client.wanted) or ["lobby"]), text)
        elif which < 0.9:
            client.tell(self.chance.choice(NAMES), text)
        elif which < 0.95:
            client.broadcast(text)
        elif which < 0.96:
            client.join(self.chance.choice(["ops", "dev"]))
        elif which < 0.97:
            client.leave(self.chance.choice(["ops", "dev"]))
        elif client.rooms:
            room = self.chance.choice(sorted(client.rooms))
            client.ask(*self.chance.choice([("who",), ("history",)]), room=room)


def judge(clients, log):
    """Return the violations. One who is told may be gone for a moment, and the refusal be lost in a cut."""
    tells = {
        (client.history.client, record.id)
        for client in clients
        for record in client.history.records
        if type(record) is Sent and record.group[0] == "@"
    }
    return check([client.history for client in clients], log, refused=tells)


async def settled(clients, talk, tasks):
    """Wait until everybody has got everything."""
    talk.is_quiet = True
    await until(lambda: all(client.is_settled for client in clients), tasks)
    for client in clients:
        for room in client.rooms:
            client.ask("who", room=room)
        client.ask("ping")
    await until(lambda: all(client.is_settled for client in clients), tasks)
    for client in clients:
        client.end()


def make_clients(names=NAMES):
    parse = Parsed()
    return [GoodClient(name, parse=parse) for name in names]


async def be_killed(house, clients, chance):
    """Run clients while the server is ended in every way; return the ways."""
    proxy, talk = Proxy(house.port, chance), Talk(chance)
    done = {"kill -9": 0, "SIGTERM": 0, "SIGSTOP": 0}
    await house.start()
    await proxy.start()
    players = [Player(client, proxy.port, talk) for client in clients]

    def acknowledged():
        return sum(client.acknowledged for client in clients)

    async with playing(players) as tasks:
        while done["kill -9"] < KILLS:
            wanted = EVENTS * (done["kill -9"] + 1) // KILLS
            await until(lambda: acknowledged() >= wanted, tasks, 600)  # noqa: B023
            await asyncio.sleep(chance.random() * 0.3)
            if chance.random() < 0.15:
                done["SIGSTOP"] += 1
                house.server.process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(chance.random())
                house.server.process.send_signal(signal.SIGCONT)
                await asyncio.sleep(chance.random() * 0.2)
            if chance.random() < 0.15:
                done["SIGTERM"] += 1
                await house.end(signal.SIGTERM)
            else:
                done["kill -9"] += 1
                await house.end(signal.SIGKILL)
            await house.start()
        proxy.is_rough = False
        await settled(clients, talk, tasks)
    await proxy.close()
    await house.end(signal.SIGTERM)
    return done | {"acknowledged": acknowledged(), "cuts": proxy.cuts, "stalls": proxy.stalls}


@pytest.mark.timeout(300 + KILLS * 10 + EVENTS // 100)
def test_servers_that_are_killed_lose_double_and_mix_nothing(house):
    clients = make_clients()
    done = asyncio.run(be_killed(house, clients, random.Random(SEED)))
    violations = judge(clients, house.log())
    print(f"seed {SEED}: {done}, {len(violations)} violations")
    assert violations == [], violations[:10]
    assert done["acknowledged"] >= EVENTS
    assert sum(client.resumed for client in clients), "no client resumed within its grace period"


async def fill_the_disk(house, clients):
    """Run clients while, for some time, no file can grow."""
    talk = Talk(random.Random(SEED), window=5)
    await house.start()
    pid = house.server.process.pid
    refused = []

    def refusals():
        refused[:] = [
            record for client in clients for record in client.history.records if type(record) is Refused
        ]  # fmt: skip
        return sum(record.code == "not_kept" for record in refused)

    def acknowledged():
        return sum(client.acknowledged for client in clients)

    async with playing([Player(client, house.port, talk) for client in clients]) as tasks:
        await until(lambda: acknowledged() > 300, tasks)
        largest = max(file.stat().st_size for file in house.folder.glob("chat.db*"))
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        await until(lambda: refusals() > 50, tasks)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        wanted = acknowledged() + 300
        await until(lambda: acknowledged() > wanted, tasks)
        await settled(clients, talk, tasks)
    await house.end(signal.SIGTERM)


def test_a_full_disk_refuses_and_loses_nothing_and_then_all_goes_on(house):
    clients = make_clients(NAMES[:3])
    asyncio.run(fill_the_disk(house, clients))
    assert judge(clients, house.log()) == []
    assert "can keep events in" in house.server.log
