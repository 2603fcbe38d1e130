"""What a person can type: one function a command, in one table. /help and docs/commands.rst write themselves.

A command's docstring is its help. Its function is given the hub, the request and the rest of the line, answers with
``ask.notice`` and raises ChatError. One more command is one more function here, and nothing elsewhere.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core import text
from ..core.days import NO_DAY, day_of, time_of
from ..core.errors import BadRoom, BadUsage, ChatError, NoCurrentRoom, UnknownCommand
from ..core.events import ACTED, POSTS, Event
from ..core.hub import Hub
from ..core.ports import Query
from ..core.room import Room, of_rooms
from ..core.session import Ask

Function = Callable[[Hub, Ask, str], None]

NAMES_SHOWN = 200  # in one answer
HISTORY_SHOWN = 20  # lines, where no number is given

_WANTED = re.compile(r"([1-9]\d{0,14})|(\d{1,6})([mhd])|(\d{1,15})-(\d{1,15})", re.ASCII)
_WORD = re.compile(r"\S*")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Command:
    """One thing that a person can type."""

    name: str
    short: tuple[str, ...]  # names that do the same
    arguments: str  # as shown in the usage; [in brackets] if they can be left out
    posts: bool  # says something and changes nothing else, so that it need not wait for what was said before
    run: Function

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.arguments}".rstrip()

    @property
    def help(self) -> str:
        return " ".join((self.run.__doc__ or "").split())

    @property
    def summary(self) -> str:
        return self.help.partition(".")[0]


TABLE: dict[str, Command] = {}  # by name, in the order of /help
_BY_NAME: dict[str, Command] = {}  # by any name


def command(*short: str, arguments: str = "", posts: bool = False) -> Callable[[Function], Function]:
    """Put a function into the table, under its own name and some shorter ones."""

    def put(run: Function) -> Function:
        entry = Command(run.__name__.rstrip("_"), short, arguments, posts, run)
        TABLE[entry.name] = entry
        for name in (entry.name, *short):
            if name in _BY_NAME:
                raise ValueError(f"two commands are called {name}")
            _BY_NAME[name] = entry
        return run

    return put


def parse(line: str) -> tuple[Command, str]:
    """Return the command that a line asks for, and the rest of the line. Never raises.

    A line without a slash, or with two, is said in the current room.
    """
    if line[:1] != "/":
        return TABLE["say"], line
    if line[:2] == "//":
        return TABLE["say"], line[1:]
    name, rest = _word(line[1:])
    found = _BY_NAME.get(name.lower())
    return (found, rest) if found else (_UNKNOWN, name)


def obey(hub: Hub, ask: Ask, request: tuple[Command, str]) -> None:
    """Do what a line asked for.

    Raises: ChatError.
    """
    asked, rest = request
    if asked.arguments and asked.arguments[0] != "[" and not rest.strip():
        raise BadUsage(asked.usage)
    asked.run(hub, ask, rest)


def _unknown(hub: Hub, ask: Ask, name: str) -> None:
    name = text.clean(name)[:24]
    nearest = difflib.get_close_matches(name.lower(), _BY_NAME, n=1)
    raise UnknownCommand(name, _BY_NAME[nearest[0]].name if nearest else None)


_UNKNOWN = Command("", (), "", False, _unknown)


def _word(rest: str) -> tuple[str, str]:
    """Split into a word, which is empty before white space, and what is after one character of that."""
    word = _WORD.match(rest)[0]  # type: ignore[index]  # it matches anything
    return word, rest[len(word) + 1 :]


def _two(rest: str, usage: str) -> tuple[str, str]:
    """Split into a word and a text, both there. The text keeps its own white space."""
    word, words = _word(rest.lstrip())
    if not words.strip():
        raise BadUsage(usage)
    return word, words


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 16


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _ago(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return _plural(int(seconds // length), unit)
    return _plural(int(seconds), "second")


# -- saying


@command("s", arguments="TEXT", posts=True)
def say(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line in the current room. The same as typing the line alone; ``//x`` says ``/x``."""
    hub.say(ask, rest)


