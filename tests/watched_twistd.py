"""``twistd``, with a watchdog: at its end it prints the longest turn of the reactor, in CPU time of an idle machine."""

from __future__ import annotations

import json
import sys
import time

from twisted.internet import reactor
from twisted.scripts.twistd import run

SHORT = 0.01  # seconds: a turn that is looked at no further
WORK = {"alias": "Bhoomika", "text": "line 1234 of many that are said", "number": 1234, "rooms": ["lobby", "ops"]}
WORK_TIMES = 2_000
WORK_SECONDS = 0.01  # what that work takes on an idle machine


def slowness():
    """Return how many times longer than on an idle machine Python's work takes just now: 1.0, or more beside others."""
    began = time.thread_time()
    for _ in range(WORK_TIMES):
        json.loads(json.dumps(WORK))
    return max(1.0, (time.thread_time() - began) / WORK_SECONDS)


class Watched:
    """The reactor's poller. Between two polls is a turn: all that became readable, and all that was due."""

    def __init__(self, poller):
        self.poller = poller
        self.began = None
        self.longest = 0.0  # seconds of this thread's own, so that other processes and threads do not count

    def poll(self, *arguments):
        if self.began is not None:
            taken = time.thread_time() - self.began
            if taken > max(self.longest, SHORT):
                self.longest = max(self.longest, taken / slowness())
        try:
            return self.poller.poll(*arguments)
        finally:
            self.began = time.thread_time()

    def __getattr__(self, name):
        return getattr(self.poller, name)


watched = reactor._poller = Watched(reactor._poller)
reactor.addSystemEventTrigger("after", "shutdown", lambda: print(f"longest turn: {watched.longest:.4f} s", flush=True))
sys.exit(run())
