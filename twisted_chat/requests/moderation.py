"""Moderation: the requests of a room's operators about who may enter it, and who may speak there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.access import ACCESSES, CALLED, FORM, OPEN, PASSWORD, access, described
from ..core.durations import span
from ..core.errors import BadRequest, BadUsage
from ..core.hub import Hub
from ..core.lasting import LONGEST, how_long_and_why
from ..core.room import Room
from ..core.rules import HOST, RoomRules, role_of
from ..core.session import Ask
from .accounts import PROMPT
from .fields import About, Alias, RoomName, Rule, WantedAlias, WantedRoom
from .table import Done, JsonRequest, Result, Steps, command, request
from .words import MAX_NAMES, word

Why = Annotated[str, Rule(longest=text.REASON_LENGTH), About("The reason, for others.")]
Seconds = Annotated[int, Rule(most=LONGEST), About("How long; 0: without an end.")]
Secret = Annotated[str, Rule(longest=1024), About("A password.")]


@dataclass(frozen=True)
class _OnPerson(JsonRequest):
    """An act on a person in a room."""

    room: WantedRoom
    alias: WantedAlias

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        """Ask the hub for it."""
        raise NotImplementedError

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        self.act(hub, ask, hub.room_of(ask.session, self.room))
        yield
        return Done()


@dataclass(frozen=True)
class _RuleOnPerson(_OnPerson):
    """An act on a person in a room that lasts for a time."""

    seconds: Seconds = 0
    why: Why = ""


# -- out of the room


@command("remove", arguments="ALIAS [WHY]", acts_on_room=True)
def kick(hub: Hub, ask: Ask, rest: str) -> None:
    """Remove a person from the room. They may return after a minute, or when you /invite them."""
    alias, why = word(rest.strip())
    hub.moderation.remove(ask, hub.room_of(ask.session), alias, text.reason(why))


@request("an event in the room, the result")
@dataclass(frozen=True)
class KickRequest(_OnPerson):
    """Remove a person from a room, as an operator of it."""

    why: Why = ""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.remove(ask, room, self.alias, text.reason(self.why))


@command(arguments="ALIAS [7d] [WHY]", acts_on_room=True)
def bar(hub: Hub, ask: Ask, rest: str) -> None:
    """Keep a person out of the room. It lasts for a time such as 10m, 2h or 7d, or until /unbar."""
    alias, more = word(rest.strip())
    hub.moderation.bar(ask, hub.room_of(ask.session), alias, *how_long_and_why(more))


@request("an event in the room, the result")
@dataclass(frozen=True)
class BarRequest(_RuleOnPerson):
    """Keep a person out of a room, as an operator of it."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.bar(ask, room, self.alias, self.seconds, text.reason(self.why))


@command(arguments="ALIAS", acts_on_room=True)
def unbar(hub: Hub, ask: Ask, rest: str) -> None:
    """Admit a person to the room again."""
    hub.moderation.unbar(ask, hub.room_of(ask.session), rest)


@request("an event in the room, the result")
@dataclass(frozen=True)
class UnbarRequest(_OnPerson):
    """Admit a person to a room again."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.unbar(ask, room, self.alias)


@command(arguments="ALIAS", acts_on_room=True)
def invite(hub: Hub, ask: Ask, rest: str) -> None:
    """Admit a person to the room, whatever its access is. A notice tells them."""
    hub.moderation.invite(ask, hub.room_of(ask.session), rest)


@request("an event in the room, the result")
@dataclass(frozen=True)
class InviteRequest(_OnPerson):
    """Admit a person to a room, whatever its access is, and send them a notice."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.invite(ask, room, self.alias)


# -- silent in it


@command("silence", arguments="ALIAS [10m] [WHY]", acts_on_room=True)
def quiet(hub: Hub, ask: Ask, rest: str) -> None:
    """Forbid a person to speak in the room. It lasts for a time such as 10m, 2h or 7d, or until /unquiet. They still
    hear it, and can write to its operators."""
    alias, more = word(rest.strip())
    hub.moderation.quiet(ask, hub.room_of(ask.session), alias, *how_long_and_why(more))


@request("an event in the room, the result")
@dataclass(frozen=True)
class QuietRequest(_RuleOnPerson):
    """Forbid a person to speak in a room, as an operator of it."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.quiet(ask, room, self.alias, self.seconds, text.reason(self.why))


@command(arguments="ALIAS", acts_on_room=True)
def unquiet(hub: Hub, ask: Ask, rest: str) -> None:
    """Allow a person to speak again."""
    hub.moderation.unquiet(ask, hub.room_of(ask.session), rest)


@request("an event in the room, the result")
@dataclass(frozen=True)
class UnquietRequest(_OnPerson):
    """Allow a person to speak in a room again."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.unquiet(ask, room, self.alias)


