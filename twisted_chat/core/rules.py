"""Rules: who may do what. One table of acts and roles, the rules of a room, and bans. Pure, and part of the state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, Protocol

from . import text
from .accounts import Account
from .errors import Banned, Barred, NotAllowed, NotOpen, PasswordNeeded, Quieted

GUEST, MEMBER, OPERATOR, ADMIN, OWNER = range(5)  # the roles, the least powerful first; operators are a room's
ROLES: Final = ("guest", "member", "operator", "admin", "owner")

HOSTS_ACTS: Final = frozenset({"remove", "invite"})  # of a guest who has made the room and is in it
# The least role for each act: in the room that it is about, or on the server.
ACTS: Final = {
    "remove": OPERATOR,  # a person from a room
    "bar": OPERATOR,
    "quiet": OPERATOR,
    "invite": OPERATOR,
    "restrict": OPERATOR,  # change a room's access
    "appoint operators": OPERATOR,
    "ban": ADMIN,
    "suspend": ADMIN,
    "make bots": ADMIN,
    "close the chat to guests": ADMIN,
    "read the server's log": ADMIN,
    "appoint admins": OWNER,
    "drop accounts": OWNER,
}
WORDS: Final = {  # for those acts whose name alone is no sentence
    "remove": "remove people from it",
    "bar": "keep people out of it",
    "quiet": "forbid people to speak in it",
    "invite": "invite people to it",
    "restrict": "change who may enter it",
    "ban": "see, make and lift bans",
    "suspend": "suspend and restore members",
}


class Ruled(Protocol):
    """A person, as rules see them."""

    @property
    def account(self) -> Account | None:
        """Return their account; None: a guest."""

    @property
    def key(self) -> str:
        """Return the key of their alias."""


def who(person: Ruled) -> str:
    """Return the name of a person in rules: of a member, "#" and the number of the account; of a guest, the key."""
    return person.account.who if person.account is not None else person.key


def names_of(person: Ruled) -> tuple[str, ...]:
    """Return the names under which a rule may concern a person: a member may have been a guest when it was made."""
    return (person.account.who, person.key) if person.account is not None else (person.key,)


def role_of(person: Ruled, rules: RoomRules | None = None) -> int:
    """Return a person's role on the server, or in the room with these rules."""
    if person.account is None:
        return GUEST
    role = ROLES.index(person.account.role)
    return max(role, OPERATOR) if rules is not None and person.account.who in rules.operators else role


def may(person: Ruled, act: str, rules: RoomRules | None = None, on: Ruled | None = None) -> None:
    """Refuse an act that a person may not do; ``rules``: of the room concerned; ``on``: the person concerned.

    Raises: NotAllowed.
    """
    least, role = ACTS[act], role_of(person, rules)
    if role < least:
        raise NotAllowed(f"only {_plural(least)} may {WORDS.get(act, act)}")
    if on is not None and role_of(on, rules) > role:
        raise NotAllowed(f"you may not do that to {_an(role_of(on, rules))}")


def _plural(role: int) -> str:
    if role == OPERATOR:
        return "operators of the room"
    return {ADMIN: "admins", OWNER: "owners"}[role]


def _an(role: int) -> str:
    name = ROLES[role]
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


class RoomRules:
    """The rules of one room. Names are those of ``who``, times in seconds since the epoch; 0: without an end."""

    __slots__ = ("access", "barred", "expelled", "founder", "invited", "operators", "quieted")

    def __init__(self) -> None:
        self.access = "open"  # see events.ACCESSES
        self.operators: set[str] = set()
        self.founder = ""  # the operator who has made the room; empty: none
        self.barred: dict[str, float] = {}
        self.quieted: dict[str, float] = {}
        self.invited: dict[str, float] = {}
        self.expelled: dict[str, float] = {}

    def may_see(self, person: Ruled | None, now: float) -> bool:
        """Return whether a person who is not in the room can see it; None: a stream, which has no person."""
        if self.access != "private":
            return True
        return person is not None and (role_of(person, self) >= OPERATOR or _holds(self.invited, person, now))

    def refuse_entry(self, person: Ruled, room: str, now: float, knows_password: bool = False) -> None:
        """Refuse the request of a person who may not enter.

        Raises: Barred, NotOpen, PasswordNeeded.
        """
        self.refuse_standing(person, room, now)
        if self._welcomes(person, now):
            return
        until = _until(self.expelled, person, now)
        if until is not None:
            raise Barred(room, until - now)
        if self.access == "password" and not knows_password:
            raise PasswordNeeded(room)

    def refuse_standing(self, person: Ruled, room: str, now: float) -> None:
        """Refuse entry by the rules that stand, which are the same on every node and after a restart.

        Raises: Barred, NotOpen.
        """
        if role_of(person, self) >= ADMIN:
            return
        until = _until(self.barred, person, now)
        if until is not None:
            raise Barred(room, until - now if until else 0)
        if self.access == "private" and not self._welcomes(person, now):
            raise NotOpen(f"{room} is not open to you: its operators /invite")

    def _welcomes(self, person: Ruled, now: float) -> bool:
        """Return whether a person may enter whatever the access is."""
        return role_of(person, self) >= OPERATOR or _holds(self.invited, person, now)

    def refuse_speech(self, person: Ruled, room: str, now: float) -> None:
        """Refuse a person who may not speak.

        Raises: Quieted, NotAllowed.
        """
        self.refuse_quieted(person, room, now)
        if self.access == "listen" and role_of(person, self) < OPERATOR:
            raise NotAllowed(f"only the operators of {room} speak here")

    def refuse_quieted(self, person: Ruled, room: str, now: float) -> None:
        """Refuse the words of a person whom an operator has forbidden to speak.

        Raises: Quieted.
        """
        until = _until(self.quieted, person, now)
        if until is not None and role_of(person, self) < OPERATOR:
            raise Quieted(room, until - now if until else 0)

    def quiets(self, person: Ruled, now: float) -> bool:
        """Return whether a person may not speak because an operator has said so."""
        return _holds(self.quieted, person, now) and role_of(person, self) < OPERATOR


