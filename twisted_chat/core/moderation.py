"""Moderation: requests of a room's operators that control who may enter it, and who may speak there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from . import rules, secrets, text
from .access import CALLED, OPEN, PASSWORD, PRIVATE, access, in_words
from .data import HOSTED, WAS
from .dispatcher import Dispatcher
from .errors import BadSecret, ChatError, NobodyCalled, NotAllowed, Overheard, TooManyTries, WrongRoomPassword
from .events import (
    APPOINTED,
    BARRED,
    INVITED,
    LOBBY,
    QUIETED,
    REMOVED,
    RESTRICTED,
    UNBARRED,
    UNQUIETED,
    UNVOICED,
    VOICED,
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

OPERATORS_ONLY: Final = "only operators of the room may lift what they have decided"


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

    def bar(
        self, ask: Ask, room: Room, alias: str, seconds: float = 0.0, why: str = "", may_be_absent: bool = False
    ) -> None:
        """Keep a person out of a room; ``seconds``: 0 is for good, ``may_be_absent``: nobody may have the alias now.

        Raises: NotAllowed, NobodyCalled.
        """
        target, name = self._target(ask, "bar", room, alias, may_be_absent=may_be_absent)
        self._rule(ask, BARRED, room, target, name, seconds, why)
        person = self._state.person_of(name)
        if person is not None and person in room.people:
            self._remove(ask, room, person, why)

    def unbar(self, ask: Ask, room: Room, alias: str) -> None:
        """Admit a person to a room again.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        target, names = self._names(ask, "bar", room, alias)
        its = self._state.decisions.rules_of(room.name)
        found = [name for name in names if name in its.barred or name in its.expelled or name in its.hosts.barred]
        if not found:
            raise ChatError(f"nobody keeps {target} out of {room.name}: /room shows whom")
        if self._is_host(ask, room) and any(name in its.barred for name in found):
            raise NotAllowed(OPERATORS_ONLY)
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

    def give_voice(self, ask: Ask, room: Room, alias: str) -> None:
        """Allow a person to speak where only operators do: for good a member, a guest as long as they stay.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        self._voice(ask, VOICED, room, alias)

    def take_voice(self, ask: Ask, room: Room, alias: str) -> None:
        """Take the voice from a person.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        self._voice(ask, UNVOICED, room, alias)

    def _voice(self, ask: Ask, kind: str, room: Room, alias: str) -> None:
        target, name = self._target(ask, "give a voice", room, alias, is_kind=kind == VOICED)
        person, its = self._state.person_of(name), self._state.decisions.rules_of(room.name)
        is_lasting = name in its.voiced
        if kind == UNVOICED and not (is_lasting or (person is not None and its.has_voice(person))):
            raise ChatError(f"{target} has no voice in {room.name}")
        if kind == UNVOICED and is_lasting and self._is_host(ask, room):
            raise NotAllowed(OPERATORS_ONLY)
        if kind == VOICED:
            is_lasting = name.startswith("#") and not self._is_host(ask, room)
        if not is_lasting and (person is None or person not in room.people):
            raise ChatError(f"{target} is not in {room.name}: /who lists who is")
        self._rule(ask, kind, room, target, name, is_for_stay=not is_lasting)

    def invite(self, ask: Ask, room: Room, alias: str, may_only_tell: bool = False) -> None:
        """Admit a person to a room whatever its access is, and send them a notice.

        ``may_only_tell``: if the asker may not admit people, and the room is not private, the notice alone is sent.
        Raises: NotAllowed, NobodyCalled.
        """
        me, its = ask.session.person, self._state.decisions.rules.get(room.name)
        has_power = me is None or rules.role_of(me, its) >= rules.HOST
        if may_only_tell and not has_power and (its is None or PRIVATE not in its.access):
            on = self._concerned(alias)
            self._rule(ask, INVITED, room, on.alias, rules.who(on), is_for_stay=True)
        else:
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

    def appoint_host(self, ask: Ask, room: Room, alias: str, is_host: bool = True) -> None:
        """Make a person in a room its host as long as they stay, or no host any more.

        Raises: NotAllowed, NobodyCalled, ChatError.
        """
        target, name = self._target(ask, "appoint hosts", room, alias, is_kind=is_host)
        person = self._state.person_of(name)
        if person is None or person not in room.people:
            raise ChatError(f"{target} is not in {room.name}: /who lists who is")
        if is_host and room.name == LOBBY:
            raise NotAllowed(f"nobody hosts the {LOBBY}: only members keep order there")
        if not is_host and room.name not in person.hosted:
            raise ChatError(f"{target} is no host of {room.name}")
        data = {"who": name, "role": "host" if is_host else "guest", HOSTED: True}
        self._append(ask, Event(APPOINTED, room.name, ask.session.alias, target, data=data))

    def restrict(self, ask: Ask, room: Room, wanted: str, password: str = "") -> None:
        """Change who may enter a room or speak there; ``wanted``: the access in words, ``password``: a new one.

        A host's decision is over when no host is in the room. Raises: NotAllowed, Overheard, BadSecret, ChatError.
        """
        self._may(ask, "restrict", room)
        its, after = self._state.decisions.rules.get(room.name) or rules.RoomRules(room.name), access(wanted)
        if not after and wanted != OPEN:
            raise ChatError(f"a room's access is {CALLED}")
        data: dict[str, object] = {"access": in_words(after), WAS: its.words}
        is_host = self._is_host(ask, room)
        if is_host:
            if its.lasting - after or (password and PASSWORD in its.lasting):
                raise NotAllowed(OPERATORS_ONLY)
            data[HOSTED] = in_words(after - its.lasting) if after - its.lasting else ""
            self._limit_hashing(ask, room, password)
        event = Event(RESTRICTED, room.name, ask.session.alias, data=data)
        if not password:
            if PASSWORD in after - (its.access if is_host else its.lasting):
                raise BadSecret("give the password, too")
            self._append(ask, event)
            return
        prepared = _unheard(ask, password, is_brief=is_host)
        self._past.ask(
            ask, partial(self._vault.hash, prepared), lambda verifier: self._append(ask, Fact.of(event, verifier))
        )

    def _limit_hashing(self, ask: Ask, room: Room, password: str) -> None:
        """Count the passwords that a host sets: each takes as much time as one that is checked.

        Raises: TooManyTries.
        """
        if password:
            seconds = self._tries.try_secret(ask.session.host, f"#{room.name} set", self._seconds())
            if seconds:
                raise TooManyTries("new passwords", seconds)

    def check_password(self, ask: Ask, wanted: str, password: str, then: Callable[[], None]) -> None:
        """Check the password of a room that asks for one; ``then`` is called if it fits.

        Raises: BadRoom, Overheard, BadSecret, TooManyTries. Refuses: WrongRoomPassword.
        """
        room, host = text.room(wanted), ask.session.host
        tried = f"#{room}"  # no alias begins so
        its = self._state.decisions.rules.get(room)
        is_brief = its is not None and PASSWORD in its.hosts.access
        prepared = _unheard(ask, password, is_brief)
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

        subject = f"{room} hosts' password" if is_brief else f"{room} password"
        self._past.ask(ask, partial(self._journal.verifier, subject), found)

    # -- helpers

    def _may(self, ask: Ask, act: str, room: Room, on: rules.Ruled | None = None) -> None:
        me = ask.session.person
        if me is None:
            raise ChatError("you are not in the chat yet: give an alias first")
        rules.may(me, act, self._state.decisions.rules.get(room.name), on)

    def _is_host(self, ask: Ask, room: Room) -> bool:
        """Return whether the asker decides as a host, so that it is over once no host is there."""
        me = ask.session.person
        return me is not None and rules.role_of(me, self._state.decisions.rules.get(room.name)) == rules.HOST

    def _person(self, alias: str) -> Person:
        person = self._state.directory.called(alias.strip())
        if person is None:
            raise NobodyCalled(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return person

    def _target(
        self, ask: Ask, act: str, room: Room, alias: str, is_kind: bool = False, may_be_absent: bool = False
    ) -> tuple[str, str]:
        """Return the alias of a person who is here, or of a member, and their name in rules, if the act is allowed.

        ``is_kind``: it takes nothing from them, so that it is allowed whatever their role is.
        """
        self._may(ask, act, room)
        try:
            on = self._concerned(alias)
        except NobodyCalled:
            if not may_be_absent:
                raise
            on = rules.Stranger(text.alias(alias))
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
        self,
        ask: Ask,
        kind: str,
        room: Room,
        target: str,
        name: str,
        seconds: float = 0.0,
        why: str = "",
        is_for_stay: bool = False,
    ) -> None:
        data = {"who": name, **rules.ending(self._now(), seconds, why)}
        if is_for_stay or self._is_host(ask, room):
            data[HOSTED] = True
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


def _unheard(ask: Ask, password: str, is_brief: bool) -> str:
    """Return a password in the form to hash, unless others can read what comes over the connection.

    ``is_brief``: a host's, which may be short: it is over soon. Raises: Overheard, BadSecret.
    """
    if ask.session.is_overheard:
        raise Overheard
    return secrets.password(password, 1 if is_brief else secrets.PASSWORD_LEAST)
