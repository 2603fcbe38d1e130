"""``twistd``, with a watchdog: when it ends, it prints the most CPU time that one turn of the reactor has taken."""

from __future__ import annotations

import sys
import time

from twisted.internet import reactor
from twisted.scripts.twistd import run


class Watched:
    """The reactor's poller. Between two polls is a turn: all that became readable, and all that was due."""

    def __init__(self, poller):
        self.poller = poller
        self.began = None
        self.longest = 0.0  # seconds of this thread's own, so that other processes and threads do not count

    def poll(self, *arguments):
        if self.began is not None:
            self.longest = max(self.longest, time.thread_time() - self.began)
        try:
            return self.poller.poll(*arguments)
        finally:
            self.began = time.thread_time()

    def __getattr__(self, name):
        return getattr(self.poller, name)


watched = reactor._poller = Watched(reactor._poller)
reactor.addSystemEventTrigger("after", "shutdown", lambda: print(f"longest turn: {watched.longest:.4f} s", flush=True))
sys.exit(run())
