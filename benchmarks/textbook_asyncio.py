"""The broadcast as an asyncio textbook writes it, with streams. ``python textbook_asyncio.py PORT``."""

from __future__ import annotations

import asyncio
import sys

writers = set()


async def chat(reader, writer):
    """Serve one connection: all connections hear its lines."""
    writers.add(writer)  # asyncio has switched Nagle's algorithm off
    try:
        while line := await reader.readline():
            for each in writers:
                each.write(line)  # to drain() here would let one slow reader stop everybody
    except ConnectionError:
        pass
    finally:
        writers.discard(writer)
        writer.close()


async def main(port):
    """Serve on a port until the process is stopped."""
    server = await asyncio.start_server(chat, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
