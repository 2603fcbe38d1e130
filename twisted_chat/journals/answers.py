"""What a query asks for, and which of the events in memory answer it."""

from __future__ import annotations

from collections.abc import Iterable

from .. import text
from ..errors import NotRecalled
from ..events import POSTS, Event
from ..interfaces import Query

WORDS = 20  # that are looked for at a time
STOPPING = "the server is stopping"  # why nothing is answered any more


def words_of(query: Query) -> list[str]:
    """Return the words to look for, each with a letter or a digit in it.

    Raises: NotRecalled, if something is to be looked for and there is no such word.
    """
    words = [word for word in query.words.replace("\0", " ").split() if any(map(str.isalnum, word))]
    words = list(dict.fromkeys(words))
    if len(words) > WORDS:
        raise NotRecalled(f"that is more than {WORDS} words to look for: give fewer")
    if query.words and not words:
        raise NotRecalled("there is no word in that to look for: give one with letters or digits")
    return words


def chosen(events: Iterable[Event], query: Query) -> list[Event]:
    """Return those of the events of a group that a query asks for, oldest first.

    Raises: NotRecalled.
    """
    words = [word.casefold() for word in words_of(query)]
    author = text.key(query.author)
    found = [event for event in events if _meets(event, query, words, author)]
    if len(found) <= query.most:
        return found
    return found[len(found) - query.most :] if query.newest else found[: query.most]


def _meets(event: Event, query: Query, words: list[str], author: str) -> bool:
    return (
        event.number > query.after
        and (not query.until or event.number <= query.until)
        and event.when >= query.since
        and (not query.kinds or event.kind in query.kinds)
        and (not query.ident or event.ident == query.ident)
        and (not author or text.key(event.author) == author)
        and (not words or _has_words(event, words))
    )


def _has_words(event: Event, words: list[str]) -> bool:
    said = event.text.casefold()
    return event.kind in POSTS and all(word in said for word in words)
