"""The address of a listening port, as its line in the log shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from .addresses import with_port


class PortCertificate(Protocol):
    """The certificate of a TLS port, as the log shows it."""

    @property
    def path(self) -> str:
        """Return the path of its file."""

    @property
    def hosts(self) -> Sequence[str]:
        """Return the names and addresses that it is for."""

    @property
    def is_self_signed(self) -> bool:
        """Return whether a client has to be given the file."""


class Way(NamedTuple):
    """The address of one of our TCP ports, and its certificate if it has one."""

    host: str
    port: int
    certificate: PortCertificate | None  # if the port speaks TLS
    note: str = ""  # a limitation, for the end of the line

    @property
    def to(self) -> str:
        return with_port(self.host, self.port)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.to}/"
