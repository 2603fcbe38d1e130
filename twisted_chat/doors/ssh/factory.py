"""The factory of ssh connections, which share a host key and the premises."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol

from ...requests.words import word
from ..premises import Premises
from .channel import ChannelUser, SessionChannel
from .connection import SshChat
from .exec_command import ExecCommand
from .exec_say import SAY, ExecSay
from .refuser import SshRefuser
from .screen import NO_TERMINAL, SshScreen
from .transport import SshTransport

KIND = "ssh"  # of its connections, as they are counted
_TOO_MANY = 12  # SSH_DISCONNECT_TOO_MANY_CONNECTIONS (RFC 4253, 11.1)


class SshFactory(Factory):
    """The factory at the door's own endpoints, and of the connections that the line door hands over."""

    noisy = False

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self.transports: set[SshTransport] = set()
        self.publicKeys: dict[bytes, Key] = {}  # as conch looks them up
        self.privateKeys: dict[bytes, Key] = {}
        self.is_stopping = False
        self._due: list[Callable[[], None]] = []  # at the end of this turn
        self._ended: Deferred[None] | None = None
        premises.counts.append(partial(premises.of_kinds, KIND))
        premises.when_ending(self._end)

    def use(self, key: Key) -> None:
        """Use a host key."""
        self.privateKeys = {key.sshType(): key}
        self.publicKeys = {key.sshType(): key.public()}

    def buildProtocol(self, address: IAddress) -> Protocol:  # type: ignore[override]  # servers always know it
        refusal = self.premises.enter(address)
        if refusal:
            return SshRefuser(self.premises, refusal, _TOO_MANY)
        return self.entered(address)

    def entered(self, address: IAddress) -> SshTransport:
        """Return the protocol of a connection that has been let in."""
        return SshTransport(self, address)

    def user_of(self, channel: SessionChannel, command: bytes | None) -> ChannelUser | None:
        """Return what a channel is for, a command or, without one, a person; None: it is refused."""
        if command is None:
            return None if channel.conn.has_person else _person_of(channel)
        try:
            line = command.decode("utf-8").strip()
        except UnicodeDecodeError:
            return None
        name, rest = word(line)
        if name == SAY:
            return ExecSay(channel, rest)
        return ExecCommand(channel, line)

    def at_the_end_of_the_turn(self, call: Callable[[], None]) -> None:
        """Call a function once this turn is over. One delayed call serves all readers."""
        if not self._due:
            self.premises.clock.callLater(0, self._end_turn)
        self._due.append(call)

    def _end_turn(self) -> None:
        due, self._due = self._due, []
        for call in due:
            try:
                call()
            except Exception:  # of one connection; the others get their bytes
                self.premises.log.failure("fault at the end of a turn of the ssh door")

    def forget(self, transport: SshTransport) -> None:
        """Called when a connection is lost."""
        self.transports.discard(transport)
        if self._ended is not None and not self.transports:
            ended, self._ended = self._ended, None
            ended.callback(None)

    def _end(self) -> Deferred[None]:
        """End the connections without a channel; the others end with their last one."""
        self.is_stopping = True
        for transport in list(self.transports):
            transport.stop()
        if not self.transports:
            return succeed(None)
        self._ended = Deferred()
        return self._ended


def _person_of(channel: SessionChannel) -> SshChat:
    """Return a person's connection: at a terminal, if that obeys control sequences."""
    terminal = channel.terminal
    return SshChat(channel) if terminal is None or terminal.name in NO_TERMINAL else SshScreen(channel, terminal)
