"""Access: who may see a room, enter it, speak there and set its topic, as a set of words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Access = frozenset[str]

OPEN: Final = "open"  # the word for no restriction at all
PRIVATE: Final = "private"
PASSWORD: Final = "password"  # noqa: S105  # a word, and no secret
LISTEN: Final = "listen"
TOPIC: Final = "topic"
HIDDEN: Final = "hidden"

ACCESSES: Final = {  # how each reads
    OPEN: "everyone may enter",
    PRIVATE: "only invited people may enter, and others do not see it",
    PASSWORD: "a password is asked from all but its operators",
    LISTEN: "only operators, hosts and people with a voice speak",
    TOPIC: "only operators and hosts set the topic",
    HIDDEN: "people outside do not see it",
}
NO_RULE: Final[Access] = frozenset()
FORM: Final = "(?:{0})(?: (?:{0}))*".format("|".join(ACCESSES))  # of an access in words
CALLED: Final = "open, or some of private, password, listen, topic and hidden"


@lru_cache(maxsize=256)
def access(words: str) -> Access:
    """Return the access that some words, with spaces between them, name; unknown ones are left out."""
    return frozenset(words.split()) & ACCESSES.keys() - {OPEN}


def has_password(words: str) -> bool:
    """Return whether an access, in words, asks for a password."""
    return PASSWORD in access(words)


def in_words(wanted: Iterable[str]) -> str:
    """Return the words of an access, in their order."""
    return " ".join(word for word in ACCESSES if word in frozenset(wanted)) or OPEN


def described(words: str) -> str:
    """Return how an access reads, by its words."""
    return "; ".join(ACCESSES[word] for word in in_words(access(words)).split())
