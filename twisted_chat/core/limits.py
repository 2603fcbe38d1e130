"""The limits: how much one connection, one address or one room may demand of the server."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

PLACES = 1000  # remembered addresses without a connection: beyond this, the one quiet for longest is forgotten

REFUSALS_SECONDS = 60.0  # between two log lines about refused connections from one address

_REMEDY = "ask the server's operator to raise --per-address"

# Networks in which many people share an address: RFC 1918, 3927, 6598 (carrier-grade NAT), 4193 and 4291.
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
    """All limits. The defaults suit a class or a team on a small machine."""

    max_line: int = 4096  # bytes in one line, without its end
    lines_per_second: float = 10  # lines a second from one connection, in the long run ...
    lines_at_once: float = 60  # ... after a burst, as of a pasted page
    bytes_per_second: float = 16 * 1024
    bytes_at_once: float = 128 * 1024
    per_address: float = 16  # live connections from one address ...
    per_private: float = 100  # ... from one in a private network, where a class may share it ...
    per_loopback: float = 200  # ... and from this machine
    address_share: float = 1 / 4  # the part of the lines of all its connections that an address may say
    opened_at_once: float = 4  # bursts of new connections from an address, as a multiple of its limit ...
    opened_per_second: float = 1 / 2  # ... and their rate a second, as a multiple of it
    handshakes_at_once: float = 20  # key exchanges of ssh from one address ...
    handshakes_per_second: float = 2  # ... and their rate a second, both as a multiple of its share
    aliases_at_once: float = 20  # failed claims from one address ...
    aliases_per_second: float = 1 / 3  # ... and how many of them are forgiven a second
    secrets_at_once: float = 5  # wrong passwords, tokens and codes for one name from one address ...
    secrets_per_second: float = 5 / 60  # ... and how many of them are forgiven a second
    registrations_at_once: float = 5  # accounts that one address registers ...
    registrations_per_second: float = 5 / 3600  # ... in the long run
    alias_seconds: float = 60  # for the first claim
    first_words_seconds: float = 0.2  # for a client that speaks first, before it is sent ``alias?``; 0: none
    login_seconds: float = 30  # for an ssh client to log in, and then to open a channel
    closing_seconds: float = 5  # for the peer to take unsent bytes, before a close becomes an abort
    lingering_seconds: float = 0.5  # for the peer to end its side, after we have sent everything and ended ours
    grace_seconds: float = 15  # for a program to resume after its connection died
    stall_seconds: float = 120  # in which a reader may take no bytes
    request_seconds: float = 60  # for a whole HTTP request to arrive, and for its answer to be taken
    ping_seconds: float = 30  # between two pings to a browser
    send_buffer: int = 64 * 1024  # bytes in the kernel for one reader; the kernel doubles the number
    rooms: int = 1000  # rooms in memory that nobody hears
    rooms_each: int = 50  # rooms that one person may be in
    rooms_made: int = 100  # rooms that one person may create
    remembered: int = 1000  # events of one room ...
    remembered_bytes: int = 512 * 1024  # ... and their bytes, about
    shown_to_joiner: int = 20  # lines

    def lifted(self) -> Limits:
        """Return the limits without those on floods and connections; those on memory stay."""
        return replace(
            self,
            lines_per_second=math.inf,
            bytes_per_second=math.inf,
            per_address=math.inf,
            per_private=math.inf,
            per_loopback=math.inf,
            handshakes_per_second=math.inf,
            aliases_per_second=math.inf,
            registrations_per_second=math.inf,
        )


class Bucket:
    """A token bucket that may be overdrawn once: ``take`` always succeeds, and the next one has to wait.

    Nothing is ever refused, so a flooder's lines are late, but not lost.
    """

    __slots__ = ("_burst", "_level", "_rate", "_when")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Start with ``burst`` tokens, which is the maximum; ``rate`` tokens a second are added."""
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
        """Return how many tokens can be taken without a wait."""
        if self._rate == math.inf:
            return math.inf
        return min(self._burst, self._level + (now - self._when) * self._rate)

    def until(self, amount: float, now: float) -> float:
        """Return how many seconds it takes until this many tokens can be taken."""
        return max(0.0, (amount - self.left(now)) / self._rate)

    def add(self, other: Bucket, now: float) -> float:
        """Take as many tokens as are missing in another bucket; return how many seconds to wait."""
        return self.take(other._burst - other.left(now), now)


