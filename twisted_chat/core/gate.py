"""The gate: the only way to log in to an account, for all doors and all kinds of secrets.

A proof goes into the claim of the alias. When the claim is delivered, the state decides again whether the credential is
valid, because it may have been revoked meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from . import secrets, text
from .accounts import CODE, KEY, PASSWORD, PRIVATE, Account, Credential
from .errors import BadSecret, ChatError, NotAMember, Overheard, ServerGone, TooManyTries, WrongKey, WrongSecret
from .events import HOUSE, REHASHED, REVOKED, SERVER, Event, Fact
from .limits import SecretTries
from .ports import Journal, Profile, Vault
from .state import State


class Attempt(NamedTuple):
    """An attempt to log in."""

    alias: str  # empty where only the secret or the key tells whose it is, as in an HTTP header
    secret: str  # empty with a key
    host: str  # the address that it comes from; empty: this machine
    is_overheard: bool  # others on the way can read it
    key: str = ""  # the fingerprint of a key that the client has proved to have


class Proof(NamedTuple):
    """A proof that an account is the asker's."""

    account: Account
    credential: int  # its number
    kind: str  # of the credential
    profile: Profile = Profile()

    @property
    def data(self) -> dict[str, object]:
        """Return the data of the claim that it goes into, with the part of the profile that belongs to the state."""
        data: dict[str, object] = {"proof": self.credential}
        marks = dict(self.profile.marks)
        if self.profile.seen < self.account.since:
            marks.pop(PRIVATE, None)  # of another alias, which the account had then
        if marks:
            data["marks"] = marks
        if self.profile.uses:
            data["uses"] = {str(device): day for device, day in self.profile.uses.items()}
        if self.profile.rooms:
            data["known"] = list(self.profile.rooms)
        return data


Answer = Callable[[Proof | ChatError], None]


class Gate:
    """Checks secrets. Answers come later, in the hub's thread, and are called exactly once."""

    def __init__(
        self, state: State, journal: Journal, vault: Vault, tries: SecretTries, seconds: Callable[[], float],
        now: Callable[[], float], append: Callable[[Event], None],
    ) -> None:  # fmt: skip
        """``seconds`` and ``now``: see Hub; ``append`` has the journal keep an event of the server's own."""
        self._state = state
        self._accounts = state.decisions.accounts
        self._journal = journal
        self._vault = vault
        self._tries = tries
        self._seconds = seconds
        self._now = now
        self._append = append

    def prove(self, attempt: Attempt, answer: Answer) -> None:
        """Answer with a proof, or with the reason why there is none: a ChatError of one line."""
        if attempt.key or (not attempt.alias and secrets.kind_of(attempt.secret) not in (PASSWORD, CODE)):
            _Check(self, attempt, answer).begin()  # nobody guesses it, and others at the address have no name either
            return
        key = text.key(attempt.alias)
        seconds = self._tries.try_secret(attempt.host, key, self._seconds())
        if seconds:
            answer(TooManyTries("wrong secrets", seconds))
            return

        def decided(result: Proof | ChatError) -> None:
            if not isinstance(result, (WrongSecret, NotAMember)):
                self._tries.take_back(attempt.host, key, self._seconds())
            answer(result)

        _Check(self, attempt, decided).begin()

    def find(self, secret: str, answer: Callable[[tuple[Account, int] | ChatError | None], None]) -> None:
        """Answer with the account and the number of a token or a device secret, to end it: it proves nothing.

        So it does not matter whether others have read it, or whether the account may be used now. None: it has no
        account any more.
        """

        def found(subject: str | ChatError) -> None:
            if isinstance(subject, ChatError):
                answer(subject)
                return
            there = self._credential(subject)
            answer((there[0], there[1].number) if there is not None else None)

        self._journal.subject_of(secrets.verifier_of(secret, self._journal.secret), found)

    def _credential(self, subject: str) -> tuple[Account, Credential] | None:
        kind, _space, number = subject.partition(" ")
        return self._accounts.with_credential(int(number)) if kind == "credential" else None

    def _end_unused(self, account: Account, profile: Profile) -> list[int]:
        """Revoke the devices of an account that nobody has used for too long, and return their numbers."""
        person = self._state.person_of(account.who)
        seated = [seat.credential for seat in person.seats] if person is not None else ()
        unused = [number for number in account.unused(self._now(), profile.uses) if number not in seated]
        if unused:
            data = {"account": account.number, "credentials": unused, "why": "nobody has used it for 90 days"}
            with suppress(ServerGone):
                self._append(Event(REVOKED, SERVER, HOUSE, account.alias, data=data))
        return unused

    def _renew(self, account: Account, password: str, former: str) -> None:
        """Replace the verifier of a password that has just fitted it, if it was made with parameters of another time.

        If it cannot be done now, the next log-in does it.
        """
        number = account.password
        if not self._vault.needs_rehash(former):
            return

        def hashed(verifier: str | ChatError) -> None:
            if isinstance(verifier, str) and account.password == number:
                data = {"account": account.number, "credential": number}
                event = Event(REHASHED, SERVER, HOUSE, account.alias, data=data)
                with suppress(ServerGone):
                    self._append(Fact.of(event, verifier))

        self._vault.hash(password, hashed)


