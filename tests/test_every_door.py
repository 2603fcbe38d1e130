"""One room through every door: a page, netcat, ssh, IRC, the bundled client and curl show the same, over a kill."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import traceback
from contextlib import suppress

import pytest

from twisted_chat.wire.irc import parse

from . import browser
from .processes import SCRIPTS, SECONDS, Twistd, free_port, run, wait_until

EACH = 250  # lines of each of the four speakers
ROOM = "ops"

# Keeps what is shown of each number, and what is not in order at any moment.
WATCH = """
    window.shown = {};
    window.disorder = [];
    const take = () => {
        let last = 0;
        for (const row of document.querySelectorAll('#lines > li[data-number]')) {
            const number = Number(row.dataset.number), text = row.querySelector('.text');
            if (number <= last) window.disorder.push([last, number]);
            last = number;
            if (text) window.shown[number] = text.textContent;
        }
    };
    new MutationObserver(take).observe(document.getElementById('lines'), {childList: true, subtree: true});
    take();
"""

# Reads back, as far as there is something, and returns how many lines were shown in all.
SAID = "return Object.values(window.shown).includes(arguments[0])"
BACK = "document.getElementById('scroller').scrollTop = 0; return Object.keys(window.shown).length === arguments[0]"


class House:
    """A server that is killed and started again, on the same ports and the same file."""

    def __init__(self, folder):
        self.folder, self.port, self.web = folder, free_port(), free_port()
        self.start()

    def start(self):
        on = "interface=127.0.0.1"
        where = ("--listen", f"tcp:{self.port}:{on}", "--web", f"tcp:{self.web}:{on}")
        self.server = Twistd(self.folder, *where, "--no-limits")

    def kill(self):
        self.server.process.kill()
        self.server.process.wait(SECONDS)

    @property
    def room(self):
        return f"http://127.0.0.1:{self.web}/rooms/{ROOM}"


class Again(threading.Thread):
    """Runs a program again and again, each time from where it was, and takes what it prints, line by line."""

    def __init__(self, command, take, given=None):
        """``command`` makes the arguments, and ``given`` the input that comes first, each time it is started."""
        super().__init__(daemon=True)
        self._command, self._take, self._given = command, take, given
        self.process = None
        self._is_over = False
        self.faults = []
        self.start()

    def run(self):
        try:
            while not self._is_over:
                self._once()
        except Exception as fault:
            self.faults.append(fault)

    def _once(self):
        pipe = subprocess.PIPE
        quiet = subprocess.DEVNULL
        with subprocess.Popen(self._command(), 0, stdin=pipe, stdout=pipe, stderr=quiet) as self.process:
            if self._given is not None:
                with suppress(BrokenPipeError):  # there is no server just now
                    self.write(self._given())
            for line in self.process.stdout:
                self._take(line.decode().rstrip("\n"))
        threading.Event().wait(0.05)  # before it reconnects

    def write(self, text):
        self.process.stdin.write(text.encode())

    def end(self):
        self._is_over = True
        if self.process is not None:
            self.process.kill()
        self.join(SECONDS)
        assert not self.faults, self.faults


class Netcat:
    """A person with a netcat, who reconnects with ``/join ROOM AFTER``; also says lines, each until it is shown."""

    def __init__(self, nc, house, alias):
        self.alias, self.shown, self.last = alias, {}, 0
        self.here = None  # the process that is in; what is said to another could be taken for an alias
        self._reader = Again(lambda: self._command(nc, house), self._take, self._hello)

    def _command(self, nc, house):
        return [nc, "127.0.0.1", str(house.port)]

    def _alias(self):
        """Return the first line, which is the alias."""
        return f"{self.alias}\n"

    def _hello(self):
        self.here = None
        return f"{self._alias()}/set numbers on\n/leave lobby\n/join {ROOM} {self.last}\n/ping in\n"

    def _take(self, line):
        if line.endswith("-- pong in"):
            self.here = self._reader.process
        found = re.match(rf"(\d+) #{ROOM} \w+: (.*)", line)
        if found:
            number, text = int(found[1]), found[2]
            assert number > self.last, line
            self.last, self.shown[number] = number, text

    def say(self, texts):
        """Say each line until it is shown: again only on a new connection, which shows what was said before."""
        for text in texts:
            wait_until(lambda text=text: self._said(text))

    def _said(self, text):
        here = self.here
        if text in self.shown.values():
            return True
        if here is not None:
            with suppress(OSError, ValueError):  # it was killed just now
                here.stdin.write(f"{text}\n".encode())
            wait_until(lambda: text in self.shown.values() or self.here is not here)
        return text in self.shown.values()

    def come_back(self):
        """End a netcat whose server is gone, as a person does: it would notice only when the second line is typed."""
        self._reader.process.kill()

    def end(self):
        self._reader.end()


class SshPerson(Netcat):
    """A person with ``ssh -T`` and a key, who reconnects in the same way."""

    def __init__(self, ssh, house, alias):
        self._key = house.folder / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._key)
        super().__init__(ssh, house, alias)

    def _command(self, nc, house):
        known = [f"UserKnownHostsFile={house.folder}/known_hosts", "StrictHostKeyChecking=accept-new"]
        settings = (*known, "IdentitiesOnly=yes", "BatchMode=yes")
        flags = [part for setting in settings for part in ("-o", setting)]
        return [nc, "-F", "none", "-T", "-p", str(house.port), "-i", self._key, *flags, f"{self.alias}@127.0.0.1"]

    def _alias(self):
        return ""


class Curl:
    """``curl -N`` on the stream of events, which reconnects with the last id."""

    def __init__(self, curl, house):
        self.shown, self.last = {}, "0"
        self._reader = Again(lambda: self._command(curl, house), self._take)

    def _command(self, curl, house):
        asked = ["-H", "Accept: text/event-stream", "-H", f"Last-Event-ID: {self.last}"]
        return [curl, "-sN", *asked, f"{house.room}/events"]

    def _take(self, line):
        if line.startswith("id: "):
            self.last = line.removeprefix("id: ")
        elif line.startswith("data: "):
            event = json.loads(line.removeprefix("data: "))
            assert event["number"] == max(self.shown, default=0) + 1, line
            self.shown[event["number"]] = event["text"] if event["kind"] == "said" else None

    def end(self):
        self._reader.end()


class IrcMember(threading.Thread):
    """A client of IRC at the one port, which reconnects and asks for what it missed; a message's id has its number."""

    _ASKS = "message-tags batch server-time draft/chathistory"
    _PAGE = 100

    def __init__(self, house, nick):
        super().__init__(daemon=True)
        self.shown, self.faults, self._house, self._nick = {}, [], house, nick
        self._socket, self._is_over = None, False
        self.start()

    def run(self):
        try:
            while not self._is_over:
                with suppress(OSError):  # there is no server just now
                    self._once()
                threading.Event().wait(0.05)
        except Exception as fault:
            self.faults.append(fault)

    def _once(self):
        self._seen = max(self.shown, default=0)  # the last number of an unbroken row
        self._live, self._paged = 0, []
        with socket.create_connection(("127.0.0.1", self._house.port), SECONDS) as self._socket:
            self._socket.settimeout(None)
            self._send("CAP LS 302", f"CAP REQ :{self._ASKS}", f"NICK {self._nick}", "USER u 0 * :x", "CAP END")
            self._send(f"JOIN #{ROOM}")
            for line in self._socket.makefile("rb"):
                self._take(parse(line))

    def _send(self, *lines):
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _take(self, message):
        tags, words = message.tags, message.parameters
        if message.command == "366" and self._seen:
            self._ask(self._seen)
        elif message.command == "BATCH" and words[0][0] == "-":
            numbers, self._paged = self._paged, []
            assert numbers == sorted(numbers), numbers
            if len(numbers) == self._PAGE:
                self._ask(numbers[-1])
        elif message.command == "PRIVMSG":
            self._journal, room, number = tags["msgid"].split(".")
            number, text = int(number), words[1]
            assert room == ROOM and self.shown.get(number, text) == text, message
            self.shown[number] = text
            if "batch" in tags:
                self._paged.append(number)
            else:
                assert number > self._live, message
                self._live = number

    def _ask(self, after):
        self._send(f"CHATHISTORY AFTER #{ROOM} msgid={self._journal}.{ROOM}.{after} {self._PAGE}")

    def end(self):
        self._is_over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self.join(SECONDS)
        assert not self.faults, self.faults