class Pace:
    """The limits on a session's lines and bytes, over all their connections; and those of their address as a whole."""

    __slots__ = ("_is_lifted", "address", "bytes", "caused", "lines")

    def __init__(self, limits: Limits, now: float, address: Budget | None = None) -> None:
        self._is_lifted = limits.lines_per_second == limits.bytes_per_second == math.inf  # then each chunk costs less
        self.lines = Bucket(limits.lines_per_second, limits.lines_at_once, now)
        self.bytes = Bucket(limits.bytes_per_second, limits.bytes_at_once, now)
        self.address = address or Budget(limits, 1, now)
        self.caused = 0  # events appended for this session, which are not counted yet

    def left(self, now: float) -> float:
        """Return how many lines can be taken without a wait."""
        return math.inf if self._is_lifted else min(self.lines.left(now), self.address.lines.left(now))

    def wait(self, now: float) -> float:
        """Return how many seconds to wait before more is taken."""
        return max(self.lines.take(0, now), self.bytes.take(0, now), self.address.wait(now))

    def take_lines(self, lines: int, now: float) -> float:
        """Count lines, or the events that they caused if those are more; return how many seconds to wait."""
        if self._is_lifted:
            return 0.0
        caused, self.caused = self.caused, 0
        return max(self.lines.take(lines, now), self.address.lines.take(max(lines, caused), now))

    def take_bytes(self, size: int, now: float) -> float:
        """Count bytes; return how many seconds to wait."""
        if self._is_lifted:
            return 0.0
        return max(self.bytes.take(size, now), self.address.bytes.take(size, now))

    def leave(self, now: float) -> None:
        """Charge the address with events that were caused without a line, for example the session's own leave."""
        self.address.lines.take(self.caused, now)
        self.caused = 0

    def move(self, newcomer: Pace, now: float) -> float:
        """Move to a newcomer's connection and address; return how many seconds to wait."""
        self.address = newcomer.address
        return max(self.lines.add(newcomer.lines, now), self.bytes.add(newcomer.bytes, now))


class Budget:
    """The limits of one address as a whole, over all its connections and reconnects.

    Lines are counted by the events that they cause: a rename in fifty rooms costs fifty.
    """

    __slots__ = ("_told_until", "bytes", "failures", "handshakes", "lines", "live", "most", "opened", "share")

    def __init__(self, limits: Limits, most: float, now: float) -> None:
        """``most``: how many connections the address may have."""
        share = max(1.0, most * limits.address_share)
        self.most = most
        self.share = share  # the address's limits on lines and bytes, as a multiple of one connection's
        self.live = 0  # open connections
        self.lines = Bucket(limits.lines_per_second * share, limits.lines_at_once * share, now)
        self.bytes = Bucket(limits.bytes_per_second * share, limits.bytes_at_once * share, now)
        self.handshakes = Bucket(limits.handshakes_per_second * share, limits.handshakes_at_once * share, now)
        self.opened = Bucket(limits.opened_per_second * most, limits.opened_at_once * most, now)
        self.failures = Bucket(limits.aliases_per_second, limits.aliases_at_once, now)
        self._told_until = -math.inf

    def wait(self, now: float) -> float:
        """Return how many seconds everybody at the address has to wait."""
        return max(self.lines.take(0, now), self.bytes.take(0, now))

    def full(self) -> str:
        """Return why another connection is refused; empty if it is not."""
        if self.live < self.most:
            return ""
        return f"too many connections from your address, {self.most:g} at most: close one and try again, or {_REMEDY}"

    def open(self, now: float) -> str:
        """Count a new connection, or return why it is refused so soon."""
        if self.opened.left(now) < 1:
            seconds = math.ceil(self.opened.until(1, now))
            when = "1 second" if seconds == 1 else f"{seconds} seconds"
            return f"too many new connections from your address: try again in {when}, or {_REMEDY}"
        self.opened.take(1, now)
        return ""

    def is_news(self, now: float) -> bool:
        """Return whether to log a refusal: only some of a flood."""
        if now < self._told_until:
            return False
        self._told_until = now + REFUSALS_SECONDS
        return True


