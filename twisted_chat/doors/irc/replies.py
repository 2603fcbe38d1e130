"""The replies to one IRC client: numerics, notices, and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from ...core.errors import ChatError
from ...core.hub import Hub
from ...core.ports import Door
from ...core.session import Session
from ...wire import irc
from ...wire.irc import Message
from ...wire.irc_view import source
from .numerics import IrcRefused, Numeric
from .premises import IrcPremises
from .refusals import numeric_for

if TYPE_CHECKING:
    from .talk import IrcTalk

KIND: Final = "irc"  # of the connections, as they are counted


class TalkConnection(Door, Protocol):
    """An IRC client's connection."""

    session: Session

    @property
    def talk(self) -> IrcTalk:
        """Return the talk with the client."""

    def may_try_again(self) -> bool:
        """Count a claim that failed; close the connection, and return False, after too many."""

    def goodbye(self, words: str, linger: bool = True) -> None:
        """Send the reason why the connection ends, and end it."""


class Replies:
    """Writes to one client. All but events goes through ``write``."""

    __slots__ = ("_command", "_connection", "caps", "premises", "written")

    def __init__(self, premises: IrcPremises, connection: TalkConnection) -> None:
        self.premises = premises
        self.caps = premises.shared(())  # that the client has asked for
        self._connection = connection
        self._command = ""  # that is being obeyed
        self.written = 0  # bytes of answers that the limits on its lines do not count yet

    @property
    def hub(self) -> Hub:
        return self.premises.hub

    @property
    def session(self) -> Session:
        return self._connection.session

    @property
    def nick(self) -> str:
        """Their alias, as replies have it: ``*`` before the registration."""
        return self.session.alias or "*"

    @property
    def prefix(self) -> str:
        """The source of their own messages, as all others see it."""
        return source(self.nick)

    def reply(self, numeric: Numeric, *parameters: str) -> None:
        """Send a numeric; its own text, if it has one, comes last."""
        if numeric.text:
            parameters = (*parameters, numeric.text)
        self.send(numeric.code, self.nick, *parameters)

    def send(self, command: str, *parameters: str) -> None:
        """Send a message from the server."""
        self._send(Message(command, parameters, self.premises.name), is_text=len(parameters) > 2)

    def write(self, data: bytes) -> None:
        """Send bytes: the only way of all answers, but for events."""
        self.written += len(data)
        self.session.write(data)

    def pass_on(self, data: bytes) -> None:
        """Send what another client does and nobody keeps; a client that does not read misses it."""
        if not self.session.is_behind:
            self.session.write(data)

    def cap(self, subcommand: str, *parameters: str) -> None:
        """Send an answer of capability negotiation."""
        self._send(Message("CAP", (self.nick, subcommand, *parameters), self.premises.name))

    def notice(self, words: str) -> None:
        """Send some words of the server's to the person."""
        self._send(Message("NOTICE", (self.nick, words), self.premises.name))

    def fail(self, command: str, code: str, *context: str, words: str) -> None:
        """Refuse a message as the specification of its command has it (ircv3.net/specs/extensions/standard-replies).

        That needs no capability: ``standard-replies`` is for all other refusals.
        """
        self._send(Message("FAIL", (command or "*", code, *context, words), self.premises.name))

    def refuse(self, error: ChatError, about: str = "") -> None:
        """Answer with the reason why a message is refused; ``about``: the room or nick concerned.

        A NOTICE gets no such answer, so that two programs do not go on answering each other.
        """
        if self._command == "NOTICE":
            return
        refusal = numeric_for(error, self._command)
        if refusal is None and "standard-replies" in self.caps:
            self.fail(self._command, error.code.upper(), words=str(error))
        elif refusal is None:
            self.notice(str(error))
        elif refusal.is_about:
            self.reply(refusal.numeric, about or "*")
        else:
            self.reply(refusal.numeric)

    @contextmanager
    def answering(self, about: str = "") -> Iterator[None]:
        """Answer each refusal that is raised within, and go on: for messages with several targets."""
        try:
            yield
        except IrcRefused as refused:
            if self._command != "NOTICE":
                self.reply(refused.numeric, *refused.parameters)
        except ChatError as error:
            self.refuse(error, about)

    def _send(self, message: Message, is_text: bool = True) -> None:
        data = irc.serialise(message, is_text)
        self.write(data if len(data) <= irc.MAX_MESSAGE else irc.serialise(irc.shortened(message), is_text))

    def refuse_nick(self, error: ChatError, nick: str = "") -> None:
        """Refuse a nick, and count the try."""
        self.refuse(error, nick)
        self.count_failure()

    def count_failure(self) -> None:
        """Count a nick or a secret that was refused; after too many from the address the connection ends."""
        self._connection.may_try_again()
