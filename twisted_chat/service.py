"""``twistd chat``: its options, and the one place that knows every part and puts them together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from errno import EACCES, EADDRINUSE
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IReactorCore,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from . import __version__
from .announce import reached_at, where, words
from .clocks import measure_by_monotonic, monotonic, wall
from .core import text
from .core.delivery import Faulty
from .core.errors import CannotOpen
from .core.hub import Hub
from .core.limits import Addresses, Limits
from .core.ports import Journal
from .doors.http.guard import Guard
from .doors.line.door import LineFactory
from .doors.premises import Premises
from .doors.proxied import PREFIX, ProxiedFactory
from .endpoints import check
from .journals.measured import MeasuredJournal
from .journals.memory import MemoryJournal
from .journals.retention import Retention
from .signals import Signals
from .stale import remove_stale_pid_file, remove_stale_socket
from .unblocked import Unblocked

if TYPE_CHECKING:
    from .certificates import Renewing
    from .doors.ops.metrics import Scales

DEFAULT_LISTEN = "tcp:59000:interface=127.0.0.1"  # the lab's port
DEFAULT_WEB = "tcp:59080:interface=127.0.0.1"

log = Logger()


class CannotStart(SystemExit, Exception):
    """A start that is refused: one line on standard error that says what to change, and exit status 1.

    Two bases, because twistd removes its pid file, and tells the parent of a daemon why, only for an Exception, and
    Python prints no traceback only for a SystemExit. ``sys.stderr`` is twistd's log by now.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.code = 1
        log.error("{why}", why=why)  # where a daemon's parent says to look
        if sys.__stderr__ is not None:
            print(f"twistd chat: {why}", file=sys.__stderr__)


