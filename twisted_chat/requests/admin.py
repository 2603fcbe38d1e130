"""Administration: bans, suspensions, the chat closed to guests, and the log of the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from ..core import keys, rules, text
from ..core.data import Data
from ..core.durations import seconds_in, span
from ..core.errors import BadUsage, ChatError
from ..core.events import Event
from ..core.hub import Hub
from ..core.lasting import how_long_and_why, terms
from ..core.person import Person
from ..core.ports import Query
from ..core.rules import Ban
from ..core.session import Ask
from .fields import About, Alias, FirstNumber, Number, Rule, Time, WantedAlias
from .history import MAX_EVENTS, WHICH, Events, More, query_of, show_past
from .moderation import Seconds, Why
from .table import COMMANDS, Done, JsonRequest, Result, Steps, command, request
from .words import is_number, word

LINES_SHOWN = 20  # events of the log, if no number is given
MAX_NEIGHBOURS = 20  # who are named before a ban

# -- bans


class _Target:
    """The target of a ban: a member, a guest's address, an address, a network or a key."""

    def __init__(self, hub: Hub, ask: Ask, wanted: str) -> None:
        """``wanted``: an alias, an address, a network or a fingerprint. Raises: NotAllowed, NobodyCalled, ChatError."""
        hub.members.bans(ask)  # only admins may see addresses
        self.shown, self.data, self.neighbours = wanted, dict[str, object](), list[str]()
        self.is_only_alias = False
        fingerprint = keys.fingerprint(wanted)
        if fingerprint:
            self.shown, self.data = fingerprint, {"key": fingerprint}
            return
        try:
            network = rules.network(wanted)
        except ValueError:
            self._be_of(hub, wanted)
        else:
            self._cover(network)

    def _cover(self, network: rules.Network) -> None:
        self.shown = str(network.network_address) if network.num_addresses == 1 else str(network)
        self.data = {"network": str(network)}

    def _be_of(self, hub: Hub, wanted: str) -> None:
        account = hub.decisions.accounts.called(wanted)
        if account is not None:
            self.shown, self.data = account.alias, {"who": account.who}
            return
        guest = hub.person_called(wanted)
        self.shown, self.data = guest.alias, {"who": guest.key}
        hosts = list(filter(_is_elsewhere, hub.sessions.hosts_of(guest)))
        if not hosts:
            self.is_only_alias = True
            return
        network = rules.network(hosts[-1])
        self._cover(network)
        self.neighbours = _neighbours(hub, network, guest)


def _is_elsewhere(host: str) -> bool:
    """Return whether a host is an address that can be banned: it is not of this machine, or a UNIX socket."""
    try:
        return not ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _neighbours(hub: Hub, network: rules.Network, guest: Person) -> list[str]:
    """Return the aliases of the other people in a network."""
    others = (person for person in hub.state.people if person is not guest)
    return [person.alias for person in others if rules.covers_any(network, hub.sessions.hosts_of(person))]


def _data(hub: Hub, target: _Target, seconds: int, guests: bool, why: str) -> Data:
    return {**target.data, **rules.ending(hub.now(), seconds, why), **({"guests": True} if guests else {})}


@command(arguments="WHAT [7d] [WHY]")
def ban(hub: Hub, ask: Ask, rest: str) -> None:
    """Keep a person, an address or a network out. Give an alias, or 192.0.2.7, or 192.0.2.0/24; of a guest it bans the
    address. It lasts for a time such as 2h or 7d, or until /unban. With ``guests`` before WHY members may still log in
    from there, with ``all`` nobody."""
    wanted, more = word(rest.strip())
    seconds, scope, why = terms(more)
    target = _Target(hub, ask, wanted)
    if target.neighbours and not scope:
        names = [f"{name}'s" for name in target.neighbours]
        lasting = f" {next(filter(seconds_in, more.split()))}" if seconds else ""
        raise ChatError(
            f"{target.shown} is also {_listed(names)}: /ban {target.shown}{lasting} guests bars guests only, "
            f"/ban {target.shown}{lasting} all bars everyone"
        )
    is_for_guests = scope == "guests" and "network" in target.data
    data = _data(hub, target, seconds, is_for_guests, why)

    def banned() -> None:
        if target.is_only_alias:
            ask.notice(f"the address of {target.shown} cannot be banned, so only this alias is")
        who = f"guests from {target.shown} are" if is_for_guests else f"{target.shown} is"
        ask.notice(f"{who} banned{f' for {span(seconds)}' if seconds else ''}: /unban {ask.number} ends that")

    hub.members.ban(ask, target.shown, data, hub.protected, banned)


