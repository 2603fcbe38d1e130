"""What happened: one frozen record, all that crosses walls between the rooms of the house.

Every event has the same ten fields, so that a journal is one table and a wire one function a kind.
The kinds are past tense, as facts are; requests are the hub's imperative methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

LOBBY: Final = "lobby"  # the room that everyone starts in
EVERYONE: Final = "*"  # the group of all who are connected: broadcast

# Said to a group. ``author`` said ``text``.
SAID: Final = "said"
ACTED: Final = "acted"  # /me
# A room's own log.
JOINED: Final = "joined"
LEFT: Final = "left"  # text: why, may be empty
RENAMED: Final = "renamed"  # author: the old alias; text: the new one
RETITLED: Final = "retitled"  # text: the topic, empty when it was cleared
TOOK: Final = "took"  # in the log of @ALIAS: somebody has the alias now; text: their program's public name, or empty
# The hub's own, in no group: who has which alias, who is away. Only their order matters.
CLAIMED: Final = "claimed"  # text: the alias asked for; the first claim in order wins
RELEASED: Final = "released"  # author's session has ended
WENT_AWAY: Final = "went away"  # text: why
CAME_BACK: Final = "came back"
# To one person, never kept.
CONNECTED: Final = "connected"  # they are in, under the alias ``author``
NOTICED: Final = "noticed"  # the server's own words
REFUSED: Final = (
    "refused"  # what they asked for cannot be done; text: why; author: the error's code; number: seconds to wait
)
DOUBTED: Final = "doubted"  # nobody knows yet whether it is done, and it may still be; otherwise as REFUSED
SKIPPED: Final = "skipped"  # they are not given some events of ``group``: from number int(text) to ``number``
IGNORED: Final = "ignored"  # in place of an event that they do not wish to hear: it has this number
CALLED: Final = "called"  # a program is asked to do something; text: the name of it, a space, and with what
ANSWERED: Final = "answered"  # and has; text: "done" or "failed", a space, and what came of it
REPEATED: Final = "repeated"  # what they asked for was asked for before, and has this number already

POSTS: Final = frozenset({SAID, ACTED})  # what a person said; these change nobody's state
MOVES: Final = frozenset({JOINED, LEFT, RENAMED})  # what changes who is in a room

BLOCK: Final = "block"  # in an event's data: the place of a line in a block of several lines, 1, 2, 3 ...

Data = Mapping[str, Any]  # what JSON can hold; never changed, as many events share one


class Event(NamedTuple):
    """One thing that happened.

    ``group`` tells who hears it. The three kinds of group communication are one thing, a post to a group:
    a room's name (multicast), ``*`` (broadcast), ``@ALIAS`` (unicast), or empty for the hub's own.
    Each group but the last is a log, that of ``@ALIAS`` too: of what was said to whoever had that alias.
    ``number`` is 1, 2, 3 ... in its group, without gaps, given by the journal; 0: not numbered.
    ``when`` is in seconds since the epoch, also given by the journal.
    ``origin`` is the session that asked for it, OPENING << 32 | N with the number of an opening of the journal, so that
    no two sessions in a log have the same; 0 for the server.
    ``ident`` is the asking program's name for its request, the same if it asks again: CLIENT/ID. Empty for people.
    ``about`` is the number of an event in the same group that this one is about; 0: none.
    ``data`` is what only some events have, by name, see BLOCK; None where there is nothing, as for nearly every event.
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


class Lines(NamedTuple):
    """Lines that one session says to a group in one go: an event each, once a journal has numbered them.

    All of them are kept, or none is, and their numbers follow each other. Each event has the ``ident``, so the first
    of them tells that all are kept.
    """

    group: str
    author: str
    texts: Sequence[str]
    origin: int
    block: int = 0  # the place of the first line in the block that they are lines of; 0: of none
    ident: str = ""


@lru_cache(maxsize=1024)
def in_block(place: int) -> Data:
    """Return the data of a line in a block: the same object for all lines that have this place."""
    return {BLOCK: place}
