"""Good clients on real sockets, and a wire between them and the server that slices, stalls and cuts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

from .processes import SECONDS

HELLO_SECONDS = 10  # that an answer to hello may take


class Proxy:
    """Passes connections on to a port. What it is unkind to is chosen by ``chance``, while ``is_rough``."""

    def __init__(self, target, chance):
        self.target, self.chance = target, chance
        self.is_rough = True
        self.cuts = self.stalls = 0
        self._writers = set()
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, limit=2**16)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _pass_on(self, near_in, near_out):
        self._writers.add(near_out)
        far_out = None
        try:
            far_in, far_out = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(far_out)
            ways = [asyncio.ensure_future(self._way(*way)) for way in ((near_in, far_out), (far_in, near_out))]
            ways.append(asyncio.ensure_future(self._fate()))
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if self.is_rough and self.chance.random() < 0.5:
                near_out.transport.abort()  # the client notices now, and the server later
                await asyncio.sleep(self.chance.random())
        except OSError:
            pass
        finally:
            for writer in (near_out, far_out):
                if writer is not None:
                    writer.transport.abort()
                    self._writers.discard(writer)

    async def _fate(self):
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 3))
            if self.is_rough:
                self.cuts += 1
                return

    async def _way(self, reader, writer):
        while data := await reader.read(2**16):
            if self.is_rough and self.chance.random() < 0.02:
                self.stalls += 1
                await asyncio.sleep(self.chance.random() / 2)
            while self.is_rough and len(data) > 1 and self.chance.random() < 0.1:
                cut = self.chance.randrange(1, len(data))
                writer.write(data[:cut])
                data = data[cut:]
                await asyncio.sleep(0.001)
            writer.write(data)
            await writer.drain()


class Parsed:
    """json.loads for many who hear the same lines: each is read, and kept, once."""

    def __init__(self):
        self._known = {}

    def __call__(self, line):
        found = self._known.get(line)
        if found is None:
            found = json.loads(line)
            if "author" in found:
                self._known[line] = found
        return found


class Player(asyncio.Protocol):
    """Keeps one GoodClient connected, and lets it ask for something whenever it hears something."""

    def __init__(self, client, port, act):
        """``act`` is called with the client."""
        self.client, self.port, self._act = client, port, act
        self._transport = None
        self._is_writable = True
        self._over = asyncio.Event()
        self._lost = asyncio.Event()

    async def run(self):
        """Connect again and again, until ``stop``."""
        loop = asyncio.get_running_loop()
        while not self._over.is_set():
            self._lost.clear()
            try:
                await self.connect()
            except OSError:
                await asyncio.sleep(0.05)
                continue
            waiter = asyncio.ensure_future(self._lost.wait())
            since = loop.time()
            while not waiter.done():
                await asyncio.wait([waiter], timeout=0.1)
                if self.client.is_in:
                    since = loop.time()
                elif loop.time() > since + HELLO_SECONDS:
                    raise AssertionError(f"{self.client.name} was never answered: {self.client.asked}")
                self.tick()
            await asyncio.sleep(self.pause())

    async def connect(self):
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self.port)

    def pause(self):
        """Return how many seconds it stays away after a connection has ended."""
        return 0.02

    def write(self, data):
        self._transport.write(data)

    def stop(self):
        self._over.set()
        if self._transport is not None:
            self._transport.abort()

    def tick(self):
        if self.client.is_connected:
            if self.client.is_refused:
                self.client.hello()
            self.act()

    def act(self):
        if self.client.is_in:
            self._act(self.client)
        self.flush()

    def flush(self):
        if self.client.out and self._is_writable:
            self.write(bytes(self.client.out))
            self.client.out.clear()

    # -- what asyncio calls

    def connection_made(self, transport):
        self._transport = transport
        self._is_writable = True
        self.client.connected()
        self.act()

    def data_received(self, data):
        self.client.feed(data)
        self.act()

    def pause_writing(self):
        self._is_writable = False

    def resume_writing(self):
        self._is_writable = True
        self.act()

    def connection_lost(self, exc):
        self.client.lost()
        self._lost.set()


@contextlib.asynccontextmanager
async def playing(players):
    """Run all of them; a fault of one is raised at the end."""
    tasks = [asyncio.ensure_future(player.run()) for player in players]
    try:
        yield tasks
    finally:
        for player in players:
            player.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def until(is_so, tasks=(), seconds=SECONDS):
    """Wait until something is so, or raise what a client raised."""
    end = time.monotonic() + seconds
    while not is_so():
        for task in tasks:
            if task.done():
                task.result()
        assert time.monotonic() < end, "that takes too long"
        await asyncio.sleep(0.01)