@command(arguments="ALIAS", acts_on_room=True)
def voice(hub: Hub, ask: Ask, rest: str) -> None:
    """Give a person a voice in a room to listen. A guest has it as long as they stay."""
    hub.moderation.give_voice(ask, hub.room_of(ask.session), rest.strip())


@request("an event in the room, the result")
@dataclass(frozen=True)
class VoiceRequest(_OnPerson):
    """Give a person a voice in a room to listen: a guest has it as long as they stay."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.give_voice(ask, room, self.alias)


@command(arguments="ALIAS", acts_on_room=True)
def unvoice(hub: Hub, ask: Ask, rest: str) -> None:
    """Take the voice in a room to listen from a person."""
    hub.moderation.take_voice(ask, hub.room_of(ask.session), rest.strip())


@request("an event in the room, the result")
@dataclass(frozen=True)
class UnvoiceRequest(_OnPerson):
    """Take the voice in a room to listen from a person."""

    def act(self, hub: Hub, ask: Ask, room: Room) -> None:
        hub.moderation.take_voice(ask, room, self.alias)


# -- the room itself


@command("access", arguments="[ACCESS]", acts_on_room=True)
def room(hub: Hub, ask: Ask, rest: str) -> None:
    """Show or change who may enter the room, and speak. In an open room everyone does. Only people whom its operators
    /invite see a private room and enter it. In a room to listen only the operators speak, and people with a /voice;
    with ``topic`` only the operators set the topic. People outside do not see a hidden room. Several go together, as in
    ``/room private topic``."""
    current = hub.room_of(ask.session)
    words = rest.lower().split()
    if not words:
        ask.notice(*_shown(hub, ask, current))
        return
    if not set(words) <= ACCESSES.keys() or (OPEN in words and len(words) > 1):
        raise BadUsage(f"/room {'|'.join(ACCESSES)}; to enter another room: /join ROOM")
    wanted = " ".join(words)
    if PASSWORD in words:
        ask.ask_secret(PROMPT, lambda password: hub.moderation.restrict(ask, current, wanted, password))
    else:
        hub.moderation.restrict(ask, current, wanted)


def _shown(hub: Hub, ask: Ask, shown: Room) -> list[str]:
    rules = hub.decisions.rules.get(shown.name, RoomRules(shown.name))
    operators, hosts, voiced = map(_listed, _with_a_role(hub, shown, rules))
    lines = [f"{shown.name}: {described(rules.words)}", f"its operators: {operators or 'none'}"]
    lines += [f"{words}: {names}" for words, names in (("its hosts", hosts), ("with a voice", voiced)) if names]
    if not _operates(ask, rules):
        return lines
    kinds = ("may not enter", rules.all_barred), ("may not speak", rules.quieted), ("invited", rules.all_invited)
    for words, ends in kinds:
        listed = _lasting(hub, ends)
        if listed:
            lines.append(f"{words}: {', '.join(listed)}")
    return lines


def _with_a_role(hub: Hub, room: Room, rules: RoomRules) -> tuple[list[str], list[str], list[str]]:
    """Return the aliases of a room's operators, of its hosts, and of the people with a voice."""
    people = hub.people_in(room)
    operators = {hub.decisions.alias_of(name) for name in rules.operators}
    hosts = {person.alias for person in people if room.name in person.hosted}
    voiced = {hub.decisions.alias_of(name) for name in rules.voiced}
    voiced |= {person.alias for person in people if room.name in person.voiced}
    return sorted(operators), sorted(hosts), sorted(voiced)


def _listed(names: Sequence[str]) -> str:
    return text.listed(names, MAX_NAMES, len(names))


def _operates(ask: Ask, rules: RoomRules) -> bool:
    person = ask.session.person
    return person is not None and role_of(person, rules) >= HOST


def _lasting(hub: Hub, ends: Mapping[str, float]) -> list[str]:
    """Return the names that a rule of a room is about, each with the time that is left."""
    now = hub.now()
    lasting = {name: until for name, until in ends.items() if not until or until > now}
    return [
        hub.decisions.alias_of(name) + (f" ({span(until - now)})" if until else "") for name, until in lasting.items()
    ]