def posts(curl, house, texts):
    """Post each line by curl, again under its key until it is answered."""
    for text in texts:
        said = ["-d", text, "-H", "Chat-Alias: ci", "-H", f"Idempotency-Key: {text}"]
        wait_until(lambda said=said: run(curl, "-sf", "-m", "10", *said, house.room)[0] == 0)


def pipes(house, texts):
    """Say the lines through the bundled client, in one pipe."""
    command = [SCRIPTS / "twisted-chat", "--alias", "pipe", "--room", ROOM, f"127.0.0.1:{house.port}"]
    status, _out, err = run(*command, given="".join(f"{text}\n" for text in texts))
    assert status == 0, err


def in_threads(*tasks):
    """Do all of this at the same time; return what waits for the end of it."""
    faults = []

    def guarded(task):
        try:
            task()
        except BaseException:
            faults.append(traceback.format_exc())

    threads = [threading.Thread(target=guarded, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()

    def join():
        for thread in threads:
            thread.join(4 * SECONDS)
        assert not faults, "".join(faults)

    return join


def numbered(name):
    return [f"{name}-{number}" for number in range(EACH)]


@pytest.mark.timeout(300)
def test_every_door_shows_the_same_thousand_lines_in_one_order_over_a_kill(program, tmp_path):
    nc, curl = program("nc", "netcat-openbsd"), program("curl", "curl")
    house = House(tmp_path)
    driver = browser.start(tmp_path / "chromium")
    listener, readers = None, []
    try:
        assert run(curl, "-sf", "-d", "begin", "-H", "Chat-Alias: ci", house.room)[0] == 0
        page = browser.Page(driver, f"http://127.0.0.1:{house.web}/#{ROOM}").enter("Anshul")
        page.wait("return document.getElementById('title').textContent === arguments[0]", f"# {ROOM}")
        page.ask(WATCH)
        person, stream = Netcat(nc, house, "Bhoomika"), Curl(curl, house)
        irc, ssh = IrcMember(house, "Ira"), SshPerson(program("ssh", "openssh-client"), house, "Sunil")
        readers += [person, stream, irc, ssh]
        out = (tmp_path / "listener").open("wb")
        where = ["--alias", "listener", "--room", ROOM, "--after", "0", "--listen", "--json"]
        listener = subprocess.Popen(
            [SCRIPTS / "twisted-chat", *where, f"127.0.0.1:{house.port}"], stdout=out, stdin=subprocess.DEVNULL
        )
        wait_until(lambda: person.here and ssh.here)
        wait_until(lambda: "Ira" in run(curl, "-s", f"{house.room}/who")[1])
        done = in_threads(
            lambda: posts(curl, house, numbered("curl")),
            lambda: pipes(house, numbered("pipe")),
            lambda: person.say(numbered("nc")),
        )
        said = numbered("page")
        for at in range(0, EACH // 2, 25):
            page.say(*said[at : at + 25])
        wait_until(lambda: len(stream.shown) > EACH)
        house.kill()
        person.come_back()
        for at in range(EACH // 2, EACH, 25):
            page.say(*said[at : at + 25])
        house.start()
        done()
        page.wait(SAID, said[-1])  # it may have waited the longest before it reconnected
        wait_until(lambda: "Ira" in run(curl, "-s", f"{house.room}/who")[1])
        assert run(curl, "-sf", "-d", "end", "-H", "Chat-Alias: ci", house.room)[0] == 0
        told = [said_in(line) for line in run(SCRIPTS / "twisted-chat", "export", ROOM, cwd=tmp_path)[1].splitlines()]
        log = {number: text for number, text in told if text}
        assert sorted(log.values()) == sorted(
            ["begin", "end", *(f"{n}-{i}" for n in ("curl", "pipe", "nc", "page") for i in range(EACH))]
        )
        wait_until(lambda: {n: t for n, t in stream.shown.items() if t} == log)
        wait_until(lambda: {**person.shown} == log)
        wait_until(lambda: {**ssh.shown} == log)
        wait_until(lambda: "end" in irc.shown.values())
        assert irc.shown.items() <= log.items() and len(irc.shown) > EACH
        wait_until(lambda: irc.faults or {**irc.shown} == {n: t for n, t in log.items() if n >= min(irc.shown)})
        assert len(irc.shown) > 4 * EACH
        wait_until(lambda: texts_of(tmp_path / "listener") == list(log.values()))
        page.wait(BACK, len(log))
        shown, disorder = page.ask("return [window.shown, window.disorder]")
        assert ({int(number): text for number, text in shown.items()}, disorder) == (log, [])
        assert not browser.complaints(driver)
    finally:
        for reader in readers:
            reader.end()
        if listener is not None:
            listener.kill()
            listener.wait(SECONDS)
            out.close()
        driver.quit()
        house.server.close()


def said_in(line):
    event = json.loads(line)
    return event["number"], event["text"] if event["kind"] == "said" else ""


def texts_of(path):
    """Return what the bundled client has printed as said."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [event["text"] for event in events if event["kind"] == "said" and event["room"] == ROOM]
