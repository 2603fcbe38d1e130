"""``twistd chat``: the one place that knows every part and puts them together."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from errno import EACCES, EADDRINUSE
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from twisted.application.service import IService, Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorCore, IStreamServerEndpoint
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from .admin.control import ControlSocket, control_path
from .announce import reached_at, where, words
from .clocks import measure_by_monotonic, wall
from .core import text
from .core.delivery import Faulty
from .core.errors import CannotOpen
from .core.hub import Hub
from .core.limits import Addresses
from .core.ports import Journal
from .doors.base_door import BaseDoor
from .doors.beside import Beside
from .doors.overheard import PrivateNetworks
from .doors.premises import Premises
from .doors.proxied import PREFIX, ProxiedFactory
from .options import CannotStart, Options, ServerOptions, read_motd
from .signals import Signals
from .stale import remove_stale_socket
from .unblocked import Unblocked
from .vault import Argon2Vault

if TYPE_CHECKING:  # at run time it is imported only for TLS: it needs OpenSSL
    from .certificates import Renewing

__all__ = ["ChatService", "Options", "makeService"]

log = Logger()


class Listening(NamedTuple):
    """An address to listen on."""

    door: BaseDoor
    written: str  # the string that it was made from
    endpoint: IStreamServerEndpoint
    factory: IProtocolFactory


class ChatService(Service):
    """The running server. When it stops, it delivers all pending lines, says goodbye to everyone, and closes."""

    def __init__(
        self,
        reactor: IReactorCore,
        listening: Sequence[Listening],
        premises: Premises,
        journal: Journal,
        reload: Callable[[], None],
        control: ControlSocket | None = None,
    ) -> None:
        """``reload`` reads the certificates and the message of the day again; ``control``: of a journal with a file."""
        self._reactor = reactor
        self.ports: list[IListeningPort] = []
        self._listening = listening
        self._premises = premises
        self._journal = journal
        self._reload = reload
        self._control = control
        self._starting: Deferred[None] = succeed(None)

    def privilegedStartService(self) -> None:
        """Listen now, while twistd may still use a port under 1024."""
        super().privilegedStartService()
        self._listen()

    def startService(self) -> None:
        """Open the journal: twistd is a daemon with its final user by now, and threads do not survive that change."""
        super().startService()
        failures: list[Failure] = []
        self._starting = Deferred.fromCoroutine(self._start()).addErrback(failures.append)
        if failures:
            failures[0].raiseException()
        if not self._starting.called:
            held = list(self.ports)
            _accept(held, False)
            self._starting.addCallback(lambda _: self._end(failures[0]) if failures else _accept(held, True))

    def stopService(self) -> Deferred[None]:
        """Stop; fires when all lines are delivered and all connections closed, Limits.closing_seconds later at most."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._starting.cancel()
        self._premises.watchdog.stop()
        ports, self.ports = self.ports, []
        for port in ports:
            stopped: Deferred[None] | None = port.stopListening()
            if stopped is not None:
                await stopped
        self._premises.is_held = True
        self._premises.hub.dispatcher.profiles.stop()
        await self._journal.stop()
        await self._premises.close_all()

    async def _start(self) -> None:
        try:
            snapshot = await self._journal.open()
            self._premises.hub.restore(snapshot)
        except CannotOpen as error:
            raise CannotStart(f"cannot use the journal: {error}") from error
        for door in dict.fromkeys(one.door for one in self._listening):
            try:
                door.started()
            except CannotOpen as error:
                raise CannotStart(f"--{door.option}: {error}") from error
        if self._control is None:
            log.info("this journal has no file: what it keeps, accounts too, ends with the server")
        else:
            self._control.open()
            if not self._premises.hub.decisions.accounts.owners():
                log.info("nobody owns this chat yet: twisted-chat admin owner ALIAS")
        self._listen()  # twist calls startService only
        self._premises.watchdog.start()

    def _end(self, failure: Failure) -> None:
        """Stop the running reactor because the start has failed; the exit status is 1."""
        if failure.check(CancelledError):
            return  # stopped before the journal was open
        if not failure.check(CannotStart):
            log.failure("the server cannot start", failure)
        atexit.register(_exit_with_failure)
        self._reactor.stop()

    def _listen(self) -> None:
        if self.ports:
            return
        Signals(self._reactor, self._reload).take()  # before the log says that the server is ready
        for one in self._listening:
            refused = self._listen_on(one)
            if refused and remove_stale_socket(refused.value):
                refused = self._listen_on(one)
            if refused:
                raise CannotStart(f"cannot listen on {one.written}: {_why(refused, one.door.option)}")

    def _listen_on(self, one: Listening) -> Failure | None:
        """Listen on an address, or return the failure."""
        refused: list[Failure] = []
        one.endpoint.listen(one.factory).addCallbacks(self._listens, refused.append, callbackArgs=(one,))
        return refused[0] if refused else None

    def _listens(self, port: IListeningPort, one: Listening) -> None:
        self.ports.append(port)
        if one.door.urls is not None:
            one.door.urls += reached_at(one.written, port, one.door.is_ours)
        log.info("{words}", words=words(one.door, one.written, port), where=where(port.getHost()))


