"""The base class of doors that speak HTTP: the host names that they answer to, and the proxies that they trust."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from twisted.python import usage

from ..base_door import BaseDoor
from ..way import Way
from .guard import Guard


class HttpDoor(BaseDoor):
    """A door that speaks HTTP."""

    lists: ClassVar[Mapping[str, str]] = {
        "web-name": "A further host NAME of this server, for browsers; may be repeated.",
        "trust-proxy": (
            "The ADDRESS of a reverse proxy, or unix, whose X-Forwarded-For the server believes; may be repeated."
        ),
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        try:
            self.guard = Guard(options["web-name"], options["trust-proxy"])
        except ValueError as error:
            raise usage.UsageError(f"--trust-proxy: {error}; give the address of a proxy, or unix") from error

    def is_ours(self, name: str) -> bool:
        return self.guard.is_ours(name)


def curl(way: Way, path: str) -> str:
    """Return the curl command for a path of a port."""
    certificate = way.certificate
    trust = f"--cacert {shlex.quote(certificate.path)} " if certificate and certificate.is_self_signed else ""
    return f"curl {trust}{shlex.quote(f'{way.url}{path}')}"