class Addresses:
    """The connected addresses, and what each of them may still do.

    An IPv6 address counts as its /64, the smallest network of a site (RFC 6177), unless it is link-local: on one link
    each belongs to another machine. An IPv4 address mapped into IPv6 counts as itself, and a UNIX socket, whose
    ``host`` is empty, as this machine.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._live: dict[str, Budget] = {}
        self._quiet: dict[str, Budget] = {}  # addresses without a connection, the one quiet for longest first

    def budget(self, host: str, now: float) -> Budget:
        """Return the budget of an address."""
        network, most = self.network_of(host)
        found = self._live.get(network)
        if found is None:
            found = self._quiet.pop(network, None) or Budget(self._limits, most, now)
            self._keep(network, found)
        return found

    def pace(self, host: str, now: float) -> Pace:
        """Return a newcomer's pace, on the budget of their address."""
        return Pace(self._limits, now, self.budget(host, now))

    def open(self, host: str, now: float) -> str:
        """Count a new connection that is no session's yet, or return why it is refused so soon."""
        return self.budget(host, now).open(now)

    def enter(self, host: str, now: float, is_open: bool = False) -> str:
        """Count a live connection, or return why it is refused; ``is_open``: it was counted as new before."""
        budget = self.budget(host, now)
        refusal = budget.full() or ("" if is_open else budget.open(now))
        if not refusal:
            network, _most = self.network_of(host)
            self._quiet.pop(network, None)
            self._live[network] = budget
            budget.live += 1
        return refusal

    def leave(self, host: str) -> None:
        """Count one live connection less."""
        network, _most = self.network_of(host)
        budget = self._live[network]
        budget.live -= 1
        if not budget.live:
            del self._live[network]
            self._keep(network, budget)

    def fail(self, host: str, now: float) -> bool:
        """Count a failed claim; return False after too many."""
        return self.budget(host, now).failures.take(1, now) == 0

    def _keep(self, network: str, budget: Budget) -> None:
        self._quiet[network] = budget
        if len(self._quiet) > PLACES:
            del self._quiet[next(iter(self._quiet))]

    def network_of(self, host: str) -> tuple[str, float]:
        """Return the key that an address is counted under, and how many connections it may have."""
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


class SecretTries:
    """The wrong secrets for each name from each address, and the registrations from each address.

    Each name has a limit of its own at each address, so that no guesser can lock out a member at another one. This
    machine has the same limits, because a proxy may run on it. A name goes by its key, an address as in Addresses.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._network_of = Addresses(limits).network_of
        self._wrong: dict[tuple[str, str], Bucket] = {}  # by network and name, the longest unused first
        self._registrations: dict[str, Bucket] = {}  # by network

    def try_secret(self, host: str, key: str, now: float) -> int:
        """Count a secret as wrong, and return 0; or return how many seconds to wait before the next one is tried.

        It is counted before it is checked, so that many at once are no way around the limit: see ``take_back``.
        """
        limits, (network, _most) = self._limits, self._network_of(host)
        return _take(self._wrong, (network, key), limits.secrets_per_second, limits.secrets_at_once, now)

    def take_back(self, host: str, key: str, now: float) -> None:
        """Stop counting a secret as wrong: it was right."""
        network, _most = self._network_of(host)
        bucket = self._wrong.get((network, key))
        if bucket is not None:
            bucket.take(-1, now)

    def try_registration(self, host: str, now: float) -> int:
        """Count a registration, and return 0; or return how many seconds to wait before the next one."""
        limits, (network, _most) = self._limits, self._network_of(host)
        return _take(self._registrations, network, limits.registrations_per_second, limits.registrations_at_once, now)


Key = TypeVar("Key", bound=Hashable)


def _take(buckets: dict[Key, Bucket], key: Key, rate: float, burst: float, now: float) -> int:
    """Take a token from one of many buckets, and return 0; or return how many seconds it takes until there is one."""
    bucket = buckets.pop(key, None) or Bucket(rate, burst, now)
    buckets[key] = bucket
    if len(buckets) > PLACES:
        del buckets[next(iter(buckets))]
    wait = bucket.until(1, now)
    if wait > _ROUNDING:
        return math.ceil(wait - _ROUNDING)
    bucket.take(1, now)
    return 0


_ROUNDING = 1e-6  # seconds
