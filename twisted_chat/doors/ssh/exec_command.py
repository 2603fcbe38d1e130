"""One slash command, ``ssh host rooms``: the answer on standard output, a refusal on standard error, an exit status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...core.days import Day
from ...core.errors import ChatError
from ...core.events import NOTICED, Event
from ...core.reader import LIVE
from ...core.session import Ask
from ...requests import table
from ...wire.plain import PlainView
from ..splitter import END
from .channel import SessionChannel, SshTerminal
from .connection import SshConnection, own_chat
from .exec_say import words_of

_IDENT = "ssh/1"  # of the only request


@dataclass(frozen=True)
class SilentView(PlainView):
    """The view until the command runs: nothing of how its author comes in is part of the answer."""

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return b""

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        return [b""] * len(events)


@dataclass(frozen=True)
class AnswerView(PlainView):
    """The view of a command's answer: the server's words, and events of the past; refusals go to standard error."""

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return super().encode([event for event in events if event.kind == NOTICED], bell)

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        return PlainView().encode_again(events, ident, day)

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        return [self.encode([event]) for event in events]


class ExecCommand(SshConnection):
    """The connection of one command. Its author comes in without a room, so nobody sees them come and go."""

    _talk: ExecTalk

    def __init__(self, channel: SessionChannel, line: str) -> None:
        """``line``: the command, with its slash."""
        super().__init__(channel)
        self._line = line

    def begin(self) -> None:
        self._begin_on_channel(SilentView())
        self._talk = ExecTalk(self, self._line, self._finish)
        self._guarded(self._talk.begin)
        self.wake()

    def received(self, data: bytes) -> None:
        """Drop the input: a command takes none."""

    def input_ended(self) -> None:
        """Do nothing: the answer follows all the same."""

    def resized(self, terminal: SshTerminal) -> None:
        """Do nothing: the answer has lines of any length."""

    def _finish(self, error: ChatError | None) -> None:
        if error is not None:
            self._outbox.status = 1
            self._channel.write_error(words_of(error))
        self.premises.hub.leave_all(self.session, "")


class ExecTalk:
    """The steps of one command: the claim, the request, and the end, once all of its answer is written."""

    takes_while_behind = False

    def __init__(self, connection: ExecCommand, line: str, on_done: Callable[[ChatError | None], None]) -> None:
        self._connection = connection
        self._hub = connection.premises.hub
        self._line = line
        self._on_done = on_done
        self._ask: Ask | None = None  # of the claim, and then of the request
        self._has_asked = False
        self._is_over = False
        self.is_busy = True

    def begin(self) -> None:
        """Claim the alias."""
        session = self._connection.session
        ask = self._ask = Ask(session, _IDENT, lambda _ask: None)
        caller, premises = self._connection.caller, self._connection.premises
        premises.visits.give_way(caller.user, self._connection.host, caller.fingerprint)
        own = own_chat(premises, caller)
        try:
            self._hub.claim(ask, caller.user, rooms=(), beside=own.session.id if own is not None else 0)
        except ChatError as error:
            self._end(error)

    def go_on(self) -> None:
        """Called when all earlier steps have happened."""
        session, ask = self._connection.session, self._ask
        if self._is_over or ask is None or not session.may(posts=False):
            return
        if ask.error is not None or not session.alias:
            self._end(ask.error or ChatError(f"{self._connection.caller.user} is taken: choose another alias"))
        elif not self._has_asked:
            self._run()
        elif session.reader is None or session.reader.state == LIVE:
            self._end(None)

    def _run(self) -> None:
        session = self._connection.session
        self._has_asked = True
        self._hub.listen(session, session.ear._replace(view=AnswerView()))
        ask = self._ask = Ask(session, _IDENT, lambda _ask: None)
        try:
            table.obey(self._hub, ask, table.parse(self._line))
        except ChatError as error:
            self._end(error)
        else:
            self._connection.wake()

    def _end(self, error: ChatError | None) -> None:
        self._is_over = True
        self.is_busy = False
        self._on_done(error)

    # -- what a connection asks of any talk

    def take(self, most: int) -> int:
        """Take the end of the input, when the connection is lost: leave."""
        waiting = self._connection._waiting
        is_end = END in waiting
        waiting.clear()
        if is_end:
            self._hub.leave_all(self._connection.session, "")
        return 1

    def entered(self) -> None:
        """Do nothing: nobody is greeted."""

    def stop(self) -> None:
        """Do nothing: the request is done all the same."""

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Refuse to ask for a secret.

        Raises: ChatError.
        """
        raise ChatError("a command by ssh cannot ask for a secret: use a terminal, as in ssh -t host")

    def renewed(self) -> None:
        """Called before another session begins on this connection, which no command here does."""
