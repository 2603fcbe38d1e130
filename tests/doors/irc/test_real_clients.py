"""irssi, WeeChat, a bot and the core of a web client, unmodified, against a real twistd."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from ...processes import SECONDS, environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]

IRSSI_CONFIG = """\
servers = ( {{ address = "127.0.0.1"; chatnet = "here"; port = "{port}"; autoconnect = "yes"; }} );
chatnets = {{ here = {{ type = "IRC"; nick = "ira"; }}; }};
channels = ( {{ name = "#lobby"; chatnet = "here"; autojoin = "yes"; }} );
settings = {{
  core = {{ real_name = "Ira"; user_name = "ira"; nick = "ira"; }};
  "fe-common/core" = {{ autolog = "yes"; autolog_path = "{folder}/$0.log"; autolog_level = "all"; }};
  "irc/core" = {{ ctcp_version_reply = "irssi"; cmds_max_at_once = "100"; }};
}};
"""


def port_of(server):
    return int(server.wait_for_log(r"IRC is at \S+:(\d+);")[1])


def wait_for(path, pattern):
    """Return the match of a pattern in a file, once it is there."""
    end = time.monotonic() + SECONDS
    text = ""
    while time.monotonic() < end:
        text = path.read_text(errors="replace") if path.exists() else ""
        found = re.search(pattern, text)
        if found:
            return found
        select.select([], [], [], 0.05)
    raise AssertionError(f"{pattern!r} is not in {path.name}:\n{text[-3000:]}")


@pytest.fixture
def server(twistd):
    return twistd("--irc", "tcp:0:interface=127.0.0.1")


class Irssi:
    """irssi on a terminal; it logs what it shows in each of its windows."""

    def __init__(self, path, port, folder):
        self.logs = folder / "logs"
        home = folder / "irssi"
        home.mkdir()
        self.logs.mkdir()
        (home / "config").write_text(IRSSI_CONFIG.format(port=port, folder=self.logs))
        self._terminal = pexpect.spawn(
            path,
            [f"--home={home}"],
            env=environment(TERM="xterm", HOME=str(folder), LC_ALL="C.UTF-8"),
            timeout=SECONDS,
            encoding="utf-8",
        )

    def type(self, line):
        self._terminal.send(line + "\r")
        self._take()

    def shows(self, where, pattern):
        """Wait until a window shows something."""
        self._take()
        return wait_for(self.logs / f"{where}.log", pattern)

    def _take(self):
        """Read what it draws, or the terminal would be full."""
        try:
            while self._terminal.read_nonblocking(65536, timeout=0.1):
                pass
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass

    def close(self):
        self._terminal.close(force=True)


@pytest.fixture
def irssi(server, program, tmp_path):
    client = Irssi(program("irssi", "irssi"), server.port, tmp_path)  # the one port of all doors
    yield client
    client.close()


def test_irssi_joins_talks_and_quits(server, irssi):
    with server.connect("nick") as nick:
        irssi.shows("#lobby", "ira .*has joined #lobby")
        irssi.shows("#lobby", "Join to #lobby was synced")  # it has the answers to MODE, WHO and MODE b
        nick.read_until("ira has connected to the chat room\n")
        nick.send("hello from netcat\n")
        irssi.shows("#lobby", "< ?nick> hello from netcat")
        irssi.type("/window goto #lobby")
        irssi.type("hello from irssi: \N{LATIN SMALL LETTER E WITH ACUTE}")
        nick.read_until("ira: hello from irssi: \N{LATIN SMALL LETTER E WITH ACUTE}\n")
        irssi.type("/me waves")
        nick.read_until("* ira waves\n")
        nick.send("/me waves back\n")
        irssi.shows("#lobby", r"\* nick waves back")
        irssi.type("/topic tea at four")
        nick.read_until("ira has set the topic: tea at four\n")
        irssi.shows("#lobby", "ira changed the topic of #lobby to: tea at four")
        nick.send("/msg ira psst\n")
        irssi.shows("nick", "< ?nick> psst")
        irssi.type("/nick iris")
        nick.read_until("ira is now known as iris\n")
        irssi.shows("#lobby", "You're now known as iris")
        nick.send("/nick nicholas\n")
        irssi.shows("#lobby", "nick is now known as nicholas")
        irssi.type("/quit so long")
        nick.read_until("iris has left the chat room! (so long)\n")


class WeeChat:
    """WeeChat without a terminal, which is told what to do through a pipe; it logs what it shows."""

    def __init__(self, path, port, folder):
        self._folder = folder / "weechat"
        self._process = subprocess.Popen(
            [
                path, "-d", self._folder,
                "-r", "/set logger.file.flush_delay 0",
                "-r", f"/server add here 127.0.0.1/{port} -notls -nicks=wee -autojoin=#lobby",
                "-r", "/connect here",
            ],
            env=environment(HOME=str(folder)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def type(self, line, where="irc.here.#lobby"):
        (pipe,) = self._folder.rglob("weechat_fifo_*")
        with pipe.open("w") as file:
            file.write(f"{where} *{line}\n")

    def shows(self, where, pattern):
        """Wait until a buffer shows something."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for path in self._folder.rglob(f"irc.here.{where}.weechatlog"):
                return wait_for(path, pattern)
            select.select([], [], [], 0.05)
        raise AssertionError(f"WeeChat shows nothing in {where}")

    def close(self):
        self._process.terminate()
        self._process.wait(SECONDS)


