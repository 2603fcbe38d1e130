"""Past events for a client of IRC, in a batch of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from ...core.errors import ChatError
from ...core.events import JOINED, POSTS, Event
from ...core.ports import Query
from ...core.room import Room
from ...wire.irc import Message, serialise, with_tag
from ...wire.irc_view import milliseconds

if TYPE_CHECKING:
    from .talk import IrcTalk

CHATHISTORY: Final = "draft/chathistory"
EVENTS: Final = "draft/event-playback"
SHOWN_LINES: Final = 20  # of a room's past, to a client that enters and cannot ask for more


def send_batch(talk: IrcTalk, kind: str, parameters: Sequence[str], lines: Iterable[bytes]) -> None:
    """Send some messages in a batch, or as they are to a client that knows no batches."""
    if "batch" not in talk.caps:
        talk.write(b"".join(lines))
        return
    name = talk.new_batch()
    begin = serialise(Message("BATCH", (f"+{name}", kind, *parameters), talk.premises.name))
    end = serialise(Message("BATCH", (f"-{name}",), talk.premises.name))
    talk.write(begin + b"".join([with_tag(line, "batch", name) for line in lines]) + end)


def send_events(talk: IrcTalk, target: str, events: Iterable[Event]) -> None:
    """Send past events of a room or of a conversation, but for posts of people whom the person ignores."""
    ignoring = talk.session.ear.ignoring
    shown = [event for event in events if not (ignoring and ignoring.hides_event(event))]
    encoded = talk.session.ear.view.encode(shown)
    send_batch(talk, "chathistory", [target], encoded.splitlines(keepends=True))


def kinds_for(talk: IrcTalk) -> frozenset[str]:
    """Return the kinds of events that a client plays back; empty: all."""
    return frozenset() if EVENTS in talk.caps else POSTS


def recall(
    talk: IrcTalk, query: Query, found: Callable[[Sequence[Event]], None], then: Callable[[], None], about: str
) -> None:
    """Ask for events of the past; then call ``then``, also after a refusal, which is answered before."""

    def refused(error: ChatError) -> None:
        talk.refuse(error, about)
        then()

    talk.request(lambda ask: talk.hub.past.recall(ask, query, found), then, refused=refused)


def show_last_lines(talk: IrcTalk, room: Room, then: Callable[[], None]) -> None:
    """Show the last lines to a person who has just entered a room; then call ``then``.

    Only a client that shows the true times of lines gets them, and only if it cannot ask for them itself.
    """
    if CHATHISTORY in talk.caps or "server-time" not in talk.caps or not room.number:
        then()
        return
    own = (event.number for event in reversed(room.tail) if event.kind == JOINED and event.author == talk.nick)
    entered = next(own, room.number)  # what came after that was heard

    query = Query(room.name, until=entered, kinds=POSTS, most=SHOWN_LINES, newest=True)

    def found(events: Sequence[Event]) -> None:
        if events:
            send_events(talk, f"#{room.name}", events)

    recall(talk, query, found, then, about=f"#{room.name}")


def whole_moments(events: Sequence[Event], most: int, newest: bool) -> Sequence[Event]:
    """Return a page of events, oldest first, which a client can continue by the time of its last or first event.

    All events of a commit have one time: the page ends between two times, unless all of it has one. ``events`` has one
    event more than ``most`` if there are more.
    """
    if len(events) <= most:
        return events
    beyond, page = (events[0], events[-most:]) if newest else (events[-1], events[:most])
    cut = milliseconds(beyond.when)
    whole = [event for event in page if milliseconds(event.when) != cut]
    return whole or page
