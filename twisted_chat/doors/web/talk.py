"""JSON Lines over plain HTTP, where WebSockets are blocked: an endless answer, and posts with the requests.

    POST /talk                    -> {"talk":"SECRET"}, then each message to the program, a line each, until the end
    POST /talk, Chat-Talk: SECRET -> 204 once the lines of its body were taken

Both are posts, so that no page of another site can begin a talk or say anything in it.
"""

from __future__ import annotations

import json
import secrets
from typing import ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.web.server import Request

from ...wire.jsonlines import JsonView
from ..http.connection import connection_of
from ..http.premises import HttpPremises
from ..outbox import ClosableOutbox
from ..program_talk import ProgramTalk
from .api.pages import NDJSON
from .api.parameters import header, parameters
from .api.refused import HttpRefused
from .api.resource import Later
from .api.streams import Streams
from .web_chat import WebChat

HEADER = "Chat-Talk"  # carries the secret
_BYTES = 24  # of a secret
_SIGN = b"\n"  # of life: proxies cut off a connection that is silent for 60 seconds


class TalkDoor(Later):
    """The resource at which a talk begins and continues."""

    methods: ClassVar = ("POST", "OPTIONS")

    def __init__(self, web: HttpPremises, streams: Streams) -> None:
        super().__init__(web)
        self._streams = streams
        self._talks: dict[str, TalkChat] = {}  # by their secrets

    async def post(self, request: Request) -> bytes | None:
        parameters(request, {})
        secret = header(request, HEADER)
        if secret is None:
            self._begin(request)
            return None
        talk = self._talks.get(secret)
        if talk is None or talk.is_over:
            raise HttpRefused(404, f"that talk has ended: begin another one, without {HEADER}")
        assert request.content is not None
        talk.note_overheard(self._web.is_overheard(request))
        await talk.take(request.content.read())
        request.setResponseCode(204)
        return b""

    def _begin(self, request: Request) -> None:
        connection = connection_of(request)
        refusal = connection.count(self._web.guard.client(request))
        if refusal:
            raise HttpRefused(429, refusal, {"Retry-After": "10"})
        request.setHeader("Content-Type", NDJSON)
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("X-Accel-Buffering", "no")  # nginx would keep lines back until it has a page of them
        request.setHeader("Connection", "close")  # nothing else is answered on it
        secret = secrets.token_urlsafe(_BYTES)
        talk = self._talks[secret] = TalkChat(self._web, request)
        request.notifyFinish().addErrback(lambda failure: self._end(secret))
        outbox = connection.take_over(talk.drained, talk.stalled, lambda size: False)
        request.write(json.dumps({"talk": secret}, separators=(",", ":")).encode() + b"\n")
        talk.begin(self._streams.framed(outbox) if request.clientproto == b"HTTP/1.1" else outbox)

    def _end(self, secret: str) -> None:
        self._talks.pop(secret).end()

    def close(self) -> None:
        """Answer the waiting posts, because the server stops."""
        for talk in self._talks.values():
            talk.answer(HttpRefused(503, "the server is stopping: not all of it was taken"))


class TalkChat(WebChat):
    """The talk of one browser or program."""

    kind = "talk"

    def __init__(self, web: HttpPremises, request: Request) -> None:
        super().__init__(web, request)
        self._taken: Deferred[None] | None = None  # the post that waits until its lines are taken
        self._sign: IDelayedCall | None = None

    # -- called by the resource

    def note_overheard(self, is_overheard: bool) -> None:
        """Called with each post: if others can read one of them, they could read a password, too."""
        self._is_overheard = self._is_overheard or is_overheard

    def begin(self, outbox: ClosableOutbox) -> None:
        """Begin the talk, through an outbox."""
        self._begin(outbox, JsonView())
        self._talk = ProgramTalk(self, self._waiting)
        self._sign = self.premises.clock.callLater(self.premises.limits.ping_seconds, self._give_sign)

    def take(self, body: bytes) -> Deferred[None]:
        """Take the lines of a post. Fires once all are taken: a program that exceeds its rate has to wait.

        Raises: HttpRefused.
        """
        if self._taken is not None:
            raise HttpRefused(409, "one post at a time: wait for the answer to the one before")
        taken = self._taken = Deferred()
        lines = [line for line in body.replace(b"\r\n", b"\n").split(b"\n") if line]
        self._queue(*lines)
        wait = self.session.pace.take_bytes(len(body), self.premises.clock.seconds())
        if wait:
            self._slow_down(wait)
        self.wake()
        if self.is_reading:
            self.answer()
        return taken

    def answer(self, refused: HttpRefused | None = None) -> None:
        """Answer the waiting post, if there is one."""
        taken, self._taken = self._taken, None
        if taken is not None and refused is not None:
            taken.errback(refused)
        elif taken is not None:
            taken.callback(None)

    @property
    def is_over(self) -> bool:
        """Return whether the talk takes no more lines."""
        return self._outbox.is_closed

    def end(self) -> None:
        """Called when the connection is lost."""
        self._end()
        self.answer(HttpRefused(404, "the talk has ended: not all of it was taken"))

    # -- what differs

    def _read_on(self, on: bool) -> None:
        if on:
            self.answer()

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return (self._sign,)

    def _give_sign(self) -> None:
        """Send a sign of life to the reader."""
        self._sign = self.premises.clock.callLater(self.premises.limits.ping_seconds, self._give_sign)
        if not self.session.is_behind:
            self.session.write(_SIGN)
