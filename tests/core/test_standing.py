"""A start makes of the events that stand what all events have made: accounts, bans and the rules of rooms."""

from __future__ import annotations

import random

import pytest

from twisted_chat.core import text
from twisted_chat.core.data import FOUNDS
from twisted_chat.core.decisions import Decisions
from twisted_chat.core.events import (
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
    STANDING,
    SUSPENDED,
    UNBANNED,
    UNBARRED,
    UNQUIETED,
    UNVOICED,
    VOICED,
    Event,
)
from twisted_chat.journals.standing import decisions

from ..standing_kinds import Standings

ALIASES = ("alice", "Alice", "al1ce", "bob", "carol")
ROOMS = ("lobby", "ops")
EVENTS = 150
CHECKS = 10  # events between two of them


class Server:
    """Decisions by events of all kinds, in any order: whatever several nodes may ask for at once."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.decisions, self.stands = Decisions(), Standings()
        self.numbers = {SERVER: 0, "lobby": 0, "ops": 0}
        self.when = 1000.0
        self.kinds = set()
        self.founded = set()

    def happen(self, kind, group, words="", data=None, about=0):
        self.numbers[group] += 1
        self.when += 1.0
        self.kinds.add(kind)
        event = Event(kind, group, "admin", words, 7, self.numbers[group], self.when, "", about, data)
        self.decisions.apply(event)
        for decision in decisions([event], [event]):
            self.stands.apply(decision)

    def maybe_until(self):
        """Return the end of a decision, as part of its data, or no end."""
        return {"until": self.when + self.chance.choice((5, 20, 80))} if self.chance.random() < 0.5 else {}

    def any_account(self):
        return self.chance.choice(list(self.decisions.accounts.by_number.values()))

    def do_anything(self):
        chance = self.chance
        if not self.decisions.accounts.by_number or chance.random() < 0.1:
            alias = chance.choice(ALIASES)
            data = {"looks": sorted(text.looks(alias)), "bot": chance.random() < 0.2}
            self.happen(REGISTERED, SERVER, alias, data)
        elif chance.random() < 0.5:
            self.decide_about(self.any_account())
        elif chance.random() < 0.7:
            who = chance.choice([self.any_account().who, "guest"])
            kind, room = (
                chance.choice((BARRED, UNBARRED, QUIETED, UNQUIETED, VOICED, UNVOICED, INVITED, APPOINTED, REMOVED)),
                chance.choice(ROOMS),
            )
            more = self.maybe_until() if kind in (BARRED, QUIETED) else {}
            if kind == APPOINTED:
                more = {"role": chance.choice(("operator", "member"))}
                if more["role"] == "operator" and room not in self.founded:  # only one person makes a room
                    self.founded.add(room)
                    more[FOUNDS] = True
            self.happen(kind, room, "guest", {"who": who, **more})
        else:
            self.decide_about_all()

    def decide_about(self, account):
        chance, data = self.chance, {"account": account.number}
        kind = chance.choice(
            (NAMED, NAMED, GRANTED, GRANTED, REHASHED, REVOKED, SUSPENDED, RESTORED, APPOINTED, DROPPED)
        )
        if kind == NAMED:
            alias = chance.choice(ALIASES)
            data |= {"former": account.alias, "looks": sorted(text.looks(alias))}
            self.happen(NAMED, SERVER, alias, data)
            return
        others = [one.number for one in account.credentials]
        if kind == GRANTED:
            credential = chance.choice(("password", "token", "code"))
            instead = [account.password, *chance.sample(others, len(others) // 2)] if credential == "password" else []
            data |= {"credential": credential, "instead": instead}
            if chance.random() < 0.3:
                fingerprint = chance.choice(("SHA256:a", "SHA256:b"))
                data |= {"credential": "key", "fingerprint": fingerprint, "instead": []}
            elif credential == "code":
                data |= self.maybe_until()
        elif kind == SUSPENDED:
            data |= self.maybe_until()
        elif kind == REHASHED:
            data["credential"] = account.password
        elif kind == REVOKED:
            data["credentials"] = chance.sample(others, len(others) // 2)
        elif kind == APPOINTED:
            data["role"] = chance.choice(("owner", "admin", "member"))
        elif kind == DROPPED:
            if chance.random() < 0.7:
                return
            data["credentials"] = account.numbers
        self.happen(kind, SERVER, account.alias, data)

    def decide_about_all(self):
        chance, kind = (
            self.chance,
            self.chance.choice((BANNED, BANNED, UNBANNED, GUESTS_REFUSED, GUESTS_ADMITTED, RESTRICTED)),
        )
        bans = list(self.decisions.bans.by_number)
        if kind == BANNED:
            data = chance.choice(({"who": "guest", "why": "spam"}, {"network": "192.0.2.0/24", "guests": True}))
            self.happen(BANNED, SERVER, "guest", {**data, **self.maybe_until()})
        elif kind == UNBANNED and bans:
            self.happen(UNBANNED, SERVER, "guest", about=chance.choice(bans))
        elif kind == RESTRICTED:
            access = chance.choice(("open", "private", "listen topic", "password", "password hidden"))
            self.happen(RESTRICTED, chance.choice(ROOMS), data={"access": access})
        elif kind in (GUESTS_REFUSED, GUESTS_ADMITTED):
            self.happen(kind, SERVER, data={"why": "raid"})


def restarted(server):
    """Return what a start makes of the events that stand."""
    new = Decisions()
    for event in server.stands.events:
        new.apply(event)
    return new


def state(decided, now):
    """Return everything that has been decided and is not over, as values."""

    def lasting(value):
        if isinstance(value, dict):  # until when a rule holds for each name
            return {name: until for name, until in value.items() if not 0 < until <= now}
        return value

    accounts = decided.accounts
    return {
        "accounts": {number: slots_of(account, now) for number, account in accounts.by_number.items()},
        "aliases": {key: account.number for key, account in accounts.by_key.items()},
        "looks": {look: account.number for look, account in accounts._looks.items()},
        "credentials": {
            number: account.number
            for number, account in accounts.by_credential.items()
            if not accounts.with_credential(number)[1].is_over(now)
        },
        "keys": accounts._by_fingerprint,
        "codes": lasting(accounts.codes),
        "bans": {number: ban for number, ban in decided.bans.by_number.items() if not ban.is_over(now)},
        "guests": decided.guests_refused,
        "founded": decided.founded,
        "rules": {
            room: {slot: lasting(getattr(rules, slot)) for slot in rules.__slots__}
            for room, rules in decided.rules.items()
        },
    }


def slots_of(account, now):
    slots = {slot: getattr(account, slot) for slot in account.__slots__}
    slots["credentials"] = [one for one in account.credentials if not one.is_over(now)]
    if account.suspended is not None and 0 < account.suspended[1] <= now:
        slots["suspended"] = None
    return slots


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_what_stands_makes_the_same_of_a_new_server_whether_or_not_what_is_over_is_forgotten(seed, forgets):
    server = Server(seed)
    for room in ROOMS:
        server.happen(RESTRICTED, room, data={"access": "open"})
    for number in range(EVENTS):
        server.do_anything()
        if number % CHECKS == 0:
            if forgets:
                server.stands.forget_over(server.when)
            assert state(restarted(server), server.when) == state(server.decisions, server.when)


def test_an_alias_that_was_free_for_a_while_belongs_to_the_same_account_after_a_start():
    server = Server(0)
    for kind, alias, account in (
        (REGISTERED, "alice", 0),
        (NAMED, "bob", 1),
        (REGISTERED, "alice", 0),
        (NAMED, "carol", 1),
        (REGISTERED, "bob", 0),
    ):
        server.happen(kind, SERVER, alias, {"looks": [alias], **({"account": account} if account else {})})
    for decided in (server.decisions, restarted(server)):
        assert {key: account.number for key, account in decided.accounts.by_key.items()} == {
            "carol": 1,
            "alice": 3,
            "bob": 5,
        }


def test_all_kinds_that_stand_are_among_those_events():
    kinds = set()
    for seed in range(20):
        server = Server(seed)
        for _ in range(EVENTS):
            server.do_anything()
        kinds |= server.kinds
    assert kinds >= STANDING
