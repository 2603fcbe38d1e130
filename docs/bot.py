"""An example bot: it greets who comes in, answers !time, !roll and !help, and other programs that call ``roll``.

Start: python docs/bot.py HOST:PORT
"""

from __future__ import annotations

import random
import sys
import time

from twisted_chat.client import Chat, Event, connect, run

ROOM = "lobby"
IDENTITY = "bot.identity"  # a file that keeps who it is over restarts


async def main(address: str) -> None:
    async with connect(address, alias="rolf", rooms=[ROOM], patience=None, identity=IDENTITY) as chat:
        print(f"{chat.alias} is in {', '.join(chat.rooms)}", flush=True)  # noqa: T201  # its log
        chat.answers(roll)  # await chat.call("rolf", "roll", sides=20), says another program
        async for event in chat:  # over any number of lost connections
            await answer(chat, event)


async def answer(chat: Chat, event: Event) -> None:
    """Do what one event asks for."""
    if event.author == chat.alias:
        return  # or the bot would talk with itself
    if event.kind == "joined":
        await chat.say(event.group, f"welcome, {event.author}: say !help to see what I can do")
    elif event.kind == "said" and event.text.startswith("!"):
        words = reply(event.text)
        if event.group == ROOM:
            await chat.say(ROOM, f"{event.author}: {words}")
        else:
            await chat.tell(event.author, words)  # what was said to me alone, or to everyone


def reply(command: str) -> str:
    """Return the answer to a line that begins with an exclamation mark."""
    if command == "!time":
        return time.strftime("it is %H:%M:%S here")
    if command == "!roll":
        return f"you rolled {roll()}"
    return "I know !time, !roll and !help"


def roll(sides: int = 6) -> int:
    """Return what a die shows."""
    return random.randint(1, sides)  # noqa: S311


if __name__ == "__main__":
    try:
        run(main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:59000"))  # a signal lets it leave in good order
    except ConnectionError as error:
        sys.exit(str(error))
