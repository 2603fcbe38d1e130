"""Members who come with the bundled client: a password that nobody sees, tokens for scripts, and the library."""

from __future__ import annotations

import asyncio
import json
import re

import pexpect
import pytest

from twisted_chat.client import Refused, connect
from twisted_chat.client.app.stored_tokens import FOLDER

from ..processes import SCRIPTS, SECONDS, environment, run

PASSWORD = "four simple words"


@pytest.fixture
def server(twistd):
    """A server on which alice is a member."""
    server = twistd()
    with server.connect("alice") as alice:
        alice.send("/register\n")
        alice.read_until("password?")
        alice.send(f"{PASSWORD}\n")
        alice.read_until("is yours now")
        alice.send("/token ci\n")
        server.token = alice.read_until(" acts as alice").split()[-4]
    return server


def at(server):
    return f"127.0.0.1:{server.port}"


def pipe(server, *options, **variables):
    return run(
        SCRIPTS / "twisted-chat", *options, "--alias", "alice", "--patience", "0", at(server), given="hi\n",
        env=environment(**variables),
    )  # fmt: skip


def log_in_once(runs):
    """Log in at a terminal, which stores a token of its own, and leave."""
    child = runs.start("alice")
    child.expect_exact("password?")
    child.sendline(PASSWORD)
    child.expect_exact("/help shows")
    runs.leave(child)


def test_a_script_logs_in_with_the_token_in_a_file_or_in_the_environment(server, tmp_path):
    file = tmp_path / "token"
    file.write_text(server.token + "\n")
    file.chmod(0o600)
    with server.connect("bob") as bob:
        assert pipe(server, "--token-file", file) == (0, "", "")
        bob.read_until("alice: hi\n")
        assert pipe(server, TWISTED_CHAT_TOKEN=server.token) == (0, "", "")
        bob.read_until("alice: hi\n")
        status, _out, told = pipe(server)
        assert (status, "alice is a member's name" in told) == (3, True)
        assert told.count("\n") == 1
        assert "a script logs in with --token-file FILE" in told
        status, _out, told = pipe(server, TWISTED_CHAT_TOKEN="tct_" + "x" * 32)
        assert (status, "wrong or no longer valid" in told) == (3, True)
        assert "alice: hi" not in bob.read_pong()
    file.chmod(0o644)
    status, _out, told = pipe(server, "--token-file", file)
    assert (status, "chmod 600" in told) == (2, True)


def test_a_pipe_asks_for_no_password_even_on_a_terminal(server):
    child = pexpect.spawn(
        str(SCRIPTS / "twisted-chat"), ["--listen", "--alias", "alice", "--patience", "0", at(server)],
        encoding="utf-8", timeout=SECONDS, env=environment(TERM="xterm"),
    )  # fmt: skip
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3
    (told,) = child.before.splitlines()
    assert "alice is a member's name" in told
    assert "--token-file FILE" in told


def test_a_password_in_the_terminal_is_not_shown(server):
    child = pexpect.spawn(
        str(SCRIPTS / "twisted-chat"), ["--no-store", "--alias", "alice", at(server)], encoding="utf-8",
        timeout=SECONDS, env=environment(TERM="xterm"),
    )  # fmt: skip
    shown = child.logfile_read = Shown()
    child.expect_exact("password?")
    child.sendline("not that one")
    child.expect_exact("wrong or no longer valid")
    child.expect_exact("Choose an alias")
    child.sendline("alice")
    child.expect_exact("password?")
    child.sendline(PASSWORD)
    child.expect_exact("you are now connected!")
    child.sendline("/whois alice")
    child.expect_exact("alice is in lobby")
    child.close(force=True)
    assert PASSWORD not in shown.text
    assert "not that one" not in shown.text


def test_after_a_log_in_by_password_the_next_start_asks_for_none(server, tmp_path):
    shown, folder = Shown(), tmp_path / FOLDER

    def start(*options):
        child = pexpect.spawn(
            str(SCRIPTS / "twisted-chat"), ["--alias", "alice", *options, at(server)], encoding="utf-8",
            timeout=SECONDS, env=environment(TERM="xterm", XDG_CONFIG_HOME=str(tmp_path)),
        )  # fmt: skip
        child.logfile_read = shown
        return child

    def is_asked(child):
        asked = child.expect_exact(["you are now connected!", "password?"])
        if asked:
            child.sendline(PASSWORD)
            child.expect_exact("you are now connected!")
        child.expect_exact("/help shows")
        return bool(asked)

    def leave(child):
        child.sendline("/quit")
        child.expect(pexpect.EOF)
        child.close()

    for options, asks in ((["--no-store"], True), ([], True), ([], False), (["--no-store"], True)):
        child = start(*options)
        assert is_asked(child) is asks
        leave(child)
    (file,) = folder.iterdir()
    token = json.loads(file.read_text())["token"]
    assert PASSWORD not in shown.text
    assert token not in shown.text
    child = start()
    assert not is_asked(child)
    child.sendline("/devices")
    child.expect_exact("this one, twisted-chat on ")
    with server.connect() as phone:
        phone.send(f"alice {server.token}\n/devices\n")
        number = re.search(r"([0-9a-z]+): twisted-chat on ", phone.read_until("ends one"))[1]
        phone.send(f"/devices {number} off\n")
        phone.read_until("ended: ")
    child.close(force=True)
    child = start()
    child.expect_exact("is no longer valid")
    assert is_asked(child)
    leave(child)
    (file,) = folder.iterdir()
    assert json.loads(file.read_text())["token"] != token


