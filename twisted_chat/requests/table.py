"""The tables of the commands that people type, and of the requests that programs send in JSON.

Each file that __init__.py lists is a capability, with its commands and its requests. A command is a function: it
gets the hub, the ask and the rest of the line, answers with ``ask.notice`` and raises ChatError; its docstring is
its help. A request is a frozen dataclass: its fields are those that the program sends, and ``run`` does it. docs.py
makes the documents from here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..core import text
from ..core.errors import BadUsage, UnknownCommand
from ..core.events import Event, as_logged
from ..core.hub import Hub
from ..core.secrets import is_command
from ..core.session import Ask
from .fields import Field, fields_of
from .words import word

Function = Callable[[Hub, Ask, str], None]

# -- commands


@dataclass(frozen=True)
class Command:
    """A command that people can type."""

    name: str
    short: tuple[str, ...]  # other names for it, not all of them shorter
    arguments: str  # as shown in the usage; [in brackets] if they can be left out
    posts: bool  # says something and changes nothing else, so that it need not wait for earlier posts
    acts_on_room: bool  # speaks in the current room or changes it, and is for no other
    ends: bool  # ends the session
    asks: bool  # for a secret: the next line is that
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


COMMANDS: dict[str, Command] = {}  # by name, in the order of /help
BY_ANY_NAME: dict[str, Command] = {}


def command(
    *short: str,
    arguments: str = "",
    posts: bool = False,
    acts_on_room: bool = False,
    ends: bool = False,
    asks: bool = False,
) -> Callable[[Function], Function]:
    """Put a command into the table, under the name of its function and the other names in ``short``; see Command."""

    def put(run: Function) -> Function:
        entry = Command(run.__name__.rstrip("_"), short, arguments, posts, acts_on_room, ends, asks, run)
        COMMANDS[entry.name] = entry
        for name in (entry.name, *short):
            if name in BY_ANY_NAME:
                raise ValueError(f"two commands are called {name}")
            BY_ANY_NAME[name] = entry
        return run

    return put


def parse(line: str) -> tuple[Command, str]:
    """Return the command that a line asks for, and the rest of the line. Never raises.

    A line without a slash, or with two, is said in the current room; but a space too much says no password.
    """
    if line[:1].isspace() and is_command(line):
        line = line.lstrip()
    if line[:1] != "/":
        return COMMANDS["say"], line
    if line[:2] == "//":
        return COMMANDS["say"], line[1:]
    name, rest = word(line[1:])
    found = BY_ANY_NAME.get(name.lower())
    return (found, rest) if found else (_UNKNOWN, name)


def obey(hub: Hub, ask: Ask, asked: tuple[Command, str]) -> None:
    """Run the command of a line.

    Raises: ChatError.
    """
    entry, rest = asked
    if entry.arguments and entry.arguments[0] != "[" and not rest.strip():
        raise BadUsage(entry.usage)
    entry.run(hub, ask, rest)


def unknown(hub: Hub, ask: Ask, name: str) -> None:
    """Refuse an unknown command.

    Raises: UnknownCommand.
    """
    name = text.clean(name)[:24]
    nearest = difflib.get_close_matches(name.lower(), BY_ANY_NAME, n=1)
    raise UnknownCommand(name, BY_ANY_NAME[nearest[0]].name if nearest else None)


_UNKNOWN = Command("", (), "", False, False, False, False, unknown)


# -- requests in JSON


class Result:
    """The base of results: frozen dataclasses, whose fields the program gets. A field that is None is left out."""

    def as_fields(self) -> dict[str, object]:
        """Return the fields of the JSON object."""
        return {key: _as_json(value) for key, value in vars(self).items() if value is not None}


def _as_json(value: object) -> object:
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, Result):
        return value.as_fields()
    return as_logged(value) if isinstance(value, Event) else value


@dataclass(frozen=True)
class Done(Result):
    """The result of a request that returns nothing."""


Returned = TypeVar("Returned", covariant=True)
Steps = Generator[None, None, Returned]


class JsonRequest:
    """The base of requests: frozen dataclasses, named as the request with "Request" after it.

    The docstring is the description in the JSON Schema.
    """

    def run(self, hub: Hub, ask: Ask) -> Steps[Result] | Result | None:
        """Do the request, and return its result, or None if its own event is the answer; yield until that is known.

        Raises: ChatError.
        """
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Return its size for the limits: 1, or the number of lines in a block."""
        return 1


@dataclass(frozen=True)
class Requestable:
    """A request that programs can send."""

    name: str
    record: type[JsonRequest]
    fields: Mapping[str, Field]  # by their keys in JSON
    needed: Sequence[Field]  # those that cannot be left out
    texts: Sequence[str]  # attributes that are a line, as long as the door allows
    outcome: str  # the answer in words, for docs/protocol.rst
    posts: bool  # as Command.posts

    @property
    def about(self) -> str:
        return " ".join((self.record.__doc__ or "").split())


def name_of(record: type[JsonRequest]) -> str:
    """Return the name of a request."""
    return record.__name__.removesuffix("Request").lower()


REQUESTS: dict[str, Requestable] = {}  # by name

Record = TypeVar("Record", bound=JsonRequest)


def request(outcome: str, posts: bool = False) -> Callable[[type[Record]], type[Record]]:
    """Put a request into the table; ``outcome``: the answer, in words."""

    def put(record: type[Record]) -> type[Record]:
        name = name_of(record)
        if name in REQUESTS:
            raise ValueError(f"two requests are called {name}")
        fields = fields_of(record)
        needed = [field for field in fields.values() if field.needed]
        texts = [field.attribute for field in fields.values() if field.rule.is_line]
        REQUESTS[name] = Requestable(name, record, fields, needed, texts, outcome, posts)
        return record

    return put
