"""Members: requests about accounts, credentials, roles and bans. All of them become events of the server's log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from . import rules, secrets, text
from .accounts import CODE, KEY, PASSWORD, TOKEN, Account, Credential
from .data import Data
from .decisions import Decisions
from .dispatcher import Dispatcher
from .errors import ChatError, NoAccount, Overheard, TooManyTries
from .events import (
    APPOINTED,
    BANNED,
    DROPPED,
    GRANTED,
    GUESTS_ADMITTED,
    GUESTS_REFUSED,
    HOUSE,
    NAMED,
    READ,
    REGISTERED,
    RESTORED,
    REVOKED,
    SERVER,
    SUSPENDED,
    UNBANNED,
    Event,
    Fact,
)
from .limits import SecretTries
from .past import Past
from .person import Person
from .ports import Vault
from .room import Room
from .session import Ask, Session
from .state import State

CODE_SECONDS: Final = 600.0
OPERATORS_CODE_SECONDS: Final = 3600.0
CREDENTIALS: Final = 100  # of one account, beside its password
UNNAMED: Final = "/"  # the ident of a person's request that a function waits for: one at a time
Then = Callable[[], None]
PREFIXES: Final = {"token": secrets.TOKEN, "device": secrets.DEVICE}


class Members:
    """The requests of members for themselves, and of admins for all. Each checks the role first."""

    def __init__(
        self,
        state: State,
        dispatcher: Dispatcher,
        past: Past,
        vault: Vault,
        tries: SecretTries,
        secret: Callable[[], bytes],
        seconds: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """``secret`` returns the journal's; ``seconds`` and ``now``: see Hub."""
        self._state = state
        self._decisions: Decisions = state.decisions
        self._dispatcher = dispatcher
        self._past = past
        self._vault = vault
        self._tries = tries
        self._secret = secret
        self._seconds = seconds
        self._now = now

    # -- the asker's own account

    def register(self, ask: Ask, password: str, then: Callable[[], None]) -> None:
        """Protect the alias that a guest has now; ``then`` is called once it is theirs.

        Raises: BadSecret, ChatError, Overheard, TooManyTries.
        """
        person = _person(_in_private(ask))
        if person.account is not None:
            raise ChatError(f"{person.alias} is yours already: /password changes the password")
        host, alias = ask.session.host, person.alias
        prepared = secrets.password(password)
        looks = text.looks_as_member(alias)
        found = self._decisions.accounts.holder(alias, looks)
        if found is not None:
            raise ChatError(f"{alias} looks like {found.alias}, who is a member: take another alias with /nick first")
        seconds = self._tries.try_registration(host, self._seconds())
        if seconds:
            raise TooManyTries("registrations from your address", seconds)

        def hashed(verifier: str) -> None:
            if ask.session.alias != alias:
                raise ChatError("your alias has changed meanwhile: try again")
            event = _event(REGISTERED, ask, alias, {"looks": sorted(looks)})
            self._append(ask, Fact.of(event, verifier), registered)

        def registered() -> None:
            if person.account is None:
                ask.refuse(ChatError(f"{alias} has just become somebody else's: take another alias with /nick"))
                return
            for room in ask.session.rooms.values():  # nothing before this counts as unread
                data = {"room": room.name, "number": room.number}
                self._dispatcher.send(Event(READ, origin=ask.session.id, data=data), ask.session)
            then()

        self._past.ask(ask, partial(self._vault.hash, prepared), hashed)

    def change_password(self, ask: Ask, password: str, then: Callable[[Sequence[Credential]], None]) -> None:
        """Change the asker's password. Other sessions that used a password, device or code end.

        ``then`` is called with the tokens and keys, which stay. Raises: BadSecret, NotAllowed, Overheard.
        """
        account = _account(_in_private(ask))
        prepared = secrets.password(password)

        def hashed(verifier: str) -> None:
            own = _person(ask.session).credential_of(ask.session.id)
            devices = [one for one in account.credentials if one.kind not in (TOKEN, KEY) and one.number != own]
            instead = [account.password] * bool(account.password) + [one.number for one in devices]
            data = {"account": account.number, "credential": PASSWORD, "instead": instead}
            fact = Fact.of(_event(GRANTED, ask, account.alias, data), verifier)
            self._append(ask, fact, lambda: then([one for one in account.credentials if one.kind in (TOKEN, KEY)]))

        self._past.ask(ask, partial(self._vault.hash, prepared), hashed)

    def grant(
        self, ask: Ask, kind: str, label: str, then: Callable[[str], None], account: Account | None = None
    ) -> None:
        """Grant a token, a device secret or a code for the asker's account, or as an admin for a bot's.

        ``then`` is called with the secret, which is not shown again. Raises: NotAllowed, ChatError.
        """
        if account is None:
            account = _account(_in_private(ask))
        elif account is not _person(ask.session).account:
            rules.may(_person(ask.session), "make bots")
            if not account.is_bot:
                raise ChatError(f"{account.alias} is a person's: only {account.alias} makes tokens for it")
        if len(account.credentials) - len(account.over(self._now())) >= CREDENTIALS:
            raise ChatError(f"you have {CREDENTIALS} tokens and devices: /devices and /token end some")
        label = text.clean(label.strip())[: text.ALIAS_LENGTH]
        if kind == "token" and any(one.kind == kind and one.label == label for one in account.credentials):
            raise ChatError(f"there is a token {label} already: /token {label} off ends it")
        event = _event(GRANTED, ask, account.alias, {"at": ask.session.host} if ask.session.host else None)
        secret, fact = self._new_secret(event, account, kind, label, CODE_SECONDS)
        self._append(ask, fact, lambda: then(secret))

    def revoke(self, ask: Ask, numbers: Sequence[int], then: Callable[[], None], why: str = "") -> None:
        """Revoke credentials of the asker's account; sessions that used them end."""
        account = _account(ask.session)
        own = {one.number for one in account.credentials}
        if not numbers or not own.issuperset(numbers):
            raise ChatError("there is no such token or device: /token and /devices list them")
        self._append(ask, _revocation(ask, account, numbers, why), then)

    def end_session(self, ask: Ask, session: int, then: Callable[[], None]) -> None:
        """End another session of the asker, by its id, at whatever node. Raises: NotAllowed, ChatError."""
        account, me = _account(ask.session), _person(ask.session)
        if session not in me.sessions:
            raise ChatError("there is no such device any more: /devices lists them")
        data = {"account": account.number, "credentials": [], "sessions": [session]}
        self._append(ask, _event(REVOKED, ask, account.alias, data), then)

    def credentials(self, session: Session) -> Sequence[Credential]:
        """Return the credentials of a session's account that are still valid, but for its password.

        Raises: NotAllowed.
        """
        now = self._now()
        return [one for one in _account(session).credentials if not one.is_over(now)]

    # -- requests of admins

    def suspend(self, ask: Ask, alias: str, why: str = "", seconds: float = 0.0, then: Then | None = None) -> None:
        """Refuse all log-ins to an account, and end its sessions; ``seconds``: 0 is for good.

        Raises: NotAllowed, NoAccount.
        """
        self._of_account(ask, "suspend", SUSPENDED, alias, why, seconds, then)

    def restore(self, ask: Ask, alias: str, then: Then | None = None) -> None:
        """Admit log-ins to an account again.

        Raises: NotAllowed, NoAccount.
        """
        self._of_account(ask, "suspend", RESTORED, alias, then=then)

    def drop(self, ask: Ask, alias: str, why: str = "") -> None:
        """Drop an account for good; its alias stays reserved.

        Raises: NotAllowed, NoAccount.
        """
        self._of_account(ask, "drop accounts", DROPPED, alias, why)

    def appoint(self, ask: Ask, alias: str, role: str, then: Then | None = None) -> None:
        """Make a member an admin, an owner or a plain member.

        Raises: NotAllowed, NoAccount.
        """
        me = _person(ask.session)
        rules.may(me, "appoint admins")
        account = self.called(alias)
        if account is me.account and role != "owner" and len(self._decisions.accounts.owners()) == 1:
            raise ChatError("you are the only owner: make another one first")
        data = {"account": account.number, "role": role}
        self._append(ask, _event(APPOINTED, ask, account.alias, data), then)

    def ban(self, ask: Ask, target: str, data: Data, hosts: Sequence[str], then: Then | None = None) -> None:
        """Ban a person, a network or a key: ``data`` has "who", "network" or "key", and perhaps more, as of BANNED.

        ``hosts``: addresses that a ban may not cover, see Hub.protected. Raises: NotAllowed, ChatError.
        """
        me = _person(ask.session)
        rules.may(me, "ban", on=self._ruled(self._decisions.owner_of(data)))
        self.refuse_ban(data, hosts, me)
        self._append(ask, _event(BANNED, ask, target, data), then)

    def refuse_ban(self, data: Data, hosts: Sequence[str], me: Person | None = None) -> None:
        """Refuse a ban of this machine, of a trusted proxy, or of the person who asks for it.

        ``me``: the person; None: the operator of the server. Raises: ChatError.
        """
        if me is not None and self._decisions.owner_of(data) in (rules.who(me), me.key):
            raise ChatError("that is you: nobody can ban themselves")
        if "network" not in data:
            return
        banned = rules.network(data["network"])
        if banned.is_loopback or rules.covers_any(banned, ["127.0.0.1", "::1"]):
            raise ChatError("that is this machine, which cannot be banned")
        if rules.covers_any(banned, hosts):
            raise ChatError("that covers a proxy that the server trusts, and so everyone who comes by it: ban less")
        if me is None:
            return
        hosts_of = self._dispatcher.sessions.hosts_of
        if rules.covers_any(banned, hosts_of(me)):
            raise ChatError("that covers your own address: ban less")
        if data.get("guests"):
            return
        for person in self._state.people:
            if rules.covers_any(banned, hosts_of(person)):
                rules.may(me, "ban", on=person)

    def unban(self, ask: Ask, number: int, then: Callable[[str], None] = lambda target: None) -> None:
        """Lift a ban, by its number; ``then`` is called with its target.

        Raises: NotAllowed, ChatError.
        """
        rules.may(_person(ask.session), "ban")
        target = self.banned(number)
        self._append(ask, _event(UNBANNED, ask, target, None, about=number), lambda: then(target))

    def bans(self, ask: Ask) -> Sequence[rules.Ban]:
        """Return the bans that are not over, the oldest first.

        Raises: NotAllowed.
        """
        rules.may(_person(ask.session), "ban")
        return list(self._decisions.bans.standing(self._now()))

    def banned(self, number: int) -> str:
        """Return the target of the ban with a number.

        Raises: ChatError.
        """
        ban = self._decisions.bans.by_number.get(number)
        if ban is None:
            raise ChatError(f"there is no ban {number}: /bans lists them")
        return ban.target

    def admit_guests(self, ask: Ask, on: bool, why: str = "", then: Then | None = None) -> None:
        """Open the chat to guests, or close it; those who are here stay.

        Raises: NotAllowed.
        """
        rules.may(_person(ask.session), "close the chat to guests")
        kind = GUESTS_ADMITTED if on else GUESTS_REFUSED
        self._append(ask, _event(kind, ask, "", {"why": why} if why else None), then)

    def log(self, ask: Ask) -> Room:
        """Return the log of the server.

        Raises: NotAllowed.
        """
        rules.may(_person(ask.session), "read the server's log")
        return self._state.log

    # -- requests of the operator's tool: see twisted_chat/admin

    def operate(self, ask: Ask, kind: str, alias: str, data: Data | None = None, about: int = 0) -> None:
        """Append an event of the server's log in the operator's name."""
        self._operate(ask, Event(kind, SERVER, HOUSE, alias, data=data, about=about))

    def add(self, ask: Ask, wanted: str, is_bot: bool = False) -> str:
        """Register an account without a password, and return its alias: a code or a token lets its owner in.

        Raises: BadAlias, ChatError.
        """
        alias, looks = self._free_alias(wanted)
        data = {"looks": looks, "passwordless": True, **({"bot": True} if is_bot else {})}
        self.operate(ask, REGISTERED, alias, data)
        return alias

    def operators_secret(self, ask: Ask, account: Account, kind: str, label: str = "") -> str:
        """Grant a code or a token in the operator's name, and return it."""
        event = Event(GRANTED, SERVER, HOUSE, account.alias)
        secret, fact = self._new_secret(event, account, kind, label, OPERATORS_CODE_SECONDS)
        self._operate(ask, fact)
        return secret

    def rename(self, ask: Ask, account: Account, wanted: str) -> None:
        """Give an account another alias, in the operator's name; its sessions end.

        Raises: BadAlias, ChatError.
        """
        alias, looks = self._free_alias(wanted, but=account)
        data = {"account": account.number, "former": account.alias, "looks": looks}
        self.operate(ask, NAMED, alias, data)

    def _free_alias(self, wanted: str, but: Account | None = None) -> tuple[str, list[str]]:
        """Return an alias that nobody has, and its looks; ``but``: an account that may have a similar one."""
        alias = text.alias(wanted)
        looks, as_member = text.looks(alias), text.looks_as_member(alias)
        member, person = self._decisions.accounts.holder(alias, as_member), self._state.directory.holder(alias, looks)
        is_own = person is None or (but is not None and person.account is but)
        if member not in (None, but) or not is_own:
            taken = member.alias if member is not None else person.alias if person is not None else alias
            raise ChatError(f"{alias} is taken, or looks like {taken}: choose another alias")
        return alias, sorted(as_member)

    def _operate(self, ask: Ask, event: Event) -> None:
        self._dispatcher.send(event._replace(origin=ask.session.id, ident=ask.ident), ask.session)
        ask.appended()

    # -- questions

    def called(self, alias: str) -> Account:
        """Return the account of an alias.

        Raises: NoAccount.
        """
        account = self._decisions.accounts.called(alias.strip())
        if account is None or account.is_dropped:
            raise NoAccount(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return account

    # -- helpers

    def _new_secret(self, event: Event, account: Account, kind: str, label: str, code: float) -> tuple[str, Fact]:
        """Return a new secret, and the event that grants it; ``code``: the seconds for which a code is valid."""
        secret = secrets.new_code() if kind == CODE else secrets.new_token(PREFIXES[kind])
        now = self._now()
        data: dict[str, object] = {"account": account.number, "credential": kind, **(event.data or {})}
        more = {"label": label, "until": round(now + code, 3) if kind == CODE else 0, "instead": account.over(now)}
        data |= {name: value for name, value in more.items() if value}
        return secret, Fact.of(event._replace(data=data), secrets.verifier_of(secret, self._secret()))

    def _ruled(self, name: str) -> rules.Ruled | None:
        """Return the account or the person with a name in rules: see rules.who."""
        account = self._decisions.accounts.by_number.get(int(name[1:])) if name[:1] == "#" else None
        return rules.Stranger(account.alias, account) if account is not None else self._state.person_of(name)

    def _of_account(
        self, ask: Ask, act: str, kind: str, alias: str, why: str = "", seconds: float = 0.0, then: Then | None = None
    ) -> None:
        me = _person(ask.session)
        rules.may(me, act)
        account = self.called(alias)
        rules.may(me, act, on=rules.Stranger(account.alias, account))
        if account is me.account:
            raise ChatError("that is your own account: another admin or the server's operator does that")
        data: dict[str, object] = {"account": account.number}
        if kind == DROPPED:
            data["credentials"] = account.numbers  # so that the journal forgets their verifiers
        data |= rules.ending(self._now(), seconds, why)
        self._append(ask, _event(kind, ask, account.alias, data), then)

    def _append(self, ask: Ask, event: Event, then: Callable[[], None] | None = None) -> None:
        """Append an event of the server's log; ``then`` is called once it is kept, when ``ask.number`` is its number.

        Raises: SecretSaid.
        """
        why = str((event.data or {}).get("why", ""))
        self._decisions.accounts.refuse_secrets(self._now(), why, ask.ident)

        def finished(own: Ask) -> None:
            ask.number, ask.error = own.number, ask.error or own.error
            if own.error is None and then is not None:
                then()

        own = ask
        if then is not None:
            own = Ask(ask.session, ask.ident or UNNAMED, finished)
            event = event._replace(ident=own.ident)
        self._dispatcher.send(event, ask.session)
        own.appended()


def _event(kind: str, ask: Ask, alias: str, data: Data | None, about: int = 0) -> Event:
    session = ask.session
    return Event(kind, SERVER, session.alias, alias, session.id, ident=ask.ident, about=about, data=data)


def _revocation(ask: Ask, account: Account, numbers: Sequence[int], why: str) -> Event:
    data: dict[str, object] = {"account": account.number, "credentials": list(numbers)}
    return _event(REVOKED, ask, account.alias, {**data, "why": why} if why else data)


def _in_private(ask: Ask) -> Session:
    """Return the session of a request with a person's secret in it, or in its answer.

    Raises: Overheard, where others on the network can read that.
    """
    if ask.session.is_overheard:
        raise Overheard
    return ask.session


def _person(session: Session) -> Person:
    if session.person is None:
        raise ChatError("you are not in the chat yet: give an alias first")
    return session.person


def _account(session: Session) -> Account:
    account = _person(session).account
    if account is None:
        raise ChatError(f"{session.alias} is nobody's name yet: /register makes it yours")
    return account
