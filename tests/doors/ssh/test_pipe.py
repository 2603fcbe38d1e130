"""The ssh door without a terminal: lines in a pipe."""

from __future__ import annotations

from twisted_chat.core.limits import Limits

from ...in_memory import Door
from .in_memory import SshDoorInMemory, key


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


def test_the_same_key_takes_the_old_session_over(door, ssh):
    bob, old = door.enter("bob"), ssh.shell("alice", key())
    old.read(), bob.read()
    new = ssh.shell("alice", key())
    assert "connected!" in new.read()
    old.collect()
    assert old.is_closed
    assert bob.read() == "alice has left the chat room!\nalice has connected to the chat room\n"
    other = ssh.shell("alice", key(number=1))
    assert "alice is taken" in other.read()


def test_a_user_name_that_is_no_alias_gets_the_question(ssh):
    for user in (b"", b"/quit", b"two words", b"\xff\xfe", b"\x1b[2J"):
        alice = ssh("x", host="192.0.2.50")
        alice.server.caller = alice.server.caller._replace(user=user.decode("utf-8", "ignore"))
        channel = alice.open().shell()
        assert channel.read() == "alias?"
        alice.lose()


def test_a_person_answers_the_question_after_a_moment(door, ssh):
    door.enter("alice")
    alice = ssh.shell("alice")
    door.clock.advance(1)
    alice.write("alice2\nhello\n")
    assert alice.read().endswith("alice2: hello\n")


def test_the_server_says_goodbye_at_its_end_and_the_connection_ends(door, ssh):
    alice, idle = ssh.shell("alice"), ssh("bob")
    new, unused = ssh.connect(), ssh("carol").open()
    says = ssh("dave").open().exec("say lobby")
    alice.read()
    ended = []
    door.premises.close_all().addCallback(lambda _: ended.append(True))
    alice.collect()
    assert alice.data.decode() == "-- the server is stopping: goodbye\n"
    assert not alice.peer.is_closed, "the client has not written its output yet"
    says.collect(), unused.collect()
    assert says.errors == b"the server is stopping: this was not said\n"
    assert (says.status, unused.status) == (1, 1)
    door.clock.advance(door.limits.lingering_seconds)
    for peer in (alice.peer, idle, new, says.peer, unused.peer):
        peer.pump()
        assert "the server is stopping" in peer.client.disconnected
        assert peer.is_closed
    assert ended


def test_a_sign_of_life_is_sent_and_one_that_is_not_answered_is_not_repeated(door, ssh):
    alice = ssh.shell("alice")
    alice.read()
    for _ in range(3):
        door.clock.advance(60)
        alice.collect()
    assert [number for number, _payload in alice.others] == [80]
    alice.peer.send(82)
    door.clock.advance(60)
    alice.collect()
    assert [number for number, _payload in alice.others] == [80, 80]


def test_a_connection_beyond_the_limit_gets_the_reason():
    small = Door(Limits(per_address=1))
    ssh = SshDoorInMemory(small)
    first, second = ssh.connect(), ssh.connect()
    assert second.client.disconnected.startswith("too many connections from your address")
    first.lose()
    assert ssh.connect().client.sessionID
    ssh.close()
    small.close()


def test_a_fault_of_ours_ends_one_connection(ssh, logged_failures):
    alice, bob = ssh.shell("alice"), ssh.shell("bob")
    alice.read(), bob.read()
    alice.chat._take_chunk = lambda data: 1 / 0
    alice.write("hello\n")
    assert "sorry" in alice.read()
    assert alice.status == 1
    logged_failures()
    bob.read()
    assert bob.write("hello\n").read() == "bob: hello\n"
