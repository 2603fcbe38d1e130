"""CHATHISTORY: past events of a room or of a conversation (ircv3.net/specs/extensions/chathistory)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, nextafter
from typing import NamedTuple

from ....core import text
from ....core.errors import ChatError
from ....core.events import POSTS, Event
from ....core.ports import Query
from ....core.session import Ask
from ....wire.irc import Message, serialise
from ....wire.irc_view import milliseconds, moment, read_msgid, stamp
from ..marks import member_of
from ..playback import CHATHISTORY, EVENTS, kinds_for, send_batch, send_events, whole_moments
from ..table import capability, command, token
from ..talk import IrcTalk

MAX_EVENTS = 500  # in one answer
_TARGETS = 200  # posts to a member that are looked through for those who wrote them
_ASIDE = 50  # events of one time, at most, that one log of a conversation has beside an event of the other

capability("batch")
capability(CHATHISTORY)
capability(EVENTS)
token("CHATHISTORY", MAX_EVENTS)
token("MSGREFTYPES", "msgid,timestamp")


class Point(NamedTuple):
    """A point in the past: an event, or a moment."""

    number: int = 0  # of the event in its log
    when: int = 0  # in milliseconds since the epoch, if it is a moment, or as soon as the event is found
    group: str = ""  # of the event
    at: float = 0.0  # the exact time of the event, if it is to be compared with others than those of its log
    is_in: bool = False  # a page that begins there has the event itself, too

    @property
    def order(self) -> tuple[float, int, str]:
        return self.at, self.number, self.group


class HistoryRefused(Exception):
    """A request that is answered with FAIL."""

    def __init__(self, code: str, words: str, *context: str) -> None:
        super().__init__(words)
        self.code = code
        self.context = context


@command("CHATHISTORY")
def chathistory(talk: IrcTalk, message: Message) -> None:
    """Send past events."""
    what, *rest = message.parameters or ("",)
    try:
        _run(talk, what.upper(), rest)
    except HistoryRefused as refused:
        talk.fail("CHATHISTORY", refused.code, *refused.context, words=str(refused))


def _run(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    if what not in _SUBCOMMANDS:
        raise HistoryRefused("INVALID_PARAMS", "Unknown subcommand", what or "*")
    count, run = _SUBCOMMANDS[what]
    if len(rest) < count:
        raise HistoryRefused("INVALID_PARAMS", "Insufficient parameters", what)
    if len(rest) > count:
        raise HistoryRefused("INVALID_PARAMS", "Too many parameters", what)
    run(talk, what, rest)


# -- the parameters


def _limit(what: str, written: str) -> int:
    if not (written.isascii() and written.isdecimal() and len(written) < 9 and int(written)):
        raise HistoryRefused("INVALID_PARAMS", "Give a limit of 1 or more", what, written)
    return min(int(written), MAX_EVENTS)


def _point(talk: IrcTalk, what: str, written: str, groups: Sequence[str]) -> Point:
    """Return the point that a reference means; ``groups``: the only logs in which it may be."""
    kind, equals, value = written.partition("=")
    if not equals:
        raise HistoryRefused("INVALID_PARAMS", "Give timestamp=TIME or msgid=ID", what, written)
    if kind == "timestamp":
        when = moment(value)
        if when is not None:
            return Point(when=when)
        raise HistoryRefused("INVALID_PARAMS", "Give a time such as timestamp=2026-11-29T12:00:00.000Z", what, written)
    if kind != "msgid":
        raise HistoryRefused("INVALID_MSGREFTYPE", "Give timestamp=TIME or msgid=ID", what, written)
    found = read_msgid(talk.hub.journal_name, value)
    if found is None or found[0] not in groups:
        raise HistoryRefused("INVALID_PARAMS", "That message is not known there", what, written)
    return Point(number=found[1], group=found[0])


# -- where


def _asked(talk: IrcTalk, what: str, target: str) -> _Log:
    """Return the log of a room that the person is in, or the two of a conversation of a member's."""
    wanted = target.removeprefix("#")
    me = member_of(talk)
    if target[:1] == "#":
        try:
            name = text.room(wanted)
        except ChatError:
            name = ""
        if name in talk.session.rooms:
            return _Log(f"#{name}", (Query(name),))
    elif me is not None:
        account = talk.hub.decisions.accounts.called(target)
        person = talk.hub.state.directory.called(target)
        other = account.alias if account is not None else person.alias if person is not None else ""
        if other:
            mine, theirs = f"@{me.alias}", f"@{other}"
            since = me.since
            to_me = Query(mine, since=since, author=other, kinds=POSTS)
            if account is me:
                return _Log(other, (to_me,))
            return _Log(other, (to_me, Query(theirs, since=since, author=me.alias, kinds=POSTS)))
    words = "You are in no such room, and no member with such a conversation"
    raise HistoryRefused("INVALID_TARGET", words, what, target)


