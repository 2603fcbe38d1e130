"""What all web connections share, and the tree of what they can ask for."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from ...core.hub import Hub
from ...core.limits import Addresses, Limits
from ..connection import host
from ..line.door import LineFactory
from .answers import FAULT, Answers, refuse
from .api.body import SIZE
from .api.rooms import put_rooms
from .api.speaker import take_latin
from .api.stream import Streams
from .callers import Callers, RefusedCaller, bare
from .connection import WebConnection, WebListener, connection_of
from .guard import HEADERS, OF_DOCUMENTS, Guard
from .health import Health, Pulse
from .invite import Invite, InviteCode
from .page import put_page
from .talk import TalkDoor
from .target import take_origin
from .visitors import Visitors
from .websocket import WebSocketDoor

CONTINUES = 1024  # bytes more than the lines of a post, for what stands around them

log = Logger()


class WebRequest(Request):
    """A request: bounded, guarded, answered in plain words."""

    content: BytesIO
    _is_too_large = False

    @property
    def _web(self) -> GuardedSite:
        return connection_of(self).factory.web

    def gotLength(self, length: int | None) -> None:
        """Twisted would put what is long into a file; it is in memory here, since it is not long."""
        self.content = BytesIO()
        self._grow(length or 0)

    def handleContentChunk(self, data: bytes) -> None:
        if self._is_too_large:
            return
        self.content.write(data)
        self._grow(self.content.tell())

    def _grow(self, length: int) -> None:
        most = self._web.max_body
        if length > most and not self._is_too_large:
            self._is_too_large = True
            self.requestHeaders.removeHeader(b"Expect")  # or HTTPChannel would go on to ask for the body
            self._web.hub.traffic.hit("request_too_large")
            words = f"that is too large: send {most} bytes at most"
            connection_of(self).write(bare(b"413 Content Too Large", words))
            connection_of(self).loseConnection()

    def process(self) -> None:
        if not self._is_too_large:  # it was answered
            connection_of(self).when_taken(self._begin)

    def _begin(self) -> None:
        connection_of(self).came()
        for name, value in (HEADERS | OF_DOCUMENTS).items():
            self.setHeader(name, value)
        take_origin(self)
        take_latin(self)
        refusal = self._web.guard.refusal(self)
        if refusal:
            refuse(self, *refusal)
        else:
            super().process()

    def finish(self) -> None:
        connection = connection_of(self)
        super().finish()
        connection.answered()

    def processingFailed(self, reason: Failure) -> Failure:
        """A fault of ours: tell it in plain words, and nobody else's connection knows of it."""
        log.failure("fault in answering {path}", failure=reason, path=self.path.decode("ascii", "replace"))
        if self.startedWriting:
            connection_of(self).abortConnection()
        else:
            refuse(self, 500, FAULT)
        return reason


class GuardedSite(Site):
    """What all connections to one kind of HTTP endpoint share: the guard, the limits, who is connected."""

    noisy = False
    displayTracebacks = False

    def __init__(self, root: Resource, line: LineFactory, guard: Guard, addresses: Addresses, max_body: int) -> None:
        """``line``: what the connections of all doors share; ``max_body``: bytes in the body of a request."""
        self.line = line
        self.hub: Hub = line.hub
        self.limits: Limits = line.limits
        self.clock: IReactorTime = line.clock
        self.guard = guard
        self.addresses = addresses
        self.max_body = max_body
        self.connections: set[WebConnection] = set()
        self.callers = Callers(self)
        self.patient: set[RefusedCaller] = set()  # that wait for the head of what they refuse
        self._all_closed: Deferred[None] | None = None
        self.listener = WebListener(self)
        super().__init__(root, WebRequest, parsePOSTFormSubmission=False, timeout=None, reactor=line.clock)

    def called(self, connection: WebConnection, address: IAddress) -> str:
        """Count a connection that nobody is in the chat over, yet; or return, and log, why there may not be one."""
        why = self.addresses.open(host(address), self.clock.seconds())
        return self.refused(address, why) if why else self.callers.enter(connection, address)

    def enter(self, address: IAddress, has_called: bool) -> str:
        """Count one place in the chat more for an address; or return, and log, why there may not be one.

        ``has_called``: its connection was counted before, as a caller's.
        """
        return self.refused(address, self.addresses.enter(host(address), self.clock.seconds(), is_open=has_called))

    def refused(self, address: IAddress, why: str) -> str:
        """Log why an address is refused, if it is; return that."""
        return self.line.refused(address, self.addresses, why)

    def leave(self, address: IAddress) -> None:
        """Count one connection less from an address."""
        self.addresses.leave(host(address))

    def count(self, received: int) -> None:
        """Count bytes that came, where they are the chat's."""

    def forget(self, connection: WebConnection) -> None:
        """Learn that a connection is lost."""
        self.connections.discard(connection)
        self._tell_if_closed()

    def close_all(self) -> Deferred[None]:
        """End what is not a chat: those the line factory closes, with words.

        Fires when the last connection of both kinds is lost, soon at the latest.
        """
        closed: Deferred[None] = Deferred()
        self._all_closed = closed
        for connection in list(self.connections):
            if connection.outbox is None:
                connection.end()
        self._tell_if_closed()
        return closed

    def _tell_if_closed(self) -> None:
        closed = self._all_closed
        if not self.connections and closed is not None:
            self._all_closed = None
            closed.callback(None)

    def startFactory(self) -> None:
        """Twisted would begin a log of requests: what people do is in the chat, and what goes wrong is logged."""

    def stopFactory(self) -> None:
        """And would end it."""


class WebFactory(GuardedSite):
    """What all web connections share: the visitors and the streams, too."""

    def __init__(self, line: LineFactory, guard: Guard, urls: Sequence[str] = ()) -> None:
        """``line``: what the connections of all doors share; ``urls``: where others reach the page, once it listens."""
        root = Answers()
        super().__init__(root, line, guard, line.addresses, SIZE * line.limits.max_line + CONTINUES)
        self.pulse = Pulse(self.hub, self.clock)
        self.streams = Streams(self)
        self.visitors = Visitors(self)
        put_page(root)
        put_rooms(self, root)
        root.putChild(b"ws", WebSocketDoor(self))
        self.talks = TalkDoor(self)
        root.putChild(b"talk", self.talks)
        root.putChild(b"invite", Invite(urls))
        root.putChild(b"invite.svg", InviteCode(urls))
        root.putChild(b"healthz", Health(self.pulse))

    def count(self, received: int) -> None:
        self.hub.traffic.bytes_in += received

    def close_all(self) -> Deferred[None]:
        """Let visitors, posts and streams end too."""
        self.visitors.close()
        self.talks.close()
        self.streams.close()
        return super().close_all()