class Runs:
    """Runs of the terminal on one machine."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.env = environment(TERM="xterm", XDG_CONFIG_HOME=str(folder), NO_COLOR="1")

    def start(self, alias, *options):
        return pexpect.spawn(
            str(SCRIPTS / "twisted-chat"), ["--alias", alias, *options, at(self.server)], encoding="utf-8",
            timeout=SECONDS, env=self.env,
        )  # fmt: skip

    def come(self, alias, *options):
        """Start, and return the terminal once it asks for no password."""
        child = self.start(alias, *options)
        child.expect_exact("/help shows")
        return child

    def leave(self, child):
        child.sendline("/quit")
        child.expect(pexpect.EOF)
        child.close()

    def do(self, *arguments, given=""):
        return run(SCRIPTS / "twisted-chat", *arguments, given=given, env=self.env)


@pytest.fixture
def runs(server, tmp_path):
    return Runs(server, tmp_path)


@pytest.mark.slow
def test_after_a_registration_in_the_terminal_and_a_new_password_this_device_stays_logged_in(server, runs):
    child = runs.come("bob")
    for command, password in (("/register", "another four words"), ("/password", "yet another password")):
        child.sendline(command)
        child.expect_exact("password?")
        child.sendline(password)
        child.expect_exact("is yours now" if command == "/register" else "is changed")
    child.sendline("/devices")
    child.expect_exact("/devices N off ends one")
    runs.leave(child)
    child = runs.come("bob")  # by the token, which is changed in no later run
    child.sendline("/password")
    child.expect_exact("password?")
    child.sendline("the last of these passwords")
    child.expect_exact("is changed")
    child.sendline("/devices")
    child.expect_exact("this one, twisted-chat on ")
    runs.leave(child)
    runs.leave(runs.come("bob"))
    with server.connect() as bob:
        bob.send("bob\n")
        bob.read_until("password?")
        bob.send("the last of these passwords\n/devices\n")
        listed = bob.read_until("/devices N off ends one")
    assert listed.count("twisted-chat on ") == 1


@pytest.mark.slow
def test_a_pipe_and_a_command_log_in_by_the_token_of_the_terminal(server, runs):
    log_in_once(runs)
    options = ("--alias", "alice", "--patience", "0")
    with server.connect("bob") as bob:
        assert runs.do(*options, at(server), given="by a pipe\n") == (0, "", "")
        bob.read_until("alice: by a pipe\n")
        assert runs.do("say", "lobby", "by a command", "-s", at(server), *options) == (0, "", "")
        bob.read_until("alice: by a command\n")
        status, printed, _told = runs.do("history", "lobby", "-s", at(server), *options)
        assert (status, "alice: by a command" in printed) == (0, True)
        status, _printed, told = runs.do("say", "lobby", "hi", "-s", at(server), "--no-store", *options)
        assert (status, "alice is a member's name" in told) == (3, True)
    with server.connect() as phone:
        phone.send(f"alice {server.token}\n/devices\n")
        number = re.search(r"(\w+): twisted-chat on ", phone.read_until("ends one"))[1]
        phone.send(f"/devices {number} off\n")
        phone.read_until("ended: ")
    status, _printed, told = runs.do(*options, at(server), given="hi\n")
    assert (status, told.count("\n"), "no longer valid: log in again on a terminal" in told) == (3, 1, True)
    status, _printed, told = runs.do(*options, at(server), given="hi\n")
    assert (status, "a script logs in with --token-file FILE" in told) == (3, True)


@pytest.mark.slow
def test_a_member_in_the_terminal_is_given_each_private_line_once(server, runs):
    with server.connect("bob") as bob:
        bob.send("/msg alice one\n/msg alice two\n")
        bob.read_pong()
        child = runs.start("alice")
        child.expect_exact("password?")
        child.sendline(PASSWORD)
        child.expect_exact("2 lines for you since you left:")
        child.expect(r"-> alice\].* one")
        child.expect(r"-> alice\].* two")
        bob.send("/msg alice three\n")
        child.expect(r"-> alice\].* three")
        runs.leave(child)
        shown = Shown()
        child = runs.start("alice")
        child.logfile_read = shown
        child.expect_exact("/help shows")
        child.sendline("/ping here")
        child.expect_exact("pong here")
        assert "since you left" not in shown.text
        assert "-> alice]" not in shown.text
        runs.leave(child)
        bob.send("/msg alice four\n")
        bob.read_pong()
        child = runs.start("alice")
        child.expect_exact("1 line for you since you left:")
        child.expect(r"-> alice\].* four")
        runs.leave(child)


@pytest.mark.slow
def test_a_terminal_whose_device_is_ended_says_so_and_ends(server, runs):
    log_in_once(runs)
    child = runs.come("alice")
    with server.connect() as phone:
        phone.send(f"alice {server.token}\n/devices\n")
        number = re.search(r"(\w+): twisted-chat on ", phone.read_until("ends one"))[1]
        phone.send(f"/devices {number} off\n")
        phone.read_until("ended: ")
    child.expect_exact("you are logged out: this device or token of alice was ended")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3


def test_a_command_that_asks_for_a_password_asks_in_the_terminal_and_nobody_hears_it(server):
    with server.connect("eve") as eve:
        child = pexpect.spawn(
            str(SCRIPTS / "twisted-chat"), ["--alias", "bob", at(server)], encoding="utf-8", timeout=SECONDS,
            env=environment(TERM="xterm"),
        )  # fmt: skip
        shown = child.logfile_read = Shown()
        child.expect_exact("/help shows")
        child.sendline("/register")
        for password in ("short", "another four words"):
            child.expect_exact("password?")
            child.sendline(password)
        child.expect_exact("bob is yours now")
        child.sendline("/password")
        child.expect_exact("password?")
        child.sendline("")
        child.sendline("done")
        heard = eve.read_until("bob: done\n")
        child.close(force=True)
    assert heard == "bob has connected to the chat room\nbob: done\n"
    assert "another four words" not in shown.text


class Shown:
    """All that a terminal has shown."""

    text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        """Do nothing: it is in memory."""


def test_a_member_who_comes_in_is_told_how_much_is_unread(server):
    with server.connect("bob") as bob:
        bob.send("one\n@alice two\n")
        bob.read_pong()
        child = pexpect.spawn(
            str(SCRIPTS / "twisted-chat"), ["--no-store", "--alias", "alice", at(server)], encoding="utf-8",
            timeout=SECONDS, env=environment(TERM="xterm"),
        )  # fmt: skip
        child.expect_exact("password?")
        child.sendline(PASSWORD)
        child.expect_exact("you are now connected!")
        child.expect_exact("lobby: 2 unread, 1 mentions you")
        child.close(force=True)


@pytest.mark.slow
def test_the_library_logs_in_and_a_wrong_secret_is_an_error(server):
    async def talk():
        async with connect(at(server), alias="alice", secret=PASSWORD) as chat:
            assert (await chat.say("lobby", "hi")).author == "alice"
        with pytest.raises(Refused) as refused:
            await connect(at(server), alias="alice", secret="not that one", patience=0)
        assert refused.value.code == "wrong_secret"
        with pytest.raises(Refused) as refused:
            await connect(at(server), alias="alice", patience=0)
        assert refused.value.code == "secret_needed"

    asyncio.run(talk())


def test_the_library_has_a_members_marks_and_moves_them_on_all_devices(server):
    async def talk():
        async with (
            connect(at(server), alias="alice", secret=PASSWORD) as chat,
            connect(at(server), alias="alice", secret=PASSWORD) as other,
            connect(at(server), alias="bob") as bob,
        ):
            said = await bob.say("lobby", "one")
            assert bob.marks == {}
            with pytest.raises(Refused, match="only members"):
                await bob.read("lobby", said.number)
            assert chat.marks["lobby"] < said.number
            await chat.read("Lobby", said.number)
            assert chat.marks["lobby"] == said.number
            while other.marks["lobby"] < said.number:
                await asyncio.sleep(0.01)
            own = await other.say("lobby", "two")
            assert other.marks["lobby"] == own.number
            while chat.marks["lobby"] < own.number:
                await asyncio.sleep(0.01)
            await chat.join("ops")
            async with connect(at(server), alias="alice", secret=PASSWORD) as third:
                assert set(third.rooms) == {"lobby", "ops"} == set(chat.rooms)  # it has left none of them

    asyncio.run(talk())
