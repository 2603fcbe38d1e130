"""The rules: who may do what, in which room, to whom; and that a private room does not exist for others."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.errors import ChatError, NotAllowed, SecretSaid
from twisted_chat.core.events import SAID
from twisted_chat.core.ports import Snapshot
from twisted_chat.core.rules import Stranger
from twisted_chat.core.session import Ask
from twisted_chat.wire.jsonlines import JsonView

from ..accounts_house import appoint, log_in, register, request
from ..house import House, Stream

ROLES = ("guest", "member", "operator", "admin", "owner")


def crowd(house, room="ops"):
    """Return a person of each role, in a room that the operator has made, and a guest who is called victim."""
    people = {"operator": register(house, "operator1", room)}
    people["guest"] = house.enter("guest1", room)
    people["member"] = register(house, "member1", room)
    for role in ("admin", "owner"):
        people[role] = register(house, f"{role}1", room, role=role)
    people["victim"] = house.enter("victim", room)
    for person in house.people:
        person.type(f"/join {room}").heard()
    return people


# -- the table of acts and roles: each cell, as it is typed

ACTS = {  # what is typed: the least role that may
    "hello": "guest",
    "/me waves": "guest",
    "/topic tea": "guest",
    "/kick victim": "operator",
    "/bar victim": "operator",
    "/quiet victim": "operator",
    "/invite victim": "operator",
    "/room private": "operator",
    "/role member1 operator": "operator",
    "/ban victim": "admin",
    "/ban 192.0.2.7": "admin",
    "/bans": "admin",
    "/suspend member1": "admin",
    "/guests off": "admin",
    "/audit": "admin",
    "/role member1 admin": "owner",
    "/role member1 owner": "owner",
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("typed", ACTS)
def test_each_act_is_allowed_from_one_role_on(house, typed, role):
    people = crowd(house)
    before = (house.hub.rooms["ops"].number, house.hub.state.log.number)
    answers = people[role].type(typed).heard()
    may = ROLES.index(role) >= ROLES.index(ACTS[typed])
    assert any(line.startswith("!! only ") for line in answers) == (not may), answers
    assert may or (house.hub.rooms["ops"].number, house.hub.state.log.number) == before


ON = {f"/{name} {{}}": "operator" for name in ("kick", "bar", "quiet")} | {"/ban {}": "admin", "/suspend {}": "admin"}


@pytest.mark.parametrize("target", ROLES[1:])
@pytest.mark.parametrize("role", ROLES[2:])
@pytest.mark.parametrize("typed", ON)
def test_nobody_acts_on_a_person_of_a_higher_role(house, typed, role, target):
    people = crowd(house)
    before = (house.hub.rooms["ops"].number, house.hub.state.log.number)
    answers = people[role].type(typed.format(f"{target}1")).heard()
    is_higher = ROLES.index(target) > ROLES.index(role)
    allowed = ROLES.index(role) >= ROLES.index(ON[typed]) and not is_higher and role != target
    if not allowed and role != target:
        assert any("only" in line or "you may not do that to" in line for line in answers), answers
        assert (house.hub.rooms["ops"].number, house.hub.state.log.number) == before
    elif allowed:
        assert not any(line.startswith("!! only") or "may not do that" in line for line in answers), answers


def test_a_ban_of_a_higher_role_is_refused_also_while_that_person_is_away(house):
    people = crowd(house)
    people["owner"].type("/quit")
    assert people["admin"].type("/ban owner1").heard()[-1] == "!! you may not do that to an owner"


ROOM_ACTS = ("remove", "bar", "quiet", "invite", "restrict", "appoint")


@given(st.sampled_from(ROOM_ACTS), st.sampled_from(["ops", "dev", "tea"]), st.sampled_from(["ops", "dev", "tea"]))
def test_only_the_right_in_the_very_room_counts(act, operated, acted_on):
    house = House()
    alice = register(house, "alice", operated)
    others = [name for name in ("ops", "dev", "tea") if name != operated]
    register(house, "carol", *others)
    alice.type(*(f"/join {name}" for name in others))
    register(house, "bob", "ops", "dev", "tea")
    moderation, room = house.hub.moderation, house.hub.rooms[acted_on]
    calls = {
        "remove": lambda: moderation.remove(Ask(alice.session), room, "bob"),
        "bar": lambda: moderation.bar(Ask(alice.session), room, "bob"),
        "quiet": lambda: moderation.quiet(Ask(alice.session), room, "bob"),
        "invite": lambda: moderation.invite(Ask(alice.session), room, "bob"),
        "restrict": lambda: moderation.restrict(Ask(alice.session), room, "private"),
        "appoint": lambda: moderation.appoint(Ask(alice.session), room, "bob", "operator"),
    }
    if operated == acted_on:
        calls[act]()
    else:
        with pytest.raises(NotAllowed):
            calls[act]()
    house.settle()


# -- who may not speak

WAYS = {  # to speak in ops
    "say": "hello",
    "act": "/me waves",
    "to": "/to ops hello",
    "topic": "/topic tea",
    "clear the topic": "/topic -",
    "away": "/away at lunch",
    "another alias": "/nick bobby",
    "leave with words": "/leave ops so long",
}


@pytest.mark.parametrize("typed", WAYS.values(), ids=WAYS)
def test_a_person_who_may_not_speak_says_nothing_in_any_way(house, typed):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    alice.type("/topic tea", "/quiet bob").heard()
    bob.heard()
    number = house.hub.rooms["ops"].number
    answers = bob.type(typed).heard()
    assert answers[0].startswith("!! you may not "), answers
    assert house.hub.rooms["ops"].number == number
    assert alice.heard() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "say", "room": "ops", "text": "hi"},
        {"do": "say", "room": "ops", "text": "hi", "act": True},
        {"do": "say", "room": "ops", "lines": ["hi", "there"]},
        {"do": "call", "room": "ops", "name": "add", "text": "hi"},
        {"do": "leave", "room": "ops", "text": "so long"},
        {"do": "retitle", "room": "ops", "text": "so it is"},
        {"do": "nick", "alias": "bobby"},
    ],
)
def test_a_program_that_may_not_speak_says_nothing_in_any_way(house, fields):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops", view=JsonView())
    alice.type("/quiet bob").heard()
    number = house.hub.rooms["ops"].number
    with pytest.raises(ChatError, match="you may not"):
        request(bob, **fields)
    assert house.hub.rooms["ops"].number == number


def test_a_quieted_person_leaves_without_words(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    alice.type("/quiet bob").heard()
    bob.type("/quit you are all wrong")
    assert alice.heard() == ["bob has left the chat room!", "#ops bob has left!"]


def test_a_quieted_person_still_writes_to_everyone_and_to_an_operator(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    alice.type("/quiet bob").heard()
    bob.heard()
    assert bob.type("/msg alice sorry").heard() == ["[bob -> alice] sorry"]
    assert bob.type("/all sorry").heard() == ["[bob -> all] sorry"]
    assert bob.type("/to lobby hi").heard() == ["bob: hi"]


def test_a_guest_does_not_lose_a_quiet_by_leaving_the_room_and_taking_another_alias(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    alice.type("/quiet bob").heard()
    bob.type("/leave ops").heard()
    assert bob.type("/nick bobby").heard() == ["!! you may not take another alias while you may not speak in a room"]


def test_only_operators_speak_where_others_listen(house):
    people = crowd(house)
    people["operator"].type("/room listen")
    for role in ROLES:
        people[role].heard()
        answers = people[role].type("hello").heard()
        refused = ["!! only operators and hosts of ops, and people with a voice, speak here"]
        assert (answers == refused) == (role in ("guest", "member")), (role, answers)


# -- rules that stand are decided again when a request is delivered


def test_a_person_who_is_barred_while_they_enter_leaves_again(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob")
    alice.ask("/bar bob")
    bob.ask("/join ops")
    house.settle()
    assert "ops" not in bob.session.rooms
    assert "!! you may not enter ops: its operators /unbar" in bob.heard()
    assert alice.type("/who ops").heard()[-1] == "-- 1 in ops: alice"


def test_a_room_that_becomes_private_while_a_person_enters_is_not_entered(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob")
    alice.ask("/room private")
    bob.ask("/join ops")
    house.settle()
    assert "ops" not in bob.session.rooms


@pytest.mark.parametrize("first", ["/leave ops", "/nick bobby", "/quit"])
@pytest.mark.parametrize("order", [1, -1])
def test_who_was_in_a_room_is_exact_when_a_person_leaves_and_is_removed_at_once(house, first, order):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    for person, typed in [(bob, first), (alice, "/kick bob")][::order]:
        person.ask(typed)
    house.settle()
    log = [event for event in house.hub.rooms["ops"].tail if event.kind in ("joined", "left", "removed", "renamed")]
    there = set()
    for event in log:
        if event.kind == "joined":
            assert event.author not in there
            there.add(event.author)
        else:
            assert event.author in there, log
            there.remove(event.author)
            there |= {event.text} if event.kind == "renamed" else set()
    assert there == {person.alias for person in house.hub.rooms["ops"].people}
    for number in range(1, house.hub.rooms["ops"].number + 1):
        alice.heard()
        assert alice.type(f"/who ops @{number}").heard()[0].startswith("-- ")


def test_two_operators_who_remove_a_person_at_once_remove_them_once(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    olga = register(house, "olga", "ops", role="owner")
    alice.ask("/kick bob")
    olga.ask("/kick bob")
    house.settle()
    assert [event.kind for event in house.hub.rooms["ops"].tail].count("removed") == 1
    assert olga.heard()[-1] == "#ops bob has been removed by alice"
    assert bob.session.current.name == "lobby"


@pytest.mark.parametrize("way", ["removed", "/leave ops", "/nick bobby", "/quit"])
@pytest.mark.parametrize("act", ["remove", "bar"])
def test_an_operators_program_is_answered_once_the_person_is_out(house, act, way):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    ask, done = Ask(alice.session, "x/1", waits=True), []
    getattr(house.hub.moderation, act)(ask, house.hub.rooms["ops"], "bob")
    if way != "removed":
        bob.ask(way)
    while not done and house.journal.batch:
        house.journal.turn()
        if not alice.session.pending:
            done.append([person.alias for person in house.hub.rooms["ops"].people])
    assert (done, ask.left, alice.session.asks) == ([["alice"]], 0, {})
    house.settle()
    assert not alice.session.pending


def test_a_removal_does_not_wake_a_program_whose_connection_was_lost(house):
    alice = register(house, "alice", "ops")
    house.enter("bob", "ops")
    house.hub.moderation.remove(Ask(alice.session, "x/1", waits=True), house.hub.rooms["ops"], "bob")
    house.journal.turn()
    alice.session.abandon()
    house.settle()
    assert (alice.session.pending.asking, alice.session.asks) == (0, {})


# -- private rooms

SEERS = ("stranger", "guest", "member", "invited", "inside", "operator", "admin")


def private(house, name="secret"):
    """Return people who do and do not see a private room."""
    people = {"operator": register(house, "oscar", name)}
    people["operator"].type("a hidden line", "/topic hidden", "/room private")
    people["inside"] = register(house, "ines")
    people["operator"].type("/invite ines")
    people["inside"].type(f"/join {name}")
    people["invited"] = register(house, "ivo")
    people["operator"].type("/invite ivo")
    people["member"] = register(house, "mia")
    people["guest"] = house.enter("gus")
    people["admin"] = register(house, "ada", role="admin")
    for person in house.people:
        person.heard()
    return people


def can_see(role):
    return role in ("invited", "inside", "operator", "admin")


LOOKS = [
    "/rooms", "/who secret", "/who secret @2", "/whois oscar", "/search #secret hidden", "/search hidden",
    "/to secret hi", "/leave secret",
]  # fmt: skip


@pytest.mark.parametrize("role", SEERS[1:])
@pytest.mark.parametrize("typed", LOOKS)
def test_a_private_room_is_to_others_as_one_that_does_not_exist(typed, role):
    with_room, without = House(), House()
    people = private(with_room)
    heard = people[role].type(typed).heard()
    private(without, name="else")
    hidden = without.people[[one.session.alias for one in with_room.people].index(people[role].session.alias)]
    nothing = hidden.type(typed).heard()
    if role in ("inside", "operator"):
        assert "secret" in "".join(heard) or "hidden" in "".join(heard) or "-- you now" in "".join(heard)
    elif not can_see(role):
        assert heard == nothing
        assert "hidden" not in "".join(heard).replace("#secret hidden", "")


LOOKING = [
    {"do": "rooms"},
    {"do": "rooms", "after": "a"},
    {"do": "whois", "alias": "oscar"},
    {"do": "who", "room": "secret"},
    {"do": "who", "room": "secret", "at": 1},
    {"do": "history", "room": "secret"},
    {"do": "search", "words": "hidden"},
    {"do": "search", "words": "hidden", "room": "secret"},
    {"do": "call", "room": "secret", "name": "x"},
    {"do": "leave", "room": "secret"},
    {"do": "room", "room": "secret"},
]


@pytest.mark.parametrize("role", ["guest", "member", "invited", "admin"])
@pytest.mark.parametrize("fields", LOOKING, ids=lambda fields: "-".join(map(str, fields.values())))
def test_a_private_room_is_to_others_programs_as_one_that_does_not_exist(fields, role):
    answers = []
    for name in ("secret", "else"):
        house = House()
        people = private(house, name=name)
        person = people[role]
        try:
            answer = request(person, **fields)
        except ChatError as error:
            answer = (error.code, str(error))
        answers.append(repr(answer) + "".join(person.heard()))
        assert house.faults == []
    if not can_see(role):
        assert answers[0] == answers[1]
        assert "hidden" not in answers[0]


@pytest.mark.parametrize("role", SEERS)
def test_rooms_lists_a_private_room_only_to_those_who_may_enter(house, role):
    people = private(house)
    person = people[role].session.person if role != "stranger" else None
    assert ("secret" in [room.name for room in house.hub.rooms_seen_by(person)]) == can_see(role)


def test_a_stream_ends_when_its_room_becomes_private(house):
    alice = register(house, "alice", "ops")
    stream, other = Stream(house, "ops"), Stream(house, "lobby")
    alice.type("/room listen")
    assert not stream.dropped
    alice.type("/room private")
    assert (stream.dropped, other.dropped) == (True, False)


def test_the_stream_of_a_member_ends_when_the_member_is_barred_or_leaves_a_private_room(house):
    alice = register(house, "alice", "ops")
    alice.type("/room private")
    for end in ("/bar bob", "/kick bob"):
        bob = house.hub.aliases.get("bob") and next(one for one in house.people if one.session.alias == "bob")
        bob = bob or register(house, "bob")
        alice.type("/invite bob")
        bob.type("/join ops")
        stream = Stream(house, "ops")
        account = bob.session.person.account
        house.hub.overhearing[stream.reader] = Stranger("bob", account, account.password)
        assert not stream.dropped
        alice.type(end)
        assert stream.dropped == (end == "/bar bob"), end  # an invited member may enter again
        house.now += 61


def test_the_stream_of_an_admin_ends_when_they_are_an_admin_no_more(house):
    alice, ada = register(house, "alice", "ops"), register(house, "ada", role="admin")
    alice.type("/room private")
    account = ada.session.person.account
    streams = [Stream(house, room) for room in ("ops", "lobby")]
    for stream in streams:
        house.hub.overhearing[stream.reader] = Stranger("ada", account, account.password)
    appoint(house, "ada", "owner")
    assert [stream.dropped for stream in streams] == [False, False]
    appoint(house, "ada", "member")
    assert [stream.dropped for stream in streams] == [True, False]


def test_the_people_who_are_in_a_room_stay_when_it_becomes_private(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops")
    alice.type("/room private")
    assert bob.type("hello").heard()[-1] == "#ops bob: hello"


def test_a_member_is_still_an_operator_after_a_restart_and_so_is_a_ban_in_force(house):
    alice, bob = register(house, "alice", "ops"), register(house, "bob")
    appoint(house, "alice", "admin")
    alice.type("/bar bob", "/ban 192.0.2.0/24 2h")
    after = restarted(house)
    assert [ban.target for ban in after.hub.decisions.bans.standing(after.now)] == ["192.0.2.0/24"]
    again = log_in(after, "bob")
    assert again.type("/join ops").heard() == ["!! you may not enter ops: its operators /unbar"]
    assert bob.session.alias == "bob"


def restarted(house):
    after = House(journal=house.journal)
    after.hub.restore(Snapshot(standing=house.journal.stands.values()))
    after.now = house.now
    return after


def test_a_removed_person_waits_for_the_rest_of_the_minute_also_after_a_restart(house):
    alice = register(house, "alice", "ops")
    bob, carol, dave = (house.enter(alias, "ops") for alias in ("bob", "carol", "dave"))
    alice.type("/kick bob", "/kick carol", "/invite carol", "/kick dave", "/unbar dave")
    house.now += 50
    after = restarted(house)
    bob, carol, dave = (after.enter(alias) for alias in ("bob", "carol", "dave"))
    assert bob.type("/join ops").heard() == ["!! you may not enter ops: try again in 10 seconds"]
    assert "#ops carol has joined" in carol.type("/join ops").heard()
    assert "#ops dave has joined" in dave.type("/join ops").heard()
    after.now += 11
    assert "#ops bob has joined" in bob.type("/join ops").heard()


def test_what_is_said_by_a_person_who_was_removed_meanwhile_is_acknowledged(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob", "ops", view=JsonView())
    alice.ask("/kick bob")
    house.journal.turn()
    house.hub.say(Ask(bob.session, "x/1"), "hi", "ops", SAID)
    house.settle()
    assert [json.loads(line).get("id") for line in bob.heard()].count("1") == 1


@pytest.mark.parametrize("act", ["remove", "bar", "quiet", "suspend", "guests"])
def test_no_act_is_kept_whose_reason_has_a_secret(house, act):
    alice = register(house, "alice", "ops", role="admin")
    house.enter("bob", "ops")
    register(house, "mia")
    tokens = []
    house.hub.members.grant(Ask(alice.session), "token", "", tokens.append)
    house.settle()
    ask, room, why = Ask(alice.session), house.hub.rooms["ops"], f"see {tokens[0]}"
    calls = {
        "remove": lambda: house.hub.moderation.remove(ask, room, "bob", why),
        "bar": lambda: house.hub.moderation.bar(ask, room, "bob", 0, why),
        "quiet": lambda: house.hub.moderation.quiet(ask, room, "bob", 0, why),
        "suspend": lambda: house.hub.members.suspend(ask, "mia", why),
        "guests": lambda: house.hub.members.admit_guests(ask, False, why),
    }
    with pytest.raises(SecretSaid):
        calls[act]()
