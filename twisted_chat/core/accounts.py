"""Accounts: the aliases that members keep for good, and the credentials that prove it. Part of the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from . import text
from .errors import ChatError, CredentialRevoked, SecretNeeded, SecretSaid, Suspended, WrongSecret
from .events import Event
from .secrets import holds_code, refuse_secrets

PASSWORD: Final = "password"  # noqa: S105  # the name of a kind
MAX_MARKS = 500  # of one member, those moved last
_NO_MARKS: Final[Mapping[str, int]] = MappingProxyType({})  # which all share who have none
_NO_USES: Final[Mapping[int, float]] = MappingProxyType({})
USED = 100  # codes that are used up and remembered, of one account
CODE: Final = "code"
PRIVATE: Final = "@"  # in marks: the last private line that the member was given
TOKEN: Final = "token"  # noqa: S105  # the name of a kind
DEVICE: Final = "device"  # a browser
KEY: Final = "key"  # of ssh, or of a TLS client's certificate
DAY: Final = 86400.0  # seconds: a use of a device is noted with its day
UNUSED_SECONDS: Final = 90 * DAY  # after which a device has to log in again


class Credential(NamedTuple):
    """A way to prove that an account is the asker's. No secret is kept; the journal has a verifier of it, or of a key
    its fingerprint is here."""

    number: int  # of the event in the server's log that granted it
    kind: str  # "password", "token", "device", "code" or "key"
    label: str = ""
    since: float = 0.0  # seconds since the epoch
    until: float = 0.0  # 0: without an end
    at: str = ""  # the address that it was granted to; empty: unknown, or this machine
    fingerprint: str = ""  # of a key: see keys.py

    def is_over(self, now: float) -> bool:
        """Return whether its time is over."""
        return bool(self.until) and now >= self.until


class Account:
    """An alias that belongs to a person or a bot for good. Only the functions in changes.py change one."""

    __slots__ = (
        "alias",
        "credentials",
        "is_bot",
        "is_dropped",
        "marks",
        "number",
        "password",
        "role",
        "rooms",
        "since",
        "suspended",
        "used",
        "uses",
    )

    def __init__(self, number: int, alias: str, is_bot: bool = False, has_password: bool = True) -> None:
        """``number``: of its REGISTERED event in the server's log, by which it may have a password."""
        self.number = number
        self.alias = alias
        self.since = 0.0  # when the alias became the member's, in seconds since the epoch
        self.is_bot = is_bot
        self.role = "member"
        self.password = number if has_password and not is_bot else 0  # the credential's number; 0: none
        self.credentials: tuple[Credential, ...] = ()  # all others, the oldest first
        self.used: tuple[
            tuple[int, int], ...
        ] = ()  # codes used since the last password, and the sessions that used them
        self.suspended: tuple[str, float] | None = None  # why, and until when in seconds since the epoch; 0: no end
        self.marks: Mapping[str, int] = _NO_MARKS  # the number that the member has read last, by room, while here
        self.rooms: tuple[str, ...] = ()  # that the member is in, or enters at the next login; known while here
        self.uses = _NO_USES  # the day on which each device was used last, by its number; known while here
        self.is_dropped = False  # its alias stays reserved

    @property
    def who(self) -> str:
        """Its name in the rules of rooms, which no rename changes."""
        return f"#{self.number}"

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of all its credentials."""
        return [*([self.password] if self.password else ()), *(one.number for one in self.credentials)]

    def over(self, now: float) -> list[int]:
        """Return the numbers of the credentials whose time is over."""
        return [one.number for one in self.credentials if one.is_over(now)]

    def mark(self, room: str, number: int) -> None:
        """Note that everything up to a number has been read in a room: a mark only goes up."""
        if number > self.marks.get(room, -1):
            others = {name: mark for name, mark in self.marks.items() if name != room}
            while len(others) >= MAX_MARKS:
                del others[next(iter(others))]
            self.marks = {**others, room: number}

    def use(self, number: int, when: float) -> None:
        """Note that a session came or goes by a credential, if that is a device."""
        day, devices = when - when % DAY, {one.number for one in self.credentials if one.kind == DEVICE}
        if number in devices and day > self.uses.get(number, 0.0):
            self.uses = {**{other: used for other, used in self.uses.items() if other in devices}, number: day}

    def unused(self, now: float, uses: Mapping[int, float]) -> list[int]:
        """Return the numbers of the devices that nobody has used for too long; ``uses``: those in its profile."""
        return [
            one.number
            for one in self.credentials
            if one.kind == DEVICE
            and now - max(one.since, uses.get(one.number, 0.0), self.uses.get(one.number, 0.0)) > UNUSED_SECONDS
        ]

    def stay(self, *rooms: str) -> None:
        """Note rooms that the member has entered, and enters again at the next login."""
        if not set(rooms) <= set(self.rooms):
            self.rooms = tuple(dict.fromkeys((*self.rooms, *rooms)))

    def leave(self, room: str) -> None:
        """Note that the member has left a room for good: its mark goes, so that they come again with nothing unread."""
        self.rooms = tuple(other for other in self.rooms if other != room)
        self.marks = {name: mark for name, mark in self.marks.items() if name != room}

    def has(self, credential: int, now: float, session: int = 0) -> bool:
        """Return whether a credential is valid for the account at this time.

        ``credential``: its number; ``session``: by its id, which may have used up the credential to log in.
        """
        if credential == self.password or (credential, session) in self.used:
            return bool(credential)
        return any(one.number == credential and not one.is_over(now) for one in self.credentials)

    def go_on(self, credential: int, session: int, other: int) -> None:
        """Note that another session goes on by the code that a session has used up to log in."""
        if (credential, session) in self.used:
            self.used = (*self.used, (credential, other))[-USED:]

    def refuse(self, credential: int, now: float, session: int = 0) -> None:
        """Refuse a log-in; see ``has``. Without a credential, it is 0.

        Raises: SecretNeeded, Suspended, WrongSecret.
        """
        if self.is_dropped:
            raise ChatError(f"{self.alias} was a member's name, and stays reserved: choose another alias")
        if not credential:
            raise SecretNeeded(self.alias)
        if not self.has(credential, now, session):
            raise WrongSecret(self.alias)
        self._refuse_suspended(now)

    def refuse_stay(self, credential: int, now: float, why: str, session: int = 0) -> None:
        """Refuse a session, or a stream, that came by a credential and may not go on; ``why``: what has happened.

        Raises: CredentialRevoked, Suspended.
        """
        if self.is_dropped or not self.has(credential, now, session):
            raise CredentialRevoked(why)
        self._refuse_suspended(now)

    def is_suspended(self, now: float) -> bool:
        """Return whether it is suspended, and that is not over."""
        return self.suspended is not None and not 0 < self.suspended[1] <= now

    def _refuse_suspended(self, now: float) -> None:
        if self.suspended is not None and self.is_suspended(now):
            raise Suspended(self.alias, *self.suspended, now)


class Accounts:
    """All accounts, by their aliases, by the looks of these, and by their numbers."""

    def __init__(self) -> None:
        self.by_key: dict[str, Account] = {}
        self.by_number: dict[int, Account] = {}
        self.by_credential: dict[int, Account] = {}  # but for passwords
        self._by_fingerprint: dict[str, tuple[int, ...]] = {}  # the numbers of keys, the oldest first
        self.codes: dict[int, float] = {}  # those that are not used, and until when they are valid; some may be over
        self._looks: dict[str, Account] = {}

    def called(self, alias: str) -> Account | None:
        """Return the account of an alias."""
        return self.by_key.get(text.key(alias))

    def holder(self, alias: str, looks: Iterable[str]) -> Account | None:
        """Return the account that has an alias, or a similar one."""
        if not self.by_key:
            return None
        found = self.called(alias)
        return found if found is not None else next(filter(None, map(self._looks.get, looks)), None)

    def with_credential(self, number: int) -> tuple[Account, Credential] | None:
        """Return a credential that is not a password, and its account."""
        account = self.by_credential.get(number)
        if account is None:
            return None
        return account, next(one for one in account.credentials if one.number == number)

    def with_key(self, fingerprint: str) -> tuple[Account, Credential] | None:
        """Return the account that a key opens, the first one that has added it, and the credential that the key is."""
        found = map(self.with_credential, self._by_fingerprint.get(fingerprint, ()))
        return next((one for one in found if one is not None and not one[0].is_dropped), None)

    def opens(self, account: Account, fingerprint: str) -> bool:
        """Return whether a key opens an account."""
        found = self.with_key(fingerprint)
        return found is not None and found[0] is account

    def refuse_secrets(self, now: float, *texts: str) -> None:
        """Refuse texts that would reach others with a secret in them; while a code is valid, all of that form.

        Raises: SecretSaid.
        """
        refuse_secrets(*texts)
        if self.codes and any(map(holds_code, texts)):
            self.codes = {number: until for number, until in self.codes.items() if now < until}
            if self.codes:
                raise SecretSaid

    def owners(self) -> list[Account]:
        """Return the accounts that own the chat."""
        return [account for account in self.by_number.values() if account.role == "owner" and not account.is_dropped]

    # -- what events change; see changes.py

    def register(self, event: Event) -> Account | None:
        """Make an account, unless its alias, or a similar one, belongs to another account."""
        data = event.data or {}
        looks = data.get("looks") or text.looks(event.text)
        if self.holder(event.text, looks) is not None:
            return None
        account = Account(event.number, event.text, bool(data.get("bot")), not data.get("passwordless"))
        account.since = event.when
        self.by_number[account.number] = account
        self._call(account, looks)
        return account

    def _call(self, account: Account, looks: Iterable[str]) -> None:
        key = text.key(account.alias)
        self.by_key[account.alias if key == account.alias else key] = account
        self._looks.update((key if look == key else look, account) for look in looks)

    def rename(self, account: Account, event: Event) -> None:
        """Give an account another alias; the former one is free again."""
        self.by_key.pop(text.key(account.alias), None)
        for look in [look for look, other in self._looks.items() if other is account]:
            del self._looks[look]  # as it was registered, perhaps by a node that has other tables
        account.alias, account.since = event.text, event.when
        account.marks = {room: number for room, number in account.marks.items() if room != PRIVATE}  # of another log
        self._call(account, (event.data or {}).get("looks") or text.looks(event.text))

    def grant(self, account: Account, event: Event) -> None:
        """Give an account a credential, instead of others or beside them."""
        data = event.data or {}
        fingerprint = data.get("fingerprint", "")
        if fingerprint:
            self._by_fingerprint[fingerprint] = (*self._by_fingerprint.get(fingerprint, ()), event.number)
        self.revoke(account, data.get("instead", ()))
        if data["credential"] == PASSWORD:
            account.password, account.used = event.number, ()
            return
        credential = Credential(
            event.number,
            data["credential"],
            data.get("label", ""),
            event.when,
            data.get("until", 0.0),
            data.get("at", ""),
            fingerprint,
        )
        account.credentials += (credential,)
        self.by_credential[event.number] = account
        if credential.kind == CODE:
            self.codes[event.number] = credential.until

    def use(self, account: Account, number: int, session: int) -> None:
        """Use up a credential with which a session logs in."""
        self.revoke(account, [number])
        account.used = (*account.used, (number, session))[-USED:]

    def revoke(self, account: Account, numbers: Iterable[int]) -> None:
        """Revoke credentials."""
        gone = set(numbers)
        if account.password in gone:
            account.password = 0
        for one in account.credentials:
            if one.number in gone and one.fingerprint:
                self._forget_key(one)
        account.credentials = tuple(one for one in account.credentials if one.number not in gone)
        for number in gone:
            self.by_credential.pop(number, None)
            self.codes.pop(number, None)

    def _forget_key(self, key: Credential) -> None:
        left = tuple(number for number in self._by_fingerprint[key.fingerprint] if number != key.number)
        if left:
            self._by_fingerprint[key.fingerprint] = left
        else:
            del self._by_fingerprint[key.fingerprint]
