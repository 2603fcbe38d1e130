"""IRC over the WebSocket of the web door, as web clients speak it: one message of IRC a message."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage

from twisted_chat.doors.http.guard import Guard
from twisted_chat.doors.irc.door import IrcDoor
from twisted_chat.doors.web.site import WebPremises

from ...irc import SERVER
from ...web import HOST, Browser, WebPeer


class Client(Browser):
    """A client of IRC in a browser."""

    def __init__(self, door, subprotocol="text.ircv3.net"):
        irc = IrcDoor({"irc": [], "irc-name": [SERVER]})
        web = WebPremises(door.premises, Guard(), doors=[irc])
        WebPeer.__init__(self, door, factory=web.listener)
        self.wire, self.events = WSConnection(ConnectionType.CLIENT), []
        asked = [name.strip() for name in subprotocol.split(",")]
        self.send_raw(self.wire.send(Request(host=HOST, target="/ws", subprotocols=asked)))
        self.read()

    def read(self):
        """Return the messages that came."""
        self.wire.receive_data(self.take())
        new = list(self.wire.events())
        self.events += new
        return [event.data for event in new if isinstance(event, (TextMessage, BytesMessage))]

    def ask(self, *lines):
        for line in lines:
            event = BytesMessage(data=line) if isinstance(line, bytes) else TextMessage(data=line)
            self.send_event(event)
        return self.read()

    @property
    def subprotocol(self):
        return next(event.subprotocol for event in self.events if isinstance(event, AcceptConnection))


@pytest.fixture
def lost(door):
    """Clients whose connections are broken at the end of the test."""
    clients = []
    yield clients
    for client in clients:
        client.lose()


def test_a_client_registers_joins_and_speaks_in_text(door, lost):
    client = Client(door)
    lost.append(client)
    assert client.subprotocol == "text.ircv3.net"
    welcome = client.ask("NICK alice", "USER a 0 * :Alice")
    assert welcome[0] == f":{SERVER} 001 alice :Welcome to the TwistedChat Network alice!~u@chat"
    assert client.ask("JOIN #lobby")[0] == ":alice!~u@chat JOIN #lobby"
    tom = door.enter("tom")
    client.read()
    assert client.ask("PRIVMSG #lobby :hi\r\n") == []
    assert tom.read() == "alice: hi\n"
    tom.send("żółw\n")
    assert client.read() == [":tom!~u@chat PRIVMSG #lobby :żółw"]
    assert door.session("alice").came_by == "irc"


def test_a_client_speaks_in_bytes_if_it_prefers_that(door, lost):
    client = Client(door, "nonsense, binary.ircv3.net, text.ircv3.net")
    lost.append(client)
    assert client.subprotocol == "binary.ircv3.net"
    assert client.ask(b"NICK alice", b"USER a 0 * :Alice")[0].startswith(f":{SERVER} 001 alice ".encode())
    assert client.ask(b"PING x") == [f":{SERVER} PONG {SERVER} :x".encode()]
    assert client.ask(b"PRIVMSG #lobby :\xff")[0].startswith(f":{SERVER} FAIL PRIVMSG INVALID_UTF8 :".encode())


def test_a_message_of_the_other_kind_ends_the_connection(door, lost):
    client = Client(door)
    lost.append(client)
    client.ask(b"NICK alice")
    assert [event.code for event in client.events if isinstance(event, CloseConnection)] == [1003]


def test_a_client_that_quits_is_told_why_it_ends(door, lost):
    client = Client(door)
    lost.append(client)
    client.ask("NICK alice", "USER a 0 * :Alice")
    assert client.ask("QUIT :bye")[-1] == "ERROR :Quit: bye"
    assert [event.code for event in client.events if isinstance(event, CloseConnection)] == [1000]
    assert "alice" not in door.hub.aliases


def test_a_server_that_stops_tells_each_client(door, lost):
    client = Client(door)
    lost.append(client)
    client.ask("NICK alice", "USER a 0 * :Alice")
    door.premises.close_all()
    assert client.read()[-1].startswith("ERROR :")


def test_a_message_that_is_too_long_is_refused_and_the_connection_stays(door, lost):
    client = Client(door)
    lost.append(client)
    client.ask("NICK alice", "USER a 0 * :Alice")
    assert client.ask(f"PRIVMSG #lobby :{'x' * 600}") == [f":{SERVER} 417 alice :Input line was too long"]
    assert client.ask("PING x") == [f":{SERVER} PONG {SERVER} :x"]


def test_without_its_subprotocol_a_websocket_speaks_json(door, lost):
    client = Client(door, "chat")
    lost.append(client)
    assert client.subprotocol is None
    assert '"error"' in client.ask("NICK alice")[0]
