"""The floor: a bare epoll loop that joins a turn's lines and sends them once to each connection; no chat in it.

No Python server can be faster on such sockets. ``python floor.py PORT``.
"""

from __future__ import annotations

import select
import socket
import sys

TURN_BYTES = 64 * 1024  # read from one connection in a turn, as Twisted does


class Peer:
    """One connection: its unfinished line, and the bytes that its socket did not take yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.begun = b""
        self.unsent = bytearray()


class Floor:
    """The loop."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._peers: dict[int, Peer] = {}

    def turn(self) -> None:
        """Read from all readable connections, and send the lines to all."""
        said = []
        for fd, events in self._epoll.poll():
            if fd == self._listener.fileno():
                self._accept()
            elif events & select.EPOLLOUT:
                self._send(fd, self._peers[fd], b"")
            else:
                said.append(self._read(fd, self._peers[fd]))
        batch = b"".join(said)
        if batch:
            for fd, peer in list(self._peers.items()):
                self._send(fd, peer, batch)

    def _accept(self) -> None:
        while True:
            try:
                sock, _address = self._listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[sock.fileno()] = Peer(sock)
            self._epoll.register(sock, select.EPOLLIN)

    def _read(self, fd: int, peer: Peer) -> bytes:
        try:
            data = peer.sock.recv(TURN_BYTES)
        except OSError:
            data = b""
        if not data:
            self._drop(fd)
        lines, end, rest = data.rpartition(b"\n")
        if not end:
            peer.begun += rest
            return b""
        whole = peer.begun + lines + end
        peer.begun = rest
        return whole

    def _send(self, fd: int, peer: Peer, data: bytes) -> None:
        waited = bool(peer.unsent)
        if waited:
            peer.unsent += data
        try:
            sent = peer.sock.send(peer.unsent or data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(fd)
            return
        if waited:
            del peer.unsent[:sent]
        else:
            peer.unsent += data[sent:]
        if waited != bool(peer.unsent):
            self._epoll.modify(fd, select.EPOLLIN | (select.EPOLLOUT if peer.unsent else 0))

    def _drop(self, fd: int) -> None:
        self._peers.pop(fd).sock.close()


if __name__ == "__main__":
    floor = Floor(int(sys.argv[1]))
    while True:
        floor.turn()
