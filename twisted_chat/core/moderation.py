"""Moderation: requests of a room's operators about who may enter it, and who may speak there."""

from __future__ import annotations

from collections.abc import Callable

from . import rules
from .dispatcher import Dispatcher
from .errors import ChatError, NobodyCalled
from .events import (
    ACCESSES,
    APPOINTED,
    BARRED,
    INVITED,
    NOTICED,
    QUIETED,
    REMOVED,
    RESTRICTED,
    UNBARRED,
    UNQUIETED,
    Event,
    Fact,
)
from .person import Person
from .room import Room
from .session import Ask
from .state import State


class Moderation:
    """The requests of operators. Each checks the role in the very room that it is about."""

    def __init__(self, state: State, dispatcher: Dispatcher, now: Callable[[], float]) -> None:
        self._state = state
        self._dispatcher = dispatcher
        self._now = now

    def remove(self, ask: Ask, room: Room, alias: str, why: str = "") -> None:
        """Remove a person from a room; they may return after a minute, or when they are invited.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
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

        Raises: NotAllowed, NobodyCalled.
        """
        self._rule(ask, UNBARRED, room, *self._target(ask, "bar", room, alias))

    def quiet(self, ask: Ask, room: Room, alias: str, seconds: float = 0.0, why: str = "") -> None:
        """Forbid a person to speak in a room; ``seconds``: 0 is for good.

        Raises: NotAllowed, NobodyCalled.
        """
        self._rule(ask, QUIETED, room, *self._target(ask, "quiet", room, alias), seconds, why)

    def unquiet(self, ask: Ask, room: Room, alias: str) -> None:
        """Allow a person to speak again.

        Raises: NotAllowed, NobodyCalled.
        """
        self._rule(ask, UNQUIETED, room, *self._target(ask, "quiet", room, alias))

    def invite(self, ask: Ask, room: Room, alias: str) -> None:
        """Admit a person to a room whatever the room's access is, and tell them so.

        Raises: NotAllowed, NobodyCalled.
        """
        target, name = self._target(ask, "invite", room, alias)
        self._rule(ask, INVITED, room, target, name)
        person = self._state.person_of(name)
        if person is not None and person not in room.people:
            words = f"{ask.session.alias} invites you to {room.name}: /join {room.name}"
            for session in self._dispatcher.sessions.of(person):
                session.send([Event(NOTICED, text=words)])

    def appoint(self, ask: Ask, room: Room, alias: str, role: str) -> None:
        """Make a member an operator of a room, or a plain member again.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        target, name = self._target(ask, "appoint operators", room, alias)
        if not name.startswith("#"):
            raise ChatError(f"{target} is a guest: only members can be operators, and /register makes one")
        data = {"who": name, "role": role}
        self._append(ask, Event(APPOINTED, room.name, ask.session.alias, target, data=data))

    def restrict(self, ask: Ask, room: Room, access: str, verifier: str = "") -> None:
        """Change who may enter a room or speak there; ``verifier``: of its password, for access "password".

        Raises: NotAllowed, ChatError.
        """
        if access not in ACCESSES:
            raise ChatError(f"a room's access is one of {', '.join(ACCESSES)}")
        self._may(ask, "restrict", room)
        event = Event(RESTRICTED, room.name, ask.session.alias, data={"access": access})
        self._append(ask, Fact.of(event, verifier) if verifier else event)

    # -- helpers

    def _may(self, ask: Ask, act: str, room: Room, on: rules.Ruled | None = None) -> None:
        me = ask.session.person
        if me is None:
            raise ChatError("you are not in the chat yet: give an alias first")
        rules.may(me, act, self._state.decisions.rules.get(room.name), on)

    def _person(self, alias: str) -> Person:
        person = self._state.directory.called(alias.strip())
        if person is None:
            raise NobodyCalled(alias.strip())
        return person

    def _target(self, ask: Ask, act: str, room: Room, alias: str) -> tuple[str, str]:
        """Return the alias of a person who is here, or of a member, and their name in rules, once that is allowed."""
        account = self._state.decisions.accounts.called(alias.strip())
        on: rules.Ruled = rules.Stranger(account.alias, account) if account is not None else self._person(alias)
        self._may(ask, act, room, on)
        return (account.alias if account is not None else self._person(alias).alias), rules.who(on)

    def _rule(
        self, ask: Ask, kind: str, room: Room, target: str, name: str, seconds: float = 0.0, why: str = ""
    ) -> None:
        data: dict[str, object] = {"who": name}
        if seconds:
            data["until"] = round(self._now() + seconds, 3)
        if why:
            data["why"] = why
        self._append(ask, Event(kind, room.name, ask.session.alias, target, data=data))

    def _remove(self, ask: Ask, room: Room, person: Person, why: str) -> None:
        data = {"who": rules.who(person), "by": ask.session.alias}
        self._append(ask, Event(REMOVED, room.name, person.alias, data={**data, "why": why} if why else data))

    def _append(self, ask: Ask, event: Event) -> None:
        own = event._replace(origin=ask.session.id, ident=ask.ident)
        self._dispatcher.send(Fact.of(own, event.verifier) if isinstance(event, Fact) else own, ask.session)
        ask.appended()
