"""The events and the table of their kinds.

Every event has the same ten fields, so that a journal is one table. A kind is one entry in KINDS, with everything that
the house knows about it. Kinds are named in the past tense, as facts; requests are the hub's imperative methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from . import subjects
from .access import described
from .data import Data, told_data
from .durations import span
from .subjects import Stands

LOBBY: Final = "lobby"  # the room that everyone starts in
EVERYONE: Final = "*"  # the group of all who are connected: broadcast
SERVER: Final = "!"  # the server's own log: accounts, roles and bans; only admins read it
HOUSE: Final = "server"  # the author of what the server or its operator does; no person can have that alias

OPENING_BITS: Final = 32  # above a session's own number in its id: the opening of the journal that serves it


class Event(NamedTuple):
    """One thing that happened.

    ``group`` tells who hears it. The three kinds of group communication are one thing, a post to a group:
    a room's name (multicast), ``*`` (broadcast), ``@ALIAS`` (unicast), or empty for the hub's own.
    Each group but the last is a log, that of ``@ALIAS`` too: of the lines to each person who had that alias.
    ``number`` is 1, 2, 3 ... in its group, without gaps, given by the journal; 0: not numbered.
    ``when`` is in seconds since the epoch, also given by the journal.
    ``origin`` is the session that asked for it, OPENING << 32 | N with the number of an opening of the journal, so that
    no two sessions in a log have the same; 0 for the server.
    ``ident`` is the asking program's name for its request, the same if it asks again: CLIENT/ID. Empty for people.
    ``about`` is the number of an event in the same group that this one is about; 0: none.
    ``data`` are values that only some events have, by name, see data.py; nearly all events have None.
    """

    kind: str
    group: str = ""
    author: str = ""
    text: str = ""
    origin: int = 0
    number: int = 0
    when: float = 0.0
    ident: str = ""
    about: int = 0
    data: Data | None = None

    @property
    def target(self) -> str:
        """The alias that a unicast is for."""
        return self.group[1:]


class Fact(Event):
    """An event with a secret's verifier, which the journal keeps beside the log in the same commit, and never in it.

    The verifier is not a field, so nothing that numbers, encodes or stores events can see it.
    """

    verifier: str  # an Argon2id string, or the keyed hash of a token in hexadecimal

    @classmethod
    def of(cls, event: Event, verifier: str) -> Fact:
        """Return an event with a verifier."""
        fact = cls(*event)
        fact.verifier = verifier
        return fact

    def _replace(self, **changes: Any) -> Fact:
        return Fact.of(super()._replace(**changes), self.verifier)


class Lines(NamedTuple):
    """Lines that one session says to a group in one go: an event each, once a journal has numbered them.

    All of them are kept, or none is, and their numbers follow each other. Each event has the ``ident``, so the first
    of them tells that all are kept.
    """

    group: str
    author: str
    texts: Sequence[str]
    origin: int
    block: int = 0  # the position of the first line in its block; 0: in none
    ident: str = ""
    author_is: str = ""  # see data.AUTHOR_IS


# -- the kinds

Fields = dict[str, object]  # of a JSON object


WELCOME: Final = "you are now connected!"  # the lab's text


class Kind(NamedTuple):
    """Everything that the house knows about one kind of event."""

    name: str
    people: Callable[[Event, str], str] | None  # their text, given how the author's name looks; None: never shown
    programs: Callable[[Event, str], Fields] | None  # their fields, given the request's id; None: never shown
    is_post: bool  # a person said it; it changes no state
    is_move: bool  # it changes who is in a room
    is_change: bool  # it changes the state: see changes.py, which has a function for each
    is_logged: bool  # it has a number in a group, and programs read all such events in one shape: ``as_logged``
    standing: Stands | None  # where a numbered event stands; None: nowhere


KINDS: Final[dict[str, Kind]] = {}


def kind(
    name: str,
    people: Callable[[Event, str], str] | None = None,
    programs: Callable[[Event, str], Fields] | None = None,
    *,
    is_post: bool = False,
    is_move: bool = False,
    is_change: bool = False,
    is_logged: bool = False,
    standing: Stands | None = None,
) -> str:
    """Put a kind into the table, and return its name."""
    if is_logged:
        programs = as_logged
    is_change = is_change or is_move or standing is not None
    KINDS[name] = Kind(name, people, programs, is_post, is_move, is_change, is_logged, standing)
    return name


def as_logged(event: Event, ident: str = "") -> Fields:
    """Return a numbered event as programs read it, live and in the results of history and search."""
    client = event.ident.partition("/")[0]
    return {
        "kind": event.kind,
        "room": event.group,
        "number": event.number,
        "time": round(event.when, 3),
        "author": event.author,
        "text": event.text,
        **({"about": event.about} if event.about else {}),
        **told_data(event.data),
        **({"client": client, "id": event.ident[len(client) + 1 :]} if client else {}),
    }


def _said(event: Event, author: str) -> str:
    if event.group == EVERYONE:
        return f"[{author} -> all] {event.text}"
    if event.group[0] == "@":
        return f"[{author} -> {event.target}] {event.text}"
    return f"{author}: {event.text}"


def _acted(event: Event, author: str) -> str:
    if event.group[0] in "*@":
        return _said(event._replace(text=f"* {event.text}"), author)
    return f"* {author} {event.text}"


def _joined(event: Event, author: str) -> str:
    return f"{author} has connected to the chat room" if event.group == LOBBY else f"{author} has joined"


def _left(event: Event, author: str) -> str:
    words = " has left the chat room!" if event.group == LOBBY else " has left!"
    return f"{author}{words} ({event.text})" if event.text else author + words


def _retitled(event: Event, author: str) -> str:
    return f"{author} has set the topic: {event.text}" if event.text else f"{author} has cleared the topic"


def _skipped(event: Event, author: str) -> str:
    first, last = first_skipped(event), event.number
    return f"-- {last - first + 1:,} events of {event.group} skipped, {first:,}-{last:,}"


def _no(event: Event, author: str) -> str:
    return f"!! {event.text}"


def _error(event: Event, ident: str) -> Fields:
    data = event.data or {}
    wait = {"retry_after": data["seconds"]} if data.get("seconds") else {}
    return {"error": data.get("code") or "chat_error", "text": event.text, "id": ident or None, **wait}


def _noticed(event: Event, ident: str) -> Fields:
    return {"kind": event.kind, "text": event.text, **({"id": ident} if ident else {}), **(event.data or {})}


def _skipped_numbers(event: Event, ident: str) -> Fields:
    return {"kind": event.kind, "room": event.group, "first": first_skipped(event), "last": event.number}


def _called(event: Event, ident: str) -> Fields:
    name = (event.data or {})["name"]
    asked: Fields = {"kind": event.kind, "room": event.group, "author": event.author, "call": event.ident}
    return asked | {"name": name, "text": event.text}


def _answered(event: Event, ident: str) -> Fields:
    failed = bool((event.data or {}).get("failed"))
    return {"kind": event.kind, "author": event.author, "id": ident, "text": event.text, "failed": failed}


def _repeated(event: Event, ident: str) -> Fields:
    name = {EVERYONE: "broadcast", "@": "tell"}.get(event.group[:1], "say")
    return {"result": name, "id": ident, "room": event.group, "number": event.number, "repeated": True}


def _why(event: Event) -> str:
    why = (event.data or {}).get("why")
    return f" ({why})" if why else ""


def _lasting(event: Event) -> str:
    until = (event.data or {}).get("until")
    return f" for {span(until - event.when)}" if until else ""


def _ruled(words: str) -> Callable[[Event, str], str]:
    """Return the text for people about an operator's act on a person, whom the event's text names."""
    return lambda event, author: f"{event.text} {words}{_lasting(event)}, by {author}{_why(event)}"


def _removed(event: Event, author: str) -> str:
    return f"{author} has been removed by {(event.data or {}).get('by', '')}{_why(event)}"


def _restricted(event: Event, author: str) -> str:
    return f"{author} has changed the access: {described(str((event.data or {}).get('access', '')))}"


def _appointed(event: Event, author: str) -> str:
    role = str((event.data or {}).get("role") or "member")
    if event.group == SERVER:
        return f"{author} has made {event.text} {_an(role)}"
    if role in ("host", "guest"):
        return f"{event.text} {'hosts the room now' if role == 'host' else 'hosts the room no longer'}, by {author}"
    return f"{event.text} is {'an' if role == 'operator' else 'no'} operator here now, by {author}"


def _an(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _granted(event: Event, author: str) -> str:
    data = event.data or {}
    if data.get("credential") == "password":
        return f"{author} has changed the password of {event.text}"
    label = f" called {data['label']}" if data.get("label") else ""
    if data.get("credential") == "key":
        return f"{author} has added the key {data.get('fingerprint', '')}{label} for {event.text}"
    return f"{author} has made {_an(data.get('credential') or 'secret')}{label} for {event.text}{_lasting(event)}"


def _revoked(event: Event, author: str) -> str:
    data = event.data or {}
    if data.get("used"):
        return f"{author} has logged in with a code"
    if data.get("sessions"):
        return f"{author} has ended a session of {event.text}{_why(event)}"
    count = len(data.get("credentials", ()))
    return f"{author} has ended {count} {'way' if count == 1 else 'ways'} to log in as {event.text}{_why(event)}"


def _banned(event: Event, author: str) -> str:
    guests = ", guests only" if (event.data or {}).get("guests") else ""
    return f"{author} has banned {event.text}{guests}{_lasting(event)}{_why(event)}"


def _did(words: str) -> Callable[[Event, str], str]:
    """Return the text for admins about an act on the account or the network that the event's text names."""
    return lambda event, author: f"{author} has {words.format(event.text)}{_lasting(event)}{_why(event)}"