@pytest.fixture
def weechat(server, program, tmp_path):
    client = WeeChat(program("weechat-headless", "weechat-headless weechat-plugins"), port_of(server), tmp_path)
    yield client
    client.close()


def test_weechat_joins_talks_and_quits(server, weechat):
    with server.connect("nick") as nick:
        weechat.shows("#lobby", "wee .*has joined #lobby")
        nick.read_until("wee has connected to the chat room\n")
        nick.send("hello from netcat\n")
        weechat.shows("#lobby", "nick\thello from netcat")
        weechat.type("hello from weechat")
        nick.read_until("wee: hello from weechat\n")
        weechat.type("/me waves")
        nick.read_until("* wee waves\n")
        weechat.type("/topic tea at four")
        nick.read_until("wee has set the topic: tea at four\n")
        weechat.shows("#lobby", 'wee has changed topic for #lobby .*to "tea at four"')
        weechat.type("/nick weasel")
        nick.read_until("wee is now known as weasel\n")
        weechat.shows("#lobby", "You are now known as weasel")
        weechat.type("/quit so long")
        nick.read_until("weasel has left the chat room! (so long)\n")


def test_irssi_and_weechat_talk_with_each_other(server, irssi, weechat):
    irssi.shows("#lobby", "wee .*has joined|ira .*has joined")
    weechat.shows("#lobby", "wee .*has joined|ira .*has joined")
    irssi.type("/window goto #lobby")
    irssi.type("hello wee")
    weechat.shows("#lobby", "ira\thello wee")
    weechat.type("hello ira")
    irssi.shows("#lobby", "< ?wee> hello ira")


BOT = """\
import sys
from irc.bot import SingleServerIRCBot

class Bot(SingleServerIRCBot):
    def on_nicknameinuse(self, connection, event):
        connection.nick(connection.get_nickname() + "2")

    def on_welcome(self, connection, event):
        connection.join("#lobby")

    def on_pubmsg(self, connection, event):
        if event.arguments[0] == "!who":
            connection.privmsg("#lobby", " ".join(sorted(self.channels["#lobby"].users())))
        elif event.arguments[0] == "!bye":
            self.die("so long")

    def on_privmsg(self, connection, event):
        connection.notice(event.source.nick, "you said " + event.arguments[0])

Bot([("127.0.0.1", int(sys.argv[1]))], "helper", "A helper").start()
"""


def test_a_bot_of_a_library_for_python_answers_and_takes_another_nick(server):
    with server.connect("helper"), server.connect("nick") as nick:
        bot = subprocess.Popen([sys.executable, "-c", BOT, str(server.port)])
        try:
            nick.read_until("helper2 has connected to the chat room\n")
            nick.send("!who\n")
            nick.read_until("helper2: helper helper2 nick\n")
            nick.send("/msg helper2 hello\n")
            nick.read_until("[helper2 -> nick] you said hello\n")
            nick.send("!bye\n")
            nick.read_until("helper2 has left the chat room! (so long)\n")
            assert bot.wait(SECONDS) == 0
        finally:
            bot.kill()
            bot.wait(SECONDS)


@pytest.fixture
def framework(program):
    """Return the command of a client with the core of a web client, or skip the test; in CI that is a failure."""
    modules = ROOT / ".ci/js/node_modules"
    if not (modules / "irc-framework").exists():
        reason = "irc-framework is not installed (npm ci --prefix .ci/js)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return [program("node", "nodejs"), Path(__file__).with_name("framework.cjs")], environment(NODE_PATH=str(modules))


def test_the_core_of_a_web_client_joins_talks_asks_and_quits(server, framework):
    command, where = framework
    with server.connect("lounge"), server.connect("nick") as nick:
        node = subprocess.Popen([*command, str(server.port)], env=where, stdout=subprocess.PIPE, text=True)
        try:
            nick.read_until("lounge2 has connected to the chat room\n")
            nick.send("!go\n")
            nick.read_until("lounge2: hello\n* lounge2 waves\nlounge2: noted\n")
            nick.read_until("lounge2 has set the topic: tea at four\n")
            nick.read_until("lounge2 is now known as loungers\n")
            nick.send("/me waves back\n")
            nick.send("/msg loungers psst\n")
            nick.send("!bye\n")
            nick.read_until("loungers has left the chat room! (so long)\n")
            told, _nothing = node.communicate(timeout=SECONDS)
        finally:
            node.kill()
            node.wait(SECONDS)
    lines = told.splitlines()
    assert lines[0] == "users #lobby lounge lounge2 nick"
    assert re.fullmatch(r"id \w+\.lobby\.\d+ nick", lines[1]), lines
    for line in (
        "privmsg nick #lobby !go",
        "topic #lobby tea at four",
        "whois nick #lobby",
        "who lounge lounge2 nick",
        "nick lounge2 loungers",
        "action nick #lobby waves back",
        "privmsg nick loungers psst",
    ):
        assert line in lines, (line, lines)
