"""The options of ``twistd chat``: its own, and those that the doors and the journals bring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.logger import Logger
from twisted.python import usage

from . import __version__
from .core import text
from .core.errors import CannotOpen
from .core.limits import Limits
from .core.ports import Journal
from .doors.base_door import BaseDoor
from .doors.overheard import PrivateNetworks
from .doors.table import DOORS
from .endpoints import check
from .journals.journal_kind import JournalKind
from .journals.table import JOURNALS
from .stale import remove_stale_pid_file

if TYPE_CHECKING:  # at run time it is imported only for TLS: it needs OpenSSL
    from .certificates import RenewingPort

log = Logger()


class CannotStart(SystemExit, Exception):
    """A refused start: one line on standard error that says what to change, and exit status 1.

    It has two bases because twistd removes its pid file, and reports the reason to the parent of a daemon, only for an
    Exception, and Python omits the traceback only for a SystemExit. ``sys.stderr`` is twistd's log by now.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.code = 1
        log.error("{why}", why=why)  # twistd points the user of a daemon to the log
        if sys.__stderr__ is not None:
            print(f"twistd chat: {why}", file=sys.__stderr__)


class ServerOptions(usage.Options):
    """The options of ``twistd chat`` except those of doors and journals, which ``options_for`` adds."""

    doors: ClassVar[Sequence[type[BaseDoor]]]
    journals: ClassVar[Sequence[type[JournalKind]]]

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
            "tls",
            None,
            None,
            "A file with a certificate and its key, in PEM format, for TLS on the ports of --listen. [default: none]",
        ],
        ["tls-key", None, None, "The file with that key, if it is another one. [default: that of --tls]"],
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
        self["motd-lines"] = []
        self["private-net"] = []
        for door in self.doors:
            self.update({name: [] for name in (door.option, *door.lists)})

    def opt_private_net(self, network: str) -> None:
        """A NETWORK, such as 192.168.1.0/24, on which passwords may go without TLS; may be repeated. [default: none]"""
        try:
            PrivateNetworks([network])
        except ValueError:
            raise usage.UsageError(f"--private-net {network}: give a network, such as 192.168.1.0/24") from None
        self["private-net"].append(network)

    def opt_version(self) -> None:
        """Display the versions of twisted_chat and of Twisted, and exit."""
        print(f"twisted_chat {__version__}")  # noqa: T201  # as twistd --version does
        super().opt_version()

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Report a wrong option in one line: twistd would print the whole help, on standard output."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise CannotStart(f"{error} (twistd chat --help lists the options)") from None

    def postOptions(self) -> None:
        self.made = self._made_doors()
        self.opened = [made for made in self.made if self[made.option]]
        self.tls = self._made_tls()
        self["max-line"] = self._number("max-line", 80)
        self["per-address"] = self._number("per-address", 1)
        self["remember"] = self._number("remember", 20)
        self["remember-bytes"] = self._number("remember-bytes", 4096)
        self["send-buffer"] = self._number("send-buffer", 4096)
        self["stall"] = self._number("stall", 1)
        self["grace"] = self._number("grace", 0)
        self._journal = self._made_journal()
        self["journal-file"] = self.journal_file
        if self["motd"] is not None:
            self["motd-lines"] = read_motd(self["motd"])
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

    def _made_doors(self) -> list[BaseDoor]:
        shut = set()
        for door in self.doors:
            given = self[door.option] or ([door.default] if door.default else [])
            self[door.option] = [endpoint for endpoint in given if not (door.may_be_none and endpoint == "none")]
            if door.may_be_none and given and not self[door.option]:
                shut.add(door)
            for endpoint in self[door.option]:
                try:
                    check(endpoint)
                except ValueError as error:
                    raise usage.UsageError(f"--{door.option} {endpoint}: {error}") from error
        made = [door(self) for door in self.doors]
        for one in made:
            one.is_shut = type(one) in shut
        return made

    def _made_tls(self) -> RenewingPort | None:
        """Return the maker of TLS connections with the certificate that was given."""
        certificate, key = self["tls"], self["tls-key"]
        if certificate is None:
            if key is not None:
                raise usage.UsageError("--tls-key: give the certificate too, with --tls")
            return None
        from .certificates import RenewingPort  # only for TLS: it needs OpenSSL

        try:
            return RenewingPort(certificate, key or certificate)
        except ValueError as error:
            raise usage.UsageError(f"--tls {certificate}: {error}") from error

    def _made_journal(self) -> JournalKind:
        name, _colon, where = self["journal"].partition(":")
        for kind in self.journals:
            if name == kind.name and bool(where) == (":" in kind.written):
                return kind(where, self)
        known = " or ".join(kind.written for kind in self.journals)
        raise usage.UsageError(f"--journal {self['journal']}: give {known}")

    @property
    def journal_file(self) -> str:
        """The path of the journal's file; empty if it has none."""
        return self._journal.file

    def make_journal(self, reactor: Any, now: Callable[[], float]) -> Journal:
        """Return the journal, not opened yet."""
        try:
            return self._journal.make(reactor, now)
        except CannotOpen as error:
            raise CannotStart(str(error)) from error

    def limits(self) -> Limits:
        """Return the limits."""
        per_address = self["per-address"]
        limits = Limits(
            max_line=self["max-line"],
            per_address=per_address,
            per_private=max(per_address, Limits.per_private),
            per_loopback=max(per_address, Limits.per_loopback),
            remembered=self["remember"],
            remembered_bytes=self["remember-bytes"],
            send_buffer=self["send-buffer"],
            stall_seconds=self["stall"],
            grace_seconds=self["grace"],
        )
        return limits.lifted() if self["no-limits"] else limits


def read_motd(path: str) -> list[str]:
    """Return the lines of the message of the day.

    Raises: usage.UsageError.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            return [text.clean(line) for line in file.read(64 * 1024).splitlines()]
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise usage.UsageError(f"--motd {path} cannot be read: {why}; give a text file") from error


def options_for(doors: Sequence[type[BaseDoor]], journals: Sequence[type[JournalKind]]) -> type[ServerOptions]:
    """Return the class of the options of a server with these doors and journals; the first journal is the default."""
    places = ", or ".join(f"{kind.written}{kind.note}" for kind in journals)
    members: dict[str, Any] = {"doors": doors, "journals": journals}
    members["optParameters"] = [
        ["journal", None, journals[0].default, f"Where events are kept: {places}."],
        *(parameter for kind in journals for parameter in kind.parameters),
    ]
    for door in doors:
        help_text = f"{door.help} [default: {door.default or 'none'}]"
        for name, words in {door.option: help_text, **door.lists}.items():
            members[f"opt_{name.replace('-', '_')}"] = _repeatable(name, words)
        if door.short:
            members[f"opt_{door.short}"] = members[f"opt_{door.option}"]
    return type("Options", (ServerOptions,), members)


def _repeatable(name: str, words: str) -> Callable[[ServerOptions, str], None]:
    """Return the method by which usage.Options takes an option that may be repeated; its docstring is the help."""

    def take(options: ServerOptions, value: str) -> None:
        options[name].append(value)

    take.__doc__ = words
    return take


Options = options_for(DOORS, JOURNALS)
