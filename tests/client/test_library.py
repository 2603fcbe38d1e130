"""The library as a program uses it: coming in and leaving, events for one task, and the first example of its page."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

import twisted_chat
from twisted_chat.client import Connecting, connect
from twisted_chat.client.errors import CannotConnect
from twisted_chat.client.on_twisted import TwistedDriver
from twisted_chat.client.server_connection import ServerConnection
from twisted_chat.core.events import LOBBY

from ..fake_server import FakeServer
from ..processes import SECONDS

PAGE = Path(__file__).parents[2] / "docs/client.rst"


@pytest.fixture
def server():
    fake = FakeServer()
    yield fake
    fake.close()


def bot(server, **more):
    return connect(server.address, alias="rolf", **more)


# -- coming in and leaving


def under_asyncio(scenario):
    return asyncio.run(asyncio.wait_for(scenario, SECONDS))


async def come_and_go(server):
    async with bot(server) as chat:
        assert chat.rooms == (LOBBY,)
    server.wait_for("quit")


async def test_async_with_leaves_at_the_end_under_twisted(server):
    await come_and_go(server)


def test_async_with_leaves_at_the_end_under_asyncio(server):
    under_asyncio(come_and_go(server))


def test_async_with_leaves_after_an_error_too(server):
    async def fail():
        async with bot(server):
            raise KeyError

    with pytest.raises(KeyError):
        under_asyncio(fail())
    server.wait_for("quit")


def test_a_connect_can_be_a_task_and_be_run(server):
    async def main():
        chat = await asyncio.create_task(bot(server))
        await chat.close()

    under_asyncio(main())
    assert isinstance(asyncio.run(bot(server)).alias, str)


def test_a_connect_that_is_never_awaited_gives_a_warning():
    coming = connect(alias="rolf")
    assert isinstance(coming, Connecting)
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        del coming
        gc.collect()


def test_a_cancelled_connect_raises_only_that_under_asyncio(server):
    server.greeting = b""

    async def main():
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
        coming = asyncio.create_task(bot(server))
        while not server.connections:
            await asyncio.sleep(0.001)
        coming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await coming
        gc.collect()
        assert faults == []

    under_asyncio(main())


async def test_a_cancelled_connect_raises_only_that_under_twisted(server):
    coming = Deferred.fromCoroutine(bot(server))
    coming.cancel()  # while it looks the host up
    with pytest.raises(CancelledError):
        await coming


async def test_a_connection_lost_before_its_greeting_leaves_no_failure_behind():
    connection = ServerConnection(TwistedDriver(Clock()), NobodyHears())
    connection.lost("it was cut off")
    with pytest.raises(CannotConnect, match="it was cut off"):
        await connection.greeted()
    # A failure would be logged when the connection is freed.
    ServerConnection(TwistedDriver(Clock()), NobodyHears()).lost("and nobody asks")


class NobodyHears:
    def may_hear(self):
        return True

    def connection_lost(self, connection, why):
        """There is no chat yet."""


# -- saying


def test_a_blank_line_among_others_is_refused_and_the_others_are_said(server):
    async def main():
        async with bot(server) as chat:
            return await chat.say_all("lobby", ["a", "", "two\nlines", "b"])

    assert under_asyncio(main()) == [
        "there is nothing to say in that",
        "that is more than one line: say each line by itself",
    ]
    assert server.texts("lobby") == ["a", "b"]


# -- events


def test_a_second_task_that_waits_for_events_gets_an_error(server):
    async def main():
        async with bot(server) as chat:
            first = asyncio.create_task(chat.__anext__())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task waits for this chat's events already"):
                await chat.__anext__()
            server.say("lobby", "hi")
            assert (await first).text == "hi"
            first = asyncio.create_task(chat.__anext__())
            await asyncio.sleep(0)
            first.cancel()  # it waits no more
            server.say("lobby", "there")
            assert (await chat.__anext__()).text == "there"

    under_asyncio(main())


# -- the page


def test_the_first_example_of_the_page_runs(twistd):
    server = twistd()
    example = re.search(r"In an asyncio program::\n\n((?:    .*\n|\n)+)", PAGE.read_text())[1]
    script = re.sub("^    ", "", example, flags=re.MULTILINE).replace("127.0.0.1:59000", f"127.0.0.1:{server.port}")
    running = subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        heard = [running.stdout.readline() for _ in range(3)]
        assert heard == [
            "nobody here is called alice: /who * lists everyone\n",
            "said ops rolf hello, room\n",
            "said * rolf hello, all\n",
        ]
    finally:
        running.kill()
        running.communicate(timeout=SECONDS)


def test_a_type_checker_may_read_the_annotations():
    assert (Path(twisted_chat.__file__).parent / "py.typed").exists()
