"""Names that belong to somebody, over the line door: registered, asked for, given; and no secret said by a slip."""

from __future__ import annotations

import pytest

PASSWORD = "four simple words"
MEMBERS = "-- alice is a member's name: give the password, or an empty line for another alias\npassword?"
WRONG = "!! that secret is wrong or no longer valid for alice: try again, or choose another alias\n"
NOT_READ = "!! the line that you sent after it was not read\n"
HERE = "127.0.0.1"
WILL_ECHO, WONT_ECHO = b"\xff\xfb\x01", b"\xff\xfc\x01"
DO_ECHO, DONT_ECHO = b"\xff\xfd\x01", b"\xff\xfe\x01"


@pytest.fixture
def member(door):
    """Return a function that makes a member, who is here."""

    def make(alias="alice", host=HERE):
        one = door.enter(alias, HERE)
        one.send("/register\n", f"{PASSWORD}\n")
        assert one.read() == (
            f"password?-- {alias} is yours now: from another device, give this password after the alias\n"
        )
        return one

    return make


@pytest.fixture
def away(door, member):
    """Make alice a member, who has left; return bob, who is here and has read everything."""
    alice = member()
    alice.send("/quit\n")
    alice.lose()
    return door.enter("bob", HERE)


def log_in(door, alias="alice", secret=PASSWORD):
    one = door.connect(HERE).send(f"{alias}\n", f"{secret}\n")
    assert one.chat.session.alias == alias
    one.read()
    return one


# -- coming in


def test_a_members_alias_asks_for_the_password(door, away):
    alice = door.connect(HERE)
    assert alice.send("alice\n").read() == "alias?" + MEMBERS
    assert alice.send(f"{PASSWORD}\n").read().startswith("alice has connected to the chat room\nyou are now connected!")
    assert away.read() == "alice has connected to the chat room\n"


def test_a_wrong_password_asks_for_an_alias_again(door, away):
    alice = door.connect(HERE)
    alice.send("alice\n").read()
    assert alice.send("not that\n").read() == WRONG + "alias?"
    alice.send("carol\n").read()
    assert alice.send("carol\n").read().startswith("carol has connected")
    assert away.read() == "carol has connected to the chat room\n"


def test_a_password_that_is_typed_again_instead_of_an_alias_is_no_alias(door, away):
    alice = door.connect(HERE)
    alice.send("alice\n", "not that\n").read()
    assert alice.send("hunter22\n").read() == (
        "!! if that was a password, nobody has seen it: give the alias first. If it is the name that you want, "
        "type it once more\nalias?"
    )
    assert away.read() == ""
    assert alice.send("alice\n").read() == MEMBERS
    assert alice.send(f"{PASSWORD}\n").read().startswith("alice has connected to the chat room")


def test_after_a_wrong_password_a_guest_gives_the_alias_twice(door, away):
    guest = door.connect(HERE)
    guest.send("alice\n", "not that\n", "rolf\n").read()
    assert guest.send("rolf\n").read().startswith("rolf has connected to the chat room")


def test_an_empty_line_instead_of_the_password_is_for_another_alias(door, away):
    alice = door.connect(HERE)
    alice.send("alice\n").read()
    assert alice.send("\n").read() == "alias?"
    assert "you are now connected!" in alice.send("carol\n").read()


def test_the_same_name_in_other_letters_asks_too_and_a_lookalike_is_refused(door, away):
    other = door.connect(HERE)
    assert other.send("ALICE\n", "\n").read() == "alias?" + MEMBERS + "alias?"
    assert other.send("a1ice\n").read() == "!! a1ice looks like alice, a member: choose another alias\nalias?"


def test_the_password_may_come_in_the_packet_of_the_alias_and_nobody_hears_it(door, away):
    alice = door.connect(HERE).send(f"alice\n{PASSWORD}\nhello\n")
    assert "alice: hello" in alice.read()
    assert away.read() == "alice has connected to the chat room\nalice: hello\n"


def test_a_wrong_password_and_all_that_follows_in_its_packet_is_said_to_nobody(door, away):
    alice = door.connect(HERE).send("alice\nhunter2\nhello\n")
    assert alice.read() == "alias?" + MEMBERS + WRONG + NOT_READ + "alias?"
    assert away.read() == ""


