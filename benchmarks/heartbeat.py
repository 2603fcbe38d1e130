"""``twistd`` with a heartbeat: at its end it prints the gaps of the reactor, and how long each waited for a processor.

A gap is the time by which a call that is due each millisecond comes late. The last line printed is JSON: of each gap of
some length the time of its end (time.monotonic), its seconds, and those of them for which the thread was ready to run
and other threads and processes ran (schedstats of Linux).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from twisted.internet import reactor
from twisted.scripts.twistd import run

BEAT_SECONDS = 0.001
SHORT = 0.002  # seconds: a gap that is not noted


class Heartbeat:
    """Calls itself each millisecond, and notes how late it is."""

    def __init__(self) -> None:
        self.gaps: list[tuple[float, float, float]] = []
        self._schedstat = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        self._last, self._waited = time.monotonic(), self._waiting()

    def _waiting(self) -> float:
        """Return the seconds for which this thread has waited for a processor so far."""
        return int(os.pread(self._schedstat, 100, 0).split()[1]) / 1e9

    def beat(self) -> None:
        now, waited = time.monotonic(), self._waiting()
        gap = now - self._last - BEAT_SECONDS
        if gap > SHORT:
            self.gaps.append((now, gap, min(gap, waited - self._waited)))
        self._last, self._waited = now, waited
        reactor.callLater(BEAT_SECONDS, self.beat)  # type: ignore[attr-defined]


if __name__ == "__main__":
    heartbeat = Heartbeat()
    reactor.callWhenRunning(heartbeat.beat)  # type: ignore[attr-defined]
    reactor.addSystemEventTrigger(  # type: ignore[attr-defined]
        "after", "shutdown", lambda: print(json.dumps(heartbeat.gaps), file=sys.__stdout__, flush=True)
    )
    sys.exit(run())
