"""The ssh door in the table of doors."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.logger import Logger
from twisted.python import usage

from ...core.errors import CannotOpen
from ..base_door import BaseDoor
from ..premises import Premises
from ..way import Way
from .refuser import farewell

if TYPE_CHECKING:
    from twisted.conch.ssh.keys import Key

    from .factory import SshFactory

log = Logger()

MISSING = "ssh needs more packages: pip install 'twisted_chat[ssh]'"
# cryptography 48 has the last one, and with it the key exchange without which OpenSSH 10 warns.
_NEEDED = ("bcrypt", "twisted.conch.ssh.transport", "cryptography.hazmat.primitives.hpke")
_BEGINNINGS = (b"SSH-2.0-", b"SSH-1.99-")  # of a client that speaks version 2 (RFC 4253, 5)
_NOT_AVAILABLE = 7  # SSH_DISCONNECT_SERVICE_NOT_AVAILABLE (RFC 4253, 11.1)


class SshDoor(BaseDoor):
    """The door for ssh clients. What takes megabytes is imported at an endpoint of its own, or for the first client."""

    option: ClassVar = "ssh"
    help: ClassVar = "The same for ssh clients, which need twisted_chat[ssh], or none."
    may_be_none: ClassVar = True
    kinds: ClassVar = ("ssh",)
    place: ClassVar = "ssh is at {}"
    over_unix: ClassVar = "try: ssh -o ProxyCommand='nc -U {}' chat"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._options = options
        self._factory: SshFactory | None = None
        self._key: Key | None = None
        if options.get(self.option) and not is_complete():
            raise usage.UsageError(f"--ssh: {MISSING}")

    def open(self, premises: Premises) -> IProtocolFactory:
        return self._opened(premises)

    def started(self) -> None:
        """Read or make the host key: called once the journal is open, by the user who owns it.

        Raises: CannotOpen.
        """
        self._make_ready()
        assert self._factory is not None and self._key is not None, "it is open"
        self._factory.use(self._key)

    @property
    def is_ready(self) -> bool:
        return self._key is not None

    def prepare(self) -> None:
        if not is_complete():
            raise CannotOpen(MISSING)
        try:
            self._make_ready()
        except CannotOpen as error:
            log.warn("no ssh client can come in: {why}", why=str(error))
            raise CannotOpen("the server's host key cannot be used, and its log says why") from error

    def _make_ready(self) -> None:
        """Import, and read or make the host key.

        Raises: CannotOpen, with the path of the key's file.
        """
        from . import factory, host_key  # noqa: F401  # only for this door: they take some megabytes

        if self._key is None:
            self._key = host_key.host_key(self._options.get("journal-file", ""))

    def begins(self, first: bytes) -> bool | None:
        if first.startswith(_BEGINNINGS):
            return True
        return None if any(beginning.startswith(first) for beginning in _BEGINNINGS) else False

    def take_over(self, premises: Premises, address: IAddress) -> IProtocol:
        factory = self._opened(premises)
        assert self._key is not None, "it is ready"
        factory.use(self._key)
        return factory.entered(address)

    def turn_away(self, words: str) -> bytes:
        return farewell(words, _NOT_AVAILABLE)

    def _opened(self, premises: Premises) -> SshFactory:
        if self._factory is None:
            from .factory import SshFactory  # only for this door: it takes some megabytes

            self._factory = SshFactory(premises)
        return self._factory

    def over_tcp(self, place: str, way: Way) -> str:
        return f"{place}; connect with: ssh -p {way.port} {shlex.quote(way.host)}"


def is_complete() -> bool:
    """Return whether all packages are there that this door needs."""
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ImportError:
        return False
