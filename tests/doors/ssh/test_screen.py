"""A person at a terminal over ssh, in memory: what they see on it."""

from __future__ import annotations

import struct

import pytest

from twisted_chat.doors.ssh.screen import AT_ONCE

from ...terminal import Terminal
from ..members import PASSWORD, Member
from .in_memory import NS, key

ENTER = "\r"


class AtTerminal:
    """A client with a terminal in the chat."""

    def __init__(self, ssh, user="alice", own=None, host="192.0.2.1", size=(60, 12), term=b"xterm"):
        self.terminal = Terminal(*size)
        self.channel = ssh(user, own, host).open().pty(*size, term).shell()

    @property
    def chat(self):
        return self.channel.chat

    def types(self, *pieces):
        for piece in pieces:
            self.channel.write(piece)
        return self

    @property
    def sees(self):
        """Return the rows of the terminal."""
        self.channel.collect()
        data, self.channel.data = self.channel.data, b""
        self.terminal.write(data)
        return self.terminal.rows

    @property
    def row(self):
        assert self.sees
        return self.terminal.current

    def resizes(self, columns, rows):
        self.terminal.resize(columns, rows)
        assert self.channel.ask(b"window-change", struct.pack(">4L", columns, rows, 0, 0), wants_reply=True)


@pytest.fixture
def alice(ssh):
    return AtTerminal(ssh)


def test_a_person_comes_in_and_has_the_room_before_the_row(alice):
    assert "you are now connected!" in alice.sees
    assert alice.row == "lobby>"


def test_a_line_is_heard_by_others_and_stands_above_the_row(door, alice):
    bob = door.enter("bob")
    alice.types("hello", ENTER)
    assert bob.read() == "alice: hello\n"
    assert alice.sees[-2:] == ["alice: hello", "lobby>"]


def test_a_line_arrives_above_a_half_typed_one(door, alice):
    bob = door.enter("bob")
    alice.types("half a li")
    bob.send("hi there\n")
    assert alice.sees[-2:] == ["bob: hi there", "lobby> half a li"]
    assert alice.types("ne", ENTER).sees[-2:] == ["alice: half a line", "lobby>"]


def test_names_have_colours_and_set_colour_off_ends_them(door, alice):
    door.enter("bob").send("hi\n")
    door.enter("carl").send("hi\n")
    alice.channel.collect()
    assert b"mcarl\x1b[0m: hi\r\n" in alice.channel.data
    alice.types("/set colour off", ENTER)
    assert alice.sees
    door.enter("dora").send("hi\n")
    alice.channel.collect()
    assert b"dora: hi\r\n" in alice.channel.data


def test_the_bell_rings_for_lines_that_concern_them(door, alice):
    bob = door.enter("bob")
    assert alice.sees
    before = alice.terminal.bells
    bob.send("hello\n")
    assert alice.sees and alice.terminal.bells == before
    bob.send("/msg alice psst\n")
    assert alice.sees and alice.terminal.bells == before + 1


def test_the_row_shows_the_room_that_they_are_in(alice):
    assert alice.types("/join ops", ENTER).row == "ops>"
    assert alice.types("/leave", ENTER).row == "lobby>"


def test_a_paste_of_several_lines_is_a_block_and_no_command(door, alice):
    bob = door.enter("bob")
    alice.types("\x1b[200~one\r/quit\r```\rtwo\x1b[201~")
    assert bob.read() == ""
    alice.types(ENTER)
    assert bob.read() == "alice: one\nalice: /quit\nalice: ```\nalice: two\n"
    assert alice.types("after", ENTER).sees[-2:] == ["alice: after", "lobby>"]


def test_a_block_with_a_secret_is_refused_whole(door, alice):
    bob = door.enter("bob")
    alice.types("\x1b[200~one\rtct_" + "x" * 32 + "\x1b[201~", ENTER)
    assert bob.read() == ""
    assert any(line.startswith("!! ") for line in alice.sees)