def set_end(ends: dict[str, float], name: str, until: float, now: float) -> None:
    """Set until when a rule holds for a name, and drop the names for which it is over."""
    for other in [other for other, end in ends.items() if 0 < end <= now]:
        del ends[other]
    ends[name] = until


def _until(ends: dict[str, float], person: Ruled, now: float) -> float | None:
    """Return until when a rule holds for a person; 0: for ever; None: it does not."""
    if not ends:
        return None
    found = [ends[name] for name in names_of(person) if name in ends]
    lasting = [until for until in found if not until or until > now]
    if not lasting:
        return None
    return 0.0 if 0.0 in lasting else max(lasting)


def _holds(ends: dict[str, float], person: Ruled, now: float) -> bool:
    return _until(ends, person, now) is not None


def ending(now: float, seconds: float, why: str = "") -> dict[str, object]:
    """Return a decision's end and reason as its event's data; 0 seconds: it has no end; an empty reason is left out."""
    until = {"until": round(now + seconds, 3)} if seconds else {}
    return {**until, "why": why} if why else {**until}


# -- bans

Network = IPv4Network | IPv6Network


class Ban(NamedTuple):
    """A ban of a person, a network or a key."""

    number: int  # of its event in the server's log
    target: str  # an alias, a network or a fingerprint, as it is shown
    who: str  # a name as of ``who``; empty for a network or a key
    network: Network | None
    until: float  # seconds since the epoch; 0: without an end
    is_for_guests: bool  # members may still log in from there
    why: str
    author: str
    when: float
    key: str = ""  # a fingerprint: see keys.py

    def is_over(self, now: float) -> bool:
        """Return whether its time is over."""
        return bool(self.until) and now >= self.until


def network(wanted: str) -> Network:
    """Return an address or a network; an IPv6 address stands for its /64, the smallest network of a site (RFC 6177).

    Raises: ValueError.
    """
    found = ip_network(wanted, strict=False)
    if isinstance(found, IPv6Network):
        mapped = found.network_address.ipv4_mapped
        if mapped is not None and found.prefixlen >= 96:
            return IPv4Network((mapped, found.prefixlen - 96), strict=False)
        if found.prefixlen == 128 and not found.is_link_local:
            return found.supernet(new_prefix=64)
    return found


class Bans:
    """All bans, by the numbers of their events."""

    def __init__(self) -> None:
        self.by_number: dict[int, Ban] = {}

    def refuse(self, person: Ruled, host: str, now: float, key: str = "") -> None:
        """Refuse a person who has come from an address, empty: this machine; perhaps with a key, by its fingerprint.

        Raises: Banned.
        """
        if not self.by_number:
            return
        for ban in self.standing(now):
            is_named = bool(ban.who) and ban.who in names_of(person)
            if is_named or (_covers(ban, host, key) and not (ban.is_for_guests and person.account)):
                raise Banned(ban.target, ban.why, ban.until - now if ban.until else 0)

    def refuse_address(self, host: str, now: float, key: str = "") -> None:
        """Refuse a connection from an address, or with a key, that is banned for everybody.

        Raises: Banned.
        """
        if not self.by_number:
            return
        for ban in self.standing(now):
            if not ban.is_for_guests and _covers(ban, host, key):
                raise Banned(ban.target, ban.why, ban.until - now if ban.until else 0)

    def forget_over(self, now: float) -> None:
        """Forget the bans that are over."""
        for number in [ban.number for ban in self.by_number.values() if ban.is_over(now)]:
            del self.by_number[number]

    def standing(self, now: float) -> Iterator[Ban]:
        """Yield the bans that are not over, the oldest first."""
        return (ban for ban in list(self.by_number.values()) if not ban.is_over(now))


def covers_any(wanted: Network, hosts: Iterable[str]) -> bool:
    """Return whether a network covers any of some addresses."""
    return any(_is_within(host, wanted) for host in hosts)


def _covers(ban: Ban, host: str, key: str) -> bool:
    return bool(key and key == ban.key) or (ban.network is not None and _is_within(host, ban.network))


def _is_within(host: str, wanted: Network) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False  # this machine, or a UNIX socket
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped in wanted
    return address in wanted


class Stranger(NamedTuple):
    """A person who is not in the chat, as rules see them: about to enter, or the reader of a stream."""

    alias: str = ""
    account: Account | None = None
    credential: int = 0  # the number of the credential that they have used
    host: str = ""  # their address; empty: this machine

    @property
    def key(self) -> str:
        """Return the key of the alias."""
        return text.key(self.alias)
