"""The IRC door over the end of a server: it says goodbye, and after a kill the numbers go on."""

from __future__ import annotations

import re

import pytest

from ...processes import SECONDS, Client, free_port

pytestmark = pytest.mark.slow


def come(port, nick, room="lobby"):
    """Return a client that is in a room."""
    client = Client(port)
    client.send(
        "CAP LS 302\r\nCAP REQ :message-tags server-time\r\n"
        f"NICK {nick}\r\nUSER u 0 * :x\r\nCAP END\r\nJOIN #{room}\r\n"
    )
    client.read_until(f"#{room} :End of /NAMES list\r\n")
    return client


def number_of(client, text):
    """Return the journal and the number of a line, once it comes."""
    line = client.read_until(f":{text}\r\n").splitlines()[-1]
    found = re.match(r"@msgid=(\w+)\.lobby\.(\d+);time=\S+ ", line)
    assert found, line
    return found[1], int(found[2])


def test_a_server_that_stops_says_so(twistd):
    port = free_port()
    server = twistd("--irc", f"tcp:{port}:interface=127.0.0.1")
    with come(port, "alice") as alice, Client(server.port) as newcomer:
        newcomer.send("NICK bob\r\n")
        newcomer.send("PING x\r\n")
        newcomer.read_until("PONG")
        assert server.stop() == 0
        assert alice.read_to_end() == "ERROR :the server is stopping: goodbye\r\n"
        assert newcomer.read_to_end().endswith("ERROR :the server is stopping: goodbye\r\n")


def test_after_a_kill_a_client_finds_the_same_journal_and_the_next_number(twistd):
    options = ("--irc", f"tcp:{(port := free_port())}:interface=127.0.0.1")
    server = twistd(*options)
    with come(port, "alice") as alice, come(port, "bob") as bob:
        bob.send("PRIVMSG #lobby :before\r\n")
        journal, number = number_of(alice, "before")
        server.process.kill()
        server.process.wait(SECONDS)
    twistd(*options)
    with come(port, "alice") as alice, come(port, "bob") as bob:
        bob.send("PRIVMSG #lobby :after\r\n")
        again, later = number_of(alice, "after")
        assert again == journal and later > number
