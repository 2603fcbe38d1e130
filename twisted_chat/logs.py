"""The log as JSON, one object a line, for ``twistd --logger twisted_chat.logs.json_lines``."""

from __future__ import annotations

import json
import math
import sys
from datetime import datetime, timezone
from typing import TextIO

from twisted.logger import ILogObserver, LogEvent, formatEvent
from zope.interface import implementer

from .clocks import wall

_NOT_FIELDS = frozenset(
    [
        *"time level namespace text traceback".split(),  # told otherwise
        *"message format isError failure why printed system".split(),  # twisted.python.log, the older one, adds them
        "words",  # in "{words}", all of the text
    ]
)


def json_lines() -> JsonLines:
    """Return an observer that prints on standard output, whatever that becomes later: twistd redirects it."""
    return JsonLines(sys.stdout)


@implementer(ILogObserver)
class JsonLines:
    """Writes one line an event, and never raises: whoever logs something has other worries."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, event: LogEvent) -> None:
        try:
            line = json.dumps(shown(event), allow_nan=False)
        except Exception as error:
            text = f"an event cannot be shown: {type(error).__name__}"
            line = json.dumps({"time": _stamp(wall()), "level": "error", "namespace": __name__, "text": text})
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except (OSError, ValueError):  # nobody reads it, or it is closed: there is no other place to tell
            pass


def shown(event: LogEvent) -> dict[str, object]:
    """Return what is shown of an event: its text, and its fields as far as they are plain."""
    level = event.get("log_level")
    fields: dict[str, object] = {
        "time": _stamp(event.get("log_time")),
        "level": getattr(level, "name", "info"),
        "namespace": str(event.get("log_namespace", "")),
        "text": formatEvent(event),
    }
    for name, value in event.items():
        if _is_field(name) and _is_plain(value):
            fields[name] = value
    failure = event.get("log_failure")
    if failure is not None:
        fields["traceback"] = _traceback(failure)
    return fields


def _stamp(when: object) -> str:
    """Write a time as ISO 8601 has it, in UTC, to the millisecond."""
    try:
        moment = datetime.fromtimestamp(float(when), timezone.utc)  # type: ignore[arg-type]  # or TypeError
    except (TypeError, ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(wall(), timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_field(name: object) -> bool:
    return isinstance(name, str) and not name.startswith("log_") and name not in _NOT_FIELDS


def _is_plain(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, int))  # a bool is an int


def _traceback(failure: object) -> str:
    try:
        return str(failure.getTraceback())  # type: ignore[attr-defined]  # a Failure, or what somebody took for one
    except Exception as error:
        return f"it cannot be shown: {type(error).__name__}"
