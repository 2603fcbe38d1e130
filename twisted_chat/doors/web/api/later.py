"""Resources whose answers come later: each a coroutine that returns the body, or raises why there is none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import NO_CONTENT, NOT_MODIFIED
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from ....core.errors import ChatError, NotRecalled
from ..accept import takes_gzip
from ..answers import Answers, plain, wrong_method

if TYPE_CHECKING:
    from ..site import WebFactory

_GZIP_FROM = 1000  # bytes: less is not worth it
RETRY_SECONDS = 5  # after which it makes sense to ask again what could not be done

# By the code of what went wrong. All else is the asker's mistake: 400.
STATUSES = {
    "no_such_room": 404,
    "nobody_called": 404,
    "alias_taken": 409,
    "line_too_long": 413,
    "block_too_long": 413,
    "too_many_rooms": 503,
    "not_kept": 503,
    "unknown": 504,
    "not_recalled": 503,
}

JSON = "application/json"

log = Logger()


class Refused(Exception):
    """Why something that was asked over HTTP is not done: a status, one sentence, and headers."""

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None, seconds: int = 0) -> None:
        """``seconds``: after which it makes sense to ask again, where somebody knows that."""
        super().__init__(words)
        self.status = status
        self.headers = headers or {}
        self.seconds = seconds or (RETRY_SECONDS if status in (503, 504) else 0)
        if self.seconds and headers is None:
            self.headers = {"Retry-After": str(self.seconds)}


def refused(error: ChatError) -> Refused:
    """Return what is answered for an error of the chat."""
    is_mistake = isinstance(error, NotRecalled) and error.is_mistake
    return Refused(400 if is_mistake else STATUSES.get(error.code, 400), str(error), seconds=error.seconds)


class Later(Answers):
    """A resource of which each method is a coroutine; what has ``get`` has HEAD too."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "OPTIONS")

    def __init__(self, web: WebFactory, name: bytes = b"") -> None:
        """``name``: of the room or the person that it is about, as it stands in the path."""
        super().__init__()
        self._web = web
        self._name = name

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return what is below: nothing, but a slash at the end changes nothing."""
        return super().getChild(path, request) if path or request.postpath else self

    def render(self, request: Request) -> int:
        return later(request, self._answer(request))

    async def get(self, request: Request) -> bytes | None:
        """Return the body of the answer; None if it goes on by itself."""
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
    """Answer a request once a coroutine returns, unless the client is gone by then."""
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
    except Refused as error:
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
    """Return the body in the coding that its client likes best."""
    varies = request.responseHeaders.getRawHeaders("Vary") or []
    request.setHeader("Vary", ", ".join([*varies, "Accept-Encoding"]))
    if not body or not takes_gzip(request, is_long=len(body) >= _GZIP_FROM):
        return body
    request.setHeader("Content-Encoding", "gzip")
    return gzip.compress(body, compresslevel=1, mtime=0)  # 1: others wait for it


def as_json(found: object) -> bytes:
    """Return one object as the body of an answer."""
    return (json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
