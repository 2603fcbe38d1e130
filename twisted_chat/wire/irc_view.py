"""The IRC view: events as messages of IRC, for readers with the same capabilities.

    @msgid=8d2e91b4.lobby.131;time=2026-11-29T12:00:00.000Z :alice!~u@chat PRIVMSG #lobby :hi      said
    :alice!~u@chat PRIVMSG #lobby :^AACTION waves^A                                                acted
    :alice!~u@chat NOTICE #lobby :deploy done                                                      noted
    :alice!~u@chat JOIN #lobby                                                                     joined
    :chat.example NOTICE #lobby :12 events of lobby skipped, 132-143                               skipped

The law: the bytes come from the event and the fields of the view alone. A source has the same user and host for
everybody, since the hub may know another person, or nobody, by the time of the encoding. The door writes the messages
that name their reader (001, 353, 730 ...).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from typing import ClassVar, Final, NamedTuple

from ..core.access import HIDDEN, LISTEN, PASSWORD, PRIVATE, TOPIC, access
from ..core.data import BOT, MEMBER, REALNAME, ROOMS, TAGS, WAS, Data, author_is, by
from ..core.days import Day
from ..core.events import (
    ACTED,
    ANSWERED,
    APPOINTED,
    BANNED,
    BARRED,
    CALLED,
    CAME_BACK,
    CLAIMED,
    CONNECTED,
    DOUBTED,
    DROPPED,
    ENDED,
    EVERYONE,
    GONE,
    GRANTED,
    GUESTS_ADMITTED,
    GUESTS_REFUSED,
    HOUSE,
    IGNORED,
    INVITED,
    JOINED,
    KINDS,
    LEFT,
    NAMED,
    NOTED,
    NOTICED,
    OPENED,
    POSTS,
    QUIETED,
    READ,
    REFUSED,
    REGISTERED,
    REHASHED,
    RELEASED,
    RELOCATED,
    REMOVED,
    RENAMED,
    REPEATED,
    RESTORED,
    RESTRICTED,
    RESUMED,
    RETITLED,
    REVOKED,
    SAID,
    SERVER,
    SKIPPED,
    SUSPENDED,
    TOOK,
    UNBANNED,
    UNBARRED,
    UNQUIETED,
    UNVOICED,
    VOICED,
    WENT_AWAY,
    Event,
)
from ..core.ports import View
from .irc import Message, left_for_text, serialise, split, with_tag

USER: Final = "~u"  # of everybody in the sources of messages: see the law above
HOST: Final = "chat"

CAPS: Final = frozenset(  # the capabilities that change the bytes, and the user mode w as "wallops"
    {
        *("account-notify", "account-tag", "away-notify", "extended-join", "invite-notify"),
        *("draft/read-marker", "message-tags", "server-time", "standard-replies", "wallops"),
    }
)

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_JOURNAL: Final = 8  # characters of the journal's name in a msgid
_SHORT: Final = 60  # letters of a text that fits whatever they are: in UTF-8 they, an alias and a room have 464 bytes
MODES: Final = {PRIVATE: "i", PASSWORD: "k", LISTEN: "m", HIDDEN: "s", TOPIC: "t"}  # of the access to a room


def source(alias: str) -> str:
    """Return the source of a person's messages."""
    return f"{alias}!{USER}@{HOST}"


def msgid(journal: str, group: str, number: int) -> str:
    """Return the id of an event's message: the same for ever, and no other journal has it."""
    return f"{journal[:_JOURNAL]}.{group}.{number}"


def read_msgid(journal: str, written: str) -> tuple[str, int] | None:
    """Return the group and the number of a message by its id; None: it is not from this journal."""
    name, _dot, rest = written.partition(".")
    group, _dot, number = rest.rpartition(".")
    if name != journal[:_JOURNAL] or not group or not (number.isascii() and number.isdecimal() and len(number) <= 16):
        return None
    return group, int(number)


@lru_cache(maxsize=64)
def stamp(when: float) -> str:
    """Return a time as server-time has it: in UTC, with whole milliseconds. All events of a batch have the same."""
    seconds, rest = divmod(milliseconds(when), 1000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def milliseconds(when: float) -> int:
    """Return a time in whole milliseconds, as ``stamp`` writes it and as any comparison with it has to take it."""
    return round(when * 1000)


def moment(written: str) -> int | None:
    """Return a time as server-time has it, in milliseconds since the epoch; None: it is none."""
    found = _TIME.fullmatch(written)
    try:
        whole = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc) if found is not None else None
    except ValueError:  # such as the 30th of February
        return None
    if found is None or whole is None:
        return None
    return int(whole.timestamp()) * 1000 + int(((found[2] or "") + "000")[:3])


