"""Several sessions of one person: what each hears, what others see, and what one of them does while another is busy."""

from __future__ import annotations

import pytest

from twisted_chat.core.changes import APPLY, FORMER
from twisted_chat.core.errors import AliasTaken
from twisted_chat.core.events import KINDS
from twisted_chat.core.session import Ask
from twisted_chat.wire.jsonlines import JsonView


def beside(house, person, view=None):
    """Return one more session of somebody who is here; everyone has read all that they were sent."""
    more = house.connect(view)
    house.hub.claim(Ask(more.session), person.session.alias, beside=person.session.id)
    house.settle()
    for reader in house.people:
        reader.heard()
    return more


def test_each_kind_that_changes_the_state_has_its_function_and_no_other_kind_has():
    assert APPLY.keys() == {name for name, entry in KINDS.items() if entry.is_change}


def test_a_second_session_hears_all_rooms_and_nobody_sees_it_enter(house):
    bob, alice = house.enter("bob"), house.enter("alice", "ops")
    phone = house.connect()
    house.hub.claim(Ask(phone.session), "alice", beside=alice.session.id)
    house.settle()
    assert phone.heard() == ["you are now connected!"]
    assert bob.heard() == alice.heard() == []
    bob.type("hi")
    assert phone.heard() == alice.heard() == ["bob: hi"]
    house.enter("carol", "ops").type("ho")
    assert phone.heard() == alice.heard() == ["#ops carol: ho"]
    assert [person.alias for person in house.hub.rooms["ops"].people] == ["alice", "carol"]


def test_who_lists_a_person_with_two_sessions_once(house):
    alice = house.enter("alice")
    phone = beside(house, alice)
    assert phone.type("/who *").heard() == ["-- 1 here: alice"]


def test_a_second_session_needs_one_of_the_same_person_that_is_still_here(house):
    alice = house.enter("alice")
    phone = house.connect()
    house.hub.leave_all(alice.session, "")
    house.hub.claim(Ask(phone.session), "alice", beside=alice.session.id)
    house.settle()
    assert phone.session.alias == "alice"  # as somebody new, as nobody has it any more
    assert phone.session.person is not alice.session.person
    assert phone.heard()[0] == "alice has connected to the chat room"


def test_private_lines_reach_all_sessions_of_both(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    phone, laptop = beside(house, alice), beside(house, bob)
    alice.type("/msg bob psst")
    assert {"".join(one.heard()) for one in (alice, phone, bob, laptop)} == {"[alice -> bob] psst"}
    laptop.type("/reply what")
    assert {"".join(one.heard()) for one in (alice, phone, bob, laptop)} == {"[bob -> alice] what"}


def test_echo_goes_by_session_and_ignoring_by_person(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.type("/ignore alice", "/set echo off").heard()
    phone = beside(house, alice)
    laptop = beside(house, bob)
    phone.type("hi")
    assert bob.heard() == [] and laptop.heard() == ["alice: hi"]  # the ignored person's new device is ignored, too
    laptop.type("ho")
    assert bob.heard() == ["bob: ho"]  # another session's line is no echo


def test_all_rooms_hear_once_of_a_new_alias(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob", "ops")
    phone = beside(house, alice)
    phone.type("/nick al")
    assert bob.heard() == ["alice is now known as al", "#ops alice is now known as al"]
    assert alice.session.alias == phone.session.alias == "al"


def test_a_session_waits_with_a_line_while_another_changes_the_alias(house):
    alice = house.enter("alice")
    phone = beside(house, alice)
    phone.ask("/nick al")
    assert not alice.session.may(posts=True)
    house.settle()
    assert alice.session.may(posts=True)
    assert alice.times_settled


def test_both_sessions_share_joins_and_leaves_and_keep_their_current_rooms(house):
    alice = house.enter("alice")
    phone = beside(house, alice)
    phone.type("/join ops")
    assert alice.heard()[0] == "#ops alice has joined"
    assert (alice.session.current.name, phone.session.current.name) == ("lobby", "ops")
    alice.type("/leave ops")
    assert phone.heard()[-1] == "-- you now talk in lobby"


def test_a_person_stays_until_the_last_session_has_ended(house):
    bob, alice = house.enter("bob"), house.enter("alice")
    phone = beside(house, alice)
    house.hub.leave_all(alice.session, "the laptop is closed")
    house.settle()
    assert alice.session.gone and not phone.session.gone
    assert bob.heard() == []
    bob.type("hi")
    assert phone.heard() == ["bob: hi"] and alice.heard() == []
    phone.type("/quit bye")
    assert bob.heard() == ["bob: hi", "alice has left the chat room! (bye)"]
    assert list(house.hub.aliases) == ["bob"]
    assert list(house.hub.sessions.values()) == [bob.session]


def test_the_first_session_may_end_during_a_rename(house):
    bob, alice = house.enter("bob"), house.enter("alice")
    phone = beside(house, alice)
    alice.ask("/nick al")
    house.hub.leave_all(alice.session, "")
    house.settle()
    assert bob.heard() == ["alice is now known as al"]
    phone.type("hi")
    assert bob.heard() == ["al: hi"]


def test_two_programs_of_one_person_share_the_log_of_the_alias(house):
    alice, bob = house.enter("alice", view=JsonView()), house.enter("bob")
    more = beside(house, alice, JsonView())
    bob.type("/msg alice psst")
    assert alice.heard() == more.heard() != []
    assert [event.text for event in house.hub.dispatcher.remembered("@alice") if event.text] == ["psst"]


def test_a_person_with_session_after_session_takes_no_more_memory(house):
    person = house.enter("alice")
    for _ in range(FORMER + 5):
        before, person = person, house.connect()
        house.hub.resume(Ask(person.session), before.session.id)
        house.settle()
    assert len(house.hub.state.seats) == FORMER + 1
    person.type("/quit")
    assert not (house.hub.state.seats or house.hub.sessions)


def test_an_alias_is_taken_unless_the_claim_names_a_session_of_the_same_person(house):
    house.enter("alice")
    phone = house.connect()
    with pytest.raises(AliasTaken):
        house.hub.claim(Ask(phone.session), "alice")
