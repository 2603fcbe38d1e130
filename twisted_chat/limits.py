"""The limits: how much one connection, one address or one room may ask of the server."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address

PLACES = 1000  # that are remembered before those are forgotten which have long been quiet


@dataclass(frozen=True)
class Limits:
    """Every number in one place. The defaults suit a class or a team on a small machine."""

    max_line: int = 4096  # bytes in one line, without its end
    lines_per_second: float = 10  # that one connection may go on saying ...
    lines_at_once: float = 60  # ... after as many as a pasted page has
    bytes_per_second: float = 16 * 1024
    bytes_at_once: float = 128 * 1024
    per_address: float = 16  # live connections from one address ...
    per_loopback: float = 200  # ... and from this machine
    aliases_at_once: float = 20  # aliases that one address may fail to get ...
    aliases_per_second: float = 1 / 3  # ... and how fast that many are forgiven
    alias_seconds: float = 60  # to give an alias
    closing_seconds: float = 5  # to take what is unsent, before a close becomes an abort
    lingering_seconds: float = 0.5  # for a peer to end its side, once all is sent and ours has ended
    grace_seconds: float = 15  # for a program to come back after its connection died
    stall_seconds: float = 120  # that a reader may take nothing
    request_seconds: float = 60  # for an HTTP request to come whole, and for its answer to be taken
    ping_seconds: float = 30  # between questions to a browser whether it is still there
    send_buffer: int = 64 * 1024  # bytes that the kernel keeps for one reader; it takes twice that
    rooms: int = 1000
    rooms_each: int = 50  # that one member may be in
    remembered: int = 1000  # events of one room ...
    remembered_bytes: int = 512 * 1024  # ... and bytes, about
    shown_to_joiner: int = 20  # lines said

    def lifted(self) -> Limits:
        """Return the same without flood and connection limits; what bounds memory stays."""
        return replace(
            self,
            lines_per_second=math.inf,
            bytes_per_second=math.inf,
            per_address=math.inf,
            per_loopback=math.inf,
            aliases_per_second=math.inf,
        )


class Bucket:
    """A token bucket that may be overdrawn once: what was taken is taken, and then one waits.

    Nothing is ever refused, so that nothing of a flooder's is lost, only late.
    """

    __slots__ = ("_burst", "_level", "_rate", "_when")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Hold at most ``burst`` tokens, at first as many, filled with ``rate`` tokens a second."""
        self._rate, self._burst = rate, burst
        self._level, self._when = burst, now

    def take(self, amount: float, now: float) -> float:
        """Take tokens and return how many seconds to wait before the next are taken."""
        if self._rate == math.inf:
            return 0.0
        self._level = self.left(now) - amount
        self._when = now
        return max(0.0, -self._level / self._rate)

    def left(self, now: float) -> float:
        """Return how many tokens can be taken before one has to wait."""
        if self._rate == math.inf:
            return math.inf
        return min(self._burst, self._level + (now - self._when) * self._rate)

    def add(self, other: Bucket, now: float) -> float:
        """Take what is missing in another bucket; return how many seconds to wait."""
        return self.take(other._burst - other.left(now), now)

    def is_full(self, now: float) -> bool:
        """Whether it holds as much as at first."""
        return self.left(now) >= self._burst


class Pace:
    """How much one member may say now, whatever their connection."""

    __slots__ = ("bytes", "lines")

    def __init__(self, limits: Limits, now: float) -> None:
        self.lines = Bucket(limits.lines_per_second, limits.lines_at_once, now)
        self.bytes = Bucket(limits.bytes_per_second, limits.bytes_at_once, now)

    def is_full(self, now: float) -> bool:
        """Whether they may say as much as at first."""
        return self.lines.is_full(now) and self.bytes.is_full(now)

    def add(self, other: Pace, now: float) -> float:
        """Count what was said at another pace too; return how many seconds to wait."""
        return max(self.lines.add(other.lines, now), self.bytes.add(other.bytes, now))


class Addresses:
    """Who is connected from where, and which addresses fail to get an alias again and again.

    An IPv6 address stands for its /64, the least that a site is given (RFC 6177); an IPv4 one
    mapped into IPv6 for itself; a UNIX socket, where ``host`` is empty, for this machine.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._live: dict[str, int] = {}
        self._failures: dict[str, Bucket] = {}
        self._posts: dict[str, Pace] = {}  # lines and bytes, of those who post without staying

    def enter(self, host: str) -> bool:
        """Count one connection more, or return False where that would be one too many."""
        place, most = self.place(host)
        live = self._live.get(place, 0)
        if live >= most:
            return False
        self._live[place] = live + 1
        return True

    def leave(self, host: str) -> None:
        """Count one connection less, of those that entered."""
        place, _most = self.place(host)
        self._live[place] -= 1
        if not self._live[place]:
            del self._live[place]

    def fail(self, host: str, now: float) -> bool:
        """Note an alias that was not given; return False once there were too many."""
        place, _most = self.place(host)
        if len(self._failures) > PLACES:
            self._failures = {a: b for a, b in self._failures.items() if not b.is_full(now)}
        bucket = self._failures.get(place)
        if bucket is None:
            bucket = Bucket(self._limits.aliases_per_second, self._limits.aliases_at_once, now)
            self._failures[place] = bucket
        return bucket.take(1, now) == 0

    def post(self, host: str, lines: int, size: int, now: float) -> float:
        """Count what an address posts; or return in how many seconds it may go on, if it said too much before.

        It may say as much as one connection, which would be slowed down instead.
        """
        place, _most = self.place(host)
        if len(self._posts) > PLACES:
            self._posts = {a: pace for a, pace in self._posts.items() if not pace.is_full(now)}
        pace = self._posts.setdefault(place, Pace(self._limits, now))
        buckets = (pace.lines, pace.bytes)
        if any(bucket.left(now) <= 0 for bucket in buckets):
            return max(1.0, *(bucket.take(0, now) for bucket in buckets))
        for bucket, amount in zip(buckets, (lines, size), strict=True):
            bucket.take(amount, now)
        return 0.0

    def place(self, host: str) -> tuple[str, float]:
        """Return what an address counts as, and how many connections it may have."""
        if not host:
            return "", self._limits.per_loopback
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return host, self._limits.per_address
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped:
                address = address.ipv4_mapped
            elif not address.is_loopback:
                return str(IPv6Address(int(address) >> 64 << 64)), self._limits.per_address
        most = self._limits.per_loopback if address.is_loopback else self._limits.per_address
        return str(address), most
