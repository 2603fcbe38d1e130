"""A class behind one address: sixty browsers load the page and come in at once, with the default options."""

from __future__ import annotations

import http.client
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor

from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Request, TextMessage

from benchmarks.machine import Usage

from ...processes import SECONDS, free_port

PUPILS = 60
AT_ONCE = 6  # connections over which a browser fetches files from one host
WITHIN_SECONDS = 10
ROUTER = "192.168.1.7"


def test_sixty_browsers_behind_one_address_of_a_lan_are_in_within_ten_seconds(twistd):
    port = free_port()
    server = twistd("--web", f"haproxy:tcp:{port}:interface=127.0.0.1")
    usage = Usage(server.process.pid)
    before = usage.cpu_seconds()
    with ThreadPoolExecutor(PUPILS) as pupils:
        browsers = list(pupils.map(lambda number: browse(port, f"Pupil{number}"), range(PUPILS)))
    # With a processor to itself the server takes no longer than this, whatever else the machine has to do now.
    assert usage.cpu_seconds() - before < WITHIN_SECONDS
    try:
        assert [browser.why for browser in browsers if not browser.is_in] == []
        assert all(len(browser.files) > 20 for browser in browsers)
        assert "refused" not in server.log
        assert len(browsers[0].answer("who", room="lobby")["members"]) == PUPILS
    finally:
        for browser in browsers:
            browser.close()


class Browser:
    """A browser with the page: it fetches the files over some connections, which stay open, and opens a WebSocket."""

    def __init__(self, port):
        self._port = port
        self._idle = [self._connect() for _ in range(AT_ONCE)]
        self._socket = None
        self._wire = WSConnection(ConnectionType.CLIENT)
        self._heard = []
        self.files = {}
        self.is_in, self.why = False, ""

    def _connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        connection.sock = socket.create_connection(("127.0.0.1", self._port), SECONDS)
        connection.sock.sendall(f"PROXY TCP4 {ROUTER} 192.168.1.1 {connection.sock.getsockname()[1]} 80\r\n".encode())
        return connection

    def load(self):
        """Fetch the page, and all that it names."""
        html = self._fetch(self._idle[0], "/").decode()
        names = list(dict.fromkeys(re.findall(r'(?:href|src)="(static/[^"]+)"', html)))
        with ThreadPoolExecutor(AT_ONCE) as connections:
            list(
                connections.map(
                    lambda n: [self._fetch(self._idle[n], f"/{name}") for name in names[n::AT_ONCE]], range(AT_ONCE)
                )
            )

    def _fetch(self, connection, path):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200, (path, answer.status)
        self.files[path] = answer.read()
        return self.files[path]

    def enter(self, alias):
        """Open a WebSocket, and come in."""
        self._socket = self._connect().sock
        self._socket.sendall(self._wire.send(Request(host=f"127.0.0.1:{self._port}", target="/ws")))
        self._wait(lambda: self._wire.state.name == "OPEN")
        answer = self.answer("hello", version=1, alias=alias)
        self.is_in, self.why = "error" not in answer, str(answer)

    def answer(self, what, **fields):
        """Ask, and return the answer."""
        asked = json.dumps({"do": what, "id": what} | fields)
        self._socket.sendall(self._wire.send(TextMessage(data=asked)))
        found = []

        def is_answered():
            found[:] = [message for message in self._heard if message.get("id") == what and "kind" not in message]
            return bool(found)

        self._wait(is_answered)
        return found[0]

    def _wait(self, is_done):
        while not is_done():
            data = self._socket.recv(65536)
            self._wire.receive_data(data or None)
            for event in self._wire.events():
                assert not isinstance(event, CloseConnection), self._heard
                if isinstance(event, TextMessage):
                    self._heard.append(json.loads(event.data))

    def close(self):
        for connection in self._idle:
            connection.close()
        if self._socket is not None:
            self._socket.close()


def browse(port, alias):
    """Return a browser that is in, or that tells why it is not."""
    browser = Browser(port)
    try:
        browser.load()
        browser.enter(alias)
    except (OSError, AssertionError, http.client.HTTPException) as error:
        browser.why = repr(error)
    return browser
