"""The words that a query looks for, and its answer from the events in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..core import text
from ..core.errors import NotRecalled
from ..core.events import POSTS, Event
from ..core.ports import Query
from .tokenizer import words_in

WORDS = 20  # in one query ...
PARTS = 100  # ... and the parts that they may have in all: a Chinese word has one for each character
STOPPING = "the server is stopping"  # the reason in every refusal from then on


def words_of(query: Query) -> list[str]:
    """Return the words to look for. Parts that the asker wrote as one word are separated by a space.

    Raises: NotRecalled, if the query has words but none with letters or digits, or too many.
    """
    phrases = dict.fromkeys(" ".join(words_in(word)) for word in query.words.split())
    phrases.pop("", None)
    if len(phrases) > WORDS or sum(phrase.count(" ") + 1 for phrase in phrases) > PARTS:
        raise NotRecalled(
            f"that is more than {WORDS} words to look for, or they are too long: give fewer", is_mistake=True
        )
    if query.words and not phrases:
        raise NotRecalled("there is no word in that to look for: give one with letters or digits", is_mistake=True)
    return list(phrases)


def chosen(query: Query, events_of: Callable[[str], Iterable[Event]]) -> list[Event]:
    """Return the events that answer a query, from the events of each group, oldest first.

    Raises: NotRecalled.
    """
    return [event for one in query.each() for event in _chosen(events_of(one.group), one)]


def _chosen(events: Iterable[Event], query: Query) -> list[Event]:
    words = words_of(query)
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
        and (not query.before or event.when < query.before)
        and (not query.kinds or event.kind in query.kinds)
        and (not query.ident or event.ident == query.ident)
        and (not author or text.key(event.author) == author)
        and (not words or _has_words(event, words))
    )


def _has_words(event: Event, words: list[str]) -> bool:
    if event.kind not in POSTS:
        return False
    said = f" {' '.join(words_in(event.text))} "
    return all(f" {phrase} " in said for phrase in words)
