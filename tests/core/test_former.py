"""The people who had an alias lately."""

from __future__ import annotations

from twisted_chat.core.former import MAX_FORMER, MAX_OF_ALIAS, Former, FormerPeople

from ..house import House


def test_the_last_person_who_left_with_an_alias_is_known_however_it_is_written():
    former = FormerPeople()
    former.note(Former("Bob", ("line",), 1.0))
    former.note(Former("bob", ("websocket",), 2.0))
    assert former.called(" BOB ") == Former("bob", ("websocket",), 2.0)
    assert former.called("alice") is None


def test_only_those_who_left_last_are_known():
    former = FormerPeople()
    for number in range(MAX_FORMER):
        former.note(Former(f"p{number}", (), 1.0))
    former.note(Former("p0", (), 2.0))
    former.note(Former("new", (), 3.0))
    assert former.called("p1") is None
    assert [bool(former.called(alias)) for alias in ("p0", "p2", "new")] == [True, True, True]


def test_a_person_who_leaves_is_noted_with_the_time_the_alias_of_then_and_the_door():
    house = House()
    bob = house.enter("bob")
    bob.type("/nick rob")
    house.now += 60
    bob.type("/quit")
    former = house.hub.sessions.former
    assert former.called("rob") == Former("rob", ("line",), house.now)
    assert former.called("bob") is None
    assert list(former.all_called("bob")) == [Former("bob", ("line",), house.now - 60, has_left=False)]


def test_some_people_of_each_alias_are_known_the_last_first():
    former = FormerPeople()
    former.note(Former("alice", (), 0.0))
    for number in range(MAX_OF_ALIAS + 5):
        former.note(Former("bob", (), float(number)))
    assert [one.left for one in former.all_called("bob")] == [float(number) for number in reversed(range(5, 15))]
    assert former.called("alice") is not None
