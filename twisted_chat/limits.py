"""The limits: how much one connection, one address or one room may ask of the server."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network

PLACES = 1000  # addresses without a connection that are remembered: the one that has been quiet longest is forgotten

REFUSALS_SECONDS = 60.0  # between two lines of the log about connections that one address is refused

_REMEDY = "ask whoever runs the server to raise --per-address"

# Whose addresses many people share: RFC 1918, 3927, 6598 (carrier-grade NAT), 4193 and 4291.
_PRIVATE = [
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
    )
]


@dataclass(frozen=True)
class Limits:
    """Every number in one place. The defaults suit a class or a team on a small machine."""

    max_line: int = 4096  # bytes in one line, without its end
    lines_per_second: float = 10  # that one connection may go on saying ...
    lines_at_once: float = 60  # ... after as many as a pasted page has
    bytes_per_second: float = 16 * 1024
    bytes_at_once: float = 128 * 1024
    per_address: float = 16  # live connections from one address ...
    per_private: float = 100  # ... from one of a private network, behind which a class may sit ...
    per_loopback: float = 200  # ... and from this machine
    address_share: float = 1 / 4  # of what so many connections may say, that one address may say in all
    opened_at_once: float = 4  # times so many connections that an address may open at once ...
    opened_per_second: float = 1 / 2  # ... and how many times so many a second from then on
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
    rooms: int = 1000  # that are in memory though nobody hears them
    rooms_each: int = 50  # that one member may be in
    rooms_made: int = 100  # that one member may make
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
            per_private=math.inf,
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
        level = min(self._burst, self._level + (now - self._when) * self._rate) - amount
        self._level, self._when = level, now
        return 0.0 if level >= 0 else -level / self._rate

    def left(self, now: float) -> float:
        """Return how many tokens can be taken before one has to wait."""
        if self._rate == math.inf:
            return math.inf
        return min(self._burst, self._level + (now - self._when) * self._rate)

    def until(self, amount: float, now: float) -> float:
        """Return how many seconds it takes until so many can be taken."""
        return max(0.0, (amount - self.left(now)) / self._rate)

    def add(self, other: Bucket, now: float) -> float:
        """Take what is missing in another bucket; return how many seconds to wait."""
        return self.take(other._burst - other.left(now), now)


class Pace:
    """How much one member may say now, whatever their connection; beneath it, how much their address may say in all."""

    __slots__ = ("_is_lifted", "address", "bytes", "caused", "lines")

    def __init__(self, limits: Limits, now: float, address: Budget | None = None) -> None:
        self._is_lifted = limits.lines_per_second == limits.bytes_per_second == math.inf  # then each chunk costs less
        self.lines = Bucket(limits.lines_per_second, limits.lines_at_once, now)
        self.bytes = Bucket(limits.bytes_per_second, limits.bytes_at_once, now)
        self.address = address or Budget(limits, 1, now)
        self.caused = 0  # events that the journal was given for this member, and that are not paid for yet

    def left(self, now: float) -> float:
        """Return how many lines can be taken before they have to wait."""
        return math.inf if self._is_lifted else min(self.lines.left(now), self.address.left(now))

    def wait(self, now: float) -> float:
        """Return how many seconds they have to wait before anything more is taken."""
        return max(self.lines.take(0, now), self.bytes.take(0, now), self.address.wait(now))

    def take_lines(self, lines: int, now: float) -> float:
        """Count lines, and what they caused where that is more; return how many seconds to wait."""
        if self._is_lifted:
            return 0.0
        caused, self.caused = self.caused, 0
        return max(self.lines.take(lines, now), self.address.take_lines(max(lines, caused), now))

    def take_bytes(self, size: int, now: float) -> float:
        """Count bytes; return how many seconds to wait."""
        if self._is_lifted:
            return 0.0
        return max(self.bytes.take(size, now), self.address.bytes.take(size, now))

    def leave(self) -> None:
        """Leave to the address what was caused without a line, such as their own leaving."""
        self.address.owed += self.caused
        self.caused = 0

    def move(self, newcomer: Pace, now: float) -> float:
        """Go on over a newcomer's connection, from its address; return how many seconds to wait."""
        self.address = newcomer.address
        return max(self.lines.add(newcomer.lines, now), self.bytes.add(newcomer.bytes, now))


