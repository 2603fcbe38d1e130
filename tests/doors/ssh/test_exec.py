"""Commands by ssh: one post, or one slash command, with an exit status."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import LineTooLong, SecretSaid
from twisted_chat.core.limits import Limits
from twisted_chat.doors.ssh.auth import fingerprint_of

from ...house import TurnJournal
from ...in_memory import Door
from ..members import Member
from .in_memory import SshDoorInMemory, key


def outcome(channel):
    return channel.status, channel.data.decode(), channel.errors.decode()


def test_a_post_is_said_in_its_room_and_the_status_is_0(door, ssh):
    bob = door.enter("bob").send("/join ops\n")
    bob.read()
    assert outcome(ssh.exec("say ops deploy done", "ci")) == (0, "", "")
    assert bob.read() == "#ops ci has joined\n#ops ci: deploy done\n" or "ci: deploy done" in bob.read()


def test_the_status_waits_until_the_journal_has_kept_it():
    journal = TurnJournal()
    door = Door(journal=journal)
    ssh = SshDoorInMemory(door)
    channel = ssh("ci").open().exec("say ops deploy done")
    for _ in range(6):
        assert channel.status is None
        journal.turn()
        channel.collect()
        if channel.status is not None:
            break
    assert channel.status == 0
    ssh.close()
    while journal.batch:
        journal.turn()


@pytest.mark.parametrize(
    "command, words",
    [
        ("say", "type it like this: say ROOM TEXT, or say ROOM with the text on standard input"),
        ("say @nobody hi", "nobody"),
        ("say !? hi", "room"),
        ("say ops " + "x" * 5000, "4,096"),
        ("roms", "did you mean /rooms?"),
        ("msg bob", "type it like this"),
        ("", "there is no command"),
        ("/register", "a command by ssh cannot ask for a secret"),
    ],
)
def test_a_refusal_is_one_line_on_standard_error_and_status_1(ssh, command, words):
    status, output, errors = outcome(ssh.exec(command, "ci"))
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert words in errors


def test_an_alias_of_somebody_else_is_refused(door, ssh):
    door.enter("alice")
    for command in ("say ops hi", "rooms"):
        assert outcome(ssh.exec(command, "alice", host="192.0.2.2")) == (
            1,
            "",
            "alice is taken: choose another alias\n",
        )


def test_a_user_name_that_is_no_alias_is_refused(ssh):
    for user in ("two words", "/quit", "", "\x1b[31m"):
        for command in ("say ops hi", "rooms"):
            status, output, errors = outcome(ssh.exec(command, user))
            assert (status, output) == (1, "")
            assert "alias" in errors
            assert errors.removesuffix("\n").isprintable()


def test_standard_input_is_said_as_one_block(door, ssh):
    bob = door.enter("bob")
    channel = ssh("ci").open().exec("say lobby")
    channel.write("one\n").write("  two\n")
    assert channel.status is None
    channel.end()
    assert outcome(channel) == (0, "", "")
    assert bob.read().splitlines()[-2:] == ["ci: one", "ci:   two"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\n", b"x" * 5000])
def test_a_standard_input_that_cannot_be_said_is_refused(ssh, data):
    channel = ssh("ci").open().exec("say lobby")
    if data:
        channel.write(data)
    channel.end()
    channel.collect()
    assert channel.status == 1
    assert channel.errors


def test_nobody_comes_in_to_say_a_code_while_it_is_valid():
    door = Door(private=["192.0.0.0/16"])
    ssh = SshDoorInMemory(door)
    code = Member(door).grant("code")
    bob = door.enter("bob")
    assert outcome(ssh.exec(f"say lobby my code is {code}", "ci"))[::2] == (1, f"{SecretSaid()}\n")
    assert bob.read() == ""
    ssh.close()
    door.close()


def test_an_endless_standard_input_ends_with_a_refusal(door, ssh):
    channel = ssh("ci").open().exec("say lobby")
    for _ in range(10_000):
        if channel.status is not None:
            break
        channel.write(b"x" * 30_000)
    assert channel.status == 1


def test_posts_in_quick_succession_are_one_visit(door, ssh):
    bob = door.enter("bob")
    for number in range(3):
        assert ssh.exec(f"say lobby {number}", "ci").status == 0
    assert bob.read() == "ci has connected to the chat room\nci: 0\nci: 1\nci: 2\n"
    door.clock.advance(door.limits.grace_seconds)
    assert bob.read() == "ci has left the chat room!\n"


def test_a_visit_ends_for_its_own_person_and_for_nobody_else(door, ssh):
    assert ssh.exec("say lobby hi", "ci", key()).status == 0
    assert ssh.exec("say lobby hi", "ci", key(number=1)).status == 1
    assert ssh.exec("say lobby hi", "ci").status == 1
    assert "ci is taken" in ssh.shell("ci", key(number=1)).read()
    assert "connected!" in ssh.shell("ci", key()).read()


def test_a_command_with_the_same_key_speaks_beside_the_person_in_the_chat(door, ssh):
    bob, alice = door.enter("bob"), ssh.shell("alice", key())
    bob.read(), alice.read()
    assert ssh.exec("say lobby from a script", "alice", key()).status == 0
    assert ssh.exec("rooms", "alice", key()).data.decode() == "-- lobby * (2)\n"
    assert ssh.exec("say lobby not me", "alice", key(number=1)).status == 1
    assert bob.read() == "alice: from a script\n"
    assert alice.read() == "alice: from a script\n"
    assert not alice.is_closed


def test_any_slash_command_answers_on_standard_output_and_nobody_sees_its_author(door, ssh):
    bob = door.enter("bob")
    for command in ("rooms", "/rooms", "  rooms  "):
        assert outcome(ssh.exec(command, "ci")) == (0, "-- lobby (1)\n", "")
    status, output, errors = outcome(ssh.exec("whois bob", "ci"))
    assert (status, errors) == (0, "") and "bob" in output
    assert bob.read() == ""


def test_a_command_can_speak_to_a_person(door, ssh):
    bob = door.enter("bob")
    assert outcome(ssh.exec("msg bob hi", "ci")) == (0, "", "")
    assert bob.read() == "[ci -> bob] hi\n"
    status, _output, errors = outcome(ssh.exec("msg carol hi", "ci"))
    assert status == 1 and "carol" in errors


def test_each_command_is_done_however_many_came_before_it(door, ssh):
    bob = door.enter("bob").send("/set moves off\n")
    bob.read()
    for author in ("ci", "ci", "carol"):
        assert ssh.exec("msg bob hi", author).status == 0
        assert ssh.exec("in lobby me waves", author).status == 0
        assert ssh.exec("all hello", author).status == 0
        assert bob.read() == f"[{author} -> bob] hi\n* {author} waves\n[{author} -> all] hello\n"


@pytest.mark.parametrize("command", ["in lobby me ", "in lobby say ", "msg bob ", "all "])
def test_a_command_is_no_longer_than_a_line_may_be(door, ssh, command):
    bob = door.enter("bob")
    most = door.limits.max_line
    assert outcome(ssh.exec(command + "x" * most, "ci")) == (1, "", str(LineTooLong(most)) + "\n")
    assert bob.read() == ""
    assert ssh.exec(command + "x" * (most - len("/me @bob ")), "ci").status == 0
    assert "xxx" in bob.read()


def test_lines_for_a_terminal_end_with_a_carriage_return(ssh):
    channel = ssh("ci").open().pty().exec("rooms")
    channel.collect()
    assert channel.data == b"-- lobby (0)\r\n"
    channel = ssh("ci").open().pty().exec("in lobby history 5")
    channel.collect()
    assert channel.data.count(b"\r\n") == channel.data.count(b"\n") > 1
    for command in ("nonsense", "say", "say !? hi"):
        channel = ssh("ci").open().pty().exec(command)
        channel.collect()
        assert channel.errors.endswith(b"\r\n") and channel.errors.count(b"\n") == 1


def test_a_post_at_a_terminal_needs_its_text_because_nothing_there_ends_the_input(ssh):
    channel = ssh("ci").open().pty().exec("say lobby")
    channel.collect()
    assert channel.status == 1
    assert b"type it like this: say ROOM TEXT" in channel.errors


def test_a_command_in_a_room_is_given_the_room(door, ssh):
    bob = door.enter("bob").send("/join ops\n", "one\n", "two\n")
    status, output, errors = outcome(ssh.exec("in ops history 50", "ci"))
    assert (status, errors) == (0, "")
    assert "#ops bob: one\n#ops bob: two\n" in output
    assert outcome(ssh.exec("in ops topic all is well", "ci"))[0] == 0
    assert "all is well" in bob.read()
    assert ssh.exec("history 50", "ci").status == 1
    assert ssh.exec("in", "ci").status == 1


def test_a_long_answer_comes_whole_through_a_small_window(door, ssh):
    bob = door.enter("bob")
    for number in range(50):
        bob.send(f"{number} {'x' * 500}\n")
    channel = ssh("ci").open(window=4000).exec("in lobby history 51")
    for _ in range(5):
        assert channel.status is None
        channel.widen(2000)
    assert not channel.is_closed
    for _ in range(20):
        channel.widen(4000)
    assert channel.status == 0
    assert channel.data.count(b"bob: ") == 50


def test_a_command_whose_client_goes_leaves_nobody(door, ssh):
    peer = ssh("ci")
    channel = peer.open(window=300)
    bob = door.enter("bob")
    for _ in range(20):
        bob.send("x" * 100 + "\n")
    channel.exec("in lobby history 20")
    assert channel.status is None
    peer.lose()
    assert list(door.hub.aliases) == ["bob"]


def test_a_post_is_refused_beyond_the_limits_of_an_address():
    door = Door(Limits(lines_at_once=3))
    ssh = SshDoorInMemory(door)
    statuses = [ssh.exec(f"say lobby {number}", "ci").status for number in range(20)]
    assert statuses[0] == 0
    assert statuses[-1] == 1
    ssh.close()
    door.close()


def test_a_command_that_is_no_utf_8_is_refused(ssh):
    channel = ssh("ci").open()
    assert channel.ask(b"exec", b"\0\0\0\2\xff\xfe") is False


def test_a_registered_key_speaks_as_its_member_whatever_the_user_name(door, ssh):
    member = Member(door)
    bob = door.enter("bob")
    member.peer.send(f"/key add {fingerprint_of(key(number=7).blob())}\n")
    bob.read(), member.peer.read()
    assert outcome(ssh.exec("say lobby done", "root", key(number=7))) == (0, "", "")
    assert bob.read() == member.peer.read() == "alice: done\n"
    assert outcome(ssh.exec("rooms", "root", key(number=7))) == (0, "-- lobby * (2)\n", "")
    assert outcome(ssh.exec("msg bob hi", "root", key(number=7)))[0] == 0
    assert bob.read() == "[alice -> bob] hi\n"
    for command in ("say lobby not me", "msg bob not me"):
        status, _output, errors = outcome(ssh.exec(command, "alice", key(number=8)))
        assert status == 1
        assert "member's name" in errors
    assert bob.read() == ""


def test_a_key_that_is_ended_speaks_for_nobody(door, ssh):
    member = Member(door)
    member.peer.send(f"/key add {fingerprint_of(key(number=7).blob())}\n")
    assert ssh.exec("rooms", "alice", key(number=7)).status == 0
    member.revoke_all()
    assert ssh.exec("rooms", "alice", key(number=7)).status == 1
    assert ssh.exec("say lobby hi", "alice", key(number=7)).status == 1


def test_commands_beyond_the_limits_of_an_address_wait_and_posts_beside_a_session_are_refused():
    door = Door(Limits(lines_at_once=3, lines_per_second=1, per_address=4))
    ssh = SshDoorInMemory(door)
    alice = ssh.shell("alice", key())
    alice.read()
    for number in range(4):
        ssh.exec(f"say lobby {number}", "alice", key())
    refused = ssh.exec("say lobby too much", "alice", key())
    assert refused.status == 1
    assert b"slow down" in refused.errors
    waits = ssh("bob", host="192.0.2.1").open().exec("rooms")
    assert waits.status is None
    door.clock.advance(10)
    waits.collect()
    assert waits.status == 0
    ssh.close()
    door.close()


def test_a_command_that_ends_its_session_succeeds(ssh):
    assert outcome(ssh.exec("quit", "ci")) == (0, "", "")
    status, output, errors = outcome(ssh.exec("help", "ci"))
    assert (status, errors) == (0, "")
    assert "/join" in output