def _accept(ports: Sequence[Any], is_on: bool) -> None:
    """Accept connections, or leave them to wait in the system's backlog. All of Twisted's ports can do that."""
    for port in ports:
        if is_on:
            port.startReading()
        else:
            port.stopReading()


def _exit_with_failure() -> None:
    """End the process: Twisted's runners have no exit status, and the reactor only logs a SystemExit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _why(failure: Failure, option: str) -> str:
    error = failure.value
    cause = getattr(error, "socketError", error)  # the cause of a CannotListenError
    if getattr(cause, "errno", None) == EADDRINUSE:
        return "that address is in use: stop the program that uses it, or give another port with --" + option
    if getattr(cause, "errno", None) == EACCES:
        return "that is not allowed: use a port from 1024 up, or a folder that you may write to"
    return f"{getattr(cause, 'strerror', None) or cause}: give another address with --{option}"


def makeService(options: ServerOptions) -> IService:
    """Build the server."""
    from twisted.internet import reactor

    measure_by_monotonic(reactor)  # before anything of ours is scheduled
    _unblock_log(options, reactor)
    limits = options.limits()
    text.prepare()
    journal = options.make_journal(reactor, wall)
    for door in options.opened:
        journal = door.measured(journal, reactor)
    vault = Argon2Vault(cast(Any, reactor))  # which has callFromThread, too
    hub = Hub(journal, limits, reactor.seconds, wall, on_fault, vault)
    private = PrivateNetworks(options["private-net"])
    threads: Any = reactor  # which has a pool of them
    beside = Beside(partial(deferToThreadPool, threads, threads.getThreadPool()))
    premises = Premises(hub, limits, Addresses(limits), reactor, options["motd-lines"], private, beside)
    premises.when_ending(vault.stop)
    premises.kinds = tuple(kind for door in options.doors for kind in door.kinds)
    hub.reserved = frozenset().union(*(text.looks(name) for door in options.made for name in door.names))
    for door in options.made:
        door.meet(options.made, options.tls)
    listening = []
    for door in options.opened:
        factory = door.open(premises)
        listening += [_listening(reactor, door, written, factory) for written in options[door.option]]
    control = ControlSocket(reactor, control_path(options.journal_file), hub) if options.journal_file else None
    if control is not None:
        premises.when_ending(control.close)
    renewing = [*_renewing(listening, reactor), *([options.tls] if options.tls else [])]
    reload = partial(_reload, options, premises, renewing)
    return ChatService(reactor, listening, premises, journal, reload, control)


def _unblock_log(options: ServerOptions, reactor: IReactorCore) -> None:
    """Make the log non-blocking if it goes to standard output, or under twist to standard error: a reader may be slow.

    twistd and twist begin to log only after this, and then use ``sys.stdout`` and their own option. A daemon logs to a
    file.
    """
    runner: dict[str, Any] = options.parent or {}
    file = runner.get("logFile", sys.stdout if runner.get("nodaemon") else None)
    if file is None or file not in (sys.stdout, sys.stderr):
        return
    try:
        unblocked = Unblocked(file)
    except (OSError, ValueError):  # it is closed, or has no descriptor
        return
    if "logFile" in runner:
        runner["logFile"] = unblocked
    else:
        sys.stdout = unblocked
    reactor.addSystemEventTrigger("after", "shutdown", unblocked.end)


def _renewing(listening: Sequence[Listening], reactor: Any) -> list[Renewing]:
    """Return an object for each TLS endpoint that loads renewed certificates."""
    over_tls = [one for one in listening if one.written.removeprefix(PREFIX).startswith(("ssl:", "tls:"))]
    if not over_tls:
        return []
    from .certificates import renew  # only for TLS: it needs OpenSSL

    return [renew(one.endpoint, one.written.removeprefix(PREFIX), reactor) for one in over_tls]


def _reload(options: ServerOptions, premises: Premises, renewing: Sequence[Renewing]) -> None:
    """Load the certificates and the message of the day from the disk again."""
    unusable = [one.written for one in renewing if not one.look()]
    for written in unusable:
        log.warn("the certificate of {written} is still the previous one", written=written)
    try:
        if options["motd"] is not None:
            premises.motd = read_motd(options["motd"])
    except usage.UsageError as error:
        log.warn("{why}; the previous text is shown", why=str(error))
    else:
        what = "--motd is reloaded" if unusable else "certificates and --motd are reloaded"
        log.info("{what}; all other options need a restart", what=what)


def _listening(reactor: Any, door: BaseDoor, written: str, factory: IProtocolFactory) -> Listening:
    inner = written.removeprefix(PREFIX)
    if inner != written:
        factory = ProxiedFactory(factory, reactor)
    return Listening(door, written, serverFromString(reactor, inner), factory)


def on_fault(faulty: Faulty | None) -> None:
    """Log a fault of ours, and drop the person it concerns."""
    log.failure("fault in the hub; it concerns {alias}", alias=faulty.alias if faulty else "nobody in particular")
    if faulty is not None:
        faulty.drop()