# Said to a group. ``author`` said ``text``.
SAID: Final = kind("said", _said, is_post=True, is_logged=True)
ACTED: Final = kind("acted", _acted, is_post=True, is_logged=True)  # /me
NOTED: Final = kind("noted", _said, is_post=True, is_logged=True)  # said, and no program may answer it
# A room's own log. LEFT's text: why, may be empty; data: ROOMS, if the person leaves the chat.
# RENAMED's author: the old alias; its text: the new one; data: ROOMS.
# RETITLED's text: the topic, empty when it was cleared.
# JOINED, LEFT, REMOVED in no group: a person asks for that in the room of the data, where nodes share a journal.
JOINED: Final = kind("joined", _joined, is_move=True, is_logged=True)
LEFT: Final = kind("left", _left, is_move=True, is_logged=True)
RENAMED: Final = kind(
    "renamed", lambda event, author: f"{author} is now known as {event.text}", is_move=True, is_logged=True
)
RETITLED: Final = kind("retitled", _retitled, is_change=True, is_logged=True)
# Rules of a room, in its log. The text: the alias of the person concerned, in REMOVED the author is that person.
# Data: "who", in rules: "#" and the number of an account, or the key of a guest's alias; "until", in seconds since the
# epoch; "why".
REMOVED: Final = kind(  # data: "by"; they may not return for a minute
    "removed", _removed, is_move=True, is_logged=True, standing=subjects.removal
)
BARRED: Final = kind("barred", _ruled("may not enter"), is_logged=True, standing=subjects.in_room("barred", "invited"))
UNBARRED: Final = kind(
    "unbarred", _ruled("may enter again"), is_logged=True, standing=subjects.in_room("", "barred", "removed")
)
QUIETED: Final = kind("quieted", _ruled("may not speak"), is_logged=True, standing=subjects.in_room("quieted"))
UNQUIETED: Final = kind(
    "unquieted", _ruled("may speak again"), is_logged=True, standing=subjects.in_room("", "quieted")
)
VOICED: Final = kind("voiced", _ruled("has a voice"), is_logged=True, standing=subjects.in_room("voiced"))
UNVOICED: Final = kind(
    "unvoiced", _ruled("has no voice any more"), is_logged=True, standing=subjects.in_room("", "voiced")
)
INVITED: Final = kind("invited", _ruled("is invited"), is_logged=True, standing=subjects.invitation)
# Data: "access", in words, and WAS; HOSTED, the hosts' part of it, in words or empty; with a verifier: a new password.
RESTRICTED: Final = kind("restricted", _restricted, is_logged=True, standing=subjects.restriction)
# In a room: data "who" and "role": "operator", or "host" with HOSTED, any other: none of these; and FOUNDS. In the
# server's log: "account" and "role".
APPOINTED: Final = kind(
    "appointed",
    _appointed,
    is_logged=True,
    standing=lambda event: (subjects.of_account("role") if event.group == SERVER else subjects.operator)(event),
)
# In the server's own log: accounts, and who may come in. The text: the alias concerned, or the network. Data:
# "account", the number of the account, which is that of its REGISTERED; "until", "why" as above.
REGISTERED: Final = kind(
    "registered", _did("registered {}"), is_logged=True, standing=subjects.registration
)  # data: looks, bot
DROPPED: Final = kind(  # data: "credentials", their numbers
    "dropped", _did("dropped the account of {}"), is_logged=True, standing=subjects.drop
)
NAMED: Final = kind(  # text: the new alias; data: "former", "looks"
    "named",
    lambda event, author: f"{author} has renamed {(event.data or {}).get('former', '')} to {event.text}",
    is_logged=True,
    standing=subjects.name,
)
GRANTED: Final = (
    kind(  # a credential; data: "credential", its kind; "label", "at", a host; "instead", older credentials
        "granted", _granted, is_logged=True, standing=subjects.credential
    )
)
REVOKED: Final = kind(  # data: "credentials", their numbers; "sessions", ids of those that end
    "revoked", _revoked, is_logged=True, standing=subjects.revocation
)
REHASHED: Final = kind(  # a password's verifier is replaced, and nothing else; data: "credential", its number
    "rehashed",
    _did("hashed the password of {} again, as new ones are"),
    is_logged=True,
    standing=subjects.rehash,
)
SUSPENDED: Final = kind("suspended", _did("suspended {}"), is_logged=True, standing=subjects.of_account("suspended"))
RESTORED: Final = kind(
    "restored", _did("restored {}"), is_logged=True, standing=subjects.of_account("suspended", clears=True)
)
BANNED: Final = kind(  # data: "who", "network" or "key"; "guests": only those
    "banned", _banned, is_logged=True, standing=subjects.ban
)
UNBANNED: Final = kind(  # about: the number of the ban
    "unbanned",
    _did("lifted the ban of {}"),
    is_logged=True,
    standing=subjects.unban,
)
GUESTS_REFUSED: Final = kind(
    "guests refused", _did("closed the chat to guests"), is_logged=True, standing=subjects.until_lifted("guests")
)
GUESTS_ADMITTED: Final = kind(
    "guests admitted",
    _did("opened the chat to guests"),
    is_logged=True,
    standing=subjects.lifted("guests"),
)
# In the log of @ALIAS: a person has taken the alias; text: their program's public name, or empty.
TOOK: Final = kind("took", is_change=True, is_logged=True)
# In place of an event that a program does not wish to hear: it has this number.
IGNORED: Final = kind("ignored", is_logged=True)
# The hub's own, in no group: who has which alias and seat, who is away. Only their order matters.
# CLAIMED's text: the alias; the first claim in order wins. Its data: "rooms" to enter, if not just the lobby;
# "program", its public name; "looks" of the alias, and "looks_as_member", if these are more; "host", the address, if it
# is not this machine; "beside": a session of the same person, who gets one more.
CLAIMED: Final = kind("claimed", is_change=True)
RESUMED: Final = kind("resumed", is_change=True)  # a session takes the seat of another; data: "session", which; "host"
RELOCATED: Final = kind("relocated", is_change=True)  # a session goes on from another address; data: "host"
ENDED: Final = kind("ended", is_change=True)  # a session is over; text: why; the last one of a person's: they leave
RELEASED: Final = kind("released", is_change=True)  # a person who has left all rooms gives the alias back
WENT_AWAY: Final = kind("went away", is_change=True)  # text: why
CAME_BACK: Final = kind("came back", is_change=True)
# Of nodes, where several share a journal: origin's opening has begun; the one in the data has ended.
OPENED: Final = kind("opened", is_change=True)
GONE: Final = kind("gone", is_change=True)
# A member has read a room up to a number; data: "room" and "number". To the member's own programs: group and number.
READ: Final = kind(
    "read",
    None,
    lambda event, ident: {"kind": event.kind, "room": event.group, "number": event.number},
    is_change=True,
)
# To one person, never kept. ``ident`` is that of the request which they answer. NOTICED's data: ENDS, where it applies.
CONNECTED: Final = kind("connected", lambda event, author: WELCOME)  # they are in; a program knows it by its result
NOTICED: Final = kind("noticed", lambda event, author: f"-- {event.text}", _noticed)  # the server's own words
REFUSED: Final = kind("refused", _no, _error)  # a request cannot be done; text: why; data: the error's code, seconds
DOUBTED: Final = kind("doubted", _no, _error)  # a request in doubt: it may be done now or later; data as REFUSED
SKIPPED: Final = kind("skipped", _skipped, _skipped_numbers)  # some events of ``group`` are left out; see ``skipped``
CALLED: Final = kind("called", None, _called)  # a program is asked to do ``text``; data: the name of what
ANSWERED: Final = kind("answered", None, _answered)  # its answer; text: the result; data: whether it failed
REPEATED: Final = kind("repeated", None, _repeated)  # a request was asked before: its event has this number

POSTS: Final = frozenset(name for name, entry in KINDS.items() if entry.is_post)
MOVES: Final = frozenset(name for name, entry in KINDS.items() if entry.is_move)
STANDING: Final = frozenset(name for name, entry in KINDS.items() if entry.standing is not None)
LOGGED: Final = frozenset(name for name, entry in KINDS.items() if entry.is_logged)


def skipped(group: str, first: int, last: int, when: float = 0.0) -> Event:
    """Return the event that stands for events of a group that are left out, from one number to another."""
    return Event(SKIPPED, group, number=last, when=when, data={"first": first})


def first_skipped(event: Event) -> int:
    """Return the first number of the events that are left out; ``event.number`` is the last."""
    return int((event.data or {})["first"])
