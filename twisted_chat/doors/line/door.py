"""The line door: telnet, netcat, the bundled client, and whatever else sends lines of text."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Callable, Sequence
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

from ...core import text
from ...core.errors import ChatError, LineTooLong
from ...core.events import REFUSED, Event
from ...core.hub import Hub
from ...core.limits import Addresses, Limits
from ...core.person import Person
from ...core.session import Ask
from ...requests import commands
from ...wire.plain import PROMPT, PlainView
from ..connection import Chat, address_text, cancel, host
from ..grace import Graces
from ..outbox import SocketOutbox, TransportOutbox, has_hung_up, outbox_for, plain_socket, socket_under
from ..program_talk import LONGER
from ..splitter import END, TOO_LONG, LineSplitter, Mark
from ..watchdog import Watchdog
from . import lab
from .telnet import TelnetFilter

HINT = "/help shows what you can type, /quit leaves"
HOW_TO_COME_IN = "type the name that you want to be known by, and press Enter; /quit leaves"
IN_A_BLOCK = "each line is now said as it is, whatever it begins with: ``` on a line of its own ends that"
AFTER_A_BLOCK = "the block has ended: commands work again"
WRONG_PROTOCOL = "this port speaks plain text: connect with telnet, nc or twisted-chat"

LOOK_SECONDS = 5.0  # between two looks at who is not read; who is gone is noticed at the second
KEEPALIVE_MOST = 32_000  # seconds; Linux refuses more than 32,767

_TLS_HELLO = b"\x16\x03"  # a handshake record of any version (RFC 8446, 5.1)
_OTHER_PROTOCOLS = re.compile(rb"SSH-\d|[A-Z]{3,8} \S+ (HTTP|RTSP|SIP)/\d|(EHLO|HELO|USER|CAP) \S")


@implementer(IHalfCloseableProtocol)
class LineChat(Chat, LineReceiver):
    """One person's connection: lines in, the views of what they hear out."""

    factory: LineFactory
    transport: ITCPTransport  # or what Twisted puts in its place: TLS, a UNIX socket
    _outbox: SocketOutbox | TransportOutbox | lab.LabOutbox

    def __init__(self, address: IAddress) -> None:
        super().__init__()
        self.address = address
        self._is_first = True  # nothing was received yet
        self._lab_prefix = b""
        self._has_claimed = False  # an alias, and it is not decided yet
        self._is_refused = False  # the alias that they asked for last
        self._quiet: IDelayedCall | None = None
        self._place = 0  # of the next line in the block that they are saying; 0: none
        self._is_told_of_block = False  # how to end it

    @property
    def kind(self) -> str:
        return "line" if self._program is None else "program"

    # -- what Twisted calls

    def connectionMade(self) -> None:
        clock, limits = self.factory.clock, self.factory.limits
        self._begin(outbox_for(self.transport, clock, limits, self._drained, self._stalled), PlainView())
        self._telnet = TelnetFilter(self.member.write)
        self._splitter = LineSplitter(limits.max_line)
        set_socket_options(self.transport, limits)
        self._outbox.send(PROMPT)

    def dataReceived(self, data: bytes) -> None:
        """Split here, not in LineReceiver: its delimiter is one and fixed, where netcat ends lines in LF and telnets in
        three other ways, and it drops the good lines that follow an over-long one in the same packet.
        """
        if self._outbox.is_closed or not data:
            return
        self.factory.hub.traffic.bytes_in += len(data)
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
        else:
            self._guarded(self._take_the_rest)

    def writeConnectionLost(self) -> None:
        """Our side has ended; the peer may take a little time to end its own."""
        self._outbox.ended()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        if self._lab_prefix:
            self._end_open_line()
        self._end()
        self.factory.leave(self.address)

    # -- what we call

    def _take(self, data: bytes) -> None:
        first, self._is_first = self._is_first, False
        cancel(self._quiet)
        if first and data.startswith(_TLS_HELLO):
            self._wrong_protocol()
            return
        if first and data.startswith(b"{"):
            self._talk_to_program()
            self._splitter.max_line *= LONGER
        wait = self.member.pace.take_bytes(len(data), self.factory.clock.seconds())
        data = self._telnet.feed(data)
        if self._lab_prefix:
            self._take_from_lab(data)
        else:
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

    def _take_the_rest(self) -> None:
        cancel(self._quiet)
        self._end_open_line()
        self._waiting.append(END)
        self._work()

    def _take_from_lab(self, data: bytes) -> None:
        if data.startswith(self._lab_prefix):
            self._end_open_line()
        self._split(data)
        self._quiet = self.factory.clock.callLater(lab.QUIET_SECONDS, self._lab_is_quiet)

    def _lab_is_quiet(self) -> None:
        self._quiet = None
        self._end_open_line()
        self._guarded(self._work)

    def _end_open_line(self) -> None:
        line = self._splitter.take()
        if line:
            self.lineReceived(line.removeprefix(self._lab_prefix))

    def _lab_alias(self) -> None:
        self._quiet = None
        self._guarded(self._take_lab_alias)

    def _take_lab_alias(self) -> None:
        alias = self._splitter.take()
        self._lab_prefix = lab.prefix(alias)
        self._splitter.max_line += len(self._lab_prefix)
        if not isinstance(self._outbox, lab.LabOutbox):
            self._outbox = lab.LabOutbox(self._outbox, self.factory.clock)
            assert self.member.reader is not None, "a connection has a reader"
            self.member.reader.outbox = self._outbox
        self.lineReceived(alias)
        self._work()

    def _take_lines(self, most: int) -> int:
        """Take what a person typed: many lines that are just said, or one of another kind; return how many."""
        if self._place:
            return self._take_block_lines(most)
        plain = self._plain_lines(most)
        if plain:
            self._obey(plain)
            return len(plain)
        line = self._read(self._waiting[0])
        if not self.member.may(self._is_post(line)):
            return 0
        del self._waiting[0]
        self._obey(line)
        return 1

    def _plain_lines(self, most: int) -> list[str]:
        """Take the lines in a row that are just said, at most so many: nearly all lines, read together."""
        if self._waiting[0][:1] == b"/" or not (self.member.alias and self.member.may(posts=True)):
            return []
        plain = text.plain(self._waiting[:most])
        del self._waiting[: len(plain)]
        return plain

    def _take_block_lines(self, most: int) -> int:
        """Take lines of the block, at most so many, or what ends it: the other fence, or the end of the input."""
        if not self.member.may(posts=True):
            return 0
        lines: list[str] = []
        for line in self._waiting[:most]:
            read = self._read(line, text.harmless)
            if not isinstance(read, str) or read.rstrip() == text.FENCE:
                break
            lines.append(read)
            if self._place + len(lines) > text.BLOCK_LINES:
                break
        if not lines:
            del self._waiting[0]
            self._end_block() if isinstance(read, str) else self._obey(read)
            return 1
        del self._waiting[: len(lines)]
        self._obey_block(lines)
        self._tell_of_block()
        return len(lines)

    def _obey_block(self, lines: list[str]) -> None:
        ask = Ask(self.member)
        try:
            self.factory.hub.say_block(ask, lines, place=self._place)
        except ChatError as error:
            ask.refuse(error)
        self._place += len(lines)
        if self._place > text.BLOCK_LINES:
            self._place = 1  # of another block: what follows is text all the same

    def _begin_block(self) -> None:
        self._place, self._is_told_of_block = 1, False
        self._tell_of_block()

    def _tell_of_block(self) -> None:
        """Tell a person how to end the block, unless its end may have come with the rest of what was pasted."""
        if not (self._waiting or self._is_told_of_block):
            self._is_told_of_block = True
            self.member.notice(IN_A_BLOCK)

    def _end_block(self) -> None:
        self._place = 0
        if self._is_told_of_block:
            self.member.notice(AFTER_A_BLOCK)

    def _read(self, line: bytes, clean: Callable[[str], str] = text.clean) -> str | ChatError | Mark:
        if line is TOO_LONG:
            return LineTooLong(self.factory.limits.max_line)
        if isinstance(line, Mark):
            return line
        try:
            return clean(text.edited(text.decoded(line)))
        except ChatError as error:
            return error

    def _is_post(self, line: str | ChatError | Mark) -> bool:
        return isinstance(line, str) and bool(self.member.alias) and commands.parse(line)[0].posts

    def _obey(self, line: list[str] | str | ChatError | Mark) -> None:
        ask = Ask(self.member)
        try:
            if isinstance(line, ChatError):
                if isinstance(line, LineTooLong):
                    self.factory.hub.traffic.hit("line_too_long")
                raise line
            if isinstance(line, list):
                self.factory.hub.say_lines(ask, line)
            elif isinstance(line, Mark):
                self._leave()
            elif not self.member.alias:
                self._answer_prompt(line)
            elif text.is_fence(line):
                self._begin_block()
            else:
                commands.obey(self.factory.hub, ask, commands.parse(line))
        except ChatError as error:
            ask.refuse(error)
            if not self.member.alias:
                self._ask_again()

    def _answer_prompt(self, line: str) -> None:
        line = line.lstrip()
        if line[:1] != "/":
            self._claim(line)
        elif _is_command(line, "quit"):
            self._leave()
        elif _is_command(line, "help"):
            self.member.notice(HOW_TO_COME_IN)
            self._prompt()
        else:
            self.member.refuse(ChatError(f"you are not in the chat yet: {HOW_TO_COME_IN}"))
            self._prompt()

    def _claim(self, line: str) -> None:
        hub, member = self.factory.hub, self.member
        if self._telnet.spoken or self._splitter.saw_cr:
            hub.listen(member, member.ear._replace(view=PlainView(eol="\r\n")))
        hub.claim(Ask(member), line)
        self._has_claimed = True

    def _claimed(self) -> None:
        has_claimed, self._has_claimed = self._has_claimed, False
        if has_claimed and not (self._program or self.member.alias or self.member.gone):
            self._ask_again()  # somebody else was first

    def _ask_again(self) -> None:
        """Ask for another alias: what came before that is no answer to it, and what was to be said is not said."""
        self._is_refused = True
        came, self._waiting[:] = self._waiting[:], []
        lines = [line for line in came if line is not END]
        dropped = sum(1 for line in lines if line.strip()) + self._splitter.drop()
        if not self._may_try_again():
            return
        if dropped:
            what = "the line" if dropped == 1 else f"the {dropped:,} lines"
            self.member.refuse(ChatError(f"{what} that you sent after it {'was' if dropped == 1 else 'were'} not read"))
        if END in came or any(_is_command(line.decode("utf-8", "replace"), "quit") for line in lines):
            self._leave()
        else:
            self._prompt()

    def _prompt(self) -> None:
        if not self._lab_prefix:
            self._outbox.send(PROMPT)

    def _leave(self) -> None:
        """Leave, because nothing more is to come; tell who wanted to say something that they never came in."""
        if self._is_refused and not self.member.alias:
            self.member.refuse(ChatError("you did not come in, and nothing was said: try again under another alias"))
        self.factory.hub.leave_all(self.member, "")

    def _greet(self) -> None:
        self.member.notice(*self.factory.motd, HINT)

    def _read_on(self, on: bool) -> None:
        if on:
            self.resumeProducing()
        else:
            self.pauseProducing()

    def abort(self) -> None:
        self.transport.abortConnection()

    @property
    def has_hung_up(self) -> bool:
        return has_hung_up(self.transport)

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return (self._quiet,)

    def _wrong_protocol(self) -> None:
        self.member.send([Event(REFUSED, text=WRONG_PROTOCOL)])
        self._close()


