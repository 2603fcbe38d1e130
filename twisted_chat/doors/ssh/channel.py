"""One session channel: a terminal, a pipe or a command of a client, until it closes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import getNS
from twisted.conch.ssh.connection import EXTENDED_DATA_STDERR

from .malformed import Malformed
from .outbox import ChannelOutbox
from .quiet import QUIET

if TYPE_CHECKING:
    from .channels import Channels

WINDOW = 64 * 1024  # bytes that the client may send before we take more
MAX_PACKET = 32 * 1024  # bytes in one packet (RFC 4253, 6.1)
_SIDES = range(1, 1001)  # columns or rows of a terminal


class SshTerminal(NamedTuple):
    """A client's terminal."""

    name: str  # as in TERM
    width: int  # columns
    height: int  # rows


class ChannelUser(Protocol):
    """The use of a channel: a person, or a command."""

    def begin(self) -> None:
        """Begin: the client has its answer, and takes output."""

    def received(self, data: bytes) -> None:
        """Called with bytes that the client has sent."""

    def input_ended(self) -> None:
        """Called when the client sends nothing more."""

    def resized(self, terminal: SshTerminal) -> None:
        """Called when the terminal has another size."""

    def stop(self) -> None:
        """End, because the server stops."""

    def closed(self) -> None:
        """Called when the channel is closed."""


class SessionChannel(SSHChannel):
    """A channel of the kind "session" (RFC 4254, 6).

    Its window is closed until it is known what the channel is for, and while the user takes nothing: so bytes wait at
    the client, and never here.
    """

    name = b"session"
    _log = QUIET
    conn: Channels

    def __init__(self, conn: Channels, window: int, most: int) -> None:
        """``window``, ``most``: how many bytes the client takes, in all and in one packet."""
        super().__init__(localMaxPacket=MAX_PACKET, remoteWindow=window, remoteMaxPacket=most, conn=conn)
        self.localWindowSize = self.localWindowLeft = 0
        self.terminal: SshTerminal | None = None
        self.is_persons = False  # not of a command
        self.is_at_end = False  # the client sends nothing more
        self._user: ChannelUser | None = None
        self._has_begun = False
        self._is_read = True  # the user takes what is received
        self.outbox: ChannelOutbox | None = None

    @property
    def is_used(self) -> bool:
        """Return whether it is for something, and we have not closed it."""
        return self._has_begun and not self.localClosed

    @property
    def eol(self) -> str:
        """Return the end of a line: ssh turns off what a terminal would make of LF alone."""
        return "\n" if self.terminal is None else "\r\n"

    # -- requests

    def request(self, name: bytes, data: bytes) -> bool:
        """Do what a request asks for, and return whether it can be done; ``begin`` is called once that is answered."""
        if name == b"pty-req":
            return self._take_terminal(data)
        if name == b"window-change":
            return self._resize(data)
        if name == b"shell":
            return self._use(None)
        if name == b"exec":
            return self._use(getNS(data)[0])
        return False  # env, subsystem, x11-req, auth-agent-req@openssh.com, signal: nothing of that is of use here

    def _take_terminal(self, data: bytes) -> bool:
        name, rest = getNS(data)
        if self.terminal is not None or self._user is not None:
            return False
        self.terminal = SshTerminal(name[:64].decode("ascii", "replace"), *_size(rest))
        return True

    def _resize(self, data: bytes) -> bool:
        if self.terminal is None:
            return False
        self.terminal = SshTerminal(self.terminal.name, *_size(data))
        if self._user is not None:
            self._user.resized(self.terminal)
        return True

    def _use(self, command: bytes | None) -> bool:
        if self._user is not None:
            return False
        self._user = self.conn.transport.factory.user_of(self, command)
        self.is_persons = self._user is not None and command is None
        return self._user is not None

    def begin(self) -> None:
        """Called after each request that was done: begin once, with the one that says what the channel is for."""
        if self._user is not None and not self._has_begun:
            self._has_begun = True
            self.conn.transport.has_channel()
            self.localWindowSize = WINDOW
            self._user.begin()
            self._give_window()

    # -- input

    def dataReceived(self, data: bytes) -> None:
        if self._user is None:
            raise Malformed("bytes for nobody")
        self._user.received(data)
        self._give_window()

    def eofReceived(self) -> None:
        if not self.is_at_end:
            self.is_at_end = True
            if self._user is not None:
                self._user.input_ended()

    def read_on(self, on: bool) -> None:
        """Open the window for the client, or keep it closed."""
        self._is_read = on
        self._give_window()

    def _give_window(self) -> None:
        """Open the window again, once half of it is used."""
        used = self.localWindowSize - self.localWindowLeft
        if self._is_read and used > self.localWindowSize // 2 and not (self.is_at_end or self.localClosed):
            self.conn.adjustWindow(self, used)

    # -- output

    @property
    def may_write(self) -> int:
        return min(self.remoteWindowLeft, self.remoteMaxPacket) if self.is_writable else 0

    @property
    def is_writable(self) -> bool:
        return not self.localClosed and self.conn.transport.is_writable

    def write_now(self, data: bytes) -> None:
        self.remoteWindowLeft -= len(data)
        self.conn.sendData(self, data)

    def at_the_end_of_the_turn(self, call: Callable[[], None]) -> None:
        self.conn.transport.factory.at_the_end_of_the_turn(call)

    def write_error(self, words: str) -> None:
        """Write a line to the standard error of a command, as much of it as fits into the window."""
        data = f"{words}{self.eol}".encode()[: min(self.remoteWindowLeft, self.remoteMaxPacket)]
        if data and not self.localClosed:
            self.remoteWindowLeft -= len(data)
            self.conn.sendExtendedData(self, EXTENDED_DATA_STDERR, data)

    def addWindowBytes(self, data: int) -> None:
        """Called when the client takes so many bytes more."""
        self.remoteWindowLeft += data
        self.resume()

    def resume(self) -> None:
        """Called when more can be written."""
        if self.outbox is not None:
            self.outbox.resume()

    # -- the end

    def exit(self, status: int) -> None:
        """Report the exit status, and close."""
        if not self.localClosed:
            self.conn.sendRequest(self, b"exit-status", struct.pack(">L", status))
            self.conn.sendEOF(self)
            self.conn.sendClose(self)

    def abort(self) -> None:
        """Close at once; a connection whose client reads nothing ends, because it would not learn of that."""
        if self.conn.transport.is_writable:
            self.exit(1)
        else:
            self.conn.transport.abort()

    def stop(self) -> None:
        """End, because the server stops."""
        if self._user is not None and self.is_used:
            self._user.stop()
        else:
            self.exit(1)

    def closeReceived(self) -> None:
        self.conn.sendClose(self)

    def closed(self) -> None:
        if self._user is not None and self._has_begun:
            self._user.closed()


def _size(data: bytes) -> tuple[int, int]:
    """Return columns and rows of a terminal (RFC 4254, 6.2), as far as they can be true."""
    width, height = struct.unpack(">2L", data[:8])
    return width if width in _SIDES else 80, height if height in _SIDES else 24