def test_no_password_is_taken_where_others_can_read_it(door, away):
    alice = door.connect("192.0.2.9").send("alice\nhunter2\n")
    told = alice.read()
    assert told.startswith("alias?!! alice is a member's name, and others on the network could read its password here:")
    assert "alice K7QF-2M9P-XD4T (/code on another device shows one)\n" in told
    assert told.endswith(NOT_READ + "alias?")
    assert away.read() == ""


@pytest.mark.parametrize("written", ["alcie {}", "carol tct_" + "x" * 32, "alice tct_" + "x" * 32, "alice -"])
def test_words_behind_an_alias_mean_to_log_in_and_are_never_said(door, away, written):
    other = door.connect(HERE).send(written.format(PASSWORD) + "\nhi\n")
    told = other.read()
    alias = written.split()[0]
    nobodys = f"alias?!! {alias} is nobody's name: give it alone to come in as a guest\n"
    assert told == (("alias?" + WRONG if alias == "alice" else nobodys) + NOT_READ + "alias?")
    assert away.read() == ""
    assert other.chat.session.alias == ""


def test_words_behind_an_alias_are_no_alias_where_nobody_is_a_member(door):
    other = door.connect().send("two words\n")
    assert other.read().startswith("alias?!! that alias cannot be used: ")


def test_a_password_may_stand_behind_the_alias(door, away):
    assert "you are now connected!" in door.connect(HERE).send(f"alice {PASSWORD}\n").read()


@pytest.mark.parametrize(
    "secret", ["1-", "-", "x" * 8, "\0" * 8, "\0", "tct_", "tct_\0", "K7QF-2M9P-XD4T", "é" * 700, "/quit", "```"]
)
def test_a_secret_of_any_form_is_refused_in_one_line(door, away, secret):
    alice = door.connect(HERE).send("alice\n", f"{secret}\n")
    assert alice.read() == "alias?" + MEMBERS + WRONG + "alias?"
    assert away.read() == ""


def test_a_secret_that_is_too_long_is_refused_and_so_is_one_that_is_not_utf_8(door, away):
    alice = door.connect(HERE).send("alice\n", "x" * 5000 + "\n")
    assert alice.read().endswith("password?!! that line is longer than 4,096 bytes: send it in parts\nalias?")
    alice = door.connect(HERE).send("alice\n", b"\xff\xff\xff\n")
    assert "password?!! that line is not UTF-8" in alice.read()
    assert away.read() == ""


def test_a_password_is_the_same_however_its_letters_are_composed(door):
    alice = door.enter("alice", HERE)
    alice.send("/register\n", "caf\u00e9 caf\u00e9\n")
    assert "you are now connected!" in door.connect(HERE).send("alice\n", "cafe\u0301 cafe\u0301\n").read()


@pytest.mark.parametrize("end", ["\x04", None])
def test_the_end_of_the_input_instead_of_the_password_ends_the_connection(door, away, end):
    alice = door.connect(HERE).send("alice\n")
    alice.send(end) if end else alice.end()
    assert alice.is_closed
    assert away.read() == ""


def test_the_labs_client_is_told_that_a_members_alias_is_taken(door, away):
    lab = door.connect(HERE).send("alice")
    door.clock.advance(1)
    door.settle()
    assert lab.read() == "alias?!! alice is taken: choose another alias\n"


# -- two devices


def test_a_second_device_comes_in_unseen_and_hears_the_same(door, member):
    alice, bob = member(), door.enter("bob", HERE)
    alice.read()
    laptop = log_in(door)
    assert bob.read() == ""
    laptop.send("hi\n")
    assert alice.read() == bob.read() == "alice: hi\n"


# -- telnet


def telnet(door, alias="alice"):
    one = door.connect(HERE)
    one.send(f"{alias}\r\n")
    return one


def test_a_telnet_is_asked_not_to_show_the_password(door, away):
    alice = telnet(door)
    told = alice.transport.value()
    assert told.endswith(b"for another alias\r\n" + WILL_ECHO + b"password?")
    alice.transport.clear()
    alice.send(DO_ECHO, f"{PASSWORD}\r\n")
    told = alice.transport.value()
    assert told.startswith(WONT_ECHO + b"\r\nalice has connected to the chat room\r\n")
    alice.transport.clear()
    alice.send(DONT_ECHO, "hi\r\n")
    assert alice.transport.value() == b"alice: hi\r\n"


