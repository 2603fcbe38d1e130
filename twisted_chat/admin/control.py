"""The control socket: a UNIX socket beside the journal, over which ``twisted-chat admin`` reaches a running server.

One line of JSON comes, {"words": [...]}, and one goes back, {"lines": [...]} or {"error": "..."}. A user who may open
the socket, which has the mode 0600, is the operator: the rights of the file are the password.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTime, ITransport
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from ..core.errors import ChatError, Fault
from ..core.hub import Hub
from ..core.ports import Door
from ..core.session import Ask
from ..stale import remove_stale_socket
from ..wire.plain import PlainView
from .operations import Lines, operate

LONGEST_PATH = 107  # bytes of a socket's path: sun_path has 108 on Linux (unix(7)), with a NUL
SECONDS = 10.0  # for an operation
LATE = "the server has not answered in time: look with twisted-chat admin log whether it is done"

log = Logger()
Outcome = Sequence[str] | ChatError


def control_path(journal: str) -> str:
    """Return the path of the control socket of a journal's file."""
    return f"{Path(journal).resolve()}.control"


class Operator(Door):
    """The session in which one operation runs. Its answers are the lines that the operation returns."""

    def __init__(self, hub: Hub, clock: IReactorTime, then: Callable[[Outcome], None]) -> None:
        """``then`` is called once, with the outcome."""
        self.is_closed = False
        self.keeps_up = True
        self._hub = hub
        self._clock = clock
        self._then: Callable[[Outcome], None] | None = then
        self._session = hub.connect(self, PlainView(), self)
        self._ask = Ask(self._session, "/", waits=True)
        self._steps: Lines | None = None
        self._is_due = False
        self._deadline = clock.callLater(SECONDS, self._end, ChatError(LATE))

    def run(self, words: Sequence[str]) -> None:
        """Begin an operation, from the words of a command line."""
        try:
            self._steps = operate(self._hub, self._ask, words)
        except ChatError as error:
            self._end(error)
            return
        self._go_on()

    def _go_on(self) -> None:
        self._is_due = False
        pending = self._session.pending
        while self._then is not None and self._steps is not None and not (pending.in_flight or pending.asking):
            if self._ask.error is not None:
                self._end(self._ask.error)
                return
            try:
                next(self._steps)
            except StopIteration as done:
                self._end(done.value)
            except ChatError as error:
                self._end(error)
            except Exception:
                log.failure("fault in an operation")
                self._end(Fault())

    def _end(self, outcome: Outcome) -> None:
        then, self._then = self._then, None
        if then is None:
            return
        if self._deadline.active():
            self._deadline.cancel()
        self.is_closed = True
        self._hub.leave_all(self._session, "")
        then(outcome)

    # -- the hub's Door and Outbox: the session has no alias, and reads nothing

    @property
    def host(self) -> str:
        """Return the empty string: this machine."""
        return ""

    def wake(self) -> None:
        """Go on, but not within the hub's own call."""
        if self._then is not None and not self._is_due:
            self._is_due = True
            self._clock.callLater(0, self._go_on)

    def send(self, data: bytes | memoryview) -> bool:
        """Drop the events for the session: the outcome says the same."""
        return True

    def drop(self, apology: bytes) -> None:
        """End with the apology for a fault of ours."""
        self._end(Fault())

    def faulted(self) -> None:
        """End with the apology for a fault of ours."""
        self._end(Fault())

    def taken_over(self) -> None:
        """Do nothing: no program resumes this session."""


class ControlProtocol(LineOnlyReceiver):
    """One connection of the operator's tool."""

    delimiter = b"\n"
    MAX_LENGTH = 64 * 1024
    factory: ControlFactory
    transport: ITransport

    def lineReceived(self, line: bytes) -> None:
        try:
            words = json.loads(line)["words"]
            if not all(isinstance(word, str) for word in words):
                raise ValueError  # noqa: TRY301  # one answer for all that is malformed
        except (ValueError, KeyError, TypeError, RecursionError):
            self._answer(ChatError('send one line, {"words": ["list"]}'))
            return
        log.info("the operator's tool asks: {name}", name=words[0] if words else "")  # no arguments: secrets, perhaps
        Operator(self.factory.hub, self.factory.clock, self._answer).run(words)

    def _answer(self, outcome: Outcome) -> None:
        answer = {"error": str(outcome)} if isinstance(outcome, ChatError) else {"lines": list(outcome)}
        self.sendLine(json.dumps(answer).encode())
        self.transport.loseConnection()


class ControlFactory(Factory):
    """The factory of the control socket's connections."""

    noisy = False

    def __init__(self, hub: Hub, clock: IReactorTime) -> None:
        self.hub = hub
        self.clock = clock

    def buildProtocol(self, address: IAddress) -> Protocol:  # type: ignore[override]  # servers always know it
        protocol = ControlProtocol()
        protocol.factory = self
        return protocol


class ControlSocket:
    """The socket of one server."""

    def __init__(self, reactor: IReactorTime, path: str, hub: Hub) -> None:
        self._reactor = reactor
        self._path = path
        self._factory = ControlFactory(hub, reactor)
        self._port: IListeningPort | None = None

    def open(self) -> None:
        """Listen. A failure is one line of the log: everything else works without the socket."""
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            log.warn("twisted-chat admin cannot reach this server: {path} is too long for a socket", path=self._path)
            return
        problem = self._listen()
        if problem is not None and remove_stale_socket(problem):
            problem = self._listen()
        if problem is not None:
            log.warn("twisted-chat admin cannot reach this server: {why}", why=problem)

    def _listen(self) -> Exception | None:
        endpoint = UNIXServerEndpoint(self._reactor, self._path, mode=0o600, wantPID=False)
        problems: list[Exception] = []

        def listens(port: IListeningPort) -> None:
            self._port = port

        before = os.umask(0o177)  # or others could connect before the mode is set
        try:
            listening = endpoint.listen(self._factory)
        finally:
            os.umask(before)
        listening.addCallbacks(listens, lambda failure: problems.append(failure.value))
        return problems[0] if problems else None

    def close(self) -> Deferred[None]:
        """Stop listening, and remove the socket."""
        port, self._port = self._port, None
        return (port.stopListening() if port is not None else None) or succeed(None)
