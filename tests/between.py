"""A proxy between a browser and the server in tests, which counts the bytes and holds back those that it is told to."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

from .processes import SECONDS

_HEAD = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n(?:.*\r\n)*?\r\n")


class Between:
    """A proxy on a port of its own: one connection to the server for each of the browser's."""

    def __init__(self, server_url, holds=None, refuses=None):
        """``holds``: a pattern of paths that are asked for but not passed on, until ``let_go()``.

        ``refuses``: a pattern of paths that are answered with ``refusal``, and not passed on.
        """
        host, port = re.fullmatch(r"http://([^:/]+):(\d+)/", server_url).groups()
        self._server = host, int(port)
        self._holds = re.compile(holds) if holds else None
        self.refuses = re.compile(refuses) if refuses else None
        head = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\n"
        self.refusal = head + b"too many of <you>...\n"
        self._go = threading.Event()
        self._lock = threading.Lock()
        self._sockets = []
        self._threads = []
        self.asked = []  # paths, in their order
        self.sent = 0  # bytes from the server to the browser, heads and all
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._start(self._accept)

    def let_go(self):
        """Pass on the bytes that were held back, and hold none any more."""
        self._go.set()

    def bar(self, path):
        """Refuse a path from now on, and end all connections that there are."""
        self.refuses = re.compile(path)
        with self._lock:
            for one in self._sockets:
                self._shut(one)

    def close(self):
        self.let_go()
        with self._lock:
            self._shut(self._listener)
            for one in self._sockets:
                self._shut(one)
        for thread in self._threads:
            thread.join(SECONDS)
        for one in [self._listener, *self._sockets]:
            one.close()

    def _start(self, act, *arguments):
        thread = threading.Thread(target=act, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                browser, _address = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server, SECONDS)
            server.settimeout(None)
            with self._lock:
                self._sockets += [browser, server]
            self._start(self._up, browser, server)
            self._start(self._down, server, browser)

    def _up(self, browser, server):
        """Pass on requests, each once it has come whole; what no request's head begins is passed on as it comes."""
        waiting = b""
        try:
            while data := browser.recv(65536):
                waiting += data
                while head := _HEAD.match(waiting):
                    path = head[2].decode()
                    self.asked.append(path)
                    if self._holds and self._holds.search(path):
                        self._go.wait(SECONDS)
                    if self.refuses and self.refuses.search(path):
                        browser.sendall(self.refusal)
                    else:
                        server.sendall(head[0])
                    waiting = waiting[head.end() :]
                if not re.match(rb"[A-Z]{3,7} /", waiting):
                    server.sendall(waiting)
                    waiting = b""
            server.shutdown(socket.SHUT_WR)
        except OSError:
            self._shut(server)

    def _down(self, server, browser):
        try:
            while data := server.recv(65536):
                with self._lock:
                    self.sent += len(data)
                browser.sendall(data)
            browser.shutdown(socket.SHUT_WR)
        except OSError:
            self._shut(browser)

    def _shut(self, one):
        with contextlib.suppress(OSError):  # it may be lost already
            one.shutdown(socket.SHUT_RDWR)