class _Check:
    """One check, in several steps: a journal and a vault answer in between."""

    def __init__(self, gate: Gate, attempt: Attempt, answer: Answer) -> None:
        self._gate = gate
        self._attempt = attempt
        self._answer = answer
        self._kind = KEY if attempt.key else secrets.kind_of(attempt.secret)
        self._password = ""  # in the form in which passwords are hashed ...
        self._former = ""  # ... and its verifier, which it fits

    def begin(self) -> None:
        gate, attempt = self._gate, self._attempt
        try:
            if self._kind == KEY:
                self._find_key()
            elif self._kind == PASSWORD:
                self._begin_password()
            else:
                verifier = secrets.verifier_of(attempt.secret, gate._journal.secret)
                gate._journal.subject_of(verifier, self._found)
        except ChatError as error:
            self._answer(error)

    def _find_key(self) -> None:
        accounts, wanted = self._gate._accounts, self._attempt.alias
        found = accounts.with_key(self._attempt.key)
        if found is None or (wanted and accounts.called(wanted) is not found[0]):
            raise WrongKey(text.clean(wanted)[: text.ALIAS_LENGTH])
        self._decide(found[0], found[1].number)

    def _begin_password(self) -> None:
        gate, attempt = self._gate, self._attempt
        if attempt.is_overheard:
            raise Overheard(
                "others on the network can read what you send here, so no password is taken: come over TLS "
                "(twisted-chat --tls, or https), or log in with a code (/code on another device shows one)"
            )
        account = gate._accounts.called(attempt.alias)
        with suppress(BadSecret):  # that nobody can have: it is wrong
            self._password = secrets.password(attempt.secret)
        number = account.password if account is not None else 0  # by now: it may be changed meanwhile
        if account is None or not number or not self._password:
            self._verify(account, number, "")  # takes the same time
        else:
            gate._journal.verifier(f"credential {number}", lambda found: self._verify(account, number, found))

    def _verify(self, account: Account | None, number: int, verifier: str | ChatError) -> None:
        if isinstance(verifier, ChatError):
            self._answer(verifier)
            return

        def checked(fits: bool | ChatError) -> None:
            if isinstance(fits, ChatError):
                self._answer(fits)
            elif account is None or not fits:
                self._wrong(account)
            else:
                self._former = verifier
                self._decide(account, number)

        self._gate._vault.check(self._password, verifier, checked)

    def _found(self, subject: str | ChatError) -> None:
        """Called with the subject of a token, device secret or code."""
        if isinstance(subject, ChatError):
            self._answer(subject)
            return
        accounts, wanted = self._gate._accounts, self._attempt.alias
        found = self._gate._credential(subject)
        if found is None or (wanted and accounts.called(wanted) is not found[0]):
            self._wrong(accounts.called(wanted))
            return
        account, credential = found
        if self._attempt.is_overheard and not account.is_bot and credential.kind != CODE:
            self._answer(
                Overheard(
                    "others on the network can read what you send here, so that secret is not taken: "
                    "end it (/devices, /token), make another, and use it over TLS"
                )
            )
            return
        self._decide(account, credential.number)

    def _wrong(self, account: Account | None) -> None:
        alias = text.clean(self._attempt.alias)[: text.ALIAS_LENGTH]
        self._answer(NotAMember(alias) if account is None and alias else WrongSecret(alias))

    def _decide(self, account: Account, credential: int) -> None:
        gate = self._gate
        try:
            account.refuse(credential, gate._now())
        except ChatError as error:
            self._answer(error)
            return

        def profiled(profile: Profile | ChatError) -> None:
            if not isinstance(profile, Profile):
                self._answer(profile)
            elif credential in gate._end_unused(account, profile):
                self._wrong(account)
            else:
                self._answer(Proof(account, credential, self._kind, profile))
                if self._former:
                    gate._renew(account, self._password, self._former)

        gate._journal.profile(account.number, profiled)
