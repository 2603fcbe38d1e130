"""Decisions: accounts, bans and the rules of rooms, from the events of the server's log and of the rooms.

APPLY has one function for each of these kinds of events. They do not depend on who is here, so the events that stand
when a journal is opened go through the same functions as new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from . import subjects
from .access import access
from .accounts import Account, Accounts
from .data import FOUNDS, Data
from .events import (
    APPOINTED,
    BANNED,
    BARRED,
    DROPPED,
    GRANTED,
    GUESTS_ADMITTED,
    GUESTS_REFUSED,
    INVITED,
    NAMED,
    QUIETED,
    REGISTERED,
    REHASHED,
    REMOVED,
    RESTORED,
    RESTRICTED,
    REVOKED,
    SERVER,
    SUSPENDED,
    UNBANNED,
    UNBARRED,
    UNQUIETED,
    UNVOICED,
    VOICED,
    Event,
)
from .rules import Ban, Bans, RoomRules, network, set_end


class Decisions:
    """The accounts, the bans, and the rules of rooms."""

    def __init__(self) -> None:
        self.accounts = Accounts()
        self.bans = Bans()
        self.rules: dict[str, RoomRules] = {}  # by the name of the room, where it has any
        self.founded: dict[str, int] = {}  # how many rooms an operator has made, by the operator's name in rules
        self.guests_refused: str | None = None  # why, while only members may come in

    def apply(self, event: Event) -> None:
        """Apply an event that is delivered, or that stands when the journal is opened."""
        APPLY[event.kind](self, event)

    def rules_of(self, room: str) -> RoomRules:
        """Return the rules of a room, made if need be."""
        return self.rules.get(room) or self.rules.setdefault(room, RoomRules(room))

    def add_operator(self, room: str, name: str, is_founder: bool) -> None:
        """Make a person an operator of a room; ``name``: theirs in rules, ``is_founder``: they have made it."""
        rules = self.rules_of(room)
        rules.operators.add(name)
        if is_founder and not rules.founder:
            rules.founder = name
            self.founded[name] = self.founded.get(name, 0) + 1

    def remove_operator(self, room: str, name: str) -> None:
        """Take the role of an operator in a room from a person."""
        rules = self.rules_of(room)
        rules.operators.discard(name)
        if rules.founder == name:
            rules.founder = ""
            self.founded[name] -= 1
            if not self.founded[name]:
                del self.founded[name]

    def alias_of(self, name: str) -> str:
        """Return the alias of a name in rules: see rules.who."""
        account = self.accounts.by_number.get(int(name[1:])) if name[:1] == "#" else None
        return account.alias if account is not None else name

    def owner_of(self, ban: Data) -> str:
        """Return the name in rules of the person whom a ban is about, perhaps by a key; empty for others."""
        found = self.accounts.with_key(ban.get("key", ""))
        return found[0].who if found is not None else ban.get("who", "")

    def concerned(self, event: Event) -> Account | None:
        """Return the account that an event of the server's log is about."""
        return self.accounts.by_number.get(_data(event).get("account", 0))


def _data(event: Event) -> dict[str, Any]:
    return dict(event.data or {})


# -- accounts


def _registered(decisions: Decisions, event: Event) -> None:
    decisions.accounts.register(event)


def _named(decisions: Decisions, event: Event) -> None:
    account = decisions.concerned(event)
    if account is not None:
        decisions.accounts.rename(account, event)


def _dropped(decisions: Decisions, event: Event) -> None:
    account = decisions.concerned(event)
    if account is not None:
        account.is_dropped, account.role = True, "member"
        decisions.accounts.revoke(account, account.numbers)


def _granted(decisions: Decisions, event: Event) -> None:
    account = decisions.concerned(event)
    if account is not None:
        decisions.accounts.grant(account, event)


def _revoked(decisions: Decisions, event: Event) -> None:
    account, data = decisions.concerned(event), _data(event)
    if account is None:
        return
    for number in data["credentials"] if data.get("used") else ():
        if account.has(number, event.when):  # else another session was first
            decisions.accounts.use(account, number, event.origin)
    decisions.accounts.revoke(account, data["credentials"])


def _rehashed(decisions: Decisions, event: Event) -> None:
    """Change nothing: only the verifier is another one."""


