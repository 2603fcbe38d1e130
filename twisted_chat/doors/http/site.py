"""Requests over HTTP: bounded, guarded, and answered in plain sentences."""

from __future__ import annotations

from io import BytesIO

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from .answers import FAULT, refuse
from .connection import connection_of
from .guard import HEADERS, OF_DOCUMENTS
from .premises import HttpPremises
from .refused_caller import bare
from .request_target import take_origin

log = Logger()


class GuardedRequest(Request):
    """A request that is bounded, guarded and answered in plain sentences."""

    content: BytesIO
    _is_too_large = False

    @property
    def _http(self) -> HttpPremises:
        return connection_of(self).factory.http

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, as it is short: Twisted would write a long one to a file."""
        self.content = BytesIO()
        self._grow(length or 0)

    def handleContentChunk(self, data: bytes) -> None:
        if self._is_too_large:
            return
        self.content.write(data)
        self._grow(self.content.tell())

    def _grow(self, length: int) -> None:
        most = self._http.max_body
        if length > most and not self._is_too_large:
            self._is_too_large = True
            self.requestHeaders.removeHeader(b"Expect")  # or HTTPChannel would go on to ask for the body
            self._http.hub.traffic.hit("request_too_large")
            words = f"that is too large: send {most} bytes at most"
            connection_of(self).write(bare(b"413 Content Too Large", words))
            connection_of(self).loseConnection()

    def process(self) -> None:
        if not self._is_too_large:  # it was answered
            connection_of(self).when_taken(self._begin)

    def _begin(self) -> None:
        connection_of(self).arrived()
        for name, value in (HEADERS | OF_DOCUMENTS).items():
            self.setHeader(name, value)
        take_origin(self)
        self.guarded()

    def guarded(self) -> None:
        """Answer the request, unless another site's page may have sent it."""
        refusal = self._http.guard.refusal(self)
        if refusal:
            refuse(self, *refusal)
        else:
            super().process()

    def finish(self) -> None:
        connection = connection_of(self)
        super().finish()
        connection.answered()

    def processingFailed(self, reason: Failure) -> Failure:
        """Called for a fault of ours: answer in plain words; no other connection is affected."""
        log.failure("fault in answering {path}", failure=reason, path=self.path.decode("ascii", "replace"))
        if self.startedWriting:
            connection_of(self).abortConnection()
        else:
            refuse(self, 500, FAULT)
        return reason


class GuardedSite(Site):
    """The factory of one HTTP port's channels, whose connections are made by an ``HttpListener``."""

    noisy = False
    displayTracebacks = False

    def __init__(self, root: Resource, clock: IReactorTime, request: type[GuardedRequest] = GuardedRequest) -> None:
        super().__init__(root, request, parsePOSTFormSubmission=False, timeout=None, reactor=clock)

    def startFactory(self) -> None:
        """Do nothing: Twisted would begin a log of all requests; the chat logs what an operator needs."""

    def stopFactory(self) -> None:
        """Do nothing: Twisted would end that log."""
