"""Recognising, by its first bytes, a connection that does not speak proper HTTP, and the answer to it."""

from __future__ import annotations

_TLS = b"\x16\x03"  # a handshake record of any version (RFC 8446, 5.1)
TLS = "this port speaks http, not https: begin the address with http://, or use the port of --tls"
BARE_LF = (
    "end each line with CR and LF, as HTTP has it: printf 'GET /rooms HTTP/1.0\\r\\n\\r\\n' | nc HOST PORT; "
    "to chat, connect to the other port, or open this one in a browser"
)


class FirstBytes:
    """The first line of a connection, which may arrive in any pieces."""

    def __init__(self) -> None:
        self._seen = b""  # the first two bytes and the last one
        self._is_over = False

    def refusal(self, data: bytes) -> str:
        """Return why the received bytes cannot be answered as HTTP; empty if they can, or it is not known yet."""
        if self._is_over:
            return ""
        end = data.find(b"\n")
        line = self._seen + (data if end < 0 else data[:end])
        self._is_over = end >= 0
        self._seen = line[:2] + line[2:][-1:]
        if line.startswith(_TLS):
            return TLS
        return BARE_LF if end >= 0 and line and not line.endswith(b"\r") else ""
