"""Resources with asynchronous answers: a coroutine returns the body, or raises the refusal."""

from __future__ import annotations

import gzip
import json
from collections.abc import Coroutine
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import NO_CONTENT, NOT_MODIFIED
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from ....core.errors import ChatError
from ...http.accept import takes_gzip
from ...http.answers import PlainResource, plain, wrong_method
from ...http.premises import HttpPremises
from .refused import HttpRefused, refused

_GZIP_FROM = 1000  # bytes: a shorter body is not worth it

JSON = "application/json"

log = Logger()


class Later(PlainResource):
    """A resource whose methods are coroutines; with ``get`` it answers HEAD too."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "OPTIONS")

    def __init__(self, web: HttpPremises, name: bytes = b"") -> None:
        """``name``: the room or the person, as written in the path."""
        super().__init__()
        self._web = web
        self._name = name

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return the resource below, which is none; a slash at the end is ignored."""
        return super().getChild(path, request) if path or request.postpath else self

    def render(self, request: Request) -> int:
        return later(request, self._answer(request))

    async def get(self, request: Request) -> bytes | None:
        """Return the body of the answer; None if the answer continues by itself."""
        raise NotImplementedError

    async def post(self, request: Request) -> bytes | None:
        """Return the body of the answer."""
        raise NotImplementedError

    async def _answer(self, request: Request) -> bytes | None:
        method = request.method.decode("ascii", "replace")
        if method not in self.methods or method == "OPTIONS":
            return wrong_method(request, ", ".join(self.methods))
        return await (self.post(request) if method == "POST" else self.get(request))


def later(request: Request, answer: Coroutine[Any, Any, bytes | None]) -> int:
    """Answer a request when a coroutine returns, unless the client is gone by then."""
    gone: list[Failure] = []
    request.notifyFinish().addErrback(gone.append)

    async def send() -> None:
        body = await _refusable(request, answer, gone)
        if body is not None and not gone:
            _send(request, body)

    def fault(failure: Failure) -> None:
        if gone:
            log.failure("fault in answering a client that is gone", failure=failure)
        else:
            request.processingFailed(failure)

    Deferred.fromCoroutine(send()).addErrback(fault)
    return NOT_DONE_YET


async def _refusable(request: Request, answer: Coroutine[Any, Any, bytes | None], gone: list[Failure]) -> bytes | None:
    try:
        return await answer
    except HttpRefused as error:
        refusal = error
    except ChatError as error:
        refusal = refused(error)
    if gone:
        return None
    for name, value in refusal.headers.items():
        request.setHeader(name, value)
    return plain(request, refusal.status, str(refusal))


def _send(request: Request, body: bytes) -> None:
    if request.code not in (NO_CONTENT, NOT_MODIFIED):
        body = _packed(request, body)
        request.setHeader("Content-Length", str(len(body)))
    request.write(b"" if request.method == b"HEAD" else body)
    request.finish()


def _packed(request: Request, body: bytes) -> bytes:
    """Return the body in the coding that the client prefers."""
    varies = request.responseHeaders.getRawHeaders("Vary") or []
    request.setHeader("Vary", ", ".join([*varies, "Accept-Encoding"]))
    if not body or not takes_gzip(request, is_long=len(body) >= _GZIP_FROM):
        return body
    request.setHeader("Content-Encoding", "gzip")
    return gzip.compress(body, compresslevel=1, mtime=0)  # level 1: everyone else waits for it


def as_json(found: object) -> bytes:
    """Return one object as the body of an answer."""
    return (json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