class AnswerTag(NamedTuple):
    """The tag of an event that answers, such as an echo: by it a client knows which of its messages is answered."""

    key: str  # empty: no tag
    value: str
    before: bytes = b""  # a message that begins a batch
    after: bytes = b""  # a message that ends it


class Own(NamedTuple):
    """The acts of a reader that are no posts, and the tag of their messages."""

    session: int
    alias: str
    tag: AnswerTag | None  # None: they are not shown

    def did(self, event: Event) -> bool:
        """Return whether an event is one of the acts."""
        if event.kind == REMOVED:  # its origin is the session of the person who was removed
            return (event.data or {}).get("by") == self.alias
        return event.origin == self.session and event.kind not in POSTS


@dataclass(frozen=True)
class IrcView(View):
    """Messages with CR LF. Readers with the same capabilities share them.

    A refusal that names a request (``Event.ident``) is not shown: the door answers it, since only it knows the command
    that was refused, and so the numeric.
    """

    hears_oneself: ClassVar[bool] = True
    wants_notices: ClassVar[bool] = True
    hears_people_once: ClassVar[bool] = True

    server: str  # its name, the source of its own messages
    journal: str  # the name of the journal that gave the numbers
    caps: frozenset[str] = frozenset()  # some of CAPS
    labels: tuple[tuple[str, AnswerTag], ...] = ()  # of the reader's own posts, by ident, while the echoes are to come
    own: Own | None = None  # the reader's acts that are no posts, while they are an answer

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        if self.labels or self.own is not None:
            return b"".join(map(self._labelled, events))
        tags = self._tags
        return "".join(
            [  # nearly every event is a short line said in a room, and takes this short way
                f"{tags(group, number, when, author, data)}:{author}!{USER}@{HOST} PRIVMSG #{group} :{words}\r\n"
                if kind == SAID and 0 < len(words) <= _SHORT and group[0] not in "@*"
                else self._lines(Event(kind, group, author, words, 0, number, when, ident, about, data))
                for kind, group, author, words, _origin, number, when, ident, about, data in events
            ]
        ).encode()

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        return self.encode(events)

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        lines = encoded.splitlines(keepends=True)  # no message contains CR or LF
        if len(lines) == len(events) and all(event.kind in POSTS for event in events):
            return lines  # a post is one line at least
        return [self.encode([event]) for event in events]

    @cached_property
    def _tags(self) -> Callable[[str, int, float, str, Data | None], str]:
        """Return the function that writes the tags of an event, with the space after them."""
        name, has_ids, has_times = self.journal[:_JOURNAL], "message-tags" in self.caps, "server-time" in self.caps
        has_accounts = "account-tag" in self.caps

        def both(group: str, number: int, when: float, author: str, data: Data | None) -> str:
            if number and when and group[:1] != "@":
                more = "" if data is None else self._more_tags(author, data)
                return f"@msgid={name}.{group}.{number};time={stamp(when)}{more} "
            return some(group, number, when, author, data)

        def some(group: str, number: int, when: float, author: str, data: Data | None) -> str:
            tags = [f"msgid={name}.{_in_tag(group)}.{number}"] if has_ids and number and group else []
            tags += [f"time={stamp(when)}"] if has_times and when else []
            more = self._more_tags(author, data) if data is not None else ""
            return f"@{';'.join(tags)}{more if tags else more[1:]} " if tags or more else ""

        if has_ids and has_times:
            return both
        return some if has_ids or has_times or has_accounts else lambda group, number, when, author, data: ""

    def _more_tags(self, author: str, data: Data) -> str:
        """Return the tags that are from or about the author, each with a semicolon before it; the server has none.

        A member's alias is the name of their account.
        """
        nature = author_is(data) if author else ""
        account = f";account={_in_tag(author)}" if MEMBER in nature and "account-tag" in self.caps else ""
        if "message-tags" not in self.caps or not author:
            return account
        return f"{account}{';bot' if BOT in nature else ''}{f';{data[TAGS]}' if TAGS in data else ''}"

    def tagged(self, message: bytes, author: str, when: float, data: Data | None) -> bytes:
        """Return a message that is no event with the tags that an event would have."""
        return self._tags("", 0, when, author, data).encode() + message

    def _labelled(self, event: Event) -> bytes:
        """Return the messages of an event; the first has the tag of an answer, if the event is one."""
        lines = self._lines(event).encode()
        tag = dict(self.labels).get(event.ident) if event.ident else None
        if self.own is not None and self.own.did(event):
            tag = self.own.tag
            if tag is None:
                return b""
        if tag is None or not lines:
            return lines
        return tag.before + (with_tag(lines, tag.key, tag.value) if tag.key else lines) + tag.after

    def _lines(self, event: Event) -> str:
        """Return the messages of an event: as a rule one, none if IRC has no message for it."""
        messages = _MESSAGES.get(event.kind, _noticed)(self, event)
        first, later = "", ""
        if messages:
            begin, sign, _host = messages[0].partition("!")  # as a server's name has none
            author = begin[1:] if sign and " " not in begin else ""
            number = 0 if event.kind == SKIPPED else event.number
            first = self._tags(event.group, number, event.when, author, event.data)
            later = self._tags("", 0, event.when, author, by(author_is(event.data)))  # an id belongs to one message
        tags = (first, *[later] * (len(messages) - 1))
        return "".join([begin + message for begin, message in zip(tags, messages, strict=False)])