class Options(usage.Options):
    """What can be given to ``twistd chat``."""

    synopsis = "[options]"
    longdesc = (
        "A chat server for the programs that people have already: they join with telnet, netcat (nc), a browser or the "
        "bundled client, twisted-chat. Without options it listens on 127.0.0.1, port 59000 and, for "
        "browsers and curl, 59080, for this machine only; --listen tcp:59000 --web tcp:59080 lets the whole network "
        "in. twistd's own --logger twisted_chat.logs.json_lines prints the log as JSON. "
        "An ENDPOINT is any that Twisted knows, such as tcp:59000 "
        "(all IPv4 addresses), tcp6:59000 (IPv6, and as a rule IPv4 too), "
        "ssl:59001:privateKey=key.pem:certKey=cert.pem, tls:certificates:59001, unix:/run/chat.sock, "
        "systemd:domain=INET:index=0, haproxy:tcp:59000."
    )
    optParameters: ClassVar = [
        ["motd", None, None, "A text file that is shown to everybody who joins. [default: none]"],
        [
            "journal",
            None,
            "sqlite:chat.sqlite",
            "Where events are kept: sqlite:FILE, or memory, which a restart loses.",
        ],
        [
            "keep",
            None,
            None,
            "How much it keeps: events in each room (100000), an age (30d), a size (2GB). [default: all]",
        ],
        [
            "grace",
            None,
            int(Limits.grace_seconds),
            "Seconds that a program has to reconnect before others see it leave.",
        ],
        ["max-line", None, Limits.max_line, "The longest line that can be said, in bytes."],
        [
            "per-address",
            None,
            Limits.per_address,
            "Connections from one address; private addresses have 100, this machine 200, or more.",
        ],
        [
            "remember",
            None,
            Limits.remembered,
            "Events of a room kept in memory, for history and slow readers.",
        ],
        ["remember-bytes", None, Limits.remembered_bytes, "How much memory those may take, about, in bytes."],
        ["send-buffer", None, Limits.send_buffer, "Size of each connection's send buffer in the kernel, in bytes."],
        [
            "stall",
            None,
            int(Limits.stall_seconds),
            "Seconds without reading anything after which a client is disconnected.",
        ],
    ]
    optFlags: ClassVar = [
        ["no-limits", None, "Remove flood and connection limits: for trusted networks and load tests. [default: off]"],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self["web"] = []
        self["web-name"] = []
        self["trust-proxy"] = []
        self["metrics"] = []
        self["motd-lines"] = []

    def opt_listen(self, endpoint: str) -> None:
        """The ENDPOINT to listen on; may be repeated. [default: tcp:59000:interface=127.0.0.1]"""
        self["listen"].append(endpoint)

    opt_l = opt_listen

    def opt_web(self, endpoint: str) -> None:
        """The same for browsers and curl, or none. [default: tcp:59080:interface=127.0.0.1]"""
        self["web"].append(endpoint)

    def opt_web_name(self, name: str) -> None:
        """A further host NAME of this server, for browsers; may be repeated."""
        self["web-name"].append(name)

    def opt_trust_proxy(self, address: str) -> None:
        """The ADDRESS of a reverse proxy, or unix, whose X-Forwarded-For the server believes; may be repeated."""
        self["trust-proxy"].append(address)

    def opt_metrics(self, endpoint: str) -> None:
        """The ENDPOINT where Prometheus reads /metrics; may be repeated. [default: none]"""
        self["metrics"].append(endpoint)

    def opt_version(self) -> None:
        """Display the versions of twisted_chat and of Twisted, and exit."""
        print(f"twisted_chat {__version__}")  # noqa: T201  # as twistd --version does
        super().opt_version()

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Refuse in one line, where twistd would print the whole help, and on standard output."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise CannotStart(f"{error} (twistd chat --help lists the options)") from None

    def postOptions(self) -> None:
        self["listen"] = self["listen"] or [DEFAULT_LISTEN]
        self["web"] = [endpoint for endpoint in self["web"] or [DEFAULT_WEB] if endpoint != "none"]
        for option in ("listen", "web", "metrics"):
            for endpoint in self[option]:
                try:
                    check(endpoint)
                except ValueError as error:
                    raise usage.UsageError(f"--{option} {endpoint}: {error}") from error
        try:
            self["guard"] = Guard(self["web-name"], self["trust-proxy"])
        except ValueError as error:
            raise usage.UsageError(f"--trust-proxy: {error}; give the address of a proxy, or unix") from error
        self["max-line"] = self._number("max-line", 80)
        self["per-address"] = self._number("per-address", 1)
        self["remember"] = self._number("remember", 20)
        self["remember-bytes"] = self._number("remember-bytes", 4096)
        self["send-buffer"] = self._number("send-buffer", 4096)
        self["stall"] = self._number("stall", 1)
        self["grace"] = self._number("grace", 0)
        self._check_journal()
        if self["motd"] is not None:
            self["motd-lines"] = _read_motd(self["motd"])
        if self.parent is not None and self.parent.get("pidfile"):
            remove_stale_pid_file(Path(self.parent["pidfile"]))

    def _number(self, name: str, least: int) -> int:
        try:
            number = int(self[name])
        except ValueError:
            number = least - 1
        if number < least:
            raise usage.UsageError(f"--{name} {self[name]}: give a number, {least} or more")
        return number

    def _check_journal(self) -> None:
        kind, _colon, path = self["journal"].partition(":")
        if (kind, bool(path)) not in (("sqlite", True), ("memory", False)):
            raise usage.UsageError(f"--journal {self['journal']}: give sqlite:FILE or memory")
        try:
            self["kept"] = Retention() if self["keep"] is None else Retention.parse(self["keep"])
        except ValueError as error:
            raise usage.UsageError(f"--keep {error}") from error

    def make_journal(self, reactor: Any, now: Callable[[], float]) -> Journal:
        """Return the journal that was asked for, not opened yet."""
        kind, _colon, path = self["journal"].partition(":")
        if kind == "memory":
            return MemoryJournal(reactor, now)
        try:
            from .journals.sqlite.sqlite_journal import (
                SqliteJournal,  # only where it is asked for: it needs the file locks of POSIX
            )
        except ImportError as error:
            raise CannotStart(
                "--journal sqlite needs Linux or macOS: give --journal memory, which keeps nothing"
            ) from error
        return SqliteJournal(path, reactor, now, self["kept"])

    def limits(self) -> Limits:
        """Return the limits that were asked for."""
        most = self["per-address"]
        limits = Limits(
            max_line=self["max-line"],
            per_address=most,
            per_private=max(most, Limits.per_private),
            per_loopback=max(most, Limits.per_loopback),
            remembered=self["remember"],
            remembered_bytes=self["remember-bytes"],
            send_buffer=self["send-buffer"],
            stall_seconds=self["stall"],
            grace_seconds=self["grace"],
        )
        return limits.lifted() if self["no-limits"] else limits


def _read_motd(path: str) -> list[str]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return [text.clean(line) for line in file.read(64 * 1024).splitlines()]
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise usage.UsageError(f"--motd {path} cannot be read: {why}; give a text file") from error


class Listening(NamedTuple):
    """One address to listen on."""

    option: str  # that gave it
    written: str  # the string that it was made from
    endpoint: IStreamServerEndpoint
    factory: IProtocolFactory


class ChatService(Service):
    """Listens, and when it stops: tells everyone, delivers what was said, and closes."""

    def __init__(
        self,
        reactor: IReactorCore,
        listening: Sequence[Listening],
        premises: Premises,
        journal: Journal,
        reload: Callable[[], None],
        is_ours: Callable[[str], bool],
        urls: list[str],
    ) -> None:
        """``reload`` reads anew what can be read anew; ``is_ours`` tells whether browsers may use a host name; ``urls``
        is given the addresses at which others reach the page.
        """
        self._reactor = reactor
        self.ports: list[IListeningPort] = []
        self._listening = listening
        self._premises = premises
        self._journal = journal
        self._reload = reload
        self._is_ours = is_ours
        self._urls = urls

    def privilegedStartService(self) -> None:
        """Listen while twistd may still use a port under 1024."""
        super().privilegedStartService()
        self._listen()

    def startService(self) -> None:
        super().startService()
        self._open()
        self._listen()  # twist calls this one only
        self._premises.watchdog.start()

    def stopService(self) -> Deferred[None]:
        """Fires when all is said and everyone is gone: a little over Limits.closing_seconds at the latest."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._premises.watchdog.stop()
        ports, self.ports = self.ports, []
        for port in ports:
            stopped: Deferred[None] | None = port.stopListening()
            if stopped is not None:
                await stopped
        self._premises.is_held = True
        await self._journal.stop()
        await self._premises.close_all()

    def _open(self) -> None:
        """Open the journal: after twistd has become a daemon, since threads do not survive that, or another user."""
        try:
            self._premises.hub.restore(self._journal.open())
        except CannotOpen as error:
            raise CannotStart(f"cannot use the journal: {error}") from error

    def _listen(self) -> None:
        if self.ports:
            return
        Signals(self._reactor, self._reload).take()  # before anything tells that the server is there
        for one in self._listening:
            refused = self._listen_on(one)
            if refused and remove_stale_socket(refused.value):
                refused = self._listen_on(one)
            if refused:
                raise CannotStart(f"cannot listen on {one.written}: {_why(refused, one.option)}")

    def _listen_on(self, one: Listening) -> Failure | None:
        """Listen on one address, or return why that cannot be."""
        refused: list[Failure] = []
        one.endpoint.listen(one.factory).addCallbacks(self._listens, refused.append, callbackArgs=(one,))
        return refused[0] if refused else None

    def _listens(self, port: IListeningPort, one: Listening) -> None:
        self.ports.append(port)
        if one.option == "web":
            self._urls += reached_at(one.written, port, self._is_ours)
        log.info("{words}", words=words(one.option, one.written, port, self._is_ours), where=where(port.getHost()))


def _why(failure: Failure, option: str) -> str:
    error = failure.value
    cause = getattr(error, "socketError", error)  # what is inside a CannotListenError
    if getattr(cause, "errno", None) == EADDRINUSE:
        return "that address is in use: stop what uses it, or give another port with --" + option
    if getattr(cause, "errno", None) == EACCES:
        return "that is not allowed: use a port from 1024 up, or a place that you may write to"
    return f"{getattr(cause, 'strerror', None) or cause}: give another address with --{option}"


def makeService(options: Options) -> IService:
    """Put the server together."""
    from twisted.internet import reactor

    measure_by_monotonic(reactor)  # before anything of ours is scheduled
    _unblock_log(options, reactor)
    limits = options.limits()
    text.prepare()
    journal, scales = _measured(options.make_journal(reactor, wall), options, reactor)
    hub = Hub(journal, limits, reactor.seconds, wall, on_fault)
    premises = Premises(hub, limits, Addresses(limits), reactor, options["motd-lines"])
    factories: dict[str, IProtocolFactory] = {"listen": LineFactory(premises)}
    urls: list[str] = []
    if options["web"]:
        from .doors.web.site import WebPremises  # only where it is asked for: it takes some megabytes

        factories["web"] = WebPremises(premises, options["guard"], urls).listener
    if scales is not None:
        from .doors.ops.metrics import MetricsPremises

        factories["metrics"] = MetricsPremises(scales, premises, options["guard"], __version__).listener
    listening = [
        _listening(reactor, option, written, served)
        for option, served in factories.items()
        for written in options[option]
    ]
    renewing = _renewing(listening, reactor)
    reload = partial(_reload, options, premises, renewing)
    return ChatService(reactor, listening, premises, journal, reload, options["guard"].is_ours, urls)


def _unblock_log(options: Options, reactor: IReactorCore) -> None:
    """Let nothing wait for whoever reads the log, where that goes to standard output or, by twist, to standard error.

    twistd and twist begin to log only after this, and ask then for ``sys.stdout`` and for their own option. A daemon
    logs into a file.
    """
    runner: dict[str, Any] = options.parent or {}
    file = runner.get("logFile", sys.stdout if runner.get("nodaemon") else None)
    if file is None or file not in (sys.stdout, sys.stderr):
        return
    try:
        unblocked = Unblocked(file)
    except (OSError, ValueError):  # it is closed, or over no descriptor
        return
    if "logFile" in runner:
        runner["logFile"] = unblocked
    else:
        sys.stdout = unblocked
    reactor.addSystemEventTrigger("after", "shutdown", unblocked.end)


def _renewing(listening: Sequence[Listening], reactor: Any) -> list[Renewing]:
    """Let the TLS endpoints take renewed certificates, and return what does so."""
    over_tls = [one for one in listening if one.written.removeprefix(PREFIX).startswith(("ssl:", "tls:"))]
    if not over_tls:
        return []
    from .certificates import renew  # only where it is asked for: it needs OpenSSL

    return [renew(one.endpoint, one.written.removeprefix(PREFIX), reactor) for one in over_tls]


def _reload(options: Options, premises: Premises, renewing: Sequence[Renewing]) -> None:
    """Take the certificates and the words for those who come in as they are on the disk now."""
    for one in renewing:
        one.look()
    try:
        if options["motd"] is not None:
            premises.motd = _read_motd(options["motd"])
    except usage.UsageError as error:
        log.warn("{why}; the one before is shown", why=str(error))
    else:
        log.info("certificates and --motd are read anew; all other options need a restart")


def _listening(reactor: Any, option: str, written: str, factory: IProtocolFactory) -> Listening:
    inner = written.removeprefix(PREFIX)
    if inner != written:
        factory = ProxiedFactory(factory, reactor)
    return Listening(option, written, serverFromString(reactor, inner), factory)


def _measured(journal: Journal, options: Options, reactor: Any) -> tuple[Journal, Scales | None]:
    """Let a journal be measured, if anybody asks for that: otherwise nothing stands between it and the hub."""
    if not options["metrics"]:
        return journal, None
    from .doors.ops.metrics import Scales  # only where it is asked for: it needs prometheus_client

    scales = Scales(reactor)
    return MeasuredJournal(journal, monotonic, scales.commits, scales.deliveries), scales


def on_fault(faulty: Faulty | None) -> None:
    """Log a fault of ours, and drop the one person whom it concerns."""
    log.failure("fault in the hub; it concerns {alias}", alias=faulty.alias if faulty else "nobody in particular")
    if faulty is not None:
        faulty.drop()
