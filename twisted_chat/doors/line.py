"""The line door: telnet, netcat, the bundled client, and whatever else sends lines of text."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from itertools import islice
from socket import SO_OOBINLINE, SO_SNDBUF, SOL_SOCKET

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from .. import commands, text
from ..errors import ChatError, LineTooLong, TakenOver
from ..events import REFUSED, Event
from ..hub import Hub
from ..limits import Addresses, Bucket, Limits
from ..member import Member
from ..wire.plain import PROMPT, PlainView
from . import lab
from .grace import Grace
from .outbox import outbox_for, plain_socket
from .program import LONGER, ProgramTalk
from .splitter import END, TOO_LONG, LineSplitter, Mark
from .telnet import TelnetFilter

HINT = "/help shows what you can type, /quit leaves"
GOODBYE = "the server is stopping: goodbye"
WRONG_PROTOCOL = "this port speaks plain text: connect with telnet, nc or twisted-chat"
LINES_AT_ONCE = 500  # of one connection, before others have their turn
FLOOD_NOTICE_SECONDS = 60  # between two of them to one connection

_TLS_HELLO = b"\x16\x03"  # a handshake record of any version (RFC 8446, 5.1)
_OTHER_PROTOCOLS = re.compile(rb"SSH-\d|[A-Z]{3,8} \S+ (HTTP|RTSP|SIP)/\d|(EHLO|HELO|USER|CAP) \S")


@implementer(IHalfCloseableProtocol)
class LineChat(LineReceiver):
    """One person's connection: lines in, the views of what they hear out.

    A line is taken from ``_waiting`` when all that was asked before it has happened and the limits allow it; while
    any wait, nothing more is read. So a flooder is slowed by their own socket, and nothing of theirs is lost.
    """

    factory: LineFactory
    transport: ITCPTransport  # or what Twisted puts in its place: TLS, a UNIX socket
    member: Member

    def __init__(self, address: IAddress) -> None:
        self.address = address
        self._waiting: deque[bytes] = deque()  # as received: what comes of a bad line is far larger
        self._is_first = True  # nothing was received yet
        self._is_lost = False
        self._peer_is_done = False
        self._is_stopping = False
        self._lab_prefix = b""
        self._has_claimed = False  # an alias, and it is not decided yet
        self._alias = ""  # as it was logged
        self._flood_told_until = 0.0
        self._program: ProgramTalk | None = None  # if no person types here
        self._quiet: IDelayedCall | None = None
        self._delay: IDelayedCall | None = None
        self._deadline: IDelayedCall | None = None

    # -- what Twisted calls

    def connectionMade(self) -> None:
        clock, limits = self.factory.clock, self.factory.limits
        now = clock.seconds()
        self._outbox = outbox_for(self.transport, clock, limits, self._drained, self._stalled)
        self.member = self.factory.hub.connect(self._outbox, PlainView(), self)
        self._telnet = TelnetFilter(self.member.write)
        self._splitter = LineSplitter(limits.max_line)
        self._lines = Bucket(limits.lines_per_second, limits.lines_at_once, now)
        self._bytes = Bucket(limits.bytes_per_second, limits.bytes_at_once, now)
        self._deadline = clock.callLater(limits.alias_seconds, self._alias_overdue)
        self.factory.connections.add(self)
        self._set_socket_options()
        self.factory.log.info("connection is established with {address}", address=address_text(self.address))
        self._outbox.send(PROMPT)

    def dataReceived(self, data: bytes) -> None:
        """Split here, not in LineReceiver: its delimiter is one and fixed, where netcat ends lines in LF and telnets in
        three other ways, and it drops the good lines that follow an over-long one in the same packet.
        """
        if self._outbox.is_closed or not data:
            return
        try:
            self._take(data)
            self._work()
        except Exception:
            self._fault()

    def lineReceived(self, line: bytes) -> None:
        """Queue one line, without its end, as it was received."""
        if self._outbox.is_closed:
            return  # what comes after another protocol's hello, say
        if not self.member.alias and _OTHER_PROTOCOLS.match(line):
            self._wrong_protocol()
        else:
            self._waiting.append(line)

    def readConnectionLost(self) -> None:
        """The peer has ended its side: take what it began, answer it, and close."""
        self._peer_is_done = True
        if self._outbox.is_closed:
            self.transport.loseConnection()
            return
        try:
            self._cancel(self._quiet)
            if self._splitter.pending:
                self.lineReceived(self._splitter.take())
            self._waiting.append(END)
            self._work()
        except Exception:
            self._fault()

    def writeConnectionLost(self) -> None:
        """Our side has ended; the peer may take a little time to end its own."""
        self._outbox.ended()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._is_lost = True
        self._outbox.lost()
        for call in (self._deadline, self._quiet, self._delay):
            self._cancel(call)
        if self._delay is not None:
            self._waiting.clear()  # more than the limits allow, of somebody who is gone
            self._delay = None
        self.factory.forget(self)
        self._waiting.append(END)  # for a program: what it has asked is done, and it may come back
        self._work()
        self.factory.log.info("connection has ended with {address}", address=address_text(self.address))

    # -- what we call

    def goodbye(self, words: str, linger: bool = True) -> None:
        """Tell this person why the connection ends, and end it."""
        self.member.notice(words)
        self._close(linger)

    def stop(self) -> None:
        """Say goodbye because the server stops; to one who is behind, once they have caught up, if they are quick."""
        if not self.member.is_behind:
            self.goodbye(GOODBYE, linger=False)
        elif not self._is_stopping:
            self._is_stopping = True
            self._cancel(self._deadline)
            clock, limits = self.factory.clock, self.factory.limits
            self._deadline = clock.callLater(limits.closing_seconds, self.transport.abortConnection)

    def _take(self, data: bytes) -> None:
        first, self._is_first = self._is_first, False
        self._cancel(self._quiet)
        if first and data.startswith(_TLS_HELLO):
            self._wrong_protocol()
            return
        if first and data.startswith(b"{"):
            self._program = ProgramTalk(self, self.factory.hub, self.factory.limits, self._may_try_again)
            self._splitter.max_line *= LONGER
        wait = self._bytes.take(len(data), self.factory.clock.seconds())
        data = self._telnet.feed(data)
        if not self._take_from_lab(data):
            self._split(data)
            may_be_lab = first and not (self._program or self._telnet.spoken)
            if may_be_lab and lab.is_alias(data) and self._splitter.pending == data:
                self._quiet = self.factory.clock.callLater(lab.QUIET_SECONDS, self._lab_alias)
        if wait:
            self._slow_down(wait)

    def _split(self, data: bytes) -> None:
        lines = self._splitter.feed(data)
        if self.member.alias:
            self._waiting += lines  # as lineReceived does, at once
            return
        for line in lines:
            self.lineReceived(line)

    def _take_from_lab(self, data: bytes) -> bool:
        if not self._lab_prefix or self._splitter.pending:
            return False
        line = lab.line(data, self._lab_prefix)
        if line is None:
            return False
        self.lineReceived(line)
        return True

    def _lab_alias(self) -> None:
        self._quiet = None
        try:
            alias = self._splitter.take()
            self._lab_prefix = lab.prefix(alias)
            self.lineReceived(alias)
            self._work()
        except Exception:
            self._fault()

    def _work(self) -> None:
        """Take the lines that can be taken now."""
        member = self.member
        if self.factory.is_held:
            return
        while self._waiting and self._delay is None and self._takes_answers() and member.leaving is None:
            now = self.factory.clock.seconds()
            most = math.ceil(max(1, min(LINES_AT_ONCE, self._lines.left(now))))
            taken = self._program.take(self._waiting, most) if self._program else self._take_lines(most)
            if not taken:
                break
            member = self.member  # who may be another by now
            wait = self._lines.take(taken, now)
            if wait:
                self._slow_down(wait)
            elif taken == LINES_AT_ONCE:
                self._delay = self.factory.clock.callLater(0, self._go_on)  # others have their turn first
        if member.leaving is not None:
            self._waiting.clear()
        self._read_or_not()

    def _take_lines(self, most: int) -> int:
        """Take what a person typed: many lines that are just said, or one of another kind; return how many."""
        plain = self._plain_lines(most)
        if plain:
            self._obey(plain)
            return len(plain)
        line = self._read(self._waiting[0])
        if not self.member.may(self._is_post(line)):
            return 0
        self._waiting.popleft()
        self._obey(line)
        return 1

    def _takes_answers(self) -> bool:
        if not self.member.is_behind or self._is_lost:
            return True
        return self._program is not None and not self._program.is_in  # and may have to say hello again

    def _plain_lines(self, most: int) -> list[str]:
        """Take the lines in a row that are just said, at most so many: nearly all lines, read together."""
        if self._waiting[0][:1] == b"/" or not (self.member.alias and self.member.may(posts=True)):
            return []
        plain = text.plain(list(islice(self._waiting, most)))
        if len(plain) == len(self._waiting):
            self._waiting.clear()
        else:
            for _ in plain:
                self._waiting.popleft()
        return plain

    def _read(self, line: bytes) -> str | ChatError | Mark:
        if line is TOO_LONG:
            return LineTooLong(self.factory.limits.max_line)
        if isinstance(line, Mark):
            return line
        try:
            return text.clean(text.edited(text.decoded(line)))
        except ChatError as error:
            return error

    def _is_post(self, line: str | ChatError | Mark) -> bool:
        return isinstance(line, str) and bool(self.member.alias) and commands.parse(line)[0].posts

    def _obey(self, line: list[str] | str | ChatError | Mark) -> None:
        try:
            if isinstance(line, ChatError):
                raise line
            if isinstance(line, list):
                self.factory.hub.say_lines(self.member, line)
            elif isinstance(line, Mark):
                self.factory.hub.leave_all(self.member, "")
            elif not self.member.alias:
                self._claim(line)
            else:
                commands.obey(self.factory.hub, self.member, commands.parse(line))
        except ChatError as error:
            self.member.refuse(error)
            if not self.member.alias:
                self._ask_again()

    def _claim(self, line: str) -> None:
        hub, member = self.factory.hub, self.member
        if self._telnet.spoken or self._splitter.saw_cr:
            hub.listen(member, view=PlainView(eol="\r\n"))
        hub.claim(member, line)
        self._has_claimed = True

    def settled(self) -> None:
        """Something that was asked has happened; with nothing in flight, all of it."""
        member = self.member
        if self._program is not None:
            self._program.settled()
            member = self.member
        if member.gone:
            self._close()
        elif self._program is None and not member.alias and self._has_claimed:
            self._ask_again()  # somebody else was first
        elif member.alias != self._alias:
            self._named(member.alias)
        self._has_claimed = False
        self._work()

    def _ask_again(self) -> None:
        if self._may_try_again() and not self._lab_prefix:
            self._outbox.send(PROMPT)

    def _may_try_again(self) -> bool:
        may = self.factory.may_try_again(self)
        if not may:
            self.goodbye("too many aliases were tried from your address: come back in a minute")
        return may

    # -- what a program asks of its connection

    def adopt(self, member: Member) -> None:
        """Go on as a member who was here before, and whose program has come back."""
        newcomer, self.member = self.member, member
        self._cancel(self._deadline)
        self.factory.hub.renew(member)
        member.come_back(self._outbox, self)
        self.factory.hub.leave_all(newcomer, "")

    def taken_over(self) -> None:
        """The member goes on through another connection: this one ends."""
        self._let_go()
        if not self._is_lost:
            self.member.refuse(TakenOver())
            self._close(linger=False)

    def end_input(self) -> None:
        """The program sends nothing more, perhaps because it has died: it may come back."""
        if not self.factory.give_grace(self.member):
            self.factory.hub.leave_all(self.member, "")
            return
        self._let_go()
        if not self._is_lost:
            self._close()

    def _let_go(self) -> None:
        """Let the member go on without this connection, which has a nobody of its own until it ends."""
        if self._program is not None:
            self._program.stop()
        self.member = self.factory.hub.connect(self._outbox, self.member.view, self)
        if self._is_lost:
            self._waiting.clear()
            self.factory.hub.leave_all(self.member, "")

    def _named(self, alias: str) -> None:
        self.factory.log.info("the alias of {address} is {alias}", address=address_text(self.address), alias=alias)
        if not self._alias:
            self._cancel(self._deadline)
            if self._program is None:
                self.member.notice(*self.factory.motd, HINT)
        self._alias = alias

    def _slow_down(self, seconds: float) -> None:
        if self._is_lost:
            self._waiting.clear()  # more than the limits allow, of somebody who is gone
            self._waiting.append(END)
            return
        clock = self.factory.clock
        self._cancel(self._delay)
        self._delay = clock.callLater(seconds, self._go_on)
        if clock.seconds() >= self._flood_told_until:
            self._flood_told_until = clock.seconds() + FLOOD_NOTICE_SECONDS
            limits = self.factory.limits
            self.member.notice(
                f"slow down: you are read at {limits.lines_per_second:g} lines and "
                f"{limits.bytes_per_second:,.0f} bytes a second now; nothing is lost"
            )

    def _go_on(self) -> None:
        self._delay = None
        try:
            self._work()
        except Exception:
            self._fault()

    def _read_or_not(self) -> None:
        """Read on only when nothing waits and they read, too: what they send meanwhile stays in their own socket."""
        waits = bool(self._waiting) or self._delay is not None or not self._takes_answers()
        waits = waits and not self._outbox.is_closed  # what a peer sends then is read and dropped
        if self._is_lost or waits == self.paused:
            return
        if waits:
            self.pauseProducing()
        else:
            self.resumeProducing()

    def _close(self, linger: bool = True) -> None:
        self._waiting.clear()
        for call in (self._delay, self._quiet, None if self._is_stopping else self._deadline):
            self._cancel(call)
        self._delay = None
        self._read_or_not()  # or the peer's end would not be noticed
        self._outbox.close(linger and not self._peer_is_done)

    def _fault(self) -> None:
        """A fault of ours: this connection ends, and nobody else's."""
        self.factory.log.failure("fault in the connection with {address}", address=address_text(self.address))
        self._outbox.drop()
        self._close()

    def _drained(self) -> None:
        """They have read what was unsent."""
        try:
            self.member.catch_up()
            if self._is_stopping:
                self.stop()
            self._work()
        except Exception:
            self._fault()

    def _stalled(self) -> None:
        self.factory.log.warn(
            "{address} has read nothing for {seconds:g} seconds: dropped",
            address=address_text(self.address),
            seconds=self.factory.limits.stall_seconds,
        )

    def _alias_overdue(self) -> None:
        self.goodbye(f"no alias was given in {self.factory.limits.alias_seconds:g} seconds: goodbye")

    def _wrong_protocol(self) -> None:
        self.member.send([Event(REFUSED, text=WRONG_PROTOCOL)])
        self._close()

    def _cancel(self, call: IDelayedCall | None) -> None:
        if call is not None and call.active():
            call.cancel()

    def _set_socket_options(self) -> None:
        handle = plain_socket(self.transport)
        if handle is not None:
            handle.setsockopt(SOL_SOCKET, SO_SNDBUF, self.factory.limits.send_buffer)
        if not ITCPTransport.providedBy(self.transport) or not host(self.address):
            return  # a UNIX socket, or a test
        self.transport.setTcpNoDelay(True)  # or a line waits up to 40 ms for the reader's acknowledgement
        self.transport.setTcpKeepAlive(True)
        if handle is not None:
            # Telnet's Synch may be sent urgent (RFC 854): inline, so that no byte is missing after an IAC.
            handle.setsockopt(SOL_SOCKET, SO_OOBINLINE, 1)