@pytest.mark.parametrize("answer", [DO_ECHO + DONT_ECHO, DONT_ECHO, b""])
def test_the_answers_of_a_telnet_may_come_late_or_never(door, away, answer):
    alice = telnet(door)
    alice.send("\r\n")
    alice.transport.clear()
    alice.send(answer + b"carol\r\n") if answer else alice.send("carol\r\n")
    assert alice.transport.value().startswith(b"carol has connected")


def test_a_telnet_that_asks_for_echo_unasked_is_refused_as_before(door):
    one = door.connect(HERE).send(DO_ECHO)
    assert one.transport.value() == b"alias?" + WONT_ECHO


# -- commands


def test_a_password_on_the_line_of_the_command_is_refused_unheard(door, member):
    bob = door.enter("bob", HERE)
    told = bob.send("/register hunter22\n").read()
    assert told == "!! type /register alone: the password is asked for on a line of its own\n"
    assert door.hub.decisions.accounts.called("bob") is None
    alice = member()
    told = alice.send("/password hunter22\n").read()
    assert told == "!! type /password alone: the password is asked for on a line of its own\n"


def test_nothing_is_registered_where_others_can_read_the_password(door):
    bob = door.enter("bob")
    told = bob.send("/register\nhunter22\n").read()
    assert told.startswith("!! others on the network can read what goes over this connection, so no secret may: ")


def test_after_a_password_that_cannot_be_used_the_next_line_is_another_and_an_empty_one_changes_nothing(door):
    bob, eve = door.enter("bob", HERE), door.enter("eve", HERE)
    told = bob.send("/register\n", "short\n").read()
    assert "password?!! that password cannot be used: it is too" in told
    assert told.endswith("\npassword?")
    assert bob.send("\n").read() == "-- you gave nothing, so nothing has changed\n"
    eve.read()
    assert (
        bob.send("/register\n", "short\n", f"{PASSWORD}\n")
        .read()
        .endswith("password?-- bob is yours now: from another device, give this password after the alias\n")
    )
    assert eve.read() == ""
    bob.send("/quit\n")
    bob = door.enter("bobby", HERE)
    assert bob.send("/register\n", "\n").read() == "password?-- you gave nothing, so nothing has changed\n"
    assert door.hub.decisions.accounts.called("bobby") is None
    assert bob.send("hi\n").read() == "bobby: hi\n"


def test_a_member_cannot_register_again(door, member):
    alice = member()
    assert alice.send("/register\n").read() == "!! alice is yours already: /password changes the password\n"


def test_a_new_password_ends_the_other_devices_and_the_old_one_opens_nothing(door, member):
    alice = member()
    laptop = log_in(door)
    told = alice.send("/password\n", "another password\n").read()
    assert told == "new password?-- your password is changed, and your other devices have to log in again\n"
    assert laptop.is_closed
    assert "you are logged out: alice has a new password" in laptop.read()
    assert alice.send("hi\n").read() == "alice: hi\n"
    other = door.connect(HERE).send("alice\n", f"{PASSWORD}\n")
    assert other.read().endswith(WRONG + "alias?")
    assert "you are now connected!" in other.send("alice\n", "another password\n").read()


def test_a_guest_has_no_password_to_change(door):
    bob = door.enter("bob", HERE)
    told = bob.send("/password\n").read()
    assert told == "!! bob is nobody's name yet: /register makes it yours\n"


# -- logging in later


def test_a_guest_logs_in_and_their_rooms_come_along(door, away):
    guest = door.enter("guest7", HERE)
    guest.send("/join ops\n")
    away.send("/join ops\n")
    away.read(), guest.read()
    assert guest.send("/login alice\n").read() == "password?"
    told = guest.send(f"{PASSWORD}\n").read().splitlines()
    assert told[:2] == ["alice has connected to the chat room", "you are now connected!"]
    assert "#ops alice has joined" in told
    assert away.read().splitlines() == [
        "guest7 has left the chat room!",
        "#ops guest7 has left!",
        "alice has connected to the chat room",
        "#ops alice has joined",
    ]
    guest.send("/join ops\n", "hi\n")
    assert away.read() == "#ops alice: hi\n"
    guest.send("/quit\n")
    assert guest.is_closed


