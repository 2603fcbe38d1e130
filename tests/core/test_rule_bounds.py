"""The memory that rules of rooms and bans take: no more than those that are in force."""

from __future__ import annotations

import pytest

from twisted_chat.core.changes import FOUNDED
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask

from ..accounts_house import log_in, register
from ..house import House


@pytest.fixture
def house():
    house = House(Limits(rooms_made=1000))
    yield house
    assert house.faults == []


@pytest.mark.parametrize("comes_again", [False, True])
def test_a_member_operates_only_so_many_rooms_that_they_have_made(house, comes_again):
    alice = register(house, "alice")
    for number in range(FOUNDED):
        alice.type(f"/join r{number}", f"/leave r{number}")
    if comes_again:
        house.hub.leave_all(alice.session, "")
        house.settle()
        alice = log_in(house, "alice")
    alice.heard()
    assert alice.type("/join more", "/room").heard()[-1] == "-- its operators: none"
    assert len(house.hub.decisions.rules) == FOUNDED
    alice.type("/join r0", "/role alice member", "/join another").heard()
    assert alice.type("/room").heard()[-1] == "-- its operators: alice"


def test_rules_that_are_over_are_forgotten_when_the_next_is_made(house):
    alice = register(house, "alice", "ops")
    rules = house.hub.decisions.rules["ops"]
    for number in range(3):
        bob = house.enter(f"bob{number}", "ops")
        alice.type(f"/kick {bob.session.alias}", f"/quiet {bob.session.alias} 1m", f"/invite {bob.session.alias}")
        alice.type(f"/bar {bob.session.alias} 1m", f"/kick {bob.session.alias}")
        house.now += 100_000
    assert [len(ends) for ends in (rules.barred, rules.quieted)] == [1, 1]
    assert len(rules.invited) + len(rules.expelled) <= 2


def test_bans_that_are_over_are_forgotten_when_the_next_is_made(house):
    alice = register(house, "alice", role="admin")
    for number in range(3):
        alice.type(f"/ban 203.0.113.{number} 1m")
        house.now += 61
    assert len(house.hub.decisions.bans.by_number) == 1
    alice.type("/ban 203.0.113.9")
    house.now += 1e9
    alice.type("/ban 203.0.113.10 1m")
    assert [ban.target for ban in house.hub.members.bans(Ask(alice.session))] == ["203.0.113.9", "203.0.113.10"]