class Refuser(Protocol):
    """Tells one too many from an address why they cannot come in."""

    transport: ITCPTransport
    factory: LineFactory

    def connectionMade(self) -> None:
        clock, limits = self.factory.clock, self.factory.limits
        self._outbox = outbox_for(self.transport, clock, limits, lambda: None, lambda: None)
        self._outbox.send(b"!! too many connections from your address: close one and come again\r\n")
        self._outbox.close(linger=False)  # and not for ever, over TLS, with a peer that never answers

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._outbox.lost()


class LineFactory(Factory):
    """What all connections share: the hub, the limits, and who is connected."""

    noisy = False
    log = Logger()

    def __init__(
        self,
        hub: Hub,
        limits: Limits,
        addresses: Addresses,
        clock: IReactorTime,
        motd: Sequence[str] = (),
    ) -> None:
        """``motd``: lines shown to whoever comes in, without their ends."""
        self.hub = hub
        self.limits = limits
        self.clock = clock
        self.motd = motd
        self.connections: set[LineChat] = set()
        self._addresses = addresses
        self.is_held = False  # nothing more is taken of anybody: the server is about to stop
        self._graces: set[Grace] = set()
        self._all_closed: Deferred[None] | None = None
        self._is_stopping = False

    @property
    def aliases(self) -> dict[str, Member]:
        """Who is here, by the key of their alias: the hub's own table."""
        return self.hub.aliases

    def buildProtocol(self, address: IAddress) -> Protocol:  # type: ignore[override]  # servers always know it
        if not self._addresses.enter(host(address)):
            self.log.info("too many connections from {address}: refused", address=address_text(address))
            refuser = Refuser()
            refuser.factory = self
            return refuser
        connection = LineChat(address)
        connection.factory = self
        return connection

    def may_try_again(self, connection: LineChat) -> bool:
        """Note that somebody did not get the alias that they asked for; False once that was too often."""
        return self._addresses.fail(host(connection.address), self.clock.seconds())

    def give_grace(self, member: Member) -> bool:
        """Let a member whose program can come back stay for a while without a connection; return whether they do."""
        seconds = self.limits.grace_seconds
        if self._is_stopping or not (member.is_resumable and member.alias and seconds and member.leaving is None):
            return False
        self._graces.add(Grace(self.hub, member, self.clock, seconds, self._graces.discard))
        return True

    def forget(self, connection: LineChat) -> None:
        """Learn that a connection is lost."""
        self.connections.discard(connection)
        self._addresses.leave(host(connection.address))
        if not self.connections and self._all_closed is not None:
            self._all_closed.callback(None)
            self._all_closed = None

    def close_all(self) -> Deferred[None]:
        """Tell everyone that the server stops; fires when the last connection is lost, soon at the latest."""
        closed: Deferred[None] = Deferred()
        self._all_closed = closed
        self._is_stopping, self.is_held = True, False
        for grace in list(self._graces):
            grace.end()
        for connection in list(self.connections):
            connection.stop()
        if not self.connections:
            closed.callback(None)
            self._all_closed = None
        return closed


def host(address: IAddress) -> str:
    """Return an address's host, empty for a UNIX socket."""
    return str(getattr(address, "host", ""))


def address_text(address: IAddress) -> str:
    """Return an address as people write it: 127.0.0.1:59000, [::1]:59000, or "a UNIX socket"."""
    name = host(address)
    if not name:
        return "a UNIX socket"
    port = getattr(address, "port", 0)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