def test_tab_completes_commands_rooms_and_aliases(door, alice):
    door.enter("bob").send("/join operations\n")
    assert alice.types("/joi\t").row == "lobby> /join"
    assert alice.types("op\t").row == "lobby> /join operations"
    assert alice.types("\x15bo\t").row == "lobby> bob:"
    assert alice.types("\x15al\t").row == "lobby> al"


def test_a_private_room_is_not_completed_for_others(door, alice):
    olga = Member(door, "olga")
    olga.peer.send("/join opaque\n")
    olga.peer.send("/room private\n")
    assert alice.types("/join op\t").row == "lobby> /join op"


def test_another_size_of_the_terminal_is_obeyed(alice):
    alice.types("abcdefghijklmnopqrstuvwxyz")
    alice.resizes(20, 12)
    assert alice.row.endswith("xyz")
    assert len(alice.row) < 20
    alice.resizes(60, 12)
    assert alice.types("\x01").row == "lobby> abcdefghijklmnopqrstuvwxyz"


def test_control_d_on_an_empty_row_leaves_and_the_terminal_is_as_before(door, alice):
    alice.types("\x04")
    assert alice.sees[-1] == "alice has left the chat room!"
    assert alice.terminal.written[-1].endswith(b"\x1b[?2004l")
    assert (alice.channel.status, alice.channel.is_closed) == (0, True)
    assert "alice" not in door.hub.aliases


def test_quit_leaves(door, alice):
    alice.types("/quit", ENTER)
    assert alice.sees and alice.channel.status == 0
    assert "alice" not in door.hub.aliases


def test_the_goodbye_of_a_server_that_stops_stands_alone(door, alice):
    alice.types("half")
    door.premises.close_all()
    door.settle()
    assert alice.sees[-1] == "-- the server is stopping: goodbye"


def test_if_the_user_name_is_taken_another_alias_is_asked_for_in_the_row(door, ssh):
    door.enter("alice")
    alice = AtTerminal(ssh)
    assert alice.sees[-2:] == ["!! alice is taken: choose another alias", "alias?"]
    alice.types("alicia", ENTER)
    assert "alicia" in door.hub.aliases
    assert alice.row == "lobby>"
    assert alice.types("\x1b[A").row == "lobby>"  # an alias is no line to say again


def test_a_member_without_a_registered_key_is_asked_for_the_password_and_it_is_not_shown(door, ssh):
    Member(door, "alice").leave()
    alice = AtTerminal(ssh)
    assert alice.row == "password?"
    alice.types(PASSWORD)
    assert alice.row == "password? " + "*" * len(PASSWORD)
    alice.types(ENTER)
    assert alice.row == "lobby>"
    assert door.session("alice").person.account is not None
    assert PASSWORD.encode() not in b"".join(alice.terminal.written)
    assert alice.types("\x1b[A").row == "lobby>"


def test_a_wrong_password_asks_again_and_an_empty_one_for_another_alias(door, ssh):
    Member(door, "alice").leave()
    alice = AtTerminal(ssh)
    alice.types("wrong word", ENTER)
    assert alice.row == "alias?"
    alice.types("alice", ENTER)
    assert alice.row == "password?"
    assert alice.types(ENTER).row == "alias?"


def test_a_secret_that_is_typed_ahead_of_its_question_is_not_shown(door, ssh):
    alice = AtTerminal(ssh, size=(120, 12))
    assert alice.sees
    alice.types(f"/register\r{PASSWORD}\r")
    assert "-- alice is yours now: from another device, give this password after the alias" in alice.sees
    assert PASSWORD.encode() not in b"".join(alice.terminal.written)
    assert alice.types("\x1b[A").row == "lobby> /register"