def test_a_wrong_password_leaves_the_guest_as_they_are(door, away):
    guest = door.enter("guest7", HERE)
    told = guest.send("/login alice\n", "hunter22\n").read()
    assert told == "password?" + WRONG + "password?"
    away.read()
    assert guest.send("\n").read() == "-- you gave nothing, so nothing has changed\n"
    guest.send("hi\n")
    assert away.read() == "guest7: hi\n"


def test_a_wrong_password_may_be_followed_by_the_right_one(door, away):
    guest = door.enter("guest7", HERE)
    told = guest.send("/login alice\n", "hunter22\n", f"{PASSWORD}\n").read()
    assert told.startswith(f"password?{WRONG}password?alice has connected to the chat room\n")
    assert "hunter22" not in away.read()


# -- slips: a secret where no secret was asked for


@pytest.mark.parametrize("host", [HERE, "192.0.2.9"])
@pytest.mark.parametrize("who", ["guest", "member"])
@pytest.mark.parametrize(
    "command",
    ["/register", "/register now", "/password", "/login alice", "/login alcie", "/login", "/logn alice", "/regster"],
)
@pytest.mark.parametrize("together", [True, False])
def test_no_secret_that_is_sent_after_a_command_for_it_is_said(door, member, host, who, command, together):
    member("alice").send("/quit\n")
    eve = door.enter("eve", HERE)
    one = member("mel") if who == "member" and host == HERE else door.enter("mel", host)
    eve.read()
    one.send(f"{command}\n{PASSWORD}\nhi\n" if together else f"{command}\n{PASSWORD}", "\nhi\n")
    heard = eve.read()
    assert PASSWORD not in heard
    assert heard.endswith(": hi\n")


def test_a_password_that_is_given_twice_is_not_said(door):
    bob, eve = door.enter("bob", HERE), door.enter("eve", HERE)
    bob.read()
    told = bob.send(f"/register\n{PASSWORD}\n{PASSWORD}\nhi\n").read()
    assert "!! that was the secret again, and it was not said\n" in told
    assert eve.read() == "bob: hi\n"


def test_nobody_logs_in_as_a_guest_or_twice(door, away):
    guest = door.enter("guest7", HERE)
    told = guest.send("/login carol\n").read()
    assert told == "!! carol is nobody's name: give it alone to come in as a guest\n"
    alice = log_in(door)
    assert alice.send("/login alice\n").read() == "!! you are logged in as alice: /quit first\n"


def test_a_guest_who_wants_a_members_alias_is_told_how_to_log_in(door, away):
    told = away.send("/nick alice\n").read()
    assert told == "!! alice is a member's name: /login alice, or choose another alias\n"


def test_a_member_has_one_name(door, member):
    told = member().send("/nick carol\n").read()
    assert told == "!! you are alice, which is yours: /quit, and come in under another alias\n"


# -- the rooms of a member


def test_a_member_has_their_rooms_again_and_talks_in_the_first(door, member):
    alice, bob = member(), door.enter("bob", HERE)
    alice.send("/join ops\n", "/join dev\n", "/leave dev\n", "/quit\n")
    alice.lose()
    bob.send("/join ops\n")
    bob.read()
    alice = door.connect(HERE).send("alice\n", f"{PASSWORD}\n")
    assert alice.read().partition("password?")[2].splitlines()[:5] == [
        "alice has connected to the chat room",
        "you are now connected!",
        "-- 2 in lobby: bob, alice",
        "#ops alice has joined",
        "-- 2 in ops: bob, alice",
    ]
    assert bob.read() == "alice has connected to the chat room\n#ops alice has joined\n"
    alice.send("hi\n")
    assert bob.read() == "alice: hi\n"
    assert list(door.session("alice").rooms) == ["lobby", "ops"]


def test_the_rooms_of_a_member_are_theirs_on_each_device(door, member):
    alice, bob = member(), door.enter("bob", HERE)
    laptop = log_in(door)
    laptop.send("/join ops\n")
    bob.send("/join ops\n", "hi\n")
    assert alice.read().endswith("#ops bob: hi\n")
    guest = door.enter("guest7", HERE)
    guest.send("/join dev\n", "/login alice\n", f"{PASSWORD}\n")
    assert set(door.session("alice").rooms) == {"lobby", "ops", "dev"}


def test_a_room_that_was_left_elsewhere_is_not_entered_again(door, member):
    alice = member()
    alice.send("/join ops\n", "/join dev\n", "/leave ops\n")
    log_in(door)
    assert list(door.session("alice").rooms) == ["lobby", "dev"]