def _listed(names: Sequence[str]) -> str:
    """Return names as people list them: "alice's, bob's and dan's"."""
    if len(names) > MAX_NEIGHBOURS:
        names = [*names[:MAX_NEIGHBOURS], f"{len(names) - MAX_NEIGHBOURS:,} others'"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


@dataclass(frozen=True)
class BanResult(Result):
    ban: Annotated[int, Rule(), About("Its number, for unban.")]
    target: Annotated[str, About("The alias, the address, the network or the fingerprint.")]


@request("the result; ``neighbours`` of a guest are refused unless ``guests`` is given")
@dataclass(frozen=True)
class BanRequest(JsonRequest):
    """Keep a person, an address or a network out of the chat, as an admin."""

    target: Annotated[str, Rule(longest=256), About("An alias, an address or a network, such as 192.0.2.0/24.")]
    seconds: Seconds = 0
    guests: Annotated[bool, About("Only guests: members may still log in from there.")] | None = None
    why: Why = ""

    def run(self, hub: Hub, ask: Ask) -> Steps[BanResult]:
        target = _Target(hub, ask, self.target.strip())
        if target.neighbours and self.guests is None:
            names = [f"{name}'s" for name in target.neighbours]
            raise ChatError(
                f'{target.shown} is also {_listed(names)}: "guests":true bars guests only, "guests":false everyone'
            )
        is_for_guests = bool(self.guests) and "network" in target.data
        data = _data(hub, target, self.seconds, is_for_guests, text.reason(self.why))
        hub.members.ban(ask, target.shown, data, hub.protected)
        yield
        return BanResult(ask.number, target.shown)


@command(arguments="N")
def unban(hub: Hub, ask: Ask, rest: str) -> None:
    """Lift a ban, by its number in /bans."""
    number = rest.strip()
    if not is_number(number):
        raise BadUsage(f"{COMMANDS['unban'].usage}, the number of a ban: /bans lists them")
    hub.members.unban(ask, int(number), lambda target: ask.notice(f"{target} is banned no more"))


@request("the result")
@dataclass(frozen=True)
class UnbanRequest(JsonRequest):
    """Lift a ban."""

    ban: FirstNumber

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        hub.members.unban(ask, self.ban)
        yield
        return Done()


@command()
def bans(hub: Hub, ask: Ask, rest: str) -> None:
    """List the bans. Each has a number, an author and perhaps a reason."""
    now = hub.now()
    ask.notice(*[_in_words(ban, now) for ban in hub.members.bans(ask)] or ["nobody is banned"])


def _in_words(ban: Ban, now: float) -> str:
    guests = ", guests only" if ban.is_for_guests else ""
    lasting = f", for {span(ban.until - now)} more" if ban.until else ""
    why = f" ({ban.why})" if ban.why else ""
    return f"{ban.number} {ban.target}{guests}, by {ban.author} {span(now - ban.when)} ago{lasting}{why}"


@dataclass(frozen=True)
class BanShown(Result):
    ban: FirstNumber
    target: str
    guests: bool
    author: Alias
    time: Time
    until: Time | None
    why: str


@dataclass(frozen=True)
class BansResult(Result):
    bans: Annotated[list[BanShown], Rule(items=0), About("The oldest first.")]


@request("the bans that are not over")
@dataclass(frozen=True)
class BansRequest(JsonRequest):
    """List the bans, as an admin."""

    def run(self, hub: Hub, ask: Ask) -> BansResult:
        return BansResult([_shown(ban) for ban in hub.members.bans(ask)])


def _shown(ban: Ban) -> BanShown:
    until, when = round(ban.until, 3) or None, round(ban.when, 3)
    return BanShown(ban.number, ban.target, ban.is_for_guests, ban.author, when, until, ban.why)


# -- guests


@command(arguments="on|off [WHY]")
def guests(hub: Hub, ask: Ask, rest: str) -> None:
    """Admit guests, or only members. Guests who are here stay."""
    given, why = word(rest.strip())
    if given.lower() not in ("on", "off"):
        raise BadUsage(COMMANDS["guests"].usage)
    on = given.lower() == "on"
    words = "guests may come in" if on else "only members may come in: /guests on ends that"
    hub.members.admit_guests(ask, on, text.reason(why), lambda: ask.notice(words))


@request("the result")
@dataclass(frozen=True)
class GuestsRequest(JsonRequest):
    """Admit guests, or only members, as an admin."""

    admit: bool
    why: Why = ""

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        hub.members.admit_guests(ask, self.admit, text.reason(self.why))
        yield
        return Done()


# -- accounts


@command(arguments="ALIAS [7d] [WHY]")
def suspend(hub: Hub, ask: Ask, rest: str) -> None:
    """End a member's sessions, and refuse their log-ins. It lasts for a time such as 2h or 7d, or until /restore."""
    alias, more = word(rest.strip())
    seconds, why = how_long_and_why(more)
    lasting = f" for {span(seconds)}" if seconds else ""
    hub.members.suspend(
        ask, alias, why, seconds, lambda: ask.notice(f"{alias} is suspended{lasting}: /restore {alias} ends that")
    )


@request("the result")
@dataclass(frozen=True)
class SuspendRequest(JsonRequest):
    """End all sessions of a member and refuse their log-ins, as an admin."""

    alias: WantedAlias
    seconds: Seconds = 0
    why: Why = ""

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        hub.members.suspend(ask, self.alias, text.reason(self.why), self.seconds)
        yield
        return Done()


@command(arguments="ALIAS")
def restore(hub: Hub, ask: Ask, rest: str) -> None:
    """Admit the log-ins of a suspended member again."""
    alias = rest.strip()
    hub.members.restore(ask, alias, lambda: ask.notice(f"{alias} may log in again"))


@request("the result")
@dataclass(frozen=True)
class RestoreRequest(JsonRequest):
    """Admit the log-ins of a suspended member again, as an admin."""

    alias: WantedAlias

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        hub.members.restore(ask, self.alias)
        yield
        return Done()


# -- the log


@command(arguments="[N | 2h | A-B]")
def audit(hub: Hub, ask: Ask, rest: str) -> None:
    """Show the log of the server. It has the accounts, roles, suspensions and bans. N, 2h and A-B are as in /history,
    which has the acts in a room."""
    log = hub.members.log(ask)
    query = query_of(hub, log, rest.strip() or str(LINES_SHOWN), COMMANDS["audit"])
    show_past(hub, ask, "the server's log", query)


@dataclass(frozen=True)
class AuditResult(Result):
    events: Events
    more: More


@request("events of the log of the server, oldest first")
@dataclass(frozen=True)
class AuditRequest(JsonRequest):
    """Return events of the log of the server, as an admin."""

    after: Number | None = None
    until: Annotated[FirstNumber, About("The last number to return.")] | None = None
    since: Time | None = None
    limit: Annotated[int, Rule(least=1, most=MAX_EVENTS)] = 100
    newest: Annotated[bool, About(WHICH)] | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[AuditResult]:
        log = hub.members.log(ask)
        newest = self.after is None if self.newest is None else self.newest
        query = Query(log.name, self.after or 0, self.until or 0, self.since or 0.0, most=self.limit + 1, newest=newest)
        found: list[Event] = []
        hub.past.recall(ask, query, found.extend)
        yield
        return AuditResult(found[-self.limit :] if newest else found[: self.limit], len(found) > self.limit)
