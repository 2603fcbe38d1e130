"""The ssh door without a terminal: lines in a pipe."""

from __future__ import annotations

from .in_memory import key


def test_a_guest_without_a_key_comes_in_under_the_user_name_without_any_question(door, ssh):
    bob = door.enter("bob")
    alice = ssh.shell("alice")
    assert "you are now connected!\n" in alice.read()
    alice.write("hello\n")
    assert alice.read() == "alice: hello\n"
    assert bob.read() == "alice has connected to the chat room\nalice: hello\n"


def test_the_key_of_the_log_in_is_named_to_its_owner(ssh):
    alice = ssh.shell("alice", key())
    assert f"-- you are known by the key {alice.chat.key.words}\n" in alice.read()
    assert alice.chat.key_fingerprint.startswith("SHA256:")


def test_the_end_of_the_input_is_the_end_and_all_answers_come_before_the_exit_status(door, ssh):
    alice = ssh.shell("alice")
    alice.read()
    alice.write("one\n/rooms\ntwo").end()
    assert alice.read() == "alice: one\n-- lobby * (1)\nalice: two\nalice has left the chat room!\n"
    assert (alice.status, alice.is_at_end, alice.is_closed) == (0, True, True)
    assert "alice" not in door.hub.aliases


def test_the_lines_of_a_pipe_are_no_alias_if_the_user_name_is_taken(door, ssh):
    door.enter("alice")
    alice = ssh.shell("alice")
    assert alice.read() == "!! alice is taken: choose another alias\nalias?"
    alice.write("hello\n").end()
    assert alice.read() == ""
    door.clock.advance(1)
    assert "the line that you sent after it was not read\n" in alice.read()
    assert alice.status == 1
    assert list(door.hub.aliases) == ["alice"]
