"""Endpoints as an administrator writes them: an error says what to write instead."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.endpoints import serverFromString

from .doors.proxied import PREFIX

EXAMPLES = {
    "tcp": "tcp:59000",
    "tcp6": "tcp6:59000",
    "ssl": "ssl:59001:privateKey=key.pem:certKey=cert.pem",
    "tls": "tls:certificates:59001",
    "unix": "unix:/run/chat.sock",
    "systemd": "systemd:domain=INET:index=0",
}
_IPV6 = r"\[?([0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*)\]?"  # with or without brackets


def check(written: str) -> None:
    """Raise ValueError, with one line for the administrator, if Twisted cannot make an endpoint of a string."""
    inner = written.removeprefix(PREFIX)
    prefix = PREFIX if inner != written else ""
    try:
        # Parsing needs no reactor, and twist has installed none yet.
        made = serverFromString(None, inner)  # type: ignore[no-untyped-call]
    except Exception as error:  # each kind of endpoint raises its own errors
        raise ValueError(_mended(inner, prefix) or _why(inner, prefix, error)) from error
    if inner.startswith("tls:") and not _has_certificate(made):
        raise ValueError("no file *.pem in that folder has a certificate for a host name, with its key: put one there")


def _mended(inner: str, prefix: str) -> str:
    """Return a hint with the corrected endpoint; empty if it is unclear which one was meant."""
    if found := re.search(rf"interface={_IPV6}", inner):
        right = f"{prefix}{inner[: found.start()]}interface={_escaped(found[1])}{inner[found.end() :]}"
        return f"each colon of an IPv6 address needs a backslash; write '{right}', in quotes"
    if found := re.fullmatch(rf"{_IPV6}:(\d+)", inner):
        right = f"{prefix}tcp6:{found[2]}:interface={_escaped(found[1])}"
        return f"the kind of endpoint is missing; write '{right}', in quotes"
    host, _colon, port = inner.rpartition(":")
    if port.isdecimal() and not host:
        return f"the kind of endpoint is missing; write {prefix}tcp:{port}"
    if port.isdecimal() and re.fullmatch(r"[\w-]+(\.[\w-]+)+|localhost", host):
        return f"the kind of endpoint is missing; write {prefix}tcp:{port}:interface={host}"
    return ""


def _why(inner: str, prefix: str, error: Exception) -> str:
    """Return the reason, without the terms of Python and OpenSSL that only programmers know."""
    kind = inner.partition(":")[0]
    if kind == "systemd" and isinstance(error, LookupError):
        return "systemd has handed no such socket to this process: start it by a .socket unit"
    given = error.args[0] if error.args else None
    number = re.search(r"invalid literal for int\(\) with base \d+: (.*)", str(error))
    why = str(error).rstrip(".") or type(error).__name__
    if isinstance(given, list) and given:  # OpenSSL's: library, function, reason
        why = f"the key or the certificate cannot be used ({given[-1][-1]})"
    elif isinstance(error, OSError):
        why = f"{error.filename}: {error.strerror}"
    elif kind not in EXAMPLES:
        why = f"there is no kind of endpoint called {kind!r}"
    elif isinstance(error, TypeError):
        why = "a part of it is missing, unknown or repeated"
    elif number:
        why = f"{number[1]} is not a number"
    return f"{why}; write for example {prefix}{EXAMPLES.get(kind, EXAMPLES['tcp'])}"


def _escaped(address: str) -> str:
    return address.replace(":", r"\:")


def _has_certificate(made: Any) -> bool:
    """Return whether a ``tls:`` endpoint has a certificate for clients that name no host."""
    return made.connectionCreator._contextLookup(None) is not None