@command("action", "emote", "do", arguments="TEXT", posts=True)
def me_(hub: Hub, ask: Ask, rest: str) -> None:
    """Say what you do. ``/me waves`` shows as ``* YOU waves``."""
    hub.say(ask, rest.lstrip(), kind=ACTED)


@command("in", arguments="ROOM TEXT", posts=True)
def to(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line in another of your rooms. The current room stays the same."""
    room, words = _two(rest, TABLE["to"].usage)
    hub.say(ask, words, room)


@command("broadcast", "wall", arguments="TEXT", posts=True)
def all_(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line to everyone, whatever their rooms."""
    hub.broadcast(ask, rest.lstrip())


@command("m", "tell", "t", "w", "whisper", "query", "privmsg", "pm", "dm", arguments="ALIAS TEXT", posts=True)
def msg(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line to one person. Nobody else sees it."""
    alias, words = _two(rest, TABLE["msg"].usage)
    _tell(hub, ask, alias, words)


@command("r", arguments="TEXT")
def reply(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line to whoever wrote to you last."""
    me = ask.session
    _tell(hub, ask, hub.correspondent_of(me).alias, rest.lstrip())


def _tell(hub: Hub, ask: Ask, alias: str, words: str) -> None:
    me = ask.session
    target = hub.tell(ask, alias, words)
    if target.away is not None and target is not me.person:
        ask.notice(f"{target.alias} is away" + (f": {target.away}" if target.away else ""))


# -- rooms


@command("j", "room", "channel", arguments="ROOM [AFTER]")
def join(hub: Hub, ask: Ask, rest: str) -> None:
    """Enter a room and talk in it from now on. A new room is made if need be. With AFTER, a number, you are shown
    everything after that event."""
    me = ask.session
    name, after = _word(rest.strip())
    if after and not _is_number(after.strip()):
        raise BadUsage(f"{TABLE['join'].usage}, AFTER is the number of an event: /join lobby 120")
    before = me.current
    hub.join(ask, name, int(after) if after else None)
    if not me.in_flight:  # they were in it already
        where = me.current.name if me.current else ""
        ask.notice(f"you {'talk' if me.current is before else 'now talk'} in {where}")
        me.release()


@command("part", "l", arguments="[ROOM]")
def leave(hub: Hub, ask: Ask, rest: str) -> None:
    """Leave a room. Without ROOM, the current one."""
    room, why = _word(rest.strip())
    hub.leave(ask, room, text.clean(why))


@command("list", "channels", "chans")
def rooms(hub: Hub, ask: Ask, rest: str) -> None:
    """List the rooms and their topics, the fullest first. A star marks your current room."""
    me = ask.session
    by_size = hub.rooms.by_size()
    lines = [
        f"{room.name}{' *' if room is me.current else ''} ({len(room.people):,}) {room.topic}".rstrip()
        for room in by_size[:NAMES_SHOWN]
    ]
    if len(by_size) > NAMES_SHOWN:
        lines.append(f"and {len(by_size) - NAMES_SHOWN:,} more")
    ask.notice(*lines)


@command("subject", arguments="[TEXT]")
def topic(hub: Hub, ask: Ask, rest: str) -> None:
    """Show or set the topic of the current room. ``/topic -`` clears it."""
    me = ask.session
    wanted = rest.strip()
    if wanted:
        hub.retitle(ask, "" if wanted == "-" else text.said(wanted))
        return
    room = hub.room_of(me)
    ask.notice(f"topic of {room.name}: {room.topic}" if room.topic else f"{room.name} has no topic: /topic TEXT")


@command("hist", "scrollback", "log", arguments="[N | 2h | A-B]")
def history(hub: Hub, ask: Ask, rest: str) -> None:
    """Show what happened in the current room. N shows its last N events, 2h those of the last two hours (also 30m, 7d),
    A-B those with these numbers. Without any, the last 20."""
    me = ask.session
    room = hub.room_of(me)
    _recall(hub, ask, room, _wanted(hub, room, rest.strip() or str(HISTORY_SHOWN)))


def _wanted(hub: Hub, room: Room, words: str) -> Query:
    found = _WANTED.fullmatch(words.replace(",", ""))
    if found is None:
        raise BadUsage(f"{TABLE['history'].usage}, for example /history 50, /history 2h, /history 120-140")
    count, ago, unit, first, last = found.groups()
    query = Query(room.name, until=room.number)
    if count:
        return query._replace(after=max(0, room.number - int(count)))
    if ago:
        return query._replace(since=hub.now() - int(ago) * _SECONDS[unit])
    return query._replace(after=max(0, int(first) - 1), until=min(int(last), room.number))


def seconds_ago(words: str) -> int | None:
    """Return how many seconds a time such as 2h is, or None if it is none."""
    found = _WANTED.fullmatch(words)
    return int(found[2]) * _SECONDS[found[3]] if found and found[2] else None


def _recall(hub: Hub, ask: Ask, room: Room, query: Query) -> None:
    """Show what meets a query, a page at a time, between two notices."""
    me = ask.session
    hub.tell_day(ask)
    shown, day = 0, ask.reader.today

    def show(found: Sequence[Event], is_last: bool) -> None:
        nonlocal shown, day
        events = [event for event in found if me.wants(event)]
        if events and not shown:
            ask.notice(f"{room.name}, from {events[0].number:,} on:")
        shown += len(events)
        ask.show_again(events, day)
        if events:  # other lines may come before the next page
            day = ask.reader.today if ask.reader.today.holds(events[-1].when) else NO_DAY
        if is_last:
            ask.notice(f"that was {room.name}" if shown else f"nothing of that is kept in {room.name}")

    if query.after >= query.until:
        show((), is_last=True)
    else:
        hub.past.recall_pages(ask, query, show)


@command("grep", "find", arguments="WORDS")
def search(hub: Hub, ask: Ask, rest: str) -> None:
    """Find what was said with all these words in it. Whole words are found, with or without capitals and accents; in
    scripts without spaces, such as Chinese or Thai, any part of a line. It looks in the rooms that you are in, or in
    those given as ``#ROOM``; with ``from:ALIAS`` only at what they said. The newest 20 lines are shown."""
    me = ask.session
    words = rest.split()
    given = [word for word in words if _is_room(hub, word)]
    rooms = [hub.room_of(me, word).name for word in given] or list(me.rooms)
    author = next((word[5:] for word in words if word.startswith("from:")), "")
    asked = " ".join(word for word in words if word not in given and not word.startswith("from:"))
    if not (asked or author):
        raise BadUsage(TABLE["search"].usage)
    if not rooms:
        raise NoCurrentRoom
    hub.tell_day(ask)

    def answer(found: Sequence[Event]) -> None:
        newest = list(filter(me.wants, of_rooms(found)))[-HISTORY_SHOWN:]
        ask.notice(f"found {_plural(len(newest), 'line')}" + (":" if newest else ""))
        ask.show_again(newest, ask.reader.today)
        if newest and not (me.ear.view.shows("stamps") or ask.reader.today.holds(newest[-1].when)):
            ask.notice(ask.reader.today.words)  # what they see next is of today

    query = Query(rooms[0], words=asked, author=author, kinds=POSTS, most=HISTORY_SHOWN, newest=True)
    hub.past.recall(ask, query._replace(others=tuple(rooms[1:])), answer)


def _is_room(hub: Hub, word: str) -> bool:
    """Whether a word is the name of a room that there is, after a number sign."""
    try:
        return word[0] == "#" and text.room(word) in hub.rooms
    except BadRoom:
        return False


# -- people


@command("names", "users", "members", arguments="[ROOM] [@N]")
def who(hub: Hub, ask: Ask, rest: str) -> None:
    """List who is in a room. Without ROOM, the current one; ``/who *`` lists everyone; ``/who lobby @120`` lists who
    was there at event 120."""
    me = ask.session
    name, at, number = rest.strip().partition("@")
    if name.strip() == "*":
        _list_members(ask, hub.everyone, "here")
        return
    if not name.strip():
        name = hub.room_of(me).name
    hub.past.find_room(ask, name, lambda room: _who_in(hub, ask, room, number if at else None))


def _who_in(hub: Hub, ask: Ask, room: Room, number: str | None) -> None:
    if number is None:
        _list_members(ask, room, f"in {room.name}")
    elif not _is_number(number) or not 0 < int(number) <= room.number:
        raise BadUsage(f"/who {room.name} @N, with N from 1 to {room.number}")
    else:
        where = f"in {room.name} at {number}"
        hub.past.members_at(ask, room, int(number), lambda names: ask.notice(_members(names, where)))


def _list_members(ask: Ask, room: Room, where: str) -> None:
    ask.notice(_members([m.alias + (" (away)" if m.away is not None else "") for m in room.people], where))


def _members(names: Sequence[str], where: str) -> str:
    return f"{len(names):,} {where}: {text.listed(names, NAMES_SHOWN, len(names))}".rstrip(": ")


@command("wi", "finger", arguments="ALIAS")
def whois(hub: Hub, ask: Ask, rest: str) -> None:
    """Show details about a person. Their rooms, how long they have been here, whether they are away."""
    them = hub.person_called(rest)
    ask.notice(f"{them.alias} is in {text.listed(them.rooms, 20, len(them.rooms)) or 'no room'}")
    sessions = hub.sessions.of(them)
    if sessions:
        here = hub.seconds() - min(session.since for session in sessions)
        idle = hub.seconds() - max(session.active for session in sessions)
        ask.notice(f"{them.alias} came {_ago(here)} ago and was last active {_ago(idle)} ago")
    if them.away is not None:
        ask.notice(f"{them.alias} is away" + (f": {them.away}" if them.away else ""))


@command("n", "name", "alias", arguments="ALIAS")
def nick(hub: Hub, ask: Ask, rest: str) -> None:
    """Take another alias."""
    me = ask.session
    hub.claim(ask, rest)
    if not me.in_flight:
        ask.notice(f"you are {me.alias} already")


@command("afk", "brb", arguments="[WHY]")
def away(hub: Hub, ask: Ask, rest: str) -> None:
    """Show others that you are away. People who write to you see that, and why."""
    hub.go_away(ask, text.clean(rest.strip()))
    ask.notice("you are away: /back when you are here again")


@command("here", "unaway")
def back(hub: Hub, ask: Ask, rest: str) -> None:
    """Show others that you are back."""
    hub.come_back(ask)
    ask.notice("you are back")


@command("mute", arguments="[ALIAS]")
def ignore(hub: Hub, ask: Ask, rest: str) -> None:
    """Hear nothing that a person says. That goes for any alias that they take; once they have left, whoever comes in
    under ALIAS is taken for them. Without ALIAS, list whom you ignore."""
    me = ask.session
    if not rest.strip():
        ask.notice(f"you ignore {text.listed(sorted(me.ear.ignoring), NAMES_SHOWN, len(me.ear.ignoring)) or 'nobody'}")
        return
    them = hub.person_called(rest)
    if them is me.person:
        raise ChatError("you cannot ignore yourself: /set echo off hides your own lines")
    if len(me.ear.ignoring) >= NAMES_SHOWN:
        raise ChatError(f"you ignore {len(me.ear.ignoring)} people already: /unignore one first")
    if not me.ignores(them):
        ignoring = me.ear.ignoring.adding(them.alias, them.seats)
        hub.listen(me, me.ear._replace(ignoring=ignoring))
    ask.notice(f"you ignore {them.alias}: /unignore {them.alias} ends it")


@command("unmute", arguments="ALIAS")
def unignore(hub: Hub, ask: Ask, rest: str) -> None:
    """Hear a person again."""
    me = ask.session
    rest_of_them = me.ear.ignoring.without(rest.strip())
    heard = [alias for alias in me.ear.ignoring if alias not in set(rest_of_them)]
    if not heard:
        raise ChatError("you do not ignore anyone of that alias: /ignore lists whom you do")
    hub.listen(me, me.ear._replace(ignoring=rest_of_them))
    ask.notice(f"you hear {' and '.join(heard)} again")


# -- this connection


@command("option", "options", arguments="[OPTION on|off]")
def set_(hub: Hub, ask: Ask, rest: str) -> None:
    """Show or set your options. They are: stamps (the time before each line, and the date too
    before what is shown again), numbers (each event's in its room),
    colour, moves (who comes, goes and takes another alias), echo (your own lines come back to you), bell (a beep when
    you are named or written to)."""
    me = ask.session
    names = (*me.ear.view.options, "echo", "bell")
    words = rest.lower().replace("color", "colour").split()
    if words:
        if len(words) != 2 or words[0] not in names or words[1] not in ("on", "off"):
            raise BadUsage(f"/set {'|'.join(names)} on|off")
        option, on = words[0], words[1] == "on"
        if option == "echo":
            if me.ear.view.is_for_people:  # a program's own lines are its acknowledgements
                hub.listen(me, me.ear._replace(echo=on))
        elif option == "bell":
            hub.listen(me, me.ear._replace(bell=on))
        else:
            hub.listen(me, me.ear._replace(view=me.ear.view.having(option, on)))
    shown = {name: me.ear.view.shows(name) for name in me.ear.view.options} | {"echo": me.ear.echo, "bell": me.ear.bell}
    ask.notice(", ".join(f"{name} {'on' if on else 'off'}" for name, on in shown.items()))
    if words == ["stamps", "on"]:
        now = hub.now()
        ask.notice(f"the stamps are in the server's time: it is {time_of(now)} on {day_of(now).words}")


@command(arguments="[WORD]")
def ping(hub: Hub, ask: Ask, rest: str) -> None:
    """Answer "pong WORD". It comes once all that you asked before has been done."""
    ask.notice(f"pong {text.clean(rest.strip())[:64]}".rstrip())


@command("h", "?", "commands", "man", arguments="[COMMAND]")
def help_(hub: Hub, ask: Ask, rest: str) -> None:
    """List the commands, or explain one."""
    name = rest.strip().removeprefix("/").lower()
    if not name:
        ask.notice(
            "a line without a slash is said in your current room; with one:",
            *(f"{entry.usage:<22} {entry.summary}" for entry in TABLE.values()),
            "``` on a line of its own begins a block, for code, and ends it",
            "/help COMMAND tells more",
        )
        return
    found = _BY_NAME.get(name)
    if found is None:
        _unknown(hub, ask, name)
        return
    ask.notice(f"{found.usage}  {found.help.replace('``', '')}")
    if found.short:
        ask.notice("the same: " + ", ".join(f"/{short}" for short in found.short))


@command("exit", "q", "bye", "logout", "disconnect", arguments="[WHY]")
def quit_(hub: Hub, ask: Ask, rest: str) -> None:
    """Leave the chat."""
    me = ask.session
    hub.leave_all(me, text.clean(rest.strip()))


def page() -> str:
    """Return docs/commands.rst, made from the table."""
    lines = [
        "What you can type",
        "=================",
        "",
        ".. Made from the table: python -m twisted_chat.requests.commands > docs/commands.rst",
        "",
        "A line without a slash is said in your current room. ``//x`` says ``/x``. An unknown command is never said.",
        "A line of three backquotes begins a block, for code: each line is said as it is, until another such line.",
        "Every answer of the server's starts with ``--``, or with ``!!`` where a thing could not be done.",
        "",
    ]
    for entry in TABLE.values():
        lines += [f"``{entry.usage}``", f"    {entry.help}"]
        if entry.short:
            lines += ["", "    The same: " + ", ".join(f"``/{short}``" for short in entry.short) + "."]
        lines.append("")
    return "\n".join(lines[:-1])


if __name__ == "__main__":
    print(page())  # noqa: T201  # this is how docs/commands.rst is made