def _is_command(line: str, name: str) -> bool:
    return line[:1] == "/" and commands.parse(line)[0] is commands.TABLE[name]


def set_socket_options(transport: ITCPTransport, limits: Limits) -> None:
    """Let a connection keep little unsent, send at once, and notice a peer that is gone."""
    handle = socket_under(transport)
    if handle is not None:
        handle.setsockopt(SOL_SOCKET, SO_SNDBUF, limits.send_buffer)
    if not ITCPTransport.providedBy(transport) or not host(transport.getPeer()):
        return  # a UNIX socket, or a test
    transport.setTcpNoDelay(True)  # or a line waits up to 40 ms for the reader's acknowledgement
    transport.setTcpKeepAlive(True)
    if handle is None:
        return
    _bound_silence(handle, limits.stall_seconds)
    if handle is plain_socket(transport):
        # Telnet's Synch may be sent urgent (RFC 854): inline, so that no byte is missing after an IAC.
        handle.setsockopt(SOL_SOCKET, SO_OOBINLINE, 1)


def _bound_silence(handle: socket.socket, seconds: float) -> None:
    """End a connection whose peer's machine answers nothing for about so many seconds, as far as this system can.

    After half of them it is asked every eighth. The last option ends one to which something was sent; it is a little
    longer, so that a reader who is there and takes nothing is dropped by us, with a word in the log.
    """
    whole = max(8, math.ceil(min(seconds, KEEPALIVE_MOST)))
    for name, value in (
        ("TCP_KEEPIDLE", whole // 2),
        ("TCP_KEEPALIVE", whole // 2),  # as macOS calls it
        ("TCP_KEEPINTVL", whole // 8),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", whole * 1250),  # milliseconds
    ):
        option = getattr(socket, name, None)
        if option is not None:
            handle.setsockopt(socket.IPPROTO_TCP, option, value)


class Refuser(Protocol):
    """Tells one too many from an address why they cannot come in."""

    transport: ITCPTransport

    def __init__(self, factory: LineFactory, words: bytes) -> None:
        self.factory: LineFactory = factory
        self._words = words

    def connectionMade(self) -> None:
        clock, limits = self.factory.clock, self.factory.limits
        self._outbox = outbox_for(self.transport, clock, limits, lambda: None, lambda: None)
        self._outbox.send(self._words)
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
        self.connections: set[Chat] = set()
        self.watchdog = Watchdog(self.connections, clock)
        self.addresses = addresses
        self.is_held = False  # nothing more is taken of anybody: the server is about to stop
        self.graces = Graces(hub, clock, limits.grace_seconds, addresses)
        self._all_closed: Deferred[None] | None = None
        self._is_stopping = False
        self._look: IDelayedCall | None = None
        self._unread: set[Chat] = set()  # at the last look

    @property
    def aliases(self) -> dict[str, Person]:
        """Who is here, by the key of their alias: the hub's own table."""
        return self.hub.aliases

    @property
    def away(self) -> int:
        """How many programs may still come back."""
        return len(self.graces)

    def buildProtocol(self, address: IAddress) -> Protocol:  # type: ignore[override]  # servers always know it
        refusal = self.enter(address)
        if refusal:
            return Refuser(self, f"!! {refusal}\r\n".encode())
        connection = LineChat(address)
        connection.factory = self
        return connection

    def enter(self, address: IAddress) -> str:
        """Count one connection more from an address; or return, and log, why there may not be one."""
        return self.refused(address, self.addresses, self.addresses.enter(host(address), self.clock.seconds()))

    def refused(self, address: IAddress, addresses: Addresses, why: str) -> str:
        """Log why an address is refused, if it is, once in a while; return that. ``addresses``: where it is counted."""
        now = self.clock.seconds()
        if why:
            self.hub.traffic.hit("connections")
            if addresses.budget(host(address), now).is_news(now):
                self.log.info("refused {address}: {why}", address=address_text(address), why=why)
        return why

    def may_try_again(self, connection: Chat) -> bool:
        """Note that somebody did not get the alias that they asked for; False once that was too often."""
        may = self.addresses.fail(host(connection.address), self.clock.seconds())
        if not may:
            self.hub.traffic.hit("aliases")
        return may

    def give_grace(self, connection: Chat) -> bool:
        """Let a member whose program can come back stay for a while without this connection; return whether they do."""
        member = connection.member
        if self._is_stopping or member.leaving is not None or not (member.is_resumable and member.alias):
            return False
        if self.limits.grace_seconds:
            self.graces.give(member, host(connection.address))
        return bool(self.limits.grace_seconds)

    def forget(self, connection: Chat) -> None:
        """Learn that a connection is lost."""
        self.connections.discard(connection)
        if not self.connections:
            cancel(self._look)
        if not self.connections and self._all_closed is not None:
            self._all_closed.callback(None)
            self._all_closed = None

    def look_out(self) -> None:
        """Look now and then whether connections that are not read are still there.

        Nothing else tells: Twisted takes what is neither read nor written out of its epoll set.
        """
        if self._look is None or not self._look.active():
            self._look = self.clock.callLater(LOOK_SECONDS, self._look_around)

    def _look_around(self) -> None:
        """Part from who is gone. Who is not read for an instant only is read before the second look, to the end."""
        before, self._unread = self._unread, {one for one in self.connections if not one.is_reading}
        for connection in before & self._unread:
            if connection.has_hung_up:
                connection.abort()
        if self._unread:
            self.look_out()

    def leave(self, address: IAddress) -> None:
        """Count one connection less from an address."""
        self.addresses.leave(host(address))

    def close_all(self) -> Deferred[None]:
        """Tell everyone that the server stops; fires when the last connection is lost, soon at the latest."""
        closed: Deferred[None] = Deferred()
        self._all_closed = closed
        self._is_stopping, self.is_held = True, False
        self.graces.end_all()
        for connection in list(self.connections):
            connection.stop()
        if not self.connections:
            closed.callback(None)
            self._all_closed = None
        return closed
