"""Answers over HTTP: every refusal is one plain sentence, and a page if a browser opens the address."""

from __future__ import annotations

import html
from http import HTTPStatus

from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource
from twisted.web.server import Request

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
RETRY_SECONDS = 5  # before a failed request is worth another try
FAULT = "sorry, a fault of ours: please try again"
THERE_IS = "/ is the chat, /rooms lists its rooms, /openapi.json describes the rest"


def plain(request: Request, status: int, words: str) -> bytes:
    """Set status and type, and return one sentence as the body of an answer."""
    phrase = HTTPStatus(status).phrase
    request.setResponseCode(status, phrase.encode())
    accepted = ",".join(request.requestHeaders.getRawHeaders("Accept") or [])
    kind, body = sentence(f"{status} {phrase}", words, status >= 400 and is_for_people(accepted))
    request.setHeader("Content-Type", kind)
    request.setHeader("Cache-Control", "no-store")
    return body


def is_for_people(accepted: str) -> bool:
    """Return whether a person will see the answer: only browsers ask for HTML, and only when they open an address."""
    return "text/html" in accepted.lower()


def sentence(status: str, words: str, is_page: bool, seconds: int = 0) -> tuple[str, bytes]:
    """Return the type and the body of an answer of one sentence.

    ``seconds``: after which a page reloads by itself, if that may help.
    """
    if not is_page:
        return PLAIN, f"{words}\n".encode()
    again = f"This page tries again by itself in {seconds} seconds." if seconds else '<a href="/">To the chat</a>'
    refresh = f'<meta http-equiv="refresh" content="{seconds}">' if seconds else ""
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{status}</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">{refresh}</head>
<body><h1>{status}</h1><p>{html.escape(words)}</p><p>{again}</p></body></html>
"""
    return HTML, page.encode()


def refuse(request: Request, status: int, words: str) -> None:
    """Answer with one sentence, and finish the request."""
    body = plain(request, status, words)
    request.setHeader("Content-Length", str(len(body)))
    if request.method != b"HEAD":
        request.write(body)
    request.finish()


def wrong_method(request: Request, allowed: str) -> bytes:
    """Set the Allow header, and return the body: none for OPTIONS, which asks only for that header."""
    request.setHeader("Allow", allowed)
    if request.method == b"OPTIONS":
        request.setResponseCode(204)
        return b""
    if request.method == b"PUT" and "POST" in allowed:  # as curl -T does
        return plain(request, 405, "to say the text of a file: curl --data-binary @FILE, or -X POST -T FILE")
    return plain(request, 405, f"use {allowed} for this address")


class PlainResource(Resource):
    """A resource that refuses in plain sentences, and lists its methods."""

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


class NotHere(PlainResource):
    """The resource for unknown paths."""

    isLeaf = True

    def __init__(self, there_is: str = THERE_IS) -> None:
        super().__init__()
        self.there_is = there_is

    def render(self, request: Request) -> bytes:
        there_is = "write one slash, as in /rooms" if b"//" in request.path else self.there_is
        return plain(request, 404, f"there is nothing here: {there_is}")