# -- lines to members who are away


def test_private_lines_to_a_member_who_is_away_are_given_once_when_they_come(door, away):
    told = away.send("/msg alice one\n/msg ALICE two\n").read().splitlines()
    assert told == [
        "[bob -> alice] one",
        "-- alice is away, and is given that on coming back",
        "[bob -> alice] two",
        "-- alice is away, and is given that on coming back",
    ]
    alice = door.connect(HERE).send("alice\n", f"{PASSWORD}\n")
    lines = alice.read().splitlines()
    begin = lines.index("-- 2 lines for you since you left:")
    assert lines[begin + 1 : begin + 3] == ["[bob -> alice] one", "[bob -> alice] two"]
    assert begin > lines.index("you are now connected!")
    alice.send("/reply yes\n")
    assert away.read().endswith("[alice -> bob] yes\n")
    other = door.connect(HERE).send("alice\n", f"{PASSWORD}\n")
    assert "for you since" not in other.read()
    away.send("/msg alice three\n")
    assert alice.read().endswith("[bob -> alice] three\n")
    for one in (alice, other):
        one.send("/quit\n")
        one.lose()
    assert "for you since" not in door.connect(HERE).send("alice\n", f"{PASSWORD}\n").read()


def test_private_lines_of_the_guest_before_are_not_given_to_the_member(door):
    first, bob = door.enter("alice", HERE), door.enter("bob", HERE)
    bob.send("/msg alice for the first one\n")
    first.send("/quit\n")
    first.lose()
    door.clock.advance(1)
    alice = door.enter("alice", HERE)
    alice.send("/register\n", f"{PASSWORD}\n", "/quit\n")
    alice.lose()
    assert "first one" not in door.connect(HERE).send("alice\n", f"{PASSWORD}\n").read()


def test_a_private_line_to_a_guest_who_is_away_is_refused_as_ever(door, away):
    guest = door.enter("guest7", HERE)
    guest.send("/quit\n")
    guest.lose()
    away.read()
    assert away.send("/msg guest7 hi\n").read().startswith("!! nobody here is called guest7")


# -- devices and tokens


def secret_in(line):
    return line.removeprefix("-- ").partition(" ")[0]


def test_a_code_lets_one_device_in_once_also_where_others_can_read_it(door, member):
    alice = member()
    code = secret_in(alice.send("/code\n").read())
    far = door.connect("192.0.2.9").send(f"alice {code}\n")
    assert "you are now connected!" in far.read()
    told = door.connect("192.0.2.9").send(f"alice {code}\n").read()
    assert told == "alias?" + WRONG + "alias?"
    assert far.send("/code\n").read().startswith("!! others on the network can read")


def test_a_token_acts_as_its_member_until_it_is_ended(door, member):
    alice = member()
    assert alice.send("/token\n").read() == "-- you have no token: /token NAME makes one\n"
    token = secret_in(alice.send("/token ci\n").read())
    script = door.connect(HERE).send(f"alice {token}\nhi\n")
    assert alice.read() == "alice: hi\n"
    assert alice.send("/token\n").read().startswith("-- ci, since ")
    assert alice.send("/token ci off\n").read() == "-- the token ci is valid no longer\n"
    assert script.is_closed
    assert door.connect(HERE).send(f"alice {token}\n").read() == "alias?" + WRONG + "alias?"
    assert token not in door.enter("bob").read()


def test_a_device_is_ended_from_another_one(door, member):
    alice, laptop = member(), log_in(door)
    alice.read()
    first, second, how = alice.send("/devices\n").read().splitlines()
    assert "this one, a terminal from 127.0.0.1" in first
    assert how == "-- /devices N off ends one"
    number = secret_in(second).rstrip(":")
    assert alice.send(f"/devices {number} off\n").read().startswith("-- ended: a terminal from 127.0.0.1")
    assert laptop.is_closed
    assert laptop.read() == "!! you are logged out: another device of yours has ended this one\n"
    assert alice.send("hi\n").read() == "alice: hi\n"
    mine = secret_in(first).rstrip(":")
    assert alice.send(f"/devices {mine} off\n").read() == "!! that is this device: /quit leaves\n"
    assert alice.send("/devices 999 off\n").read().startswith("!! type it like this: /devices N off")
