"""The commands that do one thing and end: say a line, or print rooms, people and history."""

from __future__ import annotations

import argparse
import getpass
import math
import os
import re
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...clocks import wall
from ...core import text
from ...core.errors import ChatError
from ...core.events import EVERYONE, LOBBY, Event
from .. import codec
from ..chat import Chat
from . import history
from .by_device import connect_by_device
from .options import add_connection, count, duration, secret_of, server_of, set_defaults, statuses, words
from .pipe import FirstTry
from .settings import OK, REFUSED, UNWRITTEN, Settings, complain, status_of
from .shell_completion import SHELLS, script
from .show import plain, stamp
from .stdio import READER_GONE
from .usage import COMMANDS

PAST = 20  # events or lines, by default

Lines = list[str]
Ask = Callable[[Chat, argparse.Namespace], Awaitable[Lines]]


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command's arguments."""
    parser = argparse.ArgumentParser(
        prog=f"twisted-chat {name}",
        description=COMMANDS[name].help[0].upper() + COMMANDS[name].help[1:] + ".",
        epilog=f"exit status:\n{statuses()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if name == "completion":
        parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
        return parser
    _ARGUMENTS[name](parser)
    parser.add_argument("-s", "--server", metavar="HOST[:PORT]", type=server_of, help="the server")
    add_connection(parser, "needed" if name == "say" else "default: a made-up one")
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; print an error and exit with status 2 if it is wrong."""
    name = arguments[0]
    parser = command_parser(name)
    if name != "completion":
        set_defaults(parser, but=() if name == "say" else ("alias",))  # only say needs an alias that others know
    given = parser.parse_args(arguments[1:])
    given.command = name
    if name == "say" and not given.alias:
        parser.error("--alias is needed")
    if sum(getattr(given, name, None) is not None for name in ("tail", "after", "since")) > 1:
        parser.error("--tail, --after and --since exclude each other: give one of them")
    return given


async def run(given: argparse.Namespace) -> int:
    """Run the command, and return the exit status."""
    if given.command == "completion":
        return _print(script(given.shell).splitlines())
    alias = given.alias or _made_up()
    settings = Settings(
        given.server,
        alias,
        tls=given.tls or bool(given.ca),
        ca=given.ca,
        identity=given.identity,
        secret=secret_of(given),
        stores=given.stores,
        patience=None if given.patience == math.inf else given.patience,
    )
    rooms = [] if given.command in ("rooms", "who") else _rooms(given.room)
    try:
        chat = await connect_by_device(settings, alias, rooms, FirstTry(settings.address, settings.patience))
    except (ChatError, OSError, ValueError) as error:
        return status_of(error)
    try:
        lines = await _ASKS[given.command](chat, given)
    except (ChatError, OSError) as error:
        return status_of(error)
    finally:
        await chat.close()
    return _print(lines) if given.command != "say" else REFUSED if lines else OK


def _rooms(group: str) -> list[str]:
    return [] if group[:1] in ("@", EVERYONE) else [group]


def _made_up() -> str:
    """Return an alias for a command that only asks."""
    try:
        user = re.sub("[^A-Za-z0-9]", "", getpass.getuser())[:12]
    except (OSError, KeyError):  # the user has no name
        user = ""
    return f"{user or 'guest'}-{secrets.token_hex(2)}"


def _print(lines: Lines) -> int:
    try:
        for line in lines:
            sys.stdout.buffer.write(line.encode() + b"\n")
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would complain again at its exit
        if error.errno in READER_GONE:
            return OK
        complain(f"the output cannot be written: {error.strerror}")
        return UNWRITTEN
    return OK


# -- the arguments of each command


def _for_say(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", metavar="ROOM", type=words, help="a room, @ALIAS for one person, or '*' for everyone")
    parser.add_argument(
        "text",
        metavar="TEXT",
        type=words,
        nargs="+",
        help="the text to say, even if it begins with / or @; - is standard input",
    )


def _for_rooms(parser: argparse.ArgumentParser) -> None:
    _add_json(parser)


def _for_who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "room", metavar="ROOM", type=words, nargs="?", default=EVERYONE, help="a room (default: all of them)"
    )
    _add_json(parser)


def _for_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "room", metavar="ROOM", type=words, help="a room; the command joins it, and its people see that"
    )
    parser.add_argument("-n", "--tail", metavar="N", type=count, help=f"the last N events (default: {PAST})")
    parser.add_argument("--after", metavar="N", type=count, help="the events after number N")
    parser.add_argument("--since", metavar="TIME", type=duration, help="the events of the last TIME: 90s, 30m, 1h, 7d")
    _add_json(parser)


def _for_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORDS", type=words, nargs="+", help="the words to look for")
    parser.add_argument(
        "-r", "--room", metavar="ROOM", type=words, help="a room (default: lobby); the command joins it"
    )
    parser.add_argument(
        "-f", "--from", metavar="ALIAS", dest="author", type=words, default="", help="only lines of ALIAS"
    )
    parser.add_argument("-n", "--tail", metavar="N", type=count, help=f"the newest N lines (default: {PAST})")
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-j", "--json", action="store_true", help="print JSON, an object a line")


_ARGUMENTS = {"say": _for_say, "rooms": _for_rooms, "who": _for_who, "history": _for_history, "search": _for_search}


# -- the commands


async def _say(chat: Chat, given: argparse.Namespace) -> Lines:
    """Say a line, or several as a block; print the reasons for refusals, and return them."""
    whole = text.decoded(sys.stdin.buffer.read()) if given.text == ["-"] else " ".join(given.text)
    lines = re.split("\r\n|\r|\n", whole.rstrip("\r\n"))
    said = lines[0] if len(lines) == 1 else lines
    if given.room == EVERYONE:
        refused = await _refusals(chat.broadcast(said))
    elif given.room[:1] == "@":
        refused = await _refusals(chat.tell(given.room[1:], said))
    else:
        refused = await _refusals(chat.say(given.room, said))
    for why in refused:
        complain(why)
    return refused


async def _refusals(saying: Awaitable[Event]) -> Lines:
    try:
        await saying
    except ChatError as error:
        return [str(error)]
    return []


async def _list_rooms(chat: Chat, given: argparse.Namespace) -> Lines:
    rooms = (await chat.request("rooms"))["rooms"]
    if given.json:
        return _json(rooms)
    wide = max([len(room["room"]) for room in rooms], default=0)
    shown = [f"{text.clean(room['room']):{wide}} {room['members']:4,}  {text.clean(room['topic'])}" for room in rooms]
    return [line.rstrip() for line in shown]


async def _list_people(chat: Chat, given: argparse.Namespace) -> Lines:
    found = await chat.request("who", room=given.room)
    names = [text.clean(alias) for alias in found["members"] if alias != chat.alias]
    return _json([{"alias": alias} for alias in names]) if given.json else names


async def _history(chat: Chat, given: argparse.Namespace) -> Lines:
    room = text.room(given.room)
    here = chat.came_at(room)
    if given.since is not None:
        events = await history.since(chat, room, here, wall() - given.since)
    elif given.after is not None:
        events = await history.after(chat, room, here, given.after)
    else:
        wanted = PAST if given.tail is None else given.tail
        events = history.without_entry(await history.last(chat, room, here, wanted + 1), chat.alias)
        events = events[len(events) - wanted if wanted < len(events) else 0 :]
    return _events(history.without_entry(events, chat.alias), given)


async def _search(chat: Chat, given: argparse.Namespace) -> Lines:
    wanted = {"from": given.author} if given.author else {}
    most = PAST if given.tail is None else given.tail
    asked = " ".join(given.words)
    found = await chat.request("search", words=asked, room=text.room(given.room or LOBBY), limit=most, **wanted)
    return _events([codec.event(message) for message in found["events"]], given)


def _events(events: Sequence[Event], given: argparse.Namespace) -> Lines:
    if given.json:
        return _json([codec.shown(event) for event in events])
    return [stamp(event.when) + plain(event) for event in events]


def _json(objects: Sequence[dict[str, Any]]) -> Lines:
    return [codec.encode(each).decode().rstrip("\n") for each in objects]


_ASKS: dict[str, Ask] = {
    "say": _say,
    "rooms": _list_rooms,
    "who": _list_people,
    "history": _history,
    "search": _search,
}