@dataclass(frozen=True)
class RoomResult(Result):
    room: RoomName
    access: Annotated[str, Rule(form=FORM, called=CALLED)]
    operators: Annotated[list[Alias], Rule(items=0)]
    hosts: Annotated[list[Alias], Rule(items=0)]
    voiced: Annotated[list[Alias], Rule(items=0), About("People with a voice: they speak in a room to listen, too.")]
    barred: Annotated[list[Alias], Rule(items=0), About("Who may not enter. Only for its operators.")] | None = None
    quieted: Annotated[list[Alias], Rule(items=0), About("Who may not speak. Only for its operators.")] | None = None
    invited: Annotated[list[Alias], Rule(items=0), About("Who may enter. Only for its operators.")] | None = None


@request("the rules of a room; with ``access`` an event in the room first")
@dataclass(frozen=True)
class RoomRequest(JsonRequest):
    """Return the rules of a room; with "access", change who may enter it and speak in it, as an operator of it."""

    room: WantedRoom
    access: Annotated[str, Rule(form=FORM, called=CALLED)] | None = None
    password: Secret | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[RoomResult]:
        room = hub.room_of(ask.session, self.room)
        if (self.password is not None) != (PASSWORD in access(self.access or "")):
            raise BadRequest('"password" is for an "access" with that word, and needed there')
        if self.access is not None:
            hub.moderation.restrict(ask, room, self.access, self.password or "")
            yield
        rules, now = hub.decisions.rules.get(room.name, RoomRules(room.name)), hub.now()

        def listed(ends: Mapping[str, float]) -> list[str] | None:
            if not _operates(ask, rules):
                return None
            return sorted(hub.decisions.alias_of(name) for name, until in ends.items() if not until or until > now)

        ruled = listed(rules.all_barred), listed(rules.quieted), listed(rules.all_invited)
        return RoomResult(room.name, rules.words, *_with_a_role(hub, room, rules), *ruled)


# -- roles

ROLES_GIVEN = ("operator", "host", "member", "admin", "owner")


@command(arguments="ALIAS ROLE", acts_on_room=True)
def role(hub: Hub, ask: Ask, rest: str) -> None:
    """Give a person a role, or take it away. An ``operator`` keeps order in the current room, as does a ``host`` while
    in it, who may be a guest; an ``admin`` does everywhere; an ``owner`` also appoints admins. A ``member`` does none
    of that."""
    alias, wanted = word(rest.strip())
    wanted = wanted.strip().lower()
    if wanted not in ROLES_GIVEN:
        raise BadUsage(f"/role ALIAS {'|'.join(ROLES_GIVEN)}")
    account = hub.decisions.accounts.called(alias)
    is_plain = account is None or account.role == "member"
    if wanted in ("operator", "host") or (wanted == "member" and is_plain):
        _appoint(hub, ask, hub.room_of(ask.session), alias, wanted)
    else:
        hub.members.appoint(ask, alias, wanted, _told(ask, alias, wanted))


def _appoint(hub: Hub, ask: Ask, room: Room, alias: str, role: str) -> None:
    """Ask for another role of a person in a room; a host who is to have none hosts it no longer."""
    person = hub.state.directory.called(alias)
    if role == "host" or (role == "member" and person is not None and room.name in person.hosted):
        hub.moderation.appoint_host(ask, room, alias, role == "host")
    else:
        hub.moderation.appoint(ask, room, alias, role)


def _told(ask: Ask, alias: str, role: str) -> Callable[[], None]:
    article = "an" if role[0] in "aeiou" else "a plain"
    return lambda: ask.notice(f"{alias} is {article} {role} now")


@request("an event in the room, the result; without a ``room`` only the result")
@dataclass(frozen=True)
class RoleRequest(JsonRequest):
    """Give a person a role in a room ("operator", "host" or "member"), or without "room" on the server."""

    alias: WantedAlias
    role: Annotated[str, Rule(form="|".join(ROLES_GIVEN), called="one of operator, host, member, admin, owner")]
    room: WantedRoom | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        if (self.role in ("operator", "host") and self.room is None) or (self.role in ("admin", "owner") and self.room):
            raise BadRequest('"operator" and "host" are roles in a "room"; "admin" and "owner" are roles without one')
        if self.room is not None:
            _appoint(hub, ask, hub.room_of(ask.session, self.room), self.alias, self.role)
        else:
            hub.members.appoint(ask, self.alias, self.role, lambda: None)
        yield
        return Done()