def _in_tag(name: str) -> str:
    """Return an alias or a group as the value of a tag has it: of the signs that are escaped there, it may have one."""
    return name.replace("\\", "\\\\")


# -- the messages of each kind, without tags, each with its end

_Messages = list[str]


def _message(author: str, command: str, *parameters: str, is_text: bool = False) -> str:
    """Return a message; a text for people is cut where the message would be too long."""
    if is_text and len(parameters[-1]) > _SHORT:
        *others, text = parameters
        left = left_for_text(Message(command, (*others, ""), author))
        parameters = (*others, split(text, left)[0])
    return serialise(Message(command, parameters, author), is_text).decode()


def _in_parts(author: str, command: str, targets: Sequence[str], words: str, wrap: str = "{}") -> _Messages:
    """Return a text for people as messages that are short enough; ``wrap``: has the text at its braces."""
    left = left_for_text(Message(command, (*targets, wrap.format("")), author))
    texts = split(words, left) if words else [" "]  # an empty line of a block: clients drop an empty message
    return [_message(author, command, *targets, wrap.format(text), is_text=True) for text in texts]


def _target(event: Event) -> str:
    return event.target if event.group[:1] == "@" else f"#{event.group}"


def _posted(command: str, wrap: str = "{}") -> Callable[[IrcView, Event], _Messages]:
    def messages(view: IrcView, event: Event) -> _Messages:
        author = source(event.author)
        if event.group != EVERYONE:
            return _in_parts(author, command, [_target(event)], event.text, wrap)
        words = f"* {event.text}" if event.kind == ACTED else event.text
        if "wallops" in view.caps:
            return _in_parts(author, "WALLOPS", [], words)
        return _in_parts(author, "NOTICE", ["*"], f"[to all] {words}")  # a PRIVMSG to $* would open a private window

    return messages


def _joined(view: IrcView, event: Event) -> _Messages:
    if not event.group:
        return []
    account = event.author if MEMBER in author_is(event.data) else "*"
    realname = str((event.data or {}).get(REALNAME, event.author))
    more = (account, realname) if "extended-join" in view.caps else ()
    return [_message(source(event.author), "JOIN", _target(event), *more, is_text=bool(more))]


def _left(view: IrcView, event: Event) -> _Messages:
    if not event.group:
        return []
    if ROOMS in (event.data or {}):
        words = f"Quit: {event.text}" if event.text else "Connection closed"
        return [_message(source(event.author), "QUIT", words, is_text=True)]
    why = [event.text] if event.text else []
    return [_message(source(event.author), "PART", _target(event), *why, is_text=bool(why))]


def _removed(view: IrcView, event: Event) -> _Messages:
    if not event.group:
        return []
    data = event.data or {}
    by = str(data.get("by", ""))
    author = source(by) if by else view.server
    return [_message(author, "KICK", _target(event), event.author, str(data.get("why") or by), is_text=True)]


def _renamed(view: IrcView, event: Event) -> _Messages:
    return [_message(source(event.author), "NICK", event.text)]


def _retitled(view: IrcView, event: Event) -> _Messages:
    return [_message(source(event.author), "TOPIC", _target(event), event.text, is_text=True)]


def _went_away(view: IrcView, event: Event) -> _Messages:
    if "away-notify" not in view.caps:
        return []
    return [_message(source(event.author), "AWAY", event.text or "away", is_text=True)]


def _came_back(view: IrcView, event: Event) -> _Messages:
    return [_message(source(event.author), "AWAY")] if "away-notify" in view.caps else []


def _invited(view: IrcView, event: Event) -> _Messages:
    """Return the invitation: without a number it is the invited person's own, else that of all in the room."""
    if event.number and "invite-notify" not in view.caps:
        return []
    return [_message(source(event.author), "INVITE", event.text, _target(event))]


def _author(view: IrcView, event: Event) -> str:
    return view.server if event.author == HOUSE else source(event.author)


def _mode(modes: str) -> Callable[[IrcView, Event], _Messages]:
    def messages(view: IrcView, event: Event) -> _Messages:
        return [_message(_author(view, event), "MODE", _target(event), *modes.format(event.text).split(" "))]

    return messages


