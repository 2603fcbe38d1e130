"""Answers over HTTP: every refusal one plain sentence."""

from __future__ import annotations

from http import HTTPStatus

from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource
from twisted.web.server import Request

PLAIN = "text/plain; charset=utf-8"
FAULT = "sorry, a fault of ours: please try again"
THERE_IS = "/ is the chat, /rooms lists its rooms, /openapi.json tells the rest"


def plain(request: Request, status: int, words: str) -> bytes:
    """Set status and type, and return one sentence as the body of an answer."""
    request.setResponseCode(status, HTTPStatus(status).phrase.encode())
    request.setHeader("Content-Type", PLAIN)
    request.setHeader("Cache-Control", "no-store")
    return f"{words}\n".encode()


def refuse(request: Request, status: int, words: str) -> None:
    """Answer with one sentence, and be done."""
    body = plain(request, status, words)
    request.setHeader("Content-Length", str(len(body)))
    if request.method != b"HEAD":
        request.write(body)
    request.finish()


def wrong_method(request: Request, allowed: str) -> bytes:
    """Set what tells which methods there are, and return the body: none for OPTIONS, which asks just that."""
    request.setHeader("Allow", allowed)
    if request.method == b"OPTIONS":
        request.setResponseCode(204)
        return b""
    return plain(request, 405, f"this can be asked with {allowed} only")


class Answers(Resource):
    """A resource that refuses in plain sentences, and knows its methods."""

    there_is = THERE_IS

    def render(self, request: Request) -> bytes | int:
        try:
            body = super().render(request)
        except UnsupportedMethod as error:
            return wrong_method(request, b", ".join(error.allowedMethods).decode())
        if request.method == b"HEAD" and isinstance(body, bytes) and body:
            request.setHeader("Content-Length", str(len(body)))
            return b""
        return body

    def getChild(self, path: bytes, request: Request) -> Resource:
        return NotHere(self.there_is)


class NotHere(Answers):
    """What is not there."""

    isLeaf = True

    def __init__(self, there_is: str = THERE_IS) -> None:
        super().__init__()
        self.there_is = there_is

    def render(self, request: Request) -> bytes:
        return plain(request, 404, f"there is nothing here: {self.there_is}")
