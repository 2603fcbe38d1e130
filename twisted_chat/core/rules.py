"""Rules: who may do what. One table of acts and roles, the rules of a room, and bans. Pure, and part of the state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, Protocol

from . import text
from .access import HIDDEN, LISTEN, NO_RULE, PASSWORD, PRIVATE, TOPIC, Access, in_words
from .accounts import Account
from .errors import Banned, Barred, NotAllowed, NotOpen, PasswordNeeded, Quieted

# The roles, the least powerful first. Hosts and operators are a room's: a host as long as they are in it.
GUEST, MEMBER, HOST, OPERATOR, ADMIN, OWNER = range(6)
ROLES: Final = ("guest", "member", "host", "operator", "admin", "owner")

HOSTS_ACTS: Final = frozenset({"remove", "bar", "invite", "restrict", "give a voice", "appoint hosts"})
# The least role for each act: in the room that it is about, or on the server.
ACTS: Final = {
    "remove": OPERATOR,  # a person from a room
    "bar": OPERATOR,
    "quiet": OPERATOR,
    "invite": OPERATOR,
    "restrict": OPERATOR,  # change a room's access
    "give a voice": OPERATOR,
    "appoint hosts": OPERATOR,
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
    "give a voice": "give people a voice in it",
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

    @property
    def hosted(self) -> Collection[str]:
        """Return the rooms whose host they are."""

    @property
    def voiced(self) -> Collection[str]:
        """Return the rooms in which they have a voice as long as they are there."""


def who(person: Ruled) -> str:
    """Return the name of a person in rules: of a member, "#" and the number of the account; of a guest, the key."""
    return person.account.who if person.account is not None else person.key


def names_of(person: Ruled) -> tuple[str, ...]:
    """Return the names under which a rule may concern a person: a member may have been a guest when it was made."""
    return (person.account.who, person.key) if person.account is not None else (person.key,)


def role_of(person: Ruled, rules: RoomRules | None = None) -> int:
    """Return a person's role on the server, or in the room with these rules."""
    role = ROLES.index(person.account.role) if person.account is not None else GUEST
    if rules is None or role >= OPERATOR:
        return role
    if person.account is not None and person.account.who in rules.operators:
        return OPERATOR
    return HOST if rules.room in person.hosted else role


def may(person: Ruled, act: str, rules: RoomRules | None = None, on: Ruled | None = None) -> None:
    """Refuse an act that a person may not do; ``rules``: of the room concerned; ``on``: the person concerned.

    Raises: NotAllowed.
    """
    least, role = ACTS[act], role_of(person, rules)
    if role < least and not (role == HOST and act in HOSTS_ACTS):
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


@dataclass(slots=True)
class HostRules:
    """The decisions of a room's hosts: they are over once no host is in the room."""

    access: Access = NO_RULE
    barred: dict[str, float] = field(default_factory=dict)
    invited: dict[str, float] = field(default_factory=dict)