class _Log(NamedTuple):
    """A room, or a conversation, which is in the logs of both sides."""

    target: str  # as the client sees it
    queries: tuple[Query, ...]

    @property
    def groups(self) -> list[str]:
        return [query.group for query in self.queries]


def _between(query: Query, first: Point | None, last: Point | None) -> Query:
    """Return the query for the events after one point and before another, without those points.

    Next to an event of another log it has the events of the same time, too: see ``_is_within``.
    """
    if first is not None and first.number and first.group == query.group:
        query = query._replace(after=first.number - first.is_in)
    elif first is not None:
        since = first.at or (first.when - first.is_in + 0.5) / 1000  # as milliseconds are rounded
        query = query._replace(since=max(query.since, since))
    if last is not None and last.number and last.group == query.group:
        query = query._replace(until=last.number - 1)
    elif last is not None:
        query = query._replace(before=nextafter(last.at, inf) if last.at else (last.when - 0.5) / 1000)
    return query


def _is_within(event: Event, first: Point | None, last: Point | None) -> bool:
    """Return whether an event is after one point and before another, as far as these are known by their times."""
    order = _order(event)
    if first is not None and first.at and order <= first.order:
        return first.is_in and order == first.order
    return last is None or not last.at or order < last.order


# -- the subcommands


def _page(
    talk: IrcTalk, past: _Log, first: Point | None, last: Point | None, limit: int, newest: bool
) -> None:  # fmt: skip
    """Send a page of the events between two points: the newest of them, or the oldest."""
    _recall(talk, past, first, last, limit, newest, lambda found: send_events(talk, past.target, found))


def _recall(
    talk: IrcTalk,
    past: _Log,
    first: Point | None,
    last: Point | None,
    limit: int,
    newest: bool,
    answer: Callable[[Sequence[Event]], None],
) -> None:
    """Ask for a page of the events between two points."""
    found: list[Event] = []
    left = len(past.queries)
    by_time = any(point.when and not point.number for point in (first, last) if point is not None)
    by_time = by_time or "message-tags" not in talk.caps  # the client cannot continue by the id of an event
    most = limit + 1 + (_ASIDE if left > 1 else 0)

    def one(events: Sequence[Event]) -> None:
        nonlocal left
        found.extend(event for event in events if _is_within(event, first, last))
        left -= 1
        if not left:
            found.sort(key=_order)
            page = found[-limit - 1 :] if newest else found[: limit + 1]
            if by_time:
                answer(whole_moments(page, limit, newest))
            else:
                answer(page[-limit:] if newest else page[:limit])

    def ask_past(ask: Ask) -> None:
        for query in past.queries:
            asked = _between(query, first, last)
            if last is not None and last.number == 1 and last.group == query.group:
                one(())  # before the first event
                continue
            kinds = query.kinds or kinds_for(talk)
            talk.hub.past.recall(ask, asked._replace(kinds=kinds, most=most, newest=newest), one)

    talk.request(ask_past)


def _order(event: Event) -> tuple[float, int, str]:
    return event.when, event.number, event.group