class Budget:
    """What one address may do in all, however many come from there and however often they come anew.

    Lines are counted by the events that they cause: another alias in fifty rooms costs fifty.
    """

    __slots__ = ("_lines", "_told_until", "bytes", "failures", "live", "most", "opened", "owed", "share")

    def __init__(self, limits: Limits, most: float, now: float) -> None:
        """``most``: how many connections the address may have."""
        share = max(1.0, most * limits.address_share)
        self.most = most
        self.share = share  # how many may say as much as one may at most
        self.live = 0  # connections
        self.owed = 0  # events that were caused by those who have left since, and that are not counted yet
        self._lines = Bucket(limits.lines_per_second * share, limits.lines_at_once * share, now)
        self.bytes = Bucket(limits.bytes_per_second * share, limits.bytes_at_once * share, now)
        self.opened = Bucket(limits.opened_per_second * most, limits.opened_at_once * most, now)
        self.failures = Bucket(limits.aliases_per_second, limits.aliases_at_once, now)
        self._told_until = -math.inf

    def left(self, now: float) -> float:
        """Return how many lines can be taken before everybody there has to wait."""
        return self._lines.left(now) - self.owed

    def wait(self, now: float) -> float:
        """Return how many seconds everybody there has to wait."""
        return max(self.take_lines(0, now), self.bytes.take(0, now))

    def take_lines(self, lines: int, now: float) -> float:
        """Count lines; return how many seconds to wait."""
        owed, self.owed = self.owed, 0
        return self._lines.take(lines + owed, now)

    def full(self) -> str:
        """Return why there may not be one connection more, if so many are here."""
        if self.live < self.most:
            return ""
        return f"too many connections from your address, {self.most:g} at most: close one and try again, or {_REMEDY}"

    def open(self, now: float) -> str:
        """Count that a connection is opened, or return why it may not be so soon."""
        if self.opened.left(now) < 1:
            seconds = math.ceil(self.opened.until(1, now))
            when = "1 second" if seconds == 1 else f"{seconds} seconds"
            return f"too many new connections from your address: try again in {when}, or {_REMEDY}"
        self.opened.take(1, now)
        return ""

    def is_news(self, now: float) -> bool:
        """Whether a refusal is to be logged: not each one of a flood."""
        if now < self._told_until:
            return False
        self._told_until = now + REFUSALS_SECONDS
        return True


class Addresses:
    """Who is connected from where, and what each address may still do.

    An IPv6 address stands for its /64, the least that a site is given (RFC 6177), unless it is link-local: on one
    link each is somebody else's. An IPv4 address mapped into IPv6 stands for itself, and a UNIX socket, where
    ``host`` is empty, for this machine.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._live: dict[str, Budget] = {}
        self._quiet: dict[str, Budget] = {}  # without a connection, the one that has been quiet longest first

    def budget(self, host: str, now: float) -> Budget:
        """Return what an address may still do."""
        place, most = self.place(host)
        found = self._live.get(place)
        if found is None:
            found = self._quiet.pop(place, None) or Budget(self._limits, most, now)
            self._keep(place, found)
        return found

    def pace(self, host: str, now: float) -> Pace:
        """Return a newcomer's pace, beneath which is what their address has left."""
        return Pace(self._limits, now, self.budget(host, now))

    def open(self, host: str, now: float) -> str:
        """Count that a connection is opened which is nobody's yet, or return why it may not be so soon."""
        return self.budget(host, now).open(now)

    def enter(self, host: str, now: float, is_open: bool = False) -> str:
        """Count one connection more, or return why there may not be one; ``is_open``: it was opened before."""
        budget = self.budget(host, now)
        refusal = budget.full() or ("" if is_open else budget.open(now))
        if not refusal:
            place, _most = self.place(host)
            self._quiet.pop(place, None)
            self._live[place] = budget
            budget.live += 1
        return refusal

    def leave(self, host: str) -> None:
        """Count one connection less, of those that entered."""
        place, _most = self.place(host)
        budget = self._live[place]
        budget.live -= 1
        if not budget.live:
            del self._live[place]
            self._keep(place, budget)

    def fail(self, host: str, now: float) -> bool:
        """Note an alias that was not given; return False once there were too many."""
        return self.budget(host, now).failures.take(1, now) == 0

    def _keep(self, place: str, budget: Budget) -> None:
        self._quiet[place] = budget
        if len(self._quiet) > PLACES:
            del self._quiet[next(iter(self._quiet))]

    def place(self, host: str) -> tuple[str, float]:
        """Return what an address counts as, and how many connections it may have."""
        limits = self._limits
        if not host:
            return "", limits.per_loopback
        try:
            address = ip_address(host)
        except ValueError:
            return host, limits.per_address
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback:
            return str(address), limits.per_loopback
        most = limits.per_private if any(address in network for network in _PRIVATE) else limits.per_address
        if isinstance(address, IPv6Address) and not address.is_link_local:
            return str(IPv6Address(int(address) >> 64 << 64)), most
        return str(address), most