class RoomRules:
    """The rules of one room. Names are those of ``who``, times in seconds since the epoch; 0: without an end."""

    __slots__ = (
        "_lasting", "access", "barred", "expelled", "founder", "hosts", "invited", "operators", "quieted", "room",
        "voiced",
    )  # fmt: skip

    def __init__(self, room: str) -> None:
        self.room = room
        self.access: Access = NO_RULE  # by all decisions
        self._lasting: Access = NO_RULE  # by those of its operators
        self.hosts = HostRules()
        self.operators: set[str] = set()
        self.founder = ""  # the operator who has made the room; empty: none
        self.voiced: set[str] = set()  # members
        self.barred: dict[str, float] = {}
        self.quieted: dict[str, float] = {}
        self.invited: dict[str, float] = {}
        self.expelled: dict[str, float] = {}

    @property
    def words(self) -> str:
        """The access in words."""
        return in_words(self.access)

    @property
    def lasting(self) -> Access:
        """The access by the decisions of its operators."""
        return self._lasting

    @lasting.setter
    def lasting(self, access: Access) -> None:
        self._lasting = self.access = access
        self.hosts.access = NO_RULE

    def host(self, access: Access) -> None:
        """Add what the hosts have decided to the access."""
        self.hosts.access = access - self._lasting
        self.access = self._lasting | access

    @property
    def all_barred(self) -> dict[str, float]:
        """The people whom operators or hosts keep out, with the ends."""
        return {**self.hosts.barred, **self.barred}

    @property
    def all_invited(self) -> dict[str, float]:
        """The people whom operators or hosts have invited, with the ends."""
        return {**self.hosts.invited, **self.invited}

    @property
    def is_void(self) -> bool:
        """True if there is no rule, and nobody has a role."""
        rules = self.barred, self.quieted, self.invited, self.expelled, self.hosts.barred, self.hosts.invited
        return not (self.access or self.operators or self.voiced or any(rules))

    def may_see(self, person: Ruled | None, now: float) -> bool:
        """Return whether a person who is not in the room can see it; None: a stream, which has no person."""
        if self.access.isdisjoint((PRIVATE, HIDDEN)):
            return True
        return person is not None and self.welcomes(person, now)

    def refuse_entry(self, person: Ruled, room: str, now: float, knows_password: bool = False) -> None:
        """Refuse the request of a person who may not enter.

        Raises: Barred, NotOpen, PasswordNeeded.
        """
        self.refuse_standing(person, room, now)
        if self.welcomes(person, now):
            return
        until = _until(self.expelled, person, now)
        if until is not None:
            raise Barred(room, until - now)
        if PASSWORD in self.access and not knows_password:
            raise PasswordNeeded(room)

    def refuse_standing(self, person: Ruled, room: str, now: float) -> None:
        """Refuse entry by the rules that are part of the state, the same on every node.

        Raises: Barred, NotOpen.
        """
        role = role_of(person, self)
        if role >= ADMIN:
            return
        until = _until(self.barred, person, now)
        if until is None and role < OPERATOR:
            until = _until(self.hosts.barred, person, now)
        if until is not None:
            raise Barred(room, until - now if until else 0)
        if PRIVATE in self.access and not self.welcomes(person, now):
            raise NotOpen(f"{room} is not open to you: its operators /invite")

    def welcomes(self, person: Ruled, now: float) -> bool:
        """Return whether a person may enter whatever the access is."""
        return self.has_invited(person, now) or role_of(person, self) >= OPERATOR

    def has_invited(self, person: Ruled, now: float) -> bool:
        """Return whether a person is invited."""
        return _holds(self.invited, person, now) or _holds(self.hosts.invited, person, now)

    def has_voice(self, person: Ruled) -> bool:
        """Return whether a person may speak where others only listen."""
        return self.room in person.voiced or (person.account is not None and person.account.who in self.voiced)

    def refuse_speech(self, person: Ruled, room: str, now: float) -> None:
        """Refuse a person who may not speak.

        Raises: Quieted, NotAllowed.
        """
        self.refuse_quieted(person, room, now)
        if LISTEN in self.access and role_of(person, self) < HOST and not self.has_voice(person):
            raise NotAllowed(f"only operators and hosts of {room}, and people with a voice, speak here")

    def refuse_topic(self, person: Ruled, room: str) -> None:
        """Refuse a person who may not set the topic.

        Raises: NotAllowed.
        """
        if TOPIC in self.access and role_of(person, self) < HOST:
            raise NotAllowed(f"only operators and hosts of {room} set its topic")

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
    def hosted(self) -> Collection[str]:
        """Return nothing: a host is in the room."""
        return ()

    @property
    def voiced(self) -> Collection[str]:
        """Return nothing, likewise."""
        return ()

    @property
    def key(self) -> str:
        """Return the key of the alias."""
        return text.key(self.alias)
