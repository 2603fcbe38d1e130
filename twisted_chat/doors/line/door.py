"""The line door: telnet, netcat, the bundled client, and every other program that sends lines of text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from twisted.internet.interfaces import (
    IAddress,
    IProtocolFactory,
    IProtocolNegotiationFactory,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from ...core.events import REFUSED, Event
from ...core.person import Person
from ...wire.plain import PROMPT, PlainView
from ..base_door import BaseDoor
from ..delays import cancel
from ..outbox import outbox_for
from ..person_talk import PersonTalk
from ..premises import Premises
from ..program_talk import LONGER, ProgramTalk
from ..socket_options import set_socket_options
from ..splitter import END, LineSplitter
from ..way import PortCertificate, Way
from . import lab
from .first_words import FirstWords, OtherDoor
from .newcomer import Newcomer
from .refuser import Refuser
from .telnet import IAC_BYTE, TelnetFilter
from .tls import TlsHello

WRONG_PROTOCOL = "this port speaks plain text: connect with telnet, nc or twisted-chat"

_OTHER_PROTOCOLS = re.compile(rb"SSH-\d|[A-Z]{3,8} \S+ (HTTP|RTSP|SIP)/\d|(EHLO|HELO) \S")  # which no door speaks


class LineChat(Newcomer, LineReceiver):
    """One person's connection: lines in, encoded events out."""

    factory: LineFactory
    transport: ITCPTransport  # or what Twisted puts in its place: TLS, a UNIX socket

    def __init__(self, premises: Premises, address: IAddress, words: FirstWords) -> None:
        super().__init__(premises, address, words)
        self._lab_prefix = b""
        self._hides = False  # the peer's terminal does not show the typed characters

    @property
    def kind(self) -> str:
        return "line" if isinstance(self._talk, PersonTalk) else "program"

    # -- what Twisted calls

    def connectionMade(self) -> None:
        clock, limits = self.premises.clock, self.premises.limits
        self._begin(outbox_for(self.transport, clock, limits, self.drained, self.stalled), PlainView(), is_logged=False)
        self._talk = PersonTalk(self, self._waiting)
        self._telnet = TelnetFilter(self.session.write)
        self._splitter = LineSplitter(limits.max_line)
        set_socket_options(self.transport, limits)
        self._listen()

    def dataReceived(self, data: bytes, came_whole: bool = False) -> None:
        """Split here, not in LineReceiver: it has one fixed delimiter, but netcat ends lines with LF and telnets in
        three other ways, and it drops the good lines that follow an over-long one in the same packet.
        """
        if self._outbox.is_closed or not data:
            return
        if self._words is not None:
            self._guarded(partial(self._hear, data))
            return
        self.premises.hub.traffic.bytes_in += len(data)
        try:
            wait = self.session.pace.take_bytes(len(data), self.premises.clock.seconds())
            if self._lab_prefix or not self.session.alias:
                self._take(data, came_whole)
            else:
                if self._telnet.is_within or IAC_BYTE in data:
                    data = self._telnet.feed(data)
                self._waiting += self._splitter.feed(data)  # as lineReceived does, all at once
            if wait and not self._outbox.is_closed:
                self._slow_down(wait)
            self.wake()
        except Exception:
            self._fault()

    def lineReceived(self, line: bytes) -> None:
        """Queue one received line, without its end."""
        if self._outbox.is_closed:
            return  # for example lines after another protocol's first
        if not self.session.alias and _OTHER_PROTOCOLS.match(line):
            self._wrong_protocol()
        else:
            self._waiting.append(line)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        if self._lab_prefix:
            self._end_open_line()
        self._end()
        self.premises.leave(self.address)

    # -- what we call

    def _take(self, data: bytes, came_whole: bool) -> None:
        """Take a chunk of a peer without an alias yet, or of the lab's own client.

        ``came_whole``: all the first bytes are in this chunk.
        """
        cancel(self._quiet)
        if came_whole and data.startswith(b"{"):
            self._talk = ProgramTalk(self, self._waiting)
            self._splitter.max_line *= LONGER
        data = self._telnet.feed(data)
        if self._lab_prefix:
            self._take_from_lab(data)
        else:
            self._split(data)
            may_be_lab = came_whole and isinstance(self._talk, PersonTalk) and not self._telnet.spoken
            if may_be_lab and lab.is_alias(data) and self._splitter.pending == data:
                self._quiet = self.premises.clock.callLater(lab.QUIET_SECONDS, self._lab_alias)

    def _split(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            self.lineReceived(line)

    def _take_the_rest(self) -> None:
        self._is_ours()
        cancel(self._quiet)
        self._end_open_line()
        self._waiting.append(END)
        self.wake()

    def _take_from_lab(self, data: bytes) -> None:
        if data.startswith(self._lab_prefix):
            self._end_open_line()
        self._split(data)
        self._quiet = self.premises.clock.callLater(lab.QUIET_SECONDS, self._lab_is_quiet)

    def _lab_is_quiet(self) -> None:
        self._quiet = None
        self._end_open_line()
        self.wake()

    def _end_open_line(self) -> None:
        line = self._splitter.take()
        if line:
            self.lineReceived(line.removeprefix(self._lab_prefix))

    def _lab_alias(self) -> None:
        self._quiet = None
        self._guarded(self._take_lab_alias)

    def _take_lab_alias(self) -> None:
        alias = self._splitter.take()
        self._lab_prefix = lab.prefix(alias)
        self._splitter.max_line += len(self._lab_prefix)
        if not isinstance(self._outbox, lab.LabOutbox):
            self._outbox = lab.LabOutbox(self._outbox, self.premises.clock)
            assert self.session.reader is not None, "a connection has a reader"
            self.session.reader.outbox = self._outbox
        self.lineReceived(alias)
        self.wake()

    def prompt(self) -> None:
        if not self._lab_prefix:
            self._outbox.send(PROMPT)

    def claims(self) -> None:
        if self._speaks_telnet:
            ear = self.session.ear
            self.premises.hub.listen(self.session, ear._replace(view=PlainView(eol="\r\n")))

    @property
    def _speaks_telnet(self) -> bool:
        """True if the peer has sent a telnet command, or ends its lines as RFC 854 asks."""
        return self._telnet.spoken or self._splitter.saw_cr

    @property
    def can_ask(self) -> bool:
        return not self._lab_prefix

    def prompt_for_secret(self, prompt: str) -> None:
        self._hides = self._speaks_telnet
        self.session.write((self._telnet.hide() if self._hides else b"") + prompt.encode())

    def secret_read(self) -> None:
        if self._hides:
            self._hides = False
            self.session.write(self._telnet.show() + b"\r\n")

    def drop_unfinished(self) -> bool:
        return self._splitter.drop()

    def _wrong_protocol(self) -> None:
        self.session.send([Event(REFUSED, text=WRONG_PROTOCOL)])
        self._close()


@implementer(IProtocolNegotiationFactory)
class LineFactory(Factory):
    """The factory of a line door's connections, which share the premises."""

    noisy = False

    def __init__(self, premises: Premises, doors: Sequence[OtherDoor] = (), tls: Any = None) -> None:
        """``doors``: those that take their own clients over; ``tls``: the maker of TLS connections, if there is one."""
        self.premises = premises
        within = partial(self._made, doors)
        self._doors: Sequence[OtherDoor] = [*doors, TlsHello(tls, within, premises.clock)]
        self._patient: set[Refuser] = set()  # refused connections whose first words are awaited
        premises.counts.append(partial(premises.of_kinds, *LineDoor.kinds))

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols over TLS: without them, Twisted would refuse clients that ask for one (RFC 7301)."""
        return [b"http/1.1", b"irc"]

    @property
    def aliases(self) -> dict[str, Person]:
        """Return the people who are here, by the key of their alias: the hub's own table."""
        return self.premises.hub.aliases

    def buildProtocol(self, address: IAddress) -> Protocol:  # type: ignore[override]  # servers always know it
        refusal = self.premises.enter(address)
        if refusal:
            return Refuser(self.premises, refusal, FirstWords(self._doors), self._patient)
        return self._made(self._doors, address)

    def _made(self, doors: Sequence[OtherDoor], address: IAddress) -> LineChat:
        """Return the protocol of a connection that the premises have counted."""
        connection = LineChat(self.premises, address, FirstWords(doors))
        connection.factory = self
        return connection


class LineDoor(BaseDoor):
    """The line door in the table of doors."""

    option: ClassVar = "listen"
    short: ClassVar = "l"
    help: ClassVar = "The ENDPOINT to listen on; may be repeated."
    default: ClassVar = "tcp:59000:interface=127.0.0.1"  # the lab's port
    kinds: ClassVar = ("line", "program")
    place: ClassVar = "listening on {}"
    over_unix: ClassVar = "connect with: nc -U {}"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._doors: Sequence[BaseDoor] = ()
        self._tls: PortCertificate | None = None

    def meet(self, doors: Sequence[BaseDoor], tls: PortCertificate | None) -> None:
        self._doors, self._tls = [door for door in doors if door is not self], tls

    def open(self, premises: Premises) -> IProtocolFactory:
        return LineFactory(premises, self._doors, self._tls)

    def over_tcp(self, place: str, way: Way) -> str:
        to, apart = shlex.quote(way.to), f"{way.host} {way.port}"
        certificate = way.certificate
        if certificate is None:
            words = f"{place}; connect with: telnet {apart}, nc {apart} or twisted-chat {to}"
            return words if self._tls is None else f"{words}; over TLS: {_over_tls(way, self._tls)}"
        return f"{place}; connect with: {_over_tls(way, certificate)}"


def _over_tls(way: Way, certificate: PortCertificate) -> str:
    """Return the commands that connect over TLS."""
    to, client = shlex.quote(way.to), ""
    if way.host in certificate.hosts:
        trust = f"--ca {shlex.quote(certificate.path)}" if certificate.is_self_signed else "--tls"
        client = f"twisted-chat {to} {trust}, "
    return f"{client}ncat --ssl {way.host} {way.port} or openssl s_client -quiet -connect {to}"
