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
        *"time level namespace text traceback".split(),  # printed in another form
        *"message format isError failure why printed system".split(),  # added by twisted.python.log, the older module
        "words",  # the field of "{words}", which is the whole text
    ]
)


def json_lines() -> JsonLines:
    """Return an observer that prints on standard output, even after twistd has redirected it."""
    return JsonLines(sys.stdout)


@implementer(ILogObserver)
class JsonLines:
    """An observer that writes one line an event, and never raises into the code that logs."""

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
        except (OSError, ValueError):  # the reader is gone, or the file is closed: there is no other place to log
            pass


def shown(event: LogEvent) -> dict[str, object]:
    """Return the fields to print for an event: its text, and its plain fields."""
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
    """Return a time in ISO 8601, in UTC, to the millisecond."""
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
        return str(failure.getTraceback())  # type: ignore[attr-defined]  # a Failure, or an object logged as one
    except Exception as error:
        return f"it cannot be shown: {type(error).__name__}"
