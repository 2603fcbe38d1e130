"""Durations and reasons of decisions, as people type them: "7d spam"."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from . import text
from .durations import seconds_in
from .errors import BadDuration

LONGEST: Final = 100 * 365 * 86400  # seconds of a rule or a ban

_SHOWN: Final = 20  # characters of what somebody has typed
_UNIT: Final = r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mo|months?|y|yrs?|years?)"
_MEANT: Final = re.compile(rf"[-+]?\d[\d.,_]*({_UNIT}(\d+{_UNIT})*(?=\s|$)|\s+{_UNIT}(?=\s|$)|$)", re.IGNORECASE)


SCOPES: Final = ("guests", "all")  # of a ban


class Terms(NamedTuple):
    """The terms of a ban, as they are typed."""

    seconds: int  # 0: without an end
    scope: str  # one of SCOPES; empty: none is given
    why: str


def terms(words: str) -> Terms:
    """Split a text into the terms of a ban: duration and scope, in any order, and the reason.

    Raises: BadDuration, ReasonTooLong, SecretSaid.
    """
    seconds, why = how_long_and_why(words)
    scope, _space, rest = why.partition(" ")
    if scope.lower() not in SCOPES:
        return Terms(seconds, "", why)
    if not seconds:
        seconds, rest = how_long_and_why(rest)
    return Terms(seconds, scope.lower(), rest.strip())


def how_long_and_why(words: str) -> tuple[int, str]:
    """Split a text into the seconds of a duration such as 10m, 0 if it begins with none, and a reason.

    Raises: BadDuration, where the text begins with a duration that is none of ours: else it would become a reason, and
    the decision would have no end. ReasonTooLong, SecretSaid.
    """
    words = words.strip()
    first = re.split(r"\s", words, maxsplit=1)[0]
    seconds = seconds_in(first)
    if 0 < seconds <= LONGEST:
        return seconds, text.reason(words[len(first) :])
    meant = _MEANT.match(words)
    if meant is not None:
        raise BadDuration(text.clean(meant[0])[:_SHOWN])
    return 0, text.reason(words)