def _suspended(decisions: Decisions, event: Event) -> None:
    account, data = decisions.concerned(event), _data(event)
    if account is not None:
        account.suspended = data.get("why", ""), data.get("until", 0.0)


def _restored(decisions: Decisions, event: Event) -> None:
    account = decisions.concerned(event)
    if account is not None:
        account.suspended = None


def _appointed(decisions: Decisions, event: Event) -> None:
    data = _data(event)
    if event.group != SERVER:
        if data["role"] == "operator":
            decisions.add_operator(event.group, data["who"], is_founder=bool(data.get(FOUNDS)))
        else:
            decisions.remove_operator(event.group, data["who"])
        return
    account = decisions.concerned(event)
    if account is not None:
        account.role = data["role"]


# -- who may come in


def _banned(decisions: Decisions, event: Event) -> None:
    data = _data(event)
    decisions.bans.forget_over(event.when)
    decisions.bans.by_number[event.number] = Ban(
        event.number,
        event.text,
        data.get("who", ""),
        network(data["network"]) if "network" in data else None,
        data.get("until", 0.0),
        bool(data.get("guests")),
        data.get("why", ""),
        event.author,
        event.when,
        data.get("key", ""),
    )


def _unbanned(decisions: Decisions, event: Event) -> None:
    decisions.bans.by_number.pop(event.about, None)


def _guests_refused(decisions: Decisions, event: Event) -> None:
    decisions.guests_refused = _data(event).get("why", "")


def _guests_admitted(decisions: Decisions, event: Event) -> None:
    decisions.guests_refused = None


# -- the rules of a room


def _removed(decisions: Decisions, event: Event) -> None:
    data = _data(event)
    rules = decisions.rules_of(event.group or data["room"])  # asked for, or in the room's log
    set_end(rules.expelled, data["who"], subjects.removal(event).until, event.when)
    rules.hosts.invited.pop(data["who"], None)


def _barred(decisions: Decisions, event: Event) -> None:
    rules, data = decisions.rules_of(event.group), _data(event)
    set_end(rules.barred, data["who"], data.get("until", 0.0), event.when)
    rules.invited.pop(data["who"], None)


def _unbarred(decisions: Decisions, event: Event) -> None:
    rules, name = decisions.rules_of(event.group), _data(event)["who"]
    for ends in (rules.barred, rules.expelled, rules.hosts.barred):
        ends.pop(name, None)


def _quieted(decisions: Decisions, event: Event) -> None:
    data = _data(event)
    set_end(decisions.rules_of(event.group).quieted, data["who"], data.get("until", 0.0), event.when)


def _unquieted(decisions: Decisions, event: Event) -> None:
    decisions.rules_of(event.group).quieted.pop(_data(event)["who"], None)


def _invited(decisions: Decisions, event: Event) -> None:
    rules, name = decisions.rules_of(event.group), _data(event)["who"]
    set_end(rules.invited, name, subjects.invitation(event).until, event.when)
    for ends in (rules.barred, rules.expelled, rules.hosts.barred):
        ends.pop(name, None)


def _voiced(decisions: Decisions, event: Event) -> None:
    decisions.rules_of(event.group).voiced.add(_data(event)["who"])


def _unvoiced(decisions: Decisions, event: Event) -> None:
    decisions.rules_of(event.group).voiced.discard(_data(event)["who"])


def _restricted(decisions: Decisions, event: Event) -> None:
    decisions.rules_of(event.group).lasting = access(_data(event)["access"])


APPLY: Final[dict[str, Callable[[Decisions, Event], None]]] = {
    REGISTERED: _registered,
    NAMED: _named,
    DROPPED: _dropped,
    GRANTED: _granted,
    REVOKED: _revoked,
    REHASHED: _rehashed,
    SUSPENDED: _suspended,
    RESTORED: _restored,
    APPOINTED: _appointed,
    BANNED: _banned,
    UNBANNED: _unbanned,
    GUESTS_REFUSED: _guests_refused,
    GUESTS_ADMITTED: _guests_admitted,
    REMOVED: _removed,
    BARRED: _barred,
    UNBARRED: _unbarred,
    QUIETED: _quieted,
    UNQUIETED: _unquieted,
    VOICED: _voiced,
    UNVOICED: _unvoiced,
    INVITED: _invited,
    RESTRICTED: _restricted,
}