def _latest(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    past, limit = _asked(talk, what, rest[0]), _limit(what, rest[2])
    if rest[1] == "*":
        _page(talk, past, None, None, limit, newest=True)
    else:
        _resolved(talk, what, past, [rest[1]], lambda points: _page(talk, past, points[0], None, limit, newest=True))


def _before(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    past, limit = _asked(talk, what, rest[0]), _limit(what, rest[2])
    _resolved(talk, what, past, [rest[1]], lambda points: _page(talk, past, None, points[0], limit, newest=True))


def _after(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    past, limit = _asked(talk, what, rest[0]), _limit(what, rest[2])
    _resolved(talk, what, past, [rest[1]], lambda points: _page(talk, past, points[0], None, limit, newest=False))


def _between_two(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    """Send the events between two points; from the first of them on, if it is the earlier one, else back from it."""
    past, limit = _asked(talk, what, rest[0]), _limit(what, rest[3])

    def send(points: Sequence[Point]) -> None:
        first, last = points
        is_forward = _is_before(first, last)
        if not is_forward:
            first, last = last, first
        _page(talk, past, first, last, limit, newest=not is_forward)

    _resolved(talk, what, past, rest[1:3], send, same_kind=True)


def _is_before(first: Point, last: Point) -> bool:
    if first.number and last.number and first.group == last.group:
        return first.number <= last.number
    both = [(one.at or one.when / 1000, one.number, one.group) for one in (first, last)]
    return both[0] <= both[1]


def _around(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    """Send as many events before a point as after it, with the event itself."""
    past, limit = _asked(talk, what, rest[0]), _limit(what, rest[2])

    def send(points: Sequence[Point]) -> None:
        (middle,) = points
        here = middle._replace(is_in=True)
        earlier: list[Event] = []

        def then(found: Sequence[Event]) -> None:
            earlier.extend(found)
            rest_of = max(limit - len(earlier), 1)
            _recall(talk, past, here, None, rest_of, False, finish)

        def finish(found: Sequence[Event]) -> None:
            send_events(talk, past.target, [*earlier, *found])

        if limit // 2:
            _recall(talk, past, None, middle, limit // 2, True, then)
        else:
            then(())

    _resolved(talk, what, past, [rest[1]], send)


def _resolved(
    talk: IrcTalk,
    what: str,
    past: _Log,
    written: Sequence[str],
    then: Callable[[Sequence[Point]], None],
    same_kind: bool = False,
) -> None:
    """Call a function with the points that references mean.

    The time of an event is known in a conversation, which has two logs, and next to a reference of another kind.
    """
    points = [_point(talk, what, one, past.groups) for one in written]
    mixed = same_kind and len({bool(point.number) for point in points}) > 1
    if len(past.queries) == 1 and not mixed:
        then(points)
        return
    found: dict[int, Point] = {}

    def resolve(index: int) -> None:
        if index == len(points):
            then([found[each] for each in range(len(points))])
            return
        point = points[index]
        if not point.number:
            found[index] = point
            resolve(index + 1)
            return

        def answer(events: Sequence[Event]) -> None:
            if events:
                found[index] = point._replace(when=milliseconds(events[0].when), at=events[0].when)
                resolve(index + 1)
            else:
                words = "That message is not known there"
                talk.fail("CHATHISTORY", "INVALID_PARAMS", what, written[index], words=words)

        query = Query(point.group, after=point.number - 1, until=point.number, most=1)
        talk.request(lambda ask: talk.hub.past.recall(ask, query, answer))

    resolve(0)


def _targets(talk: IrcTalk, what: str, rest: Sequence[str]) -> None:
    """List the rooms and the people with posts between two times, and the time of the last."""
    moments = [_point(talk, what, written, ()).when for written in rest[:2]]
    limit = _limit(what, rest[2])
    first, last = sorted(moments)
    groups = list(talk.session.rooms)
    latest: dict[str, float] = {}
    account = member_of(talk)

    def ask_past(ask: Ask) -> None:
        queries = []
        if groups:
            queries.append(Query(groups[0], kinds=POSTS, most=1, newest=True, others=tuple(groups[1:])))
        if account is not None:
            own = Query(f"@{account.alias}", since=account.since, kinds=POSTS, most=_TARGETS, newest=True)
            queries.append(own)
        for query in queries:
            talk.hub.past.recall(ask, _between(query, Point(when=first), Point(when=last)), note)

    def note(events: Sequence[Event]) -> None:
        for event in events:
            name = event.author if event.group[0] == "@" else f"#{event.group}"
            latest[name] = max(latest.get(name, 0.0), event.when)

    def ask_own() -> None:
        """Ask for the last line to each of the people, too: an answer may be the last of a conversation."""
        people = [name for name in latest if name[0] != "#"]
        if account is None or not people:
            send()
            return
        groups = tuple(f"@{name}" for name in people)
        query = Query(groups[0], author=account.alias, kinds=POSTS, most=1, newest=True, others=groups[1:])
        query = _between(query._replace(since=account.since), Point(when=first), Point(when=last))
        talk.request(lambda ask: talk.hub.past.recall(ask, query, note_own), send)

    def note_own(events: Sequence[Event]) -> None:
        for event in events:
            latest[event.group[1:]] = max(latest.get(event.group[1:], 0.0), event.when)

    def send() -> None:
        ordered = sorted(latest.items(), key=lambda item: item[1])
        kept = ordered[:limit] if moments[0] <= moments[1] else ordered[-limit:]
        lines = [
            serialise(Message("CHATHISTORY", ("TARGETS", target, stamp(when)), talk.premises.name))
            for target, when in kept
        ]
        send_batch(talk, "draft/chathistory-targets", [], lines)

    talk.request(ask_past, ask_own)


_SUBCOMMANDS: dict[str, tuple[int, Callable[[IrcTalk, str, Sequence[str]], None]]] = {
    "LATEST": (3, _latest),
    "BEFORE": (3, _before),
    "AFTER": (3, _after),
    "AROUND": (3, _around),
    "BETWEEN": (4, _between_two),
    "TARGETS": (3, _targets),
}