def _restricted(view: IrcView, event: Event) -> _Messages:
    """Return the change of the modes; of an older event, which lacks the access before, all other modes go."""
    data = event.data or {}
    after = access(str(data.get("access")))
    before = access(str(data[WAS])) if WAS in data else MODES.keys() - after
    gone, new = _letters(before - after), _letters(after - before)
    if not (gone or new) and PASSWORD in after:
        new = MODES[PASSWORD]  # another one
    changes = (f"-{gone}" if gone else "") + (f"+{new}" if new else "")
    key = ["*"] if MODES[PASSWORD] in changes else []
    return [_message(_author(view, event), "MODE", _target(event), changes, *key)] if changes else []


def _letters(words: Iterable[str]) -> str:
    return "".join(sorted(map(MODES.__getitem__, words)))


def _appointed(view: IrcView, event: Event) -> _Messages:
    if event.group == SERVER:
        return _noticed(view, event)
    role = (event.data or {}).get("role")
    is_founder = role == "operator" and event.author == event.text
    author = view.server if is_founder else _author(view, event)
    mode = "+o" if role in ("operator", "host") else "-o"
    return [_message(author, "MODE", _target(event), mode, event.text)]


def _registered(view: IrcView, event: Event) -> _Messages:
    """Return the message for people who share a room with a new member, or the one for readers of the server's log."""
    if event.group == SERVER:
        return _noticed(view, event)
    return [_message(source(event.author), "ACCOUNT", event.text)] if "account-notify" in view.caps else []


def _noticed(view: IrcView, event: Event) -> _Messages:
    """Return the server's own words about an event: to its room or, without one, to the reader."""
    read = KINDS[event.kind].people
    if read is None:
        return []
    words = event.text if event.kind in (NOTICED, REFUSED, DOUBTED) else read(event, event.author)
    target = "*" if event.group in ("", EVERYONE, SERVER) or event.group[0] == "@" else f"#{event.group}"
    return _in_parts(view.server, "NOTICE", [target], words.removeprefix("-- "))


def _refused(view: IrcView, event: Event) -> _Messages:
    if event.ident:
        return []
    if "standard-replies" not in view.caps:
        return _noticed(view, event)
    code = str((event.data or {}).get("code") or "chat_error").upper()
    return [_message(view.server, "FAIL", "*", code, event.text, is_text=True)]


def _read(view: IrcView, event: Event) -> _Messages:
    """Return the mark that another device of the person has moved, if the time of its event is known."""
    if "draft/read-marker" not in view.caps or not event.when:
        return []
    return [_message(view.server, "MARKREAD", f"#{event.group}", f"timestamp={stamp(event.when)}")]


def _nothing(view: IrcView, event: Event) -> _Messages:
    return []


_MESSAGES: Final[Mapping[str, Callable[[IrcView, Event], _Messages]]] = {
    SAID: _posted("PRIVMSG"),
    ACTED: _posted("PRIVMSG", "\x01ACTION {}\x01"),
    NOTED: _posted("NOTICE"),
    JOINED: _joined,
    LEFT: _left,
    REMOVED: _removed,
    RENAMED: _renamed,
    RETITLED: _retitled,
    WENT_AWAY: _went_away,
    CAME_BACK: _came_back,
    INVITED: _invited,
    APPOINTED: _appointed,
    RESTRICTED: _restricted,
    BARRED: _mode("+b {}!*@*"),
    UNBARRED: _mode("-b {}!*@*"),
    VOICED: _mode("+v {}"),
    UNVOICED: _mode("-v {}"),
    **dict.fromkeys((QUIETED, UNQUIETED), _noticed),  # no mode of IRC that clients know does this
    REGISTERED: _registered,
    **dict.fromkeys((DROPPED, NAMED, GRANTED, REHASHED, REVOKED, SUSPENDED, RESTORED), _noticed),  # only admins do
    **dict.fromkeys((BANNED, UNBANNED, GUESTS_REFUSED, GUESTS_ADMITTED), _noticed),  # hear the server's log
    NOTICED: _noticed,
    SKIPPED: _noticed,
    REFUSED: _refused,
    DOUBTED: _refused,
    CONNECTED: _nothing,  # the door writes 001 to 005, or 376
    REPEATED: _nothing,  # the author has it from the door
    READ: _read,
    **dict.fromkeys((TOOK, IGNORED), _nothing),  # they are numbers without words
    **dict.fromkeys((CALLED, ANSWERED), _nothing),  # between programs
    **dict.fromkeys((CLAIMED, RESUMED, RELOCATED, ENDED, RELEASED, OPENED, GONE), _nothing),  # the hub's own
}
