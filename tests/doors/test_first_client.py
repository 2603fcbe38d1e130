"""The first client of each door: what the door imports for it does not hold up everybody else."""

from __future__ import annotations

import re

import pytest

from benchmarks.ssh import SshMember

from ..irc import SERVER

pytestmark = pytest.mark.slow

UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
IRC = "NICK alice\r\nUSER a 0 * :a\r\nJOIN #lobby\r\nPRIVMSG #lobby :hi\r\nWHOIS alice\r\n"


def by_ssh(has_terminal):
    def come(server):
        SshMember(server.port, "alice", has_terminal).enter().sock.close()

    return come


def by_words(words, answer):
    def come(server):
        with server.connect() as client:
            client.send(words)
            client.read_until(answer)

    return come


COMERS = {
    "a person": by_words("alice\nhello\n/who\n", "alice: hello"),
    "ssh in a pipe": by_ssh(False),
    "ssh at a terminal": by_ssh(True),
    "irc": by_words(IRC, " 318 "),
    "a browser": by_words(f"{UPGRADE}\r\n", "101 "),
    "irc in a browser": by_words(f"{UPGRADE}Sec-WebSocket-Protocol: text.ircv3.net\r\n\r\n", "101 "),
    "a program": by_words('{"do": "hello", "id": "1", "version": 1, "alias": "alice"}\n', '"id":"1"'),
}


def test_nothing_is_imported_in_the_reactors_thread_once_the_server_listens(twistd):
    web = ["--web", "tcp:0:interface=127.0.0.1"]
    server = twistd(*web, "--journal", "sqlite:chat.sqlite", "--irc-name", SERVER, module="tests.importing_twistd")
    assert "importing twisted_chat.service" in server.log
    for kind, come in COMERS.items():
        before = len(server.log)
        come(server)
        assert "importing" not in server.log[before:], kind


def test_hardly_anything_is_imported_for_clients_that_are_refused(twistd):
    server = twistd("--journal", "memory", "--irc", "none", "--ssh", "none", module="tests.importing_twistd")
    before = len(server.log)
    for words, answer in ((IRC, "--irc none"), ("SSH-2.0-x\r\n", "--ssh none")):
        by_words(words, answer)(server)
    found = re.findall("importing (.*)", server.log[before:])
    assert found == ["twisted_chat.doors.irc.farewell", "twisted_chat.wire.irc"]
