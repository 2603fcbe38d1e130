"""Members who come with the bundled client: a password that nobody sees, tokens for scripts, and the library."""

from __future__ import annotations

import asyncio

import pexpect
import pytest

from twisted_chat.client import Refused, connect

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
        status, _out, told = pipe(server, TWISTED_CHAT_TOKEN="tct_" + "x" * 32)
        assert (status, "wrong or no longer valid" in told) == (3, True)
        assert "alice: hi" not in bob.read_pong()
    file.chmod(0o644)
    status, _out, told = pipe(server, "--token-file", file)
    assert (status, "chmod 600" in told) == (2, True)


def test_a_password_in_the_terminal_is_not_shown(server):
    child = pexpect.spawn(
        str(SCRIPTS / "twisted-chat"), ["--alias", "alice", at(server)], encoding="utf-8", timeout=SECONDS,
        env=environment(TERM="xterm"),
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
            str(SCRIPTS / "twisted-chat"), ["--alias", "alice", at(server)], encoding="utf-8", timeout=SECONDS,
            env=environment(TERM="xterm"),
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
