"""The lines in the body of a post, however the client labels and compresses them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from twisted.web.server import Request

from ....core import text
from ....core.errors import LineTooLong, NothingToSay
from .parameters import header
from .refused import HttpRefused

SIZE = 20  # times the longest line that can be said, for a body
_FORM = "application/x-www-form-urlencoded"  # the type that curl -d and --data-raw give to any text
_TYPES = frozenset({"", "text/plain", _FORM})
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
_INSTEAD = {
    "multipart/form-data": (
        "that is a form, as curl -F sends it: say a text with --data-raw 'TEXT', a file with --data-binary @FILE"
    ),
    "application/json": "that is JSON: send the text as it is, with --data-raw 'TEXT'",
}
_ENCODED = re.compile(rb"(?=[^%]*%)(?:[A-Za-z0-9_.~+&=-]|%[0-9A-Fa-f]{2})*")  # all of it, as --data-urlencode makes it
_ENDS = re.compile("\r\n|\r|\n")
_GZIP = 16 + zlib.MAX_WBITS  # for zlib: with gzip's header and check


def lines_of(request: Request, max_line: int, max_body: int) -> Sequence[str]:
    """Return the line to say, or the lines of a block; the limits are in bytes.

    Raises: HttpRefused, NotUtf8, NothingToSay, LineTooLong, BlockTooLong.
    """
    kind, _semicolon, options = (header(request, "Content-Type") or "").lower().partition(";")
    charset = options.partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
    if kind.strip() not in _TYPES or charset not in _CHARSETS:
        raise HttpRefused(415, _INSTEAD.get(kind.strip(), "send plain text in UTF-8: Content-Type: text/plain"))
    body = _unpacked(request, max_body)
    if kind.strip() == _FORM and _ENCODED.fullmatch(body):
        raise HttpRefused(415, "that is percent-encoded: send it as it is, with --data-raw 'TEXT' or as text/plain")
    lines = _ENDS.split(text.decoded(body))
    there = [index for index, line in enumerate(lines) if text.clean(line).strip()]
    if not there:
        raise NothingToSay
    lines = lines[there[0] : there[-1] + 1]  # a file ends with a line end
    if len(lines) > 1:
        return text.block(lines, max_line)
    if len(text.clean(lines[0]).encode()) > max_line:
        raise LineTooLong(max_line)
    return [text.clean(lines[0])]


def _unpacked(request: Request, most: int) -> bytes:
    """Return the decompressed body, which may not exceed the limit either (RFC 9110, 8.4).

    Raises: HttpRefused.
    """
    assert request.content is not None
    body = request.content.read()
    coding = (header(request, "Content-Encoding") or "identity").strip().lower()
    if coding == "identity":
        return body
    if coding not in ("gzip", "x-gzip"):
        raise HttpRefused(415, "send it as it is, or compressed with gzip", {"Accept-Encoding": "gzip"})
    unpacker = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise HttpRefused(400, "that is not gzip, though Content-Encoding says so") from None
    if len(unpacked) > most:
        raise HttpRefused(413, f"that is too large: send {most} bytes at most")
    if not unpacker.eof or unpacker.unused_data:
        raise HttpRefused(400, "that gzip has no end, or something after it: send it whole")
    return unpacked