def test_a_registered_key_opens_its_account_whatever_the_user_name(door, ssh):
    member = Member(door, "alice")
    own = key(number=7)
    added = AtTerminal(ssh, "root", own)
    fingerprint = added.chat.key_fingerprint
    added.types("\x04")
    assert "root" not in door.hub.aliases
    member.peer.send(f"/key add {fingerprint}\n")
    for user in ("alice", "root", "bob", "not an alias"):
        came = AtTerminal(ssh, user, own)
        assert came.row == "lobby>", user
        assert came.chat.session.alias == "alice"
        assert came.chat.session.person.account is not None
    assert list(door.hub.aliases) == ["alice"]
    stranger = AtTerminal(ssh, "alice", key(number=8))
    assert stranger.row == "password?"


def test_a_member_adds_the_key_by_which_they_are_connected(door, ssh):
    own = key(number=7)
    alice = AtTerminal(ssh, "alice", own, size=(120, 20))
    alice.types("/register\r", f"{PASSWORD}\r", "/key add\r")
    assert (
        f"-- the key {alice.chat.key_fingerprint} opens alice from now on: /devices lists it and ends it" in alice.sees
    )
    again = AtTerminal(ssh, "someone", own)
    assert again.chat.session.alias == "alice"


def test_a_terminal_that_obeys_no_sequences_gets_plain_lines(door, ssh):
    alice = ssh("alice").open().pty(80, 24, b"dumb").shell()
    assert "\x1b" not in alice.read()
    alice.write("hi\r")
    assert alice.read() == "alice: hi\r\n"


def test_keys_from_a_file_are_obeyed_before_its_end(door, ssh):
    bob = door.enter("bob")
    alice = AtTerminal(ssh)
    alice.types("".join(f"line {count}\n" for count in range(3)))
    alice.channel.end()
    door.clock.advance(1)
    assert "alice: line 2\n" in bob.read()
    assert alice.sees and alice.channel.status == 0


def test_a_reader_who_stops_reading_types_no_more_until_they_read_on(door, ssh):
    """Their row would be drawn for each key, into a window that is closed."""
    terminal = Terminal(60, 12)
    channel = ssh("alice").open(window=2000).pty(60, 12).shell()
    chat = channel.chat
    bob = door.enter("bob")
    for count in range(40):
        bob.send(f"line {count} {'x' * 60}\n")
    assert not chat._outbox.keeps_up
    channel.write(b"\x1b[D" * 5000)
    door.settle()
    assert chat._channel.outbox._size < 4000
    assert chat._typed
    for _ in range(60):
        channel.widen(20_000)
        channel.collect()
        door.settle()
    assert not chat._typed
    terminal.write(channel.data)
    assert terminal.current == "lobby>"
    assert "bob: line 39 " in "\n".join(terminal.rows)


def test_a_window_that_changes_all_the_time_costs_a_reader_who_stops_reading_one_row(door, ssh):
    channel = ssh("alice").open(window=2000).pty(300, 12).shell().write("x" * 290)
    for count in range(500):
        channel.peer.client.sendPacket(
            98, struct.pack(">L", channel.there) + NS(b"window-change") + b"\0" + struct.pack(">4L", 300, count, 0, 0)
        )
        channel.peer.pump()
    chat = channel.chat
    assert not chat._outbox.keeps_up
    assert chat._channel.outbox._size < 1000
    channel.ask(b"window-change", struct.pack(">4L", 40, 12, 0, 0))
    channel.read()
    channel.widen(20_000)
    terminal = Terminal(40, 12)
    terminal.write(channel.read().encode())
    assert terminal.current == "lobby> " + "x" * 16, "the row is drawn for the last size, once it is read"


def test_a_flood_of_keys_gives_others_their_turn(door, alice):
    calls = []
    chat, original = alice.chat, alice.chat._obey
    chat._obey = lambda typed: (calls.append(len(typed)), original(typed))
    alice.types(b"\x1b[D" * 3000)
    door.settle()
    assert sum(calls) == 9000
    assert max(calls) <= AT_ONCE


def test_a_request_for_another_terminal_is_refused(alice):
    assert not alice.channel.ask(b"pty-req", NS(b"xterm") + struct.pack(">4L", 10, 10, 0, 0) + NS(b"\0"))
