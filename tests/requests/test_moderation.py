"""The commands of operators and admins, and their effects for everybody."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import ChatError, Overheard, PasswordNeeded, TooManyTries, WrongRoomPassword
from twisted_chat.core.session import Ask
from twisted_chat.wire.jsonlines import JsonView

from ..accounts_house import log_in, register, request


@pytest.fixture
def alice(house):
    """A member who operates the room that she has made."""
    return register(house, "alice", "ops")


@pytest.fixture
def bob(house, alice):
    bob = house.enter("bob", "ops")
    alice.heard()
    return bob


@pytest.fixture
def olga(house):
    return register(house, "olga", role="owner")


def test_people_and_programs_see_whom_the_hosts_of_a_room_keep_out_and_invite(house, alice, bob):
    house.enter("eve")
    alice.type("/role bob host", "/voice bob")
    bob.type("/bar eve", "/room").heard()
    assert bob.type("/room").heard()[1:] == [
        "-- its operators: alice",
        "-- its hosts: bob",
        "-- with a voice: bob",
        "-- may not enter: eve",
    ]
    rules = request(alice, do="room", room="ops")
    assert (rules.operators, rules.hosts, rules.voiced, rules.barred) == (["alice"], ["bob"], ["bob"], ["eve"])
    bob.type("/invite eve")
    rules = request(alice, do="room", room="ops")
    assert (rules.barred, rules.invited) == ([], ["eve"])


def test_the_member_who_makes_a_room_operates_it_and_a_guest_does_not(house, alice, bob):
    assert alice.type("/room").heard() == ["-- ops: everyone may enter", "-- its operators: alice"]
    bob.type("/join tea").heard()
    assert bob.type("/room").heard() == ["-- tea: everyone may enter", "-- its operators: none"]
    assert bob.type("/kick bob").heard() == ["!! only operators of the room may remove people from it"]


def test_a_person_who_was_removed_is_back_after_a_minute(house, alice, bob):
    alice.type("/kick bob  spam ")
    assert alice.heard() == ["#ops bob has been removed by alice (spam)"]
    assert bob.heard() == ["#ops bob has been removed by alice (spam)", "-- you now talk in lobby"]
    assert bob.type("/join ops").heard() == ["!! you may not enter ops: try again in 1 minute"]
    house.now += 61
    bob.type("/join ops")
    assert "ops" in bob.session.rooms


def test_an_invitation_lets_a_person_who_was_removed_in_at_once(house, alice, bob):
    alice.type("/kick bob", "/invite bob")
    assert "-- alice invites you to ops: /join ops" in bob.heard()
    bob.type("/join ops")
    assert "ops" in bob.session.rooms


def test_a_bar_holds_until_its_end_or_until_it_is_lifted(house, alice, bob):
    alice.type("/bar bob 10m spam")
    assert alice.heard() == [
        "#ops bob may not enter for 10 minutes, by alice (spam)",
        "#ops bob has been removed by alice (spam)",
    ]
    bob.heard()
    house.now += 599
    assert bob.type("/join ops").heard() == ["!! you may not enter ops: try again in 1 second"]
    house.now += 2
    bob.type("/join ops")
    assert "ops" in bob.session.rooms
    alice.type("/bar bob", "/unbar bob")
    bob.heard()
    bob.type("/join ops")
    assert "ops" in bob.session.rooms
    alice.heard()
    assert alice.type("/unbar bob").heard() == ["!! nobody keeps bob out of ops: /room shows whom"]


@pytest.mark.parametrize("act", ["bar", "quiet", "ban", "suspend"])
@pytest.mark.parametrize("lasts", ["99999999999999999d", "0d", "2w", "10"])
def test_a_duration_that_cannot_be_is_refused_and_is_no_reason_for_good(house, alice, olga, act, lasts):
    olga.type("/join ops").heard()
    register(house, "bob", "ops")
    olga.heard()
    assert olga.type(f"/{act} bob {lasts}").heard() == [
        f"!! {lasts} cannot be the time for which it lasts: give 90s, 10m, 2h or 7d, at most 36500d; "
        "or begin the reason with another word"
    ]
    assert not house.hub.decisions.rules["ops"].barred and not house.hub.decisions.rules["ops"].quieted
    assert not house.hub.decisions.bans.by_number
    assert house.hub.decisions.accounts.called("bob").suspended is None


def test_a_quiet_ends_by_itself_and_the_room_sees_both(house, alice, bob):
    alice.type("/quiet bob 10m")
    assert alice.heard() == ["#ops bob may not speak for 10 minutes, by alice"] == bob.heard()
    assert bob.type("hi").heard() == ["!! you may not speak in ops for 10 minutes more: /msg one of its operators"]
    assert bob.type("/msg alice please").heard() == ["[bob -> alice] please"]
    house.now += 601
    assert bob.type("hi").heard() == ["#ops bob: hi"]
    alice.type("/quiet bob", "/unquiet bob").heard()
    bob.heard()
    assert bob.type("hi").heard() == ["#ops bob: hi"]
    alice.heard()
    assert alice.type("/unquiet bob").heard() == ["!! nobody has forbidden bob to speak in ops: /room shows whom"]


def test_an_operator_sees_whom_the_rules_of_the_room_are_about(house, alice, bob):
    house.enter("carol", "ops")
    alice.heard()
    alice.type("/bar bob 2h", "/quiet carol", "/room private", "/invite dan").heard()
    house.enter("dan")
    alice.type("/invite dan").heard()
    assert alice.type("/room").heard() == [
        "-- ops: only invited people may enter, and others do not see it",
        "-- its operators: alice",
        "-- may not enter: bob (2 hours)",
        "-- may not speak: carol",
        "-- invited: dan (1 day)",
    ]


def test_a_rule_about_a_guest_who_registers_is_lifted_under_the_members_name(house, alice, bob):
    alice.type("/quiet bob")
    house.hub.members.register(Ask(bob.session), "four other words", lambda: None)
    house.settle()
    alice.heard()
    alice.type("/unquiet bob")
    bob.heard()
    assert bob.type("hi").heard() == ["#ops bob: hi"]


@pytest.mark.parametrize(
    "typed, heard",
    [
        (
            "/room secret",
            "!! type it like this: /room open|private|password|listen|topic|hidden; to enter another room: /join ROOM",
        ),
        ("/role bob king", "!! type it like this: /role ALIAS operator|host|member|admin|owner"),
        ("/role bob operator", "!! bob is a guest: only members can be operators, and /register makes one"),
        ("/role bob admin", "!! only owners may appoint admins"),
        ("/kick nobody", "!! nobody here is called nobody: /who * lists everyone"),
        ("/bar bob " + "x" * 201, "!! that reason has 201 characters, and may have 200: give it in fewer"),
        ("/ban bob", "!! only admins may see, make and lift bans"),
        ("/bans", "!! only admins may see, make and lift bans"),
        ("/unban 1", "!! only admins may see, make and lift bans"),
        ("/unban x", "!! type it like this: /unban N, the number of a ban: /bans lists them"),
        ("/guests off", "!! only admins may close the chat to guests"),
        ("/guests maybe", "!! type it like this: /guests on|off [WHY]"),
        ("/suspend bob", "!! only admins may suspend and restore members"),
        ("/restore bob", "!! only admins may suspend and restore members"),
        ("/audit", "!! only admins may read the server's log"),
    ],
)
def test_a_refusal_is_one_line_with_the_remedy(alice, bob, typed, heard):
    bob.heard()
    assert alice.type(typed).heard() == [heard]
    assert bob.heard() == []


def test_a_secret_in_a_reason_is_not_said(house, alice, bob):
    tokens = []
    house.hub.members.grant(Ask(alice.session), "token", "", tokens.append)
    house.settle()
    assert alice.type(f"/kick bob {tokens[0]}").heard()[0].startswith("!! that is a secret")
    assert bob.heard() == []


def test_roles_are_given_and_taken(house, alice, bob, olga):
    olga.type("/join ops").heard()
    alice.heard()
    assert olga.type("/role alice admin").heard() == ["-- alice is an admin now"]
    assert alice.type("/guests off a school").heard() == ["-- only members may come in: /guests on ends that"]
    assert olga.type("/role alice member").heard() == ["-- alice is a plain member now"]
    assert alice.type("/guests on").heard() == ["!! only admins may close the chat to guests"]
    assert olga.type("/role alice member").heard() == ["#ops alice is no operator here now, by olga"]
    alice.heard()
    assert alice.type("/kick bob").heard() == ["!! only operators of the room may remove people from it"]
    assert olga.type("/role olga member").heard() == ["!! you are the only owner: make another one first"]


def test_no_operator_acts_on_an_admin(house, alice, olga):
    olga.type("/join ops").heard()
    alice.heard()
    for typed in ("/kick olga", "/bar olga", "/quiet olga"):
        assert alice.type(typed).heard() == ["!! you may not do that to an owner"]
    assert alice.type("/invite olga").heard() == ["#ops olga is invited, by alice"]


def test_the_log_of_the_server_tells_each_act_once_and_in_order(house, alice, bob, olga):
    register(house, "dora")
    olga.type("/role alice admin", "/suspend dora 2h spam", "/restore dora", "/guests off", "/guests on")
    olga.type("/ban 192.0.2.0/24 7d guests spam", "/unban 99")
    number = house.hub.state.log.number
    olga.type(f"/unban {number}")
    olga.heard()
    assert olga.type("/audit 7").heard() == [
        "-- the server's log, from 5 on:",
        "olga has made alice an admin",
        "olga has suspended dora for 2 hours (spam)",
        "olga has restored dora",
        "olga has closed the chat to guests",
        "olga has opened the chat to guests",
        "olga has banned 192.0.2.0/24, guests only for 7 days (spam)",
        "olga has lifted the ban of 192.0.2.0/24",
        "-- that was the server's log",
    ]


def test_bans_are_listed_and_lifted(house, alice, olga):
    assert olga.type("/bans").heard() == ["-- nobody is banned"]
    assert olga.type("/ban alice 2h rude").heard() == [
        "-- alice is banned for 2 hours: /unban 4 ends that",
        "alice has left the chat room!",
    ]
    assert alice.session.gone
    house.now += 3600
    assert olga.type("/bans").heard() == ["-- 4 alice, by olga 1 hour ago, for 1 hour more (rude)"]
    assert olga.type("/unban 4").heard() == ["-- alice is banned no more"]
    assert log_in(house, "alice").session.alias == "alice"
    assert olga.type("/ban 127.0.0.1").heard() == ["!! that is this machine, which cannot be banned"]
    assert olga.type("/ban olga").heard() == ["!! that is you: nobody can ban themselves"]


def test_a_guest_on_this_machine_is_banned_by_alias_alone(house, bob, olga):
    assert olga.type("/ban bob").heard() == [
        "-- the address of bob cannot be banned, so only this alias is",
        "-- bob is banned: /unban 4 ends that",
        "bob has left the chat room!",
    ]
    assert bob.session.gone


def answer(house, person, secret):
    """Give the secret that a person was asked for; return what they are told."""
    try:
        person.answer(secret)
    except ChatError as error:
        person.session.refuse(error)
    house.settle()
    return person.heard()


def test_a_room_with_a_password_asks_for_it_on_a_line_of_its_own(house, alice):
    carol, dan = house.enter("carol"), register(house, "dan")
    assert alice.type("/room password").heard() == ["password?"]
    words = "#ops alice has changed the access: a password is asked from all but its operators"
    assert answer(house, alice, "tea for two") == [words]
    assert carol.type("/join ops").heard() == ["password?"]
    wrong = "!! that is not the password of ops: ask one of the people in it"
    assert answer(house, carol, "tea for me") == [wrong, "password?"]
    answer(house, carol, "tea for two")
    assert "ops" in carol.session.rooms
    alice.type("/invite dan")
    dan.type("/join ops")
    assert "ops" in dan.session.rooms
    assert "tea for two" not in str(list(house.hub.rooms["ops"].tail))


def test_a_program_gives_the_password_of_a_room_as_a_field(house, alice):
    request(alice, do="room", room="ops", access="password", password="tea for two")
    bob = house.enter("bob", view=JsonView())
    with pytest.raises(PasswordNeeded):
        request(bob, do="join", room="ops")
    with pytest.raises(WrongRoomPassword):
        request(bob, do="join", room="ops", password="tea for me")
    assert request(bob, do="join", room="ops", password="tea for two").room == "ops"


def test_passwords_of_a_room_cannot_be_tried_without_end(house, alice):
    request(alice, do="room", room="ops", access="password", password="tea for two")
    bob = house.enter("bob", view=JsonView())
    for _ in range(5):
        with pytest.raises(WrongRoomPassword):
            request(bob, do="join", room="ops", password="tea for me")
    with pytest.raises(TooManyTries):
        request(bob, do="join", room="ops", password="tea for two")


def test_no_password_of_a_room_is_taken_where_others_can_read_it(house, alice):
    bob = house.enter("bob", view=JsonView())
    request(alice, do="room", room="ops", access="password", password="tea for two")
    for person in (alice, bob):
        person.is_overheard = True
    with pytest.raises(Overheard):
        request(alice, do="room", room="ops", access="password", password="another one")
    with pytest.raises(Overheard):
        request(bob, do="join", room="ops", password="tea for two")
