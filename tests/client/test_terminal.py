"""``twisted-chat`` on a terminal, as a person sees it."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import threading

import pexpect
import pytest

from ..fake_server import FakeServer
from ..processes import SCRIPTS, SECONDS, environment, free_port

pytestmark = pytest.mark.slow

COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3[0-7]|38|9[0-7])(?:;[\d;]*)?m")


class Person:
    """A person at a terminal of 80 columns."""

    def __init__(self, port, *options, **more):
        settings = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"} | more  # nobody here answers where the cursor is
        self.terminal = pexpect.spawn(
            str(SCRIPTS / "twisted-chat"),
            [f"127.0.0.1:{port}", *options],
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(24, 80),
            env=environment(**settings),
        )
        self.seen = ""

    def type(self, keys):
        self.terminal.send(keys)

    def sees(self, words):
        """Wait until some words have come, whatever their colours; they are looked for after those seen before."""
        between = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"
        letters = [r"(?: |\x1b\[1?C)" if letter == " " else re.escape(letter) for letter in words.rstrip()]
        self.terminal.expect(between.join(letters))
        self.seen += self.terminal.before + self.terminal.after

    def ends(self):
        """Wait until the program has ended; return its status."""
        self.terminal.expect(pexpect.EOF)
        self.seen += self.terminal.before
        self.terminal.close()
        return self.terminal.exitstatus


@pytest.fixture
def server(twistd):
    return twistd()


@pytest.fixture
def person():
    """Start the client on a terminal; it is ended with the test."""
    started = []

    def start(*arguments, **more):
        started.append(Person(*arguments, **more))
        return started[-1]

    yield start
    for one in started:
        one.terminal.close(force=True)


def test_the_alias_is_asked_for_and_again_when_it_is_refused(server, person):
    with server.connect("bob"):
        alice = person(server.port)
        alice.sees("Choose an alias >>> ")
        alice.type("bob\r")
        alice.sees("!! bob is taken: choose another alias")
        alice.sees("Choose an alias >>> ")
        alice.type("alice\r")
        alice.sees("you are now connected!")
        alice.sees("lobby> ")


def test_a_typed_line_is_shown_once_and_heard_by_others(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("hello, world")
        alice.sees("hello, world")
        alice.type("\r")
        bob.read_until("alice: hello, world\n")
        alice.sees("alice: hello, world")
        bob.send("the end\n")
        alice.sees("bob: the end")
        assert len(re.findall("hello, world\x1b?[^ ]*\r*\n", alice.seen)) == 1


def test_a_space_before_a_command_says_no_password(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("  /msg NickServ identify hunter2hunter2\r")
        alice.type("and then\r")
        bob.read_until("alice: and then\n")
        assert b"hunter2" not in bob.received


def test_lines_that_are_pasted_together_are_one_block(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("\x1b[200~if x:\n\n  /quit\n\x1b[201~")
        alice.sees("/quit")
        alice.type("\r")
        bob.read_until("alice: if x:\nalice: \nalice:   /quit\n")
        alice.type("still here\r")
        bob.read_until("alice: still here\n")


def test_the_half_typed_line_stays_while_others_talk(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("half a ")
        alice.sees("half a ")
        bob.send("one\x1b[2J\n")
        alice.sees("bob: one")
        alice.sees("lobby> half a ")
        alice.type("line\r")
        bob.read_until("alice: half a line\n")
        assert "\x1b[2J" not in alice.seen


def test_tab_completes_commands_rooms_and_aliases(server, person):
    with server.connect("barbara") as barbara:
        barbara.send("/join kitchen\n")
        barbara.read_until("in kitchen:")
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("/jo\t")
        alice.sees("/join ")
        alice.type("ki\tx\x7f\r")
        alice.sees("#kitchen alice has joined")
        alice.sees("kitchen> ")
        alice.type("bar\thi\r")
        barbara.read_until("#kitchen alice: barbara: hi\n")


def test_ctrl_c_clears_the_line_and_then_tells_how_to_leave(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("wrong")
        alice.sees("wrong")
        alice.type("\x03right\r")
        bob.read_until("alice: right\n")
        alice.type("\x03")
        alice.sees("Ctrl-D or /quit leaves")


@pytest.mark.parametrize(
    "keys",
    ["\x04", "/quit\r", "/QUIT bye\r", "/logout bye\r"],
    ids=["Ctrl-D", "/quit", "/quit with words", "another name"],
)
def test_typing_quit_or_ctrl_d_leaves(server, person, keys):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type(keys)
        assert alice.ends() == 0
        bob.read_until("alice has left the chat room!")
        assert "Traceback" not in alice.seen


def test_a_signal_leaves_and_gives_the_terminal_back(server, person):
    alice = person(server.port, "--alias", "alice")
    alice.sees("lobby> ")
    alice.terminal.kill(signal.SIGTERM)
    assert alice.ends() == 128 + signal.SIGTERM
    assert alice.seen.rindex("\x1b[?2004l") > alice.seen.rindex("\x1b[?2004h")  # bracketed paste is off
    assert "Traceback" not in alice.seen


def test_a_room_can_be_entered_instead_of_the_lobby(server, person):
    with server.connect("bob") as bob:
        bob.send("/join ops\nbefore\n")
        bob.read_until("#ops bob: before\n")
        alice = person(server.port, "--alias", "alice", "--room", "ops")
        alice.sees("last said in ops:")
        alice.sees("#ops bob: before")
        alice.sees("#ops alice has joined")
        alice.sees("2 in ops: bob, alice")
        alice.sees("ops> ")
        bob.send("/who lobby\n")
        bob.read_until(" in lobby")
        assert "alice" not in bob.read_until("\n")


def test_an_error_is_red_and_private_lines_are_marked(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("/nonsense\r")
        alice.sees("!! there is no command /nonsense")
        assert "\x1b[0;1;31m!!" in alice.seen or COLOUR.search(alice.seen[alice.seen.rindex("!!") - 20 :])
        bob.send("/msg alice psst\n/all hear\n")
        alice.sees("[bob -> alice] psst")
        alice.sees("[bob -> all] hear")


def test_no_color_switches_colours_off(server, person):
    with server.connect("bob") as bob:
        alice = person(server.port, "--alias", "alice", NO_COLOR="1")
        alice.sees("lobby> ")
        bob.send("hi\n/msg alice psst\n")
        alice.sees("[bob -> alice] psst")
        alice.type("/nonsense\r")
        alice.sees("!! there is no command")
        alice.type("\x04")
        alice.ends()
        assert not COLOUR.search(alice.seen)


def test_colours_are_on_by_default(server, person):
    alice = person(server.port, "--alias", "alice")
    alice.sees("lobby> ")
    alice.type("hi\r")
    alice.sees("alice: hi")
    assert COLOUR.search(alice.seen)


def test_it_resumes_after_the_server_was_away(twistd, person):
    port = free_port()
    listen = ("--listen", f"tcp:{port}:interface=127.0.0.1")
    server = twistd(*listen)
    alice = person(port, "--alias", "alice")
    alice.sees("lobby> ")
    alice.type("/join ops\r")
    alice.sees("ops> ")
    alice.type("half a ")
    alice.sees("half a ")
    server.close()
    alice.sees("-- the connection is lost")
    alice.sees("trying again in")
    alice.sees("(offline) ops> half a ")
    server = twistd(*listen)
    alice.sees("connected again, as alice")
    with server.connect("bob") as bob:
        bob.send("/join ops\n")
        bob.read_until("in ops: alice, bob")
        alice.type("line\r")
        bob.read_until("#ops alice: half a line\n")
        bob.send("/who lobby\n")
        assert "alice" in bob.read_until("\n")


class Cable:
    """Carries one connection at a time to a server, until it is cut; then it can be mended."""

    def __init__(self, port):
        self.port = free_port()
        self._server_port = port
        self._ends = []

    def mend(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._carry, args=(self._listener,), daemon=True).start()

    def cut(self):
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _carry(self, listener):
        with contextlib.suppress(OSError):
            near, _address = listener.accept()
            far = socket.create_connection(("127.0.0.1", self._server_port))
            self._ends = [near, far]
            threading.Thread(target=self._copy, args=(far, near), daemon=True).start()
            self._copy(near, far)

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)


def test_lines_said_during_a_cut_are_shown_and_nothing_twice(server, person):
    cable = Cable(server.port)
    cable.mend()
    with server.connect("bob") as bob:
        bob.send("/join ops\n")
        alice = person(cable.port, "--alias", "alice", "--room", "ops")
        alice.sees("ops> ")
        bob.send("one\ntwo\n")
        alice.sees("#ops bob: two")
        cable.cut()
        alice.sees("trying again in")
        bob.send("three\n/ping x\n")
        bob.read_until("pong x")
        cable.mend()
        alice.sees("connected again, as alice")
        alice.sees("back in ops at ")
        alice.sees(" missed")
        alice.sees("#ops bob: three")
        assert COLOUR.sub("", alice.seen).count(": two") == 1
        bob.send("/who lobby\nfour\n")
        assert "alice" not in bob.read_until("#ops bob: four").partition("in lobby")[2]
        alice.sees("#ops bob: four")
        cable.cut()


def test_lines_that_are_typed_while_the_server_is_away_are_marked_and_sent_on_return(server, person):
    cable = Cable(server.port)
    cable.mend()
    with server.connect("bob") as bob:
        alice = person(cable.port, "--alias", "alice")
        alice.sees("lobby> ")
        cable.cut()
        alice.sees("the connection is lost")
        alice.type("later\r")
        alice.sees("… later")
        alice.type("/me waves\r")
        alice.sees("… /me waves")
        alice.sees("(offline) lobby> ")
        cable.mend()
        bob.read_until("alice: later\n* alice waves\n")
        alice.sees("alice: later")
        alice.sees("* alice waves")
        cable.cut()


def test_unsent_lines_are_listed_on_leaving(server, person):
    alice = person(server.port, "--alias", "alice")
    alice.sees("lobby> ")
    server.close()
    alice.sees("the connection is lost")
    alice.type("later\r")
    alice.sees("… later")
    alice.type("\x04")
    assert alice.ends() == 1
    assert "it is unknown whether this was said: later" in alice.seen


def test_the_alias_is_asked_for_where_somebody_else_has_it_after_a_cut(person):
    with contextlib.closing(FakeServer()) as fake:
        alice = person(fake.port, "--alias", "alice")
        alice.sees("lobby> ")
        fake.taken.add("alice")
        fake.cut()
        alice.sees("alice is taken")
        alice.sees("Choose an alias >>> ")
        alice.type("al\r")
        alice.sees("connected again, as al")
        alice.type("\x04")
        assert alice.ends() == 0


def test_the_history_is_shown_again(server, person):
    with server.connect("bob") as bob:
        bob.send("before\n/ping x\n")
        bob.read_until("pong x")
        alice = person(server.port, "--alias", "alice")
        alice.sees("lobby> ")
        alice.type("/history 3\r")
        alice.sees("lobby, from 1 on:")
        alice.sees("bob: before")
        alice.sees("that was lobby")


def test_no_server_at_the_start_is_status_1(person):
    alice = person(free_port(), "--alias", "alice")
    assert alice.ends() == 1
    assert "nothing listens there" in alice.seen
