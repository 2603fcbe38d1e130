"""Moderation: requests of a room's operators that control who may enter it, and who may speak there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from . import rules, secrets, text
from .data import WAS
from .dispatcher import Dispatcher
from .errors import ChatError, NobodyCalled, Overheard, TooManyTries, WrongRoomPassword
from .events import (
    ACCESSES,
    APPOINTED,
    BARRED,
    INVITED,
    QUIETED,
    REMOVED,
    RESTRICTED,
    UNBARRED,
    UNQUIETED,
    Event,
    Fact,
)
from .limits import SecretTries
from .past import Past
from .person import Person
from .ports import Journal, Vault
from .room import Room
from .session import Ask
from .state import State


class Moderation:
    """The requests of operators. Each checks the asker's role in its room."""

    def __init__(
        self,
        state: State,
        dispatcher: Dispatcher,
        past: Past,
        journal: Journal,
        vault: Vault,
        tries: SecretTries,
        seconds: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """``seconds`` and ``now``: see Hub."""
        self._state = state
        self._dispatcher = dispatcher
        self._past = past
        self._journal = journal
        self._vault = vault
        self._tries = tries
        self._seconds = seconds
        self._now = now

    def remove(self, ask: Ask, room: Room, alias: str, why: str = "") -> None:
        """Remove a person from a room; they may return after a minute, or when they are invited.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        self._may(ask, "remove", room)
        person = self._person(alias)
        self._may(ask, "remove", room, person)
        if person not in room.people:
            raise ChatError(f"{person.alias} is not in {room.name}: /who lists who is")
        self._remove(ask, room, person, why)

    def bar(self, ask: Ask, room: Room, alias: str, seconds: float = 0.0, why: str = "") -> None:
        """Keep a person out of a room; ``seconds``: 0 is for good.

        Raises: NotAllowed, NobodyCalled.
        """
        target, name = self._target(ask, "bar", room, alias)
        self._rule(ask, BARRED, room, target, name, seconds, why)
        person = self._state.person_of(name)
        if person is not None and person in room.people:
            self._remove(ask, room, person, why)

    def unbar(self, ask: Ask, room: Room, alias: str) -> None:
        """Admit a person to a room again.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        target, names = self._names(ask, "bar", room, alias)
        rules = self._state.decisions.rules_of(room.name)
        found = [name for name in names if name in rules.barred or name in rules.expelled]
        if not found:
            raise ChatError(f"nobody keeps {target} out of {room.name}: /room shows whom")
        for name in found:
            self._rule(ask, UNBARRED, room, target, name)

    def quiet(self, ask: Ask, room: Room, alias: str, seconds: float = 0.0, why: str = "") -> None:
        """Forbid a person to speak in a room; ``seconds``: 0 is for good.

        Raises: NotAllowed, NobodyCalled.
        """
        self._rule(ask, QUIETED, room, *self._target(ask, "quiet", room, alias), seconds, why)

    def unquiet(self, ask: Ask, room: Room, alias: str) -> None:
        """Allow a person to speak again.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        target, names = self._names(ask, "quiet", room, alias)
        found = [name for name in names if name in self._state.decisions.rules_of(room.name).quieted]
        if not found:
            raise ChatError(f"nobody has forbidden {target} to speak in {room.name}: /room shows whom")
        for name in found:
            self._rule(ask, UNQUIETED, room, target, name)

    def invite(self, ask: Ask, room: Room, alias: str) -> None:
        """Admit a person to a room whatever its access is, and send them a notice.

        Raises: NotAllowed, NobodyCalled.
        """
        self._rule(ask, INVITED, room, *self._target(ask, "invite", room, alias, is_kind=True))

    def appoint(self, ask: Ask, room: Room, alias: str, role: str) -> None:
        """Make a member an operator of a room, or a plain member again.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        target, name = self._target(ask, "appoint operators", room, alias, is_kind=role == "operator")
        if not name.startswith("#"):
            raise ChatError(f"{target} is a guest: only members can be operators, and /register makes one")
        if role == "member" and name not in self._state.decisions.rules_of(room.name).operators:
            raise ChatError(f"{target} is no operator of {room.name}: /room shows who is")
        data = {"who": name, "role": role}
        self._append(ask, Event(APPOINTED, room.name, ask.session.alias, target, data=data))

    def restrict(self, ask: Ask, room: Room, access: str, password: str = "") -> None:
        """Change who may enter a room or speak there; ``password``: for access "password", and only for that.

        Raises: NotAllowed, Overheard, BadSecret, ChatError.
        """
        self._may(ask, "restrict", room)
        if access not in ACCESSES:
            raise ChatError(f"a room's access is one of {', '.join(ACCESSES)}")
        rules = self._state.decisions.rules.get(room.name)
        data = {"access": access, WAS: rules.access if rules is not None else "open"}
        event = Event(RESTRICTED, room.name, ask.session.alias, data=data)
        if access != "password":
            self._append(ask, event)
            return
        prepared = _unheard(ask, password)
        self._past.ask(
            ask, partial(self._vault.hash, prepared), lambda verifier: self._append(ask, Fact.of(event, verifier))
        )

    def check_password(self, ask: Ask, wanted: str, password: str, then: Callable[[], None]) -> None:
        """Check the password of a room that asks for one; ``then`` is called if it fits.

        Raises: BadRoom, Overheard, BadSecret, TooManyTries. Refuses: WrongRoomPassword.
        """
        room, host = text.room(wanted), ask.session.host
        tried = f"#{room}"  # no alias begins so
        prepared = _unheard(ask, password)
        seconds = self._tries.try_secret(host, tried, self._seconds())
        if seconds:
            raise TooManyTries("wrong passwords", seconds)

        def found(verifier: str) -> None:
            self._past.ask(ask, partial(self._vault.check, prepared, verifier), checked)

        def checked(fits: bool) -> None:
            if not fits:
                raise WrongRoomPassword(room)
            self._tries.take_back(host, tried, self._seconds())
            then()

        self._past.ask(ask, partial(self._journal.verifier, f"{room} access"), found)

    # -- helpers

    def _may(self, ask: Ask, act: str, room: Room, on: rules.Ruled | None = None) -> None:
        me = ask.session.person
        if me is None:
            raise ChatError("you are not in the chat yet: give an alias first")
        its_rules = self._state.decisions.rules.get(room.name)
        is_host = room.name in me.hosted and ask.session.door is not None and ask.session.door.hosts_rooms
        if not (is_host and act in rules.HOSTS_ACTS and (on is None or rules.role_of(on, its_rules) < rules.OPERATOR)):
            rules.may(me, act, its_rules, on)

    def _person(self, alias: str) -> Person:
        person = self._state.directory.called(alias.strip())
        if person is None:
            raise NobodyCalled(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return person

    def _target(self, ask: Ask, act: str, room: Room, alias: str, is_kind: bool = False) -> tuple[str, str]:
        """Return the alias of a person who is here, or of a member, and their name in rules, if the act is allowed.

        ``is_kind``: it takes nothing from them, so that it is allowed whatever their role is.
        """
        self._may(ask, act, room)
        on = self._concerned(alias)
        if not is_kind:
            self._may(ask, act, room, on)
        return on.alias, rules.who(on)

    def _names(self, ask: Ask, act: str, room: Room, alias: str) -> tuple[str, Sequence[str]]:
        """Return the alias of a person, and all names under which a rule may stand that is to be lifted."""
        self._may(ask, act, room)
        try:
            on = self._concerned(alias)
        except NobodyCalled:  # a guest who has left
            on = rules.Stranger(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return on.alias, rules.names_of(on)

    def _concerned(self, alias: str) -> rules.Stranger | Person:
        account = self._state.decisions.accounts.called(alias.strip())
        return rules.Stranger(account.alias, account) if account is not None else self._person(alias)

    def _rule(
        self, ask: Ask, kind: str, room: Room, target: str, name: str, seconds: float = 0.0, why: str = ""
    ) -> None:
        data = {"who": name, **rules.ending(self._now(), seconds, why)}
        self._append(ask, Event(kind, room.name, ask.session.alias, target, data=data))

    def _remove(self, ask: Ask, room: Room, person: Person, why: str) -> None:
        data = {"room": room.name, "who": rules.who(person), "by": ask.session.alias, **({"why": why} if why else {})}
        self._append(ask, Event(REMOVED, "", person.alias, data=data))  # they may be leaving: the state decides

    def _append(self, ask: Ask, event: Event) -> None:
        why = str((event.data or {}).get("why", ""))
        self._state.decisions.accounts.refuse_secrets(self._now(), why, ask.ident)
        own = event._replace(origin=ask.session.id, ident=ask.ident)
        self._dispatcher.send(own, ask.session)
        ask.appended()


def _unheard(ask: Ask, password: str) -> str:
    """Return a password in the form to hash, unless others can read what comes over the connection.

    Raises: Overheard, BadSecret.
    """
    if ask.session.is_overheard:
        raise Overheard
    return secrets.password(password)
