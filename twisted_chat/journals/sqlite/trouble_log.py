"""The tasks of the journal that fail now, each logged once when it begins to fail and once when it works again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

from .trouble import CORRUPT, HANGS, Trouble

FRESH_SECONDS = 10.0  # after a refused batch or a failed read, during which a check reports it
KEEP = "keep events"
READ = "read the history"
TIDY = "tidy up"

log = Logger()


class TroubleLog:
    """The reason and the time of each failure. Only the reactor's thread may call ``note``."""

    def __init__(self, path: Path, seconds: Callable[[], float]) -> None:
        self._path = path
        self._seconds = seconds
        self._troubles: dict[str, Trouble] = {}  # for each task that fails now, why
        self._went_wrong: dict[str, float] = {}  # and when it failed last

    def note(self, what: str, kind: Trouble | None) -> None:
        """Log once that a task fails, and once that it works again."""
        if self._troubles.get(what) is CORRUPT and what == READ:
            return  # a successful read elsewhere in the file does not prove that it is whole
        self._went_wrong[what] = self._seconds()
        if kind == self._troubles.get(what):
            return
        if kind is None:
            del self._troubles[what]
            log.info("can {what} in {path} again", what=what, path=self._path)
            return
        self._troubles[what] = kind
        text = "cannot {what} in {path} ({why}): {remedy}"
        log.error(text, what=what, path=self._path, why=kind.why, remedy=kind.remedy)

    def of(self, what: str) -> Trouble | None:
        """Return why a task fails now; None: it does not. Any thread may call this."""
        return self._troubles.get(what)

    @property
    def of_keeping(self) -> Trouble:
        """Return why no event is kept, where that is known; else it is because the disk does not answer."""
        return self._troubles.get(KEEP, HANGS)

    def fresh(self) -> Trouble | None:
        """Return why keeping or reading failed just now, or will fail again: a damaged file does not mend itself."""
        for what in (KEEP, READ):
            kind = self._troubles.get(what)
            if kind is CORRUPT or (kind and self._seconds() - self._went_wrong[what] < FRESH_SECONDS):
                return kind
        return None
